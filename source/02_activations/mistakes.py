"""Mistakes that students make in module 2, and changes that are none."""

from tito.audit.catalogue import Equivalent, Mistake

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
        {"shifted = x - largest(x, axis)": "shifted = x\n    shifted -= largest(x, axis)"},
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
]  # fmt: skip

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
