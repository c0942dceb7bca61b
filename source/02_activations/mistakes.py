"""Mistakes that students make in module 2, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "factors-in-the-wrong-order",
        "collapse",
        "I multiplied the second weights by the first.",
        {"return w1 @ w2": "return w2 @ w1"},
    ),
    Mistake(
        "first-constants-skip-the-second-map",
        "collapse",
        "I added both constants; but those of the first map pass through the second.",
        {"b1 @ w2 + b2": "b1 + b2"},
    ),
    Mistake(
        "second-constants-forgotten",
        "collapse",
        "I sent the first constants through the second map and forgot the second's own.",
        {"b1 @ w2 + b2": "b1 @ w2"},
    ),
    Mistake(
        "relu-changes-its-input",
        "relu",
        "I set the negative elements of x to zero, in the caller's array.",
        solution="x[x < 0] = 0\nreturn x",
    ),
    Mistake(
        "relu-by-a-mask",
        "relu",
        "I multiplied by x > 0; minus infinity times 0 is not a number.",
        {"np.maximum(x, 0)": "x * (x > 0)"},
    ),
    Mistake(
        "relu-wipes-out-nan",
        "relu",
        "I took x where it is positive and 0 elsewhere, also where it is not a number.",
        {"np.maximum(x, 0)": "np.where(x > 0, x, 0)"},
    ),
    Mistake(
        "largest-element-instead-of-the-larger",
        "relu",
        "I used np.max, and the 0 was taken for an axis.",
        {"np.maximum": "np.max"},
    ),
    Mistake(
        "sign-of-the-exponent",
        "plain-sigmoid",
        "I forgot the minus in the exponent.",
        {"np.exp(-x)": "np.exp(x)"},
    ),
    Mistake(
        "sigmoid-in-float64",
        "plain-sigmoid",
        "I turned the numbers into Python's float, which is float64.",
        {"np.exp(-x)": "np.exp(-x.astype(float))"},
    ),
    Mistake(
        "sigmoid-overflows",
        "sigmoid",
        "I kept the formula of the blackboard, whose exponential overflows on the left.",
        solution="return 1 / (1 + np.exp(-x))",
    ),
    Mistake(
        "where-computes-both",
        "sigmoid",
        "I chose between the two plain formulas; np.where computes both of them everywhere.",
        solution="return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))",
    ),
    Mistake(
        "sigmoid-clipped",
        "sigmoid",
        "I clipped x to ±50 so that nothing overflows, and lost the tail.",
        solution="return 1 / (1 + np.exp(-np.clip(x, -50, 50)))",
    ),
    Mistake(
        "left-tail-by-subtraction",
        "sigmoid",
        "I computed the left side as 1 minus the right one, and every digit cancelled.",
        solution="right = 1 / (1 + np.exp(-np.abs(x)))\nreturn np.where(x >= 0, right, 1 - right)",
    ),
    Mistake(
        "only-the-right-side",
        "sigmoid",
        "I used the absolute value and forgot that the left side has another numerator.",
        {"np.where(x >= 0, 1, small)": "1"},
    ),
    Mistake(
        "result-in-the-dtype-of-integers",
        "sigmoid",
        "I filled an array made by empty_like(x); for integers, it cut off all digits.",
        solution="""
            small = np.exp(-np.abs(x))
            out = np.empty_like(x)
            out[...] = np.where(x >= 0, 1, small) / (1 + small)
            return out
        """,
    ),
    Mistake(
        "tanh-without-its-sign",
        "tanh-by-exponentials",
        "I used the absolute value and did not give the sign back.",
        {"np.sign(x) * (1 - t)": "(1 - t)"},
    ),
    Mistake(
        "half-the-exponent",
        "tanh-by-exponentials",
        "I forgot the factor 2 in the exponent.",
        {"np.exp(-2 * np.abs(x))": "np.exp(-np.abs(x))"},
    ),
    Mistake(
        "tanh-overflows",
        "tanh-by-exponentials",
        "I wrote the formula with two exponentials, one of which overflows on each side.",
        solution="up, down = np.exp(x), np.exp(-x)\nreturn (up - down) / (up + down)",
    ),
    Mistake(
        "one-sum-for-all-rows",
        "plain-softmax",
        "I divided by the sum of all exponentials, so that only all rows together sum to 1.",
        {"exponentials.sum(axis=axis, keepdims=True)": "exponentials.sum()"},
    ),
    Mistake(
        "sum-without-keepdims",
        "plain-softmax",
        "I let the sum lose its axis, and it was divided along the wrong one.",
        {"axis=axis, keepdims=True": "axis=axis"},
    ),
    Mistake(
        "axis-ignored",
        "plain-softmax",
        "I summed along the last axis, whichever was asked for.",
        {"axis=axis": "axis=-1"},
    ),
    Mistake(
        "softmax-overflows",
        "softmax",
        "I did not subtract the maximum.",
        {"x - largest(x, axis)": "x"},
    ),
    Mistake(
        "one-maximum-for-all-rows",
        "softmax",
        "I subtracted the maximum of the whole array; rows far below it become 0/0.",
        {"largest(x, axis)": "x.max()"},
    ),
    Mistake(
        "maximum-along-the-last-axis",
        "softmax",
        "I used axis in the sum and forgot it in the maximum.",
        {"largest(x, axis)": "largest(x, -1)"},
        hidden="the values agree for ordinary scores; the lesson names the trap, and the grader "
        "tries levels that differ along other axes",
    ),
    Mistake(
        "mean-instead-of-the-maximum",
        "softmax",
        "I subtracted the mean of each row; a score far above it still overflows.",
        {"largest(x, axis)": "x.mean(axis=axis, keepdims=True)"},
    ),
    Mistake(
        "softmax-changes-the-scores",
        "softmax",
        "I subtracted the maximum with -=, from the caller's array.",
        solution="""
            x -= x.max(axis=axis, keepdims=True)
            return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
        """,
    ),
    Mistake(
        "logarithm-of-softmax",
        "log-softmax",
        "I called softmax and took its logarithm; by then the small ones are 0.",
        solution="return np.log(softmax(x, axis=axis))",
    ),
    Mistake(
        "a-small-number-for-safety",
        "log-softmax",
        "I added 1e-9 before the logarithm, so everything below it looks alike.",
        solution="""
            probabilities = np.exp(x - x.max(axis=axis, keepdims=True))
            probabilities = probabilities / probabilities.sum(axis=axis, keepdims=True)
            return np.log(probabilities + 1e-9)
        """,
    ),
    Mistake(
        "logarithm-forgotten",
        "log-softmax",
        "I subtracted the sum itself, not its logarithm.",
        {
            "np.log(np.exp(shifted).sum(axis=axis, keepdims=True))": (
                "np.exp(shifted).sum(axis=axis, keepdims=True)"
            )
        },
    ),
    Mistake(
        "sum-of-what-was-not-shifted",
        "log-softmax",
        "I shifted the scores and then summed the exponentials of the old ones.",
        {"np.exp(shifted)": "np.exp(x)"},
    ),
    Mistake(
        "log-softmax-changes-the-scores",
        "log-softmax",
        "I subtracted the maximum with -=, from the caller's array.",
        {
            "shifted = x - largest(x, axis)": "shifted = x\n    shifted -= largest(x, axis)"
        },
    ),
    Mistake(
        "opens-the-tensor-itself",
        "activation-layers",
        "I took the data out, computed and wrapped the result; apply never heard of it.",
        {"return apply(relu, x)": "return Tensor(relu(x.data))"},
    ),
    Mistake(
        "calls-instead-of-handing-over",
        "activation-layers",
        "I called the function and gave apply its result.",
        {"apply(sigmoid, x)": "apply(sigmoid(x))"},
    ),
    Mistake(
        "tanh-that-cancels",
        "activation-layers",
        "I took my own tanh, which loses its digits near 0.",
        {"apply(np.tanh, x)": "apply(tanh_by_exponentials, x)"},
    ),
    Mistake(
        "axis-as-a-second-input",
        "softmax-layer",
        "I handed the axis over without its name; then it is an input beside x.",
        {"axis=self.axis": "self.axis"},
    ),
    Mistake(
        "axis-not-handed-over",
        "softmax-layer",
        "I remembered the axis and did not use it.",
        {"apply(softmax, x, axis=self.axis)": "apply(softmax, x)"},
    ),
    Mistake(
        "axis-not-remembered",
        "softmax-layer",
        "I stored -1, whatever was asked for.",
        {"self.axis = axis": "self.axis = -1"},
    ),
    Mistake(
        "only-the-sigmoid",
        "silu",
        "I forgot to multiply by x.",
        {"return x * apply(sigmoid, x)": "return apply(sigmoid, x)"},
    ),
    Mistake(
        "silu-past-apply",
        "silu",
        "I computed with the arrays and wrapped the result; neither step went through apply.",
        {"x * apply(sigmoid, x)": "Tensor(x.data * sigmoid(x.data))"},
        hidden="the values are right; the lesson has just shown what apply is for, and the next "
        "modules find out",
    ),
    Mistake(
        "starts-at-zero",
        "relu-curve",
        "I forgot the first value, so that the line begins at height 0.",
        {"return values[0] + relu": "return relu"},
    ),
    Mistake(
        "slopes-instead-of-their-changes",
        "relu-curve",
        "I used the slopes as factors; but the ReLUs before go on rising.",
        {"np.diff(slopes, prepend=0)": "slopes"},
    ),
    Mistake(
        "heights-taken-for-slopes",
        "relu-curve",
        "I did not divide by the distance of the knots.",
        {"np.diff(values) / np.diff(knots)": "np.diff(values)"},
    ),
    Mistake(
        "only-vectors",
        "relu-curve",
        "I wrote x[:, None], which adds the new axis in the second place, not at the end.",
        {"x[..., None]": "x[:, None]"},
    ),
]

ALTERNATIVES = [
    Alternative(
        "what-becomes-of-zero-and-of-the-unit-vectors",
        "collapse",
        "Sends zero through both maps for the constants, and the unit vectors for the weights.",
        solution="""
        b = (0 * w1[0] + b1) @ w2 + b2
        w = np.array([(row + b1) @ w2 + b2 - b for row in w1])
        return w, b
        """,
    ),
    Alternative(
        "collapse-by-dot",
        "collapse",
        "The same formula with np.dot.",
        solution="w = np.dot(w1, w2)\nb = np.dot(b1, w2)\nb = b + b2\nreturn w, b",
    ),
    Alternative(
        "relu-by-clipping",
        "relu",
        "Clips at 0 from below.",
        {"np.maximum(x, 0)": "np.clip(x, 0, None)"},
    ),
    Alternative(
        "relu-on-a-copy",
        "relu",
        "Sets the negative elements to zero in a copy.",
        solution="out = np.array(x)\nout[out < 0] = 0\nreturn out",
    ),
    Alternative(
        "relu-where-negative",
        "relu",
        "Chooses 0 where x is negative; a comparison with NaN is false, so NaN stays.",
        solution="return np.where(x < 0, 0, x)",
    ),
    Alternative(
        "plain-sigmoid-in-steps",
        "plain-sigmoid",
        "The formula in three steps.",
        solution="""
        e = np.exp(-x)
        below = np.add(1, e)
        return below**-1
        """,
    ),
    Alternative(
        "sigmoid-by-the-other-formula",
        "plain-sigmoid",
        "Expands by exp(x); for numbers of moderate size that is the same.",
        solution="e = np.exp(x)\nreturn e / (e + 1)",
    ),
    Alternative(
        "sigmoid-by-masks",
        "sigmoid",
        "Computes each side with the formula that is safe there, and fills an array with both.",
        solution="""
        x = np.asarray(x)
        dtype = x.dtype if x.dtype.kind == "f" else float
        out = np.full(x.shape, np.nan, dtype=dtype)
        right, left = x >= 0, x < 0
        out[right] = 1 / (1 + np.exp(-x[right]))
        grown = np.exp(x[left])
        out[left] = grown / (1 + grown)
        return out
        """,
    ),
    Alternative(
        "two-exponentials-below-one",
        "sigmoid",
        "Takes exp(min(x, 0)) as the numerator, which is 1 on the right.",
        solution="return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))",
    ),
    Alternative(
        "where-without-overflow",
        "sigmoid",
        "Gives each of the two plain formulas only numbers that it can take.",
        solution="""
        right = 1 / (1 + np.exp(-np.maximum(x, 0)))
        e = np.exp(np.minimum(x, 0))
        return np.where(x > 0, right, e / (1 + e))
        """,
    ),
    Alternative(
        "tanh-sides-chosen",
        "tanh-by-exponentials",
        "Chooses the numerator by the sign.",
        solution="""
        t = np.exp(-2 * abs(x))
        return np.where(x < 0, t - 1, 1 - t) / (t + 1)
        """,
    ),
    Alternative(
        "tanh-with-the-sign-copied",
        "tanh-by-exponentials",
        "Squares one exponential, and copies the sign.",
        solution="""
        e = np.exp(-np.abs(x))
        size = (1 - e * e) / (1 + e * e)
        return np.copysign(size, x)
        """,
    ),
    Alternative(
        "softmax-by-a-list-of-rows",
        "plain-softmax",
        "Moves the axis to the front, divides by the plain sum, and moves it back.",
        solution="""
        e = np.moveaxis(np.exp(x), axis, 0)
        return np.moveaxis(e / sum(e), 0, axis)
        """,
    ),
    Alternative(
        "axis-put-back",
        "plain-softmax",
        "Lets the sum lose its axis and puts it back.",
        solution="""
        e = np.exp(x)
        total = np.expand_dims(np.sum(e, axis), axis)
        return np.divide(e, total)
        """,
    ),
    Alternative(
        "maximum-by-x-max",
        "softmax",
        "Takes the maximum with x.max, as the formula says.",
        {"largest(x, axis)": "x.max(axis=axis, keepdims=True)"},
    ),
    Alternative(
        "row-by-row",
        "softmax",
        "Applies the formula for a single row along the axis.",
        solution="""
        def of_one_row(row):
            e = np.exp(row - max(row))
            return e / e.sum()

        return np.apply_along_axis(of_one_row, axis, x)
        """,
    ),
    Alternative(
        "shifted-then-plain",
        "softmax",
        "Shifts a copy, and calls the plain softmax.",
        solution="""
        x = np.array(x)
        x -= np.max(x, axis, keepdims=True)
        return plain_softmax(x, axis=axis)
        """,
    ),
    Alternative(
        "logarithm-of-a-sum-by-logaddexp",
        "log-softmax",
        "Subtracts the logarithm of the sum of exponentials, folded with np.logaddexp.",
        solution="return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)",
    ),
    Alternative(
        "maximum-put-back",
        "log-softmax",
        "Subtracts the maximum and the logarithm of the sum together.",
        solution="""
        m = np.max(x, axis=axis, keepdims=True)
        total = np.sum(np.exp(x - m), axis=axis, keepdims=True)
        return x - (m + np.log(total))
        """,
    ),
    Alternative(
        "function-by-a-name",
        "activation-layers",
        "Gives the function, or the result, a name first.",
        {
            "return apply(relu, x)": "function = relu\n        return apply(function, x)",
            "return apply(sigmoid, x)": "y = apply(sigmoid, x)\n        return y",
            "return apply(np.tanh, x)": "return apply(np.tanh, *[x])",
        },
    ),
    Alternative(
        "settings-of-softmax-in-a-dictionary",
        "softmax-layer",
        "Unpacks the axis from a dictionary.",
        {
            "apply(softmax, x, axis=self.axis)": 'apply(softmax, x, **{"axis": self.axis})'
        },
    ),
    Alternative(
        "silu-by-the-layer",
        "silu",
        "Calls the layer Sigmoid, and multiplies from the other side.",
        {"x * apply(sigmoid, x)": "Sigmoid()(x) * x"},
    ),
    Alternative(
        "silu-by-np-multiply",
        "silu",
        "Sends the product through apply by hand.",
        {"x * apply(sigmoid, x)": "apply(np.multiply, x, apply(sigmoid, x))"},
    ),
    Alternative(
        "relu-by-relu",
        "relu-curve",
        "Adds one ReLU after the other in a loop, and keeps the slope so far.",
        solution="""
        height, slope = values[0] + 0 * x, 0
        for i in range(len(knots) - 1):
            next_slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
            height = height + (next_slope - slope) * relu(x - knots[i])
            slope = next_slope
        return height
        """,
    ),
    Alternative(
        "all-knots-in-front",
        "relu-curve",
        "Makes the new axis in front and sums over it.",
        solution="""
        x = np.asarray(x)
        slopes = (values[1:] - values[:-1]) / (knots[1:] - knots[:-1])
        factors = np.concatenate([slopes[:1], slopes[1:] - slopes[:-1]])
        bends = np.array([factor * relu(x - knot) for factor, knot in zip(factors, knots)])
        return values[0] + bends.sum(axis=0)
        """,
    ),
]

EQUIVALENT = [
    Equivalent(
        "relu",
        "return np.maximum(x, 0)",
        "return np.maximum(0, x)",
        "the larger of two numbers does not depend on their order",
    ),
    Equivalent(
        "sigmoid",
        "return np.where(x >= 0, 1, small) / (1 + small)",
        "return np.where(x > 0, 1, small) / (1 + small)",
        "at 0, where they differ, small is 1 as well",
    ),
    Equivalent(
        "relu-curve",
        "return values[0] + relu(x[..., None] - knots[:-1]) @ factors",
        "return (values[0] + relu(x[..., None] - knots[:-1]) @ factors) * np.float64(1)",
        "np.diff with prepend=0 makes float64 of any factors, and no dtype is promised",
    ),
]
