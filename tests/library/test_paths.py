"""What is drawn of optimizers, the texts that stand for it, and what they cost."""

import numpy as np
import pytest

from tinytorch.core.networks import MLP, count_parameters
from tinytorch.core.optimizers import SGD, Adam, CosineLR, StepLR
from tinytorch.core.training import SGD as PLAIN
from tinytorch.support.paths import (
    draw_costs,
    draw_curves,
    draw_paths,
    draw_schedules,
    draw_sweep,
    ravine,
)
from tinytorch.support.races import costs_of, digits_batches, ravine_paths

pyplot = pytest.importorskip("matplotlib.pyplot")


def test_paths_are_drawn_with_the_steps_that_they_take(axes):
    text = draw_paths(axes, ravine, ravine_paths(SGD))
    labels = [t.get_text() for t in axes.get_legend().get_texts()]
    assert labels[0] == "plain, lr 0.019: 343 steps" and len(labels) == 4
    styles = [line.get_linestyle() for line in axes.lines[::2]]
    assert len(set(styles)) == 4
    assert "Nesterov 0.9, lr 0.01 ends at (0.00, 0.00), 61 steps" in text


def test_names_of_paths_are_above_the_map_and_its_axes_are_named(axes):
    draw_paths(axes, ravine, ravine_paths(SGD))
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")


def test_a_path_that_does_not_arrive_says_so(axes):
    text = draw_paths(axes, ravine, {"still": np.ones((3, 2))})
    assert "still ends at (1.00, 1.00), not in 2" in text


def test_schedules_are_drawn_by_their_names_and_told_with_their_settings(axes):
    text = draw_schedules(axes, [CosineLR(100), StepLR(50, 0.5)], 101)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["CosineLR", "StepLR"]
    assert "CosineLR(steps=100, floor=0.0) has 1.00, 0.85, 0.50, 0.00" in text


def test_a_sweep_is_drawn_on_a_scale_of_factors(axes):
    text = draw_sweep(axes, [0.001, 0.01, 0.1], [2.0, 1.0, 5.0])
    assert axes.get_xscale() == "log"
    assert "2.00 at 1.0e-03, lowest, 1.00, at 1.0e-02, and 5.00 at the end, at 1.0e-01" in text


def test_epochs_of_curves_are_whole_numbers(axes):
    text = draw_curves(axes, {"one": np.linspace(1, 0.1, 20), "two": np.linspace(2, 0.2, 20)})
    assert {t % 1 for t in axes.get_xticks()} == {0}
    assert "two goes from 2.000 to 0.200" in text


def test_memory_is_counted_in_multiples_of_the_weights():
    costs = costs_of(
        {
            "plain": lambda p: PLAIN(p, 0.1),
            "SGD": lambda p: SGD(p, 0.1),
            "Adam": lambda p: Adam(p, 0.1),
        }
    )
    assert [round(memory) for memory, _ in costs.values()] == [0, 1, 2]
    assert count_parameters(MLP([784, 128, 64, 10])) == 109_386
    figure, both = pyplot.subplots(1, 2)
    text = draw_costs(both, costs)
    pyplot.close(figure)
    assert "Adam 2.0 and" in text


def test_batches_of_digits_are_in_the_order_of_their_seed():
    first, again, other = (next(iter(digits_batches(seed)[0]))[1] for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
    train, test = digits_batches()
    assert (len(train.dataset), len(test.dataset), len(train)) == (1437, 360, 23)
