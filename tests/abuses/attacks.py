"""Each attack by its name: what a submission does, and what becomes of it in our sandbox.

An attack stands at the end of a cell that goes into the module, below a right solution of `double`:
so it runs in the notebook and again where hidden tests are made. What it finds is `place`, a
dictionary of paths and numbers; what it achieved is what it returns, or its error. Every bomb is
bounded, so that it can also be run where nothing stops it.
"""

from __future__ import annotations

from dataclasses import dataclass

KEPT = 7.0  # all points that need no human
OF_THE_OTHER = 3.0  # those of the exercise in whose cell there is no attack


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    code : str
        The body of a function of `place`.
    ours : str
        What the page says that it came to here.
    shows : str
        A regular expression for what the notebook must show, or the report must note.
    points : float
        What its submission gets: all, unless it ends or hangs the process that loads its cell.
    trace : str
        What it would leave behind outside, of `victims.Victims.traces`.
    """

    code: str
    ours: str
    shows: str
    points: float = KEPT
    trace: str = ""


def refused(error: str) -> tuple[str, str]:
    """What is said of an attack that got an error, and the pattern that it must show."""
    return f"refused: {error}", f"^{error}"


def fails(code: str, error: str, trace: str = "") -> Attack:
    """An attack that is refused with an error."""
    return Attack(code, *refused(error), trace=trace)


NOT_THERE = "FileNotFoundError"
READ = "return 'read it' if MARK in open(place[{!r}]).read() else 'found something else'"
APPEND = "open(place[{!r}], 'a').write('# attacked\\n')\nreturn 'changed it'"
TABLE = """import sqlite3
book = sqlite3.connect(place['gradebook'], timeout=2)
book.execute('create table attacked (x)')
book.commit()
return 'wrote a table into it'"""
HIDDEN = """import glob
found = [name for name in glob.glob('**/*.ipynb', recursive=True)
         if MARK in open(name).read()]
return 'read them in ' + found[0] if found else 'no notebook is there'"""
ENVIRONMENT = """found = [name for name in os.environ if name == 'SECRET_TOKEN']
try:
    with open(f'/proc/{os.getppid()}/environ') as file:
        found += ['its parent'] * ('SECRET_TOKEN' in file.read())
except OSError:
    pass
return 'read a secret' if found else 'there is no secret'"""
START_UP = """folder = os.path.join(place['home_folder'], '.ipython/profile_default/startup')
os.makedirs(folder, exist_ok=True)
open(folder + '/00-attack.py', 'w').write('')
return 'left a file that the next notebook runs'"""
INTERPRETER = """open(os.path.join(place['packages'], 'attacked.pth'), 'w').write('')
return 'left a file that each Python runs'"""
SEND = """import socket
with socket.create_connection(('127.0.0.1', place['port']), timeout=5) as s:
    s.sendall(open('/proc/self/cmdline', 'rb').read()[:9])
return 'sent data to a server'"""
DATAGRAM = """import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'attacked', ('127.0.0.1', place['datagrams']))
return 'sent a datagram'"""
KERNEL = """from jupyter_client import BlockingKernelClient
client = BlockingKernelClient(connection_file=place['connection'])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout=20)
client.execute_interactive(f"open({place['taken']!r}, 'w').close()", timeout=20)
return 'ran code in another kernel'"""
LOCAL = """import socket
s = socket.socket(socket.AF_UNIX)
s.connect(place['socket'])
return 'connected to it'"""
FORKS = """import time
children = []
try:
    while len(children) < 400:
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        children.append(child)
except OSError:
    pass
for child in children:
    os.kill(child, 9)
return f'made {len(children)} processes'"""
MEMORY = """import time
children = []
for _ in range(4):
    children.append(os.fork())
    if children[-1] == 0:
        held = bytearray(os.urandom(4096)) * (256 * 256)
        time.sleep(4)
        os._exit(0)
for child in children:
    os.waitpid(child, 0)
return 'held 1 GiB'"""
DISK = """written = 0
try:
    for n in range(150):
        with open(f'filling-{n}', 'wb') as file:
            written += file.write(bytes(2**20))
except OSError:
    pass
return f'wrote {written >> 20} MiB'"""
SMALL_FILES = """for n in range(20_000):
    open(f'small-{n}', 'w').close()
return 'made 20000 files'"""
OUTPUT = """for _ in range(200):
    print('x' * 10**6)
return 'printed 200 MB'"""
LOOP = """import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
end = time.monotonic() + 120
while time.monotonic() < end:
    pass
return 'ran for two minutes'"""
KILL = """if len([p for p in os.listdir('/proc') if p.isdigit()]) > 60:
    return 'not tried: there are too many processes here'
try:
    os.kill(-1, 9)
finally:
    os.kill(os.getpid(), 9)"""
DAEMON = """import subprocess, sys
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)', place['daemon']],
                 start_new_session=True)
return 'left a daemon'"""
TRACE = """import ctypes, platform
number = 117 if platform.machine() == 'aarch64' else 101
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(number, 0x4206, os.getppid(), 0, 0):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
return 'traces the program that grades'"""
NAMESPACES = """import ctypes
libc = ctypes.CDLL(None, use_errno=True)
reading, writing = os.pipe()
if os.fork() == 0:  # a process with threads cannot
    failed = libc.unshare(0x10000000 | 0x40000000)
    os.write(writing, str(ctypes.get_errno() if failed else 0).encode())
    os._exit(0)
number = int(os.read(reading, 9))
if number:
    raise OSError(number, os.strerror(number))
return 'made a user and a network namespace'"""

ATTACKS = {
    "read the hidden tests": Attack(HIDDEN, "no notebook is there", "^no notebook is there"),
    "read the reference": fails(READ.format("source"), NOT_THERE),
    "read another submission": fails(READ.format("submission"), NOT_THERE),
    "read the home folder": fails(READ.format("home"), NOT_THERE),
    "read the environment": Attack(ENVIRONMENT, "there is no secret", "^there is no secret"),
    "write the gradebook": fails(TABLE, "OperationalError", trace="gradebook"),
    "write the source": fails(APPEND.format("source"), NOT_THERE, trace="source"),
    "write into the interpreter": Attack(
        INTERPRETER,
        "refused: read-only",
        "^OSError|^PermissionError",
        trace="interpreter",
    ),
    "leave a start-up file": Attack(
        START_UP,
        "refused: read-only",
        "^OSError|^PermissionError",
        trace="startup",
    ),
    "send data over the network": fails(SEND, "PermissionError", trace="server"),
    "send a datagram": fails(DATAGRAM, "PermissionError", trace="datagrams"),
    "run code in another kernel": fails(KERNEL, NOT_THERE, trace="kernel"),
    "connect to a socket of the user": fails(LOCAL, "PermissionError", trace="socket"),
    "fork bomb (400 processes)": Attack(
        FORKS, "made fewer than 128 processes", r"^made (\d\d|1[012]\d) processes"
    ),
    "memory bomb (4 processes, 1 GiB)": Attack(
        MEMORY, "ended at 600 MiB", "its processes used more than 600 MiB", OF_THE_OTHER
    ),
    "disk bomb (150 MiB)": Attack(
        DISK,
        "wrote at most 32 MiB, in memory, gone with it",
        r"^wrote ([12]?\d|3[012]) MiB",
        trace="files",
    ),
    "20,000 small files": Attack(
        SMALL_FILES, "made them in memory, gone with it", "^made 20000 files", trace="files"
    ),
    "200 MB of output": Attack(OUTPUT, "cut after a million characters", "^cut at 1 MB$"),
    "a loop that ignores SIGINT": Attack(
        LOOP, "ended after the time for a cell", "did not react to an interrupt", OF_THE_OTHER
    ),
    "`os._exit`": Attack("os._exit(0)", "ended its own Python", "its Python died", OF_THE_OTHER),
    "kill everything": Attack(
        KILL, "ended its own Python", "its Python died", OF_THE_OTHER, trace="victim"
    ),
    "a daemon": Attack(DAEMON, "ended with its sandbox", "^left a daemon", trace="daemon"),
    "trace the grader": fails(TRACE, "PermissionError"),
    "new namespaces": fails(NAMESPACES, "PermissionError"),
}

CELL = """#| export
import os


def double(x):
    return np.multiply(x, 2)


def attack(place):
{body}


try:
    outcome = attack({place!r})
except Exception as error:
    outcome = f"{{type(error).__name__}}: {{error}}"
print(">>>" + outcome + "<<<")
"""


def cell(attack: Attack, place: dict, mark: str) -> str:
    """The text of the cell.

    Parameters
    ----------
    attack : Attack
        What it does.
    place : dict
        What there is to attack.
    mark : str
        What stands in each file that must not be read; in the cell itself it does not stand.
    """
    code = attack.code.replace("MARK", f"bytes.fromhex({mark.encode().hex()!r}).decode()")
    body = "\n".join(f"    {line}" for line in code.splitlines())
    return CELL.format(body=body, place=place)
