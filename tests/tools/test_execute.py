"""A notebook that is run without a kernel has the outputs that it has with one."""

import copy
import itertools
import json
import re

import nbformat
import pytest
from conftest import ROOT
from kernel_runs import of_the_course, with_kernel
from nbformat.v4 import new_code_cell, new_notebook

from tito import sandbox
from tito.course import Course
from tito.judge.workspace import earlier_modules, workspace
from tito.steps.cells import Running, execute

# Cells whose outputs are the same, to the letter but for file names and addresses.
CELLS = [
    "import sys\nprint('a')\nprint('b', file=sys.stderr)\n3 + 4",
    "1 / 0",
    "'a string'",
    "None",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "plt.plot([1, 2])\nplt.show()\n'after the picture'",
    "!echo hello",
    "%%bash\necho hi",
    "import asyncio\nawait asyncio.sleep(0.01)\n5",
    "await asyncio.sleep(0)\n1 / 0",
    "from IPython.display import HTML, clear_output, display\ndisplay(HTML('<b>x</b>'))\n"
    "handle = display('old', display_id='q')",
    "handle.update('new')",
    "print(1)\nclear_output()\nprint(2)",
    "print(1)\nclear_output(wait=True)\nprint(2)",
    "raise SystemExit",
    "import numpy as np\nnp.arange(3)",
    "_, __, In[1]",
    "no_such_name?",
    "import no_such_package",
    "class Short(Exception):\n    def _render_traceback_(self):\n        return ['one line']\n"
    "raise Short('a')",
    "%no_such_magic",
    "import warnings\nwarnings.warn('careful')",
    "import logging\nlogging.warning('logged')",
    "%matplotlib inline\nfigure, axes = plt.subplots()",
    "print('x', end='')\nprint('€' * 3)",
    "__name__, sys.stdout.isatty()",
    "from tito.checks import check\ncheck(1, 2, hint='count')",
    "raise ValueError('€' * 10)",
    "x = 1",
    "x",
    "x;",
]
FILES = re.compile(r"/tmp/ipykernel_\d+/\d+\.py|\d+\.py|0x[0-9a-f]+")


def joined(outputs) -> list:
    """Outputs with the pieces of a stream joined that no other kind of output stands between.

    A kernel sends a stream in pieces, and which of the two is sent first depends on when each
    was last emptied; so errors stand behind what is printed here.
    """
    found: list = []
    for output in json.loads(json.dumps(outputs)):
        last = {one["name"]: one for one in streams_at_the_end(found)}
        if output["output_type"] == "stream" and output["name"] in last:
            last[output["name"]]["text"] += output["text"]
        else:
            found.append(output)
        streams = streams_at_the_end(found)
        found[len(found) - len(streams) :] = sorted(
            streams, key=lambda one: one["name"] != "stdout"
        )
    return found


def streams_at_the_end(outputs: list) -> list:
    """The last outputs, as long as they are streams."""
    backwards = itertools.takewhile(lambda one: one["output_type"] == "stream", outputs[::-1])
    return list(backwards)[::-1]


def without_kernel(nb, files: dict[str, str]):
    """A copy of a notebook, run as the grader does."""
    copied = copy.deepcopy(nb)
    with workspace(files, pictures=True) as folder, sandbox.trusted():  # a sandbox has no shell
        ran = execute(copied, folder, Running(timeout=300))
    assert not ran.ended and not ran.timeouts
    return copied


def test_outputs_are_those_of_a_kernel():
    nb = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    for cell, ours in zip(with_kernel(nb, {}).cells, without_kernel(nb, {}).cells, strict=True):
        expected = FILES.sub("FILE", json.dumps(joined(cell.outputs)))
        assert FILES.sub("FILE", json.dumps(joined(ours.outputs))) == expected, cell.source
        assert ours.execution_count == cell.execution_count
    nbformat.validate(nb)


def without_measurements(output: dict) -> dict:
    """An output without its numbers, which a measurement gives anew each time."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    text = re.sub(r"/tmp/tito-grading-\w+", "", "".join(text))
    words = re.sub(r"[\W\d_e]+", " ", text)
    return {
        "kind": output["output_type"],
        "name": output.get("name") or output.get("ename"),
        "types": sorted(output.get("data", {})),
        "words": words,
    }


@pytest.mark.parametrize("folder", [module.folder for module in Course(ROOT).modules()])
def test_outputs_of_the_course_are_those_of_a_kernel(ran_by_a_kernel, folder):
    ours = without_kernel(of_the_course(folder), earlier_modules(Course(ROOT).module(folder)))
    seen = 0
    for cell, our_cell in zip(ran_by_a_kernel(folder), ours.cells, strict=True):
        expected = [without_measurements(output) for output in joined(cell.get("outputs", []))]
        found = [without_measurements(output) for output in joined(our_cell.get("outputs", []))]
        assert found == expected, cell.source
        seen += len(found)
    assert seen


def run(*sources: str, **limits):
    """Run some cells; returns what came of it, and the text of each cell's outputs."""
    nb = new_notebook(cells=[new_code_cell(source) for source in sources])
    with workspace({}) as folder:
        ran = execute(nb, folder, Running(**{"timeout": 60} | limits))
    nbformat.validate(nb)
    return ran, [json.dumps(cell.outputs) for cell in nb.cells]


def test_a_cell_that_takes_too_long_is_stopped_and_the_next_ones_run():
    ran, shown = run("print('before')\nwhile True:\n    pass", "print('after')", timeout=2)
    assert ran.timeouts == [0] and not ran.ended
    assert "before" in shown[0] and "CellTimeoutError" in shown[0]
    assert "after" in shown[1]


def test_waiting_for_too_long_is_stopped_as_well():
    ran, shown = run("import asyncio\nawait asyncio.sleep(100)", "print('after')", timeout=2)
    assert ran.timeouts == [0] and "after" in shown[1]


def test_a_cell_that_ignores_interrupts_is_ended_and_what_ran_stays():
    stubborn = (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('last words')\n"
        "while True:\n    pass"
    )
    ran, shown = run("print('first')", stubborn, "print('never')", timeout=1)
    assert ran.timeouts == [1] and "interrupt" in ran.ended
    assert "first" in shown[0] and "last words" in shown[1] and shown[2] == "[]"


def test_after_some_timeouts_nothing_more_is_run():
    ran, shown = run(*["while True: pass"] * 3, "1", timeout=0.5, most_timeouts=2)
    assert ran.timeouts == [0, 1] and shown[2:] == ["[]", "[]"]


def test_what_goes_to_the_descriptors_themselves_is_an_output_too():
    ran, shown = run(
        "import os\nprint('before')\nos.write(1, b'raw\\n')\nos.write(2, b'to stderr\\n')",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(6 * 7)'])",
    )
    assert not ran.ended
    assert "before\\nraw\\n" in shown[0] and "to stderr" in shown[0]
    assert "42\\n" in shown[1]


@pytest.mark.parametrize("end", ["import os; os._exit(3)", "quit()", "import os; os.abort()"])
def test_what_ran_before_the_end_of_python_stays(end):
    ran, shown = run("print('first')", end, "print('never')")
    assert ran.ended and "first" in shown[0] and "never" not in shown[2]


def test_a_cell_that_prints_without_end_keeps_only_the_beginning():
    ran, shown = run("while True: print('x' * 999)", "print('after')", timeout=3)
    assert ran.timeouts == [0]
    assert len(shown[0]) < 2_000_000 and "truncated" in shown[0] and "after" in shown[1]


def test_more_output_than_allowed_ends_the_notebook():
    flood = "from IPython.display import display\nwhile True: display({'text/plain': 'x' * 99999}, raw=True)"
    ran, shown = run(flood, "print('never')", most_bytes=3_000_000)
    assert "printed more than 3 MB" in ran.ended
    assert len(shown[0]) < 4_000_000 and "never" not in shown[1]


def test_forged_lines_fake_outputs_of_their_own_notebook_only():
    forged = (
        "import os, json\nlines = [{'output': {'output_type': 'stream', 'name': 'stdout', 'text': 'forged'}},\n"
        "  {'output': {'output_type': 'stream', 'name': 'stdin', 'text': 7}}, {'output': []}, [], 'x',\n"
        "  {'output': {'output_type': 'error', 'ename': 'E', 'evalue': '', 'traceback': 'x'}},\n"
        "  {'output': {'output_type': 'execute_result', 'data': {'text/plain': 7}, 'metadata': []}},\n"
        "  {'output': {'output_type': 'display_data', 'data': [], 'metadata': {}, 'display_id': {}}},\n"
        "  {'done': 99}, {'ready': True}, {'done': 0, 'count': 'many'}]\n"
        "for fd in range(3, 30):\n    for line in lines:\n        try:\n"
        "            os.write(fd, json.dumps(line).encode() + b'\\n')\n        except OSError:\n            pass"
    )
    ran, shown = run(forged, "print('after')")
    assert "forged" in shown[0]
    assert not ran.timeouts


def test_a_child_that_was_forked_does_not_speak_for_its_parent():
    fork = "import os\nif os.fork() == 0:\n    print('child')\n    os._exit(0)\nos.wait()\nprint('parent')"
    ran, shown = run(fork, "print('after')")
    assert not ran.ended and "parent" in shown[0] and "after" in shown[1]


IMPORTS = {
    "an attribute": "import matplotlib\nmatplotlib.__version__.count('.') > 0",
    "a function": "from matplotlib.pyplot import plot\ncallable(plot)",
    "everything": "from matplotlib.pyplot import *\ncallable(plot)",
    "a module": "from matplotlib import pyplot as plt\ncallable(plt.plot)",
    "a module in it": "import matplotlib.figure\ncallable(matplotlib.figure.Figure)",
    "its names": "import matplotlib.pyplot as plt\n'plot' in dir(plt)",
    "its text": "import inspect, matplotlib.pyplot as plt\n'def plot(' in inspect.getsource(plt)",
    "its files": "import importlib.resources as files, matplotlib\n"
    "(files.files('matplotlib') / 'pyplot.py').is_file()",
    "again": "import importlib, matplotlib.pyplot as plt\ncallable(importlib.reload(plt).plot)",
    "not there": "import matplotlib.pyplot as plt\nnot hasattr(plt, 'nothing')",
    "a module beside it": "import matplotlib.pyplot as plt\nfrom matplotlib.colors import LogNorm\n"
    "from matplotlib.patches import Circle\nimport matplotlib.cm, matplotlib.ticker\n"
    "callable(plt.plot)",
    "a module first": "from matplotlib.colors import ListedColormap\n"
    "import matplotlib.pyplot as plt\ncallable(plt.plot)",
    "the inline backend": "%matplotlib inline\nimport matplotlib.pyplot as plt\ncallable(plt.plot)",
    "the inline backend after it": "import matplotlib.pyplot as plt\n%matplotlib inline\n"
    "callable(plt.plot)",
    "the old way": "%pylab inline\ncallable(plot)",
    "replaced in part": "import matplotlib.pyplot as plt\nplt.show = 3\nplt.figure()\n"
    "plt.close()\nplt.show == 3",
    "in threads": "import threading, matplotlib.pyplot as plt\nfound = []\n"
    "jobs = [threading.Thread(target=lambda: found.append(callable(plt.plot))) for _ in range(4)]\n"
    "for job in jobs: job.start()\nfor job in jobs: job.join()\nfound == [True] * 4",
}


@pytest.mark.parametrize("case", IMPORTS)
def test_a_library_that_is_loaded_later_is_as_any_other(case):
    assert "True" in run(IMPORTS[case])[1][0]


def test_who_draws_nothing_does_not_wait_for_matplotlib():
    first = "import sys\nimport matplotlib.pyplot as plt\n'matplotlib.figure' in sys.modules"
    shown = run(first, "plt.figure()\nplt.close()\n'matplotlib.figure' in sys.modules")[1]
    assert "False" in shown[0] and "True" in shown[1]
