"""Operations that C has formulas for, joined: one function for all that follow one another.

Such a function goes once through its arrays; what is needed only inside of it is never written to
memory. It ends where one of its results is a NaN, for the bits of that are not C's to decide. Then
the loops of the same operations go on, which come after it in the table and are left out otherwise.
So neither writes where it, or they, still read: what is changed in place is copied there last.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tinytorch.fast.building import compiled
from tinytorch.fast.formulas import HEAD, TYPES, formula
from tinytorch.fast.operations import Operand, Operation, Whole
from tinytorch.fast.tables import Argument, Now, Table
from tinytorch.fast.ufuncs import conversion, own_loop

FEWEST = 2  # operations that are worth a function
LONGEST = 100  # operations in one, each with four arguments at most; see MOST in loops.c
CHUNK = 64  # elements that are computed before they are put where they change something
MANY = 4000  # operations of a run from which on it is left to the loops
WORDS = {"f": "int32_t", "d": "int64_t"}  # as wide as the numbers, so that both go side by side


class Functions:
    """The functions of a program: each text once.

    Attributes
    ----------
    numbers : dict of int
        By text, with the name left open.
    """

    def __init__(self):
        self.numbers: dict[str, int] = {}
        self.addresses: list[int] = []

    def number(self, text: str) -> int:
        """The number of a function."""
        return self.numbers.setdefault(text, len(self.numbers))

    def load(self) -> None:
        """Compile them all, and find out where they are.

        Raises
        ------
        NotHere
            If they cannot be compiled.
        """
        if self.numbers:
            texts = [text.replace("NAME", f"joined_{i}") for text, i in self.numbers.items()]
            library = ctypes.CDLL(str(compiled(HEAD + "\n".join(texts), "joined")))
            found = [getattr(library, f"joined_{i}") for i in self.numbers.values()]
            self.addresses = [ctypes.cast(x, ctypes.c_void_p).value or 0 for x in found]


def formula_of(found: Operation) -> str | None:
    """How C computes an operation with numpy's bits; None if it cannot."""
    if isinstance(found, Whole):
        return None
    if isinstance(found.function, np.ufunc):
        return formula(found.function, found.types)
    return "{0} ? {1} : {2}" if found.function is np.where else "{0}"


def stretches(operations: list[Operation]) -> Iterator[tuple[bool, range]]:
    """Which operations follow one another that can be joined, and which cannot."""
    begin = 0
    able = [formula_of(found) is not None for found in operations]
    for turn in range(1, len(operations) + 1):
        ends = turn == len(operations) or able[turn] != able[begin]
        if ends or (able[begin] and turn - begin == LONGEST):
            yield able[begin] and turn - begin >= FEWEST, range(begin, turn)
            begin = turn


class JoinedTable(Table):
    """A table in which functions of C do what follows one another, where they can.

    Attributes
    ----------
    functions : Functions
        Those of the whole program.
    untouched : set of int
        While operations are joined: the values from before that are to be changed.
    """

    def __init__(self, functions: Functions, operations: list[Operation], *rest):
        self.functions, self.untouched = functions, set[int]()
        self.leave_out = len(operations) > MANY
        self.unnamed: list[tuple[int, int]] = []  # calls, and the numbers of their functions
        super().__init__(operations, *rest)

    def operations(self, operations: list[Operation], now: Now) -> None:
        """Add the calls of some operations."""
        if self.leave_out:
            return super().operations(operations, now)
        for joined, turns in stretches(operations):
            if joined:
                self.join([operations[turn] for turn in turns], now, now.last[turns[0] :])
            else:
                self.one_by_one(operations, turns, now)
        return None

    def one_by_one(self, operations: list[Operation], turns: range, now: Now) -> None:
        """Add calls of loops."""
        for turn in turns:
            now.strips.free += self.operation(operations[turn], now)
            now.strips.free += [now.places[n] for n in now.last[turn] if n in now.places]

    def join(self, group: list[Operation], now: Now, last: list[list[int]]) -> None:
        """Add the call of a function, those of the loops that it stands for, and copies."""
        text = Text(now.size, {found.target for found in group} - {x.step.out for x in group})
        arguments = [self.argument(x, now) for x in text.read(group)]
        head = len(self.calls)
        self.call((0, 0), [])
        ended = {n for names in last[: len(group)] for n in names}
        self.loops(group, now, last)
        for n, letter in text.targets.items():
            home = self.home(n, letter)
            if n not in ended or home:
                arguments.append(home or self.place_of(n, letter, now))
                text.write(n)
            if home and n in text.changed:
                copying = own_loop(conversion(letter, letter) or ""), 0
                self.call(copying, [self.place_of(n, letter, now), home])
                now.strips.free.append(now.places.pop(n))
        self.unnamed.append((head, self.functions.number(text.function())))
        begin, spare = len(self.arguments), len(self.calls) - head - 1
        self.calls[head] = (0, 0, begin, len(arguments), spare, 0)
        self.arguments += arguments

    def loops(self, group: list[Operation], now: Now, last: list[list[int]]) -> None:
        """Add the loops of a group.

        Memory that the function reads is free for others only after it.
        """
        made = {found.step.out for found in group}
        before = dict(now.places)
        changed = {found.target for found in group} - made
        self.untouched = set(changed)
        later: list[int] = []
        for found, names in zip(group, last, strict=False):
            now.strips.free += self.operation(found, now)
            for n in names:
                if n in now.places and n not in changed:  # those are still to be copied
                    inside = before.get(n) != now.places[n]
                    (now.strips.free if inside else later).append(now.places[n])
        later += [before[n] for n in changed if n in before]
        self.untouched = set()
        now.strips.free += later

    def result(self, found: Operation, now: Now) -> Argument:
        """Where a result goes: not where the function, or an operation after it, reads."""
        if found.target not in self.untouched:
            return super().result(found, now)
        self.untouched.remove(found.target)
        now.places[found.target], slot = self.strip(now.strips)
        return slot, np.dtype(found.letter).itemsize, 0

    def home(self, n: int, letter: str) -> Argument | None:
        """Where a value is that is no scratch."""
        if n in self.kept or n in self.given or n in self.internal:
            size = np.dtype(letter).itemsize
            return self.memory(n), size, size
        return None

    def place_of(self, n: int, letter: str, now: Now) -> Argument:
        """Where a value is now."""
        if n in now.places:
            return self.slots["scratch", now.places[n]], np.dtype(letter).itemsize, 0
        found = self.home(n, letter)
        assert found is not None
        return found

    def finish(self, scratch: np.ndarray) -> None:
        """Fill in the addresses."""
        for call, number in self.unnamed:
            self.calls[call] = (self.functions.addresses[number], *self.calls[call][1:])
        super().finish(scratch)


@dataclass
class Text:
    """A function of C, while it is written.

    Attributes
    ----------
    size : int
        How many elements there are.
    changed : set of int
        The values from before that it changes.
    targets : dict of str
        The values that it computes, and the letters of their types.
    """

    size: int
    changed: set[int]
    targets: dict[int, str] = field(default_factory=dict)
    names: dict = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    def read(self, group: list[Operation]) -> list[Operand]:
        """Write the formulas; gives what comes from outside, in the order of the arguments."""
        outside: list[Operand] = []
        for found in group:
            given = [self.operand(x, outside) for x in found.operands]
            value = (formula_of(found) or "").format(*given)
            kind = TYPES[found.letter]
            if found.target in self.targets:
                self.lines.append(f"{self.names[found.target]} = {value};")
                continue
            name = self.names[found.target] = f"t{len(self.targets)}"
            self.targets[found.target] = found.letter
            self.lines.append(f"{kind} {name} = {value};")
        return outside

    def operand(self, x: Operand, outside: list[Operand]) -> str:
        """What stands for an operand in a formula, with the type that the formula wants."""
        number = literal(x)
        if number is not None:
            return number
        name = self.names.get(x.value) or self.argument(x, outside)
        return name if x.old == x.new else f"({TYPES[x.new]}){name}"

    def argument(self, x: Operand, outside: list[Operand]) -> str:
        """The name of something from outside; new if it has none."""
        key = "outside", x.value, id(x.constant), x.form, id(x.plan)
        if key in self.names:
            return self.names[key]
        kind, k = TYPES[x.old], len(self.places)
        if x.form == "one":
            self.places.append(f"const {kind} a{k} = *(const {kind} *)p[{k}];")
            self.names[key] = f"a{k}"
        else:
            alone = "" if x.value in self.changed else "restrict "
            self.places.append(f"const {kind} *{alone}a{k} = (const {kind} *)p[{k}];")
            self.names[key] = f"a{k}[i]"
        outside.append(x)
        return self.names[key]

    def write(self, n: int) -> None:
        """Write a value to memory."""
        letter, name, k = self.targets[n], self.names[n], len(self.places)
        kind, memory = TYPES[self.targets[n]], f"r{k}[i]"
        if n in self.changed:
            self.places.append(f"{kind} *r{k} = ({kind} *)p[{k}], w{k}[{CHUNK}];")
            self.copies.append(f"__builtin_memcpy(r{k} + from, w{k}, (MANY) * sizeof *r{k});")
            memory = f"w{k}[i - from]"
        else:
            self.places.append(f"{kind} *restrict r{k} = ({kind} *)p[{k}];")
        self.lines.append(f"{memory} = {name};")
        if letter in WORDS:
            self.checks.append(f"odd_{letter} |= {name} != {name};")

    def function(self) -> str:
        """All of it."""
        head = "\n".join(f"    {line}" for line in self.places)
        odd = "\n".join(f"    {WORDS[letter]} odd_{letter} = 0;" for letter in WORDS)
        if not self.copies or self.size <= CHUNK:
            n = "1" if self.size == 1 else "n"
            parts = self.part(n, n)
        else:  # a compiler that knows how many there are keeps more of them in registers
            whole = self.part(f"from + {CHUNK}", str(CHUNK))
            rest = self.part("n", "n - from")
            parts = f"    for (; n - from >= {CHUNK}; from += {CHUNK}) {{\n{whole}    }}\n"
            parts += f"    if (from < n) {{\n{rest}    }}\n"
        return (
            f"intptr_t NAME(char **p, intptr_t n)\n{{\n{head}\n{odd}\n    intptr_t from = 0;\n"
            f"{parts}    return n;\n}}\n"
        )

    def part(self, end: str, many: str) -> str:
        """What computes elements up to one, and puts so many where they belong if all is well."""
        lines = "\n".join(f"            {line}" for line in [*self.lines, *self.checks])
        copies = "".join(f"        {line}\n" for line in self.copies).replace("MANY", many)
        return (
            "#pragma GCC ivdep\n"  # no memory is both read and written
            f"        for (intptr_t i = from; i < {end}; i++) {{\n{lines}\n        }}\n"
            f"        if (odd_f || odd_d)\n            return from;\n{copies}"
        )


def literal(x: Operand) -> str | None:
    """A constant as C writes it, exactly; None if it is none, or not finite."""
    if x.value is not None or isinstance(x.constant, np.ndarray):
        return None
    with np.errstate(all="ignore"):
        number = np.array(x.constant).astype(x.new).item()
    if x.new == "?":
        return str(int(number))
    return f"({number.hex()}{'f' if x.new == 'f' else ''})" if math.isfinite(number) else None
