"""`step_backward`: the backward pass of a graph, one frame for each operation."""

from __future__ import annotations

import sys

import numpy as np

from tinytorch.graph.reading.names import name_nodes
from tinytorch.graph.reading.nodes import Graph, GraphError, formula, operation_name, read
from tinytorch.graph.reading.numbers import brief, plus
from tinytorch.graph.reading.rules import rule_formula, rule_name
from tinytorch.graph.showing.drawing import MOST, picture_of
from tinytorch.graph.showing.stepper import stepper
from tinytorch.graph.walking_back.backward import Contribution, Step, walk_back


class Steps:
    """The backward pass of a graph, to be stepped through in a notebook.

    Attributes
    ----------
    frames : list of str
        What happens, frame by frame: the start, and then one operation in each.
    gradients : dict
        The gradient of the output by each value at the end, by name.
    """

    def __init__(self, graph: Graph, steps: list[Step]):
        self.graph, self.steps = graph, steps
        self.frames = [beginning(graph), *(told(step, i, steps) for i, step in enumerate(steps, 1))]
        self.gradients = {n.name: n.gradient for n in graph.nodes if n.gradient is not None}

    def _repr_html_(self) -> str:
        if len(self.graph.nodes) > MOST:
            return picture_of(self.graph)._repr_html_() + (
                f"<p>{len(self.steps)} steps are too many to go through; this is the end.</p>"
            )
        return stepper(self.graph, self.steps, self.frames)

    def __repr__(self) -> str:
        return "\n".join([*self.frames, *self.graph.notes])


def step_backward(z, gradient=None) -> Steps:
    """The backward pass from a variable, step by step: which rule gives what, and where it adds up.

    It goes back by the rules of the module that `z` comes from, and keeps what it finds to itself:
    no ``.grad`` changes, the graph is not freed, and hooks are not called.

    Parameters
    ----------
    z : Variable
        The output, before ``backward()`` has freed its graph.
    gradient : array_like, optional
        The gradient to start from, in the shape of `z`; by default ones.

    Returns
    -------
    Steps
        A notebook shows it with one button for each frame; the arrow keys work, too.

    Raises
    ------
    GraphError
        If `z` is no variable, needs no gradient, or `gradient` has another shape.
    """
    caller = sys._getframe(1)
    graph = read(z)
    if not getattr(z, "requires_grad", False):
        raise GraphError(
            "this Variable requires no gradient, so there is no backward pass to step through; "
            "create one of its inputs with requires_grad=True"
        )
    if gradient is not None and np.shape(gradient) != np.shape(graph.output.array):
        raise GraphError(
            f"the gradient has shape {np.shape(gradient)} and the output "
            f"{np.shape(graph.output.array)}; pass one number for each element of the output"
        )
    name_nodes(graph, caller.f_locals, caller.f_globals)
    steps = walk_back(graph, gradient)
    return Steps(graph, steps)


def beginning(graph: Graph) -> str:
    """The first frame: the gradient of the output by itself."""
    name, gradient = graph.output.name, brief(graph.output.gradient)
    return f"Start: {name} changes by itself, so its gradient is {gradient}."


def told(step: Step, number: int, steps: list[Step]) -> str:
    """What happens in a step."""
    node = step.node
    begin = (
        f"Step {number} of {len(steps)}: {node.name} = {formula(node)} ({operation_name(node)}); "
        f"the gradient of {node.name} is complete: {brief(step.gradient)}."
    )
    return "\n".join([begin, *map(sent, step.contributions)])


def sent(contribution: Contribution) -> str:
    """What one input gets, and what that makes of its gradient."""
    node, target, part = contribution.source, contribution.target, brief(contribution.part)
    made = rule_formula(node, contribution.position)
    by = f"by {rule_name(node, contribution.position)}" + (f": {made}" if made else "")
    if contribution.count == 1:
        return f"{target.name} gets the gradient {part}, {by}."
    return (
        f"{target.name} gets another {part}, which is added: "
        f"{plus(contribution.before, contribution.part)} = {brief(contribution.total)}; {by}."
    )
