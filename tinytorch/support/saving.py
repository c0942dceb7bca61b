"""Files with arrays by name, written whole or not at all, and read without running anything."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tinytorch.core.tensor import Tensor

SHOWN = 4  # names in a message


def array_of(part) -> np.ndarray:
    """A copy of what a Tensor, a Variable, an array or a generator holds, without objects."""
    if isinstance(part, np.random.Generator):
        return np.array(json.dumps(part.bit_generator.state, default=_as_list))
    return np.array(getattr(part, "data", part) if not isinstance(part, np.ndarray) else part)


def _as_list(array) -> list:
    """An array in the state of a generator, for JSON."""
    return np.asarray(array).tolist()


def put(part, array: np.ndarray) -> None:
    """Give a Tensor, a Variable, an array or a generator what `array_of` gave of one like it."""
    if isinstance(part, np.random.Generator):
        part.bit_generator.state = json.loads(str(array))
    elif isinstance(part, np.ndarray):
        part[...] = array
    else:
        own = np.array(array, dtype=part.dtype)
        part.data = Tensor(own) if hasattr(part, "grad_fn") else own


def write_arrays(path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays into an npz file; if that fails, an older file of the name stays as it was.

    Parameters
    ----------
    path : str, Path or binary file
        Where to; the name is used as it is.
    arrays : mapping of str to ndarray
        Without objects.

    Raises
    ------
    OSError
        If there is no room, no such folder, or no leave to write there.
    """
    if hasattr(path, "write"):
        np.savez(path, allow_pickle=False, **arrays)
        return
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(part, "xb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        kept = "the file of that name is as it was" if path.exists() else "no file was made"
        what = f"{path} could not be written, and {kept}: {error.strerror or error}"
        raise OSError(error.errno, what) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)


def read_arrays(path) -> dict[str, np.ndarray]:
    """All arrays of an npz file.

    Raises
    ------
    ValueError
        If it is no such file, is cut off, or holds objects that only running code could make.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile and numpy have a dozen kinds for a file that is damaged
        raise ValueError(
            f"{path} is no whole file of arrays: {error}; save it again, or take an older one"
        ) from error


def refuse_differences(
    found: Mapping[str, object], arrays: Mapping[str, np.ndarray], optimizer=None
) -> None:
    """Refuse arrays that do not fit what they are to be put into; nothing has changed then.

    Of the arrays, only those count whose name begins like one of `found`, up to the first dot, and
    those of an optimizer, if there is one.

    Raises
    ------
    KeyError
        If names are missing or unexpected.
    ValueError
        If a shape or a kind differs.
    """
    groups = {name.partition(".")[0] for name in found} | (
        set() if optimizer is None else {"optimizer"}
    )
    missing = [name for name in (*found, "epoch") if name not in arrays]
    unexpected = [n for n in arrays if n not in found and n.partition(".")[0] in groups]
    if missing or unexpected:
        raise KeyError(
            f"the file does not fit: missing in it {listed(missing)}, unexpected in it "
            f"{listed(unexpected)}; load it into a network and an optimizer of the kind that was "
            "saved, or leave the optimizer out to get the weights alone"
        )
    for name, part in found.items():
        mine = array_of(part)
        theirs = arrays[name]
        if mine.dtype.kind == "U":
            if theirs.dtype.kind != "U" or _kind(mine) != _kind(theirs):
                raise ValueError(f"{name} is a generator of another kind than the one in the file")
        elif mine.shape != theirs.shape:
            raise ValueError(f"{name} has the shape {mine.shape}, and {theirs.shape} in the file")


def listed(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join(names[:SHOWN] + more) or "nothing"


def _kind(text: np.ndarray) -> str:
    """The kind of a generator, of the text that keeps its state."""
    try:
        return json.loads(str(text))["bit_generator"]
    except (ValueError, KeyError, TypeError):
        return ""
