"""A function as a layer."""

from __future__ import annotations

from collections.abc import Callable

from tinytorch.support.required import refuse


class Lambda:
    """A function of tensors as a layer of a network, with a name that can be shown.

    Parameters
    ----------
    function : callable
        Takes a tensor and gives one. Weights that it uses are no part of the layer, and no walk
        finds them.
    name : str
        What the layer shows of itself; by default the function's own name.

    Raises
    ------
    TypeError
        If the function cannot be called, or the name is no text.

    Examples
    --------
    >>> Lambda(lambda x: x.reshape(len(x), -1), "flatten")
    Lambda(flatten)
    """

    def __init__(self, function: Callable, name: str = ""):
        if not callable(function):
            refuse("function", function, "a function of tensors")
        if not isinstance(name, str):
            refuse("name", name, "a text")
        self.function = function
        self.name = name or getattr(function, "__name__", "function")

    def __call__(self, x):
        """Apply the function."""
        return self.function(x)

    def __repr__(self) -> str:
        return f"Lambda({self.name})"
