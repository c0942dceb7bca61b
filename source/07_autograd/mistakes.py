"""What students get wrong in module 7, and what only looks wrong: see `tito.audit.catalogue`."""

from tito.audit.catalogue import Equivalent, Mistake

MISTAKES = [
    # 1. The numerical gradient
    Mistake(
        "one-sided-difference", "numerical-gradient",
        "Steps to one side only, so that the error shrinks with h and not with its square.",
        {"(f(x + offset) - f(x - offset)) / (2 * step)": "(f(x + offset) - f(x)) / step"},
    ),
    Mistake(
        "all-elements-moved-at-once", "numerical-gradient",
        "Moves the whole array in place of one element after the other.",
        {"offset[index] = step": "offset[...] = step"},
    ),
    Mistake(
        "integers-cannot-be-moved", "numerical-gradient",
        "Copies x in its own dtype, in which an integer swallows the step.",
        {"np.array(x, dtype=np.float64)": "np.array(x)"},
    ),
    Mistake(
        "x-itself-is-moved", "numerical-gradient",
        "Moves the element in the caller's array and forgets to move it back.",
        solution="""
            x = np.asarray(x, dtype=np.float64)
            gradient = np.zeros_like(x)
            for index in np.ndindex(x.shape):
                x[index] += step
                above = f(x)
                x[index] -= 2 * step
                gradient[index] = (above - f(x)) / (2 * step)
            return gradient
        """,
    ),
    # 2. By hand
    Mistake(
        "one-path-only", "chain-rule-by-hand",
        "Follows the path through the sum, and forgets the one through the difference.",
        {"df_dx = df_ds + df_dd  # each times 1": "df_dx = df_ds"},
    ),
    Mistake(
        "a-factor-is-its-own-derivative", "chain-rule-by-hand",
        "Takes s as the derivative of s * d by s.",
        {"df_ds, df_dd = d, s": "df_ds, df_dd = s, d"},
    ),
    # 3. Rules
    Mistake(
        "one-in-place-of-grad", "rules-of-sums",
        "Returns the derivative, 1, and forgets to multiply it with what arrives.",
        {
            'x + y by x is 1."""\n    ### BEGIN SOLUTION\n    return grad': (
                'x + y by x is 1."""\n    ### BEGIN SOLUTION\n    return np.ones_like(grad)'
            )
        },
    ),
    Mistake(
        "grad-negated-in-place", "rules-of-sums",
        "Turns the sign of grad in place, in an array that belongs to others too.",
        {
            'x - y by y is -1."""\n    ### BEGIN SOLUTION\n    return -grad': (
                'x - y by y is -1."""\n    ### BEGIN SOLUTION\n    grad *= -1\n    return grad'
            )
        },
    ),
    Mistake(
        "chain-factor-forgotten", "rules-of-products",
        "Returns the derivative alone; a test that ends in sum() does not notice.",
        {"return grad * y": "return y"},
    ),
    Mistake(
        "sign-of-the-quotient", "rules-of-products",
        "Forgets the minus sign in the derivative of 1 / y.",
        {"return -grad * out / y": "return grad * out / y"},
    ),
    Mistake(
        "exponent-not-lowered", "rules-of-powers",
        "Multiplies with the exponent, and does not lower it.",
        {"& (y == 0))) ** (y - 1)": "& (y == 0))) ** y"},
    ),
    Mistake(
        "logarithm-of-zero", "rules-of-powers",
        "Takes log(x) also where x is 0, and gets 0 * -inf, which is nan.",
        {"np.log(x + ((x == 0) & (y >= 0)))": "np.log(x)"},
    ),
    # 4. Recording
    Mistake(
        "settings-not-passed-on", "operation",
        "Calls the rules without the parameters, such as the axis.",
        {"gradients.append(rules[position](*arguments, **parameters))":
         "gradients.append(rules[position](*arguments))"},
    ),
    Mistake(
        "constants-left-out", "operation",
        "Skips an input that needs no gradient, so that the list is shorter than the inputs.",
        {"gradients.append(None)": "continue"},
    ),
    Mistake(
        "missing-rule-is-no-gradient", "operation",
        "Gives None where the table has no rule, and so loses a gradient without a word.",
        {"raise missing_rule(self.function, position)": "gradients.append(None)"},
    ),
    Mistake(
        "everything-float32", "variable",
        "Converts all data to float32, also arrays that came as float64.",
        {"data if is_floating_tensor else Tensor(data)": "Tensor(data, dtype=np.float32)"},
    ),
    Mistake(
        "gradient-starts-at-zero", "variable",
        "Starts with a gradient of zeros in place of none.",
        {"self.grad = None": "self.grad = np.zeros(self.data.shape)"},
    ),
    Mistake(
        "arrays-noted-as-inputs", "record",
        "Remembers the arrays of the inputs, through which no way leads back.",
        {"Operation(function, inputs, parameters": "Operation(function, values, parameters"},
    ),
    Mistake(
        "recording-cannot-be-switched-off", "record",
        "Does not ask recording.enabled.",
        {"if differentiable and recording.enabled:": "if differentiable:"},
    ),
    Mistake(
        "constants-get-a-history", "record",
        "Takes a note of every operation, also where nothing needs a gradient.",
        {"if differentiable and recording.enabled:": "if recording.enabled:"},
    ),
    Mistake(
        "booleans-become-variables", "record",
        "Wraps every result, also one that has no slope.",
        {'if out.dtype.kind != "f":\n        return out': "pass"},
    ),
    # 5. Backward
    Mistake(
        "order-of-discovery", "order",
        "Visits variables as they are found, so a shared one comes before all has arrived.",
        {'    nodes.sort(key=operator.attrgetter("order"), reverse=True)\n': ""},
    ),
    Mistake(
        "oldest-first", "order",
        "Sorts by order, and forgets that the way back begins at the youngest.",
        {", reverse=True": ""},
    ),
    Mistake(
        "recursion-in-place-of-a-list", "order",
        "Visits the inputs by recursion, which ends at a depth of a thousand.",
        solution="""
            found = set()

            def visit(x):
                if x.grad_fn is not None and x.requires_grad and x not in found:
                    found.add(x)
                    for y in inputs_of(x):
                        if isinstance(y, Variable):
                            visit(y)

            for output in outputs:
                visit(output)
            return sorted(found, key=lambda x: x.order, reverse=True)
        """,
    ),
    Mistake(
        "constants-visited", "order",
        "Does not ask whether a computed variable needs a gradient.",
        {" and x.requires_grad": ""},
    ),
    Mistake(
        "stretched-axes-lost", "unbroadcast",
        "Sums over the stretched axes, and does not keep them with length 1.",
        {"return summed.reshape(shape) if stretched else summed": "return summed"},
    ),
    Mistake(
        "only-new-axes-summed", "unbroadcast",
        "Sums over the axes in front, and forgets those of length 1.",
        {"    return summed.reshape(shape) if stretched else summed":
         "    return grad.sum(axis=tuple(range(new_axes)))"},
    ),
    Mistake(
        "mean-in-place-of-sum", "unbroadcast",
        "Takes the mean over what was repeated: wrong by a factor.",
        {"grad.sum(axis=": "grad.mean(axis="},
    ),
    Mistake(
        "second-share-overwrites-the-first", "accumulate",
        "Stores each share in the place of the one before: the derivative of a + a is 1.",
        {"gradients[x] = gradients[x] + part": "gradients[x] = part"},
    ),
    Mistake(
        "added-in-place-to-a-shared-array", "accumulate",
        "Adds with += to an array that another variable holds as well.",
        {"gradients[x] = gradients[x] + part": "gradients[x] += part"},
    ),
    Mistake(
        "no-unbroadcast", "accumulate",
        "Adds shares in the shape of the output, whatever the shape of the input.",
        {"            part = unbroadcast(part, x.shape)": "            pass"},
    ),
    Mistake(
        "nodes-stay-in-the-dictionary", "propagate",
        "Looks a gradient up and leaves it there, so that it is taken for a leaf's.",
        {"gradients.pop(node, None)": "gradients.get(node)"},
    ),
    Mistake(
        "the-callers-dictionary", "propagate",
        "Works in the dictionary it was given, which is empty afterwards.",
        {"dict(gradients), set(), {}": "gradients, set(), {}"},
    ),
    Mistake(
        "nothing-is-freed", "propagate",
        "Keeps the graph in any case, and with it the memory.",
        {"if not retain_graph:": "if False:"},
    ),
    Mistake(
        "wanted-is-the-end", "propagate",
        "Stops at a variable that is wanted, although others behind it are wanted too.",
        {"            kept[node] = grad\n":
         "            kept[node] = grad\n            continue\n"},
    ),
    Mistake(
        "seed-in-its-own-dtype", "starting-gradient",
        "Leaves the given gradient in float64, so that everything behind it becomes float64.",
        {"gradient.astype(output.dtype)": "gradient"},
    ),
    Mistake(
        "seed-broadcast-silently", "starting-gradient",
        "Repeats a gradient of another shape in place of refusing it.",
        {"    if gradient.shape != output.shape:":
         "    if gradient.ndim <= output.data.ndim:\n"
         "        gradient = gradient + np.zeros(output.shape)\n"
         "    if gradient.shape != output.shape:"},
    ),
    Mistake(
        "last-gradient-only", "deposit",
        "Replaces the gradient that was there, in place of adding to it.",
        {"leaf.grad += gradient": "leaf.grad = np.array(gradient, leaf.dtype)"},
    ),
    Mistake(
        "somebody-elses-array", "deposit",
        "Keeps the array that arrives, which may be read-only, or be another leaf's as well.",
        {"own(gradient, leaf.dtype, alone)": "gradient"},
    ),
    Mistake(
        "every-pass-starts-anew", "backward",
        "Clears the gradient of each leaf, so that passes do not add up.",
        {"            deposit(leaf": "            leaf.grad = None\n            deposit(leaf"},
    ),
    Mistake(
        "graph-always-kept", "backward",
        "Keeps the graph whether or not retain_graph is set.",
        {"run_back({output: start}, retain_graph,": "run_back({output: start}, True,"},
    ),
    Mistake(
        "seed-shared-with-a-leaf", "backward",
        "Says of every array that it is alone, so that two leaves get the same one.",
        {"alone=id(grad) not in seen": "alone=True"},
        hidden="that two gradients are one array is seen only by who changes one of them: "
               "section 5 warns of it, and a test of one's own is the exercise",
    ),
    # 6. More rules
    Mistake(
        "derivative-by-the-output", "rules-of-exponentials",
        "Divides by the logarithm in place of its argument.",
        {"return grad / x": "return grad / out"},
    ),
    Mistake(
        "factor-two-of-the-root", "rules-of-exponentials",
        "Forgets the 2 in 1 / (2 sqrt(x)).",
        {"grad / (2 * out)": "grad / out"},
    ),
    Mistake(
        "sign-of-the-sine", "rules-of-waves",
        "Forgets that the cosine falls where the sine is positive.",
        {"-grad * np.sin(x)": "grad * np.sin(x)"},
    ),
    Mistake(
        "zero-over-zero", "rules-of-waves",
        "Writes the sign as x / |x|, which is nan at 0.",
        {"grad * (x > 0) - grad * (x < 0)": "grad * x / out"},
    ),
    Mistake(
        "slope-at-the-corner", "rules-of-activations",
        "Gives relu the slope 1 at 0.",
        {"(x > 0)": "(x >= 0)"},
    ),
    Mistake(
        "mask-of-float64", "rules-of-activations",
        "Makes ones and zeros with np.where, whose float64 spreads to all gradients.",
        {"grad * (x > 0)": "grad * np.where(x > 0, 1.0, 0.0)"},
    ),
    Mistake(
        "sigmoid-of-the-input", "rules-of-activations",
        "Puts x into s (1 - s), where s is the output.",
        {"grad * out * (1 - out)": "grad * x * (1 - x)"},
    ),
    Mistake(
        "sum-not-repeated", "rules-of-reductions",
        "Gives the axes back, and not the full shape of x.",
        {"restore_axes(grad, x, axis) * np.ones(x.shape, x.dtype)": "restore_axes(grad, x, axis)"},
    ),
    Mistake(
        "mean-of-everything", "rules-of-reductions",
        "Divides by the number of all elements, whatever the axis.",
        {"(out.size / max(x.size, 1))": "(1 / max(x.size, 1))"},
    ),
    Mistake(
        "every-tie-gets-everything", "rule-of-the-maximum",
        "Gives the whole gradient to each of several equal maxima.",
        {"at_extreme / at_extreme.sum(axis=axis, keepdims=True)": "at_extreme"},
    ),
    Mistake(
        "ties-of-the-whole-array", "rule-of-the-maximum",
        "Counts the maxima of the whole array, and not those along the axis.",
        {"at_extreme.sum(axis=axis, keepdims=True)": "at_extreme.sum()"},
    ),
    Mistake(
        "factor-not-transposed", "rules-of-the-matrix-product",
        "Multiplies with y as it is; with square matrices no shape complains.",
        {"return grad @ swap(y)": "return grad @ y"},
    ),
    Mistake(
        "all-axes-reversed", "rules-of-the-matrix-product",
        "Transposes a stack with .T, which reverses all its axes.",
        {"return swap(x) @ grad": "return x.T @ grad"},
    ),
    Mistake(
        "bias-counts-once", "rules-of-the-linear-layer",
        "Returns ones for the bias, and not what arrives.",
        {"    return grad\n": "    return np.ones_like(grad)\n"},
    ),
    Mistake(
        "softmax-element-by-element", "rules-of-softmax",
        "Takes softmax for a sigmoid, in which each output depends on its own input alone.",
        {"out * (grad - (grad * out).sum(axis=axis, keepdims=True))": "grad * out * (1 - out)"},
    ),
    Mistake(
        "sum-over-all-rows", "rules-of-softmax",
        "Adds up the gradient of all rows together, and not along the axis.",
        {"grad.sum(axis=axis, keepdims=True)": "grad.sum()"},
    ),
    Mistake(
        "same-order-again", "rules-of-arrangement",
        "Applies the same order of axes once more, in place of the inverse one.",
        {"grad.transpose(np.argsort(np.array(axes) % x.ndim).tolist())": "grad.transpose(axes)"},
    ),
    Mistake(
        "repeated-index-counts-once", "rules-of-arrangement",
        "Adds with += at an index array, where the last of equal indices wins.",
        {"np.add.at(out, index, x)": "out[index] += x"},
    ),
    # 7. no_grad and grad
    Mistake(
        "always-on-afterwards", "no-grad",
        "Switches recording on at the end of a block, whatever it was before.",
        {"recording.enabled = recording.before.pop()": "recording.enabled = True"},
    ),
    Mistake(
        "errors-hidden", "no-grad",
        "Returns True from __exit__, which swallows every error of the block.",
        {"recording.enabled = recording.before.pop()":
         "recording.enabled = recording.before.pop()\n        return True"},
    ),
    Mistake(
        "one-number-for-no-dependence", "grad",
        "Gives a single 0 where there is no dependence, whatever the shape of the input.",
        {"np.zeros(x.shape, x.dtype)": "np.zeros(())"},
    ),
    Mistake(
        "gradients-that-share-an-array", "grad",
        "Hands out what was found without a copy, so that two gradients may be one array.",
        {"own(g, x.dtype, alone=id(g) not in seen)": "g"},
    ),
    Mistake(
        "last-of-several-outputs", "grad",
        "Starts each output that comes twice anew, in place of adding up.",
        {"accumulate(start, sums, [output], [start_of(output, gradient, create_graph)])":
         "start[output] = start_of(output, gradient, create_graph)"},
    ),
    # 8. to 11.
    Mistake(
        "jacobian-transposed", "jacobian",
        "Puts the axes of the input in front of those of the output.",
        {"rows], out.shape + x.shape": "rows], x.shape + out.shape"},
    ),
    Mistake(
        "seeds-of-ones", "jacobian",
        "Starts each row from ones, so that every row is the gradient of the sum.",
        {"np.eye(out.size)": "np.ones((out.size, out.size))"},
    ),
    Mistake(
        "table-in-a-tuple", "hessian",
        "Returns a tuple of tuples also where there is one input that is no tuple.",
        {"tables if isinstance(inputs, tuple) else tables[0][0]": "tables"},
    ),
    Mistake(
        "gradient-not-recorded", "hessian",
        "Takes the gradient as an array, whose history is lost.",
        {"(None,), create_graph=True)": "(None,), create_graph=False)"},
    ),
    Mistake(
        "last-part-in-every-segment", "checkpoint-sequential",
        "Closes over a variable of the loop: called again, every segment runs the last part.",
        {"checkpoint(partial(run, part), x)": "checkpoint(lambda z: run(part, z), x)"},
    ),
    Mistake(
        "remainder-left-out", "checkpoint-sequential",
        "Makes segments of n // segments functions, and forgets those that are left over.",
        {"i * n // segments : (i + 1) * n // segments":
         "i * (n // segments) : (i + 1) * (n // segments)"},
    ),
    Mistake(
        "exponential-overflows", "softplus",
        "Computes log(1 + exp(x)) as it stands, which is infinite from 710 on.",
        {"maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))": "np.log(1.0 + np.exp(x))"},
    ),
    Mistake(
        "gradient-that-arrives-forgotten", "softplus",
        "Returns the derivative, and forgets to multiply it with grad.",
        {"return grad * sigmoid(x)": "return sigmoid(x)"},
    ),
    Mistake(
        "each-parameter-by-itself", "clipping",
        "Takes the norm of each gradient alone, which changes the direction of the whole.",
        {
            "    if max_norm < norm < np.inf:\n        for g in gradients:\n": (
                "    for g in gradients:\n"
                "        own_norm = np.sqrt((g * g).sum())\n"
                "        if max_norm < own_norm < np.inf:\n"
            ),
            "            g *= max_norm / norm": "            g *= max_norm / own_norm",
        },
    ),
    Mistake(
        "scaled-up-as-well", "clipping",
        "Brings every norm to max_norm, small ones too.",
        {"if max_norm < norm < np.inf:": "if 0 < norm < np.inf:"},
    ),
    Mistake(
        "a-new-array-each", "clipping",
        "Multiplies into a new array, which nobody keeps.",
        {"g *= max_norm / norm": "g = g * (max_norm / norm)"},
    ),
    Mistake(
        "weights-of-ones", "gradcheck",
        "Starts from ones in place of the weights, which hide a forgotten factor.",
        {"vjp(f, xs, weights)[1]": "vjp(f, xs, tuple(map(np.ones_like, weights)))[1]"},
    ),
    Mistake(
        "step-on-one-side", "gradcheck",
        "Takes the one-sided difference, whose error is as large as the step.",
        {"return by_gradient, (total(1) - total(-1)) / (2 * eps)":
         "return by_gradient, (total(1) - total(0)) / eps"},
    ),
]  # fmt: skip

FASTER = "both ways give the same; this one is only faster"
COMMUTES = "the two may change places in this operation"
EQUALLY_LONG = "the helper that made the lists has made them equally long; strict says so"
ALREADY_FLOAT64 = "the number or array is of float64 already, and times 1 it is what it was"

EQUIVALENT = [
    Equivalent(
        "numerical-gradient", "gradient = np.zeros_like(x)", "gradient = np.ones_like(x)",
        "every element is overwritten",
    ),
    Equivalent(
        "numerical-gradient", "return gradient", "return gradient * np.float64(1)", ALREADY_FLOAT64
    ),
    Equivalent(
        "rules-of-powers",
        "return grad * y * (x + ((x == 0) & (y == 0))) ** (y - 1)",
        "return grad * y * (x - ((x == 0) & (y == 0))) ** (y - 1)",
        "where y is 0, any base but 0 will do, for it is multiplied by y",
    ),
    Equivalent("operation", "elif parameters:", "elif True:", FASTER),
    Equivalent("record", "if type(x) is Variable:", "if False:", FASTER),
    Equivalent("record", "if type(x) is Variable:", "if x is Variable:", FASTER),
    Equivalent(
        "record",
        "note = Operation(function, inputs, parameters, out, values)",
        "note = Operation(function, inputs, parameters, out)",
        "an Operation takes the values out of the inputs itself; handing them over is only faster",
    ),
    Equivalent(
        "unbroadcast",
        "summed = grad.sum(axis=(*range(new_axes), *stretched))",
        "summed = grad.sum(axis=(*stretched, *range(new_axes)))",
        "the order of the axes to sum over makes no difference",
    ),
    Equivalent(
        "unbroadcast",
        "return summed.reshape(shape) if stretched else summed",
        "return summed.reshape(shape)",
        "without stretched axes the shape is right already, and reshape changes nothing",
    ),
    Equivalent("accumulate", "if part.shape != x.shape:", "if True:", FASTER),
    Equivalent(
        "backward",
        "deposit(leaf, grad, alone=id(grad) not in seen)",
        "deposit(leaf, grad)",
        "a copy of an array that nobody else holds is as good as the array; it only takes time",
    ),
    Equivalent(
        "rules-of-reductions",
        "return restore_axes(grad, x, axis) * np.ones(x.shape, x.dtype)",
        "return restore_axes(grad, x, axis) / np.ones(x.shape, x.dtype)",
        "divided by 1 or multiplied with 1",
    ),
    Equivalent(
        "rules-of-reductions",
        "return sum_x(grad, out, x, axis) * (out.size / max(x.size, 1))",
        "return sum_x(grad, out, x, axis) * (out.size / max(1, x.size))",
        COMMUTES,
    ),
    Equivalent(
        "rules-of-the-linear-layer",
        "return matmul_x(grad, out, x, weights)",
        "return matmul_x(grad, x, out, weights)",
        "of x the rule reads only whether it is a vector, and out is one where x is one",
    ),
    Equivalent(
        "rules-of-arrangement",
        "return grad.transpose(np.argsort(np.array(axes) % x.ndim).tolist())",
        "return grad.transpose(np.argsort(np.array(axes) % x.ndim))",
        "a rule is asked for arrays, whose transpose takes an array; that of variables, in second "
        "derivatives, is more than the exercise promises",
    ),
    Equivalent("rules-of-arrangement", "if takes_each_once(index):", "if False:", FASTER),
    *(
        Equivalent("grad", line, line.replace(", strict=True", other), EQUALLY_LONG)
        for line in (
            "for output, gradient in zip(outputs, given, strict=True):",
            "for i, (x, g) in enumerate(zip(inputs, gradients, strict=True)):",
        )
        for other in ("", ", strict=False")
    ),
    Equivalent(
        "softplus",
        "return maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))",
        "return maximum(0.0, x) + np.log1p(np.exp(-np.abs(x)))",
        COMMUTES,
    ),
    Equivalent(
        "softplus", "return grad * sigmoid(x)", "return grad * sigmoid(x) * np.float64(1)",
        "the engine brings what a backward pass of one's own gives to the dtype of the leaf",
    ),
    Equivalent(
        "clipping",
        "norm = float(np.sqrt(sum((np.square(g, dtype=np.float64).sum() for g in gradients))))",
        "norm = np.sqrt(sum((np.square(g, dtype=np.float64).sum() for g in gradients)))",
        "numpy's float64 is a kind of float",
    ),
    Equivalent("clipping", "return norm", "return norm * np.float64(1)", ALREADY_FLOAT64),
    Equivalent(
        "gradcheck",
        "by_gradient = sum(map(np.vdot, gradients, directions))",
        "by_gradient = sum(map(np.vdot, directions, gradients))",
        COMMUTES,
    ),
    *(
        Equivalent(
            "gradcheck",
            "moved = tuple((x + sign * eps * d for x, d in zip(xs, directions, strict=True)))",
            f"moved = tuple((x + sign * eps * d for x, d in zip(xs, directions{other})))",
            "the specification gives a direction for each input, so both are equally long",
        )
        for other in ("", ", strict=False")
    ),
    Equivalent(
        "gradcheck",
        "outputs = as_tuple(call_recorded(f, moved, False)[1])",
        "outputs = as_tuple(call_recorded(f, moved, True)[1])",
        "what was moved is an array without a history, so there is none to stay connected with",
    ),
    Equivalent(
        "gradcheck",
        "return sum(map(np.vdot, weights, [y.numpy() for y in outputs]))",
        "return sum(map(np.vdot, weights, [y.numpy() for y in outputs])) * np.float64(1)",
        "a slope is compared with another, to a tolerance; its dtype is not promised",
    ),
    Equivalent(
        "gradcheck",
        "return sum(map(np.vdot, weights, [y.numpy() for y in outputs]))",
        "return sum(map(np.vdot, [y.numpy() for y in outputs], weights))",
        COMMUTES,
    ),
]  # fmt: skip
