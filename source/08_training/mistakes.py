"""Mistakes that students make in module 8, right solutions of other kinds, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "shapes-that-broadcast",
        "mse-loss",
        "I did not look at the shapes; a column and a row make a square.",
        {
            "if np.shape(predicted) != np.shape(target):": "if np.size(predicted) != np.size(target):"
        },
    ),
    Mistake(
        "always-the-mean",
        "mse-loss",
        "I took the mean, whatever the reduction.",
        {
            "reduced((predicted - target) ** 2, reduction)": "((predicted - target) ** 2).mean()"
        },
    ),
    Mistake(
        "distances-not-squared",
        "mse-loss",
        "I took the distances, not their squares.",
        {"(predicted - target) ** 2": "abs(predicted - target)"},
    ),
    Mistake(
        "sigmoid-then-logarithm",
        "bce-with-logits",
        "I computed the probability first; where it is 1, its logarithm is infinite.",
        solution=(
            "targets = targets_for(scores, targets)\n"
            "p = 1 / (1 + exp(-scores))\n"
            "return reduced(-(targets * log(p) + (1 - targets) * log(1 - p)), reduction)"
        ),
    ),
    Mistake(
        "relu-at-zero",
        "bce-with-logits",
        "I took relu for the maximum; its slope at 0 is 0, and not one half.",
        {"maximum(scores, 0)": "autograd.relu(scores)"},
    ),
    Mistake(
        "exponential-of-large-scores",
        "bce-with-logits",
        "I left out the absolute value.",
        {"exp(-abs(scores))": "exp(-scores)"},
    ),
    Mistake(
        "sign-forgotten",
        "cross-entropy",
        "I forgot the minus sign.",
        {"reduced(-right, reduction)": "reduced(right, reduction)"},
    ),
    Mistake(
        "columns-for-all-rows",
        "cross-entropy",
        "I took the columns of all labels in each row.",
        {"[rows, labels]": "[:, labels]"},
    ),
    Mistake(
        "probabilities-without-a-logarithm",
        "cross-entropy",
        "I took softmax and then the logarithm; of large scores that is infinite.",
        {
            "log_softmax(scores)[rows, labels]": "log(autograd.softmax(scores))[rows, labels]"
        },
        hidden="the visible scores are small",
    ),
    Mistake(
        "labels-not-looked-at",
        "cross-entropy",
        "I left out labels_for_loss; a label of -1 is the last class, without a word.",
        {"    labels = labels_for_loss(scores, labels)\n": ""},
        hidden="all visible labels are classes",
    ),
    Mistake(
        "trains-a-copy",
        "sgd",
        "I made a new array; the network never sees it.",
        {"p.data -= self.lr * p.grad": "w = p.data - self.lr * p.grad"},
    ),
    Mistake(
        "a-new-array",
        "sgd",
        "I put a new array into the parameter; who holds the old one trains on without knowing.",
        {"p.data -= self.lr * p.grad": "p.data = p.data - self.lr * p.grad"},
    ),
    Mistake(
        "uphill",
        "sgd",
        "I added the gradient.",
        {"p.data -= self.lr": "p.data += self.lr"},
    ),
    Mistake(
        "gradient-changed",
        "sgd",
        "I scaled the gradient in place.",
        {
            "p.data -= self.lr * p.grad": "p.grad *= self.lr\n                p.data -= p.grad"
        },
    ),
    Mistake(
        "every-parameter-needs-a-gradient",
        "sgd",
        "I did not think of parameters without a gradient.",
        {"if p.grad is not None:": "if True:"},
    ),
    Mistake(
        "zeros-instead-of-none",
        "zero-grad",
        "I filled the gradients with zeros; they count as gradients then.",
        {"p.grad = None": "p.grad = np.zeros(p.shape, p.dtype)"},
    ),
    Mistake(
        "the-first-only",
        "zero-grad",
        "I forgot the gradient of the first parameter only.",
        {"for p in self.parameters:": "for p in self.parameters[:1]:"},
        hidden="there is one parameter in the visible check",
    ),
    Mistake(
        "moves-before-going-back",
        "train-step",
        "I moved before I went back.",
        {
            "value.backward()\n    optimizer.step()": "optimizer.step()\n    value.backward()"
        },
    ),
    Mistake(
        "never-forgets",
        "train-step",
        "I forgot to forget.",
        {"    optimizer.zero_grad()\n": ""},
    ),
    Mistake(
        "forgets-before-moving",
        "train-step",
        "I forgot the gradients right before the step.",
        {
            "    optimizer.zero_grad()\n": "",
            "value.backward()\n": "value.backward()\n    optimizer.zero_grad()\n",
        },
    ),
    Mistake(
        "returns-a-variable",
        "train-step",
        "I returned the loss itself, which holds on to its graph.",
        {"return value.item()": "return value"},
    ),
    Mistake(
        "steps-on-nan",
        "train-step",
        "I left out checked; a loss of NaN spoils all weights.",
        {"checked(loss(network(x), y))": "loss(network(x), y)"},
    ),
    Mistake(
        "the-last-loss-only",
        "overfit",
        "I kept one loss.",
        {
            "losses.append(train_step(network, x, y, optimizer, loss))": (
                "losses = [train_step(network, x, y, optimizer, loss)]"
            )
        },
    ),
    Mistake(
        "none-only",
        "overfit",
        "I looked for None; a gradient of zeros reaches nothing either.",
        {"p.grad is None or not p.grad.any()": "p.grad is None"},
    ),
    Mistake(
        "sum-of-the-gradient",
        "overfit",
        "I added the gradient up; what is positive and negative may cancel.",
        {"not p.grad.any()": "p.grad.sum() == 0"},
        hidden="no visible gradient adds up to zero",
    ),
    Mistake(
        "counts-without-care",
        "overfit",
        "I counted with range.",
        {"steps_of(steps, network, optimizer)": "range(steps)"},
        hidden="nothing goes wrong in the visible check",
    ),
    Mistake(
        "along-the-wrong-axis",
        "accuracy",
        "I took the largest of each column.",
        {"argmax(axis=1)": "argmax(axis=0)"},
    ),
    Mistake(
        "a-count",
        "accuracy",
        "I counted and did not divide.",
        {"(answers == labels).mean()": "(answers == labels).sum()"},
    ),
    Mistake(
        "mean-of-means",
        "evaluate",
        "I took the mean over batches; the last one is often smaller.",
        {
            "float(measure(network(x), y)) * len(y)": "float(measure(network(x), y))",
            "count += len(y)": "count += 1",
        },
    ),
    Mistake(
        "graph-recorded",
        "evaluate",
        "I left out no_grad.",
        {"with no_grad(), evaluating(network):": "with evaluating(network):"},
    ),
    Mistake(
        "left-in-eval",
        "evaluate",
        "I switched to eval and never back.",
        {"part.training = mode": "pass"},
    ),
    Mistake(
        "always-back-to-training",
        "evaluate",
        "I switched everything to training at the end.",
        {"part.training = mode": "part.training = True"},
    ),
    Mistake(
        "an-error-leaves-eval",
        "evaluate",
        "I put the switches back without finally.",
        {
            "    finally:\n": "    except KeyboardInterrupt:\n        pass\n    else:\n",
        },
        hidden="no visible measure fails",
    ),
    Mistake(
        "measured-in-training-mode",
        "evaluate",
        "I forgot eval().",
        {"    network.eval()\n": ""},
    ),
    Mistake(
        "no-training-mode",
        "train-epoch",
        "I forgot to switch to training.",
        {"    network.train()\n": ""},
    ),
    Mistake(
        "always-the-same-step",
        "train-epoch",
        "I called train_step, whatever step was given.",
        {"value = step(network": "value = train_step(network"},
        hidden="no visible check gives a step",
    ),
    Mistake(
        "step-kept-to-itself",
        "fit",
        "I did not hand the step on.",
        {"optimizer, loss, step))": "optimizer, loss))"},
        hidden="no visible check gives a step",
    ),
    Mistake(
        "loss-of-the-last-batch",
        "train-epoch",
        "I returned the loss of the last batch.",
        {
            "total += value * len(y)": "total = value",
            "return total / count": "return total",
        },
    ),
    Mistake(
        "mean-over-batches",
        "train-epoch",
        "I took the mean over batches.",
        {
            "value * len(y)": "value",
            "count += len(y)": "count += 1",
        },
    ),
    Mistake(
        "goes-through-without-care",
        "train-epoch",
        "I handed on the batches alone.",
        {"batches_of(batches, network, optimizer)": "batches_of(batches)"},
    ),
    Mistake(
        "trains-on-validation",
        "fit",
        "I used train_epoch on the validation batches.",
        {
            "values.append(evaluate(network, validation, measure))": (
                "values.append(train_epoch(network, validation, optimizer, measure))"
            )
        },
    ),
    Mistake(
        "callbacks-after-a-true-one-not-called",
        "fit",
        "I stopped asking after the first that said yes.",
        {
            "ends = [callback(network, history) for callback in callbacks]\n        if any(ends):": (
                "if any(callback(network, history) for callback in callbacks):"
            )
        },
    ),
    Mistake(
        "all-callbacks-must-agree",
        "fit",
        "I wrote all instead of any.",
        {"if any(ends):": "if all(ends):"},
    ),
    Mistake(
        "measured-on-the-training-part",
        "fit",
        "I measured on the batches of the training.",
        {"evaluate(network, validation, measure)": "evaluate(network, train, measure)"},
        hidden="the visible check looks at the names and the lengths",
    ),
    Mistake(
        "axes-swapped",
        "confusion-matrix",
        "I took columns for what it is.",
        {"matrix[label, answer] += 1": "matrix[answer, label] += 1"},
    ),
    Mistake(
        "pairs-counted-once",
        "confusion-matrix",
        "I added with two arrays as an index; a pair that comes twice counts once.",
        {
            "    for label, answer in zip(labels, answers):\n        matrix[label, answer] += 1\n": (
                "    matrix[labels, answers] += 1\n"
            )
        },
    ),
    Mistake(
        "zero-by-zero",
        "confusion-matrix",
        "I divided without looking; a class that never occurs is NaN.",
        {"np.maximum(sums, 1)": "sums"},
    ),
    Mistake(
        "rows-only",
        "confusion-matrix",
        "I divided by the row only; that is how much was found, and not what was wrong.",
        {
            "2 * np.diag(matrix)": "np.diag(matrix)",
            "matrix.sum(axis=0) + matrix.sum(axis=1)": "matrix.sum(axis=1)",
        },
    ),
    Mistake(
        "equal-is-better",
        "early-stopping",
        "I wrote <=; a loss that never changes then goes on for ever.",
        {"if loss < self.best:": "if loss <= self.best:"},
    ),
    Mistake(
        "never-begins-anew",
        "early-stopping",
        "I did not begin to wait anew after a better epoch.",
        {"self.best, self.waited = loss, 0": "self.best = loss"},
    ),
    Mistake(
        "one-epoch-too-late",
        "early-stopping",
        "I waited for one epoch more.",
        {"self.waited >= self.patience": "self.waited > self.patience"},
    ),
    Mistake(
        "state-without-a-copy",
        "early-stopping",
        "I kept the arrays themselves; the best weights are then always the last.",
        {
            "self.state = network.state_dict()": (
                "self.state = {n: p.data for n, p in network.named_parameters()}"
            )
        },
    ),
    Mistake(
        "no-correction",
        "adam",
        "I did not divide by 1 - beta**t: the first step is three times too long.",
        {"m / (1 - beta1**t)": "m", "v / (1 - beta2**t)": "v"},
    ),
    Mistake(
        "epsilon-in-the-root",
        "adam",
        "I put epsilon into the root.",
        {"(np.sqrt(square) + self.eps)": "np.sqrt(square + self.eps)"},
    ),
    Mistake(
        "counts-from-zero",
        "adam",
        "I counted the step after it.",
        {"self.steps[n].item(), self": "self.steps[n].item() - 1, self"},
    ),
    Mistake(
        "memory-corrected",
        "adam",
        "I divided what is remembered, in place.",
        {"mean = m / (1 - beta1**t)": "m /= 1 - beta1**t\n                mean = m"},
    ),
    Mistake(
        "one-count-for-all",
        "adam",
        "I counted steps for all parameters together.",
        {"self.steps[n] += 1": "self.steps += 1"},
    ),
    Mistake(
        "shared-memory",
        "adam",
        "I made one array and put it into both lists.",
        {
            "self.squares = [np.zeros(p.shape, p.dtype) for p in self.parameters]": (
                "self.squares = self.means"
            )
        },
    ),
    Mistake(
        "always-float64",
        "adam",
        "I did not give the dtype; what is remembered takes twice the room.",
        {"self.means = [np.zeros(p.shape, p.dtype)": "self.means = [np.zeros(p.shape)"},
        hidden="no visible check asks for the dtype",
    ),
    Mistake(
        "no-training-at-all",
        "learn",
        "I made the network and forgot to train it.",
        {"    fit(network, batches, 150, optimizer)\n": ""},
    ),
    Mistake(
        "always-one-width",
        "learn",
        "I did not use the width.",
        {"MLP([2, width, 1], rng=seed)": "MLP([2, 16, 1], rng=seed)"},
        hidden="the visible check asks for 16",
    ),
    Mistake(
        "each-by-itself",
        "clipping",
        "I shortened each gradient by itself; the step points somewhere else.",
        solution=(
            "if not max_norm >= 0:\n"
            '    raise ValueError(f"max_norm is {max_norm}; it must not be negative")\n'
            "gradients = gradients_of(parameters)\n"
            "norm = float(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients)))\n"
            "for g in gradients:\n"
            "    own = np.sqrt((g.astype(np.float64) ** 2).sum())\n"
            "    if max_norm < own < np.inf:\n"
            "        g *= max_norm / own\n"
            "return norm"
        ),
    ),
    Mistake(
        "norm-from-after",
        "clipping",
        "I returned the norm as it is in the end.",
        {"    return norm\n": "    return min(norm, max_norm)\n"},
    ),
    Mistake(
        "always-scaled",
        "clipping",
        "I scaled short gradients, too.",
        {"if max_norm < norm < np.inf:": "if norm < np.inf:"},
    ),
    Mistake(
        "squares-overflow",
        "clipping",
        "I squared in float32, where large numbers overflow.",
        {"(g.astype(np.float64) ** 2)": "(g**2)"},
        hidden="the visible gradients are small",
    ),
    Mistake(
        "generator-forgotten",
        "save-and-load",
        "I forgot what draws the order of the examples.",
        {"np.ndarray, np.random.Generator)": "np.ndarray)"},
    ),
    Mistake(
        "variables-forgotten",
        "save-and-load",
        "I looked for Tensors only.",
        {"(Tensor, Variable, ": "(Tensor, "},
        hidden="the weights of the visible networks are Tensors",
    ),
    Mistake(
        "optimizer-forgotten",
        "save-and-load",
        "I saved the network and the generator, and not what Adam remembers.",
        {'"optimizer": optimizer, ': ""},
    ),
    Mistake(
        "half-a-load",
        "save-and-load",
        "I did not look first.",
        {"    refuse_differences(found, arrays, optimizer)\n": ""},
        hidden="in the visible check, the first array that is missing is an error as well",
    ),
    Mistake(
        "any-optimizer-will-do",
        "save-and-load",
        "I did not say that there is an optimizer.",
        {"(found, arrays, optimizer)": "(found, arrays)"},
        hidden="the visible check loads what was saved, and another network",
    ),
    Mistake(
        "epoch-forgotten",
        "save-and-load",
        "I did not save the epoch.",
        {'"epoch": np.array(epoch)': '"epoch": np.array(0)'},
    ),
]

ALTERNATIVES = [
    Alternative(
        "without-reduced",
        "mse-loss",
        "With a difference of its own, and other words in the refusal.",
        solution=(
            "if np.shape(target) != np.shape(predicted):\n"
            '    raise ValueError("give as many targets as predictions, in the same shape")\n'
            "difference = target - predicted\n"
            "return reduced(difference * difference, reduction)"
        ),
    ),
    Alternative(
        "softplus-by-hand",
        "bce-with-logits",
        "The maximum as a mean of two terms.",
        solution=(
            "targets = targets_for(scores, targets)\n"
            "size = abs(scores)\n"
            "softplus = (scores + size) / 2 + log(1 + exp(-size))\n"
            "return reduced(softplus - scores * targets, reduction)"
        ),
    ),
    Alternative(
        "composed-for-all",
        "cross-entropy",
        "The same for all reductions, without the fused function.",
        solution=(
            "labels = labels_for_loss(scores, labels)\n"
            "logarithms = log_softmax(scores)\n"
            "return reduced(-logarithms[range(len(labels)), labels], reduction)"
        ),
    ),
    Alternative(
        "with-numpy",
        "sgd",
        "Skips with continue, and subtracts into the array where it is one.",
        {
            "if p.grad is not None:\n                p.data -= self.lr * p.grad": (
                "if p.grad is None:\n                continue\n"
                "            p.data += -self.lr * p.grad"
            ),
        },
    ),
    Alternative(
        "with-setattr",
        "zero-grad",
        "By index.",
        {
            "for p in self.parameters:\n            p.grad = None": (
                "for n in range(len(self.parameters)):\n"
                "            self.parameters[n].grad = None"
            )
        },
    ),
    Alternative(
        "forgets-last-but-one",
        "train-step",
        "Forgets right before going back.",
        solution=(
            "predicted = network(x)\n"
            "value = checked(loss(predicted, y))\n"
            "optimizer.zero_grad()\n"
            "value.backward()\n"
            "optimizer.step()\n"
            "return float(value)"
        ),
    ),
    Alternative(
        "comprehensions",
        "overfit",
        "Two comprehensions.",
        {
            "losses = []\n    for _ in steps_of(steps, network, optimizer):\n        losses.append(train_step(network, x, y, optimizer, loss))\n    return losses": (
                "return [train_step(network, x, y, optimizer, loss) for _ in steps_of(steps, network, optimizer)]"
            ),
            "if p.grad is None or not p.grad.any():": (
                "if p.grad is None or np.count_nonzero(p.grad) == 0:"
            ),
        },
    ),
    Alternative(
        "with-np-mean",
        "accuracy",
        "With numpy's functions.",
        solution=(
            "labels = labels_for(scores, labels)\n"
            "return float(np.mean(np.argmax(np.asarray(scores), axis=-1) == labels))"
        ),
    ),
    Alternative(
        "with-np-average",
        "evaluate",
        "Collects values and sizes, and lets numpy weigh them; modes in a list of pairs.",
        {
            "total, count = 0.0, 0": "values, sizes = [], []",
            "total += float(measure(network(x), y)) * len(y)\n            count += len(y)": (
                "values.append(float(measure(network(x), y)))\n            sizes.append(len(y))"
            ),
            "return total / count": "return float(np.average(values, weights=sizes))",
        },
    ),
    Alternative(
        "sizes-of-inputs",
        "train-epoch",
        "Counts inputs, and collects sums.",
        solution=(
            "network.train(True)\n"
            "sums, sizes = [], []\n"
            "for x, y in batches_of(batches, network, optimizer):\n"
            "    value = step(network, x, y, optimizer, loss)\n"
            "    sums.append(len(x) * value)\n"
            "    sizes.append(len(x))\n"
            "return sum(sums) / sum(sizes)"
        ),
    ),
    Alternative(
        "without-setdefault",
        "fit",
        "All lists are made before the first epoch.",
        solution=(
            'history = {"loss": []}\n'
            'measured = [("validation_loss", loss)]\n'
            'measured += [("validation_" + m.__name__, m) for m in measures]\n'
            "if validation is not None:\n"
            "    for name, _ in measured:\n"
            "        history[name] = []\n"
            "for _ in epochs_of(epochs, train, validation, progress):\n"
            '    history["loss"] += [train_epoch(network, train, optimizer, loss, step)]\n'
            "    if validation is not None:\n"
            "        for name, measure in measured:\n"
            "            history[name].append(evaluate(network, validation, measure))\n"
            "    last = False\n"
            "    for callback in callbacks:\n"
            "        if callback(network, history):\n"
            "            last = True\n"
            "    if last:\n"
            "        return history\n"
            "return history"
        ),
    ),
    Alternative(
        "with-add-at",
        "confusion-matrix",
        "Counts with np.add.at, and divides where there is something.",
        {
            "    for label, answer in zip(labels, answers):\n        matrix[label, answer] += 1\n": (
                "    np.add.at(matrix, (labels, answers), 1)\n"
            ),
            "return 2 * np.diag(matrix) / np.maximum(sums, 1)": (
                "return 2 * np.diag(matrix) / np.where(sums == 0, 1, sums)"
            ),
        },
    ),
    Alternative(
        "waits-downwards",
        "early-stopping",
        "Without the shortcut of two names at once.",
        {
            "self.best, self.waited = loss, 0\n            self.state = network.state_dict()": (
                "self.waited = 0\n"
                "            self.state = dict(network.state_dict())\n"
                "            self.best = float(loss)"
            ),
            "self.best, self.state = np.inf, {}": (
                'self.best = float("inf")\n        self.state = None'
            ),
        },
    ),
    Alternative(
        "as-in-the-paper",
        "adam",
        "The means as sums of two shares, as the paper has them.",
        {
            "m += (1 - beta1) * (p.grad - m)": (
                "m *= beta1\n                m += (1 - beta1) * p.grad"
            ),
            "v += (1 - beta2) * (p.grad**2 - v)": (
                "v[...] = beta2 * v + (1 - beta2) * p.grad * p.grad"
            ),
        },
    ),
    Alternative(
        "another-network",
        "learn",
        "Smaller and deeper, in batches, with Adam for both.",
        {
            "optimizer = SGD(network.parameters(), lr=1.0)": (
                "optimizer = Adam(network.parameters(), lr=0.05)"
            ),
            "network = MLP([2, 32, 32, 2], rng=0)": "network = MLP([2, 24, 24, 24, 2], rng=3)",
            "lr=0.03)\n    batches = [(Tensor(points), labels)]": (
                "lr=0.01)\n    halves = slice(0, None, 2), slice(1, None, 2)\n"
                "    order = np.random.default_rng(1).permutation(len(points))\n"
                "    batches = [(Tensor(points[order][h]), labels[order][h]) for h in halves]"
            ),
        },
    ),
    Alternative(
        "by-a-vector",
        "clipping",
        "All gradients in one vector.",
        {
            "norm = float(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients)))": (
                "parts = [np.ravel(g).astype(float) for g in gradients] or [np.zeros(1)]\n"
                "    norm = float(np.linalg.norm(np.concatenate(parts)))"
            ),
            "if max_norm < norm < np.inf:": "if np.isfinite(norm) and norm > max_norm:",
        },
    ),
    Alternative(
        "in-loops",
        "save-and-load",
        "Dictionaries filled in loops.",
        {
            "return {name: part for name, part in walk(everything) if isinstance(part, kinds)}": (
                "found = {}\n"
                "    for name, part in walk(everything):\n"
                "        if isinstance(part, kinds):\n"
                "            found[name] = part\n"
                "    return found"
            ),
            'write_arrays(path, arrays | {"epoch": np.array(epoch)})': (
                'arrays["epoch"] = np.asarray(epoch)\n    write_arrays(path, arrays)'
            ),
        },
    ),
]

A_PRODUCT = "a factor of one changes no number"
EITHER_ORDER = "both orders give the same"

WORKS_AS_WELL = "the exercise leaves the network and how it is trained to the student"
OTHER_WAYS_TO_LEARN = [
    (
        "x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])",
        "x = [[0, 0], [0, 1], [1, 0], [1, 1]]",
    ),
    (
        "x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])",
        "x = Tensor([[0, 0], [0, 2], [1, 0], [1, 1]])",
    ),
    (
        "x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])",
        "x = Tensor([[0, 0], [0, 1], [2, 0], [1, 1]])",
    ),
    (
        "x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])",
        "x = Tensor([[0, 0], [0, 1], [1, 0], [2, 1]])",
    ),
    (
        "x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])",
        "x = Tensor([[0, 0], [0, 1], [1, 0], [1, 2]])",
    ),
    ("y = np.array([[0], [1], [1], [0]])", "y = [[0], [1], [1], [0]]"),
    (
        "optimizer = SGD(network.parameters(), lr=1.0)",
        "optimizer = SGD(network.parameters(), lr=3.0)",
    ),
    (
        "overfit(network, x, y, optimizer, bce_with_logits, steps=200)",
        "overfit(network, x, y, optimizer, bce_with_logits)",
    ),
    (
        "overfit(network, x, y, optimizer, bce_with_logits, steps=200)",
        "overfit(network, x, y, optimizer, bce_with_logits, steps=201)",
    ),
    (
        "overfit(network, x, y, optimizer, bce_with_logits, steps=200)",
        "overfit(network, x, y, optimizer, bce_with_logits, steps=199)",
    ),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 32, 32, 2])"),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 33, 32, 2], rng=0)"),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 31, 32, 2], rng=0)"),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 32, 33, 2], rng=0)"),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 32, 31, 2], rng=0)"),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 32, 32, 3], rng=0)"),
    ("network = MLP([2, 32, 32, 2], rng=0)", "network = MLP([2, 32, 32, 2], rng=1)"),
    (
        "optimizer = Adam(network.parameters(), lr=0.03)",
        "optimizer = Adam(network.parameters(), lr=1.06)",
    ),
    ("batches = [(Tensor(points), labels)]", "batches = [(points, labels)]"),
    ("fit(network, batches, 150, optimizer)", "fit(network, batches, 151, optimizer)"),
    ("fit(network, batches, 150, optimizer)", "fit(network, batches, 149, optimizer)"),
]

EQUIVALENT = [
    Equivalent(
        "mse-loss",
        "return reduced((predicted - target) ** 2, reduction)",
        "return reduced((predicted - target) ** 2, reduction) * np.float64(1)",
        A_PRODUCT,
    ),
    Equivalent(
        "mse-loss",
        "return reduced((predicted - target) ** 2, reduction)",
        "return reduced((target - predicted) ** 2, reduction)",
        "the square of a difference has no sign",
    ),
    Equivalent(
        "bce-with-logits",
        "right = maximum(scores, 0) - scores * targets",
        "right = maximum(0, scores) - scores * targets",
        EITHER_ORDER,
    ),
    Equivalent(
        "bce-with-logits",
        "return reduced(right + log(1 + exp(-abs(scores))), reduction)",
        "return reduced(right + log(1 + exp(-abs(scores))), reduction) * np.float64(1)",
        A_PRODUCT,
    ),
    Equivalent(
        "cross-entropy",
        "if reduction == 'mean':\nreturn autograd.cross_entropy(scores, labels)",
        "pass",
        "the composed loss has the same mean, only more slowly",
    ),
    Equivalent(
        "cross-entropy",
        "if reduction == 'mean':",
        "if False:",
        "the composed loss has the same mean, only more slowly",
    ),
    Equivalent(
        "cross-entropy",
        "return autograd.cross_entropy(scores, labels)",
        "return autograd.cross_entropy(scores, labels) * np.float64(1)",
        A_PRODUCT,
    ),
    Equivalent(
        "cross-entropy",
        "return reduced(-right, reduction)",
        "return reduced(-right, reduction) * np.float64(1)",
        A_PRODUCT,
    ),
    Equivalent(
        "evaluate",
        "total, count = (0.0, 0)",
        "total, count = (0, 0.0)",
        "zero is zero",
    ),
    Equivalent(
        "train-epoch",
        "total, count = (0.0, 0)",
        "total, count = (0, 0.0)",
        "zero is zero",
    ),
    Equivalent(
        "confusion-matrix",
        "return 2 * np.diag(matrix) / np.maximum(sums, 1)",
        "return 2 * np.diag(matrix) / np.maximum(sums, 1) * np.float64(1)",
        A_PRODUCT,
    ),
    Equivalent(
        "confusion-matrix",
        "return 2 * np.diag(matrix) / np.maximum(sums, 1)",
        "return 2 * np.diag(matrix) / np.maximum(1, sums)",
        EITHER_ORDER,
    ),
    Equivalent(
        "confusion-matrix",
        "return 2 * np.diag(matrix) / np.maximum(sums, 1)",
        "return 2 * np.diag(matrix) / np.maximum(sums, 2)",
        "where the sum is 1, nothing is on the diagonal",
    ),
    Equivalent(
        "early-stopping",
        "return self.waited >= self.patience",
        "return (self.waited >= self.patience) * np.float64(1)",
        "1.0 is as true as True",
    ),
    Equivalent(
        "clipping",
        "if max_norm < norm < np.inf:",
        "if max_norm <= norm < np.inf:",
        "a norm that is the limit is scaled by 1",
    ),
    Equivalent(
        "save-and-load",
        "kinds = (Tensor, Variable, np.ndarray, np.random.Generator)",
        "kinds = (Variable, Tensor, np.ndarray, np.random.Generator)",
        "isinstance asks for any, in whatever order",
    ),
    Equivalent(
        "save-and-load",
        "write_arrays(path, arrays | {'epoch': np.array(epoch)})",
        "write_arrays(path, arrays | {'epoch': epoch})",
        "numpy makes an array of the number itself",
    ),
    Equivalent(
        "fit",
        "for _ in epochs_of(epochs, train, validation, progress):",
        "for _ in epochs_of(epochs, validation, train, progress):",
        "the same refusals; only their sentences name the other one",
    ),
    Equivalent(
        "fit",
        "for _ in epochs_of(epochs, train, validation, progress):",
        "for _ in epochs_of(epochs, train, validation):",
        "nothing is shown while grading",
    ),
    Equivalent(
        "early-stopping",
        "self.patience, self.waited = (patience, 0)",
        "self.patience, self.waited = (patience, 1)",
        "the first loss is always the lowest so far, and waiting begins anew",
    ),
    *(Equivalent("learn", old, new, WORKS_AS_WELL) for old, new in OTHER_WAYS_TO_LEARN),
]
