"""From a fresh copy to a running `tito`: bin/tito.py, the locks, the package, the settings."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tito.course import Course

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = ROOT / "bin" / "tito.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COURSE = PROJECT["project"]["optional-dependencies"]["course"]
DEV = PROJECT["dependency-groups"]["dev"]
SITE = PROJECT["project"]["optional-dependencies"]["site"]
LITE = PROJECT["project"]["optional-dependencies"]["lite"]
GENERATED = ("release", "submitted", "autograded", "feedback", "notebooks")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses signals and shell scripts")

# The command that bin/tito.py goes on to: says how it was called, ends with the code it is given.
STAND_IN = """
import json, os, sys, stubtool

def main():
    path = os.environ["PATH"].split(os.pathsep)
    print(json.dumps([sys.argv[1:], sys.executable, path[0], stubtool.version]))
    sys.exit(7 if "fail" in sys.argv else 0)

if __name__ == "__main__":
    main()
"""


class Copy:
    """A copy of the course, with a stand-in for tito and one tiny locked package."""

    def __init__(self, root: Path):
        self.root = root
        self.venv = root / ".venv"
        (root / "bin").mkdir(parents=True)
        shutil.copy(LAUNCHER, root / "bin")
        shutil.copy(ROOT / "pyproject.toml", root)
        (root / "tito").mkdir()
        (root / "tito" / "__init__.py").touch()
        (root / "tito" / "__main__.py").write_text(STAND_IN)
        (root / "locks").mkdir()
        self.lock(1)

    def lock(self, version: int) -> None:
        """Lock the tiny package at a version, for both levels."""
        wheel = tiny_wheel(self.root.parent, version)
        for level in ("course", "dev"):
            (self.root / "locks" / f"{level}.txt").write_text(f"stubtool @ {wheel.as_uri()}\n")

    def environment(self, tools: Path | None = None) -> dict[str, str]:
        """The variables of a call: of all installers only those in `tools`, and no network."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "PYTHON"))}
        kept["PATH"] = f"{tools}:/usr/bin:/bin" if tools else str(self.root / "no-tools")
        return kept | {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_OFFLINE": "1"}

    def command(self, *arguments: str, python: Path | str = sys.executable) -> list[str]:
        return [str(python), str(self.root / "bin" / "tito.py"), *arguments]

    def call(self, *arguments: str, tools: Path | None = None, python=sys.executable, **settings):
        return subprocess.run(
            self.command(*arguments, python=python),
            env=self.environment(tools) | settings,
            cwd=self.root.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def start(self, *arguments: str, tools: Path) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(tools),
            cwd=self.root.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def tiny_wheel(folder: Path, version: int) -> Path:
    wheel = folder / f"stubtool-{version}-py3-none-any.whl"
    info = f"stubtool-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        # Of another length for each version: Python's cached bytecode goes by size and second.
        archive.writestr("stubtool.py", f"version = {version}\n" + "#" * version)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: stubtool\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/RECORD", f"stubtool.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return wheel


def installer(folder: Path, install: str) -> Path:
    """A folder with a `uv` that does something in particular when it is told to install."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "uv"
    program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then exit 0; fi\n{install}\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "my course")


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A `uv` that unpacks the tiny package; faster than pip, and there on every machine."""
    return installer(
        tmp_path / "quick",
        'while [ "$1" != --requirement ]; do shift; done; lock=$2\n'
        'while [ "$1" != --python ]; do shift; done\n'
        'site=$("$2" -c "import sysconfig; print(sysconfig.get_path(\'purelib\'))")\n'
        f"wheel=$(sed -n 's|^stubtool @ file://||p' \"$lock\" | sed 's/%20/ /g')\n"
        f'"{sys.executable}" -m zipfile -e "$wheel" "$site"',
    )


@pytest.fixture
def real_uv(tmp_path: Path) -> Path:
    uv = shutil.which("uv")
    if uv is None or subprocess.run([uv, "--version"], capture_output=True).returncode != 0:
        pytest.skip("no uv on this machine")
    return installer(tmp_path / "real", f'exec "{uv}" "$@"')


def went_on(result: subprocess.CompletedProcess) -> list:
    """What the stand-in for tito saw: its arguments, its Python, its PATH, the tiny package."""
    assert result.returncode in (0, 7), result.stderr
    return json.loads(result.stdout)


def stopped(result: subprocess.CompletedProcess, exit_code: int = 1) -> str:
    """The one sentence that a call ended with."""
    assert result.returncode == exit_code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith("tito: ")
    return last


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def environment_with(folder: Path, modules: list[str], path: Path | None = None) -> Path:
    """A virtual environment in which `modules` can be found; gives its Python."""
    subprocess.run([sys._base_executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for module in modules:
        (site / f"{module}.py").write_text("version = 0\n")
    if path:
        (site / "somebody.pth").write_text(f"{path}\n")
    return folder / "bin" / "python"


# A Python that is too old


def test_the_launcher_is_plain_enough_for_an_old_python():
    text = LAUNCHER.read_text(encoding="ascii")
    tree = ast.parse(text, feature_version=(3, 7))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.Nonlocal, ast.Await, ast.NamedExpr, ast.YieldFrom)
    for node in ast.walk(tree):
        assert not isinstance(node, too_new), f"line {node.lineno}"
        if isinstance(node, ast.arguments):
            assert not node.kwonlyargs
            assert not any(a.annotation for a in node.args)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            assert not any(isinstance(x, ast.Starred) for x in node.elts), f"line {node.lineno}"
        if isinstance(node, ast.Dict):
            assert None not in node.keys, f"line {node.lineno}"
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"line {node.lineno}"


@pytest.mark.parametrize("name", ["python2.7", "python3.6", "python3.8", "python3.10"])
def test_an_old_python_is_told_so(copy, name):
    old = shutil.which(name)
    if old is None or subprocess.run([old, "-V"], capture_output=True).returncode != 0:
        pytest.skip(f"no {name} on this machine")
    result = subprocess.run(copy.command("demo", python=old), capture_output=True, text=True)
    assert f"needs Python 3.11 or newer, but this is Python {name[6:]}" in stopped(result, 2)


def test_a_python_that_says_it_is_old_is_told_so(copy):
    pretend = "import runpy, sys; sys.version_info = (3, 10, 14); "
    pretend += f"runpy.run_path({str(LAUNCHER)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert "needs Python 3.11 or newer, but this is Python 3.10" in stopped(result, 2)


# The first call, and the next


@pytest.mark.parametrize("tools", ["quick", "real_uv", None])
def test_the_first_call_installs_and_goes_on(copy, tools, request):
    tools = request.getfixturevalue(tools) if tools else None
    first = copy.call("start", "a b", "--flag", tools=tools)
    assert "1 of 3" in first.stderr
    assert f"locks/course.txt, with {'uv' if tools else 'pip'}" in first.stderr
    programs = str(copy.venv / "bin")
    expected = [["start", "a b", "--flag"], f"{programs}/python", programs, 1]
    assert went_on(first) == expected

    second = copy.call("start", "a b", "--flag", tools=tools)
    assert second.stderr == ""
    assert went_on(second) == expected


def test_the_exit_code_is_passed_on(copy, quick):
    assert copy.call("fail", tools=quick).returncode == 7
    assert copy.call("fail", tools=quick).returncode == 7


def test_the_environment_has_the_command_and_knows_the_project(copy, quick):
    copy.call(tools=quick)
    script = copy.venv / "bin" / "tito"
    result = subprocess.run([script, "x y"], cwd="/", capture_output=True, text=True)
    assert went_on(result)[0] == ["x y"]
    name = PROJECT["project"]["name"]
    version = f"from importlib.metadata import version; print(version({name!r}))"
    result = subprocess.run([copy.venv / "bin" / "python", "-c", version], capture_output=True)
    assert result.stdout.decode().strip() == PROJECT["project"]["version"]


def test_the_environment_has_the_entry_points_of_the_project(copy, quick):
    copy.call("start", tools=quick)
    (file,) = copy.venv.glob("lib/python*/site-packages/tinytorch_course-*/entry_points.txt")
    declared = PROJECT["project"]["entry-points"]["jupyter_client.kernel_provisioners"]
    parser = configparser.ConfigParser()
    parser.read(file)
    assert dict(parser["jupyter_client.kernel_provisioners"]) == declared


def test_selftest_gets_the_tools_of_developers_and_keeps_them(copy, quick):
    copy.call("status", tools=quick)
    assert copy.call("selftest", tools=quick).stderr == ""  # a kit has no tests to run
    (copy.root / "tests").mkdir()
    assert "locks/dev.txt" in copy.call("selftest", tools=quick).stderr
    assert copy.call("selftest", tools=quick).stderr == ""
    assert copy.call("status", tools=quick).stderr == ""


def test_a_new_lock_is_installed_into_the_environment_that_is_there(copy, quick):
    copy.call(tools=quick)
    (copy.venv / "added by its user").touch()
    copy.lock(2)
    result = copy.call(tools=quick)
    assert "bringing .venv up to date" in result.stderr
    assert went_on(result)[-1] == 2
    assert (copy.venv / "added by its user").exists()


def test_a_new_name_or_version_of_the_project_takes_the_place_of_the_old_one(copy, quick):
    copy.call(tools=quick)
    project = copy.root / "pyproject.toml"
    project.write_text(project.read_text().replace('name = "tinytorch-course"', 'name = "other"'))
    copy.lock(2)
    copy.call(tools=quick)
    (site,) = copy.venv.glob("lib/python*/site-packages")
    infos = {path.name.partition("-")[0] for path in site.glob("*.dist-info")}
    assert infos & {"tinytorch_course", "other"} == {"other"}


def test_a_copy_that_was_moved_gets_an_environment_of_its_own(copy, quick):
    copy.call(tools=quick)
    moved = copy.root.rename(copy.root.with_name("elsewhere"))
    copy.root, copy.venv = moved, moved / ".venv"
    assert went_on(copy.call(tools=quick))[1] == str(moved / ".venv/bin/python")
    assert str(moved) in (copy.venv / "pyvenv.cfg").read_text()


def test_an_environment_whose_python_is_gone_is_made_again(copy, quick):
    copy.call(tools=quick)
    python = copy.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "1 of 3" in copy.call(tools=quick).stderr
    assert went_on(copy.call(tools=quick))


def test_an_environment_that_has_everything_is_used_as_it_is(copy, tmp_path):
    modules = [*launcher()["MODULES"]["course"], "stubtool"]
    python = environment_with(tmp_path / "activated", modules, copy.root)
    result = copy.call("status", python=python)
    assert went_on(result) == [["status"], str(python), str(python.parent), 0]
    assert not copy.venv.exists()


def test_somebody_elses_venv_is_used_if_it_has_everything_and_never_changed(copy, quick):
    python = environment_with(copy.venv, launcher()["MODULES"]["course"], copy.root)
    site = next(copy.venv.glob("lib/python*/site-packages"))
    (site / "stubtool.py").write_text("version = 0\n")
    assert went_on(copy.call("status", tools=quick))[1] == str(python)

    (site / "nbgrader.py").unlink()
    before = sorted(copy.venv.rglob("*"))
    message = stopped(copy.call("status", tools=quick))
    assert "was not made by this command" in message
    assert [p for p in sorted(copy.venv.rglob("*")) if "__pycache__" not in str(p)] == [
        p for p in before if "__pycache__" not in str(p)
    ]


def test_modules_of_the_folder_one_is_in_do_not_get_in_the_way(copy, quick):
    (copy.root.parent / "tito.py").write_text("raise SystemExit('the wrong tito')\n")
    (copy.root.parent / "json.py").write_text("raise SystemExit('the wrong json')\n")
    assert went_on(copy.call("status", tools=quick))


# Interruptions


@pytest.mark.parametrize("in_update", [False, True])
def test_a_killed_installation_is_done_again(copy, quick, tmp_path, in_update):
    if in_update:
        copy.call(tools=quick)
        copy.lock(2)
    slow = installer(tmp_path / "slow", f"touch '{tmp_path}/started'; sleep 60")
    process = copy.start(tools=slow)
    wait_for(tmp_path / "started")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()

    result = copy.call(tools=quick)
    assert "an earlier installation was interrupted; starting again" in result.stderr
    assert went_on(result)[-1] == 1 + in_update


def test_ctrl_c_ends_in_a_sentence_and_leaves_nothing(copy, tmp_path):
    slow = installer(tmp_path / "slow", f"touch '{tmp_path}/started'; sleep 60")
    process = copy.start(tools=slow)
    wait_for(tmp_path / "started")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("tito: the installation was interrupted")
    assert sorted(p.name for p in copy.root.iterdir()) == ["bin", "locks", "pyproject.toml", "tito"]


@pytest.mark.parametrize("code", ["exit 130", "kill -INT $$"])
def test_an_installer_that_was_interrupted_is_no_failure_of_its_own(copy, tmp_path, code):
    result = copy.call(tools=installer(tmp_path / "interrupted", code))
    assert result.returncode == 130
    assert result.stderr.splitlines()[-1].startswith("tito: the installation was interrupted")


def test_two_first_calls_at_once_install_once(copy, quick, tmp_path):
    wait = f"touch '{tmp_path}/started'; until [ -e '{tmp_path}/go' ]; do sleep 0.02; done"
    text = (quick / "uv").read_text()
    (quick / "uv").write_text(text.replace("fi\n", f"fi\n{wait}\n", 1))
    first = copy.start(tools=quick)
    wait_for(tmp_path / "started")
    second = copy.start(tools=quick)
    assert "another call is installing here; waiting" in second.stderr.readline()
    (tmp_path / "go").touch()
    assert "1 of 3" in first.communicate(timeout=300)[1]
    assert "1 of 3" not in second.communicate(timeout=300)[1]
    assert first.returncode == second.returncode == 0


# What can be wrong


def test_a_file_in_the_way_is_named(copy, quick):
    copy.venv.write_text("mine")
    assert f"{copy.venv} is in the way" in stopped(copy.call(tools=quick))
    assert copy.venv.read_text() == "mine"


def test_a_missing_lock_is_named(copy, quick):
    (copy.root / "locks" / "course.txt").unlink()
    assert "locks/course.txt is missing" in stopped(copy.call(tools=quick))
    assert not copy.venv.exists()


def test_a_failing_uv_leaves_the_work_to_pip(copy, tmp_path):
    result = copy.call(tools=installer(tmp_path / "failing", "exit 2"))
    assert "uv could not install them; trying pip" in result.stderr
    assert went_on(result)[-1] == 1


def test_a_uv_that_does_not_run_is_passed_over(copy, tmp_path):
    tools = installer(tmp_path / "broken", "")
    (tools / "uv").write_text("#!/bin/sh\nexit 127\n")
    assert "with pip" in copy.call(tools=tools).stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"PIP_INDEX_URL": "http://127.0.0.1:9/"},
            "because they could not be downloaded; check the network",
        ),
        ({"PIP_NO_INDEX": "1"}, "could not be installed (Could not find a version"),
    ],
)
def test_packages_that_cannot_be_had_end_in_a_sentence(copy, settings, message):
    (copy.root / "locks" / "course.txt").write_text("stubtool==9\n")
    result = copy.call(PIP_RETRIES="0", **settings)
    assert message in stopped(result)
    assert not copy.venv.exists()


def test_a_python_without_ensurepip_is_told_what_to_install(copy):
    pretend = "import runpy, sys; sys.modules['ensurepip'] = None; "
    pretend += f"runpy.run_path({str(copy.root / 'bin' / 'tito.py')!r}, run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", pretend], env=copy.environment(), capture_output=True, text=True
    )
    assert "apt install python3-venv" in stopped(result)
    assert not copy.venv.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(copy, quick):
    copy.root.chmod(0o555)
    try:
        message = stopped(copy.call(tools=quick))
    finally:
        copy.root.chmod(0o755)
    assert "move the course to a folder that you may write to" in message


@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EACCES", "EDQUOT", "EIO"])
def test_what_the_system_refuses_ends_in_a_sentence(error):
    import errno

    code = getattr(errno, error)
    sentence = launcher()["sentence_about"](OSError(code, os.strerror(code), "/course/.venv"))
    assert os.strerror(code) in sentence
    assert "/course/.venv" in sentence
    assert sentence.endswith("and call again")


def launcher() -> dict:
    """The names that bin/tito.py defines."""
    return runpy.run_path(str(LAUNCHER), run_name="launcher")


# The locks


@pytest.mark.parametrize("name", ["course", "dev"])
def test_a_lock_pins_packages_and_names_nothing_else(name):
    for entry in entries(name):
        form = r"[a-z0-9-]+==[0-9a-z.]+( ; [^@/#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+"
        assert re.fullmatch(form, entry), entry


@pytest.mark.parametrize("name", ["course", "dev"])
def test_a_lock_holds_what_the_project_asks_for(name):
    lock = locked(name)
    for line in COURSE + PROJECT["project"]["dependencies"] + (DEV if name == "dev" else []):
        wanted = Requirement(line)
        assert wanted.name in lock
        assert lock[wanted.name] in wanted.specifier, line


def test_developers_get_the_versions_that_students_get():
    assert locked("course").items() <= locked("dev").items()


@pytest.mark.parametrize("name", ["course", "dev"])
def test_what_takes_seconds_to_import_is_in_no_lock(name):
    assert not {"rfc3987-syntax", "lark"} & locked(name).keys()


def test_every_requirement_has_a_lower_bound():
    for line in COURSE + DEV + SITE + PROJECT["project"]["dependencies"]:
        wanted = Requirement(line)
        bounds = ["<", ">="] if wanted.name == "pytest" else [">="]  # its groups, see pyproject
        assert sorted(s.operator for s in wanted.specifier) == bounds, line


def test_tests_of_a_group_run_in_one_process(tmp_path):
    """What such tests share is made once: without it, the suite takes more than twice the time."""
    (tmp_path / "test_group.py").write_text(
        "import os\nfrom pathlib import Path\n\nimport pytest\n\n\n"
        "@pytest.mark.xdist_group('one')\n@pytest.mark.parametrize('i', range(8))\n"
        "def test_one_of_them(i):\n"
        "    Path(f'ran-{i}').write_text(os.environ['PYTEST_XDIST_WORKER'])\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "2", "--dist", "loadgroup"]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others take seconds to begin
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=alone)
    found = [path.read_text() for path in tmp_path.glob("ran-*")]
    assert len(found) == 8 and len(set(found)) == 1


def test_the_launcher_looks_for_what_the_project_asks_for():
    modules = launcher()["MODULES"]
    course = {Requirement(line).name.replace("-", "_") for line in COURSE}
    course = course - {"pyyaml"} | {"yaml"}  # the one that is imported under another name
    tools = DEV + SITE + LITE
    dev = {Requirement(line).name.removeprefix("pytest-").replace("-", "_") for line in tools}
    assert set(modules["course"]) == course | {"numpy"}
    assert set(modules["dev"]) == course | dev | {"numpy"}


def locked(name: str) -> dict[str, str]:
    pinned = (entry.split()[0].split("==") for entry in entries(name))
    return dict(pinned)


def entries(name: str) -> list[str]:
    """The packages of a lock, each with its hashes, in one line."""
    text = (ROOT / "locks" / f"{name}.txt").read_text()
    return text.replace("\\\n", " ").splitlines()


# The package


def test_the_library_needs_numpy_and_nothing_else():
    modules = [f"tinytorch.core.{p.stem}" for p in (ROOT / "tinytorch" / "core").glob("[a-z]*.py")]
    assert "tinytorch.core.autograd" in modules
    program = f"""
import importlib, sys

class OnlyNumpy:
    def find_spec(self, name, path=None, target=None):
        allowed = sys.stdlib_module_names | {{"tinytorch", "numpy"}}
        if name.partition(".")[0] not in allowed:
            raise ImportError(f"{{name}} is not numpy")

import numpy
sys.meta_path.insert(0, OnlyNumpy())
sys.path.insert(0, {str(ROOT)!r})
for module in {modules!r}:
    importlib.import_module(module)
"""
    result = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout + result.stderr == ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder)
    for name in ("tinytorch", "tito", "tests", "bin"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return zipfile.ZipFile(next((folder / "dist").glob("*.whl")))


def test_the_wheel_holds_the_library_and_the_tools(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tinytorch", "tito"}
    assert "tinytorch/core/autograd.py" in wheel.namelist()
    assert {"tinytorch/py.typed", "tito/py.typed"} <= set(wheel.namelist())
    assert "tito/__main__.py" in wheel.namelist()
    assert {path.as_posix() for path in Course(ROOT).library()} <= set(wheel.namelist())


def test_the_wheel_asks_for_numpy_only_unless_the_course_is_wanted(wheel):
    name = next(n for n in wheel.namelist() if n.endswith("METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    assert [r.name for r in required if r.marker is None] == ["numpy"]
    extras = {f'extra == "{name}"' for name in ("course", "site", "lite", "cluster", "postgresql")}
    assert {str(r.marker) for r in required if r.marker} == extras
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_wheel_brings_the_command(wheel):
    name = next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    assert "tito = tito.__main__:main" in wheel.read(name).decode()


# The name


# On the public index, these names belong to strangers, and ours to nobody yet.
NOT_OURS = re.compile(r"(tinytorch|tito)([-_.][\w.-]*\w)?(\[[\w, -]*\])?([=<>!~@;].*)?", re.I)
INSTALLS = re.compile(
    r"\b(?:(?:pip[x\d.]*|uv pip|uv tool|conda|mamba)(?:[ ,\"']+[^\s`]+)*?[ ,\"']+install|uvx|uv add"
    r"|pipx run|uv tool run|poetry add|pdm add)[ ,\"']+(?P<what>[^\n`#]+)"
)
FROM = re.compile(r"--from[ =](\S+) +\S+")


def strangers(text: str) -> list[str]:
    """What the install commands of a text would fetch under a name that is not ours."""
    # Where uvx is told what it comes from, the next word is a command, and no package.
    found = (FROM.sub(r"\1", match["what"]) for match in INSTALLS.finditer(text))
    words = [word for what in found for word in what.split()]
    return [word for word in words if NOT_OURS.fullmatch(word.strip("\"',()\\.;:"))]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("pip install {}", True),
        ("python -m pip install -q --upgrade {}", True),
        ("pip install '{}[cluster]'", True),
        ('run: pip install \\"{}[course]\\"', True),
        ("pip install numpy {}==0.1", True),
        ("pip install {}-course", True),
        ("uvx {} start", True),
        ("uvx --from {0} {0} start", True),
        ("uvx --from '{}[course]' start", True),
        ("uvx --from dist/{0}.whl {0} start", False),
        ("uv pip install --python .venv {}", True),
        ('"-m", "pip", "install", "{}"', True),
        ('pip install ".[course]" in the folder, then `{} start`', False),
        ("pip install . # the library {}", False),
        ("pip install --no-deps -r locks/course.txt", False),
    ],
)
@pytest.mark.parametrize("name", ["tinytorch", "tito"])
def test_an_install_command_of_a_strangers_package_is_found(command, found, name):
    assert bool(strangers(command.format(name))) == found


def text_files() -> list[Path]:
    """The files that git knows, but those that are no text; without git, those on the disk."""
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    tops = {"source", "tito", "tinytorch", "tests", "docs", "bin", "locks", "benchmarks", ".ci"}
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.splitlines()]
    else:
        paths = [*ROOT.glob("*"), *(p for top in tops for p in (ROOT / top).rglob("*"))]
    return [p for p in paths if p.is_file() and b"\0" not in p.read_bytes()[:8000]]


def test_nothing_says_to_install_a_package_of_a_stranger():
    files = text_files()
    assert len(files) > 200
    found = {p.relative_to(ROOT).as_posix(): strangers(p.read_text("utf-8")) for p in files}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_list_of_requirements_names_a_package_of_a_stranger():
    files = [*ROOT.glob("locks/*.txt"), *ROOT.glob("benchmarks/*.txt")]
    lines = [
        line.strip().split()[0]
        for p in files
        for line in p.read_text().splitlines()
        if line.strip()
    ]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        lines += extra
    assert not [line for line in lines if NOT_OURS.fullmatch(line)]


# The settings


@pytest.mark.parametrize(
    "source", sorted((ROOT / "source").glob("*/*_dev.py")), ids=lambda p: p.stem
)
def test_a_source_survives_jupyterlab(source, tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    lesson = shutil.copy(source, tmp_path / "lesson.py")
    jupytext("--to", "ipynb", lesson)
    lesson.unlink()
    jupytext("--to", "py:percent", lesson.with_suffix(".ipynb"))
    assert lesson.read_text() == source.read_text()


def test_saving_keeps_our_keys_of_a_cell_and_drops_others(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    lesson = tmp_path / "lesson.py"
    lesson.write_text(
        '# %% exercise="add" points=5 checks="b" answer="c" nbgrader={"a": 1} x=1\n1\n'
    )
    jupytext("--to", "ipynb", lesson)
    notebook = json.loads(lesson.with_suffix(".ipynb").read_text())
    kept = {"exercise", "points", "checks", "answer", "nbgrader"}
    assert kept <= notebook["cells"][0]["metadata"].keys()
    lesson.unlink()
    jupytext("--to", "py:percent", lesson.with_suffix(".ipynb"))
    header = lesson.read_text().splitlines()[0]
    assert all(f"{key}=" in header for key in kept)
    assert "x=" not in header


def test_no_notebook_is_paired():
    assert "formats" not in PROJECT["tool"]["jupytext"]


def jupytext(*arguments: object) -> None:
    command = [sys.executable, "-m", "jupytext", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("source/07_autograd/autograd_dev.ipynb", True),
        ("source/07_autograd/autograd_dev.py", False),
        ("source/07_autograd/README.md", False),
        ("notebooks/07_autograd/autograd_dev.ipynb", True),
        ("submitted/ada/07_autograd/autograd_dev.ipynb", True),
        ("release/07_autograd/autograd_dev.ipynb", True),
        ("gradebook.db", True),
        ("gradebook.db-wal", True),
        ("grades.csv", True),
        (".venv/bin/python", True),
        (".vscode/settings.json", True),
        (".vscode/tasks.json", False),
        ("tinytorch/core/autograd.py", False),
        *((f"{folder}/README.md", False) for folder in GENERATED),
        *((f"{folder}/anything", True) for folder in GENERATED),
    ],
)
def test_git_ignores_what_is_generated(repository, path, ignored):
    check = subprocess.run(["git", "-C", repository, "check-ignore", "-q", path])
    assert (check.returncode == 0) == ignored


@pytest.mark.parametrize("folder", GENERATED)
def test_a_generated_folder_says_who_fills_it(folder):
    assert "`tito " in (ROOT / folder / "README.md").read_text()


def test_the_check_of_everything_is_a_program_that_parses():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert subprocess.run(["bash", "-n", run]).returncode == 0
