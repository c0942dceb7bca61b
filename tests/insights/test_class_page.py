"""The page of a class: what it shows, and that nothing on it is more than text."""

import json
import re
from dataclasses import replace

import pytest
from browsing import in_a_browser

from tito.insights.base_rate import Shared
from tito.insights.class_page import as_json, by_chance, class_page
from tito.insights.class_report import (
    AnswerReport,
    ExerciseReport,
    Group,
    Mistake,
    ModuleReport,
)
from tito.insights.copies import Alike, Cluster, Pair
from tito.insights.evidence import MOST_CLUSTERS, shown
from tito.insights.in_short import in_short
from tito.insights.student_names import Names

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"
LEFT = "def f(x):\n    a = np.add(x, 1) * x\n    return a ** 3"
RIGHT = "def f(x):\n    # the same\n    b = np.add(x, 1) * x\n    return b ** 3"


def copies():
    rare = "Assign([·0] BinOp(Call(Attribute(np 'add' ) [x,Constant(1)] []) Mult() x))"
    shared = Shared(9.0, (rare,), ("as I said to you",), ("helper",), ("x",), frozenset({"f", "x"}))
    pair = Pair(("ada", "ben"), 12.0, (Alike("f", 9.0, shared),))
    return shown(
        [Cluster(("ada", "ben"), (pair,))], {"ada": {"f": LEFT}, "ben": {"f": RIGHT}}, Names()
    )


def made_report(text: str = "return x") -> ModuleReport:
    f = ExerciseReport(
        *("f", 10, 40, 12, 8),
        difficulty=0.75,
        discrimination=0.41,
        failed=(("a_matrix", 14),),
        mistakes=(Mistake("downhill", "Goes the wrong way.", 9, text),),
        groups=(Group("ab12c", 5, text, ("a_matrix",)), Group("zz99z", 1, text, ())),
        more_groups=3,
        not_begun=("cem", "dora"),
    )
    return ModuleReport(
        *("07_autograd", 60, (("zoe", "nothing handed in"),)),
        histogram=(0, 0, 1, 4, 5, 10, 15, 14, 8, 3),
        median=0.68,
        alpha=0.83,
        days=(0.5, 1.5, 6.9, 20.0),
        middle_days=(1.0, 4.2, 10.0),
        exercises=(f, ExerciseReport("void", 4, 60, 0, 0, does_not_count="left out")),
        answers=(AnswerReport("why", 3, 20, 40),),
        copies=copies(),
        unreadable=("mallory",),
    )


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.partition("</style>")[2]))


@pytest.mark.parametrize(
    "said",
    [
        "60 students with a mark, 1 without one",
        "Half of them have 68 % of the points or more",
        "α = 0.83",
        "half within 4.2 days",
        "40 written answers are not marked yet",
        "does not count: left out",
        "downhill, 9 students. Goes the wrong way.",
        "Group ab12c, 5 students; what failed: a matrix.",
        "1 student wrong as nobody else is",
        "And 3 smaller groups.",
        "Not begun by 2 students: cem, dora.",
        "Without a mark: zoe (nothing handed in)",
        "why: 20 of 60 marked, 40 to mark",
        "It cannot say who had it from whom",
        "ada and ben: 1 exercise; by chance about 1 pair in 200,000",
        "comments: “as I said to you”",
        "functions named helper",
        "wrong in the same rare way",
        "Not compared, as the notebook cannot be read: mallory.",
    ],
)
def test_it_says(said):
    assert said in text_of(class_page([made_report()]))


def test_only_what_is_rare_is_marked():
    page = class_page([made_report()])
    assert re.findall("<mark>(.*?)</mark>", page) == [
        "a = np.add(x, 1) * x",
        "b = np.add(x, 1) * x",
    ]


def test_a_small_class_is_counted_and_nothing_else():
    small = replace(made_report(), students=12, median=None, alpha=None, middle_days=None)
    said = text_of(class_page([small]))
    assert "With fewer than 20 students" in said
    assert "discrimination" not in said and "α" not in said and "(67 %)" not in said


def test_nothing_that_is_written_runs():
    report = replace(
        made_report(HOSTILE), without_mark=((HOSTILE, HOSTILE),), unreadable=(HOSTILE,)
    )
    page = class_page([report])
    assert "<script" not in page and "<img" not in page and "49" not in text_of(page)
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"?https?:", page)


def test_modules_stand_side_by_side():
    other = replace(made_report(), module="08_training", median=0.4)
    said = text_of(class_page([made_report(), other]))
    assert "Modules side by side" in said and "68 %" in said and "40 %" in said


def test_figures_say_what_they_show():
    page = class_page([made_report()])
    assert 'role="img" aria-label="40 all points, 12 some, 8 none"' in page
    assert "1 from 20 to 30 %; 4 from 30 to 40 %" in page
    assert 'aria-label="Students by day: 2 after 0 days; 1 after 6 days; 1 after 20 days"' in page


def test_json_holds_the_numbers():
    (module,) = json.loads(as_json([made_report()]))["modules"]
    assert module["alpha"] == 0.83 and module["copies"][0]["students"] == ["ada", "ben"]


def test_a_page_has_an_end():
    pair = Pair(("ada", "ben"), 12.0, ())
    found = shown([Cluster(("ada", "ben"), (pair,))] * 500, {}, Names())
    assert len(found) == MOST_CLUSTERS
    f = made_report().exercises[0]
    many = replace(f, groups=tuple(Group(f"g{n}", 1, "x", ()) for n in range(500)))
    said = list(in_short([replace(made_report(), exercises=(many,))]))
    assert len(said) < 100 and "  and 480 more on the page" in said


@pytest.mark.parametrize(
    ("evidence", "said"), [(7.0, "1 pair in 1,000"), (10.0, "1 pair in 20,000"), (30, "a million")]
)
def test_chance_in_words(evidence, said):
    assert said in by_chance(evidence)


class TestInABrowser:
    pytestmark = in_a_browser

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "page.html"
        modules = [made_report(), replace(made_report(HOSTILE), module="08_training")]
        path.write_text(class_page(modules), encoding="utf-8")
        return path

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 390])
    def test_axe_core_finds_nothing_wrong_and_it_fits(self, page, path, scheme, width):
        from test_accessibility import violations

        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.as_uri())
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    def test_its_scripts_do_not_run_and_it_asks_for_nothing(self, page, path):
        asked, shown = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: shown.append(dialog.message))
        page.goto(path.as_uri())
        assert (asked, shown) == ([path.as_uri()], [])

    def test_all_of_it_is_printed(self, page, path):
        page.goto(path.as_uri())
        assert page.pdf().startswith(b"%PDF")
        page.emulate_media(media="print")
        assert page.get_by_text("return x").first.is_visible()
