"""Where submissions are graded: on this machine's cores, or on a cluster by its address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from tito import sandbox
from tito.errors import TitoError


@dataclass(frozen=True)
class Place:
    """Where submissions are graded.

    Attributes
    ----------
    executor : Executor or None
        What takes tasks; None where there are none.
    jobs : int
        How many it works on at once.
    dashboard : str
        The address of the cluster's dashboard, or nothing.
    """

    executor: Executor | None
    jobs: int
    dashboard: str = ""


@contextlib.contextmanager
def place(jobs: int | None = None, scheduler: str | None = None) -> Iterator[Place]:
    """Where submissions are graded.

    Parameters
    ----------
    jobs : int, optional
        How many at once; by default one more than there are cores, as one of them often waits, or
        as many as the cluster has threads.
    scheduler : str, optional
        The address of a Dask scheduler, ``tcp://…``; by default this machine grades.

    Raises
    ------
    TitoError
        If the cluster cannot be reached, or Dask is not installed.
    """
    with _cluster(scheduler, jobs) if scheduler else _threads(jobs) as found:
        yield found


@contextlib.contextmanager
def _threads(jobs: int | None) -> Iterator[Place]:
    """Threads of this process, each of which drives sandboxed processes."""
    jobs = jobs or available_cores() + 1
    executor = ThreadPoolExecutor(jobs, thread_name_prefix="grading")
    try:
        yield Place(executor, jobs)
    except BaseException:
        sandbox.stop()  # nobody waits for what is running
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        sandbox.resume()


def available_cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


@contextlib.contextmanager
def _cluster(address: str, jobs: int | None) -> Iterator[Place]:
    """A Dask cluster."""
    try:
        from distributed import Client
    except ImportError:
        raise TitoError(
            '--scheduler needs Dask; run: pip install ".[cluster]" in the course folder'
        ) from None
    try:
        client = Client(address, timeout=20, set_as_default=False)
    except (OSError, ValueError) as error:
        raise TitoError(
            f"the scheduler {address} cannot be reached ({error}); is it running, and is this the "
            "address it printed?"
        ) from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise TitoError(f"the scheduler {address} has no workers; start some: dask worker …")
        # pure=False: what is kept is kept in the ledger, and --force means to grade again
        executor = client.get_executor(pure=False)
        yield Place(executor, jobs or threads, client.dashboard_link)
        executor.shutdown(wait=False)
    finally:
        client.close()
