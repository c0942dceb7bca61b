"""Mistakes that have a name, and how each behaves with the inputs of a run of grading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tito.course import Module
from tito.errors import SourceError
from tito.files import write_atomically
from tito.grading.ledger import Ledger
from tito.judge.behaviour import (
    Behaviour,
    behaviour_of,
    behaviours_of,
    wrong_places,
)
from tito.judge.pack import Pack
from tito.judge.variants import Variant, ask_alone, ask_variants
from tito.source.catalogue import read_catalogue

NAMED = Path("source") / "named_mistakes.json"  # in no assignment's folder: students get those


@dataclass(frozen=True)
class Known:
    """A mistake that has a name.

    Attributes
    ----------
    name, exercise, says : str
        A few words joined by hyphens; where it is made; and a sentence.
    source : str
        The text of the exercise's cell with the mistake in it.
    forms : tuple of str
        Of a mistake that the instructor named: what identifies the code of those who made it.
    """

    name: str
    exercise: str
    says: str
    source: str
    forms: tuple[str, ...] = ()

    @property
    def variant(self) -> Variant:
        """What is to be observed."""
        return Variant(self.exercise, self.source)


def catalogued(module: Module, pack: Pack) -> list[Known]:
    """The mistakes of the module's catalogue, in its order."""
    sources = {cell.name: cell.source for cell in pack.cells if cell.role == "exercise"}
    return [
        Known(m.name, m.exercise, m.says, m.made_in(sources[m.exercise]))
        for m in read_catalogue(module, pack.cells).mistakes
    ]


def named(module: Module) -> list[Known]:
    """The mistakes that the instructor named, in this class and in those before.

    Raises
    ------
    SourceError
        If the file that holds them is damaged.
    """
    entries = _all_named(module).get(module.folder, [])
    try:
        return [Known(**(entry | {"forms": tuple(entry["forms"])})) for entry in entries]
    except (TypeError, KeyError):
        raise _damaged(module) from None


def keep_named(module: Module, mistakes: Iterable[Known]) -> None:
    """Write the mistakes that the instructor named."""
    everything = _all_named(module) | {module.folder: [asdict(one) for one in mistakes]}
    text = json.dumps(everything, indent=1, ensure_ascii=False, sort_keys=True)
    write_atomically(module.root / NAMED, text + "\n")


def _all_named(module: Module) -> dict[str, list[dict]]:
    path = module.root / NAMED
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _damaged(module)
    return found


def _damaged(module: Module) -> SourceError:
    return SourceError(
        f"{NAMED} is no list of named mistakes any more; mend it, or move it away: then "
        f"{module.folder} has the names of its catalogue alone"
    )


class Behaviours:
    """How the known mistakes of a module behave, worked out once for each seed and kept.

    Parameters
    ----------
    module : Module
        The module.
    ledger : Ledger
        Where they are kept.
    """

    def __init__(self, module: Module, ledger: Ledger):
        self.pack, self.ledger = Pack.of(module), ledger
        self.catalogue, self.named = catalogued(module, self.pack), named(module)
        self.kept: dict[int, dict[str, dict | None]] = {}

    def known_in(self, exercise: str) -> list[Known]:
        """The known mistakes of an exercise; the most general of equal ones stands first."""
        return [one for one in [*self.catalogue, *self.named] if one.exercise == exercise]

    def learn(self, failed: Mapping[int, Iterable[str]]) -> None:
        """Work out what is not kept yet.

        Parameters
        ----------
        failed : mapping
            The exercises that somebody failed, by the seed of their grading.
        """
        for seed, exercises in failed.items():
            kept, wanted = self._kept(seed), set(exercises)
            new = [
                m.variant
                for m in self.catalogue
                if m.exercise in wanted and _key(m.variant) not in kept
            ]
            for variant, behaviour in zip(new, behaviours_of(self.pack, new, seed), strict=True):
                self._keep(seed, variant, behaviour)
            for mistake in self.named:
                if mistake.exercise in wanted:
                    self.of_untrusted(mistake.variant, seed)

    def of(self, mistake: Known, seed: int) -> Behaviour | None:
        """How a mistake that was learnt behaves."""
        data = self._kept(seed).get(_key(mistake.variant))
        return Behaviour.from_data(data) if data else None

    def of_untrusted(self, variant: Variant, seed: int) -> Behaviour | None:
        """How a text that a student wrote behaves, among the reference's other exercises."""
        key = _key(variant)
        if key not in self._kept(seed):
            right = next(
                cell.source for cell in self.pack.reference if cell.name == variant.exercise
            )
            (expected,) = ask_variants(self.pack, [Variant(variant.exercise, right)], seed)
            got = ask_alone(self.pack, variant, seed)
            failing = wrong_places(self.pack, variant.exercise, got, expected.answers)
            self._keep(seed, variant, behaviour_of(self.pack, failing, got))
        data = self._kept(seed)[key]
        return Behaviour.from_data(data) if data else None

    def _kept(self, seed: int) -> dict[str, dict | None]:
        if seed not in self.kept:
            self.kept[seed] = self.ledger.behaviours(self.pack.digest, seed)
        return self.kept[seed]

    def _keep(self, seed: int, variant: Variant, behaviour: Behaviour | None) -> None:
        data = behaviour and behaviour.as_data()
        self._kept(seed)[_key(variant)] = data
        self.ledger.keep_behaviour(self.pack.digest, seed, _key(variant), data)


def _key(variant: Variant) -> str:
    return hashlib.sha256("\0".join(variant).encode("utf-8", "surrogatepass")).hexdigest()
