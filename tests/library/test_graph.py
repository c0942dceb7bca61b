"""Pictures of graphs, the backward pass step by step, and the search for a wrong rule."""

import base64
import importlib.util
import linecache
import re
import xml.etree.ElementTree as ET
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import ROOT, calls_of
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch.core.autograd as autograd
from tinytorch.core.autograd import Variable, concatenate, exp, relu, softmax, tanh
from tinytorch.core.derivatives import Function, checkpoint
from tinytorch.core.layers import Dense
from tinytorch.core.tensor import Tensor
from tinytorch.graph import draw, explain, step_backward
from tinytorch.graph.layout.crossings import crossings, reduce_crossings
from tinytorch.graph.layout.lanes import Box, Lanes
from tinytorch.graph.layout.places import lay_out
from tinytorch.graph.reading.names import name_nodes
from tinytorch.graph.reading.nodes import GraphError, read
from tinytorch.graph.reading.rules import rule_formula, rule_name
from tinytorch.graph.showing.colours import DARK, LIGHT, PAIRS, contrast
from tinytorch.graph.showing.svg import Drawing
from tinytorch.graph.walking_back.backward import walk_back

NODES = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """The lines of text in a picture."""
    return ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{NODES}text")]


def worked_graph():
    x, y = Variable(2.0), Variable(3.0)
    s = x + y
    d = x - y
    return s * d


# Layout: random graphs, in which an edge may be there twice and may pass many layers.


@st.composite
def graphs(draw, largest=40):
    count = draw(st.integers(1, largest))
    edges = []
    for target in range(1, count):
        sources = draw(st.lists(st.integers(0, target - 1), max_size=4))
        edges += [(source, target) for source in sources]
    sizes = [
        (draw(st.floats(20, 200)), draw(st.floats(40, 120)) + 9 * sum(t == i for _, t in edges))
        for i in range(count)
    ]
    return sizes, edges


def large_graph(seed: int, count: int = 200):
    """Two hundred nodes with parallel edges and edges from the first node to far away."""
    rng = np.random.default_rng(seed)
    edges = [(0, target) for target in range(20, count, 20)]
    for target in range(1, count):
        near = rng.integers(max(0, target - 12), target)
        edges += [(near, target)] * int(rng.integers(1, 3))
        edges.append((int(rng.integers(0, target)), target))
    return [(70.0, 140.0)] * count, [(int(a), int(b)) for a, b in edges]


def curve(points):
    """Points along a route: straight pieces and bends by turns."""
    for i in range(len(points) - 1):
        (a0, c0), (a1, c1) = points[i], points[i + 1]
        for t in np.linspace(0, 1, 12):
            if i % 2 == 0:
                yield a0 + t * (a1 - a0), c0 + t * (c1 - c0)
            else:  # a cubic with both handles in the middle
                m = (a0 + a1) / 2
                along = (1 - t) ** 3 * a0 + 3 * t * (1 - t) * m + t**3 * a1
                yield along, c0 + (3 * t**2 - 2 * t**3) * (c1 - c0)


def assert_clear(sizes, edges):
    layout = lay_out(sizes, edges)
    boxes = np.array([[b.along, b.across, b.depth / 2, b.breadth / 2] for b in layout.boxes])
    apart = np.abs(boxes[:, None, :2] - boxes[None, :, :2]) - (
        boxes[:, None, 2:] + boxes[None, :, 2:]
    )
    apart[np.diag_indices(len(boxes))] = np.inf
    assert (apart.max(axis=-1) > 1).all(), "two boxes overlap"
    for (source, target), points in zip(edges, layout.routes, strict=True):
        along, across = np.array(list(curve(points))).T
        inside = (np.abs(along - boxes[:, :1]) < boxes[:, 2:3] - 1e-6) & (
            np.abs(across - boxes[:, 1:2]) < boxes[:, 3:] - 1e-6
        )
        assert not inside.any(), f"the edge {source, target} crosses {np.argwhere(inside)[0]}"
        assert points[0][0] == pytest.approx(boxes[source, 0] + boxes[source, 2])
        assert points[-1][0] == pytest.approx(boxes[target, 0] - boxes[target, 2])
        assert abs(points[-1][1] - boxes[target, 1]) <= boxes[target, 3]
    ends = [
        (edge[1], round(points[-1][1], 3))
        for edge, points in zip(edges, layout.routes, strict=True)
    ]
    assert len(set(ends)) == len(ends), "two edges enter a box at the same place"
    assert (boxes[:, :2] - boxes[:, 2:] > 0).all()
    assert (boxes[:, 0] + boxes[:, 2] < layout.depth).all()
    assert (boxes[:, 1] + boxes[:, 3] < layout.breadth).all()


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_no_edge_crosses_a_box_and_no_boxes_overlap(graph):
    assert_clear(*graph)


@pytest.mark.parametrize("seed", range(5))
def test_also_with_two_hundred_nodes_parallel_and_long_edges(seed):
    assert_clear(*large_graph(seed))


def test_a_tree_has_no_crossings_and_a_chain_is_straight():
    tree = [(2 * i + k, i) for i in range(1, 16) for k in (0, 1)]
    tree = [(31 - a, 31 - b) for a, b in tree]
    lanes = Lanes([Box(10, 10) for _ in range(31)], tree)
    reduce_crossings(lanes)
    assert crossings(lanes) == 0
    chain = lay_out([(20, 60)] * 30, [(i, i + 1) for i in range(29)])
    assert len({round(box.across, 6) for box in chain.boxes}) == 1


# draw


def test_every_node_is_in_the_picture_with_its_operation_value_and_gradient():
    x, y = Variable(2.0), Variable(3.0)
    s = x + y
    d = x - y
    f = s * d
    picture = draw(f)
    found = texts(picture.svg)
    assert found == [
        "x",
        "leaf",
        "value 2",
        "gradient 4",
        "y",
        "leaf",
        "value 3",
        "gradient -6",
        "s = x + y",
        "add",
        "value 5",
        "gradient -1",
        "d = x - y",
        "subtract",
        "value -1",
        "gradient 5",
        "f = s * d",
        "multiply",
        "value -5",
        "gradient 1",
    ]
    assert picture.svg.count('class="edge"') == 6
    assert x.grad is y.grad is None
    f.backward()  # the graph is still there


def test_shapes_stored_gradients_weights_and_constants_are_told_apart():
    layer = Dense(3, 2, np.random.default_rng(0))
    inputs = Variable(np.ones((4, 3), np.float32), requires_grad=False)
    layer.weights.grad = np.ones((3, 2), np.float32)
    out = relu(layer(inputs))[1:, 0].sum()
    svg = draw(out).svg
    found = texts(svg)
    assert "inputs" in found and "constant (4, 3)" in found
    assert "layer.weights" in found and "weight (3, 2)" in found and "layer.bias" in found
    assert ".grad [[1, 1], …]" in found
    assert any(re.fullmatch(r"v\d = v\d\[1:, 0\]", line) for line in found), found
    assert svg.count("stroke-dasharray") == 1  # the constant can be told by its form


def test_an_edge_for_every_use_of_a_value():
    x = Variable(3.0)
    assert draw(x * x + x).svg.count('class="edge"') == 4


def test_the_text_names_every_node_and_every_operation():
    x, y = Variable(2.0), Variable(3.0)
    s = x + y
    d = x - y
    f = s * d
    assert repr(draw(f)) == draw(f).alt
    assert draw(f).alt == (
        "Computational graph of f: 5 nodes, from the inputs to the output. "
        "x, a leaf: value 2, gradient 4. y, a leaf: value 3, gradient -6. "
        "s = x + y, by add: value 5, gradient -1. d = x - y, by subtract: value -1, gradient 5. "
        "f = s * d, by multiply: value -5, gradient 1."
    )


def test_of_a_large_graph_the_text_is_a_summary_with_every_operation():
    z = Variable(0.5)
    for _ in range(20):
        z = tanh(z * z) + 1.0
    alt = draw(z).alt
    assert "61 nodes" in alt and "20 multiply, 20 tanh, 20 add" in alt and len(alt) < 400


class Images(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_a_notebook_shows_an_image_with_its_text():
    f = worked_graph()
    picture = draw(f)
    [(tag, attributes)] = Images(picture._repr_html_()).tags
    assert tag == "img" and attributes["alt"] == picture.alt
    kind, data = attributes["src"].split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == picture.svg


def test_it_can_be_saved(tmp_path):
    f = worked_graph()
    picture = draw(f)
    picture.save(tmp_path / "graph.svg")
    assert ET.parse(tmp_path / "graph.svg").getroot().tag == f"{NODES}svg"


def test_names_are_a_variables_own_or_those_of_the_program():
    x, layers = Variable(1.0), [Variable(2.0), {"w": Variable(3.0)}]
    x.name = "speed"
    assert {"speed", "layers[0]", "layers[1]['w']"} <= set(
        texts(draw(x * layers[0] + layers[1]["w"]).svg)
    )
    assert Variable(1.0).name is None


def test_a_name_from_outside_is_escaped():
    x = Variable(1.0)
    x.name = '<script>alert("&")</script>'
    z = x * 2.0
    picture, steps = draw(z), step_backward(z)
    for html in (picture._repr_html_(), steps._repr_html_(), x._repr_html_(), picture.svg):
        assert "<script" not in html.lower()
    assert x.name in texts(picture.svg)
    assert x.name in unescape(picture._repr_html_())


def test_beyond_two_hundred_nodes_chains_are_folded_and_it_says_so():
    w = Variable(np.ones(3))
    x = z = Variable(np.ones(3))
    for _ in range(150):
        z = tanh(z * w)
    picture = draw(z + x)
    found = texts(picture.svg)
    assert "300 operations (150 multiply, 150 tanh)" in picture.alt
    assert any("303 nodes are too many for one picture" in line for line in found)
    assert {"x", "z and 300 before", "out = z + x"} <= set(found), found


def test_what_cannot_be_folded_into_chains_is_folded_from_the_beginning():
    rng, values = np.random.default_rng(0), [Variable(1.0), Variable(2.0)]
    for _ in range(400):
        a, b = rng.choice(len(values[-30:]), 2)
        values.append(values[-30:][a] + values[-30:][b])
    z = values[-1]
    for value in values[-30:-1]:
        z = z + value
    picture = draw(z)
    assert "that were computed first are one box" in picture.alt
    assert len(re.findall('<g class="', picture.svg)) <= 200


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_nodes_have_a_picture_with_all_their_edges(seed):
    z, _ = random_computation(seed, 150)
    graph = read(z)
    name_nodes(graph)
    picture = draw(z)
    if len(graph.nodes) <= 200:
        assert picture.svg.count('class="edge"') == len(graph.edges)
        assert len(re.findall(r'<tspan class="name">', picture.svg)) == len(graph.nodes)
    ET.fromstring(picture.svg)


def test_a_freed_graph_is_said_to_be_freed():
    f = worked_graph()
    f.backward()
    assert "f = multiply(freed)" in draw(f).alt and "was freed by backward()" in draw(f).alt


@pytest.mark.parametrize("thing", [3.0, np.ones(2), Tensor([1.0]), None, "z"])
def test_what_has_no_graph_is_refused_in_one_sentence(thing):
    for look in (draw, step_backward):
        with pytest.raises(GraphError, match="only behind a Variable") as error:
            look(thing)
        assert error.value._render_traceback_() == [str(error.value)]


def test_a_function_as_grad_fn_ends_the_picture_with_a_note():
    x = Variable(2.0)
    z = Variable(4.0, grad_fn=lambda grad: x.backward(2 * grad))
    y = z * 3.0
    assert "cannot be asked for its parts" in draw(y).alt
    assert x.grad is None


def test_a_half_finished_module_is_drawn_as_far_as_it_goes():
    class Note:
        function, parameters = np.multiply, {}

        def __init__(self, inputs):
            self.inputs = inputs

        def __call__(self, grad, out):
            raise NotImplementedError()

    class Early:
        def __init__(self, data, grad_fn=None):
            self.data, self.grad_fn, self.requires_grad = np.asarray(data), grad_fn, True

    x = Early(2.0)
    z = Early(4.0, Note((x, x)))
    assert draw(z).alt.endswith("z = x * x, by multiply: value 4.")
    text = repr(step_backward(z)).lower()
    assert "the gradient ends at z: multiply gave NotImplementedError".lower() in text


NOTEBOOK = """
from tinytorch.core import autograd

class Variable(autograd.VariableMethods):
    __init__, __apply__ = autograd.Variable.__init__, staticmethod(autograd.record)
    def backward(self, gradient=None):
        backward(self, gradient)
"""
UNFINISHED = """
def propagate(gradients, nodes, retain_graph=False):
    while nodes:
        node = nodes.popleft()
        raise NotImplementedError()
"""
FINISHED = """
def propagate(gradients, nodes, retain_graph=False):
    raise RuntimeError("nobody runs it for a picture")
"""


@pytest.mark.parametrize(
    "later, gradient", [("", False), (UNFINISHED, False), (UNFINISHED + FINISHED, True)]
)
def test_a_picture_has_gradients_once_there_is_a_backward_pass(later, gradient):
    names = {"__name__": "notebook"}
    exec(NOTEBOOK + later, names)
    x, seven = names["Variable"](2.0), Variable(7.0)
    operation = autograd.Operation(np.multiply, (x, seven), [2.0, 7.0], {})
    z = names["Variable"](14.0, grad_fn=operation)
    assert ("gradient 7" in draw(z).alt) is gradient
    assert "x, a leaf: value 2" in draw(z).alt
    assert float(step_backward(z).gradients["x"]) == 7  # asked for


def test_a_checkpoint_is_one_box_whose_inputs_are_all_that_it_reads():
    layer, x = Dense(3, 2, np.random.default_rng(0)), Variable(X)

    def part(x):
        return tanh(layer(x * 2.0))

    z = (checkpoint(part, x) * 3.0).sum()
    assert "v1 = part(x, layer.weights, layer.bias), by part of shape (2,)" in draw(z).alt
    steps = step_backward(z)
    assert layer.weights.grad is x.grad is None
    assert explain(lambda x: (checkpoint(part, x) * 3.0).sum(), X).agrees
    z.backward()
    np.testing.assert_allclose(steps.gradients["x"], x.grad, rtol=1e-6)
    np.testing.assert_allclose(steps.gradients["layer.weights"], layer.weights.grad, rtol=1e-6)


def test_what_only_has_inputs_and_can_be_called_is_gone_through():
    """Such as a checkpoint: one box for all that was computed in it."""

    class Checkpoint:
        def __init__(self, *inputs):
            self.inputs = inputs

        def __call__(self, grad, out):
            assert out.shape == (2,)
            return [3 * grad, None, grad.sum()]

        def free(self):
            pass

    x, w, b = Variable([1.0, 2.0]), Variable([0.0, 0.0], requires_grad=False), Variable(1.0)
    z = (Variable([3.0, 6.0], grad_fn=Checkpoint(x, w, b)) * 2.0).sum()
    alt, steps = draw(z).alt, step_backward(z)
    assert "v1 = Checkpoint(x, w, b), by Checkpoint of shape (2,)" in alt
    np.testing.assert_array_equal(steps.gradients["x"], [6.0, 6.0])
    assert float(steps.gradients["b"]) == 4 and "w" not in steps.gradients
    assert "x gets the gradient [6, 6], by Checkpoint.backward." in repr(steps)
    compute = lambda x: Variable(3 * x.data.data, grad_fn=Checkpoint(x, w, b)).sum()  # noqa: E731
    assert explain(compute, np.array([1.0, 2.0])).agrees


def test_no_colour_is_hard_to_see():
    for colours in (LIGHT, DARK):
        low = [(a, b, contrast(colours[a], colours[b])) for a, b in PAIRS]
        assert not [pair for pair in low if pair[2] < 4.5]
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    used = set(re.findall(r"var\(--([a-z-]+)\)", draw(worked_graph()).svg))
    assert used <= set(LIGHT) and set(LIGHT) == set(DARK)


def test_a_graph_four_times_as_large_takes_no_more_than_six_times_the_work_to_draw():
    """Counted in calls, not in time (benchmarks/graph.py does that)."""
    small, large = (calls_of_drawing(random_computation(0, count)[0]) for count in (75, 300))
    assert large < 6 * small
    assert large < 300 * 1500


def calls_of_drawing(z) -> int:
    """How many functions are called to draw a graph, after a first time."""
    draw(z)
    return calls_of(lambda: draw(z))


# step_backward


def random_computation(seed: int, count: int):
    """A variable computed by `count` random operations on arrays that broadcast, and its leaves."""
    rng = np.random.default_rng(seed)
    leaves = [Variable(rng.normal(size=shape)) for shape in ((), (3,), (2, 1), (2, 3))]
    values = list(leaves)
    choices = [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: tanh(a) * b,
        lambda a, b: a * a,
        lambda a, b: -a,
        lambda a, b: softmax(a) if a.ndim else exp(tanh(a)),
        lambda a, b: a.sum() + b,
        lambda a, b: concatenate([a.reshape(-1), a.reshape(-1)])[: a.size].reshape(a.shape),
    ]
    while len(values) < count:
        a, b = (values[max(0, len(values) - 1 - int(i))] for i in rng.integers(0, 8, 2))
        values.append(choices[rng.integers(len(choices))](a, b))
    z = values[-1]
    for leaf in leaves:
        z = z + leaf
    return z.sum(), leaves


@pytest.mark.parametrize("seed", range(15))
def test_the_last_gradients_are_those_of_backward_and_nothing_was_touched(seed):
    z, leaves = random_computation(seed, 25)
    for i, leaf in enumerate(leaves):
        leaf.name = f"leaf{i}"
    leaves[1].grad = kept = np.full(3, 7.0)
    steps = step_backward(z)
    assert leaves[1].grad is kept and (kept == 7).all()
    assert [leaf.grad is None for leaf in leaves] == [True, False, True, True]
    leaves[1].grad = None
    z.backward()
    for leaf in leaves:
        np.testing.assert_allclose(steps.gradients[leaf.name], leaf.grad, rtol=1e-12, atol=1e-12)


def test_a_frame_tells_the_rule_the_parts_and_the_sum():
    x, y = Variable(2.0), Variable(3.0)
    s = x + y
    d = x - y
    f = s * d
    steps = step_backward(f)
    assert steps.frames == [
        "Start: f changes by itself, so its gradient is 1.",
        "Step 1 of 3: f = s * d (multiply); the gradient of f is complete: 1.\n"
        "s gets the gradient -1, by the rule of multiply for input 0 (x): grad * y.\n"
        "d gets the gradient 5, by the rule of multiply for input 1 (y): grad * x.",
        "Step 2 of 3: d = x - y (subtract); the gradient of d is complete: 5.\n"
        "x gets the gradient 5, by the rule of subtract for input 0 (x): grad.\n"
        "y gets the gradient -5, by the rule of subtract for input 1 (y): -grad.",
        "Step 3 of 3: s = x + y (add); the gradient of s is complete: -1.\n"
        "x gets another -1, which is added: 5 + (-1) = 4; "
        "by the rule of add for input 0 (x): grad.\n"
        "y gets another -1, which is added: -5 + (-1) = -6; "
        "by the rule of add for input 1 (y): grad.",
    ]
    assert repr(steps) == "\n".join(steps.frames)


def formula_of(rule, positions=(0,)):
    """What is told about the rule of an operation with inputs a and b, or with a alone."""
    a, b = Variable(2.0), Variable(3.0)
    given = (a, b)[: max(positions) + 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(autograd.RULES, np.hypot, dict.fromkeys(positions, rule))
        function = np.hypot if len(given) == 2 else np.cbrt
        patch.setitem(autograd.RULES, np.cbrt, {0: rule})
        node = read(autograd.record(function, *given)).output
    return [(rule_name(node, i), rule_formula(node, i)) for i in range(len(given))]


def shorter(rule):
    """A rule made from a rule, as for vectors."""

    def made(grad, out, x, y):
        return rule(grad, out, x, y)

    return made


def by_several_lines(grad, out, x, y):
    twice = 2 * grad
    # the last line
    return twice * x


def test_a_rule_is_named_by_its_function_its_input_and_its_own_word_for_it():
    first, second = formula_of(lambda grad, out, one, two: grad * two, (0, 1))
    assert first == ("the rule of hypot for input 0 (one)", "grad * two")
    assert second[0] == "the rule of hypot for input 1 (two)"
    assert formula_of(lambda grad, out, x: grad)[0] == ("the rule of cbrt", "grad")


def test_a_formula_is_shown_where_it_is_one_short_expression():
    one, two = lambda grad, out, x, y: grad * x, lambda grad, out, x, y: grad * y
    assert formula_of(one, (0, 1))[0][1] == "grad * x"  # two in a line are told apart
    assert formula_of(two, (0, 1))[0][1] == "grad * y"
    several = lambda grad, out, x, y: (  # noqa: E731
        grad * (x + y)  # a remark
    )
    assert formula_of(several, (0, 1))[0][1] == "grad * (x + y)"
    assert formula_of(by_several_lines, (0, 1))[0][1] == "twice * x"
    assert formula_of(shorter(one), (0, 1))[0] == ("the rule of hypot for input 0 (x)", "")
    long = lambda grad, out, x, y: grad * x + grad * x - grad * x + grad * x - grad * x + grad * x  # noqa: E731
    assert formula_of(long, (0, 1))[0][1] == ""
    without_a_text = eval("lambda grad, out, x, y: grad")
    assert formula_of(without_a_text, (0, 1))[0][1] == ""


def test_a_rule_of_a_notebook_has_its_formula():
    cell = "def rules():\n    return [\n        lambda grad, out, x, y: grad / y,\n    ]\n"
    linecache.cache["<cell 7>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 7>")
    names: dict = {}
    exec(compile(cell, "<cell 7>", "exec"), names)
    assert formula_of(names["rules"]()[0], (0, 1))[0][1] == "grad / y"


def test_a_stepper_has_a_labelled_radio_button_for_each_frame_and_no_script():
    f = worked_graph()
    steps = step_backward(f)
    html = steps._repr_html_()
    tags = Images(html).tags
    radios = [attributes for tag, attributes in tags if tag == "input"]
    assert len(radios) == len(steps.frames) == 4
    assert all(r["type"] == "radio" and r["aria-label"] for r in radios)
    labels = [attributes["for"] for tag, attributes in tags if tag == "label"]
    assert labels == [r["id"] for r in radios]
    assert len({r["name"] for r in radios}) == 1
    assert ["checked" in r for r in radios] == [True, False, False, False]
    assert "script" not in html and not any(k.startswith("on") for _, a in tags for k in a)
    assert all(attributes["alt"] for tag, attributes in tags if tag == "img")


def test_two_steppers_share_no_names():
    f = worked_graph()
    steps = step_backward(f)
    one, other = steps._repr_html_(), steps._repr_html_()
    ids = [{a["id"] for _, a in Images(html).tags if "id" in a} for html in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    rules = re.search("<style>(.*?)</style>", one)[1]
    name = re.search(r'<div id="([^"]+)"', one)[1]
    selectors = re.findall(r"(?:^|})([^{}@]+){", rules)
    assert all(name in selector for selector in selectors), selectors


def test_where_styles_are_stripped_the_end_and_the_words_remain():
    f = worked_graph()
    html = step_backward(f)._repr_html_()
    tags = Images(html).tags
    assert ("div", {"class": "stage", "hidden": "hidden"}) in tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 1 and "gradient -6" in images[0]["alt"]
    assert html.count("<li>") == 4


def test_a_start_of_ones_own_and_bad_ones():
    x = Variable(np.array([1.0, 2.0]))
    z = x * 3.0
    np.testing.assert_array_equal(step_backward(z, [1.0, 10.0]).gradients["x"], [3.0, 30.0])
    np.testing.assert_array_equal(step_backward(z).gradients["x"], [3.0, 3.0])
    with pytest.raises(GraphError, match=r"shape \(3,\) and the output \(2,\)"):
        step_backward(z, np.ones(3))
    with pytest.raises(GraphError, match="requires no gradient"):
        step_backward(z.detach())


def test_a_large_graph_shows_the_end_only():
    z = Variable(1.0)
    for _ in range(250):
        z = z * 1.01
    html = step_backward(z)._repr_html_()
    assert "250 steps are too many" in html and "<input" not in html


def test_a_hook_is_not_called():
    x = Variable(2.0)
    y = x * x
    y.register_hook(lambda grad: pytest.fail("called"))
    step_backward(y * 3.0)


# explain


X, W = np.array([0.3, -1.2, 2.0]), np.random.default_rng(0).normal(size=(3, 4))
WRONG = {
    "a forgotten factor": (np.tanh, 0, lambda grad, out, x: 1 - out * out, "grad were missing"),
    "a wrong sign": (np.subtract, 1, lambda grad, out, x, y: grad, "wrong way round"),
    "a wrong multiple": (np.power, 0, lambda grad, out, x, y: grad * x ** (y - 1), "0.5 times"),
    "a wrong matrix": (np.matmul, 1, lambda grad, out, x, y: x[:, None] + grad[None], ""),
    "zero": (np.exp, 0, lambda grad, out, x: 0 * grad, "zero everywhere"),
    "a wrong shape": (np.sum, 0, lambda grad, out, x, axis=None, keepdims=False: grad, "shape ()"),
    "an error": (np.mean, 0, lambda *_, **__: 1 / 0, "ZeroDivisionError"),
}


def whole(x, w):
    return tanh(x @ w).sum() * 2 - (exp(x) - x**2).mean()


def test_explain_says_that_all_agree():
    found = explain(whole, X, W)
    assert found.agrees and found.rule is None
    assert repr(found).startswith("All agree") and "9 operations" in found.text
    assert len(found.text.splitlines()) == 1


@pytest.mark.parametrize("mistake", WRONG)
def test_explain_finds_the_rule_that_is_wrong(mistake, monkeypatch):
    function, position, rule, hint = WRONG[mistake]
    monkeypatch.setitem(autograd.RULES[function], position, rule)
    found = explain(whole, Variable(X), W)
    assert not found.agrees and found.rule.startswith(f"the rule of {function.__name__}")
    assert hint in found.text and len(found.text.splitlines()) <= 5
    assert "Traceback" not in found.text


def test_explain_names_the_first_of_two_along_the_graph(monkeypatch):
    for function in (np.tanh, np.exp):
        monkeypatch.setitem(autograd.RULES[function], 0, lambda grad, out, x: grad * 3)
    assert "tanh" in explain(lambda x: exp(tanh(x)).sum(), X).text
    assert "exp" in explain(lambda x: tanh(exp(x)).sum(), X).text


def test_explain_gives_both_numbers(monkeypatch):
    monkeypatch.setitem(autograd.RULES[np.multiply], 1, lambda grad, out, x, y: grad * x * 2)
    text = explain(lambda x, y: x * y, 3.0, 4.0).text
    ruled = float(re.search(r"the rule gives +(\S+)", text)[1])
    right = float(re.search(r"central difference +(\S+)", text)[1])
    assert ruled == pytest.approx(2 * right, rel=1e-6) and "2 times" in text


def test_explain_judges_an_operation_of_ones_own():
    class Cube(Function):
        factor = 3.0

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * Cube.factor * x * x

    assert explain(lambda x: Cube.apply(x * 2).sum(), X).agrees
    Cube.factor = 2.0
    found = explain(lambda x: Cube.apply(x * 2).sum(), X)
    assert found.rule == "Cube.backward" and "0.6667 times" in found.text


def test_explain_finds_what_was_not_recorded_and_what_was_added_wrongly(monkeypatch):
    text = explain(lambda x: (x * x.detach()).sum(), X).text
    assert "without being recorded" in text

    monkeypatch.setattr(autograd, "plus", lambda total, share: share)
    text = explain(lambda x: (x * x).sum(), X).text
    assert "Every rule agrees" in text and "propagate" in text


def test_explain_passes_no_judgement_at_a_corner():
    assert explain(lambda x: relu(x).sum(), [0.0, 1.0, -1.0]).agrees


def test_explain_leaves_gradients_alone():
    layer, x = Dense(3, 2, np.random.default_rng(0)), Variable(X)
    layer.weights.grad = kept = np.ones((3, 2), np.float32)
    x.grad = np.ones(3)
    assert explain(lambda x: tanh(layer(x)).sum(), x).agrees
    assert layer.weights.grad is kept and (kept == 1).all() and layer.bias.grad is None
    assert (x.grad == 1).all()


def test_explain_refuses_what_gives_no_variable():
    with pytest.raises(GraphError, match="returned a float"):
        explain(lambda x: 1.0, X)


# The table of a tensor or a variable


def rows(x) -> dict[str, str]:
    found = re.findall(r"<th[^>]*>(.*?)</th><td[^>]*><pre[^>]*>(.*?)</pre>", x._repr_html_(), re.S)
    return {key: unescape(value) for key, value in found}


def test_a_tensor_is_a_table_in_a_notebook_and_one_line_elsewhere():
    x = Tensor([[1, 2], [3, 4]])
    assert rows(x) == {"value": "[[1., 2.],\n [3., 4.]]", "shape": "(2, 2)", "dtype": "float32"}
    assert repr(x) == "Tensor([[1., 2.], [3., 4.]])"
    assert str(x) == "Tensor([[1., 2.],\n        [3., 4.]])"


def test_a_variable_shows_its_gradient_and_its_origin():
    x = Variable(np.array([1.0, 2.0]))
    x.name = "<x>"
    assert rows(x)["gradient"] == "none yet" and rows(x)["name"] == "<x>"
    z = (x * x).sum()
    assert (
        rows(z)["grad_fn"] == "<sum(Variable(2,), axis=None, keepdims=False)>"
        or "<sum" in (rows(z)["grad_fn"])
    )
    z.backward()
    assert rows(x) == {
        "name": "<x>",
        "value": "[1., 2.]",
        "shape": "(2,)",
        "dtype": "float64",
        "gradient": "[2., 4.]",
        "grad_fn": "none: a leaf",
    }


def test_long_arrays_are_cut():
    x = Variable(np.zeros((2000, 50)))
    assert len(repr(x)) < 400 and "..." in repr(x) and "\n" not in repr(x)
    assert "..." in rows(x)["value"]


def test_the_pictures_of_the_docs_are_those_that_draw_makes_now(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "benchmarks" / "graph.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    document = (ROOT / "docs" / "graph.md").read_text(encoding="utf-8")
    for name, (_, make) in pictures.GRAPHS.items():
        assert re.search(rf"!\[[^]]{{100,}}\]\(images/graph-{name}\.svg\)", document)
        kept = (ROOT / "docs" / "images" / f"graph-{name}.svg").read_text(encoding="utf-8")
        new = pictures.picture(make)
        words = [
            [re.sub(r"(value|gradient) .*", r"\1", t) for t in texts(svg)] for svg in (kept, new)
        ]
        assert words[0] == words[1], "run python benchmarks/graph.py"


def test_walking_back_gives_every_node_its_gradient():
    f = worked_graph()
    graph = read(f)
    name_nodes(graph)
    walk_back(graph)
    assert [float(node.gradient) for node in graph.nodes] == [4, -6, -1, 5, 1]
    assert Drawing(graph).full_width > 0
