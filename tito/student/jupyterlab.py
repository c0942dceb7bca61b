"""Starting JupyterLab."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from tito.errors import TitoError, UsageError

PATIENCE = 60  # seconds until JupyterLab must answer
FAREWELL = 20  # seconds that it has to end its kernels and itself
NOT_FOR_STUDENTS = (  # JupyterLab's news, and nbgrader's windows but for Validate
    "@jupyterlab/apputils-extension:announcements",
    *("@jupyter/nbgrader:create-assignment", "@jupyter/nbgrader:formgrader"),
    *("@jupyter/nbgrader:assignment-list", "@jupyter/nbgrader:course-list"),
    "@jupyter/nbgrader:menu",
)
HIDDEN = ("__pycache__", "*.pyc", "*.pyo", ".DS_Store", "*~")  # as by default
NOT_ON_THE_DESK = (
    *("release", "bin", "locks", "tito", "source", "autograded", "feedback", "submitted"),
    *("nbgrader_config.py", "pyproject.toml", "kit-version.txt", "gradebook.db"),
)


def free_port(wanted: int | None = None, first: int = 8888) -> int:
    """A port that nobody listens on.

    Parameters
    ----------
    wanted : int, optional
        This one; without it, the first free one from `first` on.
    first : int
        Where to begin.

    Raises
    ------
    UsageError
        If the wanted port is in use.
    """
    for port in [wanted] if wanted else range(first, 8988):
        if _is_free(port):
            return port
    raise UsageError(f"port {wanted or '8888 to 8987'} is in use; choose another with --port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # there it would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def start(
    root: Path,
    port: int | None,
    page: str,
    browser: bool,
    on_ready: Callable[[str], None],
    only_desk: bool = False,
) -> int:
    """Run JupyterLab until it ends.

    Parameters
    ----------
    root : Path
        The folder it shows.
    port : int, optional
        Where it listens.
    page : str
        What to open: a path below `root`, or nothing.
    browser : bool
        Whether to open a browser.
    on_ready : callable
        Called with the URL once it answers.
    only_desk : bool
        Whether to leave out what only instructors need: other folders than the desk's, and
        nbgrader's own windows. Nobody's settings are changed by it.

    Returns
    -------
    int
        Its exit code.

    Raises
    ------
    TitoError
        If it is not installed, or does not start.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise TitoError(
            'JupyterLab is not installed; run: pip install ".[course]" in the course folder'
        )
    token, python_path = secrets.token_hex(16), [str(root), os.environ.get("PYTHONPATH")]
    environment = os.environ | {
        "JUPYTER_TOKEN": token,
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
    }
    settings = tempfile.TemporaryDirectory(prefix="tito-jupyter-")
    if only_desk:
        _leave_out(Path(settings.name))
        paths = [settings.name, environment.get("JUPYTER_CONFIG_PATH")]
        environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    wanted, port = port, free_port(port)
    process = subprocess.Popen(_command(root, port, page, browser), cwd=root, env=environment)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that JupyterLab ends with us
    try:
        while not _answers(process, port, token):
            if wanted or _is_free(port):  # else somebody was faster to take the port
                raise TitoError(f"JupyterLab ended at once (exit code {process.returncode})")
            port = free_port(first=8889 + secrets.randbelow(90))
            process = subprocess.Popen(
                _command(root, port, page, browser), cwd=root, env=environment
            )
        on_ready(f"http://127.0.0.1:{port}{_address(page)}?token={token}")
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        end(process)
        settings.cleanup()


def end(process: subprocess.Popen) -> None:
    """Ask JupyterLab to end, and end it if it waits for ever for a thread of its own."""
    process.terminate()
    try:
        process.wait(FAREWELL)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _address(page: str) -> str:
    return f"/lab/tree/{quote(page)}" if page else "/lab"


def _leave_out(folder: Path) -> None:
    """Settings for one run: what students' JupyterLab does not show."""
    plugins = {"disabledExtensions": dict.fromkeys(NOT_FOR_STUDENTS, True)}
    (folder / "labconfig").mkdir()
    (folder / "labconfig" / "page_config.json").write_text(json.dumps(plugins), encoding="utf-8")
    server = {
        "ContentsManager": {"hide_globs": [*HIDDEN, *NOT_ON_THE_DESK]},
        "KernelManager": {"transport_encryption": "auto"},
    }
    (folder / "jupyter_server_config.json").write_text(json.dumps(server), encoding="utf-8")


def _command(root: Path, port: int, page: str = "", browser: bool = False) -> list[str]:
    """JupyterLab's command line. It opens the browser itself, by a file that only we can read:
    on a browser's command line every account of the machine could read the token.
    """
    command = [
        *(sys.executable, "-m", "jupyterlab", f"--port={port}"),
        *("--ServerApp.port_retries=0", "--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"),
        *(f"--ServerApp.root_dir={root}", f"--LabApp.default_url={_address(page)}"),
    ]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _answers(process: subprocess.Popen, port: int, token: str) -> bool:
    """Wait until this JupyterLab (and no other: it knows the token) answers; False if it ended."""
    for _ in range(PATIENCE * 10):
        if process.poll() is not None:
            return False
        try:
            urllib.request.urlopen(
                f"http://127.0.0.1:{port}/api/status?token={token}", timeout=1
            ).close()
            return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TitoError(f"JupyterLab did not answer within {PATIENCE} seconds")
