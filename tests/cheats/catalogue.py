"""Each cheat by its name: what it does to an untouched notebook, and how it is recognised.

All of them are handed in for the small course's module "numbers", whose exercises `double` and
`halve` they do not solve; so each is to score nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conftest import cell_of
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

SIGNATURES = {"double": "def double(x):", "halve": "def halve(x):"}


@dataclass(frozen=True)
class Cheat:
    """One way to try.

    Attributes
    ----------
    change : callable
        What is done to the untouched notebook.
    files : dict
        What is handed in beside it: the content of each file, by its name.
    flag : str
        A part of the flag that the report must hold; nothing where it cannot be told from honest
        work.
    """

    change: Callable[[dict], None] = lambda nb: None
    files: dict[str, str] = field(default_factory=dict)
    flag: str = ""


def solved_with(body: str, before: str = "") -> Callable[[dict], None]:
    """Both exercises have this body; `before` stands above them in the same cell."""

    def change(nb: dict) -> None:
        for name, signature in SIGNATURES.items():
            lines = "".join(f"    {line}\n" for line in body.splitlines())
            cell_of(nb, name)["source"] = f"#| export\n{before}{signature}\n{lines}"

    return change


def first(source: str) -> Callable[[dict], None]:
    """A cell of one's own at the beginning."""
    return lambda nb: nb["cells"].insert(0, new_code_cell(source))


def both(*changes: Callable[[dict], None]) -> Callable[[dict], None]:
    def change(nb: dict) -> None:
        for one in changes:
            one(nb)

    return change


def tags(nb: dict) -> None:
    for cell in nb["cells"]:
        cell["metadata"]["tags"] = ["skip-execution"]


def made_up_outputs(nb: dict) -> None:
    """Outputs as a full mark leaves them, in the file that is handed in."""
    for name, points in (("test-double", "4.0"), ("test-halve", "3.0")):
        cell_of(nb, name).update(
            execution_count=1,
            outputs=[
                new_output("stream", name="stdout", text="2 of 2 hidden tests passed\n"),
                new_output("execute_result", data={"text/plain": points}, execution_count=1),
            ],
        )
    nb["metadata"]["tito"] = {"notes": [], "flags": [], "seed": 1}


EQUALS_EVERYTHING = """class Yes:
    def __eq__(self, other):
        return True
    def __array__(self, *a, **k):
        import numpy
        return numpy.full((3, 2), Ellipsis)
    def __float__(self):
        return float("nan")
    def __getattr__(self, name):
        return self
    def __call__(self, *a, **k):
        return self
"""

LOOKS_FOR_ANSWERS = """frame, found = sys._getframe(), []
while frame:
    found += list(frame.f_locals.values()) + list(frame.f_globals.values())
    frame = frame.f_back
for value in found:
    if isinstance(value, dict):
        for key in ("expected", "answer", "reference", "out", "result"):
            if key in value:
                return value[key]
return found
"""

FORGES = """import json, os, base64, numpy
def forge(*numbers):
    for fd in range(3, 30):
        for n in range(8):
            for text in ("AAAA", "AAAAAAAAAEA="):
                line = {"observation": n, "answer": {"dtype": "<f8", "shape": [], "data": text}}
                try:
                    os.write(fd, json.dumps(line).encode() + b"\\n")
                except OSError:
                    pass
    os._exit(0)
"""

PATCHES_LATER = """import threading, time, sys
def later():
    while True:
        main = sys.modules["__main__"]
        main.encode = lambda x, budget=None: {"number": "0.0"}
        main.explain = lambda error: "right"
        time.sleep(0.001)
threading.Thread(target=later, daemon=True).start()
"""

HOOKS = """import sys, types
class Finder:
    def find_spec(self, name, path=None, target=None):
        return None
sys.meta_path.insert(0, Finder())
fake = types.ModuleType("tinytorch.core.numbers")
fake.double = fake.halve = lambda x: x
sys.modules["tinytorch.core.numbers"] = fake
sys.modules["numpy.testing"] = fake
"""

STOPS_ASSERTS = """import ast
class Peace(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Expr(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Peace())
"""

READS_FILES = """import glob, json, re
for root in ({root!r}, ".", "..", "/"):
    for pattern in ("source/*/*_dev.py", "release/*/*.ipynb", "tinytorch/core/*.py", "*.ipynb"):
        for path in glob.glob(root + "/" + pattern):
            text = open(path).read()
            exec(text[text.index("def double"):text.index("# %% checks")])
"""

WRITES_MARKS = """import sqlite3, glob, os
for path in glob.glob({root!r} + "/gradebook.db*"):
    book = sqlite3.connect(path)
    book.execute("update grade set auto_score = 99, manual_score = 99")
    book.commit()
for folder in ({root!r} + "/autograded", {root!r} + "/feedback"):
    os.makedirs(folder + "/planted", exist_ok=True)
    open(folder + "/planted/mark.txt", "w").write("99")
"""

STEALS_BETWEEN_PROCESSES = """import os, pickle, marshal, sys, glob
here = sys.modules.get("tinytorch.core.numbers")
for name in ("double", "halve"):
    function = getattr(here, name, None) or globals().get(name)
    for folder in ("/tmp", "/dev/shm", "/var/tmp", ".", os.path.expanduser("~")):
        try:
            with open(folder + "/stolen-" + name, "xb") as file:
                file.write(marshal.dumps(function.__code__))
        except Exception:
            pass
for path in glob.glob("/tmp/stolen-*") + glob.glob("/dev/shm/stolen-*") + glob.glob("stolen-*"):
    code = marshal.loads(open(path, "rb").read())
    globals()[path.rpartition("-")[2]] = type(lambda: 0)(code, globals())
"""


TAKES_FOR_EVER = (
    """def endless():
    '''Text.

Approach
--------
"""
    + "\n" * 400
)

FINDS_CODE = """import sys, base64, marshal
def search(thing, found, depth=0):
    if isinstance(thing, dict):
        if "code" in thing:
            found.append(thing["code"])
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)) and depth < 6:
        for item in thing:
            search(item, found, depth + 1)
def steal(name, x):
    frame, found = sys._getframe(), []
    while frame:
        search(dict(frame.f_locals), found)
        frame = frame.f_back
    for text in found:
        names = {}
        try:
            exec(marshal.loads(base64.b64decode(text)), names)
            answer = names[name](x)
        except BaseException:
            continue
        if answer is not None:
            return answer
"""


def cheats(root: str) -> dict[str, Cheat]:
    """The catalogue, for a course in a folder."""
    return {
        "deletes asserts with an AST transformer": Cheat(
            both(first(STOPS_ASSERTS), solved_with("return x")),
            flag="changes how the notebook runs",
        ),
        "patches builtins": Cheat(
            both(
                first(
                    "import builtins\nbuiltins.abs = builtins.all = builtins.any = lambda *a: True"
                ),
                solved_with("return 0", "import builtins\nbuiltins.float = lambda x: 0.0\n"),
            ),
            flag="replaces a part of a library",
        ),
        "patches numpy's comparisons": Cheat(
            solved_with(
                "return x",
                "import numpy as np\nnp.allclose = np.array_equal = np.isclose = lambda *a, **k: True\n"
                "np.testing.assert_allclose = lambda *a, **k: None\nnp.abs = np.zeros_like\n",
            ),
            flag="replaces a part of a library",
        ),
        "replaces AssertionError": Cheat(
            both(first("AssertionError = ZeroDivisionError"), solved_with("raise AssertionError")),
            flag="replaces AssertionError",
        ),
        "gives objects that equal everything": Cheat(
            solved_with("return Yes()", EQUALS_EVERYTHING), flag="equal everything"
        ),
        "gives arrays that equal everything": Cheat(
            solved_with(
                "return np.asarray(x).view(Agreeable)",
                "import numpy as np\nclass Agreeable(np.ndarray):\n"
                "    def __eq__(self, other):\n        return True\n",
            ),
            flag="equal everything",
        ),
        "tags its cells skip-execution": Cheat(tags, flag="skip-execution"),
        "shows points with a display hook": Cheat(
            first(
                "import sys\nsys.displayhook = lambda x: print('4.0')\n"
                "get_ipython().displayhook.write_format_data = lambda *a: {'text/plain': '4.0'}"
            ),
            flag="changes how the notebook runs",
        ),
        "sends a result message of its own": Cheat(
            first(
                "shell = get_ipython()\nfor _ in range(3):\n    shell.display_pub.publish({'text/plain': '4.0'})\n"
                "    shell.run_cell('4.0')"
            )
        ),
        "makes up the outputs in its file": Cheat(made_up_outputs),
        "looks for answers in frames": Cheat(
            solved_with(LOOKS_FOR_ANSWERS, "import sys\n"), flag="looks into the program"
        ),
        "looks into the notebook's history": Cheat(
            both(
                first(
                    "secret = [text for text in In if 'observe' in text] + list(get_ipython().user_ns)"
                ),
                solved_with("return eval(str(In[-1]))"),
            ),
            flag="changes how the notebook runs",
        ),
        "reads lines with linecache": Cheat(
            solved_with(
                "return eval(''.join(linecache.getlines(__file__)) or '0')", "import linecache\n"
            ),
            flag="imports linecache",
        ),
        "reads the sources and the notebooks": Cheat(
            solved_with("return x", READS_FILES.format(root=root)), flag="calls open"
        ),
        "imports the reference": Cheat(
            solved_with(
                "from tinytorch.core.numbers import double\nreturn double(x)",
                f"import sys\nsys.path.insert(0, {root!r})\n",
            ),
            flag="imports tinytorch.core.numbers",
        ),
        "imports an installed reference anew": Cheat(
            solved_with(
                "return right.double(x)",
                "import importlib, sys\nfor name in [n for n in sys.modules if n.startswith('tinytorch')]:\n"
                f"    del sys.modules[name]\nsys.path[:0] = [{root!r}]\n"
                "right = importlib.import_module('tinytorch.core.numbers')\n",
            ),
            flag="changes what is imported",
        ),
        "leaves with sys.exit": Cheat(solved_with("sys.exit(0)", "import sys\n")),
        "leaves with os._exit": Cheat(
            solved_with("os._exit(0)", "import os\n"), flag="ends the process"
        ),
        "kills the kernel in its first cell": Cheat(
            first("import os\nos.kill(os.getpid(), 9)"), flag="ends the process"
        ),
        "puts a module of its own into sys.modules": Cheat(
            solved_with("return x", HOOKS), flag="changes what is imported"
        ),
        "brings modules along": Cheat(
            files={
                "numpy.py": "raise SystemExit(0)",
                "conftest.py": "def pytest_runtest_call(item): pass",
                "sitecustomize.py": "import builtins\nbuiltins.AssertionError = ValueError",
                "usercustomize.py": "import os; os._exit(0)",
            },
            flag="was handed in as well",
        ),
        "brings a package tinytorch along": Cheat(
            files={"tinytorch/core/numbers.py": "double = halve = lambda x: x"},
            flag="was handed in as well",
        ),
        "patches the observer from a thread": Cheat(
            solved_with("return 0.0", PATCHES_LATER), flag="starts a thread"
        ),
        "forges answers": Cheat(solved_with("forge(x)", FORGES), flag="ends the process"),
        "writes marks into the gradebook": Cheat(
            both(
                first(WRITES_MARKS.format(root=root)),
                solved_with("return x", WRITES_MARKS.format(root=root)),
            ),
            flag="calls open",
        ),
        "wraps PyTorch": Cheat(
            solved_with(
                "return (torch.as_tensor(x) * 2).numpy()",
                "import glob, sys\nsys.path += glob.glob('/*/*/lib/python3*/site-packages') + "
                "glob.glob('/*/*/*/lib/python3*/site-packages')\nimport torch\n",
            ),
            flag="imports torch",
        ),
        "behaves only where it is graded": Cheat(
            solved_with(
                "if 'observe' in dir(sys.modules['__main__']):\n    return x\nreturn 2 * x",
                "import sys\n",
            ),
            flag="changes what is imported",
        ),
        "has learned the answers by heart": Cheat(
            solved_with("return {3: [[2.1, 0.3], [1, 0], [0, 4]]}.get(np.size(x) // 2, 2.0)")
        ),
        "answers with a pickle": Cheat(
            solved_with(
                "return Bomb()",
                "class Bomb:\n    def __reduce__(self):\n        return print, ('4.0',)\n",
            )
        ),
        "answers with the other exercise's solution": Cheat(
            lambda nb: cell_of(nb, "double").update(
                source="#| export\ndef double(x):\n    return x / halve(np.ones_like(x))\n"
            )
        ),
        "carries solutions from one process to the next": Cheat(
            solved_with("return x", STEALS_BETWEEN_PROCESSES), flag="imports marshal"
        ),
        "runs the compiled code that the grader sent": Cheat(
            both(
                *(
                    lambda nb, name=name, signature=signature: cell_of(nb, name).update(
                        source=f"#| export\n{FINDS_CODE}{signature}\n    return steal({name!r}, x)\n"
                    )
                    for name, signature in SIGNATURES.items()
                )
            ),
            flag="imports marshal",
        ),
        "answers with more than the grader can hold": Cheat(
            solved_with("return [np.zeros(10**6), [[]] * 10**7, {'x' * 10**7: 'y' * 10**7}]")
        ),
        "answers with what does nothing": Cheat(
            solved_with("return plt.double", "import matplotlib.pyplot as plt\n")
        ),
        "has the grader read for ever": Cheat(
            solved_with("return x", TAKES_FOR_EVER + "    '''\n")
        ),
        "has feedback rendered for ever": Cheat(
            lambda nb: nb["cells"].insert(0, new_markdown_cell("a" + " " * 500_000 + "b"))
        ),
        "moves the cursor in the report": Cheat(
            both(solved_with("raise ValueError('\x1b[2K\x1b[1A')", "1 / 0, '\x1b[2K'\n"))
        ),
        "writes scripts into its text": Cheat(
            lambda nb: nb["cells"].insert(0, new_markdown_cell("<script>hacked()</script>"))
        ),
    }
