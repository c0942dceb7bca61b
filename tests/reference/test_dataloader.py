"""Data loading beside PyTorch's: lengths, parts, what a batch holds, padding, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from tinytorch.core.dataloader import (
    ArrayDataset,
    DataLoader,
    Dataset,
    Subset,
    pad_sequences,
    part_sizes,
    split,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install torch")
theirs = torch.utils.data

LENGTHS = [0, 1, 2, 7, 8, 9, 64, 100, 1437]
SIZES = [1, 2, 3, 8, 64, 2000]


def both(n: int):
    """The same examples as a dataset of ours and of theirs."""
    x, y = np.random.default_rng(n).normal(size=(n, 3)), np.arange(n)
    return ArrayDataset(x, y), theirs.TensorDataset(torch.tensor(x), torch.tensor(y))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n", LENGTHS)
def test_an_epoch_has_their_batches(n, size, drop_last):
    ours, other = both(n)
    found = DataLoader(ours, size, drop_last=drop_last)
    wanted = theirs.DataLoader(other, size, drop_last=drop_last)
    assert len(found) == len(wanted)
    for (x, y), (u, v) in zip(found, wanted, strict=True):
        assert (x.numpy() == u.numpy()).all() and (y == v.numpy()).all()
        assert x.dtype == np.float64 and y.dtype == np.int64 == v.numpy().dtype


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("n", [7, 64, 1437])
def test_a_shuffled_epoch_has_the_sizes_of_theirs_and_each_example_at_most_once(n, drop_last):
    ours, other = both(n)
    found = list(DataLoader(ours, 5, shuffle=True, drop_last=drop_last, rng=0))
    wanted = list(theirs.DataLoader(other, 5, shuffle=True, drop_last=drop_last))
    assert [len(y) for _, y in found] == [len(y) for _, y in wanted]
    for batches in (found, wanted):
        seen = np.concatenate([np.asarray(y) for _, y in batches])
        assert len(set(seen.tolist())) == len(seen)


def can_be_counted(shares: list[float]) -> bool:
    """Whether theirs takes them for shares: it refuses a sum that rounding puts above 1."""
    return sum(shares) <= 1


@pytest.mark.filterwarnings("ignore:Length of split")
@pytest.mark.parametrize("n", [1, 3, 10, 11, 97, 100, 1797])
@pytest.mark.parametrize("seed", range(20))
def test_parts_by_shares_have_the_sizes_of_theirs(n, seed):
    weights = np.random.default_rng(seed).integers(1, 9, size=2 + seed % 4)
    shares = (weights / weights.sum()).tolist()
    if not can_be_counted(shares):
        shares = [0.25, 0.5, 0.25]
    wanted = theirs.random_split(range(n), shares)
    assert part_sizes(n, shares) == [len(part) for part in wanted]
    assert [len(part) for part in split(both(n)[0], shares)] == [len(part) for part in wanted]


@pytest.mark.parametrize("parts", [(8, 2), (10, 0), (3, 3, 4), (0.8, 0.3), (8, 3), (0.5, 0.2)])
def test_parts_are_taken_or_refused_as_theirs_are(parts):
    data, other = both(10)
    try:
        wanted = [len(part) for part in theirs.random_split(other, list(parts))]
    except ValueError:
        with pytest.raises(ValueError):
            split(data, parts)
    else:
        assert [len(part) for part in split(data, parts)] == wanted


@pytest.mark.parametrize("indices", [[3, 0, 3], [], range(2, 6), np.array([5, 1])], ids=str)
def test_a_subset_shows_what_theirs_shows(indices):
    ours, other = both(7)
    found, wanted = Subset(ours, indices), theirs.Subset(other, list(indices))
    assert len(found) == len(wanted)
    for k in range(len(wanted)):
        assert (found[k][0] == wanted[k][0].numpy()).all() and found[k][1] == wanted[k][1]


@pytest.mark.parametrize("index", [0, -1, 6, slice(1, 4), [2, 2, 5]], ids=str)
def test_an_index_into_arrays_gives_what_theirs_gives(index):
    ours, other = both(7)
    for found, wanted in zip(ours[index], other[index], strict=True):
        assert (np.asarray(found) == wanted.numpy()).all()


def test_our_datasets_work_in_their_loader_and_theirs_in_ours():
    ours, other = both(7)

    class Squares(Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, index):
            return index, index**2

    assert [len(y) for _, y in theirs.DataLoader(Squares(), 3)] == [3, 3, 1]
    assert [len(y) for _, y in DataLoader(Subset(other, [0, 5, 3]), 2)] == [2, 1]
    pairs = zip(DataLoader(ours, 3), theirs.DataLoader(ours, 3), strict=True)
    assert all((x.numpy() == u.numpy()).all() for (x, _), (u, _) in pairs)


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_size_below_one_is_refused_as_by_theirs(size):
    for loader in (DataLoader, theirs.DataLoader):
        with pytest.raises(ValueError):
            loader([(1,)], size)


@pytest.mark.parametrize("value", [0, -1, 7])
@pytest.mark.parametrize("seed", range(10))
def test_padding_gives_what_theirs_gives(seed, value):
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 99, size=rng.integers(0, 9)) for _ in range(1 + seed)]
    wanted = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(row) for row in rows], batch_first=True, padding_value=value
    )
    padded, mask = pad_sequences(rows, value)
    assert (padded == wanted.numpy()).all() and padded.shape == tuple(wanted.shape)
    assert padded.dtype == np.int64 and mask.sum(axis=1).tolist() == [len(row) for row in rows]
