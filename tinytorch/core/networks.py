"""Module 4 of TinyTorch: networks.

Made by `tito export` from source/04_networks/networks_dev.py. Edit that notebook, not this file.
"""

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

    def __call__(self, x: Tensor) -> Tensor:
        """The output of the last layer."""
        for layer in self.layers:
            x = layer(x)
        return x


@extend(Sequential)
class Container:
    """Looking into a Sequential: ``len(network)``, ``network[0]``, ``network[:2]``."""

    def __len__(self) -> int:
        """The number of layers."""
        return len(self.layers)

    def __getitem__(self, index):
        """A layer; of a slice, a Sequential of the same layers, not of copies."""
        if isinstance(index, slice):
            return Sequential(*self.layers[index])
        return self.layers[index]

    def __iter__(self) -> Iterator[Callable]:
        """One layer after the other."""
        return iter(self.layers)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"{type(self).__name__}({layers})"


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


def parts(thing) -> dict[str, object]:
    """What a layer, a list, a tuple or a dictionary is directly made of, by name."""
    if isinstance(thing, dict):
        inside = thing
    elif isinstance(thing, (list, tuple)):
        inside = dict(enumerate(thing))
    else:
        inside = getattr(thing, "__dict__", {})
    kept = {str(name): part for name, part in inside.items()}
    return {name: part for name, part in kept.items() if not isinstance(part, type)}


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
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield name, thing
    for key, part in parts(thing).items():
        longer = f"{name}.{key}" if name else key
        yield from walk(part, longer, seen)


@extend(Module)
class Parameters:
    """What training may change, with names and without."""

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """The parameters and their names, such as ``"layers.0.weights"``; each once."""
        found = []
        for name, part in walk(self):
            if getattr(part, "requires_grad", False):
                found.append((name, part))
        return found

    def parameters(self) -> list[Tensor]:
        """The parameters: tensors with ``requires_grad=True``; each once."""
        return [parameter for _, parameter in self.named_parameters()]


def count_parameters(network) -> int:
    """How many numbers training may change in a network, a layer or a list of them."""
    parts_of_it = [part for _, part in walk(network)]
    trained = [p for p in parts_of_it if getattr(p, "requires_grad", False)]
    return sum(parameter.size for parameter in trained)


@extend(Module)
class Saving:
    """The numbers of a network, to be kept."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of the array in each Tensor of the network, frozen or not, by name."""
        state = {}
        for name, part in walk(self):
            if isinstance(part, Tensor):
                state[name] = part.data.copy()
        return state


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


def mlp_from_state(state: Mapping[str, np.ndarray], activation: Callable = ReLU) -> MLP:
    """The MLP that some saved arrays belong to, with these arrays in it.

    Parameters
    ----------
    state : mapping of str to array_like
        What `state_dict` of an MLP gave.
    activation : callable
        Makes the activations, which have no arrays of their own.
    """
    required.dictionaries(state=state)
    weights = [np.shape(state[name]) for name in state if name.endswith("weights")]
    sizes = [inputs for inputs, _ in weights[:1]]
    sizes += [outputs for _, outputs in weights]
    network = MLP(sizes, activation)
    network.load_state_dict(state)
    return network


@extend(Module)
class Modes:
    """The switch between training a network and using it."""

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every part that has it; gives the network."""
        for _, part in walk(self):
            if hasattr(part, "training"):
                part.training = mode
        return self

    def eval(self) -> Self:
        """Use the network from now on: ``train(False)``."""
        return self.train(False)


@extend(Module)
class Precision:
    """The dtype of all numbers of a network."""

    def astype(self, dtype) -> Self:
        """Convert the data of every Tensor of the network; gives the network itself."""
        required.floating_dtypes(dtype=dtype)
        for _, part in walk(self):
            if isinstance(part, Tensor):
                part.data = part.data.astype(dtype)
        return self


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


__all__ = """
    Lambda MLP Module Sequential count_parameters mlp_from_state summary walk
""".split()
