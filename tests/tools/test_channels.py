"""Two sandboxes side by side, of students who want to pass something on: what arrives."""

import ctypes
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from abuses.channels import CHANNELS, ON_OTHERS, PAGES, UNSTEADY
from conftest import ROOT

from tito import sandbox
from tito.sandbox import Policy, choice
from tito.sandbox.policy import MiB

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="bubblewrap and Landlock are Linux's"
    ),
    # What two of them use without a sandbox, such as the name of a queue, is the whole machine's.
    pytest.mark.xdist_group("channels"),
]
POLICY = Policy(folder_size=16 * MiB, shm_size=4 * MiB, processes=48, memory=600 * MiB)
ORDINARY = 54321  # the first of the users without an account: each attack is on one of its own
# Files that nobody reads and every sandbox has: one for each channel, as tests run side by side.
SHARED = sorted(str(path) for path in Path(np.lib.__file__).parent.glob("*.pyi"))

START = """
import ctypes, errno, fcntl, mmap, os, select, socket, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
lock = lambda kind: struct.pack("hhqqi4x", kind, 0, 0, 0, 0)
def call(number, *arguments):
    words = [ctypes.c_long(x) if isinstance(x, int) else x for x in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result
def place_in(file):
    memory = libc.mmap
    memory.restype = ctypes.c_void_p
    return memory(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, file, ctypes.c_long(0))
"""

BACKENDS = ["bubblewrap", "landlock", ""]
MADE: list[str] = []  # folders that other users may enter, as they may none of pytest's


def folder_for_others(prefix: str, rights: int) -> Path:
    """A folder outside of pytest's, which is removed after these tests."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    MADE.append(str(folder))
    folder.chmod(rights)
    return folder


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left():
    yield
    while MADE:
        shutil.rmtree(MADE.pop(), ignore_errors=True)


def start(name: str, text: str, policy: Policy) -> subprocess.Popen:
    folder = folder_for_others("tito-channel-", 0o755)
    script = folder / "program.py"
    path = SHARED[list(CHANNELS).index(name)]
    script.write_text(f"{START}path = {path!r}\n{text}", encoding="utf-8")
    (folder / "work").mkdir()
    return sandbox.start_python(script, folder / "work", policy=policy)


def received(name: str, code: str, policy: Policy) -> str:
    """What a receiver finds, in one line."""
    indented = "\n".join(f"    {line}" for line in code.split("\n"))
    process = start(
        name,
        f"found = 'done'\ntry:\n{indented}\nexcept OSError as error:\n"
        "    found = errno.errorcode[error.errno]\nprint(found)",
        policy,
    )
    try:
        return process.stdout.read().decode().strip()
    finally:
        sandbox.kill(process)


def before_and_while_somebody_sends(name: str, policy: Policy) -> tuple[str, str]:
    sending, receiving = CHANNELS[name]
    before = received(name, receiving, policy)
    indented = "\n".join(f"        {line}" for line in sending.split("\n"))
    sender = start(
        name,
        f"def send():\n    try:\n{indented}\n        globals().update(locals())\n"
        "    except OSError: pass\n"
        "threading.Thread(target=send, daemon=True).start()\n"
        "time.sleep(0.3); print('sending', flush=True); time.sleep(60)",
        policy,
    )
    try:
        assert sender.stdout.readline() == b"sending\n"
        return before, received(name, receiving, policy)
    finally:
        sandbox.kill(sender)


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
@pytest.mark.parametrize("name", CHANNELS)
def test_nothing_passes_between_two_sandboxes(name, backend):
    if choice.trouble_with(backend):
        pytest.skip(choice.trouble_with(backend))
    before, after = before_and_while_somebody_sends(name, replace(POLICY, backend=backend))
    assert before and after == before


@pytest.mark.parametrize("name", [name for name in CHANNELS if name not in UNSTEADY])
def test_the_same_way_carries_something_where_there_is_no_sandbox(name):
    try:
        before, after = before_and_while_somebody_sends(name, replace(POLICY, enabled=False))
    finally:
        forget()
    if name == PAGES and before == after:
        pytest.skip("this file system keeps what was read once")
    assert after != before


def forget() -> None:
    """Remove what outlives a process: System V's objects, and queues with a name."""
    code = (
        "for number, key, size in ((29, 0x7101, 4096), (64, 0x7102, 1), (68, 0x7103, 0)):\n"
        "    found = libc.syscall(number, key, size, 0)\n"
        "    if found >= 0: libc.syscall({29: 31, 64: 66, 68: 71}[number], found, 0, 0)\n"
        "libc.syscall(241, b'tito-channel')"
    )
    subprocess.run([sys.executable, "-c", START + code], check=True)


def test_locks_seem_to_be_had_so_that_programs_that_want_some_go_on():
    code = (
        "import sqlite3\ndb = sqlite3.connect('own.db'); db.execute('create table t (x)')\n"
        "db.execute('insert into t values (3)'); db.commit()\n"
        "found = db.execute('select x from t').fetchall()"
    )
    for backend in ("bubblewrap", "landlock"):
        if not choice.trouble_with(backend):
            assert received("a lock of POSIX", code, replace(POLICY, backend=backend)) == "[(3,)]"


AS_SOMEBODY = """
import os, pathlib, resource, subprocess, sys, tempfile, time
sys.path.insert(0, {root!r})
from tito import sandbox
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "work").mkdir()
file = folder / "file"
file.write_text("content")
victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
script = folder / "program.py"
script.write_text("import os, sys\\ntry:\\n    " + {code!r}.format(pid=victim.pid, file=str(file))
                  + "\\nexcept OSError: pass\\nprint('tried')")
def state():
    s = file.stat()
    return (os.getpriority(os.PRIO_PROCESS, victim.pid), os.sched_getaffinity(victim.pid),
            resource.prlimit(victim.pid, resource.RLIMIT_NOFILE), s.st_size,
            os.sched_getscheduler(victim.pid), s.st_mode, s.st_mtime, os.listxattr(file))
time.sleep(0.2)
before = state()
policy = sandbox.Policy(backend={backend!r}) if {backend!r} else sandbox.Policy(enabled=False)
process = sandbox.start_python(script, folder / "work", policy=policy)
answer = process.stdout.read()
after = state()
sandbox.kill(process)
victim.kill()
print(answer.decode().strip(), "nothing changed" if after == before else (before, after))
"""


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
@pytest.mark.parametrize("name", ON_OTHERS)
def test_an_ordinary_users_grader_keeps_its_processes_and_files_as_they_are(name, backend):
    if choice.trouble_with(backend):
        pytest.skip(choice.trouble_with(backend))
    done = tried_as_somebody(name, backend)
    if backend == "bubblewrap" and "may not make namespaces" in done.stderr:
        pytest.skip("an ordinary user may not make namespaces here")
    assert done.stdout == "tried nothing changed\n", done.stderr


@pytest.mark.parametrize("name", ON_OTHERS)
def test_without_a_sandbox_they_are_changed(name):
    done = tried_as_somebody(name, "")
    assert done.stdout.startswith("tried (("), done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def tried_as_somebody(name: str, backend: str) -> subprocess.CompletedProcess:
    """One of these attacks, tried by a submission that an ordinary user grades."""
    program = AS_SOMEBODY.format(root=str(ROOT), code=ON_OTHERS[name], backend=backend)
    user = ORDINARY + 3 * list(ON_OTHERS).index(name) + BACKENDS.index(backend)
    home = str(folder_for_others("tito-home-", 0o777))
    try:
        return subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd="/",
            env={"TMPDIR": home, "HOME": home, "PATH": "/usr/bin:/bin"},
            preexec_fn=(lambda: become_somebody(user, backend)) if os.geteuid() == 0 else None,
        )
    except PermissionError:
        pytest.skip("Python lies where an ordinary user cannot read it")


def become_somebody(user: int, backend: str) -> None:
    """Become an ordinary user, who may read everything: Python may lie in a folder of root's."""
    libc = ctypes.CDLL(None)
    libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if backend != "bubblewrap":  # it wants no capability at all
        read = 1 << 2  # CAP_DAC_READ_SEARCH
        libc.capset(
            struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", read, read, read, 0, 0, 0)
        )
        libc.prctl(47, 2, 2, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE
