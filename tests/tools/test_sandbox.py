"""Attacks on the sandbox, run for real, and what must come out of each."""

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, cell_of, changed, hand_in, reference

from tito import sandbox
from tito.errors import TitoError
from tito.sandbox import Policy, choice, container, seccomp
from tito.sandbox.policy import MiB

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="bubblewrap and Landlock are Linux's"
)

SMALL = Policy(
    folder_size=16 * MiB, shm_size=4 * MiB, file_size=10 * MiB, processes=48, memory=600 * MiB
)
REFUSED = (
    "PermissionError",
    "FileNotFoundError",
    "ProcessLookupError",
    "OSError",
    "ModuleNotFoundError",
    "ConnectionRefusedError",
    "ValueError",
)
MARK = "only_the_reference_says_this"

# What an attack does, as a program that gets `place`; and what it must give: "refused", "nothing",
# or a function of what it gave and of the backend.
ATTACKS = {
    "read the gradebook": ("result = open(place['gradebook']).read()", "refused"),
    "list the sources": ("result = os.listdir(place['source'])", "refused"),
    "read another submission": ("result = open(place['submission']).read()", "refused"),
    "read the home folder": ("result = open(place['home']).read()", "refused"),
    "read the checkout": ("result = open(place['checkout']).read()", "refused"),
    "read the passwords": ("result = open('/etc/shadow').read()", "refused"),
    "read the environment": (
        "result = [k for k in os.environ if 'SECRET' in k or 'TOKEN' in k]",
        "nothing",
    ),
    "read the parent's environment": (
        "result = 'SECRET' in open(f'/proc/{os.getppid()}/environ').read()",
        "nothing",
    ),
    "change the gradebook": ("open(place['gradebook'], 'a').write('x')", "refused"),
    "write beside the course": ("open(place['source'] + '/new.py', 'w').write('x')", "refused"),
    "write into the standard library": ("open(os.__file__, 'a').write('x')", "refused"),
    "write into numpy": ("import numpy; open(numpy.__file__, 'a').write('x')", "refused"),
    "leave a start-up file": (
        "open(os.path.dirname(os.__file__) + '/sitecustomize.py', 'w').write('x')",
        "refused",
    ),
    "write at the top": ("open('/new', 'w').write('x')", "refused"),
    "write among the devices": ("open('/dev/new', 'w').write('x')", "refused"),
    "see other processes": (
        "result = [p for p in os.listdir('/proc') if p.isdigit() and int(p) > 9]",
        "nothing",
    ),
    "kill another process": ("os.kill(place['victim'], 9)", "refused"),
    "kill the grader": ("os.kill(place['grader'], 9)", "refused"),
    "connect to loopback": (
        "s = socket.socket(); s.settimeout(2); s.connect(('127.0.0.1', place['port']))",
        "refused",
    ),
    "connect to a socket of the user": (
        "s = socket.socket(socket.AF_UNIX); s.connect(place['socket'])",
        "refused",
    ),
    "send a datagram": (
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 9))",
        "refused",
    ),
    "open a raw socket": ("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", "refused"),
    "talk to the host of a virtual machine": ("socket.socket(40, socket.SOCK_STREAM)", "refused"),
    "trace the parent": ("call(ptrace, 16, os.getppid(), 0, 0)", "refused"),
    "trace the grader": ("call(ptrace, 16, place['grader'], 0, 0)", "refused"),
    "read another's memory": ("call(process_vm_readv, place['grader'], 0, 0, 0, 0, 0)", "refused"),
    "make a user namespace": ("call(unshare, 0x10000000)", "refused"),
    "make a user namespace with a child": ("call(clone, 0x10000000 | 17, 0, 0, 0, 0)", "refused"),
    "make one by a newer call": ("call(clone3, 0, 0)", "refused"),
    "enter a namespace": ("call(setns, 0, 0)", "refused"),
    "mount": ("call(mount, b'none', b'/tmp', b'tmpfs', 0, 0)", "refused"),
    "read the keys": ("call(keyctl, 0, -3, 0)", "refused"),
    "load a program into the kernel": ("call(bpf, 0, 0, 0)", "refused"),
    "use io_uring": ("call(io_uring_setup, 1, 0)", "refused"),
    "type into the terminal": ("import fcntl; fcntl.ioctl(0, 0x5412, b'x')", "refused"),
    "become root": ("os.setuid(0)", "refused"),
    "raise a limit": (
        "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))",
        "refused",
    ),
    "import torch": ("import torch", "refused"),
    "import autograd": ("import autograd", "refused"),
    "import the grader": ("import tito.grading", "refused"),
    "import the reference": ("import tinytorch.core.numbers", "refused"),
    "take more memory than a process may": (
        "try:\n    bytearray(8 * 2**30)\nexcept MemoryError:\n    result = []",
        "nothing",
    ),
    "write a file that is too large": (
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open('large', 'wb') as f:\n    f.write(bytes(11 * 2**20)); f.flush()",
        "refused",
    ),
    "fill /tmp with files": ("result = fill('/tmp')", "at most 16 MiB"),
    "fill the working folder": ("result = fill('.')", "at most 16 MiB"),
    "fill shared memory": ("result = fill('/dev/shm')", "at most 4 MiB"),
}
NOT_LANDLOCKS = ("fill /tmp", "fill the working folder")  # it knows no sizes of folders

BEFORE = """
import ctypes, json, os, platform, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == "aarch64"
ptrace, process_vm_readv, unshare, clone, clone3, setns, mount, keyctl, bpf, io_uring_setup = (
    (117, 270, 97, 220, 435, 268, 40, 219, 280, 425) if arm else
    (101, 310, 272, 56, 435, 308, 165, 250, 321, 425))

def call(number, *arguments):
    result = libc.syscall(number, *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if result == 0 and number == clone:
        os._exit(0)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def fill(folder):
    written = 0
    try:
        for n in range(64):
            with open(f"{folder}/filling-{n}", "wb") as file:
                written += file.write(bytes(2**20))
    except OSError:
        pass
    finally:
        for n in range(64):
            if os.path.exists(f"{folder}/filling-{n}"):
                os.remove(f"{folder}/filling-{n}")
    return written

def attack(program, place):
    names = globals() | {"place": place, "result": "it was done"}
    try:
        exec(program, names)
    except BaseException as error:
        return ["raised", type(error).__name__, str(error)]
    return ["gave", names["result"], ""]

def attack_all(programs, place):
    return {name: attack(program, place) for name, program in programs.items()}
"""
PROGRAMS = {name: program for name, (program, _) in ATTACKS.items()}
WAYS = [
    f"{backend} {view}"
    for backend in ("bubblewrap", "landlock")
    for view in ("observer", "notebook", "kernel")
]


def skip_unless(backend: str) -> None:
    trouble = choice.trouble_with(backend) if backend else ""
    if trouble:
        pytest.skip(trouble)


def run(
    program: str,
    folder: Path,
    backend="bubblewrap",
    view="observer",
    policy=SMALL,
    wait=60,
    library=None,
):
    """Run a program in a sandbox; gives what it printed, and its process."""
    skip_unless(backend)
    script = Path(tempfile.mkdtemp(dir=folder.parent)) / "program.py"
    script.write_text(program)
    policy = replace(policy, backend=backend, enabled=bool(backend))
    process = sandbox.start_python(script, folder, view, policy, library=library)
    try:
        return process.communicate(timeout=wait)[0].decode(), process
    finally:
        sandbox.kill(process)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A private folder, as grading makes one."""
    core = tmp_path / "private" / "tinytorch" / "core"
    core.mkdir(parents=True)
    (core.parent / "__init__.py").touch()
    (core / "__init__.py").touch()
    (tmp_path / "private" / "data.csv").write_text("1,2\n")
    return tmp_path / "private"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What there is to attack on this machine."""
    root = tmp_path_factory.mktemp("victims")
    home = Path(tempfile.mkdtemp(prefix=".attacked-", dir=Path.home()))
    for name in ("gradebook.db", "submission", "source/numbers_dev.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(MARK)
    (home / "secret").write_text(MARK)
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    os.environ["SECRET_TOKEN"] = MARK
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        tempfile.TemporaryDirectory(dir="/tmp") as short,
        socket.socket(socket.AF_UNIX) as local,
    ):
        local.bind(f"{short}/s")
        local.listen()
        yield {
            "gradebook": str(root / "gradebook.db"),
            "source": str(root / "source"),
            "submission": str(root / "submission"),
            "home": str(home / "secret"),
            "checkout": str(ROOT / "tinytorch" / "core" / "tensor.py"),
            "victim": victim.pid,
            "grader": os.getpid(),
            "port": server.getsockname()[1],
            "socket": f"{short}/s",
        }
    assert victim.poll() is None
    victim.kill()
    victim.wait()
    shutil.rmtree(home)
    del os.environ["SECRET_TOKEN"]
    assert [p.read_text() for p in (root / "gradebook.db", root / "submission")] == [MARK, MARK]
    assert [p.name for p in (root / "source").iterdir()] == ["numbers_dev.py"]


async def in_a_kernel(code: str, folder: Path, policy: Policy) -> tuple[str, Path]:
    """Run code in a sandboxed Jupyter kernel; gives what it printed, and where its sockets were."""
    from tito.sandbox.provisioner import SandboxedKernelManager

    sandbox.use(policy)
    printed = []
    manager = SandboxedKernelManager(kernel_name="python3")
    try:
        await manager.start_kernel(cwd=str(folder))
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        await client.execute_interactive(code, timeout=60, output_hook=printed.append)
        client.stop_channels()
    finally:
        await manager.shutdown_kernel(now=True)
        sandbox.use(Policy())
    contents = [m["content"] for m in printed if m["msg_type"] != "execute_input"]
    return "".join(c.get("text", str(c)) for c in contents), manager.provisioner.sockets


@functools.cache
def outcomes(way: str, place: str, folder: Path) -> dict:
    """What became of all attacks in one process."""
    backend, view = way.split()
    code = f"{BEFORE}\nprint('>>>' + json.dumps(attack_all({PROGRAMS!r}, {json.loads(place)!r})) + '<<<')"
    if view == "kernel":
        text, sockets = asyncio.run(in_a_kernel(code, folder, replace(SMALL, backend=backend)))
        assert not sockets.exists()
    else:
        text, _ = run(code, folder, backend, view)
    assert ">>>" in text, text
    return json.loads(text.split(">>>")[1].split("<<<")[0])


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("attacks") / "private"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_attacks_come_to_nothing(way, place, shared_folder):
    backend = way.split()[0]
    skip_unless(backend)
    found = outcomes(way, json.dumps(place), shared_folder)
    wrong = {}
    for name, (_, expected) in ATTACKS.items():
        if backend == "landlock" and name.startswith(NOT_LANDLOCKS):
            continue
        kind, result, message = found[name]
        if expected == "refused":
            fine = kind == "raised" and result in REFUSED
        elif expected == "nothing":
            fine = (kind, bool(result)) == ("gave", False) or (
                kind == "raised" and result in REFUSED
            )
        else:
            fine = kind == "gave" and result <= int(expected.split()[2]) * MiB
        if not fine:
            wrong[name] = (kind, result, message)
    assert not wrong
    assert list(shared_folder.iterdir()) == []


POSSIBLE = (
    "read the gradebook",
    "list the sources",
    "read another submission",
    "read the home folder",
    "read the checkout",
    "see other processes",
    "connect to loopback",
    "connect to a socket of the user",
)


def test_the_same_attacks_succeed_without_a_sandbox(place, shared_folder):
    programs = {name: PROGRAMS[name] for name in POSSIBLE}
    code = f"{BEFORE}\nprint(json.dumps(attack_all({programs!r}, {place!r})))"
    with sandbox.trusted():
        text, _ = run(code, shared_folder)
    assert {name for name, (kind, *_) in json.loads(text).items() if kind == "gave"} == set(
        programs
    )


def test_the_limit_on_processes_stops_a_fork_bomb(folder):
    bomb = (
        "import os, time\nmade = 0\ntry:\n    while made < 500:\n"
        "        if os.fork() == 0:\n            time.sleep(20); os._exit(0)\n        made += 1\n"
        "except BlockingIOError:\n    pass\nprint(made, flush=True)\nos.kill(0, 9)"
    )
    for backend in ("bubblewrap", "landlock"):
        text, _ = run(bomb, folder, backend)
        assert 10 < int(text) < SMALL.processes


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_eight_processes_of_300_MB_are_ended(folder, backend):
    bomb = (
        "import os, time\nprint('begin', flush=True)\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        x = bytearray(os.urandom(4096) * (300 * 256)); time.sleep(30); os._exit(0)\n"
        "time.sleep(30)\nprint('end')"
    )
    begin = time.monotonic()
    text, process = run(bomb, folder, backend, wait=25)
    assert text == "begin\n"
    assert process.stopped_because == "its processes used more than 600 MiB"
    assert time.monotonic() - begin < 25


@pytest.mark.parametrize("place", [".", "/tmp", "/dev/shm"])
def test_a_hundred_thousand_empty_files_end_it(folder, place):
    bomb = (
        "import os, time\nif os.fork() == 0:\n    os._exit(0)\n"  # it stays as a zombie
        f"print('begin', flush=True)\nfor n in range(150_000):\n    open(f'{place}/{{n}}', 'w').close()\n"
        "time.sleep(20)\nprint('end')"
    )
    text, process = run(bomb, folder, wait=60)
    assert (text, process.stopped_because) == ("begin\n", "it made more than 100000 files")


def test_memory_that_processes_share_is_counted_once(folder):
    program = (
        "import os, time\nx = bytearray(os.urandom(4096) * (250 * 256))\nfor _ in range(4):\n"
        "    if os.fork() == 0:\n        time.sleep(2); os._exit(0)\ntime.sleep(1)\nprint('end')"
    )
    text, process = run(program, folder)
    assert text == "end\n" and process.stopped_because == ""


def test_the_name_that_a_process_gives_itself_does_not_blind_the_watchdog(folder):
    program = (
        "import ctypes, os, time\nname = ctypes.c_char_p(b'\\xff\\x0bRssAnon: x')\n"
        "ctypes.CDLL(None).prctl(15, name, 0, 0, 0)\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        x = bytearray(os.urandom(4096) * (300 * 256)); time.sleep(30); os._exit(0)\n"
        "print('begin', flush=True)\ntime.sleep(30)\nprint('end')"
    )
    text, process = run(program, folder, wait=25)
    assert text == "begin\n"
    assert process.stopped_because == "its processes used more than 600 MiB"


def test_the_limit_on_cpu_time_ends_an_endless_loop(folder):
    for backend in ("bubblewrap", "landlock"):
        text, process = run(
            "while True: pass", folder, backend, policy=replace(SMALL, cpu_seconds=1)
        )
        assert text == "" and process.returncode != 0


def processes_with(token: str) -> list[int]:
    """The processes of this machine that have a word in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if token.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def gone(token: str) -> bool:
    """Whether the processes with a word in their command end soon."""
    deadline = time.monotonic() + 10
    while processes_with(token) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_with(token)


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(300)", "TOKEN"])
    os._exit(0)
time.sleep(0.5)
print("left", flush=True)
"""


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_a_daemon_does_not_outlive_its_sandbox(folder, backend):
    if backend == "landlock" and os.geteuid() != 0:
        pytest.skip("Landlock cannot end daemons of the grader's own account")
    token = f"daemon-{time.monotonic_ns()}"
    text, _ = run(DAEMON.replace("TOKEN", token), folder, backend)
    assert text == "left\n"
    assert gone(token)


def test_nothing_outlives_a_grader_that_is_killed(folder):
    skip_unless("bubblewrap")
    token = f"orphan-{time.monotonic_ns()}"
    script = folder.parent / "daemon.py"
    script.write_text(DAEMON.replace("TOKEN", token) + "time.sleep(300)\n")
    grader = (
        "import sys, time; from pathlib import Path; from tito import sandbox\n"
        "p = sandbox.start_python(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(p.stdout.readline().decode(), flush=True); time.sleep(300)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", grader, script, folder], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout.readline() == b"left\n"
    assert processes_with(token)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert gone(token)


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock", ""])
def test_a_process_has_its_own_copy_of_the_library_that_others_share(folder, backend):
    """Beside what its folder holds."""
    library = folder.parent / "library"
    (library / "tinytorch" / "core").mkdir(parents=True)
    shared = library / "tinytorch" / "core" / "tensor.py"
    shared.write_text("size = 1")
    program = (
        "import os, sys\nsys.path.insert(0, os.getcwd())\nimport tinytorch.core.tensor as t\n"
        "print(t.size, open('data.csv').read())\n"
        "open(t.__file__, 'w').write('size = 2')\nprint(open(t.__file__).read())\n"
    )
    text, _ = run(program, folder, backend, library=library)
    assert text.split() == ["1", "1,2", "size", "=", "2"]
    assert shared.read_text() == "size = 1"


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_what_one_process_writes_is_not_there_for_the_next(folder, backend):
    write = (
        "import os\nfor place in ('.', os.environ['HOME'], os.environ['TMPDIR']):\n"
        "    open(place + '/left', 'w').write('x')\n"
        "open('data.csv', 'w').write('changed')\n"
        "os.makedirs(os.environ['IPYTHONDIR'] + '/profile_default/startup')\nprint('written')"
    )
    look = (
        "import os\nprint([os.path.exists(p + '/left') for p in"
        " ('.', os.environ['HOME'], os.environ['TMPDIR'])], os.path.exists(os.environ['IPYTHONDIR']),"
        " open('data.csv').read())"
    )
    assert run(write, folder, backend)[0] == "written\n"
    assert run(look, folder, backend)[0] == "[False, False, False] False 1,2\n\n"
    assert sorted(p.name for p in folder.iterdir()) == ["data.csv", "tinytorch"]


# Reads every file that can be read, and says in which of them a mark is found, and which folders
# are called like the library.
SEARCH = """
import os
found, files = [], 0
for top, folders, names in os.walk("/"):
    if top in ("/proc", "/sys", "/dev"):
        folders.clear()
        continue
    if any(f"/{name}" in top for name in ("tinytorch", "torch", "grading")) and (
            not top.startswith((os.environ["HOME"], "/opt/course/folder"))):
        found += [f"{top}/{name}" for name in names if name not in STAND_IN]
    for name in names:
        try:
            with open(os.path.join(top, name), "rb") as file:
                files += 1
                if MARK in file.read(20_000_000):
                    found.append(os.path.join(top, name))
        except OSError:
            pass
print(found, files)
"""


def search_for(mark: str) -> str:
    """A program that searches for a text, and does not hold it itself."""
    absent = ROOT / "tito" / "sandbox" / "absent"  # it may have been compiled
    names = {"__init__.py", *(path.name for path in absent.glob("__pycache__/*"))}
    search = SEARCH.replace("STAND_IN", repr(sorted(names)))
    return search.replace("MARK", f"bytes.fromhex({mark.encode().hex()!r})")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installation of the project, of torch and of something harmless that this process has."""
    site = tmp_path / "lib" / "site-packages"
    for name in ("tinytorch/core/numbers", "tito/grading/pack", "torch/__init__", "harmless"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / f"{name}.py").write_text(f"mark = {MARK!r}\n" if name != "harmless" else "")
    for name in ("tinytorch.pth", "_tinytorch_course.pth", "__editable__.tinytorch_course-0.1.pth"):
        (site / name).write_text(f"{ROOT}\n# {MARK}\n")
    (site / "tinytorch_course-0.1.dist-info").mkdir()
    (site / "tinytorch_course-0.1.dist-info" / "RECORD").write_text(f"{MARK}\n")
    (site / "__editable___tinytorch_course_0_1_finder.py").write_text(f"# {MARK}\n")
    monkeypatch.syspath_prepend(str(site))
    # The view of a sandbox is looked up once for each list of hidden packages.
    return replace(SMALL, hidden_packages=(*SMALL.hidden_packages, tmp_path.name))


@pytest.mark.parametrize("view", ["observer", "notebook"])
def test_the_reference_is_nowhere_on_the_disk_that_is_seen(folder, installed, view):
    text, _ = run(search_for(MARK), folder, view=view, policy=installed)
    found, files = text.rsplit(" ", 1)
    assert found.endswith("[]"), found
    assert int(files) > 500
    names = "tinytorch.core.numbers", "tito.judge.pack", "torch", "harmless"
    program = (
        f"for name in {names}:\n    try:\n        print(bool(__import__(name)))\n"
        "    except ImportError:\n        print(False)"
    )
    seen = run(program, folder, view=view, policy=installed)[0].split()
    assert seen == ["False", "False", "False", str(view == "notebook")]


def test_a_notebook_imports_its_own_modules_before_an_installed_library(folder, installed):
    (folder / "tinytorch" / "core" / "numbers.py").write_text("mine = 1\n")
    code = "from tinytorch.core.numbers import mine; print(mine)"
    assert run(code, folder, view="notebook", policy=installed)[0] == "1\n"
    text, _ = asyncio.run(in_a_kernel(code, folder, installed))
    assert "1\n" in text, text
    with sandbox.trusted():
        assert run(code, folder, view="notebook", policy=installed)[0] == "1\n"
        text, _ = asyncio.run(in_a_kernel(code, folder, installed))
        assert "1\n" in text, text


def test_the_text_of_the_checkout_is_nowhere_on_the_disk_that_is_seen(folder):
    lines = (ROOT / "tinytorch" / "core" / "autograd.py").read_text().splitlines()
    text, _ = run(search_for(max(lines, key=len)), folder, view="notebook")
    assert text.startswith("[] ")


def test_an_observer_sees_numpy_and_nothing_else(folder):
    program = (
        "import os, sys, numpy\nplace = os.path.dirname(os.path.dirname(numpy.__file__))\n"
        "print(sorted(os.listdir(place)), 'matplotlib' in sys.modules)\n"
        "try:\n    import pytest, IPython\nexcept ImportError:\n    print('no more')"
    )
    text, _ = run(program, folder)
    assert text in ("['numpy', 'numpy.libs'] False\nno more\n", "['numpy'] False\nno more\n")


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_a_notebook_has_plots_and_checks(folder, backend):
    skip_unless(backend)
    code = (
        "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()\n"
        "from tito.checks import check; check(1 + 1, 2)\nprint(open('data.csv').read())"
    )
    text, _ = asyncio.run(in_a_kernel(code, folder, Policy(backend=backend)))
    assert "image/png" in text and "✓ 1 + 1 is 2" in text and "1,2" in text


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
def test_the_checks_of_a_notebook_are_compiled(folder, backend):
    program = (
        "import os, tito.checks.block as checks\n"
        "compiled = open(checks.__cached__, 'rb').read(12)\n"
        "print(int.from_bytes(compiled[8:], 'little') - int(os.stat(checks.__file__).st_mtime))"
    )
    assert run(program, folder, backend, "notebook")[0] == "0\n"


@pytest.mark.parametrize("backend", ["bubblewrap", "landlock"])
@pytest.mark.parametrize("view", ["observer", "notebook"])
def test_what_is_imported_late_is_found(folder, backend, view):
    program = "import importlib, numpy\nimportlib.invalidate_caches()\nimport secrets, numpy.random"
    assert run(f"{program}\nprint('found')", folder, backend, view)[0] == "found\n"


def test_a_class_is_graded_under_landlock(numbers, monkeypatch):
    from tito.author.grade import grade
    from tito.course_settings import configuration

    skip_unless("landlock")
    monkeypatch.setitem(configuration(numbers.root)["Sandbox"], "backend", "landlock")
    hand_in(numbers, "ada", reference(numbers))
    (result,) = grade(numbers)
    assert (result.score, result.state, result.notes) == (7, "graded", [])


@pytest.mark.parametrize("trick", ["", "; os.remove(name)"])
def test_a_kernel_that_writes_files_beside_its_sockets_is_ended(folder, trick):
    code = (
        "import glob, os, time\nname = glob.glob('/tmp/tito-k-*')[0] + '/file'\n"
        f"f = open(name, 'w'); f.write('x'); f.flush(){trick}\ntime.sleep(20); print('the end')"
    )
    skip_unless("bubblewrap")
    assert asyncio.run(end_of_a_kernel(code, folder)) == "it wrote files beside its sockets"


async def end_of_a_kernel(code: str, folder: Path) -> str:
    """Why a kernel was ended while it ran code."""
    from tito.sandbox.provisioner import SandboxedKernelManager

    manager = SandboxedKernelManager(kernel_name="python3")
    await manager.start_kernel(cwd=str(folder))
    process = manager.provisioner.process
    try:
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        client.execute(code)
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        client.stop_channels()
    finally:
        await manager.shutdown_kernel(now=True)
    return process.stopped_because


def test_grading_runs_the_notebook_in_the_sandbox(numbers):
    from tito.author.grade import grade

    spy = (
        "#| export\nimport os\ndef double(x):\n    return np.multiply(x, 2)\n"
        "print('seen:', os.path.exists(ROOT), os.getcwd() == os.environ['HOME'], os.getppid())\n"
    ).replace("ROOT", repr(str(numbers.root)))
    hand_in(numbers, "ada", changed(numbers, lambda nb: cell_of(nb, "double").update(source=spy)))
    (result,) = grade(numbers)
    assert result.score == 7, result.notes
    done = numbers.root / "autograded" / "ada" / numbers.folder / numbers.notebook
    shown = cell_of(json.loads(done.read_text()), "double")["outputs"]
    expected = "seen: False True 1" if not choice.trouble_with("bubblewrap") else "seen: "
    assert "".join(shown[0]["text"]).startswith(expected)


def test_without_a_sandbox_nothing_is_graded_unless_it_is_said(numbers, monkeypatch, capsys):
    from tito.author.grade import grade

    monkeypatch.setattr(choice, "trouble_with", lambda name: f"{name} is missing")
    choice._warn_once.cache_clear()
    hand_in(numbers, "ada", reference(numbers))
    with pytest.raises(TitoError, match=r"none works here .*bubblewrap.*--no-sandbox"):
        grade(numbers)
    assert not (numbers.root / "autograded").exists()
    (result,) = grade(numbers, sandboxed=False)
    assert result.score == 7
    assert capsys.readouterr().err.count("WITHOUT A SANDBOX") == 1
    with pytest.raises(TitoError, match="none works here"):
        grade(numbers)


def test_a_release_needs_no_sandbox(numbers, monkeypatch):
    from tito.author.release import release

    monkeypatch.setattr(choice, "trouble_with", lambda name: f"{name} is missing")
    assert release(numbers).exists()


def test_a_sandbox_that_is_not_known_is_refused(folder):
    with pytest.raises(TitoError, match="there is no sandbox 'jail'; use one of bubblewrap"):
        sandbox.choose(Policy(backend="jail"))


def test_the_settings_are_those_of_nbgrader_config(numbers):
    from tito.course import Course
    from tito.course_settings import configuration
    from tito.grading.pool import sandbox_settings

    configuration(numbers.root).Sandbox.memory = 123 * MiB
    with sandbox_settings(Course(numbers.root)):
        assert sandbox.current() == Policy(memory=123 * MiB)
    assert sandbox.current() == Policy()


def test_jupyter_finds_the_provisioner_by_its_name():
    from importlib.metadata import entry_points

    (found,) = entry_points(group="jupyter_client.kernel_provisioners", name="tinytorch-sandbox")
    assert found.load().__name__ == "SandboxProvisioner"


def test_doctor_says_which_sandbox_there_is(numbers, monkeypatch):
    from tito.author.sandbox_found import find_sandbox

    if not choice.trouble_with("bubblewrap"):
        assert find_sandbox().fine and find_sandbox().details.startswith("bubblewrap 0.")
    command = [sys.executable, "-m", "tito", "doctor"]
    for part in ("source", None):
        said = subprocess.run(command, cwd=numbers.root, capture_output=True, text=True).stdout
        assert ("sandbox for grading" in said) == (numbers.root / "source").is_dir()
        if part:
            shutil.rmtree(numbers.root / part)
    monkeypatch.setattr(choice, "trouble_with", lambda name: f"{name} is missing")
    assert not find_sandbox().fine


# No container program runs where these tests were written: this holds the command line alone.
def test_a_container_gets_no_network_and_no_rights(folder):
    script = folder.parent / "observer.py"
    line = container.command(sandbox.Program(str(script), folder), SMALL, "tito-1")
    text = " ".join(line)
    for option in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--user 65534:65534",
        "--rm",
        "--security-opt no-new-privileges",
        "--pids-limit 48",
        f"--memory {600 * MiB}",
        f"--volume {folder}:{folder}:ro",
        f"--volume {script}:/opt/course/program.py:ro",
    ):
        assert f" {option} " in text, option
    assert text.count("--volume") == 3 and "SECRET" not in text
    order = json.loads(line[-1])
    assert order["program"] == "/opt/course/program.py" and order["original"] == str(folder)


def test_a_kernel_in_a_container_is_refused(folder):
    with pytest.raises(TitoError, match="cannot hold a Jupyter kernel"):
        container.start(sandbox.Program("ipykernel_launcher", folder, shared=folder), SMALL)


def decide(machine: str, network: str, architecture: int, number: int, *arguments: int) -> int:
    """What the filter answers to a call: an interpreter of the few instructions it has."""
    data = struct.pack(
        "=II Q 6Q", number, architecture, 0, *(*arguments, *[0] * (6 - len(arguments)))
    )
    code = list(struct.iter_unpack("=HBBI", seccomp.filter_program(machine, network)))
    place, a = 0, 0
    while True:
        operation, then, otherwise, k = code[place]
        place += 1
        if operation == seccomp.RETURN:
            return k
        if operation == seccomp.LOAD:
            a = struct.unpack_from("=I", data, k)[0]
        elif operation == seccomp.AND:
            a &= k
        else:
            holds = {seccomp.EQUAL: a == k, seccomp.AT_LEAST: a >= k, seccomp.ANY_BIT: bool(a & k)}
            place += then if holds[operation] else otherwise


X86, ARM = 0xC000003E, 0xC00000B7
DECISIONS = {
    "read on x86_64": ("x86_64", "none", X86, (0,), True),
    "read on aarch64": ("aarch64", "none", ARM, (63,), True),
    "ptrace on x86_64": ("x86_64", "own", X86, (101,), False),
    "ptrace on aarch64": ("aarch64", "own", ARM, (117,), False),
    "a call of 32-bit programs": ("x86_64", "none", 0x40000003, (0,), False),
    "a call of x32 programs": ("x86_64", "none", X86, (0x40000000,), False),
    "a thread": ("x86_64", "none", X86, (56, 0x3D0F00), True),
    "a child in a new network": ("x86_64", "none", X86, (56, 0x40000011), False),
    "a local socket": ("x86_64", "none", X86, (41, 1, 1 | 0o2000000), True),
    "a local datagram socket": ("x86_64", "none", X86, (41, 1, 2), False),
    "an internet socket": ("x86_64", "none", X86, (41, 2, 1), False),
    "an internet socket of a kernel": ("x86_64", "own", X86, (41, 2, 1), True),
    "a kernel that listens": ("aarch64", "listen", ARM, (198, 2, 1), True),
    "a kernel that sends datagrams": ("aarch64", "listen", ARM, (198, 2, 2), False),
    "a kernel that connects": ("aarch64", "listen", ARM, (203,), False),
    "a connection by sending": ("x86_64", "listen", X86, (44, 0, 0, 0, 0x20000000), False),
    "an answer to a client": ("x86_64", "listen", X86, (44, 0, 0, 0, 0x4000), True),
    "a window's size": ("x86_64", "none", X86, (16, 0, 0x5413), True),
    "typing into a terminal": ("x86_64", "none", X86, (16, 0, 0x5412), False),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_the_filter_decides(case):
    machine, network, architecture, call, allowed = DECISIONS[case]
    answer = decide(machine, network, architecture, *call)
    assert (answer == seccomp.ALLOW) == allowed
    assert allowed or answer == seccomp.REFUSE


def test_there_is_no_filter_for_a_processor_whose_calls_are_not_known():
    assert seccomp.filter_program("riscv64") == b""
