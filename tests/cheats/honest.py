"""Solutions and cells as honest students write them; each is to get all points and no flag.

They differ from the reference in the algorithm, the names, the style, or in what stands around
them. Those of one module are handed in together, each for another exercise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nbformat.v4 import new_code_cell, new_markdown_cell


@dataclass(frozen=True)
class Variant:
    """One way to be honest.

    Attributes
    ----------
    module, exercise : str
        What it solves.
    source : str
        The exercise's cell, without its directive; where it is empty, that of the reference.
    instead : dict
        What stands in the cell instead of some lines of the reference's.
    before, after : tuple of str
        Cells of the student's own, right before and after the exercise's.
    """

    module: str
    exercise: str
    source: str = ""
    instead: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def put_in(nb: dict, variant: Variant) -> None:
    """Put a variant into a notebook with all solutions."""
    number, cell = next(
        (n, c)
        for n, c in enumerate(nb["cells"])
        if c["metadata"].get("nbgrader", {}).get("grade_id") == variant.exercise
    )
    if variant.source:
        directive = "#| export\n" if cell["source"].startswith("#| export") else ""
        cell["source"] = directive + variant.source
    for line, other in variant.instead.items():
        assert line in cell["source"], line
        cell["source"] = cell["source"].replace(line, other)
    nb["cells"][number : number + 1] = [
        *map(_own_cell, variant.before),
        cell,
        *map(_own_cell, variant.after),
    ]


def _own_cell(text: str) -> dict:
    is_text = text.startswith("# Notes")
    return dict(new_markdown_cell(text) if is_text else new_code_cell(text))


TENSOR = {
    "looks at the type in another way": Variant(
        "01_tensor",
        "as-array",
        '''
def as_array(data, dtype=None):
    """my version, see notes of week 1"""
    given = getattr(data, "dtype", None)
    try:
        arr = np.asarray(data)
    except ValueError as problem:
        raise ValueError("rows are not equally long, pad or cut them") from problem
    # bool is fine too, it turns into 0. and 1.
    kinds = (np.integer, np.floating, np.bool_)
    if not any(np.issubdtype(arr.dtype, kind) for kind in kinds):
        raise TypeError("only real numbers, please: " + str(arr.dtype))
    if dtype is not None:
        wanted = np.dtype(dtype)
    elif given is not None and np.issubdtype(given, np.floating):
        wanted = given
    else:
        wanted = np.float32
    if arr.dtype == wanted:
        return arr
    return arr.astype(wanted)
''',
        after=(
            "# Notes\n\nA list has no dtype! <b>Remember</b>: `hasattr(data, 'dtype')`",
            "%timeit as_array([1, 2, 3])\nprint(as_array([1, 2]))\n!echo hello",
        ),
    ),
    "keeps its own order and hints": Variant(
        "01_tensor",
        "tensor",
        instead={
            "        self.data = as_array(data, dtype)\n": "",
            "        self.grad = None\n": "        self.grad: np.ndarray | None = None\n"
            "        self.data: np.ndarray = as_array(data, dtype=dtype)\n",
            "return self.data.shape": "return tuple(len_ for len_ in np.shape(self.data))",
            "return self.data.ndim": "return len(self.shape)",
            "return self.data.size": "return int(np.prod(self.shape, dtype=int))",
        },
    ),
    "goes from the right with itertools, and prints": Variant(
        "01_tensor",
        "broadcast-shape",
        """
import itertools


def broadcast_shape(a, b):
    out = []
    for i, (m, n) in enumerate(itertools.zip_longest(reversed(a), reversed(b), fillvalue=1)):
        print("axis", i, "from the right:", m, n)  # to see what happens
        if m == 1:
            out.append(n)
        elif n == 1 or m == n:
            out.append(m)
        else:
            raise ValueError(f"{a} and {b}: {m} does not go with {n}")
    return tuple(reversed(out))
""",
        before=(
            "from IPython.display import HTML, display\nrows = ''.join(f'<tr><td>{n}</td><td>{n**2}</td></tr>' "
            "for n in range(4))\ndisplay(HTML(f'<table>{rows}</table>'))",
        ),
    ),
    "has a helper in a cell of its own": Variant(
        "01_tensor",
        "apply",
        """
def apply(function, *inputs, **parameters):
    clever = [m for m in map(handler_of, [*inputs, *parameters.values()]) if m is not None]
    if len(clever) > 0:
        return clever[0](function, *inputs, **parameters)
    result = compute(function, *arrays_of(inputs), **parameters)
    return Tensor(result, dtype=result.dtype)
""",
        before=(
            "#| export\ndef arrays_of(things):\n    return list(map(value, things))",
            "import time\nbegin = time.perf_counter()\nnp.ones((50, 50)) @ np.ones((50, 50))\n"
            "print('seconds', time.perf_counter() - begin)",
        ),
    ),
    "makes methods with a function": Variant(
        "01_tensor",
        "arithmetic",
        instead={
            "@extend(Tensor)": "import functools\n\n\ndef method_of(function):\n"
            "    @functools.wraps(function)\n    def method(self, other):\n"
            "        return apply(function, self, other)\n\n    return method\n\n\n"
            "plus = method_of(np.add)\n\n\n@extend(Tensor)",
            "return apply(np.add, self, other)": "return plus(self, other)",
        },
        after=(
            "import sys\nfrom io import StringIO\nbefore = sys.stdout\nsys.stdout = StringIO()\n"
            "print(Tensor([1.0]) + 1)\ntext, sys.stdout = sys.stdout.getvalue(), before\nprint(len(text))",
        ),
    ),
    "collects its settings in a dictionary": Variant(
        "01_tensor",
        "reductions",
        instead={
            "return apply(np.sum, self, axis=axis, keepdims=keepdims)": "settings = dict(axis=axis, "
            "keepdims=keepdims)\n        return apply(np.sum, self, **settings)",
        },
        after=(
            "import random\nrandom.seed(1)\nTensor([random.random() for _ in range(9)]).mean()",
        ),
    ),
    "turns the operands round": Variant(
        "01_tensor",
        "reflected",
        instead={
            "return apply(np.subtract, other, self)": "left, right = other, self\n        return apply(np.subtract, *[left, right])",
        },
    ),
    "computes column by column": Variant(
        "01_tensor",
        "standardise",
        """
import math


def standardise(table: Tensor) -> Tensor:
    old = np.asarray(table)
    new = np.zeros_like(old)
    n_rows, n_columns = old.shape
    for j in range(n_columns):
        middle = sum(old[:, j]) / n_rows
        spread = math.sqrt(sum((number - middle) ** 2 for number in old[:, j]) / n_rows)
        if min(old[:, j]) == max(old[:, j]):
            continue  # nothing unusual about it
        for i in range(n_rows):
            new[i, j] = (old[i, j] - middle) / spread
    return Tensor(new)
""",
        after=(
            "import matplotlib.pyplot as plt\nplt.rcParams['figure.figsize'] = (3, 2)\n"
            "fig, ax = plt.subplots()\nax.plot(np.asarray(standardise(Tensor([[1.0, 2], [3, 5]]))))\nplt.show()",
        ),
    ),
}

ACTIVATIONS = {
    "writes a matrix product with einsum": Variant(
        "02_activations",
        "collapse",
        "def collapse(w1, b1, w2, b2):\n    weights = np.einsum('ij,jk->ik', w1, w2)\n"
        "    bias = b2 + np.dot(b1, w2)\n    return (weights, bias)\n",
    ),
    "clips": Variant("02_activations", "relu", "def relu(x):\n    return np.clip(x, 0, None)\n"),
    "plots in the exercise's cell": Variant(
        "02_activations",
        "plain-sigmoid",
        """
import matplotlib.pyplot as plt


def plain_sigmoid(x):
    return np.reciprocal(1 + np.exp(-x))


grid = np.linspace(-5, 5, 50)
fig, axes = plt.subplots(1, 2)
for ax in axes:
    ax.plot(grid, plain_sigmoid(grid))
plt.show()
""",
    ),
    "knows another formula": Variant(
        "02_activations",
        "sigmoid",
        "def sigmoid(x):\n    # log(1 + e^-x), which never overflows\n    return np.exp(-np.logaddexp(0, -x))\n",
        after=(
            "%%timeit -n 2 -r 1\nsigmoid(np.ones(10))",
            "import threading, queue\nresults = queue.Queue()\n"
            "worker = threading.Thread(target=lambda: results.put(sigmoid(np.zeros(2))))\n"
            "worker.start()\nworker.join()\nresults.get()",
        ),
    ),
    "copies the sign": Variant(
        "02_activations",
        "tanh-by-exponentials",
        "def tanh_by_exponentials(z):\n    q = np.exp(-2 * np.abs(z))\n    return np.copysign((1 - q) / (1 + q), z)\n",
    ),
    "has its helper in a cell below": Variant(
        "02_activations",
        "softmax",
        "def softmax(x, axis=-1):\n    e = np.exp(x - largest(x, axis))\n    return e / np.sum(e, axis, keepdims=True)\n"
        "\n\ndef largest(x, axis):\n    return np.amax(x, axis=axis, keepdims=True)\n",
        after=(
            "#| export\ndef largest(x, axis):\n    '''The largest along an axis, which is kept.'''\n"
            "    return np.max(x, axis, keepdims=True)",
            "with open('measured.txt', 'w') as file:\n    file.write('1 2 3')\nprint(open('measured.txt').read())",
        ),
    ),
    "reduces with logaddexp": Variant(
        "02_activations",
        "log-softmax",
        "def log_softmax(x, axis=-1):\n    return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)\n",
    ),
    "has a class above its classes": Variant(
        "02_activations",
        "activation-layers",
        '''
class Elementwise:
    """What the three have in common."""

    function = None

    def __call__(self, x):
        return apply(type(self).function, x)

    def __repr__(self):
        return f"{type(self).__name__}()"


class ReLU(Elementwise):
    function = relu


class Sigmoid(Elementwise):
    function = sigmoid


class Tanh(Elementwise):
    function = np.tanh
''',
    ),
    "uses another of its exercises": Variant(
        "02_activations",
        "silu",
        instead={"return x * apply(sigmoid, x)": "gate = Sigmoid()\n        return gate(x) * x"},
    ),
    "goes point by point": Variant(
        "02_activations",
        "relu-curve",
        """
def relu_curve(x, knots, values):
    out = np.empty(np.shape(x))
    for place, number in np.ndenumerate(x):
        height = values[0]
        for i in range(len(knots) - 1):
            slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
            last = i == len(knots) - 2
            reached = number if last else min(number, knots[i + 1])
            height += slope * max(reached - knots[i], 0)
        out[place] = height
    return out
""",
    ),
}

LAYERS = {
    "multiplies rows and columns of lists": Variant(
        "03_layers",
        "matmul-by-hand",
        """
def matmul_by_hand(a, b):
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise ValueError("both have to be matrices, got %s and %s" % (a.shape, b.shape))
    if a.shape[1] != b.shape[0]:
        raise ValueError("%s and %s do not match" % (a.shape, b.shape))
    result = np.empty((a.shape[0], b.shape[1]), np.result_type(a.dtype, b.dtype))
    columns = [b[:, j] for j in range(b.shape[1])]
    for i, row in enumerate(a):
        result[i] = [sum((p * q for p, q in zip(row, column)), 0) for column in columns]
    return result
""",
    ),
    "folds with reduce": Variant(
        "03_layers",
        "matmul-by-outer",
        """
from functools import reduce
from operator import add


def matmul_by_outer(a, b):
    start = np.zeros((a.shape[0], b.shape[1]), np.result_type(a, b))
    return reduce(add, map(np.multiply.outer, a.T, b), start)
""",
    ),
    "uses einsum and a warning": Variant(
        "03_layers",
        "linear",
        "import warnings\n\n\ndef linear(x, weights, bias):\n    if x.ndim > 9:\n"
        "        warnings.warn('so many axes?')\n    return np.matmul(x, weights) + bias\n",
        after=(
            "import gc, inspect\nprint(len(gc.get_objects()) > 0, inspect.signature(linear))\n"
            "print(inspect.getsource(linear))",
        ),
    ),
    "scales numbers between 0 and 1": Variant(
        "03_layers",
        "initial-weights",
        "def initial_weights(inputs, outputs, rng):\n    limit = (6.0 / (inputs + outputs)) ** 0.5\n"
        "    return (limit * (2 * rng.random((inputs, outputs)) - 1)).astype('float32')\n",
    ),
    "scales standard normal numbers": Variant(
        "03_layers",
        "he-weights",
        "import math\n\n\ndef he_weights(inputs, outputs, rng):\n    numbers = rng.standard_normal((inputs, outputs))\n"
        "    return np.float32(numbers * math.sqrt(2 / inputs))\n",
    ),
    "folds the layers": Variant(
        "03_layers",
        "forward",
        "from functools import reduce\n\n\ndef forward(layers, x):\n"
        "    return reduce(lambda value, layer: layer(value), layers, x)\n",
    ),
    "walks through a stack": Variant(
        "03_layers",
        "parameter-count",
        """
def parameter_count(layers):
    todo, count = list(layers), 0
    while todo:
        layer = todo.pop()
        try:
            own = layer.parameters()
        except AttributeError:
            continue
        for tensor in own:
            n = 1
            for length in tensor.shape:
                n *= length
            count += n
    return count
""",
    ),
    "finds another network": Variant(
        "03_layers",
        "xor-network",
        instead={
            "Tensor([[1, 1], [1, 1]], requires_grad=True)": "Tensor([[1, -1], [-1, 1]], requires_grad=True)",
            "Tensor([0, -1], requires_grad=True)": "Tensor([0, 0], requires_grad=True)",
            "Tensor([[1], [-2]], requires_grad=True)": "Tensor([[1], [1]], requires_grad=True)",
        },
    ),
}

AUTOGRAD = {
    "counts through the flat array": Variant(
        "07_autograd",
        "numerical-gradient",
        """
def numerical_gradient(f, x, step=1e-5):
    x = np.asarray(x, dtype="float64")
    out = []
    for k in range(x.size):
        up, down = x.flatten(), x.flatten()
        up[k] += step
        down[k] -= step
        rise = f(up.reshape(x.shape)) - f(down.reshape(x.shape))
        out.append(float(rise) / (2 * step))
    return np.array(out, dtype="float64").reshape(x.shape)
""",
        after=("# Notes\n\n$f'(x) \\approx \\frac{f(x+h)-f(x-h)}{2h}$",),
    ),
    "knows the formula by heart": Variant(
        "07_autograd",
        "graph-by-hand",
        "def graph_by_hand(x, y):\n    return (x * y + y) * x, x, x, 2 * x * y + y, x**2 + x\n",
    ),
    "enters its rules one by one": Variant(
        "07_autograd",
        "four-rules",
        """
def the_other_factor(grad, out, x, y):
    return y * grad


@table
def rules_of_sums_and_products():
    def hand_on(grad, out, x, y):
        return grad

    RULES.derivative(np.add, hand_on, hand_on)
    derivative(np.multiply, the_other_factor, lambda g, out, a, b: a * g)
""",
        after=(
            "RULES[np.multiply][1](np.ones(2), None, np.arange(2.0), None)",
            "%timeit -n1 -r1 pass",
        ),
    ),
    "answers with a comprehension": Variant(
        "07_autograd",
        "operation",
        instead={
            "shares = []\n        for rule in self.rules:\n            if rule is None:\n                shares.append(None)\n"
            "            else:\n                shares.append(rule(grad, out, *values, **self.parameters))\n": "given = (grad, out, *values)\n",
            "return shares": "return [rule and rule(*given, **self.parameters) for rule in self.rules]",
        },
    ),
    "goes down with a stack": Variant(
        "07_autograd",
        "order",
        """
def reverse_creation_order(outputs):
    seen, stack = set(), [v for v in outputs if getattr(v, "grad_fn", None) and v.requires_grad]
    while stack:
        v = stack.pop()
        if v in seen:
            continue
        seen.add(v)
        for child in inputs_of(v):
            if isinstance(child, Variable) and not child.is_leaf and child.requires_grad:
                stack.append(child)
    return sorted(seen, key=lambda v: -v.order)
""",
    ),
    "has a helper for a sum": Variant(
        "07_autograd",
        "propagate",
        """
def fitting(share, x):
    return share if share.shape == x.shape else unbroadcast(share, x.shape)


def propagate(gradients, nodes, retain_graph=False):
    found = {v: g for v, g in gradients.items()}
    for v in nodes:
        if v in found:
            grad = recording.sending(v, found.pop(v))
            shares = v.grad_fn(grad, v)
            for n, x in enumerate(inputs_of(v)):
                if shares[n] is not None:
                    share = fitting(shares[n], x)
                    # never into the array of another one
                    found[x] = share if x not in found else found[x] + share
            if not retain_graph:
                v.grad_fn.free()
    return found
""",
        before=("#| export\nimport functools\nimport itertools",),
    ),
    "sums one axis after the other": Variant(
        "07_autograd",
        "unbroadcast",
        """
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis in range(len(shape)):
        if shape[axis] == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad
""",
    ),
    "turns the axes by itself": Variant(
        "07_autograd",
        "rules-of-the-matrix-product",
        instead={
            "@table": "def turned(m):\n    order = list(range(m.ndim))\n"
            "    order[-2:] = order[-1], order[-2]\n    return m.transpose(*order)\n\n\n@table",
            "grad @ swap(y)": "grad @ turned(y)",
            "lambda grad, out, x, weights, bias: grad @ swap(weights)": "lambda grad, out, x, weights, bias: RULES[np.matmul][0](grad, out, x, weights)",
        },
    ),
    "differentiates 1/y": Variant(
        "07_autograd",
        "rules-of-differences-and-quotients",
        instead={
            "lambda grad, out, x, y: -grad * out / y": "lambda grad, out, x, y: -(grad / y) * (x / y)"
        },
    ),
    "multiplies the other way round": Variant(
        "07_autograd",
        "rules-of-functions",
        instead={
            "grad * np.cos(x)": "np.cos(x) * grad",
            "-grad * np.sin(x)": "-(np.sin(x) * grad)",
        },
    ),
    "adds to zeros": Variant(
        "07_autograd",
        "rules-of-reductions",
        instead={
            "return spread(with_axes(grad, x, axis), shape=x.shape)": "return np.zeros(x.shape, x.dtype) + with_axes(grad, x, axis)",
        },
    ),
    "leaves the switch to the engine": Variant(
        "07_autograd",
        "no-grad",
        "@switch\ndef no_grad():\n    with recording.switched(False):\n        yield\n",
        after=(
            "try:\n    import torch\nexcept ImportError:\n    print('no torch here')\n"
            "x = Variable([1.0, 2.0])\n(x * x).sum().backward()\nprint(x.grad)\n%time None",
        ),
    ),
}

NETWORKS = {
    "walks with a helper in a cell of its own": Variant(
        "04_networks",
        "walk",
        before=(
            "#| export\ndef joined(*names):\n    return '.'.join(name for name in names if name)",
            "joined('layers', '0')",
        ),
        source="""def walk(thing, name: str = "", seen: set | None = None) -> Iterator[tuple]:
    if seen is None:
        seen = set()
    pairs, todo = [], [(name, thing)]
    while todo:
        where, what = todo.pop(0)
        if id(what) not in seen:
            seen.add(id(what))
            pairs.append((where, what))
            todo[:0] = [(joined(where, key), part) for key, part in parts(what).items()]
    yield from pairs
""",
    ),
    "loads in two rounds over the network": Variant(
        "04_networks",
        "load-state-dict",
        source="""@extend(Module)
class Loading:
    def load_state_dict(self, state: Mapping, strict: bool = True) -> None:
        tensors = [(n, t) for n, t in walk(self) if isinstance(t, Tensor)]
        names = [n for n, _ in tensors]
        wrong = set(names) ^ set(state)
        if strict and len(wrong) > 0:
            raise KeyError(f"these names are on one side only: {sorted(wrong)}")
        for n, t in tensors:
            if n in state and np.shape(state[n]) != t.shape:
                raise ValueError(f"{n}: {t.shape} is wanted, and {np.shape(state[n])} came")
        for n, t in tensors:
            if n in state:
                t.data = np.array(state[n]).astype(t.data.dtype)
""",
    ),
    "summarises with a slice each time": Variant(
        "04_networks",
        "summary",
        source="""def summary(network: Sequential, input_shape: Sequence[int]) -> Summary:
    x, rows = Tensor(np.zeros([1] + list(input_shape))), []
    kept = [(p, p.training) for _, p in walk(network) if hasattr(p, "training")]
    try:
        for p, _ in kept:
            p.training = False
        for k in range(len(network)):
            x = network[k : k + 1](x)
            count = count_parameters([network[k]])
            rows.append(("layers." + str(k), repr(network[k]), x.shape[1:], count))
        return Summary(rows, sum(p.size for p in network.parameters()))
    finally:
        for p, mode in kept:
            p.training = mode
""",
    ),
}

CNN = {
    "counts places in another way": Variant(
        "05_cnn",
        "output-length",
        source="""def output_length(length: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    # 8, 3 -> 6
    ok = kernel > 0 and stride > 0 and padding > -1
    last = length + 2 * padding - kernel  # where the last window may begin
    if not ok or last < 0:
        raise ValueError(f"no place: {length=} {kernel=} {stride=} {padding=}")
    return len(range(0, last + 1, stride))
""",
    ),
    "sums patches with tensordot, in a helper": Variant(
        "05_cnn",
        "conv2d-by-hand",
        before=(
            "#| export\ndef starts(count, stride):\n    return [n * stride for n in range(count)]",
            "starts(3, 2)",
        ),
        source="""def conv2d_by_hand(x, weights, bias=None, stride=1, padding=0):
    images, channels, h, w = image_shape(x, weights, bias)
    k, l = weights.shape[-2:]
    x = pad(x, padding)
    rows = []
    for top in starts(output_length(h, k, stride, padding), stride):
        row = []
        for left in starts(output_length(w, l, stride, padding), stride):
            patch = x[:, :, top : top + k, left : left + l]
            row.append(np.tensordot(patch, weights, axes=([1, 2, 3], [1, 2, 3])))
        rows.append(np.stack(row, axis=-1))
    y = np.stack(rows, axis=-2)
    if bias is None:
        return y
    return y + np.reshape(bias, (1, -1, 1, 1))
""",
    ),
    "indexes windows": Variant(
        "05_cnn",
        "windows",
        source="""def windows(x, kernel, stride=1, padding=0):
    n, c, h, w = image_shape(x)
    k, l = kernel
    rows, cols = output_length(h, k, stride, padding), output_length(w, l, stride, padding)
    x = pad(x, padding)
    i = np.arange(k)[:, None, None, None] + stride * np.arange(rows)[None, None, :, None]
    j = np.arange(l)[None, :, None, None] + stride * np.arange(cols)[None, None, None, :]
    return x[:, :, i, j].reshape(n, c * k * l, rows * cols)
""",
    ),
    "pools with windows": Variant(
        "05_cnn",
        "max-pool",
        source="""def window_pixels(x, kernel, stride, padding, value):
    n, c, h, w = image_shape(x)
    if padding * 2 > kernel:
        raise ValueError(f"padding {padding} for kernel {kernel}")
    size = [output_length(m, kernel, stride, padding) for m in (h, w)]
    flat = pad(x, padding, value).reshape(n * c, 1, h + 2 * padding, w + 2 * padding)
    columns = windows(flat, (kernel, kernel), stride)
    return [columns[:, m].reshape(n, c, *size) for m in range(kernel * kernel)]


def max_pool2d(x, kernel, stride=None, padding=0):
    if stride is None:
        stride = kernel
    return np.array(window_pixels(x, kernel, stride, padding, -float("inf"))).max(0)
""",
    ),
    "folds with np.add.at": Variant(
        "05_cnn",
        "fold",
        source="""def fold(columns, shape, kernel, stride=1, padding=0):
    n, c, h, w = shape
    big = np.zeros((n, c, h + 2 * padding, w + 2 * padding), dtype=columns.dtype)
    numbers = np.arange(big[0].size, dtype=float).reshape(1, *big[0].shape)
    places = windows(numbers, kernel, stride)[0].astype(int)
    if columns.shape != (n, *places.shape):
        raise ValueError(f"{columns.shape} is not {(n, *places.shape)}")
    for image, parts in zip(big, columns):
        flat = image.reshape(-1)
        np.add.at(flat, places, parts)
    return big[:, :, padding : padding + h, padding : padding + w]
""",
    ),
}

DATALOADER = {
    "deals out each class with a helper of its own": Variant(
        "06_dataloader",
        "stratified-split",
        before=(
            "#| export\ndef dealt(members, sizes):\n"
            "    ends = np.cumsum([0, *sizes])\n"
            "    return [members[a:b] for a, b in zip(ends, ends[1:])]",
            "dealt(np.arange(5), [3, 2])",
        ),
        source="""def stratified_split(dataset, labels, parts=(0.8, 0.2), rng=None) -> list[Subset]:
    labels, n = np.asarray(labels), len(dataset)
    if labels.shape[0] != n:
        raise ValueError(f"{n} examples, but {len(labels)} labels")
    order = np.random.default_rng(rng).permutation(n)
    chosen = [set() for _ in parts]
    for label in set(labels.tolist()):
        members = [k for k in order if labels[k] == label]
        for part, some in zip(chosen, dealt(members, part_sizes(len(members), parts))):
            part.update(some)
    return [Subset(dataset, [k for k in order if k in part]) for part in chosen]
""",
    ),
    "loads with a class of its own for the iterator": Variant(
        "06_dataloader",
        "dataloader",
        source="""class Epoch:
    def __init__(self, loader):
        self.loader, self.started = loader, False

    def __iter__(self):
        return self

    def __next__(self):
        loader = self.loader
        if not self.started:
            n = len(loader.dataset)
            order = loader.rng.permutation(n) if loader.shuffle else np.arange(n)
            self.rest = iter(batches(order, loader.batch_size, loader.drop_last))
            self.started = True
        indices = next(self.rest)
        if loader.collate:
            return loader.collate([loader.dataset[k] for k in indices])
        fields = gather(loader.dataset, indices)
        return tuple(Tensor(x) if np.issubdtype(x.dtype, np.floating) else x for x in fields)


class DataLoader(Shown):
    def __init__(self, dataset, batch_size=32, shuffle=False, drop_last=False, rng=None,
                 collate=None, progress=False):
        if not batch_size >= 1:
            raise ValueError("a batch needs an example, but batch_size is %d" % batch_size)
        vars(self).update(dataset=dataset, batch_size=batch_size, shuffle=shuffle)
        vars(self).update(drop_last=drop_last, collate=collate, progress=progress)
        self.rng = np.random.default_rng(rng)

    def __len__(self):
        up = 0 if self.drop_last else self.batch_size - 1
        return (len(self.dataset) + up) // self.batch_size

    @with_progress
    def __iter__(self):
        return Epoch(self)
""",
    ),
    "shifts with np.roll on a padded image": Variant(
        "06_dataloader",
        "random-shift",
        instead={
            "moved[n] = padded[n, ..., row : row + height, column : column + width]": (
                "rolled = np.roll(padded[n], (-row, -column), axis=(-2, -1))\n"
                "            moved[n] = rolled[..., :height, :width]"
            )
        },
    ),
}

TRAINING = {
    "trains with a helper in a cell of its own": Variant(
        "08_training",
        "train-step",
        before=(
            "#| export\ndef loss_of(network, x, y, loss):\n    return checked(loss(network(x), y))",
            "print(loss_of(MLP([1, 1], rng=0), Tensor([[1.0]]), [[1.0]], mse_loss))",
        ),
        source="""def train_step(network, x, y, optimizer, loss=cross_entropy) -> float:
    out = loss_of(network, x, y, loss)
    optimizer.zero_grad()
    out.backward()
    optimizer.step()
    return float(out.item())
""",
    ),
    "counts with a dictionary": Variant(
        "08_training",
        "confusion-matrix",
        source="""def confusion_matrix(scores, labels):
    labels = labels_for(scores, labels)
    k = scores.shape[1]
    pairs = labels * k + np.argmax(np.asarray(scores), axis=1)
    return np.bincount(pairs, minlength=k * k).reshape(k, k)


def f1_scores(matrix):
    scores = []
    for k, row in enumerate(np.asarray(matrix)):
        both = sum(row) + sum(np.asarray(matrix)[:, k])
        scores.append(2 * row[k] / both if both else 0.0)
    return np.array(scores)
""",
    ),
    "keeps what Adam remembers in one list": Variant(
        "08_training",
        "adam",
        instead={
            "mean = m / (1 - beta1**t)": "mean, root = m / (1 - beta1**t), self.lr",
            "p.data -= self.lr * mean / (np.sqrt(square) + self.eps)": (
                "p.data -= root * mean / (square**0.5 + self.eps)"
            ),
        },
        after=("x = Variable(2.0)\nadam = Adam([x], lr=0.1)\n(x * x).backward()\nadam.step()\nx",),
    ),
}

OPTIMIZERS = {
    "makes memories with a function of its own": Variant(
        "09_optimizers",
        "optimizer",
        before=(
            "#| export\ndef memory_of(p, names):\n"
            "    zeros = {name: np.zeros(p.shape, p.dtype) for name in names}\n"
            "    return {'steps': np.array(0)} | zeros",
            "print(memory_of(Tensor([1.0, 2.0]), ['velocity']))",
        ),
        instead={
            "        for p, _ in self.members():\n"
            "            zeros = {name: np.zeros(p.shape, p.dtype) for name in self.remembers}\n"
            '            self.state.append({"steps": np.array(0)} | zeros)': (
                "        for p, _ in self.members():\n"
                "            self.state.append(memory_of(p, self.remembers))"
            )
        },
    ),
    "divides with a method that is inherited": Variant(
        "09_optimizers",
        "rmsprop",
        instead={
            '        return g / (np.sqrt(squares) + group["eps"])': (
                "        return self.divided(g, squares, group)\n\n"
                "    def divided(self, g, squares, group):\n"
                '        return g / (squares**0.5 + group["eps"])'
            )
        },
        after=(
            "w = Tensor([1.0], requires_grad=True)\nw.grad = np.ones(1)\nRMSProp([w]).step()\nw",
        ),
    ),
    "asks the schedule in a method of its own": Variant(
        "09_optimizers",
        "scheduler",
        instead={
            "        factor = self.schedule(self.steps.item())\n": (
                "        factor = self.factor_now()\n"
            ),
            "    def step(self) -> None:": (
                "    def factor_now(self):\n"
                "        return self.schedule(self.steps.item())\n\n"
                "    def step(self) -> None:"
            ),
        },
    ),
}

COMPILER = {
    "writes steps with a helper in a cell of its own": Variant(
        "16_compiler",
        "write-step",
        before=(
            "#| export\ndef call_of(name, given, rest):\n    return name + '(' + ', '.join(given + rest) + ')'",
            "print(call_of('exp', ['v1'], ['out=b0']))",
        ),
        source="""def write_step(step, writer, out=""):
    given = [writer.text(x) for x in step.inputs]
    rest = [f"{k}={writer.text(x)}" for k, x in step.settings.items()]
    if out:
        rest.append("out=" + out)
    sign = writer.sign(step)
    if step.function is getitem:
        right = f"{given[0]}[{writer.index(step.inputs[1])}]"
    elif step.function is setitem:
        right = f"{given[0]}[{writer.index(step.inputs[1])}] = {given[2]}"
    elif sign is not None and not out:
        right = " ".join([given[0], sign, given[1]])
    elif step.function in METHODS.values():
        right = given[0] + "." + call_of(step.function.__name__, given[1:], rest)
    else:
        right = call_of(writer.function(step.function), given, rest)
    if step.out is None:
        return right
    return writer.value(step.out) + " = " + right
""",
    ),
    "finds dead steps by going round until nothing changes": Variant(
        "16_compiler",
        "dead-steps",
        source="""def without_dead(program):
    groups, alive = program.groups, set()
    while True:
        needed = {*program.inputs, *[ref.number for ref in refs(program.outputs)]}
        for place in alive:
            needed |= set(used(program.steps[place]))
        memory = {groups[n] for n in needed}
        found = {
            place
            for place, step in enumerate(program.steps)
            if step.out in needed or memory & {groups[n] for n in step.writes}
        }
        if found == alive:
            break
        alive = found
    return replace(program, steps=[program.steps[place] for place in sorted(alive)])
""",
        after=(
            "program = trace(lambda x: [x * 2, x * 3][0], np.ones(2))\nprint(without_dead(program))",
        ),
    ),
}

VARIANTS = (
    TENSOR
    | ACTIVATIONS
    | LAYERS
    | NETWORKS
    | CNN
    | DATALOADER
    | AUTOGRAD
    | TRAINING
    | OPTIMIZERS
    | COMPILER
)
