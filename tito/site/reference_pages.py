"""The reference of the library: a page for each module, from what its `__all__` names."""

from __future__ import annotations

import ast
from pathlib import Path

from tito.course import Course
from tito.site.documents import Site

# What is written by hand and meant to be used: import name, what it is for.
BY_HAND = {
    "tinytorch.graph": "pictures of graphs, a backward pass step by step, and wrong rules found",
    "tinytorch.datasets": "small data sets without a download",
    "tinytorch.datasets.baselines": "how hard a data set is: a neighbour and a perceptron",
    "tinytorch.in_place": "optimizers that make no large array in a step",
    "tinytorch.memory": "freed memory that is kept for the next array",
}
DIRECTIVE = {
    ast.FunctionDef: "autofunction",
    ast.ClassDef: "autoclass",
}
MEMBERS = "   :members:\n   :special-members: __call__\n"


def reference_pages(site: Site, library: Path) -> dict[str, str]:
    """The pages of the reference, by their names.

    Parameters
    ----------
    site : Site
        Whose lessons the pages link to.
    library : Path
        The folder with the package `tinytorch` that is documented.
    """
    pages = {}
    for module in site.course.modules():
        names = public_names(library, module.import_name)
        lesson = (
            f"{{doc}}`Module {module.number} </lessons/{module.folder}>` builds all of this. "
            "What it says here is what your own code has to do. Its source is not shown, as you "
            "write it."
        )
        pages[f"reference/{module.name}"] = _page(module.import_name, lesson, names)
    for name, purpose in BY_HAND.items():
        if names := public_names(library, name):
            text = f"Written by hand: {purpose}."
            pages[f"reference/{name.partition('.')[2]}"] = _page(name, text, names)
    return pages


def _page(import_name: str, text: str, names: dict[str, str]) -> str:
    parts = [f"# {import_name}\n\n{text}\n", "```{eval-rst}"]
    for name, directive in names.items():
        members = MEMBERS if directive == "autoclass" else ""
        parts.append(f".. {directive}:: {import_name}.{name}\n{members}")
    return "\n".join([*parts, "```\n"])


def public_names(library: Path, import_name: str) -> dict[str, str]:
    """The public functions and classes of a module, and what Sphinx documents each with.

    Those that come from another module of the course are documented there.
    """
    path = library.joinpath(*import_name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.exists():
        return {}
    body = ast.parse(file.read_bytes()).body
    listed = _listed(body)
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = DIRECTIVE[type(node)]
        elif isinstance(node, ast.ImportFrom) and not _is_of_a_lesson(node.module):
            package = _file_of(library, node.module)
            for alias in node.names:
                if kind := _kind(package, alias.name):
                    found[alias.asname or alias.name] = kind
    return {name: found[name] for name in sorted(found) if name in listed}


def _is_of_a_lesson(module: str | None) -> bool:
    return not (module or "").startswith("tinytorch.") or module.startswith("tinytorch.core")


def _file_of(library: Path, import_name: str) -> Path:
    path = library.joinpath(*import_name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _kind(file: Path, name: str) -> str:
    """What documents a name that a file defines; nothing if it defines no function or class."""
    if file.exists():
        for node in ast.parse(file.read_bytes()).body:
            if type(node) in DIRECTIVE and node.name == name:
                return DIRECTIVE[type(node)]
    return ""


def _listed(body: list[ast.stmt]) -> set[str]:
    """The names in `__all__`; without one, all that do not begin with an underscore."""
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            value = node.value
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                return set(ast.literal_eval(value.func.value).split())
            return set(ast.literal_eval(value))
    return {node.name for node in body if hasattr(node, "name") and not node.name.startswith("_")}


def overview(course: Course, pages: dict[str, str]) -> str:
    """The page that leads to those of the reference."""
    rows = []
    for module in course.modules():
        rows.append(
            f"| {{doc}}`{module.import_name} </reference/{module.name}>` "
            f"| {{doc}}`module {module.number} </lessons/{module.folder}>` |"
        )
    for name, purpose in BY_HAND.items():
        if (page := f"reference/{name.partition('.')[2]}") in pages:
            rows.append(f"| {{doc}}`{name} </{page}>` | written by hand: {purpose} |")
    names = "\n".join(pages)
    return (
        "# Reference\n\nWhat each part of the library takes, gives and refuses. "
        "`import tinytorch as tt` has all of it under `tt`.\n\n| module | built in |\n"
        "| --- | --- |\n" + "\n".join(rows) + "\n\n"
        f"```{{toctree}}\n:hidden:\n\n{names.replace('reference/', '')}\n```\n"
    )
