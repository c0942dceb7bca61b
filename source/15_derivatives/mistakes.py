"""What students get wrong in module 15, and what only looks wrong: see `tito.source.catalogue`."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    # 1. The derivative of a derivative
    Mistake(
        "the-first-derivative-alone",
        "second-derivative",
        "Returns the first derivative.",
        {"return grad(first.sum(), x)[0]": "return np.asarray(first)"},
    ),
    Mistake(
        "a-tuple-is-returned",
        "second-derivative",
        "Forgets that grad gives a tuple.",
        {"return grad(first.sum(), x)[0]": "return grad(first.sum(), x)"},
    ),
    Mistake(
        "no-history",
        "second-derivative",
        "Forgets create_graph, so that the first derivative is an array.",
        {", create_graph=True": ""},
    ),
    # 2. Tables and products
    Mistake(
        "shapes-the-wrong-way-round",
        "jacobian",
        "Puts the indices of the input first.",
        {"out.shape + x.shape, x.dtype": "x.shape + out.shape, x.dtype"},
    ),
    Mistake(
        "rows-by-output-and-not-by-input",
        "jacobian",
        "Takes row i where the share of input i in each row is meant.",
        {
            "[row[i] for row in rows]": "[rows[i][0] for _ in rows]",
        },
    ),
    Mistake(
        "one-pass-with-ones",
        "jacobian",
        "Starts every pass with ones, so that the rows are added up.",
        {"np.eye(out.size)": "np.ones((out.size, out.size))"},
    ),
    Mistake(
        "table-without-history",
        "jacobian",
        "Does not hand create_graph on.",
        {"(seed,), create_graph)": "(seed,))"},
    ),
    Mistake(
        "the-vector-from-the-left",
        "vjp-and-jvp",
        "Starts the first pass with the vector, which is a product from the left.",
        {
            "return pull_back(gradients, us, vs, create_graph)": "return pull_back(outputs, xs, vs)"
        },
    ),
    Mistake(
        "pulled-back-to-the-inputs",
        "vjp-and-jvp",
        "Pulls the second pass back to the inputs and not to u.",
        {"pull_back(gradients, us, vs": "pull_back(gradients, xs, vs"},
    ),
    Mistake(
        "first-pass-not-recorded",
        "vjp-and-jvp",
        "Does not record the first pass, whose result is a function of u.",
        {"us, create_graph=True)": "us, create_graph)"},
    ),
    Mistake(
        "product-of-the-gradient",
        "hvp",
        "Multiplies the gradient with the vector, and stops there.",
        {
            "return pull_back(gradients, xs, vs, create_graph)": (
                "return tuple((g * v).numpy() for g, v in zip(gradients, vs))"
            )
        },
    ),
    Mistake(
        "the-vector-in-the-first-pass",
        "hvp",
        "Starts the first pass with the vector.",
        {"xs, (None,), create_graph=True": "xs, vs, create_graph=True"},
    ),
    Mistake(
        "the-second-pass-not-recorded",
        "hvp",
        "Does not hand create_graph on to the second pass.",
        {"(gradients, xs, vs, create_graph)": "(gradients, xs, vs)"},
    ),
    Mistake(
        "builds-the-table",
        "hvp",
        "Builds the whole Hessian and multiplies it.",
        solution="""
            tables = hessian_of(output, xs)
            return tuple(
                sum(np.tensordot(t, np.asarray(v), np.ndim(v)) for t, v in zip(row, vs))
                for row in tables
            )
        """,
    ),
    Mistake(
        "the-gradients-as-one-list",
        "hessian",
        "Takes the Jacobian of the first gradient only.",
        {"for gradient in gradients]": "for gradient in gradients[:1]]"},
    ),
    Mistake(
        "the-jacobian-of-the-output",
        "hessian",
        "Takes the Jacobian of the output, which is the gradient.",
        {"jacobian_of(gradient, xs": "jacobian_of(output, xs"},
    ),
    Mistake(
        "third-derivatives-cut-off",
        "hessian",
        "Does not hand create_graph on.",
        {"jacobian_of(gradient, xs, create_graph)": "jacobian_of(gradient, xs)"},
    ),
    Mistake(
        "uphill",
        "newton",
        "Adds the solution, and forgets its minus sign.",
        {"x = x - np.linalg.solve": "x = x + np.linalg.solve"},
    ),
    Mistake(
        "slope-without-size",
        "newton",
        "Compares the slope itself, so that a negative one counts as small.",
        {"np.abs(slope).max()": "slope.max()"},
    ),
    Mistake(
        "looks-after-the-step",
        "newton",
        "Takes a step before it looks whether one is needed.",
        solution="""
            x = np.array(start, dtype=np.float64)
            for step in range(steps):
                slope = vjp(f, x)[1]
                x = x - np.linalg.solve(hessian(f, x), slope)
                if np.abs(slope).max() <= tolerance:
                    return x, step + 1
            return x, steps
        """,
    ),
    Mistake(
        "one-hessian-for-all",
        "newton",
        "Computes the Hessian once, at the start.",
        {"hessian(f, x)": "hessian(f, np.array(start, dtype=np.float64))"},
    ),
    # 3. gradcheck
    Mistake(
        "half-the-distance",
        "gradcheck",
        "Divides by eps, although the two points lie two steps apart.",
        {"/ (2 * eps)": "/ eps"},
    ),
    Mistake(
        "outputs-not-weighted",
        "gradcheck",
        "Starts the gradient with the weights, but adds the outputs up without them.",
        {
            "sum(map(np.vdot, weights, values_of(f, moved)))": (
                "sum(np.sum(y) for y in values_of(f, moved))"
            )
        },
    ),
    Mistake(
        "all-elements-alike",
        "gradcheck",
        "Adds the gradient up without the direction.",
        {
            "sum(map(np.vdot, gradients, directions))": "sum(np.sum(g) for g in gradients)"
        },
    ),
    Mistake(
        "moves-the-inputs-themselves",
        "gradcheck",
        "Moves the arrays that were given in place.",
        {
            "moved = tuple(x + step * d for x, d in zip(xs, directions))": (
                "moved = xs\n        for x, d in zip(xs, directions):\n            x += step * d"
            )
        },
    ),
    # 4. Operations
    Mistake(
        "the-naive-formula",
        "softplus",
        "Writes the formula without the cure.",
        {"maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))": "np.log1p(np.exp(x))"},
    ),
    Mistake(
        "digits-lost-at-the-left",
        "softplus",
        "Takes log(1 + t) and not log1p(t).",
        {"np.log1p(np.exp(-np.abs(x)))": "np.log(1.0 + np.exp(-np.abs(x)))"},
    ),
    Mistake(
        "chain-factor-forgotten",
        "softplus",
        "Returns the derivative without the gradient that arrives.",
        {"return grad * sigmoid(x)": "return sigmoid(x)"},
    ),
    Mistake(
        "arrays-in-the-rule",
        "softplus",
        "Leaves the world of variables in the rule, so that it has no second derivative.",
        {"grad * sigmoid(x)": "grad * np.asarray(sigmoid(x))"},
    ),
    Mistake(
        "the-true-derivative",
        "straight-through",
        "Returns the slope of the staircase, which is 0.",
        {"grad * (np.abs(x) <= 1)": "grad * 0.0"},
    ),
    Mistake(
        "nothing-is-cut-off",
        "straight-through",
        "Lets the gradient pass everywhere.",
        {"grad * (np.abs(x) <= 1)": "grad"},
    ),
    Mistake(
        "zero-at-zero",
        "straight-through",
        "Takes numpy's sign, which has three values.",
        {"2 * (x >= 0).astype(x.dtype) - 1": "np.sign(x.numpy())"},
    ),
    # 5. NaN
    Mistake(
        "every-nan-is-reported",
        "find-the-nan",
        "Reports a result although its inputs were not finite either.",
        {" and not any(map(not_finite, inputs))": ""},
    ),
    Mistake(
        "looks-at-results-only",
        "find-the-nan",
        "Hands every gradient on.",
        {"if not not_finite(grad):": "if False:"},
    ),
    Mistake(
        "inherited-gradients-are-reported",
        "find-the-nan",
        "Does not ask whether the gradient was finite before.",
        {"if not not_finite(grad):": "if True:"},
    ),
    Mistake(
        "counts-shares-only",
        "find-the-nan",
        "Leaves out the inputs that get nothing, so that the position is wrong.",
        {
            "enumerate(shares_of(variable, grad))": (
                "enumerate(s for s in shares_of(variable, grad) if s is not None)"
            )
        },
    ),
    # 6. Checkpoints
    Mistake(
        "called-without-notes",
        "checkpoint",
        "Calls the function as the backward pass is: without recording.",
        {"    with enable_grad():\n        out = f(*xs)": "    out = f(*xs)"},
    ),
    Mistake(
        "runs-on-into-the-graph",
        "checkpoint",
        "Goes back through everything, also what is older.",
        {"recorded_since(since, out)": "recorded_since(-1, out)"},
    ),
    Mistake(
        "graph-kept-alive",
        "checkpoint",
        "Never frees what was recorded.",
        {"isinstance(grad, Variable))": "True)"},
    ),
    Mistake(
        "graph-always-freed",
        "checkpoint",
        "Frees it also where somebody wants second derivatives.",
        {", isinstance(grad, Variable))": ")"},
    ),
    Mistake(
        "late-binding",
        "checkpoint-sequential",
        "Makes a function in a loop that looks up its part when it is called, too late.",
        {"checkpoint(partial(run, part), x)": "checkpoint(lambda z: run(part, z), x)"},
    ),
    Mistake(
        "no-checkpoint-at-all",
        "checkpoint-sequential",
        "Calls the parts directly.",
        {"checkpoint(partial(run, part), x)": "run(part, x)"},
    ),
    Mistake(
        "the-rest-in-the-last-segment",
        "checkpoint-sequential",
        "Rounds the length down, and gives the last segment all the rest.",
        {
            "functions[i * n // segments : (i + 1) * n // segments]": (
                "functions[i * (n // segments) : (i + 1) * (n // segments)]"
            )
        },
    ),
    # 7. The guard
    Mistake(
        "a-sample-of-the-array",
        "guard",
        "Compares only the first sixteen numbers.",
        {
            "np.array_equal(array, before, equal_nan=True)": (
                "np.array_equal(np.ravel(array)[:16], np.ravel(before)[:16], equal_nan=True)"
            )
        },
    ),
    Mistake(
        "keeps-no-copy",
        "guard",
        "Keeps the array itself, which changes with itself.",
        {"(array, np.array(array))": "(array, np.asarray(array))"},
    ),
    Mistake(
        "nan-is-a-change",
        "guard",
        "Takes a NaN for a change.",
        {", equal_nan=True": ""},
    ),
    Mistake(
        "results-not-guarded",
        "guard",
        "Guards the inputs only.",
        {"[*result.grad_fn.values, result.data.data]": "result.grad_fn.values"},
    ),
    Mistake(
        "keeps-every-graph-alive",
        "guard",
        "An ordinary dictionary, which keeps every note for ever.",
        {"weakref.WeakKeyDictionary()": "{}"},
        hidden="whether memory is given back is left to the text and to the hidden test",
    ),
]

EQUIVALENT = [
    Equivalent(
        "vjp-and-jvp",
        "us = tuple((Variable(np.zeros(out.shape, out.dtype)) for out in outputs))",
        "us = tuple((Variable(np.ones(out.shape, out.dtype)) for out in outputs))",
        "what is linear in u has the same derivative at every u",
    ),
    Equivalent(
        "gradcheck",
        "by_gradient = sum(map(np.vdot, gradients, directions))",
        "by_gradient = sum(map(np.vdot, directions, gradients))",
        "the product of real numbers does not depend on their order",
    ),
    Equivalent(
        "gradcheck",
        "moved = tuple((x + step * d for x, d in zip(xs, directions)))",
        "moved = (x + step * d for x, d in zip(xs, directions))",
        "values_of goes through any iterable",
    ),
    Equivalent(
        "gradcheck",
        "return sum(map(np.vdot, weights, values_of(f, moved)))",
        "return sum(map(np.vdot, weights, values_of(f, moved))) * np.float64(1)",
        "the sum is a float64 already",
    ),
    Equivalent(
        "gradcheck",
        "return sum(map(np.vdot, weights, values_of(f, moved)))",
        "return sum(map(np.vdot, values_of(f, moved), weights))",
        "the product of real numbers does not depend on their order",
    ),
    Equivalent(
        "softplus",
        "return maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))",
        "return (maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))) * np.float64(1)",
        "a number takes the dtype of the variable, so a factor of 1 changes nothing",
    ),
    Equivalent(
        "softplus",
        "return maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))",
        "return maximum(0.0, x) + np.log1p(np.exp(-np.abs(x)))",
        "the larger of two numbers does not depend on their order",
    ),
    Equivalent(
        "softplus",
        "return grad * sigmoid(x)",
        "return grad * sigmoid(x) * np.float64(1)",
        "a number takes the dtype of the variable, so a factor of 1 changes nothing",
    ),
    Equivalent(
        "straight-through",
        "return grad * (np.abs(x) <= 1)",
        "return grad * (np.abs(x) <= 1) * np.float64(1)",
        "a number takes the dtype of the variable, so a factor of 1 changes nothing",
    ),
    Equivalent(
        "checkpoint-sequential",
        "return z",
        "return z * np.float64(1)",
        "a number takes the dtype of the variable, so a factor of 1 changes nothing",
    ),
    Equivalent(
        "checkpoint-sequential",
        "return x",
        "return x * np.float64(1)",
        "a number takes the dtype of the variable, so a factor of 1 changes nothing",
    ),
    Equivalent(
        "guard",
        "arrays = [*result.grad_fn.values, result.data.data]",
        "arrays = [result.data.data, *result.grad_fn.values]",
        "neither order of the two makes a difference",
    ),
    Equivalent(
        "guard",
        "self.kept[result.grad_fn] = [(array, np.array(array)) for array in arrays]",
        "self.kept[result.grad_fn] = [(np.array(array), array) for array in arrays]",
        "the two are only compared with each other",
    ),
    Equivalent(
        "guard",
        "if not np.array_equal(array, before, equal_nan=True):",
        "if not np.array_equal(before, array, equal_nan=True):",
        "whether two arrays are equal does not depend on which one comes first",
    ),
]

ALTERNATIVES = [
    Alternative(
        "starting-with-ones",
        "second-derivative",
        "Pulls ones back, and needs no sum.",
        solution="""
            first = grad(f(x), x, np.ones(x.shape), create_graph=True)[0]
            second = grad(first, x, np.ones(x.shape))
            return second[0]
        """,
    ),
    Alternative(
        "element-by-element",
        "jacobian",
        "A loop over the indices of the output, and a list for each input.",
        solution="""
            rows = [[] for _ in xs]
            for index in np.ndindex(out.shape):
                seed = np.zeros(out.shape)
                seed[index] = 1.0
                for row, g in zip(rows, pull_back((out,), xs, (seed,), create_graph)):
                    row.append(g)
            return [stacked(row, out.shape + x.shape, x.dtype) for row, x in zip(rows, xs)]
        """,
    ),
    Alternative(
        "any-u-will-do",
        "vjp-and-jvp",
        "Takes ones where the reference has zeros.",
        solution="""
            us = []
            for out in outputs:
                us.append(Variable(np.ones(out.shape, out.dtype)))
            linear = pull_back(outputs, xs, tuple(us), True)
            return pull_back(linear, tuple(us), vs, create_graph)
        """,
    ),
    Alternative(
        "the-gradient-of-a-number",
        "hvp",
        "Multiplies the gradient with the vector, adds up, and differentiates that number.",
        solution="""
            gradients = pull_back((output,), xs, (None,), True)
            with enable_grad():
                number = sum((g * v).sum() for g, v in zip(gradients, vs))
            return pull_back((number,), xs, (None,), create_graph)
        """,
    ),
    Alternative(
        "a-product-for-each-column",
        "hessian",
        "Two loops, and the seeds by hand.",
        solution="""
            tables = []
            for gradient in pull_back((output,), xs, (None,), create_graph=True):
                seeds = np.eye(gradient.size).reshape(gradient.size, *gradient.shape)
                rows = [pull_back((gradient,), xs, (seed,), create_graph) for seed in seeds]
                shapes = [gradient.shape + x.shape for x in xs]
                tables.append(
                    [stacked([r[i] for r in rows], s, xs[i].dtype) for i, s in enumerate(shapes)]
                )
            return tables
        """,
    ),
    Alternative(
        "counts-with-while",
        "newton",
        "A while loop that counts by itself, and the inverse of the Hessian.",
        solution="""
            place, count = np.asarray(start, dtype=float).copy(), 0
            while count < steps and np.max(np.abs(vjp(f, place)[1])) > tolerance:
                place = place - np.linalg.inv(hessian(f, place)) @ vjp(f, place)[1]
                count += 1
            return place, count
        """,
    ),
    Alternative(
        "two-lists",
        "gradcheck",
        "Moves to both sides first, and adds up with loops.",
        solution="""
            _, gradients = vjp(f, xs, tuple(weights))
            by_gradient = 0.0
            for g, d in zip(gradients, directions):
                by_gradient += float((g * d).sum())
            there = values_of(f, tuple(x + eps * d for x, d in zip(xs, directions)))
            back = values_of(f, tuple(x - eps * d for x, d in zip(xs, directions)))
            by_difference = 0.0
            for w, a, b in zip(weights, there, back):
                by_difference += float((w * (a - b)).sum()) / (2 * eps)
            return by_gradient, by_difference
        """,
    ),
    Alternative(
        "saves-the-output",
        "softplus",
        "Writes the exponent in another way.",
        {
            "np.log1p(np.exp(-np.abs(x)))": "np.log1p(np.exp(-maximum(x, -x)))",
            "return grad * sigmoid(x)": "return sigmoid(x) * grad",
        },
    ),
    Alternative(
        "a-mask-is-saved",
        "straight-through",
        "Saves a mask of booleans and not the input.",
        {
            "ctx.save_for_backward(x)": "ctx.save_for_backward((x >= -1) & (x <= 1))",
            "2 * (x >= 0).astype(x.dtype) - 1": (
                "np.where(x.numpy() < 0, -1.0, 1.0).astype(x.dtype)"
            ),
            "(x,) = ctx.saved_tensors": "(passes,) = ctx.saved_tensors",
            "grad * (np.abs(x) <= 1)": "grad * passes",
        },
    ),
    Alternative(
        "returns-early",
        "find-the-nan",
        "Leaves as soon as nothing is to be reported.",
        {
            "if not_finite(result) and not any(map(not_finite, inputs)):\n        raise": (
                "if any(not_finite(x) for x in inputs) or not not_finite(result):\n"
                "        return\n    raise"
            ),
            "if not not_finite(grad):": "if np.isfinite(np.asarray(grad)).all():",
        },
    ),
    Alternative(
        "keeps-the-graph-by-name",
        "checkpoint",
        "Gives the settings by name, and asks for grad_fn.",
        solution="""
            number = next(creation_order)
            with enable_grad():
                again = f(*xs)
            nodes = recorded_since(number, again)
            return propagate({again: grad}, nodes, retain_graph=hasattr(grad, "grad_fn"))
        """,
    ),
    Alternative(
        "the-first-parts-are-longer",
        "checkpoint-sequential",
        "Divides with remainder, and makes functions in a function.",
        solution="""
            if segments < 1 or segments > len(functions):
                raise ValueError("the number of segments does not fit the number of functions")
            length, longer = divmod(len(functions), segments)

            def chain(part):
                def run(z):
                    for function in part:
                        z = function(z)
                    return z

                return run

            at = 0
            for i in range(segments):
                end = at + length + (i < longer)
                x = checkpoint(chain(functions[at:end]), x)
                at = end
            return x
        """,
    ),
    Alternative(
        "bytes-in-a-list",
        "guard",
        "Keeps bytes, and compares these.",
        {
            "(array, np.array(array))": "(array, np.asarray(array).tobytes())",
            "not np.array_equal(array, before, equal_nan=True)": (
                "np.asarray(array).tobytes() != before"
            ),
        },
    ),
]
