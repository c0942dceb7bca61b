"""What students get wrong in module 7, and what only looks wrong: see `tito.audit.catalogue`."""

from tito.audit.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    # 1. The numerical gradient
    Mistake(
        "one-sided-difference",
        "numerical-gradient",
        "Steps to one side only, so that the error shrinks with h and not with its square.",
        {"(f(x + offset) - f(x - offset)) / (2 * step)": "(f(x + offset) - f(x)) / step"},
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
        "arrays-noted-as-inputs",
        "record",
        "Notes the arrays of the inputs, through which no way leads back.",
        {"Operation(function, inputs, values": "Operation(function, tuple(values), values"},
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
        {"if recording.enabled and any(map(needs_gradient, inputs)):": "if recording.enabled:"},
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
            "            gradients[x] = plus(gradients.pop(x), share) if x in gradients else share": (
                "            if x in gradients:\n"
                "                gradients[x] += share\n"
                "            else:\n"
                "                gradients[x] = share"
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
            "    return total(grad, axis=(*range(new_axes), *stretched)).reshape(shape)": "    return total(grad, axis=tuple(range(new_axes)))"
        },
    ),
    Mistake(
        "mean-instead-of-sum",
        "unbroadcast",
        "Takes the mean over what was repeated: wrong by a factor.",
        {
            "total(grad, axis=(*range(new_axes), *stretched))": "grad.mean(axis=(*range(new_axes), *stretched))"
        },
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
        {"lambda grad, out, x, y: swap(x) @ grad": "lambda grad, out, x, y: x.T @ grad"},
    ),
    Mistake(
        "bias-counts-once",
        "rules-of-the-matrix-product",
        "Returns ones for the bias, and not what arrives.",
        {
            "lambda grad, out, x, weights, bias: grad,": "lambda grad, out, x, weights, bias: np.ones_like(grad),"
        },
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
        {"(grad / len(labels))": "grad"},
    ),
    Mistake(
        "loss-gradient-forgotten",
        "rules-of-relu-and-cross-entropy",
        "Forgets the factor grad, because the loss usually comes last.",
        {"(grad / len(labels))": "(1 / len(labels))"},
    ),
]

EQUIVALENT = [
    Equivalent(
        "record",
        "bare_tensor(out)",
        "out",
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
        "plus(gradients.pop(x), share)",
        "plus(share, gradients.pop(x))",
        "a sum is the same in both orders",
    ),
    Equivalent(
        "unbroadcast",
        "(*range(new_axes), *stretched)",
        "(*stretched, *range(new_axes))",
        "in which order axes are summed does not matter",
    ),
]

ALTERNATIVES = [
    Alternative(
        "one-side-after-the-other",
        "numerical-gradient",
        "Names the two values.",
        solution="""
            above, below = f(x + offset), f(x - offset)
            gradient[index] = (above - below) / step / 2
        """,
    ),
    Alternative(
        "from-the-left",
        "graph-by-hand",
        "Writes the factors of both paths out.",
        solution="""
            dg_dt = x
            dg_ds = x
            dg_dx = x * y * 1 + t
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
            arguments = (grad, result, *values)
            return [rule(*arguments, **self.parameters) if rule else None for rule in self.rules]
        """,
    ),
    Alternative(
        "decided-first",
        "record",
        "Finds out first whether a note is of use.",
        solution="""
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
                return grad @ np.swapaxes(y, -1, -2) if isinstance(y, np.ndarray) else grad @ swap(y)

            def by_right(grad, out, x, y, bias=None):
                return swap(x) @ grad

            derivative(np.matmul, by_left, by_right)
            derivative(layers.linear, by_left, by_right, lambda grad, *rest: grad)
        """,
    ),
    Alternative(
        "exponentials-of-their-own",
        "rules-of-relu-and-cross-entropy",
        "Takes the softmax last, and where instead of select.",
        solution="""
            derivative(activations.relu, lambda grad, out, x: np.where(x > 0, grad, x * 0))

            def by_scores(grad, out, scores, labels):
                n = len(labels)
                right = one_hot(labels, scores.shape, scores.dtype)
                return through(activations.softmax, scores, axis=1) * (grad / n) - right * (grad / n)

            derivative(softmax_cross_entropy, by_scores)
        """,
    ),
]
