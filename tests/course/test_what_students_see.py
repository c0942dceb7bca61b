"""The page of typical mistakes and what a student reads."""

import pytest
from conftest import ROOT

from tito.audit.what_students_see import PAGE, page
from tito.course import Course


def test_the_page_is_what_the_checks_say_today():
    made = page(Course(ROOT).module("7"))
    assert (ROOT / PAGE).read_text(encoding="utf-8") == made, (
        "it is stale; run: python -m tito.audit.what_students_see"
    )
    assert made.count("```text") >= 15
    assert "nothing: the check passes" not in made and "Traceback" not in made


@pytest.mark.parametrize(
    "folder", ["04_networks", "05_cnn", "06_dataloader", "08_training", "09_optimizers"]
)
def test_each_typical_mistake_is_answered_in_a_block(folder):
    made = page(Course(ROOT).module(folder))
    assert made.count("```text") >= 12
    assert "nothing: the check passes" not in made and "Traceback" not in made
