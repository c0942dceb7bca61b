"""Data loading: what is refused, what a user relies on, and what is shown of an epoch."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tinytorch
from tinytorch.core.dataloader import (
    ArrayDataset,
    Compose,
    DataLoader,
    Dataset,
    RandomFlip,
    RandomShift,
    Standardize,
    Subset,
    pad_sequences,
    prefetch,
    split,
    stratified_split,
)
from tinytorch.core.tensor import Tensor
from tinytorch.datasets import digits
from tinytorch.datasets.baselines import nearest, perceptron, read

FIVE = ArrayDataset(np.arange(10.0).reshape(5, 2), np.arange(5))


def with_transform(transform):
    return ArrayDataset(np.arange(10.0).reshape(5, 2), np.arange(5), transform=transform)


class OnlySingles(Dataset):
    """A dataset that knows single examples only."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return index, index**2


REFUSED = [
    (lambda: ArrayDataset(np.ones(3), [1, 2]), ValueError, r"lengths \[3, 2\]"),
    (lambda: ArrayDataset(), ValueError, r"lengths \[\]; pass at least one"),
    (lambda: FIVE[5], IndexError, "index 5 is out of bounds"),
    (lambda: FIVE[-6], IndexError, "index -6 is out of bounds"),
    (lambda: FIVE[[0, 7]], IndexError, "index 7 is out of bounds"),
    (lambda: FIVE[np.array([True, False])], IndexError, "boolean"),
    (lambda: FIVE["a"], IndexError, "only integers"),
    (lambda: with_transform(lambda x: None)[0], TypeError, r"gave None for .* \(1, 2\)"),
    (lambda: with_transform(list)[1:3], TypeError, "has to return an array"),
    (lambda: with_transform(lambda x: x[:1])[1:3], ValueError, r"shape \(1, 2\) of shape \(2, 2\)"),
    (lambda: with_transform(np.sum)[0], ValueError, r"made shape \(\) of shape \(1, 2\)"),
    (lambda: Subset(FIVE, [0, 5]), IndexError, "index 5 is out of bounds"),
    (lambda: Subset(FIVE, [-6]), IndexError, "index -6 is out of bounds"),
    (lambda: Subset(FIVE, [0.5]), IndexError, "integer"),
    (lambda: Subset(FIVE, np.ones(4, bool)), IndexError, "boolean"),
    (lambda: Subset(FIVE, [0, 1])[2], IndexError, "index 2 is out of bounds"),
    (lambda: split(FIVE, (0.8, 0.3)), ValueError, r"\(0.8, 0.3\) of 5 examples do not fit"),
    (lambda: split(FIVE, (3, 3)), ValueError, "counts to 5"),
    (lambda: split(FIVE, (1.5, -0.5)), ValueError, "none is negative"),
    (lambda: split(FIVE, (6, -1)), ValueError, "none is negative"),
    (lambda: split(FIVE, ()), ValueError, r"the parts \(\) of 5 examples"),
    (lambda: stratified_split(FIVE, [0, 1]), ValueError, "2 labels were given for 5 examples"),
    (lambda: stratified_split(FIVE, [0] * 5, (0.5, 0.4)), ValueError, "do not fit"),
    (lambda: DataLoader(FIVE, 0), ValueError, "batch_size is 0"),
    (lambda: DataLoader(FIVE, -3), ValueError, "batch_size is -3"),
    (lambda: list(DataLoader(np.ones((4, 2)), 2)), TypeError, "an example is a tuple of fields"),
    (lambda: list(DataLoader([(1,), 2], 2)), TypeError, "got 2; for a single field"),
    (lambda: list(DataLoader([([1, 2],), ([3],)], 2)), ValueError, "same shape"),
    (lambda: RandomShift(1)(np.ones(3)), ValueError, r"shape \(3,\)"),
    (lambda: RandomShift(-1), ValueError, "most is -1"),
    (lambda: RandomFlip(1.5), ValueError, "probability is 1.5"),
    (
        lambda: Standardize(np.zeros((0, 3))),
        ValueError,
        r"no examples to learn from: the shape is \(0, 3\)",
    ),
    (lambda: Standardize([]), ValueError, r"no examples to learn from: the shape is \(0,\)"),
    (lambda: Standardize(3.0), TypeError, "array of examples is 3.0; it has to be an array"),
    (lambda: Standardize(["a"]), TypeError, r"\['a'\]; it has to be made of numbers"),
    (lambda: Standardize([[1], [1, 2]]), TypeError, "rows of different lengths"),
    (lambda: Standardize(np.ones((3, 2)))(np.ones((4, 3))), ValueError, r"\(2,\) .* \(4, 3\)"),
    (lambda: Standardize(np.ones((3, 2)))(None), TypeError, "array of examples is None"),
    (lambda: pad_sequences([1, 2]), TypeError, "sequence 0 is 1; it has to be an array, or a list"),
    (lambda: pad_sequences(["ab", "c"]), TypeError, "sequence 0 is 'ab'"),
    (lambda: pad_sequences("ab"), TypeError, "sequences is 'ab'; .* list of sequences of numbers"),
    (lambda: pad_sequences(3), TypeError, "sequences is 3"),
    (lambda: pad_sequences([[[1]], [2]]), TypeError, r"sequence 0 has the shape \(1, 1\)"),
    (lambda: pad_sequences([[1]], "0"), TypeError, "value is '0'; it has to be one number"),
    (lambda: ArrayDataset(3), TypeError, "array 0 is 3; it has to be an array, or a list"),
    (lambda: ArrayDataset([1], None), TypeError, "array 1 is None"),
    (lambda: ArrayDataset([[1], [1, 2]]), TypeError, "array 0 has rows of different lengths"),
    (lambda: ArrayDataset([1], transform=3), TypeError, "transform is 3; it has to be a function"),
    (lambda: Subset(3, [0]), TypeError, "dataset is 3; .* it needs a length and an index"),
    (lambda: Subset({1, 2}, [0]), TypeError, "dataset is {1, 2}"),
    (lambda: Subset(OnlySingles, [0]), TypeError, "dataset is <class"),
    (lambda: split(None), TypeError, "dataset is None"),
    (lambda: split(FIVE, 0.8), TypeError, "parts is 0.8; it has to be a list of numbers"),
    (lambda: split(FIVE, ["a", "b"]), TypeError, r"parts is \['a', 'b'\]"),
    (lambda: split(FIVE, [np.nan, 1]), TypeError, r"parts is \[nan, 1\]"),
    (lambda: stratified_split(FIVE, 3), TypeError, "array of labels is 3"),
    (lambda: stratified_split(FIVE, np.eye(5)), ValueError, r"their shape is \(5, 5\)"),
    (lambda: DataLoader(3), TypeError, "dataset is 3"),
    (lambda: DataLoader(FIVE, 2.0), TypeError, "batch_size is 2.0; .* one whole number"),
    (lambda: DataLoader(FIVE, "2"), TypeError, "batch_size is '2'"),
    (lambda: DataLoader(FIVE, True), TypeError, "batch_size is True"),
    (lambda: DataLoader(FIVE, 2, collate=3), TypeError, "collate is 3; it has to be a function"),
    (lambda: list(DataLoader([(1, 2), (3,)], 2)), ValueError, r"examples of \[1, 2\] fields"),
    (lambda: RandomShift(0.5), TypeError, "most is 0.5"),
    (lambda: RandomShift(None), TypeError, "most is None"),
    (lambda: RandomFlip("half"), TypeError, "probability is 'half'; it has to be one number"),
    (lambda: RandomFlip()(np.full((1, 2, 2), "a")), TypeError, "made of numbers"),
    (lambda: Compose(np.tanh), TypeError, "transforms is <ufunc 'tanh'>; .* a list of functions"),
    (
        lambda: Compose([np.tanh, 3]),
        TypeError,
        "transforms is .*; it has to be a list of functions",
    ),
]


@pytest.mark.parametrize(("make", "kind", "says"), REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(make, kind, says):
    with pytest.raises(kind, match=says) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [FIVE, OnlySingles(), Subset(FIVE, [4, 3, 2, 1, 0]), Subset(OnlySingles(), range(5))],
    ids=["arrays", "singles", "subset", "subset of singles"],
)
def test_a_loop_over_a_dataset_ends_and_can_be_repeated(data):
    rounds = [[int(y) for _, y in itertools.islice(data, 9)] for _ in range(2)]
    assert len(rounds[0]) == 5 and rounds[0] == rounds[1]
    assert repr(data).endswith("(5 examples)")


def test_arrays_are_shared_and_not_copied():
    x = np.ones((3, 2))
    data = ArrayDataset(x, Tensor([1.0, 2.0, 3.0]))
    assert data.arrays[0] is x and type(data.arrays[1]) is np.ndarray
    assert np.shares_memory(data[1:][0], x)
    assert not np.shares_memory(data[[1, 2]][0], x)


def test_a_batch_may_be_changed_without_harm_to_the_dataset():
    x = np.ones((4, 2))
    for shuffle in (False, True):
        for (batch,) in DataLoader(ArrayDataset(x), 2, shuffle=shuffle):
            batch.data += 1
    assert (x == 1).all()


@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 97, 1797])
@pytest.mark.parametrize("parts", [(0.8, 0.2), (0.6, 0.2, 0.2), (1 / 3,) * 3, (1,), (0.0, 1.0)])
def test_parts_have_nothing_in_common_and_all_in_all_everything(n, parts):
    data, labels = ArrayDataset(np.arange(n)), np.arange(n) % 3
    for found in (split(data, parts, rng=n), stratified_split(data, labels, parts, rng=n)):
        indices = np.concatenate([part.indices for part in found])
        assert sorted(indices.tolist()) == list(range(n)) and len(found) == len(parts)


@pytest.mark.parametrize("seed", range(10))
def test_each_class_has_its_share_to_within_one_example(seed):
    _, labels = digits()
    parts = stratified_split(ArrayDataset(labels), labels, (0.6, 0.25, 0.15), rng=seed)
    for part, share in zip(parts, (0.6, 0.25, 0.15), strict=True):
        counts = np.bincount(labels[part.indices], minlength=10)
        assert (np.abs(counts - share * np.bincount(labels)) <= 1).all()


@pytest.mark.parametrize("seed", range(10))
def test_a_stratified_part_is_not_sorted_by_class(seed):
    _, labels = digits()
    train, _ = stratified_split(ArrayDataset(labels), labels, rng=seed)
    assert np.mean(np.diff(labels[train.indices]) == 0) < 0.2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6, -3.7])
def test_a_feature_that_never_changes_becomes_zero(dtype, value):
    x = np.full((999, 2), value, dtype=dtype)
    x[:, 1] = np.arange(999)
    z = Standardize(x)(x)
    assert np.abs(z[:, 0]).max() <= np.finfo(dtype).eps * max(1, abs(value)) * 100
    assert z.dtype == dtype and abs(z[:, 1].std() - 1) < 1e-5


def test_integer_images_are_standardised_as_numbers():
    x = np.array([[0, 255], [255, 255]], dtype="uint8")
    assert Standardize(x)(x).tolist() == [[-1, 0], [1, 0]]


def test_two_loops_and_an_abandoned_one_do_not_disturb_each_other():
    loader = DataLoader(FIVE, 2, shuffle=True, rng=0)
    next(iter(loader))
    for (_, first), (_, second) in zip(loader, loader, strict=True):
        assert len(first) == len(second)
    assert sorted(y for _, batch in loader for y in batch.tolist()) == [0, 1, 2, 3, 4]


def test_an_empty_dataset_gives_no_batches():
    for data in ([], Subset(FIVE, []), ArrayDataset(np.ones((0, 2)))):
        loader = DataLoader(data, 2, shuffle=True)
        assert len(loader) == 0 and list(loader) == []


def test_labels_stay_whole_numbers_and_texts_stay_texts():
    ((x, y, name),) = DataLoader([(1.5, 3, "a"), (2.5, 4, "b")], 2)
    assert isinstance(x, Tensor) and y.dtype == np.int64 and name.tolist() == ["a", "b"]


@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 2, 4, 3), (0, 4, 3)])
@pytest.mark.parametrize("transform", [RandomShift(2, rng=0), RandomFlip(rng=0)])
def test_transforms_keep_shape_dtype_and_what_they_were_given(transform, shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    before = x.copy()
    out = transform(x)
    assert out.shape == shape and out.dtype == x.dtype and not np.shares_memory(out, x)
    assert (x == before).all()


def test_a_batch_is_transformed_as_its_examples_one_by_one():
    x = np.random.default_rng(0).normal(size=(6, 4, 4))
    at_once = ArrayDataset(x, transform=RandomShift(1, rng=3)).fetch(range(6))[0]
    one_by_one = ArrayDataset(x, transform=RandomShift(1, rng=3))
    assert (at_once == np.stack([image for (image,) in one_by_one])).all()


def test_objects_show_how_they_are_made():
    loader = DataLoader(FIVE, 2, shuffle=True, rng=0, progress=True)
    shown = "DataLoader(ArrayDataset(5 examples), batch_size=2, shuffle=True, progress=True)"
    assert repr(loader) == shown
    made = Compose([Standardize(np.ones((2, 3))), RandomShift(2), RandomFlip(), RandomFlip(0.1)])
    assert repr(made) == (
        "Compose([Standardize(), RandomShift(most=2), RandomFlip(), RandomFlip(probability=0.1)])"
    )


def test_padding_loses_no_number():
    padded, mask = pad_sequences([[1.5], [2, 3], []], value=-1)
    assert padded.tolist() == [[1.5, -1], [2, 3], [-1, -1]]
    assert mask.tolist() == [[True, False], [True, True], [False, False]]
    assert pad_sequences([[1]], value=0.5)[0].dtype == np.float64
    assert pad_sequences([np.array([1], dtype="int8")])[0].dtype == np.int64


def test_leaving_a_prefetched_epoch_leaves_no_thread():
    before = threading.active_count()
    for batch in prefetch(DataLoader(FIVE, 2)):
        assert len(batch) == 2
        break
    assert threading.active_count() == before


def test_prefetching_gives_what_the_loader_gives():
    loaders = [DataLoader(FIVE, 2, shuffle=True, rng=0) for _ in range(2)]
    for _ in range(3):
        plain, ahead = loaders[0], prefetch(loaders[1])
        for (x, y), (u, v) in zip(plain, ahead, strict=True):
            assert (x == u).all() and (y == v).all()


@pytest.mark.parametrize("seed", range(10))
def test_what_the_lesson_says_about_orders_and_places_holds_for_other_seeds(seed):
    images, labels = digits()
    rng = np.random.default_rng(seed)
    train, test = stratified_split(ArrayDataset(images / 16, labels), labels, rng=seed)
    (x, y), (new, truth) = train[:], test[:]

    def score(x, y, order):
        pieces = [(x[k], y[k]) for k in np.split(order, range(64, len(order), 64))]
        return np.mean(read(perceptron(pieces), new) == truth)

    in_order, shuffled = np.argsort(y, kind="stable"), rng.permutation(len(y))
    assert score(x, y, in_order) < 0.85 < score(x, y, shuffled)
    assert score(x, rng.permutation(y), shuffled) < 0.25
    moved = np.roll(new, 1, axis=2)
    shift = RandomShift(1, rng=seed)
    more = np.concatenate([x, shift(x), shift(x), shift(x)])
    assert np.mean(nearest(x, y, new) == truth) > 0.97
    assert np.mean(nearest(x, y, moved) == truth) < 0.8
    assert np.mean(nearest(more, np.tile(y, 4), moved) == truth) > 0.94


def test_shuffling_once_would_do_for_a_perceptron():
    images, labels = digits()
    found = []
    for seed in range(10):
        train, test = split(ArrayDataset(images / 16, labels), rng=seed)
        loaders = DataLoader(train, 64, shuffle=True, rng=seed), DataLoader(train, 64)
        new, truth = test[:]
        found.append([np.mean(read(perceptron(loader), new) == truth) for loader in loaders])
    anew, once = np.mean(found, axis=0)
    assert abs(anew - once) < 0.02 and min(anew, once) > 0.9


def test_hands_come_one_after_the_other_in_the_file_of_digits():
    images, labels = digits()
    text = "".join(map(str, labels))
    starts = [found.start() for found in re.finditer("01234567890123456789", text)]
    assert len(starts) >= 12 and np.median(np.diff(starts)) == 130
    flat = images.reshape(1797, 64)
    distances = (flat**2).sum(axis=1) - 2 * flat @ flat.T
    np.fill_diagonal(distances, np.inf)
    away = np.abs(distances.argmin(axis=1) - np.arange(1797))
    assert np.mean(away < 100) > 0.5  # by chance 0.11


def test_the_deviation_of_equal_numbers_need_not_be_zero():
    assert 0 < np.full((1000, 2), 0.1, dtype="float32").std(axis=0).max() < 1e-5


def test_nothing_but_module_1_is_needed(tmp_path):
    library = Path(tinytorch.__file__).parent
    others = [f.name for f in (library / "core").glob("[!_]*.py")]
    keep = {"tensor.py", "dataloader.py"}
    leave_out = shutil.ignore_patterns(*(name for name in others if name not in keep))
    shutil.copytree(library, tmp_path / "tinytorch", ignore=leave_out)
    program = (
        "import numpy as np; from tinytorch.core.dataloader import DataLoader; "
        "print(*next(iter(DataLoader([(np.ones(1), 2)], 1))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout == "Tensor([[1.]], dtype=float64) [2]\n", done.stderr


def test_the_nearest_of_equally_near_examples_is_the_first():
    assert nearest([[0.0], [2.0], [0.0]], np.array([5, 6, 7]), [[1.0], [0.0]]).tolist() == [5, 5]


def test_a_perceptron_without_batches_has_no_templates():
    assert perceptron([], classes=3).shape == (0, 3)


EPOCH = """
import time
from tinytorch.core.dataloader import DataLoader
loader = DataLoader([(1.0,)] * 12, 1, progress=True)
for _ in loader:
    time.sleep(0.02)
print("done", len(list(DataLoader([(1.0,)], 1, progress=True))))
"""


def in_a_process(program: str, **streams) -> subprocess.CompletedProcess:
    """A program in a process of its own that finds this library."""
    environment = os.environ | {"PYTHONPATH": str(Path(tinytorch.__file__).parents[1])}
    return subprocess.run([sys.executable, "-c", program], env=environment, **streams)


def test_nothing_is_shown_where_nobody_looks():
    done = in_a_process(EPOCH, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done 1\n", "")


def in_a_terminal(program: str) -> tuple[str, str]:
    """What a program prints, and what it shows in a terminal."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    ours, theirs = pty.openpty()
    done = in_a_process(program, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    return done.stdout, shown


@pytest.mark.parametrize("without_rich", [False, True])
def test_a_terminal_shows_how_far_an_epoch_is(without_rich):
    program = "import sys; sys.modules['rich'] = None\n" if without_rich else ""
    printed, shown = in_a_terminal(program + EPOCH)
    assert printed == "done 1\n"
    assert ("12 of 12 batches" if without_rich else "12/12") in shown


def test_loops_in_loops_show_their_progress_and_end():
    program = EPOCH + "print([len(list(loader)) for _ in DataLoader([(1,)] * 2, 1, progress=True)])"
    assert in_a_terminal(program)[0] == "done 1\n[12, 12]\n"


def test_a_notebook_shows_one_line():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(EPOCH)])
    root = str(Path(tinytorch.__file__).parents[1])
    nbclient.NotebookClient(nb, resources={"metadata": {"path": root}}).execute()
    shown = [out["data"]["text/plain"] for out in nb.cells[0].outputs if "data" in out]
    assert [text.partition(",")[0] for text in shown] == ["12 of 12 batches", "1 of 1 batches"]
    assert not any(out.get("name") == "stderr" for out in nb.cells[0].outputs)
