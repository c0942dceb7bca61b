"""Mistakes that students make in module 1; `tito audit` tries them, and nobody else reads them."""

from tito.audit.catalogue import Equivalent, Mistake

MISTAKES = [
    Mistake(
        "float64-by-default",
        "as-array",
        "Left the dtype of a list to numpy, which makes float64 of Python's numbers.",
        changes={' and hasattr(data, "dtype")': ""},
    ),
    Mistake(
        "everything-becomes-float32",
        "as-array",
        "Turned a float64 array that somebody had chosen into float32.",
        changes={"array.dtype if keep else np.float32": "np.float32"},
    ),
    Mistake(
        "asked-dtype-ignored",
        "as-array",
        "Wrote a parameter `dtype` and never looked at it.",
        changes={"if dtype is None:": "if True:"},
    ),
    Mistake(
        "always-a-copy",
        "as-array",
        "Took np.array, which copies, for np.asarray, which does so only if it must.",
        changes={"array = np.asarray(data)": "array = np.array(data)"},
    ),
    Mistake(
        "text-that-looks-like-a-number",
        "as-array",
        'Let numpy convert at once, which makes a number of the text "3.5".',
        solution="""
        if dtype is None:
            dtype = np.float32
            if hasattr(data, "dtype") and data.dtype.kind == "f":
                dtype = data.dtype
        return np.asarray(data, dtype=dtype)
        """,
    ),
    Mistake(
        "imaginary-part-cut-off",
        "as-array",
        "Refused text and objects, and forgot that complex numbers are a kind of their own.",
        changes={'"biuf"': '"biufc"'},
    ),
    Mistake(
        "the-words-of-numpy",
        "as-array",
        "Let numpy's own error through, which speaks of an inhomogeneous shape.",
        changes={"except ValueError:": "except KeyError:"},
        hidden="the check shows the sentence, and the student can read whose words they are",
    ),
    Mistake(
        "dtype-not-handed-on",
        "tensor",
        "Called as_array without the dtype that was asked for.",
        changes={"as_array(data, dtype)": "as_array(data)"},
    ),
    Mistake(
        "never-marked",
        "tensor",
        "Wrote False, the default, in the place of the parameter.",
        changes={"self.requires_grad = requires_grad": "self.requires_grad = False"},
    ),
    Mistake(
        "gradient-of-zeros",
        "tensor",
        "Began with a gradient of zeros, where there is none yet.",
        changes={"self.grad = None": "self.grad = np.zeros_like(self.data)"},
    ),
    Mistake(
        "size-is-a-length",
        "tensor",
        "Took the length of the first axis for the number of elements.",
        changes={"return self.data.size": "return len(self.data) if self.data.ndim else 1"},
    ),
    Mistake(
        "the-values-as-a-copy",
        "conversions",
        "Gave a copy where the memory was to be shared.",
        changes={"return np.asarray(self)\n": "return np.array(self)\n"},
    ),
    Mistake(
        "the-first-of-many",
        "conversions",
        "Gave the first element of a tensor that has several.",
        changes={
            "if array.size != 1:": "if array.size == 0:",
            "array.item()": "array.flat[0].item()",
        },
    ),
    Mistake(
        "still-a-numpy-number",
        "conversions",
        "Indexed the one element, which is numpy's float32 and not a Python float.",
        changes={"return array.item()": "return array.reshape(-1)[0]"},
    ),
    Mistake(
        "length-counts-all",
        "conversions",
        "Gave the number of elements as the length.",
        changes={"return len(array)": "return array.size"},
    ),
    Mistake(
        "aligned-on-the-left",
        "broadcast-shape",
        "Put the ones on the right of the shorter shape.",
        changes={"(1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b":
         "a + (1,) * (ndim - len(a)), b + (1,) * (ndim - len(b))"},
    ),
    Mistake(
        "the-shorter-shape-wins",
        "broadcast-shape",
        "Compared from the right with zip, which stops where the shorter shape ends.",
        changes={"zip(left, right, strict=True)": "list(zip(a[::-1], b[::-1]))[::-1]"},
    ),
    Mistake(
        "the-larger-length",
        "broadcast-shape",
        "Took the larger of two lengths, but 0 and 1 give 0.",
        changes={"n if m == 1 else m": "max(m, n)"},
    ),
    Mistake(
        "nothing-refused",
        "broadcast-shape",
        "Refused nothing, and took the larger length.",
        solution="""
        ndim = max(len(a), len(b))
        left, right = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
        return tuple(n if m == 1 else m for m, n in zip(left, right))
        """,
    ),
    Mistake(
        "a-list-of-lengths",
        "broadcast-shape",
        "Returned the list in which the lengths were collected.",
        changes={"return tuple(lengths)": "return lengths"},
    ),
    Mistake(
        "numbers-become-arrays",
        "apply",
        "Made an array of every input, so that the number 2.0 brought float64 along.",
        changes={"[value(x) for x in inputs]": "[np.asarray(x) for x in inputs]"},
    ),
    Mistake(
        "everything-wrapped-as-float32",
        "apply",
        "Wrapped the result without its dtype, so that booleans became ones and zeros.",
        changes={"Tensor(out, dtype=out.dtype)": "Tensor(out)"},
    ),
    Mistake(
        "parameters-lost",
        "apply",
        "Did not hand the axis on to the function.",
        changes={"for x in inputs], **parameters)": "for x in inputs])"},
    ),
    Mistake(
        "only-the-first-is-asked",
        "apply",
        "Looked for `__apply__` at the first input alone.",
        changes={"[*inputs, *parameters.values()]": "inputs[:1]"},
    ),
    Mistake(
        "lists-not-looked-into",
        "apply",
        "Asked the inputs and the parameters themselves, but not what is inside a list.",
        solution="""
        for x in (*inputs, *parameters.values()):
            if hasattr(x, "__apply__"):
                return x.__apply__(function, *inputs, **parameters)
        out = compute(function, *[value(x) for x in inputs], **parameters)
        return Tensor(out, dtype=out.dtype)
        """,
    ),
    Mistake(
        "parameters-not-looked-at",
        "apply",
        "Looked for `__apply__` among the inputs only.",
        changes={"[*inputs, *parameters.values()]": "inputs"},
    ),
    Mistake(
        "in-place-sum",
        "arithmetic",
        "Added into the tensor's own memory, and returned the tensor itself.",
        changes={"return apply(np.add, self, other)":
         "self.data = apply(np.add, self, other).data\n        return self"},
    ),
    Mistake(
        "past-the-door",
        "arithmetic",
        "Multiplied the arrays directly, so that no later class can take the operation over.",
        changes={"apply(np.multiply, self, other)": "Tensor(self.data * value(other))"},
    ),
    Mistake(
        "rounded-down",
        "arithmetic",
        "Took np.floor_divide for the division.",
        changes={"apply(np.divide,": "apply(np.floor_divide,"},
    ),
    Mistake(
        "matrix-product-element-by-element",
        "arithmetic",
        "Multiplied element by element where the matrix product was asked for.",
        changes={"apply(np.matmul,": "apply(np.multiply,"},
    ),
    Mistake(
        "self-first-everywhere",
        "reflected",
        "Copied the operators of 1.7, in which self stands on the left.",
        changes={"np.subtract, other, self": "np.subtract, self, other"},
    ),
    Mistake(
        "matrix-product-from-the-wrong-side",
        "reflected",
        "Thought that the order does not matter to a matrix product.",
        changes={"np.matmul, other, self": "np.matmul, self, other"},
    ),
    Mistake(
        "left-operand-made-an-array",
        "reflected",
        "Made an array of the number on the left, which then changed the dtype.",
        changes={"np.subtract, other, self": "np.subtract, np.asarray(other), self"},
    ),
    Mistake(
        "one-answer-for-all",
        "comparisons",
        "Gave a single truth, whether all elements are equal.",
        changes={"return compute(np.equal, value(self), value(other))":
         "return bool(np.all(compute(np.equal, value(self), value(other))))"},
    ),
    Mistake(
        "equal-counts-as-less",
        "comparisons",
        "Took <= for <.",
        changes={"np.less,": "np.less_equal,"},
    ),
    Mistake(
        "a-mask-in-a-tensor",
        "comparisons",
        "Sent the comparison through apply, which wraps the mask in a tensor.",
        changes={"compute(np.less, value(self), value(other))": "apply(np.less, self, other)"},
    ),
    Mistake(
        "only-for-what-has-data",
        "comparisons",
        "Read `data` of both operands, which another class with an `__array__` need not have.",
        changes={"compute(np.greater, value(self), value(other))":
         'compute(np.greater, self.data, getattr(other, "data", other))'},
        hidden="every class of this lesson has `data`; a later one that has none pays for it",
    ),
    Mistake(
        "axes-never-kept",
        "reductions",
        "Forgot to hand keepdims on.",
        changes={"np.sum, self, axis=axis, keepdims=keepdims": "np.sum, self, axis=axis"},
    ),
    Mistake(
        "mean-of-everything",
        "reductions",
        "Forgot to hand the axis on.",
        changes={"np.mean, self, axis=axis, keepdims=keepdims": "np.mean, self, keepdims=keepdims"},
    ),
    Mistake(
        "one-element-less",
        "reductions",
        "Divided the variance by n - 1, as statistics does for a sample.",
        changes={"np.var, self, axis=axis,": "np.var, self, ddof=1, axis=axis,"},
    ),
    Mistake(
        "reduced-past-the-door",
        "reductions",
        "Reduced the array itself, so that no later class can take the operation over.",
        changes={"apply(np.max, self, axis=axis, keepdims=keepdims)":
         "Tensor(self.data.max(axis=axis, keepdims=keepdims))"},
    ),
    Mistake(
        "last-two-axes-swapped",
        "shaping",
        "Let T swap the last two axes, where all of them were to be reversed.",
        changes={"return self.transpose()": "return apply(np.swapaxes, self, axis1=-1, axis2=-2)"},
    ),
    Mistake(
        "where-each-axis-goes",
        "shaping",
        "Took the axes to say where each one goes, and not where each one comes from.",
        changes={"axes=axes or None": "axes=np.argsort(axes) if axes else None"},
    ),
    Mistake(
        "reshaped-copy",
        "shaping",
        "Copied the numbers before arranging them.",
        changes={"return apply(np.reshape, self, shape=shape)":
         "return apply(np.reshape, Tensor(np.array(self)), shape=shape)"},
    ),
    Mistake(
        "a-part-is-a-copy",
        "indexing",
        "Copied the part that was taken, so that nothing is a view.",
        changes={"return apply(getitem, self, index=index)":
         "part = apply(getitem, self, index=index)\n"
         "        return Tensor(part.data.copy()) if isinstance(part, Tensor) else part"},
    ),
    Mistake(
        "loop-begins-at-one",
        "indexing",
        "Began to count at 1.",
        changes={"range(len(self))": "range(1, len(self))"},
    ),
    Mistake(
        "loop-of-arrays",
        "indexing",
        "Went through the array inside, so that the parts are no tensors.",
        changes={"(self[i] for i in range(len(self)))": "iter(np.asarray(self))"},
    ),
    Mistake(
        "over-the-rows",
        "standardise",
        "Took mean and variance of each row, along axis 1.",
        solution="""
        deviation = table.var(axis=1, keepdims=True) ** 0.5
        constant = table.max(axis=1, keepdims=True) == table.min(axis=1, keepdims=True)
        return (table - table.mean(axis=1, keepdims=True)) / (deviation + constant)
        """,
    ),
    Mistake(
        "divided-by-the-variance",
        "standardise",
        "Forgot the square root.",
        changes={"table.var(axis=0) ** 0.5": "table.var(axis=0)"},
    ),
    Mistake(
        "zero-by-zero",
        "standardise",
        "Divided by the deviation of a constant column, which gives nan.",
        changes={"(deviation + constant)": "deviation"},
    ),
    Mistake(
        "exactly-zero",
        "standardise",
        "Took a column for constant if its deviation is exactly 0, which rounding may prevent.",
        changes={"table.max(axis=0) == table.min(axis=0)": "deviation == 0"},
    ),
    Mistake(
        "squared-distances",
        "distances",
        "Forgot the square root.",
        changes={".sum(axis=-1) ** 0.5": ".sum(axis=-1)"},
    ),
    Mistake(
        "rows-and-columns-exchanged",
        "distances",
        "Gave the new axes the other way round, so that the rows belong to b.",
        changes={"a[:, None, :] - b[None, :, :]": "a[None, :, :] - b[:, None, :]"},
    ),
    Mistake(
        "around-the-corner",
        "distances",
        "Added up the absolute differences: the way along the streets, not through the air.",
        changes={"(differences**2).sum(axis=-1) ** 0.5": "abs(differences).sum(axis=-1)"},
    ),
]  # fmt: skip

SYMMETRIC = "both shapes are treated alike, so it does not matter which one comes first"
AS_LONG = "both shapes have been filled up to the same length, so zip never meets the end of one"
EQUALITY = "whether two numbers are equal does not depend on which one comes first"
PAIRS = "for m, n in zip(left, right, strict=True):"
FILLED = "left, right = ((1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b)"

EQUIVALENT = [
    Equivalent(
        "broadcast-shape", "ndim = max(len(a), len(b))", "ndim = max(len(b), len(a))", SYMMETRIC
    ),
    Equivalent(
        "broadcast-shape",
        FILLED,
        "left, right = ((1,) * (ndim - len(b)) + b, (1,) * (ndim - len(a)) + a)",
        SYMMETRIC,
    ),
    Equivalent("broadcast-shape", PAIRS, "for m, n in zip(right, left, strict=True):", SYMMETRIC),
    Equivalent("broadcast-shape", PAIRS, "for m, n in zip(left, right):", AS_LONG),
    Equivalent("broadcast-shape", PAIRS, "for m, n in zip(left, right, strict=False):", AS_LONG),
    Equivalent(
        "broadcast-shape",
        "if m != n and 1 not in (m, n):",
        "if m != n and 1 not in (n, m):",
        "whether one of two numbers is 1 does not depend on their order",
    ),
    Equivalent(
        "comparisons",
        "return compute(np.equal, value(self), value(other))",
        "return compute(np.equal, value(other), value(self))",
        EQUALITY,
    ),
    Equivalent(
        "comparisons",
        "return compute(np.not_equal, value(self), value(other))",
        "return compute(np.not_equal, value(other), value(self))",
        EQUALITY,
    ),
    Equivalent(
        "standardise",
        "return (table - table.mean(axis=0)) / (deviation + constant)",
        "return (table - table.mean(axis=0)) / (deviation - constant)",
        "where a column is constant, 0 is divided, by -1 instead of 1",
    ),
    Equivalent(
        "distances",
        "differences = a[:, None, :] - b[None, :, :]",
        "differences = b[None, :, :] - a[:, None, :]",
        "the differences are squared, so their sign does not matter",
    ),
    Equivalent(
        "distances",
        "differences = a[:, None, :] - b[None, :, :]",
        "differences = a[:, None, :] - b",
        "broadcasting puts the axis of length 1 on the left of b by itself",
    ),
]
