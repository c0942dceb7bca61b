"""Seeing a computation: `draw` its graph, `step_backward` through it, `explain` a wrong gradient.

It reads any module 7, a half-finished one as well, as far as that goes: a variable is what has
`grad_fn` and `requires_grad`; a `grad_fn` may have `function`, `inputs`, `parameters` and `rules`,
and is called with a gradient and the variable that it belongs to. Nothing here changes a variable,
its ``grad``, or its graph.
"""

from tinytorch.graph.showing.drawing import draw
from tinytorch.graph.showing.stepping import step_backward
from tinytorch.graph.walking_back.explaining import explain

__all__ = ["draw", "explain", "step_backward"]
