"""Mistakes that students make in module 9, right solutions of other kinds, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "distance-that-is-lost",
        "ravine",
        "I returned what a step takes away, not what it leaves.",
        {"1 - lr * curvatures": "lr * curvatures"},
    ),
    Mistake(
        "limit-for-best",
        "ravine",
        "I took the largest rate that converges; the best one is below it.",
        {"2 / (curvatures.min() + curvatures.max())": "2 / curvatures.max()"},
    ),
    Mistake(
        "no-absolute-value",
        "ravine",
        "I took the size of the number; its sign says on which side the step ends.",
        {"1 - lr * curvatures": "abs(1 - lr * curvatures)"},
    ),
    Mistake(
        "defaults-win",
        "optimizer",
        "I merged the wrong way round; the usual settings win over those of a group.",
        {"defaults | group": "group | defaults"},
    ),
    Mistake(
        "only-its-own-settings",
        "optimizer",
        "I kept the groups as they came; a group without its own rate has none.",
        {"[defaults | group for group in groups]": "groups"},
    ),
    Mistake(
        "one-memory-for-all",
        "optimizer",
        "I made one dictionary, and put it into the list again and again.",
        solution=(
            "groups = groups_to_train(parameters, defaults)\n"
            "self.param_groups = [defaults | group for group in groups]\n"
            "memory = {'steps': np.array(0)}\n"
            "for p, _ in self.members():\n"
            "    for name in self.remembers:\n"
            "        memory[name] = np.zeros(p.shape, p.dtype)\n"
            "self.state = [memory for _ in self.members()]"
        ),
    ),
    Mistake(
        "always-float64",
        "optimizer",
        "I left the dtype out; the memory of float32 weights is float64 then.",
        {"np.zeros(p.shape, p.dtype)": "np.zeros(p.shape)"},
        hidden="the visible parameters are in float64",
    ),
    Mistake(
        "steps-without-a-gradient",
        "step",
        "I counted before I looked whether there is a gradient.",
        {
            '            if p.grad is not None:\n                memory["steps"] += 1\n': (
                '            memory["steps"] += 1\n            if p.grad is not None:\n'
            )
        },
    ),
    Mistake(
        "a-new-array",
        "step",
        "I put a new array into the variable w; the parameter never sees it.",
        {'w -= group["lr"] *': 'w = w - group["lr"] *'},
    ),
    Mistake(
        "uphill",
        "step",
        "I added the direction.",
        {'w -= group["lr"]': 'w += group["lr"]'},
    ),
    Mistake(
        "rate-of-the-first-group",
        "step",
        "I took self.lr, which is the rate of the first group.",
        {'w -= group["lr"]': "w -= self.lr"},
    ),
    Mistake(
        "decay-forgotten",
        "step",
        "I left out the line with decayed.",
        {"                g = self.decayed(w, g, group)\n": ""},
        hidden="nothing decays until section 2",
    ),
    Mistake(
        "velocity-as-a-mean",
        "sgd",
        "I multiplied the slope by 1 - momentum, as some books do.",
        {"velocity += g": "velocity += (1 - momentum) * g"},
    ),
    Mistake(
        "velocity-forgotten",
        "sgd",
        "I computed a new velocity and did not keep it.",
        {
            "        velocity *= momentum\n        velocity += g\n": (
                "        velocity = momentum * velocity + g\n"
            )
        },
    ),
    Mistake(
        "nesterov-with-the-old-velocity",
        "sgd",
        "I looked ahead before I moved the velocity.",
        {
            "        velocity *= momentum\n": (
                "        old = velocity.copy()\n        velocity *= momentum\n"
            ),
            "return g + momentum * velocity": "return g + momentum * old",
        },
    ),
    Mistake(
        "nesterov-without-the-slope",
        "sgd",
        "I left the slope out.",
        {"return g + momentum * velocity": "return velocity + momentum * velocity"},
    ),
    Mistake(
        "settings-mixed-up",
        "sgd",
        "I handed momentum and decay on in each other's places.",
        {
            '{"momentum": momentum, "nesterov"': '{"momentum": weight_decay, "nesterov"',
            "weight_decay=weight_decay, **": "weight_decay=momentum, **",
        },
    ),
    Mistake(
        "gradient-changed",
        "weight-decay",
        "I added the pull in place, which changes the gradient of the parameter.",
        {
            "return g + decay * w if decay else g": (
                "if decay:\n            g += decay * w\n        return g"
            )
        },
    ),
    Mistake(
        "pushed-away",
        "weight-decay",
        "I subtracted the pull; the weights grow.",
        {"g + decay * w": "g - decay * w"},
    ),
    Mistake(
        "biases-decay",
        "weight-decay",
        "I let everything decay.",
        {'"weight_decay": 0.0}': '"weight_decay": weight_decay}'},
    ),
    Mistake(
        "only-matrices",
        "weight-decay",
        "I took those with exactly two axes; filters of a convolution have four.",
        {"p.ndim >= 2": "p.ndim == 2", "p.ndim < 2": "p.ndim != 2"},
        hidden="there is no convolution in the visible check",
    ),
    Mistake(
        "empty-groups",
        "weight-decay",
        "I returned both groups, whether there is anything in them or not.",
        {'[group for group in groups if group["params"]]': "groups"},
        hidden="no visible group is empty",
    ),
    Mistake(
        "root-forgotten",
        "adagrad",
        "I divided by the sum of the squares.",
        {"np.sqrt(squares)": "squares"},
    ),
    Mistake(
        "eps-in-the-root",
        "adagrad",
        "I added eps before I took the root.",
        {'(np.sqrt(squares) + group["eps"])': 'np.sqrt(squares + group["eps"])'},
    ),
    Mistake(
        "divided-before-it-is-counted",
        "adagrad",
        "I divided by the root of the slopes before this one.",
        {
            '        squares += g**2\n        return g / (np.sqrt(squares) + group["eps"])': (
                '        out = g / (np.sqrt(squares) + group["eps"])\n'
                "        squares += g**2\n        return out"
            )
        },
    ),
    Mistake(
        "shares-swapped",
        "rmsprop",
        "I took alpha for the share of what is new.",
        {'(1 - group["alpha"])': 'group["alpha"]'},
    ),
    Mistake(
        "a-sum-again",
        "rmsprop",
        "I added the squares and forgot to let go of the old ones.",
        {"(g**2 - squares)": "g**2"},
    ),
    Mistake(
        "eps-in-the-root-of-the-mean",
        "rmsprop",
        "I added eps before I took the root.",
        {'(np.sqrt(squares) + group["eps"])': 'np.sqrt(squares + group["eps"])'},
    ),
    Mistake(
        "not-corrected",
        "adam",
        "I left out the correction of the first steps.",
        {
            "squares / (1 - beta2**t)": "squares",
            "means / (1 - beta1**t)": "means",
        },
    ),
    Mistake(
        "corrected-for-good",
        "adam",
        "I divided what is remembered, and not a copy.",
        {
            "        root = np.sqrt(squares / (1 - beta2**t))": (
                "        squares /= 1 - beta2**t\n        root = np.sqrt(squares)"
            )
        },
    ),
    Mistake(
        "t-from-zero",
        "adam",
        "I took the number of steps before this one.",
        {'memory["steps"].item()': 'memory["steps"].item() - 1 or 1'},
    ),
    Mistake(
        "betas-swapped",
        "adam",
        "I took the first beta for the squares.",
        {"(beta1, beta2), t =": "(beta2, beta1), t ="},
    ),
    Mistake(
        "decay-in-the-gradient",
        "adamw",
        "I shrank the weights, and left decay in the gradient as well.",
        {"        return g\n": "        return super().decayed(w, g, group)\n"},
    ),
    Mistake(
        "decay-without-the-rate",
        "adamw",
        "I shrank the weights by the decay, without the rate.",
        {'1 - group["lr"] * group["weight_decay"]': '1 - group["weight_decay"]'},
    ),
    Mistake(
        "shrinks-a-copy",
        "adamw",
        "I made a new array; the weights themselves do not shrink.",
        {
            'w *= 1 - group["lr"] * group["weight_decay"]': 'w = w * (1 - group["lr"] * group["weight_decay"])'
        },
    ),
    Mistake(
        "falls-in-every-step",
        "schedules",
        "I divided with a slash; the rate falls in every step, not in jumps.",
        {"step // self.step_size": "step / self.step_size"},
    ),
    Mistake(
        "rises-again",
        "schedules",
        "I did not stop at the end; the wave goes up again.",
        {"min(share, 1.0)": "share"},
    ),
    Mistake(
        "ends-swapped",
        "schedules",
        "I went from the end to the start.",
        {"end + (start - end) * wave": "start + (end - start) * wave"},
    ),
    Mistake(
        "first-step-of-zero",
        "warmup",
        "I divided the step itself; the first step has no length.",
        {"(step + 1) / self.warmup": "step / self.warmup"},
    ),
    Mistake(
        "wave-from-step-zero",
        "warmup",
        "I began the wave at step 0; it jumps after warming up.",
        {
            "(step - self.warmup) / (self.steps - self.warmup)": "step / self.steps",
        },
    ),
    Mistake(
        "end-not-below-the-start",
        "warmup",
        "I divided 1 by final_div_factor, and not the start.",
        {"start / self.final_div_factor": "1 / self.final_div_factor"},
    ),
    Mistake(
        "multiplies-again-and-again",
        "scheduler",
        "I multiplied the rate that the group has at the moment.",
        {"(rate * factor).item()": 'float(group["lr"] * factor)'},
    ),
    Mistake(
        "counts-too-early",
        "scheduler",
        "I counted before I asked, so the first factor is never used.",
        {
            "        factor = self.schedule(self.steps.item())\n": (
                "        self.steps += 1\n        factor = self.schedule(self.steps.item())\n"
            ),
            "        self.steps += 1\n        self.optimizer.step()": "        self.optimizer.step()",
        },
    ),
    Mistake(
        "step-before-the-rate",
        "scheduler",
        "I made the step first, and set the rate for the next one.",
        {
            "        factor = self.schedule(self.steps.item())\n": (
                "        self.optimizer.step()\n        factor = self.schedule(self.steps.item())\n"
            ),
            "        self.steps += 1\n        self.optimizer.step()": "        self.steps += 1",
        },
    ),
    Mistake(
        "count-as-a-number",
        "scheduler",
        "I counted with a number; save does not find it.",
        {"self.steps = np.array(0)": "self.steps = 0"},
    ),
    Mistake(
        "no-copies",
        "state",
        "I put the arrays themselves into the state; they go on changing.",
        {"name: array.copy()": "name: array"},
    ),
    Mistake(
        "settings-not-loaded",
        "state",
        "I put back what is remembered, and left the settings as they were.",
        {
            '            group.update(settings | {"params": group["params"]})': "            pass"
        },
    ),
    Mistake(
        "parameters-overwritten",
        "state",
        "I took all settings, and with them the number in the place of the parameters.",
        {'settings | {"params": group["params"]}': "settings"},
    ),
    Mistake(
        "loads-by-replacing",
        "state",
        "I took the saved arrays themselves; the next step changes the saved state.",
        {
            "            for name, array in kept.items():\n                memory[name][...] = array": (
                "            memory.update(kept)"
            )
        },
    ),
    Mistake(
        "not-put-back",
        "find-lr",
        "I left the network as the sweep had spoiled it.",
        {"        load(file, network)\n": ""},
    ),
    Mistake(
        "rate-left-high",
        "find-lr",
        "I did not put the optimizer back.",
        {
            "        load(file, network)\n        optimizer.load_state_dict(state)": (
                "        load(file, network)"
            )
        },
    ),
    Mistake(
        "equal-differences",
        "find-lr",
        "I took rates at equal distances; nearly all of them are large.",
        {"np.geomspace": "np.linspace"},
    ),
    Mistake(
        "only-without-an-error",
        "find-lr",
        "I put all back only if nothing went wrong.",
        {"    finally:\n": "    else:\n"},
        hidden="no visible loss fails",
    ),
    Mistake(
        "steepest-descent",
        "newton",
        "I took the rest as the direction each time; that zigzags.",
        {"d = rest + (rest @ rest) / length * d": "d = rest.copy()"},
    ),
    Mistake(
        "right-side-changed",
        "newton",
        "I did not copy b; the rest is b itself, and b is gone.",
        {"np.zeros_like(b), b.copy(), b.copy()": "np.zeros_like(b), b, b.copy()"},
    ),
    Mistake(
        "division-by-zero",
        "newton",
        "I never stopped; where nothing is left, 0 is divided by 0.",
        {
            "        if length <= 1e-20 * (b @ b):\n            break\n": "",
        },
    ),
]

ALTERNATIVES = [
    Alternative(
        "mean-turned-over",
        "ravine",
        "The mean of both curvatures, turned over.",
        {
            "2 / (curvatures.min() + curvatures.max())": "1 / np.mean([min(curvatures), max(curvatures)])"
        },
    ),
    Alternative(
        "copies-and-updates",
        "optimizer",
        "A copy of the usual settings is updated by the group.",
        solution=(
            "self.param_groups, self.state = [], []\n"
            "for group in groups_to_train(parameters, defaults):\n"
            "    settings = dict(defaults)\n"
            "    settings.update(group)\n"
            "    self.param_groups.append(settings)\n"
            "    for p in group['params']:\n"
            "        memory = {'steps': np.array(0)}\n"
            "        for name in self.remembers:\n"
            "            memory[name] = np.zeros_like(np.asarray(p))\n"
            "        self.state.append(memory)"
        ),
    ),
    Alternative(
        "by-number",
        "step",
        "Numbers instead of pairs, and what has no gradient is skipped.",
        solution=(
            "for number, (p, group) in enumerate(self.members()):\n"
            "    if p.grad is None:\n"
            "        continue\n"
            "    memory = self.state[number]\n"
            "    memory['steps'] += 1\n"
            "    w, g = arrays_of(p)\n"
            "    direction = self.direction(w, self.decayed(w, g, group), memory, group)\n"
            "    np.subtract(w, group['lr'] * direction, out=w)"
        ),
    ),
    Alternative(
        "a-new-velocity-put-back",
        "sgd",
        "The velocity is computed anew, and put into the memory.",
        {
            "        velocity *= momentum\n        velocity += g\n": (
                "        velocity = momentum * velocity + g\n"
                '        memory["velocity"] = velocity\n'
            )
        },
    ),
    Alternative(
        "two-lists-in-a-loop",
        "weight-decay",
        "A loop that puts each parameter into one of two lists.",
        {
            "    weights = [p for p in parameters if p.ndim >= 2]\n"
            "    others = [p for p in parameters if p.ndim < 2]\n": (
                "    weights, others = [], []\n"
                "    for p in parameters:\n"
                "        (weights if len(p.shape) > 1 else others).append(p)\n"
            )
        },
    ),
    Alternative(
        "power-of-one-half",
        "adagrad",
        "The root as a power, the square as a product.",
        {"squares += g**2": "squares += g * g", "np.sqrt(squares)": "squares**0.5"},
    ),
    Alternative(
        "two-shares",
        "rmsprop",
        "The formula of the docstring: both shares.",
        {
            '        squares += (1 - group["alpha"]) * (g**2 - squares)\n': (
                '        squares *= group["alpha"]\n'
                '        squares += (1 - group["alpha"]) * g**2\n'
            )
        },
    ),
    Alternative(
        "correction-as-one-factor",
        "adam",
        "Both corrections are taken out of the fraction.",
        {
            "        root = np.sqrt(squares / (1 - beta2**t))\n": (
                "        root = np.sqrt(squares) / np.sqrt(1 - beta2**t)\n"
            ),
            'return means / (1 - beta1**t) / (root + group["eps"])': (
                'return means / ((1 - beta1**t) * (root + group["eps"]))'
            ),
        },
    ),
    Alternative(
        "takes-the-share-off",
        "adamw",
        "The share is taken off, instead of multiplying by what is left.",
        {
            'w *= 1 - group["lr"] * group["weight_decay"]': (
                'w -= group["lr"] * group["weight_decay"] * w'
            )
        },
    ),
    Alternative(
        "mean-of-both-ends",
        "schedules",
        "The middle of both ends, and half of their distance times the cosine.",
        {
            "    wave = (1 + math.cos(math.pi * min(share, 1.0))) / 2\n"
            "    return end + (start - end) * wave": (
                "    if share > 1:\n        share = 1\n"
                "    return (start + end) / 2 + (start - end) / 2 * np.cos(np.pi * share)"
            )
        },
    ),
    Alternative(
        "the-wave-of-another",
        "warmup",
        "The wave is left to CosineLR, with the steps that are left.",
        {
            "        share = (step - self.warmup) / (self.steps - self.warmup)\n"
            "        return cosine(1.0, self.floor, share)": (
                "        falls = CosineLR(self.steps - self.warmup, self.floor)\n"
                "        return falls(step - self.warmup)"
            )
        },
    ),
    Alternative(
        "loop-by-number",
        "scheduler",
        "Groups by their number.",
        {
            "        for group, rate in zip(self.optimizer.param_groups, self.rates):\n"
            '            group["lr"] = (rate * factor).item()': (
                "        for n, group in enumerate(self.optimizer.param_groups):\n"
                '            group["lr"] = self.rates[n].item() * float(factor)'
            )
        },
    ),
    Alternative(
        "one-by-one",
        "state",
        "A list in a list, and settings one by one.",
        {
            "        state = []\n"
            "        for memory in self.state:\n"
            "            state.append({name: array.copy() for name, array in memory.items()})": (
                "        state = [{k: np.array(v) for k, v in m.items()} for m in self.state]"
            ),
            '            group.update(settings | {"params": group["params"]})': (
                "            for name, value in settings.items():\n"
                '                if name != "params":\n'
                "                    group[name] = value"
            ),
        },
    ),
    Alternative(
        "rates-by-powers",
        "find-lr",
        "Rates as powers of e.",
        {
            "rates, losses = np.geomspace(lowest, highest, steps), []": (
                "powers = np.linspace(np.log(lowest), np.log(highest), steps)\n"
                "    rates, losses = np.exp(powers), []"
            )
        },
    ),
    Alternative(
        "rest-anew",
        "newton",
        "The rest by its own name in each turn.",
        {
            "        rest -= alpha * q\n": "        rest = rest - alpha * q\n",
            "        x += alpha * d\n": "        x = x + d * alpha\n",
        },
    ),
]

A_PRODUCT = "in float64, a product with one is the same number"
IN_PLACE = (
    "float64 on the way: step subtracts it in place, and the weights keep their dtype"
)
EITHER_ORDER = "a product is the same in either order"

EQUIVALENT = [
    *(
        Equivalent(
            exercise, f"return {old}", f"return {new} * np.float64(1)", A_PRODUCT
        )
        for exercise, old, new in (
            ("ravine", "1 - lr * curvatures", "(1 - lr * curvatures)"),
            ("ravine", *2 * ["2 / (curvatures.min() + curvatures.max())"]),
            ("schedules", *2 * ["self.gamma ** (step // self.step_size)"]),
            ("schedules", *2 * ["self.gamma ** step"]),
            ("schedules", "end + (start - end) * wave", "(end + (start - end) * wave)"),
            ("schedules", *2 * ["cosine(1.0, self.floor, step / self.steps)"]),
            ("warmup", *2 * ["(step + 1) / self.warmup"]),
            ("warmup", *2 * ["cosine(1.0, self.floor, share)"]),
            ("warmup", *2 * ["cosine(start, 1.0, step / top)"]),
            ("warmup", *2 * ["cosine(1.0, start / self.final_div_factor, share)"]),
            ("newton", "x", "x"),
        )
    ),
    *(
        Equivalent(exercise, f"return {old}", f"return {new} * np.float64(1)", IN_PLACE)
        for exercise, old, new in (
            ("sgd", "g + momentum * velocity", "(g + momentum * velocity)"),
            ("sgd", "velocity", "velocity"),
            ("adagrad", *2 * ["g / (np.sqrt(squares) + group['eps'])"]),
            ("rmsprop", *2 * ["g / (np.sqrt(squares) + group['eps'])"]),
            ("adam", *2 * ["means / (1 - beta1 ** t) / (root + group['eps'])"]),
        )
    ),
    Equivalent(
        "adam",
        "(beta1, beta2), t = (group['betas'], memory['steps'].item())",
        "(beta1, beta2), t = (group['betas'], memory['steps'])",
        IN_PLACE,
    ),
    Equivalent(
        "schedules",
        "wave = (1 + math.cos(math.pi * min(share, 1.0))) / 2",
        "wave = (1 + math.cos(math.pi * min(1.0, share))) / 2",
        "the smaller of two is the same in either order",
    ),
    Equivalent(
        "warmup", "if step <= top:", "if step < top:", "at the top, both waves give 1"
    ),
    Equivalent(
        "find-lr",
        "if losses[-1] > 4 * min(losses):",
        "if losses[-1] >= 4 * min(losses):",
        "no loss is four times another to the last bit, unless it is 0",
    ),
    Equivalent(
        "newton",
        "x, rest, d = (np.zeros_like(b), b.copy(), b.copy())",
        "x, rest, d = (np.zeros_like(b), b.copy(), b)",
        "the direction is never changed in place",
    ),
    Equivalent(
        "newton", "alpha = length / (d @ q)", "alpha = length / (q @ d)", EITHER_ORDER
    ),
]
