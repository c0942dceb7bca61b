"""Ordinary nbgrader assignments of all kinds of cells, and submissions to them."""

from __future__ import annotations

import importlib._bootstrap_external
import io
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cell(kind: str, source: str, **nbgrader) -> dict:
    """A cell, with nbgrader's metadata if it has a grade_id."""
    made = {"cell_type": kind, "id": "", "metadata": {}, "source": source}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    if nbgrader:
        plain = {"grade": False, "solution": False, "locked": False, "task": False}
        made["metadata"]["nbgrader"] = {"schema_version": 3} | plain | nbgrader
    return made


def text(source: str) -> dict:
    return cell("markdown", source)


def given(source: str) -> dict:
    return cell("code", source)


def locked(name: str, source: str, kind: str = "code") -> dict:
    return cell(kind, source, grade_id=name, locked=True)


def solution(name: str, source: str) -> dict:
    return cell("code", source, grade_id=name, solution=True)


def autotest(name: str, points: float, source: str) -> dict:
    return cell("code", source, grade_id=name, grade=True, locked=True, points=points)


def skipped(made: dict) -> dict:
    """A cell that the instructor keeps from being run."""
    return made | {"metadata": made["metadata"] | {"tags": ["skip-execution"]}}


def manual(name: str, points: float, source: str, kind: str = "markdown") -> dict:
    return cell(kind, source, grade_id=name, grade=True, solution=True, points=points)


def task(name: str, points: float, source: str) -> dict:
    return cell("markdown", source, grade_id=name, task=True, locked=True, points=points)


def notebook(*cells: dict, metadata: dict = KERNEL) -> dict:
    numbered = [made | {"id": f"cell-{n}"} for n, made in enumerate(cells)]
    return {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def old_notebook(*cells: dict) -> dict:
    """A notebook of before cells had ids."""
    bare = [{key: made[key] for key in made if key != "id"} for made in cells]
    return {"cells": bare, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}


def zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("inside.txt", "7")
    return memory.getvalue()


def compiled(source: str) -> bytes:
    """A compiled module that Python takes whatever its source says."""
    code = compile(source, "judging.py", "exec")
    return importlib._bootstrap_external._code_to_hash_pyc(code, bytes(8), checked=False)


@dataclass(frozen=True)
class Ordinary:
    """An assignment: its notebooks, the files beside them, and what one student makes of them."""

    notebooks: dict[str, dict]
    files: dict[str, bytes] = field(default_factory=dict)
    change: Callable[[dict], None] = lambda notebooks: None
    handed_in: dict[str, bytes] = field(default_factory=dict)


def find(nb: dict, name: str) -> dict:
    """The cell with a grade_id."""
    return next(c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def put(notebook_name: str, **sources: str) -> Callable[[dict], None]:
    """Write other texts into some cells of a notebook."""

    def change(notebooks: dict) -> None:
        for name, source in sources.items():
            find(notebooks[notebook_name], name)["source"] = source

    return change


def several(*changes: Callable[[dict], None]) -> Callable[[dict], None]:
    """One change after another."""

    def change(notebooks: dict) -> None:
        for one in changes:
            one(notebooks)

    return change


def without(notebook_name: str) -> Callable[[dict], None]:
    return lambda notebooks: notebooks.pop(notebook_name)


def meddle(notebooks: dict) -> None:
    """Change what is locked, and what kind of cell it is."""
    find(notebooks["locked"], "constants")["source"] = "LIMIT = 1_000_000"
    find(notebooks["locked"], "check-limit")["source"] = "pass"
    find(notebooks["locked"], "check-type").update(cell_type="markdown")
    find(notebooks["locked"], "check-points")["metadata"]["nbgrader"]["points"] = 1000


SQUARE = """def square(x):
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION"""

ASSIGNMENTS = {
    "asserts": Ordinary(
        {
            "asserts": notebook(
                text("# Squares"),
                given("import math"),
                solution("square", SQUARE),
                autotest("check-square", 3, "assert square(2) == 4\nassert square(-1) == 1"),
                autotest(
                    "check-hidden",
                    2.5,
                    "assert square(0) == 0\n### BEGIN HIDDEN TESTS\n"
                    "assert square(1.5) == 2.25, 'one and a half'\n### END HIDDEN TESTS",
                ),
                solution("whole-cell", "answer = math.prod(range(1, 6))"),
                autotest("check-whole-cell", 1, "assert answer == 120"),
                given("print('not graded', square(3))"),
            )
        },
        change=put("asserts", square="def square(x):\n    return abs(x) * 2"),
    ),
    "partial": Ordinary(
        {
            "partial": notebook(
                solution("value", "### BEGIN SOLUTION\nvalue = 2\n### END SOLUTION"),
                autotest("half", 3, "1.5 if value == 2 else 0.25"),
                autotest("whole-number", 3, "2 if value == 2 else 1"),
                autotest("nothing", 3, "0"),
                autotest("in-words", 3, "'good' if value == 2 else 'bad'"),
                autotest("none", 3, "None"),
                autotest("numpy", 3, "import numpy as np\nnp.float64(0.5) * value"),
                autotest("negative", 3, "-1.0"),
                autotest("nan", 3, "float('nan')"),
                autotest("list", 3, "[1, 2]"),
                autotest("printed", 3, "print(1.0)\nvalue / 2"),
                autotest("not-last", 3, "1.0;"),
                autotest("displayed", 3, "display(0.5)\nassert value == 2"),
                autotest("truth", 3, "value == 2"),
                autotest("exponent", 3, "1e-1"),
                autotest("no-points", 0, "assert value == 3"),
                autotest("two-results", 3, "from IPython.display import display_html\n0.75"),
            )
        },
        change=put("partial", value="value = 3"),
    ),
    "manual_code": Ordinary(
        {
            "manual_code": notebook(
                text("Plot something."),
                manual("plot", 5, "### BEGIN SOLUTION\nprint('a plot')\n### END SOLUTION", "code"),
                manual("whole", 4, "print('all of it')", "code"),
                manual("fails", 4, "print(1 / 0)", "code"),
                autotest("check", 2, "assert True"),
            )
        },
        change=put("manual_code", plot="print('mine')"),
    ),
    "manual_text": Ordinary(
        {
            "manual_text": notebook(
                text("Why?"),
                manual("why", 4, "Because."),
                text("Why not?"),
                manual("why-not", 3, "Said:\n### BEGIN SOLUTION\nno\n### END SOLUTION"),
                text("And?"),
                manual("and", 1.5, "Yes."),
            )
        },
        change=put("manual_text", why="YOUR ANSWER HERE", **{"and": "And so on."}),
    ),
    "tasks": Ordinary(
        {
            "tasks": notebook(
                task(
                    "project",
                    10,
                    "Do a project below.\n### BEGIN MARK SCHEME\n5 for the plot\n"
                    "### END MARK SCHEME",
                ),
                given("mine = 1"),
                task("short", 2, "Say a word."),
                solution("square", SQUARE),
                autotest("check", 1, "assert square(3) == 9"),
            )
        },
        change=lambda notebooks: notebooks["tasks"]["cells"].insert(
            1, text("My project.") | {"id": "project-text"}
        ),
    ),
    "several": Ordinary(
        {
            "problem1": notebook(
                solution("square", SQUARE), autotest("check", 2, "assert square(2) == 4")
            ),
            "problem2": notebook(
                solution("square", SQUARE.replace("x * x", "x ** 2.0")),
                autotest("check", 3, "assert square(2) == 4"),
                manual("why", 3, "So."),
            ),
            "problem3": notebook(
                manual("essay", 4, "Long."), task("essay-task", 2, "Read it aloud.")
            ),
        },
        change=several(without("problem2"), put("problem1", square="def square(x):\n    return 1")),
    ),
    "files": Ordinary(
        {
            "files": notebook(
                given(
                    "import csv, json, zipfile\nfrom pathlib import Path\n"
                    "from helpers import total\nfrom package.inner import ten"
                ),
                solution(
                    "read",
                    "def read():\n    ### BEGIN SOLUTION\n"
                    "    return [int(x) for x in Path('data/deep/points.csv').read_text().split()]\n"
                    "    ### END SOLUTION",
                ),
                autotest("check-read", 2, "assert total(read()) == 6\nassert ten() == 10"),
                autotest(
                    "check-zip",
                    2,
                    "assert zipfile.ZipFile('archive.zip').read('inside.txt') == b'7'",
                ),
                autotest("check-hidden-file", 1, "assert Path('.settings').read_text() == 'x'"),
                autotest("check-config", 1, "assert json.loads(Path('config.json').read_text())"),
                autotest(
                    "check-own",
                    2,
                    "assert Path('own.txt').exists()\nimport own\nassert own.VALUE == 5",
                ),
                autotest(
                    "check-written", 1, "Path('out.txt').write_text('1')\nopen('out.txt').read()"
                ),
            )
        },
        files={
            "helpers.py": b"def total(numbers):\n    return sum(numbers)\n",
            "package/__init__.py": b"",
            "package/inner.py": b"def ten():\n    return 10\n",
            "data/deep/points.csv": b"1\n2\n3\n",
            "archive.zip": zipped(),
            ".settings": b"x",
            "config.json": b'{"a": 1}',
            "picture.png": b"\x89PNG",
        },
        handed_in={
            "helpers.py": b"def total(numbers):\n    return 6\n",
            "own.txt": b"mine",
            "own.py": b"VALUE = 5\n",
            "notes/private.md": b"hello",
        },
    ),
    "helpers": Ordinary(
        {
            "helpers": notebook(
                solution("value", "### BEGIN SOLUTION\nvalue = 2\n### END SOLUTION"),
                autotest("check", 2, "import judging\nassert judging.is_right(value)"),
                autotest("check-conftest", 1, "import conftest\nassert conftest.READY"),
            )
        },
        files={
            "judging.py": b"def is_right(value):\n    return value == 2\n",
            "conftest.py": b"READY = True\n",
        },
        change=put("helpers", value="value = 3"),
        handed_in={
            f"__pycache__/judging.{sys.implementation.cache_tag}.pyc": compiled(
                "def is_right(value):\n    return True\n"
            ),
        },
    ),
    "skipped": Ordinary(
        {
            "skipped": notebook(
                skipped(given("raise SystemExit")),
                solution("value", "### BEGIN SOLUTION\nvalue = 2\n### END SOLUTION"),
                skipped(
                    manual("long", 3, "### BEGIN SOLUTION\nvalue = 7\n### END SOLUTION", "code")
                ),
                autotest("check", 2, "assert value == 2"),
            )
        },
        change=put("skipped", long="value = 9  # takes hours"),
    ),
    "warnings": Ordinary(
        {
            "warnings": notebook(
                given("import logging, sys, warnings\nimport numpy as np"),
                solution("value", "### BEGIN SOLUTION\nvalue = 0.0\n### END SOLUTION"),
                autotest("warns", 2, "warnings.warn('careful')\nassert value == 0"),
                autotest("divides", 2, "np.float64(1) / np.float64(value)"),
                autotest("writes-stderr", 2, "print('Hm', file=sys.stderr)\n1.0"),
                autotest("logs", 2, "logging.warning('log')"),
                autotest("prints", 2, "print('fine')"),
                autotest("result-then-stderr", 2, "display(1)\nprint('late', file=sys.stderr)"),
                autotest("deprecated", 2, "np.array([1, 2]) == np.array([1, 2])"),
            )
        },
        change=put("warnings", value="value = 2.0"),
    ),
    "errors": Ordinary(
        {
            "errors": notebook(
                solution("square", SQUARE),
                given("raise RuntimeError('in between')"),
                given("undefined_name"),
                autotest("after-errors", 2, "assert square(2) == 4"),
                given("this is no python"),
                autotest("raises", 2, "raise ValueError('always')"),
                autotest("exits", 2, "import sys\nsys.exit(0)"),
                autotest("after-exit", 2, "assert square(3) == 9"),
                autotest("interrupts", 2, "raise KeyboardInterrupt"),
                autotest("after-interrupt", 2, "assert True"),
                autotest("caught", 2, "try:\n    square('a')\nexcept TypeError:\n    pass"),
                autotest("asks", 2, "input('name?')"),
                autotest("group", 2, "raise ExceptionGroup('several', [ValueError(1)])"),
                autotest("empty-assert", 2, "assert square(2) == 5, ''"),
            )
        },
        change=put("errors", square="def square(x:\n    return 4"),
    ),
    "long": Ordinary(
        {
            "long": notebook(
                solution("lines", "### BEGIN SOLUTION\nlines = 3000\n### END SOLUTION"),
                autotest("prints-much", 2, "for n in range(lines):\n    print(n)\n1.0"),
                autotest("wide", 2, "print('x' * 200_000)"),
                autotest(
                    "stderr-after-much",
                    2,
                    "import sys\nfor n in range(lines):\n    print(n)\nprint('e', file=sys.stderr)",
                ),
                autotest("deep", 2, "def f(n):\n    return f(n + 1)\nf(0)"),
                autotest("large-result", 2, "list(range(5000))"),
                autotest("html", 2, "from IPython.display import HTML\nHTML('<b>1</b>')"),
            )
        },
        change=put("long", lines="lines = 2"),
    ),
    "locked": Ordinary(
        {
            "locked": notebook(
                locked("constants", "LIMIT = 10"),
                locked("rules", "Do not change this.", "markdown"),
                solution(
                    "double",
                    "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
                ),
                autotest("check-limit", 3, "assert double(5) == LIMIT"),
                autotest("check-type", 2, "assert double(1) == 2"),
                autotest("check-points", 1, "assert double(2) == 4"),
            )
        },
        change=meddle,
    ),
    "magics": Ordinary(
        {
            "magics": notebook(
                given("%matplotlib inline\n%load_ext autoreload"),
                solution("square", SQUARE),
                autotest("timed", 1, "%time assert square(2) == 4"),
                autotest("capture", 1, "%%capture out\nprint('hidden')"),
                autotest("awaits", 1, "import asyncio\nawait asyncio.sleep(0)\n0.5"),
                autotest("history", 1, "assert 'square' in In[2]"),
                autotest("last", 1, "_ = 0.25\n_"),
                autotest("environment", 1, "import os\nassert os.environ['NBGRADER_EXECUTION']"),
                autotest(
                    "unittest",
                    1,
                    "import unittest\n"
                    "class Squares(unittest.TestCase):\n    def test(self):\n"
                    "        self.assertEqual(square(2), 4)\n"
                    "result = unittest.main(argv=[''], exit=False).result\nassert not result.failures",
                ),
                autotest(
                    "threads",
                    1,
                    "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
                ),
                autotest("plots", 1, "import matplotlib.pyplot as plt\nplt.plot([1, 2])"),
                autotest("shows", 1, "plt.plot([1, 2])\nplt.show()\n0.5"),
                autotest("cwd", 1, "from pathlib import Path\nassert Path('magics.ipynb').suffix"),
                autotest("main", 1, "assert __name__ == '__main__'"),
            )
        },
        change=put("magics", square="def square(x):\n    return 4"),
    ),
    "bare": Ordinary(
        {
            "bare": notebook(
                solution("square", SQUARE),
                autotest("check", 2, "assert square(2) == 4"),
                metadata={},
            ),
            "old": old_notebook(
                solution("square", SQUARE),
                autotest("check", 2, "assert square(2) == 4"),
                manual("why", 2, "So."),
            ),
        },
        change=put("bare", square="square = lambda x: x * x"),
    ),
}


def write_sources(root: Path, name: str, assignment: Ordinary) -> None:
    """Put an assignment where the instructor has it."""
    write_all(root / "source" / name, assignment.notebooks, assignment.files)


def submit(root: Path, name: str, student: str, notebooks: dict, files: dict) -> None:
    """Put a submission where it is looked for."""
    write_all(root / "submitted" / student / name, notebooks, files)


def write_all(folder: Path, notebooks: dict, files: dict) -> None:
    for name, nb in notebooks.items():
        write(folder / f"{name}.ipynb", json.dumps(nb).encode())
    for file, content in files.items():
        write(folder / file, content)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def copy_of(notebooks: dict) -> dict:
    return json.loads(json.dumps(notebooks))
