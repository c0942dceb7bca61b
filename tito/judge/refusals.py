"""What a student is told of an exception that came while hidden tests were made.

Whoever wrote the module under test can read the text of a hidden test there, or the reference of an
earlier module, and raise it, in any encoding. So an exception is told by its type alone, and by its
sentence where that is one of the course's own: then nothing is in it that was not published.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tito.syntax import parse

Told = Callable[[dict], str]

LONGEST = 500  # characters of a sentence
SHORTEST = 12  # characters of a sentence that are its own, and not put into it
MOST_DIMENSIONS = 6  # of an array whose shape is told
PUT_IN = "…"  # in the place of what is
UNKNOWN = "an error of its own"
TYPES = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
NOT_DONE = "it is not done yet"


def in_full(raised: dict) -> str:
    """An exception of the course's own code, with its message."""
    kind, text = str(raised.get("type")), str(raised.get("text"))
    if kind == "NotImplementedError" and not text:
        return NOT_DONE
    return f"{kind}: {text}" if text else kind


def without_texts(answer, expected):
    """A wrong answer as a student may see it again: numbers, and no text that could be anything.

    Parameters
    ----------
    answer, expected : number, ndarray, str, None, or list or dict of these
        What came, and what the reference gave; what stands in that, or is the name of an exception,
        is kept.
    """
    known = TYPES | {"nothing"} | set(_texts(expected))
    return _without(answer, known)


def _texts(value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else _items(value):
        yield from _texts(item)


def _items(value) -> list:
    return list(value) if isinstance(value, (list, tuple)) else []


def _without(answer, known: set[str]):
    if isinstance(answer, str):
        return answer if answer in known else "another text"
    if isinstance(answer, dict):
        return {_without(key, known): _without(item, known) for key, item in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [_without(item, known) for item in answer]
    if isinstance(answer, np.ndarray) and answer.ndim > MOST_DIMENSIONS:
        return f"an array of {answer.ndim} dimensions"
    return answer


class Refusals:
    """The sentences in which the course refuses something.

    Parameters
    ----------
    texts : iterable of str
        The sources that may be at work beside the module under test, and its reference.
    """

    def __init__(self, texts: Iterable[str]):
        self.sentences = {
            parts: None
            for text in texts
            for parts in _sentences(parse(text))
            if sum(map(len, parts)) >= SHORTEST
        }

    def told(self, raised: dict) -> str:
        """An exception of a student's module: its type, and a sentence that is the course's.

        Parameters
        ----------
        raised : dict
            From the process: ``type``, ``text``, and ``line`` of the cell that could not be loaded.
        """
        kind, text = raised.get("type"), raised.get("text")
        if kind == "NotImplementedError" and not text:
            return NOT_DONE
        said = kind if isinstance(kind, str) and kind in TYPES else UNKNOWN
        line = raised.get("line")
        where = f" in line {line}" if type(line) is int and 0 < line < 10_000 else ""
        sentence = self._sentence(text) if isinstance(text, str) else ""
        return f"{said}{where}: {sentence}" if sentence else f"{said}{where}"

    def _sentence(self, text: str) -> str:
        """The sentence of the course that a text is, without what was put into it."""
        text = " ".join(text[:LONGEST].split())
        for parts in self.sentences:
            if _fits(parts, text):
                return " ".join(PUT_IN.join(parts).split())
        return ""


def _sentences(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """The texts that are raised, or kept under a name to be raised, each cut where something is
    put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            values = node.exc.args
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            values = [node.value]
        else:
            continue
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield (value.value,)
            elif isinstance(value, ast.JoinedStr):
                yield tuple(_parts(value))


def _parts(text: ast.JoinedStr) -> list[str]:
    parts = [""]
    for value in text.values:
        if isinstance(value, ast.Constant):
            parts[-1] += str(value.value)
        else:
            parts.append("")
    return parts


def _fits(parts: tuple[str, ...], text: str) -> bool:
    """Whether a text is a sentence with something in each of its gaps."""
    first, *others = [" ".join(part.split()) for part in parts]
    if not text.startswith(first) or (not others and text != first):
        return False
    place = len(first)
    for part in others[:-1]:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return not others or text[place:].endswith(others[-1])
