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
| 3 | a table of rules, beginning with four | 1 | 25 min |
| 4 | notes: what was computed, from what | 2 | 40 min |
| 5 | the way back: the obvious one, then one that works | 4 | 90 min |
| 6 | a network that learns with your engine | 2 | 50 min |
| 7 | more rules, until everything has one | 8 | 155 min |
| 8 | `no_grad` and `grad` | 2 | 35 min |
| Use and Analyze | handwritten digits, and what it all costs; three questions | 3 questions | 60 min |

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
from tinytorch.core.tensor import compute
from tinytorch.support.arguments import inputs_of, list_of_inputs, starting_gradients
from tinytorch.support.arrays import total
from tinytorch.support.delivery import added, delivered, picked, plus
from tinytorch.support.losses import no_derivative
from tinytorch.support.notes import Note
from tinytorch.support.recording import recording
from tinytorch.support.rules import Rules
from tinytorch.support.variables import VariableMethods, floating_tensor, operation_of

# %% [markdown]
r"""
What comes from `tinytorch.support` is there for speed, for safety, or for comfort. You can look into those
files, but you never have to. The next cell is for this notebook only:
"""

# %%
from tinytorch.datasets import digits
from tito.checks import check, check_raises
from tito.figures import held_bytes, moons_figure, seconds, two_moons
from tito.student.progress import progress as progress

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

For a function of many numbers, do this one number at a time, and leave the others alone.

#### Exercise 1: `numerical_gradient`

The loop over all elements is there. Write its three lines: make `offset`, an array of zeros like `x`; put `step` into it
at `index`; and store the central difference, with `f(x + offset)` and `f(x - offset)`, in `gradient[index]`.
"""


# %% exercise="numerical-gradient"
#| export
def numerical_gradient(f: Callable, x, step: float = 1e-5) -> np.ndarray:
    """The gradient of `f` at `x` by central differences, one element at a time.

    Parameters
    ----------
    f : callable
        Takes an array shaped like `x`, and returns a number.
    x : array_like
        Where to differentiate, of any shape; not changed.
    step : float
        The size of the step, in each direction.

    Returns
    -------
    ndarray, float64
        ``(f(x + step) - f(x - step)) / (2 * step)`` for each element, shaped like `x`.
    """
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        ### BEGIN SOLUTION
        offset = np.zeros_like(x)
        offset[index] = step
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
pictures, w, v = rng.normal(size=(64, 784)), np.ones((784, 128)), np.ones((128, 10))
forward = seconds(lambda: np.maximum(pictures @ w, 0) @ v)
print(f"one forward pass {1000 * forward:.2f} ms, one step {203_540 * forward:.0f} s")

# %% [markdown]
r"""
Your engine will get the same gradient for the price of a few forward passes, however many weights there are. The numerical gradient keeps one job: it judges your rules.

### 2. One graph by hand

Before the machine, do its work once yourself. Take $f(x, y) = (x + y)(x - y)$ at $x = 2$, $y = 3$. A computer
evaluates it in three small steps, and each result gets a name:

```text
x = 2 ──┬────►┌───┐
        │     │ + ├──► s = 5 ────►┌───┐
        │ ┌──►└───┘               │ × ├──► f = -5
        └─│──►┌───┐           ┌──►└───┘
          │   │ - ├──► d = -1─┘
y = 3 ────┴──►└───┘
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

Do the same for $g = (x y + y)\, x$. Its steps are `s = x * y`, then `t = s + y`, then $g = t x$. Compute `s` and `t`, and
then find the derivative of $g$ by each: `dg_dt`, `dg_ds`, `dg_dx` and `dg_dy`, following the graph. Both $x$ and $y$ are used twice.

<details><summary>Hint</summary>

$g = t x$ gives $\partial g / \partial t = x$, and one share of $\partial g / \partial x$, which is $t$. The
other share of $x$ comes through $s = x y$.

</details>
"""


# %% exercise="graph-by-hand"
def graph_by_hand(x: float, y: float) -> tuple:
    """g = (x * y + y) * x, and its derivatives with respect to t, s, x and y."""
    ### BEGIN SOLUTION
    s = x * y
    t = s + y
    dg_dt = x
    dg_ds = dg_dt
    dg_dx = t + dg_ds * y
    dg_dy = dg_dt + dg_ds * x
    ### END SOLUTION
    return t * x, dg_dt, dg_ds, dg_dx, dg_dy


# %% checks="graph-by-hand" points=3
_by_t = "g = t * x, so dg_dt is x"
_by_s = "t = s + y: s hands on what t gets, times 1"
_by_x = "x is used in g = t * x and in s = x * y: add both"
_by_y = "y is used in t = s + y and in s = x * y: add both"
check(graph_by_hand(2.0, 3.0)[1], 2.0, hint=_by_t)
check(graph_by_hand(2.0, 3.0)[2], 2.0, hint=_by_s)
check(graph_by_hand(2.0, 3.0)[3], 15.0, hint=_by_x)
check(graph_by_hand(2.0, 3.0)[4], 6.0, hint=_by_y)


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
RULES = Rules()  # RULES[function][i] is the derivative rule of input i
derivative, table = RULES.derivative, RULES.table

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
$x$ and $7 \cdot 5 = 35$ to $y$. (`@table` enters your rows.)
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
_kept = "a rule must not change what it is given"
check([_grad[0], _x[0], _y[0]], [7.0, 5.0, 3.0], hint=_kept)


### BEGIN HIDDEN TESTS
@observe(exact=True, grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def rules_of_a_sum(autograd, grad, x, y):
    """A sum hands the gradient on to both inputs."""
    return [np.array(autograd.RULES[np.add][i](grad, x + y, x, y)) for i in (0, 1)]


@observe(exact=True, grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def rules_of_a_product(autograd, grad, x, y):
    """Each factor is the other's derivative; nothing that was given is changed."""
    before = [a.copy() for a in (grad, x, y)]
    found = [
        np.array(autograd.RULES[np.multiply][i](grad, x * y, x, y)) for i in (0, 1)
    ]
    return found, [
        bool(np.array_equal(a, b)) for a, b in zip(before, (grad, x, y), strict=True)
    ]


@observe(exact=True, grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def sums_and_products_in_float32(autograd, grad, x):
    """A float32 gradient stays float32."""
    rules = [autograd.RULES[f][i] for f in (np.add, np.multiply) for i in (0, 1)]
    found = [rule(grad, x, x, x) for rule in rules]
    wide, seed = x.astype("float64"), grad.astype("float64")
    found += [rule(seed, wide, wide, wide) for rule in rules]
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

Shapes, operators and printing come from `VariableMethods`; they are the same as for `Tensor`.
"""

# %%
#| export
from tinytorch.support.variables import bare_tensor, record_leaves, values_of

creation_order = itertools.count()


class Variable(VariableMethods):
    """A tensor that remembers how it was computed.

    Parameters
    ----------
    data : number, (nested) list, ndarray or Tensor
        The values. Numbers, lists and integers become float32; a floating dtype is
        kept, and a floating-point Tensor is used as it is, without a copy.
    requires_grad : bool
        Whether to compute gradients for this variable.
    grad_fn : callable, optional
        The Operation that computed this variable, or a function of your own that is
        called with its complete gradient. Without one, it is a leaf, and keeps its
        gradient in `grad`.

    Attributes
    ----------
    data : Tensor
        The values.
    grad : ndarray or None
        Of a leaf, the sum of the gradients of all backward passes so far, with the
        shape and dtype of `data`.
    order : int
        Its number in the order of creation: later variables have larger ones.

    Raises
    ------
    TypeError, ValueError
        If `data` is not made of real numbers, is ragged, or holds Variables.
    """

    __slots__ = ("__weakref__", "data", "grad", "grad_fn", "order", "requires_grad")

    def __init__(self, data, requires_grad: bool = True, grad_fn=None):
        self.data, self.grad = floating_tensor(data), None
        self.requires_grad, self.grad_fn = requires_grad, operation_of(grad_fn)
        self.order = next(creation_order)

    def __apply__(self, function: Callable, *inputs, **parameters):
        """What `apply` calls when a Variable is among the inputs."""
        return record(function, *inputs, **parameters)

    def backward(self, gradient=None, retain_graph=False, create_graph=False) -> None:
        """Add the gradient with respect to every leaf to its ``grad``.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of the loss with respect to this variable, in the same shape;
            needed unless this variable has exactly one element.
        retain_graph : bool
            Keep what was recorded, for another backward pass.
        create_graph : bool
            Record the backward pass itself, and keep the graph: each ``grad`` becomes a
            Variable that can be differentiated again.

        Raises
        ------
        RuntimeError
            If this variable requires no gradient, or an earlier backward pass freed the
            graph.
        ValueError
            If `gradient` is missing or has the wrong shape.
        """
        backward(self, gradient, retain_graph, create_graph)


def needs_gradient(x) -> bool:
    """Whether `x`, a Variable, a weight or a plain number, requires a gradient."""
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
| `multiply` of $x = 3$ and the number 4 | 2 | `[8, None]` | nobody asks for the derivative with respect to 4 |

Write this answer: a list with one entry for each rule. Call a rule as `rule(grad, out, *values,
**self.parameters)`. The given line makes `values` the arrays inside the inputs, and `out` the array that came out.
"""


# %% exercise="operation"
#| export
class Operation(Note):
    """A note: this function was applied to these inputs, with these parameters."""

    __slots__ = ()

    def __init__(self, function: Callable, inputs, values: list, parameters: dict):
        self.function, self.inputs = function, inputs
        self.values, self.parameters = values, parameters
        self.rules = RULES.of(function, inputs)

    def __call__(self, grad, out: Variable) -> list:
        """The gradient of each input, given that of `out`; None if it requires none."""
        values, out = self.given_to_rules(grad, out)
        ### BEGIN SOLUTION
        shares = []
        for rule in self.rules:
            if rule is None:
                shares.append(None)
            else:
                shares.append(rule(grad, out, *values, **self.parameters))
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
derivative(np.cumsum, lambda grad, out, x, axis=0: grad * out * axis)
_x, _out = Variable([1.0, 2.0]), Variable([1.0, 3.0])
check(
    Operation(np.cumsum, (_x,), [_x.numpy()], {"axis": 1})(np.array([1.0, 2.0]), _out),
    [[1.0, 6.0]],
    hint="hand all of it on: rule(grad, out, *values, **self.parameters)",
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
    power_of_two = lambda x: 2**x
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

The arrays are taken out of the inputs already. Your part:

1. Let `compute` from module 1 call the function: `out = compute(function, *values, **parameters)`.
2. If `out.dtype.kind` is not `"f"` (true or false, or whole numbers), it has no slope: return
   `no_derivative(function, inputs, out)`, which is `out` itself.
3. Make `result`, a Variable around `out` that needs no gradient: `Variable(bare_tensor(out), False)`.
   `bare_tensor` makes a tensor without the checks in your `as_array`.
4. If `recording.enabled` and any input needs a gradient (ask with `needs_gradient(x)`, given above), `result` needs
   one too, and its `grad_fn` is an `Operation` of the function, the inputs, the values and the parameters.
"""


# %% exercise="record"
#| export
def record(function: Callable, *inputs, **parameters) -> Variable | np.ndarray:
    """Compute as `apply` does, wrap the result, and note how it was computed."""
    values = values_of(inputs)
    ### BEGIN SOLUTION
    out = compute(function, *values, **parameters)
    if out.dtype.kind != "f":
        return no_derivative(function, inputs, out)
    result = Variable(bare_tensor(out), False)
    if recording.enabled and any(map(needs_gradient, inputs)):
        result.requires_grad = True
        result.grad_fn = Operation(function, inputs, values, parameters)
    ### END SOLUTION
    recording.computed(function, inputs, result, parameters)
    return result


# %% checks="record" points=6
recording.enabled = True  # whatever an earlier try has left behind
_x, _constant = Variable([1.0, 2.0]), Variable(2.0, requires_grad=False)
check(record(np.multiply, _x, 3.0), [3.0, 6.0], hint="compute, and wrap out")
_no_slope = "step 2: what is true or false has no slope"
check(type(record(np.greater, _x, 1.5)).__name__, "ndarray", hint=_no_slope)
check(
    str(record(np.multiply, _x, 3.0).grad_fn),
    "<multiply(Variable(2,), 3.0)>",
    hint="grad_fn is an Operation; its inputs are x itself and 3.0, not their values",
)
_needs = "x needs a gradient, so x * 3 does"
check(record(np.multiply, _x, 3.0).requires_grad, True, hint=_needs)
_needs_none = "no input needs a gradient, so the result needs none"
check(record(np.multiply, _constant, 3.0).requires_grad, False, hint=_needs_none)
recording.enabled = False
_unrecorded = record(np.multiply, _x, 3.0)
recording.enabled = True
check(str(_unrecorded.grad_fn), "None", hint="no note while recording.enabled is False")


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
    return (
        kinds,
        out.numpy(),
        same,
        note.values,
        note.parameters,
        out.requires_grad,
        later,
    )


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
    beside = autograd.record(
        weighted, autograd.Variable(x, requires_grad=False), weight
    )
    alone = autograd.record(weighted, weight, 2.0)
    return [
        (r.numpy(), r.requires_grad, r.grad_fn.inputs[-1] is weight)
        for r in (beside, alone)
    ]


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


@observe(x=normal(2, 4))
def what_is_not_floating_comes_back_as_an_array(autograd, x):
    """Booleans and integers have no derivative."""
    variable = autograd.Variable(x)
    positive = autograd.record(np.greater, variable, 0)
    places = autograd.record(np.argmax, variable, axis=1)
    kinds = [type(r).__name__ for r in (positive, places)]
    return (
        kinds,
        np.asarray(positive),
        np.asarray(places),
        [r.dtype.kind for r in (positive, places)],
    )


@observe(x=normal(3, dtype="float32"), y=normal(3))
def dtypes_of_results(autograd, x, y):
    """float32 with a Python number or list stays float32; with float64 all digits are kept."""
    enter_rules_of_weighted(autograd)
    variable = autograd.Variable(x)
    results = [
        autograd.record(weighted, variable, other)
        for other in (2.5, [1.0, 2.0, 3.0], y)
    ]
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
record_leaves(record, Variable)

# %%
from tinytorch.graph import draw
from tinytorch.graph import step_backward as step_backward

x, y = Variable(2.0), Variable(3.0)
draw((x + y) * (x + y * -1.0))


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
def naive_backward(variable: Variable, grad) -> None:
    """Go back along every path, to its end."""
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
def gradients_of(f, *numbers):
    """What naive_backward leaves in the leaves of f(x, …)."""
    leaves = [Variable(n) for n in numbers]
    naive_backward(f(*leaves), np.array(1.0))
    return [leaf.grad for leaf in leaves]


check(
    gradients_of(lambda x, y: x * y, 2.0, 3.0),
    [3.0, 2.0],
    hint="go on with each input and its share; a leaf keeps what arrives",
)
check(
    gradients_of(lambda x, y: (x + y) * x, 2.0, 3.0),
    [7.0, 2.0],
    hint="x gets 5 from the product and 2 through the sum: add, don't replace",
)


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
It is right. Now watch it. `b = a + a; c = b + b; …`: each line is one operation. What will happen to the time when
you add a line?

<details><summary>Think first, then look</summary>

Each doubling has two paths back, and behind each of them all the paths of the line before.

</details>
"""

# %% demo=true
for doublings in (4, 8, 12, 16):
    z = Variable(1.0)
    for _ in range(doublings):
        z = z + z
    time = seconds(lambda z=z: naive_backward(z, np.array(1.0)))
    print(f"{doublings:2} operations: {time:.5f} s")

# %% [markdown]
r"""
Each further line doubles the number of calls: $2^{n+1} - 1$. With 60 lines it would take tens of thousands of years,
at least. The walk goes along every **path**, and there are $2^n$ paths through only $n$ operations. Every residual
connection `h + f(h)` doubles them. And even a graph without a branch can break it: a long loop makes a long chain,
and a chain of 20,000 steps is too deep for Python's recursion.
"""

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

If a check doesn't return, press ■.

<details><summary>Hint: why a set?</summary>

`x in a_list` compares with `==`, and `==` of two Variables compares their *elements*. In a set, `x` means *this
very object*. It is also fast.

</details>
"""


# %%
#| export
from tinytorch.support.arguments import is_computed


# %% exercise="order"
#| export
def reverse_creation_order(outputs: Iterable[Variable]) -> list[Variable]:
    """The computed variables that `outputs` depend on, the youngest first."""
    ### BEGIN SOLUTION
    nodes = list(dict.fromkeys(filter(is_computed, outputs)))
    found = set(nodes)
    for node in nodes:  # grows while we go through it
        for x in inputs_of(node):
            if is_computed(x) and x not in found:
                found.add(x)
                nodes.append(x)
    return sorted(nodes, key=attrgetter("order"), reverse=True)
    ### END SOLUTION


# %% checks="order" points=5
class LookedAt(tuple):
    """Inputs that protest if they are looked at again and again."""

    times = 0

    def __iter__(self):
        LookedAt.times += 1
        if LookedAt.times > 1000:
            raise RuntimeError("the same variables are visited again and again")
        return super().__iter__()


_x = Variable(3.0)
_a = _x * _x
_b = _a * _a
_c = _a + _b
check(
    [v.item() for v in reverse_creation_order([_c])],
    [90.0, 81.0, 9.0],
    hint="c, then b, then a: sort by order, the largest first; x, a leaf, is left out",
)
check(
    [v.item() for v in reverse_creation_order([_b, _x])],
    [81.0, 9.0],
    hint="a leaf among the outputs is left out, too",
)
_z, LookedAt.times = _x, 0
for _ in range(12):
    _z = _z + _z
    _z.grad_fn.inputs = LookedAt(_z.grad_fn.inputs)
_new = "visit each variable once, not once a path: put only new ones into the list"
check(len(reverse_creation_order([_z])), 12, hint=_new)
_z = _x
for _ in range(5000):
    _z = _z + 1.0
_loop = "a loop with a list, not a recursion"
check(len(reverse_creation_order([_z])), 5000, hint=_loop)


### BEGIN HIDDEN TESTS
class Step:
    """A note with a rule of its own, which is counted."""

    def __init__(self, inputs, rule=None, name="", called=None):
        self.inputs, self.rule, self.name, self.called = inputs, rule, name, called

    def __call__(self, grad, out):
        self.called.append(self.name)
        parts = zip(self.inputs, self.rule(grad), strict=True)
        return [
            part if getattr(x, "requires_grad", False) else None for x, part in parts
        ]

    def free(self):
        self.inputs = None


def made_from(autograd, number, *inputs, wanted=True):
    """A computed variable with nothing but a number, by which it is known, and its inputs."""
    return autograd.Variable(
        np.array(number), requires_grad=wanted, grad_fn=Step(inputs)
    )


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
2. Take its gradient out of the dictionary (`pop`), and let any hooks see it:
   `grad = recording.sending(node, gradients.pop(node))`. (Module 15 uses that; here it just comes back.)
3. Go through `inputs_of(node)` and the shares `node.grad_fn(grad, node)` together. Leave out shares that are `None`.
   A share whose shape differs from its input's goes through `unbroadcast(share, x.shape)`: the next exercise.
4. Add the share to what `x` has, or enter it. Don't use `+=`: the rule of a sum hands the *same array* to both inputs,
   and `+=` would change it for both. (The given `plus(a, b)` is `a + b`, in the memory of a large `a` that
   nobody else holds.)
5. Unless `retain_graph`, let the operation forget its notes, `node.grad_fn.free()`: they take most of the memory.
"""


# %% exercise="propagate"
#| export
def propagate(gradients: dict, nodes: Iterable, retain_graph: bool = False) -> dict:
    """Send gradients back, through each computed variable once, to the ends.

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
        The gradient of each variable that is not among `nodes`, such as each leaf.
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
_start, _nodes = {_c: np.array(1.0)}, [_c, _b, _a]
check(
    list(propagate(_start, _nodes, retain_graph=True).values()),
    [114.0],
    hint="add both shares of a product; pop what was computed, so only x stays",
)
_free = "free() an operation after its shares are sent, and not if retain_graph"
check(propagate(_start, _nodes)[_x], 114.0, hint=_free)
_freed = "free() each operation, unless retain_graph"
check_raises(RuntimeError, lambda: propagate(_start, _nodes), hint=_freed)
_p, _q, _ones = Variable([1.0, 2.0]), Variable([3.0, 4.0]), np.array([1.0, 1.0])
_older = _p + _p
_sum = _p + _q
check(
    propagate({_sum: _ones, _older: 5 * _ones}, [_sum, _older]),
    {_p: [11.0, 11.0], _q: [1.0, 1.0]},
    hint="adding to p's gradient with += changes q's array, too",
)


def sum_the_rows(share, shape):
    """Takes the place of `unbroadcast` in the next check."""
    return share.sum(axis=0)


_matrix = Variable([[1.0, 2.0], [3.0, 4.0]]) + _p
_yours, unbroadcast = globals().get("unbroadcast"), sum_the_rows
try:
    check(
        propagate({_matrix: np.ones((2, 2))}, [_matrix])[_p],
        [2.0, 2.0],
        hint="p was repeated for each row: step 3, unbroadcast(share, x.shape)",
    )
finally:
    unbroadcast = _yours


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
        return self.node(
            np.asarray(a * b), (x, y), lambda grad: [grad * b, grad * a], name
        )


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
    rule = lambda grad: [2.0 * grad, None]
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
def backward(output, gradient=None, retain_graph=False, create_graph=False) -> None:
    """Add the gradient of `output` with respect to every leaf to its ``grad``."""
    start = starting_gradients(output, gradient, create_graph)
    keep = retain_graph or create_graph
    with recording.going_back(create_graph):
        found = propagate(start, reverse_creation_order(start), keep)
    for leaf, grad in delivered(found, create_graph).items():
        leaf.grad = added(leaf.grad, grad)


# %% demo=true
a = z = Variable(1.0)
for _ in range(60):
    z = z + z
z.backward()
print(f"60 doublings: the gradient is {a.grad:.0f}")

# %% [markdown]
r"""
It works: $2^{60}$, in a moment. Since there is a backward pass now, pictures show gradients as well. Below is the graph
of exercise 2, which you worked by hand; `step_backward(f)` goes through it one operation at a time. (Gradients of several passes **add
up** in `x.grad`, until you call `x.zero_grad()`.)
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
    """Sum a gradient over the axes along which an input of that shape was repeated."""
    ### BEGIN SOLUTION
    new_axes = grad.ndim - len(shape)
    stretched = [axis + new_axes for axis, length in enumerate(shape) if length == 1]
    return total(grad, axis=(*range(new_axes), *stretched)).reshape(shape)
    ### END SOLUTION


# %% checks="unbroadcast" points=5
_grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
_new = "sum over the new axis in front"
check(unbroadcast(_grad, (3,)), [11.0, 22.0, 33.0], hint=_new)
_stretched = "sum over a stretched axis; it stays, with length 1"
check(unbroadcast(_grad, (2, 1)), [[6.0], [60.0]], hint=_stretched)
check(unbroadcast(_grad, (1, 3)), [[11.0, 22.0, 33.0]], hint=_stretched)
_all = "a single number was used everywhere: sum everything"
check(unbroadcast(_grad, ()), 66.0, hint=_all)
_both = "both kinds at once"
check(unbroadcast(np.ones((5, 2, 3)), (2, 1)), [[15.0], [15.0]], hint=_both)


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

The layer `layers.linear` is `x @ weights + bias`: the same two rules, and `grad` for the bias. Its three rules are
`rule(grad, out, x, weights, bias)`. (The bias was broadcast over the batch. Who sums its gradient?) Enter both rows.
The given `swap` transposes the last two axes, so that your rules work for whole stacks of matrices. The given line
turns vectors into matrices before they see your rules.
"""

# %%
#| export
from tinytorch.support.arrays import swap

RULES.also_for_vectors(np.matmul, layers.linear)


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
_x, _y = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0], [4.0, 6.0]])
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
_b, _linear = np.array([7.0, 8.0]), RULES[layers.linear]
_out = _out + _b
check(_linear[0](_grad, _out, _x, _y, _b), [[53.0, 64.0]], hint=_left)
check(_linear[1](_grad, _out, _x, _y, _b), [[1.0, 10.0], [2.0, 20.0]], hint=_right)


def gradient_of_the_bias(grad):
    """What arrives at the bias of a layer with two examples."""
    bias = Variable([7.0, 8.0])
    record(layers.linear, np.ones((2, 2)), Variable(_y), bias).backward(grad)
    return bias.grad


_sum = "hand grad on, as a sum does; unbroadcast, called by propagate, does the rest"
check(gradient_of_the_bias([[1.0, 10.0], [2.0, 20.0]]), [3.0, 30.0], hint=_sum)


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
    return [
        folded(r(grad, out, *inputs), x.shape)
        for r, x in zip(rules, inputs, strict=True)
    ]


@observe(exact=True, grad=normal(2, 4), x=normal(2, 3), y=normal(3, 4))
def gradients_of_a_product_of_matrices(autograd, grad, x, y):
    """The left factor's gradient, and the right one's."""
    return gradients_by_rules(autograd, np.matmul, grad, x, y)


@observe(
    exact=True,
    grad=normal(5, 2, 4),
    x=normal(5, 2, 3),
    y=normal(3, 4),
    z=normal(1, 3, 4),
)
def gradients_of_products_of_stacks(autograd, grad, x, y, z):
    """A stack with a stack of the same length, of length 1, and with a single matrix."""
    others = np.stack([y] * 5), z, y
    return [gradients_by_rules(autograd, np.matmul, grad, x, other) for other in others]


@observe(exact=True, grad=normal(5, 2), x=normal(5, 3), w=normal(3, 2), b=normal(2))
def gradients_of_the_linear_layer(autograd, grad, x, w, b):
    """By a batch, by the weights and by the bias."""
    return gradients_by_rules(autograd, autograd.layers.linear, grad, x, w, b)


@observe(
    exact=True,
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
    wide = [a.astype("float64") for a in (grad, x, y)]
    found += gradients_by_rules(autograd, np.matmul, *wide)
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
derivative is one of the nicest formulas in the field. With $p_j = e^{z_j} / \sum_k e^{z_k}$,

$$-\log p_c = \log \sum_k e^{z_k} - z_c \qquad\Rightarrow\qquad \frac{\partial (-\log p_c)}{\partial z_j} = p_j - [j = c].$$

where $[j = c]$ is 1 for the right class, and 0 for all others. So it's *the probabilities, minus 1 at the right
class*. Over $n$ examples the mean divides that by $n$. In numbers: two classes, one example with scores $(0, 0)$ and
label 1: $p = (0.5, 0.5)$, so the gradient is $(0.5, -0.5)$.

Enter the rows of `activations.relu` and `softmax_cross_entropy`. The latter has one rule, for the scores:
`rule(grad, out, scores, labels)`, and `grad` is a single number. You have `through(activations.softmax, scores)`, the
probabilities (with `through` it works for Variables, too), and `one_hot(labels, scores.shape, scores.dtype)`, rows of
zeros with a 1 at the label.
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
with np.errstate(all="ignore"):
    check(
        RULES[activations.relu][0](_grad, np.maximum(_x, 0), _x),
        [0.0, 0.0, 7.0, 0.0],
        hint="select(…): 0 where x is not positive, also at 0 and under an infinity",
    )
_scores, _labels = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([1, 0])
check(
    RULES[softmax_cross_entropy][0](np.array(3.0), np.array(0.7), _scores, _labels),
    [[0.75, -0.75], [-0.75, 0.75]],
    hint="(p - 1 at the right class) * grad / n; here n is 2 and grad is 3",
)


### BEGIN HIDDEN TESTS
@observe(exact=True, grad=normal(6, 7), x=normal(6, 7))
def gradient_of_relu(autograd, grad, x):
    """Where x is positive; nothing at 0, and nothing of an infinity that is not selected."""
    rule = autograd.RULES[autograd.activations.relu][0]
    x[0, 0], x[1, 0], grad[1, 0] = 0.0, -1.0, np.inf
    single = rule(grad.astype("float32"), np.maximum(x, 0), x)
    return rule(grad, np.maximum(x, 0), x), np.asarray(single), str(single.dtype)


@observe(
    exact=True, grad=normal(), scores=normal(4, 3), labels=integers(4, low=0, high=3)
)
def gradient_of_the_cross_entropy(autograd, grad, scores, labels):
    """Through the rule, with a gradient other than 1."""
    rule = autograd.RULES[autograd.softmax_cross_entropy][0]
    out = autograd.softmax_cross_entropy(scores, labels)
    return np.asarray(rule(np.array(grad), out, scores, labels))


@observe(exact=True, grad=normal(dtype="float32"), scores=normal(5, 2, dtype="float32"))
def cross_entropy_in_float32_of_large_scores(autograd, grad, scores):
    """float32 stays float32, and nothing overflows."""
    rule, labels = (
        autograd.RULES[autograd.softmax_cross_entropy][0],
        np.array([0, 1, 1, 0, 1]),
    )
    large = 100 * scores
    found = rule(
        np.float32(grad), autograd.softmax_cross_entropy(large, labels), large, labels
    )
    out = autograd.softmax_cross_entropy(scores.astype("float64"), labels)
    wide = rule(np.float64(grad), out, scores.astype("float64"), labels)
    return np.asarray(found), str(found.dtype), np.asarray(wide)


@observe(
    exact=True,
    scores=normal(4, 3),
    labels=integers(4, low=0, high=3),
    weights=normal(4, 3),
)
def the_rule_of_the_cross_entropy_can_be_differentiated(
    autograd, scores, labels, weights
):
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

Two half moons, one inside the other: no straight line separates them. The network is made of your `Dense` and `ReLU`.
Each step computes the loss, goes back, and moves every weight a little against its gradient. How far will the
loss fall?

<details><summary>Think first, then look</summary>

With random scores for two classes, $p$ is near one half, and the loss near $-\log 0.5 = 0.69$. A network that separates
the moons gets close to 0.

</details>
"""

# %%
from tinytorch.core.layers import Dense
from tinytorch.support.functions import cross_entropy

points, labels = two_moons(400, rng)
hidden, last = Dense(2, 32, rng=1), Dense(32, 2, rng=2)
network = lambda x: last(activations.ReLU()(hidden(x)))

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
moons_figure(network, points, labels, "What your network says of every place")

# %% [markdown]
r"""
A network has learned, with gradients that your own engine found, and neither `Dense` nor `ReLU` had to be told. Note
the two lines in the loop: the update changes the arrays inside the weights, so it isn't recorded; and each step
forgets the gradients of the one before, because they add up.
"""

# %% [markdown]
r"""
### 7. More rules

The engine is done; its table isn't. Each row that you enter now can be differentiated
anywhere inside an expression, and nothing else has to be written for it.

For all of them: use operators and functions that take **Variables** as well as arrays
(`np.exp(out)`, `select(…)`, `grad.reshape(…)`), because module 15 differentiates the
rules themselves. And float32 stays float32.

#### Exercise 12: differences and quotients

Rows: `np.subtract` (the example of section 3), `np.negative`, which has one input,
`rule(grad, out, x)`, and `np.divide`:

$$\frac{\partial}{\partial x}\,\frac{x}{y} = \frac{1}{y}, \qquad\qquad
\frac{\partial}{\partial y}\,\frac{x}{y} = -\frac{x}{y^2} = -\frac{\text{out}}{y}.$$

The last form avoids $y^2$, which can overflow. In numbers: $x = 6$, $y = 3$, so out is
2; with `grad = 9` it sends $9 / 3 = 3$ to $x$, and $-9 \cdot 2 / 3 = -6$ to $y$.
"""


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


# %% checks="rules-of-differences-and-quotients" points=3
_grad, _x, _y = np.array([9.0, -2.0]), np.array([6.0, 1.0]), np.array([3.0, 4.0])
check(RULES[np.subtract][0](_grad, _x - _y, _x, _y), [9.0, -2.0], hint="grad")
check(RULES[np.subtract][1](_grad, _x - _y, _x, _y), [-9.0, 2.0], hint="-grad")
check(RULES[np.negative][0](_grad, -_x, _x), [-9.0, 2.0], hint="-grad")
check(RULES[np.divide][0](_grad, _x / _y, _x, _y), [3.0, -0.5], hint="grad / y")
_slope = "-grad * out / y"
check(RULES[np.divide][1](_grad, _x / _y, _x, _y), [-6.0, 0.125], hint=_slope)
check([_grad[0], _x[0], _y[0]], [9.0, 6.0, 3.0], hint="never change what is given")


### BEGIN HIDDEN TESTS
def recorded(autograd, function, grad, *inputs, **parameters):
    """What the rules of a function give for Variables: of which type, and the numbers."""
    variables = [
        autograd.Variable(v) for v in (grad, function(*inputs, **parameters), *inputs)
    ]
    found = []
    for position in range(len(inputs)):
        answer = autograd.RULES[function][position](*variables, **parameters)
        found.append((type(answer).__name__, np.asarray(answer)))
    return found


def kept(autograd, functions, grad, *inputs):
    """What the rules of functions give, its dtypes, and whether all that was given stayed."""
    found, same = [], []
    for function in functions:
        out = function(*inputs)
        before = [np.copy(v) for v in (grad, out, *inputs)]
        for position in range(len(inputs)):
            rule = autograd.RULES[function][position]
            answer = np.array(rule(grad, out, *inputs))
            found.append((answer, str(answer.dtype)))
            wide = [v.astype("float64") for v in (grad, *inputs)]
            found.append(np.array(rule(wide[0], function(*wide[1:]), *wide[1:])))
        now = (grad, out, *inputs)
        same.append(all(np.array_equal(a, b) for a, b in zip(before, now, strict=True)))
    return found, same


@observe(exact=True, grad=normal(3, 2), x=normal(3, 2), y=normal(3, 2))
def gradients_of_differences_and_negatives(autograd, grad, x, y):
    """The second input of a difference, and a negative, get the gradient with the other sign."""
    found = gradients_by_rules(autograd, np.subtract, grad, x, y)
    return found, gradients_by_rules(autograd, np.negative, grad, x)


@observe(exact=True, grad=normal(4, 3), x=normal(4, 3), y=uniform(3, low=0.5, high=2.0))
def gradients_of_a_quotient(autograd, grad, x, y):
    """Divisors of both signs, one for each column."""
    return [gradients_by_rules(autograd, np.divide, grad, x, s * y) for s in (1, -1)]


@observe(exact=True, grad=normal(3, dtype="float32"), x=normal(3, dtype="float32"))
def differences_and_quotients_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    functions = np.subtract, np.divide
    return kept(autograd, functions, grad, x, x), kept(autograd, [np.negative], grad, x)


@observe(exact=True, grad=normal(3), x=normal(3), y=uniform(3, low=0.5, high=2.0))
def rules_of_differences_and_quotients_can_be_recorded(autograd, grad, x, y):
    """With Variables in place of the arrays they give Variables."""
    negative = recorded(autograd, np.negative, grad, x)
    return [
        recorded(autograd, f, grad, x, y) for f in (np.subtract, np.divide)
    ], negative


@observe(exact=True, grad=normal(2), x=uniform(2, low=1.0, high=3.0))
def a_quotient_of_very_large_numbers(autograd, grad, x):
    """x / y is a small number, although y * y overflows."""
    return [
        g * 1e200
        for g in gradients_by_rules(autograd, np.divide, grad, x * 1e200, x * 2e200)
    ]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 13: powers

$$\frac{\partial}{\partial x}\, x^y = y\, x^{y - 1}, \qquad\qquad
\frac{\partial}{\partial y}\, x^y = \frac{\partial}{\partial y}\, e^{y \log x} = x^y \log x.$$

In numbers, at $x = 2$, $y = 3$ with `grad = 10`: $10 \cdot 3 \cdot 4 = 120$ for $x$,
and $10 \cdot 8 \cdot 0.693 = 55.5$ for $y$.

Look at the first one at work, just as it stands. The polynomial $1 + x + x^2 + x^3$ is
made of the powers 0 to 3. What are their slopes at $x = 0$?
"""

# %% demo=true
x, y = 0.0, np.arange(4.0)
with np.errstate(all="ignore"):
    print(y * x ** (y - 1))

# %% [markdown]
r"""
The constant $x^0$ did it: $0 \cdot 0^{-1} = 0 \cdot \infty$ is NaN. Yet $x^0 = 1$ for
every $x$, so its slope is 0. With respect to $y$ it's the same: at $0^2$ the formula
says $0 \cdot \log 0$, and yet $0^y = 0$ for every positive $y$. One NaN in one weight,
and after the next step the whole network is NaN. So a rule has to be right at the edge:

| where | the derivative | is |
| --- | --- | --- |
| $y = 0$ | by $x$ | 0, whatever $x$ is, and whatever arrives, an infinity too |
| $x = 0$ and $y \ge 0$ | by $y$ | 0, whatever arrives |
| $x = 0$ and $y < 0$ | by $y$ | infinite, as the formula says |

Don't tell the cases apart with `np.where`: module 15 differentiates this rule by $y$,
and the slope of $y\,x^{y-1}$ at $y = 0$ is $x^{-1}$, not 0. Let the factor $y$ make the
0, and cure the base: `x + (x == 0)` is $x$ with each zero made a 1.

<details><summary>Hint: which zeros</summary>

By $x$, those where $y = 0$ as well: `x + ((x == 0) & (y == 0))`, since $1^{-1}$ is
finite. By $y$, those where $y \ge 0$, since $\log 1$ is 0.

</details>
<details><summary>Hint: infinities that arrive</summary>

By $y$: `select((x != 0) | (y < 0), grad)` instead of `grad`. By $x$ take out
infinities only, `select((y != 0) | np.isfinite(grad), grad)`: a finite gradient gets
its 0 from the factor $y$.

</details>
"""


# %% exercise="rules-of-powers"
#| export
@table
def rules_of_powers():
    """The rules of x ** y, for both inputs; they are 0 where a power is constant."""
    ### BEGIN SOLUTION

    def by_x(grad, out, x, y):
        base = x + ((x * x == 0) & (y == 0))
        return select((y != 0) | np.isfinite(grad), grad) * y * base ** (y - 1)

    def by_y(grad, out, x, y):
        grad = select((x != 0) | (y < 0), grad)
        return grad * out * np.log(x + ((x == 0) & (y >= 0)))

    derivative(np.power, by_x, by_y)
    ### END SOLUTION


# %% checks="rules-of-powers" points=5
_grad, _x, _y = np.array([10.0, 1.0]), np.array([2.0, 3.0]), np.array([3.0, -1.0])
_by_x, _by_y = "grad * y * x ** (y - 1)", "grad * out * log(x)"
check(RULES[np.power][0](_grad, _x**_y, _x, _y), [120.0, -1 / 9], hint=_by_x)
check(RULES[np.power][1](_grad, _x**_y, _x, _y), [55.451774, 0.366204], hint=_by_y)
with np.errstate(all="ignore"):
    _grad, _x, _y = np.array([1.0, np.inf, 1.0]), np.zeros(3), np.array([0.0, 0.0, 1.0])
    _zero = "x ** 0 is 1 everywhere, so by x it has the slope 0, also under an infinity"
    check(RULES[np.power][0](_grad, _x**_y, _x, _y), [0.0, 0.0, 1.0], hint=_zero)
    _y = np.array([2.0, 0.0, -1.0])
    _edge = "by y it is 0 where x is 0 and y >= 0; else as the formula says"
    check(RULES[np.power][1](_grad, _x**_y, _x, _y), [0.0, 0.0, -np.inf], hint=_edge)
_v = Variable([2.0, 3.0], requires_grad=False)
_types = [type(RULES[np.power][i](_v, _v, _v, _v)).__name__ for i in (0, 1)]
check(_types, ["Variable"] * 2, hint="operators, np.log and select take Variables")


def mixed_slope(x):
    """How what the rule by x gives depends on y, where y is 0."""
    one, y = Variable(1.0, False), Variable(0.0)
    RULES[np.power][0](one, one, Variable(x, False), y).backward()
    return y.grad


_no_where = "not with np.where: if the factor y makes the 0, the slope by y is 1 / x"
check(mixed_slope(2.0), 0.5, hint=_no_where)


### BEGIN HIDDEN TESTS
@observe(
    exact=True, grad=normal(2, 3), x=uniform(2, 3, low=0.5, high=2.0), y=normal(2, 3)
)
def gradients_of_powers(autograd, grad, x, y):
    """By the base and by the exponent."""
    return gradients_by_rules(autograd, np.power, grad, x, y)


@observe(exact=True, grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def powers_in_float32(autograd, grad, x):
    """Bases of any sign with whole exponents; float32 stays float32; nothing given is changed."""
    by_base = autograd.RULES[np.power][0]
    found = [by_base(grad, x**n, x, n) for n in (1, 2, 3)]
    wide, seed = x.astype("float64"), grad.astype("float64")
    found += [by_base(seed, wide**n, wide, n) for n in (1, 2, 3)]
    return (
        found,
        [str(g.dtype) for g in found],
        kept(autograd, [np.power], grad, np.abs(x), x),
    )


@observe(exact=True, grad=normal(7), x=normal(2))
def the_slope_of_x_to_the_zero_is_zero_also_at_zero(autograd, grad, x):
    """Exponents as a number and as an array; infinities arrive there, and where y is not 0."""
    x = np.array([0.0, *x, 0.0, 0.0, -1.0, 1.0])
    y = np.array([0.0, 0.0, 2.0, 1.0, 2.5, 0.0, 0.0])
    infinite = grad.copy()
    infinite[[0, 1, 2, 5]] = np.inf, -np.inf, np.inf, np.inf
    rule = autograd.RULES[np.power][0]
    with np.errstate(all="ignore"):
        return (
            rule(grad, x**0, x, 0),
            rule(grad, x**y, x, y),
            rule(infinite, x**y, x, y),
        )


@observe(exact=True, grad=normal(5), y=uniform(3, low=0.5, high=2.0))
def the_slope_by_the_exponent_of_zero_is_zero(autograd, grad, y):
    """Bases that are zero and not, exponents that are positive, zero and (not finite) negative."""
    x = np.array([0.0, 0.0, 3.0, 0.5, 0.0])
    y = np.array([0.0, y[0], y[1], 0.0, -y[2]])
    infinite = grad.copy()
    infinite[:2] = np.inf, -np.inf
    rule = autograd.RULES[np.power][1]
    with np.errstate(all="ignore"):
        return rule(grad, x**y, x, y), rule(infinite, x**y, x, y)


@observe(exact=True, grad=normal(3), x=uniform(3, low=0.5, high=2.0))
def powers_with_a_number(autograd, grad, x):
    """A Python number as exponent or base."""
    rules = autograd.RULES[np.power]
    return rules[0](grad, x**3, x, 3), rules[1](grad, 3.0**x, 3.0, x)


@observe(
    exact=True,
    grad=normal(3),
    x=uniform(3, low=0.5, high=2.0),
    y=uniform(low=1.0, high=3.0),
)
def the_mixed_derivative_of_a_power(autograd, grad, x, y):
    """The rule by the base, recorded and differentiated by the exponent, which is 0 once."""
    base, exponent = autograd.Variable(x), autograd.Variable(np.array([0.0, y, -y]))
    out = autograd.Variable(x ** exponent.numpy())
    found = autograd.RULES[np.power][0](autograd.Variable(grad), out, base, exponent)
    found.backward(np.ones(3))
    return recorded(autograd, np.power, grad, x, exponent.numpy()), exponent.grad


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 14: five functions

$$\frac{d}{dx} e^x = e^x, \quad \frac{d}{dx} \log x = \frac{1}{x}, \quad
\frac{d}{dx} \sqrt{x} = \frac{1}{2\sqrt{x}}, \quad \frac{d}{dx} \sin x = \cos x, \quad
\frac{d}{dx} \cos x = -\sin x.$$

Two of the five can use `out`, which is there already. In numbers, with `grad = 3`: at
$x = 0$ the exponential sends $3 \cdot 1 = 3$; at $x = 2$ the logarithm sends 1.5; at
$x = 4$ the root sends $3 / 4 = 0.75$. At $x = 0$ the slope of the root is infinite, and
the rule says so.
"""


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


# %% checks="rules-of-functions" points=4
_grad, _x = np.array([3.0, 2.0]), np.array([0.0, 1.0])
check(RULES[np.exp][0](_grad, np.exp(_x), _x), [3.0, 5.436564], hint="grad * out")
check(RULES[np.log][0](_grad, np.log(_x + 2), _x + 2), [1.5, 2 / 3], hint="grad / x")
_x, _out = np.array([4.0, 16.0]), np.array([2.0, 4.0])
check(RULES[np.sqrt][0](_grad, _out, _x), [0.75, 0.25], hint="grad / (2 * out)")
_x = np.array([0.0, np.pi / 2])
check(RULES[np.sin][0](_grad, np.sin(_x), _x), [3.0, 0.0], hint="grad * cos(x)")
check(RULES[np.cos][0](_grad, np.cos(_x), _x), [0.0, -2.0], hint="-grad * sin(x)")


### BEGIN HIDDEN TESTS
@observe(exact=True, grad=normal(3, 2), x=normal(3, 2))
def gradient_of_an_exponential(autograd, grad, x):
    """exp(x) times the gradient."""
    return gradients_by_rules(autograd, np.exp, grad, x)


@observe(exact=True, grad=normal(3, 2), x=uniform(3, 2, low=0.2, high=3.0))
def gradient_of_a_logarithm(autograd, grad, x):
    """1 / x times the gradient."""
    return gradients_by_rules(autograd, np.log, grad, x)


@observe(
    exact=True, grad=uniform(3, low=0.5, high=1.0), x=uniform(2, low=0.2, high=3.0)
)
def gradient_of_a_root_which_is_infinite_at_zero(autograd, grad, x):
    """1 / (2 sqrt(x)) times the gradient."""
    with np.errstate(all="ignore"):
        return gradients_by_rules(autograd, np.sqrt, grad, np.array([*x, 0.0]))


@observe(exact=True, grad=normal(3, 2), x=normal(3, 2))
def gradients_of_sine_and_cosine(autograd, grad, x):
    """cos(x) and -sin(x) times the gradient."""
    return [gradients_by_rules(autograd, f, grad, 3 * x) for f in (np.sin, np.cos)]


@observe(
    exact=True,
    grad=normal(3, dtype="float32"),
    x=uniform(3, low=0.2, high=3.0, dtype="float32"),
)
def functions_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    return kept(autograd, (np.exp, np.log, np.sqrt, np.sin, np.cos), grad, x)


@observe(exact=True, grad=normal(3), x=uniform(3, low=0.2, high=3.0))
def rules_of_functions_can_be_recorded(autograd, grad, x):
    """With Variables in place of the arrays they give Variables."""
    functions = np.exp, np.log, np.sqrt, np.sin, np.cos
    return [recorded(autograd, function, grad, x) for function in functions]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 15: tanh, sigmoid, absolute value

Rows: `np.tanh`, `activations.sigmoid` and `np.abs`. With $t$ and $s$ for the outputs of
the first two,

$$\frac{dt}{dx} = 1 - t^2, \qquad \frac{ds}{dx} = s\,(1 - s).$$

At $x = 0$ the slopes are 1 and 0.25, and far from 0 both vanish: at $x = 10$ that of
the sigmoid is 0.000045. Layer by layer such factors are multiplied, which is why `relu`
took over.

The absolute value has the slope 1 where $x > 0$, −1 where $x < 0$, and at 0 a corner.
Any number from −1 to 1 would be fair there; the custom is 0. As with `relu`, where the
slope is 0 nothing gets through, not even an infinity.
"""


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


# %% checks="rules-of-activations" points=3
_grad, _x = np.array([3.0, 2.0, np.inf]), np.array([5.0, -5.0, 0.0])
_abs = "grad where x > 0, -grad where x < 0, and 0 at 0: select(…) twice"
with np.errstate(all="ignore"):
    check(RULES[np.abs][0](_grad, np.abs(_x), _x), [3.0, -2.0, 0.0], hint=_abs)
_grad, _out = np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.9, 0.1])
_tanh, _sigmoid = RULES[np.tanh], RULES[activations.sigmoid]
check(_tanh[0](_grad, _out, _x), [2.25, 0.38, 0.99], hint="grad * (1 - out²)")
_s = "grad * s * (1 - s), and s is out"
check(_sigmoid[0](_grad, _out, _x), [0.75, 0.18, 0.09], hint=_s)


### BEGIN HIDDEN TESTS
@observe(exact=True, grad=normal(3, 2), x=normal(3, 2))
def gradient_of_the_hyperbolic_tangent(autograd, grad, x):
    """1 - t² times the gradient."""
    return gradients_by_rules(autograd, np.tanh, grad, x)


@observe(exact=True, grad=normal(3, 2), x=normal(3, 2))
def gradient_of_the_sigmoid(autograd, grad, x):
    """s (1 - s) times the gradient."""
    return gradients_by_rules(autograd, autograd.activations.sigmoid, grad, x)


@observe(exact=True, grad=normal(6), x=normal(5))
def gradient_of_an_absolute_value(autograd, grad, x):
    """The sign of x times the gradient; at 0 nothing, of an infinity neither."""
    x, infinite = np.array([*x, 0.0]), np.array([*grad[:5], np.inf])
    return [gradients_by_rules(autograd, np.abs, g, x) for g in (grad, infinite)]


@observe(exact=True, grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def activations_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    return kept(autograd, (np.tanh, autograd.activations.sigmoid, np.abs), grad, x)


@observe(exact=True, grad=normal(3), x=normal(3))
def rules_of_activations_can_be_recorded(autograd, grad, x):
    """With Variables in place of the arrays they give Variables."""
    functions = np.tanh, autograd.activations.sigmoid, np.abs
    return [recorded(autograd, function, grad, x) for function in functions]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 16: softmax

This is the first function in which every output depends on every input along the axis:
$p_i = e^{x_i} / \sum_k e^{x_k}$. So there are $n^2$ derivatives for $n$ classes, but they
never have to be built. Summed over the paths,

$$\frac{\partial L}{\partial x_j} = p_j \Big( \texttt{grad}_j - \sum_i \texttt{grad}_i\, p_i \Big).$$

<details><summary>Where it comes from (you may skip this)</summary>

The quotient rule gives $\frac{\partial p_i}{\partial x_j} = p_j\,([i = j] - p_i)$, with 1
for $[i = j]$ where they are equal, else 0. Multiply by $\texttt{grad}_i$, and sum over $i$.

</details>

In numbers: $p = (0.2, 0.3, 0.5)$, $\texttt{grad} = (1, 2, 4)$. The sum is
$0.2 + 0.6 + 2 = 2.8$, and the gradient $(0.2 \cdot (1 - 2.8), 0.3 \cdot (2 - 2.8),
0.5 \cdot (4 - 2.8)) = (-0.36, -0.24, 0.6)$. It adds up to 0, always: adding the same
number to all $x$ doesn't change $p$. For the logarithm, $\log p_i = x_i - \log \sum_k
e^{x_k}$, it is

$$\frac{\partial L}{\partial x_j} = \texttt{grad}_j - p_j \sum_i \texttt{grad}_i .$$

Here `out` is $\log p$, not $p$; but $p$ isn't far away. Rows: `activations.softmax` and
`activations.log_softmax`. Both sums go along the parameter `axis`, which a rule gets
like the function itself: `lambda grad, out, x, axis=-1: …`. Write them as
`total(…, axis=axis, keepdims=True)`.
"""


# %% exercise="rules-of-softmax"
#| export
@table
def rules_of_softmax():
    """The rules of softmax and of log_softmax along an axis, from the output alone."""
    ### BEGIN SOLUTION

    def by_x(grad, out, x, axis=-1):
        return out * (grad - total(grad * out, axis=axis, keepdims=True))

    def by_x_of_the_logarithm(grad, out, x, axis=-1):
        return grad - np.exp(out) * total(grad, axis=axis, keepdims=True)

    derivative(activations.softmax, by_x)
    derivative(activations.log_softmax, by_x_of_the_logarithm)
    ### END SOLUTION


# %% checks="rules-of-softmax" points=4
_p, _grad = np.array([0.2, 0.3, 0.5]), np.array([1.0, 2.0, 4.0])
_softmax, _log_softmax = RULES[activations.softmax], RULES[activations.log_softmax]
_by_x = "p * (grad - the sum of grad * p)"
check(_softmax[0](_grad, _p, np.log(_p)), [-0.36, -0.24, 0.6], hint=_by_x)
_by_x = "grad - p * the sum of grad, where p is exp(out)"
check(_log_softmax[0](_grad, np.log(_p), np.log(_p)), [-0.4, -0.1, 0.5], hint=_by_x)
_p, _grad = np.array([[0.2, 0.8], [0.8, 0.2]]), np.array([[1.0, 2.0], [3.0, 5.0]])
_x = np.log(_p)
_rows = "a sum for each row has to stay a column: keepdims=True"
_columns = "sum along the given axis: axis=axis"
check(_softmax[0](_grad, _p, _x, axis=1), [[-0.16, 0.16], [-0.32, 0.32]], hint=_rows)
check(_softmax[0](_grad, _p, _x, axis=0), [[-0.32, -0.48], [0.32, 0.48]], hint=_columns)
check(_log_softmax[0](_grad, _x, _x, axis=1), [[0.4, -0.4], [-3.4, 3.4]], hint=_rows)
check(_log_softmax[0](_grad, _x, _x, axis=0), [[0.2, -3.6], [-0.2, 3.6]], hint=_columns)


### BEGIN HIDDEN TESTS
def along_axes(autograd, function, grad, x):
    """What the rule of a function gives without an axis, and along several."""
    rule = autograd.RULES[function][0]
    found = [rule(grad, function(x, axis=a), x, axis=a) for a in (0, 1, -2)]
    return [rule(grad, function(x), x), *found]


@observe(exact=True, grad=normal(3, 4), x=normal(3, 4))
def gradient_of_softmax_along_the_last_axis(autograd, grad, x):
    """For each row by itself."""
    return gradients_by_rules(autograd, autograd.activations.softmax, grad, x)


@observe(exact=True, grad=normal(3, 4), x=normal(3, 4))
def gradient_of_log_softmax_along_the_last_axis(autograd, grad, x):
    """For each row by itself."""
    return gradients_by_rules(autograd, autograd.activations.log_softmax, grad, x)


@observe(exact=True, grad=normal(3, 4, 2), x=normal(3, 4, 2))
def gradients_along_other_axes(autograd, grad, x):
    """The first axis, and the one in the middle, of both functions."""
    functions = autograd.activations.softmax, autograd.activations.log_softmax
    return [along_axes(autograd, function, grad, x) for function in functions]


@observe(exact=True, grad=normal(4, dtype="float32"), x=normal(4, dtype="float32"))
def softmax_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    functions = autograd.activations.softmax, autograd.activations.log_softmax
    return kept(autograd, functions, grad, x)


@observe(exact=True, grad=normal(2, 3), x=normal(2, 3))
def rules_of_softmax_can_be_recorded(autograd, grad, x):
    """With Variables in place of the arrays they give Variables."""
    functions = autograd.activations.softmax, autograd.activations.log_softmax
    return [recorded(autograd, function, grad, x, axis=0) for function in functions]


### END HIDDEN TESTS

# %% [markdown]
r"""
Do you trust the algebra? The yardstick judges it. For $L = \sum \texttt{seed}\,p$ with
random numbers `seed`, $\partial L / \partial p$ is just `seed`, so both must agree:
"""

# %% demo=true
x, seed = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
print(RULES[activations.softmax][0](seed, activations.softmax(x), x))
print(numerical_gradient(lambda v: (seed * activations.softmax(v)).sum(), x))

# %% [markdown]
r"""
#### Exercise 17: sums, means, variances

A reduction is broadcasting the other way round. In a sum each $x_i$ counts once, so
each gets the whole gradient; in a mean of $n$ elements each counts $\frac{1}{n}$. The
variance is the mean of $(x_j - \mu)^2$. The contribution through $\mu$ cancels, because
the deviations sum to 0:

$$\frac{\partial\,\text{sum}}{\partial x_i} = 1, \qquad
\frac{\partial\,\text{mean}}{\partial x_i} = \frac{1}{n},
\qquad \frac{\partial\,\text{var}}{\partial x_i} = \frac{2}{n}\,(x_i - \mu).$$

The work is in the shapes. Sum $x$ of shape `(2, 3)` over axis 1: `grad` has the shape
`(2,)`, say $(7, 8)$, and each number belongs to a whole row: three 7s, and below them
three 8s. But `(2,)` doesn't broadcast to `(2, 3)`; `(2, 1)` would.

1. `with_axes(grad, x, axis)` gives the lost axes back, each with length 1, whatever
   `axis` is: None, a number, or several. With `keepdims` they weren't lost, and it
   changes nothing.
2. `spread(…, shape=x.shape)` repeats it to the shape of `x`, without a copy. These rules
   must return the **full shape**: the engine can sum what is too large, but not repeat
   what is too small.

Rows: `np.sum`, `np.mean` and `np.var`. The rules begin with `grad, out, x, axis=None,
keepdims=False`. The variance needs $\mu$ along the same axis,
`x.mean(axis=axis, keepdims=True)`.

<details><summary>Hint: how many elements went into each mean</summary>

`x` has `x.size` elements, and `out` has `out.size`, each of equally many. So $1/n$ is
`out.size / max(x.size, 1)`; the `max` is for an `x` without elements, whose gradient is
empty.

</details>
"""

# %%
#| export
from tinytorch.support.arrays import spread
from tinytorch.support.rules import with_axes


# %% exercise="rules-of-reductions"
#| export
@table
def rules_of_reductions():
    """The rules of sum, mean and var, over all axes or over those of `axis`."""
    ### BEGIN SOLUTION

    def by_sum(grad, out, x, axis=None, keepdims=False):
        return spread(with_axes(grad, x, axis), shape=x.shape)

    def by_mean(grad, out, x, axis=None, keepdims=False):
        share = with_axes(grad, x, axis) * (out.size / max(x.size, 1))
        return spread(share, shape=x.shape)

    def by_var(grad, out, x, axis=None, keepdims=False):
        share = with_axes(grad, x, axis) * (2 * out.size / max(x.size, 1))
        return share * (x - x.mean(axis=axis, keepdims=True))

    derivative(np.sum, by_sum)
    derivative(np.mean, by_mean)
    derivative(np.var, by_var)
    ### END SOLUTION


# %% checks="rules-of-reductions" points=4
_x, _grad = np.array([[0.0, 3.0, 3.0], [1.0, 1.0, 1.0]]), np.array([6.0, 12.0])
_rows = "with_axes makes (2, 1) of (2,); spread that to the shape of x"
check(
    RULES[np.sum][0](_grad, _x.sum(axis=1), _x, axis=1),
    [[6.0] * 3, [12.0] * 3],
    hint=_rows,
)
check(
    RULES[np.mean][0](_grad, _x.mean(axis=1), _x, axis=1),
    [[2.0] * 3, [4.0] * 3],
    hint="as for a sum, times 1 / n; here n is 3",
)
check(
    RULES[np.mean][0](_grad[0], _x.mean(), _x),
    [[1.0] * 3] * 2,
    hint="without an axis, n is 6; return the full shape of x",
)
check(
    RULES[np.var][0](_grad, _x.var(axis=1), _x, axis=1),
    [[-8.0, 4.0, 4.0], [0.0, 0.0, 0.0]],
    hint="grad * 2 / n * (x - the mean of its row)",
)
_out = _x.sum(axis=1, keepdims=True)
check(
    RULES[np.sum][0](_grad[:, None], _out, _x, axis=1, keepdims=True),
    [[6.0] * 3, [12.0] * 3],
    hint="with keepdims, grad has its axes; with_axes leaves it as it is",
)


### BEGIN HIDDEN TESTS
REDUCTIONS = [None, 0, 1, -1, -2, (0, 2), (-1, 0), (0, 1, 2)]


def reduced_in_every_way(autograd, function, x, seeds):
    """A rule's answer for each axis, with and without keepdims, with a random gradient."""
    answers = []
    for axis in REDUCTIONS:
        for keepdims in (False, True):
            out = np.asarray(function(x, axis=axis, keepdims=keepdims))
            grad = seeds.flat[: out.size].reshape(out.shape)
            rule = autograd.RULES[function][0]
            answers.append(np.array(rule(grad, out, x, axis=axis, keepdims=keepdims)))
    return answers


@observe(exact=True, grad=normal(2), x=normal(2, 3))
def gradients_of_each_row(autograd, grad, x):
    """Of the sums, means and variances over the last axis."""
    functions = np.sum, np.mean, np.var
    return [
        np.array(autograd.RULES[f][0](grad, f(x, axis=1), x, axis=1)) for f in functions
    ]


@observe(exact=True, seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_sums_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without."""
    return reduced_in_every_way(autograd, np.sum, x, seeds)


@observe(exact=True, seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_means_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without."""
    return reduced_in_every_way(autograd, np.mean, x, seeds)


@observe(exact=True, seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_variances_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without."""
    return reduced_in_every_way(autograd, np.var, x, seeds)


@observe(exact=True, grad=normal(3), x=normal(2, 3), one=normal(1))
def reductions_of_one_element_and_of_none(autograd, grad, x, one):
    """A mean of one element is that element; an array without elements has an empty gradient.

    How large an element is does not matter to a sum.
    """
    large = np.array([1e17, *one])
    rules, found = [autograd.RULES[f][0] for f in (np.sum, np.mean, np.var)], []
    for rule in rules:
        single = rule(np.array(grad[0]), one.sum(), one)
        rows = rule(grad[:2], x[:, :1].sum(axis=1), x[:, :1], axis=1)
        empty = rule(grad[:0], grad[:0], x[:0], axis=1)
        found.append([np.array(v) for v in (single, rows, empty)])
    seed = np.array(grad[0])
    return found, [np.array(rule(seed, large.sum(), large)) for rule in rules[:2]]


@observe(exact=True, grad=normal(3, dtype="float32"), x=normal(2, 3, dtype="float32"))
def reductions_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    before, found = (grad.copy(), x.copy()), []
    for function in (np.sum, np.mean, np.var):
        rule = autograd.RULES[function][0]
        found.append(rule(grad, function(x, axis=0), x, axis=0))
        wide = x.astype("float64")
        found.append(rule(grad.astype("float64"), function(wide, axis=0), wide, axis=0))
    same = np.array_equal(before[0], grad) and np.array_equal(before[1], x)
    return [np.array(g) for g in found], [str(g.dtype) for g in found], bool(same)


@observe(exact=True, seed=normal(3), x=normal(2, 3))
def rules_of_reductions_can_be_recorded(autograd, seed, x):
    """With Variables in place of the arrays they give Variables."""
    functions = np.sum, np.mean, np.var
    return [recorded(autograd, function, seed, x, axis=0) for function in functions]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 18: the maximum

In $\max_i x_i$ only the largest element matters. Its derivative is 1, that of the
others 0: with $x = (2, 9, 4)$ and `grad = 6` it's $(0, 6, 0)$.

A **tie**, $x = (9, 2, 9)$, is a corner again. The whole gradient to both would count it
twice, so it is shared equally, $(3, 0, 3)$. (Ties aren't rare: after `relu`, a patch of
a picture is often all zeros.) A minimum is the same with the smallest element, so one
rule serves both: it looks where `x` equals `out`.

1. Find the places where `x` equals `out`, with its axes given back.
2. The share is `grad`, with its axes given back, divided by the number of places along
   the axis (`.sum(axis=axis, keepdims=True)`). A float32 gradient divided by whole
   numbers is float64, so say `astype(share, dtype=x.dtype)`.
3. `spread` it, and `select` the places: elsewhere is 0, even if an infinity arrives.
"""

# %%
#| export
from tinytorch.support.arrays import astype


# %% exercise="rule-of-the-maximum"
#| export
def rule_of_the_maximum(grad, out, x, axis=None, keepdims=False):
    """The rule of max and min: the gradient goes to where they are; ties share it."""
    ### BEGIN SOLUTION
    at_extreme = x == with_axes(out, x, axis)
    share = with_axes(grad, x, axis) / at_extreme.sum(axis=axis, keepdims=True)
    return select(at_extreme, spread(astype(share, dtype=x.dtype), shape=x.shape))
    ### END SOLUTION


# %% checks="rule-of-the-maximum" points=3
_x, _grad = np.array([[2.0, 9.0, 4.0], [9.0, 2.0, 9.0]]), np.array([6.0, 10.0])
check(
    rule_of_the_maximum(_grad, _x.max(axis=1), _x, axis=1),
    [[0.0, 6.0, 0.0], [5.0, 0.0, 5.0]],
    hint="all to the largest of each row; a tie shares it equally",
)
check(
    rule_of_the_maximum(_grad, _x.min(axis=1), _x, axis=1),
    [[6.0, 0.0, 0.0], [0.0, 10.0, 0.0]],
    hint="out says what was taken: for a minimum the smallest",
)
with np.errstate(all="ignore"):
    check(
        rule_of_the_maximum(np.array(np.inf), _x.min(), _x),
        [[np.inf, 0.0, 0.0], [0.0, np.inf, 0.0]],
        hint="one minimum, no axis; select(…) keeps infinity from other places",
    )
_x = _x.astype(np.float32)
_dtype = str(rule_of_the_maximum(_x[:, 0], _x.max(axis=1), _x, axis=1).dtype)
check(_dtype, "float32", hint="astype(share, dtype=x.dtype)")


### BEGIN HIDDEN TESTS
def close_to_the_largest(x):
    """The array with a new largest element in each row, and one beside it that is hardly less."""
    largest = x.max(axis=1) + 1
    return np.column_stack([largest, np.nextafter(largest, -np.inf), x])


@observe(exact=True, grad=normal(3), x=normal(3, 5))
def gradient_of_the_largest_of_each_row(autograd, grad, x):
    """To its place, and nowhere else; also not to one that is hardly less."""
    rule, close = autograd.rule_of_the_maximum, close_to_the_largest(x)
    return [rule(grad, v.max(axis=1), v, axis=1) for v in (x, close)]


@observe(exact=True, grad=normal(4), x=integers(3, 4, low=0, high=3))
def ties_share_the_gradient_equally(autograd, grad, x):
    """For maxima and minima, along an axis and over everything."""
    rule, x = autograd.rule_of_the_maximum, x.astype("float64")
    return [
        rule(grad, x.max(axis=0), x, axis=0),
        rule(grad, x.min(axis=0), x, axis=0),
        rule(np.array(grad[0]), x.max(), x),
        rule(grad[:1, None], x.min(keepdims=True), x, keepdims=True),
    ]


@observe(exact=True, seeds=normal(24), x=normal(2, 3, 4))
def gradients_of_maxima_over_any_axes(autograd, seeds, x):
    """No axis, one, a negative one, a tuple; with keepdims and without; through the table."""
    autograd.derivative(np.max, autograd.rule_of_the_maximum)
    x[0, 0, 0] = 9.0
    x[1, 0, 0] = np.nextafter(9.0, 0)
    return reduced_in_every_way(autograd, np.max, x, seeds)


@observe(exact=True, grad=normal(3), x=normal(3, 4), sign=choice(-1, 1))
def an_infinite_gradient_reaches_the_maximum_only(autograd, grad, x, sign):
    """Elsewhere is 0, and not NaN."""
    grad[1] = sign * np.inf
    return autograd.rule_of_the_maximum(grad, x.max(axis=1), x, axis=1)


@observe(exact=True, grad=normal(2, dtype="float32"), x=normal(2, 3, dtype="float32"))
def maxima_and_minima_in_float32(autograd, grad, x):
    """float32 stays float32, and nothing that was given is changed."""
    before, rule = (grad.copy(), x.copy()), autograd.rule_of_the_maximum
    found = [rule(grad, f(x, axis=1), x, axis=1) for f in (np.max, np.min)]
    wide = close_to_the_largest(x.astype("float64"))
    found.append(rule(grad.astype("float64"), wide.max(axis=1), wide, axis=1))
    same = np.array_equal(before[0], grad) and np.array_equal(before[1], x)
    return found, [str(g.dtype) for g in found], bool(same)


@observe(exact=True, grad=normal(2), x=normal(2, 3))
def the_rule_of_the_maximum_can_be_recorded(autograd, grad, x):
    """With Variables in place of the arrays it gives a Variable."""
    autograd.derivative(np.max, autograd.rule_of_the_maximum)
    return recorded(autograd, np.max, grad, x, axis=1)


### END HIDDEN TESTS

# %%
#| export
derivative(np.max, rule_of_the_maximum)
derivative(np.min, rule_of_the_maximum)

# %% [markdown]
r"""
#### Exercise 19: arrangement

`reshape`, `transpose` and indexing move numbers about and change none of them. So each
gradient goes back to the place that its number came from.

- **`np.reshape`**, `rule(grad, out, x, shape)`: the gradient takes the shape of `x` again.
- **`np.transpose`**, `rule(grad, out, x, axes=None)`: the axes go back in the inverse order.
  With `axes = (2, 0, 1)`, axis 0 of $x$ has become axis 1 of `out`, axis 1 axis 2, and
  axis 2 axis 0: back it is `(1, 2, 0)`. The given `inverse(axes, x.ndim)` finds it, and
  `grad.transpose(…)` takes it.
- **x[index]**, whose row is `tensor.getitem`, `rule(grad, out, x, index)`: zeros in the
  shape of $x$, and the gradient at `index`. An element that was taken twice was *used*
  twice, so both gradients are added. `zeros[index] += grad` doesn't do that (of equal
  indices the last one wins); the given `scatter(grad, shape=x.shape, index=index)`
  does.

In numbers: $x$ has 3 elements, the index is `[0, 0, 2]`, `grad` is $(1, 10, 100)$. Then
$x$ gets $(11, 0, 100)$.
"""

# %%
#| export
from tinytorch.support.arrays import inverse, scatter


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


# %% checks="rules-of-arrangement" points=4
_x, _grad = np.zeros((2, 3)), np.arange(6.0)
check(
    RULES[np.reshape][0](_grad, _grad, _x, shape=(6,)),
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
    hint="grad.reshape(x.shape)",
)
check(
    RULES[np.transpose][0](_grad.reshape(3, 2), _x.T, _x),
    [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]],
    hint="without axes the order was reversed: reverse it again",
)
_x, _grad = np.zeros((2, 3, 4)), np.zeros((4, 2, 3))
check(
    RULES[np.transpose][0](_grad, _grad, _x, axes=(2, 0, 1)).shape,
    (2, 3, 4),
    hint="the inverse order; with axes itself the shape is (3, 4, 2)",
)
_x, _grad = np.array([5.0, 6.0, 7.0]), np.array([1.0, 10.0, 100.0])
check(
    RULES[tensor.getitem][0](_grad, _x[[0, 0, 2]], _x, index=[0, 0, 2]),
    [11.0, 0.0, 100.0],
    hint="an element that was taken twice gets both gradients: scatter(…)",
)


### BEGIN HIDDEN TESTS
@observe(exact=True, grad=normal(4, 6), x=normal(2, 3, 4))
def gradient_of_reshape(autograd, grad, x):
    """Given as a shape, and with a length of -1."""
    rule = autograd.RULES[np.reshape][0]
    return [rule(grad, x.reshape(shape), x, shape=shape) for shape in ((4, 6), (4, -1))]


@observe(exact=True, x=normal(2, 3, 4))
def gradient_of_transpose(autograd, x):
    """All six orders of three axes, negative ones, and no order at all."""
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    orders += [(-1, 0, 1), (1, -1, -3), (-2, -1, 0), None]
    rule = autograd.RULES[np.transpose][0]
    found = [
        rule(np.cos(3 * x).transpose(a), x.transpose(a), x, axes=a) for a in orders
    ]
    return found, rule(np.sin(x).T, x.T, x)


@observe(exact=True, x=normal(3, 4), i=integers(low=0, high=3))
def gradient_of_slices_and_single_elements(autograd, x, i):
    """Integers, slices, steps, a new axis, an ellipsis."""
    indices = [
        i,
        (i, -1),
        slice(1, 3),
        (slice(None), 1),
        (slice(None, None, 2), slice(3, 0, -1)),
    ]
    indices += [(None, i), (..., 2)]
    rule = autograd.RULES[autograd.tensor.getitem][0]
    return [rule(np.sin(x[index]), x[index], x, index=index) for index in indices]


@observe(
    exact=True,
    x=normal(3, 4),
    rows=integers(6, low=0, high=3),
    columns=integers(6, low=0, high=4),
)
def gradient_of_elements_taken_several_times(autograd, x, rows, columns):
    """Index arrays with repetitions, pairs of them, a mask, and nothing taken at all."""
    rule, found = autograd.RULES[autograd.tensor.getitem][0], []
    for index in (
        rows,
        (rows, columns),
        (slice(None), columns),
        x > 0,
        [0, 0, 2, 0],
        rows[:0],
    ):
        found.append(rule(np.sin(x[index]), x[index], x, index=index))
    return found


@observe(exact=True, x=normal(3, 4, dtype="float32"))
def arrangement_in_float32(autograd, x):
    """float32 stays float32, and nothing that was given is changed."""
    grad, rules = np.cos(x), autograd.RULES
    before = grad.copy(), x.copy()
    found = [
        rules[np.reshape][0](grad.reshape(-1), x.reshape(-1), x, shape=(-1,)),
        rules[np.transpose][0](grad.T, x.T, x),
        rules[np.transpose][0](grad.T, x.T, x, axes=(1, 0)),
        rules[autograd.tensor.getitem][0](grad[1], x[1], x, index=1),
        rules[autograd.tensor.getitem][0](grad[[1, 1]], x[[1, 1]], x, index=[1, 1]),
    ]
    same = np.array_equal(before[0], grad) and np.array_equal(before[1], x)
    return found, [str(g.dtype) for g in found], bool(same)


@observe(exact=True, grad=normal(3, 2), x=normal(2, 3), i=integers(4, low=0, high=2))
def rules_of_arrangement_can_be_recorded(autograd, grad, x, i):
    """With Variables in place of the arrays they give Variables."""
    return (
        recorded(autograd, np.reshape, grad, x, shape=(3, 2)),
        recorded(autograd, np.transpose, grad, x, axes=(1, 0)),
        recorded(
            autograd, autograd.tensor.getitem, grad[[0, 1, 2, 0]], x[:, :2], index=i
        ),
    )


### END HIDDEN TESTS

# %% [markdown]
r"""
#### The rest of the table, given

More functions have their rules in `tinytorch/support/rules.py`. Read a few, and see how
each follows from one of yours: `maximum` and `minimum` of two arrays share where both
are equal; `where` and `clip` select; what was joined or stacked is taken apart again;
what was padded is cut off. `select`, `spread`, `scatter`, `astype` and `total`, which
your rules call, are there as well: `scatter` and indexing are each the other's way
back. The functions themselves, `exp(x)`, `softmax(x)` and so on, come with it:
"""

# %%
#| export
from tinytorch.support.functions import *
from tinytorch.support.functions import __getattr__ as __getattr__

# %% [markdown]
r"""
### 8. Without notes, and without `.grad`

#### Exercise 20: `no_grad`

Whoever only wants the numbers, to test a network say, needs no notes, and no memory for them. In a `with no_grad():`
block nothing is recorded. It is a switch with a memory: remember how `recording.enabled` was, turn it off, let the block
run (`yield`), and put it back **as it was**, also if the block ends in an error. That's what `try … finally` is for.

(`@switch`, given, makes a block of the function: what stands before `yield` happens at the beginning, the rest at the
end. It can also decorate functions, as `@no_grad()`, even generators.)
"""

# %%
#| export
from tinytorch.support.recording import enable_grad as enable_grad
from tinytorch.support.recording import switch


# %% exercise="no-grad"
#| export
@switch
def no_grad():
    """Do not record, in a ``with no_grad():`` block or in a function decorated with it.

    What is computed inside has no history and needs no memory for one. When the block
    ends, the state from before is restored, also after an error, and in nested blocks.
    """
    ### BEGIN SOLUTION
    before = recording.enabled
    recording.enabled = False
    try:
        yield
    finally:
        recording.enabled = before
    ### END SOLUTION


# %% checks="no-grad" points=3
recording.enabled = True  # whatever an earlier try has left behind
_inner = "the inner block goes back to what was before it: off"
_outer = "the outer block goes back to what was before it: on"
with no_grad():
    check(recording.enabled, False, hint="switch recording off before yield")
    with no_grad():
        pass
    check(recording.enabled, False, hint=_inner)
    check(str((Variable(2.0) * 3.0).grad_fn), "None", hint="no note is taken")
check(recording.enabled, True, hint=_outer)


def fail_in_a_block():
    """Raise an error inside of no_grad()."""
    with no_grad():
        raise KeyError("an error in the block")


_through = "let the error through: finally, and not except"
check_raises(KeyError, lambda: fail_in_a_block(), hint=_through)
_after = "after an error the state comes back as well: finally"
check(recording.enabled, True, hint=_after)


### BEGIN HIDDEN TESTS
def chances(autograd, x):
    """A number that shows which operations were recorded, and a function to compute them with."""
    enter_rules_of_weighted(autograd)
    leaf, total = autograd.Variable(np.array(1.0)), []

    def compute(i):
        out = autograd.record(weighted, leaf, float(x[i]))
        total.append(out.item() if out.requires_grad else -2 * out.item())

    return total, compute


@observe(n=integers(low=1, high=4), x=normal(8))
def recording_is_off_inside_and_on_again_afterwards(autograd, n, x):
    """Several blocks, one after the other."""
    total, compute = chances(autograd, x)
    for i in range(n):
        with autograd.no_grad():
            compute(2 * i)
        compute(2 * i + 1)
    return total, autograd.recording.enabled


@observe(n=integers(low=2, high=4), x=normal(5))
def nested_blocks_return_to_the_state_before_them(autograd, n, x):
    """Each end of a block, seen from outside it."""
    total, compute = chances(autograd, x)

    def nest(depth):
        if depth:
            with autograd.no_grad():
                nest(depth - 1)
                compute(depth)

    nest(n)
    compute(0)
    return total, autograd.recording.enabled


@observe(n=integers(low=1, high=3), x=normal(4))
def an_error_inside_a_block_comes_out_and_the_state_comes_back(autograd, n, x):
    """Also through several blocks."""
    total, compute = chances(autograd, x)

    def fail(depth):
        with autograd.no_grad():
            compute(depth)
            if depth:
                fail(depth - 1)
            raise KeyError("inside")

    error = raised(lambda: fail(n))
    compute(3)
    state, autograd.recording.enabled = autograd.recording.enabled, True
    return error, total, state


@observe(n=integers(low=2, high=5), x=normal(6))
def a_decorated_function_may_call_itself(autograd, n, x):
    """Blocks within blocks, in a decorated function."""
    total, compute = chances(autograd, x)

    @autograd.no_grad()
    def count(k):
        compute(k)
        return 0.0 if k == 0 else x[k] + count(k - 1)

    found = count(n)
    compute(5)
    return found, total, autograd.recording.enabled


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Freed, or kept

You let `propagate` free each operation once it has sent its shares. So a second `backward()` through the same graph
finds nothing, and says so. `backward(retain_graph=True)` keeps the notes for another pass:
"""

# %% demo=true
x = Variable(3.0)
y = x * x * x
y.backward(retain_graph=True)
y.backward()
print("two passes, added up:", x.grad)

# %% [markdown]
r"""
#### Exercise 21: `grad`

`backward` gives every leaf its gradient, and leaves it there. Sometimes you want just a few, as a result, and nothing
left behind: `grad(outputs, inputs)`. It gives a tuple, and touches no `.grad`. Inputs may even be computed values:
how does the loss depend on that layer's output?

So don't go everywhere. Of the nodes in reverse creation order, only those are needed **that have a path back to one of
the inputs**. Go through them from the oldest to the youngest, `reversed(nodes)`: a node leads to an input if one of
*its* inputs (that needs a gradient) is wanted, or leads to one. In $a = x^2$, $b = w^2$, $c = a + b$, with only $x$ wanted:
$b$ doesn't lead there, $a$ does, and so does $c$.

1. `leading_to`: build the set `leading`, as described.
2. `grad`: find the nodes, those of `reverse_creation_order(start)` that lead to `inputs`. Then
   `found = propagate(…, retain_graph or create_graph)`, as `backward` does. Everything around it is given: `start`; a
   block in which numpy doesn't warn, and in which the gradients of computed inputs are `kept`; and the tuple in the end.
"""


# %% exercise="grad"
#| export
def leading_to(inputs: list, nodes: list[Variable]) -> list[Variable]:
    """Those of `nodes` that depend on at least one of the inputs, youngest first."""
    wanted, leading = set(inputs), set()
    ### BEGIN SOLUTION
    for node in reversed(nodes):
        for x in inputs_of(node):
            if needs_gradient(x) and (x in wanted or x in leading):
                leading.add(node)
    ### END SOLUTION
    return [node for node in nodes if node in leading]


def grad(outputs, inputs, grad_outputs=None, retain_graph=False, create_graph=False):
    """The gradients of `outputs` by `inputs`, without touching any ``.grad``.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate; several outputs are summed.
    inputs : Variable, Tensor or sequence of them
        With respect to what.
    grad_outputs : array_like, or for a sequence of outputs a sequence of them, optional
        For each output, the gradient to start from; needed unless it has one element.
    retain_graph : bool
        Keep the graph for another pass.
    create_graph : bool
        Record the backward pass, and keep the graph: the gradients are variables, which
        can be differentiated again.

    Returns
    -------
    tuple of ndarray, or of Variable if `create_graph`
        For each input a new array of its own shape and dtype; where the outputs do not
        depend on it, zeros (with `create_graph`, a Variable that requires no gradient).

    Raises
    ------
    RuntimeError
        If an input requires no gradient; and as `Variable.backward`.
    TypeError, ValueError
        If outputs or inputs are no variables, or there are more or fewer `grad_outputs`
        than outputs; and as `Variable.backward`.
    """
    inputs = list_of_inputs(inputs)
    start = starting_gradients(outputs, grad_outputs, create_graph)
    with recording.going_back(create_graph), recording.keeping(inputs) as kept:
        ### BEGIN SOLUTION
        nodes = leading_to(inputs, reverse_creation_order(start))
        found = propagate(start, nodes, retain_graph or create_graph)
        ### END SOLUTION
    return picked(found | kept, inputs, Variable if create_graph else None)


# %% checks="grad" points=7
_x, _w, _unused = Variable(3.0), Variable(2.0), Variable([1.0, 1.0])
_a, _b = _x * _x, _w * _w
_c = _a + _b
check(
    [v.item() for v in leading_to([_x], [_c, _b, _a])],
    [13.0, 9.0],
    hint="c and a lead back to x, and b does not",
)
check(
    [v.item() for v in leading_to([_a], [_c, _b, _a])],
    [13.0],
    hint="a is wanted itself; it need not be gone through",
)
check(grad(_c * _w, [_x, _w]), (12.0, 21.0), hint="a gradient for each input")
_touched = "propagate, and no more: no grad is touched"
check([_x.grad, _w.grad], [None, None], hint=_touched)
_a = _x * _x
_behind = "by a computed variable, and by what is behind it"
check(grad(_a * _w, [_a, _x]), (2.0, 12.0), hint=_behind)
_zeros = "zeros where the output does not depend on it"
check(grad(_x * _w, _unused), ([0.0, 0.0],), hint=_zeros)
_y, _beside = _x * _w, _w * _w
_keep = "hand on retain_graph or create_graph: the graph is kept for another pass"
grad(_y + _beside, _x, retain_graph=True)
check(grad(_y, _x), (2.0,), hint=_keep)
_freed = "without retain_graph, the nodes visited are freed"
check_raises(RuntimeError, lambda: grad(_y, _x), hint=_freed)
_y = _x * _x
grad(_y, _x, create_graph=True)
check(grad(_y, _x), (6.0,), hint=_keep)
grad(_x * _x + _beside, _x)
_elsewhere = "w * w does not lead to x, so it isn't visited, nor freed"
check(grad(_beside, _w), (4.0,), hint=_elsewhere)


### BEGIN HIDDEN TESTS
@observe(x=normal(3), w=normal(3, dtype="float32"), seed=normal(3))
def gradients_by_several_inputs_and_by_one(autograd, x, w, seed):
    """A tuple, each in the shape and dtype of its input, for a variable and a weight."""
    x, w = autograd.Variable(x), autograd.layers.Tensor(w, requires_grad=True)
    both = autograd.grad(Graph(autograd).times(x, w), [w, x], seed)
    one = autograd.grad(Graph(autograd).times(x, w), x, seed)
    return both, one, [str(g.dtype) for g in both], [x.grad, w.grad]


@observe(x=normal(3), y=normal(3), seed=normal(3))
def what_leads_to_nothing_wanted_is_left_alone(autograd, x, y, seed):
    """Its operations are neither called nor freed."""
    graph, x, y = Graph(autograd), autograd.Variable(x), autograd.Variable(y)
    far = graph.times(y, y, "far")
    beside = graph.times(far, y, "beside")
    out = graph.times(graph.times(x, x, "inner"), beside, "outer")
    found = autograd.grad(out, [x], seed)
    return found, graph.called, [v.grad_fn.inputs is None for v in (far, beside, out)]


@observe(x=normal(3), y=normal(3), w=normal(3))
def the_nodes_that_lead_to_the_inputs(autograd, x, y, w):
    """In their order; by leaves, by computed variables, and past constants."""
    graph = Graph(autograd)
    x, y = autograd.Variable(x), autograd.layers.Tensor(y, requires_grad=True)
    constant = autograd.Variable(w, requires_grad=False)
    a, b = graph.times(x, w), graph.times(y, constant)
    c = graph.plus(a, b)
    d = graph.times(c, b)
    found = [
        autograd.leading_to(wanted, [d, c, b, a])
        for wanted in ([x], [y], [a], [x, b], [d])
    ]
    return [[v.numpy() for v in nodes] for nodes in found]


@observe(x=normal(3), seed=normal(3))
def gradients_by_computed_variables(autograd, x, seed):
    """A variable in the middle, the output itself, and a leaf behind them."""
    graph, x = Graph(autograd), autograd.Variable(x)
    middle = graph.times(x, x)
    out = graph.plus(graph.times(middle, middle), x)
    return autograd.grad(out, [middle, out, x], seed)


@observe(x=normal(3), seeds=normal(3, 3))
def gradients_of_several_outputs_add_up(autograd, x, seeds):
    """Outputs that share a graph, one of them twice."""
    graph, x = Graph(autograd), autograd.Variable(x)
    a = graph.times(x, x)
    b = graph.times(a, x)
    return autograd.grad([a, b, a], x, list(seeds))


@observe(x=normal(3), y=normal(3, dtype="float32"), seeds=normal(2, 3))
def recorded_gradients_are_variables_and_keep_the_graph(autograd, x, y, seeds):
    """With create_graph; zeros are variables that require no gradient. With retain_graph: arrays."""
    enter_rules_of_weighted(autograd)
    x, unused = autograd.Variable(x), autograd.Variable(y)
    out = autograd.record(weighted, x, x, weight=2.0)
    found = autograd.grad(out, [x, unused], seeds[0], create_graph=True)
    kept = autograd.grad(out, x, seeds[1], retain_graph=True)
    plain = autograd.grad(out, [unused, x], seeds[1])
    kinds = [(type(g).__name__, str(g.dtype)) for g in (*found, *kept, *plain)]
    needed = [g.requires_grad for g in found]
    freed = raised(lambda: autograd.grad(out, x, seeds[0]))
    return kinds, needed, [np.asarray(g) for g in (*found, *kept, *plain)], freed


### END HIDDEN TESTS

# %% [markdown]
r"""
That was the last part. What others find when they import your module is listed in its last cell:
"""

# %%
#| export
__all__ = """
    Variable derivative enable_grad grad no_grad numerical_gradient add clip
    clip_grad_norm_ clip_grad_value_ concatenate cos cross_entropy divide exp getitem
    linear log log_softmax matmul maximum mean minimum multiply negative pad power relu
    reshape sigmoid sin softmax sqrt stack subtract tanh transpose var where
""".split()

# %% [markdown]
r"""
## Use

Real digits: 1,797 of them, 8 by 8 pixels, written by 13 people (Alpaydin and Kaynak, 1998). The network gets 900 times 32 of
them, drawn from 1,437. How many of the other 360, which it has never seen, will it read right?

<details><summary>Think first, then look</summary>

By guessing, one in ten. And this split by chance makes it easier than it is in life: most of what it has never seen was written by people
whose other digits it knows.

</details>
"""

# %% demo=true
(pixels, digit), order = digits(), rng.permutation(1797)
first, second = Dense(64, 128, rng), Dense(128, 10, rng)
reader = lambda x: second(activations.ReLU()(first(x.reshape(-1, 64) / 16)))
weights = (*first.parameters(), *second.parameters())
for batch in rng.choice(order[360:], (900, 32)):
    loss = cross_entropy(reader(pixels[batch]), digit[batch])
    for weight, slope in zip(weights, grad(loss, weights)):
        weight.data -= 0.5 * slope
right = np.asarray(reader(pixels)).argmax(axis=1) == digit
print(f"seen: {right[order[360:]].mean():.1%}, new: {right[order[:360]].mean():.1%}")

# %% [markdown]
r"""
## Analyze

What does a gradient cost? Take the network on the two moons: one pass forwards without notes, and one with notes, there and
back. How many forward passes is a gradient worth? And how much memory stays in use between the two halves?

<details><summary>Think first, then look</summary>

A matrix product has two rules, each of them a matrix product of the same size. And the way back needs what came out of each
layer, so all of that stays until then.

</details>
"""

# %% demo=true
loss_of = lambda: cross_entropy(network(points), labels)
without = seconds(no_grad()(loss_of), 20)
both = seconds(lambda: loss_of().backward(), 20)
count = sum(p.size for layer in (hidden, last) for p in layer.parameters())
print(f"{count} slopes cost {both / without:.1f} forward passes, and not {2 * count}")
kept, unrecorded = held_bytes(loss_of), held_bytes(no_grad()(loss_of))
print(f"held: {kept:,} bytes with notes, {unrecorded:,} without")

# %% [markdown]
r"""
So the memory of training *is* the graph, and much of what large systems do to save memory comes down to not keeping all of it.

<details><summary>The same in PyTorch</summary>

`backward()`, `.grad` that adds up, `grad_fn`, `no_grad`, `torch.autograd.grad`, a graph that is recorded anew in each
forward pass and freed by the backward pass: all as here. PyTorch's engine, too, takes the nodes in reverse order of
creation, by a sequence number, and waits with each until all its users have reported. Its rules stand in a table, in a
file called `derivatives.yaml`.

</details>

### Questions

#### Question 1: orders (4 points)

Somebody wants to do without `order`, and suggests visiting the computed variables by their distance from the output, counted
in operations: (a) by the length of the **shortest** path, near ones first; (b) by the length of the **longest** path, near
ones first. Which of the two always gives right gradients? Give a reason for the one, and for the other a small graph of
your own with the wrong number that comes out. Why does the order of creation need no such counting, even if a program
creates its variables in a wild order, with many that have nothing to do with the output in between?

Double-click the cell below and write your answer there.
"""

# %% [markdown] answer="orders" points=4
r"""
**Model answer.** What is needed: when a variable's turn comes, every operation that uses it has already sent its share.
(b) is right: if $v$ uses $u$, then the longest path from the output to $u$ is at least one longer than that to $v$ (take
the longest one to $v$ and go on to $u$), so $v$ comes first. (a) is wrong: the shortest path says only how early *some*
user comes. Take $a = 2x$, $b = 3a$, $d = 5b$, $c = a + d$: $a$ has distance 1 and $b$ distance 2, so $a$ is visited before
$b$ and sends only $1 \cdot 2$ to $x$: 2 comes out, instead of $2 \cdot (1 + 15) = 32$. (A graph where both have the same
distance and the wrong one *may* come first is half an answer.) Creation: an operation can only be called on inputs that
exist. So every variable is younger than all it was computed from, in any program. Unrelated variables take numbers too,
but only the relative order of connected ones matters, and the unrelated are not collected.

**Mark scheme.** 1 point: the condition (a variable after everything that uses it), in any words. 1 point: (b) is right,
with a reason why the longest path puts users first. 1 point: (a) is wrong, with a graph and a wrong number that really
comes out. 1 point: inputs exist before outputs, so numbers of connected variables are always in order.
"""

# %% [markdown]
r"""
#### Question 2: a test that passes (3 points)

A student writes the rule of a product as `lambda grad, out, x, y: y`, and tests it: `(x * y).sum().backward()` for random
`x` and `y`, and compares `x.grad` with the numerical gradient. The test passes. Why? Which small change to the test would
have found the mistake, and why does that one find it? Then give an example of a wrong rule that even the better test, with
random inputs, would not find.

Double-click the cell below and write your answer there.
"""

# %% [markdown] answer="seed-of-ones" points=3
r"""
**Model answer.** The product is followed by nothing but a sum, and the rule of the sum hands 1 to every element: `grad` is
all ones, and `grad * y` and `y` are the same numbers. So make it something else: start from a random gradient,
`(x * y).backward(seed)`, compared with the numerical gradient of `(seed * x * y).sum()`; or put another function behind the
product, such as `((x * y) ** 2).sum()`. With a random seed the right answer is `seed * y`, different from `y` in every
element. What random inputs do not find is a mistake at special places that they never hit: relu with `x >= 0` instead of
`x > 0`, a maximum that gives the whole gradient to each of several tied elements, `nan` from `x ** 0` at 0, or a mistake that
shows only with broadcast shapes. Test such places on purpose.

**Mark scheme.** 1 point: `grad` is all ones, because only a sum follows. 1 point: a seed or a following function that makes
it different from 1, and why that shows the forgotten factor. 1 point: an example that random inputs miss.
"""

# %% [markdown]
r"""
#### Question 3: forwards or backwards (3 points)

There is another way, *forward mode*, which carries derivatives along with the values. It costs about one forward pass for
each **input** that is differentiated by; reverse mode costs about one for each **output** that is differentiated. Which mode
would you take, and about how many sweeps does each need, for (a) the loss of a network by its 101,770 weights; (b) how the
10,000 pixels of a rendered picture depend on the 3 coordinates of a lamp; (c) the table of derivatives of a layer with 50
inputs and 50 outputs? For (c) the number of sweeps does not decide: name one thing that does. Finally: an optimizer needs
$\frac{d}{dt} L(w + t u)$ at $t = 0$ for one fixed direction $u$. What does that cost in forward mode, and why?

Double-click the cell below and write your answer there.
"""

# %% [markdown] answer="forward-or-reverse" points=3
r"""
**Model answer.** (a) Reverse: 1 sweep, against 101,770 forward ones; there is one output. (b) Forward: 3 sweeps, one for each
coordinate, against 10,000 backward ones. (c) 50 either way. Memory decides for forward mode: it can forget every value at
once, while reverse mode has to keep them until it comes back. (Also accepted: forward mode needs no record; or reverse mode
has been built already.) The derivative along $u$ is that of a function of the single number $t$: one input, so one forward
sweep, started with the derivatives $u$ for the weights, however many weights there are.

**Mark scheme.** 1 point: (a) and (b), each with the right mode and both numbers of sweeps. 1 point: (c), equal numbers, and
memory or another sound reason. 1 point: one sweep, because $t$ is the only input.
"""

# %% [markdown]
r"""
## What you have built

A derivative of anything is made of derivatives of small steps: **multiply along a path, add over paths**. The gradient of a
value is complete when everything that uses it has reported, and **from the youngest to the oldest** guarantees that. What was
repeated is summed. What belongs to others is not changed in place. A test with a gradient of ones hides mistakes.

Export your module with `python bin/tito.py export 07_autograd`, and use it: `from tinytorch.core.autograd import Variable`.
Next comes training (module 8). Module 15 goes on from here: gradients of gradients, Newton's method, a
search for the first NaN, and deep networks in little memory. Not a line of your engine has to change for it.
"""
