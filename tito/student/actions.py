"""The student's path: start, test, export, submit, status, reset."""

from __future__ import annotations

import ast
import copy
import getpass
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tito.course import Course, Module
from tito.errors import TitoError, UsageError
from tito.files import explained, write_atomically
from tito.notebook.card import hours_of
from tito.notebook.exercises import answers_of, milestones_of, worth
from tito.notebook.export import export_student, notebook_cells, sources_by_name
from tito.notebook.read import read_notebook
from tito.student.desk import digest, name_of_desk, read_desk, remember, remembered
from tito.student.due import said_of_due_date
from tito.student.progress import progress_of
from tito.student.running import Checked, keep_results, run_checks
from tito.syntax import parse

BLANK = ("# YOUR CODE HERE", "raise NotImplementedError()")  # what a student replaces


def released(module: Module) -> Path:
    """The released notebook.

    Raises
    ------
    UsageError
        If there is none.
    """
    if not module.released.exists():
        raise UsageError(f"{module.folder} has not been released; ask your instructor for it")
    return module.released


def start(module: Module) -> bool:
    """Put the released notebook on the desk, unless there is one, which is left as it is.

    Returns
    -------
    bool
        Whether it was put there.
    """
    if module.desk.exists():
        return False
    source = released(module)
    for path in sorted(source.parent.iterdir()):
        if path.is_file() and path != source and not path.name.startswith("."):
            write_atomically(module.desk.parent / path.name, path.read_bytes())
    write_atomically(module.desk, source.read_bytes())
    return True


def missing_modules(module: Module) -> list[Module]:
    """The earlier modules that a notebook imports and that have not been exported yet."""
    text = module.desk.read_text(encoding="utf-8", errors="replace")
    names = set(re.findall(r"tinytorch\.core\.(\w+)", text))
    names |= set(
        re.findall(r"\w+", " ".join(re.findall(r"from tinytorch\.core import ([\w ,]+)", text)))
    )
    earlier = [m for m in Course(module.root).modules() if m < module and m.name in names]
    return [m for m in earlier if not m.exported.exists()]


def reset(module: Module) -> Path | None:
    """Put the released notebook on the desk again, and keep a dated copy of the old one.

    Returns
    -------
    Path or None
        The copy; None if there was nothing to keep.
    """
    source, backup = released(module), None
    if module.desk.exists():
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        backup = module.desk.parent / "backups" / f"{module.desk.stem}-{stamp}.ipynb"
        with explained(f"keep a copy as {backup}"):
            backup.parent.mkdir(exist_ok=True)
            shutil.copy2(module.desk, backup)
    write_atomically(module.desk, source.read_bytes())
    return backup


def test(
    module: Module, on_result: Callable[[Checked], None] = lambda checked: None
) -> list[Checked]:
    """Run the notebook on the desk in a fresh kernel, and read its checks.

    Parameters
    ----------
    on_result : callable
        Called with each result as it comes.

    Returns
    -------
    list of Checked
        One for each checks cell; also kept for `status`.

    Raises
    ------
    UsageError
        If the module has not been started.
    TitoError
        If the notebook cannot be read, or no kernel starts.
    """
    read_desk(module)
    results = list(run_checks(module, on_result))
    keep_results(module, results)
    return results


@dataclass(frozen=True)
class State:
    """What is still to do in a notebook, apart from what its checks say.

    Attributes
    ----------
    blank : list of str
        Exercises in which a function is as it was released.
    broken : dict
        Cells that do not parse, and why.
    missing : list of str
        Exercises that are no longer there, or are no longer exported.
    unchecked : list of str
        Exercises whose checks are no longer there.
    changed : dict
        Cells of the lesson that are not as they were released, and the first line that differs.
    unanswered : dict
        Written answers that have not been begun, and their points.
    """

    blank: list[str]
    broken: dict[str, str]
    missing: list[str]
    unchecked: list[str]
    changed: dict[str, str] = field(default_factory=dict)
    unanswered: dict[str, float] = field(default_factory=dict)

    def lines(self, with_blank: bool = True) -> list[str]:
        """A sentence for each kind of thing; what is blank only if wanted."""
        found = [f"The cell {n!r} does not parse ({why})." for n, why in self.broken.items()]
        if self.missing:
            found.append(
                f"No longer there, or without its line #| export: {', '.join(self.missing)}."
            )
        if self.unchecked:
            found.append(f"Its checks are no longer there: {', '.join(self.unchecked)}.")
        found += [
            f"A given line of the cell {name!r} differs from the release: {line}"
            for name, line in self.changed.items()
            if name not in self.broken
        ]
        if self.unanswered:
            lost = worth(sum(self.unanswered.values()))
            found.append(f"Written answers not begun ({lost}): {', '.join(self.unanswered)}.")
        if self.blank and with_blank:
            found.append(f"Still to do: {', '.join(self.blank)}.")
        return found


def changed_lines(module: Module, nb: dict) -> dict[str, str]:
    """The cells in which a line that was given is gone or changed, and the first such line.

    Of an exercise, the lines around the student's own; of a checks cell, all of it.
    """
    if not module.released.exists():
        return {}
    texts, changed = sources_by_name(nb), {}
    for name, given in sources_by_name(read_notebook(module.released)).items():
        rest = iter(texts.get(name, given).splitlines())
        for line in given.splitlines():
            theirs = line.strip() in BLANK
            if not theirs and line.strip() and not any(line.rstrip() == r.rstrip() for r in rest):
                changed[name] = line.strip()
                break
    return changed


def is_blank(source: str) -> bool:
    """Whether a function of a cell still ends as a blank one does; its comment says nothing."""
    functions = (n for n in ast.walk(parse(source)) if isinstance(n, ast.FunctionDef))
    ends = ([s for s in f.body if isinstance(s, (ast.Return, ast.Raise))] for f in functions)
    return any(end and ast.unparse(end[0]) == BLANK[1] for end in ends)


def state(module: Module) -> State:
    """What is still to do in the notebook on the desk."""
    nb = read_desk(module)
    cells = {cell.name: cell for cell in notebook_cells(nb)}
    given = notebook_cells(read_notebook(module.released)) if module.released.exists() else []
    wanted = [cell for cell in given if not cell.name.startswith("cell ")]
    checks = {
        (cell.get("metadata", {}).get("nbgrader") or {}).get("grade_id") for cell in nb["cells"]
    }
    return State(
        blank=[name for name, cell in cells.items() if not cell.error and is_blank(cell.source)],
        broken={name: cell.error for name, cell in cells.items() if cell.error},
        missing=[
            cell.name
            for cell in wanted
            if cell.name not in cells or (cell.exported and not cells[cell.name].exported)
        ],
        unchecked=[cell.name for cell in wanted if f"test-{cell.name}" not in checks],
        changed=changed_lines(module, nb),
        unanswered={name: p for name, (p, begun) in answers_of(nb).items() if not begun},
    )


def export(module: Module) -> tuple[Path, State]:
    """Write the student's own module of `tinytorch`.

    Returns
    -------
    path : Path
        The file written.
    state : State
        What is still to do in it.
    """
    found = state(module)
    path = export_student(module)
    remember(module, exported={"digest": digest(module)})
    return path, found


def submit(module: Module, student: str | None = None) -> tuple[str, State]:
    """Hand in the notebook on the desk.

    Parameters
    ----------
    student : str, optional
        Who hands it in; by default the name of the account.

    Returns
    -------
    receipt : str
        What was handed in, when, and its checksum.
    state : State
        What is still to do in it.

    Raises
    ------
    UsageError
        If the module has not been started, or the name cannot be a student's.
    TitoError
        If the notebook cannot be read, or the exchange refuses it.
    """
    from tito.submission import Submission, now, zip_bytes

    found = state(module)
    student = _account() if student is None else student
    if not re.fullmatch(r"\w[\w.@-]*", student):
        raise UsageError(
            f"{student!r} cannot be a student's name; use letters, digits and . @ _ -, no spaces"
        )
    files = {module.notebook: module.desk.read_bytes()}
    desk = name_of_desk(Course(module.root))
    version = Course(module.root).kit_version
    handed_in = Submission(student, module.folder, now(), files, desk, version)
    where = _into_exchange(module, student)
    if where is None:
        stamp = re.sub(r"\D", "", handed_in.time)[:14]
        path = module.desk.parent / f"{module.folder}-{student}-{stamp}.zip"
        write_atomically(path, zip_bytes(handed_in))
        where = f"{path.relative_to(module.root)}\nSend this file to your instructor."
    lines = [
        f"{student} handed in {module.folder} on {handed_in.time}",
        f"SHA-256 {handed_in.digest}",
    ]
    if version:
        lines.append(f"Kit {version}")
    receipt = "\n".join([*lines, *said_of_due_date(module), where])
    write_atomically(module.desk.parent / "receipt.txt", receipt + "\n")
    remember(module, submitted={"digest": digest(module), "time": handed_in.time})
    return receipt, found


def _account() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container, an account may be only a number
        raise UsageError("your account has no name; say yours with --student NAME") from None


def _into_exchange(module: Module, student: str) -> str | None:
    """Hand in through nbgrader's exchange; None where none is configured."""
    from tito.course_settings import configuration

    config = copy.deepcopy(configuration(module.root))
    root = config.get("Exchange", {}).get("root")
    if not root:
        return None
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange import ExchangeFactory
    from nbgrader.exchange.abc import ExchangeError

    config.CourseDirectory.assignment_id = str(module.desk.parent)
    config.CourseDirectory.student_id = student
    directory = CourseDirectory(config=config)
    try:
        ExchangeFactory(config=config).Submit(
            coursedir=directory, authenticator=Authenticator(config=config), config=config
        ).start()
    except (ExchangeError, OSError) as error:
        raise TitoError(f"the exchange {root} did not take {module.folder}: {error}") from None
    return f"in the exchange {root}"


@dataclass(frozen=True)
class Status:
    """Where a student stands with a module, each in a few words."""

    module: str
    started: str
    checks: str
    points: str
    left: str
    milestone: str
    exported: str
    submitted: str


def status(module: Module) -> Status:
    """Where the student stands with a module."""
    if not module.desk.exists():
        hours = hours_of(module)
        left, milestones = hours.short() if hours else "–", ", ".join(milestones_ahead(module))
        return Status(module.folder, "–", "–", "–", left, milestones or "–", "–", "–")
    record, current = remembered(module), digest(module)
    tested, exported, submitted = (record.get(k) for k in ("tested", "exported", "submitted"))
    checks = f"{tested['passed']} of {tested['checks']}" if tested else "not run"
    points, left, milestones = _points_time_and_milestones(module)
    return Status(
        module.folder,
        "yes",
        checks + _changed(tested, current),
        points,
        left,
        milestones,
        ("yes" if exported and module.exported.exists() else "no") + _changed(exported, current),
        (submitted["time"][:16] if submitted else "no") + _changed(submitted, current),
    )


def milestones_ahead(module: Module) -> dict[str, str]:
    """Each milestone of a module as it was released, and its exercise."""
    if not module.released.exists():
        return {}
    return {m: name for name, m in milestones_of(read_notebook(module.released)).items()}


def milestones(module: Module) -> list[tuple[str, str, bool]]:
    """Each milestone of a module, its exercise, and whether its checks passed at the last test."""
    reached: list[str] = []
    if module.desk.exists():
        try:
            reached = progress_of(module, {}).reached
        except TitoError:  # no notebook: nothing is known of it
            pass
    return [(m, name, m in reached) for m, name in milestones_ahead(module).items()]


def _points_time_and_milestones(module: Module) -> tuple[str, str, str]:
    """The points so far, the time that is left, and milestones; dashes for what is no notebook."""
    try:
        found = progress_of(module, {})
    except TitoError:
        return "–", "–", "–"
    names = [m + (" reached" if m in found.reached else "") for m in found.milestones.values()]
    left = found.left.short() if found.left else "–"
    return f"{found.points_so_far:g} of {found.most:g}", left, ", ".join(names) or "–"


def _changed(fact: dict | None, current: str) -> str:
    return ", changed since" if fact and fact["digest"] != current else ""
