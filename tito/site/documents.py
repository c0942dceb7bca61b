"""The documents of the repository as pages of the site, with links that lead to pages."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tito.course import Course
from tito.site.headings import demoted

# Where each document of the repository is on the site.
PAGES = {
    "docs/students.md": "students",
    "docs/instructors.md": "instructors",
    "docs/taking-it-up.md": "taking-it-up",
    "docs/grading.md": "grading",
    "docs/marking.md": "marking",
    "docs/lms.md": "lms",
    "docs/library.md": "library",
    "docs/compiled-steps.md": "compiled-steps",
    "docs/graph.md": "graph",
    "docs/audit.md": "audit",
    "docs/abuses.md": "abuses",
    "docs/glossary.md": "glossary",
    "benchmarks/README.md": "benchmarks",
    "source/README.md": "writing",
    "tito/sandbox/README.md": "sandbox",
    "tinytorch/datasets/LICENCES.md": "data",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
    "CHANGELOG.md": "changes",
}
LINK = (
    r"(?P<mark>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]"
    r"\((?!https?:|mailto:)(?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)"
)
# The audit quotes lines of solutions there.
SECRET_SECTION = re.compile(r"^#+ [^\n]*: mutants that are no mistakes\n.*?(?=^#|\Z)", re.M | re.S)
CODE = r"^```.*?^```[^\n]*$|``[^\n]+?``|`[^`\n]+`"
CODE_OR_LINK = re.compile(rf"(?P<code>{CODE})|{LINK}", re.M | re.S)


@dataclass(frozen=True)
class Site:
    """Which file of the repository is which page, and the pictures that pages need.

    Attributes
    ----------
    course : Course
        With sources.
    pages : dict
        The names of pages, by the path of the file in the repository.
    """

    course: Course
    pages: dict[str, str]

    @classmethod
    def of(cls, course: Course) -> Site:
        """All pages that are made from files of a course."""
        pages = {path: name for path, name in PAGES.items() if (course.root / path).exists()}
        for module in course.modules():
            folder, name = f"source/{module.folder}", module.name
            pages[f"{folder}/{module.source.name}"] = f"lessons/{module.folder}"
            pages[f"{folder}/README.md"] = f"cards/{module.folder}"
            pages[f"tinytorch/core/{name}.py"] = f"reference/{name}"
        return cls(course, pages)

    def page_of(self, document: str, pictures: set[str]) -> str:
        """The text of a document with its links leading to pages.

        Parameters
        ----------
        document : str
            Its path in the repository.
        pictures : set of str
            Gets the paths of the pictures in it.
        """
        text = (self.course.root / document).read_text(encoding="utf-8")
        text = SECRET_SECTION.sub("", demoted(text, False)[0])
        return self.linked(text, document, self.pages[document], pictures)

    def linked(self, text: str, document: str, page: str, pictures: set[str]) -> str:
        """Markdown with links from a document to files turned into links from a page to pages."""

        def link(found: re.Match) -> str:
            mark, words, target, anchor = found["mark"], *found.group("words", "target", "anchor")
            if found["code"] or not target:
                return found[0]
            path = os.path.normpath(PurePosixPath(document).parent / target)
            if mark:
                pictures.add(path)
                return f"![{words}]({_up(page)}pictures/{path})"
            if path in self.pages:
                return f"[{words}]({_up(page)}{self.pages[path]}{_suffix(path)}{anchor or ''})"
            return words if words.strip("`") == path else f"{words} (`{path}`)"

        return CODE_OR_LINK.sub(link, text)


def _up(page: str) -> str:
    """From a page to the top of the site."""
    return "../" * page.count("/")


def _suffix(path: str) -> str:
    return ".ipynb" if path.endswith("_dev.py") else ".md"


def card_page(site: Site, document: str, pictures: set[str]) -> str:
    """A module's card; its title says which it is of, so that it is not the lesson's."""
    title, _, rest = site.page_of(document, pictures).partition("\n")
    name = title.removeprefix("#").strip()
    return f"---\norphan: true\n---\n\n# About {name[0].lower()}{name[1:]}\n{rest}"


def citation_page(course: Course) -> str:
    """How to cite, from CITATION.cff."""
    import yaml

    text = (course.root / "CITATION.cff").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    authors = " and ".join(author.get("name", "") for author in data["authors"])
    entry = (
        f"@software{{tinytorch,\n  title = {{{data['title']}}},\n  author = {{{{{authors}}}}},\n"
        f"  version = {{{data['version']}}}\n}}"
    )
    return (
        f"# How to cite\n\n{data['message']}\n\n> {authors}. *{data['title']}*. "
        f"Version {data['version']}.\n\nFor BibTeX:\n\n```bibtex\n{entry}\n```\n\n"
        f"The same as `CITATION.cff`, which citation managers read:\n\n```yaml\n{text}```\n"
    )


def copy_pictures(course: Course, pictures: set[str], folder: Path) -> None:
    """Put the pictures of the documents where their pages look for them."""
    import shutil

    for path in sorted(pictures):
        target = folder / "pictures" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(course.root / path, target)
