"""What there is to attack, all of it real and made for that: files, servers, processes, a kernel."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "secret_of_the_hidden_test"  # stands in the hidden tests of the small course
WAIT = "import time; time.sleep(1200)"


@dataclass
class Victims:
    """Things to attack in and around a course.

    Attributes
    ----------
    place : dict
        Where they are, for `attacks.cell`.
    account : dict
        How `subprocess` starts a process of the account that grades.
    """

    place: dict
    account: dict = field(default_factory=dict)
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)

    def traces(self, course: Path) -> set[str]:
        """What the attacks have left behind, outside."""
        files = {
            "startup": Path(
                self.place["home_folder"], ".ipython/profile_default/startup/00-attack.py"
            ),
            "interpreter": Path(self.place["packages"], "attacked.pth"),
            "kernel": Path(self.place["taken"]),
        }
        found = {name for name, path in files.items() if path.exists()} | self.reached
        found |= {name for name, process in self.processes.items() if process.poll() is not None}
        if "attacked" in self.tables():
            found.add("gradebook")
        if "# attacked" in self.text("source"):
            found.add("source")
        if any(course.rglob("small-*")) or any(course.rglob("filling-*")):
            found.add("files")
        return found | ({"daemon"} if self.daemons() else set())

    def tables(self) -> set[str]:
        """What there is in the gradebook."""
        with contextlib.closing(sqlite3.connect(self.place["gradebook"])) as book:
            return {name for (name,) in book.execute("select name from sqlite_master")}

    def text(self, name: str) -> str:
        """What stands in a file."""
        return Path(self.place[name]).read_text(encoding="utf-8")

    def daemons(self) -> list[psutil.Process]:
        """Processes that an attack has left."""
        return [
            p
            for p in psutil.process_iter(["cmdline"])
            if self.place["daemon"] in (p.info["cmdline"] or [])
        ]

    def clean(self) -> None:
        """Remove what was left in places that are not the course's."""
        for path in (Path(self.place["packages"], "attacked.pth"), Path(self.place["taken"])):
            path.unlink(missing_ok=True)
        for process in self.daemons():
            process.kill()


def _listen(server: socket.socket, name: str, victims: Victims) -> None:
    """Note that somebody has come, until the socket is closed."""
    with contextlib.suppress(OSError):
        while True:
            if server.type == socket.SOCK_DGRAM:
                server.recv(100)
            else:
                server.accept()[0].close()
            victims.reached.add(name)


def _kernel(home: Path, account: dict) -> subprocess.Popen:
    """Another kernel of the same account, as Jupyter starts it."""
    connection = home / "kernel.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "ipykernel_launcher", "-f", str(connection)],
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **account,
    )
    deadline = time.monotonic() + 60
    while not connection.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return process


@contextlib.contextmanager
def victims(course: Path, source: Path, submission: Path, home: Path, packages: str, **account):
    """Everything that an attack looks for; it is gone afterwards.

    Parameters
    ----------
    course, source, submission : Path
        The course's folder, a file with solutions, and what another student has handed in.
    home : Path
        The home folder of the account that grades, or one inside it.
    packages : str
        Where the interpreter that grades has its packages.
    **account
        For `subprocess.Popen`: as whom to start processes.
    """
    (home / "secret").write_text(MARK)
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as short,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX) as local,
    ):
        os.chmod(short, 0o777)
        datagrams.bind(("127.0.0.1", 0))
        local.bind(f"{short}/s")
        os.chmod(f"{short}/s", 0o777)
        local.listen()
        found = Victims(
            {
                "source": str(source),
                "submission": str(submission),
                "home": str(home / "secret"),
                "home_folder": str(home),
                "gradebook": str(course / "gradebook.db"),
                "packages": packages,
                "port": server.getsockname()[1],
                "datagrams": datagrams.getsockname()[1],
                "socket": f"{short}/s",
                "connection": str(home / "kernel.json"),
                "taken": f"{short}/taken",
                "daemon": f"daemon-{time.monotonic_ns()}",
            },
            account,
        )
        for name, one in (("server", server), ("datagrams", datagrams), ("socket", local)):
            threading.Thread(target=_listen, args=(one, name, found), daemon=True).start()
        found.processes["victim"] = subprocess.Popen([sys.executable, "-c", WAIT], **account)
        kernel = _kernel(home, account)
        try:
            yield found
        finally:
            found.clean()
            for process in (*found.processes.values(), kernel):
                process.send_signal(signal.SIGKILL)
                process.wait()
