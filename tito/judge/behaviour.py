"""What an exercise does where it is wrong: enough to know a mistake again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tito.judge import observer
from tito.judge.asking import Answers
from tito.judge.observations import Observation
from tito.judge.pack import Pack
from tito.judge.variants import Variant, ask_variants

MOST_BYTES = 300_000  # of the answers of one exercise that are kept
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")  # of an object in memory, another one each time


@dataclass(frozen=True)
class Behaviour:
    """What came instead of the reference's answers, by the names of the observations that failed.

    Attributes
    ----------
    answers : dict
        What was answered.
    raised : dict
        What was raised instead of an answer.
    """

    answers: Mapping[str, object]
    raised: Mapping[str, str]

    @property
    def failed(self) -> list[str]:
        """The names of the observations that failed."""
        return [*self.answers, *self.raised]

    def equals(self, other: Behaviour, observations: Mapping[str, Observation]) -> bool:
        """Whether another one fails the same observations, each with the same answer.

        Parameters
        ----------
        other : Behaviour
            To the same inputs.
        observations : dict
            Those of the exercise by their names; they know when answers are the same.
        """
        if self.raised != other.raised or self.answers.keys() != other.answers.keys():
            return False
        return all(
            _is_same(observations[name], answer, other.answers[name])
            for name, answer in self.answers.items()
        )

    def as_data(self) -> dict | None:
        """The behaviour as what JSON can hold; None if there is too much of it."""
        try:
            answers = observer.encode(dict(self.answers), [MOST_BYTES])
        except ValueError:
            return None
        return {"answers": answers, "raised": dict(self.raised)}

    @classmethod
    def from_data(cls, data: dict) -> Behaviour:
        """The inverse of `as_data`."""
        return cls(observer.decode(data["answers"]), data["raised"])


def _is_same(observation: Observation, ours, theirs) -> bool:
    try:
        return not observation.fault_of(ours, theirs)
    except Exception:  # whatever a strange answer leads to
        return False


def observations_of(pack: Pack, exercise: str) -> dict[str, Observation]:
    """The observations of an exercise, by their names."""
    steps = (step for step in pack.program if isinstance(step, Observation))
    return {step.name: step for step in steps if step.exercise == exercise}


def behave_alike(
    pack: Pack, exercise: str, ours: Behaviour | None, theirs: Behaviour | None
) -> bool:
    """Whether two wrong solutions of an exercise behave alike, as far as both are known."""
    if not (ours and theirs and ours.failed):
        return False
    return ours.equals(theirs, observations_of(pack, exercise))


def behaviour_of(pack: Pack, failing: Iterable[int], answers: Answers) -> Behaviour | None:
    """The behaviour of an exercise; None if it is not known for all of what failed.

    Parameters
    ----------
    pack : Pack
        The module.
    failing : iterable of int
        The places in the program of the observations that failed.
    answers : Answers
        What came.
    """
    names = {n: pack.program[n].name for n in failing}
    if not all(n in answers.answers or n in answers.raised for n in names):
        return None
    return Behaviour(
        {name: answers.answers[n] for n, name in names.items() if n in answers.answers},
        {
            name: ADDRESS.sub("0x…", answers.raised[n])
            for n, name in names.items()
            if n not in answers.answers
        },
    )


def behaviours_of(pack: Pack, variants: Sequence[Variant], seed: int) -> list[Behaviour | None]:
    """How variants of the course's own behave, where they differ from the reference.

    The parameters are those of `tito.judge.variants.ask_variants`.
    """
    sources = {cell.name: cell.source for cell in pack.reference}
    right = [Variant(name, sources[name]) for name in dict.fromkeys(v.exercise for v in variants)]
    found = ask_variants(pack, [*right, *variants], seed)
    expected = {v.exercise: got.answers for v, got in zip(right, found, strict=False)}
    return [
        behaviour_of(pack, wrong_places(pack, v.exercise, answers, expected[v.exercise]), answers)
        for v, answers in zip(variants, found[len(right) :], strict=True)
    ]


def wrong_places(
    pack: Pack, exercise: str, got: Answers, expected: Mapping[int, object]
) -> list[int]:
    """Where in the program an exercise's answers are not the reference's."""
    return [
        n
        for n, step in enumerate(pack.program)
        if isinstance(step, Observation)
        and step.exercise == exercise
        and not (n in got.answers and _is_same(step, got.answers[n], expected.get(n)))
    ]
