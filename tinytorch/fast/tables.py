"""A run as a table for the C function: which loops, on whose memory, in what blocks."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass, field

import numpy as np

from tinytorch.fast.alignment import Memory
from tinytorch.fast.building import TUPLE_ITEMS, library
from tinytorch.fast.operations import LONGEST, Operand, Operation, Whole
from tinytorch.fast.runs import Run
from tinytorch.fast.ufuncs import NAMES, conversion, own_loop
from tinytorch.support.programs import filled

BLOCK = 2048  # elements of a block, so that a few of them fit the first cache
VECTOR = 64  # elements, that no vector of a processor is longer than
BUFFER = 8192  # elements of numpy's buffers
LONG = 50_000  # elements, over all calls, from which on other threads may run meanwhile
FAR = 8  # parts that an operation may be put before
PADDING = 192  # bytes between blocks of scratch memory, against equal ends of addresses
ALIGNED, WRITEABLE = 0x0100, 0x0400

ARGUMENT = np.dtype([(name, "i4") for name in "slot step advance each".split()])
CALL = np.dtype(
    [("function", "u8"), ("data", "u8")]
    + [(name, "i4") for name in "first count spare unused".split()]
)
PART = np.dtype([("size", "i8"), ("block", "i8"), ("calls", "i8")])
GIVEN = np.dtype([("slot", "i4"), ("needs", "i4")])
FIELDS = "parts arguments part call argument slots given".split()
PROGRAM = np.dtype([(name, "u8") for name in FIELDS])
Argument = tuple[int, ...]  # slot, step, advance, and each if it is not 1


@dataclass
class Part:
    """Operations of a run on as many elements each, which go through the blocks together."""

    size: int
    operations: list[Operation] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)  # how long those are that are repeated; 0: none are
    reads: set[int | None] = field(default_factory=set)
    writes: set[int] = field(default_factory=set)

    def takes(self, found: Operation) -> bool:
        """Whether there is a length of blocks for these operations and another one."""
        if any(x.form == "turned" and x.value in self.writes for x in found.operands):
            return False
        alone = isinstance(found, Whole) or isinstance(self.operations[0], Whole)
        if found.extent != self.size or alone:
            return False
        return bool(block_length(self.size, self.rows | set(found.rows or [0])))

    def touches(self, found: Operation) -> bool:
        """Whether an operation reads what the part changes, or changes what it reads."""
        reads = {x.value for x in found.operands}
        same = found.target in self.reads or found.target in self.writes
        return same or not reads.isdisjoint(self.writes)

    def add(self, found: Operation) -> None:
        """Make an operation the last one of the part."""
        self.operations.append(found)
        self.reads |= {x.value for x in found.operands}
        self.writes.add(found.target)
        self.rows |= set(found.rows or [0])

    @property
    def block(self) -> int:
        """How many elements a block has."""
        return block_length(self.size, self.rows)


def block_length(size: int, rows: set[int]) -> int:
    """How many elements a block has; 0 if rows of these lengths do not go together.

    Loops may go through whole vectors otherwise than through what is left at an end: those that
    round, and any where both numbers are NaN. So all blocks but the last are whole vectors, as in
    one call; or numpy's buffers, which are filled with as many rows as fit where rows are repeated.
    """
    if size <= LONGEST:
        return size
    unit = math.lcm(VECTOR, *[row or 1 for row in rows])
    if unit <= LONGEST and all(row == 0 or in_buffer(row) % VECTOR == 0 for row in rows):
        return unit * units(size, unit, rows)
    if size <= BUFFER:
        return size
    return in_buffer(min(rows)) if len(rows) == 1 else 0


def units(size: int, unit: int, rows: set[int]) -> int:
    """How many units a block has, so that none ends in less than a vector where numpy does not.

    So few elements would go one by one, and of two NaNs another one would come out.
    """
    usual = max(1, BLOCK // unit)
    if any(is_short(size % in_buffer(row)) for row in rows if row):
        return usual
    near = [*range(usual, 1, -1), *range(usual + 1, usual + FAR)]
    return next((many for many in near if not is_short(size % (unit * many))), usual)


def is_short(size: int) -> bool:
    """Whether a call has less than a vector."""
    return 0 < size < VECTOR


def in_buffer(row: int) -> int:
    """How many elements of whole rows numpy's buffer has."""
    return BUFFER // row * row


def in_parts(operations: list[Operation]) -> list[Part]:
    """Operations in parts, each with those on as many elements.

    One goes to the first part that takes it, of those behind the last that it has to do with; what
    computes single numbers, or reduces, goes before the others rather than between them.
    """
    parts: list[Part] = []
    for found in operations:
        first = len(parts)
        while first > max(0, len(parts) - FAR) and not parts[first - 1].touches(found):
            first -= 1
        places = range(max(0, first - 1), len(parts))
        place = next((i for i in places if parts[i].takes(found)), None)
        if place is None:
            place = first if found.extent == 1 else len(parts)
            parts.insert(place, Part(found.extent))
        parts[place].add(found)
    return parts


class Table:
    """All that the C function needs to know of a run.

    Parameters
    ----------
    operations : list of Operation
        The run.
    given : dict
        By the number of a value: its place among the arrays that are handed over.
    kept : dict
        By the number of a value: the array that is always its memory.
    changed : set of int
        The values among the given that are written to.
    memory : Memory
        Where values can be that go from one part to another.
    """

    def __init__(
        self,
        operations: list[Operation],
        given: dict,
        kept: dict,
        changed: set[int],
        memory: Memory,
    ):
        self.given, self.kept, self.pool = given, kept, memory
        self.slots: dict[object, int] = {}
        self.addresses: list[int] = []
        self.scratch: list[tuple[int, int]] = []  # slots, and where their scratch memory begins
        self.scratch_size = 0
        self.cells: list[np.ndarray] = []
        self.calls: list[tuple] = []
        self.arguments: list[Argument] = []
        self.parts: list[tuple[int, int, int]] = []
        self.work = 0
        parts = in_parts(operations)
        self.homes = homes(parts)
        self.internal: dict[int, np.ndarray] = {}
        self.ending: dict[int, list[np.ndarray]] = {}  # by part: what none after it needs
        for i, part in enumerate(parts):
            self.write(i, part)
            for done in self.ending.pop(i, ()):
                memory.give_back(done)
        needs = {n: ALIGNED | (WRITEABLE if n in changed else 0) for n in given}
        pairs = [(self.slot(("given", n)), needs[n]) for n in sorted(given, key=given.__getitem__)]
        self.pairs = np.array(pairs, GIVEN)

    def slot(self, key, address: int = 0) -> int:
        """The slot of some memory."""
        if key not in self.slots:
            self.slots[key] = len(self.addresses)
            self.addresses.append(address)
        return self.slots[key]

    def cell(self, x, letter: str) -> int:
        """The slot of a constant."""
        with np.errstate(all="ignore"):
            array = np.array(x).astype(letter) if isinstance(x, np.generic) else np.array(x, letter)
        key = ("constant", letter, array.tobytes())
        if key not in self.slots:
            self.cells.append(array)
        return self.slot(key, array.ctypes.data)

    def write(self, i: int, part: Part) -> None:
        """Add the calls of a part, and before them those that repeat its rows."""
        now = Now(i, part.size, Strips(part.block), last_uses(part))
        self.repeat_rows(part, now)
        self.turn(part, now)
        first = len(self.calls)
        self.spread_columns(part, now)
        self.operations(part.operations, now)
        self.scratch_size = max(self.scratch_size, now.strips.size)
        self.parts.append((part.size, part.block, len(self.calls) - first))
        self.work += sum(found.work for found in part.operations)

    def operations(self, operations: list[Operation], now: Now) -> None:
        """Add the calls of some operations."""
        for turn, found in enumerate(operations):
            now.strips.free += self.operation(found, now)
            now.strips.free += [now.places[n] for n in now.last[turn] if n in now.places]

    def operation(self, found: Operation, now: Now) -> list[int]:
        """Add the calls of one; gives the scratch memory that nobody needs after it."""
        mine, ending = [], []
        for x in found.operands:
            argument = self.argument(x, now)
            if x.old != x.new:
                argument, place = self.converted(x, argument, now.strips)
                ending.append(place)
            mine.append(argument)
        self.call(found.loop, [*mine, self.result(found, now)])
        return ending

    def call(self, loop, arguments: list[Argument]) -> None:
        """Add a call."""
        self.calls.append((*loop, len(self.arguments), len(arguments), 0, 0))
        self.arguments += arguments

    def strip(self, strips: Strips) -> tuple[int, int]:
        """Some scratch memory as long as a block: its place, and a slot."""
        place = strips.take()
        key = ("scratch", place)
        if key not in self.slots:
            self.scratch.append((self.slot(key), place))
        return place, self.slots[key]

    def repeat_rows(self, part: Part, now: Now) -> None:
        """Add calls that write rows into scratch memory, once before the part."""
        for x in operands(part, "row"):
            if x.value not in now.repeated:
                now.repeated[x.value] = self.repeat(x, part, now.strips)

    def turn(self, part: Part, now: Now) -> None:
        """Add calls that write what is turned in order, once before the part."""
        for x in operands(part, "turned"):
            plan = address_of(x)
            if (x.value, plan) not in now.turned:
                size = np.dtype(x.old).itemsize
                memory = self.memory_until(now.part, x.size * size)
                slot = self.slot(("turned", len(self.slots)), memory.ctypes.data)
                now.turned[x.value, plan] = slot, size, size
                self.call((own_loop("nest2"), plan), [(self.memory(x.value), 0, 0), (slot, 0, 0)])
                self.parts.append((1, 1, 1))

    def memory_until(self, part: int, size: int) -> np.ndarray:
        """Bytes that are for others when a part has been written."""
        memory = self.pool.bytes(size)
        self.ending.setdefault(part, []).append(memory)
        return memory

    def spread_columns(self, part: Part, now: Now) -> None:
        """Add calls that write columns into scratch memory, for each block."""
        for x in operands(part, "column"):
            if x.value not in now.spread:
                size = np.dtype(x.old).itemsize
                column = self.memory(x.value), size, size, x.each
                now.spread[x.value] = self.strip(now.strips)[1], size, 0
                loop = own_loop(f"columns_{NAMES[x.old]}"), x.each
                self.call(loop, [column, now.spread[x.value]])

    def repeat(self, x: Operand, part: Part, strips: Strips) -> Argument:
        """Write a row into scratch memory as often as it fits; a part of its own."""
        size = np.dtype(x.old).itemsize
        _, slot = self.strip(strips)
        source = self.memory(x.value)
        self.call((own_loop("rows"), x.size * size), [(source, 0, 0), (slot, x.size * size, 0)])
        times = part.block // x.size
        self.parts.append((times, times, 1))
        return slot, size, 0

    def converted(self, x: Operand, old: Argument, strips: Strips) -> tuple[Argument, int]:
        """Write an operand as numbers of another type into scratch memory.

        A single number stays one: which of two NaN comes out depends on it.
        """
        place, slot = self.strip(strips)
        new = slot, 0 if x.form == "one" else np.dtype(x.new).itemsize, 0
        self.call((own_loop(conversion(x.old, x.new) or ""), 0), [old, new])
        return new, place

    def argument(self, x: Operand, now: Now) -> Argument:
        """Where an operand is."""
        size = np.dtype(x.old).itemsize
        if type(x.constant) is np.ndarray:
            self.cells.append(x.constant)
            slot = self.slot(("array", id(x.constant)), x.constant.ctypes.data)
            return slot, size * (x.form == "full"), size * (x.form == "full")
        if x.value is None:
            return self.cell(x.constant, x.new), 0, 0
        if x.form == "row":
            return now.repeated[x.value]
        if x.form == "column":
            return now.spread[x.value]
        if x.form == "turned":
            return now.turned[x.value, address_of(x)]
        if x.value in now.places:
            return self.slots[("scratch", now.places[x.value])], size, 0
        step = size if x.form == "full" else 0
        return self.memory(x.value), step, step

    def memory(self, n: int | None) -> int:
        """The slot of a value that is no scratch."""
        if n in self.kept:
            return self.slot(("kept", n), self.kept[n].ctypes.data)
        if n in self.internal:
            return self.slot(("kept", n), self.internal[n].ctypes.data)
        return self.slot(("given", n))

    def result(self, found: Operation, now: Now) -> Argument:
        """Where the result of an operation goes."""
        n, size = found.target, np.dtype(found.letter).itemsize
        if n in now.places:
            return self.slots[("scratch", now.places[n])], size, 0
        if n in self.kept or n in self.given or n in self.internal:
            return self.memory(n), size, size
        if self.homes[n] == {now.part} and not isinstance(found, Whole):
            now.places[n], slot = self.strip(now.strips)
            return slot, size, 0
        self.internal[n] = self.memory_until(max(self.homes[n]), found.size * size)
        return self.memory(n), size, size

    def finish(self, scratch: np.ndarray) -> None:
        """Fill in the addresses."""
        for slot, place in self.scratch:
            self.addresses[slot] = scratch.ctypes.data + place
        self.table = [
            np.array(self.parts, PART),
            np.array(self.calls, CALL),
            np.array([(*argument, 1)[:4] for argument in self.arguments], ARGUMENT),
            np.array(self.addresses or [0], np.uint64),
            self.pairs,
        ]
        counts = len(self.parts), len(self.pairs)
        self.head = np.array([(*counts, *[x.ctypes.data for x in self.table])], PROGRAM)
        self.calls, self.arguments, self.addresses = [], [], []


class Strips:
    """Places in scratch memory, each as long as a block of numbers in double precision."""

    def __init__(self, block: int):
        self.step = -(-block * 8 // 64) * 64 + PADDING
        self.free: list[int] = []
        self.size = 0

    def take(self) -> int:
        """A place that nobody uses."""
        if self.free:
            return self.free.pop()
        self.size += self.step
        return self.size - self.step


@dataclass
class Now:
    """What is known while the calls of a part are written.

    Attributes
    ----------
    part, size : int
        Its number, and how many elements its values have.
    last : list of list of int
        By operation: the values that none after it needs.
    places : dict of int
        Of values in scratch memory, where they are.
    repeated : dict
        Of rows, where they are repeated.
    spread : dict
        Of columns, where each of their numbers is repeated.
    turned : dict
        Of what is turned, where it is written in order.
    """

    part: int
    size: int
    strips: Strips
    last: list[list[int]]
    places: dict[int, int] = field(default_factory=dict)
    repeated: dict[int | None, Argument] = field(default_factory=dict)
    spread: dict[int | None, Argument] = field(default_factory=dict)
    turned: dict[tuple[int | None, int], Argument] = field(default_factory=dict)


def operands(part: Part, form: str) -> list[Operand]:
    """What the operations of a part read in a form."""
    return [x for found in part.operations for x in found.operands if x.form == form]


def address_of(x: Operand) -> int:
    """Where it stands how an operand is turned."""
    assert x.plan is not None
    return x.plan.ctypes.data


def homes(parts: list[Part]) -> dict[int, set[int]]:
    """By value: the parts that make, read or change it."""
    found: dict[int, set[int]] = {}
    for i, part in enumerate(parts):
        for this in part.operations:
            for n in [this.target, *[x.value for x in this.operands]]:
                if n is not None:
                    found.setdefault(n, set()).add(i)
    return found


def last_uses(part: Part) -> list[list[int]]:
    """By operation: the values that none after it reads or changes."""
    last: dict[int, int] = {}
    for turn, this in enumerate(part.operations):
        for n in [this.target, *[x.value for x in this.operands]]:
            if n is not None:
                last[n] = turn
    found: list[list[int]] = [[] for _ in part.operations]
    for n, turn in last.items():
        found[turn].append(n)
    return found


class Looped:
    """A run that can be called with the arrays and numbers that it needs."""

    def __init__(self, name: str, run: Run, table: Table, order: list[int]):
        self.__name__, self.operations, self.steps = name, run.operations, run.step_by_step()
        self.table, self.order = table, order
        self.many = len(table.given)
        self.numbers: list[tuple[np.ndarray, int]] = []
        self.weak: set[int] = set()

    def finish(self, scratch: np.ndarray) -> None:
        """Be ready for calls."""
        self.table.finish(scratch)
        self.run = library()[self.table.work < LONG].run
        self.run.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self.address = self.table.head.ctypes.data

    def __call__(self, *given) -> None:
        for cell, place in self.numbers:
            cell[()] = given[place]
        if self.run(self.address, id(given) + TUPLE_ITEMS):  # the addresses of its items
            self.slowly(given)

    def slowly(self, given: tuple) -> None:
        """The same, step by step: for arrays that C must not read or write."""
        values = {n: x.item() if n in self.weak else x for n, x in self.table.kept.items()}
        values |= dict(zip(self.order, given, strict=True))
        made = {step.out for step in self.steps}
        computed: dict = {}

        def value(n: int):
            return computed[n] if n in computed else values[n]

        for step in self.steps:
            out = step.function(*filled(step.inputs, value), **filled(step.settings, value))
            if step.out is not None:
                computed[step.out] = out
        values |= self.table.kept
        for n in made & values.keys():
            values[n][...] = computed[n]
