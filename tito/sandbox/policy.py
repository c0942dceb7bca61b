"""What a sandboxed process may use, and what it may see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MiB = 2**20

# Other implementations of what the course teaches, and the course's own.
HIDDEN = (
    "tinytorch tinytorch_course tito torch torchgen torchvision functorch autograd jax jaxlib "
    "tensorflow keras mygrad dezero chainer micrograd smallpebble tinygrad mxnet paddle"
).split()


@dataclass(frozen=True)
class Policy:
    """The limits of a sandbox, and how it is made.

    Attributes
    ----------
    enabled : bool
        Without a sandbox, the limits alone hold.
    backend : str
        ``"bubblewrap"``, ``"landlock"``, ``"container"``, or ``""`` for the first that works.
    address_space : int
        Bytes that one process may map.
    memory : int
        Bytes of memory that all its processes may hold together.
    cpu_seconds : int
        Of one process.
    processes : int
        And threads, together.
    open_files : int
        Of one process.
    file_size : int
        Bytes of the largest file that may be written.
    folder_size, shm_size : int
        Bytes of the working folder and of /tmp, each; and of shared memory.
    hidden_packages : tuple of str
        Installed packages that cannot be imported inside.
    image : str
        The container image, where containers are the backend; it needs Python and numpy.
    """

    enabled: bool = True
    backend: str = ""
    address_space: int = 4096 * MiB
    memory: int = 2048 * MiB
    cpu_seconds: int = 900
    processes: int = 128
    open_files: int = 256
    file_size: int = 100 * MiB
    folder_size: int = 200 * MiB
    shm_size: int = 64 * MiB
    hidden_packages: tuple[str, ...] = tuple(HIDDEN)
    image: str = "tinytorch-grading"

    @property
    def limits(self) -> dict[str, int]:
        """The limits of the operating system, by their names in the module `resource`."""
        return {
            "RLIMIT_AS": self.address_space,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True)
class Program:
    """A Python program of untrusted code.

    Attributes
    ----------
    run : str
        The path of a script, or the name of an installed module.
    folder : Path
        Its working folder. The process gets a copy of it, so that nothing that it writes is found
        by anybody else.
    view : str
        ``"observer"`` sees numpy alone; ``"notebook"`` sees the installed packages and the visible
        checks.
    arguments : tuple of str
        What it finds in ``sys.argv``.
    shared : Path, optional
        A folder that it shares with the process that started it.
    pipes : bool
        Whether it talks over standard input and output; else they lead nowhere.
    library : Path, optional
        A folder that others share; what it holds is in the copy of the working folder, too.
    """

    run: str
    folder: Path
    view: str = "observer"
    arguments: tuple[str, ...] = ()
    shared: Path | None = None
    pipes: bool = True
    library: Path | None = None

    @property
    def is_script(self) -> bool:
        return self.run.endswith(".py")
