#!/usr/bin/env python3
"""The `tito` command for a fresh copy of the course: `python bin/tito.py ...` is `tito ...`.

It needs nothing but Python. Where that has the project and its course tools, it uses them. Else it
makes the folder .venv at the root of the copy, installs the locked packages into it (with uv where
there is one, else with pip), and goes on inside. The project is linked: no build tool is fetched.

The file .venv/tinytorch.lock names what has been installed, so a newer lock is installed at the
next call. It is empty while an installation runs: an interrupted one is never taken for complete.

This file keeps to a grammar that every Python since 2.7 can read, so that an old one can say so.
"""

import os
import sys

REQUIRED = (3, 11)
HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
VENV = os.path.join(ROOT, ".venv")
DISCARDED = os.path.join(ROOT, ".venv.discarded")
STAMP = os.path.join(VENV, "tinytorch.lock")
LOG = os.path.join(VENV, "install.log")
PROGRAMS = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(PROGRAMS, "python.exe" if os.name == "nt" else "python")

# What `import` must find for each level of tools; the levels of pyproject.toml and of locks/.
COURSE = (
    "click ipykernel jinja2 jupyter_client jupyterlab jupytext latex2mathml markupsafe matplotlib "
    "nbclient nbconvert nbformat nbgrader nh3 numpy pygments rich traitlets tzdata yaml"
).split()
TESTS = "axe_core_python hatchling hypothesis mypy playwright psutil pytest ruff xdist".split()
TESTS += "furo jupyterlite_core jupyterlite_pyodide_kernel myst_nb numpydoc sphinx".split()
MODULES = {"course": COURSE, "dev": COURSE + TESTS}

METADATA = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
INSTALLER = "bin/tito.py\n"
AGAIN = "call again"
NETWORK = "ConnectionError,Max retries,timed out,ProxyError,SSLError,Could not fetch URL".split(",")


class Problem(Exception):
    """What went wrong and what to do, in one sentence."""


def main():
    if sys.version_info < REQUIRED:
        stop(
            "TinyTorch needs Python %d.%d or newer, but this is Python %d.%d (%s); install a newer "
            "one and run bin/tito.py with it"
            % (REQUIRED + sys.version_info[:2] + (sys.executable,)),
            exit_code=2,
        )
    # The folder of this file is on the path, and would be found as `tito` before the package.
    sys.path[:] = [p for p in sys.path if os.path.realpath(p) != HERE]
    os.environ["TITO_PROGRAM"] = "python bin/tito.py"  # how messages name the command
    command = ([a for a in sys.argv[1:] if not a.startswith("-")] + [""])[0]
    has_tests = os.path.isdir(os.path.join(ROOT, "tests"))
    try:
        command_line = prepared("dev" if command == "selftest" and has_tests else "course")
    except Problem as problem:
        stop(str(problem))
    except OSError as error:
        stop(sentence_about(error))
    except KeyboardInterrupt:
        stop("the installation was interrupted; the next call starts it again", exit_code=130)
    go_on(command_line)


def prepared(level):
    """The command line that runs tito with the tools of a level; installs them if need be."""
    inside = os.path.realpath(sys.prefix) == os.path.realpath(VENV)
    tito = [sys.executable if inside else PYTHON, "-P", "-m", "tito"]
    if not inside and has_tools(level):
        return [sys.executable] + tito[1:]
    if is_ready(level):
        return tito
    if os.path.lexists(VENV) and not os.path.exists(STAMP):
        return of_somebody_else(level, inside, tito)
    lock = only_one_at_a_time()
    try:
        if not is_ready(level):
            install(level, lock)
    finally:
        if lock is not None:
            os.close(lock)
    return tito


def has_tools(level):
    """Whether the running Python has this copy of the project and what a level needs."""
    from importlib.util import find_spec

    tito = find_spec("tito")
    if tito is None or tito.origin is None:
        return False
    is_this_copy = os.path.realpath(tito.origin).startswith(os.path.join(ROOT, "tito", ""))
    return is_this_copy and all(find_spec(module) for module in MODULES[level])


def is_ready(level):
    """Whether .venv holds what the lock of a level (or of one above it) names."""
    stamps = [wanted_stamp("dev")] + [wanted_stamp("course")] * (level == "course")
    return os.path.exists(PYTHON) and read(STAMP) in stamps


def wanted_stamp(level):
    """What the stamp says after an installation: which level, for which folder, which packages."""
    return "%s for %s\n%s" % (level, ROOT, read(lock_of(level)))


def lock_of(level):
    return os.path.join(ROOT, "locks", level + ".txt")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def of_somebody_else(level, inside, tito):
    """Use a .venv that we have not made if it has all that is needed; never change it."""
    if inside and has_tools(level):
        return tito
    if not inside and os.path.exists(PYTHON):
        return [PYTHON, os.path.abspath(__file__)]
    raise Problem(
        "%s is in the way: it was not made by this command and lacks the course tools; rename or "
        "remove it and call again" % VENV
    )


def only_one_at_a_time():
    """Wait until no other call installs here; gives a lock, or None where there are no locks.

    The folder itself is locked: that leaves no file behind, and a lock ends with its process and
    the installers that it started.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    lock = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another call is installing here; waiting for it to finish")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:  # some network file systems know no locks
        pass
    return lock


def install(level, lock):
    """Make .venv complete, or bring it up to date."""
    before = read(STAMP)
    is_update = os.path.exists(PYTHON) and before.split("\n")[0].endswith(" for " + ROOT)
    if is_update and before.startswith("dev"):
        level = "dev"
    if not os.path.exists(lock_of(level)):
        raise Problem("%s is missing; get a complete copy of the course" % lock_of(level))
    uv = working_uv()
    if uv is None:
        require_ensurepip()
    if os.path.exists(STAMP) and not before:
        say("an earlier installation was interrupted; starting again")
    what = "bringing .venv up to date" if is_update else "installing TinyTorch's tools into .venv"
    say("%s, once; this takes a minute or two" % what)
    if not is_update:
        discard()
        os.mkdir(VENV)
    open(STAMP, "wb").close()
    try:
        if not is_update:
            say("1 of 3: a virtual environment")
            make_environment(lock)
        say("2 of 3: the packages of locks/%s.txt, with %s" % (level, "uv" if uv else "pip"))
        install_packages(lock_of(level), uv, lock)
        say("3 of 3: TinyTorch itself")
        link_project()
        replace(STAMP, wanted_stamp(level))
    except BaseException:
        if not is_update:
            discard()
        raise
    say("done")


def discard():
    """Remove .venv; it is renamed first, so that half of it can never be taken for a whole."""
    from shutil import rmtree

    rmtree(DISCARDED, ignore_errors=True)
    if os.path.lexists(VENV):
        os.rename(VENV, DISCARDED)
        rmtree(DISCARDED, ignore_errors=True)


def working_uv():
    """The path of a uv that runs (a version manager may offer one that does not), or None."""
    import subprocess
    from shutil import which

    uv = which("uv")
    if uv is None:
        return None
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, check=False)
    except OSError:
        return None
    refuse_interrupted(answer.returncode)
    return uv if answer.returncode == 0 else None


def require_ensurepip():
    from importlib.util import find_spec

    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise Problem(
            "%s cannot make virtual environments, because its module ensurepip is missing; install "
            "it (on Debian and Ubuntu: apt install python3-venv) or uv, and call again"
            % sys.executable
        )


def make_environment(lock):
    # Inside .venv, sys.executable is in the folder that is being replaced.
    python = getattr(sys, "_base_executable", None) or sys.executable
    if run([python, "-m", "venv", "--without-pip", VENV], lock) != 0:
        raise Problem(cause("%s could not make a virtual environment" % python))


def install_packages(packages, uv, lock):
    """Install a lock with uv, and if there is none or it fails, with pip.

    A lock is complete, hence --no-deps; what pip installed is compiled afterwards, on all cores.
    """
    what = ["install", "--no-deps"]
    if uv:
        if run([uv, "pip"] + what + ["--requirement", packages, "--python", PYTHON], lock) == 0:
            return
        say("uv could not install them; trying pip")
        require_ensurepip()
    has_pip = run([PYTHON, "-c", "import pip"], lock, quiet=True) == 0
    if not has_pip and run([PYTHON, "-m", "ensurepip", "--default-pip"], lock, quiet=True) != 0:
        raise Problem(cause("pip could not be put into .venv"))
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"] + what + ["--no-compile"]
    commands = [pip + ["--requirement", half] for half in halves(packages)]
    telling = [command + ["--log", LOG] for command in commands]  # once more, to learn the reason
    if any(run_together(commands, lock)) and any(run_together(telling, lock)):
        raise Problem(cause("the packages could not be installed"))
    tests = r"[/\\]tests[/\\]"
    compiling = [PYTHON, "-m", "compileall", "-qj0", "-x", tests, os.path.join(VENV, "lib")]
    run(compiling, lock, quiet=True)


def halves(packages):
    """A lock as two files: pip takes one package after another, so two pips take half the time."""
    from re import split

    entries = split(r"\n(?=\S)", read(packages))
    for number in range(2):
        path = os.path.join(VENV, "half-%d.txt" % number)
        replace(path, "\n".join(entries[number::2]) + "\n")
        yield path


def run(command, lock, quiet=False):
    """Run an installer; its output goes to the terminal if there is one, else to a log file."""
    return run_together([command], lock, quiet or not sys.stderr.isatty())[0]


def run_together(commands, lock, quiet=True):
    """Run installers side by side, with their output in the log file if quiet; the exit codes."""
    import subprocess

    options = {} if lock is None else {"pass_fds": (lock,)}
    with open(LOG, "ab") as log:
        if quiet:
            options.update(stdout=log, stderr=subprocess.STDOUT)
        codes = [p.wait() for p in [subprocess.Popen(c, **options) for c in commands]]
    for code in codes:
        refuse_interrupted(code)
    return codes


def refuse_interrupted(code):
    """Ctrl-C goes to the installer as well, which may end before this process hears of it."""
    if code in (-2, 130):  # a program that SIGINT has ended, and what a shell makes of that
        raise KeyboardInterrupt


def cause(what):
    """Why an installer failed, as far as the disk and its log tell, and what to do."""
    from shutil import disk_usage

    log = read(LOG)
    if "No space left on device" in log or disk_usage(ROOT).free < 5e7:
        return "%s, because the disk is full; free 1 GB and %s" % (what, AGAIN)
    if any(word in log for word in NETWORK):
        return (
            "%s, because they could not be downloaded; check the network connection (behind a "
            "proxy: HTTPS_PROXY, or the settings of pip) and %s" % (what, AGAIN)
        )
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.partition("ERROR: ")[2] for line in lines if "ERROR: " in line]
    reason = " (%s)" % (errors or lines[-1:])[0].rstrip(".") if lines else ""
    return "%s%s; fix that and %s" % (what, reason, AGAIN)


def link_project():
    """What an editable installation does, without a build tool: a path, metadata, a command."""
    import ast
    import subprocess
    import tomllib

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    name, version = project["name"], project["version"]
    where = "import sysconfig; print(ascii(sysconfig.get_path('purelib')))"
    site = ast.literal_eval(subprocess.check_output([PYTHON, "-c", where]).decode("ascii"))
    info = os.path.join(site, "%s-%s.dist-info" % (name.replace("-", "_"), version))
    unlink_project(site)
    os.makedirs(info)
    if os.name == "nt":
        command, script = "tito.cmd", '@"%~dp0python.exe" -P -m tito %*\r\n'
    else:
        command, script = "tito", '#!/bin/sh\nexec "$(dirname "$0")/python" -P -m tito "$@"\n'
    files = {
        # A relative path is plain ASCII, whatever the name of the folder.
        os.path.join(site, "tinytorch.pth"): os.path.relpath(ROOT, site) + "\n",
        os.path.join(info, "METADATA"): METADATA % (name, version),
        os.path.join(info, "WHEEL"): WHEEL,
        os.path.join(info, "INSTALLER"): INSTALLER,
        os.path.join(info, "entry_points.txt"): "\n".join(entry_points(project)) + "\n",
        os.path.join(PROGRAMS, command): script,
    }
    record = os.path.join(info, "RECORD")
    files[record] = "".join(
        "%s,,\n" % os.path.relpath(path, site).replace(os.sep, "/")
        for path in list(files) + [record]
    )
    for path, text in files.items():
        replace(path, text)
    os.chmod(os.path.join(PROGRAMS, command), 0o755)


def unlink_project(site):
    """Remove the metadata of an earlier link, which may be of another version or name."""
    from shutil import rmtree

    for entry in os.listdir(site):
        info = os.path.join(site, entry)
        if entry.endswith(".dist-info") and read(os.path.join(info, "INSTALLER")) == INSTALLER:
            rmtree(info)


def entry_points(project):
    """The lines by which other programs find parts of the project."""
    for group, names in project.get("entry-points", {}).items():
        yield "[%s]" % group
        for name, place in names.items():
            yield "%s = %s" % (name, place)


def replace(path, text):
    """Write a file so that there is never half of it."""
    with open(path + ".new", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(path + ".new", path)


def go_on(command_line):
    """Become tito, in this process where this Python is the one to use."""
    import sysconfig

    here = command_line[0] == sys.executable
    programs = sysconfig.get_path("scripts") if here else PROGRAMS
    # nbgrader starts alembic by its name, Jupyter its kernels.
    os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", "")
    if here:
        import runpy

        runpy.run_module("tito", run_name="__main__", alter_sys=True)
    elif os.name == "nt":  # exec would return to the prompt before tito has finished
        import signal
        import subprocess

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(subprocess.call(command_line + sys.argv[1:]))
    else:
        os.execv(command_line[0], command_line + sys.argv[1:])


def sentence_about(error):
    """What the operating system refused, and what to do."""
    import errno

    remedies = {
        errno.ENOSPC: "free 1 GB on the disk",
        errno.EDQUOT: "free 1 GB of your quota",
        errno.EACCES: "move the course to a folder that you may write to",
        errno.EPERM: "move the course to a folder that you may write to",
        errno.EROFS: "move the course to a folder that can be written to",
    }
    where = " (%s)" % error.filename if error.filename else ""
    remedy = remedies.get(error.errno, "fix that")
    return "the course tools could not be installed: %s%s; %s and %s" % (
        error.strerror or error,
        where,
        remedy,
        AGAIN,
    )


def say(text):
    sys.stderr.write("tito: %s\n" % text)


def stop(text, exit_code=1):
    say(text)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
