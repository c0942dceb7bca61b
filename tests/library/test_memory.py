"""What the library asks of the C library and of Python: nothing, until a user asks it to."""

import subprocess
import sys
from pathlib import Path

import pytest

from tinytorch import memory

STEPS = """
import resource
import numpy as np
from tinytorch import memory
from tinytorch.core.autograd import Variable, tanh

def step():
    x = Variable(np.ones(1_000_000, np.float32))
    tanh(x * 2).sum().backward()

if {keep}:
    memory.keep_freed_blocks()
for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

LARGE_PAGES = """
import re
from tinytorch import memory

def asked_for():
    maps = open("/proc/self/smaps").read()
    sizes = re.findall(r"\\[heap\\].*?Size: +(\\d+) kB.*?VmFlags:([^\\n]*)", maps, re.DOTALL)
    return sum(int(size) for size, flags in sizes if " hg" in flags) // 1024

before = asked_for()
memory.keep_freed_blocks()
memory.keep_freed_blocks()
print(before, asked_for())
"""

SEARCHES = """
import gc
import numpy as np
from tinytorch import memory
from tinytorch.core.autograd import Variable

def step():
    x = first = Variable(np.ones(4))
    for _ in range(2_000):
        x = x * first
    x.sum().backward()

def searches(count):
    before = sum(generation["collections"] for generation in gc.get_stats())
    for _ in range(count):
        step()
    return sum(generation["collections"] for generation in gc.get_stats()) - before

before = gc.get_threshold()
usual = searches(5)
memory.look_for_cycles_rarely()
gc.collect()
alive = len(gc.get_objects())
rare = searches(40)
many = 5 * 2_000 * 3 // before[0]  # of three objects or more for each operation
print(usual > many, rare, len(gc.get_objects()) - alive < 100, gc.get_threshold()[1:] == before[1:])
"""

CALLS = """
import ctypes
calls = []
class Library:
    def __init__(self, *arguments, **parameters):
        calls.append(arguments)
ctypes.CDLL = Library
import tinytorch
import tinytorch.core.autograd, tinytorch.memory
print(calls)
"""

THRESHOLDS = """
import gc
before = gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()
import tinytorch.core.autograd, tinytorch.memory
print((gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()) == before)
"""


def run(program: str) -> str:
    """What a program prints in a process of its own."""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def page_faults(keep: bool) -> int:
    """How many page faults twenty steps on a million numbers cause."""
    return int(run(STEPS.format(keep=keep)))


def asks_glibc() -> bool:
    """Whether there is a glibc here; asked in another process, because asking changes this one."""
    return run("from tinytorch import memory; print(memory.keep_freed_blocks())") == "True"


@pytest.mark.skipif(not asks_glibc(), reason="no glibc")
def test_large_arrays_come_and_go_without_page_faults_once_freed_blocks_are_kept():
    assert page_faults(keep=True) < 0.1 * page_faults(keep=False)


@pytest.mark.skipif(
    not (asks_glibc() and Path("/sys/kernel/mm/transparent_hugepage").exists()),
    reason="no large pages to ask for",
)
def test_half_of_what_is_kept_is_asked_for_in_large_pages():
    before, after = map(int, run(LARGE_PAGES).split())
    assert before == 0
    assert 126 <= after <= 130


@pytest.mark.parametrize("variable", ["1", "0"])
def test_importing_the_library_asks_nothing_of_the_c_library(variable, monkeypatch):
    monkeypatch.setenv("TINYTORCH_KEEP_MEMORY", variable)  # an old name, which means nothing now
    assert run(CALLS) == "[]"


def test_without_glibc_nothing_happens(monkeypatch):
    def no_library(name):
        raise OSError

    monkeypatch.setattr(memory.ctypes, "CDLL", no_library)
    assert memory.keep_freed_blocks() is False


def test_graphs_are_freed_without_a_search_for_cycles():
    assert run(SEARCHES) == "True 0 True True"


def test_importing_the_library_leaves_the_search_for_cycles_as_it_is():
    assert run(THRESHOLDS) == "True"


@pytest.mark.parametrize("objects", [0, -1])
def test_a_search_every_no_objects_is_refused(objects):
    with pytest.raises(ValueError, match=f"every {objects} objects; give a positive number"):
        memory.look_for_cycles_rarely(objects)
