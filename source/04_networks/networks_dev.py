# %% [markdown]
r"""
# Module 4: Networks

Somebody sends you a file with 354 numbers and a short note: "These tell two spirals apart." No program, no drawing,
nothing else. Before the end of this module you open that file, build the network it belongs to, and see the spirals.

To get there, you make *networks* out of layers: one object that you can call, look into, count, save and load. The
idea is old. Torch, the Lua library from which PyTorch took its name, had an `nn.Sequential` already (Collobert,
Kavukcuoglu and Farabet, "Torch7", 2011): a network is a layer that is made of layers.

| section | what you build | exercises | about |
| --- | --- | --- | --- |
| 1 | one layer out of two, and why a network needs bends | 1 | 15 min |
| 2 | `Sequential` and `MLP` | 3 | 65 min |
| 3 | a walk through a network: all its parts, with their names | 3 | 65 min |
| 4 | saving and loading; **milestone M1** | 3 | 75 min |
| 5 | a switch for training, and one for precision; a table of layers | 3 | 45 min |
| Use and Analyze | handwriting; deep against wide; a network and its shuffled twin | 2 questions | 35 min |

You need modules 1 to 3, exported. `progress()` in a cell shows how far you are.
"""

# %%
#| default_exp core.networks
#| export
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Self

import numpy as np

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor, extend
from tinytorch.support import required
from tinytorch.support.function_layer import Lambda as Lambda
from tinytorch.support.recording import unrecorded
from tinytorch.support.summaries import Summary

# %% [markdown]
r"""
That was for the library. `required` has one-line refusals for arguments of the wrong kind, such as
`required.whole_numbers(size=2.5)`. Our solutions use them; yours may, and needn't.

This is for the notebook only:
"""

# %%
from tinytorch.core.activations import Tanh
from tinytorch.datasets import digits, spirals, trained
from tito.checks import check, check_raises
from tito.figures import digits_figure, moons_figure
from tito.student.progress import progress as progress

rng = np.random.default_rng(0)

# %% [markdown]
r"""
## Build

### 1. Two layers that are one

A deep network has many layers. So let's put two dense layers behind each other:

$$ y = (x W_1 + b_1) W_2 + b_2 = x \underbrace{W_1 W_2}_{W} + \underbrace{b_1 W_2 + b_2}_{b} $$

Look at the right side: it's a *single* dense layer. Whatever two such layers compute, one computes as well.

#### Exercise 1: `merged`

Return the weights and the bias of that one layer. `first.weights`, `first.bias` and so on are Tensors, so `@` and `+`
work on them.

**With numbers:** $W_1 = (2)$, $b_1 = (1)$, $W_2 = (3)$, $b_2 = (5)$ give $W = (6)$ and $b = (1 \cdot 3 + 5) = (8)$.
"""


# %% exercise="merged"
def merged(first: Dense, second: Dense) -> tuple[Tensor, Tensor]:
    """The weights and the bias of one layer that does the work of two."""
    ### BEGIN SOLUTION
    weights = first.weights @ second.weights
    bias = first.bias @ second.weights + second.bias
    return weights, bias
    ### END SOLUTION


# %% checks="merged" points=4
_one, _two = Dense(1, 1), Dense(1, 1)
_one.weights, _one.bias = Tensor([[2.0]]), Tensor([1.0])
_two.weights, _two.bias = Tensor([[3.0]]), Tensor([5.0])
check(merged(_one, _two)[0], [[6.0]], hint="the product of both matrices")
check(
    merged(_one, _two)[1],
    [8.0],
    hint="b1 goes through the second layer's weights, too: b1 W2 + b2",
)
check(
    merged(Dense(3, 4), Dense(4, 2))[0].shape,
    (3, 2),
    hint="the first layer's weights stand on the left",
)
### BEGIN HIDDEN TESTS
from tito.observations import choice, integers, message_of, normal, observe, raised


class Held:
    """Something with weights and a bias."""

    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias


@observe(w1=normal(3, 4), b1=normal(4), w2=normal(4, 2), b2=normal(2))
def two_layers_as_one(networks, w1, b1, w2, b2):
    """Its weights and its bias."""
    tensor = networks.Tensor
    first, second = Held(tensor(w1), tensor(b1)), Held(tensor(w2), tensor(b2))
    weights, bias = networks.merged(first, second)
    return np.asarray(weights), np.asarray(bias)


@observe(w1=normal(3, 3), b1=normal(3), w2=normal(3, 3), b2=normal(3), x=normal(5, 3))
def one_layer_gives_what_two_give(networks, w1, b1, w2, b2, x):
    """Also where all sizes are equal; and both layers are as they were."""
    tensor = networks.Tensor
    first, second = Held(tensor(w1), tensor(b1)), Held(tensor(w2), tensor(b2))
    weights, bias = networks.merged(first, second)
    return x @ np.asarray(weights) + np.asarray(bias), w1, b1, w2, b2


### END HIDDEN TESTS

# %% [markdown]
r"""
Try it on a hundred examples. How far apart are the two answers?
"""

# %%
first, second = Dense(784, 128, rng), Dense(128, 10, rng)
x = rng.normal(size=(100, 784)).astype(np.float32)
weights, bias = merged(first, second)
print(np.abs(np.asarray(second(first(x)) - (x @ weights + bias))).max())

# %% [markdown]
r"""
That is rounding. And what holds for two layers holds for a hundred: without bends, depth is nothing. So from now on a
network is dense layers *with a bend between them*.

### 2. Layers in a row

How do you write down a network of five layers? In module 3 you did it by hand. Here somebody else does. Do you see
the mistake?

```python
def network(x):
    h1 = relu(layer1(x))
    h2 = relu(layer2(h1))
    h3 = relu(layer3(h2))
    h4 = relu(layer4(h2))
    return layer5(h4)
```

`layer3` works for nothing. Python doesn't mind, the shapes fit, and the network even learns, only not so well.
Names that differ by a digit are a trap. So let a loop hand the value on.

`Module` is the family name of everything that is made of layers. So far it has one attribute, which section 5 needs:
"""


# %%
#| export
class Module:
    """Anything that is made of layers; its weights are found wherever they are.

    A part may be an attribute, or be in a list, tuple or dictionary, at any depth.

    Attributes
    ----------
    training : bool
        Whether it is being trained: some layers work differently then. `train` and
        `eval` set it.
    """

    training = True


# %% [markdown]
r"""
#### Exercise 2: `Sequential`

`Sequential(a, b, c)` is a network: called with `x`, it gives `c(b(a(x)))`. A layer is anything that you can call.

- `__init__` keeps the layers as a list, `self.layers`. It refuses what cannot be right, in a sentence: no layers at
  all (`ValueError`), and something that is not `callable` (`TypeError`). The second will happen to you:
  `Sequential([a, b])` with a list, and `Sequential(a, ReLU)` without the parentheses. (That one *is* callable, so
  you notice when you call the network.)
- `__call__` hands each layer what the one before it gave.
"""


# %% exercise="sequential"
#| export
class Sequential(Module):
    """Layers one after the other, as one layer.

    Parameters
    ----------
    *layers : callable
        At least one; each takes what the one before it gives.

    Attributes
    ----------
    layers : list of callable
        As given.

    Raises
    ------
    ValueError
        If there are no layers.
    TypeError
        If one of them cannot be called, such as a list of layers; shows it.

    Examples
    --------
    >>> Sequential(Dense(2, 3), ReLU(), Dense(3, 1))
    Sequential(Dense(2, 3), ReLU(), Dense(3, 1))
    """

    def __init__(self, *layers: Callable):
        ### BEGIN SOLUTION
        if not layers:
            raise ValueError(
                "a Sequential without layers computes nothing; pass at least one layer"
            )
        for layer in layers:
            if not callable(layer):
                raise TypeError(
                    f"{layer!r:.80} is no layer, since it cannot be called; pass layers one by "
                    "one, as in Sequential(first, second), or with a star: "
                    "Sequential(*layers)"
                )
        self.layers = list(layers)
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        """The output of the last layer."""
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x
        ### END SOLUTION


# %% checks="sequential" points=6
check(Sequential(float, str)(3), "3.0", hint="first float, then str")
_layers = Dense(2, 3, rng=1), ReLU(), Dense(3, 1, rng=2)
_x = Tensor([[1.0, -2.0], [0.5, 0.5]])
check(
    Sequential(*_layers)(_x),
    _layers[2](_layers[1](_layers[0](_x))),
    hint="each layer takes what the one before it gave",
)
check(
    type(Sequential(float).layers).__name__, "list", hint="self.layers = list(layers)"
)
check_raises(ValueError, lambda: Sequential(), hint="no layers at all")
check_raises(TypeError, lambda: Sequential([float, str]), hint="a list is not callable")
### BEGIN HIDDEN TESTS


@observe(x=normal(3), a=normal(3), b=normal(3))
def layers_in_a_row(networks, x, a, b):
    """The first one first, each once, with the output of the one before."""
    seen = []

    def remember(v):
        seen.append(v)
        return v + a

    network = networks.Sequential(remember, lambda v: v * b, remember, np.tanh)
    return network(x), seen


@observe(x=normal(4), y=normal(4))
def a_network_can_be_called_again(networks, x, y):
    """With one layer, and with several; its list of layers stays as it is."""
    one, two = (
        networks.Sequential(np.tanh),
        networks.Sequential(np.tanh, np.abs, np.sqrt),
    )
    found = [one(x), two(x), two(y), one(y)]
    return found, type(two.layers).__name__, [f.__name__ for f in two.layers]


@observe(x=normal(3))
def a_network_in_a_network(networks, x):
    """A Sequential is a layer, and a Module."""
    inner = networks.Sequential(np.sin, np.cos)
    outer = networks.Sequential(inner, np.exp, inner)
    return outer(x), isinstance(outer, networks.Module), outer.layers[0] is inner


@observe(x=normal(3))
def what_is_no_layer_is_refused(networks, x):
    """No layers at all, a list of layers, a number after layers; functions are accepted."""
    sequential = networks.Sequential
    errors = [
        raised(lambda: sequential()),
        raised(lambda: sequential([np.sin, np.cos])),
        raised(lambda: sequential(np.sin, 3)),
        raised(lambda: sequential(None, np.sin)),
    ]
    return errors, sequential(np.sin)(x)


@observe(x=normal(2, 3))
def whatever_comes_in_is_handed_on_as_it_is(networks, x):
    """Neither unwrapped nor wrapped: the layers decide."""
    seen = []

    def look(v):
        seen.append(type(v).__name__)
        return v

    network = networks.Sequential(look, look)
    out = network(networks.Tensor(x)), network(x)
    return seen, network(x) is x, [np.asarray(v) for v in out]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 3: looking inside

A network that you can only call is a closed box. Give it four methods, so that it feels like a list:

| you write | you get |
| --- | --- |
| `len(network)` | how many layers it has |
| `network[0]`, `network[-1]` | a layer |
| `network[:2]` | a `Sequential` of the first two: what does the network *see* after two layers? |
| `for layer in network` | one layer after the other |
| `network` in a cell | `Sequential(Dense(2, 3), ReLU(), Dense(3, 1))` |

In `__getitem__`, `isinstance(index, slice)` tells `2` from `:2`. The last one is `__repr__`: the name of the class,
`type(self).__name__`, and the `repr` of each layer, joined by `", "`, in parentheses.

`Container` isn't for users: `@extend(Sequential)`, from module 1, gives its methods to `Sequential`.
"""


# %% exercise="container"
#| export
@extend(Sequential)
class Container:
    """Looking into a Sequential: ``len(network)``, ``network[0]``, ``network[:2]``."""

    def __len__(self) -> int:
        """The number of layers."""
        ### BEGIN SOLUTION
        return len(self.layers)
        ### END SOLUTION

    def __getitem__(self, index):
        """A layer; of a slice, a Sequential of the same layers, not of copies."""
        ### BEGIN SOLUTION
        if isinstance(index, slice):
            return Sequential(*self.layers[index])
        return self.layers[index]
        ### END SOLUTION

    def __iter__(self) -> Iterator[Callable]:
        """One layer after the other."""
        ### BEGIN SOLUTION
        return iter(self.layers)
        ### END SOLUTION

    def __repr__(self) -> str:
        ### BEGIN SOLUTION
        layers = ", ".join(map(repr, self.layers))
        return f"{type(self).__name__}({layers})"
        ### END SOLUTION


# %% checks="container" points=7
_network = Sequential(Dense(2, 3, rng=1), ReLU(), Dense(3, 1, rng=2))
check(len(_network), 3, hint="the length of the list")
check(repr(_network[-1]), "Dense(3, 1)", hint="a number gives a layer")
check(
    type(_network[:2]).__name__,
    "Sequential",
    hint="a slice gives a Sequential, no list",
)
check(len(_network[:2]), 2, hint="of the layers in the slice")
check(_network[0] is _network[:2][0], True, hint="the very same layers: copy nothing")
check(
    [type(layer).__name__ for layer in _network],
    ["Dense", "ReLU", "Dense"],
    hint="iter(self.layers)",
)
check(
    repr(_network),
    "Sequential(Dense(2, 3), ReLU(), Dense(3, 1))",
    hint="the class, and the repr of each layer",
)
### BEGIN HIDDEN TESTS


class Named:
    """A layer that shows a name and adds a number."""

    def __init__(self, name, number):
        self.name, self.number = name, number

    def __call__(self, x):
        return x + self.number

    def __repr__(self):
        return self.name


def row_of(networks, numbers):
    """A network of such layers."""
    return networks.Sequential(*[Named(f"L{i}", n) for i, n in enumerate(numbers)])


@observe(numbers=normal(5), index=integers(low=0, high=5), x=normal())
def an_index_gives_a_layer(networks, numbers, index, x):
    """The very layer, counted from either end; beyond the end an IndexError."""
    network = row_of(networks, numbers)
    found = [
        (repr(network[n]), network[n](x), network[n] is network.layers[n])
        for n in (index, index - 5)
    ]
    return found, raised(lambda: network[5])


@observe(numbers=normal(5), start=integers(low=0, high=3), x=normal())
def a_slice_gives_a_network(networks, numbers, start, x):
    """A Sequential of the same layers, that can be called."""
    network = row_of(networks, numbers)
    part, backwards = network[start : start + 2], network[::-2]
    same = [part.layers[i] is network.layers[start + i] for i in range(2)]
    kinds = [type(part).__name__, type(backwards).__name__, type(network[:]).__name__]
    return kinds, same, part(x), [repr(layer) for layer in backwards.layers]


@observe(numbers=normal(4), count=integers(low=1, high=5))
def length_and_loop(networks, numbers, count):
    """As many as there are layers, in their order; a loop may run twice."""
    network = row_of(networks, numbers[:count])
    rounds = [[layer.number for layer in network] for _ in range(2)]
    return len(network), rounds


@observe(numbers=normal(2), name=choice("deep", "wide", "A b"))
def a_network_shows_its_layers(networks, numbers, name):
    """With the name of its class, in one line; also inside another."""
    inner = networks.Sequential(Named(f"{name} {numbers[1]}", 1))
    own = type("Own", (networks.Sequential,), {})
    return repr(networks.Sequential(inner, Named(str(numbers[0]), 1))), repr(own(inner))


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 4: `MLP`

Dense layers with a bend between them have a name: *multi-layer perceptron*. Only the sizes differ, so let the user
say only the sizes. `MLP([784, 128, 10])` is a `Sequential` of `Dense(784, 128)`, `ReLU()`, `Dense(128, 10)`.

1. Refuse fewer than two sizes (`ValueError`, with the sizes in the sentence).
2. Make **one** generator of `rng`, with `np.random.default_rng(rng)`, and hand it to every layer, the first one
   first. A seed that each layer uses anew gives layers that begin alike.
3. For each pair of neighbours in `sizes` comes a `Dense(inputs, outputs, generator)` and an `activation()`; but
   **no bend after the last**, whose outputs may be any numbers.
4. Hand them to `super().__init__(…)`, which is the `__init__` of `Sequential`.

<details>
<summary>Hint: neighbours</summary>

`pairwise([784, 128, 10])` gives `(784, 128)` and `(128, 10)`. It is imported above.

</details>

<details>
<summary>Hint: the last bend</summary>

Add both in every turn, and leave the last one out at the end: `layers[:-1]`.

</details>
"""


# %% exercise="mlp"
#| export
class MLP(Sequential):
    """A multi-layer perceptron: dense layers with an activation between each two.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, of the neurons in each hidden layer, and of outputs.
    activation : callable
        Makes an activation, such as the class `ReLU`; none comes after the last layer.
    rng : numpy.random.Generator or int, optional
        The source of all initial weights, the first layer's first, or its seed.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or one is below 1.

    Examples
    --------
    >>> MLP([784, 128, 10])
    MLP(Dense(784, 128), ReLU(), Dense(128, 10))
    """

    def __init__(self, sizes: Sequence[int], activation: Callable = ReLU, rng=None):
        ### BEGIN SOLUTION
        required.lists_of_whole_numbers(sizes=sizes)
        required.layer_makers(activation=activation)
        if len(sizes) < 2:
            raise ValueError(
                f"a network needs a size at each end, but the sizes are {sizes}; pass at least "
                "two, such as MLP([64, 10])"
            )
        generator, layers = np.random.default_rng(rng), []
        for inputs, outputs in pairwise(sizes):
            layers.append(Dense(inputs, outputs, generator))
            layers.append(activation())
        super().__init__(*layers[:-1])
        ### END SOLUTION


# %% checks="mlp" points=8
check(
    [repr(layer) for layer in MLP([784, 128, 64, 10]).layers],
    ["Dense(784, 128)", "ReLU()", "Dense(128, 64)", "ReLU()", "Dense(64, 10)"],
    hint="a layer for each pair of neighbours, and no bend after the last",
)
check(
    repr(MLP([2, 3, 1], Tanh).layers[1]), "Tanh()", hint="activation() makes the bend"
)
_network = MLP([5, 5, 5], rng=7)
_same = _network.layers[0].weights == _network.layers[2].weights
check(bool(_same.all()), False, hint="make one generator, before the loop")
_again = MLP([5, 5, 5], rng=7).layers[2].weights == _network.layers[2].weights
check(bool(_again.all()), True, hint="all weights come from rng")
check_raises(ValueError, lambda: MLP([5]), hint="one size is too few")
### BEGIN HIDDEN TESTS


def eighths(networks, network):
    """The same network with weights that need no luck."""
    for layer in network.layers[::2]:
        shape = layer.weights.shape
        numbers = np.arange(shape[0] * shape[1]).reshape(shape).astype("float32") / 8
        layer.weights = networks.Tensor(numbers)
    return network


@observe(
    a=integers(low=1, high=9), b=integers(low=1, high=9), c=integers(low=1, high=9)
)
def sizes_become_layers(networks, a, b, c):
    """A dense layer for each pair, a bend between, none at the end."""
    networks_ = (
        networks.MLP([a, b, c, a]),
        networks.MLP([b, c]),
        networks.MLP((c, b, a)),
    )
    kinds = [[type(layer).__name__ for layer in n.layers] for n in networks_]
    shapes = [[p.weights.shape for p in n.layers[::2]] for n in networks_]
    return kinds, shapes, isinstance(networks_[0], networks.Sequential)


@observe(seed=integers(low=0, high=10**6))
def all_layers_draw_from_one_generator(networks, seed):
    """A seed and its generator give the same weights; the first layer draws first."""
    rng = np.random.default_rng(seed)
    found = [networks.MLP([3, 3, 3, 2], rng=r) for r in (seed, rng, rng)]
    return [[p.weights.data for p in n.layers[::2]] for n in found]


@observe(seed=integers(low=0, high=10**6))
def no_seed_is_built_in(networks, seed):
    """Two networks without a seed differ; with one they are equal."""
    free = [networks.MLP([3, 3]).layers[0].weights.data for _ in range(2)]
    seeded = networks.MLP([3, 3], rng=seed).layers[0].weights.data
    return bool((free[0] == free[1]).any()), seeded


@observe(x=normal(4, 3), size=integers(low=2, high=6))
def every_hidden_layer_is_bent(networks, x, size):
    """By an activation of its own, made by calling what is given."""
    made = []

    def activation():
        made.append(len(made))
        return lambda v, number=made[-1]: networks.Tensor(np.cos(v.data) + number)

    network = eighths(networks, networks.MLP([3, size, size, 2], activation))
    different = network.layers[1] is not network.layers[3]
    return network(networks.Tensor(x)).data, different


@observe(x=normal(4, 3))
def relu_is_the_bend_unless_another_is_given(networks, x):
    """Between the layers of any network."""
    network = eighths(networks, networks.MLP([3, 4, 2]))
    return network(networks.Tensor(x - 0.5)).data


@observe(size=integers(low=1, high=9))
def too_few_sizes_are_refused(networks, size):
    """One or none, in a sentence that shows them; two are enough."""
    refused = [raised(lambda s=s: networks.MLP(s)) for s in ([], [size], [size, 0])]
    shown = f"[{size}]" in message_of(lambda: networks.MLP([size]))
    return refused, shown, networks.MLP([size, 2]).layers[0].weights.shape


### END HIDDEN TESTS

# %% [markdown]
r"""
Now open the file from the beginning of this module. `trained("spirals")` gives its numbers: a dictionary of arrays
with names. They are the weights of an MLP with layers of 2, 16, 16 and 2. There is a score for each spiral at the
end, and the larger one wins.
"""

# %% demo=true
numbers, network = trained("spirals"), MLP([2, 16, 16, 2])
for n in (0, 2, 4):
    network.layers[n].weights = Tensor(numbers[f"layers.{n}.weights"])
    network.layers[n].bias = Tensor(numbers[f"layers.{n}.bias"])
moons_figure(network, *spirals(400, rng=1), "Two spirals, and what the network says")

# %% [markdown]
r"""
Your network tells the spirals apart. Somebody else found the weights (how, you'll see in modules 7 and 8); the
network is yours.

Loading was clumsy, though. We had to know that there are layers at 0, 2 and 4, and that each has `weights` and a
`bias`. The next two sections make it one line, for any network.

### 3. A walk through a network

How many numbers can training change? In module 3 you asked each layer that has a method `parameters`. Do it again,
with a block of layers among them:
"""

# %%
block = Sequential(Dense(64, 64), ReLU(), Dense(64, 64))
layers = [block, ReLU(), Dense(64, 10)]
asked = [layer for layer in layers if hasattr(layer, "parameters")]
print(sum(p.size for layer in asked for p in layer.parameters()))

# %% [markdown]
r"""
650 are those of the last layer, $64 \cdot 10 + 10$. The block's 8,320 aren't there: it has no method `parameters`.
If you trained that network, nine tenths of it would stay as they were drawn, and nobody would tell you.

We could give `Sequential` such a method. But the next person writes a network of her own and keeps her layers in a
dictionary, or in two lists. So do it once, for everything: **walk through whatever there is**.

#### Exercise 5: `parts`

What is a thing directly made of? Return a dictionary with names, which are strings:

| the thing | its parts | their names |
| --- | --- | --- |
| a dictionary | its values | its keys, as strings |
| a list or a tuple | its elements | `"0"`, `"1"`, … |
| an object | its attributes | their names |
| anything else (a number, a Tensor, an array) | none | |

An object keeps its attributes in a dictionary, `thing.__dict__`, in the order in which they were set. Not
everything has one; `getattr(thing, "__dict__", {})` gives an empty one then.

Leave out parts that are *classes* (`isinstance(part, type)`): `self.bend = ReLU`, without parentheses, keeps a
recipe for layers, and no layer.
"""


# %% exercise="parts"
#| export
def parts(thing) -> dict[str, object]:
    """What a layer, a list, a tuple or a dictionary is directly made of, by name."""
    ### BEGIN SOLUTION
    if isinstance(thing, dict):
        inside = thing
    elif isinstance(thing, (list, tuple)):
        inside = dict(enumerate(thing))
    else:
        inside = getattr(thing, "__dict__", {})
    kept = {str(name): part for name, part in inside.items()}
    return {name: part for name, part in kept.items() if not isinstance(part, type)}
    ### END SOLUTION


# %% checks="parts" points=6
_kinds = [type(name).__name__ for name in parts({2: 3.0})]
check(_kinds, ["str"], hint="names are strings: str(name)")
check(parts({"a": 1.0, 2: 3.0}), {"a": 1.0, "2": 3.0}, hint="the values by their keys")
check(parts([5.0, 6.0]), {"0": 5.0, "1": 6.0}, hint="the position is the name")
check(parts((5.0,)), {"0": 5.0}, hint="a tuple as a list")
check(list(parts(Dense(2, 3))), ["weights", "bias"], hint="thing.__dict__")
check(parts(3.0), {}, hint="a number has no parts")
check(parts(Tensor([1.0])), {}, hint="nor has a Tensor")
check(parts([ReLU, 5.0]), {"1": 5.0}, hint="a class is no part")
### BEGIN HIDDEN TESTS


class Thing:
    """An object with the attributes that it is given."""

    training = "of the class"

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def __call__(self, x):
        return x


@observe(a=normal(), b=normal(), c=normal())
def attributes_of_an_object(networks, a, b, c):
    """By name, in the order in which they were set."""
    thing = Thing(second=a, first=b)
    thing.another = c
    found = networks.parts(thing)
    return list(found.items())


@observe(a=normal(), b=normal(), key=integers(low=3, high=99))
def elements_of_lists_tuples_and_dictionaries(networks, a, b, key):
    """By position or by key, always as strings; the parts themselves, not copies."""
    thing = Thing(x=a)
    found = [
        networks.parts(x) for x in ([a, thing, b], (b, a), {key: a, "name": b}, [], {})
    ]
    same = found[0]["1"] is thing
    return same, [[(k, str(v)) for k, v in f.items() if v is not thing] for f in found]


@observe(a=normal(3), text=choice("ab", "cd"))
def what_has_no_parts(networks, a, text):
    """Numbers, texts, arrays, tensors, None: nothing; only one step is gone."""
    things = [1, 2.5, text, a, networks.Tensor(a), None, np.tanh(a[0])]
    nested = networks.parts([[a[0]], {"k": a[1]}])
    return [len(networks.parts(x)) for x in things], list(nested.items())


@observe(a=normal(), b=normal())
def classes_are_left_out(networks, a, b):
    """Of lists, dictionaries and attributes; what is made by them stays, with its position."""
    thing = Thing(kind=Thing, x=a)
    found = [
        networks.parts(x) for x in ([Thing, a, float], {"k": Thing, "n": b}, thing)
    ]
    return [list(f.items()) for f in found]


@observe(a=normal())
def parts_may_be_changed_without_harm(networks, a):
    """What comes back is a new dictionary."""
    thing, inside = Thing(x=a), {"y": a}
    networks.parts(thing).clear()
    networks.parts(inside).clear()
    return thing.x, inside


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 6: `walk`

Now go on: the parts, the parts of the parts, and so on to the end. That's a recursion. `walk(thing)` gives pairs of
a name and a part. Names are joined with dots, and the thing itself comes first, with the name `""`:

```text
walk(Sequential(Dense(2, 3), ReLU()))
    ""                   Sequential(Dense(2, 3), ReLU())
    "layers"             [Dense(2, 3), ReLU()]
    "layers.0"           Dense(2, 3)
    "layers.0.weights"   Tensor(…)
    "layers.0.bias"      Tensor(…)
    "layers.1"           ReLU()
```

**A trap.** A layer may be used twice, `Sequential(coder, ReLU(), coder)`: two places *share* its weights. And a
network may know itself: `network.best = network`. What would happen?

<details>
<summary>Think first, then look</summary>

The shared layer would be found twice. Its weights would count twice, and training would move them twice as far as
it should. And the network that knows itself would be walked through for ever.

</details>

So each thing is given **once**, under the name that comes first. `seen` holds the `id` of everything that has been
given: the `id` says *which* object it is. (Don't ask `thing in seen`: that compares with `==`, which for Tensors
means their elements.)

1. Begin `seen` as an empty set where it is `None`. (Don't write `seen=set()` above: Python makes that set once, for
   all walks.)
2. If the `id` of the thing has been seen, there is nothing to do.
3. Else remember it, and give the pair: `yield name, thing`.
4. Then walk through each of its `parts`, with the longer name and the same `seen`. `yield from walk(…)` hands on
   what that walk gives.

<details>
<summary>Hint: names</summary>

`f"{name}.{key}" if name else key`: no dot before the first part.

</details>
"""


# %% exercise="walk"
#| export
def walk(thing, name: str = "", seen: set | None = None) -> Iterator[tuple]:
    """Everything that a network is made of, each once, with dotted names.

    Parameters
    ----------
    thing : object
        A layer, a network, or a list, tuple or dictionary of them.
    name : str
        What it is called; the names of its parts begin with it.
    seen : set of int, optional
        The ids of what has been given already.

    Yields
    ------
    name : str
        Such as ``"layers.0.weights"``.
    part : object
        The thing itself, and then its parts, each followed by its own; what is found in
        two places comes under the first name only.
    """
    ### BEGIN SOLUTION
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield name, thing
    for key, part in parts(thing).items():
        longer = f"{name}.{key}" if name else key
        yield from walk(part, longer, seen)
    ### END SOLUTION


# %% checks="walk" points=10
_network = Sequential(Dense(2, 3), ReLU())
check(
    [name for name, _ in walk(_network)],
    ["", "layers", "layers.0", "layers.0.weights", "layers.0.bias", "layers.1"],
    hint="first the thing itself, then each part, followed by its own parts",
)
_found = dict(walk(_network))
check(_found["layers.0"] is _network.layers[0], True, hint="the part itself, no copy")
_coder = Dense(2, 2)
check(
    [n for n, part in walk([_coder, ReLU(), _coder]) if part is _coder],
    ["0"],
    hint="what was seen is not given again",
)
check(
    [name for name, _ in walk([ReLU(), ReLU()])],
    ["", "0", "1"],
    hint="two layers that look alike are two: remember their id",
)
_itself = {"inner": [1.5]}
_itself["me"] = _itself
check(
    [name for name, _ in walk(_itself)],
    ["", "inner", "inner.0"],
    hint="the thing itself has been seen, too; else this goes on for ever",
)
### BEGIN HIDDEN TESTS


def names_of(networks, thing, kinds):
    """The names of the parts of some kinds, in order."""
    return [name for name, part in networks.walk(thing) if isinstance(part, kinds)]


@observe(a=normal(2), b=normal(3), c=normal(1))
def tensors_in_every_kind_of_place(networks, a, b, c):
    """Attributes, lists, tuples and dictionaries, inside each other; in order."""
    tensor = networks.Tensor
    inner = Thing(w=tensor(a), deep={"x": (tensor(b), [tensor(c)])})
    outer = Thing(first=[inner, tensor(c)], second={3: tensor(a)}, third=tensor(b))
    found = [(n, p.data) for n, p in networks.walk(outer) if isinstance(p, tensor)]
    return found, [p.data for _, p in networks.walk(tensor(a))]


@observe(a=normal(2), shape=integers(low=1, high=4))
def the_thing_itself_comes_first(networks, a, shape):
    """With an empty name or the one it is given; parts follow their whole at once."""
    thing = Thing(a=Thing(b=networks.Tensor(a)), c=Thing())
    found = list(networks.walk(thing))
    named = names_of(networks, thing, (Thing, networks.Tensor))
    longer = [name for name, _ in networks.walk([thing] * shape, "net")]
    second = dict(found)["a.b"].data
    return found[0][0], found[0][1] is thing, named, longer, second


@observe(a=normal(2), b=normal(2))
def what_is_shared_comes_once(networks, a, b):
    """Under its first name; equal parts that are not the same come each."""
    tensor, shared = networks.Tensor, Thing(w=networks.Tensor(a))
    twin = Thing(w=tensor(a))
    network = Thing(first=shared, list=[twin, shared], again=shared.w, other=tensor(b))
    found = [(n, p.data) for n, p in networks.walk(network) if isinstance(p, tensor)]
    return found, names_of(networks, network, Thing)


@observe(a=normal(2))
def a_network_that_knows_itself(networks, a):
    """A cycle comes to an end, whichever way it leads back."""
    thing, other = Thing(), Thing(w=networks.Tensor(a))
    thing.me, thing.other, other.owner = thing, [other], thing
    return names_of(networks, thing, (Thing, networks.Tensor)), other.w.data


@observe(a=normal(2))
def a_second_walk_finds_all_again(networks, a):
    """Nothing is remembered from one walk to the next."""
    thing = Thing(x=networks.Tensor(a), y=[networks.Tensor(a + 1)])
    tensor = networks.Tensor
    return [
        [(n, p.data) for n, p in networks.walk(thing) if isinstance(p, tensor)]
        for _ in "ab"
    ]


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 7: parameters

The parameters of a network are what training may change: those of its parts whose `requires_grad` is true. (Most
parts have no such attribute. `getattr(part, "requires_grad", False)` asks without an error.)

- `named_parameters()`: a list of pairs of a name and a parameter, in the order of the walk. "`layers.4.bias` is not
  a number" helps when you look for a mistake; "parameter 5 is not a number" doesn't.
- `parameters()`: only the parameters. It's the list that an optimizer will be given.
- `count_parameters(network)`: how many *numbers* they hold, of a network or of a plain list of layers.
"""


# %% exercise="parameters"
#| export
@extend(Module)
class Parameters:
    """What training may change, with names and without."""

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """The parameters and their names, such as ``"layers.0.weights"``; each once."""
        ### BEGIN SOLUTION
        found = []
        for name, part in walk(self):
            if getattr(part, "requires_grad", False):
                found.append((name, part))
        return found
        ### END SOLUTION

    def parameters(self) -> list[Tensor]:
        """The parameters: tensors with ``requires_grad=True``; each once."""
        ### BEGIN SOLUTION
        return [parameter for _, parameter in self.named_parameters()]
        ### END SOLUTION


def count_parameters(network) -> int:
    """How many numbers training may change in a network, a layer or a list of them."""
    ### BEGIN SOLUTION
    parts_of_it = [part for _, part in walk(network)]
    trained = [p for p in parts_of_it if getattr(p, "requires_grad", False)]
    return sum(parameter.size for parameter in trained)
    ### END SOLUTION


# %% checks="parameters" points=7
_network = Sequential(Dense(2, 3), ReLU(), Dense(3, 1))
check(
    [name for name, _ in _network.named_parameters()],
    ["layers.0.weights", "layers.0.bias", "layers.2.weights", "layers.2.bias"],
    hint="the name and the part, of those that require a gradient",
)
check(
    [p.shape for p in _network.parameters()],
    [(2, 3), (3,), (3, 1), (1,)],
    hint="the parameters alone, in the same order",
)
check(
    _network.parameters()[0] is _network.layers[0].weights,
    True,
    hint="the very tensor, no copy",
)
check(count_parameters(_network), 13, hint="all numbers in all parameters")
_shared = Dense(2, 2)
check(count_parameters([_shared, _shared]), 6, hint="what is shared counts once")
_network.layers[0].bias.requires_grad = False
check(count_parameters(_network), 10, hint="a frozen bias is not trained")
### BEGIN HIDDEN TESTS


def own(networks, **attributes):
    """A Module with attributes."""
    module = type("OwnModule", (networks.Module,), {})()
    module.__dict__.update(attributes)
    return module


@observe(a=normal(2, 3), b=normal(4), c=normal(1))
def parameters_with_their_names(networks, a, b, c):
    """The very tensors that require a gradient, wherever they are; others are left out."""
    w, frozen, v = (
        networks.Tensor(x, requires_grad=r)
        for x, r in ((a, True), (b, False), (c, True))
    )
    module = own(networks, one=Thing(w=w, frozen=frozen), many=[Thing(), {"v": v}], n=3)
    found = module.named_parameters()
    same = [found[0][1] is w, found[1][1] is v]
    return [(name, p.data) for name, p in found], same, type(found).__name__


@observe(a=normal(2, 3), b=normal(4))
def parameters_without_names(networks, a, b):
    """In the same order, a shared one once; a list each time anew."""
    w, v = (networks.Tensor(x, requires_grad=True) for x in (a, b))
    module = own(networks, v=v, one=Thing(w=w), again=[w, v])
    found = module.parameters()
    found.pop()
    return (
        [p.data for p in module.parameters()],
        len(found),
        module.parameters()[1] is w,
    )


@observe(n=integers(low=1, high=9), m=integers(low=1, high=9))
def numbers_are_counted(networks, n, m):
    """Each element of each parameter, shared ones once, frozen ones not; of lists, too."""
    tensor = networks.Tensor
    w, v = tensor(np.ones((n, m)), requires_grad=True), tensor(1.0, requires_grad=True)
    frozen = tensor(np.ones(m))
    module = own(networks, w=w, deep=[[v], frozen], again=w)
    things = module, [w, [w, v]], {"a": v}, [], w, frozen
    counts = [networks.count_parameters(thing) for thing in things]
    return [int(count) for count in counts], [np.asarray(c).dtype.kind for c in counts]


### END HIDDEN TESTS

# %% [markdown]
r"""
And the block of before?
"""

# %%
print(count_parameters(layers))

# %% [markdown]
r"""
**Question 1** (5 points). (a) Without a computer: how many parameters does `MLP([784, 256, 10])` have? And
`Sequential(coder, ReLU(), coder, ReLU(), coder)` with `coder = Dense(100, 100)`? (b) A friend writes `class
Net(Module)` with `self.layers = {1: Dense(4, 4), 2: Dense(4, 4)}`, and in `__call__` a third layer, which she makes
anew each time: `return Dense(4, 1)(h)`. What does your walk find, and what doesn't it? What happens to the third
layer in training? (c) Why do we keep `id(part)` in `seen`, and not the name of the part?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="what-a-walk-finds" points=5
r"""
**Model answer.** (a) $784 \cdot 256 + 256 + 256 \cdot 10 + 10 = 203{,}530$; and $100 \cdot 100 + 100 = 10{,}100$,
because the three places share one layer. (b) The walk finds both layers in the dictionary, under `layers.1` and
`layers.2`, with four parameters. The third is no attribute of the network: it exists only while the call runs, and
the walk cannot find it. Training would not change it; worse, each call draws new weights, so the same input gives
another answer each time. It belongs in `__init__`. (c) A shared part is reached under several names, so names
would not tell that it is the same one; it would be counted and trained twice. And in a cycle each round makes a
longer, new name, so the walk would never end.

**Mark scheme.** 1 point: 203,530. 1 point: 10,100, because it is shared. 1 point: (b) what is found. 1 point: (b)
the third layer is never trained, or is another one in each call. 1 point: (c) one of the two reasons.
"""

# %% [markdown]
r"""
### 4. Saving and loading

While a network learns, you want to keep the best weights so far. The obvious way is `best = network.parameters()`.
Let's see:
"""

# %%
network = MLP([2, 2], rng=0)
best = network.parameters()
print("kept:  ", best[1])
network.layers[0].bias.data += 100  # a step of training that goes wrong
print("later: ", best[1])

# %% [markdown]
r"""
`best` holds the tensors themselves, and they go on changing. So we need copies; and names, or else nobody knows
which numbers belong where.

#### Exercise 8: `state_dict`

Return a dictionary: the name of **each** Tensor in the network, and a copy of its array. Take the Tensors that
require no gradient, too: a frozen layer belongs to the network as well, and if it weren't saved, you would miss it
when you load.
"""


# %% exercise="state-dict"
#| export
@extend(Module)
class Saving:
    """The numbers of a network, to be kept."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of the array in each Tensor of the network, frozen or not, by name."""
        ### BEGIN SOLUTION
        state = {}
        for name, part in walk(self):
            if isinstance(part, Tensor):
                state[name] = part.data.copy()
        return state
        ### END SOLUTION


# %% checks="state-dict" points=6
_network = MLP([2, 3], rng=0)
check(
    list(_network.state_dict()),
    ["layers.0.weights", "layers.0.bias"],
    hint="the names of the walk",
)
_state = _network.state_dict()
check(type(_state["layers.0.bias"]).__name__, "ndarray", hint="the array in a Tensor")
_network.layers[0].bias.data += 100
check(_state["layers.0.bias"], [0.0, 0.0, 0.0], hint="a copy, which stays as it is")
_network.layers[0].bias.requires_grad = False
check(len(_network.state_dict()), 2, hint="frozen or not: every Tensor")
### BEGIN HIDDEN TESTS


@observe(a=normal(2, 3), b=normal(4, dtype="float32"), c=normal())
def every_tensor_is_saved_by_name(networks, a, b, c):
    """Trained or frozen, with its dtype, in the order of the walk; no numbers or arrays."""
    tensor = networks.Tensor
    module = own(
        networks,
        w=tensor(a, requires_grad=True),
        plain=a,
        inner=[Thing(frozen=tensor(b), n=c), tensor(c)],
    )
    found = module.state_dict()
    kinds = [(type(array).__name__, str(array.dtype)) for array in found.values()]
    return list(found.items()), kinds


@observe(a=normal(3), change=normal(3))
def what_was_saved_stays(networks, a, change):
    """Changes of the network are not seen in it, nor the other way round."""
    module = own(networks, w=networks.Tensor(a, requires_grad=True))
    saved, other = module.state_dict(), module.state_dict()
    module.w.data += change
    other["w"] -= change
    return saved["w"], module.w.data, module.state_dict()["w"]


@observe(a=normal(3))
def what_is_shared_is_saved_once(networks, a):
    """Under its first name."""
    w = networks.Tensor(a, requires_grad=True)
    module = own(networks, first=[w], second=Thing(w=w))
    return list(module.state_dict().items())


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 9: `load_state_dict`

The way back: put saved arrays into a network. The obvious loop goes through the dictionary and puts in one after
the other. Here is what happens when one of them doesn't fit:
"""

# %%
state, network = MLP([2, 2, 2], rng=0).state_dict(), MLP([2, 2, 1], rng=1)
try:
    for name, part in network.named_parameters():
        part.data[...] = state[name]
except ValueError as error:
    print(error)
print([(n, np.array_equal(p, state[n])) for n, p in network.named_parameters()])

# %% [markdown]
r"""
Now the first layer is new and the rest is old: a network that nobody ever trained. So **look at everything first,
and only then change anything**.

1. `mine`: the Tensors of this network by name, as in `state_dict`.
2. Find the names that are `missing` (here, but not in `state`) and `unexpected` (in `state`, but not here). If
   `strict`, any of them is a `KeyError` that names them all. Without `strict` they are left alone.
3. For each name in both, make the new array: `np.array(state[name], dtype=…)`, a copy in the dtype that the Tensor
   has. If its shape differs from the Tensor's: a `ValueError` with the name and both shapes. (`part.data[...] =
   array` wouldn't notice: it broadcasts.)
4. Now put them in, `tensor.data = array`. The Tensors stay the same objects. If you put new Tensors into the
   layers, an optimizer that holds the old ones would train ghosts.
"""


# %% exercise="load-state-dict"
#| export
@extend(Module)
class Loading:
    """Kept numbers, put back into a network."""

    def load_state_dict(self, state: Mapping, strict: bool = True) -> None:
        """Put arrays into the Tensors of the network; all of them, or none.

        Parameters
        ----------
        state : mapping of str to array_like
            For each Tensor its array, as `state_dict` gives them; they are copied, in
            the dtype of the Tensor.
        strict : bool
            Whether every Tensor must have an array, and every array a Tensor; otherwise
            only those with a name in common are loaded.

        Raises
        ------
        KeyError
            If `strict` and names are missing or unexpected; lists them.
        ValueError
            If a shape differs; names the Tensor and both shapes.
        """
        ### BEGIN SOLUTION
        required.dictionaries(state=state)
        mine = {name: part for name, part in walk(self) if isinstance(part, Tensor)}
        missing = [name for name in mine if name not in state]
        unexpected = [name for name in state if name not in mine]
        if strict and (missing or unexpected):
            raise KeyError(
                f"network and state differ: missing in the state are {missing}, unexpected are "
                f"{unexpected}; load it into the network it was saved from, or pass strict=False"
            )
        arrays = {}
        for name in [name for name in mine if name in state]:
            array = np.array(state[name], dtype=mine[name].dtype)
            if array.shape != mine[name].shape:
                raise ValueError(
                    f"{name} has the shape {mine[name].shape} in the network and {array.shape} in "
                    "the state; load it into a network of the same sizes"
                )
            arrays[name] = array
        for name, array in arrays.items():
            mine[name].data = array
        ### END SOLUTION


# %% checks="load-state-dict" points=12
_network, _state = MLP([2, 2, 1], rng=0), MLP([2, 2, 1], rng=1).state_dict()
_bias = _network.layers[0].bias
_network.load_state_dict(_state)
check(
    _network.layers[2].weights,
    _state["layers.2.weights"],
    hint="tensor.data = array",
)
check(
    _network.layers[0].bias is _bias, True, hint="keep the Tensors; change their data"
)
_state["layers.0.bias"] += 100
check(_bias, [0.0, 0.0], hint="copy the arrays: np.array(…) does")
_less = {"layers.0.bias": [5.0, 6.0]}
check_raises(
    KeyError, lambda: _network.load_state_dict(_less), hint="three names are missing"
)
check(_bias, [0.0, 0.0], hint="after a refusal nothing has changed")
_network.load_state_dict(_less, strict=False)
check(_bias, [5.0, 6.0], hint="without strict, what is there is loaded")
_more = _network.state_dict() | {"layers.0.bais": np.zeros(2)}
check_raises(
    KeyError, lambda: _network.load_state_dict(_more), hint="one name is unexpected"
)
_wrong = MLP([2, 2, 1], rng=2).state_dict() | {"layers.2.weights": np.ones((1, 1))}
check_raises(
    ValueError,
    lambda: _network.load_state_dict(_wrong),
    hint="compare the shapes: (1, 1) is not (2, 1)",
)
check(_bias, [5.0, 6.0], hint="look at all shapes before you change anything")
### BEGIN HIDDEN TESTS


def small(networks, rng, outputs=3):
    """A Module with four tensors, one frozen, one of float64."""
    tensor = networks.Tensor
    draw = lambda *shape: rng.normal(size=shape)  # noqa: E731
    return own(
        networks,
        first=Thing(w=tensor(draw(2, 3).astype("float32"), requires_grad=True)),
        list=[tensor(draw(3)), tensor(draw(outputs), requires_grad=True)],
        last=tensor(draw(), requires_grad=True),
    )


def arrays_of(networks, module):
    """What is in the tensors of such a module, and of which dtype."""
    parts_of_it = module.first.w, *module.list, module.last
    return [(p.data.copy(), str(p.data.dtype), p.requires_grad) for p in parts_of_it]


def complete(rng, outputs=3):
    """Arrays for such a module."""
    names = {"first.w": (2, 3), "list.0": (3,), "list.1": (outputs,), "last": ()}
    return {name: rng.normal(size=shape) for name, shape in names.items()}


@observe(seed=integers(low=0, high=10**6))
def everything_is_loaded(networks, seed):
    """Into the same tensors, in their own dtype; the order of names doesn't matter."""
    rng = np.random.default_rng(seed)
    module, state = small(networks, rng), complete(rng)
    before = module.first.w, *module.list, module.last
    given = module.load_state_dict(dict(reversed(state.items())))
    after = module.first.w, *module.list, module.last
    return arrays_of(networks, module), [a is b for a, b in zip(before, after)], given


@observe(seed=integers(low=0, high=10**6), change=normal())
def what_was_loaded_is_a_copy(networks, seed, change):
    """Later changes of the state, or of the network, are not seen in the other."""
    rng = np.random.default_rng(seed)
    module, state = small(networks, rng), complete(rng)
    module.load_state_dict(state)
    state["list.1"] += change
    module.list[0].data += change
    return arrays_of(networks, module), state


@observe(
    seed=integers(low=0, high=10**6),
    which=choice("first.w", "list.0", "list.1", "last"),
)
def a_missing_name_is_refused(networks, seed, which):
    """With a KeyError that names it, and nothing is changed; unless strict is off."""
    rng = np.random.default_rng(seed)
    module, state = small(networks, rng), complete(rng)
    del state[which]
    said = message_of(lambda: module.load_state_dict(state))
    error = raised(lambda: module.load_state_dict(state))
    untouched = arrays_of(networks, module)
    module.load_state_dict(state, strict=False)
    return error, f"'{which}'" in said, untouched, arrays_of(networks, module)


@observe(
    seed=integers(low=0, high=10**6),
    which=choice("first", "list.2", "lost", "first.w.x"),
)
def an_unexpected_name_is_refused(networks, seed, which):
    """With a KeyError that names it, and nothing is changed; unless strict is off."""
    rng = np.random.default_rng(seed)
    module, state = small(networks, rng), complete(rng)
    state = {which: rng.normal(size=3)} | state
    said = message_of(lambda: module.load_state_dict(state))
    error = raised(lambda: module.load_state_dict(state))
    untouched = arrays_of(networks, module)
    module.load_state_dict(state, strict=False)
    return error, f"'{which}'" in said, untouched, arrays_of(networks, module)


@observe(
    seed=integers(low=0, high=10**6),
    which=choice("list.0", "list.1", "last"),
)
def a_wrong_shape_is_refused(networks, seed, which):
    """Also one that would broadcast, strict or not: a ValueError with both shapes, and nothing is changed."""
    rng = np.random.default_rng(seed)
    module, state = small(networks, rng), complete(rng)
    good = dict(state)
    state[which] = np.ones((1,) + state[which].shape)
    calls = [lambda s=s: module.load_state_dict(state, strict=s) for s in (True, False)]
    said = message_of(calls[0])
    wanted = (
        str(good[which].shape) in said,
        str(state[which].shape) in said,
        which in said,
    )
    errors, untouched = [raised(call) for call in calls], arrays_of(networks, module)
    module.load_state_dict(good)
    return errors, wanted, untouched, arrays_of(networks, module)


@observe(seed=integers(low=0, high=10**6), number=normal())
def a_single_number_does_not_fill_an_array(networks, seed, number):
    """Nor does a row fill a matrix; lists and tensors of the right shape will do."""
    rng = np.random.default_rng(seed)
    module, state = small(networks, rng), complete(rng)
    errors = [
        raised(lambda: module.load_state_dict(state | {"list.1": number})),
        raised(lambda: module.load_state_dict(state | {"first.w": np.ones(3)})),
    ]
    state |= {
        "list.0": state["list.0"].tolist(),
        "list.1": networks.Tensor(state["list.1"]),
    }
    module.load_state_dict(state)
    return errors, arrays_of(networks, module)


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 10: a network out of a file

Back to the first page. You have only the dictionary, and don't know the sizes. But the shapes of the weights say it
all: `(2, 16)`, `(16, 16)`, `(16, 2)`, one behind the other, are an MLP of 2, 16, 16 and 2.

Find the arrays whose names end in `"weights"` (`name.endswith(…)`), in their order. The first gives the number of
inputs, and each gives a number of outputs. Make the MLP, load, and return it.

With that you reach the first **milestone**: networks for two famous problems, out of nothing but a dictionary of
numbers.
"""


# %% exercise="mlp-from-state"
#| export
def mlp_from_state(state: Mapping[str, np.ndarray], activation: Callable = ReLU) -> MLP:
    """The MLP that some saved arrays belong to, with these arrays in it.

    Parameters
    ----------
    state : mapping of str to array_like
        What `state_dict` of an MLP gave.
    activation : callable
        Makes the activations, which have no arrays of their own.
    """
    ### BEGIN SOLUTION
    required.dictionaries(state=state)
    weights = [np.shape(state[name]) for name in state if name.endswith("weights")]
    sizes = [inputs for inputs, _ in weights[:1]]
    sizes += [outputs for _, outputs in weights]
    network = MLP(sizes, activation)
    network.load_state_dict(state)
    return network
    ### END SOLUTION


# %% checks="mlp-from-state" milestone="M1" points=8
_xor = {
    "layers.0.weights": np.array([[1.0, 1.0], [1.0, 1.0]]),
    "layers.0.bias": np.array([0.0, -1.0]),
    "layers.2.weights": np.array([[1.0], [-2.0]]),
    "layers.2.bias": np.array([0.0]),
}
_corners = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
check(
    [layer.weights.shape for layer in mlp_from_state(_xor).layers[::2]],
    [(2, 2), (2, 1)],
    hint="the inputs of the first matrix, and the outputs of each",
)
check(
    mlp_from_state(_xor)(_corners),
    [[0], [1], [1], [0]],
    hint="load the arrays into the MLP",
)
check(repr(mlp_from_state(_xor, Tanh).layers[1]), "Tanh()", hint="hand activation on")
_points, _labels = spirals(500, rng=5)
_scores = mlp_from_state(trained("spirals"))(Tensor(_points)).numpy()
check(
    bool(np.mean(_scores.argmax(axis=1) == _labels) > 0.98),
    True,
    hint="two spirals, told apart",
)
### BEGIN HIDDEN TESTS


def state_of(rng, sizes):
    """A state as an MLP of some sizes gives it."""
    state = {}
    for n in range(len(sizes) - 1):
        inputs, outputs = sizes[n : n + 2]
        state[f"layers.{2 * n}.weights"] = rng.normal(size=(inputs, outputs))
        state[f"layers.{2 * n}.bias"] = rng.normal(size=outputs)
    return state


@observe(seed=integers(low=0, high=10**6), depth=integers(low=2, high=8))
def a_network_out_of_its_numbers(networks, seed, depth):
    """Of any depth and width; layers 2 to 10 come in this order."""
    rng, found = np.random.default_rng(seed), []
    for deep in (depth, depth + 6):
        sizes = [int(size) for size in rng.integers(1, 6, size=deep)]
        network = networks.mlp_from_state(state_of(rng, sizes))
        layers = network.layers[::2]
        found.append([layer.weights.shape for layer in layers])
        found.append([(layer.weights.data, layer.bias.data) for layer in layers])
    return found, type(network).__name__


@observe(order=normal(4), scale=normal())
def exclusive_or_from_loaded_weights(networks, order, scale):
    """The four corners in any order; a hidden layer that is larger, and then made smaller again."""
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")[
        np.argsort(order)
    ]
    size = 1 + abs(scale)
    state = {
        "layers.0.weights": np.ones((2, 2)) * size,
        "layers.0.bias": np.array([0, -1]) * size,
        "layers.2.weights": np.array([[1.0], [-2.0]]) / size,
        "layers.2.bias": np.zeros(1),
    }
    network = networks.mlp_from_state(state)
    return network(networks.Tensor(corners)).data, network.layers[0].weights.data


@observe(seed=integers(low=0, high=10**6))
def two_spirals_from_loaded_weights(networks, seed):
    """The labels of new points on them, and both scores."""
    from tinytorch.datasets import spirals, trained

    points, _ = spirals(50, noise=0, rng=seed)
    network = networks.mlp_from_state(trained("spirals"))
    scores = network(networks.Tensor(points)).data
    return scores.argmax(axis=1), scores


@observe(seed=integers(low=0, high=10**6), x=normal(5, 3))
def another_bend_between_the_layers(networks, seed, x):
    """The activation that is given; and the state is left alone."""

    class Cosine:
        def __call__(self, v):
            return networks.Tensor(np.cos(v.data))

    state = state_of(np.random.default_rng(seed), [3, 4, 2])
    network = networks.mlp_from_state(state, Cosine)
    out = network(networks.Tensor(x)).data
    network.layers[0].bias.data += 1
    return out, state


### END HIDDEN TESTS

# %% [markdown]
r"""
Here is the proof, in one line:
"""

# %% demo=true
network = mlp_from_state(trained("spirals"))
moons_figure(network, *spirals(1000, rng=6), repr(network))

# %% [markdown]
r"""
### 5. Switches, and a table

Some layers work in one way while a network is trained, and in another when it is used. *Dropout* throws away half
of the numbers at random, so that no neuron relies on another (module 10 builds it). Used by mistake after training,
it gives two answers to one question:
"""


# %%
class Dropout(Module):
    """Throws away half of the numbers while it is trained, and doubles the others."""

    def __call__(self, x: Tensor) -> Tensor:
        return x * (2.0 * (rng.random(x.shape) < 0.5)) if self.training else x


def right(network, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each example, whether a network gives its class the largest score."""
    return network(Tensor(x)).numpy().argmax(axis=1) == labels


network = mlp_from_state(trained("spirals"))
network.layers.insert(2, Sequential(Dropout()))
points, labels = spirals(1000, rng=7)
for _ in range(2):
    print(f"{right(network, points, labels).mean():.1%} of the points told apart")

# %% [markdown]
r"""
#### Exercise 11: `train` and `eval`

Each part that has an attribute `training` has a switch. `train()` turns all of them on, wherever they are, and
`eval()` all of them off. Both return the network itself, so that `network.eval()(x)` can be written in one go.
`train(False)` is the same as `eval()`.
"""


# %% exercise="modes"
#| export
@extend(Module)
class Modes:
    """The switch between training a network and using it."""

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every part that has it; gives the network."""
        ### BEGIN SOLUTION
        for _, part in walk(self):
            if hasattr(part, "training"):
                part.training = mode
        return self
        ### END SOLUTION

    def eval(self) -> Self:
        """Use the network from now on: ``train(False)``."""
        ### BEGIN SOLUTION
        return self.train(False)
        ### END SOLUTION


# %% checks="modes" points=6
_inner = Dropout()
_network = Sequential(Sequential(_inner), Dense(2, 2), ReLU())
check(_network.eval() is _network, True, hint="return self")
check(_network.training, False, hint="the network itself has a switch, too")
check(_inner.training, False, hint="and every part of its parts: walk(self)")
check(hasattr(_network.layers[2], "training"), False, hint="a ReLU has none")
_network.train()
check([_network.training, _inner.training], [True, True], hint="all of them on again")
_network.train(False)
check(_inner.training, False, hint="train(False) is the same as eval()")
### BEGIN HIDDEN TESTS


@observe(first=choice(True, False), second=choice(True, False), x=normal())
def every_switch_of_a_network(networks, first, second, x):
    """That of the network and of all its parts; parts without one get none."""
    inner, foreign = own(networks), Thing()
    plain = type("Plain", (), {})()
    network = own(networks, parts=[inner, {"f": foreign}], plain=plain, number=x)
    found = []
    for mode in (first, second):
        network.train(mode)
        found.append([network.training, inner.training, foreign.training])
    return found, hasattr(plain, "training"), network.number


@observe(mode=choice(True, False), x=normal())
def modes_on_and_off(networks, mode, x):
    """train() is on, eval() is off, each gives the network itself."""
    network = own(networks, inner=own(networks), number=x)
    before = network.training
    same = [network.train(mode) is network, network.eval() is network]
    off = network.training, network.inner.training
    same.append(network.train() is network)
    return before, same, off, network.training, network.inner.training, network.number


@observe(x=normal())
def other_networks_keep_their_mode(networks, x):
    """The switch belongs to one network, and not to all of its class."""
    one, two = own(networks, number=x), networks.Module()
    one.eval()
    networks.Module().eval()
    return one.training, two.training, networks.Module().training, one.number


### END HIDDEN TESTS

# %% demo=true
print(f"{right(network.eval(), points, labels).mean():.1%} of the points told apart")

# %% [markdown]
r"""
#### Exercise 12: `astype`

Our numbers are float32, which is right for training. To compare two programs you want float64. Convert each Tensor
of the network, frozen ones, too, and return the network. As when you loaded, the Tensors stay the same objects:
change their `data`. An array has the method `astype(dtype)`.
"""


# %% exercise="astype"
#| export
@extend(Module)
class Precision:
    """The dtype of all numbers of a network."""

    def astype(self, dtype) -> Self:
        """Convert the data of every Tensor of the network; gives the network itself."""
        ### BEGIN SOLUTION
        required.floating_dtypes(dtype=dtype)
        for _, part in walk(self):
            if isinstance(part, Tensor):
                part.data = part.data.astype(dtype)
        return self
        ### END SOLUTION


# %% checks="astype" points=4
_network = MLP([2, 3], rng=0)
_bias = _network.layers[0].bias
check(_network.astype(np.float64) is _network, True, hint="return self")
check(
    [str(p.dtype) for p in (_network.layers[0].weights, _bias)],
    ["float64", "float64"],
    hint="tensor.data = tensor.data.astype(dtype), for each Tensor",
)
check(_network.layers[0].bias is _bias, True, hint="keep the Tensors")
### BEGIN HIDDEN TESTS


@observe(a=normal(2, 3), b=normal(3, dtype="float32"))
def all_tensors_change_their_dtype(networks, a, b):
    """Trained and frozen ones, in place, to and fro; arrays and numbers that are no tensors stay."""
    w, v = networks.Tensor(a, requires_grad=True), networks.Tensor(b)
    network = own(networks, w=w, list=[Thing(v=v)], plain=a, n=1.5)
    found = []
    for dtype in ("float32", "float64"):
        same = network.astype(dtype) is network, network.w is w, network.list[0].v is v
        kept = w.requires_grad, v.requires_grad, str(network.plain.dtype), network.n
        found.append((same, kept, w.data, str(w.dtype), v.data, str(v.dtype)))
    return found


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 13: `summary`

Does the next layer need 3,136 inputs or 1,568? Working out shapes by hand is a good way to get them wrong. Let the
network work them out: send a batch of one example full of zeros through it, and write down each shape on the way.

`summary(network, input_shape)` goes through the layers of a `Sequential`. `input_shape` is that of one example,
without the batch. For each layer it makes a row, a tuple of

- the name, `"layers.0"`, `"layers.1"`, …
- what it shows of itself, `repr(layer)`
- the shape of its output, without the batch: `x.shape[1:]`
- how many parameters it has.

The result is `Summary(rows, total)`, where `total` counts the parameters of the whole network. `Summary` is given,
and shows itself as a table.

**Looking must not change anything.** A layer in training mode may draw random numbers, or keep statistics of what
it sees. So switch to `eval()` first. And put every switch back afterwards as it was, also if a layer complains
about a shape: that's what `try … finally` is for. The switches need not all be alike, so remember each.
"""


# %% exercise="summary"
#| export
@unrecorded
def summary(network: Sequential, input_shape: Sequence[int]) -> Summary:
    """What shape each layer of a network gives, and how many parameters it has.

    Parameters
    ----------
    network : Sequential
        Its modes are left as they are.
    input_shape : sequence of int
        The shape of one example, without the batch.

    Returns
    -------
    Summary
        Its `rows`, a tuple ``(name, layer, output shape, parameters)`` for each layer,
        and the `total` of all parameters, with those of shared layers once.
    """
    ### BEGIN SOLUTION
    required.lists_of_whole_numbers(input_shape=input_shape)
    required.instances(Sequential, network=network)
    switches = [part for _, part in walk(network) if hasattr(part, "training")]
    modes = [part.training for part in switches]
    x, rows = Tensor(np.zeros((1, *input_shape))), []
    network.eval()
    try:
        for n, layer in enumerate(network):
            x = layer(x)
            row = f"layers.{n}", repr(layer), x.shape[1:], count_parameters(layer)
            rows.append(row)
    finally:
        for part, mode in zip(switches, modes):
            part.training = mode
    return Summary(rows, count_parameters(network))
    ### END SOLUTION


# %% checks="summary" points=6
_found = summary(MLP([4, 3, 2]), (4,))
check(
    list(_found.rows),
    [
        ("layers.0", "Dense(4, 3)", (3,), 15),
        ("layers.1", "ReLU()", (3,), 0),
        ("layers.2", "Dense(3, 2)", (2,), 8),
    ],
    hint="name, repr, the shape without the batch, parameters",
)
check(_found.total, 23, hint="count_parameters(network)")
_shared = Dense(2, 2)
_network = Sequential(_shared, _shared, Dropout())
check(summary(_network, (2,)).total, 6, hint="a shared layer counts once")
_modes = []
_look = Lambda(lambda x: _modes.append(_network.training) or x, "look")
_network = Sequential(_look, Dropout(), Dense(2, 1))
summary(_network, (2,))
check(_modes, [False], hint="call network.eval() before the loop")
check(_network.training, True, hint="put the switches back")
check_raises(ValueError, lambda: summary(_network, (3,)), hint="let the error through")
check(_network.layers[1].training, True, hint="also after an error: finally")
### BEGIN HIDDEN TESTS


class Stage:
    """A layer that counts what it sees in training, and makes its features twice as many."""

    def __init__(self, tensor, size, name):
        self.w, self.name = tensor(np.ones(size), requires_grad=True), name
        self.training, self.calls = True, []
        self.make = lambda x: tensor(x)

    def __call__(self, x):
        size = float(abs(np.asarray(x)).sum())
        self.calls.append((self.training, type(x).__name__, x.shape, size))
        return self.make(np.concatenate([x.data, x.data], axis=-1))

    def __repr__(self):
        return self.name


@observe(a=integers(low=1, high=5), b=integers(low=1, high=5), name=choice("A", "B"))
def rows_of_a_summary(networks, a, b, name):
    """Name, layer, output shape of one example, parameters, and the total."""
    first, second = (
        Stage(networks.Tensor, n, name + k) for n, k in ((a, "1"), (b, "2"))
    )
    network = networks.Sequential(first, second, first)
    found = networks.summary(network, (a, b))
    rows = [[*row[:2], [int(n) for n in row[2]], int(row[3])] for row in found.rows]
    return rows, int(found.total), type(found).__name__


@observe(a=integers(low=1, high=5), b=integers(low=1, high=5), x=normal(2))
def layers_see_one_example_of_zeros(networks, a, b, x):
    """Once each, not in training mode; the parameters stay as they are."""
    first, second = (Stage(networks.Tensor, n, "S") for n in (a, b))
    first.w.data = x
    networks.summary(networks.Sequential(first, second), [a, b])
    return first.calls, second.calls, first.w.data


@observe(modes=integers(4, low=0, high=2), size=integers(low=1, high=5))
def a_summary_changes_no_mode(networks, modes, size):
    """Each switch is as it was, also after an error, which is let through."""
    first, second = (Stage(networks.Tensor, size, "S") for _ in range(2))

    def fail(x):
        raise ValueError("shapes")

    good = networks.Sequential(first, networks.Sequential(second))
    bad, found = networks.Sequential(good, fail), []
    for wanted in (modes, 1 - modes):
        for part, mode in zip((first, second, good, bad), wanted):
            part.training = bool(mode)
        shape = networks.summary(good, (size,)).rows[-1][2]
        found.append(raised(lambda: networks.summary(bad, (size,))))
        found.append([bool(p.training) for p in (first, second, good, bad)])
    return found, [int(n) for n in shape]


### END HIDDEN TESTS

# %% [markdown]
r"""
That was the last part. What others find when they import your module is listed in its last cell:
"""

# %%
#| export
__all__ = """
    Lambda MLP Module Sequential count_parameters mlp_from_state summary walk
""".split()

# %% [markdown]
r"""
## Use

Real handwriting. `digits()` gives 1,797 images of 8 by 8 pixels, written by 13 people (Alpaydin and Kaynak, 1998).
Somebody has trained an MLP on the first 1,437 of them; the other 360 it has never seen. The network takes rows of
64 numbers between 0 and 1. `Lambda`, which is given, makes a layer out of a function of tensors, with a name to be
shown:
"""

# %%
images, labels = digits()
flatten = Lambda(lambda x: x.reshape(len(x), -1) / 16, "flatten")
reader = Sequential(flatten, *mlp_from_state(trained("digits")))
summary(reader, (8, 8))

# %% [markdown]
r"""
How many does it read right, of those that it learned from and of those that are new to it? And what is wrong with
the first few that it gets wrong?
"""


# %% demo=true
read = right(reader, images, labels)
print(f"learned from: {read[:1437].mean():.1%} right, new: {read[1437:].mean():.1%}")
wrong = np.flatnonzero(~read)[:8]
answers = reader(Tensor(images[wrong])).numpy().argmax(axis=1)
digits_figure(images[wrong], [f"{a} for {b}" for a, b in zip(answers, labels[wrong])])

# %% [markdown]
r"""
The title says what it read, and what was written. It knows all it has learned from, and most of the others. In
handwriting that it doesn't know, it takes many a 1 for a 9. Only the numbers on the *new* ones count from here on; module 6 is
about that.

## Analyze

### Deep or wide?

Two networks of one input and one output, with 61 parameters each: one with 20 neurons side by side, one with ten
layers of 2. What can each do? With ReLU, what a network computes is made of straight pieces, and a new piece begins
where a neuron switches on or off. So count pieces between 0 and 1.

The wide one has 20 neurons, each with one place to switch. We put these places side by side. The deep one folds the
line: each pair of neurons computes
$2\operatorname{relu}(t) - 4\operatorname{relu}(t - \frac12)$, a tent, which lays the right half over the left. The next pair folds what's already folded.

How many pieces will there be?

<details>
<summary>Think first, then look</summary>

20 neurons have 20 places, which makes 21 pieces at most. Ten folds double the number of layers of paper ten times:
$2^{10}$.

</details>
"""


# %% demo=true
def pieces(network, x) -> int:
    """Into how many straight pieces a network with ReLU cuts a line."""
    on = [network[: n + 1](x).numpy() > 0 for n in range(1, len(network), 2)]
    return 1 + np.diff(np.hstack(on), axis=0).any(axis=1).sum()


wide, deep = MLP([1, 20, 1]), MLP([1] + [2] * 10 + [1])
wide[0].weights.data[:], wide[0].bias.data[:] = 1, -np.linspace(0.02, 0.98, 20)
for n, layer in enumerate(deep[::2]):
    layer.weights.data[:] = [[2.0], [-4.0]] if n else 1.0
    layer.bias.data[:] = [0.0, -0.5][: layer.bias.size]
line = Tensor(np.arange(0.5, 2**14)[:, None] / 2**14)
for network in (wide, deep):
    network.astype(np.float64)
    print(count_parameters(network), "parameters,", pieces(network, line), "pieces")

# %% [markdown]
r"""
Depth can multiply where width only adds (Telgarsky, "Benefits of depth in neural networks", 2016). *Can*: such
weights were put there by hand. Draw the weights at random, and the deep network has no more pieces than the wide
one, and usually fewer (Hanin and Rolnick, "Complexity of linear regions in deep networks", 2019). Whether training finds
such weights is another question.

### A shuffled twin

Number the hidden neurons of a layer in another order: move the columns of its weights and its bias, and the rows of
the next weights along with them. How do the answers change? And take the *average* of the network and its twin,
number by number. Averaging two equally good networks can't be bad, can it?
"""

# %% demo=true
state, order = trained("digits"), rng.permutation(24)
twin = dict(state)
twin["layers.0.weights"] = state["layers.0.weights"][:, order]
twin["layers.0.bias"] = state["layers.0.bias"][order]
twin["layers.2.weights"] = state["layers.2.weights"][order]
average = {name: (state[name] + twin[name]) / 2 for name in state}
first = reader.astype(np.float64)(Tensor(images)).numpy()
for name, numbers in {"network": state, "twin": twin, "average": average}.items():
    network = Sequential(flatten, *mlp_from_state(numbers)).astype(np.float64)
    away = np.abs(network(Tensor(images)).numpy() - first).max()
    share = right(network, images, labels)[1437:].mean()
    print(f"{name:8} {share:.1%} right, answers differ by {away:.1g}")

# %% [markdown]
r"""
**Question 2** (5 points). (a) The network and its twin: why are their answers equal, although nearly all their
numbers differ? (b) How many such twins does `MLP([64, 24, 16, 10])` have, itself included, if only whole neurons
are moved within their layer? A formula will do. (c) Explain why the average of the two is so much worse than
either. (d) Two friends train this network on the same digits, from different random weights, and want to average
their results. What do you tell them, and what could they average instead?

(Double-click the cell below, write your answer, and press Shift+Enter.)
"""

# %% [markdown] answer="twins" points=5
r"""
**Model answer.** (a) A hidden neuron has a column of weights and a bias before it, and a row of weights behind it.
If all three move together, every neuron computes what it did, and the next layer adds up the same products in
another order. (What is left is rounding.) (b) Each hidden layer may be ordered in any way, independently: $24!
\cdot 16!$. Inputs and outputs must stay. (c) The average mixes neuron 1 of the one with another neuron of the
other: weights for different features are added up, and much of them cancels. Half of a neuron that looks for a
stroke and half of one that looks for a loop is a neuron that looks for neither. The answers depend on products of
both layers, so that the average of the weights doesn't give the average of the answers. (d) Nothing makes their
neurons come in the same order (or be the same at all), so the average of their weights is bad for the same reason.
They can average the *answers* of both networks (which often is better than either), or first match the neurons of
one network to those of the other.

**Mark scheme.** 1 point: (a), columns, bias and rows move together. 1 point: (b) $24! \cdot 16!$. 1 point: (c)
different neurons are mixed. 1 point: (d) don't, because the order is arbitrary. 1 point: (d) average the answers,
or match the neurons first.
"""

# %% [markdown]
r"""
<details>
<summary>The same in PyTorch</summary>

`nn.Module`, `nn.Sequential`, `named_parameters()`, `state_dict()`, `load_state_dict(state, strict=True)`, `train()`
and `eval()` have the same names and do the same. PyTorch finds parts when they are assigned: `nn.Module` watches
its attributes. A layer in a plain list escapes it, which is why there is `nn.ModuleList`. Your walk looks into
lists, too. PyTorch's weights have the shape (outputs, inputs), the transpose of ours; names in a `nn.Sequential`
are `0.weight`, ours `layers.0.weights`; and what doesn't fit is a `RuntimeError` there.

</details>

## What you have built

- Without bends, two layers are one. A network is layers *and* bends.
- `Sequential` is a layer made of layers, and can be looked into.
- One walk, which gives each part once, finds parameters, saves, loads, switches and converts, wherever the parts are.
- Save copies. Look at everything before you change anything. Keep the Tensors, change their data.

Export your module with `python bin/tito.py export 04_networks`. Next comes **module 5, Convolutions**. Who found
the weights in the files? Module 7, Autograd, is about that, and you can go on with it now as well.
"""
