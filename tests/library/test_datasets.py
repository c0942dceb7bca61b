"""The data sets: what they hold, what their sources say of them, and what they refuse."""

import gzip
import inspect
import itertools
import struct

import numpy as np
import pytest
from conftest import ROOT

import tinytorch
from tinytorch import datasets
from tinytorch.datasets import (
    blobs,
    brackets,
    digits,
    fashion,
    moons,
    names,
    place,
    spirals,
    trained,
)

FOLDER = ROOT / "tinytorch" / "datasets"


def test_the_digits_are_those_of_the_source():
    images, labels = digits()
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.float32)
    assert (labels.shape, labels.dtype) == ((1797,), np.int64)
    assert set(np.unique(images)) == set(range(17))
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_the_digits_are_those_of_scikit_learn():
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = digits()
    assert np.array_equal(images, theirs.images) and np.array_equal(labels, theirs.target)


def test_whoever_changes_the_digits_changes_a_copy():
    digits()[0][:] = 0
    assert digits()[0].any()


def test_the_names_are_lower_case_sorted_and_each_there_once():
    found = names()
    assert len(found) == 5163 and found == sorted(set(found))
    assert all(name.isascii() and name.isalpha() and name.islower() for name in found)
    assert {"mary", "james", "aaron", "zulma"} <= set(found)
    assert {len(name) for name in found} == set(range(2, 12))


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: moons(7, rng=rng),
        lambda rng: spirals(7, rng=rng),
        lambda rng: blobs(7, rng=rng),
        lambda rng: brackets(7, rng=rng),
        lambda rng: (place(digits()[0][:7], rng), ()),
    ],
    ids=["moons", "spirals", "blobs", "brackets", "place"],
)
def test_a_seed_repeats_and_a_generator_goes_on(make):
    def same(a, b):
        return np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])

    rng = np.random.default_rng(3)
    first, second = make(rng), make(rng)
    assert same(make(3), first) and not same(first, second)
    assert not same(make(None), make(None))


@pytest.mark.parametrize(("make", "classes"), [(moons, 2), (spirals, 2), (blobs, 3)])
def test_points_have_the_shapes_and_classes_that_are_said(make, classes):
    points, labels = make(10, rng=0)
    assert (points.shape, points.dtype, labels.dtype) == ((10, 2), np.float32, np.int64)
    assert labels.tolist() == [n % classes for n in range(10)]
    assert make(1, rng=0)[0].shape == (1, 2)


def test_points_on_a_spiral_turn_with_their_radius():
    points, labels = spirals(300, noise=0, turns=2, classes=3, rng=0)
    radius = np.hypot(*points.T)
    turned = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
    assert radius.max() <= 1 and 0.4 < np.median(radius) < 0.9
    away = turned - 2 * radius - labels / 3
    assert np.allclose(away, np.round(away), atol=1e-4)


def test_points_on_moons_have_distance_1_from_their_middle():
    points, labels = moons(100, noise=0, rng=0)
    middle = labels[:, None] * [1.0, 0.5]
    assert np.allclose(np.hypot(*(points - middle).T), 1, atol=1e-5)
    assert (points[labels == 0, 1] >= 0).all() and (points[labels == 1, 1] <= 0.5).all()


def test_heaps_lie_around_their_centres_in_any_number_of_coordinates():
    points, labels = blobs(4000, classes=2, features=5, spread=0.5, rng=1)
    assert points.shape == (4000, 5)
    heaps = [points[labels == k] for k in (0, 1)]
    assert all(np.allclose(heap.std(axis=0), 0.5, atol=0.05) for heap in heaps)
    assert np.abs(heaps[0].mean(axis=0) - heaps[1].mean(axis=0)).max() > 1


def test_placed_images_are_whole_and_get_to_every_corner():
    images = np.arange(1.0, 7).reshape(1, 2, 3).repeat(500, axis=0)
    placed = place(images, 0, size=4)
    assert (placed.shape, placed.dtype) == ((500, 4, 4), images.dtype)
    corners = set()
    for image in placed:
        row, column = np.argwhere(image == 1)[0]
        assert np.array_equal(image[row : row + 2, column : column + 3], images[0])
        assert image.sum() == 21
        corners.add((int(row), int(column)))
    assert corners == {(row, column) for row in range(3) for column in range(2)}
    assert place(images, 0, size=3).shape == (500, 3, 3)


def test_every_bracket_is_closed_by_one_of_its_kind_inside_those_around_it():
    strings, partners = brackets(200, 12, rng=0)
    assert partners.shape == (200, 12) and partners.dtype == np.int64
    for text, row in zip(strings, partners, strict=True):
        open_ones = []
        for n, letter in enumerate(text):
            if letter in "([":
                open_ones.append(n)
            else:
                start = open_ones.pop()
                assert text[start] + letter in ("()", "[]")
                assert (row[start], row[n]) == (n, start)
        assert not open_ones
    assert len(set(strings)) > 190


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: moons(0), "count is 0; it has to be at least 1"),
        (lambda: spirals(-1), "count is -1; it has to be at least 1"),
        (lambda: spirals(5, classes=0), "classes is 0; it has to be at least 1"),
        (lambda: blobs(0), "count is 0"),
        (lambda: blobs(5, classes=0), "classes is 0"),
        (lambda: blobs(5, features=0), "features is 0"),
        (lambda: brackets(0), "count is 0"),
        (lambda: brackets(5, 0), "length is 0; it has to be at least 2"),
        (lambda: brackets(5, 7), "length is 7, an odd number"),
        (lambda: place(np.ones((5, 64))), r"shape \(5, 64\) were given; needed are three axes"),
        (lambda: place(np.ones((5, 8, 9)), size=8), "8 by 9 do not fit on 8 by 8"),
        (lambda: place(np.ones((5, 9, 8)), size=8), "9 by 8 do not fit on 8 by 8"),
        (lambda: trained("../names"), "no weights called '../names'; write 'digits' or 'spirals'"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("name", "sizes"), [("digits", [64, 24, 16, 10]), ("spirals", [2, 16, 16, 2])]
)
def test_trained_weights_are_those_of_the_layers_that_are_said(name, sizes):
    found = {key: (array.shape, array.dtype) for key, array in trained(name).items()}
    wanted = {}
    for n, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        wanted[f"layers.{2 * n}.weights"] = ((inputs, outputs), np.float32)
        wanted[f"layers.{2 * n}.bias"] = ((outputs,), np.float32)
    assert found == wanted and list(found) == list(wanted)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_fashion(folder, packed: bool) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"train-images-idx3": (5, 28, 28), "train-labels-idx1": (5,)}
    shapes |= {"t10k-images-idx3": (3, 28, 28), "t10k-labels-idx1": (3,)}
    arrays = [rng.integers(0, 10, size=shape, dtype=np.uint8) for shape in shapes.values()]
    for name, array in zip(shapes, arrays, strict=True):
        data, end = (gzip.compress(idx(array)), ".gz") if packed else (idx(array), "")
        (folder / f"{name}-ubyte{end}").write_bytes(data)
    return arrays


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "unpacked"])
def test_fashion_is_read_where_it_lies(tmp_path, packed):
    (tmp_path / "below").mkdir()
    written = write_fashion(tmp_path / "below", packed)
    found = fashion(tmp_path)
    assert [str(a.dtype) for a in found] == ["uint8", "int64", "uint8", "int64"]
    assert all(np.array_equal(a, b) for a, b in zip(found, written, strict=True))


def test_fashion_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="apt install dataset-fashion-mnist"):
        fashion(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", [b"", b"\0\0\x0d\x01", idx(np.zeros(5, np.uint8))[:-2]])
def test_a_damaged_file_of_fashion_is_named(tmp_path, damage):
    write_fashion(tmp_path, packed=False)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(damage)
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte is no whole idx file"):
        fashion(tmp_path)


def test_a_half_downloaded_file_of_fashion_is_named(tmp_path):
    write_fashion(tmp_path, packed=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is no whole idx file"):
        fashion(tmp_path)


def test_the_data_is_small_and_each_file_has_its_licence_and_source():
    data = [p for p in FOLDER.iterdir() if p.suffix in (".npz", ".txt")]
    assert sum(p.stat().st_size for p in data) < 110_000
    licences = (FOLDER / "LICENCES.md").read_text("utf-8")
    assert data and all(f"`{p.name}`" in licences for p in data)
    assert "Attribution 4.0" in licences and "public domain" in licences


def test_every_data_set_says_what_it_gives():
    assert tinytorch.datasets is datasets
    for name in datasets.__all__:
        made = getattr(datasets, name)
        assert "Returns\n" in made.__doc__, name
        parameters = inspect.signature(made).parameters
        assert all(f"{parameter} :" in made.__doc__ for parameter in parameters), name
