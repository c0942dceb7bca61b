"""Plain nbgrader commands from the course's folder give what tito gives."""

import csv
import subprocess

from conftest import cell_of, changed, hand_in, reference, untouched

from tito.author.build import build
from tito.author.marks import scores


def nbgrader(*arguments):
    result = subprocess.run(["nbgrader", *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result


def test_the_whole_loop_with_plain_nbgrader(small_course):
    module = small_course.module("numbers")
    build(module)
    nbgrader("generate_assignment", module.folder)
    assert "YOUR CODE HERE" in module.released.read_text()

    def mistake(nb):
        cell_of(nb, "double")["source"] = "#| export\ndef double(x):\n    return x * 3\n"

    hand_in(module, "ada", reference(module))
    hand_in(module, "ben", untouched(module))
    hand_in(module, "cem", changed(module, mistake))
    nbgrader("autograde", module.folder)
    nbgrader("generate_feedback", module.folder)
    nbgrader("export")
    with open("grades.csv", encoding="utf-8") as file:
        totals = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert totals == {"ada": 7, "ben": 0, "cem": 3}
    found = scores(small_course, [module])
    assert sum(s.score for s in found) == 10
    for student in totals:
        page = module.root / "feedback" / student / module.folder / "numbers_dev.html"
        assert "hidden tests passed" in page.read_text()
        assert "secret_of_the_hidden_test" not in page.read_text()
    released = module.released.parent
    assert sorted(p.name for p in released.iterdir()) == ["README.md", "numbers_dev.ipynb"]


def test_validate_says_what_is_wrong_with_a_notebook(numbers, tmp_path):
    path = tmp_path / "numbers_dev.ipynb"
    hand_in(numbers, "x", reference(numbers)).rename(path)
    assert "Success" in nbgrader("validate", str(path)).stdout
    wrong = changed(
        numbers, lambda nb: cell_of(nb, "double").update(source="#| export\ndouble = lambda x: x")
    )
    path.unlink()
    hand_in(numbers, "x", wrong).rename(path)
    shown = nbgrader("validate", str(path)).stdout
    for line in ("came      [1, 2]", "expected  [2, 4]", "hint      two times each"):
        assert line in shown
