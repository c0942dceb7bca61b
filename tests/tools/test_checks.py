"""Visible checks: a line and a block that say what was called, what came, what was expected."""

import linecache
import os
import shutil
import subprocess
import sys
from collections import deque

import numpy as np
import pytest

from tito.checks import CheckFailed, check, check_raises
from tito.checks.errors_in_cells import block_of
from tito.sandbox.view import CHECKS, tito_folder

FAILING = {
    "check(2 + 3, 6, hint='count again')": "2 + 3 gave 5, expected 6. Hint: count again",
    "check(np.arange(3.0), [0, 1, 3])": "np.arange(3.0) gave [0, 1, 2], expected [0, 1, 3]",
    "check(np.ones((2, 3)), np.ones((3, 2)))": "shape (2, 3), expected shape (3, 2)",
    "check(np.arange(20.0), np.arange(20.0) + (np.arange(20) == 7))": "7 at [7], expected 8",
    "check('a', 'b')": "'a' gave a, expected b",
    "check(None, 1.0)": "None gave None, expected 1",
    "check((1, 2), (1, 3))": "gave [1, 2], expected [1, 3]",
    "check((np.ones(2), np.zeros(2)), (np.ones(2), np.ones(2)))": "gave [0, 0] as result 2 of 2, expected [1, 1]",
    "check({'a': 1}, {'a': 2})": "gave 1 for 'a', expected 2",
    "check(float('nan'), 1.0)": "gave nan, expected 1",
    "check(7.0, float('inf'))": "gave 7, expected inf",
    "check(np.inf, -np.inf)": "gave inf, expected -inf",
    "check(True, False)": "gave True, expected False",
    "check(np.ones((1, 2)), (np.ones(2), 8))": "gave [[1, 1]], expected [[1, 1], 8]",
    "check_raises(ValueError, lambda: 3)": "3 gave 3, but a ValueError was expected",
    "check_raises(ValueError, lambda: [][1], hint='no')": "raised IndexError: list index out of range"
    ", but a ValueError was expected. Hint: no",
}


def run(source: str) -> None:
    """Run a text as a notebook cell runs: its lines can be looked up."""
    linecache.cache["cell"] = (len(source), None, source.splitlines(keepends=True), "cell")
    exec(compile(source, "cell", "exec"), {"check": check, "check_raises": check_raises, "np": np})


@pytest.mark.parametrize("source", FAILING)
def test_a_failing_check_says_what_came_and_what_was_expected(source):
    with pytest.raises(CheckFailed) as failed:
        run(source)
    assert FAILING[source] in str(failed.value)
    assert "\n" not in str(failed.value)
    assert failed.value._render_traceback_()[0] == "✗ not right yet"


@pytest.mark.parametrize(
    "source, line",
    [
        ("check(2 * 3, 6)", "✓ 2 * 3 is 6"),
        ("check(1 / 3, 0.333333333)", "✓ 1 / 3 is 0.333333"),
        ("check(np.float32(0.1), 0.1)", "✓ np.float32(0.1) is 0.1"),
        ("check(\n    np.arange(2),\n    [0, 1],\n)", "✓ np.arange(2) is [0, 1]"),
        ("check(float('inf'), np.inf)", "✓ float('inf') is inf"),
        ("check_raises(ZeroDivisionError, lambda: 1 / 0)", "✓ 1 / 0 is refused: division by zero"),
    ],
)
def test_a_passing_check_says_what_was_checked(source, line, capsys):
    run(source)
    assert capsys.readouterr().out == line + "\n"


def test_a_blank_exercise_stays_visible_as_not_done():
    def blank():
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        check_raises(ValueError, blank)


def test_a_sandboxed_notebook_has_all_that_checks_import(tmp_path):
    for name in CHECKS:
        source, target = tito_folder() / name, tmp_path / "tito" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import tito.checks, tito.figures\n"
        "from tito.student.progress import progress; print(tito.checks.__file__); print(progress())"
    )
    result = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert str(tmp_path) in result.stdout and "0 of 0 exercises" in result.stdout


CELLS = {
    "import numpy as np\nfrom tito.checks import check": "",
    "def double(x):\n    return np.multply(x, 2)": "",
    "def halve(x):\n    raise NotImplementedError()": "",
    "# double: 5 points\na = np.array([1.0])\ncheck(double(a), [2.0], hint=['one', 'two'])": (
        "✗ double (5 points): not right yet\n  called    double(a)\n  with      a = [1]\n"
        "  raised    AttributeError: module 'numpy' has no attribute 'multply'\n"
        "  where     double, line 2 of cell [2]: return np.multply(x, 2)\n"
        "  expected  [2.0]\n  hint      did you mean np.multiply?"
    ),
    "# halve: 1 points\ncheck(halve(2), 1)": (
        "· halve (1 point): not done yet (halve, line 2 of cell [3])"
    ),
    "def refuse(x):\n    raise TypeError('no lists')\ndef twice(x):\n    return refuse(x)": "",
    "# twice: 1 points\nb = twice([1])\ncheck(b, 2, hint='a number')": (
        "✗ twice (1 point): not right yet\n  called    twice([1])\n"
        "  raised    TypeError: no lists\n"
        "  where     twice, line 4 of cell [6]: return refuse(x)\n"
        "  where     refuse, line 2 of cell [6]: raise TypeError('no lists')\n"
        "  hint      a number"
    ),
    "half = halve(2)": "· this needs what is not done yet (halve, line 2 of cell [3])",
    "quarter = half / 2": "· this needs half, which a cell above could not make yet",
    "print(quarter)": "· this needs quarter, which a cell above could not make yet",
    "# right: 2 points\ncheck(a + 1, [2])": (
        "✓ a + 1 is [2]\n✓ right: all checks in this cell pass; it is worth 2 points"
    ),
}


@pytest.mark.parametrize("read_by_a_person", [False, True])
def test_a_kernel_answers_in_blocks(tmp_path, read_by_a_person):
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    cells = [nbformat.v4.new_code_cell(source) for source in [*CELLS, "double(1)"]]
    nb = nbformat.v4.new_notebook(cells=cells)
    config = Config(KernelManager={"transport_encryption": "auto"})
    client = NotebookClient(nb, kernel_name="python3", allow_errors=True, config=config)
    environment = {k: v for k, v in os.environ.items() if k != "JPY_SESSION_NAME"}
    environment |= {"PYTHONPATH": str(tito_folder().parent)}
    environment |= {"JPY_SESSION_NAME": "x.ipynb"} if read_by_a_person else {}
    with client.setup_kernel(env=environment, cwd=str(tmp_path)):
        for number, cell in enumerate(nb.cells):
            client.execute_cell(cell, number)
    *checked, own = nb.cells
    for cell, expected in zip(checked, CELLS.values(), strict=True):
        said = "".join(_text(output) for output in cell.outputs).rstrip("\n")
        assert said == expected
        kinds = {output.output_type for output in cell.outputs}
        assert not (read_by_a_person and "error" in kinds)
        assert all(output.get("name") != "stderr" for output in cell.outputs)
    assert "Traceback" in _text(own.outputs[0])  # outside of checks, Python's own


def _text(output) -> str:
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return output.text if output.output_type == "stream" else output.data["text/plain"]


@pytest.mark.parametrize(
    ("body", "question"),
    [
        ("return np.substract(x, 1)", "did you mean np.subtract?"),
        ("return multipy(x, 1)", "did you mean multiply?"),
        ("return x @ weights", "did you mean self.weights?"),
        ("return x.reshap(-1)", "did you mean reshape?"),
        ("return self.biases * x", "nothing has given self.biases a value; write self.biases = …"),
        ("return self.__name__", "another"),
        ("return 3.0.__dict__", "another"),
        ("x * 2", "did you forget return?"),
        ("return [x, None]", "did you forget return?"),
        ("scale == 2\n    return x * scale", "== compares; scale = … gives it a value"),
        (
            "sum = sum(x)\n    return x / sum",
            "this function gives sum a value, so sum is its own name in all of it, and no longer that "
            "from outside; call yours something else",
        ),
        ("y += x\n    return y", "y is used before this function has given it a value"),
        ("return math.sqrt(x)", "math is not imported; np.sqrt does it, for whole arrays"),
        (
            "return fractions.Fraction(1)",
            "fractions is not imported; write import fractions at the top of this cell",
        ),
        ("return x.shape()", "x.shape is a value, not a function; leave out the parentheses"),
        (
            "return 2(x)",
            "2 holds a value of type int here, not a function; is it a name of yours that hides one, or is an operator missing before the parenthesis?",
        ),
        ("return x.sum().sum.real", "x.sum().sum is a function; did you mean x.sum().sum().real?"),
        (
            "y = np.random.seed(1)\n    return y.T",
            "what stands before .T is None; a function without return gives None",
        ),
        (
            "return np.random.seed(1) + 1",
            "one of the values here is None; a function without return gives None",
        ),
        ("return (x > 1) ^ 0.5", "a power is written with **; ^ works on bits"),
        ("return x * 1.0,", "a comma at the end of a line makes a tuple of one; leave it out"),
        ("return x.sum", "this is a function, not its result; did you forget the parentheses ()?"),
        (
            "return (v for v in x)",
            "a generator gives its values one by one; did you mean a list, or sum(…)?",
        ),
        (
            "import nothing_that_there_is",
            "numpy and what the cells above have imported is enough here",
        ),
    ],
)
def test_a_slip_is_asked_about_and_no_other_hint_is_given(body, question):
    class Layer:  # an object that can be called, and has attributes like any other
        weights = np.ones(2)

        def __call__(self, x):
            return x

    program = (
        "# f: 2 points\ndef multiply(a, b):\n    return a * b\n"
        f"def f(x, self=None):\n    {body}\n"
        "check(f(np.ones(2), Layer()), [1.0, 1.0], hint='another')\n"
    )
    names = {"Layer": Layer, "np": np, "check": check}
    linecache.cache["slip"] = (len(program), None, program.splitlines(keepends=True), "slip")
    with pytest.raises(Exception) as raised:
        exec(compile(program, "slip", "exec"), names)
    block = block_of(raised.value, raised.value.__traceback__.tb_next, names)
    assert block.hints == (question,)


@pytest.mark.parametrize(
    ("body", "unreached"),
    [
        ("raise NotImplementedError()\n    return x", True),
        ("if x is not None:\n        raise NotImplementedError()\n    return x", False),
        ("y = x\n    raise NotImplementedError()", False),
    ],
)
def test_code_below_a_line_that_still_refuses_is_pointed_out(body, unreached):
    program = f"# f: 2 points\ndef f(x):\n    {body}\ncheck(f(1), 1)\n"
    names = {"check": check}
    linecache.cache["below"] = (len(program), None, program.splitlines(keepends=True), "below")
    with pytest.raises(NotImplementedError) as raised:
        exec(compile(program, "below", "exec"), names)
    block = block_of(raised.value, raised.value.__traceback__.tb_next, names)
    assert "not done yet" in block.title
    assert bool(block.hints) == unreached


def test_a_range_is_as_good_as_a_list(capsys):
    check([range(3), range(3, 5)], [[0, 1, 2], [3, 4]])
    assert capsys.readouterr().out.endswith("is [[0, 1, 2], [3, 4]]\n")
    with pytest.raises(CheckFailed, match=r"gave \[0, 1, 2\] as result 1 of 1"):
        check([range(3)], [[0, 1, 3]])


def test_equal_numbers_in_collections_of_another_kind_are_shown_side_by_side():
    with pytest.raises(CheckFailed) as caught:
        check([deque([1, 2])], [[1, 2]])
    assert ("came", "[deque([1, 2])]") in caught.value.block.rows
    assert ("expected", "[[1, 2]]") in caught.value.block.rows


def test_a_block_shows_no_names_of_a_comprehension():
    program = "_, k, x = 5, 7, 2\ncheck([k * x for k, _ in [(3, 4)]], [1])"
    with pytest.raises(CheckFailed) as caught:
        run(program)
    assert ("with", "x = 2") in caught.value.block.rows


def test_text_that_looks_like_the_number_expected_stands_in_quotes():
    with pytest.raises(CheckFailed) as failed:
        run("check('3', 3)")
    assert "gave '3', expected 3" in str(failed.value)
    with pytest.raises(CheckFailed) as failed:
        run("check([1, '3'], [1, 3])")
    assert "'3'" in str(failed.value)


def test_a_figure_is_read_on_a_white_and_on_a_dark_page(monkeypatch):
    import base64
    import io

    import matplotlib

    matplotlib.use("agg")
    import IPython.display
    import matplotlib.pyplot as plt

    from tito import figures

    drawn = []
    monkeypatch.setattr(IPython.display, "display", drawn.append)
    figure, axis = plt.subplots()
    axis.plot([0, 1], [0, 1], "k--", label="line")
    axis.scatter([0.5], [0.2], c="k")
    axis.set(title="title", xlabel="x")
    axis.legend()
    figures.show(figure, "A line.")
    image = plt.imread(io.BytesIO(base64.b64decode(drawn[0].data)))
    assert image[0, 0, 3] == 0  # the page shines through
    opaque = image[image[..., 3] == 1][:, :3]
    assert len(opaque) > 100 and opaque.max(axis=1).min() > 0.4  # nothing black
    assert opaque.min(axis=1).max() < 0.7  # and nothing white


class Clock:
    """A clock that stands still, but for the calls that take time on it."""

    def __init__(self, *durations: float):
        self.durations, self.now, self.calls = durations, 0.0, 0

    def perf_counter(self) -> float:
        return self.now

    def call(self) -> None:
        """Takes the durations in turn, and again from the first."""
        self.now += self.durations[self.calls % len(self.durations)]
        self.calls += 1


@pytest.mark.parametrize(
    "durations, tries, shortest, calls",
    [
        ((0.5,), 1, 0.5, 1),
        ((0.5, 0.25, 1.0), 3, 0.25, 3),
        ((0.1, 0.2), 1, 0.1, 1),  # the second one is never called
        ((1e-5,), 3, 1e-5, 1 + 3 * 100),
        ((0.0,), 2, 0.0, 1 + 2 * 10_000),  # too short for the clock
    ],
)
def test_a_call_is_tried_several_times_and_a_short_one_repeated_in_each_try(
    durations, tries, shortest, calls, monkeypatch
):
    from tito.checks import figures

    clock = Clock(*durations)
    monkeypatch.setattr(figures, "time", clock)
    assert figures.seconds(clock.call, tries) == pytest.approx(shortest)
    assert clock.calls == pytest.approx(calls, rel=0.02)
