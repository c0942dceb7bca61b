"""Grading through real nbgrader: right, blank and wrong, and every abuse we know of."""

import json
import math
import os
from pathlib import Path

import pytest
from conftest import cell_of, changed, hand_in, reference, untouched
from nbgrader.api import MissingEntry

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.marks import scores, scores_csv
from tito.author.release import release
from tito.course import Course
from tito.errors import TitoError, UsageError
from tito.grading.gradebook import gradebook
from tito.grading.pool import Interrupted
from tito.grading.submissions import not_looked_at
from tito.grading.writer import OneTransaction

pytestmark = pytest.mark.usefixtures("graded_once")


def graded(module, nb, student="ada"):
    """Hand in a notebook, grade it, and return what became of it."""
    hand_in(module, student, nb)
    return next(g for g in grade(module, (student,)) if g.student == student)


def marks(course_module, student="ada"):
    """The mark of each exercise."""
    found = scores(Course(course_module.root), [course_module])
    return {s.exercise: s.score for s in found if s.student == student}


def test_the_reference_gets_all_points_but_those_given_by_hand(numbers):
    result = graded(numbers, reference(numbers))
    assert (result.score, result.most, result.by_hand) == (7, 10, 1)
    assert result.notes == []


def test_the_untouched_release_gets_nothing(numbers):
    result = graded(numbers, untouched(numbers))
    assert (result.score, result.by_hand) == (0, 0)


def test_grades_and_comments_that_are_looked_up_together_are_those_of_nbgrader(numbers):
    for student in ("ada", "bob"):
        graded(numbers, reference(numbers), student)
    course, place = Course(numbers.root), (Path(numbers.notebook).stem, numbers.folder, "bob")
    with gradebook(course) as book:
        notebook = book.find_submission_notebook(*place)
        grades = {one.name: one.id for one in notebook.grades}
        comments = {one.name: one.id for one in notebook.comments}
        assert {n: book.find_grade(n, *place).id for n in grades} == grades
        together = OneTransaction(book.db.bind.url, book.course_id)
        try:
            assert {n: together.find_grade(n, *place).id for n in grades} == grades
            assert {n: together.find_comment(n, *place).id for n in comments} == comments
            assert len(together.of_notebook) == 2 and grades and comments
            with pytest.raises(MissingEntry):
                together.find_grade("nowhere", *place)
            with together.transaction():
                assert not together.of_notebook
        finally:
            together.shut()


def test_partial_credit_is_the_share_of_hidden_tests_that_agree(numbers):
    wrong = "#| export\ndef double(x):\n    return 2 * x if np.ndim(x) else x\n"
    graded(numbers, changed(numbers, lambda nb: cell_of(nb, "double").update(source=wrong)))
    assert marks(numbers) == {"double": 2, "halve": 3, "why-inverse": 0}


def put(grade_id, source):
    return lambda nb: cell_of(nb, grade_id).update(source=source)


def remove(*grade_ids):
    def change(nb):
        for grade_id in grade_ids:
            nb["cells"].remove(cell_of(nb, grade_id))

    return change


def copy_of(grade_id):
    def change(nb):
        copied = json.loads(json.dumps(cell_of(nb, grade_id)))
        nb["cells"].insert(nb["cells"].index(cell_of(nb, grade_id)) + 1, copied)

    return change


def tag(nb):
    for cell in nb["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "remove_cell"]


def nonsense_metadata(nb):
    cell_of(nb, "test-double")["metadata"]["nbgrader"].update(
        solution=True, points=10**6, locked=False
    )
    cell_of(nb, "halve")["metadata"]["nbgrader"] = {"grade_id": 7}
    nb["cells"][0]["metadata"]["nbgrader"] = "nothing"


DOUBLE = "#| export\ndef double(x):\n    return np.multiply(x, 2)\n"
SOLVED = {"double": 4, "halve": 3, "why-inverse": 0}

# What a student did to the reference: the marks that remain, and a note that the report must hold.
ABUSES = {
    "deletes a test cell": (
        remove("test-double"),
        SOLVED,
        "missing, and added as released: test-double",
    ),
    "deletes an exercise and its test": (
        remove("double", "test-double"),
        SOLVED | {"double": 0},
        "missing, and added as released: double, test-double",
    ),
    "deletes everything": (
        lambda nb: nb["cells"].clear(),
        dict.fromkeys(SOLVED, 0),
        "missing, and added",
    ),
    "changes a test cell": (put("test-double", "pass"), SOLVED, None),
    "turns a test cell into text": (
        lambda nb: cell_of(nb, "test-double").update(cell_type="markdown"),
        SOLVED,
        None,
    ),
    "copies a solution cell": (copy_of("double"), SOLVED, "'double' is there more than once"),
    "copies a test cell": (copy_of("test-double"), SOLVED, "'test-double' is there more than once"),
    "copies a written answer": (copy_of("why-inverse"), SOLVED, "more than once"),
    "tags every cell skip-execution": (tag, SOLVED, None),
    "writes nonsense into the metadata": (
        nonsense_metadata,
        SOLVED,
        "and found all the same: halve",
    ),
    "quits in a cell": (put("double", DOUBLE + "quit()\n"), SOLVED, None),
    "ends Python in a cell": (
        put("double", DOUBLE + "import os; os._exit(0)\n"),
        SOLVED | {"double": 0},
        "'double' could not be loaded: it ended the Python process",
    ),
    "warns on stderr in an exercise": (
        put("double", DOUBLE.replace("return", "import sys; print('Hm', file=sys.stderr); return")),
        SOLVED,
        None,
    ),
    "warns when imported": (
        put("double", DOUBLE + "import warnings; warnings.warn('x')\n"),
        SOLVED,
        None,
    ),
    "has a syntax error": (
        put("double", "#| export\ndef double(x:\n    return"),
        SOLVED | {"double": 0},
        "'double' does not parse (line 2",
    ),
    "raises in an exported cell": (
        put("halve", "#| export\nundefined_name\ndef halve(x):\n    return x / 2"),
        SOLVED | {"halve": 0},
        "'halve' could not be loaded: NameError",
    ),
    "recurses for ever": (
        put("double", "#| export\ndef double(x):\n    return double(x)"),
        SOLVED | {"double": 0},
        None,
    ),
    "fakes a result": (
        put(
            "double",
            "#| export\nimport sys\nsys.displayhook = print\ndef double(x):\n    return 4.0\n",
        ),
        SOLVED | {"double": 0},
        None,
    ),
    "ships a numpy of its own": (
        put("double", "#| export\nopen('numpy.py', 'w').write('')\n" + DOUBLE),
        SOLVED,
        None,
    ),
    "answers with an object that equals everything": (
        put(
            "double",
            "#| export\nclass Same:\n    __eq__ = lambda s, o: True\n"
            "    __array__ = lambda s, *a, **k: np.zeros(6)\n    __float__ = lambda s: 0.0\n"
            "def double(x):\n    return Same()\n",
        ),
        SOLVED | {"double": 0},
        None,
    ),
    "leaves a switch behind that another exercise reads": (
        lambda nb: (
            put(
                "double", "#| export\nused = []\ndef double(x):\n    used.append(x)\n    return x\n"
            )(nb),
            put(
                "halve",
                cell_of(nb, "halve")["source"].replace("np.divide(x, 2)", "x / 2 + len(used)"),
            )(nb),
        ),
        SOLVED | {"double": 0},
        None,
    ),
    "imports the reference": (
        put(
            "double",
            "#| export\ndef double(x):\n    import sys\n"
            "    sys.modules.pop('tinytorch.core.numbers')\n"
            "    from tinytorch.core.numbers import double as reference\n    return reference(x)\n",
        ),
        SOLVED | {"double": 0},
        None,
    ),
}


@pytest.mark.parametrize("abuse", ABUSES)
def test_a_student_who_still_gets_the_marks_deserved(numbers, abuse):
    change, expected, note = ABUSES[abuse]
    hand_in(numbers, "bob", reference(numbers))
    result = graded(numbers, changed(numbers, change))
    assert marks(numbers) == expected, result.notes
    assert result.score == math.fsum(expected.values())
    if note:
        assert any(note in line for line in result.notes), result.notes
    for page in feedback(numbers):
        assert "secret_of_the_hidden_test" not in page.read_text()


UNREADABLE = {
    "broken JSON": ('{"cells": [', "is not a notebook"),
    "an empty file": ("", "it is empty"),
    "an old notebook": ('{"worksheets": [], "nbformat": 3}', "nbformat 3"),
    "another JSON": ('{"name": "not a notebook"}', "is not a notebook"),
    "a list": ("[1, 2]", "is not a notebook"),
    "no cells of the right form": (
        '{"cells": [1], "nbformat": 4, "nbformat_minor": 5}',
        "not graded",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_unreadable_submission_is_named_and_everybody_else_is_graded(numbers, case):
    text, expected = UNREADABLE[case]
    hand_in(numbers, "ada", text)
    hand_in(numbers, "zoe", reference(numbers))
    report = {g.student: g for g in grade(numbers)}
    assert report["ada"].score is None
    assert any(expected in note for note in report["ada"].notes), report["ada"].notes
    assert report["zoe"].score == 7


def test_a_renamed_notebook_is_found(numbers):
    hand_in(numbers, "ada", reference(numbers), name="My homework (2).ipynb")
    (result,) = grade(numbers)
    assert result.score == 7
    assert result.notes == ["My homework (2).ipynb was taken for numbers_dev.ipynb"]


def test_a_folder_without_a_notebook_is_named(numbers):
    hand_in(numbers, "ada", "hello", name="essay.txt")
    (result,) = grade(numbers)
    assert result.score is None and "the folder holds essay.txt" in result.notes[0]


def test_an_endless_loop_costs_its_own_exercise_only(numbers, monkeypatch):
    from tito.course_settings import configuration

    config = configuration(numbers.root)
    monkeypatch.setitem(config["ExecuteInWorkspace"], "timeout", 8)
    monkeypatch.setitem(config["Observe"], "timeout", 2)
    loop = "#| export\ndef double(x):\n    while True:\n        pass\n"
    nb = changed(numbers, put("double", loop))
    nb["cells"].append(
        {
            "cell_type": "code",
            "id": "last",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": "print('the end was reached')",
        }
    )
    result = graded(numbers, nb)
    assert marks(numbers) == SOLVED | {"double": 0}
    assert any("'test-double' took longer than 8 s" in note for note in result.notes)
    done = (numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook).read_text()
    assert "the end was reached\\n" in done
    assert "it took longer than 2 seconds" in done


def test_a_loop_that_ignores_interrupts_ends_too(numbers, monkeypatch):
    from tito.course_settings import configuration

    config = configuration(numbers.root)
    monkeypatch.setitem(config["ExecuteInWorkspace"], "timeout", 1)
    monkeypatch.setitem(config["Observe"], "timeout", 1)
    loop = (
        "#| export\nimport signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "def double(x):\n    while True:\n        pass\n"
    )
    graded(numbers, changed(numbers, put("double", loop)))
    assert marks(numbers) == SOLVED | {"double": 0}


@pytest.mark.parametrize("value", ["float('nan')", "-1.0", "6.0", "'full'", "float('inf')", "[5]"])
def test_a_score_that_is_no_score_is_reported_and_gives_nothing(released_course, value):
    module = released_course.module("classic")
    source = f"#| export\ndef credit():\n    return {value}\n"
    result = graded(module, changed(module, put("credit", source)))
    assert result.score == 0
    assert any("'test-credit' gets 0 of 5 points" in note for note in result.notes)


def test_checks_without_observations_give_partial_credit_as_in_plain_nbgrader(released_course):
    module = released_course.module("classic")
    assert graded(module, reference(module)).score == 2.5
    assert graded(module, untouched(module), "ben").score == 0


def test_a_mistake_in_an_earlier_module_costs_nothing_in_a_later_one(released_course):
    doubles = released_course.module("doubles")
    (released_course.root / "tinytorch/core/numbers.py").write_text(
        "def double(x):\n    return x\n"
    )
    result = graded(doubles, reference(doubles))
    assert (result.score, result.notes) == (10, [])  # no visible check failed either


def test_the_same_seed_gives_the_same_inputs_and_another_seed_others(numbers):
    from tito.judge.observations import Observation, collect
    from tito.source.percent import read_source

    steps = [s for s in collect(read_source(numbers)) if isinstance(s, Observation) and s.inputs]
    assert len(steps) == 3
    for step in steps:
        first, again, other = (str(step.draw(seed)) for seed in (1, 1, 2))
        assert first == again != other


def test_the_seed_is_recorded(numbers):
    graded(numbers, reference(numbers))
    path = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    assert isinstance(json.loads(path.read_text())["metadata"]["tito"]["seed"], int)


def test_a_mark_given_by_hand_survives_grading_again(released_course, numbers):
    graded(numbers, reference(numbers))
    with gradebook(released_course) as book:
        mark = book.find_grade("why-inverse", "numbers_dev", numbers.folder, "ada")
        mark.manual_score = 3
        book.db.commit()
    assert graded(numbers, reference(numbers)).score == 10


def test_feedback_shows_marks_and_messages(numbers):
    wrong = put("double", "#| export\ndef double(x):\n    return x + 2\n")
    graded(numbers, changed(numbers, wrong))
    (page,) = feedback(numbers)
    text = page.read_text()
    assert "0 of 2 hidden tests passed: 0 of 4 points" in text
    assert "double of a matrix" in text and "Every element counts." in text
    assert "BEGIN HIDDEN" not in text and "secret_of_the_hidden_test" not in text


def test_scores_as_csv(released_course, numbers):
    graded(numbers, reference(numbers))
    lines = scores_csv(scores(released_course, [numbers])).splitlines()
    assert lines == [
        "student,module,exercise,score,max_score,to_mark_by_hand",
        "ada,01_numbers,double,4,4,0",
        "ada,01_numbers,halve,3,3,0",
        "ada,01_numbers,why-inverse,0,3,1",
        "ada,01_numbers,total,7,10,1",
    ]


def test_nothing_handed_in_and_unknown_students_are_said(numbers):
    with pytest.raises(UsageError, match="nothing was handed in"):
        grade(numbers)
    hand_in(numbers, "ada", reference(numbers))
    with pytest.raises(UsageError, match="eve has not handed in"):
        grade(numbers, ("eve",))


def test_a_release_that_fails_leaves_the_earlier_one(numbers):
    hand_in(numbers, "ada", reference(numbers))
    grade(numbers)
    with gradebook(Course(numbers.root)) as book:
        book.find_grade("test-halve", "numbers_dev", numbers.folder, "ada").manual_score = 1
        book.db.commit()
    before = numbers.released.read_bytes()
    text = numbers.source.read_text()
    numbers.source.write_text(
        text.replace('exercise="halve"', 'exercise="half"').replace(
            'checks="halve"', 'checks="half"'
        )
    )
    with pytest.raises(TitoError, match="cannot be released"):
        release(numbers)
    assert numbers.released.read_bytes() == before


def test_a_reference_that_fails_stops_before_anybody_is_graded(numbers):
    graded(numbers, reference(numbers))
    done = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    before = done.read_bytes()
    text = numbers.source.read_text()
    numbers.source.write_text(
        text.replace("return float(numbers.double(x))", "return numbers.nothing")
    )
    with pytest.raises(TitoError, match="the reference of 01_numbers itself fails"):
        grade(numbers)
    assert done.read_bytes() == before


def test_a_failed_regrade_keeps_the_earlier_mark_and_notebook(numbers):
    graded(numbers, reference(numbers))
    done = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    before = done.read_bytes()
    hand_in(numbers, "ada", "{")
    (result,) = grade(numbers)
    assert result.score is None and "its earlier mark and notebook are kept" in result.notes
    assert done.read_bytes() == before
    assert marks(numbers) == SOLVED


def test_a_folder_named_like_the_notebook_stops_nobody_else(numbers):
    (numbers.root / "submitted" / "ada" / numbers.folder / numbers.notebook).mkdir(parents=True)
    hand_in(numbers, "zoe", reference(numbers))
    report = {g.student: g for g in grade(numbers)}
    assert report["ada"].score is None and report["ada"].notes
    assert report["zoe"].score == 7


def test_a_cell_without_a_type_is_named(numbers):
    nb = reference(numbers)
    del nb["cells"][2]["cell_type"]
    result = graded(numbers, nb)
    assert result.score is None and "its cell 3 is not a cell" in result.notes[0]


def test_a_source_that_no_longer_fits_the_release_is_refused(numbers):
    numbers.source.write_text(
        numbers.source.read_text()
        .replace('exercise="halve"', 'exercise="half"')
        .replace('checks="halve"', 'checks="half"')
    )
    result = graded(numbers, untouched(numbers))
    assert result.score is None
    assert "the release has checks 'test-halve' that the source" in result.notes[0]


# What a module under test might do to the observer; each gains nothing and ends in time.
ATTACKS = {
    "leaves a daemon that holds the pipe": (
        "import os, time\ndef double(x):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        time.sleep(40)\n        os._exit(0)\n    return x\n"
    ),
    "forges lines": (
        "import os, json\nfor fd in range(3, 20):\n    for line in ([], {'loading': 10**9}, {'loading': []},"
        " {'observing': 'abc'}, {'observation': 0, 'answer': {'dtype': 'f8, ,', 'shape': [], 'data': ''}},"
        " {'done': True}):\n        try:\n            os.write(fd, json.dumps(line).encode() + b'\\n')\n"
        "        except OSError:\n            pass\ndef double(x):\n    return x\n"
    ),
    "nests its answer": (
        "def double(x):\n    y = []\n    for _ in range(400):\n        y = [y]\n    return y\n"
    ),
    "answers in half precision": "def double(x):\n    return (2.02 * x).astype('float16')\n",
    "imports another copy": (
        "import sys\nfor name in [n for n in sys.modules if n.startswith('tinytorch')]:\n"
        "    del sys.modules[name]\nsys.path.pop(0)\n"
        "from tinytorch.core.numbers import double\n"
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_the_observer_gains_nothing(numbers, attack, monkeypatch):
    import time

    from tito.judge.asking import Limits
    from tito.judge.graft import needs_of
    from tito.judge.pack import Pack
    from tito.judge.verdicts import grade as observe
    from tito.notebook.export import CodeCell

    (numbers.root / "tinytorch/core/numbers.py").write_text("def double(x):\n    return 2 * x\n")
    pack = Pack.of(numbers)
    cells = [
        CodeCell("double", ATTACKS[attack], exercise=True) if cell.name == "double" else cell
        for cell in pack.reference
    ]
    begin = time.monotonic()
    results, *_ = observe(pack, needs_of(numbers, pack), cells, 1, Limits(3, 12))
    assert time.monotonic() - begin < 30
    by_name = {result.observation.name: result.fault for result in results}
    assert by_name["double_of_a_matrix"]


def test_another_copy_of_the_library_cannot_be_imported():
    """The checkout is linked into the environment of these tests; the observer must not find it."""
    import subprocess
    import sys

    from tito.judge import observer

    script = (
        f"import sys; sys.path.append({str(observer.__file__).rpartition('/')[0]!r})\n"
        "import observer, tempfile, pathlib\n"
        "folder = pathlib.Path(tempfile.mkdtemp()); (folder / 'tinytorch/core').mkdir(parents=True)\n"
        "for f in ('tinytorch/__init__.py', 'tinytorch/core/__init__.py'): (folder / f).touch()\n"
        "observer.observe({'package': str(folder), 'module': 'tinytorch.core.x', 'seed': 1,"
        " 'cells': [], 'program': []}, print)\n"
        "[sys.modules.pop(n) for n in list(sys.modules) if n.startswith('tinytorch')]; sys.path.pop(0)\n"
        "try:\n    import tinytorch\n    print('found', tinytorch.__file__)\n"
        "except ImportError:\n    print('not found')"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/")
    assert shown.stdout.strip().endswith("not found"), shown.stdout + shown.stderr


def test_an_error_that_quotes_a_hidden_test_is_not_shown(numbers):
    spy = (
        "#| export\nimport sys\ndef double(x):\n    frame, text = sys._getframe(), ''\n"
        "    while frame:\n        text += str([v for k, v in frame.f_locals.items() if k == 'step'])\n"
        "        frame = frame.f_back\n    raise ValueError(text)\n"
    )
    graded(numbers, changed(numbers, put("double", spy)))
    for page in feedback(numbers):
        assert "secret_of_the_hidden_test" not in page.read_text()


def test_pictures_are_kept_and_scripts_are_not(numbers):
    show = (
        "#| export\nfrom IPython.display import HTML, display\ndef double(x):\n"
        "    display(HTML('<script>run_by_the_reader()</script>'))\n    return 2 * x\n"
    )
    graded(numbers, changed(numbers, put("double", show)))
    path = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    cell = cell_of(json.loads(path.read_text()), "test-double")
    assert "run_by_the_reader" not in json.dumps(cell["outputs"])


def linked_to_another_ones_work(module):
    path = hand_in(module, "eve", untouched(module))
    path.unlink()
    path.symlink_to(f"../../ada/{module.folder}/{module.notebook}")


def linked_to_the_source(module):
    path = hand_in(module, "eve", untouched(module))
    (path.parent / "data.txt").symlink_to(module.source)


def linked_folder(module):
    (module.root / "submitted" / "eve").mkdir()
    (module.root / "submitted" / "eve" / module.folder).symlink_to(f"../ada/{module.folder}")


@pytest.mark.parametrize("link", [linked_to_another_ones_work, linked_to_the_source, linked_folder])
def test_a_submission_that_holds_links_is_refused(numbers, link):
    """Zip files may bring them; nbgrader would copy what they point at."""
    hand_in(numbers, "ada", reference(numbers))
    link(numbers)
    report = {g.student: g for g in grade(numbers)}
    assert report["ada"].score == 7
    assert report["eve"].score is None and "is a link" in report["eve"].notes[0]
    assert not (numbers.root / "autograded" / "eve" / numbers.folder).exists()


def test_a_message_moves_no_cursor_where_the_report_is_printed(numbers):
    shout = DOUBLE + "raise ValueError('\x1b[2K\x1b[1Aall good\x07')\n"
    result = graded(numbers, changed(numbers, put("double", shout)))
    assert any("all good" in note for note in result.notes)
    assert all(note.isprintable() for note in result.notes)


def test_what_takes_long_to_render_does_not_stop_feedback(numbers):
    from nbformat.v4 import new_markdown_cell

    def write(nb):
        nb["cells"] += [
            new_markdown_cell("a" + " " * 200_000 + "b"),
            new_markdown_cell("x" * 50_000),
        ]

    graded(numbers, changed(numbers, write))
    (page,) = feedback(numbers)
    assert "xxx …" in page.read_text()


def test_ctrl_c_stops_feedback(numbers, monkeypatch):
    for student in ("ada", "ben"):
        hand_in(numbers, student, reference(numbers))
    grade(numbers)
    from tito.author import feedback as room

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "feedback_page", interrupted)
    with pytest.raises(Interrupted, match="feedback for ada and those after is not written"):
        feedback(numbers)


def test_another_modules_notebook_is_not_graded_and_an_earlier_mark_is_kept(numbers):
    hand_in(numbers, "ada", reference(numbers))
    grade(numbers)

    def another_module(nb):
        for cell in nb["cells"]:
            if "nbgrader" in cell["metadata"]:
                cell["metadata"]["nbgrader"]["grade_id"] += "-of-another"

    hand_in(numbers, "ada", changed(numbers, another_module))
    (ada,) = grade(numbers)
    assert ada.state == "unreadable" and "another module's notebook" in ada.notes[0]
    assert sum(s.score for s in scores(Course(numbers.root), [numbers])) == 7


def test_a_byte_order_mark_costs_nothing(numbers):
    path = hand_in(numbers, "ada", reference(numbers))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert grade(numbers)[0].score == 7


def test_a_newer_notebook_beside_the_graded_one_is_named(numbers):
    path = hand_in(numbers, "ada", reference(numbers))
    other = path.with_name("numbers_dev (1).ipynb")
    other.write_text(json.dumps(untouched(numbers)))
    os.utime(other, (path.stat().st_mtime + 60,) * 2)
    (ada,) = grade(numbers)
    said = "numbers_dev (1).ipynb lies beside it and is newer; numbers_dev.ipynb was graded"
    assert ada.score == 7 and said in ada.notes
    os.utime(other, (path.stat().st_mtime - 60,) * 2)
    assert said not in grade(numbers)[0].notes


def test_a_wrong_number_of_jobs_is_refused_also_when_nothing_is_new(numbers):
    hand_in(numbers, "ada", reference(numbers))
    grade(numbers)
    with pytest.raises(UsageError, match="--jobs 0 is less than one"):
        grade(numbers, jobs=0)


HALF_CHARACTERS = {
    "an own cell": "a = '\ud800'",
    "deep": "x = " + "-" * 5000 + "1",
    "deeper": "x = a" + ".a" * 5000,
    "long": "x = " + "1 + " * 20_000 + "1",
}


@pytest.mark.parametrize("case", HALF_CHARACTERS)
def test_a_strange_cell_of_ones_own_costs_no_mark(numbers, case):
    nb = reference(numbers)
    nb["cells"].append(
        {
            "cell_type": "code",
            "id": "own",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": HALF_CHARACTERS[case],
        }
    )
    path = hand_in(numbers, "ada", "")
    path.write_text(json.dumps(nb), encoding="utf-8")
    (ada,) = grade(numbers)
    assert ada.score == 7, ada.notes


def test_what_lies_in_the_wrong_place_is_named(numbers, capsys):
    hand_in(numbers, "ada", reference(numbers))
    stray = numbers.root / "submitted" / "ben" / "numbers" / "numbers_dev.ipynb"
    stray.parent.mkdir(parents=True)
    stray.write_text("{}")
    (numbers.root / "submitted" / "lena.ipynb").write_text("{}")
    assert not_looked_at(Course(numbers.root)) == ["submitted/ben/numbers", "submitted/lena.ipynb"]


def test_feedback_that_fails_for_one_is_written_for_the_others(numbers):
    for student in ("ada", "zoe"):
        graded(numbers, reference(numbers), student)
    done = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    done.chmod(0o644)
    done.write_text("{")
    with pytest.raises(TitoError, match=r"no feedback for ada .*others is written"):
        feedback(numbers)
    assert list((numbers.root / "feedback" / "zoe" / numbers.folder).glob("*.html"))


def test_a_zip_never_replaces_what_was_put_there_by_hand(numbers):
    from tito.student import actions as student

    student.start(numbers)
    student.submit(numbers, "ada")
    (path,) = numbers.desk.parent.glob("*.zip")
    hand_in(numbers, "ada", reference(numbers))
    path.rename(numbers.root / "submitted" / "impostor.zip")
    report = {g.student: g for g in grade(numbers)}
    assert report["ada"].score == 7
    assert "put there by hand" in report["impostor.zip"].notes[0]


def test_lines_that_only_a_notebook_understands_do_no_harm(numbers):
    magic = "#| export\n%matplotlib inline\n!true\ndef double(x):\n    return 2 * x\n"
    graded(numbers, changed(numbers, put("double", magic)))
    assert marks(numbers) == SOLVED
