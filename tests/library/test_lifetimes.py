"""The chart of lifetimes: each value in its buffer, from its first step to its last."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tinytorch.core.compiler import compile, lifetimes, share_buffers, trace
from tinytorch.graph.showing import lifetimes as charts
from tinytorch.graph.showing.lifetimes import draw_lifetimes

SVG = "{http://www.w3.org/2000/svg}"


def chart(function, *arrays):
    """The chart of a function's program."""
    program = trace(function, *arrays)
    return draw_lifetimes(program, lifetimes(program), *share_buffers(program))


def bars(picture) -> list[tuple[str, float, float, float]]:
    """What each bar says of itself, its left and right end, and its height."""
    found = []
    for group in ET.fromstring(picture.svg).iter(f"{SVG}g"):
        said, box = group.find(f"{SVG}title").text, group.find(f"{SVG}rect")
        left, width = float(box.get("x")), float(box.get("width"))
        found.append((said, left, left + width, float(box.get("y"))))
    return found


def small():
    x = np.ones((3, 3))
    return chart(lambda x: [np.tanh(np.exp(x) @ x + x).T @ x], x)


def test_the_words_say_who_is_where_and_how_long():
    assert repr(small()) == (
        "Lifetimes of 4 values in 2 buffers, over 6 steps. b0 (3, 3): v1 from step 1 to 2. "
        "b1 (3, 3): v2 from step 2 to 3, v3 from step 3 to 4, v4 from step 4 to 6."
    )


def test_a_buffer_is_a_row_and_a_value_a_bar_that_ends_where_the_next_begins():
    said, left, right, height = zip(*bars(small()), strict=True)
    assert said[0] == "v1 (3, 3), from step 1 to 2"
    assert height[0] < height[1] == height[2] == height[3]
    assert right[1] == pytest.approx(left[2], abs=0.2) and right[2] == pytest.approx(
        left[3], abs=0.2
    )
    assert right[0] == pytest.approx(left[1], abs=0.2)


def test_names_stand_in_bars_that_are_wide_enough_and_rows_have_titles():
    text = [t.text for t in ET.fromstring(small().svg).iter(f"{SVG}text")]
    assert {"b0 (3, 3)", "b1 (3, 3)", "v1", "v4", "step", "6"} <= set(text)
    assert "4 values take turns in 2 buffers." in text


def test_a_picture_is_for_light_and_dark_and_has_its_words():
    picture = small()
    assert "prefers-color-scheme:dark" in picture.svg
    assert re.search(r'<img alt="Lifetimes of 4 values', picture._repr_html_())
    assert ET.fromstring(picture.svg).find(f"{SVG}title").text == picture.alt


def test_long_programs_are_cut_and_it_is_said(monkeypatch):
    def long(x):
        for _ in range(1500):
            x = np.tanh(x)
        return [x]

    picture = chart(long, np.ones(3))
    assert "Shown are the first 1,000 of 1,500 steps." in picture.svg
    assert len(bars(picture)) == 1000 and len(picture.alt) < 1000
    monkeypatch.setattr(charts, "MOST_ROWS", 1)
    assert "Shown are the first 1 of 2 buffers." in small().svg and len(bars(small())) == 1


def test_a_program_without_buffers_has_a_chart():
    picture = chart(lambda x: [x[0]], np.ones(3))
    assert picture.alt == "Lifetimes of 0 values in 0 buffers, over 1 steps." and picture.svg


def test_a_compiled_step_draws_its_lines():
    compiled = compile(lambda x, w: [np.tanh(x @ w + x) @ w, np.exp(x).sum()])
    with pytest.raises(RuntimeError, match="call the compiled step once"):
        compiled.draw()
    for _ in range(3):
        compiled(np.ones((4, 4)), np.ones((4, 4)))
    assert compiled.draw().alt.startswith("Lifetimes of 4 values in ")
