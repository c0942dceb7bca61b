"""Mistakes that students make in module 1; `tito audit` tries them, and nobody else reads them."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "added-all-up",
        "offset",
        "Added the strides to the indices, where each pair is to be multiplied.",
        changes={"j * s": "j + s"},
    ),
    Mistake(
        "from-the-wrong-end",
        "offset",
        "Went through the strides from the end.",
        changes={"zip(index, strides)": "zip(index, strides[::-1])"},
    ),
    Mistake(
        "only-the-last-axis",
        "offset",
        "Put the return into the loop, or forgot the sum: one product is all that comes back.",
        solution="""
        total = 0
        for j, s in zip(index, strides):
            total = j * s
        return total
        """,
    ),
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
        changes={
            "return self.data.size": "return len(self.data) if self.data.ndim else 1"
        },
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
        changes={
            "(1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b": (
                "a + (1,) * (ndim - len(a)), b + (1,) * (ndim - len(b))"
            )
        },
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
        changes={
            "return apply(np.add, self, other)": (
                "self.data = apply(np.add, self, other).data\n        return self"
            )
        },
    ),
    Mistake(
        "past-the-door",
        "arithmetic",
        "Added the arrays directly, so that no later class can take the operation over.",
        changes={"apply(np.add, self, other)": "Tensor(self.data + value(other))"},
    ),
    Mistake(
        "other-made-an-array",
        "arithmetic",
        "Made an array of the other operand, so that the number 2.0 brought float64 along.",
        changes={"np.add, self, other": "np.add, self, np.asarray(other)"},
    ),
    Mistake(
        "self-first-everywhere",
        "reflected",
        "Copied the operator of 1.7, in which self stands on the left.",
        changes={"np.subtract, other, self": "np.subtract, self, other"},
    ),
    Mistake(
        "left-operand-made-an-array",
        "reflected",
        "Made an array of the number on the left, which then changed the dtype.",
        changes={"np.subtract, other, self": "np.subtract, np.asarray(other), self"},
    ),
    Mistake(
        "axes-never-kept",
        "reductions",
        "Forgot to hand keepdims on.",
        changes={
            "np.sum, self, axis=axis, keepdims=keepdims": "np.sum, self, axis=axis"
        },
    ),
    Mistake(
        "sum-of-everything",
        "reductions",
        "Forgot to hand the axis on.",
        changes={
            "np.sum, self, axis=axis, keepdims=keepdims": "np.sum, self, keepdims=keepdims"
        },
    ),
    Mistake(
        "parameters-without-names",
        "reductions",
        "Handed axis and keepdims on without their names, so that they count as inputs.",
        changes={"axis=axis, keepdims=keepdims)": "axis, keepdims)"},
    ),
    Mistake(
        "reduced-past-the-door",
        "reductions",
        "Reduced the array itself, so that no later class can take the operation over.",
        changes={
            "apply(np.sum, self, axis=axis, keepdims=keepdims)": (
                "Tensor(self.data.sum(axis=axis, keepdims=keepdims))"
            )
        },
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
        changes={
            "(differences**2).sum(axis=-1) ** 0.5": "abs(differences).sum(axis=-1)"
        },
    ),
]

ALTERNATIVES = [
    Alternative(
        "offset-by-a-dot-product",
        "offset",
        "The scalar product of two vectors, by numpy.",
        solution="return int(np.dot(np.array(index, dtype=int), np.array(strides, dtype=int)))",
    ),
    Alternative(
        "offset-in-a-loop",
        "offset",
        "A loop over the axes, with a running total.",
        solution="""
        place = 0
        for axis in range(len(index)):
            place += index[axis] * strides[axis]
        return place
        """,
    ),
    Alternative(
        "dtype-by-its-class",
        "as-array",
        "Asks whether the dtype belongs to numpy's classes of numbers, and copies only if it must.",
        solution="""
        given = getattr(data, "dtype", None)
        try:
            array = np.asarray(data)
        except ValueError as problem:
            raise ValueError("rows are not equally long; fill them up or cut them") from problem
        if not any(np.issubdtype(array.dtype, kind) for kind in (np.number, np.bool_)) or (
            np.issubdtype(array.dtype, np.complexfloating)
        ):
            raise TypeError("only real numbers, please: " + str(array.dtype))
        if dtype is None:
            dtype = np.float32
            if given is not None and np.issubdtype(given, np.floating):
                dtype = given
        return np.asarray(array, dtype=dtype)
        """,
    ),
    Alternative(
        "refused-kinds-by-name",
        "as-array",
        "Refuses text, objects and complex numbers one by one, and tells lists by isinstance.",
        solution="""
        try:
            array = np.asarray(data)
        except ValueError:
            raise ValueError("this list is ragged: give all rows the same length")
        if array.dtype.kind in "cUSOMmV":
            raise TypeError(f"cannot make a tensor of {array.dtype}")
        if dtype is not None:
            return array.astype(dtype, copy=False)
        if isinstance(data, (list, tuple, int, float)) or array.dtype.kind != "f":
            return array.astype(np.float32, copy=False)
        return array
        """,
    ),
    Alternative(
        "properties-by-numpy-functions",
        "tensor",
        "Asks numpy's functions, and multiplies the lengths.",
        changes={
            "return self.data.shape": "return np.shape(self.data)",
            "return self.data.ndim": "return len(self.data.shape)",
            "return self.data.size": "return int(np.prod(self.data.shape, dtype=int))",
        },
    ),
    Alternative(
        "conversions-by-index",
        "conversions",
        "Takes the one element by flattening, and the length from the shape.",
        changes={
            "return np.asarray(self)\n": "return self.__array__()\n",
            "return array.item()": "return array.ravel()[0].item()",
            "return len(array)": "return array.shape[0]",
        },
    ),
    Alternative(
        "item-by-a-list",
        "conversions",
        "Makes a flat list of Python numbers and unpacks its only element.",
        changes={
            "array = np.asarray(self)\n        if array.size": "array = np.asarray(self)\n"
            "        numbers = array.ravel().tolist()\n        if len(numbers)",
            "return array.item()": "(number,) = numbers\n        return number",
        },
    ),
    Alternative(
        "from-the-right",
        "broadcast-shape",
        "Goes through both shapes from the right, and fills the shorter one up with ones.",
        solution="""
        import itertools

        lengths = []
        for m, n in itertools.zip_longest(reversed(a), reversed(b), fillvalue=1):
            if m == 1:
                lengths.append(n)
            elif n in (1, m):
                lengths.append(m)
            else:
                raise ValueError(f"{a} and {b}: {m} does not go with {n}")
        return tuple(reversed(lengths))
        """,
    ),
    Alternative(
        "ones-put-in-front",
        "broadcast-shape",
        "Puts ones in front of the shorter shape in a loop, and compares by index.",
        solution="""
        x, y = list(a), list(b)
        while len(x) < len(y):
            x.insert(0, 1)
        while len(y) < len(x):
            y.insert(0, 1)
        for i in range(len(x)):
            if x[i] == 1:
                x[i] = y[i]
            elif y[i] != 1 and x[i] != y[i]:
                raise ValueError("cannot broadcast " + str(a) + " and " + str(b))
        return tuple(x)
        """,
    ),
    Alternative(
        "asked-one-by-one",
        "apply",
        "Asks every input, and then every parameter, in a loop.",
        solution="""
        for x in (*inputs, *parameters.values()):
            if handler_of(x) is not None:
                return handler_of(x)(function, *inputs, **parameters)
        values = list(map(value, inputs))
        result = compute(function, *values, **parameters)
        return Tensor(result, result.dtype)
        """,
    ),
    Alternative(
        "two-searches",
        "apply",
        "Looks through the inputs and through the parameters, one after the other.",
        solution="""
        handler = handler_of(inputs) or handler_of(list(parameters.values()))
        if handler is None:
            arrays = [value(x) for x in inputs]
            array = np.asarray(compute(function, *arrays, **parameters))
            return Tensor(array, dtype=array.dtype)
        return handler(function, *inputs, **parameters)
        """,
    ),
    Alternative(
        "sum-in-two-steps",
        "arithmetic",
        "Gives the result a name.",
        solution="""
        total = apply(np.add, self, other)
        return total
        """,
    ),
    Alternative(
        "difference-with-operands-in-a-list",
        "reflected",
        "Puts the operands into a list, in the order in which they are written.",
        solution="""
        operands = [other, self]
        return apply(np.subtract, *operands)
        """,
    ),
    Alternative(
        "settings-in-a-dictionary",
        "reductions",
        "Collects the parameters in a dictionary.",
        solution="""
        settings = {"keepdims": keepdims, "axis": axis}
        return apply(np.sum, self, **settings)
        """,
    ),
    Alternative(
        "column-by-column",
        "standardise",
        "Goes through the columns and rows with loops, and leaves constant columns at zero.",
        solution="""
        old = table.numpy()
        new = np.zeros_like(old)
        for j in range(old.shape[1]):
            column = old[:, j]
            if column.min() == column.max():
                continue
            mean = sum(column) / len(column)
            spread = (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5
            for i in range(old.shape[0]):
                new[i, j] = (old[i, j] - mean) / spread
        return Tensor(new)
        """,
    ),
    Alternative(
        "deviation-where-it-is-needed",
        "standardise",
        "Computes the variance by its formula, and takes 1 where a column is constant.",
        solution="""
        x = table.numpy()
        shifted = x - x.mean(axis=0)
        constant = (x == x[0]).all(axis=0)
        spread = np.where(constant, 1, np.sqrt((shifted**2).mean(axis=0)))
        return Tensor(np.where(constant, 0, shifted / spread), dtype=table.dtype)
        """,
    ),
    Alternative(
        "reshaped-points",
        "distances",
        "Makes the new axes with reshape, and takes the root with numpy.",
        solution="""
        n, k = a.shape
        m = b.shape[0]
        difference = a.reshape(n, 1, k) - b.reshape(1, m, k)
        return np.sqrt((difference * difference).sum(axis=2))
        """,
    ),
    Alternative(
        "broadcast-on-the-left",
        "distances",
        "Lets broadcasting put the second new axis there, and multiplies instead of squaring.",
        solution="""
        apart = abs(a[:, None] - b)
        squares = apart * apart
        return np.sqrt(squares.sum(-1))
        """,
    ),
]

SYMMETRIC = "both shapes are treated alike, so it does not matter which one comes first"
AS_LONG = "both shapes have been filled up to the same length, so zip never meets the end of one"
PAIRS = "for m, n in zip(left, right, strict=True):"
FILLED = "left, right = ((1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b)"

A_NUMBER = "np.float64(1) is a number, and a number never changes the dtype of a tensor"

EQUIVALENT = [
    Equivalent(
        "offset",
        "return sum((j * s for j, s in zip(index, strides)))",
        "return sum((j * s for j, s in zip(strides, index)))",
        "a product does not depend on the order of its factors",
    ),
    Equivalent(
        "apply",
        "handler = handler_of([*inputs, *parameters.values()])",
        "handler = handler_of([*parameters.values(), *inputs])",
        "if several know better, any one of them may be asked",
    ),
    Equivalent(
        "standardise",
        "return (table - table.mean(axis=0)) / (deviation + constant)",
        "return (table - table.mean(axis=0)) / (deviation + constant) * np.float64(1)",
        A_NUMBER,
    ),
    Equivalent(
        "distances",
        "return (differences ** 2).sum(axis=-1) ** 0.5",
        "return (differences ** 2).sum(axis=-1) ** 0.5 * np.float64(1)",
        A_NUMBER,
    ),
    Equivalent(
        "broadcast-shape",
        "ndim = max(len(a), len(b))",
        "ndim = max(len(b), len(a))",
        SYMMETRIC,
    ),
    Equivalent(
        "broadcast-shape",
        FILLED,
        "left, right = ((1,) * (ndim - len(b)) + b, (1,) * (ndim - len(a)) + a)",
        SYMMETRIC,
    ),
    Equivalent(
        "broadcast-shape",
        PAIRS,
        "for m, n in zip(right, left, strict=True):",
        SYMMETRIC,
    ),
    Equivalent("broadcast-shape", PAIRS, "for m, n in zip(left, right):", AS_LONG),
    Equivalent(
        "broadcast-shape", PAIRS, "for m, n in zip(left, right, strict=False):", AS_LONG
    ),
    Equivalent(
        "broadcast-shape",
        "if m != n and 1 not in (m, n):",
        "if m != n and 1 not in (n, m):",
        "whether one of two numbers is 1 does not depend on their order",
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
