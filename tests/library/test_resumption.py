"""Runs that are killed at any moment go on in new processes as if nothing had happened."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinytorch.core.networks import MLP
from tinytorch.core.training import save

ROOT = Path(__file__).parents[2]
RUN = '''
import os, signal, sys
from pathlib import Path
import numpy as np
from tinytorch.core.dataloader import ArrayDataset, DataLoader
from tinytorch.core.networks import MLP, Module, Sequential
from tinytorch.core.tensor import Tensor
from tinytorch.core.optimizers import SGD, AdamW, OneCycle, Scheduler, WarmupCosine
from tinytorch.core.training import Adam, cross_entropy, load, save, train_epoch, train_step

class Noisy(Module):
    """A layer that draws in training, and keeps count in an array of its own."""
    def __init__(self):
        self.rng, self.seen = np.random.default_rng(1), np.zeros(1)
    def __call__(self, x):
        self.seen += len(x)
        return x * self.rng.uniform(0.5, 1.5, x.shape).astype(np.float32)

def nesterov(parameters):
    """In two groups, at rates of their own, around a cycle."""
    *most, last = parameters
    groups = [{"params": most}, {"params": [last], "lr": 0.002}]
    return Scheduler(SGD(groups, 0.05, momentum=0.9, nesterov=True), OneCycle(40))

KINDS = {
    "adam": lambda p: Adam(p, 0.01),
    "adamw": lambda p: Scheduler(AdamW(p, 0.05), WarmupCosine(5, 40)),
    "nesterov": nesterov,
}
path, every, last, fatal = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(0)
x, y = rng.normal(size=(60, 6)).astype(np.float32), rng.integers(3, size=60)
network = Sequential(Noisy(), MLP([6, 8, 3], rng=0))
optimizer = KINDS[sys.argv[5]](network.parameters())
loader = DataLoader(ArrayDataset(x, y), 16, shuffle=True, rng=5)
steps = 0

def loss(scores, labels):
    """The loss; in the step that is fatal, after half of it, the process is killed."""
    global steps
    steps += 1
    if steps == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return cross_entropy(scores, labels)

done = load(path, network, optimizer, loader.rng) if path.exists() else 0
while done < last:
    if every == "epoch":
        train_epoch(network, loader, optimizer, loss)
    else:
        some = loader.rng.choice(60, 16)
        train_step(network, Tensor(x[some]), y[some], optimizer, loss)
    done += 1
    save(path, network, optimizer, done, loader.rng)
'''


def run(path: Path, *arguments) -> int:
    """Train in a process of its own; gives how it ended."""
    command = [sys.executable, "-c", RUN, path, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, -9), ended.stderr
    return ended.returncode


def contents(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("every", "last", "longest"), [("epoch", 12, 11), ("step", 40, 7)])
def test_a_run_that_is_killed_ten_times_ends_with_the_same_bits(tmp_path, every, last, longest):
    """An epoch has four steps, so some of the processes do not get to save."""
    whole, broken, rng = tmp_path / "whole.npz", tmp_path / "broken.npz", np.random.default_rng(0)
    assert run(whole, every, last, 0, "adam") == 0
    for _ in range(10):
        assert run(broken, every, 10**6, rng.integers(1, longest), "adam") == -9
    reached = int(contents(broken)["epoch"])
    assert 0 < reached < last
    assert run(broken, every, last, 0, "adam") == 0
    same_to_the_last_bit(whole, broken)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("kind", ["adamw", "nesterov"])
def test_a_killed_run_goes_on_where_its_optimizer_and_its_schedule_were(tmp_path, kind):
    """Killed while the rate still rises, and again while it falls."""
    whole, broken = tmp_path / "whole.npz", tmp_path / "broken.npz"
    assert run(whole, "step", 30, 0, kind) == 0
    for fatal, reached in (4, 3), (20, 22):
        assert run(broken, "step", 30, fatal, kind) == -9
        assert contents(broken)["optimizer.steps"] == reached
    assert run(broken, "step", 30, 0, kind) == 0
    same_to_the_last_bit(whole, broken)


def same_to_the_last_bit(whole: Path, broken: Path) -> None:
    """Whether two files hold the same names, dtypes and bits."""
    expected, found = contents(whole), contents(broken)
    assert list(expected) == list(found)
    for name, array in expected.items():
        assert array.dtype == found[name].dtype and (array == found[name]).all(), name


SAVE = """
import os, resource, signal, sys
from tinytorch.core.networks import MLP
from tinytorch.core.training import save
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
else:
    os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
try:
    save(sys.argv[1], MLP([64, 128, 10], rng=1), epoch=2)
except OSError as error:
    sys.exit(str(error))
"""


def save_in_trouble(path: Path, kind: str) -> subprocess.CompletedProcess:
    """Save in a process that may write 5,000 bytes, or that is killed when all is written."""
    command, more = [sys.executable, "-c", SAVE, path, kind], {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=os.environ | more, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such limits")
def test_a_full_disk_leaves_the_old_file_and_says_so_in_a_sentence(tmp_path):
    path = tmp_path / "run.npz"
    ended = save_in_trouble(path, "full")
    assert ended.returncode == 1 and "no file was made" in ended.stderr
    save(path, MLP([64, 128, 10], rng=0), epoch=1)
    before = path.read_bytes()
    ended = save_in_trouble(path, "full")
    assert ended.returncode == 1 and len(ended.stderr.strip().splitlines()) == 1
    assert "could not be written, and the file of that name is as it was" in ended.stderr
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_while_it_saves_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.npz"
    save(path, MLP([64, 128, 10], rng=0), epoch=1)
    before = path.read_bytes()
    assert save_in_trouble(path, "killed").returncode == -9
    assert path.read_bytes() == before
