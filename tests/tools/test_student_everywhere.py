"""A student's half of tito is for every system: it runs without what only POSIX has."""

import ast
import getpass
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, cell_of, reference

from tito.errors import UsageError
from tito.student import actions as student

TITO = ROOT / "tito"
HALF = sorted(
    path
    for pattern in ("*.py", "notebook/*.py", "checks/*.py", "student/*.py", "cli/*.py")
    for path in TITO.glob(pattern)
    if path.relative_to(TITO).as_posix() not in ("cli/author.py", "cli/marking.py")
)
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in HALF
    if path.name != "__main__.py"
]
ONLY_POSIX = "fcntl resource pwd grp termios tty pty crypt spwd nis syslog readline".split()
ONLY_POSIX_NAMES = {
    "os": (
        "fork forkpty openpty setsid setpgid killpg getpgid geteuid getuid getgid getegid uname nice "
        "chown fchown fchmod mkfifo sched_getaffinity pread pwrite sysconf getgroups setuid wait4 "
        "waitid getloadavg O_DIRECTORY O_CLOEXEC O_NOFOLLOW"
    ).split(),
    "signal": (
        "SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGSTOP alarm setitimer pause "
        "pthread_sigmask siginterrupt"
    ).split(),
}
# A Python as on Windows, as far as a Python on POSIX can be one, and without the author's half.
WITHOUT_POSIX = f"""
import os, runpy, signal, sys

for name in {[*ONLY_POSIX, "tito.cli.author"]!r}:
    sys.modules[name] = None
for name in {ONLY_POSIX_NAMES["signal"]!r}:
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fork", "forkpty", "geteuid", "getuid"):
    delattr(os, name)
sys.path.insert(0, {str(ROOT)!r})
"""


def without_posix(program: str, *arguments: str, cwd=ROOT) -> subprocess.CompletedProcess:
    """Run a program where nothing is that only POSIX has."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX + program, *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


def test_all_of_it_can_be_imported():
    assert {"tito.cli.student", "tito.student.jupyterlab", "tito.checks.block"} <= set(MODULES)
    result = without_posix(
        f"import importlib\nfor name in {MODULES!r}:\n    importlib.import_module(name)\n"
        "print(sys.modules['tito.cli'].__file__)"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(TITO / "cli" / "__init__.py")


@pytest.mark.parametrize("command", [["--help"], ["status"], ["start", "--help"]])
def test_commands_run(released_course, command):
    program = "runpy.run_module('tito', run_name='__main__', alter_sys=True)"
    result = without_posix(program, *command, cwd=released_course.root)
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout or "01_numbers" in result.stdout
    assert " grade " not in result.stdout  # the author's half is not there


def test_a_module_is_started_and_exported(numbers):
    program = "runpy.run_module('tito', run_name='__main__', alter_sys=True)"
    assert without_posix(program, "start", "numbers", cwd=numbers.root).returncode == 0
    numbers.desk.write_text(json.dumps(reference(numbers)), encoding="utf-8")
    result = without_posix(program, "export", "numbers", cwd=numbers.root)
    assert result.returncode == 0, result.stderr
    assert numbers.exported.exists()


def test_the_launcher_goes_on_and_knows_that_there_are_no_locks():
    launcher = f"names = runpy.run_path({str(ROOT / 'bin' / 'tito.py')!r}, run_name='launcher')\n"
    result = without_posix(
        launcher + "assert names['only_one_at_a_time']() is None\n"
        "names['go_on']([sys.executable, '-P', '-m', 'tito'])",
        "--help",
    )
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


@pytest.mark.parametrize("path", HALF, ids=lambda path: path.relative_to(TITO).as_posix())
def test_no_file_uses_what_only_posix_has_without_asking_for_it(path):
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & set(ONLY_POSIX)
        if isinstance(node, ast.ImportFrom):
            assert node.module not in ONLY_POSIX
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of, name = node.value.id, node.attr
            if name in ONLY_POSIX_NAMES.get(of, ()):
                assert f'hasattr({of}, "{name}")' in text, f"{of}.{name}"


def test_line_ends_of_windows_in_a_notebook_are_those_of_everybody(numbers):
    nb = reference(numbers)
    cell_of(nb, "double")["source"] = (
        '#| export\ndef double(x):\n    """Twice x.\n\n    Approach\n    --------\n'
        '    Add.\n    """\n    return x + x\n'
    )
    student.start(numbers)
    exported = []
    for end in ("\n", "\r\n"):
        for cell in nb["cells"]:
            cell["source"] = "".join(cell["source"]).replace("\r\n", "\n").replace("\n", end)
        numbers.desk.write_bytes(json.dumps(nb, indent=1).replace("\n", end).encode())
        student.export(numbers)
        exported.append(numbers.exported.read_bytes())
    assert b"return x + x" in exported[0] and b"Approach" not in exported[0]
    assert exported[1] == exported[0]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_terminal_without_our_signs_gets_others(released_course, encoding):
    result = subprocess.run(
        [sys.executable, "-m", "tito", "doctor"],
        capture_output=True,
        cwd=released_course.root,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )
    assert b"Traceback" not in result.stderr, result.stderr
    assert b"disk space" in result.stdout


def test_an_account_without_a_name_is_asked_for_one(numbers, monkeypatch):
    def no_name():
        raise KeyError("getpwuid(): uid not found: 4711")

    student.start(numbers)
    monkeypatch.setattr(getpass, "getuser", no_name)
    with pytest.raises(UsageError, match="--student NAME"):
        student.submit(numbers)
