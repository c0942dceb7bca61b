"""What is drawn of a training run, and the texts that stand for it."""

import numpy as np
import pytest

from tinytorch.support.plots import draw_losses, draw_matrix, draw_six

pyplot = pytest.importorskip("matplotlib.pyplot")


def test_losses_are_drawn_and_told_and_other_measures_are_not(axes):
    history = {
        "loss": [2.0, 1.0],
        "validation_loss": [1.5, 1.75],
        "validation_accuracy": [0.1, 0.2],
    }
    text = draw_losses(axes, history)
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert len(axes.lines) == 2 and axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()
    assert "loss goes from 2.00 to 1.00, and is lowest, 1.00, after epoch 2" in text
    assert "validation_loss goes from 1.50 to 1.75, and is lowest, 1.50, after epoch 1" in text


def test_a_matrix_is_drawn_with_its_counts_and_its_mistakes_are_told(axes):
    text = draw_matrix(axes, np.array([[5, 2], [0, 7]]))
    assert [label.get_text() for label in axes.texts] == ["5", "2", "", "7"]
    assert text == "A table of 2 by 2 counts. Off the diagonal: 2 times 0 for 1."
    assert draw_matrix(axes, np.eye(3, dtype=int)).endswith("Off the diagonal: nothing.")


def test_six_runs_are_drawn_and_told():
    figure, axes = pyplot.subplots(2, 3)
    runs = {letter: {"loss": [1.0] * 10, "validation_loss": [2.0] * 10} for letter in "ABCDEF"}
    text = draw_six(axes, runs)
    assert [axis.get_title() for axis in axes.flat] == list("ABCDEF")
    assert all(float(tick).is_integer() for axis in axes.flat for tick in axis.get_xticks())
    assert [axis.get_xlabel() for axis in axes[-1]] == ["epoch"] * 3
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["loss"] * 2
    assert all(line.get_color() != "black" for axis in axes.flat for line in axis.lines)
    assert "F: 1.00 1.00 1.00 1.00, and on new digits 2.00 2.00 2.00 2.00" in text
    pyplot.close(figure)
