"""Where a step keeps what it changes: arrays, generators and numbers of networks and optimizers."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinytorch.support.asked_types import types_of_examples
from tinytorch.support.recording import ENABLED, is_watched
from tinytorch.support.restoring import (
    is_iterator,
    no_draws,
    no_files,
    nothing_caught,
    refuse_what_is_lost,
    restored,
    unchanged,
)
from tinytorch.support.stand_ins import (
    CannotTrace,
    StandInMethods,
    is_tensor,
    numbers_in,
)
from tinytorch.support.templates import PLAIN, Part, Place, Template, built, nested, replaced
from tinytorch.support.traces import Traces
from tinytorch.support.walking import Slot, Walk, attribute, data_of, element
from tinytorch.support.watching import LEAVES, Before, alike, owner_number, watcher

VALUES = (np.ndarray, float, np.generic, np.random.Generator)  # arguments that a program takes
NOTHING = object()
MOST = 4  # calls that the next one is compared with


# ---- The arguments, and what comes out


def parts_in_order(x, name: str) -> Iterator[tuple[str, Any]]:
    """Whatever is in nested tuples, lists and dictionaries, with names."""
    if type(x) is list or isinstance(x, tuple):
        for i, part in enumerate(x):
            yield from parts_in_order(part, f"{name}_{i}")
    elif type(x) is dict:
        for key, part in x.items():
            yield from parts_in_order(part, f"{name}_{key}")
    else:
        yield name, x


def is_number(x) -> bool:
    """Whether it is a Python number or one of numpy's, and no truth value."""
    if type(x) is np.ndarray or x is None:
        return False
    return type(x) in (int, float) or (isinstance(x, np.generic) and x.dtype.kind in "iuf")


def entry(x):
    """What of a value must be the same for a program to fit: anything but the numbers in arrays."""
    x = x if type(x) is np.ndarray else numbers_in(x)
    if isinstance(x, np.ndarray):
        return (x.shape, x.strides, x.dtype)
    if isinstance(x, np.random.Generator):
        return type(x.bit_generator)
    return (type(x), x if isinstance(x, (str, bytes, np.dtype)) else repr(x))


@contextlib.contextmanager
def traced() -> Iterator[None]:
    """Meanwhile, compiled steps that are called just run: what they refer to may be stood in for.

    The lock of compiled steps lets one thread at a time come here.
    """
    Holders.traces_begun += 1
    try:
        yield
    finally:
        Holders.traces_begun -= 1


class Again(Exception):
    """A number that the step counts with has been found: trace again, with a stand-in for it."""


class Holders:
    """All that a step refers to, looked at before each call.

    Parameters
    ----------
    step : callable
        The function to be compiled.
    things : tuple
        Further networks, optimizers and so on that it changes.
    """

    traces_begun = 0  # and not ended, one inside of the other

    def __init__(self, step: Callable, things: tuple):
        self.step, self.things = step, things
        self.names = parameter_names(step)
        self.counted: set[str] = set()  # numbers that change from call to call
        self.fixed: set[str] = set()  # numbers that must not be stood in for
        self.walk: Walk | None = None
        self.objects: list = []
        self.walks = 0
        self.taken: list[int] = []  # slots whose values some program takes
        self.made: set[int] = set()  # those that some program puts something into
        self.numbers: dict[str, Any] = {}
        self.new_numbers: set[str] = set()
        self.known: dict[Any, int] = {}  # a number for each entry of a key
        self.hasten: Callable | None = None  # what makes a confirmed program run faster
        self.before: list[Before] = []  # the last calls of other kinds, the latest first
        self.traces = Traces()

    @property
    def tracing(self) -> bool:
        """Whether steps run as they are: one is being traced, or somebody watches the engine."""
        return Holders.traces_begun > 0 or is_watched()

    def look(self, arguments: tuple, settings: dict) -> Call:
        """What there is at this moment."""
        for before in self.before:
            own = before.again(arguments, settings)
            if own is not None:
                self.put_first(before)
                return CallAgain(before, arguments, settings, own)
        return self.look_closely(arguments, settings)

    def put_first(self, before: Before) -> None:
        """Compare with a call first from now on, and with the last ones after it."""
        if not self.before or self.before[0] is not before:
            others = [x for x in self.before if x is not before and x.is_valid()]
            self.before = [before, *others[: MOST - 1]]

    def look_closely(self, arguments: tuple, settings: dict) -> Call:
        """The same, whatever has changed."""
        names = [*self.names[: len(arguments)], *settings]
        names += [f"input_{i}" for i in range(len(names), len(arguments) + len(settings))]
        leaves: list[tuple[str, Any]] = []
        for name, x in zip(names, (*arguments, *settings.values()), strict=True):
            if nested(x):
                leaves += parts_in_order(x, name)
            else:
                leaves.append((name, x))
        self.find([(n, x) for n, x in leaves if not (is_tensor(x) or isinstance(x, LEAVES))])
        self.refresh()
        return Call(self, arguments, settings, leaves)

    def find(self, objects: list) -> None:
        """Walk again if objects are others, or not where they were."""
        known = [x for _, x in self.objects]
        same = len(known) == len(objects) and all(
            x is y for (_, x), y in zip(objects, known, strict=True)
        )
        if self.walk is None or not same or not self.walk.is_as_it_was():
            self.objects, self.walks = objects, self.walks + 1
            things = [("", None, x) for x in (self.step, *self.things)]
            self.walk = Walk([*things, *((n, None, x) for n, x in objects)])
            self.taken, self.made = [], set()
            self.forget()

    def forget(self) -> None:
        """Look at every slot anew."""
        assert self.walk is not None
        self.gets = [slot.get for slot in self.walk.slots]
        self.values: list = [NOTHING] * len(self.gets)
        self.layouts: list = [None] * len(self.gets)
        self.entries = [0] * len(self.gets)
        self.part: tuple | None = None
        self.owners: dict[int, int] = {}  # of slots, as far as they have been asked for
        self.apart: set[int] | None = None
        self.kept: dict[int, int] | None = None
        self.watched: tuple[list, Callable] | None = None

    def refresh(self) -> None:
        """Look at the slots whose content is another object than last time."""
        self.new_numbers = set()
        values = self.values
        for i, get in enumerate(self.gets):
            value = get()
            if value is not values[i] or layout(value) != self.layouts[i]:
                self.update(i, value)
        if self.new_numbers:
            self.count_with(self.new_numbers)

    def update(self, i: int, value) -> None:
        """Keep what is in a slot, and what of it belongs to a key."""
        before, self.layouts[i] = self.layouts[i], layout(value)
        self.values[i] = value
        self.kept = None
        self.forget_owner(i)
        if before is not None and before == self.layouts[i]:
            return
        assert self.walk is not None
        name = self.walk.slots[i].name
        number = self.entry_of(name, value)
        if number != self.entries[i]:
            self.entries[i], self.part = number, None
        if is_number(value) and name not in self.counted and name not in self.fixed:
            first = self.numbers.setdefault(name, value)
            if described_number(first) != described_number(value):
                self.new_numbers.add(name)  # a value from now on

    def forget_owner(self, i: int) -> None:
        """What is in a slot has perhaps other memory now."""
        if self.owners.pop(i, None) is not None:
            self.apart = None

    def watch(self) -> Callable[[list], list | None]:
        """What tells what has changed; it is written when a second call is like one before."""
        assert self.walk is not None
        if self.watched is None or self.watched[0] != self.layouts:
            self.watched = self.layouts.copy(), watcher(self.walk, self.layouts)
        return self.watched[1]

    def takes_instead(self, i: int, value) -> bool:
        """Whether a slot may hold this, laid out as before, so that all programs fit."""
        if self.layouts[i] is not None:
            return type(value) is np.ndarray
        before = self.values[i]
        assert self.walk is not None
        counts = type(value) is type(before) and is_number(value)
        return counts and self.walk.slots[i].name in self.counted

    def arrays_kept(self) -> dict[int, int]:
        """The first slot of each array, by what tells it from others; not of what programs make."""
        if self.kept is None:
            self.kept = {}
            for i, x in enumerate(self.values):
                if isinstance(x, np.ndarray) and i not in self.made:
                    self.kept.setdefault(id(x), i)
        return self.kept

    def count_with(self, names: set[str]) -> None:
        """Take numbers as values of the program from now on."""
        self.counted |= names
        self.values = [NOTHING] * len(self.gets)
        self.layouts = [None] * len(self.gets)
        new, self.new_numbers = self.new_numbers, set()
        self.refresh()
        self.new_numbers = new

    def entry_of(self, name: str, value, may_count: bool = True) -> int:
        """A whole number for all that must be the same of a value for a program to fit."""
        counts = may_count and name in self.counted and is_number(value)
        found = type(value) if counts else entry(value)
        return self.known.setdefault(found, len(self.known) + 1)

    def owner(self, i: int) -> int:
        """What tells the memory of what is in a slot."""
        if i not in self.owners:
            self.owners[i] = owner_number(self.values[i], i)
        return self.owners[i]

    def stands_in(self, slot: Slot, value) -> bool:
        """Whether the program takes what a slot holds as a value, and not as it is."""
        if isinstance(value, (np.ndarray, np.random.Generator)):
            return True
        return is_number(value) and slot.name in self.counted


class Call:
    """One call of a compiled step: where its values are, and what they are.

    Attributes
    ----------
    slots, values : list
        Each place, and what it holds.
    """

    def __init__(self, holders: Holders, arguments: tuple, settings: dict, leaves: list):
        self.holders, self.arguments, self.settings = holders, arguments, settings
        assert holders.walk is not None
        self.names, self.walk = tuple([name for name, _ in leaves]), holders.walk
        self.leaves_given = leaves
        found = [pair for name, x in leaves for pair in self.held_by_argument(name, x)]
        self.own_names = [name for name, _ in found]
        self.own_values = [value for _, value in found]

    @property
    def given(self) -> list:
        """The arguments, by name, and what is in nested ones."""
        return self.leaves_given

    @functools.cached_property
    def own(self) -> list[list[Slot]]:
        """For each argument the slots in it, which most calls never ask for."""
        return [slots_of_argument(name, x) for name, x in self.given]

    @property
    def leaves(self) -> list[Slot | None]:
        """For each argument the slot that it is replaced by."""
        pairs = zip(self.own, self.given, strict=True)
        return [own[0] if own and isinstance(x, VALUES) else None for own, (_, x) in pairs]

    @functools.cached_property
    def slots(self) -> list[Slot]:
        """All slots: those of the walk, and those of the arguments."""
        return self.walk.slots + [slot for own in self.own for slot in own]

    @property
    def values(self) -> list:
        """What is in them."""
        return self.holders.values + self.own_values

    @property
    def key(self) -> int:
        """A number for all that must be the same for a program to fit."""
        holders = self.holders
        if holders.part is None:
            holders.part = tuple(holders.entries)
        pairs = zip(self.own_names, self.own_values, strict=True)
        own = tuple([holders.entry_of(name, x, self.is_value(x)) for name, x in pairs])
        wrapped = tuple([type(x) if is_tensor(x) else None for _, x in self.given])
        records = ENABLED.get()
        shared = self.sharing(), alike(self.values)
        found = holders.walks, self.names, wrapped, holders.part, own, shared, records
        return holders.known.setdefault(found, len(holders.known) + 1)

    def remember(self) -> None:
        """The next call may be like this one, for which there is a program."""
        self.holders.put_first(Before(self))

    @staticmethod
    def is_value(x) -> bool:
        """Whether an argument is a number that a program takes."""
        return isinstance(x, VALUES) and is_number(x)

    def sharing(self) -> tuple:
        """Which arrays that programs take are in the same memory."""
        known, first = self.holders.owners, len(self.walk.slots)
        taken = [
            known.get(i) or self.holders.owner(i)
            if i < first
            else owner_number(self.own_values[i - first], i)
            for i in self.holders.taken
            if i < first + len(self.own_values)  # others have been given more
        ]
        if len(set(taken)) == len(taken):
            return ()
        return tuple(taken.index(owner) for owner in taken)

    def held_by_argument(self, name: str, x) -> list[tuple[str, Any]]:
        """The names of an argument's slots, and what is in them, as `slots_of_argument` has it."""
        if type(x) is np.ndarray:
            return [(name, x)]
        if is_tensor(x):
            if getattr(x, "grad_fn", None) is not None:
                raise CannotTrace(
                    f"{name} is a Variable that was computed outside, and a compiled step cannot "
                    "go back through its history; give x.detach(), or compute it inside the step"
                )
            needs = x.requires_grad
            found = [(name, numbers_in(x)), (f"{name}_requires_grad", needs)]
            return [*found, (f"{name}_grad", x.grad)] if needs else found
        if not isinstance(x, (np.ndarray, np.random.Generator, *PLAIN)):
            if is_iterator(x):
                raise CannotTrace(
                    f"{name} is an iterator, and what it gives is another thing at each call; give "
                    "the step what it gives"
                )
            return []
        if self.is_value(x):
            self.holders.counted.add(name)
        return [(name, x)]

    def places(self) -> list[int]:
        """The slots whose values are values of the program."""
        pairs = enumerate(zip(self.slots, self.values, strict=True))
        return [i for i, (slot, value) in pairs if self.holders.stands_in(slot, value)]

    def traced(self, trace: Callable, with_state: Callable, clean: Callable) -> tuple:
        """A program of the step, and how its results are put where they belong.

        Numbers that the step counts with are found on the way, and it is traced once more; numbers
        that only seemed to change are left as they are if it cannot be traced otherwise.

        Returns
        -------
        program : Program
            Cleaned, with names for its inputs.
        takes : list of int
            The slot of each input.
        template : Template
            How outputs, and new contents of slots, are made of its results.
        """
        while True:
            known, places = self.values, self.places()
            values = [known[i] for i in places]
            refuse_other_arrays([self.slots[i].name for i in places], values)
            try:
                with restored(self), traced():
                    program = trace(self.pure(with_state), *values)
                program.outputs, template = program.outputs
                program.kept = template.kept
                break
            except Again as found:
                self.holders.count_with(set(found.args))
            except CannotTrace:
                new = self.holders.new_numbers
                if not new:
                    raise
                self.holders.fixed |= new
                self.holders.counted -= new
                self.holders.forget()
                self.holders.refresh()
        program, takes = self.holders.traces.tidied(program, self.places(), self.slots, clean)
        self.holders.taken, self.holders.apart = sorted({*self.holders.taken, *takes}), None
        if template.has_each_once:
            self.holders.made |= {i for i, _ in template.changes}
        self.holders.kept = None
        return program, takes, template

    def pure(self, with_state: Callable) -> Callable:
        """A function of the values alone, which gives all that the step returns and changes."""
        places, walk = self.places(), self.walk
        slots = [self.slots[i] for i in places]

        def step():
            leaves = iter(self.leaves)

            def stood_in(x):
                slot = next(leaves)
                return x if slot is None else slot.get()

            arguments = replaced(self.arguments, stood_in)
            settings = replaced(self.settings, stood_in)
            given = [*arguments, *settings.values()]
            with (
                nothing_caught(),
                unchanged(given),
                no_draws(walk),
                no_files(),
                types_of_examples(walk),
            ):
                out = self.holders.step(*arguments, **settings)
            refuse_what_is_lost(walk, self.slots)
            return out

        known = self.values
        held = [known[i] for i in places]

        def call(*values):
            put = one_for_each(held, values)
            outputs, _ = with_state(step, slots)(put)
            return self.packed(outputs, dict(zip(places, put, strict=True)))

        return call

    def packed(self, outputs, put: dict[int, Any]) -> tuple[list, Template]:
        """All stand-ins that come out of a step, and how its results are made of them."""
        template = Template()
        arrays = {id(x): i for i, x in put.items()}

        def kept(new):
            """An array that only has another place now stays itself."""
            same = isinstance(new, StandInMethods) and id(new) in arrays
            return Place(arrays[id(new)]) if same else replaced(new, template.part)

        for i, slot in enumerate(self.slots):
            before, now = put.get(i, self.values[i]), slot.get()
            if now is before or number_of(now, -1) == number_of(before, -2):
                continue
            self.changed(slot, before, now)
            template.changes.append((i, kept(now)))
        for c, (_, collection) in enumerate(self.walk.collections):
            if isinstance(collection, dict) and len(collection) != self.walk.lengths[c]:
                for key in list(collection)[self.walk.lengths[c] :]:
                    template.made.append((c, key, kept(collection[key])))
        template.kept = len(template.found)
        template.outputs = replaced(outputs, template.part)
        template.found += next((x.tape.guards for x in put.values()), [])
        return template.found, template

    def changed(self, slot: Slot, before, now) -> None:
        """A number that the step itself changes is a value, if it is none already."""
        if isinstance(before, StandInMethods) or isinstance(now, StandInMethods):
            return
        counts = is_number(before) and is_number(now) and before != now
        if counts and slot.name not in self.holders.fixed:
            raise Again(slot.name)

    def finish(self, template: Template, results: list):
        """Put what a program has computed where the step would have put it; gives the outputs."""
        outputs = built(template.outputs, results)

        def value(part):
            return self.values[part.slot] if type(part) is Place else built(part, results)

        slots = self.walk.slots
        for i, part in template.changes:
            slot = slots[i] if i < len(slots) else self.slots[i]
            is_plain = type(part) is Part and part.tensor is None and part.number is not None
            slot.put(results[part.number] if is_plain else value(part))
        for c, key, part in template.made:
            self.walk.collections[c][1][key] = value(part)
        return outputs


class CallAgain(Call):
    """A call like the one before."""

    def __init__(self, before: Before, arguments: tuple, settings: dict, own: list):
        self.holders, self.arguments, self.settings = before.holders, arguments, settings
        self.names, self.walk, self.before = before.names, before.walk, before
        self.own_values = own

    @property
    def key(self) -> int:
        """That of the call before."""
        return self.before.key

    @property
    def given(self) -> list:
        """The arguments by name, of which none is nested."""
        return list(zip(self.names, (*self.arguments, *self.settings.values()), strict=True))

    def remember(self) -> None:
        """It is known already."""


def one_for_each(held: list, values: tuple) -> list:
    """What stands in for values: the same thing for the same array."""
    first: dict[int, Any] = {}
    return [
        first.setdefault(id(x), value) if isinstance(x, np.ndarray) else value
        for x, value in zip(held, values, strict=True)
    ]


def refuse_other_arrays(names: list[str], values: list) -> None:
    """Refuse arrays of other classes: a program has numpy's plain ones, and their operations."""
    for name, x in zip(names, values, strict=True):
        if isinstance(x, np.ndarray) and type(x) not in (np.ndarray, np.memmap):
            raise CannotTrace(
                f"{name} is a {type(x).__name__}, whose operations may be others than those of an "
                f"array; give np.array({name}), or compute with it outside"
            )


def layout(x) -> tuple | None:
    """How an array lies in memory, which may change in place; None of anything else."""
    return (x.shape, x.strides, x.dtype) if type(x) is np.ndarray else None


def slots_of_argument(name: str, x) -> list[Slot]:
    """The slots of one argument: its own, or those of a Tensor or a Variable."""
    if is_tensor(x):
        found = [data_of(x, name), attribute(x, "requires_grad", f"{name}_requires_grad")]
        return found + [attribute(x, "grad", f"{name}_grad")] * bool(x.requires_grad)
    if not isinstance(x, (np.ndarray, np.random.Generator, *PLAIN)):
        return []
    return [element([x], 0, name)]


def described_number(x) -> tuple:
    """What tells numbers apart, also 1 and 1.0, 0.0 and -0.0."""
    return type(x), repr(x)


def number_of(x, otherwise: int) -> int:
    """The number of a stand-in."""
    return x.number if isinstance(x, StandInMethods) else otherwise


def parameter_names(step: Callable) -> list[str]:
    """The names of a function's parameters, as far as they can be known."""
    try:
        kinds = inspect.signature(step).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in kinds if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
