"""Jupyter kernels in the sandbox: a provisioner, and the manager that uses it.

A kernel talks over sockets, and the sandbox has no network: they are files in a private folder that
both sides see. Interrupts are messages, because a signal would reach the sandbox, not the kernel.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from tito import sandbox
from tito.errors import TitoError
from tito.sandbox.policy import Program
from tito.sandbox.watchdog import CONNECTION


class SandboxProvisioner(LocalProvisioner):
    """Starts a Python kernel in the sandbox; its sockets are removed with it."""

    sockets: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        manager = self.parent
        if self.sockets is None:
            # A short name: the path of a socket has at most 107 characters.
            short = "/tmp" if os.path.isdir("/tmp") else None
            self.sockets = Path(tempfile.mkdtemp(prefix="tito-k-", dir=short)).resolve()
            manager.transport, manager.ip = "ipc", str(self.sockets / "socket")
            manager.connection_file = str(self.sockets / CONNECTION)
            self.kernel_spec.interrupt_mode = "message"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any):
        if "-m" not in cmd:
            raise TitoError(f"only Python kernels are run in the sandbox, not {cmd[0]}")
        module, *arguments = cmd[cmd.index("-m") + 1 :]
        folder, arguments = Path(kwargs.get("cwd") or "."), tuple(arguments)
        program = Program(module, folder, "notebook", arguments, shared=self.sockets, pipes=False)
        self.process = sandbox.start(program)
        self.pid = self.pgid = self.process.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self.sockets is not None and not restart:
            shutil.rmtree(self.sockets, ignore_errors=True)


class SandboxedKernelManager(AsyncKernelManager):
    """A manager whose kernels are all in the sandbox, whatever the kernelspec and settings say."""

    async def _async_pre_start_kernel(self, **kw: Any):
        if self.provisioner is None:
            self.provisioner = SandboxProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
        return await super()._async_pre_start_kernel(**kw)

    pre_start_kernel = _async_pre_start_kernel
