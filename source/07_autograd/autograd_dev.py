# %% [markdown]
r"""
# Module 7: Automatic differentiation

In October 1986 a paper of four pages in *Nature* showed how a network with hidden layers can learn: go through
it backwards, and every weight finds out which way to move (Rumelhart, Hinton and Williams, "Learning
representations by back-propagating errors"). The method was older: Wengert recorded computations to
differentiate them in 1964, and Linnainmaa worked out the way back in his master's thesis of 1970. Everything that
has been trained since was trained like this.

So far, nothing you built learns. Learning needs an answer to a question: *if this weight were a little larger, how
much would the loss change?*, and for every weight at once. In this module you build the machine that answers it.
It takes notes while your program runs, and then walks through the notes backwards.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | the numerical gradient, slow, but a good judge | 1 | 20 min |
| 2 | a graph by hand | 1 | 20 min |
| 3 | a table of rules, beginning with four | 1 | 15 min |
| 4 | notes: what was computed, from what | 2 | 40 min |
| 5 | the way back: the obvious one, then one that works | 4 | 90 min |
| 6 | a network that learns with your engine | 2 | 45 min |
| 7 | more rules, until everything has one | 9 | 120 min |
| 8 | `no_grad` and `grad` | 2 | 40 min |
| Use and Analyze | a formula, and what it all costs; three questions | 3 questions | 60 min |

You need modules 1 to 3, derivatives of one variable, and the chain rule. Run the check below each exercise at
once. `progress()` in a cell shows how far you are. When you change a cell, run it again before its checks.
"""

# %%
#| default_exp core.autograd
#| export
from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter

import numpy as np

from tinytorch.core import activations, layers, tensor
from tinytorch.core.tensor import compute, value
from tinytorch.support.arguments import inputs_of, list_of_inputs, starting_gradients
from tinytorch.support.arrays import total
from tinytorch.support.delivery import added, delivered, picked, plus
from tinytorch.support.losses import no_derivative
from tinytorch.support.notes import Note
from tinytorch.support.recording import recording
from tinytorch.support.rules import Rules, table
from tinytorch.support.variables import VariableMethods, floating_tensor, operation_of

# %% [markdown]
r"""
What comes from `tinytorch.support` is there for speed, for safety, or for comfort. You can look into those
files, but you never have to. The next cell is for this notebook only:
"""

# %%
import matplotlib.pyplot as plt

from tito.checks import check, check_raises, progress
from tito.figures import moons_figure, seconds, show

rng = np.random.default_rng(0)

# %% [markdown]
r"""
## Build

### 1. Slopes, the slow way

A network with weights $w_1, \dots, w_n$ has one number that says how bad it is, the loss $L$. To make it
better, move each weight a little against its slope: $w_i \leftarrow w_i - \eta\,\partial L / \partial w_i$,
with a small step $\eta$. All of training is this line, repeated. The list of all slopes is the **gradient**.

A slope can be measured. Take a small step $h$ to either side and see what happens:

$$\frac{\partial f}{\partial x} \approx \frac{f(x + h) - f(x - h)}{2h}$$

For $f(x) = x^3$ at $x = 2$ with $h = 0.1$ that is $(2.1^3 - 1.9^3) / 0.2 = (9.261 - 6.859) / 0.2 = 12.01$; the
true slope is $3x^2 = 12$. A step to one side only, $(2.1^3 - 2^3) / 0.1 = 12.61$, is much worse.

For a function of many numbers, do this for one number after the other, and leave all the others alone.

#### Exercise 1: `numerical_gradient`

The loop is there: `offset` is zero everywhere, except for one element, which is `step`. Write the one line
that is missing.
"""


# %% exercise="numerical-gradient"
#| export
def numerical_gradient(f: Callable, x, step: float = 1e-5) -> np.ndarray:
    """The gradient of `f` at `x` by central differences, one element after the other.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, gives a number.
    x : array_like
        Where to differentiate, of any shape; not changed.
    step : float
        How far to step to either side.

    Returns
    -------
    ndarray, float64
        ``(f(x + step) - f(x - step)) / (2 * step)`` for each element, in the shape of `x`.
    """
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[index] = step
        ### BEGIN SOLUTION
        gradient[index] = (f(x + offset) - f(x - offset)) / (2 * step)
        ### END SOLUTION
    return gradient


# %% checks="numerical-gradient" points=4
check(
    numerical_gradient(lambda v: v[0] ** 2 + 3 * v[1], [3.0, 5.0]),
    [6.0, 3.0],
    hint="gradient[index] = …, with f(x + offset) and f(x - offset)",
)
check(
    numerical_gradient(lambda v: v[0] ** 3, [2.0], step=0.1),
    [12.01],
    hint="step to both sides and divide by 2 * step; 12.61 is the one-sided difference",
)
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, normal, observe, raised, uniform


@observe(x=normal(4), a=normal(4, 4))
def gradient_of_a_quadratic_form(autograd, x, a):
    """Every element of a vector is moved by itself."""
    return autograd.numerical_gradient(lambda v: v @ a @ v, x)


@observe(x=normal(2, 3), step=uniform(low=0.3, high=0.6))
def central_difference_with_a_large_step(autograd, x, step):
    """With a large step, a one-sided difference is far off, and so is a wrong divisor."""
    return autograd.numerical_gradient(lambda m: (m**3).sum(), x, step)


@observe(x=integers(3, low=1, high=6))
def integers_are_moved_too(autograd, x):
    """Whole numbers are turned into floats before they are moved; x stays as it was."""
    numbers = [int(n) for n in x]
    return autograd.numerical_gradient(lambda v: v[0] * v[1] * v[2], numbers), numbers


### END HIDDEN TESTS

# %% [markdown]
r"""
Two calls of $f$ for every number. A small network for small pictures, `Dense(784, 128)` and `Dense(128, 10)`,
has 101,770 weights. That is 203,540 forward passes for a single step of training, and training takes
thousands of steps. What would a step cost on your machine?
"""

# %% demo=true
pictures, first, second = rng.normal(size=(64, 784)), np.ones((784, 128)), np.ones((128, 10))
forward = seconds(lambda: np.maximum(pictures @ first, 0) @ second)
print(f"one forward pass {1000 * forward:.2f} ms, one step {203_540 * forward:.0f} s")

# %% [markdown]
r"""
Your engine will get the same gradient for the price of two or three forward passes, however many weights there
are. The numerical gradient keeps one job: it judges your rules.

### 2. One graph by hand

Before the machine, do its work once yourself. Take $f(x, y) = (x + y)(x - y)$ at $x = 2$, $y = 3$. A computer
evaluates it in three small steps, and each result gets a name:

```text
    x = 2 ──┬─────────► [ + ] ──► s = 5  ───┐
            │   ┌─────►                     ├──► [ × ] ──► f = -5
            └───┼─────► [ - ] ──► d = -1 ───┘
    y = 3 ──────┴─────►
```

Now go backwards, and ask at each place: *how much does $f$ change when this value changes?*

| | because | value |
| --- | --- | --- |
| $\partial f / \partial f$ | f changes by itself | $1$ |
| $\partial f / \partial s$ | $f = s d$, so it is $d$ | $-1$ |
| $\partial f / \partial d$ | $f = s d$, so it is $s$ | $5$ |
| $\partial f / \partial x$ | through $s$: $-1 \cdot 1$; through $d$: $5 \cdot 1$; together | $4$ |
| $\partial f / \partial y$ | through $s$: $-1 \cdot 1$; through $d$: $5 \cdot (-1)$; together | $-6$ |

Three things happen here, and there are no others:

1. Each step needs only its **own** little derivative, and what was found to its right. Nobody looks at the
   whole formula.
2. Along a path, derivatives are **multiplied**. That's the chain rule.
3. Where a value is used twice, what comes back from both uses is **added**.

It is right: $f = x^2 - y^2$, with the slopes $2x = 4$ and $-2y = -6$. And one walk back gave the slope by
*every* input.

#### Exercise 2: your own graph

Do the same for $g = (x y + y)\, x$. Its steps are $s = x y$, then $t = s + y$, then $g = t x$. Find the
derivative of $g$ by $t$, by $s$, by $x$ and by $y$, following the graph. Both $x$ and $y$ are used twice.

<details><summary>Hint</summary>

$g = t x$ gives $\partial g / \partial t = x$, and one share of $\partial g / \partial x$, which is $t$. The
other share of $x$ comes through $s = x y$.

</details>
"""


# %% exercise="graph-by-hand"
def graph_by_hand(x: float, y: float) -> tuple:
    """The value of g = (x * y + y) * x, and its derivatives by t, s, x and y."""
    s = x * y
    t = s + y
    ### BEGIN SOLUTION
    dg_dt = x
    dg_ds = dg_dt
    dg_dx = t + dg_ds * y
    dg_dy = dg_dt + dg_ds * x
    ### END SOLUTION
    return t * x, dg_dt, dg_ds, dg_dx, dg_dy


# %% checks="graph-by-hand" points=3
check(graph_by_hand(2.0, 3.0)[1], 2.0, hint="g = t * x, so its derivative by t is x")
check(graph_by_hand(2.0, 3.0)[2], 2.0, hint="t = s + y: s hands on what t gets, times 1")
check(graph_by_hand(2.0, 3.0)[3], 15.0, hint="x is used in g = t * x and in s = x * y: add both")
check(graph_by_hand(2.0, 3.0)[4], 6.0, hint="y is used in t = s + y and in s = x * y: add both")


### BEGIN HIDDEN TESTS
@observe(x=normal(), y=normal())
def derivatives_by_the_values_in_between(autograd, x, y):
    """By t and by s."""
    return autograd.graph_by_hand(x, y)[:3]


@observe(x=normal(), y=normal())
def derivative_by_x(autograd, x, y):
    """x has two paths."""
    return autograd.graph_by_hand(x, y)[3]


@observe(x=normal(), y=normal())
def derivative_by_y(autograd, x, y):
    """y has two paths."""
    return autograd.graph_by_hand(x, y)[4]


### END HIDDEN TESTS

# %% [markdown]
r"""
The yardstick agrees, up to its own small error:
"""

# %%
print(numerical_gradient(lambda v: (v[0] * v[1] + v[1]) * v[0], [2.0, 3.0]))

# %% [markdown]
r"""
### 3. A table of rules

By hand you knew how a sum and a product send a derivative back to their inputs. The engine looks it up in a
table. A **rule** belongs to one function and one of its inputs:

`rule(grad, out, x, y)`

- `x` and `y` are what the function was given, and `out` is what it gave;
- `grad` is $\partial L / \partial \text{out}$: how the final result $L$ depends on `out`. It comes from the
  right, one number for each element of `out`, and somebody else has worked it out;
- the rule returns $\partial L / \partial x$ (or by $y$, in the rule for the other input).

By the chain rule that is `grad` times the function's own derivative. The factor `grad` is forgotten more often
than anything else in this module, because in the simplest test, `grad = 1`, nobody notices.

A rule does **not** care whether an input was broadcast, whether a value was used elsewhere, or whether anybody
wants the gradient: the engine does that, once, for all rules. And it never changes what it's given.
"""

# %%
#| export
RULES = Rules()
derivative = RULES.derivative

# %% [markdown]
r"""
`derivative(function, rule, rule, …)` enters a row into the table: a function, then a rule for each of its
inputs. Afterwards `RULES[function][0]` is the rule for its first input. For the difference $x - y$ the row would
be:

```python
derivative(
    np.subtract,
    lambda grad, out, x, y: grad,
    lambda grad, out, x, y: -grad,
)
```

#### Exercise 3: four rules

Enter the row of `np.add` and the row of `np.multiply`:

$$\frac{\partial (x + y)}{\partial x} = 1, \quad \frac{\partial (x + y)}{\partial y} = 1, \quad
\frac{\partial (x y)}{\partial x} = y, \quad \frac{\partial (x y)}{\partial y} = x.$$

In numbers, at $x = 5$, $y = 3$ with `grad = 7`: the sum sends 7 to both; the product sends $7 \cdot 3 = 21$ to
$x$ and $7 \cdot 5 = 35$ to $y$. (`@table` runs the function, so that your rows are entered.)
"""


# %% exercise="four-rules"
#| export
@table
def rules_of_sums_and_products():
    """The rules of x + y and x * y, for each of the two inputs."""
    ### BEGIN SOLUTION
    derivative(
        np.add,
        lambda grad, out, x, y: grad,
        lambda grad, out, x, y: grad,
    )
    derivative(
        np.multiply,
        lambda grad, out, x, y: grad * y,
        lambda grad, out, x, y: grad * x,
    )
    ### END SOLUTION


# %% checks="four-rules" points=3
_grad, _x, _y = np.array([7.0, -2.0]), np.array([5.0, 1.0]), np.array([3.0, 4.0])
_once = "1 times grad, and not 1"
check(RULES[np.add][0](_grad, _x + _y, _x, _y), [7.0, -2.0], hint=_once)
check(RULES[np.add][1](_grad, _x + _y, _x, _y), [7.0, -2.0], hint=_once)
check(RULES[np.multiply][0](_grad, _x * _y, _x, _y), [21.0, -8.0], hint="grad times y")
check(RULES[np.multiply][1](_grad, _x * _y, _x, _y), [35.0, -2.0], hint="grad times x")
check([_grad[0], _x[0], _y[0]], [7.0, 5.0, 3.0], hint="a rule must not change what it is given")


### BEGIN HIDDEN TESTS
@observe(grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def rules_of_a_sum(autograd, grad, x, y):
    """A sum hands the gradient on to both inputs."""
    return [np.array(autograd.RULES[np.add][i](grad, x + y, x, y)) for i in (0, 1)]


@observe(grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def rules_of_a_product(autograd, grad, x, y):
    """Each factor is the other's derivative; nothing that was given is changed."""
    before = [a.copy() for a in (grad, x, y)]
    found = [np.array(autograd.RULES[np.multiply][i](grad, x * y, x, y)) for i in (0, 1)]
    return found, [bool(np.array_equal(a, b)) for a, b in zip(before, (grad, x, y), strict=True)]


@observe(grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def sums_and_products_in_float32(autograd, grad, x):
    """A float32 gradient stays float32."""
    rules = [autograd.RULES[f][i] for f in (np.add, np.multiply) for i in (0, 1)]
    found = [rule(grad, x, x, x) for rule in rules]
    return found, [str(g.dtype) for g in found]


### END HIDDEN TESTS

# %% [markdown]
r"""
### 4. Notes

By hand you had a picture of the graph. A Python program has none: once `f` is computed, it is the number −5, and
how it came about is forgotten. So something has to take notes.

You prepared the place for that in module 1. Every operator, method and layer reaches numpy through one function,
`apply(function, *inputs, **parameters)`, and `apply` asks its inputs first: *does one of you have a method
`__apply__`, and would like to do this yourself?* A `Variable` does. It is a tensor that remembers:

| it has | which is |
| --- | --- |
| `data` | the values, a `Tensor` |
| `requires_grad` | whether anybody wants its gradient |
| `grad_fn` | the note of how it was computed; `None` if it was simply given, then it is a **leaf** |
| `grad` | where a leaf finds its gradient in the end |
| `order` | its number: each new Variable takes the next one |

Shapes, operators and printing come from `VariableMethods`; they are those of `Tensor`.
"""

# %%
#| export
from tinytorch.support.variables import bare_tensor, record_leaves

creation_order = itertools.count()


class Variable(VariableMethods):
    """A tensor that remembers how it was computed.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. Numbers, lists and integers become float32; a floating dtype is kept, and a
        Tensor of floating dtype is kept itself.
    requires_grad : bool
        Whether gradients are wanted for it.
    grad_fn : callable, optional
        What to call with the complete gradient of this variable; without one, the variable is a
        leaf, and keeps its gradient in `grad`.

    Attributes
    ----------
    data : Tensor
        The values.
    grad : ndarray or None
        Of a leaf, the gradient of all backward passes so far, of the shape and dtype of `data`.
    order : int
        Its number in the order of creation.

    Raises
    ------
    TypeError, ValueError
        If `data` is not made of real numbers, is ragged, or holds Variables.
    """

    __slots__ = ("__weakref__", "data", "grad", "grad_fn", "label", "order", "requires_grad")

    def __init__(self, data, requires_grad: bool = True, grad_fn: Callable | None = None):
        self.data, self.grad = floating_tensor(data), None
        self.requires_grad, self.grad_fn = requires_grad, operation_of(grad_fn)
        self.order = next(creation_order)

    def __apply__(self, function: Callable, *inputs, **parameters):
        """What `apply` calls when a Variable is among the inputs."""
        return record(function, *inputs, **parameters)

    def backward(self, gradient=None, retain_graph=False, create_graph=False) -> None:
        """Add the gradient of this variable by every leaf to the ``grad`` of that leaf.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the loss by this variable, in its shape; needed unless it has one
            element.
        retain_graph : bool
            Keep what was recorded, for another backward pass.
        create_graph : bool
            Record the backward pass itself, and keep the graph: each ``grad`` becomes a Variable
            that can be differentiated again.

        Raises
        ------
        RuntimeError
            If no gradient is required, or the graph was freed by an earlier backward pass.
        ValueError
            If `gradient` is missing or has the wrong shape.
        """
        backward(self, gradient, retain_graph, create_graph)


def needs_gradient(x) -> bool:
    """Whether a gradient has to reach `x`: a Variable, or a layer's weight, that asks for one."""
    return getattr(x, "requires_grad", False)


# %% [markdown]
r"""
#### Exercise 4: `Operation`

An `Operation` is one note: this function, applied to these inputs, with these parameters (an axis, say). When it
is made, it looks up its rules: `rules[i]` is the rule for input `i`, or `None` if that input needs no gradient.
And it can be called with a gradient. Then it answers with what each input gets:

| the note | called with | answers | because |
| --- | --- | --- | --- |
| `multiply` of $x = 3$ and $y = 4$ | 2 | `[8, 6]` | $2 \cdot 4$ for $x$, $2 \cdot 3$ for $y$ |
| `multiply` of $x = 3$ and the number 4 | 2 | `[8, None]` | nobody asks for the derivative by the number 4 |

Write this answer: a list with one entry for each rule. Call a rule as `rule(grad, result, *values,
**self.parameters)`. `values` are the arrays inside the inputs and `result` is the array that came out; the given
lines see to that.
"""


# %% exercise="operation"
#| export
class Operation(Note):
    """A note: this function was applied to these inputs, with these parameters."""

    __slots__ = ()

    def __init__(self, function: Callable, inputs: tuple, values: list, parameters: dict):
        super().__init__(function, inputs, values, parameters)
        row = RULES[function]
        self.rules = [row[i] if needs_gradient(x) else None for i, x in enumerate(inputs)]

    def __call__(self, grad, out: Variable) -> list:
        """For each input, its share of the gradient by `out`; None where nobody asks for one."""
        values, result = self.values, out.data.data
        if isinstance(grad, Variable):
            values, result = self.recorded_values(), out
        ### BEGIN SOLUTION
        shares = []
        for rule in self.rules:
            if rule is None:
                shares.append(None)
            else:
                shares.append(rule(grad, result, *values, **self.parameters))
        return shares
        ### END SOLUTION


# %% checks="operation" points=5
_x, _y, _out = Variable(3.0), Variable(4.0), Variable(12.0)
check(
    Operation(np.multiply, (_x, _y), [3.0, 4.0], {})(np.array(2.0), _out),
    [8.0, 6.0],
    hint="one answer for each input, each from the rule for its position",
)
check(
    Operation(np.multiply, (_x, 4.0), [3.0, 4.0], {})(np.array(2.0), _out),
    [8.0, None],
    hint="where the rule is None, the answer is None",
)
derivative(np.cumsum, lambda grad, out, x, axis=0: grad[::-1] if axis == 0 else grad * out)
_x, _out = Variable([1.0, 2.0]), Variable([1.0, 3.0])
check(
    Operation(np.cumsum, (_x,), [_x.numpy()], {"axis": 1})(np.array([1.0, 2.0]), _out),
    [[1.0, 6.0]],
    hint="hand the parameters on, and the result: rule(grad, result, *values, **self.parameters)",
)


### BEGIN HIDDEN TESTS
def weighted(x, y, weight=1.0):
    return weight * x * y


def enter_rules_of_weighted(autograd, seen=None):
    """Rules of our own, which also note what they are given."""

    def rule(grad, out, x, y, weight, other):
        if seen is not None:
            seen.append([type(v).__name__ for v in (x, y)])
        return grad * weight * other + 0 * out

    autograd.derivative(
        weighted,
        lambda grad, out, x, y, weight=1.0: rule(grad, out, x, y, weight, y),
        lambda grad, out, x, y, weight=1.0: rule(grad, out, x, y, weight, x),
    )


def note_of(autograd, inputs, x, y, **parameters):
    """A note of `weighted`, and the Variable that came out."""
    out = autograd.Variable(weighted(x, y, **parameters))
    return autograd.Operation(weighted, inputs, [x, y], parameters), out


@observe(grad=normal(3), x=normal(3), y=normal(3))
def each_input_gets_what_its_own_rule_gives(autograd, grad, x, y):
    """Two inputs, two rules, in the order of the inputs; a weight is an input like others."""
    enter_rules_of_weighted(autograd)
    inputs = autograd.Variable(x), autograd.layers.Tensor(y, requires_grad=True)
    note, out = note_of(autograd, inputs, x, y)
    return note(grad, out)


@observe(grad=normal(3), x=normal(3), y=normal(3))
def an_input_that_needs_no_gradient_gets_none(autograd, grad, x, y):
    """Constants: an array, and a Variable that asks for nothing. Their rules are not called."""
    seen = []
    enter_rules_of_weighted(autograd, seen)
    wanted, constant = autograd.Variable(y), autograd.Variable(x, requires_grad=False)
    first, out = note_of(autograd, (x, wanted), x, y)
    second, _ = note_of(autograd, (wanted, constant), y, x)
    return first(grad, out), second(grad, out), len(seen)


@observe(grad=normal(3), x=normal(3), weight=normal())
def rules_get_the_values_and_the_parameters(autograd, grad, x, weight):
    """An array for a Variable, a number as it is, and the settings."""
    seen = []
    enter_rules_of_weighted(autograd, seen)
    note, out = note_of(autograd, (autograd.Variable(x), 2.5), x, 2.5, weight=weight)
    return note(grad, out), seen


@observe(grad=normal(3), x=normal(3))
def rules_get_the_result(autograd, grad, x):
    """A rule that uses out, such as that of the exponential function."""
    power_of_two = lambda x: 2**x  # noqa: E731
    autograd.derivative(power_of_two, lambda grad, out, x: grad * out * np.log(2))
    note = autograd.Operation(power_of_two, (autograd.Variable(x),), [x], {})
    return note(grad, autograd.Variable(power_of_two(x)))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 5: `record`

`record` runs whenever a Variable takes part in a computation. It computes like `apply`, wraps the result in a
new Variable, and takes a note, but only where a note can be of use:

| case | gives |
| --- | --- |
| recording is on, and an input needs a gradient | a Variable with an `Operation` as its `grad_fn` |
| no input needs a gradient, or recording is off | a Variable without a note, `requires_grad=False` |

With `x = Variable([1.0, 2.0])`, the expression `x * 3.0` comes here as `record(np.multiply, x, 3.0)`. It
gives the values `[3.0, 6.0]`, and a note whose inputs are the Variable `x` **itself** and the number 3.0: through
`x` itself the way back will go on.

The arrays are taken out of the inputs and the result `out` is computed already. (Results that are true or
false, or whole numbers, have no slope; they're returned as they are.) Your part:

1. Make `result`, a Variable around `out` that needs no gradient: `Variable(bare_tensor(out), requires_grad=False)`.
   `bare_tensor` makes a tensor without the questions that your `as_array` asks.
2. If `recording.enabled` and any input needs a gradient, `result` needs one too, and its `grad_fn` is an
   `Operation` of the function, the inputs, the values and the parameters.
"""


# %% exercise="record"
#| export
def record(function: Callable, *inputs, **parameters) -> Variable | np.ndarray:
    """Compute like `apply`, wrap the result in a Variable, and note how it came about."""
    values = [x.data.data if isinstance(x, Variable) else value(x) for x in inputs]
    out = compute(function, *values, **parameters)
    if out.dtype.kind != "f":
        return no_derivative(function, inputs, out)
    ### BEGIN SOLUTION
    result = Variable(bare_tensor(out), requires_grad=False)
    if recording.enabled and any(map(needs_gradient, inputs)):
        result.requires_grad = True
        result.grad_fn = Operation(function, inputs, values, parameters)
    ### END SOLUTION
    recording.computed(function, inputs, result, parameters)
    return result


# %% checks="record" points=6
recording.enabled = True  # whatever an earlier try has left behind
_x, _constant = Variable([1.0, 2.0]), Variable(2.0, requires_grad=False)
check(record(np.multiply, _x, 3.0), [3.0, 6.0], hint="wrap out")
check(type(record(np.multiply, _x, 3.0).grad_fn).__name__, "Operation", hint="grad_fn is the note")
check(record(np.multiply, _x, 3.0).requires_grad, True, hint="x needs a gradient, so does x * 3")
check(
    record(np.multiply, _x, 3.0).grad_fn.inputs[0] is _x,
    True,
    hint="note the inputs as they came, not their values",
)
check(
    record(np.multiply, _constant, 3.0).requires_grad,
    False,
    hint="no input needs a gradient, so the result needs none",
)
recording.enabled = False
_unrecorded = record(np.multiply, _x, 3.0)
recording.enabled = True
check(_unrecorded.is_leaf, True, hint="take no note while recording.enabled is False")


### BEGIN HIDDEN TESTS
@observe(x=normal(2, 3), y=normal(3), weight=normal())
def the_result_and_the_note_of_how_it_came_about(autograd, x, y, weight):
    """The function, the inputs themselves, their values and the parameters."""
    enter_rules_of_weighted(autograd)
    inputs = autograd.Variable(x), autograd.layers.Tensor(y)
    out = autograd.record(weighted, *inputs, weight=weight)
    note = out.grad_fn
    same = [a is b for a, b in zip(note.inputs, inputs, strict=True)]
    kinds = type(out).__name__, type(note).__name__, type(out.data).__name__
    later = inputs[0].order < out.order < autograd.Variable(x).order
    return kinds, out.numpy(), same, note.values, note.parameters, out.requires_grad, later


@observe(x=normal(3))
def nothing_is_noted_where_nothing_needs_a_gradient(autograd, x):
    """Constants in, a constant out; one input that needs a gradient is enough for a note."""
    enter_rules_of_weighted(autograd)
    constant, wanted = autograd.Variable(x, requires_grad=False), autograd.Variable(x)
    results = [
        autograd.record(weighted, constant, autograd.layers.Tensor(x)),
        autograd.record(weighted, 2.0, wanted),
        autograd.record(weighted, wanted, constant),
    ]
    return [(r.numpy(), r.requires_grad, r.is_leaf) for r in results]


@observe(x=normal(3))
def a_weight_is_noted_like_a_variable(autograd, x):
    """A tensor with requires_grad=True, beside a constant and alone."""
    enter_rules_of_weighted(autograd)
    weight = autograd.layers.Tensor(x, requires_grad=True)
    beside = autograd.record(weighted, autograd.Variable(x, requires_grad=False), weight)
    alone = autograd.record(weighted, weight, 2.0)
    return [(r.numpy(), r.requires_grad, r.grad_fn.inputs[-1] is weight) for r in (beside, alone)]


@observe(x=normal(3))
def nothing_is_noted_while_recording_is_off(autograd, x):
    """The switch decides, and only while it is off."""
    enter_rules_of_weighted(autograd)
    variable = autograd.Variable(x)
    autograd.recording.enabled = False
    try:
        off = autograd.record(weighted, variable, 2.0)
    finally:
        autograd.recording.enabled = True
    on = autograd.record(weighted, variable, 2.0)
    return off.numpy(), off.is_leaf, off.requires_grad, on.is_leaf, on.requires_grad


@observe(x=normal(3, dtype="float32"), y=normal(3))
def dtypes_of_results(autograd, x, y):
    """float32 with a Python number or list stays float32; with float64 all digits are kept."""
    enter_rules_of_weighted(autograd)
    variable = autograd.Variable(x)
    results = [autograd.record(weighted, variable, other) for other in (2.5, [1.0, 2.0, 3.0], y)]
    return [str(r.dtype) for r in results], [r.numpy() for r in results]


### END HIDDEN TESTS

# %% [markdown]
r"""
From now on, `record` also answers for the weights of a layer, which are Tensors with `requires_grad=True`, and not
a line of module 3 had to change for it. Here is the graph of section 2, as your notes have it. (There is no rule for
$x - y$ yet, and what would lose a gradient is refused at once. So write `x + y * -1.0` until section 7.)
"""

# %%
#| export
record_leaves(record)

# %%
from tinytorch.graph import draw, explain, step_backward

x, y = Variable(2.0), Variable(3.0)
f = (x + y) * (x + y * -1.0)
print(f)
draw(f)

# %% [markdown]
r"""
### 5. The way back

An operation can send a gradient one step back. What's left is to do that for a whole graph.

#### Exercise 6: the obvious way

*To go back from a variable: if it's a leaf, add what arrives to its `grad`. Else ask its operation for the shares
of its inputs, and go back from each of them.* That is a recursion, and you can write it in a few lines.

`variable.grad_fn(grad, variable)` gives the shares, in the order of `variable.grad_fn.inputs`; one that is `None`
is left out. `grad` of a leaf is `None` until something has arrived.
"""

# %% exercise="naive-backward"
walks = 0


def naive_backward(variable: Variable, grad) -> None:
    """Go back along every path, to its end."""
    global walks
    walks += 1
    ### BEGIN SOLUTION
    if variable.is_leaf:
        variable.grad = grad if variable.grad is None else variable.grad + grad
    else:
        shares = variable.grad_fn(grad, variable)
        for x, share in zip(variable.grad_fn.inputs, shares):
            if share is not None:
                naive_backward(x, share)
    ### END SOLUTION


# %% checks="naive-backward" points=3
_x, _y = Variable(2.0), Variable(3.0)
naive_backward((_x + _y) * _x, np.array(1.0))
check(_x.grad, 7.0, hint="x gets 5 from the product and 2 through the sum: add, don't replace")
check(_y.grad, 2.0, hint="y gets its share through the sum")


### BEGIN HIDDEN TESTS
@observe(x=normal(3), y=normal(3), grad=normal(3))
def the_obvious_way_is_right(autograd, x, y, grad):
    """On a graph in which values are used several times, with a constant in it."""
    x, y = autograd.Variable(x), autograd.Variable(y)
    a = x * y
    autograd.naive_backward((a + x) * a + 2.0, grad)
    return x.grad, y.grad


@observe(x=normal(3), grad=normal(3))
def a_leaf_adds_to_what_it_has(autograd, x, grad):
    """A leaf by itself, twice."""
    x = autograd.Variable(x)
    autograd.naive_backward(x, grad)
    first = np.array(x.grad)
    autograd.naive_backward(x, 2.0 * grad)
    return first, x.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
It is right. Now watch it. `b = a + a; c = b + b; …`: each line is one operation. What will happen to the number
of calls when you add a line?

<details><summary>Think first, then look</summary>

Each doubling has two paths back, and behind each of them all the paths of the line before.

</details>
"""

# %% demo=true
for doublings in (4, 8, 12, 16):
    z = Variable(1.0)
    for _ in range(doublings):
        z = z + z
    walks = 0
    time = seconds(lambda z=z: naive_backward(z, np.array(1.0)), 1)
    print(f"{doublings:2} operations: {walks:6} calls, {time:.4f} s")

# %% [markdown]
r"""
Each further line doubles the calls: $2^{n+1} - 1$. With 60 lines it would take some hundred thousand years. The
walk goes along every **path**, and there are $2^n$ paths through only $n$ operations. This is nothing exotic:
every residual connection `h + f(h)` doubles the number of paths.

And even a graph without a single branch can break it. A long loop makes a long chain, and a recursion goes as
deep as the chain is long:
"""

# %% demo=true
z = Variable(1.0)
for _ in range(20_000):
    z = z + 1.0
try:
    naive_backward(z, np.array(1.0))
except RecursionError as error:
    print("RecursionError:", error)

# %% [markdown]
r"""
#### In which order?

So visit each operation only once, and without recursion. But when? Let's try from near to far: first the output,
then its inputs, then theirs. Take $a = x^2$, $b = a^2$, $c = a + b$ at $x = 3$: $a = 9$, $b = 81$, $c = 90$. The
right answer is $2x + 4x^3 = 114$.

| visit | its gradient so far | sends |
| --- | --- | --- |
| $c$ | 1 | 1 to $a$ and 1 to $b$ |
| $a$ | 1 | $1 \cdot 2x = 6$ to $x$ |
| $b$ | 1 | $1 \cdot 2a = 18$ to $a$. But $a$ has been visited already! |

$x$ gets 6 instead of 114. The gradient of a value is **complete** only when everything that uses it has sent its
share. So each variable must come after all its users:

| visit | its gradient so far | sends |
| --- | --- | --- |
| $c$ | 1 | 1 to $a$ and 1 to $b$ |
| $b$ | 1 | $1 \cdot 2a = 18$ to $a$ |
| $a$ | $1 + 18 = 19$ | $19 \cdot 2x = 114$ to $x$ |

Finding such an order (a *topological* order) takes an algorithm in general. We get it for free: an operation's
inputs exist before its output does. So **from the youngest to the oldest**, every variable comes after everything
that uses it, and the age is in `order`.

#### Exercise 7: `reverse_creation_order`

Collect all computed variables that the outputs depend on, each once, and sort them by age, the youngest first.

1. Keep a set of those found, and a list of those to visit; begin both with the outputs for which `is_computed`
   is true.
2. Visit each in the list (it grows while you go through it). Of its inputs, `inputs_of(node)`, put those that are
   computed and new into both.
3. Return the list sorted by `order`, the largest first.

<details><summary>Hint: why a set?</summary>

`x in a_list` compares with `==`, and `==` of two Variables compares their *elements*. In a set, `x` means *this
very object*. It is also fast.

</details>
"""


# %%
#| export
def is_computed(x) -> bool:
    """Whether `x` was computed, and a gradient has to go through it."""
    return getattr(x, "grad_fn", None) is not None and x.requires_grad


# %% exercise="order"
#| export
def reverse_creation_order(outputs: Iterable[Variable]) -> list[Variable]:
    """The computed variables that `outputs` depend on and that need a gradient, youngest first."""
    ### BEGIN SOLUTION
    found = set(filter(is_computed, outputs))
    nodes = list(found)
    for node in nodes:  # grows while we go through it
        for x in inputs_of(node):
            if is_computed(x) and x not in found:
                found.add(x)
                nodes.append(x)
    return sorted(nodes, key=attrgetter("order"), reverse=True)
    ### END SOLUTION


# %% checks="order" points=5
_x = Variable(3.0)
_a = _x * _x
_b = _a * _a
_c = _a + _b
check(
    [v.item() for v in reverse_creation_order([_c])],
    [90.0, 81.0, 9.0],
    hint="c, then b, then a: sort by order, the largest first; x is a leaf and left out",
)
check(
    [v.item() for v in reverse_creation_order([_b, _x])],
    [81.0, 9.0],
    hint="a leaf among the outputs is left out, too",
)
_z = _x
for _ in range(60):
    _z = _z + _z
check(len(reverse_creation_order([_z])), 60, hint="visit each variable once, not once a path")
for _ in range(5000):
    _z = _z + 1.0
check(len(reverse_creation_order([_z])), 5060, hint="a loop with a list, not a recursion")


### BEGIN HIDDEN TESTS
class Step:
    """A note with a rule of its own, which is counted."""

    def __init__(self, inputs, rule=None, name="", called=None):
        self.inputs, self.rule, self.name, self.called = inputs, rule, name, called

    def __call__(self, grad, out):
        self.called.append(self.name)
        parts = zip(self.inputs, self.rule(grad), strict=True)
        return [part if getattr(x, "requires_grad", False) else None for x, part in parts]

    def free(self):
        self.inputs = None


def made_from(autograd, number, *inputs, wanted=True):
    """A computed variable with nothing but a number, by which it is known, and its inputs."""
    return autograd.Variable(np.array(number), requires_grad=wanted, grad_fn=Step(inputs))


def order_from(autograd, *outputs):
    """The numbers of what is found, in the order in which it is."""
    return [v.item() for v in autograd.reverse_creation_order(outputs)]


@observe(n=integers(low=2, high=5), x=normal(13))
def each_node_of_a_diamond_once_and_the_youngest_first(autograd, n, x):
    """Two paths that part and meet, several times over."""
    numbers = iter(x)
    node = made_from(autograd, next(numbers), autograd.Variable(1.0))
    for _ in range(n):
        left = made_from(autograd, next(numbers), node)
        right = made_from(autograd, next(numbers), node, node)
        node = made_from(autograd, next(numbers), left, right)
    return order_from(autograd, node)


@observe(n=integers(low=2, high=6), x=normal(8))
def a_shared_node_comes_after_its_younger_consumers(autograd, n, x):
    """A short path and a long one from the same node to the output."""
    first = node = made_from(autograd, x[0], autograd.Variable(1.0))
    for i in range(n):
        node = made_from(autograd, x[i + 1], node, 1.0)
    node = made_from(autograd, x[6], first, node)
    return order_from(autograd, made_from(autograd, x[7], node, first))


@observe(x=normal(3), y=normal(3))
def leaves_constants_and_other_inputs_are_left_out(autograd, x, y):
    """Inputs may be leaves, weights, arrays, numbers, and variables that need no gradient."""
    leaf, weight = autograd.Variable(x), autograd.layers.Tensor(x, requires_grad=True)
    constant = made_from(autograd, y[0], leaf, wanted=False)
    node = made_from(autograd, y[1], leaf, weight, 2.0, x, None)
    return order_from(autograd, made_from(autograd, y[2], constant, node, 3.0))


@observe(n=integers(low=1, high=5), x=normal(7))
def several_outputs_one_of_them_inside_the_graph_of_another(autograd, n, x):
    """Outputs in any order, from any iterable, a leaf among them."""
    leaf = autograd.Variable(1.0)
    nodes = [made_from(autograd, x[0], leaf)]
    for i in range(n):
        nodes.append(made_from(autograd, x[i + 1], nodes[-1]))
    nodes.append(made_from(autograd, x[6], leaf))
    outputs = (v for v in (nodes[1], leaf, nodes[-1], nodes[-2]))
    return [v.item() for v in autograd.reverse_creation_order(outputs)]


@observe(n=integers(low=5000, high=6000), m=integers(low=55, high=65), x=normal(6100))
def long_chains_and_many_doublings(autograd, n, m, x):
    """No recursion, and each node once, although there are 2 to the 60 paths."""
    numbers = iter(x)
    z = autograd.Variable(1.0)
    for _ in range(m):
        z = made_from(autograd, next(numbers), z, z)
    for _ in range(n):
        z = made_from(autograd, next(numbers), z, 1.0)
    return np.array(order_from(autograd, z))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 8: `propagate`, the heart

Keep a dictionary, variable → gradient so far; in the beginning the output is in it. Go through the computed variables
from the youngest to the oldest. Each one, when its turn comes, has its **complete** gradient in the dictionary. Take
it out, ask its operation for the shares, and add each share to what its input has. On the example from above:

| node | taken out | its operation sends | dictionary afterwards |
| --- | --- | --- | --- |
| (start) | | | $\{c: 1\}$ |
| $c = a + b$ | 1 | 1 to $a$, 1 to $b$ | $\{a: 1,\ b: 1\}$ |
| $b = a \cdot a$ | 1 | 9 to $a$, and 9 to $a$ | $\{a: 19\}$ |
| $a = x \cdot x$ | 19 | 57 to $x$, and 57 to $x$ | $\{x: 114\}$ |

In the end only the leaves are left. For each node:

1. If nothing has arrived for it, go on with the next one.
2. Take its gradient out of the dictionary (`pop`), and have the watchers see it:
   `grad = recording.sending(node, gradients.pop(node))`. (Module 15 uses that; here it just comes back.)
3. Go through `inputs_of(node)` and the shares `node.grad_fn(grad, node)` together. Leave out shares that are `None`.
   A share of another shape than its input goes through `unbroadcast(share, x.shape)`: the next exercise.
4. Add the share to what `x` has, or enter it. Don't use `+=`: the rule of a sum hands the *same array* to both inputs,
   and `+=` would change it for both. (The given `plus(a, b)` is `a + b`, in the memory of `a` if nobody else
   holds that.)
5. Unless `retain_graph`, let the operation forget its notes, `node.grad_fn.free()`: they take most of the memory.
"""


# %% exercise="propagate"
#| export
def propagate(gradients: dict, nodes: Iterable, retain_graph: bool = False) -> dict:
    """Send gradients back through computed variables, each once; gives what arrived at the ends.

    Parameters
    ----------
    gradients : dict
        The gradient of each output; not changed.
    nodes : iterable of Variable
        The computed variables to go through, the youngest first.
    retain_graph : bool
        If False, every operation is freed once it is done.

    Returns
    -------
    dict
        The gradient of each variable that is not among `nodes`: above all, of each leaf.
    """
    gradients, nodes = dict(gradients), deque(nodes)
    while nodes:
        node = nodes.popleft()
        ### BEGIN SOLUTION
        if node not in gradients:
            continue
        grad = recording.sending(node, gradients.pop(node))
        for x, share in zip(inputs_of(node), node.grad_fn(grad, node)):
            if share is None:
                continue
            if share.shape != x.shape:
                share = unbroadcast(share, x.shape)
            gradients[x] = plus(gradients.pop(x), share) if x in gradients else share
        if not retain_graph:
            node.grad_fn.free()
        ### END SOLUTION
    return gradients


# %% checks="propagate" points=8
_x = Variable(3.0)
_a = _x * _x
_b = _a * _a
_c = _a + _b
_start = {_c: np.array(1.0)}
_gradients = propagate(_start, [_c, _b, _a], retain_graph=True)
check(len(_gradients), 1, hint="take out what was computed: only the leaf x stays")
check(_gradients[_x], 114.0, hint="2 x + 4 x³: add every share, both of a product, too")
check(_c in _start, True, hint="the caller's dictionary stays as it was")
check(_c.grad_fn.inputs is None, False, hint="with retain_graph, nothing is freed")
_p, _q, _ones = Variable([1.0, 2.0]), Variable([3.0, 4.0]), np.array([1.0, 1.0])
_older = _p + _p
_sum = _p + _q
_gradients = propagate({_sum: _ones, _older: 5 * _ones}, [_sum, _older])
check(_gradients[_p], [11.0, 11.0], hint="1 from the sum, and 5 twice")
check(_gradients[_q], [1.0, 1.0], hint="adding to p's gradient with += changed q's array, too")
check(_sum.grad_fn.inputs, None, hint="free() the operation, unless retain_graph")


### BEGIN HIDDEN TESTS
class Graph:
    """A graph of sums and products whose operations bring their own rules, and are counted."""

    def __init__(self, autograd):
        self.autograd, self.called = autograd, []

    def node(self, out, inputs, rule, name):
        step = Step(inputs, rule, name, self.called)
        return self.autograd.Variable(out, grad_fn=step)

    def plus(self, x, y, name=""):
        out = np.asarray(x) + np.asarray(y)
        return self.node(out, (x, y), lambda grad: [grad, grad], name)

    def times(self, x, y, name=""):
        a, b = np.asarray(x), np.asarray(y)
        return self.node(np.asarray(a * b), (x, y), lambda grad: [grad * b, grad * a], name)


def sent_back(autograd, start, *nodes, **settings):
    """What propagate gives, with the nodes in the order of their creation, the youngest first."""
    ordered = sorted(nodes, key=lambda v: v.order, reverse=True)
    return autograd.propagate(start, ordered, **settings)


@observe(x=normal(3), y=normal(3), seed=normal(3))
def gradients_of_leaves_that_are_used_several_times(autograd, x, y, seed):
    """Shared inputs, a weight and a constant; nothing else is in the result."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.layers.Tensor(y, requires_grad=True)
    constant = autograd.Variable(seed, requires_grad=False)
    a = graph.times(x, y)
    b, c = graph.times(a, x), graph.times(a, a)
    d = graph.times(c, constant)
    out = graph.plus(b, d)
    found = sent_back(autograd, {out: seed}, a, b, c, d, out)
    return found[x], found[y], len(found)


@observe(x=normal(3), seed=normal(3), n=integers(low=2, high=5))
def each_operation_is_called_once_with_the_complete_gradient(autograd, x, seed, n):
    """A node with one consumer at once and another much later."""
    graph, x = Graph(autograd), autograd.Variable(x)
    nodes = [graph.times(x, x, "first")]
    for i in range(n):
        nodes.append(graph.times(nodes[-1], nodes[0], f"long {i}"))
    nodes.append(graph.plus(nodes[-1], nodes[0], "inner"))
    nodes.append(graph.plus(nodes[0], nodes[-1], "outer"))
    found = sent_back(autograd, {nodes[-1]: seed}, *nodes)
    return found[x], graph.called


@observe(seed=normal(4, 3), x=normal(3), y=normal(4, 1))
def broadcast_inputs_get_gradients_of_their_own_shape(autograd, seed, x, y):
    """Also inside the graph, where the sum goes on."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.Variable(y)
    inner = graph.times(x, x)
    middle = graph.plus(inner, y)
    out = graph.times(middle, inner)
    found = sent_back(autograd, {out: seed}, inner, middle, out)
    return found[x], found[y]


@observe(x=normal(3), seeds=normal(2, 3))
def arrays_that_others_hold_are_not_changed(autograd, x, seeds):
    """A sum gives the same array to both inputs; the first gets more."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(x)
    out = graph.plus(x, y)
    more = graph.plus(x, x)
    found = sent_back(autograd, {out: seeds[0], more: seeds[1]}, out, more)
    return found[x], found[y], seeds


@observe(x=normal(3), seed=normal(3))
def operations_are_freed_unless_the_graph_is_retained(autograd, x, seed):
    """With retain_graph a second pass gives the same; after a pass without it, nothing is left."""
    graph, x = Graph(autograd), autograd.Variable(x)
    a = graph.times(x, x)
    out = graph.plus(a, x)
    first = sent_back(autograd, {out: seed}, a, out, retain_graph=True)[x]
    kept = [v.grad_fn.inputs is None for v in (a, out)]
    second = sent_back(autograd, {out: seed}, a, out)[x]
    freed = [v.grad_fn.inputs is None for v in (a, out)]
    return first, second, kept, freed


@observe(x=normal(3), y=normal(3), seeds=normal(3, 3))
def several_outputs_and_leaves_as_outputs(autograd, x, y, seeds):
    """What is in the dictionary at the start counts, and it is not changed."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.Variable(y)
    a = graph.times(x, y)
    b = graph.times(a, a)
    start = {a: seeds[1], b: seeds[0], y: seeds[2]}
    found = sent_back(autograd, start, a, b)
    return found[x], found[y], len(found), len(start)


@observe(x=normal(3), y=normal(3), seed=normal(3))
def what_is_not_among_the_nodes_is_an_end(autograd, x, y, seed):
    """Its gradient is in the result, and its operation is neither called nor freed."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(y)
    old = graph.times(x, y, "old")
    new = graph.times(old, y, "new")
    found = sent_back(autograd, {new: seed}, new)
    return found[old], found[y], len(found), graph.called, old.grad_fn.inputs is None


@observe(x=normal(3), y=normal(3), seed=normal(3))
def where_no_gradient_arrives_nothing_is_done(autograd, x, y, seed):
    """An operation that sends nothing to one of its inputs, a computed one."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(y)
    middle, inner = graph.times(y, y, "not reached"), graph.times(x, x, "inner")
    rule = lambda grad: [2.0 * grad, None]  # noqa: E731
    out = graph.node(np.array(x), (inner, middle), rule, "outer")
    found = sent_back(autograd, {out: seed}, middle, inner, out)
    return found[x], len(found), graph.called


@observe(x=normal(3), seed=normal(3), factor=uniform(low=2.0, high=3.0))
def watchers_see_the_complete_gradient_and_may_replace_it(autograd, x, seed, factor):
    """What recording.sending gives back goes on."""
    graph, seen, x = Graph(autograd), [], autograd.Variable(x)
    middle = graph.times(x, x)
    out = graph.times(middle, middle)

    def watch(variable, grad):
        seen.append(np.array(grad))
        return factor * grad if variable is middle else grad

    with autograd.recording.watched(sending=watch):
        found = sent_back(autograd, {out: seed}, middle, out)
    return seen, found[x]


### END HIDDEN TESTS

# %% [markdown]
r"""
`backward` puts it together: where to start, the order, the walk, and the gradients that arrive go to the leaves.
It's given, and reads like a sentence:
"""


# %%
#| export
def backward(output: Variable, gradient=None, retain_graph=False, create_graph=False) -> None:
    """Add the gradient of `output` by every leaf to the ``grad`` of that leaf."""
    start = starting_gradients(output, gradient, create_graph)
    with recording.going_back(create_graph):
        found = propagate(start, reverse_creation_order(start), retain_graph or create_graph)
    for leaf, grad in delivered(found, create_graph).items():
        leaf.grad = added(leaf.grad, grad)


# %% demo=true
x, y = Variable(2.0), Variable(3.0)
f = (x + y) * (x + y * -1.0)
f.backward()
print("df/dx =", x.grad, "  df/dy =", y.grad)

a = z = Variable(1.0)
for _ in range(60):
    z = z + z
print(f"60 doublings: {1000 * seconds(z.backward, 1):.1f} ms, and the gradient is {a.grad:.0f}")

# %% [markdown]
r"""
It works: 4 and −6, as by hand, and $2^{60}$ in a moment. Since there is a backward pass now, pictures show
gradients as well. `step_backward(f)` goes through one operation at a time; try it. (Gradients of several
passes **add up** in `x.grad`, until you call `x.zero_grad()`.)
"""

# %% demo=true
x, y = Variable(2.0), Variable(3.0)
f = (x * y + y) * x
draw(f)

# %% [markdown]
r"""
#### Exercise 9: `unbroadcast`

A rule was allowed to ignore broadcasting; this is where the engine makes up for it. Let $x$ have the shape `(2, 3)`
and the bias $b$ the shape `(3,)`. In `out = x + b`, numpy repeats $b$ for each row. So $b_j$ is used in every row, and
what is used several times gets the sum of all shares:

$$\texttt{grad} = \begin{pmatrix} 1 & 2 & 3 \\ 10 & 20 & 30 \end{pmatrix} \quad\Rightarrow\quad
\frac{\partial L}{\partial b} = (11, 22, 33).$$

| shape of the input | shape of `grad` | repeated | so sum over |
| --- | --- | --- | --- |
| `(3,)` | `(2, 3)` | a new axis in front | axis 0, which disappears |
| `(2, 1)` | `(2, 3)` | an axis of length 1, stretched | axis 1, which stays, with length 1 |
| `(1, 3)` | `(5, 2, 3)` | both | axes 0 and 1; the result is `(1, 3)` |
| `()` | `(2, 3)` | both axes are new | everything |

Find these axes, sum over all of them at once with `total(grad, axis=(…))`, and `reshape` the result to `shape`. (`total`
is `grad.sum`, added up in a wider dtype, so that millions of float32 rows don't drift.)

<details><summary>Hint: which axes</summary>

With `new_axes = grad.ndim - len(shape)`, the axes `0 … new_axes - 1` of `grad` are new, and axis `a` of the input is
axis `a + new_axes` of `grad`.

</details>
"""


# %% exercise="unbroadcast"
#| export
def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which an input of the given shape was repeated."""
    ### BEGIN SOLUTION
    new_axes = grad.ndim - len(shape)
    stretched = [axis + new_axes for axis, length in enumerate(shape) if length == 1]
    return total(grad, axis=(*range(new_axes), *stretched)).reshape(shape)
    ### END SOLUTION


# %% checks="unbroadcast" points=5
_grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
check(unbroadcast(_grad, (3,)), [11.0, 22.0, 33.0], hint="sum over the new axis in front")
check(unbroadcast(_grad, (2, 1)), [[6.0], [60.0]], hint="a stretched axis stays, with length 1")
check(unbroadcast(_grad, (1, 3)), [[11.0, 22.0, 33.0]], hint="a stretched axis stays")
check(unbroadcast(_grad, ()), 66.0, hint="a single number was used everywhere: sum everything")
check(unbroadcast(np.ones((5, 2, 3)), (2, 1)), [[15.0], [15.0]], hint="both kinds at once")


### BEGIN HIDDEN TESTS
@observe(grad=normal(2, 3, 4))
def new_axes_in_front_are_summed(autograd, grad):
    """One new axis, two of them, and all."""
    return [autograd.unbroadcast(grad, shape) for shape in [(3, 4), (4,), ()]]


@observe(grad=normal(2, 3, 4))
def stretched_axes_are_summed_and_kept(autograd, grad):
    """In front, in the middle, at the end, and all of them."""
    shapes = [(1, 3, 4), (2, 1, 4), (2, 3, 1), (1, 1, 1)]
    return [autograd.unbroadcast(grad, shape) for shape in shapes]


@observe(grad=normal(2, 3, 4), square=normal(3, 3), column=normal(3, 1))
def both_kinds_at_once_and_lengths_that_do_not_tell(autograd, grad, square, column):
    """A shape that is shorter and stretched; square shapes, and lengths of 1 that were no stretch."""
    return (
        [autograd.unbroadcast(grad, shape) for shape in [(1, 4), (3, 1), (1, 1), (1,)]],
        autograd.unbroadcast(square, (3,)),
        autograd.unbroadcast(column, (1,)),
        autograd.unbroadcast(column[None], (1, 1)),
    )


@observe(grad=normal(2, 3, dtype="float32"))
def float32_stays_and_the_given_gradient_is_not_changed(autograd, grad):
    """The dtype of grad is kept, and so is grad."""
    before = grad.copy()
    found = [autograd.unbroadcast(grad, shape) for shape in [(3,), (2, 1)]]
    return found, [str(g.dtype) for g in found], bool(np.array_equal(before, grad))


### END HIDDEN TESTS

# %% [markdown]
r"""
### 6. A network that learns

Two more rows for the table, and your `Dense` and `ReLU` from modules 2 and 3 can be trained.

#### Exercise 10: the matrix product

Most of the arithmetic of a network is here. For matrices, $\text{out}_{ik} = \sum_j x_{ij}\, y_{jk}$. An element
$x_{ij}$ takes part in all elements of row $i$, with the factors $y_{jk}$. Sum over all paths:

$$\frac{\partial L}{\partial x_{ij}} = \sum_k \texttt{grad}_{ik}\; y_{jk}, \qquad\qquad
\frac{\partial L}{\partial y_{jk}} = \sum_i \texttt{grad}_{ik}\; x_{ij}.$$

Read them as matrices: the first is a product with a transposed $y$, the second one with a transposed $x$. The shapes
leave hardly a choice. With $x$ of shape `(2, 3)` and $y$ of shape `(3, 4)`, `grad` has `(2, 4)`; there is one way to get
`(2, 3)` from `(2, 4)` and `(3, 4)`.

In numbers: $x = \begin{pmatrix} 1 & 2 \end{pmatrix}$, $y = \begin{pmatrix} 3 & 5 \\ 4 & 6 \end{pmatrix}$,
$\texttt{grad} = \begin{pmatrix} 1 & 10 \end{pmatrix}$ give
$\frac{\partial L}{\partial x} = \begin{pmatrix} 53 & 64 \end{pmatrix}$ and
$\frac{\partial L}{\partial y} = \begin{pmatrix} 1 & 10 \\ 2 & 20 \end{pmatrix}$.

The layer `linear` is `x @ weights + bias`: the same two rules, and `grad` for the bias. (The bias was broadcast over
the batch. Who sums its gradient?) Enter both rows. `swap`, given, transposes the last two axes, so that your rules
work for whole stacks of matrices. Vectors wait until section 7.
"""


# %%
#| export
def swap(x):
    """A matrix, or a stack of them, with its last two axes exchanged."""
    return x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)


# %% exercise="rules-of-the-matrix-product"
#| export
@table
def rules_of_the_matrix_product():
    """The rules of x @ y and of x @ weights + bias, for matrices and stacks of them."""
    ### BEGIN SOLUTION
    derivative(
        np.matmul,
        lambda grad, out, x, y: grad @ swap(y),
        lambda grad, out, x, y: swap(x) @ grad,
    )
    derivative(
        layers.linear,
        lambda grad, out, x, weights, bias: grad @ swap(weights),
        lambda grad, out, x, weights, bias: swap(x) @ grad,
        lambda grad, out, x, weights, bias: grad,
    )
    ### END SOLUTION


# %% checks="rules-of-the-matrix-product" points=5
_x, _y, _b = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0], [4.0, 6.0]]), np.array([7.0, 8.0])
_grad, _out = np.array([[1.0, 10.0]]), np.array([[11.0, 17.0]])
_left, _right = "grad @ the transpose of y", "the transpose of x @ grad"
check(RULES[np.matmul][0](_grad, _out, _x, _y), [[53.0, 64.0]], hint=_left)
check(RULES[np.matmul][1](_grad, _out, _x, _y), [[1.0, 10.0], [2.0, 20.0]], hint=_right)
_stack, _ones = np.arange(8.0).reshape(2, 2, 2), np.ones((2, 2, 1))
check(
    RULES[np.matmul][1](_ones, _stack @ _ones, _stack, _ones),
    [[[2.0], [4.0]], [[10.0], [12.0]]],
    hint="swap() exchanges the last two axes; .T would reverse all three",
)
_out = _out + _b
check(RULES[layers.linear][0](_grad, _out, _x, _y, _b), [[53.0, 64.0]], hint=_left)
check(RULES[layers.linear][1](_grad, _out, _x, _y, _b), [[1.0, 10.0], [2.0, 20.0]], hint=_right)
_x, _weights, _bias = Variable([[1.0, 2.0]]), Variable(_y), Variable(_b)
record(layers.linear, _x, _weights, _bias).backward(_grad)
check(_bias.grad, [1.0, 10.0], hint="hand grad on, as a sum does; unbroadcast does the rest")


### BEGIN HIDDEN TESTS
def folded(gradient, shape):
    """What the engine makes of a gradient with too many axes; here without the engine."""
    gradient = np.asarray(gradient)
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


def gradients_by_rules(autograd, function, grad, *inputs):
    """What the rules of a function give, each in the shape of its input."""
    out = function(*inputs)
    rules = [autograd.RULES[function][i] for i in range(len(inputs))]
    return [folded(r(grad, out, *inputs), x.shape) for r, x in zip(rules, inputs, strict=True)]


@observe(grad=normal(2, 4), x=normal(2, 3), y=normal(3, 4))
def gradients_of_a_product_of_matrices(autograd, grad, x, y):
    """The left factor's gradient, and the right one's."""
    return gradients_by_rules(autograd, np.matmul, grad, x, y)


@observe(grad=normal(5, 2, 4), x=normal(5, 2, 3), y=normal(3, 4), z=normal(1, 3, 4))
def gradients_of_products_of_stacks(autograd, grad, x, y, z):
    """A stack with a stack of the same length, of length 1, and with a single matrix."""
    others = np.stack([y] * 5), z, y
    return [gradients_by_rules(autograd, np.matmul, grad, x, other) for other in others]


@observe(grad=normal(5, 2), x=normal(5, 3), w=normal(3, 2), b=normal(2))
def gradients_of_the_linear_layer(autograd, grad, x, w, b):
    """By a batch, by the weights and by the bias."""
    return gradients_by_rules(autograd, autograd.layers.linear, grad, x, w, b)


@observe(
    grad=normal(2, 4, dtype="float32"),
    x=normal(2, 3, dtype="float32"),
    y=normal(3, 4, dtype="float32"),
)
def matrix_products_in_float32(autograd, grad, x, y):
    """float32 stays float32, and nothing that was given is changed."""
    before = [a.copy() for a in (grad, x, y)]
    found = gradients_by_rules(autograd, np.matmul, grad, x, y)
    found += gradients_by_rules(autograd, autograd.layers.linear, grad, x, y, y[0])
    same = all(np.array_equal(a, b) for a, b in zip(before, (grad, x, y), strict=True))
    return found, [str(g.dtype) for g in found], same


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 11: ReLU, and a loss

`relu(x)` is $x$ where $x > 0$, and 0 elsewhere; so its derivative is 1 there, and 0 elsewhere, at 0 too. The gradient
passes where $x > 0$. Write `select(x > 0, grad)` rather than `grad * (x > 0)`: it gives 0 where nothing is selected,
even if an infinity arrives ($\infty \cdot 0$ would be NaN).

The loss for classes is the **cross-entropy**. A network gives each example a score for each class; `softmax` turns
scores $z$ into probabilities $p$; and the loss is the mean of $-\log p_c$, where $c$ is the right class. Its
derivative is one of the nicest formulas of the field. With $p_j = e^{z_j} / \sum_k e^{z_k}$,

$$-\log p_c = \log \sum_k e^{z_k} - z_c \qquad\Rightarrow\qquad \frac{\partial (-\log p_c)}{\partial z_j} = p_j - [j = c].$$

*The probabilities, minus 1 at the right class.* Over $n$ examples the mean divides that by $n$. In numbers: two
classes, one example with scores $(0, 0)$ and label 1: $p = (0.5, 0.5)$, so the gradient is $(0.5, -0.5)$.

You have: `through(activations.softmax, scores)`, the probabilities (with `through` it works for Variables, too); `one_hot(labels, scores.shape, scores.dtype)`, rows of zeros with a 1 at the label; and `grad`, a single number.
"""

# %%
#| export
from tinytorch.support.arrays import one_hot, select, softmax_cross_entropy, through


# %% exercise="rules-of-relu-and-cross-entropy"
#| export
@table
def rules_of_relu_and_cross_entropy():
    """The rules of relu(x), and of the cross-entropy of scores and labels."""
    ### BEGIN SOLUTION
    derivative(activations.relu, lambda grad, out, x: select(x > 0, grad))

    def by_scores(grad, out, scores, labels):
        probabilities = through(activations.softmax, scores)
        right = one_hot(labels, scores.shape, scores.dtype)
        return (probabilities - right) * (grad * (1 / len(labels)))

    derivative(softmax_cross_entropy, by_scores)
    ### END SOLUTION


# %% checks="rules-of-relu-and-cross-entropy" points=3
_x, _grad = np.array([-1.0, 0.0, 2.0, -3.0]), np.array([5.0, 6.0, 7.0, np.inf])
check(
    RULES[activations.relu][0](_grad, np.maximum(_x, 0), _x),
    [0.0, 0.0, 7.0, 0.0],
    hint="grad where x > 0, and 0 elsewhere, at 0 and under an infinite gradient too: select(…)",
)
_scores, _labels = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([1, 0])
check(
    RULES[softmax_cross_entropy][0](np.array(2.0), np.array(0.7), _scores, _labels),
    [[0.5, -0.5], [-0.5, 0.5]],
    hint="(p - 1 at the right class) * grad / n; here n = 2 and grad = 2",
)


### BEGIN HIDDEN TESTS
@observe(grad=normal(6, 7), x=normal(6, 7))
def gradient_of_relu(autograd, grad, x):
    """Where x is positive; nothing at 0, and nothing of an infinity that is not selected."""
    rule = autograd.RULES[autograd.activations.relu][0]
    x[0, 0], x[1, 0], grad[1, 0] = 0.0, -1.0, np.inf
    single = rule(grad.astype("float32"), np.maximum(x, 0), x)
    return rule(grad, np.maximum(x, 0), x), np.asarray(single), str(single.dtype)


@observe(grad=normal(), scores=normal(4, 3), labels=integers(4, low=0, high=3))
def gradient_of_the_cross_entropy(autograd, grad, scores, labels):
    """Through the rule, with a gradient other than 1."""
    rule = autograd.RULES[autograd.softmax_cross_entropy][0]
    out = autograd.softmax_cross_entropy(scores, labels)
    return np.asarray(rule(np.array(grad), out, scores, labels))


@observe(grad=normal(dtype="float32"), scores=normal(5, 2, dtype="float32"))
def cross_entropy_in_float32_of_large_scores(autograd, grad, scores):
    """float32 stays float32, and nothing overflows."""
    rule, labels = autograd.RULES[autograd.softmax_cross_entropy][0], np.array([0, 1, 1, 0, 1])
    large = 100 * scores
    found = rule(np.float32(grad), autograd.softmax_cross_entropy(large, labels), large, labels)
    return np.asarray(found), str(found.dtype)


@observe(scores=normal(4, 3), labels=integers(4, low=0, high=3), weights=normal(4, 3))
def the_rule_of_the_cross_entropy_can_be_differentiated(autograd, scores, labels, weights):
    """With a Variable in place of the array, it is recorded."""
    rule = autograd.RULES[autograd.softmax_cross_entropy][0]
    x = autograd.Variable(scores)
    out = autograd.softmax_cross_entropy(scores, labels)
    found = rule(autograd.Variable(1.0, False), autograd.Variable(out), x, labels)
    return type(found).__name__, found.numpy()


### END HIDDEN TESTS

# %% [markdown]
r"""
#### It learns

Two half moons, one inside the other: no straight line parts them. The network is made of your `Dense` and `ReLU`.
Each step computes the loss, goes back, and moves every weight a little against its gradient. How far will the
loss fall?

<details><summary>Think first, then look</summary>

With random scores for two classes, $p$ is near one half, and the loss near $-\log 0.5 = 0.69$. A network that parts
the moons gets close to 0.

</details>
"""

# %%
from tinytorch.core.layers import Dense
from tinytorch.support.functions import cross_entropy

angle, labels = rng.uniform(0, np.pi, size=400), np.arange(400) % 2
points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 - 2 * labels[:, None])
points = points + labels[:, None] * [1.0, 0.5] + 0.1 * rng.normal(size=(400, 2))
hidden, last = Dense(2, 32, rng=1), Dense(32, 2, rng=2)


def network(x):
    return last(activations.ReLU()(hidden(x)))


for step in range(501):
    loss = cross_entropy(network(points), labels)
    loss.backward()
    for parameter in (*hidden.parameters(), *last.parameters()):
        parameter.data -= 0.5 * parameter.grad
        parameter.grad = None
    if step % 100 == 0:
        right = (np.asarray(network(points)).argmax(axis=1) == labels).mean()
        print(f"step {step:3}: loss {loss.item():.3f}, right {100 * right:.1f} %")

# %% demo=true
moons_figure(network, points, labels, "What your network says of every place in the plane")

# %% [markdown]
r"""
A network has learned, with gradients that your own engine found, and neither `Dense` nor `ReLU` had to be told. Note
the two lines in the loop: the update changes the arrays inside the weights, so it isn't recorded; and each step
forgets the gradients of the one before, because they add up.

From here on, everything is about making the engine complete.
"""

# %%
#| export
from tinytorch.support.arrays import astype, inverse, scatter, spread
from tinytorch.support.functions import *  # noqa: F403
from tinytorch.support.functions import __getattr__ as __getattr__
from tinytorch.support.recording import enable_grad as enable_grad
from tinytorch.support.recording import switch
from tinytorch.support.rules import enter_other_rules, with_axes


# %% exercise="vectors"
#| export
def with_vectors(rule: Callable, position: int) -> Callable:
    """A rule of ``x @ y`` for matrices, made to take a vector x as a row and a vector y as a column."""

    def rule_for_vectors(grad, out, x, y, *bias):
        ### BEGIN SOLUTION
        row = x[None, :] if x.ndim == 1 else x
        column = y[:, None] if y.ndim == 1 else y
        grad = grad[..., None] if y.ndim == 1 else grad
        grad = grad[..., None, :] if x.ndim == 1 else grad
        share = rule(grad, out, row, column, *bias)
        if position == 0 and x.ndim == 1:
            return share[..., 0, :]
        return share[..., 0] if position == 1 and y.ndim == 1 else share
        ### END SOLUTION

    return rule_for_vectors


# %%
#| export
for function in (np.matmul, layers.linear):
    for position in (0, 1):
        if position in RULES[function]:
            RULES[function][position] = with_vectors(RULES[function][position], position)


# %% exercise="rules-of-differences-and-quotients"
#| export
@table
def rules_of_differences_and_quotients():
    """The rules of x - y, of -x and of x / y."""
    ### BEGIN SOLUTION
    derivative(
        np.subtract,
        lambda grad, out, x, y: grad,
        lambda grad, out, x, y: -grad,
    )
    derivative(np.negative, lambda grad, out, x: -grad)
    derivative(
        np.divide,
        lambda grad, out, x, y: grad / y,
        lambda grad, out, x, y: -grad * out / y,
    )
    ### END SOLUTION


# %% exercise="rules-of-powers"
#| export
@table
def rules_of_powers():
    """The rules of x ** y, for each of the two inputs; both are 0 where a power is constant."""
    ### BEGIN SOLUTION
    derivative(
        np.power,
        lambda grad, out, x, y: (
            select((y != 0) | np.isfinite(grad), grad)
            * y
            * (x + ((x * x == 0) & (y == 0))) ** (y - 1)
        ),
        lambda grad, out, x, y: (
            select((x != 0) | (y < 0), grad) * out * np.log(x + ((x == 0) & (y >= 0)))
        ),
    )
    ### END SOLUTION


# %% exercise="rules-of-functions"
#| export
@table
def rules_of_functions():
    """The rules of exp, log, sqrt, sin and cos."""
    ### BEGIN SOLUTION
    derivative(np.exp, lambda grad, out, x: grad * out)
    derivative(np.log, lambda grad, out, x: grad / x)
    derivative(np.sqrt, lambda grad, out, x: grad / (2 * out))
    derivative(np.sin, lambda grad, out, x: grad * np.cos(x))
    derivative(np.cos, lambda grad, out, x: -grad * np.sin(x))
    ### END SOLUTION


# %% exercise="rules-of-activations"
#| export
@table
def rules_of_activations():
    """The rules of tanh, of sigmoid and of the absolute value."""
    ### BEGIN SOLUTION
    derivative(np.tanh, lambda grad, out, x: grad * (1 - out * out))
    derivative(activations.sigmoid, lambda grad, out, x: grad * out * (1 - out))
    derivative(np.abs, lambda grad, out, x: select(x > 0, grad) - select(x < 0, grad))
    ### END SOLUTION


# %% exercise="rules-of-softmax"
#| export
@table
def rules_of_softmax():
    """The rules of softmax and of log_softmax along an axis, from the output alone."""
    ### BEGIN SOLUTION
    derivative(
        activations.softmax,
        lambda grad, out, x, axis=-1: out * (grad - total(grad * out, axis=axis, keepdims=True)),
    )
    derivative(
        activations.log_softmax,
        lambda grad, out, x, axis=-1: grad - np.exp(out) * total(grad, axis=axis, keepdims=True),
    )
    ### END SOLUTION


# %% exercise="rules-of-reductions"
#| export
@table
def rules_of_reductions():
    """The rules of sum, mean and var, over all axes or over those of `axis`."""
    ### BEGIN SOLUTION
    derivative(
        np.sum,
        lambda grad, out, x, axis=None, keepdims=False: spread(
            with_axes(grad, x, axis), shape=x.shape
        ),
    )
    derivative(
        np.mean,
        lambda grad, out, x, axis=None, keepdims=False: spread(
            with_axes(grad, x, axis) * (out.size / max(x.size, 1)), shape=x.shape
        ),
    )
    derivative(
        np.var,
        lambda grad, out, x, axis=None, keepdims=False: (
            with_axes(grad, x, axis)
            * (2 * out.size / max(x.size, 1))
            * (x - x.mean(axis=axis, keepdims=True))
        ),
    )
    ### END SOLUTION


# %% exercise="rule-of-the-maximum"
#| export
def rule_of_the_maximum(grad, out, x, axis=None, keepdims=False):
    """The rule of max and min: the gradient goes to the places of the extreme; ties share equally."""
    ### BEGIN SOLUTION
    at_extreme = x == with_axes(out, x, axis)
    share = with_axes(grad, x, axis) / at_extreme.sum(axis=axis, keepdims=True)
    return select(at_extreme, spread(astype(share, dtype=x.dtype), shape=x.shape))
    ### END SOLUTION


# %%
#| export
derivative(np.max, rule_of_the_maximum)
derivative(np.min, rule_of_the_maximum)


# %% exercise="rules-of-arrangement"
#| export
@table
def rules_of_arrangement():
    """The rules of reshape, of transpose and of x[index]."""
    ### BEGIN SOLUTION
    derivative(np.reshape, lambda grad, out, x, shape: grad.reshape(x.shape))
    derivative(
        np.transpose,
        lambda grad, out, x, axes=None: grad.transpose(inverse(axes, x.ndim)),
    )
    derivative(
        tensor.getitem,
        lambda grad, out, x, index: scatter(grad, shape=x.shape, index=index),
    )
    ### END SOLUTION


# %%
#| export
enter_other_rules(RULES)


# %% exercise="no-grad"
#| export
@switch
def no_grad():
    """Do not record, in a ``with no_grad():`` block or a function decorated with ``@no_grad()``.

    What is computed inside has no history and needs no memory for one. The state from before comes
    back at the end of the block, also after an error, and in nested blocks.
    """
    ### BEGIN SOLUTION
    before, recording.enabled = recording.enabled, False
    try:
        yield
    finally:
        recording.enabled = before
    ### END SOLUTION


# %%
#| export
def leading_to(inputs: list, nodes: list[Variable]) -> list[Variable]:
    """Those of `nodes`, the youngest first, from which a way leads back to one of the inputs."""
    wanted, leading = set(inputs), set()
    for node in reversed(nodes):
        if any(x in wanted or x in leading for x in inputs_of(node) if needs_gradient(x)):
            leading.add(node)
    return [node for node in nodes if node in leading]


# %% exercise="grad"
#| export
def grad(
    outputs, inputs, grad_outputs=None, retain_graph: bool = False, create_graph: bool = False
) -> tuple:
    """The gradients of `outputs` by `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate; of several, the sum.
    inputs : Variable, Tensor or sequence of them
        By what.
    grad_outputs : array_like, or for a sequence of outputs a sequence of array_like, optional
        For each output, the gradient to start from; needed where it has not exactly one element.
    retain_graph : bool
        Keep the graph for another pass.
    create_graph : bool
        Record the way back, and keep the graph: the gradients are variables, which can be
        differentiated again.

    Returns
    -------
    tuple of ndarray, or of Variable if `create_graph`
        For each input a new array of its own shape and dtype; where the outputs do not depend on it,
        zeros (as a variable, they require no gradient).

    Raises
    ------
    RuntimeError
        If an input requires no gradient; and as `Variable.backward`.
    TypeError, ValueError
        If outputs or inputs are no variables, or there are more or fewer `grad_outputs` than
        outputs; and as `Variable.backward`.
    """
    inputs = list_of_inputs(inputs)
    start = starting_gradients(outputs, grad_outputs, create_graph)
    ### BEGIN SOLUTION
    nodes = leading_to(inputs, reverse_creation_order(start))
    with recording.going_back(create_graph), recording.keeping(inputs) as kept:
        found = propagate(start, nodes, retain_graph or create_graph)
    ### END SOLUTION
    return picked(found | kept, inputs, Variable if create_graph else None)
