# %% [markdown]
r"""
# Module 16: Compile

Your engine is plain, and you can read all of it. For each operation it makes a Variable, notes what was done, keeps
what the rule will need, and looks whether somebody has changed it since. On a small network, most of the time of a
step goes there, and not into the arithmetic. And it does all that again at every step, although every step is the
same.

So do it once. Run the step a single time with something that *stands in* for the arrays and writes down every call of
numpy. What comes out is a list: your whole training step, forwards, backwards and update, as straight-line code
without an engine. Clean the list, write it down as text, and run the text from then on. JAX (2018) works this way, and
so does `torch.compile` (2023). The numbers stay the same to the last bit, and you can read the program that your
network is.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | a list: arrays that write down what is done with them | 6 | 100 min |
| 2 | a shorter list: what nobody needs, what is done twice | 3 | 55 min |
| 3 | a text: a line for each step; memory that is used again; two that make it faster | 5 | 115 min |
| 4 | `compile`: weights that move, and nothing frozen in silence | 3 | 55 min |
| Use and Analyze | digits; your network, read aloud; **milestone M6**: your engine beside PyTorch | 2 questions | 35 min |

You need modules 1 to 4 and 7, exported. Cells that show something also take module 8.
"""

# %%
#| default_exp core.compiler
#| export
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from tinytorch.core.tensor import extend
from tinytorch.support.calls import METHODS, getitem, setitem
from tinytorch.support.compiling import CompiledMethods, Ready, confirmed
from tinytorch.support.counting import (
    in_python,
    is_arithmetic,
    to_numpy,
    to_python,
    with_twins,
)
from tinytorch.support.programs import (
    Program,
    Step,
    copied_by,
    filled,
    joined,
    may_be_shared,
    refs,
    renamed,
    used,
)
from tinytorch.support.runs import RunMethods, in_pieces
from tinytorch.support.stand_ins import (
    CannotTrace,
    StandInMethods,
    TapeMethods,
    numbered,
    on_examples,
    on_tape,
    refused,
    stand_ins,
    users_line,
    written_by,
)
from tinytorch.support.writing import (
    Writer,
    by_value,
    described,
    elementwise,
    empty,
    may_have_buffer,
    result_text,
)

# %% [markdown]
r"""
What comes from `tinytorch.support` handles the fuss: forty methods of arrays, the words of refusals, finding the weights
of a network. Where you need one of these functions, the text says what it does. The next cell is for this notebook
only:
"""

# %%
import io
from functools import partial

from tinytorch.core.autograd import Variable, grad, tanh
from tinytorch.core.tensor import Tensor
from tito.checks import check, check_raises
from tito.figures import seconds
from tito.student.progress import progress as progress

rng = np.random.default_rng(0)

# %% [markdown]
r"""
## Build

### 1. A list

How much of a step is arithmetic? Here is the gradient of $\sum \tanh(x)^2$, by your engine and by hand.
"""


# %% demo=true
def by_engine(x):
    return grad((tanh(x) ** 2).sum(), x)


def by_hand(x):
    t = np.tanh(x)
    return 2 * t * (1 - t * t)


def ratio(x):
    return seconds(lambda: by_engine(x), 20) / seconds(lambda: by_hand(x.numpy()), 20)


for size in (10, 1_000, 100_000):
    times = ratio(Variable(rng.normal(size=size)))
    print(f"{size:7} numbers: the engine takes {times:4.1f} times as long")

# %% [markdown]
r"""
On few numbers, nearly everything is overhead. Nobody has to give up the engine for that. Only somebody must look over
its shoulder once, and write down what it asks numpy to do.

numpy has a door for this. If an object with a method `__array_ufunc__` is among the inputs of a numpy function such as
`np.exp` or `np.add`, numpy computes nothing. It calls that method instead:

```python
x.__array_ufunc__(ufunc, method, *inputs, **settings)
```

For `np.exp(x)`, `ufunc` is `np.exp` and `method` is `"__call__"`. For `np.add.reduce(x, axis=0)`, `ufunc` is `np.add`,
`method` is `"reduce"`, and `settings` is `{"axis": 0}`.

#### Exercise 1: an array that answers

A `StandIn` has three attributes: the `tape` that it writes on, the `number` by which the list will know it, and an
`example`, a real array. (An example tells which shape and dtype a result will have. That's all that it is for.)

Write `__array_ufunc__`. Find the function: `ufunc` itself if `method` is `"__call__"`, and else its method of that name
(`getattr`). Then return what the tape's method `note` gives: it takes the function, the inputs as a tuple, and the settings
as a dictionary.
"""


# %% exercise="stand-in"
#| export
class StandIn(StandInMethods):
    """Stands in for an array, and has everything that is done with it noted."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc, method: str, *inputs, **settings):
        """What numpy calls instead of a ufunc, or of a method of one."""
        ### BEGIN SOLUTION
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.tape.note(function, inputs, settings)
        ### END SOLUTION


# %% checks="stand-in" points=3
class _Echo:
    """A tape that only says what it was to note."""

    def note(self, function, inputs, settings):
        return function.__name__, len(inputs), settings


_x = StandIn(_Echo(), 0, np.zeros(3))
check(np.exp(_x), ("exp", 1, {}), hint="return self.tape.note(function, inputs, …)")
check(np.add(_x, 2.0), ("add", 2, {}), hint="all inputs, as a tuple")
check(np.add.reduce(_x, axis=0), ("reduce", 1, {"axis": 0}), hint="getattr(ufunc, …)")
check(_x * _x, ("mul", 2, {}), hint="operators are given; they note, too")
### BEGIN HIDDEN TESTS
import io
import re

from tito.observations import choice, integers, message_of, normal, observe, raised


class Echo:
    """A tape that computes at once, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def note(self, function, inputs, settings):
        self.asked.append(function.__name__)
        inputs = [getattr(x, "example", x) for x in inputs]
        return function(*inputs, **settings)


@observe(x=normal(3, 2), y=normal(3, 2), axis=choice(0, -1))
def functions_of_numpy_are_noted(compiler, x, y, axis):
    """Which functions were asked for, with which inputs and settings."""
    tape = Echo()
    a, b = compiler.StandIn(tape, 0, x), compiler.StandIn(tape, 1, y)
    found = np.exp(a), np.add(a, b), np.multiply(2.0, b), np.add(a, b, dtype="f4")
    small = np.exp(compiler.StandIn(tape, 2, x.astype("f4")))
    outer = np.subtract.outer(a, y)
    reduced = np.add.reduce(a, axis=axis, keepdims=True)
    return found, reduced, outer, str(small.dtype), tape.asked


### END HIDDEN TESTS

# %% [markdown]
r"""
Now the list. A `Step` is one call, and that's all that it has:

```python
Step(function, inputs, settings, writes, line)
```

Its inputs and settings are constants, or references to values: `Ref(3)` means value number 3, and is shown as `v3`.
`writes` has the numbers of the values that the call changes in place, as in `x += 1`, and `line` says where the user
wrote it. When it's put on the list, it also gets a number for its result, `step.out`.

#### Exercise 2: `Tape.note`

A call is noted in four moves, for which there are functions:

- `on_examples(function, inputs, settings)` calls the function, with its example in the place of each stand-in;
- `written_by(function, inputs, settings)` gives the stand-ins whose arrays that changes;
- `numbered(x)` puts a `Ref` in the place of each stand-in, also in tuples and dictionaries; do it with `inputs` and
  with `settings`;
- `self.finish(step, out, (inputs, settings))` puts a step on the list, and gives what stands in for the result `out`.

Make a `Step` of what you have, with a list of the numbers of the stand-ins that are written to, and with
`users_line()`. Return what `finish` gives.

Be careful to return the stand-in, and not the example: everything that is computed from an example looks like a
constant, and would be the same forever.
"""


# %% exercise="note"
#| export
class Tape(TapeMethods):
    """What was called, with what."""

    stand_in = StandIn

    def note(self, function: Callable, inputs: tuple, settings: dict):
        """Note a call; gives what stands in for its result."""
        ### BEGIN SOLUTION
        out = on_examples(function, inputs, settings)
        writes = [x.number for x in written_by(function, inputs, settings)]
        given = numbered(inputs), numbered(settings)
        step = Step(function, *given, writes, users_line())
        return self.finish(step, out, (inputs, settings))
        ### END SOLUTION


# %% checks="note" points=4
_tape = Tape()
_x = _tape.value(np.array([1.0, 2.0]))
_y = np.exp(_x) * 3.0
_y += _x
check(
    [str(step) for step in _tape.steps],
    ["v1 = exp(v0)", "v2 = multiply(v1, 3.0)", "iadd(v2, v0)"],
    hint=["a step for each call", "numbered(inputs): a Ref for each stand-in"],
)
check(type(_y).__name__, "StandIn", hint="return what self.finish gives")
check(_y.shape, (2,), hint="the example has the shape of the result")
check(_tape.steps[2].writes, [2], hint="the numbers in written_by(…), as a list")
check("line" in _tape.steps[0].line, True, hint="users_line()")
### BEGIN HIDDEN TESTS


def steps_as_text(steps):
    """Steps and what they write to."""
    return [(str(step), list(step.writes)) for step in steps]


@observe(x=normal(3, 2), y=normal(2, dtype="float32"), k=normal())
def calls_become_steps(compiler, x, y, k):
    """Each call once, with references and constants; kinds of all values."""
    tape = compiler.Tape()
    a, b = tape.value(x), tape.value(y)
    c = np.maximum(a * b, k)
    d = tape.note(np.add.reduce, (c,), {"axis": 0, "keepdims": True}) / b
    kinds = [(kind.shape, str(kind.dtype)) for kind in tape.kinds]
    return steps_as_text(tape.steps), kinds, d.number, d.example, type(d).__name__


@observe(x=normal(4), y=normal(4))
def steps_that_write_say_so(compiler, x, y):
    """In place, by an operator and by out=; where a line was written is known."""
    tape = compiler.Tape()
    a, b = tape.value(x), tape.value(y)
    c = a + b
    c *= b
    tape.note(np.exp, (a,), {"out": b})
    known = ["line" in step.line for step in tape.steps], c.number, c.example, b.example
    return steps_as_text(tape.steps), known, tape.version(b), tape.version(a)


### END HIDDEN TESTS

# %% [markdown]
r"""
That's enough for your engine. It takes a stand-in for an array and doesn't notice; forwards, backwards, rules and all:
"""

# %%
tape = Tape()
x = Variable(np.ones(3))
x.data.data = tape.value(np.ones(3))
(gradient,) = grad((x * x).sum(), x)
print(*tape.steps, sep="\n")

# %% [markdown]
r"""
#### Exercise 3: all other functions, and parts

`np.where`, `np.sum` or `np.concatenate` are no ufuncs. For them numpy calls `__array_function__(function, types,
inputs, settings)`; note the function. Nobody asks numpy for `x[index]` and `x[index] = new`. Python calls
`__getitem__` and `__setitem__`. Note the functions `getitem(array, index)` and `setitem(array, index, new)`, which are
given. (What settings are there? None: `{}`.)

`@extend(StandIn)` adds the methods of a class to `StandIn`, as in module 1.
"""


# %% exercise="functions-and-parts"
#| export
@extend(StandIn)
class FunctionsAndParts:
    """The rest of numpy's functions, ``x[index]`` and ``x[index] = new``."""

    def __array_function__(self, function: Callable, types, inputs: tuple, settings):
        """What numpy calls instead of a function that is no ufunc."""
        ### BEGIN SOLUTION
        return self.tape.note(function, inputs, settings)
        ### END SOLUTION

    def __getitem__(self, index):
        ### BEGIN SOLUTION
        return self.tape.note(getitem, (self, index), {})
        ### END SOLUTION

    def __setitem__(self, index, new) -> None:
        ### BEGIN SOLUTION
        self.tape.note(setitem, (self, index, new), {})
        ### END SOLUTION


# %% checks="functions-and-parts" points=3
_tape = Tape()
_x = _tape.value(np.arange(3.0))
_y = np.where(_x > 1, _x, 0.0)
_y[1:] = _x[0]
check(
    [str(step) for step in _tape.steps],
    [
        "v1 = gt(v0, 1)",
        "v2 = where(v1, v0, 0.0)",
        "v3 = getitem(v0, 0)",
        "setitem(v2, slice(1, None, None), v3)",
    ],
    hint="self.tape.note(getitem, (self, index), {})",
)
check(_y.example, [0.0, 0.0, 0.0], hint="the example has changed, too")
### BEGIN HIDDEN TESTS


@observe(x=normal(4, 3), i=integers(low=0, high=4), k=normal())
def parts_and_functions_are_noted(compiler, x, i, k):
    """Reading and writing parts; numpy's functions, also on lists of stand-ins."""
    tape = compiler.Tape()
    a = tape.value(x.copy())
    b = np.concatenate([a, a[i:]], axis=0)
    a[i] = k
    a[:, 1] = b[0, 0]
    c = np.sum(np.where(b > k, b, 0.0), axis=1)
    return steps_as_text(tape.steps), a.example, c.example, tape.groups


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 4: what cannot be traced

Look at this step:

```python
if x.sum() > 0:
    return x * 2
return x / 2
```

On the list there would be one of the two branches, the one that the example took. For other numbers the program would
be wrong, and nobody would know. A list has no branches. So a stand-in must refuse to be true or false. It must also
refuse to become a Python number, since whatever Python computes with that is a constant.

Python calls `__bool__` for `if`, `while`, `and`, `or`, `not`; `__float__` and `__int__` for `float(x)` and `int(x)`; and
`__index__` where it wants a whole number, as in `range(x)`. Raise `refused("bool")`, `refused("float")` (for both),
and `refused("index")`. These make an error that names the user's line and says what to do instead.
"""


# %% exercise="what-cannot-be-traced"
#| export
@extend(StandIn)
class Refusals:
    """What depends on the numbers, which a list cannot know."""

    def __bool__(self) -> bool:
        ### BEGIN SOLUTION
        raise refused("bool")
        ### END SOLUTION

    def __float__(self) -> float:
        ### BEGIN SOLUTION
        raise refused("float")
        ### END SOLUTION

    def __int__(self) -> int:
        ### BEGIN SOLUTION
        raise refused("float")
        ### END SOLUTION

    def __index__(self) -> int:
        ### BEGIN SOLUTION
        raise refused("index")
        ### END SOLUTION


# %% checks="what-cannot-be-traced" points=3
_x = Tape().value(np.array(2.0))
check_raises(CannotTrace, lambda: bool(_x > 1), hint='raise refused("bool")')
check_raises(CannotTrace, lambda: float(_x), hint='raise refused("float")')
check_raises(CannotTrace, lambda: int(_x), hint='raise refused("float")')
check_raises(CannotTrace, lambda: range(_x), hint='raise refused("index")')
### BEGIN HIDDEN TESTS


def remedy_of(call):
    """What an error says, after the line."""
    return message_of(call).rpartition(": ")[2]


@observe(x=normal(), y=normal(3))
def numbers_are_not_looked_at(compiler, x, y):
    """Which error, and what it says to do; shapes may be looked at."""
    tape = compiler.Tape()
    a, b = tape.value(np.array(x)), tape.value(y)
    calls = (
        lambda: bool(a > 0),
        lambda: 1 if a else 2,
        lambda: float(a),
        lambda: int(a),
        lambda: [1, 2][a],
        lambda: max(b),
    )
    found = [(raised(call), remedy_of(call)) for call in calls]
    return found, len(b), b.shape, (a + b).example


### END HIDDEN TESTS

# %% [markdown]
r"""
Each message names the user's line, here one of the check. So nobody has to search.

#### Exercise 5: `trace`

A `Program` is a whole list:

```python
Program(steps, inputs, outputs, kinds, groups)
```

`inputs` are the numbers of its arguments, and `outputs` are references. `kinds[n]` says what is known of value `n`: its
shape, dtype and so on. `groups[n]` says in whose memory it is. Values in the same memory, such as an array and its
views, have the same group. It's the number of the first of them. You'll need that soon.

Write `trace`: make a `Tape`; `on_tape(tape, arguments)` gives the list of what stands in for the arguments; call the
function with these. Return a `Program` with the tape's `steps`, the numbers of the stand-ins that went in, what came
out, `numbered`, and the tape's `kinds` and `groups`.
"""


# %% exercise="trace"
#| export
def trace(function: Callable, *arguments) -> Program:
    """Run a function on stand-ins, and give the list of what it did.

    Parameters
    ----------
    function : callable
        Takes arrays, and gives one, or a tuple, list or dictionary of some.
    *arguments : ndarray
        Examples; they are not changed.

    Raises
    ------
    CannotTrace
        If what the function does depends on the numbers; names the line.
    """
    ### BEGIN SOLUTION
    tape = Tape()
    inputs = on_tape(tape, arguments)
    outputs = numbered(function(*inputs))
    numbers = [x.number for x in inputs]
    return Program(tape.steps, numbers, outputs, tape.kinds, tape.groups)
    ### END SOLUTION


# %% checks="trace" points=4
_program = trace(lambda x, y: x * y + x, np.ones(2), np.ones(2))
check(_program.inputs, [0, 1], hint="the numbers of what went in")
check(str(_program.outputs), "v3", hint="numbered(function(*inputs))")
check(
    [str(s) for s in _program.steps],
    ["v2 = multiply(v0, v1)", "v3 = add(v2, v0)"],
    hint="tape.steps",
)
check(
    trace(lambda x: x[1:], np.ones(3)).groups,
    [0, 0],
    hint="tape.groups: x[1:] is a view",
)
### BEGIN HIDDEN TESTS


def some_function(x, y):
    """With views, a write in place, a reduction and several outputs."""
    z = x @ y
    view = z[:, 0]
    view += np.tanh(x).sum(axis=1)
    return {"z": z, "all": [view.mean(), x.T]}


@observe(x=normal(3, 2), y=normal(2, 4))
def a_function_becomes_a_list(compiler, x, y):
    """Its steps, inputs, outputs, kinds and groups; the arguments stay as they are."""
    program = compiler.trace(some_function, x, y)
    kinds = [(kind.shape, str(kind.dtype)) for kind in program.kinds]
    text = steps_as_text(program.steps)
    return text, program.inputs, str(program.outputs), kinds, program.groups, x, y


@observe(x=normal(3))
def arguments_in_the_same_memory_are_known_to_be(compiler, x):
    """An array twice, and a view of it; inputs that are changed stay outside."""

    def function(a, b, c):
        a += 1
        return b + c.sum()

    program = compiler.trace(function, x, x, x[1:])
    return steps_as_text(program.steps), program.groups, x


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 6: `evaluate`

A list can be run by going through it. Keep the values in a dictionary from numbers to arrays; at first it has the
inputs. For each step, `filled((step.inputs, step.settings), values.get)` puts the value in the place of each `Ref`.
Call the step's function, and keep what comes out under the number `step.out`, unless that is `None`: such a step only
writes to what is there. At the end, return the outputs, filled.
"""


# %% exercise="evaluate"
#| export
def evaluate(program: Program, *arguments):
    """Run a program, one step after the other."""
    ### BEGIN SOLUTION
    values = dict(zip(program.inputs, arguments))
    for step in program.steps:
        inputs, settings = filled((step.inputs, step.settings), values.get)
        out = step.function(*inputs, **settings)
        if step.out is not None:
            values[step.out] = out
    return filled(program.outputs, values.get)
    ### END SOLUTION


# %% checks="evaluate" points=5
def _f(x, y):
    z = x * y
    z[:1] = 5.0
    return z.sum(), z[0]


_program = trace(_f, np.ones(2), np.ones(2))
check(
    evaluate(_program, np.array([1.0, 2.0]), np.array([3.0, 4.0])),
    (13.0, 5.0),
    hint=["other numbers than those of the trace", "values[step.out] = out"],
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3, 2), y=normal(2, 4), u=normal(3, 2), v=normal(2, 4))
def a_list_gives_what_the_function_gives(compiler, x, y, u, v):
    """For the numbers of the trace, and for others, as often as one likes."""
    program = compiler.trace(some_function, x, y)
    other = compiler.evaluate(program, u, v)
    return other, compiler.evaluate(program, x, y), compiler.evaluate(program, u, v)


@observe(x=normal(5), y=normal(5), axis=choice(0, -1))
def a_list_changes_what_the_function_changes(compiler, x, y, axis):
    """Inputs that are written to, settings, and steps without a result."""

    def function(a):
        a[1:] += a[:-1]
        a[0] = 3.0
        return np.cumsum(a, axis=axis)

    program = compiler.trace(function, x)
    return compiler.evaluate(program, y), y


### END HIDDEN TESTS

# %% [markdown]
r"""
Now a whole backward pass, run without an engine:
"""


# %%
def slope(array):
    x = Variable(array)
    return grad((x * x * x).sum(), x)[0]


program = trace(slope, np.ones(2))
print(program)
print(evaluate(program, np.array([1.0, 10.0])))

# %% [markdown]
r"""
### 2. A shorter list

#### Exercise 7: what nobody needs

Differentiate a derivative once more, and your engine computes a lot that nobody looks at in the end. To find such steps, go through the list **from the last step to the first**, and keep what is needed:

- needed at first: the outputs, and the inputs (somebody outside still has these);
- a step is alive if its `out` is needed. Then all that it uses is needed, too. (`used(step)` gives the numbers.)

And what about steps that only write, like `v2 += v1`? Their `out` is `None`. They are alive if they write to the
*memory* of something needed. So keep two sets: the needed values, and the groups of the needed values. A step is
alive if its `out` is in the first, or the group of one of its `writes` is in the second.

`replace(program, steps=…)` makes a program like another, with other steps.
"""


# %% exercise="dead-steps"
#| export
def without_dead(program: Program) -> Program:
    """The same program without the steps that nobody needs."""
    ### BEGIN SOLUTION
    groups, steps = program.groups, []
    needed = {*program.inputs, *[ref.number for ref in refs(program.outputs)]}
    memory = {groups[n] for n in needed}
    for step in reversed(program.steps):
        changed = {groups[n] for n in step.writes}
        if step.out in needed or changed & memory:
            steps.append(step)
            needed |= set(used(step))
            memory |= {groups[n] for n in used(step)}
    return replace(program, steps=steps[::-1])
    ### END SOLUTION


# %% checks="dead-steps" points=6
def _texts(program):
    return [str(step) for step in program.steps]


def _f(x):
    x * 2
    z = x * 3
    z += 1
    view = z[1:]
    view += 5
    return z


check(
    _texts(without_dead(trace(_f, np.ones(3)))),
    [
        "v2 = multiply(v0, 3)",
        "iadd(v2, 1)",
        "v3 = getitem(v2, slice(1, None, None))",
        "iadd(v3, 5)",
    ],
    hint=["v1 is dead", "v3 is a view of v2: what is written to it, is written to v2"],
)
check(
    len(without_dead(trace(lambda x: x.fill(0), np.ones(3))).steps),
    1,
    hint="somebody outside has the inputs: what is written to them counts",
)
### BEGIN HIDDEN TESTS


def half_of_it_for_nothing(x, y):
    """Dead steps, dead writes, a write to an input through a view, a draw."""
    dead = np.tanh(x)
    dead += y
    dead[1:] = 0.0
    part = y[1:]
    a = np.exp(x)
    b = a.T
    b *= 2.0
    part -= x[0].sum()
    dead = np.sqrt(b) + dead
    c = np.cos(x)
    c.T[0] = 1.0
    return {"a": a, "more": [np.where(b > 1, b, 0.0), (c * 2,)]}


@observe(x=normal(3, 3), y=normal(3), u=normal(3, 3), v=normal(3))
def only_what_is_needed_stays(compiler, x, y, u, v):
    """Which steps stay, and that they do the same; the program itself stays as it was."""
    program = compiler.trace(half_of_it_for_nothing, x, y)
    before = len(program.steps)
    kept = compiler.without_dead(program)
    return (
        steps_as_text(kept.steps),
        compiler.evaluate(kept, u, v),
        v,
        before,
        len(program.steps),
    )


@observe(x=normal(4), n=integers(low=2, high=6))
def a_chain_of_dead_steps_goes_as_a_whole(compiler, x, n):
    """Whatever only dead steps use is dead."""

    def function(a):
        b = a
        for _ in range(n):
            b = np.tanh(b)
        for _ in range(n):
            a = a + 1
        return [a]

    kept = compiler.without_dead(compiler.trace(function, x))
    return steps_as_text(kept.steps), compiler.evaluate(kept, x + 1)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 8: what is done twice

A second derivative computes many things that the first one has computed already. The same function of the same inputs
gives the same result. So compute it once, and use it twice.

Go through the list from the first step on. Keep a dictionary `known` from a step's key to its number, and a
dictionary `same` from numbers that are gone to those that take their place. For each step:

1. `step = renamed(step, same)`: whoever used a value that's gone, uses the other one.
2. Its key is `described(step)` (function, inputs, settings) **together with the version** of each value that it uses.
   The version is how often the value's group has been written to so far; count it in a `Counter`.
3. If the key is known, note the number in `same`, and drop the step. If not, the step stays, and its key is known now.

Two kinds of steps always stay, and are never known. The first are steps that write (`step.writes`): draws from a
generator are among them, since a draw changes the generator. The others make an array of their own that is written
to later: if `a = x * 2` and `b = x * 2`, and then `a += 1`, they must not become one. `sharing = may_be_shared(program)` is a
function that knows: ask `sharing(step)`.

At the end, return `joined(replace(program, steps=steps), same)`, which also renames the outputs.
"""


# %% exercise="common-steps"
#| export
def without_common(program: Program) -> Program:
    """The same program, in which nothing is computed twice."""
    ### BEGIN SOLUTION
    versions, known, same, steps = Counter(), {}, {}, []
    sharing = may_be_shared(program)
    for step in program.steps:
        step = renamed(step, same)
        groups = [program.groups[n] for n in used(step)]
        key = described(step), tuple(versions[group] for group in groups)
        versions.update({program.groups[n] for n in step.writes})
        if sharing(step) and key in known:
            same[step.out] = known[key]
            continue
        if sharing(step):
            known[key] = step.out
        steps.append(step)
    return joined(replace(program, steps=steps), same)
    ### END SOLUTION


# %% checks="common-steps" points=7
_program = without_common(trace(lambda x: np.exp(x) + np.exp(x) * 2, np.ones(2)))
check(
    _texts(_program),
    ["v1 = exp(v0)", "v3 = multiply(v1, 2)", "v4 = add(v1, v3)"],
    hint="renamed(step, same): v2 is v1 now",
)


def _f(x):
    first = np.exp(x)
    x += 1
    return first, np.exp(x)


check(
    len(without_common(trace(_f, np.ones(2))).steps),
    3,
    hint="x has been written to: its version is another",
)


def _f(x):
    first, second = x * 2, x * 2
    first += 1
    return first, second


check(
    evaluate(without_common(trace(_f, np.ones(1))), np.ones(1)),
    ([3.0], [2.0]),
    hint="may_be_shared",
)
### BEGIN HIDDEN TESTS


def much_of_it_twice(x, y):
    """Twice the same, also by way of others; a view before and after a write."""
    a, b = np.tanh(x @ y), np.tanh(x @ y)
    c = (a - b) * (x @ y)
    part, again = y[0], y[0]
    before = part * 2.0
    again += 1.0
    after = y[0] * 2.0
    return c, before, after, [a * b, np.sum(b, axis=0)], np.sum(a, axis=1)


@observe(x=normal(2, 3), y=normal(3, 2), u=normal(2, 3), v=normal(3, 2))
def nothing_is_computed_twice(compiler, x, y, u, v):
    """Which steps stay, and that they do the same."""
    kept = compiler.without_common(compiler.trace(much_of_it_twice, x, y))
    return (
        steps_as_text(kept.steps),
        str(kept.outputs),
        compiler.evaluate(kept, u, v),
        v,
    )


@observe(x=normal(3), y=normal(3), seed=integers())
def draws_are_all_made(compiler, x, y, seed):
    """Two draws are two, although they look the same; two arrays that differ later are two."""

    def function(a, rng):
        first, second = rng.random(3), rng.random(3)
        z, b, c = a * 2, a * 2, a * 2
        b[0] = 7.0
        return first - second, z, b, c, a * 2

    kept = compiler.without_common(
        compiler.trace(function, x, np.random.default_rng(0))
    )
    found = compiler.evaluate(kept, y, np.random.default_rng(seed))
    return len(kept.steps), found


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 9: needless copies

When your engine hands a gradient over to a leaf, it makes sure that nobody else holds the array: it copies. On a list
you can see who else holds it. A copy is needless if the array that it is made of is not used any more afterwards, and
nobody outside can see it.

First you need to know how long values live. Write `lifetimes`: for each *group*, the place in the list of the last step
that uses one of its values, or makes one. Groups of inputs and outputs live longer than all steps, so their last place is
`len(program.steps)`.

Then `without_copies`, as in Exercise 8: go through the list, rename, and let the copy be `same` as what it is made of
if that dies in this very step. `copied_by(program, step)` gives the number of the value that a step copies. It is
`None` for a step that is no copy, or one that changes the layout in memory.
"""


# %% exercise="needless-copies"
#| export
def lifetimes(program: Program) -> dict[int, int]:
    """For each group of values, the place of the last step that has to do with it."""
    ### BEGIN SOLUTION
    last = {}
    for place, step in enumerate(program.steps):
        for n in [*used(step), *step.writes, step.out]:
            if n is not None:
                last[program.groups[n]] = place
    for n in [*program.inputs, *[ref.number for ref in refs(program.outputs)]]:
        last[program.groups[n]] = len(program.steps)
    return last
    ### END SOLUTION


def without_copies(program: Program) -> Program:
    """The same program without copies of what nobody else holds."""
    ### BEGIN SOLUTION
    last, same, steps = lifetimes(program), {}, []
    for place, step in enumerate(program.steps):
        step = renamed(step, same)
        n = copied_by(program, step)
        if n is not None and last[program.groups[n]] == place:
            same[step.out] = n
        else:
            steps.append(step)
    return joined(replace(program, steps=steps), same)
    ### END SOLUTION


# %% checks="needless-copies" points=7
_program = trace(lambda x: np.copy(np.exp(x)[:] * 2), np.ones(2))
check(
    lifetimes(_program),
    {0: 4, 1: 2, 3: 3, 4: 4},
    hint=["v2 is a view of v1, and is used in step 2", "inputs and outputs: 4"],
)
check(
    _texts(without_copies(_program)),
    [
        "v1 = exp(v0)",
        "v2 = getitem(v1, slice(None, None, None))",
        "v3 = multiply(v2, 2)",
    ],
    hint="v4 is a copy of v3, which nobody uses any more",
)
_program = without_copies(trace(lambda x: x.copy(), np.ones(2)))
check(len(_program.steps), 1, hint="somebody outside has x: the copy stays")
### BEGIN HIDDEN TESTS


def some_copies(x):
    """Needed and needless ones, of views and of arrays that are written to later."""
    a = np.exp(x)
    b = a.copy()
    a += 1.0
    c = (a * 2.0).copy()
    c[0] = 0.0
    d = np.copy(x)
    e = np.copy((x + 1.0)[:2])
    return a, b, c, d, np.copy(np.tanh(e))


@observe(x=normal(3), y=normal(3))
def only_needless_copies_go(compiler, x, y):
    """Which steps stay, and that they do the same."""
    kept = compiler.without_copies(compiler.trace(some_copies, x))
    return steps_as_text(kept.steps), str(kept.outputs), compiler.evaluate(kept, y), y


@observe(x=normal(4, 2), n=integers(low=1, high=5), m=integers(low=1, high=5))
def how_long_each_group_lives(compiler, x, n, m):
    """The last use of each group, by way of views and writes, too."""

    def function(a, b):
        for _ in range(n):
            b = np.tanh(b)
        c = np.exp(a).T
        for _ in range(m):
            b = np.tanh(b)
        d = c[0]
        d += 1.0
        e = np.tanh(b)
        e[0] = 3.0
        return {"sum": c.sum(), "more": [b * 2.0]}

    program = compiler.trace(function, x, x[0].copy())
    kept = compiler.without_copies(program)
    found = compiler.evaluate(kept, x, x[1].copy())
    return sorted(compiler.lifetimes(program).items()), found


### END HIDDEN TESTS

# %% [markdown]
r"""
### 3. A text

Going through a list takes time as well. Python is faster at something else: running Python. So write the program down,
a line for each step, and let Python compile that. And you can read it!

#### Exercise 10: a line for each step

A `Writer` knows the names of things: `writer.text(x)` writes an input (a reference as `v3` or by its name, a number as
it is, tuples with what's in them), and `writer.function(f)` gives a function a name. Write the step

- `getitem(v1, index)` as `v1[index]`, where `writer.index(index)` writes what stands between the brackets;
- `setitem(v1, index, v2)` as `v1[index] = v2`;
- with an operator, if `writer.sign(step)` gives one and not `None`: `v1 + v2`, or `v1 += v2`. But not if the result is
  to go into a buffer, see below;
- a method as one: if the function is in `METHODS.values()`, `v1.sum(axis=0)`, with its `__name__`;
- everything else as a call: `exp(v1)`.

Behind the inputs of a call come the settings, `axis=0`; and if `out` isn't empty, `out=b0`, for instance: there the
result will go. At last, if `step.out` isn't `None`, put `v7 = ` in front; `writer.value(step.out)` is that name.
"""


# %% exercise="write-step"
#| export
def write_step(step: Step, writer: Writer, out: str = "") -> str:
    """A step as a line of Python; its result goes into the array `out`, if any."""
    ### BEGIN SOLUTION
    given = [writer.text(x) for x in step.inputs]
    rest = [f"{name}={writer.text(x)}" for name, x in step.settings.items()]
    rest += [f"out={out}"] * bool(out)
    sign = writer.sign(step)
    if step.function in (getitem, setitem):
        text = f"{given[0]}[{writer.index(step.inputs[1])}]"
        text += f" = {given[2]}" if step.function is setitem else ""
    elif sign and not out:
        text = f"{given[0]} {sign} {given[1]}"
    elif step.function in METHODS.values():
        text = f"{given[0]}.{step.function.__name__}({', '.join(given[1:] + rest)})"
    else:
        text = f"{writer.function(step.function)}({', '.join(given + rest)})"
    return text if step.out is None else f"{writer.value(step.out)} = {text}"
    ### END SOLUTION


# %% checks="write-step" points=7
def _f(x):
    y = np.exp(x[:, 0]) - 2.0
    y[1:] = x.sum(axis=1)[0]
    y *= y
    return y


_program = trace(_f, np.ones((3, 2)))
_writer = Writer(_program)
check(
    [write_step(step, _writer) for step in _program.steps],
    [
        "v1 = v0[:, 0]",
        "v2 = exp(v1)",
        "v3 = v2 - 2.0",
        "v4 = v0.sum(axis=1)",
        "v5 = v4[0]",
        "v3[1:] = v5",
        "v3 *= v3",
    ],
    hint=["writer.sign(step) knows the operators", "v0.sum(axis=1): a method"],
)
check(
    write_step(_program.steps[2], _writer, "b0"),
    "v3 = subtract(v2, 2.0, out=b0)",
    hint="with out= it is a call, and no operator",
)
### BEGIN HIDDEN TESTS


def run_lines(compiler, program, arguments):
    """Run the lines of a program one by one; what they have made, by name."""
    writer = compiler.Writer(program)
    lines = [compiler.write_step(step, writer) for step in program.steps]
    space = {writer.value(n): x for n, x in zip(program.inputs, arguments)}
    exec("\n".join(lines), writer.space | space, space)
    calls = [re.findall(r"(\.?\w+)\(", line) for line in lines]
    return {name: x for name, x in space.items() if name.startswith("v")}, calls


def all_kinds_of_steps(x, y, i):
    """Parts, writes, operators, methods, functions, settings, powers of negative numbers."""
    a = x[i:, 0] - (-2.0) * y[i:]
    a[0] = y.sum(axis=0)
    a *= np.where(a > 0, a, -0.5)
    b = np.concatenate([a, y[i:]], axis=0).reshape(2, -1)
    b[:, 1] = (-0.5) ** b[:, 0]
    return np.sum(b / 3.0, axis=-1), x.T @ x, np.clip(y, None, 0.5), -a


@observe(x=normal(5, 2), y=normal(5), u=normal(5, 2), v=normal(5))
def lines_do_what_steps_do(compiler, x, y, u, v):
    """The values that the lines make, for other numbers than those of the trace."""
    program = compiler.trace(lambda a, b: all_kinds_of_steps(a, b, 1), x, y)
    return run_lines(compiler, program, (u, v)), u, v


@observe(x=normal(3), y=normal(3), axis=choice(0, -1))
def results_go_where_they_are_told(compiler, x, y, axis):
    """The array named by out is what comes out, of functions with and without settings."""

    def function(a, b):
        return np.multiply(a, b), np.sum(b, axis=axis, keepdims=True), np.exp(a)

    program = compiler.trace(function, x, y)
    writer, memory = compiler.Writer(program), [np.zeros(3), np.zeros(1), np.zeros(3)]
    space = {"v0": x, "v1": y} | {f"b{n}": array for n, array in enumerate(memory)}
    lines = [
        compiler.write_step(s, writer, f"b{n}") for n, s in enumerate(program.steps)
    ]
    exec("\n".join(lines), writer.space | space, space)
    return memory, [space[f"v{n + 2}"] is array for n, array in enumerate(memory)]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 11: the whole text

Now the function: a first line such as `def step(x, y):`, the lines of the steps, indented by four blanks, and a last
line with what it returns. That last line is `f"    return {result_text(program, writer)}"`, which is given. It takes care
that nobody outside gets memory that belongs to somebody else.

Behind each line comes a comment with what it makes, such as `  # (64, 10)`: `program.kinds[n]` of the result shows
itself that way. Where there's no result, take the first of the step's `writes`.

`buffers` has a name such as `"b0"` for the `out` of some steps, and none for others: `buffers.get(step.out, "")`. Give
back the lines as one text, joined by `"\n"`.
"""


# %% exercise="write-lines"
#| export
def write_lines(program: Program, writer: Writer, buffers: dict[int, str]) -> str:
    """The text of a function named ``step`` that does what a program does."""
    ### BEGIN SOLUTION
    lines = [f"def step({', '.join(map(writer.value, program.inputs))}):"]
    for step in program.steps:
        made = step.writes[0] if step.out is None else step.out
        line = write_step(step, writer, buffers.get(step.out, ""))
        lines.append(f"    {line}  # {program.kinds[made]}")
    lines.append(f"    return {result_text(program, writer)}")
    return "\n".join(lines)
    ### END SOLUTION


# %% checks="write-lines" points=5
_program = trace(lambda x, y: [x @ y, x[0]], np.ones((2, 3)), np.ones(3))
check(
    write_lines(_program, Writer(_program), {2: "b0"}),
    "\n".join(
        [
            "def step(v0, v1):",
            "    v2 = matmul(v0, v1, out=b0)  # (2,)",
            "    v3 = v0[0]  # (3,)",
            "    return [v2, array(v3)]",
        ]
    ),
    hint=["two blanks before the #", "the kind of v2 shows itself as (2,)"],
)
### BEGIN HIDDEN TESTS


def run_text(compiler, program, arguments, buffers=None):
    """Write a program, let Python compile it, and run it; how many lines it has."""
    writer = compiler.Writer(program)
    text = compiler.write_lines(program, writer, buffers or {})
    space = dict(writer.space)
    exec(text, space)
    return space["step"](*arguments), len(text.split("\n"))


@observe(x=normal(5, 2), y=normal(5), u=normal(5, 2), v=normal(5))
def a_text_does_what_the_list_does(compiler, x, y, u, v):
    """For other numbers; inputs that are returned are copied; each line says what it makes."""

    def function(a, b):
        b += 1.0
        return [*all_kinds_of_steps(a, b, 2), b, a[0]]

    program = compiler.trace(function, x, y)
    text = compiler.write_lines(program, compiler.Writer(program), {})
    made = [line.split("#")[1].strip() for line in text.split("\n") if "#" in line]
    (found, lines) = run_text(compiler, program, (u, v))
    return found, lines, made, found[-2] is v, v


@observe(x=normal(3), y=normal(3))
def results_go_into_the_buffers_that_they_have(compiler, x, y):
    """Some steps have one, and others have none."""
    program = compiler.trace(lambda a: [np.exp(a), np.tanh(a) * 2], x)
    writer, memory = compiler.Writer(program), np.zeros(3)
    text = compiler.write_lines(program, writer, {2: "b0"})
    space = writer.space | {"b0": memory}
    exec(text, space)
    return space["step"](y), memory, text.count("out=")


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 12: buffers

Each line makes a new array, and gives an old one away. For large arrays, asking the system for memory takes
time, too. So keep some arrays from call to call, and use each again as soon as what was in it is dead. That's
called a **buffer**. Many values can take turns in one.

Which buffer can a step write into? One of the same kind, `program.kinds[step.out]`, that is free. Go through the
steps, with a dictionary `free` from kinds to lists of names:

1. Which buffers end here? Those of the groups that the step uses, and whose last use is this very step (`lifetimes`).
2. `elementwise(step)` says whether each element of the result needs only the elements at its place, as in `exp(v1)`.
   Then what ends here is free **before** the step, and its result may go on top of its own input. In other steps,
   such as `v1 @ v2`, it's free only **after** it.
3. If `may_have_buffer(program, step, last)` (it's a ufunc, its result is an array of its own that nobody outside will
   see), take a free buffer of its kind, or a new one with the next name, `b0`, `b1`, …

Return the name of the buffer for each `out` that has one, and the kind of each buffer by name.

Then put the pieces together in `write`: make a `Writer` for the program, choose buffers, and write the lines. Return
three things: the text, what its names stand for (`writer.space`, which fills while you write), and a dictionary with a
new array for each buffer. `empty(kind)` makes an array of a kind.
"""


# %% exercise="buffers"
#| export
def share_buffers(program: Program) -> tuple[dict, dict]:
    """Which memory results go to: names by value, and kinds by name."""
    ### BEGIN SOLUTION
    last, names, kinds, free = lifetimes(program), {}, {}, defaultdict(list)
    for place, step in enumerate(program.steps):
        groups = {program.groups[n] for n in used(step)}
        ending = [names[g] for g in groups if g in names and last[g] == place]
        if elementwise(step):
            release(ending, kinds, free)
        if may_have_buffer(program, step, last):
            kind = program.kinds[step.out]
            name = free[kind].pop() if free[kind] else f"b{len(kinds)}"
            names[step.out], kinds[name] = name, kind
        if not elementwise(step):
            release(ending, kinds, free)
    return names, kinds
    ### END SOLUTION


def release(ending: list[str], kinds: dict, free: dict) -> None:
    """Buffers that end are free for others of their kind."""
    ### BEGIN SOLUTION
    for name in ending:
        free[kinds[name]].append(name)
    ### END SOLUTION


def write(program: Program) -> tuple[str, dict, dict]:
    """The text of a program, what its constants and functions are, and its buffers."""
    ### BEGIN SOLUTION
    writer, (names, kinds) = Writer(program), share_buffers(program)
    text = write_lines(program, writer, names)
    return text, writer.space, {name: empty(kind) for name, kind in kinds.items()}
    ### END SOLUTION


# %% checks="buffers" points=8
_x = np.ones((2, 2))
_names, _kinds = share_buffers(trace(lambda x: np.tanh(np.exp(x) * 2) + 1, _x))
check(_names, {1: "b0", 2: "b0", 3: "b0"}, hint="v1 dies when v2 is made, and so on")
check(len(_kinds), 1, hint="v4 comes out: it has no buffer")
_names, _ = share_buffers(trace(lambda x: np.exp(x) @ x @ x + 1, _x))
check(
    _names,
    {1: "b0", 2: "b1", 3: "b0"},
    hint="v1 @ v0 reads v1 to the end: b0 is free only after it",
)
_names, _ = share_buffers(trace(lambda x: np.exp(x).T + np.tanh(x), _x))
check(_names, {1: "b0", 3: "b1"}, hint="v2 is a view of v1: what counts is the group")
_text, _space, _buffers = write(trace(lambda x: [np.exp(x) * x], np.ones(2)))
check(sorted(_space), ["exp"], hint="write gives writer.space")
check(_buffers["b0"].shape, (2,), hint="write gives empty(kind) for each buffer")
exec(_text, _space | _buffers, _here := {})
check(
    _here["step"](np.array([0.0, 1.0])), [[0.0, np.e]], hint="the lines of the program"
)
### BEGIN HIDDEN TESTS


def with_buffers(compiler, program, arguments):
    """Run a text with its buffers; twice, the second time with other numbers."""
    names, kinds = compiler.share_buffers(program)
    writer = compiler.Writer(program)
    text = compiler.write_lines(program, writer, names)
    space = writer.space | {name: compiler.empty(kind) for name, kind in kinds.items()}
    exec(text, space)
    first = space["step"](*arguments)
    kept = [np.array(x) for x in first]
    second = space["step"](*[x + 1 for x in arguments])
    same = [np.array_equal(x, y) for x, y in zip(first, kept)]
    return first, second, same, len(kinds)


def needs_memory(x, y):
    """Chains, products, views, writes, two kinds, and results that stay."""
    a = np.exp(x) * 2 - x
    b = a @ y
    view = b[1:]
    c = np.tanh(b) + 1.0
    d = c * view[:1]
    b += 1.0
    e = np.sqrt(np.abs(d.T @ a)) + d.sum()
    return [e + 1, view * 1.0, np.maximum(c, d), d]


@observe(x=normal(3, 3), y=normal(3, 3))
def memory_is_used_again_and_nobody_notices(compiler, x, y):
    """Results of two calls, that the first stay as they are, and how many buffers there are."""
    program = compiler.trace(needs_memory, x, y)
    return with_buffers(compiler, program, (x, y))


@observe(x=normal(2, 3), y=normal(3, 2), n=integers(low=2, high=5))
def how_many_buffers_are_enough(compiler, x, y, n):
    """For chains of one kind, of two kinds in turn, and of matrix products."""

    def chain(a, b):
        for _ in range(n):
            a = np.tanh(a[::-1]) + 1.0
        for _ in range(n):
            a = np.exp((a @ b).astype("f4") * 0.1) @ a
        return [a * 1.0]

    program = compiler.trace(chain, x, y)
    names, kinds = compiler.share_buffers(program)
    return len(kinds), len(names), with_buffers(compiler, program, (x, y))


@observe(x=normal(3, 3), y=normal(3, 3))
def a_text_and_all_that_it_needs(compiler, x, y):
    """It runs with what comes with it; the kinds of its memory."""
    text, names, buffers = compiler.write(compiler.trace(needs_memory, x, y))
    space = names | buffers
    exec(text, space)
    memory = sorted((b.shape, str(b.dtype)) for b in buffers.values())
    return space["step"](y, x), memory, len(text.split("\n")), text.count("out=")


### END HIDDEN TESTS

# %% [markdown]
r"""
Here is a small network as you've never seen it: loss and gradients of two layers, without an engine.
"""


# %%
def loss_and_gradients(x, w1, w2):
    w1, w2 = Variable(w1), Variable(w2)
    loss = ((tanh(x @ w1) @ w2) ** 2).mean()
    return [loss.data.data, *grad(loss, [w1, w2])]


arrays = [rng.normal(size=shape) for shape in ((8, 4), (4, 6), (6, 1))]
program = without_copies(
    without_common(without_dead(trace(loss_and_gradients, *arrays)))
)
print(write(program)[0])

# %% [markdown]
r"""
And here is who lives in its buffers. Each bar is an array, from the step that makes it to the last one that needs it.
Where one ends, another of its kind begins in the same memory.
"""

# %% demo=true
from tinytorch.graph.showing.lifetimes import draw_lifetimes

draw_lifetimes(program, lifetimes(program), *share_buffers(program))

# %% [markdown]
r"""
#### Exercise 13: numbers

A single number of numpy's is slow. `v1 + v2` with two `np.float64` takes longer than with two of Python's floats, and
both add the same 64 bits with the same instruction. Here is how much longer:
"""


# %% demo=true
def sums(a, b):
    return [a * b + b for _ in range(10_000)]


for kind in (np.float64, float):
    took = seconds(partial(sums, kind(1.5), kind(0.1)), 5)
    print(f"{kind.__name__:7} {1e5 * took:5.1f} nanoseconds for a product and a sum")

# %% [markdown]
r"""
So let a program count with Python's floats where that gives the same bits. It does for sums, differences, products and
signs. (Not for quotients: `1.0 / 0.0` is an error in Python.) It does in double precision only: **Python has no
float32**. And whoever gets a number from such a step expects one of numpy's: `x * 0.1` leaves an array `x` in float32,
`x * np.float64(0.1)` doesn't.

Write two functions. `same_in_python` says whether Python gives the same for a step: it `is_arithmetic(step)`, and all
that it uses is of type `np.float64`. (`program.kinds[n].type` is the type of value `n`.)

`with_python_numbers` goes through the list. A step that isn't the same in Python stays. For one that is,

1. each value that it uses needs its twin, a number of Python's. For a value that has none yet, add the step
   `to_python(program, n)`. Keep a set of the values that have one.
2. Add `in_python(program, step)`, which computes the twin of `out` from the twins.
3. If numpy's number is wanted as well (it comes out, or a step that stays uses it), add `to_numpy(program, step.out)`.

Return `with_twins(program, steps)`. (If there's more to convert than to count, that gives back the program as it was.)
"""


# %% exercise="numbers"
#| export
def same_in_python(program: Program, step: Step) -> bool:
    """Whether a step of single numbers has the same bits if Python does it."""
    ### BEGIN SOLUTION
    if not is_arithmetic(step):
        return False
    return all(program.kinds[n].type is np.float64 for n in used(step))
    ### END SOLUTION


def with_python_numbers(program: Program) -> Program:
    """The same program, which counts with Python's numbers where it can."""
    ### BEGIN SOLUTION
    wanted = {ref.number for ref in program.outputs}
    for step in program.steps:
        if not same_in_python(program, step):
            wanted |= set(used(step))
    twins, steps = set(), []  # the values that have a number of Python's beside them
    for step in program.steps:
        if not same_in_python(program, step):
            steps.append(step)
            continue
        steps += [to_python(program, n) for n in set(used(step)) - twins]
        twins |= {*used(step), step.out}
        steps.append(in_python(program, step))
        if step.out in wanted:
            steps.append(to_numpy(program, step.out))
    return with_twins(program, steps)
    ### END SOLUTION


# %% checks="numbers" points=5
def _f(x, y):
    for _ in range(9):
        x = x * y
    return [np.tanh(x)]


_two = np.float64(2.0)
_program = trace(_f, _two, _two)
check(
    same_in_python(_program, _program.steps[0]),
    True,
    hint="a product of two np.float64",
)
check(same_in_python(_program, _program.steps[-1]), False, hint="is_arithmetic(step)")
_small = trace(_f, np.float32(2), np.float32(2))
check(same_in_python(_small, _small.steps[0]), False, hint="float32: other bits")
_lines = write(with_python_numbers(_program))[0].split("\n")
check(
    [line.split("#")[0].strip() for line in [*_lines[1:4], *_lines[-4:-1]]],
    [
        "n0 = v0.item()",
        "n1 = v1.item()",
        "n2 = n0 * n1",
        "n10 = n9 * n1",
        "v10 = float64(n10)",
        "v11 = tanh(v10)",
    ],
    hint=[
        "tanh wants v10 from numpy: to_numpy(program, step.out)",
        "no n at all? There was more to convert than to count: convert each value once",
    ],
)
### BEGIN HIDDEN TESTS


def much_counting(x, y, array):
    """Sums of single numbers, some of which go elsewhere, too."""
    z = x
    for n in range(30):
        z = z * y - x + 0.25
        z = np.tanh(z) if n % 10 == 9 else -z
    part = z * y
    return [z + y, array * part, part / y, array.sum() * 2.0 * y]


def lines_of(compiler, program, arguments):
    """How long a text is, what is converted in it, and what it gives."""
    text, space, buffers = compiler.write(program)
    space = space | buffers
    exec(text, space)
    found = space["step"](*arguments)
    many = len(text.split("\n")), text.count(".item("), text.count("float64(")
    return many, found, [type(x).__name__ for x in found]


@observe(x=normal(), y=normal(), a=normal(3, dtype="float32"), u=normal(), v=normal())
def single_numbers_become_pythons(compiler, x, y, a, u, v):
    """How many conversions; results and dtypes, for other numbers."""
    program = compiler.trace(much_counting, np.float64(x), np.float64(y), a)
    faster = compiler.with_python_numbers(program)
    return lines_of(compiler, faster, (np.float64(u), np.float64(v), a * 2))


@observe(x=normal(dtype="float32"), y=normal(), a=normal(3), axis=choice(0, -1))
def what_is_not_in_double_precision_stays(compiler, x, y, a, axis):
    """float32 alone and beside float64, arrays, quotients; whether each step counts."""

    def function(small, large, array):
        z = [small * small, small + large, large - large, large / large, array * large]
        return [*z, -large, array.sum(axis=axis) + large, large * 2, array + array]

    inputs = np.float32(x), np.float64(y), a
    program = compiler.trace(function, *inputs)
    count = [compiler.same_in_python(program, step) for step in program.steps]
    found = compiler.evaluate(compiler.with_python_numbers(program), *inputs)
    return [(z, type(z).__name__) for z in found], count


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 14: blocks

Take an expression on a million numbers, such as `tanh(x * 2 + 1)`. Each step reads a million numbers from memory and
writes a million back. The processor mostly waits. Its cache, which is much faster, has room for some ten thousand. So
cut the arrays into pieces, and do **all steps on one piece before you go to the next**. What one step has written, the
next one finds in the cache. And the arrays in between need no more memory than a piece.

That's possible for a *run*: elementwise steps that follow each other, with results of one shape. The library finds the
runs in a program (`in_pieces`), and writes the text for a piece with your `write`. You write how a run goes through its
arrays.

A piece is some of the **rows**, `x[start:stop]`, whatever is in a row. There are two traps:

- Not all that a run reads has these rows. A bias of shape `(300,)` is used as a whole by each row of `(500, 300)`. So
  is one number. Write `is_cut`: whether a value of some `kind` has as many axes as the results, and as many rows. The
  results are of shape `self.shape`, the value is of shape `kind.shape`. (Why is it not enough to compare the rows?
  Think of a bias of 300 and results of shape `(300, 300)`.)
- The last piece is shorter.

Then write `__call__`. A piece has `self.length` rows. Go through the starts `0`, `self.length`, … up to the number of
rows; `self.function(many)` gives the text's function for a piece of `many` rows. Call it with all arrays in their order,
each cut or not: `self.cut` has a `True` or `False` for each. It writes its results into the last of these arrays, so
there's nothing to return.
"""


# %% exercise="blocks"
#| export
class Run(RunMethods):
    """Elementwise steps that go through their arrays piece by piece."""

    # How the text for a piece is written.
    write = staticmethod(write)

    def is_cut(self, kind) -> bool:
        """Whether a value has the rows of the results, and not only goes with each."""
        ### BEGIN SOLUTION
        return len(kind.shape) == len(self.shape) and kind.shape[0] == self.shape[0]
        ### END SOLUTION

    def __call__(self, *arrays) -> None:
        """Do all steps on one piece after the other."""
        ### BEGIN SOLUTION
        for start in range(0, self.shape[0], self.length):
            stop = min(start + self.length, self.shape[0])
            step = self.function(stop - start)
            step(*[x[start:stop] if cut else x for x, cut in zip(arrays, self.cut)])
        ### END SOLUTION


# %% checks="blocks" points=6
def _f(x, bias):
    return [np.tanh(x * 2.0 + bias) - x]


_x, _bias = rng.normal(size=(300, 300)), rng.normal(size=300)
_program = in_pieces(trace(_f, _x, _bias), Run)
_run = _program.steps[-1].function
check(_run.cut, [True, False, True], hint="x is cut, the bias is not, the result is")
check(
    np.array_equal(evaluate(_program, _x, _bias)[0], _f(_x, _bias)[0]),
    True,
    hint=[
        "x[start:stop] if it is cut, x if not",
        "300 rows, 96 at a time: the last piece has 12, and so self.function(12)",
    ],
)
_long = rng.normal(size=100_001)
_program = in_pieces(trace(_f, _long, np.float64(3.0)), Run)
check(
    np.array_equal(evaluate(_program, _long, np.float64(3.0))[0], _f(_long, 3.0)[0]),
    True,
    hint="the last piece ends where the array ends",
)
check(sorted(_run.functions), [12, 96], hint="96 rows at a time, and then the 12 left")
### BEGIN HIDDEN TESTS


class Watched:
    """A run of rows that notes which pieces it was asked for."""

    def __init__(self, compiler, shape, length, cut):
        self.run = object.__new__(compiler.Run)
        self.run.shape, self.run.length, self.run.cut = shape, length, cut
        self.run.function, self.seen = self.function, []

    def function(self, many):
        return lambda *arrays: self.seen.append((many, *[np.array(x) for x in arrays]))


@observe(x=normal(11, 2), row=normal(2), length=integers(low=1, high=6))
def arrays_go_through_in_pieces(compiler, x, row, length):
    """Each piece that is computed, and how many rows it is said to have."""
    watched = Watched(compiler, (11, 2), length, [True, False, True])
    result = watched.run(x, row, x * 2)
    exact = Watched(compiler, (6, 2), 3, [False, True])
    exact.run(row, x[:6])
    return watched.seen, result, exact.seen


@observe(x=normal(4, 4), n=integers(low=2, high=5), m=integers(low=2, high=5))
def what_is_cut(compiler, x, n, m):
    """The first row of arrays with the rows of the results, and the whole of others."""
    x = x[:n, :m]
    arrays = [x, x[0], x[:, 0], x[:1], x[:, :1], x[0, 0], x[:1, :1], x[:1, 0]]
    kinds = compiler.trace(lambda *all: list(all), *map(np.array, arrays)).kinds
    found = []
    for shape in ((n, m), (n,), (m,)):
        run = Watched(compiler, shape, 1, []).run
        cut = [run.is_cut(kind) for kind in kinds]
        found.append((cut, [z[:1] if c else z for z, c in zip(arrays, cut)]))
    return found


@observe(x=normal(80_000), y=normal(3))
def a_run_gives_what_its_steps_give(compiler, x, y):
    """Several results, numbers, and a value that later steps want."""

    def function(a, b):
        c = np.exp(a * b[0]) + b[1]
        d = c * c - a
        return [d * 0.5, c.sum(), np.sqrt(np.abs(d))]

    program = compiler.trace(function, x, y)
    faster = compiler.in_pieces(program, compiler.Run)
    found = compiler.evaluate(faster, x + 1, y + 1)
    return len(faster.steps), [
        (z[::5000], z[-1], z.sum()) for z in map(np.ravel, found)
    ]


### END HIDDEN TESTS

# %% [markdown]
r"""
How much is it? Here are your program's lines, with whole arrays and in pieces. (It depends on your processor's cache, and
on how many arrays take part. Below the times is the text for a piece.)
"""


# %% demo=true
def long_expression(x, y):
    a, b = x * y + 1.0, x - y
    for _ in range(4):
        a, b = a * b - x, b * a + y
    return [a * b]


pair = rng.normal(size=(2, 1_000_000)).astype(np.float32) * 0.1
whole = trace(long_expression, *pair)
for program in (whole, in_pieces(whole, Run)):
    text, names, memory = write(program)
    exec(text, names | memory, lines := {})
    runs = [f for f in names.values() if isinstance(f, Run)]
    took = seconds(partial(lines["step"], *pair), 10)
    print(f"{1e3 * took:5.1f} ms", "in pieces" if runs else "with whole arrays")
print(runs[0].source)

# %% [markdown]
r"""
### 4. `compile`

#### Exercise 15: state

A training step has inputs that nobody passes: the weights, what the optimizer remembers, and so on. It also has
results that nobody returns: the same, afterwards. If they were constants on the list, they'd never move.

The cure is to say it aloud: **state goes in, and state comes out.** A *slot* is a place that holds an array, such as the
weights of one layer. It has two methods, `slot.get()` and `slot.put(array)`. (How are all slots of a network and its
optimizer found? By walking through whatever the step refers to. That's in the library.)

Write `with_state`. It gives a function that takes a list with an array for each slot, and then the step's arguments. It
puts each array into its slot, calls the step with the arguments, and returns a pair: what the step gave, and a list of
what is in the slots now.

While tracing, the "arrays" are stand-ins. So the step finds stand-ins in its own weights.
"""


# %% exercise="state"
#| export
def with_state(step: Callable, slots: list) -> Callable:
    """A step as a function that takes, and gives, what is in some slots, too."""

    ### BEGIN SOLUTION
    def pure(state, *arguments):
        for slot, array in zip(slots, state):
            slot.put(array)
        outputs = step(*arguments)
        return outputs, [slot.get() for slot in slots]

    return pure
    ### END SOLUTION


# %% checks="state" points=4
class _Slot:
    """A place that holds something."""

    def put(self, array):
        self.array = array

    def get(self):
        return self.array


_slot = _Slot()


def _step(x):
    _slot.array = _slot.array + x
    return x * 2


_found = with_state(_step, [_slot])([np.array(10.0)], np.array(1.0))
check(_found, (2.0, [11.0]), hint="put, call, and then get")
### BEGIN HIDDEN TESTS


class Place:
    """A slot."""

    def __init__(self):
        self.array, self.log = None, []

    def put(self, array):
        self.array = array
        self.log.append("put")

    def get(self):
        self.log.append("get")
        return self.array


@observe(w=normal(3), m=normal(3), x=normal(3), k=normal())
def state_goes_in_and_comes_out(compiler, w, m, x, k):
    """What the step gives, and what is in the slots afterwards; two calls."""
    first, second = Place(), Place()

    def step(a, b):
        second.array = second.array * 0.5 + a
        first.array = first.array - b * second.array
        return a * first.array, b

    pure = compiler.with_state(step, [first, second])
    once = pure([w, m], x, k)
    return once, pure(once[1], x, k), first.log, pure([m, w], x, k), first.array


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 16: a second trace

What about a number that the program can't see?

```python
now = time.perf_counter()  # read by nobody that we know
return x + now
```

On the list, `now` is a constant: the very number of the trace, at each call. Nothing looks wrong. It's the
worst thing that a compiler can do. The cure is cheap: trace the step at its first call *and at its second*, with other
data. If everything that changes is on the list, both lists are equal. If they differ, something was frozen.

Write `first_difference`: go through the steps of both programs together (`zip_longest` gives `None` where one is
shorter). Return the first step that isn't the same in both, that of the second program, or that of the first if there
is none. Return `None` if all are the same. Here constants must have the same bits, so compare `described(step,
by_value)`.
"""


# %% exercise="trace-twice"
#| export
def first_difference(one: Program, other: Program) -> Step | None:
    """The first step that is not the same in two programs."""
    ### BEGIN SOLUTION
    for step, second in zip_longest(one.steps, other.steps):
        if step is None or second is None:
            return second or step
        if described(step, by_value) != described(second, by_value):
            return second
    return None
    ### END SOLUTION


# %% checks="trace-twice" points=4
def _traced(k, more=0):
    return trace(lambda x: np.exp(x * k + more) if more else np.exp(x * k), np.ones(2))


check(first_difference(_traced(np.ones(2)), _traced(np.ones(2))), None, hint="by_value")
check(
    str(first_difference(_traced(1.0), _traced(2.0))),
    "v1 = multiply(v0, 2.0)",
    hint="the step of the second program",
)
check(
    str(first_difference(_traced(1.0), _traced(1.0, 3))),
    "v2 = add(v1, 3)",
    hint="in the first program, exp comes here",
)
check(
    str(first_difference(_traced(1.0), trace(lambda x: x * 1.0, np.ones(2)))),
    "v2 = exp(v1)",
    hint="the first program is longer",
)
### BEGIN HIDDEN TESTS


@observe(x=normal(3), a=normal(3), b=normal(3), n=integers(low=1, high=4), k=normal())
def two_lists_are_compared(compiler, x, a, b, n, k):
    """Another constant, another function, another input; longer and shorter ones; equal ones."""

    def traced(constant, function=np.tanh, turns=n, turned=False, number=k):
        def whole(y, z):
            y = y * constant - (y if turned else z) + number
            for _ in range(turns):
                y = function(y)
            return y

        return compiler.trace(whole, x, x.copy())

    first = traced(a)
    others = (
        traced(a.copy()),
        traced(b),
        traced(a, np.exp),
        traced(a, turns=n + 2),
        traced(a, turns=0),
        traced(a, turned=True),
        traced(a, number=k + 1),
    )
    return [str(compiler.first_difference(first, other)) for other in others]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 17: all of it

Put everything that you have built in a row. A `call` knows the arguments and all slots. Write `prepare`:

1. Inside of it, write two functions of a program. `cleaned` gives it without dead steps, then without common ones, then
   without copies. `written` gives what `write` gives for `in_pieces(with_python_numbers(program), Run)`.
2. `call.traced(trace, with_state, cleaned)` has the step traced and the program cleaned. It gives the program, with names
   for its inputs; a list `takes` of where these come from; and a `template`: how the outputs, and the new state, are made
   of the program's results.
3. Return `Ready(program, takes, template, evaluate, written)`. To write a program takes longer than to go through it once.
   So your `evaluate` runs it as long as no second trace has confirmed it; only then is it written.

A program fits only what it was traced for. With another shape, another dtype, or in evaluation instead of training, another
one is needed. `call.key` holds all that a program depends on, but no numbers in arrays. Write `ready_for`. Look in
`self.kept` for the call's key. If there is a program, and it is `confirmed`, use it. If not,

1. count one more trace in `self.traces`;
2. prepare a program, and hand it to `confirmed(fresh, known, self.kept.values(), first_difference)`. That compares it with
   the ones we have, refuses what was frozen, and gives the program to go on with. (`known` is what you found for the
   key, or `None`.)
3. keep it under `call.key`. Ask for the key again: tracing has found out more about the call.
"""


# %% exercise="keep"
#| export
def prepare(call) -> Ready:
    """Trace a step, and clean its program; it is written when it is confirmed."""

    ### BEGIN SOLUTION
    def cleaned(program):
        for clean in (without_dead, without_common, without_copies):
            program = clean(program)
        return program

    def written(program):
        return write(in_pieces(with_python_numbers(program), Run))

    program, takes, template = call.traced(trace, with_state, cleaned)
    return Ready(program, takes, template, evaluate, written)
    ### END SOLUTION


class Compiled(CompiledMethods):
    """A step that is traced at its first calls, and later runs as a program."""

    def ready_for(self, call) -> Ready:
        """The program for a call."""
        ### BEGIN SOLUTION
        known = self.kept.get(call.key)
        if known is not None and known.confirmed:
            return known
        self.traces += 1
        ready = confirmed(prepare(call), known, self.kept.values(), first_difference)
        self.kept[call.key] = ready
        return ready
        ### END SOLUTION


# %% [markdown]
r"""
The rest is given. A lock lets only one thread at a time trace, or use the buffers. A step that is called inside of
another one that's being traced just runs, and its calls end up on the other one's list.
"""


# %%
#| export
@extend(Compiled)
class Calling:
    """A compiled step is called as the step itself."""

    def __call__(self, *arguments, **settings):
        with self.lock:
            if self.holders.tracing or stand_ins((arguments, settings)):
                return self.step(*arguments, **settings)
            call = self.holders.look(arguments, settings)
            self.last = self.ready_for(call)
            return self.last.run(call)


def compile(step: Callable, *holders, backend: str = "auto") -> Compiled:
    """A function that does what a step does, without the engine.

    At its first call with given shapes, dtypes and modes, the step is run on stand-ins
    and becomes a program; at the second it is traced once more, to be sure that nothing
    is frozen; from then on, the program runs. Results have the same bits. In these two
    calls, what the step uses holds stand-ins: no other thread may use it meanwhile,
    but in compiled steps.

    Parameters
    ----------
    step : callable
        Takes arrays, Tensors, Variables, and tuples, lists and dictionaries of them,
        and gives such. What it refers to (networks, optimizers, generators, arrays) is
        found, and changes as if the step had run.
    *holders : object
        Further networks and so on that it changes.
    backend : {"auto", "lines", "loops", "c"}
        Whether `tinytorch.fast` runs the program where it can, by numpy's loops or by
        functions of C; it needs a C compiler. "auto" begins with loops, and goes on
        with C for a program that runs often.

    Returns
    -------
    Compiled
        Its `source` is the text of the program that ran last; `steps`, `buffers`,
        `bytes` and `traces` tell more. Variables that it returns have no history.

    Raises
    ------
    CannotTrace
        When it is called: if what the step does depends on the numbers in its arrays,
        or a second trace shows that something was frozen; names the line.

    Examples
    --------
    >>> double = compile(lambda x: x + x)
    >>> double(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Compiled(step, *holders, backend=backend)


# %% checks="keep" milestone="M6" points=7
_log = io.StringIO()


def _f(x):
    _log.write("run ")
    return x * x + x


_compiled = compile(_f)
for _n in range(4):
    check(
        _compiled(np.full(2, _n * 1.0)), [_n * _n + _n] * 2, hint="ready_for gives it"
    )
check(
    _log.getvalue(), "run run ", hint="traced at the first call and at the second only"
)
check(_compiled.traces, 2, hint="self.traces += 1")
check(_compiled(np.ones((2, 1))), [[2.0], [2.0]], hint="another shape, another program")
check(_compiled.traces, 3, hint="call.key is another one")
### BEGIN HIDDEN TESTS


@observe(x=normal(4, 3), y=normal(2, 3), k=normal())
def a_program_for_each_kind_of_call(compiler, x, y, k):
    """How often a step runs itself: twice for each shape, dtype and mode."""
    log = io.StringIO()

    def step(a, mode="sum"):
        log.write(".")
        return a.sum(axis=0) * k if mode == "sum" else a.max(axis=0)

    fast = compiler.compile(step)
    found = [fast(z) for z in (x, x + 1, x + 2, y, y + 1, y + 2, x.astype("f4"))]
    found += [fast(x + n, mode="max") for n in range(4)]
    return found, len(log.getvalue()), fast.traces, len(fast.kept)


@observe(w=normal(3), x=normal(5, 3))
def weights_move_as_if_the_step_had_run(compiler, w, x):
    """Five steps on a weight; the array stays the same object."""
    weight = Place()
    weight.array = array = w.copy()

    def step(a):
        weight.array -= 0.1 * np.tanh(a * weight.array)
        return weight.array.sum()

    fast = compiler.compile(step)
    found = [fast(row) for row in x]
    return found, weight.array is array, array, fast.traces


@observe(x=normal(3), y=normal(3))
def a_program_is_clean(compiler, x, y):
    """How many steps are left of dead ones, common ones and a copy."""

    def step(a, b):
        np.exp(a)
        return ((a * b).copy() + a * b) * 2, np.copy(b - a)

    fast = compiler.compile(step)
    return fast(x, y), len(fast.steps), len(fast.buffers)


@observe(x=normal(), row=normal(300))
def a_program_is_made_fast(compiler, x, row):
    """What it has Python's numbers for, and whether long arrays go through in pieces."""

    def step(number, array):
        for _ in range(9):
            number = number * 0.5 + 1.0
        return number, np.tanh(array * 2.0 + 1.0)

    fast = compiler.compile(step, backend="lines")
    number, array = fast(np.float64(x), np.outer(row, row))
    text = fast.source
    parts = [text.count(part) for part in (".item(", "float64(", "def ")]
    return number, array[0], parts


@observe(x=normal(3), seeds=integers(4, low=0, high=1000))
def what_is_frozen_is_refused(compiler, x, seeds):
    """What is read from a file, which the program cannot see, is found at the second call."""
    draws = io.StringIO("\n".join(map(str, seeds)))

    def step(a):
        return a * np.random.default_rng(int(draws.readline())).normal(size=3)

    fast = compiler.compile(step)
    return fast(x), raised(lambda: fast(x)), compiler.compile(np.tanh)(x)


### END HIDDEN TESTS

# %%
#| export
__all__ = """
    CannotTrace Compiled Program Step Tape compile trace
""".split()

# %% [markdown]
r"""
## Use

### Digits, compiled

Here is the training of module 8, once with the engine and once compiled. Both begin with the same weights and go through
the same batches.
"""

# %% demo=true
from tinytorch.core.networks import MLP
from tinytorch.core.training import Adam, cross_entropy
from tinytorch.datasets import digits

images, labels = digits()
pixels = (images.reshape(-1, 64) / 16).astype(np.float32)
parts = np.array_split(rng.permutation(1760), 55)
batches = [(Tensor(pixels[p]), labels[p]) for p in parts]


def training_step():
    """A network, and a step that trains it."""
    network = MLP([64, 32, 10], rng=0)
    adam = Adam(network.parameters(), lr=3e-3)

    def step(x, y):
        adam.zero_grad()
        loss = cross_entropy(network(x), y)
        loss.backward()
        adam.step()
        return loss

    return network, step


network, step = training_step()
twin, twins_step = training_step()
fast = compile(twins_step)
same = [step(x, y).item() == fast(x, y).item() for _ in range(3) for x, y in batches]
weights = zip(network.parameters(), twin.parameters())
print(f"{sum(same)} of {len(same)} losses are the same to the last bit;")
print("so are all weights:", all((p.data == q.data).all() for p, q in weights))

# %% [markdown]
r"""
And the time for one step:
"""

# %% demo=true
x, y = batches[0]
engine, compiled = seconds(lambda: step(x, y), 50), seconds(lambda: fast(x, y), 50)
print(f"engine   {1e6 * engine:5.0f} microseconds")
print(f"compiled {1e6 * compiled:5.0f} microseconds, {compiled / engine:.2f} of that")
print(fast, f"of {fast.bytes // 1024} KiB together")

# %% [markdown]
r"""
### Milestone M6: your engine beside PyTorch

Here are five steps of five kinds. All run on your own package: your Tensor, your layers, your engine. Each is measured

- by your engine;
- compiled, as the lines that you write;
- compiled by `backend="loops"`: runs go through numpy's own inner loops, called by a small C file in `tinytorch.fast`,
  if there's a C compiler. It's what the library does for you once you have exported this module;
- compiled by `backend="c"`: what C computes with numpy's bits becomes a function of C, written for this one program;
- by PyTorch in its normal, eager mode, if it's installed.

All that counts are ratios in one run. Your engine's time is 1.

Predict first: where does a compiler gain most, and where next to nothing?

<details>
<summary>What to expect</summary>

Most with single numbers and short arrays: there, nearly all of the time was the engine's. With a million numbers it's
memory, so it's the pieces that help. In a network, most of the time goes to matrix products. They are the same routine
in all of them, and nobody gains much.

</details>
"""

# %% demo=true
from tinytorch.support.workloads import HAS_TORCH, WITHOUT, same_bits, workloads

for work in workloads():
    steps = {"engine": work.engine(), "compiled": compile(work.engine())}
    steps |= {name: compile(work.engine(), backend=name) for name in ("loops", "c")}
    steps |= work.peers()
    for _ in range(3):
        found = {name: step(*work.arguments) for name, step in steps.items()}
    same = same_bits(found["engine"], found["compiled"])
    calls = {name: partial(step, *work.arguments) for name, step in steps.items()}
    times = {name: seconds(call, work.repeats) for name, call in calls.items()}
    parts = [f"{name} {t / times['engine']:5.3f}" for name, t in times.items()]
    print(f"{work.name:31}", *parts, "same bits" if same else "OTHER BITS", sep="  ")
if not HAS_TORCH:
    print(WITHOUT)

# %% [markdown]
r"""
That's the engine that you've written in module 7, line by line, and the bits are still its own. Where a number in the
column `compiled`, `loops` or `c` is below PyTorch's, your package is the faster one.

### Your network, read aloud

This is your network. Read it from top to bottom: two layers forwards; the loss; the way back; and Adam, four times. (It
is long. Look at the first thirty lines or so.)
"""

# %% demo=true
print("\n".join(fast.source.split("\n")[:32]), "\n    …")

# %% [markdown]
r"""
**Question 1** (6 points). In this program, find (a) the two layers and the activation between them, (b) the line that
computes the loss, and (c) the lines that give the gradient of the *second* layer's weights. Say for each line of (c)
which derivative rule of module 7 has become that line. Then (d): one product of matrices of the engine's backward pass
could be there and isn't. Which one, and why is it missing?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="read-aloud" points=6
r"""
**Model answer.** (a) The first `matmul` and `add` are the first layer, `maximum` with 0 is ReLU, and the second `matmul`
and `add` are the second layer. (b) `softmax_cross_entropy(scores, labels)` is one line, since it looks at the labels, and
so it is noted as one call. (c) The rule of cross-entropy gives the gradient of the scores: softmax of the scores (`max`,
`subtract`, `exp`, `sum`, `divide`), minus the one-hot labels, times one over the number of examples. The rule of the
matrix product by its second input is `swap(x) @ grad`: the line with `transpose` turns the activations of the hidden
layer, and the line with `@` multiplies them by the gradient. (d) The gradient by the pixels, `grad @ swap(weights)` of
the first layer: the pixels are a Tensor that requires no gradient, so no rule was called for it. (If it had been, it
would be a dead step.)

**Mark scheme.** 1 point: both layers and ReLU. 1 point: the line of the loss. 2 points: (c) with the softmax minus
one-hot, and with transpose and product. 1 point: names the rules. 1 point: (d) the gradient by the input, which nobody
needs.
"""

# %% [markdown]
r"""
## Analyze

### What does each pass bring?

Here is a second derivative as a list, and what each pass leaves of it. (Of a training step, there's less to take away:
the engine computes no gradient that nobody asked for.) Below it is the chart of lifetimes, which a compiled step
shows with `.draw()`.
"""


# %% demo=true
def twice(x, w):
    x, w = Variable(x), Variable(w)
    (first,) = grad((tanh(x @ w) ** 2).sum(), w, create_graph=True)
    return grad((first * first).sum(), w)


program = trace(twice, rng.normal(size=(8, 4)), rng.normal(size=(4, 6)))
print(f"{len(program.steps):3} steps traced")
for clean in (without_dead, without_common, without_copies):
    program = clean(program)
    print(f"{len(program.steps):3} steps {clean.__name__.replace('_', ' ')}")
draw_lifetimes(program, lifetimes(program), *share_buffers(program))

# %% [markdown]
r"""
### What does it cost?

Tracing and writing take time, too. How many steps of the engine is that?
"""


# %% demo=true
def call_twice(step):
    return step(x, y), step(x, y)


cost = seconds(lambda: call_twice(compile(twins_step)), 5)
print(f"the first two calls take as long as {cost / engine:.0f} steps of the engine")
print(f"they are paid back after {cost / (engine - compiled):.0f} steps")

# %% [markdown]
r"""
**Question 2** (6 points). (a) A compiler may change a program only if nobody can tell from the results. Why may it
drop a dead step, but not the draw of a random number whose result is dead? (b) In mathematics, $(a + b) + c = a + (b +
c)$. May your compiler use this to save a step? (c) Somebody compiles a step for a language model whose sentences are of all
lengths from 1 to 500, and the training gets slower. Why, and what would you do?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="may-and-may-not" points=6
r"""
**Model answer.** (a) A draw changes the generator, so the *next* draw would be another number if it were left out. Its
result may be dead, but what it writes to is not. (b) No. Floating-point sums in another order have other last bits, and
"equal to the last bit" is what makes a compiled step testable by `==`. (A compiler may offer it where the user asks for it.)
(c) A program is kept for each shape, and each shape is traced at two calls, which take as long as many steps of the engine.
With 500 shapes, most calls trace. Pad the sentences to a few lengths, such as powers of two, with a mask; or sort them by
length; or leave this step to the engine.

**Mark scheme.** 2 points: (a) the generator is changed, and later draws would differ. 2 points: (b) no, with rounding as
the reason. 1 point: (c) a trace for each shape. 1 point: (c) a way out.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch and JAX</summary>

`jax.jit(f)` traces with stand-ins (called tracers) as you do; its lists are called jaxprs, and XLA makes machine code of
them. JAX has no state: weights go in and come out, as in `with_state`. A Python counter inside is frozen without a word
there. `torch.compile(f)` reads Python's bytecode, and where it can't follow, it lets Python run and goes on behind
(a *graph break*). Its guards are your `key`. Neither promises the bits of the uncompiled program.

</details>

## What you have built

- A stand-in writes down what is done with it. The engine doesn't notice.
- What depends on numbers is refused, with your line. What was frozen is found by a second trace.
- A list can be cleaned: no dead steps, nothing twice, no needless copies. Values in the same memory are a group.
- A list can be written as text, and read. Buffers are used again by whoever comes next.
- State goes in and comes out. Weights move as if the step had run, to the last bit.

Export your module with `python bin/tito.py export 16_compiler`. From then on, `compile(step)` is there for any step
of any module.
"""
