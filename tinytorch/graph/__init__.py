"""Seeing a computation: `draw` its graph, `step_backward` through it, `explain` a wrong gradient.

It reads any module 7, a half-finished one as well, as far as that goes: a variable is what has
`grad_fn` and `requires_grad`; a `grad_fn` may have `function`, `inputs`, `parameters` and `rules`,
and is called with a gradient and the variable that it belongs to. Nothing here changes a variable,
its ``grad``, or its graph.
"""

from tinytorch.graph.drawing import draw
from tinytorch.graph.explaining import explain
from tinytorch.graph.stepping import step_backward

__all__ = ["draw", "explain", "step_backward"]
