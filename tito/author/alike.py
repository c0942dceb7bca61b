"""Answers that say the same: equal but for case, spaces, punctuation, articles and slips of a key.

Words that decide (numbers, signs, "not", a longer or another word) are never taken for the same,
so that a mark for one answer of a group is right for all of it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

TOKEN = re.compile(r"\.?\w+(?:[.,'’]\w+)*|[^\w\s.,;:?\"'`’“”]+")
BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.S)
ARTICLES = {"a", "an", "the"}
SHORTEST_SLIP = 6  # letters of a word in which one may be wrong
LONGEST_COMPARED = 400  # words of an answer in which slips are looked for

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Group(Generic[Key]):
    """Answers that say the same.

    Attributes
    ----------
    name : str
        Five letters and digits made of the text: they stay when others hand in.
    text : str
        The text that most of them have.
    members : dict
        The text of each, by whose it is.
    """

    name: str
    text: str
    members: dict[Key, str]


def words_of(text: str) -> tuple[str, ...]:
    """What counts in an answer: its words without case, its numbers and its signs."""
    found = TOKEN.findall(BOLD.sub(r"\2", text))
    words = (word.casefold() if len(word) > 1 else word for word in found)
    return tuple(word.replace("’", "'") for word in words if word.casefold() not in ARTICLES)


def say_the_same(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether two answers have the same words, but for slips of a key."""
    if ours == theirs:
        return True
    if len(ours) != len(theirs) or len(ours) > LONGEST_COMPARED:
        return False
    return all(a == b or _is_slip(a, b) for a, b in zip(ours, theirs, strict=True))


def _is_slip(a: str, b: str) -> bool:
    """Whether a long word is another with one letter wrong, left out, added, or two exchanged."""
    short, long = sorted((a, b), key=len)
    if len(short) < SHORTEST_SLIP or not (short.isalpha() and long.isalpha()):
        return False
    if short[0] != long[0] or len(long) - len(short) > 1:
        return False
    n = next((n for n, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    if len(short) < len(long):
        return short[n:] == long[n + 1 :]
    exchanged = short[n : n + 2] == long[n : n + 2][::-1] and short[n + 2 :] == long[n + 2 :]
    return exchanged or short[n + 1 :] == long[n + 1 :]


def groups(answers: dict[Key, str]) -> list[Group[Key]]:
    """Put answers that say the same together, the largest group first.

    Parameters
    ----------
    answers : dict
        The text of each, by whose it is.
    """
    words = {key: words_of(text) for key, text in answers.items()}
    counts = Counter(words.values())
    heads: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for one in sorted(counts, key=lambda one: (-counts[one], one)):
        head = next((head for head in heads if say_the_same(head, one)), one)
        heads.setdefault(head, []).append(one)
    found = [_group(head, set(same), words, answers) for head, same in heads.items()]
    return sorted(found, key=lambda group: (-len(group.members), group.text))


def _group(head: tuple[str, ...], same: set, words: dict, answers: dict) -> Group:
    members = {key: text for key, text in answers.items() if words[key] in same}
    texts = Counter(text for key, text in members.items() if words[key] == head)
    text = min(texts, key=lambda text: (-texts[text], text))
    name = hashlib.sha256(" ".join(head).encode()).hexdigest()[:5]
    return Group(name, text, members)
