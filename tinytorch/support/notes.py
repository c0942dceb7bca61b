"""What a note of an operation can do besides sending gradients back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from tinytorch.support.arguments import FREED, describe
from tinytorch.support.losses import name_of
from tinytorch.support.variables import VariableMethods


class Note:
    """A function that was applied, to which inputs, with which parameters.

    Attributes
    ----------
    function : callable
        What was applied.
    inputs : tuple or None
        To what: variables, tensors, arrays, lists and numbers; None once they are freed.
    values : list or None
        The arrays and numbers in them, as they were then.
    parameters : dict
        The settings, such as an axis.
    rules : sequence
        For each input its derivative rule, or None if it needs no gradient.
    kept, result : tuple, ndarray
        What `tinytorch.support.guards` keeps in mind: of the inputs, and what came out.
    """

    __slots__ = (
        "__weakref__",
        "function",
        "inputs",
        "kept",
        "parameters",
        "result",
        "rules",
        "values",
    )

    function: Any
    inputs: Any  # None, as all of what needs memory, once a note is freed
    values: Any
    kept: Any
    result: Any

    def __init__(self, function: Callable, inputs: tuple, values: list, parameters: dict):
        self.function, self.inputs, self.values = function, inputs, values
        self.parameters = parameters
        self.rules: Sequence[Callable | None] = ()

    def given_to_rules(self, grad, out) -> tuple:
        """The values of the inputs and the result: arrays, as far as `grad` is one.

        If it is a variable, the way back is recorded: then they are variables, too, where they
        need a gradient and so have a history.
        """
        values = self.values
        if values is None:
            raise RuntimeError(FREED)
        if type(grad) is ndarray or not isinstance(grad, VariableMethods):
            return values, out.data.data
        pairs = zip(self.inputs, values, strict=True)
        return [x if getattr(x, "requires_grad", False) else v for x, v in pairs], out

    def free(self) -> None:
        """Forget everything that needs memory."""
        self.inputs, self.values, self.kept, self.result = None, None, (), None

    def __repr__(self) -> str:
        inputs = "freed" if self.inputs is None else ", ".join(map(describe, self.inputs))
        return f"<{name_of(self.function)}({inputs})>"
