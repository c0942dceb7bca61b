"""Mistakes that students make in module 3, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "element-by-element",
        "matmul-by-hand",
        "I multiplied the elements at the same place.",
        {"out[i, j] += a[i, p] * b[p, j]": "out[i, j] = a[i, j] * b[i, j]"},
    ),
    Mistake(
        "not-by-hand",
        "matmul-by-hand",
        "I checked the shapes and used @.",
        {"return out\n": "return a @ b\n"},
        hidden="the numbers are right; the grader's matrices refuse to be multiplied as a whole",
    ),
    Mistake(
        "only-the-last-product",
        "matmul-by-hand",
        "I assigned each product instead of adding it.",
        {"out[i, j] +=": "out[i, j] ="},
    ),
    Mistake(
        "product-always-in-float64",
        "matmul-by-hand",
        "I made the zeros without a dtype.",
        {"np.zeros((n, m), dtype=np.result_type(a, b))": "np.zeros((n, m))"},
    ),
    Mistake(
        "dtype-of-the-first-matrix",
        "matmul-by-hand",
        "I took the dtype of a; a float64 b is rounded to it.",
        {"np.result_type(a, b)": "a.dtype"},
        hidden="the visible checks show two of the same dtype; what happens with two different "
        "ones is in the docstring",
    ),
    Mistake(
        "shapes-not-looked-at",
        "matmul-by-hand",
        "I left the refusal to numpy, which complains of an index, or not at all.",
        {
            "if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:": "if a.ndim > 2:"
        },
    ),
    Mistake(
        "only-too-long-is-refused",
        "matmul-by-hand",
        "I refused a row that is longer than the column, and not one that is shorter.",
        {"a.shape[1] != b.shape[0]": "a.shape[1] > b.shape[0]"},
    ),
    Mistake(
        "rows-times-rows",
        "matmul-by-hand",
        "I multiplied rows of a with rows of b.",
        {"b[p, j]": "b[j % len(b), p % m]"},
    ),
    Mistake(
        "column-that-broadcasts-as-a-row",
        "matmul-by-outer",
        "I wrote a[:, p], which has one axis and broadcasts along the rows.",
        {"a[:, p, None]": "a[:, p]"},
    ),
    Mistake(
        "only-the-last-term",
        "matmul-by-outer",
        "I assigned each term instead of adding it.",
        {"out +=": "out ="},
    ),
    Mistake(
        "last-column-left-out",
        "matmul-by-outer",
        "I stopped one column before the end.",
        {"range(a.shape[1])": "range(a.shape[1] - 1)"},
    ),
    Mistake(
        "sum-always-in-float64",
        "matmul-by-outer",
        "I made the zeros without a dtype.",
        {", dtype=np.result_type(a, b))": ")"},
    ),
    Mistake(
        "bias-forgotten",
        "linear",
        "I multiplied and added nothing.",
        {"x @ weights + bias": "x @ weights"},
    ),
    Mistake(
        "bias-as-a-column",
        "linear",
        "I turned the bias into a column, so each example has its own.",
        {"+ bias": "+ bias[:, None]"},
    ),
    Mistake(
        "weights-from-the-left",
        "linear",
        "I wrote W x, as mathematics books do; it serves one example, not a batch of rows.",
        {"x @ weights": "weights.T @ x"},
    ),
    Mistake(
        "always-a-batch",
        "linear",
        "I made a batch of everything, so that one example comes back with two axes.",
        {"return x @": "return np.atleast_2d(x) @"},
    ),
    Mistake(
        "float64-by-default",
        "linear",
        "I turned x into float64 first.",
        {"return x @": "return np.asarray(x, dtype=float) @"},
    ),
    Mistake(
        "limit-without-its-root",
        "initial-weights",
        "I forgot the square root.",
        {"np.sqrt(6 / (inputs + outputs))": "6 / (inputs + outputs)"},
    ),
    Mistake(
        "limit-of-the-inputs-alone",
        "initial-weights",
        "I counted the inputs only.",
        {"np.sqrt(6 / (inputs + outputs))": "np.sqrt(3 / inputs)"},
    ),
    Mistake(
        "only-positive-weights",
        "initial-weights",
        "I drew between 0 and the limit.",
        {"rng.uniform(-limit, limit": "rng.uniform(0, limit"},
    ),
    Mistake(
        "weights-in-float64",
        "initial-weights",
        "I kept what the generator gave.",
        {".astype(np.float32)": ""},
    ),
    Mistake(
        "outputs-in-rows",
        "initial-weights",
        "I made a row for each output.",
        {"size=(inputs, outputs)": "size=(outputs, inputs)"},
    ),
    Mistake(
        "global-generator",
        "initial-weights",
        "I drew from np.random, whose hidden state everybody shares.",
        {"return rng.uniform": "return np.random.uniform"},
    ),
    Mistake(
        "generator-seeded-anew",
        "initial-weights",
        "I made a generator of my own with a fixed seed; all layers get the same weights.",
        {"return rng.uniform": "return np.random.default_rng(0).uniform"},
    ),
    Mistake(
        "normal-instead-of-uniform",
        "initial-weights",
        "I drew normal weights of the same variance.",
        {"rng.uniform(-limit, limit, ": "rng.normal(0, limit / np.sqrt(3), "},
    ),
    Mistake(
        "variance-for-standard-deviation",
        "he-weights",
        "I handed rng.normal the variance.",
        {"np.sqrt(2 / inputs)": "2 / inputs"},
    ),
    Mistake(
        "spread-of-the-outputs",
        "he-weights",
        "I divided by the number of outputs.",
        {"np.sqrt(2 / inputs)": "np.sqrt(2 / outputs)"},
    ),
    Mistake(
        "glorot-s-variance",
        "he-weights",
        "I took the variance for tanh, 2 / (inputs + outputs).",
        {"np.sqrt(2 / inputs)": "np.sqrt(2 / (inputs + outputs))"},
    ),
    Mistake(
        "he-weights-from-a-seed",
        "he-weights",
        "I made a generator of my own with a fixed seed.",
        {"return rng.normal": "return np.random.default_rng(0).normal"},
    ),
    Mistake(
        "bias-with-two-axes",
        "dense",
        "I made the bias a row of shape (1, outputs).",
        {"np.zeros(outputs, ": "np.zeros((1, outputs), "},
    ),
    Mistake(
        "bias-in-float64",
        "dense",
        "I made the zeros without a dtype; every result turns into float64.",
        {"np.zeros(outputs, dtype=weights.dtype)": "np.zeros(outputs)"},
    ),
    Mistake(
        "bias-that-is-not-trained",
        "dense",
        "I marked the weights and forgot the bias.",
        {"weights.dtype), requires_grad=True)": "weights.dtype))"},
    ),
    Mistake(
        "initial-not-used",
        "dense",
        "I called initial_weights, whichever function was given.",
        {"weights = initial(": "weights = initial_weights("},
    ),
    Mistake(
        "dense-past-apply",
        "dense",
        "I computed with the arrays and wrapped the result; apply never heard of it.",
        {
            "return apply(linear, x, self.weights, self.bias)": (
                "return Tensor(linear(x.data, self.weights.data, self.bias.data))"
            )
        },
    ),
    Mistake(
        "bias-first",
        "dense",
        "I listed the bias before the weights.",
        {"[self.weights, self.bias]": "[self.bias, self.weights]"},
    ),
    Mistake(
        "parameters-of-the-beginning",
        "dense",
        "I made the list in the constructor; weights that are set later are not in it.",
        {
            "weights.dtype), requires_grad=True)\n": (
                "weights.dtype), requires_grad=True)\n"
                "        self.listed = [self.weights, self.bias]\n"
            ),
            "return [self.weights, self.bias]": "return self.listed",
        },
        hidden="the visible checks replace weights by others of the same shape; that the list is "
        "to be up to date follows from what a parameter is",
    ),
    Mistake(
        "a-seed-built-in",
        "dense",
        "I took seed 0 where none is given, so that all layers begin alike.",
        {
            "np.random.default_rng(rng)": "np.random.default_rng(0 if rng is None else rng)"
        },
        hidden="no single layer shows it, and every run looks fine",
    ),
    Mistake(
        "outputs-not-looked-at",
        "dense",
        "I refused a wrong number of inputs and forgot the outputs.",
        {"if inputs < 1 or outputs < 1:": "if inputs < 1:"},
    ),
    Mistake(
        "sizes-below-zero-only",
        "dense",
        "I refused negative sizes and let 0 pass.",
        {"if inputs < 1 or outputs < 1:": "if inputs < 0 or outputs < 0:"},
    ),
    Mistake(
        "every-layer-gets-the-input",
        "forward",
        "I gave each layer the first input, so that only the last one counts.",
        solution="out = x\nfor layer in layers:\n    out = layer(x)\nreturn out",
    ),
    Mistake(
        "last-layer-first",
        "forward",
        "I went through the list from its end.",
        {"in layers:": "in reversed(layers):"},
    ),
    Mistake(
        "returns-after-the-first",
        "forward",
        "I put the return inside the loop.",
        solution="for layer in layers:\n    return layer(x)\nreturn x",
    ),
    Mistake(
        "eats-its-list",
        "forward",
        "I took each layer off the list; a second call finds no layers.",
        solution="while layers:\n    x = layers.pop(0)(x)\nreturn x",
        hidden="one call alone is right; the grader calls twice",
    ),
    Mistake(
        "counts-tensors",
        "parameter-count",
        "I counted the tensors, not the numbers in them.",
        {"sum(tensor.size for": "sum(1 for"},
    ),
    Mistake(
        "counts-rows",
        "parameter-count",
        "I added up the lengths, which are those of the first axis.",
        {"sum(tensor.size for": "sum(tensor.shape[0] for"},
    ),
    Mistake(
        "bias-not-counted",
        "parameter-count",
        "I counted the first tensor of each layer only.",
        {"layer.parameters())": "layer.parameters()[:1])"},
    ),
    Mistake(
        "everything-has-parameters",
        "parameter-count",
        "I asked every layer for its parameters; a ReLU has none to give.",
        {' if hasattr(layer, "parameters")': ""},
    ),
    Mistake(
        "or-instead-of-exclusive-or",
        "xor-network",
        "I subtracted the second hidden value once; at (1, 1) it is needed twice.",
        {"[[1], [-2]]": "[[1], [-1]]"},
    ),
    Mistake(
        "bias-with-the-wrong-sign",
        "xor-network",
        "I added 1 to the second neuron instead of subtracting it.",
        {"[0, -1]": "[0, 1]"},
    ),
    Mistake(
        "no-bend",
        "xor-network",
        "I left the ReLU out, so that both layers are one straight map.",
        {"[hidden, ReLU(), output]": "[hidden, output]"},
    ),
    Mistake(
        "weights-that-are-not-trained",
        "xor-network",
        "I set the weights without requires_grad=True.",
        {"Tensor([[1, 1], [1, 1]], requires_grad=True)": "Tensor([[1, 1], [1, 1]])"},
    ),
]

ALTERNATIVES = [
    Alternative(
        "rows-times-columns-summed",
        "matmul-by-hand",
        "Sums the products of a row and a column with Python's sum.",
        solution="""
        if len(a.shape) != 2 or len(b.shape) != 2:
            raise ValueError(f"both have to be matrices, got {a.shape} and {b.shape}")
        if a.shape[1] != b.shape[0]:
            raise ValueError(f"{a.shape} and {b.shape} do not match")
        result = np.empty((a.shape[0], b.shape[1]), np.result_type(a.dtype, b.dtype))
        columns = [b[:, j] for j in range(b.shape[1])]
        for i, row in enumerate(a):
            result[i] = [sum(p * q for p, q in zip(row, column)) for column in columns]
        return result
        """,
    ),
    Alternative(
        "shared-length-first",
        "matmul-by-hand",
        "Has the same three loops in another order, and a dtype from a product of two elements.",
        solution="""
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != len(b):
            raise ValueError(f"these do not multiply: {a.shape}, {b.shape}")
        (n, k), m = a.shape, b.shape[1]
        out = np.zeros((n, m), dtype=(a[:1, :1] * b[:1, :1]).dtype)
        for p in range(k):
            for j in range(m):
                for i in range(n):
                    out[i, j] = out[i, j] + a[i, p] * b[p, j]
        return out
        """,
    ),
    Alternative(
        "sum-of-outer-products",
        "matmul-by-outer",
        "Adds np.outer of a column and a row, beginning with the first.",
        solution="""
        total = np.outer(a[:, 0], b[0])
        for p in range(1, len(b)):
            total = total + np.outer(a[:, p], b[p])
        return total
        """,
    ),
    Alternative(
        "columns-by-reshape",
        "matmul-by-outer",
        "Goes through the columns of a and the rows of b together.",
        solution="""
        out = 0
        for column, row in zip(a.T, b):
            out = out + column.reshape(-1, 1) * row.reshape(1, -1)
        return out
        """,
    ),
    Alternative(
        "linear-by-matmul",
        "linear",
        "Names numpy's function for @, and adds in a second step.",
        solution="out = np.matmul(x, weights)\nout += bias\nreturn out",
    ),
    Alternative(
        "linear-by-einsum",
        "linear",
        "Writes the sum with indices.",
        solution='return np.einsum("...i,ij->...j", x, weights) + bias',
    ),
    Alternative(
        "numbers-between-minus-one-and-one",
        "initial-weights",
        "Draws between -1 and 1, and scales.",
        solution="""
        limit = (6 / (inputs + outputs)) ** 0.5
        drawn = rng.uniform(-1, 1, (inputs, outputs))
        return np.array(limit * drawn, dtype="float32")
        """,
    ),
    Alternative(
        "standard-normal-numbers",
        "he-weights",
        "Draws with standard deviation 1, and scales.",
        solution="""
        drawn = rng.standard_normal((inputs, outputs)) * (2 / inputs) ** 0.5
        return np.float32(drawn)
        """,
    ),
    Alternative(
        "bias-like-a-row-of-the-weights",
        "dense",
        "Makes the tensors first, marks them afterwards, and lists the parameters by their names.",
        {
            "if inputs < 1 or outputs < 1:": "if min(inputs, outputs) <= 0:",
            "self.weights = Tensor(weights, requires_grad=True)": "self.weights = Tensor(weights)",
            "self.bias = Tensor(np.zeros(outputs, dtype=weights.dtype), requires_grad=True)": (
                "self.bias = Tensor(np.zeros_like(weights[0]))\n"
                "        self.weights.requires_grad = self.bias.requires_grad = True"
            ),
            "return apply(linear, x, self.weights, self.bias)": (
                "return apply(linear, x, *self.parameters())"
            ),
            "return [self.weights, self.bias]": (
                'return [getattr(self, name) for name in ("weights", "bias")]'
            ),
        },
    ),
    Alternative(
        "forward-by-recursion",
        "forward",
        "Applies the first layer, and sends the result through the others.",
        solution="""
        if len(layers) == 0:
            return x
        return forward(layers[1:], layers[0](x))
        """,
    ),
    Alternative(
        "counted-in-loops",
        "parameter-count",
        "Counts in two loops, and multiplies the lengths of each shape.",
        solution="""
        count = 0
        for layer in layers:
            for tensor in getattr(layer, "parameters", list)():
                number = 1
                for length in tensor.shape:
                    number *= length
                count += number
        return count
        """,
    ),
    Alternative(
        "one-neuron-for-each-difference",
        "xor-network",
        "Lets one neuron see x1 - x2 and the other x2 - x1, and adds them.",
        {
            "Tensor([[1, 1], [1, 1]], requires_grad=True)": (
                "Tensor([[1, -1], [-1, 1]], requires_grad=True)"
            ),
            "    hidden.bias = Tensor([0, -1], requires_grad=True)\n": "",
            "Tensor([[1], [-2]], requires_grad=True)": "Tensor([[1], [1]], requires_grad=True)",
        },
    ),
]

SIZES = "weights and bias are set to others, and nothing of the layer but these is ever looked at"
EQUIVALENT = [
    Equivalent(
        "dense",
        "return apply(linear, x, self.weights, self.bias)",
        "return apply(linear, x, self.weights, self.bias) * np.float64(1)",
        "np.float64(1) is a number, and a number never changes the dtype of a tensor",
    ),
    Equivalent(
        "matmul-by-hand",
        "out = np.zeros((n, m), dtype=np.result_type(a, b))",
        "out = np.zeros((n, m), dtype=np.result_type(b, a))",
        "the dtype of two arrays does not depend on their order",
    ),
    Equivalent(
        "matmul-by-outer",
        "out = np.zeros((a.shape[0], b.shape[1]), dtype=np.result_type(a, b))",
        "out = np.zeros((a.shape[0], b.shape[1]), dtype=np.result_type(b, a))",
        "the dtype of two arrays does not depend on their order",
    ),
    *(
        Equivalent(
            "xor-network", "hidden = Dense(2, 2)", f"hidden = Dense{size}", SIZES
        )
        for size in ((1, 2), (3, 2), (2, 1), (2, 3))
    ),
    *(
        Equivalent(
            "xor-network",
            "output = Dense(2, 1)",
            f"output = Dense{size}",
            "the weights are set to others, and the bias has one element either way",
        )
        for size in ((1, 1), (3, 1))
    ),
]
