"""One engine with one workload in one process, told what to do by lines of JSON.

`run.py` starts it as ``python worker.py ENGINE WORKLOAD``. It says in a first line whether the
engine is installed and can do the workload; then it answers each request, a line, with a line:

- ``{"do": "results"}``: what one step returns, to be compared;
- ``{"do": "time", "seconds": 0.1}``: the CPU time of a step, from as many as fit, at least one;
- ``{"do": "memory"}``: the peak memory of two steps, above the data. For a fresh process.
"""

from __future__ import annotations

import base64
import gc
import importlib
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
from workloads import PLAIN, WORKLOADS


def packed(result) -> dict:
    """An array as JSON."""
    array = np.ascontiguousarray(result)
    return {
        "shape": np.shape(result),
        "dtype": str(array.dtype),
        "base64": base64.b64encode(array).decode(),
    }


def unpacked(packed: dict) -> np.ndarray:
    """The array that `packed` made JSON of."""
    data = base64.b64decode(packed["base64"])
    return np.frombuffer(data, packed["dtype"]).reshape(packed["shape"])


def cpu_seconds(step: Callable[[], list], seconds: float) -> float:
    """The mean CPU time of a step, over as many as fill the given time.

    The garbage of earlier rounds is collected before; the collector runs as usual during the steps.
    """
    gc.collect()
    begin = process_time()
    step()
    count = math.ceil(seconds / max(process_time() - begin, 1e-7))
    begin = process_time()
    for _ in range(count):
        step()
    return (process_time() - begin) / count


def peak_bytes(reset: bool = False) -> int:
    """The most memory that this process has held, since the last reset where Linux can reset it."""
    if reset:
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            pass
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text("utf-8"))[1])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(engine: str, workload: str) -> None:
    """Answer requests until there are no more."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever an engine prints is not an answer

    def answer(**message) -> None:
        print(json.dumps(message), file=answers, flush=True)

    chosen = (WORKLOADS | PLAIN)[workload]
    function = chosen.function
    # Before the engine is there: one that keeps freed memory must not find the data's garbage.
    data = chosen.data()
    try:
        module = importlib.import_module(f"engines.{engine}")
    except ImportError as error:
        return answer(missing=str(error))
    if not hasattr(module, function):
        return answer(unable=function)
    answer(ready=True)

    before = peak_bytes(reset=True)
    step = getattr(module, function)(data)
    for line in sys.stdin:
        request = json.loads(line)
        match request["do"]:
            case "results":
                answer(results=[packed(result) for result in step()])
            case "time":
                answer(seconds=cpu_seconds(step, request["seconds"]))
            case "memory":
                step()
                step()
                answer(bytes=peak_bytes() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
