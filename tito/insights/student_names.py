"""Students by name, or without: then each is a number, drawn anew for each page."""

from __future__ import annotations

import io
import random
import re
import tokenize
from collections.abc import Iterable

from tito.course import Course
from tito.grading.gradebook import gradebook
from tito.grading.roster import FACTS, people_in

LONGEST_CODE = 4_000  # characters that are shown of a cell
MOST_LINES = 80
SHORTEST_NAME = 2  # letters; one letter is in every word
HIDDEN = "[name]"


class Names:
    """What students are called on a page, and code as it is shown there."""

    def of(self, student: str) -> str:
        """What a student is called."""
        return student

    def code(self, text: str) -> str:
        """A cell's text: not too long, and without characters that hide what it says."""
        lines = text.expandtabs(4).split("\n")
        short = "\n".join(lines[:MOST_LINES])[:LONGEST_CODE]
        clean = "".join(c if c == "\n" or c.isprintable() else "�" for c in short)
        return clean if len(short) == len(text.expandtabs(4)) else f"{clean}\n…"

    def text(self, said: str) -> str:
        """A text that may name somebody."""
        return said


class Anonymous(Names):
    """Numbers for students, drawn at random, and no names in comments and texts of code."""

    def __init__(self, students: Iterable[str], others: Iterable[str] = ()):
        drawn = sorted(set(students))
        random.SystemRandom().shuffle(drawn)
        self.numbers = {student: f"student {n}" for n, student in enumerate(drawn, 1)}
        known = {*self.numbers, *others}
        words = sorted((re.escape(w) for w in known if len(w) >= SHORTEST_NAME), key=len)
        self.names = re.compile(rf"(?<!\w)(?:{'|'.join(words[::-1])})(?!\w)", re.I)
        self.has_names = bool(words)

    def of(self, student: str) -> str:
        return self.numbers.get(student, "a student")

    def text(self, said: str) -> str:
        return self.names.sub(HIDDEN, said) if self.has_names else said

    def code(self, text: str) -> str:
        return super().code(_with_comments(text, self.text))


def _with_comments(text: str, change) -> str:
    """A program with its comments and texts changed; all of what is no program."""
    places = [0]
    for line in text.splitlines(keepends=True):
        places.append(places[-1] + len(line))
    parts, end = [], 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in SAID:
                begin = places[token.start[0] - 1] + token.start[1]
                parts += [text[end:begin], change(token.string)]
                end = begin + len(token.string)
    except (tokenize.TokenError, SyntaxError, ValueError, IndexError):
        return change(text)
    return "".join([*parts, text[end:]])


SAID = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def anonymous(course: Course) -> Anonymous:
    """Numbers for everybody whom the course knows."""
    with gradebook(course) as book:
        people = people_in(book)
    folders = {path.name for path in (course.root / "submitted").glob("*/")}
    facts = [[getattr(one, fact) for fact in FACTS] for one in people]
    words = {word for some in facts for fact in some for word in (fact, *fact.split()) if word}
    return Anonymous({*folders, *(one.id for one in people)}, words)
