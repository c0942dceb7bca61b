"""What importing the library asks of the C library."""

import os
import subprocess
import sys

import pytest

from tinytorch import memory

STEPS = """
import resource
import numpy as np
from tinytorch.core.autograd import Variable, tanh

def step():
    x = Variable(np.ones(1_000_000, np.float32))
    tanh(x * 2).sum().backward()

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep: str) -> int:
    """How many page faults twenty steps on a million numbers cause."""
    environment = os.environ | {"TINYTORCH_KEEP_MEMORY": keep}
    found = subprocess.run(
        [sys.executable, "-c", STEPS], capture_output=True, text=True, env=environment
    )
    assert found.returncode == 0, found.stderr
    return int(found.stdout)


@pytest.mark.skipif(not memory.keep_freed_blocks(), reason="no glibc")
def test_large_arrays_come_and_go_without_page_faults_unless_it_is_switched_off():
    assert page_faults("1") < 0.1 * page_faults("0")
