"""Which sandbox there is on this machine."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path

from tito.errors import TitoError
from tito.sandbox import bubblewrap, container, landlock, limits_only
from tito.sandbox.launch import kill
from tito.sandbox.policy import Policy, Program

BACKENDS = {backend.NAME: backend for backend in (bubblewrap, landlock, container)}
PROBE = Path(__file__).with_name("probe.py")


def choose(policy: Policy):
    """The module that makes sandboxes here: the first that works.

    Parameters
    ----------
    policy : Policy
        May name one, or want none.

    Returns
    -------
    module
        With a function ``start(program, policy)``.

    Raises
    ------
    TitoError
        If none works; says what to install.
    """
    if not policy.enabled:
        _warn_once()
        return limits_only
    if policy.backend and policy.backend not in BACKENDS:
        raise TitoError(f"there is no sandbox {policy.backend!r}; use one of {', '.join(BACKENDS)}")
    wanted = [policy.backend] if policy.backend else list(BACKENDS)
    troubles = [trouble_with(name) for name in wanted]
    for name, trouble in zip(wanted, troubles, strict=True):
        if not trouble:
            return BACKENDS[name]
    remedy = bubblewrap.INSTALL if sys.platform.startswith("linux") else "start Docker or Podman"
    raise TitoError(
        f"submissions are run in a sandbox, and none works here ({'; '.join(troubles)}): {remedy}, "
        "or grade on a machine that has nothing to lose with tito grade --no-sandbox"
    )


@functools.cache
def trouble_with(name: str) -> str:
    """Why a sandbox cannot be used here, found out by using it; empty if it can."""
    backend = BACKENDS[name]
    trouble = backend.trouble()
    if trouble:
        return trouble.split(";")[0]
    with tempfile.TemporaryDirectory(prefix="tito-probe-") as folder:
        process = backend.start(Program(str(PROBE), Path(folder).resolve()), Policy())
        try:
            answer, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            answer = b""
        finally:
            kill(process)
    if answer.strip() == b"a sandbox works":
        return ""
    return {
        "bubblewrap": "bubblewrap is there but may not make namespaces for this account",
        "landlock": "Landlock is there but a process under it does not start",
        "container": f"no container of the image {Policy().image!r} starts",
    }[name]


@functools.cache
def _warn_once() -> None:
    print(
        "WARNING: submissions are run WITHOUT A SANDBOX; they can read and change everything that "
        "this account can, the gradebook and the solutions included",
        file=sys.stderr,
    )
