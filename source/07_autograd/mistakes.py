"""What students get wrong in module 7, and what only looks wrong: see `tito.source.catalogue`."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    # 1. The numerical gradient
    Mistake(
        "one-sided-difference",
        "numerical-gradient",
        "Steps to one side only, so that the error shrinks with h and not with its square.",
        {
            "(f(x + offset) - f(x - offset)) / (2 * step)": "(f(x + offset) - f(x)) / step"
        },
    ),
    Mistake(
        "half-the-distance",
        "numerical-gradient",
        "Divides by step, although the two points lie two steps apart.",
        {"(x - offset)) / (2 * step)": "(x - offset)) / step"},
    ),
    Mistake(
        "downhill",
        "numerical-gradient",
        "Takes the two sides in the wrong order.",
        {"(f(x + offset) - f(x - offset))": "(f(x - offset) - f(x + offset))"},
    ),
    # 2. By hand
    Mistake(
        "one-path-only",
        "graph-by-hand",
        "Follows the path of x through t * x, and forgets the one through s.",
        {"dg_dx = t + dg_ds * y": "dg_dx = t"},
    ),
    Mistake(
        "a-factor-is-its-own-derivative",
        "graph-by-hand",
        "Takes t as the derivative of t * x by t.",
        {"dg_dt = x": "dg_dt = t"},
    ),
    Mistake(
        "paths-are-multiplied",
        "graph-by-hand",
        "Multiplies what comes back from two uses of y, and does not add it.",
        {"dg_dy = dg_dt + dg_ds * x": "dg_dy = dg_dt * dg_ds * x"},
    ),
    # 3. Rules
    Mistake(
        "one-instead-of-grad",
        "four-rules",
        "Returns the derivative, 1, and forgets to multiply it with what arrives.",
        {
            "np.add,\n        lambda grad, out, x, y: grad,": (
                "np.add,\n        lambda grad, out, x, y: np.ones_like(grad),"
            )
        },
    ),
    Mistake(
        "chain-factor-forgotten",
        "four-rules",
        "Returns the derivative alone; a test that ends in sum() does not notice.",
        {"lambda grad, out, x, y: grad * y": "lambda grad, out, x, y: y"},
    ),
    Mistake(
        "each-its-own-factor",
        "four-rules",
        "Takes a factor as its own derivative.",
        {
            "lambda grad, out, x, y: grad * y,\n        lambda grad, out, x, y: grad * x": (
                "lambda grad, out, x, y: grad * x,\n        lambda grad, out, x, y: grad * y"
            )
        },
    ),
    # 4. Notes
    Mistake(
        "settings-not-passed-on",
        "operation",
        "Calls the rules without the parameters, such as the axis.",
        {", **self.parameters": ""},
    ),
    Mistake(
        "constants-left-out",
        "operation",
        "Skips an input that needs no gradient, so that the list is shorter than the inputs.",
        {"shares.append(None)": "continue"},
    ),
    Mistake(
        "the-first-rule-for-all",
        "operation",
        "Asks the rule of the first input for every input.",
        {"shares.append(rule(grad": "shares.append(self.rules[0](grad"},
    ),
    Mistake(
        "result-not-passed-on",
        "operation",
        "Gives the rules what arrives a second time, in place of the result.",
        {"rule(grad, out, *values": "rule(grad, grad, *values"},
    ),
    Mistake(
        "arrays-noted-as-inputs",
        "record",
        "Notes the arrays of the inputs, through which no way leads back.",
        {
            "Operation(function, inputs, values": "Operation(function, tuple(values), values"
        },
    ),
    Mistake(
        "recording-cannot-be-switched-off",
        "record",
        "Does not ask recording.enabled.",
        {"if recording.enabled and any": "if any"},
    ),
    Mistake(
        "constants-get-a-history",
        "record",
        "Takes a note of every operation, also where nothing needs a gradient.",
        {
            "if recording.enabled and any(map(needs_gradient, inputs)):": "if recording.enabled:"
        },
    ),
    Mistake(
        "all-inputs-must-need-one",
        "record",
        "Takes a note only if every input needs a gradient.",
        {"any(map(": "all(map("},
    ),
    Mistake(
        "the-result-asks-for-nothing",
        "record",
        "Forgets that what is computed from a variable needs a gradient as well.",
        {"        result.requires_grad = True\n": ""},
    ),
    # 5. The way back
    Mistake(
        "last-share-only",
        "naive-backward",
        "Replaces the gradient of a leaf instead of adding to it.",
        {"grad if variable.grad is None else variable.grad + grad": "grad"},
    ),
    Mistake(
        "goes-on-with-the-same-gradient",
        "naive-backward",
        "Sends its own gradient on, and not the share.",
        {"naive_backward(x, share)": "naive_backward(x, grad)"},
    ),
    Mistake(
        "order-of-discovery",
        "order",
        "Visits variables as they are found, so a shared one comes before all has arrived.",
        {'sorted(nodes, key=attrgetter("order"), reverse=True)': "nodes"},
    ),
    Mistake(
        "oldest-first",
        "order",
        "Sorts by order, and forgets that the way back begins at the youngest.",
        {", reverse=True": ""},
    ),
    Mistake(
        "recursion-instead-of-a-list",
        "order",
        "Visits the inputs by recursion, which ends at a depth of a thousand.",
        solution="""
            found = set()

            def visit(x):
                if is_computed(x) and x not in found:
                    found.add(x)
                    for y in inputs_of(x):
                        visit(y)

            for output in outputs:
                visit(output)
            return sorted(found, key=lambda x: x.order, reverse=True)
        """,
    ),
    Mistake(
        "visited-once-a-path",
        "order",
        "Does not look whether a variable was found before.",
        {" and x not in found": ""},
    ),
    Mistake(
        "a-set-and-every-path",
        "order",
        "Collects in a set, but does not ask it which variables are new: runs for ever.",
        solution="""
            found, nodes = set(), [x for x in outputs if is_computed(x)]
            for node in nodes:
                found.add(node)
                nodes.extend(x for x in inputs_of(node) if is_computed(x))
            return sorted(found, key=lambda x: x.order, reverse=True)
        """,
    ),
    Mistake(
        "second-share-overwrites-the-first",
        "propagate",
        "Stores each share where the one before was: the derivative of a + a is 1.",
        {"plus(gradients.pop(x), share) if x in gradients else share": "share"},
    ),
    Mistake(
        "added-in-place-to-a-shared-array",
        "propagate",
        "Adds with += to an array that another variable holds as well.",
        {
            "gradients[x] = plus(gradients.pop(x), share) if x in gradients else share": (
                "gradients[x] = gradients.get(x, share)\n"
                "            if gradients[x] is not share:\n"
                "                gradients[x] += share"
            )
        },
    ),
    Mistake(
        "nodes-stay-in-the-dictionary",
        "propagate",
        "Looks a gradient up and leaves it there, so that it is taken for a leaf's.",
        {"gradients.pop(node)": "gradients[node]"},
    ),
    Mistake(
        "nothing-is-freed",
        "propagate",
        "Keeps the graph in any case, and with it the memory.",
        {"if not retain_graph:": "if False:"},
    ),
    Mistake(
        "freed-although-retained",
        "propagate",
        "Frees every operation, whatever was asked for.",
        {"if not retain_graph:": "if True:"},
    ),
    Mistake(
        "broadcast-forgotten",
        "propagate",
        "Takes each share as it comes, also where its shape differs from the input's.",
        {"if share.shape != x.shape:": "if False:"},
    ),
    Mistake(
        "freed-too-early",
        "propagate",
        "Frees the operation before it asks it for the shares.",
        {
            "gradients.pop(node))\n": (
                "gradients.pop(node))\n"
                "        if not retain_graph:\n"
                "            node.grad_fn.free()\n"
            )
        },
    ),
    Mistake(
        "stretched-axes-lost",
        "unbroadcast",
        "Sums over the stretched axes, and does not keep them with length 1.",
        {".reshape(shape)": ""},
    ),
    Mistake(
        "only-new-axes-summed",
        "unbroadcast",
        "Sums over the axes in front, and forgets those of length 1.",
        {
            "axis=(*range(new_axes), *stretched)).reshape(shape)": "axis=tuple(range(new_axes)))"
        },
    ),
    Mistake(
        "mean-instead-of-sum",
        "unbroadcast",
        "Takes the mean over what was repeated: wrong by a factor.",
        {"return total(grad, axis=": "return grad.mean(axis="},
    ),
    # 6. A network
    Mistake(
        "factor-not-transposed",
        "rules-of-the-matrix-product",
        "Multiplies with y as it is; with square matrices no shape complains.",
        {"lambda grad, out, x, y: grad @ swap(y)": "lambda grad, out, x, y: grad @ y"},
    ),
    Mistake(
        "all-axes-reversed",
        "rules-of-the-matrix-product",
        "Transposes a stack with .T, which reverses all its axes.",
        {
            "lambda grad, out, x, y: swap(x) @ grad": "lambda grad, out, x, y: x.T @ grad"
        },
    ),
    Mistake(
        "bias-counts-once",
        "rules-of-the-matrix-product",
        "Returns ones for the bias, and not what arrives.",
        {"weights, bias: grad,": "weights, bias: np.ones_like(grad),"},
    ),
    Mistake(
        "slope-at-the-corner",
        "rules-of-relu-and-cross-entropy",
        "Gives relu the slope 1 at 0.",
        {"select(x > 0, grad)": "select(x >= 0, grad)"},
    ),
    Mistake(
        "infinity-times-zero",
        "rules-of-relu-and-cross-entropy",
        "Multiplies by the condition, which makes NaN of an infinity that should be left out.",
        {"select(x > 0, grad)": "grad * (x > 0)"},
    ),
    Mistake(
        "mean-forgotten",
        "rules-of-relu-and-cross-entropy",
        "Forgets that the loss is the mean over the examples.",
        {"(grad * (1 / len(labels)))": "grad"},
    ),
    Mistake(
        "loss-gradient-forgotten",
        "rules-of-relu-and-cross-entropy",
        "Forgets the factor grad, because the loss usually comes last.",
        {"(grad * (1 / len(labels)))": "(1 / len(labels))"},
    ),
    Mistake(
        "gradient-and-mean-forgotten",
        "rules-of-relu-and-cross-entropy",
        "Takes the formula of one example, without grad and without the mean.",
        {" * (grad * (1 / len(labels)))": ""},
    ),
    # 7. More rules
    Mistake(
        "both-sides-alike",
        "rules-of-differences-and-quotients",
        "Forgets that a difference falls where its second input grows.",
        {"lambda grad, out, x, y: -grad,": "lambda grad, out, x, y: grad,"},
    ),
    Mistake(
        "sign-of-the-quotient",
        "rules-of-differences-and-quotients",
        "Forgets that a quotient falls where its divisor grows.",
        {"-grad * out / y": "grad * out / y"},
    ),
    Mistake(
        "divisor-once-only",
        "rules-of-differences-and-quotients",
        "Takes -x / y for the derivative by y.",
        {"-grad * out / y": "-grad * out"},
    ),
    Mistake(
        "exponent-not-lowered",
        "rules-of-powers",
        "Multiplies by the exponent, and leaves it as it was.",
        {"** (y - 1)": "** y"},
    ),
    Mistake(
        "formula-as-it-stands",
        "rules-of-powers",
        "Writes both formulas down, which are NaN at the edge.",
        solution="""
            derivative(
                np.power,
                lambda grad, out, x, y: grad * y * x ** (y - 1),
                lambda grad, out, x, y: grad * out * np.log(x),
            )
        """,
    ),
    Mistake(
        "infinity-gets-through",
        "rules-of-powers",
        "Cures the base, but multiplies an infinity that arrives by 0.",
        {"select((y != 0) | np.isfinite(grad), grad) * y": "grad * y"},
    ),
    Mistake(
        "cases-with-where",
        "rules-of-powers",
        "Tells the cases apart with np.where, so that the slope by y is lost at y = 0.",
        solution="""
            derivative(
                np.power,
                lambda grad, out, x, y: np.where(y == 0, 0.0, grad * y * x ** (y - 1)),
                lambda grad, out, x, y: np.where(
                    (x == 0) & (y >= 0), 0.0, grad * out * np.log(x)
                ),
            )
        """,
    ),
    Mistake(
        "derivative-by-the-output",
        "rules-of-functions",
        "Divides by the logarithm in place of its argument.",
        {"grad / x)": "grad / out)"},
    ),
    Mistake(
        "factor-two-of-the-root",
        "rules-of-functions",
        "Forgets the 2 in 1 / (2 sqrt(x)).",
        {"grad / (2 * out)": "grad / out"},
    ),
    Mistake(
        "sign-of-the-sine",
        "rules-of-functions",
        "Forgets that the cosine falls where the sine is positive.",
        {"-grad * np.sin(x)": "grad * np.sin(x)"},
    ),
    Mistake(
        "zero-over-zero",
        "rules-of-activations",
        "Writes the sign as x / |x|, which is NaN at 0.",
        {"select(x > 0, grad) - select(x < 0, grad)": "grad * x / out"},
    ),
    Mistake(
        "sigmoid-of-the-input",
        "rules-of-activations",
        "Puts x into s (1 - s), where s is the output.",
        {"grad * out * (1 - out)": "grad * x * (1 - x)"},
    ),
    Mistake(
        "tanh-not-squared",
        "rules-of-activations",
        "Takes 1 - t for the slope of tanh.",
        {"(1 - out * out)": "(1 - out)"},
    ),
    Mistake(
        "softmax-element-by-element",
        "rules-of-softmax",
        "Takes softmax for a sigmoid, in which each output depends on its own input alone.",
        {
            "out * (grad - total(grad * out, axis=axis, keepdims=True))": "grad * out * (1 - out)"
        },
    ),
    Mistake(
        "sum-over-all-rows",
        "rules-of-softmax",
        "Adds up the gradient of all rows together, and not along the axis.",
        {"total(grad, axis=axis, keepdims=True)": "total(grad, axis=None)"},
    ),
    Mistake(
        "logarithms-for-probabilities",
        "rules-of-softmax",
        "Takes the output of log_softmax for probabilities.",
        {"np.exp(out) * total": "out * total"},
    ),
    Mistake(
        "no-axis-kept",
        "rules-of-softmax",
        "Sums without keepdims, so that the sums of rows are subtracted from columns.",
        {
            "total(grad * out, axis=axis, keepdims=True)": "total(grad * out, axis=axis)",
            "total(grad, axis=axis, keepdims=True)": "total(grad, axis=axis)",
        },
    ),
    Mistake(
        "sum-not-repeated",
        "rules-of-reductions",
        "Gives the axes back, and not the full shape of x.",
        {"spread(with_axes(grad, x, axis), shape=x.shape)": "with_axes(grad, x, axis)"},
    ),
    Mistake(
        "axes-not-given-back",
        "rules-of-reductions",
        "Repeats the gradient without its lost axes, which fits only some shapes.",
        {"with_axes(grad, x, axis), shape": "grad, shape"},
    ),
    Mistake(
        "mean-of-everything",
        "rules-of-reductions",
        "Divides by the number of all elements, whatever the axis.",
        {"* (out.size / max(x.size, 1))": "* (1 / max(x.size, 1))"},
    ),
    Mistake(
        "mean-of-the-whole-array",
        "rules-of-reductions",
        "Takes the distances from the mean of everything, whatever the axis.",
        {"x.mean(axis=axis, keepdims=True)": "x.mean()"},
    ),
    Mistake(
        "every-tie-gets-everything",
        "rule-of-the-maximum",
        "Gives the whole gradient to each of several equal maxima.",
        {" / at_extreme.sum(axis=axis, keepdims=True)": ""},
    ),
    Mistake(
        "ties-of-the-whole-array",
        "rule-of-the-maximum",
        "Counts the maxima of the whole array, and not those along the axis.",
        {"at_extreme.sum(axis=axis, keepdims=True)": "at_extreme.sum()"},
    ),
    Mistake(
        "places-as-factors",
        "rule-of-the-maximum",
        "Multiplies by the places, which makes NaN of an infinity that belongs elsewhere.",
        {
            "select(at_extreme, spread(astype(share, dtype=x.dtype), shape=x.shape))": (
                "astype(share * at_extreme, dtype=x.dtype)"
            )
        },
    ),
    Mistake(
        "same-order-again",
        "rules-of-arrangement",
        "Applies the same order of axes once more, in place of the inverse one.",
        {"grad.transpose(inverse(axes, x.ndim))": "grad.transpose(axes)"},
    ),
    Mistake(
        "shape-of-the-output",
        "rules-of-arrangement",
        "Gives the gradient the shape that it has already.",
        {"grad.reshape(x.shape)": "grad.reshape(shape)"},
    ),
    Mistake(
        "repeated-index-counts-once",
        "rules-of-arrangement",
        "Adds with += at an index array, where the last of equal indices wins.",
        solution="""
            derivative(np.reshape, lambda grad, out, x, shape: grad.reshape(x.shape))
            derivative(
                np.transpose,
                lambda grad, out, x, axes=None: grad.transpose(inverse(axes, x.ndim)),
            )

            def by_index(grad, out, x, index):
                zeros = np.zeros_like(x)
                zeros[index] += grad
                return zeros

            derivative(tensor.getitem, by_index)
        """,
    ),
    Mistake(
        "always-switched-on-again",
        "no-grad",
        "Turns recording on at the end, whatever it was before.",
        {"recording.enabled = before": "recording.enabled = True"},
    ),
    Mistake(
        "an-error-leaves-it-off",
        "no-grad",
        "Goes back only if the block ends without an error.",
        solution="""
            before = recording.enabled
            recording.enabled = False
            yield
            recording.enabled = before
        """,
    ),
    Mistake(
        "errors-are-swallowed",
        "no-grad",
        "Catches the error of the block, and nobody hears of it.",
        solution="""
            before = recording.enabled
            recording.enabled = False
            try:
                yield
            except Exception:
                pass
            recording.enabled = before
        """,
    ),
    Mistake(
        "goes-everywhere",
        "grad",
        "Goes through all nodes, also through those that lead to nothing wanted.",
        {
            "leading_to(inputs, reverse_creation_order(start))": "reverse_creation_order(start)"
        },
    ),
    Mistake(
        "direct-inputs-only",
        "grad",
        "Finds only the nodes next to the inputs, and not those that lead to these.",
        {"(x in wanted or x in leading)": "x in wanted"},
    ),
    Mistake(
        "graph-always-kept",
        "grad",
        "Keeps the graph whether or not retain_graph is set.",
        {"retain_graph or create_graph)": "True)"},
    ),
    Mistake(
        "graph-never-kept",
        "grad",
        "Does not hand retain_graph on.",
        {"nodes, retain_graph or create_graph)": "nodes)"},
    ),
    Mistake(
        "create-graph-forgotten",
        "grad",
        "Keeps the graph for retain_graph only, although a recorded way back needs it too.",
        {"nodes, retain_graph or create_graph)": "nodes, retain_graph)"},
    ),
]

BASE = "base = x + ((x * x == 0) & (y == 0))"
MEAN = "share = with_axes(grad, x, axis) * (out.size / max(x.size, 1))"
VAR = "share = with_axes(grad, x, axis) * (2 * out.size / max(x.size, 1))"
TINY = "they differ for numbers so small that 1 / x overflows, which nobody has to think of"

EQUIVALENT = [
    Equivalent(
        "record",
        "result = Variable(bare_tensor(out), False)",
        "result = Variable(out, False)",
        "Variable makes a tensor of an array itself; bare_tensor only saves its questions",
    ),
    Equivalent(
        "propagate",
        "if share.shape != x.shape:",
        "if True:",
        "unbroadcast gives back what has the right shape already",
    ),
    Equivalent(
        "propagate",
        "gradients[x] = plus(gradients.pop(x), share) if x in gradients else share",
        "gradients[x] = plus(share, gradients.pop(x)) if x in gradients else share",
        "a sum is the same in both orders",
    ),
    Equivalent(
        "unbroadcast",
        "return total(grad, axis=(*range(new_axes), *stretched)).reshape(shape)",
        "return total(grad, axis=(*stretched, *range(new_axes))).reshape(shape)",
        "in which order axes are summed does not matter",
    ),
    Equivalent(
        "rules-of-powers",
        BASE,
        BASE.replace("x + (", "x - ("),
        "where y is 0, any base but 0 will do, for it is multiplied by y",
    ),
    Equivalent("rules-of-powers", BASE, BASE.replace("x * x", "x + x"), TINY),
    Equivalent("rules-of-powers", BASE, BASE.replace("x * x", "x"), TINY),
    *(
        Equivalent(
            "rules-of-reductions",
            f"def by_{name}(grad, out, x, axis=None, keepdims=False):",
            f"def by_{name}(grad, out, x, axis=None, keepdims=True):",
            "these rules never ask for keepdims: the shapes tell it",
        )
        for name in ("sum", "mean", "var")
    ),
    *(
        Equivalent(
            "rules-of-reductions",
            row,
            row.replace("max(x.size, 1)", "max(1, x.size)"),
            "the larger of two numbers is the same in both orders",
        )
        for row in (MEAN, VAR)
    ),
    Equivalent(
        "rules-of-reductions",
        VAR,
        VAR.replace("max(x.size, 1)", "max(x.size, 2)"),
        "a single number has the distance 0 from its mean, whatever that is divided by",
    ),
    Equivalent(
        "rule-of-the-maximum",
        "return select(at_extreme, spread(astype(share, dtype=x.dtype), shape=x.shape))",
        "return select(at_extreme, astype(share, dtype=x.dtype))",
        "select repeats what is too small itself; of equal shapes it is faster",
    ),
]

ALTERNATIVES = [
    Alternative(
        "one-side-after-the-other",
        "numerical-gradient",
        "Names the two values.",
        solution="""
            offset = np.zeros(x.shape)
            offset[index] = step
            above, below = f(x + offset), f(x - offset)
            gradient[index] = (above - below) / step / 2
        """,
    ),
    Alternative(
        "from-the-left",
        "graph-by-hand",
        "Writes the factors of both paths out.",
        solution="""
            s, t = x * y, x * y + y
            dg_dt, dg_ds = x, x
            dg_dx = x * y + t
            dg_dy = x * (1 + x)
        """,
    ),
    Alternative(
        "named-functions",
        "four-rules",
        "Names its rules.",
        solution="""
            def hand_on(grad, out, x, y):
                return grad * 1.0

            def times_y(grad, out, x, y):
                return y * grad

            def times_x(grad, out, x, y):
                return x * grad

            derivative(np.add, hand_on, hand_on)
            derivative(np.multiply, times_y, times_x)
        """,
    ),
    Alternative(
        "in-one-line",
        "operation",
        "A list comprehension.",
        solution="""
            arguments = (grad, out, *values)
            return [rule(*arguments, **self.parameters) if rule else None for rule in self.rules]
        """,
    ),
    Alternative(
        "decided-first",
        "record",
        "Finds out first whether a note is of use.",
        solution="""
            out = compute(function, *values, **parameters)
            if out.dtype.kind in "biucO":
                return no_derivative(function, inputs, out)
            note = None
            for x in inputs:
                if needs_gradient(x) and recording.enabled:
                    note = Operation(function, inputs, values, parameters)
            result = Variable(bare_tensor(out), note is not None, note)
        """,
    ),
    Alternative(
        "leaves-return-early",
        "naive-backward",
        "Ends at a leaf, and goes by position.",
        solution="""
            if variable.grad_fn is None:
                if variable.grad is None:
                    variable.grad = np.zeros(variable.shape)
                variable.grad = variable.grad + grad
                return
            shares = variable.grad_fn(grad, variable)
            for position, x in enumerate(variable.grad_fn.inputs):
                if shares[position] is not None:
                    naive_backward(x, shares[position])
        """,
    ),
    Alternative(
        "a-stack",
        "order",
        "Takes from the end of a list of those to visit, and sorts what was found.",
        solution="""
            found, waiting = set(), [x for x in outputs if is_computed(x)]
            while waiting:
                node = waiting.pop()
                if node not in found:
                    found.add(node)
                    waiting.extend(x for x in inputs_of(node) if is_computed(x))
            return sorted(found, key=lambda x: -x.order)
        """,
    ),
    Alternative(
        "plain-sums",
        "propagate",
        "Adds with +, and goes by position.",
        solution="""
            grad = gradients.pop(node, None)
            if grad is not None:
                grad = recording.sending(node, grad)
                shares = node.grad_fn(grad, node)
                for position, x in enumerate(node.grad_fn.inputs):
                    share = shares[position]
                    if share is not None:
                        share = unbroadcast(share, x.shape) if share.shape != x.shape else share
                        gradients[x] = share if x not in gradients else gradients[x] + share
                if not retain_graph:
                    node.grad_fn.free()
        """,
    ),
    Alternative(
        "one-axis-after-the-other",
        "unbroadcast",
        "Sums the axes in front, then each stretched one with keepdims.",
        solution="""
            while grad.ndim > len(shape):
                grad = grad.sum(axis=0)
            for axis, length in enumerate(shape):
                if length == 1:
                    grad = grad.sum(axis=axis, keepdims=True)
            return grad
        """,
    ),
    Alternative(
        "the-layer-calls-the-product",
        "rules-of-the-matrix-product",
        "Writes the two rules once, and uses them for the layer.",
        solution="""
            def by_left(grad, out, x, y, bias=None):
                return swap(y @ swap(grad))

            def by_right(grad, out, x, y, bias=None):
                return swap(x) @ grad

            derivative(np.matmul, by_left, by_right)
            derivative(layers.linear, by_left, by_right, lambda grad, *rest: grad)
        """,
    ),
    Alternative(
        "sums-the-batch-itself",
        "rules-of-the-matrix-product",
        "Sums the gradient of the bias over the batch, which the engine would do.",
        {"weights, bias: grad,": "weights, bias: grad.sum(axis=0),"},
    ),
    Alternative(
        "exponentials-of-their-own",
        "rules-of-relu-and-cross-entropy",
        "Takes the softmax last, and where instead of select.",
        solution="""
            derivative(activations.relu, lambda grad, out, x: np.where(x > 0, grad, 0.0))

            def by_scores(grad, out, scores, labels):
                share = grad / len(labels)
                right = one_hot(labels, scores.shape, scores.dtype)
                return through(activations.softmax, scores, axis=1) * share - right * share

            derivative(softmax_cross_entropy, by_scores)
        """,
    ),
    Alternative(
        "through-the-inverse",
        "rules-of-differences-and-quotients",
        "Names its rules, and multiplies by 1 / y.",
        solution="""
            def minus(grad, *rest):
                return grad * -1

            def by_divisor(grad, out, x, y):
                return out * (grad / y) * -1

            derivative(np.negative, minus)
            derivative(np.subtract, lambda grad, out, x, y: 1 * grad, minus)
            derivative(np.divide, lambda grad, out, x, y: grad * (1 / y), by_divisor)
        """,
    ),
    Alternative(
        "named-and-step-by-step",
        "rules-of-powers",
        "Names the harmless base, and asks for zeros without squaring.",
        solution="""
            def by_base(grad, out, x, y):
                grad = select(np.isfinite(grad) | (y != 0), grad)
                base = x + ((x == 0) & (y == 0))
                return base ** (y - 1) * (y * grad)

            def by_exponent(grad, out, x, y):
                constant = (x == 0) & (y >= 0)
                return np.log(x + constant) * out * select(~constant, grad)

            derivative(np.power, by_base, by_exponent)
        """,
    ),
    Alternative(
        "factors-first",
        "rules-of-functions",
        "Computes the derivative first, and the cosine from a shifted sine.",
        solution="""
            derivative(np.exp, lambda grad, out, x: np.exp(x) * grad)
            derivative(np.log, lambda grad, out, x: (1 / x) * grad)
            derivative(np.sqrt, lambda grad, out, x: 0.5 / out * grad)
            derivative(np.sin, lambda grad, out, x: np.sin(x + np.pi / 2) * grad)
            derivative(np.cos, lambda grad, out, x: np.sin(x) * -grad)
        """,
    ),
    Alternative(
        "multiplied-out",
        "rules-of-activations",
        "Multiplies the brackets out, and takes the sign.",
        solution="""
            derivative(np.tanh, lambda grad, out, x: grad - grad * out**2)
            derivative(activations.sigmoid, lambda grad, out, x: grad * (out - out * out))
            derivative(np.abs, lambda grad, out, x: select(x > 0, grad) + select(x < 0, -grad))
        """,
    ),
    Alternative(
        "sums-as-methods",
        "rules-of-softmax",
        "Sums with the method, and multiplies the bracket out.",
        solution="""
            def by_scores(grad, out, x, axis=-1):
                shares = grad * out
                return shares - out * shares.sum(axis=axis, keepdims=True)

            def by_scores_of_the_logarithm(grad, out, x, axis=-1):
                return grad - grad.sum(axis=axis, keepdims=True) * np.exp(out)

            derivative(activations.softmax, by_scores)
            derivative(activations.log_softmax, by_scores_of_the_logarithm)
        """,
    ),
    Alternative(
        "times-ones",
        "rules-of-reductions",
        "Repeats by multiplying with ones, and builds each rule on the one before.",
        solution="""
            def by_sum(grad, out, x, axis=None, keepdims=False):
                return with_axes(grad, x, axis) * np.ones(x.shape, x.dtype)

            def by_mean(grad, out, x, axis=None, keepdims=False):
                return by_sum(grad, out, x, axis) * (max(out.size, 1) / max(x.size, 1))

            def by_var(grad, out, x, axis=None, keepdims=False):
                distances = x - x.mean(axis=axis, keepdims=True)
                return 2 * distances * by_mean(grad, out, x, axis)

            derivative(np.sum, by_sum)
            derivative(np.mean, by_mean)
            derivative(np.var, by_var)
        """,
    ),
    Alternative(
        "selected-before-it-is-shared",
        "rule-of-the-maximum",
        "Selects first, and divides afterwards.",
        solution="""
            places = x - with_axes(out, x, axis) == 0
            count = places.sum(axis=axis, keepdims=True)
            return astype(select(places, with_axes(grad, x, axis)) / count, dtype=x.dtype)
        """,
    ),
    Alternative(
        "two-cases-of-transpose",
        "rules-of-arrangement",
        "Finds the inverse order itself.",
        solution="""
            def by_transpose(grad, out, x, axes=None):
                if axes is None:
                    return grad.transpose()
                places = [a % x.ndim for a in axes]
                return grad.transpose(*[places.index(a) for a in range(x.ndim)])

            derivative(np.transpose, by_transpose)
            derivative(np.reshape, lambda grad, out, x, shape: grad.reshape(*x.shape))
            derivative(
                tensor.getitem,
                lambda grad, out, x, index: scatter(grad, x.shape, index),
            )
        """,
    ),
    Alternative(
        "the-block-of-the-library",
        "no-grad",
        "Uses the block that recording brings.",
        solution="""
            with recording.switched(False):
                yield
        """,
    ),
    Alternative(
        "any-of-its-inputs",
        "grad",
        "Asks with any().",
        {
            "        for x in inputs_of(node):\n"
            "            if needs_gradient(x) and (x in wanted or x in leading):\n"
            "                leading.add(node)": (
                "        ways = [x for x in inputs_of(node) if needs_gradient(x)]\n"
                "        if any(x in wanted or x in leading for x in ways):\n"
                "            leading.add(node)"
            )
        },
    ),
]
