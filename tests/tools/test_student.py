"""The student's path, from start to submit."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile

import pytest
from conftest import cell_of, reference, untouched

from tito.author.grade import grade
from tito.course import Course
from tito.errors import TitoError, UsageError
from tito.source.regions import without_hidden_tests
from tito.student import actions as student
from tito.student.progress import progress_of

pytestmark = pytest.mark.usefixtures("graded_once")


def tito(*arguments, cwd=None, **environment):
    """Run the command line as a student does."""
    return subprocess.run(
        [sys.executable, "-m", "tito", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
    )


def write(module, nb):
    student.start(module)
    module.desk.write_text(json.dumps(nb))


def test_start_releases_first_where_nothing_is_released(small_course):
    module = small_course.module("numbers")
    with pytest.raises(UsageError, match="has not been released"):
        student.start(module)
    assert tito("start", "numbers", cwd=small_course.root).returncode == 0
    assert "YOUR CODE HERE" in module.desk.read_text()
    assert "twice_as_much" not in module.desk.read_text()
    assert (module.desk.parent / "README.md").exists()


def test_start_never_overwrites_work(numbers):
    write(numbers, reference(numbers))
    before = numbers.desk.read_bytes()
    assert student.start(numbers) is False
    assert numbers.desk.read_bytes() == before


def test_start_names_the_modules_that_are_imported_and_not_exported_yet(released_course, numbers):
    doubles = released_course.module("doubles")
    student.start(doubles)
    assert student.missing_modules(doubles) == [numbers]
    write(numbers, reference(numbers))
    student.export(numbers)
    assert student.missing_modules(doubles) == []


def test_checks_are_read_one_by_one(numbers):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return x + x + 1\n"
    write(numbers, nb)
    double, halve = student.test(numbers)
    assert (double.name, double.points, double.state) == ("double", 4, "failed")
    assert double.message == (
        "double(np.array([1.0, 2.0])) gave [3, 5], expected [2, 4]. Hint: two times each"
    )
    assert (halve.state, halve.message) == ("not done", "")
    write(numbers, reference(numbers))
    assert [result.state for result in student.test(numbers)] == ["passed", "passed"]


def test_a_cell_that_ends_python_is_named(numbers):
    nb = reference(numbers)
    cell_of(nb, "double")["source"] += "\nimport os; os._exit(1)"
    write(numbers, nb)
    results = student.test(numbers)
    assert [result.state for result in results] == ["failed", "failed"]
    assert "ended Python" in results[0].message


def test_an_endless_loop_ends(numbers, monkeypatch):
    from tito.student import running

    monkeypatch.setattr(running, "CELL_TIMEOUT", 8)
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    while True: pass"
    cell_of(nb, "halve")["source"] = cell_of(reference(numbers), "halve")["source"]
    write(numbers, nb)
    double, halve = student.test(numbers)
    assert double.message.startswith(
        "it did not come to an end, and was stopped; it stood at line "
    )
    assert halve.state == "passed", halve.message


def test_the_next_notebook_imports_what_was_exported(released_course, numbers):
    doubles = released_course.module("doubles")
    write(doubles, reference(doubles))
    (result,) = student.test(doubles)
    assert (result.state, result.message) == ("failed", "NameError: name 'double' is not defined")
    assert "finish 01_numbers and run tito export 01_numbers" in tito("test", "2").stdout
    wrong = reference(numbers)
    cell_of(wrong, "double")["source"] = "#| export\ndef double(x):\n    return 3 * x\n"
    write(numbers, wrong)
    student.export(numbers)
    (result,) = student.test(doubles)
    assert "gave 13.5, expected 6" in result.message
    numbers.desk.write_text(json.dumps(reference(numbers)))
    student.export(numbers)
    (result,) = student.test(doubles)
    assert result.state == "passed"


def test_a_zip_goes_from_the_students_desk_to_a_mark(released_course, numbers):
    write(numbers, reference(numbers))
    receipt, _ = student.submit(numbers, "ada")
    (path,) = numbers.desk.parent.glob("*.zip")
    assert path.name in receipt and "ada handed in 01_numbers" in receipt
    assert (numbers.desk.parent / "receipt.txt").read_text() == receipt + "\n"
    (released_course.root / "submitted").mkdir()
    path.rename(released_course.root / "submitted" / "Ada_12345_assignsubmission.zip")
    (result,) = grade(numbers)
    assert (result.student, result.score) == ("ada", 7)


def test_a_later_zip_replaces_an_earlier_one_and_not_the_other_way_round(released_course, numbers):
    (released_course.root / "submitted").mkdir()
    write(numbers, untouched(numbers))
    student.submit(numbers, "ada")
    (first,) = numbers.desk.parent.glob("*.zip")
    first.rename(released_course.root / "submitted" / "z-first.zip")
    write(numbers, reference(numbers))
    numbers.desk.write_text(json.dumps(reference(numbers)))
    student.submit(numbers, "ada")
    (second,) = numbers.desk.parent.glob("*.zip")
    second.rename(released_course.root / "submitted" / "a-second.zip")
    (result,) = grade(numbers)
    assert result.score == 7
    assert len(list((released_course.root / "submitted").glob("*.zip"))) == 2


def bad_zips(folder):
    """Zip files that cannot be used, and what the report says."""
    (folder / "text.zip").write_text("hello")
    with zipfile.ZipFile(folder / "nobody.zip", "w") as archive:
        archive.writestr("numbers_dev.ipynb", "{}")
    record = {
        "student": "../../etc",
        "module": "01_numbers",
        "time": "2026-01-01 00:00:00.000000 UTC",
        "sha256": "",
    }
    with zipfile.ZipFile(folder / "changed.zip", "w") as archive:
        archive.writestr("submission.json", json.dumps(record))
        archive.writestr("numbers_dev.ipynb", "{}")
    return {
        "text.zip": "not a zip file",
        "nobody.zip": "nobody knows whose",
        "changed.zip": "checksum",
    }


def test_zips_that_cannot_be_used_are_named_and_the_others_graded(released_course, numbers):
    folder = released_course.root / "submitted"
    folder.mkdir()
    expected = bad_zips(folder)
    write(numbers, reference(numbers))
    student.submit(numbers, "ada")
    (path,) = numbers.desk.parent.glob("*.zip")
    path.rename(folder / "ada.zip")
    report = {g.student: g for g in grade(numbers)}
    assert report.pop("ada").score == 7
    assert {name: g.score for name, g in report.items()} == dict.fromkeys(expected)
    for name, words in expected.items():
        assert words in report[name].notes[0]


def test_no_name_and_a_name_with_a_space_are_refused(numbers):
    write(numbers, reference(numbers))
    for name in ("", "Zoë Größe"):
        with pytest.raises(UsageError, match="no spaces"):
            student.submit(numbers, name)


def test_a_name_that_leaves_the_folder_is_refused(numbers):
    write(numbers, reference(numbers))
    with pytest.raises(UsageError, match="cannot be a student's name"):
        student.submit(numbers, "../eve")


def test_submitting_into_nbgraders_exchange(released_course, numbers, tmp_path, monkeypatch):
    from tito.course_settings import configuration
    from tito.grading.gradebook import nbgrader_api

    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    config = configuration(released_course.root)
    monkeypatch.setitem(config["Exchange"], "root", str(exchange))
    result = nbgrader_api(released_course).release_assignment(numbers.folder)
    assert result["success"], result
    write(numbers, reference(numbers))
    receipt, _ = student.submit(numbers, "ada")
    assert str(exchange) in receipt
    (handed_in,) = (exchange / "tinytorch" / "inbound").iterdir()
    assert handed_in.name.startswith("ada+01_numbers+")
    assert (handed_in / numbers.notebook).read_bytes() == numbers.desk.read_bytes()


def test_reset_keeps_a_dated_copy(numbers):
    write(numbers, reference(numbers))
    work = numbers.desk.read_bytes()
    first, second = student.reset(numbers), student.reset(numbers)
    assert first.read_bytes() == work and first != second
    assert numbers.desk.read_bytes() == numbers.released.read_bytes()


def test_status_follows_what_is_done(numbers):
    assert student.status(numbers).started == "–"
    write(numbers, reference(numbers))
    assert student.status(numbers).checks == "not run"
    student.test(numbers)
    student.export(numbers)
    assert student.status(numbers).checks == "2 of 2"
    assert student.status(numbers).points == "7 of 7"
    assert student.status(numbers).exported == "yes"
    numbers.desk.write_text(json.dumps(untouched(numbers)))
    assert student.status(numbers).checks == "2 of 2, changed since"
    assert student.status(numbers).exported == "yes, changed since"


COMMANDS = {
    "an unknown module": (["start", "convolutions"], 2, "the modules are: 01_numbers, 02_doubles"),
    "no module": (["start"], 2, "which module?"),
    "no module for export": (["export"], 2, "which module?"),
    "testing what was not started": (["test", "--module", "1"], 2, "tito start 01_numbers"),
    "exporting what was not started": (["export", "numbers"], 2, "tito start 01_numbers"),
    "submitting what was not started": (["submit", "01"], 2, "tito start 01_numbers"),
    "grading nothing": (["grade", "1"], 2, "nothing was handed in"),
    "feedback on nothing": (["feedback", "1"], 2, "run tito grade 01_numbers first"),
    "a kit over something": (["kit", "--out", "source"], 2, "is not empty"),
    "a demo over something": (["demo", "--out", "source"], 2, "is not empty"),
    "tests that are not there": (["selftest"], 2, "has no tests"),
    "an unknown command": (["frobnicate"], 2, "No such command"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_bad_usage_ends_in_one_sentence(released_course, case):
    arguments, code, words = COMMANDS[case]
    result = tito(*arguments)
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_outside_of_a_course_one_sentence_says_so(tmp_path):
    result = tito("status", cwd=tmp_path)
    assert result.returncode == 2 and "is not inside a TinyTorch course" in result.stderr


def test_a_broken_notebook_is_one_sentence(numbers):
    student.start(numbers)
    numbers.desk.write_text("{")
    for command in ("test", "export", "submit"):
        result = tito(command, "1")
        assert result.returncode == 1
        assert "is not a notebook" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["01_numbers", "numbers", "1", "01", "01_numbers/"])
def test_a_module_has_several_names(small_course, name):
    assert small_course.module(name).folder == "01_numbers"


def test_the_exit_code_of_test_says_whether_all_checks_pass(numbers):
    write(numbers, untouched(numbers))
    result = tito("test", "--module", "01_numbers")
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "· double (4 points): not done yet",
        "· halve (3 points): not done yet",
        "0 of 2 checks passed.",
        "Written answers not begun (3 points): why-inverse.",
    ]
    write(numbers, reference(numbers))
    assert tito("test", "1").returncode == 0


@pytest.mark.parametrize("wanted", [None, "3"])
def test_a_notebook_runs_on_one_thread_of_blas_unless_somebody_wants_more(
    numbers, monkeypatch, wanted
):
    nb = reference(numbers)
    saying = "import os; open('threads.txt', 'w').write(os.environ['OPENBLAS_NUM_THREADS'])"
    cell_of(nb, "double")["source"] += f"\n{saying}"
    write(numbers, nb)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    result = tito("test", "1", **({"OPENBLAS_NUM_THREADS": wanted} if wanted else {}))
    assert result.returncode == 0, result.stdout + result.stderr
    assert (numbers.desk.parent / "threads.txt").read_text() == (wanted or "1")


def test_export_names_the_cells_that_do_not_parse(numbers):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x:\n    pass"
    write(numbers, nb)
    result = tito("export", "1")
    assert result.returncode == 1
    assert "The cell 'double' does not parse (line 2" in result.stderr
    assert "Still to do: halve." in result.stderr
    assert numbers.exported.exists()


FINISHED = {
    "    # YOUR CODE HERE\n    return x + x": True,
    "    # raise NotImplementedError()\n    # YOUR CODE HERE\n    return x + x": True,
    "    return x + x\n    # YOUR CODE HERE\n    raise NotImplementedError()": True,
    "    if x is None:\n        raise NotImplementedError()\n    return x + x": True,
    "    pass": True,
    "    # YOUR CODE HERE\n    raise NotImplementedError()": False,
    "    raise NotImplementedError()": False,
    "    y = x + x\n    raise NotImplementedError()\n    return y": False,
}


@pytest.mark.parametrize("body", FINISHED)
def test_what_is_still_to_do_is_said_by_the_code_and_not_by_a_comment(numbers, body):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = f"#| export\ndef double(x):\n{body}\n"
    write(numbers, nb)
    assert student.state(numbers).blank == (["halve"] if FINISHED[body] else ["double", "halve"])


def test_an_exercise_with_several_functions_is_done_when_all_of_them_are(numbers):
    nb = untouched(numbers)
    done = "#| export\nclass Two:\n    def double(self, x):\n        return x + x\n\n    def halve(self, x):\n"
    for body, blank in [("raise NotImplementedError()", ["double"]), ("return x / 2", [])]:
        cell_of(nb, "double")["source"] = f"{done}        # YOUR CODE HERE\n        {body}\n"
        write(numbers, nb)
        assert student.state(numbers).blank == [*blank, "halve"]


def test_an_exercises_own_error_is_shown_at_its_check(numbers):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x:\n    pass"
    write(numbers, nb)
    double, _ = student.test(numbers)
    assert double.message.startswith(
        "its own cell does not run: SyntaxError: '(' was never closed (line 2)"
    )


def test_a_bracket_that_stays_open_is_said_in_pythons_words(numbers):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    y = (x + x\n"
    write(numbers, nb)
    double, _ = student.test(numbers)
    assert double.message.endswith("SyntaxError: '(' was never closed (line 3)")


def test_a_function_that_was_renamed_is_named_and_what_uses_it_waits(numbers):
    nb = reference(numbers)
    for name in ("test-double", "test-halve"):
        cell_of(nb, name)["source"] = without_hidden_tests(cell_of(nb, name)["source"])
    cell_of(nb, "double")["source"] = "#| export\ndef twice(x):\n    return x + x"
    cell_of(nb, "test-halve")["source"] = "# halve: 3 points\ncheck(double(1.0), 2.0)"
    write(numbers, nb)
    double, halve = student.test(numbers)
    assert double.message.startswith("double is not defined any more; was it renamed")
    assert (halve.state, halve.message) == ("waits", "waits for double, which is not right yet")


def test_an_endless_recursion_is_one_line(numbers):
    nb = untouched(numbers)
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return double(x)"
    write(numbers, nb)
    double, _ = student.test(numbers)
    assert double.message == (
        "RecursionError: a function came back to itself without end (double → double → double → …)"
    )


def test_what_is_no_longer_there_is_said(numbers):
    nb = reference(numbers)
    nb["cells"].remove(cell_of(nb, "test-halve"))
    cell_of(nb, "halve")["source"] = cell_of(nb, "halve")["source"].replace("#| export\n", "")
    write(numbers, nb)
    for arguments in (["test", "1"], ["export", "1"], ["submit", "1", "--student", "ada"]):
        shown = tito(*arguments)
        assert "without its line #| export: halve." in shown.stdout + shown.stderr
        assert "Its checks are no longer there: halve." in shown.stdout + shown.stderr


def test_a_renamed_notebook_on_the_desk_is_named(numbers):
    student.start(numbers)
    numbers.desk.rename(numbers.desk.with_name("mine.ipynb"))
    result = tito("test", "1")
    assert result.returncode == 2 and "mine.ipynb is there; rename it back" in result.stderr


def test_what_an_earlier_module_has_not_done_is_said_where_it_is_missed(numbers):
    doubles = Course(numbers.root).module("02_doubles")
    for name in ("1", "2"):
        assert tito("start", name).returncode == 0
    assert tito("export", "1").returncode == 0  # blank as it is
    doubles.desk.write_text(json.dumps(reference(doubles)), encoding="utf-8")
    said = tito("test", "2").stdout.splitlines()
    place = said.index("· quadruple (10 points): not done yet")
    assert re.fullmatch(
        r"  where +double, line \d+ of tinytorch/core/numbers.py: raise NotImplementedError\(\)",
        said[place + 1],
    )


def test_messages_name_the_command_as_the_user_types_it(numbers):
    result = tito("test", "1", TITO_PROGRAM="python bin/tito.py")
    assert "run: python bin/tito.py start 01_numbers" in result.stderr


@pytest.mark.parametrize("line", ["from tito import nothing", "1 +", "raise SystemError('no')"])
def test_settings_that_cannot_be_read_end_in_one_sentence(numbers, line):
    path = numbers.root / "nbgrader_config.py"
    path.write_text(f"{path.read_text()}\n{line}\n")
    result = tito("scores")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("tito: nbgrader_config.py cannot be read (")


@pytest.mark.parametrize("name", ["DL [2026]", "a?b", "all*", "$HOME", "My%20Course"])
def test_a_course_whose_path_nbgrader_misreads_is_refused_in_one_sentence(
    numbers, monkeypatch, name
):
    folder = numbers.root.rename(numbers.root.parent / name)
    monkeypatch.chdir(folder)
    result = tito("release", "1")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "nbgrader misreads" in result.stderr and str(folder) in result.stderr


@pytest.mark.parametrize("name", ["DL [2026]", "My%20Course"])
def test_a_kit_may_be_there_as_students_need_no_nbgrader(numbers, monkeypatch, name):
    folder = numbers.root.rename(numbers.root.parent / name)
    shutil.rmtree(folder / "source")
    monkeypatch.chdir(folder)
    assert tito("start", "1").returncode == tito("submit", "1", "--student", "ada").returncode == 0


@pytest.mark.parametrize("name", ["it's", 'a "b"', "übung #1", "100%", "a&b;c"])
def test_other_paths_do(numbers, monkeypatch, name):
    monkeypatch.chdir(numbers.root.rename(numbers.root.parent / name))
    assert tito("scores").returncode == tito("due", "1").returncode == 0


def test_a_kit_offers_the_students_commands_only(numbers):
    assert "  grade " in tito("--help").stdout
    import shutil

    shutil.rmtree(numbers.root / "source")
    shown = tito("--help").stdout
    assert "  start " in shown and "  grade " not in shown
    assert "Your path: start" in shown and "instructor" not in shown


def test_a_read_only_folder_and_a_full_disk_are_one_sentence(numbers, monkeypatch):
    import errno

    def refuse(number):
        def replace(*arguments):
            raise OSError(number, os.strerror(number))

        return replace

    write(numbers, reference(numbers))
    numbers.exported.write_text("as it was")
    for number in (errno.EROFS, errno.ENOSPC, errno.EACCES):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", refuse(number))
            with pytest.raises(TitoError, match=os.strerror(number).lower()):
                student.export(numbers)
        assert numbers.exported.read_text() == "as it was"
        assert [p.name for p in numbers.exported.parent.glob(".numbers*")] == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_file_where_a_folder_should_be_is_one_sentence(released_course):
    (released_course.root / "notebooks").write_text("in the way")
    result = tito("start", "1")
    assert result.returncode == 1
    assert "cannot write" in result.stderr and "Traceback" not in result.stderr


def test_a_port_in_use_is_one_sentence(numbers):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = tito("jupyter", "--no-browser", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 2 and "is in use; choose another with --port" in result.stderr


def test_a_jupyterlab_that_cannot_start_is_one_sentence_and_is_not_tried_for_ever(
    numbers, monkeypatch
):
    from tito.student import jupyterlab as lab

    monkeypatch.setattr(lab, "_command", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(TitoError, match=r"JupyterLab ended at once \(exit code 1\)"):
        lab.start(numbers.root, None, "", False, print)


STUBBORN = """
import http.server, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *text):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
STARTS_IT = """
import os, sys
from pathlib import Path
from tito.student import jupyterlab as lab
lab._command = lambda root, port, page="", browser=False: [sys.executable, "-c", sys.argv[1], str(port)]
lab.FAREWELL = 0.2
lab.start(Path("."), None, "", False, lambda address: print(address, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that can be ignored")
def test_a_jupyterlab_that_does_not_end_when_asked_is_ended_all_the_same():
    command = [sys.executable, "-c", STARTS_IT, STUBBORN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().strip()
    assert urllib.request.urlopen(address).status == 200
    process.terminate()
    assert process.wait(timeout=60) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)


def test_without_jupyterlab_one_sentence_says_what_to_install(numbers, monkeypatch):
    import importlib.util

    from tito.student import jupyterlab as lab

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TitoError, match="JupyterLab is not installed; run: pip install"):
        lab.start(numbers.root, None, "", False, print)


def test_without_the_course_tools_one_sentence_says_what_to_install(tmp_path):
    (tmp_path / "click.py").write_text("raise ImportError")
    result = tito("status", PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert (
        result.stderr.count("\n") == 1
        and 'pip install ".[course]" in the course folder' in result.stderr
    )


def test_doctor_says_what_is_missing_and_how_to_fix_it(numbers, monkeypatch):
    from tito.student import doctor

    assert all(finding.fine for finding in doctor.examine(numbers.root))
    monkeypatch.setattr(doctor, "required", lambda root: ["numpy", "no-such-package"])
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    ailing = {f.what: f.details for f in doctor.examine(numbers.root) if not f.fine}
    assert ailing["no-such-package"] == 'missing; run: pip install ".[course]" in the course folder'
    assert "PATH" in ailing["alembic (command)"]


def test_help_imports_nothing_heavy():
    script = (
        "import sys; sys.argv = ['tito', '--help']\n"
        "from tito.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = ('nbformat', 'nbgrader', 'jupytext', 'numpy', 'rich', 'IPython')\n"
        "print([m for m in heavy if sys.modules.get(m)])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_status_shows_the_time_that_the_card_leaves(numbers):
    from tito.notebook.card import Hours, hours_of

    card = numbers.source.parent / "README.md"
    assert hours_of(numbers) is None
    card.write_text("| | |\n| --- | --- |\n| Time | 7–8 hours, and 2–3 hours more |\n")
    assert hours_of(numbers) == Hours(9, 11)
    assert student.status(numbers).left == "9–11 h"
    nb = reference(numbers)
    cell_of(nb, "halve")["source"] = cell_of(untouched(numbers), "halve")["source"]
    write(numbers, nb)
    student.test(numbers)
    assert student.status(numbers).points == "4 of 7"
    assert student.status(numbers).left == "2.5–3.5 h"  # 3 of 10 points; the answer is written


def test_an_endless_loop_is_named_with_its_line_and_what_needs_it_is_not_run(numbers, monkeypatch):
    from tito.student import running

    monkeypatch.setattr(running, "CELL_TIMEOUT", 3)
    nb = reference(numbers)
    cell_of(nb, "double")["source"] = (
        "#| export\ndef double(x):\n    while True:\n        x = x + 0\n    return x"
    )
    halve = cell_of(nb, "test-halve")
    halve["source"] = without_hidden_tests(halve["source"])
    later = json.loads(json.dumps(cell_of(nb, "test-double")))
    later["source"] = "# again: 1 points\ncheck(double(1.0), 2.0)"
    later["metadata"]["nbgrader"]["grade_id"] = "test-again"
    later["id"] = "again"
    nb["cells"].append(later)
    write(numbers, nb)
    double, half, again = student.test(numbers)
    assert double.state == "failed"
    assert "did not come to an end, and was stopped; it stood at line " in double.message
    assert "x" in double.message.rpartition(": ")[2] or "while" in double.message
    assert half.state == "passed"
    assert (again.state, again.message) == (
        "not run",
        "it needs double, which did not come to an end",
    )


def test_a_given_line_that_was_changed_is_named(numbers):
    nb = untouched(numbers)
    cell = cell_of(nb, "double")
    cell["source"] = "".join(cell["source"]).replace("def double(x: np.ndarray)", "def double(y)")
    checks = cell_of(nb, "test-halve")
    checks["source"] = "".join(checks["source"]).replace("halve(", "double(", 1)
    write(numbers, nb)
    changed = student.state(numbers).changed
    assert changed["double"] == "def double(x: np.ndarray) -> np.ndarray:"
    assert changed["test-halve"].startswith("check")
    assert "A given line of the cell 'double' differs" in "\n".join(student.state(numbers).lines())


def test_a_solution_changes_no_given_line(numbers):
    nb = untouched(numbers)
    cell = cell_of(nb, "double")
    assert "    # YOUR CODE HERE\n    raise NotImplementedError()" in "".join(cell["source"])
    cell["source"] = "".join(cell["source"]).replace(
        "    # YOUR CODE HERE\n    raise NotImplementedError()", "    y = x * 2\n\n    return y"
    )
    write(numbers, nb)
    assert student.state(numbers).changed == {}


def test_answers_that_are_not_begun_are_named_everywhere(numbers):
    write(numbers, untouched(numbers))
    named = "Written answers not begun (3 points): why-inverse."
    for command in (("test", "1"), ("submit", "1", "--student", "ada")):
        assert named in tito(*command, cwd=numbers.root).stdout
    assert "not yet: why-inverse" in str(progress_of(numbers, {}))
    nb = untouched(numbers)
    cell_of(nb, "why-inverse")["source"] = "Because."
    write(numbers, nb)
    assert "not begun" not in tito("submit", "1", "--student", "ada", cwd=numbers.root).stdout


def test_diff_shows_what_was_changed_cell_by_cell(numbers):
    student.start(numbers)
    assert tito("diff", "1", cwd=numbers.root).stdout == "01_numbers is as it was released.\n"
    nb = untouched(numbers)
    cell = cell_of(nb, "double")
    cell["source"] = "".join(cell["source"]).replace("raise NotImplementedError()", "return x + x")
    nb["cells"] = [c for c in nb["cells"] if c is not cell_of(nb, "test-halve")]
    nb["cells"].append(
        {
            "cell_type": "code",
            "id": "mine",
            "source": "print(1)",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
    )
    write(numbers, nb)
    shown = tito("diff", "1", cwd=numbers.root).stdout
    assert "double (changed)" in shown and "test-halve (gone)" in shown and "(new)" in shown
    assert "  -    raise NotImplementedError()\n" in shown and "  +    return x + x\n" in shown
    assert "halve (changed)" not in shown and "  +print(1)" in shown
    folder = numbers.root / "submitted" / "ada" / numbers.folder
    folder.mkdir(parents=True)
    (folder / numbers.notebook).write_text(json.dumps(nb))
    assert tito("diff", "1", "--student", "ada", cwd=numbers.root).stdout == shown
    bob = tito("diff", "1", "--student", "bob", cwd=numbers.root)
    assert bob.returncode == 2 and "bob has not handed in 01_numbers" in bob.stderr


def test_what_uses_a_wrong_exercise_waits_and_is_no_failure_of_its_own(numbers):
    nb = reference(numbers)
    for name in ("test-double", "test-halve"):
        cell_of(nb, name)["source"] = without_hidden_tests(cell_of(nb, name)["source"])
    cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return x + 5"
    checks = cell_of(nb, "test-double")
    checks["source"] += "\nhelper = 1"
    halve = cell_of(nb, "test-halve")
    for use in ("double(1.0) + 0", "helper"):
        halve["source"] = f"# halve: 3 points\ncheck({use}, 2.0)"
        write(numbers, nb)
        double, half = student.test(numbers)
        assert double.state == "failed"
        assert half.state == "waits"
        said = "· halve (3 points): waits for double, which is not right yet"
        assert half.lines() == [said], use
