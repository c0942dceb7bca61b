"""Documents: every command in them exists, every example gives what it says."""

import contextlib
import io
import json
import re
import shlex
import tomllib

import click
import pytest
from conftest import ROOT

from tito.author.kit import README as KIT_README
from tito.cli import cli
from tito.course import Course
from tito.notebook.card import hours_of

DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("[!.]*/README.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("source/*/README.md"),
        *ROOT.glob("tito/*/README.md"),
    ]
}
DOCUMENTS["the kit's README"] = KIT_README.format(first="01_tensor", name="tensor", modules="…")
COMMAND = re.compile(r"(?:python bin/tito\.py|(?<=`)tito) ([a-z][^`#…\n]*)")


TASKS = json.loads((ROOT / ".vscode" / "tasks.json").read_text("utf-8"))["tasks"]
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
DOCUMENTS["the tasks of the editor"] = "".join(
    f"{task['command']} {shlex.join(task['args'])}\n".replace("'${input:module}'", "07_autograd")
    for task in TASKS
)
DOCUMENTS["the dev container"] = CONTAINER["postCreateCommand"].replace(" || true)", "\n")


def commands() -> list:
    found = []
    for name, text in DOCUMENTS.items():
        for line in sorted({match.strip() for match in COMMAND.findall(text)}):
            found.append(pytest.param(line, id=f"{name}: {line}"))
    return found


@pytest.mark.parametrize("line", commands())
def test_a_command_in_a_document_exists_and_takes_its_arguments(line):
    name, *arguments = shlex.split(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    with contextlib.suppress(SystemExit, click.exceptions.Exit):  # --help, and the like
        command.make_context(name, arguments, resilient_parsing=False)


def test_commands_were_found():
    assert len(commands()) > 25


def test_the_editor_has_the_usual_commands():
    assert [t["label"] for t in TASKS] == "start test build release grade selftest".split()
    assert all(t["args"][1] == t["label"] for t in TASKS)


def test_the_citation_names_the_version_and_the_licence_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"version: {project['version']}" in lines
    assert f"license: {project['license']}" in lines


def test_contributors_find_every_room_of_tito():
    rooms = {p.parent.name for p in (ROOT / "tito").glob("*/__init__.py")}
    named = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", DOCUMENTS["CONTRIBUTING.md"], flags=re.M)
    assert {name.strip("` ") for names in named for name in names.split(",")} == rooms


@pytest.mark.parametrize("page", ["README.md", "docs/instructors.md"])
def test_hours_of_modules_are_those_of_their_cards(page):
    for module in Course(ROOT).modules():
        hours = hours_of(module).short().removesuffix(" h")
        (row,) = re.findall(rf"^\| .*source/{module.folder}/README.*", DOCUMENTS[page], flags=re.M)
        assert re.search(rf"\| (about )?{hours} \|", row), module.folder


def test_the_example_of_the_library_prints_what_it_says():
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENTS["docs/library.md"], flags=re.S)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block, {})
    assert f"# {printed.getvalue().strip()}" in block


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_pictures_are_there(name):
    text = re.sub(r"```.*?```", "", DOCUMENTS[name], flags=re.S)  # table[0](x) is no link
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        folder = (ROOT / name).parent if name.endswith(".md") else ROOT
        assert (folder / target).exists(), target
