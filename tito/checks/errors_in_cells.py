"""How errors look in a notebook: a short block in a checks cell, and nothing red for what is not
done yet; elsewhere Python's own traceback, which a student learns to read.
"""

from __future__ import annotations

import ast
import linecache
import os
import re
import traceback
from collections.abc import Callable, Mapping

from tito.checks import calls
from tito.checks.block import Block, hints_of
from tito.checks.suggestions import UNREACHABLE, below_a_refusal, perhaps_meant
from tito.notebook.exercises import (
    MILESTONES,
    POINTS,
    REACHES,
    RESULTS,
    Exercise,
    exercise_of,
    worth,
)

LAST_FRAMES = 3
NOT_DONE = "not done yet"
WAITS_FOR = "waits for"
WAITING: set[str] = set()  # the given cells that needed what is not done yet


def answer_in_blocks() -> None:
    """Have this notebook's kernel answer in blocks; nothing happens outside of IPython."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or getattr(shell, "answers_in_blocks", False):
        return
    shell.answers_in_blocks = True
    shell.set_custom_exc((Exception,), _show)
    shell.events.register("post_run_cell", _after_a_cell)


def _after_a_cell(result) -> None:
    """Say what a checks cell that passed is worth, and what is reached; remember how it went."""
    exercise = exercise_of(getattr(result.info, "raw_cell", None) or "")
    if exercise is None:
        return
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        points = worth(exercise.points)
        print(f"✓ {exercise.name}: all checks in this cell pass; it is worth {points}")
        if exercise.milestone in MILESTONES and RESULTS.get(exercise.name) != "passed":
            print("", *MILESTONES[exercise.milestone].sentences(), sep="\n")
    state = "passed" if error is None else "not done" if is_blank(error) else "failed"
    if error is not None and _comes_from(error, exercise):
        state = "not run"
    RESULTS[exercise.name], POINTS[exercise.name] = state, exercise.points
    if exercise.milestone:
        REACHES[exercise.name] = exercise.milestone


def is_blank(error: BaseException) -> bool:
    """Whether it comes from an exercise that has not been begun."""
    return isinstance(error, NotImplementedError) and not str(error)


def _show(shell, kind, error, trace, tb_offset=None) -> list[str]:
    """Show an error that ended a cell; IPython calls this."""
    numbers = getattr(shell.compile, "_filename_map", {})
    block = block_of(error, trace, shell.user_ns, numbers)
    if block is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    lines = block.lines()
    if _somebody_is_reading():
        from IPython.display import publish_display_data

        publish_display_data({"text/plain": "\n".join(lines), "text/html": block.html()})
        shell._last_traceback = lines  # what a kernel replies
    else:
        if isinstance(error, RecursionError):
            error = RecursionError(_endless(trace))
        shell._showtraceback(kind, error, lines)
    return lines


def _somebody_is_reading() -> bool:
    """Whether a person has this notebook open; a program that runs it gets errors as text."""
    return "JPY_SESSION_NAME" in os.environ and "NBGRADER_EXECUTION" not in os.environ


def block_of(
    error: BaseException, trace, names: dict, numbers: Mapping[str, int] | None = None
) -> Block | None:
    """What to say about an error that ended a cell; None where the traceback says it best.

    Parameters
    ----------
    error : BaseException
        What was raised.
    trace : traceback
        Its traceback.
    names : dict
        The notebook's names: the globals of all functions that are written in it.
    numbers : mapping of str to int, optional
        The number that a notebook shows for each cell, by the file name of its code.
    """
    numbers = numbers or {}
    steps = list(traceback.walk_tb(trace))
    own = [step for step in steps if step[0].f_globals is names]
    if not own:
        return None
    cell = own[0][0]
    exercise = exercise_of(_source(cell))
    if block := getattr(error, "block", None):
        return block.titled(_title(exercise, block.title))
    exported = [step for step in steps if _is_exported(step[0])]
    if is_blank(error):
        if not exercise:
            WAITING.add(_source(cell))
        return _not_done(numbers, exercise, steps[-1])
    if not exercise and any(map(_gives(error), WAITING)):
        WAITING.add(_source(cell))
        return Block("·", f"this needs {error.name}, which a cell above could not make yet")
    if exercise and (above := _comes_from(error, exercise)):
        return Block("·", _title(exercise, f"{WAITS_FOR} {above}, whose checks do not pass yet"))
    if exercise:
        return _raised(numbers, exercise, error, trace, own[0], _of_interest(own[1:] or exported))
    if isinstance(error, RecursionError):
        return Block("✗", f"RecursionError: {_endless(trace)}")
    return None


def _comes_from(error: BaseException, exercise: Exercise) -> str:
    """The exercise in whose checks, which did not run to their end, a missing name is given."""
    gives = _gives(error)
    for entry in linecache.cache.values():
        source = "".join(entry[2]) if len(entry) == 4 else ""
        other = exercise_of(source)
        if other and other.name != exercise.name and gives(source):
            return other.name
    return ""


def _gives(error: BaseException) -> Callable[[str], object]:
    """Whether a cell's text gives a value to the name that an error misses."""
    name = getattr(error, "name", None)
    if not isinstance(error, NameError) or not isinstance(name, str):
        return lambda source: None
    return re.compile(rf"^(?:(?:def|class) {name}\b|[^\n=(]*\b{name}\b[^\n=(]*=)", re.M).search


def _is_exported(frame) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("tinytorch.core.")


def _of_interest(steps: list) -> list:
    """The last step; where that only refuses what it was given, those that gave it, too."""
    if not steps or not _line(*steps[-1]).startswith("raise"):
        return steps[-1:]
    return [*steps[:-2][:1], *steps[-2:]]


def _title(exercise: Exercise | None, text: str) -> str:
    return f"{exercise.name} ({worth(exercise.points)}): {text}" if exercise else text


def _not_done(numbers, exercise: Exercise | None, step) -> Block:
    frame, line = step
    name = "" if frame.f_code.co_name == "<module>" else f"{_function(frame)}, "
    where = f"{NOT_DONE} ({name}{_place(numbers, frame, line)})"
    title = _title(exercise, where) if exercise else f"this needs what is {where}"
    hints = (UNREACHABLE,) if below_a_refusal(_source(frame), line) else ()
    rows = (("where", _where(numbers, frame, line)),) if hints or _is_exported(frame) else ()
    return Block("·", title, rows, hints)


def _raised(numbers, exercise: Exercise, error: BaseException, trace, outer, inner) -> Block:
    """An error that was raised while a checks cell called the student's code."""
    frame, line = outer
    check = calls.check_around(frame, line)
    of_interest = 1 if check and check.func.id == "check_raises" else 0
    node = calls.argument(check, of_interest) or calls.call_at(frame)
    rows = [("called", calls.text(node) if node else _line(frame, line))]
    if values := calls.values(node, frame):
        rows.append(("with", "\n".join(values)))
    rows.append(("raised", _in_a_sentence(error, trace)))
    rows += [("where", _where(numbers, *step)) for step in inner]
    if of_interest == 0 and (expected := calls.argument(check, 1)):
        rows.append(("expected", calls.text(expected)))
    last = (inner or [outer])[-1]
    said = perhaps_meant(error, last[0], _line(*last))
    hints = (said,) if said else ()
    if not hints:
        hints = _hints(check or calls.check_after(frame, line), error, frame.f_globals)
    return Block("✗", _title(exercise, "not right yet"), tuple(rows), hints)


def _in_a_sentence(error: BaseException, trace) -> str:
    said = _endless(trace) if isinstance(error, RecursionError) else " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {said}" if said else name


def _endless(trace) -> str:
    names = " → ".join(frame.name for frame in traceback.extract_tb(trace)[-LAST_FRAMES:])
    return f"a function came back to itself without end ({names} → …)"


def _where(numbers, frame, line: int) -> str:
    name = "" if frame.f_code.co_name == "<module>" else f"{_function(frame)}, "
    return f"{name}{_place(numbers, frame, line)}: {_line(frame, line)}"


def _function(frame) -> str:
    return frame.f_code.co_qualname.replace(".<locals>", "")


def _place(numbers, frame, line: int) -> str:
    """The line, and the cell or the file it stands in."""
    if _is_exported(frame):
        return f"line {line} of {'/'.join(frame.f_globals['__name__'].split('.'))}.py"
    number = numbers.get(frame.f_code.co_filename)
    return f"line {line} of cell [{number}]" if number else f"line {line}"


def _hints(check: ast.Call | None, error: BaseException, names: dict) -> tuple[str, ...]:
    hints: tuple[str, ...] = ()
    if isinstance(error, NameError) and _somebody_is_reading():
        hints = ("run the cells above first (JupyterLab: Run → Run All Above Selected Cell)",)
    for keyword in check.keywords if check else ():
        if keyword.arg == "hint" and isinstance(keyword.value, ast.Name):
            hints += hints_of(names.get(keyword.value.id, ""))
        elif keyword.arg == "hint":
            try:
                hints += hints_of(ast.literal_eval(keyword.value))
            except ValueError:
                pass
    return hints


def _source(frame) -> str:
    return "".join(linecache.getlines(frame.f_code.co_filename))


def _line(frame, line: int) -> str:
    return linecache.getline(frame.f_code.co_filename, line).strip()
