"""Every attack of the table in docs/abuses.md, in one run of `tito grade`: it is held, its submission
gets its honest points, and everybody else is graded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT, cell_of, changed, hand_in, reference, write_course

from abuses.attacks import ATTACKS, KEPT, cell
from abuses.page import PAGE, page
from abuses.victims import MARK, victims
from tito.author.release import release
from tito.sandbox import choice

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="the sandbox that holds all of it is Linux's"
    ),
    pytest.mark.xdist_group("abuses"),  # the class is graded once
]
NAMES = list(ATTACKS)
HONEST = ("ada", "zoe")  # the first and the last of the class
LIMITS = """
c.ExecuteInWorkspace.timeout = 8
c.Observe.timeout = 5
c.Sandbox.backend = "bubblewrap"
c.Sandbox.memory = 600 * 2**20
c.Sandbox.folder_size = 32 * 2**20
"""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """The class after grading: what the command said of each, and what was left outside."""
    if trouble := choice.trouble_with("bubblewrap"):
        pytest.skip(trouble)
    course = write_course(tmp_path_factory.mktemp("abuses") / "course")
    module, home = course.module("numbers"), tempfile.mkdtemp(prefix=".attacked-", dir=Path.home())
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(LIMITS)
    before = os.getcwd()
    os.chdir(course.root)
    try:
        release(module)
        for student in HONEST:
            other = hand_in(module, student, reference(module))
        packages = sysconfig.get_path("purelib")
        with victims(course.root, module.source, other, Path(home), packages) as there:
            _hand_in_attacks(module, there.place)
            done = _grade(module)
            yield module, done, there.traces(course.root)
    finally:
        os.chdir(before)
        shutil.rmtree(home)


def _hand_in_attacks(module, place: dict) -> None:
    for number, attack in enumerate(ATTACKS.values()):
        source = cell(attack, place, MARK)
        nb = changed(module, lambda nb, source=source: cell_of(nb, "double").update(source=source))
        hand_in(module, f"attack{number:02}", nb)


def _grade(module) -> dict[str, dict]:
    """What `tito grade` says of each student."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SECRET_TOKEN": MARK}
    done = subprocess.run(
        [sys.executable, "-m", "tito", "grade", module.folder, "--json"],
        cwd=module.root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    events = map(json.loads, done.stdout.splitlines())
    return {e["student"]: e for e in events if e["event"] == "submission"}


def _shown(module, student: str) -> str:
    """What the attack printed as its outcome; nothing if it did not come so far."""
    path = module.root / "autograded" / student / module.folder / module.notebook
    outputs = cell_of(json.loads(path.read_text(encoding="utf-8")), "double")["outputs"]
    text = "".join("".join(o.get("text", "")) for o in outputs)
    if "Output truncated" in text:
        return f"cut at {len(text) // 10**6} MB"
    found = re.search(">>>(.*?)<<<", text)
    return found[1] if found else ""


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_it_is_held_and_the_submission_gets_its_honest_points(attacked, number):
    module, done, _ = attacked
    attack, student = ATTACKS[NAMES[number]], f"attack{number:02}"
    shown = _shown(module, student) or "; ".join(done[student]["notes"])
    assert re.search(attack.shows, shown), shown
    assert done[student]["score"] == attack.points


def test_everybody_else_is_graded(attacked):
    _, done, _ = attacked
    assert {student: done[student]["score"] for student in HONEST} == dict.fromkeys(HONEST, KEPT)
    assert len(done) == len(ATTACKS) + len(HONEST)


def test_no_attack_left_a_trace(attacked):
    _, _, traces = attacked
    assert traces == set()


def test_the_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/abuses/page.py"
