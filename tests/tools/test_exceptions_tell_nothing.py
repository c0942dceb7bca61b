"""Nothing that a module under test has read leaves it through the exceptions that it raises."""

import base64
import json

import pytest
from conftest import cell_of, changed, hand_in, reference

from tito.author.feedback import feedback
from tito.author.grade import grade
from tito.course import Course
from tito.judge.refusals import Refusals

SECRET = "secret_of_the_hidden_test"
SPY = """#| export
import base64, codecs, sys
def double(x):
    frame, text = sys._getframe(), ""
    while frame:
        text += str([v for k, v in frame.f_locals.items() if k == "step"])
        frame = frame.f_back
    start = text.find("secret" "_of_the")
    text = text[start:start + 60]
    HOW
"""
WAYS = {
    "as it is": "raise ValueError(text)",
    "in base 64": "raise ValueError(base64.b64encode(text.encode()).decode())",
    "in hexadecimal": "raise ValueError(text.encode().hex())",
    "backwards": "raise ValueError(text[::-1])",
    "rotated": "raise ValueError(codecs.encode(text, 'rot13'))",
    "with spaces": "raise ValueError(' '.join(text))",
    "as numbers": "raise ValueError(str(list(text.encode())))",
    "as the type": "raise type(text.encode().hex(), (Exception,), {})",
    "as a key": "raise KeyError(text[::-1])",
    "within the course's own sentence": "raise TypeError('a number is needed: ' + text[::-1])",
    "as the answer": "return text[::-1]",
    "as keys of the answer": "return {text.encode().hex(): 1}",
    "as a shape": "return np.zeros((0, *text.encode()[:30]))",
}


def encodings(text: str) -> list[str]:
    """A text in all those ways, a part of it at least."""
    data = text.encode()
    return [
        text,
        base64.b64encode(data).decode()[:16],
        data.hex(),
        text[::-1],
        "frperg_bs_gur_uvqqra_grfg",
        " ".join(text),
        ", ".join(map(str, data[:12])),
    ]


def seen(module) -> str:
    """All that a student gets back, and what of it was marked."""
    return "".join(page.read_text(encoding="utf-8") for page in feedback(module))


@pytest.mark.parametrize("way", WAYS)
def test_a_hidden_test_cannot_be_raised_in_any_encoding(numbers, way):
    spy = SPY.replace("HOW", WAYS[way])
    hand_in(numbers, "eve", changed(numbers, lambda nb: cell_of(nb, "double").update(source=spy)))
    (eve,) = grade(numbers)
    assert eve.score == 3
    page = seen(numbers)
    assert not [text for text in encodings(SECRET) if text in page]


def test_the_reference_of_an_earlier_module_cannot_be_raised(released_course):
    doubles = released_course.module("doubles")
    thief = (
        "#| export\nimport tinytorch.core.numbers as earlier\ndef quadruple(x):\n"
        "    raise ValueError(open(earlier.__file__).read().encode().hex()[-400:])\n"
    )
    nb = changed(doubles, lambda nb: cell_of(nb, "quadruple").update(source=thief))
    for cell in nb["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["source"] = ""  # else the visible check shows what this student's notebook read
    hand_in(doubles, "eve", nb)
    grade(doubles)
    text = (Course(doubles.root).root / "source/01_numbers/numbers_dev.py").read_text()
    assert "twice_as_much" in text
    hidden = [line for line in seen(doubles).splitlines() if "hidden tests" in line]
    assert not [line for line in hidden if b"twice_as_much".hex() in line]


def test_an_exception_is_told_by_its_type_and_line_and_the_courses_own_sentence(numbers):
    wrong = "#| export\ndef double(x):\n    return x.no_such_thing\n"
    own = "#| export\ndef halve(x):\n    raise TypeError('a number is needed')\n"
    nb = reference(numbers)
    cell_of(nb, "double")["source"], cell_of(nb, "halve")["source"] = wrong, own
    hand_in(numbers, "ada", nb)
    grade(numbers)
    path = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    graded = json.loads(path.read_text())
    texts = {
        name: "".join("".join(o.get("text", "")) for o in cell_of(graded, name)["outputs"])
        for name in ("test-double", "test-halve")
    }
    assert "double of a matrix: AttributeError." in texts["test-double"]
    assert "half of a vector: TypeError: a number is needed." in texts["test-halve"]


SENTENCES = """
FREED = "the graph was freed by an earlier backward; pass retain_graph=True"
def f(x):
    raise ValueError(f"v has shape {x.shape}, but must have {x.want}")
"""


@pytest.mark.parametrize(
    "kind, text, told",
    [
        (
            "ValueError",
            "v has shape (2,), but must have (3,)",
            "ValueError: v has shape …, but must have …",
        ),
        (
            "ValueError",
            "v has shape SECRET, but must have SECRET",
            "ValueError: v has shape …, but must have …",
        ),
        ("ValueError", "v has shape (2,), but", "ValueError"),
        (
            "RuntimeError",
            "the graph was freed by an earlier backward; pass retain_graph=True",
            "RuntimeError: the graph was freed by an earlier backward; pass retain_graph=True",
        ),
        (
            "RuntimeError",
            "the graph was freed by an earlier backward; pass retain_graph=True SECRET",
            "RuntimeError",
        ),
        ("SecretError", "SECRET", "an error of its own"),
        (["SECRET"], {"SECRET": 1}, "an error of its own"),
        ("NotImplementedError", "", "it is not done yet"),
    ],
)
def test_a_sentence_is_told_without_what_was_put_into_it(kind, text, told):
    assert Refusals([SENTENCES]).told({"type": kind, "text": text}) == told
