"""What a user gave to `backward` or to `grad`: made right, or refused in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.support.losses import real_numbers
from tinytorch.support.variables import VariableMethods

FREED = (
    "the notes of this operation were freed already, as a backward pass does once its shares are "
    "sent; compute the output again, or keep them with retain_graph=True"
)


def describe(x) -> str:
    """An input in one word: its kind and shape, or the number itself."""
    return f"{type(x).__name__}{x.shape}" if hasattr(x, "shape") else repr(x)


def inputs_of(variable) -> tuple:
    """What a computed variable was computed from, if that is not freed yet."""
    inputs = variable.grad_fn.inputs
    if inputs is None:
        raise RuntimeError(FREED)
    return inputs


def is_computed(x) -> bool:
    """Whether `x` is the result of an operation, and has to pass gradients on."""
    return getattr(x, "grad_fn", None) is not None and x.requires_grad


def starting_gradient(output, gradient=None) -> np.ndarray:
    """The gradient to start from, of the shape and dtype of `output`.

    Parameters
    ----------
    output : Variable
        Where a backward pass is to start.
    gradient : array_like, optional
        The gradient of the loss by `output`; without one, `output` is the loss, and it is 1.

    Returns
    -------
    ndarray
        An array of its own.

    Raises
    ------
    RuntimeError
        If `output` requires no gradient.
    ValueError
        If `gradient` has not the shape of `output`, or is missing although `output` has not exactly
        one element.
    """
    if not output.requires_grad:
        raise RuntimeError(
            f"this Variable of shape {output.shape} requires no gradient, and nothing it was "
            "computed from does; create an input with requires_grad=True"
        )
    if gradient is None and output.size != 1:
        raise ValueError(
            f"backward() needs a gradient for an output of shape {output.shape}; call .sum() "
            "first, or pass backward(gradient) in that shape"
        )
    if gradient is None:
        ones = np.empty(output.shape, output.dtype)  # np.ones asks more questions
        ones.fill(1)
        return ones
    gradient = real_numbers(gradient, "a gradient")
    if gradient.shape != output.shape:
        raise ValueError(
            f"the gradient has shape {gradient.shape} and the output {output.shape}; "
            "pass one number for each element of the output"
        )
    return gradient.astype(output.dtype)


def starting_gradients(outputs, grad_outputs, create_graph: bool) -> dict:
    """The gradient to start from for each output; that of one that is named twice is added up.

    Parameters
    ----------
    outputs : Variable or sequence of Variable
        What to differentiate.
    grad_outputs : array_like, or for a sequence of outputs a sequence of array_like, optional
        The gradient of each; None stands for 1, if there is one element.
    create_graph : bool
        A Variable among them is kept, so that its own history counts.

    Raises
    ------
    TypeError, ValueError
        If outputs are no variables, or there are more or fewer gradients than outputs.
    """
    pairs: list[tuple[Any, Any]]
    if isinstance(outputs, (VariableMethods, Tensor)):
        pairs = [(outputs, grad_outputs)]
    else:
        pairs = paired(variables_in(outputs, "outputs"), grad_outputs)
    start: dict = {}
    for output, seed in pairs:
        checked = starting_gradient(output, seed)
        if create_graph:
            if not getattr(seed, "requires_grad", False):
                checked = type(output)(checked, requires_grad=False)
            elif isinstance(seed, Tensor):  # a leaf: its history begins here
                checked = seed * 1.0  # type: ignore[operator, assignment]  # recording gives it
            else:
                checked = seed
        start[output] = start[output] + checked if output in start else checked
    return start


def paired(outputs: list, seeds) -> list[tuple]:
    """Each of several outputs with the gradient that was given for it, or None."""
    seeds = [None] * len(outputs) if seeds is None else seeds
    if len(seeds) != len(outputs):
        raise ValueError(
            f"there are {len(outputs)} outputs and {len(seeds)} grad_outputs; "
            "give one for each output, or None"
        )
    return list(zip(outputs, seeds, strict=True))


def list_of_inputs(inputs) -> list:
    """By what to differentiate, as a list.

    Raises
    ------
    TypeError
        If they are no variables.
    RuntimeError
        If one requires no gradient.
    """
    given = [inputs] if isinstance(inputs, (VariableMethods, Tensor)) else inputs
    for x in variables_in(given, "inputs"):
        if not x.requires_grad:
            raise RuntimeError(
                f"the input {describe(x)} does not require a gradient; create it with "
                "requires_grad=True"
            )
    return list(given)


def variables_in(given, name: str) -> list:
    """A sequence of variables as a list; else an error."""
    if not (isinstance(given, (list, tuple)) and all(hasattr(v, "requires_grad") for v in given)):
        raise TypeError(f"{name} must be a Variable or a list of Variables, but got {given!r:.80}")
    return list(given)
