"""Derivatives of functions: what the user gives made right, and what he gets in its form.

The five functions here are made from the hearts that module 15 builds. These know tuples of outputs
and of inputs, which are variables; a user has a function, and one input or a tuple of several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinytorch.core.autograd import Variable, grad, needs_gradient
from tinytorch.core.tensor import value
from tinytorch.support.arguments import starting_gradient
from tinytorch.support.functions import reshape, stack
from tinytorch.support.losses import name_of
from tinytorch.support.recording import enable_grad


def as_tuple(x) -> tuple:
    """Several things as a tuple; whatever is not a tuple is one thing."""
    return x if isinstance(x, tuple) else (x,)


def alike(results: Sequence, like):
    """One result, or a tuple of several, as `like` is one thing or a tuple."""
    return tuple(results) if isinstance(like, tuple) else results[0]


def only_variable(out, f: Callable) -> Variable:
    """What `f` returned, if it is a Variable; else an error."""
    if not isinstance(out, Variable):
        raise TypeError(f"{name_of(f)} must return a Variable, but returned {out!r:.60}")
    return out


def connected(x):
    """The same values as a new variable that was computed from `x`."""
    return reshape(x, x.shape)


def leaf_at(x) -> Variable:
    """A new leaf with the values of `x`; a number of numpy keeps its dtype, as an array does."""
    return Variable(x if isinstance(x, np.generic) else value(x))


def call_recorded(f: Callable, inputs, create_graph: bool) -> tuple[tuple, Variable | tuple]:
    """Call `f` with variables of its own to differentiate by; gives these, and the outputs.

    With `create_graph` they stay connected to the history of those inputs that have one.
    """
    with enable_grad():
        xs = tuple(
            connected(x) if create_graph and needs_gradient(x) else leaf_at(x)
            for x in as_tuple(inputs)
        )
        outputs = f(*xs)
    outputs = tuple(outputs) if isinstance(outputs, list) else outputs
    for out in as_tuple(outputs):
        if not isinstance(out, Variable):
            raise TypeError(
                f"{name_of(f)} must return a Variable, or a tuple of them, but returned {out!r:.60}"
            )
    return xs, outputs


def values_of(f: Callable, arrays: tuple) -> list[np.ndarray]:
    """The outputs of a function of variables, as arrays, at a place given by arrays."""
    outputs = call_recorded(f, tuple(map(np.asarray, arrays)), False)[1]
    return [np.asarray(y) for y in as_tuple(outputs)]


def pull_back(outputs: tuple, xs: tuple, seeds: tuple, create_graph: bool = False) -> tuple:
    """A vector times the Jacobian: the gradients by `xs`, of outputs that start with `seeds`.

    Parameters
    ----------
    outputs, xs : tuple of Variable
        What to differentiate, and by what. The graph is kept.
    seeds : tuple of array_like or None
        For each output the gradient to start from; None stands for 1, of a single element.
    create_graph : bool
        Give variables that can be differentiated again.

    Returns
    -------
    tuple of ndarray, or of Variable if `create_graph`
        For each input an array of its shape; zeros where no output depends on it.
    """
    if len(seeds) != len(outputs):
        one_for_each = "1 array" if len(outputs) == 1 else f"a tuple of {len(outputs)} arrays"
        raise ValueError(f"v must be {one_for_each}, but {len(seeds)} were given")
    pairs = [(out, v) for out, v in zip(outputs, seeds, strict=True) if out.requires_grad]
    if pairs:
        kept, seeds = zip(*pairs, strict=True)
        return grad(kept, xs, seeds, retain_graph=True, create_graph=create_graph)
    zeros = [np.zeros(x.shape, x.dtype) for x in xs]
    return tuple(Variable(z, requires_grad=False) for z in zeros) if create_graph else tuple(zeros)


def stacked(rows: Sequence, shape: tuple[int, ...], dtype) -> np.ndarray | Variable:
    """Arrays or variables, one below the other, in a given shape; without any, zeros."""
    if not rows:
        return np.zeros(shape, dtype)
    together = stack if isinstance(rows[0], Variable) else np.stack
    return together(list(rows)).reshape(shape)


def outputs_of(outputs, create_graph: bool):
    """The outputs as the user gets them: without a history, unless it was asked for."""
    return outputs if create_graph else alike([x.detach() for x in as_tuple(outputs)], outputs)


def seeds_for(variables: tuple, v) -> tuple:
    """The vector as a tuple with an array for each variable; refused if one does not fit."""
    seeds = (None,) * len(variables) if v is None else as_tuple(v)
    for x, seed in zip(variables, seeds, strict=False):
        if x.requires_grad:
            starting_gradient(x, seed)
        elif seed is not None and np.shape(seed) != x.shape:  # adds nothing, but must fit
            raise ValueError(f"v has shape {np.shape(seed)}, but must have {x.shape}")
    return seeds


def make_vjp(pull_back: Callable) -> Callable:
    """The function of users, made from the one of tuples of variables."""

    def vjp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
        """The outputs of `f`, and the product of a vector with its Jacobian: one backward pass.

        Parameters
        ----------
        f : callable
            Takes variables, gives a variable or a tuple of them.
        inputs : array_like or Variable, or tuple of them
            Where to differentiate. (A list is an array; several inputs are a tuple.)
        v : array_like, or tuple of array_like, optional
            The vector, in the shape of the outputs; 1 for an output with one element.
        create_graph : bool
            Give variables that can be differentiated again.

        Returns
        -------
        outputs : Variable or tuple of Variable
            What `f` gave.
        product : ndarray, Variable if `create_graph`, or tuple of them
            In the shape of the inputs.

        Raises
        ------
        TypeError, ValueError
            If `f` gives no variable, or `v` does not fit the outputs.
        """
        xs, outputs = call_recorded(f, inputs, create_graph)
        seeds = seeds_for(as_tuple(outputs), v)
        products = pull_back(as_tuple(outputs), xs, seeds, create_graph)
        return outputs_of(outputs, create_graph), alike(products, inputs)

    return vjp


def make_jvp(push_forward: Callable) -> Callable:
    """The function of users, made from the one of tuples of variables."""

    def jvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
        """The outputs of `f`, and the product of its Jacobian with a vector: the slope along `v`.

        Exact, by two backward passes: the first gives the gradient by the inputs as a linear
        function of the gradient u of the outputs, and the second differentiates that by u.

        Parameters
        ----------
        f, inputs, create_graph
            As in `vjp`.
        v : array_like, or tuple of array_like, optional
            The vector, in the shape of the inputs; 1 for an input with one element.

        Returns
        -------
        outputs : Variable or tuple of Variable
            What `f` gave.
        product : ndarray, Variable if `create_graph`, or tuple of them
            In the shape of the outputs.

        Raises
        ------
        TypeError, ValueError
            As in `vjp`; if `v` does not fit the inputs.

        References
        ----------
        Townsend (2017), "A new trick for calculating Jacobian vector products".
        """
        xs, outputs = call_recorded(f, inputs, create_graph)
        products = push_forward(as_tuple(outputs), xs, seeds_for(xs, v), create_graph)
        return outputs_of(outputs, create_graph), alike(products, outputs)

    return jvp


def make_hvp(hvp_of: Callable) -> Callable:
    """The function of users, made from the one of an output and a tuple of variables."""

    def hvp(f: Callable, inputs, v=None, create_graph: bool = False) -> tuple:
        """The output of `f`, and the product of its Hessian with a vector, without the Hessian.

        Parameters
        ----------
        f : callable
            Takes variables, gives a variable with one element.
        inputs, create_graph
            As in `vjp`.
        v : array_like, or tuple of array_like, optional
            The vector, in the shape of the inputs; 1 for an input with one element.

        Returns
        -------
        output : Variable
            What `f` gave.
        product : ndarray, Variable if `create_graph`, or tuple of them
            In the shape of the inputs.

        Raises
        ------
        TypeError, ValueError
            As in `vjp`; if the output has not exactly one element.

        References
        ----------
        Pearlmutter (1994), "Fast exact multiplication by the Hessian".
        """
        xs, output = call_recorded(f, inputs, create_graph)
        products = hvp_of(only_variable(output, f), xs, seeds_for(xs, v), create_graph)
        return outputs_of(output, create_graph), alike(products, inputs)

    return hvp


def make_jacobian(jacobian_of: Callable) -> Callable:
    """The function of users, made from the one of an output and a tuple of variables."""

    def jacobian(f: Callable, inputs, create_graph: bool = False):
        """All derivatives of all outputs of a function by all its inputs.

        Parameters
        ----------
        f, inputs, create_graph
            As in `vjp`.

        Returns
        -------
        ndarray of shape ``output.shape + input.shape``, or a tuple of them
            Element ``[i, j]`` is the derivative of element i of the output by element j of the
            input (both may be several indices). For several inputs a tuple, for several outputs a
            tuple of what one output gives; variables if `create_graph`.

        Raises
        ------
        TypeError
            If `f` gives no variable.
        """
        xs, outputs = call_recorded(f, inputs, create_graph)
        tables = [alike(jacobian_of(out, xs, create_graph), inputs) for out in as_tuple(outputs)]
        return alike(tables, outputs)

    return jacobian


def make_hessian(hessian_of: Callable) -> Callable:
    """The function of users, made from the one of an output and a tuple of variables."""

    def hessian(f: Callable, inputs, create_graph: bool = False):
        """All second derivatives of a function with one output: the Jacobian of its gradient.

        Parameters
        ----------
        f : callable
            Takes variables, gives a variable with one element.
        inputs, create_graph
            As in `vjp`.

        Returns
        -------
        ndarray of shape ``input.shape + input.shape``, or a tuple of tuples of them
            For several inputs, element ``[a][b]`` has the derivatives by input a and input b.

        Raises
        ------
        TypeError, ValueError
            As in `hvp`.
        """
        xs, output = call_recorded(f, inputs, create_graph)
        tables = hessian_of(only_variable(output, f), xs, create_graph)
        return alike([alike(row, inputs) for row in tables], inputs)

    return hessian
