"""What is flagged as an attempt to get marks without solving, and what honest students may do."""

import pytest

from tito.judge.flags import flags


def found(text, graded=True, reference=""):
    sentences = flags([("a cell", text, graded)], [reference], "tinytorch.core.tensor")
    return [sentence.removeprefix("the cell 'a cell' ") for sentence in sentences]


# Honest anywhere, also in a cell that goes into the module.
HONEST = {
    "imports of the standard library": (
        "import copy, gc, inspect, itertools, math, pickle, random, time, warnings\n"
        "from functools import lru_cache, reduce\nfrom collections import deque\n"
    ),
    "asks for a signature": "import inspect\nn = len(inspect.signature(f).parameters)",
    "checks with the course's checks": "from tito.checks import check\ncheck(double(1), 2)",
    "reads a data file": "with open('weights.csv') as file:\n    rows = file.read()",
    "reads a data file in a folder": "text = open('data/measured.txt', encoding='utf-8').read()",
    "saves what it is asked to": (
        "def save(path, numbers):\n    with open(path, 'w') as file:\n        file.write(str(numbers))"
    ),
    "defines functions in a loop": "for name in ('a', 'b'):\n    globals()[name] = name.upper()",
    "has a lock, and state of each thread": (
        "import threading\nstate, lock = threading.local(), threading.Lock()"
    ),
    "has a function called compile": "def compile(layers):\n    return layers\ncompile([])",
    "compiles an expression of re": "import re\npattern = re.compile('a+')",
    "evaluates a model": "model.eval()\nmodel.compile()",
    "captures what is printed": (
        "import io, sys\nbefore, sys.stdout = sys.stdout, io.StringIO()\nsys.stdout = before"
    ),
    "finds modules of its own": "import sys\nsys.path += ['helpers']\nsys.setrecursionlimit(5000)",
    "sets how libraries show things": (
        "import pandas as pd\nimport matplotlib.pyplot as plt\npd.options.display.max_rows = 9\n"
        "plt.rcParams['figure.dpi'] = 80"
    ),
    "adds a method to its own class of an earlier module": (
        "import tinytorch.core.layers\ntinytorch.core.layers.Dense.show = print"
    ),
    "has attributes with common names": "self.events = []\nself.events.append(1)\nx.data = x.grad",
    "compares with care": (
        "class Point:\n    def __eq__(self, other):\n        if self is other:\n            return True\n"
        "        return self.x == other.x\n"
    ),
    "runs a line magic": "get_ipython().run_line_magic('matplotlib', 'inline')",
    "shows objects prettily": (
        "get_ipython().display_formatter.formatters['text/html'].for_type(list, str)"
    ),
    "times its cells": "get_ipython().events.register('post_run_cell', print)",
    "tries and excepts": "try:\n    y = 1 / x\nexcept ZeroDivisionError:\n    y = 0",
    "has nothing but magic": "%timeit relu(x)\n!pip list\n%%time\nrelu(x)",
    "is deeply nested": "x = " + "+".join("1" * 5000),
}


@pytest.mark.parametrize("case", HONEST)
def test_an_honest_cell_is_not_flagged(case):
    assert found(HONEST[case]) == []
    assert found(HONEST[case], graded=False) == []


# Honest in a cell of one's own, suspicious in one that goes into the module.
HONEST_BESIDE = {
    "compares with PyTorch": ("import torch\ntorch.manual_seed(0)", "imports torch"),
    "counts objects": ("import gc\nn = len(gc.get_objects())", "looks into the program"),
    "looks at bytecode": ("print(relu.__code__.co_consts)", "looks into the program"),
    "reads its own source": (
        "import inspect\nprint(inspect.getsource(relu))",
        "looks into the program",
    ),
    "imports a module anew": (
        "import sys\ndel sys.modules['tinytorch.core.tensor']",
        "changes what is imported",
    ),
    "traces calls": ("import sys\nsys.settrace(print)", "changes what is imported"),
    "works in parallel": (
        "import threading\nthreading.Thread(target=print).start()",
        "starts a thread",
    ),
    "runs a program": ("import subprocess\nsubprocess.run(['ls'])", "imports subprocess"),
    "imports what it exported": ("from tinytorch.core.tensor import Tensor", "imports tinytorch"),
    "reads any file": ("for path in paths:\n    open(path).read()", "calls open"),
    "evaluates text": ("y = eval('x + 1')", "calls eval"),
}


@pytest.mark.parametrize("case", HONEST_BESIDE)
def test_it_is_flagged_only_in_what_is_graded(case):
    text, expected = HONEST_BESIDE[case]
    assert found(text, graded=False) == []
    assert any(expected in sentence for sentence in found(text))


SUSPICIOUS = {
    "finds the caller's variables": ("import sys\nsys._getframe().f_back.f_locals", "looks into"),
    "finds them with inspect": ("import inspect\ninspect.currentframe()", "looks into"),
    "changes the notebook's code": ("get_ipython().ast_transformers.append(x)", "how the notebook"),
    "reads the notebook's variables": ("get_ipython().user_ns['In']", "how the notebook"),
    "fakes what is displayed": ("import sys\nsys.displayhook = print", "how the notebook"),
    "finds modules in its own way": ("import sys\nsys.meta_path.insert(0, x)", "what is imported"),
    "ends the kernel": ("import os\nos._exit(0)", "ends the process"),
    "replaces a function of numpy": ("np.allclose = print", "a part of a library"),
    "replaces one by name": ("setattr(np, 'allclose', print)", "a part of a library"),
    "replaces a builtin": ("import builtins\nbuiltins.abs = print", "a part of a library"),
    "replaces a function of the standard library": (
        "import json\njson.loads = print",
        "a part of a library",
    ),
    "replaces an exception": ("AssertionError = ValueError", "replaces AssertionError"),
    "equals everything": (
        "class Yes:\n    def __eq__(self, other):\n        return True",
        "equal everything",
    ),
}


@pytest.mark.parametrize("graded", [True, False])
@pytest.mark.parametrize("case", SUSPICIOUS)
def test_it_is_flagged_anywhere(case, graded):
    text, expected = SUSPICIOUS[case]
    assert any(expected in sentence for sentence in found(text, graded))


@pytest.mark.parametrize(
    "path",
    [
        "../../source/01_tensor/tensor_dev.py",
        "/etc/passwd",
        "a.py",
        "gradebook.db",
        "~/x.csv",
        "../x.csv",
        "/proc/self/maps",
    ],
)
def test_a_file_that_is_no_data_of_ones_own_is_flagged(path):
    assert found(f"open({path!r})") == ["calls open"]


def test_what_the_reference_does_is_not_flagged():
    assert found("import linecache", reference="import linecache") == []
    assert found("import linecache") == ["imports linecache"]


def test_an_expression_that_is_nested_deeply_hides_nothing():
    chain = "a" + ".b(c)" * 900 + "\n"
    text = "#| export\nimport subprocess\n" + chain + "x = " + "(" * 150 + "1" + ")" * 150 + "\n"
    assert any("imports subprocess" in found for found in flags([("double", text, True)], [], "m"))
