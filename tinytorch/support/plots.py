"""Drawing how training went, on axes of matplotlib; each function gives what is to be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

STYLES = "-", "--", ":", "-."
GREY = "#7a7a7a"  # can be read on a white and on a dark page


def draw_losses(axes: Any, history: Mapping[str, Sequence[float]]) -> str:
    """Draw the losses of a history against the epoch; gives the text for those who cannot see."""
    texts = []
    losses = {name: values for name, values in history.items() if name.endswith("loss")}
    for (name, values), style in zip(losses.items(), STYLES, strict=False):
        axes.plot(range(1, len(values) + 1), values, style, label=name)
        lowest = int(np.argmin(values))
        texts.append(
            f"{name} goes from {values[0]:.2f} to {values[-1]:.2f}, and is lowest, "
            f"{values[lowest]:.2f}, after epoch {lowest + 1}"
        )
    axes.set_xlabel("epoch")
    axes.locator_params(axis="x", integer=True)
    axes.legend()
    return f"Losses against the epoch: {'; '.join(texts)}."


def draw_matrix(axes: Any, matrix: np.ndarray) -> str:
    """Draw a confusion matrix as a table; gives the text for those who cannot see."""
    most = max(1, int((matrix - np.diag(np.diag(matrix))).max()))
    axes.imshow(matrix, cmap="Blues", vmax=4 * most)
    classes = range(len(matrix))
    axes.set(xlabel="taken for", ylabel="is", xticks=classes, yticks=classes)
    mistakes = []
    for (row, column), count in np.ndenumerate(matrix):
        colour = "white" if count > 2 * most else "#222222"
        axes.text(column, row, count or "", ha="center", va="center", color=colour)
        if count and row != column:
            mistakes.append(f"{count} times {row} for {column}")
    size = f"{len(matrix)} by {len(matrix)}"
    return f"A table of {size} counts. Off the diagonal: {', '.join(mistakes) or 'nothing'}."


def draw_six(axes: Any, histories: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Draw two losses of each of six runs; gives the text for those who cannot see."""
    texts = []
    for axis, (letter, history) in zip(np.ravel(axes), histories.items(), strict=True):
        for values, style in zip(history.values(), STYLES, strict=False):
            axis.plot(range(1, len(values) + 1), values, style)
        axis.axhline(np.log(10), color=GREY, linestyle="-.", linewidth=0.8)
        axis.set(title=letter, ylim=(0, 4))
        axis.locator_params(axis="x", integer=True)
        rows = [" ".join(f"{v:.2f}" for v in values[::3]) for values in history.values()]
        texts.append(f"{letter}: {rows[0]}, and on new digits {rows[1]}")
    for axis in np.atleast_2d(axes)[-1]:
        axis.set_xlabel("epoch")
    for axis in np.atleast_2d(axes)[:, 0]:
        axis.set_ylabel("loss")
    return f"Two losses after epochs 1, 4, 7 and 10, in six plots. {'; '.join(texts)}."
