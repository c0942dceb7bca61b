"""The first thing that runs inside: gives up rights, one after another, and then runs the program.

It needs the standard library only, and stays in the process that it prepares: a second interpreter
would cost more than the rest of the sandbox.
"""

import json
import os
import resource
import runpy
import sys

SITE = ("site-packages", "dist-packages")


def copy(original: str, folder: str) -> None:
    """Copy the contents of a folder; what `shutil` keeps of times and rights would double it."""
    os.makedirs(folder, exist_ok=True)
    for entry in os.scandir(original):
        target = f"{folder}/{entry.name}"
        if entry.is_dir():
            copy(entry.path, target)
        else:
            with open(entry.path, "rb") as source, open(target, "wb") as file:
                file.write(source.read())


def become(user: int, kept: str) -> None:
    """Continue as a user without rights, who owns nothing but the copied folder."""
    for folder, _, files in os.walk(kept):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, user, user, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def limit(limits: dict) -> None:
    """Lower the limits for good; one that is lower already stays."""
    for name, most in limits.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(number, (most, most))


def confine_self(wanted: dict) -> None:
    """Do without bubblewrap what a process can do to itself."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import confine

    del sys.path[0]
    if wanted["user"] is not None:
        confine.keep_capabilities()
        become(wanted["user"], wanted["folder"])
        confine.drop_capabilities()
    os.chdir(wanted["folder"])
    limit(wanted["limits"])
    confine.confine(wanted["confine"])


def run(program: str, arguments: list, path: list, only: bool) -> None:
    """Run a script or a module in this process, as if Python had been called with it."""
    if only:  # packages are found there, and in no other place
        sys.path[:] = [p for p in sys.path if os.path.basename(p) not in SITE and p not in path]
        sys.path += path
    else:
        sys.path[1:1] = path  # at the very front, a kernel would take the folder away again
    sys.argv = [program, *arguments]
    if program.endswith(".py"):
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


def main() -> None:
    wanted = json.loads(sys.argv[1])
    for original in filter(None, (wanted["library"], wanted["original"])):
        copy(original, wanted["folder"])
    if wanted["confine"]:
        confine_self(wanted)
    else:
        if wanted["user"] is not None:
            become(wanted["user"], wanted["folder"])
        os.chdir(wanted["folder"])
        limit(wanted["limits"])
    run(wanted["program"], wanted["arguments"], wanted["path"], wanted["only"])


if __name__ == "__main__":
    main()
