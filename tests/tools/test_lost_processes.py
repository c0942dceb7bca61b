"""A process that ends before it has loaded anything is no fault of the submission: another follows."""

import nbformat
import pytest

from tito import sandbox
from tito.judge import graft
from tito.judge.asking import MOST_KILLED, NOT_STARTED, Limits, ask
from tito.judge.pack import Pack
from tito.steps.cells import Running, execute


@pytest.fixture
def lose(monkeypatch, tmp_path):
    """Have the first processes that are started end at once; gives how many were started."""
    start, started = sandbox.start_python, []
    nothing = tmp_path / "nothing.py"
    nothing.write_text("")
    nothing.parent.chmod(0o755)

    def lose(count: int) -> list:
        def start_or_lose(script, *arguments, **settings):
            started.append(script)
            return start(script if len(started) > count else nothing, *arguments, **settings)

        monkeypatch.setattr(sandbox, "start_python", start_or_lose)
        return started

    return lose


def answers(small_course):
    pack = Pack.of(small_course.module("numbers"))
    limits = Limits(60, 600)
    return pack, ask(pack.import_name, pack.reference, pack.program, pack.modules, 0, limits)


def test_observations_are_made_by_another_process(small_course, lose):
    started = lose(2)
    pack, got = answers(small_course)
    assert not got.faults and not got.hangs
    assert got.answers.keys() == graft.reference_answers(pack, 0).keys()
    assert len(started) >= 3 and got.killed == 2


def test_after_some_that_were_lost_it_is_said_that_none_started(small_course, lose):
    started = lose(10**6)
    _, got = answers(small_course)
    assert not got.answers and set(got.faults.values()) == {NOT_STARTED}
    assert len(started) == MOST_KILLED + 1 and not got.late


def test_cells_are_run_by_another_interpreter(lose, tmp_path):
    started = lose(1)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(6 * 7)")])
    folder = tmp_path / "folder"
    folder.mkdir()
    ran = execute(nb, folder, Running(timeout=60, total=120))
    assert not ran.ended and nb.cells[0].outputs[0].text == "42\n"
    assert len(started) == 2


def test_an_interpreter_that_is_there_at_the_end_is_not_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "was_killed", lambda process: pytest.fail("it waits for a second"))
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7")])
    assert not execute(nb, tmp_path, Running(timeout=60, total=120)).ended
