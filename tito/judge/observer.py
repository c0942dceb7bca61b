"""The process that runs a module under test. It knows no expected value and decides nothing.

It needs Python and numpy only, reads one request from standard input (JSON), and writes one line of
JSON for each cell it loads and each observation it makes. Arrays travel as their bytes; nothing is
ever unpickled, on either side.
"""

from __future__ import annotations

import base64
import builtins
import codeop
import gc
import importlib.machinery
import json
import marshal
import os
import random
import re
import signal
import sys
import time
import types
import warnings

if __name__ == "__main__":  # what is imported stays, so nothing of it is garbage
    gc.disable()

import numpy as np

LARGEST_ANSWER = 1_000_000  # bytes of one answer; the grader keeps those of a whole module
DEEPEST_ANSWER = 20  # lists in lists
LONGEST_TEXT = 2_000  # characters of a string
LONGEST_MESSAGE = 500  # characters of an error message


def encode(x, budget: list[int] | None = None):
    """Turn data into what JSON can hold.

    Raises
    ------
    TypeError
        If it is not made of numbers, arrays, strings, None, tuples, lists and dictionaries.
    ValueError
        If there is too much of it.
    """
    budget = [LARGEST_ANSWER] if budget is None else budget
    kind = type(x)
    if x is None or kind is bool:
        return x
    if kind in (int, float):
        return {"number": repr(x)}
    if kind is str:
        return x[:LONGEST_TEXT]
    if isinstance(x, np.generic):
        return encode(np.array(x), budget)
    if kind is np.ndarray and x.dtype.kind in "biuf":
        spend(budget, x.nbytes)
        data = base64.b64encode(np.ascontiguousarray(x).tobytes()).decode()
        return {"dtype": x.dtype.str, "shape": list(x.shape), "data": data}
    if kind in (tuple, list):
        spend(budget, 8 * len(x))
        return [encode(item, budget) for item in x]
    if kind is dict and all(type(key) is str for key in x):
        spend(budget, sum(8 + len(key) for key in x))
        return {"dict": [[key, encode(item, budget)] for key, item in x.items()]}
    raise TypeError(f"a number or an array was expected, but it was a {kind.__name__}")


def spend(budget: list[int], size: int) -> None:
    """Take some bytes from what an answer may hold."""
    budget[0] -= size
    if budget[0] < 0:
        raise ValueError("the answer is too large")


def decode(x, depth: int = 0):
    """The inverse of `encode`; tuples come back as lists.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it is not what `encode` makes.
    """
    if depth > DEEPEST_ANSWER:
        raise ValueError("the answer is nested too deeply")
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, list):
        return [decode(item, depth + 1) for item in x]
    if "number" in x:
        text = str(x["number"])[:LONGEST_TEXT]
        return int(text) if text.lstrip("-").isdigit() else float(text)
    if "dict" in x:
        return {str(key): decode(item, depth + 1) for key, item in x["dict"]}
    if not re.fullmatch(r"[<>|=]?[biuf]\d{1,2}", str(x["dtype"])):
        raise ValueError(f"dtype {x['dtype']!r} is not numeric")
    dtype = np.dtype(x["dtype"])
    array = np.frombuffer(base64.b64decode(x["data"], validate=True), dtype=dtype)
    return array.reshape([int(n) for n in x["shape"]]).copy()


def raised(function) -> str:
    """The name of the exception that a call raises, or ``"nothing"``."""
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return "nothing"


def message_of(function) -> str:
    """What the exception says that a call raises; nothing if it raises none."""
    try:
        function()
    except Exception as error:
        return str(error)
    return ""


def explain(error: BaseException, cell: str = "") -> dict:
    """An exception: the type of Python's own that it is, its text, and its line in a cell."""
    names = [k.__name__ for k in type(error).__mro__ if getattr(builtins, k.__name__, 0) is k]
    text = " ".join(str(error).split())[:LONGEST_MESSAGE]
    return {"type": names[0], "text": text, "line": line_of(error, cell)}


def line_of(error: BaseException, cell: str) -> int | None:
    """The line of a cell in which an exception came up, or was written wrongly."""
    if isinstance(error, SyntaxError) and error.filename == cell:
        return error.lineno
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == cell:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


class Nothing:
    """What is there to be looked at in a notebook, and to nobody here: it does nothing."""

    def __call__(self, *arguments, **settings):
        return self

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, index):
        return self

    def __iter__(self):
        return iter((self, self))  # a figure and its axes

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


class Showing:
    """Finds packages that show things in a notebook, so that a cell may plot its function.

    It is asked last, and what it finds holds nothing.
    """

    PACKAGES = ("matplotlib", "IPython", "pandas", "tito")

    def find_spec(self, name: str, path=None, target=None):
        if name.partition(".")[0] in self.PACKAGES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        module.__getattr__ = Nothing().__getattr__


class Loader:
    """Loads the cells of the module under test, again for each check.

    So that what the observations of one check leave behind (a switch that was not switched back,
    say) costs nothing in the next. Where loading takes long, the module is loaded only once.
    """

    LONG = 0.2  # seconds

    def __init__(self, request: dict, report):
        self.name, self.report = request["module"], report
        self.package, _, self.attribute = self.name.rpartition(".")
        compile_cell = codeop.Compile()  # remembers `from __future__ import …`, as a notebook does
        compile_cell(request.get("future", ""), "future", "exec")
        self.codes: dict = {}
        begin = time.monotonic()
        self.module = self.empty()
        for number, cell in enumerate(request["cells"]):
            error = None
            if cell is not None:
                report({"loading": number})
                try:
                    code = self.code(cell, compile_cell)
                    self.codes[number] = code
                    exec(code, vars(self.module))
                except BaseException as problem:
                    error = explain(problem, cell["name"])
            report({"cell": number, "error": error})
        self.is_quick = time.monotonic() - begin < self.LONG
        self.check = None

    def code(self, cell: dict, compile_cell) -> types.CodeType:
        """A cell, compiled; what comes compiled was made by the grader, and is no student's."""
        if "code" in cell:
            return marshal.loads(base64.b64decode(cell["code"]))
        return compile_cell(cell["source"], cell["name"], "exec")

    def empty(self) -> types.ModuleType:
        """An empty module, found by everybody who imports it."""
        module = types.ModuleType(self.name)
        sys.modules[self.name] = module
        setattr(__import__(self.package, fromlist=["_"]), self.attribute, module)
        return module

    def load(self, check: str) -> types.ModuleType:
        """The module for the observations of a check."""
        if self.check not in (None, check) and self.is_quick:
            self.module = self.empty()
            for code in self.codes.values():
                try:
                    exec(code, vars(self.module))
                except BaseException:  # as the first time, when it was reported
                    pass
        self.check = check
        return self.module


def observation(step: dict, names: dict, loader: Loader) -> dict:
    """What one observation saw, or why it saw nothing."""
    try:
        exec(step["source"], names)
        inputs = {key: decode(x) for key, x in step["inputs"].items()}
        return {"answer": encode(names[step["name"]](loader.load(step["check"]), **inputs))}
    except BaseException as problem:
        return {"error": explain(problem)}


plain_rng = np.random.default_rng


def draw_as_before(seed: int) -> None:
    """Make all random draws the same as in the last observation, also those without a seed."""
    count = iter(range(sys.maxsize))

    def default_rng(given=None):
        return plain_rng([seed, next(count)] if given is None else given)

    random.seed(seed)
    np.random.seed(seed)
    np.random.default_rng = default_rng


def observe(request: dict, report) -> None:
    """Load the module's cells, make the observations, and report each."""
    # No other copy of the library can be imported: not the checkout's, not an installed one.
    sys.path[:] = [p for p in sys.path if not os.path.isdir(os.path.join(p, "tinytorch"))]
    sys.path.insert(0, os.path.abspath(request["package"]))
    sys.path_importer_cache.clear()
    sys.meta_path.append(Showing())
    builtins.display = builtins.get_ipython = Nothing()
    loader = Loader(request, report)
    names = {"np": np, "raised": raised, "message_of": message_of}
    for number, step in enumerate(request["program"]):
        if isinstance(step, str):
            try:
                exec(step, names)
            except Exception as problem:  # the observations that need it will say so
                report({"helper": number, "error": explain(problem)})
        elif step is not None:
            report({"observing": number})
            draw_as_before(request["seed"])
            with warnings.catch_warnings(), np.errstate():  # what it switches is switched back
                answer = observation(step, names, loader)
            report({"observation": number, **answer})


def observe_variants(request: dict, report) -> None:
    """Observe a module with some of its cells changed, again and again, each in a process of its
    own, which begins where all that the cells import is loaded."""
    observe(request | {"program": []}, lambda line: None)
    for number, variant in enumerate(request["variants"]):
        report({"variant": number})
        child = os.fork()
        if child == 0:
            observe(request | variant, with_an_alarm(report, request["patience"]))
            os._exit(0)
        os.waitpid(child, 0)


def with_an_alarm(report, seconds: float):
    """Report as before, and raise an exception in whatever computes longer than that, or waits for
    five times as long."""

    def ring(*signal_and_frame):
        raise BaseException("it took too long")  # which a test of exceptions lets through

    def report_and_wind(line: dict) -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
        signal.setitimer(signal.ITIMER_REAL, 5 * seconds, 5 * seconds)
        report(line)

    signal.signal(signal.SIGPROF, ring)
    signal.signal(signal.SIGALRM, ring)
    return report_and_wind


def main() -> None:
    gc.freeze()
    gc.enable()
    request = json.load(sys.stdin)
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)

    def report(line: dict) -> None:
        channel.write(json.dumps(line) + "\n")
        channel.flush()

    (observe_variants if "variants" in request else observe)(request, report)
    report({"done": True})


if __name__ == "__main__":
    main()
