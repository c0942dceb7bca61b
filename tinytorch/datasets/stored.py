"""The data sets that lie beside this file, and networks that were trained on some."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Real handwritten digits: 1,797 images of 8 by 8 pixels, written by 13 people.

    Returns
    -------
    images : ndarray of shape (1797, 8, 8), float32
        How much ink each pixel has, a whole number from 0 to 16. Divide by 16 before a network
        learns from them.
    labels : ndarray of shape (1797,), int64
        The digit that each image shows, 0 to 9; 174 to 183 of each.

    Notes
    -----
    A split by chance puts images of each writer into both parts. That is easier than the split
    of the source, where nobody wrote for both.

    References
    ----------
    E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49; its test part.

    Examples
    --------
    >>> images, labels = digits()
    >>> images.shape, labels[:5].tolist()
    ((1797, 8, 8), [0, 1, 2, 3, 4])
    """
    with np.load(HERE / "digits.npz", allow_pickle=False) as file:
        return file["images"].astype(np.float32), file["labels"].astype(np.int64)


def names() -> list[str]:
    """First names in the United States in 1990: 5,163 of them, in the order of the alphabet.

    Returns
    -------
    list of str
        Each of 2 to 11 letters from a to z, in small letters.

    References
    ----------
    United States Census Bureau, "Frequently Occurring Surnames from Census 1990": its files
    dist.female.first and dist.male.first, joined.

    Examples
    --------
    >>> names()[:3]
    ['aaron', 'abbey', 'abbie']
    """
    return (HERE / "names.txt").read_text(encoding="ascii").split()


def trained(name: str) -> dict[str, np.ndarray]:
    """The weights of a network that somebody has trained, by name, as `state_dict` gives them.

    Parameters
    ----------
    name : str
        ``"digits"`` for a network with layers of 64, 24, 16 and 10, trained on the first 1,437
        images of `digits`, divided by 16; or ``"spirals"`` for one of 2, 16, 16 and 2, trained on
        1,000 points of `spirals`. Both have a ReLU between their layers, and a score for each
        class at the end.

    Returns
    -------
    dict of str to ndarray, float32
        The weights, of shape (inputs, outputs), and the bias of each layer, the first one first:
        ``"layers.0.weights"``, ``"layers.0.bias"``, ``"layers.2.weights"``, and so on.

    Raises
    ------
    ValueError
        If there are no weights of that name.

    Examples
    --------
    >>> {name: array.shape for name, array in trained("spirals").items() if "bias" in name}
    {'layers.0.bias': (16,), 'layers.2.bias': (16,), 'layers.4.bias': (2,)}
    """
    if name not in ("digits", "spirals"):
        raise ValueError(f"there are no weights called {name!r}; write 'digits' or 'spirals'")
    with np.load(HERE / f"trained_{name}.npz", allow_pickle=False) as file:
        return dict(file)
