"""No solution, model answer or hidden test leaves the instructor's machine."""

import json
import shutil

import pytest
from conftest import cell_of, hand_in, untouched

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.author.kit import make_kit
from tito.author.leaks import leaks, secrets_of
from tito.errors import TitoError, UsageError
from tito.source.percent import read_source
from tito.source.regions import hidden_tests


@pytest.fixture
def secrets(released_course):
    return [secret for module in released_course.modules() for secret in secrets_of(module)]


def test_every_kind_of_secret_is_known(secrets):
    assert {secret.kind for secret in secrets} == {"solution", "model answer", "hidden test"}


def test_what_is_released_and_given_back_holds_none(released_course, numbers, secrets):
    hand_in(numbers, "ben", untouched(numbers))
    grade(numbers)
    feedback(numbers)
    root = released_course.root
    assert list(root.glob("feedback/ben/*/*.html"))
    assert leaks([root / "release", root / "feedback"], secrets) == []


def plant_in_notebook(path, text):
    nb = json.loads(path.read_text())
    cell_of(nb, "double")["source"] = [line + "\n" for line in text.splitlines()]
    path.write_text(json.dumps(nb))


def plant_in_html(path, text):
    import html

    path.write_text(f"<pre>{html.escape(text).replace(' ', ' <b></b>')}</pre>")


def plant_in_text(path, text):
    path.write_text(text)


@pytest.mark.parametrize("kind", ["solution", "hidden test", "model answer"])
@pytest.mark.parametrize(
    "name, plant",
    [
        ("numbers_dev.ipynb", plant_in_notebook),
        ("page.html", plant_in_html),
        ("x.txt", plant_in_text),
    ],
)
def test_one_that_is_planted_is_found(released_course, numbers, secrets, kind, name, plant):
    cells = {(cell.role, cell.name): cell.source for cell in read_source(numbers)}
    text = {
        "solution": "    twice_as_much = np.multiply(x, 2)\n    return twice_as_much\n",
        "hidden test": hidden_tests(cells["checks", "double"]),
        "model answer": cells["answer", "why-inverse"],
    }[kind]
    plant(numbers.released.with_name(name), text)
    found = leaks([released_course.root / "release"], secrets)
    assert found and all(kind in line and name in line for line in found)


def test_a_source_copied_into_the_release_is_found(released_course, numbers, secrets):
    shutil.copy(numbers.source, numbers.released.parent)
    assert leaks([released_course.root / "release"], secrets)


def test_the_kit_holds_what_students_need_and_nothing_else(released_course, tmp_path, secrets):
    files = [str(path) for path in make_kit(released_course, tmp_path / "kit")]
    assert "release/01_numbers/numbers_dev.ipynb" in files
    assert "README.md" in files
    assert not any(name.startswith(("source/", "submitted/", "gradebook")) for name in files)
    assert leaks([tmp_path / "kit"], secrets) == []


def test_a_kit_that_would_leak_is_not_made(released_course, numbers, tmp_path):
    text = numbers.source.read_text()
    copied = "    twice_as_much = np.multiply(x, 2)\n    return twice_as_much\n"
    numbers.source.write_text(text + f"\n# %%\n# the answer:\n'''\n{copied}'''\n")
    with pytest.raises(TitoError, match="solution of 01_numbers double"):
        make_kit(released_course, tmp_path / "kit")
    assert not (tmp_path / "kit").exists()
    assert list(tmp_path.glob(".kit-*")) == []


def test_a_kit_is_not_made_over_something(released_course, tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "mine").touch()
    with pytest.raises(UsageError, match="is not empty"):
        make_kit(released_course, tmp_path / "kit")
