"""The audit finds what was planted, and says where."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from conftest import ROOT

from tito.audit import audit as auditing
from tito.audit.audit import audit, audit_kit, run
from tito.audit.findings import COLUMNS, Report, rows
from tito.audit.made_from import (
    TITO,
    Known,
    graded_with,
    library_named_in,
    made_from,
    named_in,
    what_tries_solutions,
)
from tito.audit.mutants import mutants
from tito.audit.page import BEGIN, END, read_page, write_page
from tito.audit.trials import SEEDS, try_change
from tito.audit.visible import what_checks_say
from tito.cli.author import cli
from tito.course import Course
from tito.errors import SourceError, UsageError
from tito.judge.pack import Pack
from tito.source.catalogue import Equivalent, Mistake, read_catalogue, with_solution
from tito.source.percent import Cell, read_source


@pytest.fixture
def module(small_course):
    return small_course.module("numbers")


def edit(module, *pairs):
    """Replace texts in the source of a module."""
    text = module.source.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    module.source.write_text(text)


def found(module, *chosen):
    return [(f.part, f.where, f.what) for f in audit(module, chosen).findings]


def test_nothing_is_found_where_all_is_well(module):
    assert found(module, "grading", "alone") == []


def test_a_check_without_its_hidden_part_is_found(module):
    text = module.source.read_text()
    begin = text.index("### BEGIN HIDDEN TESTS\n@observe(x=normal(4))")
    end = text.index("### END HIDDEN TESTS", begin) + len("### END HIDDEN TESTS\n")
    module.source.write_text(text[:begin] + text[end:])
    assert found(module, "alone") == [
        ("hidden tests", "halve", "its check has no hidden tests, so it gives no points")
    ]


def test_a_solution_without_marks_is_found(module):
    edit(
        module,
        ("    ### BEGIN SOLUTION\n    twice_as_much", "    twice_as_much"),
        ("    return twice_as_much\n    ### END SOLUTION", "    return twice_as_much"),
    )
    ((part, _, what),) = found(module, "alone")
    assert part == "course" and "exercise 'double': no ### BEGIN SOLUTION" in what


def test_a_solution_in_a_given_cell_is_found_whatever_its_layout(module):
    given = (
        "# %%\nif True:\n  twice_as_much=np.multiply( x,2 )  # a hint\n  "
        'print(twice_as_much)\n\n# %% checks="halve" points=3'
    )
    edit(
        module,
        ('# %% checks="halve" points=3', given),
        ("    return twice_as_much\n", "    print(twice_as_much)\n    return twice_as_much\n"),
    )
    edit(
        module,
        ("  print(twice_as_much)\n\n", "  print(twice_as_much)\n  return twice_as_much\n\n"),
        ("if True:\n  twice", "def f(x):\n  twice"),
    )
    places = [(part, where) for part, where, what in found(module, "grading") if "solution" in what]
    assert ("leaks", "release/01_numbers/numbers_dev.ipynb") in places


def test_a_source_that_gets_into_the_release_is_found(module):
    config = module.root / "nbgrader_config.py"
    line = "    *kept_from_students(Path(__file__).parent),\n"
    assert line in config.read_text()
    config.write_text(config.read_text().replace(line, ""))
    what = [f"{where} {what}" for _, where, what in found(module, "grading")]
    assert any(
        "release/01_numbers/numbers_dev.py it holds solution of 01_numbers double" in w
        for w in what
    )
    assert any("hidden test" in w for w in what)


def test_a_hidden_test_that_reads_a_later_module_is_found(module):
    edit(
        module,
        (
            "    return float(numbers.double(x))",
            "    from tinytorch.core.doubles import quadruple\n    return float(quadruple(x))",
        ),
    )
    ((part, _, what),) = found(module, "alone")
    assert part == "course"
    assert "'double_of_a_number'" in what and "tinytorch.core.doubles" in what


def test_an_answer_that_could_be_made_up_is_found(module):
    what = [what for part, where, what in found(module, "answers") if where == "halve"]
    assert any("text_is_refused: its answer hardly depends on the inputs" in w for w in what)


def test_an_observation_that_an_input_satisfies_is_found(module):
    edit(module, ("    return numbers.halve(x)", "    numbers.halve(x)\n    return x"))
    what = [what for _, where, what in found(module, "answers") if where == "halve"]
    assert "half_of_a_vector: 'return None' is enough to pass it" in what


def test_a_mutant_that_keeps_its_points_is_found_with_its_change(module):
    edit(
        module,
        ("return np.divide(x, 2)", "return np.divide(x, 2) if np.size(x) else x + 1"),
    )
    report = audit(module, ("mutants",))
    survivor = next(m for m in report.survivors if "x + 2" in m.new)
    assert survivor.exercise == "halve" and "x + 1" in survivor.old
    assert report.figures["mutants"] == report.figures["killed"] + len(report.survivors)
    assert any(f.where == "halve" and "x + 2" in f.what for f in report.findings)


def test_a_mutant_known_to_be_equivalent_is_counted_and_a_wrong_claim_is_found(module):
    edit(module, ("return np.divide(x, 2)", "return np.divide(x, 2) if np.size(x) else x + 1"))
    survivor = next(m for m in audit(module, ("mutants",)).survivors if "x + 2" in m.new)
    module.source.with_name("mistakes.py").write_text(
        "from tito.source.catalogue import Equivalent\n"
        f"EQUIVALENT = [Equivalent('halve', {survivor.old!r}, {survivor.new!r}, 'nothing is empty'),\n"
        "              Equivalent('double', 'a', 'b', 'made up')]\n"
    )
    report = audit(module, ("mutants",))
    assert report.figures["equivalent"] == 1
    assert survivor not in report.survivors
    assert [f.where for f in report.findings if "is no surviving mutant" in f.what] == ["double"]


def test_what_the_visible_check_does_not_show_is_found(module):
    module.source.with_name("mistakes.py").write_text(
        "from tito.source.catalogue import Mistake\n"
        "MISTAKES = [\n"
        "    Mistake('adds-two', 'double', 'Adds two.', {'np.multiply(x, 2)': 'np.add(x, 2)'}),\n"
        "    Mistake('only-positive', 'double', 'Forgets the negative.',\n"
        "            solution='return np.abs(2 * x)'),\n"
        "    Mistake('on-purpose', 'halve', 'Takes text.', solution='return x if isinstance(x, str) else x / 2',\n"
        "            hidden='refusals are hidden'),\n"
        "]\n"
    )
    report = audit(module, ("visible", "alone"))
    shown = {s.mistake.name: s for s in report.shown}
    assert shown["adds-two"].message.startswith(
        "double(np.array([1.0, 2.0])) gave [3, 4], expected [2, 4]"
    )
    assert shown["adds-two"].helps and not shown["only-positive"].helps
    assert [f.what for f in report.findings if f.where == "double"] == [
        "only-positive: the visible check passes"
    ]
    assert report.figures["hidden"] == 1


def test_a_mistake_that_costs_nothing_is_found(module):
    module.source.with_name("mistakes.py").write_text(
        "from tito.source.catalogue import Mistake\n"
        "MISTAKES = [Mistake('no-mistake', 'double', 'Is right.', solution='return x + x')]\n"
    )
    assert ("alone", "double", "no-mistake: costs no points") in found(module, "alone")


RIGHT = """from tito.source.catalogue import Alternative
ALTERNATIVES = [
    Alternative('twice', 'double', 'Adds it to itself.', {'np.multiply(x, 2)': 'x + x'}),
    Alternative('times-a-half', 'halve', 'Multiplies.', {'np.divide(x, 2)': 'x * 0.5'}),
]
"""


def alternatives(module, text=RIGHT):
    module.source.with_name("mistakes.py").write_text(text)
    return audit(module, ("alternatives",))


def test_right_solutions_in_another_way_are_accepted_and_counted(module):
    report = alternatives(module)
    assert report.findings == []
    assert (report.figures["alternatives"], report.figures["accepted"]) == (2, 2)
    assert report.as_data()["alternatives"][0] == {
        "alternative": "twice",
        "exercise": "double",
        "explanation": "Adds it to itself.",
        "refusal": "",
        "lost": [],
    }
    header, row = [*COLUMNS.values()], rows([report])[0]
    assert row[1 + header.index("alternatives")] == "2"


def test_an_exercise_without_an_alternative_is_found(module):
    report = alternatives(
        module,
        RIGHT.replace("'halve', 'Multiplies.'", "'double', 'Multiplies.'").replace(
            "'np.divide(x, 2)': 'x * 0.5'", "'return twice_as_much': 'return x * 2.0'"
        ),
    )
    assert [(f.part, f.where, f.what) for f in report.findings] == [
        ("alternatives", "halve", "mistakes.py has no right alternative for it")
    ]
    assert [f.where for f in alternatives(module, "").findings] == ["double", "halve"]


def test_an_exercise_without_a_check_refuses_no_alternative(module):
    text = module.source.read_text()
    module.source.write_text(text[: text.index('# %% checks="halve"')])
    report = alternatives(module)
    assert [(f.part, f.where) for f in report.findings] == [("hidden tests", "halve")]


def test_a_visible_check_that_refuses_what_hidden_tests_pass_is_found(module):
    edit(
        module,
        (
            "check(double(np.array([1.0, 2.0]))",
            "check(len(double.__code__.co_varnames), 2)\ncheck(double(np.array([1.0, 2.0]))",
        ),
    )
    report = alternatives(
        module, RIGHT.replace("{'np.multiply(x, 2)': 'x + x'}", "solution='return x + x'")
    )
    ((part, where, what),) = [(f.part, f.where, f.what) for f in report.findings]
    assert (part, where) == ("alternatives", "double")
    assert what.startswith("twice: hidden tests pass it, but the visible check says")
    assert "gave 1, expected 2" in what
    assert report.figures["accepted"] == 1


def test_a_hidden_test_that_refuses_what_the_visible_check_passes_is_found(module):
    edit(
        module,
        ("    return numbers.halve(x)\n", "    return numbers.halve.__code__.co_consts[-1] * x\n"),
    )
    report = alternatives(module)
    assert [f.what for f in report.findings] == [
        "times-a-half: the visible check passes it, but it loses half_of_a_vector"
    ]


def test_what_both_refuse_is_found_even_where_the_cell_itself_fails(module):
    report = alternatives(module, RIGHT.replace("'x + x'", "'x + 1'").replace("'x * 0.5'", "'y'"))
    first, second = (f.what for f in report.findings)
    assert first.startswith("twice: the visible check says 'double(")
    assert first.endswith("and it loses double_of_a_matrix, double_of_a_number")
    assert "NameError" in second and second.endswith("and it loses half_of_a_vector")


def test_what_only_one_seed_shows_is_found(module):
    often = sum(number_drawn(module, seed) for seed in SEEDS) / 2  # one of the two lies below
    edit_of_double = f"'np.where(x > {often!r}, x + x, x)'"
    report = alternatives(module, RIGHT.replace("'x + x'", edit_of_double))
    (judged,) = (j for j in report.alternatives if j.alternative.name == "twice")
    assert "double_of_a_number" in judged.lost


def number_drawn(module, seed: int) -> float:
    """The number that an observation of the small course draws."""
    (number,) = [
        s for s in Pack.of(module).program if getattr(s, "name", "") == "double_of_a_number"
    ]
    return float(number.draw(seed)["x"])


@pytest.mark.parametrize(
    "text, message",
    [
        ("MISTAKES = [1 / 0]", "cannot be read: division by zero"),
        ("MISTAKES = [Mistake('a', 'nothing', 'x')]", "there is no exercise 'nothing'"),
        ("MISTAKES = [Mistake('a', 'double', 'x')] * 2", "'a' is there twice"),
        ("ALTERNATIVES = [Mistake('a', 'no', 'x')]", "there is no exercise 'no'"),
    ],
)
def test_a_catalogue_that_is_wrong_is_refused_in_one_sentence(module, text, message):
    module.source.with_name("mistakes.py").write_text(
        f"from tito.source.catalogue import Mistake\n{text}\n"
    )
    with pytest.raises(SourceError, match=message):
        read_catalogue(module, tuple(read_source(module)))


def test_a_mistake_whose_text_is_not_there_is_refused():
    mistake = Mistake("a", "double", "x", {"return 3": "return 4"})
    with pytest.raises(SourceError, match="stands 0 times in the exercise 'double'"):
        mistake.made_in("def double(x):\n    return 2\n")


SOLUTION = '''def f(x, y):
    """Keep this: 1 + 1."""
    given = 1 + 1
    ### BEGIN SOLUTION
    total = np.zeros(3, dtype=np.float32)
    for i in range(2):
        total += x[i:] * y
    if total.any() and not y:
        raise ValueError(f"{x + y} is bad")
    return total.sum(axis=0, keepdims=True)
    ### END SOLUTION
'''


def test_mutants_change_each_part_of_a_solution_and_nothing_else():
    made = {(m.old, m.new) for m in mutants(Cell("exercise", SOLUTION, "f"))}
    loop, test, result = (
        "total += x[i:] * y",
        "if total.any() and (not y):",
        ("return total.sum(axis=0, keepdims=True)"),
    )
    for expected in [
        (loop, "total = x[i:] * y"),
        (loop, "total -= x[i:] * y"),
        (loop, "total += x[i:]"),
        (loop, "total += x[:] * y"),
        (loop, "pass"),
        (test, "if total.any() or not y:"),
        (test, "if total.any():"),
        (test, "if True:"),
        (test, "if total.all() and (not y):"),
        (result, "return total.sum(axis=1, keepdims=True)"),
        (result, "return total.sum(axis=0)"),
        (result, "return total.sum(axis=0, keepdims=False)"),
        (result, "return total"),
        (result, "return"),
        ("total = np.zeros(3, dtype=np.float32)", "total = np.zeros(3)"),
        ("total = np.zeros(3, dtype=np.float32)", "total = np.ones(3, dtype=np.float32)"),
        ("raise ValueError(f'{x + y} is bad')", "raise KeyError(f'{x + y} is bad')"),
        ("raise ValueError(f'{x + y} is bad')", "pass"),
    ]:
        assert expected in made, expected
    assert not any("given" in old or "Keep" in old for old, _ in made)
    assert not any("x - y" in new for _, new in made)  # what an error says


def test_a_line_that_refuses_arguments_of_the_wrong_kind_is_left_alone():
    source = SOLUTION.replace("    ### BEGIN SOLUTION\n", "    ### BEGIN SOLUTION\n    LINE\n", 1)
    line = "required.numbers(x=x)"
    assert source != SOLUTION
    found = [
        mutants(Cell("exercise", source.replace("LINE", text), "f")) for text in (line, "y(x)")
    ]
    without = mutants(Cell("exercise", SOLUTION, "f"))
    assert len(found[0]) == len(without) < len(found[1])


def test_a_solution_is_replaced_as_a_whole():
    assert with_solution(SOLUTION, "return 1\n").splitlines()[-3:] == [
        "    ### BEGIN SOLUTION",
        "    return 1",
        "    ### END SOLUTION",
    ]


def test_trials_tell_right_from_wrong_and_from_what_never_ends(module):
    pack = Pack.of(module)
    source = "def double(x):\n    return {}\n"
    assert try_change(pack, "double", source.format("x + x"), 1).lost == ()
    assert try_change(pack, "double", source.format("x"), 1).kept == ()
    partly = try_change(pack, "double", source.format("2 * x if np.ndim(x) else x"), 1)
    assert (partly.lost, partly.kept) == (("double_of_a_number",), ("double_of_a_matrix",))
    endless = "def double(x):\n    while True:\n        pass\n"
    assert all(len(try_change(pack, "double", endless, seed).lost) == 2 for seed in SEEDS)


def test_visible_checks_are_run_with_each_mistake_alone(module):
    shown = what_checks_say(
        Pack.of(module),
        [
            Mistake("name", "double", "x", solution="return twice(x)"),
            Mistake("right", "double", "x", solution="return x + x"),
            Mistake("exit", "halve", "x", solution="import os\nos._exit(1)"),
        ],
    )
    assert [(s.mistake.name, s.error, s.helps) for s in shown] == [
        ("name", "NameError", True),
        ("right", "", False),
        ("exit", "Timeout", True),
    ]


def test_a_kit_is_audited(small_course):
    assert audit_kit(small_course).findings == []
    module = small_course.module("numbers")
    copied = "    twice_as_much = np.multiply(x, 2)\n    return twice_as_much\n"
    module.source.write_text(module.source.read_text() + f"\n# %%\ndef solution(x):\n{copied}")
    ((finding),) = audit_kit(small_course).findings
    assert finding.part == "leaks" and "solution of 01_numbers double" in finding.what


def test_the_page_shows_the_table_and_the_equivalent_mutants(tmp_path):
    equivalent = Equivalent("f", "return a | b", "return b | a", "order is the same")
    figures = {"mutants": 12, "killed": 11}
    reports = [Report("01_numbers", figures, equivalents=[equivalent]), Report("kit")]
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):  # the same again
        write_page(page, reports)
        text = page.read_text()
        assert text.startswith("# Before\n") and text.endswith(f"{END}\nafter\n")
        assert "| 01_numbers | – | – | 12 | 11 |" in text and "old" not in text
        assert "| f | `return a \\| b` | `return b \\| a` | order is the same |" in text
    kept = read_page(page)
    assert set(kept) == {"01_numbers", "kit"} and "return a" in kept["01_numbers"].section
    write_page(page, [Report("02_doubles", {"mutants": 3}, made_from="abc")], kept)
    assert (
        page.read_text().replace("| 02_doubles", "").count("| 01_numbers | – | – | 12 | 11 |") == 1
    )
    assert read_page(page)["02_doubles"].known == Known("abc")
    assert read_page(page)["01_numbers"] == kept["01_numbers"]
    page.write_text("nothing")
    with pytest.raises(UsageError, match="has no place for the table"):
        write_page(page, reports)


def test_what_has_not_changed_is_not_audited_again(module):
    said = []
    known = {module.folder: Known(made_from(module), graded_with(module))}
    assert list(run([module], ("answers",), said.append, known)) == []
    assert said == [f"{module.folder}: nothing that it depends on has changed"]
    module.source.write_text(module.source.read_text() + "\n# %%\n# a change\n")
    (report,) = run([module], ("answers",), said.append, known)
    assert report.made_from == made_from(module) != known[module.folder].made_from
    assert report.graded_with == graded_with(module) != known[module.folder].graded_with


def test_where_only_what_grades_has_changed_only_grading_is_tried(module, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(auditing, "_parts", lambda module, chosen, *rest: tried.append(chosen))
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    equivalent = Equivalent("f", "return a | b", "return b | a", "order is the same")
    before = Report(module.folder, {"mutants": 12}, equivalents=[equivalent])
    before.made_from, before.graded_with = made_from(module), "other"
    write_page(page, [before])
    kept = read_page(page)
    known = {name: one.known for name, one in kept.items()}
    reports = list(run([module], (), lambda text: None, known))
    assert tried == [("grading",)]
    write_page(page, reports, kept)
    now = read_page(page)[module.folder]
    assert now.known == Known(made_from(module), graded_with(module))
    assert now.cells[:-1] == kept[module.folder].cells[:-1] and now.section


def test_what_fell_short_is_tried_again_in_all_its_parts(module, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(auditing, "_parts", lambda module, chosen, *rest: tried.append(chosen))
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    before = Report(module.folder)
    before.made_from, before.graded_with = made_from(module), graded_with(module)
    before.add("mutants", "f", "keeps its points")
    write_page(page, [before])
    known = {name: one.known for name, one in read_page(page).items()}
    list(run([module], (), lambda text: None, known))
    assert tried == [auditing.PARTS]


def test_trying_solutions_loads_nothing_of_tito_but_what_a_result_depends_on(module):
    begin = what_tries_solutions()
    named = {str(ROOT / name) for name in begin | named_in(begin, Course(ROOT))}
    program = (
        "import sys, tito.audit.parts, tito.audit.rehearsal\n"
        "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'tito'])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    files = set(loaded.stdout.split())
    assert str(TITO / "judge" / "verdicts.py") in files and files <= named
    assert not [file for file in named if re.search("/(grading|author|steps)/", file)]


@pytest.mark.parametrize(
    "line",
    [
        "from tinytorch.support import used",
        "from tinytorch.support import (\n    other,\n    used,\n)",
        "from tinytorch.support.used import thing",
        "import tinytorch.support.used as anything",
        "import tinytorch as tt\ntt.support.used.thing()",
        "from tinytorch.support.between import thing",
        "from tinytorch.support import between",
    ],
)
def test_a_result_depends_on_what_the_module_uses_of_the_library(module, line):
    support = module.root / "tinytorch" / "support"
    support.mkdir(parents=True)
    for name in ("used", "other", "unused"):
        (support / f"{name}.py").write_text("thing = 1\n")
    (support / "between.py").write_text("def thing():\n    from tinytorch.support import used\n")
    module.source.write_text(f"{module.source.read_text()}\n# %%\n{line}\n")
    before = made_from(module)
    (support / "unused.py").write_text("thing = 2\n")
    assert made_from(module) == before
    (support / "used.py").write_text("thing = 2\n")
    used = made_from(module)
    assert used != before
    (support / "table.txt").write_text("1 2 3")  # data that lies beside
    assert made_from(module) != used


def test_all_that_a_module_of_the_course_loads_is_known_to_be_used():
    for module in Course(ROOT).modules():
        named = library_named_in(module).keys()
        program = (
            f"import sys, tinytorch.core.{module.name}\n"
            "print(*[m.__file__ for n, m in sys.modules.items() if n.startswith('tinytorch')])"
        )
        loaded = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
        )
        files = {path.removeprefix(f"{ROOT}/") for path in loaded.stdout.split()}
        assert files - {f"tinytorch/core/{module.name}.py"} <= named, module.folder
        assert len(files) > 2


def test_a_result_depends_on_what_earlier_modules_export_and_not_on_their_tests(small_course):
    first, second, *_ = small_course.modules()
    name = f"from {first.import_name} import *\n"
    second.source.write_text(f"{second.source.read_text()}\n# %%\n{name}")
    before, text = made_from(second), first.source.read_text()
    first.source.write_text(text.replace("### END HIDDEN", "# more\n### END HIDDEN"))
    assert made_from(second) == before
    first.source.write_text(f"{text}\n# %%\n#| export\nmore = 1\n")
    assert made_from(second) != before


def test_what_an_interrupted_audit_has_found_stands_in_the_page(small_course, monkeypatch):
    def audit_one(module, *rest):
        if module.number == 2:
            raise KeyboardInterrupt
        return Report(module.folder, {"mutants": 7})

    monkeypatch.setattr(auditing, "audit", audit_one)
    page = small_course.root / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    stopped = CliRunner().invoke(cli, ["audit", "--page", str(page)])
    assert stopped.exit_code != 0
    first, *others = small_course.modules()
    assert others and set(read_page(page)) == {first.folder}
    assert read_page(page)[first.folder].known == Known(made_from(first), graded_with(first))


def test_the_command_fails_and_says_where_and_speaks_json(small_course, module):
    (small_course.root / "bin").mkdir()
    run = [sys.executable, "-m", "tito", "audit", "numbers", "--part", "answers"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    plain = subprocess.run(run, capture_output=True, text=True, env=environment)
    assert plain.returncode == 1
    assert "01_numbers, answers, halve: text_is_refused" in plain.stdout
    as_json = subprocess.run([*run, "--json"], capture_output=True, text=True, env=environment)
    (report,) = json.loads(as_json.stdout)
    assert report["module"] == "01_numbers" and report["figures"]["observations"] == 4
    wrong = subprocess.run([*run, "--part", "all"], capture_output=True, text=True, env=environment)
    assert wrong.returncode == 2 and "there is no part 'all'" in wrong.stderr
