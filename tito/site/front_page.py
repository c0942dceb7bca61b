"""The first page: what the course is, in one screen, and the way to everything else."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from html import escape

from tito.course import Course
from tito.notebook.exercises import MILESTONES
from tito.site.module_map import module_map
from tito.site.pictures import is_figure, with_files
from tito.site.run_lessons import Run
from tito.source.percent import read_source

CHECK, CHECK_DARK = "docs/images/check-block.png", "docs/images/check-block-dark.png"
GRAPH = "docs/images/graph-expression.svg"
WORDS = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")

TEXT = """# TinyTorch

:::::{{container}} front

::::{{container}} what

**Build a deep-learning framework yourself.** You fill in notebook cells, and get a small
framework on numpy: tensors, layers, automatic differentiation, training. Each exercise has a check
that tells you at once what is wrong, and every lesson uses what you wrote before.

```text
{commands}
```

You need Python 3.11 or newer and a clone of the repository. The first call installs the rest.

{ways}
::::

{pictures}

:::::

## The modules

<div class="map" tabindex="0">{map}</div>

Each lesson here has been run: you see the figures and numbers that your own code will give; only
measured times will be others. The solutions are not here. They are yours to write.

{milestones}

{toctrees}
"""
WAYS = {
    "students": "I take the course",
    "instructors": "I teach it",
    "library": "I want the library",
}
IN_BROWSER = '<a href="lite/lab/index.html">I want to try it in this browser</a>'
TREES = {
    "Take the course": ("students", "lessons/*", "glossary"),
    "Teach it": ("instructors", "taking-it-up", "grading", "marking", "lms", "writing", "sandbox"),
    "The library": ("library", "reference/index", "compiled-steps", "graph", "benchmarks", "data"),
    "Can it be trusted?": ("audit", "abuses"),
    "About": ("citing", "changes", "contributing", "security"),
}


def front_page(
    course: Course,
    runs: Sequence[Run],
    pages: Collection[str],
    files: dict[str, bytes],
    pictures: set[str],
    lite: bool = False,
) -> str:
    """The text of the first page.

    Parameters
    ----------
    course : Course
        With sources.
    runs : sequence of Run
        Of all modules, from which the figures of the milestones come.
    pages : collection of str
        The files of all other pages, which it leads to.
    files, pictures
        Get the figures, and the paths of the pictures of the repository.
    lite : bool
        Whether there is a JupyterLite in the folder ``lite``.
    """
    shown = milestones(runs, files)
    return TEXT.format(
        ways=" · ".join(_ways(pages, lite)),
        commands="\n\n".join(_commands(course)),
        pictures=_pictures(course, pictures),
        map=module_map(course.modules()),
        milestones=f"## Milestones\n\n{shown}" if shown else "",
        toctrees="\n".join(_toctrees(pages)),
    )


def _ways(pages: Collection[str], lite: bool) -> list[str]:
    """Links to where each kind of reader goes on."""
    there = [page for page in WAYS if f"{page}.md" in pages]
    ways = [f"{{doc}}`{WAYS[page]} <{page}>`" for page in there]
    return [*ways, IN_BROWSER] if lite else ways


def _commands(course: Course) -> list[str]:
    """The commands at the top of the README."""
    readme = course.root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    block = re.search(r"```\n(.*?)```", text, flags=re.S)
    lines = block[1].splitlines() if block else ["python bin/tito.py start"]
    pairs = [re.split(r"\s+#\s+", line, maxsplit=1) for line in lines]
    return [f"# {comment[0]}\n{command}" if comment else command for command, *comment in pairs]


def _pictures(course: Course, pictures: set[str]) -> str:
    """The picture of a check and that of a graph, with the words that the documents have for it."""
    words = {}
    for name in ("README.md", "docs/graph.md"):
        path = course.root / name
        for alt, target in WORDS.findall(path.read_text(encoding="utf-8") if path.exists() else ""):
            words[f"docs/images/{target.rpartition('/')[2]}"] = alt
    parts = ["::::{container} seen"]
    for path, look in ((CHECK, "only-light"), (CHECK_DARK, "only-dark"), (GRAPH, "graph")):
        if (course.root / path).exists():
            pictures.add(path)
            alt = words.get(path, words.get(CHECK, "A check"))
            parts.append(f"```{{image}} pictures/{path}\n:alt: {alt}\n:class: {look}\n```")
    return "\n\n".join([*parts, "::::"]) if parts[1:] else ""


def milestones(runs: Sequence[Run], files: dict[str, bytes]) -> str:
    """A figure for each milestone: the first that is shown after its checks."""
    parts = []
    for run in runs:
        name = ""
        for cell in read_source(run.module):
            name = cell.milestone or name
            figures = [o for o in run.outputs.get(cell.id, []) if is_figure(o)]
            if name and figures and cell.role != "exercise":
                parts.append(_milestone(run, name, with_files(figures[0], files)))
                name = ""
    return "\n".join(['<div class="milestones">', *parts, "</div>"]) if parts else ""


def _milestone(run: Run, name: str, figure: dict) -> str:
    image = figure["data"]["text/html"].replace('src="../', 'src="')
    title, lesson = escape(MILESTONES[name].title), f"lessons/{run.module.folder}.html"
    text = f'<a href="{lesson}">{name}: {title}</a>. {escape(MILESTONES[name].means)}'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def _toctrees(pages: Collection[str]) -> list[str]:
    names = sorted(page.rpartition(".")[0] for page in pages)
    trees = []
    for caption, wanted in TREES.items():
        found = [
            name
            for pattern in wanted
            for name in names
            if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))
        ]
        if found:
            listing = "\n".join(found)
            trees.append(f"```{{toctree}}\n:caption: {caption}\n:hidden:\n\n{listing}\n```\n")
    return trees
