"""What the library asks of the C library: nothing, until a user calls `keep_freed_blocks`."""

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
