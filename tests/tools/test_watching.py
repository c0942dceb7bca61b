"""`tito test --watch`: after a save, the checks that it touches run again."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from conftest import cell_of, reference, untouched

from tito.student import actions as student
from tito.student.watching import touched

CELLS = [
    "import numpy as np",
    "def f(x): return x",
    "def g(x): return f(x)",
    "check(f(1), 1)",
    "y = g(2)",
    "check(y, 2)",
    "z = 3",
    "check(z, 3)",
]
TOUCHED = {
    "a function": (1, "def f(x): return 2 * x", [1, 2, 3, 4, 5]),
    "what an earlier function uses": (2, "def g(x): return f(f(x))", [2, 4, 5]),
    "a number": (6, "z = 4", [6, 7]),
    "a check alone": (7, "check(z, 4)", [7]),
    "a comment": (0, "import numpy as np  # for arrays", [0]),
    "another name": (1, "def h(x): return x", [1, 2, 3, 4, 5]),
    "what does not parse": (6, "z = (", [6, 7]),
    "a call that may change what it is given": (6, "g.rules(f)", [6, 7]),
}


@pytest.mark.parametrize("case", TOUCHED)
def test_a_change_touches_what_follows_from_it(case):
    place, text, expected = TOUCHED[case]
    after = [text if n == place else cell for n, cell in enumerate(CELLS)]
    assert touched(CELLS, after) == expected


def test_cells_that_are_gone_or_moved_need_a_fresh_kernel():
    assert touched(CELLS, CELLS[:-1]) is None
    assert touched(CELLS, [*CELLS[:6], CELLS[7], CELLS[6]]) is None
    assert touched(CELLS, CELLS) == []


@pytest.fixture
def watched(numbers):
    """`tito test --watch` on an untouched notebook; lines of its output, and a way to save."""
    student.start(numbers)
    numbers.desk.write_text(json.dumps(untouched(numbers)))
    process = subprocess.Popen(
        [sys.executable, "-m", "tito", "test", "--watch", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    yield numbers, process
    watchdog.cancel()
    process.kill()
    process.wait()


def until_done(process) -> list[str]:
    """The output of one round."""
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if "Ctrl-C ends" in line:
            return lines
    raise AssertionError(f"it ended: {lines} {process.stderr.read()}")


def test_each_save_shows_the_checks_anew_and_ctrl_c_ends(watched):
    numbers, process = watched
    assert "· double (4 points): not done yet" in until_done(process)
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return 3 * x"
    numbers.desk.write_text(json.dumps(nb))
    lines = until_done(process)
    assert "✗ double (4 points): not right yet" in lines
    assert "  expected  [2, 4]" in lines
    assert "· halve (3 points): not done yet" in lines
    numbers.desk.write_text(json.dumps(reference(numbers)))
    assert "✓ double (4 points)" in until_done(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert "Traceback" not in process.stderr.read()
    assert student.status(numbers).checks == "2 of 2"


def test_a_cell_that_ended_python_is_followed_by_a_fresh_kernel(watched):
    numbers, process = watched
    until_done(process)
    nb = reference(numbers)
    cell_of(nb, "double")["source"] += "\nimport os; os._exit(1)"
    numbers.desk.write_text(json.dumps(nb))
    assert any("ended Python" in line for line in until_done(process))
    numbers.desk.write_text(json.dumps(reference(numbers)))
    assert "✓ halve (3 points)" in until_done(process)
