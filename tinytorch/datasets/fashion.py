"""Fashion-MNIST, where it is installed: too large to lie here."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

INSTALLED = Path("/usr/share/datasets/fashion-mnist")
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def fashion(path: str | Path | None = None) -> tuple[np.ndarray, ...]:
    """70,000 grey images of clothes, 28 by 28 pixels, if they are on this computer.

    Parameters
    ----------
    path : str or Path, optional
        The folder with the four files, or one above it; by default where Debian and Ubuntu put
        them.

    Returns
    -------
    images : ndarray of shape (60000, 28, 28), uint8
        To learn from; 0 is empty, 255 full.
    labels : ndarray of shape (60000,), int64
        T-shirt, trousers, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot: 0 to 9.
    test_images, test_labels : ndarray
        10,000 more, to test with.

    Raises
    ------
    FileNotFoundError
        If a file is missing; says how to get it.
    ValueError
        If a file is not what its name says.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf (2017), "Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms"; MIT licence.
    """
    folder = Path(path) if path is not None else INSTALLED
    images, labels, test_images, test_labels = (_read(_find(folder, name)) for name in FILES)
    return images, labels.astype(np.int64), test_images, test_labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    """A file of a name in a folder or below it, packed or not."""
    found = [*folder.rglob(name), *folder.rglob(f"{name}.gz")]
    if not found:
        raise FileNotFoundError(
            f"there is no {name} in {folder}; on Debian and Ubuntu, apt install "
            "dataset-fashion-mnist puts it there; elsewhere get the four files from "
            "https://github.com/zalandoresearch/fashion-mnist and pass their folder as path"
        )
    return found[0]


def _read(file: Path) -> np.ndarray:
    """What is in a file of the idx format: bytes, with the length of each axis before them."""
    data = file.read_bytes()
    try:
        data = gzip.decompress(data) if file.suffix == ".gz" else data
        if data[:3] != b"\0\0\x08":
            raise ValueError("it does not begin as one")
        start = 4 + 4 * data[3]
        shape = np.frombuffer(data[4:start], dtype=">i4")
        return np.frombuffer(data[start:], dtype=np.uint8).reshape(shape).copy()
    except (EOFError, OSError, ValueError) as error:
        raise ValueError(f"{file} is no whole idx file of bytes ({error}); get it again") from None
