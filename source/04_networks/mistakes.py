"""Mistakes that students make in module 4, right solutions of other kinds, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "first-bias-kept-as-it-is",
        "merged",
        "I added both biases; the first one must go through the second layer's weights.",
        {"first.bias @ second.weights + second.bias": "first.bias + second.bias"},
    ),
    Mistake(
        "product-in-the-wrong-order",
        "merged",
        "I multiplied the second layer's weights by the first one's.",
        {
            "weights = first.weights @ second.weights": "weights = second.weights @ first.weights"
        },
    ),
    Mistake(
        "second-bias-forgotten",
        "merged",
        "I took the first bias along and forgot the second.",
        {" + second.bias": ""},
    ),
    Mistake(
        "every-layer-gets-the-input",
        "sequential",
        "I gave each layer the first input, so that only the last one counts.",
        {
            "for layer in self.layers:\n            x = layer(x)\n        return x": (
                "for layer in self.layers:\n            out = layer(x)\n        return out"
            )
        },
    ),
    Mistake(
        "returns-after-the-first",
        "sequential",
        "I put the return inside the loop.",
        {
            "            x = layer(x)\n        return x": "            x = layer(x)\n            return x"
        },
    ),
    Mistake(
        "layers-kept-as-a-tuple",
        "sequential",
        "I kept the tuple, to which nobody can add a layer.",
        {"self.layers = list(layers)": "self.layers = layers"},
    ),
    Mistake(
        "no-layers-accepted",
        "sequential",
        "I did not think of a network without layers.",
        {"if not layers:": "if layers is None:"},
    ),
    Mistake(
        "a-list-of-layers-accepted",
        "sequential",
        "I did not look whether each layer can be called; the error comes much later.",
        {"if not callable(layer):": "if layer is None:"},
    ),
    Mistake(
        "eats-its-layers",
        "sequential",
        "I took each layer off the list; the second call finds none.",
        {
            "for layer in self.layers:\n            x = layer(x)": (
                "while self.layers:\n            x = self.layers.pop(0)(x)"
            )
        },
        hidden="one call alone is right; the grader calls twice",
    ),
    Mistake(
        "slice-is-a-list",
        "container",
        "I handed the index on to the list, which gives a list for a slice.",
        {"return Sequential(*self.layers[index])": "return self.layers[index]"},
    ),
    Mistake(
        "slice-of-copies",
        "container",
        "I copied the layers of a slice; training the part would not train the whole.",
        {
            "return Sequential(*self.layers[index])": (
                "import copy\n            return Sequential(*copy.deepcopy(self.layers[index]))"
            )
        },
    ),
    Mistake(
        "no-layer-counted-from-the-end",
        "container",
        "I refused negative numbers.",
        {
            "        return self.layers[index]\n": (
                '        if index < 0:\n            raise IndexError("negative")\n'
                "        return self.layers[index]\n"
            )
        },
    ),
    Mistake(
        "always-called-sequential",
        "container",
        "I wrote the name of the class as it is here; an MLP then calls itself Sequential.",
        {"{type(self).__name__}": "Sequential"},
        hidden="there is no other class yet; the text says type(self).__name__",
    ),
    Mistake(
        "one-loop-only",
        "container",
        "I took the layers off the list while looping.",
        {
            "return iter(self.layers)": "return iter([self.layers.pop(0) for _ in self.layers[:]])"
        },
    ),
    Mistake(
        "bend-at-the-end",
        "mlp",
        "I left the activation after the last layer, so no output can be negative.",
        {"*layers[:-1]": "*layers"},
    ),
    Mistake(
        "seed-used-anew",
        "mlp",
        "I handed the seed to every layer; layers of equal size begin alike.",
        {"Dense(inputs, outputs, generator)": "Dense(inputs, outputs, rng)"},
    ),
    Mistake(
        "always-relu",
        "mlp",
        "I made a ReLU, whatever was given.",
        {"layers.append(activation())": "layers.append(ReLU())"},
    ),
    Mistake(
        "class-instead-of-a-bend",
        "mlp",
        "I put the class between the layers and forgot to call it.",
        {"layers.append(activation())": "layers.append(activation)"},
    ),
    Mistake(
        "one-bend-for-all",
        "mlp",
        "I made one activation and used it everywhere; later ones may keep something.",
        {
            "for inputs, outputs in pairwise(sizes):": (
                "bend = activation()\n        for inputs, outputs in pairwise(sizes):"
            ),
            "layers.append(activation())": "layers.append(bend)",
        },
        hidden="a ReLU keeps nothing, so nobody notices yet",
    ),
    Mistake(
        "one-size-accepted",
        "mlp",
        "I refused an empty list only.",
        {"if len(sizes) < 2:": "if len(sizes) < 1:"},
        hidden="a Sequential without layers is refused as well; the sentence speaks of layers then",
    ),
    Mistake(
        "lists-forgotten",
        "parts",
        "I looked at attributes and dictionaries only; what is in a list is invisible.",
        {"elif isinstance(thing, (list, tuple)):": "elif isinstance(thing, tuple):"},
    ),
    Mistake(
        "tuples-forgotten",
        "parts",
        "I asked for a list, and a tuple is none.",
        {"isinstance(thing, (list, tuple))": "isinstance(thing, list)"},
    ),
    Mistake(
        "positions-as-numbers",
        "parts",
        "I left positions and keys as they are; a name is a string.",
        {"{str(name): part": "{name: part"},
    ),
    Mistake(
        "everything-has-attributes",
        "parts",
        "I wrote vars(thing), which a number does not have.",
        {'getattr(thing, "__dict__", {})': "vars(thing)"},
    ),
    Mistake(
        "classes-are-parts",
        "parts",
        "I kept classes; their switch is that of all their layers.",
        {" if not isinstance(part, type)}": "}"},
    ),
    Mistake(
        "the-attributes-themselves",
        "parts",
        "I gave the dictionary of the object itself; who changes it changes the object.",
        {
            "    kept = {str": (
                "    if not any(type(n) is not str or isinstance(inside[n], type) for n in inside):\n"
                "        return inside\n    kept = {str"
            )
        },
        hidden="nobody changes it in the notebook",
    ),
    Mistake(
        "shared-parts-twice",
        "walk",
        "I remembered nothing: what is shared comes twice, and a cycle never ends.",
        {"    seen.add(id(thing))\n": ""},
    ),
    Mistake(
        "itself-not-remembered",
        "walk",
        "I did not remember the thing itself, only its parts.",
        {"    seen.add(id(thing))\n": "    if name:\n        seen.add(id(thing))\n"},
    ),
    Mistake(
        "memory-not-handed-on",
        "walk",
        "I forgot to hand `seen` on, so each part begins with an empty one.",
        {"walk(part, longer, seen)": "walk(part, longer)"},
    ),
    Mistake(
        "names-without-their-beginning",
        "walk",
        "I handed on the short name.",
        {"walk(part, longer, seen)": "walk(part, key, seen)"},
    ),
    Mistake(
        "a-dot-at-the-beginning",
        "walk",
        "I put a dot before the first name, too.",
        {'longer = f"{name}.{key}" if name else key': 'longer = f"{name}.{key}"'},
    ),
    Mistake(
        "only-one-step",
        "walk",
        "I gave the parts and not the parts of the parts.",
        {"yield from walk(part, longer, seen)": "yield longer, part"},
    ),
    Mistake(
        "the-whole-left-out",
        "walk",
        "I gave the parts, and not the thing itself.",
        {"    yield name, thing\n": "    if name:\n        yield name, thing\n"},
    ),
    Mistake(
        "equal-is-not-the-same",
        "walk",
        "I remembered what a thing looks like; equal layers are taken for one.",
        {
            "if id(thing) in": "if repr(thing) in",
            "seen.add(id(thing))": "seen.add(repr(thing))",
        },
    ),
    Mistake(
        "all-tensors-are-trained",
        "parameters",
        "I took every Tensor, frozen ones, too.",
        {
            'if getattr(part, "requires_grad", False):': "if isinstance(part, Tensor):",
        },
        hidden="every Tensor in the visible network is trained; what freezes is seen in "
        "count_parameters only",
    ),
    Mistake(
        "names-only",
        "parameters",
        "I listed the names without the parameters.",
        {"found.append((name, part))": "found.append(name)"},
    ),
    Mistake(
        "tensors-are-counted",
        "parameters",
        "I counted the Tensors, not the numbers in them.",
        {"sum(parameter.size for": "sum(1 for"},
    ),
    Mistake(
        "rows-are-counted",
        "parameters",
        "I added up the first axes.",
        {"sum(parameter.size for": "sum(parameter.shape[0] for"},
    ),
    Mistake(
        "frozen-ones-counted",
        "parameters",
        "I counted each Tensor, whether it is trained or not.",
        {'if getattr(p, "requires_grad", False)]': "if isinstance(p, Tensor)]"},
    ),
    Mistake(
        "the-arrays-themselves",
        "state-dict",
        "I kept the arrays without a copy: the best weights become the last ones.",
        {"part.data.copy()": "part.data"},
    ),
    Mistake(
        "frozen-ones-not-saved",
        "state-dict",
        "I saved the parameters only; a frozen layer is lost.",
        {"if isinstance(part, Tensor):": "if getattr(part, 'requires_grad', False):"},
    ),
    Mistake(
        "tensors-are-saved",
        "state-dict",
        "I kept the Tensors.",
        {"part.data.copy()": "part"},
    ),
    Mistake(
        "saved-in-float64",
        "state-dict",
        "I copied with np.array(…, dtype=float); the numbers take twice the room.",
        {"part.data.copy()": "np.array(part.data, dtype=float)"},
        hidden="values are equal, and the visible checks show no dtype",
    ),
    Mistake(
        "half-a-load",
        "load-state-dict",
        "I put each array in as soon as it was looked at.",
        {
            "            arrays[name] = array\n        for name, array in arrays.items():\n": "",
        },
    ),
    Mistake(
        "new-tensors",
        "load-state-dict",
        "I made new Tensors; who holds the old ones trains ghosts.",
        {
            "            mine[name].data = array\n": (
                "            *path, last = name.split('.')\n"
                "            owner = self\n"
                "            for step in path:\n"
                "                owner = parts(owner)[step]\n"
                "            if isinstance(owner, (list, dict)):\n"
                "                owner[int(last) if isinstance(owner, list) else last] = Tensor(array)\n"
                "            else:\n"
                "                setattr(owner, last, Tensor(array, requires_grad=True))\n"
            )
        },
    ),
    Mistake(
        "arrays-without-a-copy",
        "load-state-dict",
        "I put the arrays of the state in; both are one from then on.",
        {"np.array(state[name], dtype=mine[name].dtype)": "np.asarray(state[name])"},
    ),
    Mistake(
        "shapes-that-broadcast",
        "load-state-dict",
        "I did not compare shapes, and wrote into the old arrays.",
        {
            "if array.shape != mine[name].shape:": "if array.ndim > 9:",
            "mine[name].data = array": "mine[name].data[...] = array",
        },
    ),
    Mistake(
        "sizes-compared",
        "load-state-dict",
        "I compared sizes, so a row passes for a column.",
        {"if array.shape != mine[name].shape:": "if array.size != mine[name].size:"},
        hidden="the visible shapes differ in size as well",
    ),
    Mistake(
        "missing-names-not-noticed",
        "load-state-dict",
        "I went through the state and never asked what was not in it.",
        {"if strict and (missing or unexpected):": "if strict and unexpected:"},
    ),
    Mistake(
        "unexpected-names-not-noticed",
        "load-state-dict",
        "I went through the network and never asked what else was in the state.",
        {"if strict and (missing or unexpected):": "if strict and missing:"},
    ),
    Mistake(
        "strict-forgotten",
        "load-state-dict",
        "I refused differences, whatever strict says.",
        {"if strict and (missing or unexpected):": "if missing or unexpected:"},
    ),
    Mistake(
        "dtype-of-the-state",
        "load-state-dict",
        "I kept the dtype of the state; a float32 network turns into float64.",
        {"np.array(state[name], dtype=mine[name].dtype)": "np.array(state[name])"},
        hidden="the visible states come from networks of the same dtype",
    ),
    Mistake(
        "number-of-inputs-forgotten",
        "mlp-from-state",
        "I took the outputs of each matrix and forgot the inputs of the first.",
        {"    sizes = [inputs for inputs, _ in weights[:1]]\n": "    sizes = []\n"},
    ),
    Mistake(
        "sorted-by-name",
        "mlp-from-state",
        "I sorted the names as texts; layers.10 then comes before layers.2.",
        {"for name in state if name": "for name in sorted(state) if name"},
        hidden="no visible network has eleven layers",
    ),
    Mistake(
        "never-loaded",
        "mlp-from-state",
        "I made the network and forgot to load.",
        {"    network.load_state_dict(state)\n": ""},
    ),
    Mistake(
        "relu-whatever-is-given",
        "mlp-from-state",
        "I did not hand the activation on.",
        {"MLP(sizes, activation)": "MLP(sizes)"},
    ),
    Mistake(
        "only-the-root",
        "modes",
        "I set the switch of the network and not those of its parts.",
        {"for _, part in walk(self):": "for part in [self]:"},
    ),
    Mistake(
        "parts-without-the-root",
        "modes",
        "I set the switches of all parts and forgot the network itself.",
        {
            'if hasattr(part, "training"):': 'if part is not self and hasattr(part, "training"):'
        },
    ),
    Mistake(
        "switch-for-everything",
        "modes",
        "I gave a switch to everything that takes an attribute.",
        {'if hasattr(part, "training"):': 'if hasattr(part, "__dict__"):'},
    ),
    Mistake(
        "returns-nothing",
        "modes",
        "I forgot the return.",
        {"        return self\n": ""},
    ),
    Mistake(
        "always-on",
        "modes",
        "I wrote True instead of mode.",
        {"part.training = mode": "part.training = True"},
    ),
    Mistake(
        "switch-of-the-class",
        "modes",
        "I set the switch of the class: all networks change at once.",
        {"part.training = mode": "type(part).training = part.training = mode"},
        hidden="no second network is looked at",
    ),
    Mistake(
        "parameters-only-converted",
        "astype",
        "I converted the parameters; frozen Tensors keep their dtype.",
        {"if isinstance(part, Tensor):": 'if getattr(part, "requires_grad", False):'},
        hidden="every Tensor in the visible network is trained",
    ),
    Mistake(
        "always-float64",
        "astype",
        "I converted to float64, whatever was asked for.",
        {"part.data.astype(dtype)": "part.data.astype(np.float64)"},
        hidden="the visible check asks for float64",
    ),
    Mistake(
        "converted-and-forgotten",
        "astype",
        "I called astype and did not keep what it gives.",
        {"part.data = part.data.astype(dtype)": "part.data.astype(dtype)"},
    ),
    Mistake(
        "shapes-with-the-batch",
        "summary",
        "I wrote down the whole shape, with the batch of one.",
        {"x.shape[1:]": "x.shape"},
    ),
    Mistake(
        "shared-parameters-twice",
        "summary",
        "I added up the rows; what is shared counts twice.",
        {
            "Summary(rows, count_parameters(network))": "Summary(rows, sum(row[3] for row in rows))"
        },
    ),
    Mistake(
        "left-in-eval",
        "summary",
        "I switched to eval and never back.",
        {"part.training = mode": "pass"},
    ),
    Mistake(
        "always-back-to-training",
        "summary",
        "I called train() at the end; what was not in training before is now.",
        {
            "        for part, mode in zip(switches, modes):\n            part.training = mode\n": (
                "        network.train()\n"
            )
        },
        hidden="all visible switches were on",
    ),
    Mistake(
        "an-error-leaves-eval",
        "summary",
        "I put the switches back after the loop, without finally.",
        {
            "    finally:\n        for part, mode": (
                "    except KeyboardInterrupt:\n        pass\n    else:\n        for part, mode"
            )
        },
    ),
    Mistake(
        "run-in-training-mode",
        "summary",
        "I forgot eval(); looking at a network changes what it keeps.",
        {"    network.eval()\n": ""},
    ),
]

ALTERNATIVES = [
    Alternative(
        "with-arrays",
        "merged",
        "Computed with arrays, and wrapped at the end.",
        solution=(
            "w1, w2 = first.weights.data, second.weights.data\n"
            "return Tensor(w1 @ w2), Tensor(first.bias.data @ w2 + second.bias.data)"
        ),
    ),
    Alternative(
        "by-calling-the-second-layer-s-formula",
        "merged",
        "With numpy's functions on tensors.",
        solution=(
            "return np.matmul(first.weights, second.weights), "
            "np.add(np.matmul(first.bias, second.weights), second.bias)"
        ),
    ),
    Alternative(
        "with-reduce",
        "sequential",
        "The loop is functools.reduce, and all layers are looked at first.",
        {
            "for layer in self.layers:\n            x = layer(x)\n        return x": (
                "from functools import reduce\n\n"
                "        return reduce(lambda value, layer: layer(value), self.layers, x)"
            )
        },
    ),
    Alternative(
        "all-at-once",
        "sequential",
        "Refuses with all() and len().",
        {
            "if not layers:": "if len(layers) == 0:",
            "for layer in layers:\n            if not callable(layer):": (
                "if not all(map(callable, layers)):\n            for layer in layers:"
            ),
        },
    ),
    Alternative(
        "generator-of-layers",
        "container",
        "Loops with yield, and makes the text in a loop.",
        {
            "return iter(self.layers)": "yield from self.layers",
            'layers = ", ".join(map(repr, self.layers))': (
                'layers = ", ".join([repr(layer) for layer in self])'
            ),
        },
    ),
    Alternative(
        "looks-at-the-result",
        "container",
        "Takes from the list first, and asks whether that gave a list.",
        {
            "if isinstance(index, slice):\n            return Sequential(*self.layers[index])\n"
            "        return self.layers[index]": (
                "found = self.layers[index]\n"
                "        return Sequential(*found) if isinstance(found, list) else found"
            )
        },
    ),
    Alternative(
        "bend-before-each-but-the-first",
        "mlp",
        "An activation goes before every layer but the first.",
        {
            "for inputs, outputs in pairwise(sizes):\n"
            "            layers.append(Dense(inputs, outputs, generator))\n"
            "            layers.append(activation())\n"
            "        super().__init__(*layers[:-1])": (
                "for n in range(len(sizes) - 1):\n"
                "            if n > 0:\n"
                "                layers.append(activation())\n"
                "            layers.append(Dense(sizes[n], sizes[n + 1], rng=generator))\n"
                "        Sequential.__init__(self, *layers)"
            )
        },
    ),
    Alternative(
        "with-zip",
        "mlp",
        "Neighbours by zip, and the layers set without the constructor of Sequential.",
        {
            "pairwise(sizes)": "zip(sizes[:-1], sizes[1:])",
            "super().__init__(*layers[:-1])": "self.layers = layers[:-1]",
        },
    ),
    Alternative(
        "loop-over-each-kind",
        "parts",
        "A dictionary is filled in each case.",
        solution=(
            "if isinstance(thing, (list, tuple)):\n"
            "    pairs = enumerate(thing)\n"
            "elif isinstance(thing, dict):\n"
            "    pairs = thing.items()\n"
            'elif hasattr(thing, "__dict__"):\n'
            "    pairs = vars(thing).items()\n"
            "else:\n"
            "    return {}\n"
            "found = {}\n"
            "for name, part in pairs:\n"
            "    if not isinstance(part, type):\n"
            "        found[str(name)] = part\n"
            "return found"
        ),
    ),
    Alternative(
        "a-list-of-pairs",
        "walk",
        "Collects a list in an inner function.",
        solution=(
            "seen = set() if seen is None else seen\n"
            "found = []\n\n"
            "def visit(name, thing):\n"
            "    if id(thing) not in seen:\n"
            "        seen.add(id(thing))\n"
            "        found.append((name, thing))\n"
            "        for key, part in parts(thing).items():\n"
            '            visit(".".join(filter(None, (name, key))), part)\n\n'
            "visit(name, thing)\n"
            "return iter(found)"
        ),
    ),
    Alternative(
        "a-stack",
        "walk",
        "A list of what is to be visited, and no recursion.",
        solution=(
            "seen = set() if seen is None else seen\n"
            "waiting = [(name, thing)]\n"
            "while waiting:\n"
            "    name, thing = waiting.pop()\n"
            "    if id(thing) not in seen:\n"
            "        seen.add(id(thing))\n"
            "        yield name, thing\n"
            "        inside = list(parts(thing).items())\n"
            "        for key, part in reversed(inside):\n"
            '            waiting.append((f"{name}.{key}" if name else key, part))'
        ),
    ),
    Alternative(
        "as-tensors",
        "parameters",
        "Asks for Tensors that require a gradient, and counts by way of a list.",
        {
            'if getattr(part, "requires_grad", False):': (
                "if isinstance(part, Tensor) and part.requires_grad:"
            ),
            "[parameter for _, parameter in self.named_parameters()]": (
                "list(dict(self.named_parameters()).values())"
            ),
        },
    ),
    Alternative(
        "in-one-line",
        "state-dict",
        "A dictionary comprehension, with np.array for the copy.",
        solution=(
            "return {\n"
            "    name: np.array(part.data)\n"
            "    for name, part in walk(self)\n"
            "    if isinstance(part, Tensor)\n"
            "}"
        ),
    ),
    Alternative(
        "into-the-old-arrays",
        "load-state-dict",
        "Writes into the arrays that are there, once all shapes have been compared.",
        {"mine[name].data = array": "mine[name].data[...] = array"},
    ),
    Alternative(
        "with-sets",
        "load-state-dict",
        "Finds the names with sets, and looks at everything in the order of the state.",
        {
            "missing = [name for name in mine if name not in state]": (
                "missing = sorted(set(mine) - set(state))"
            ),
            "unexpected = [name for name in state if name not in mine]": (
                "unexpected = sorted(set(state) - set(mine))"
            ),
            "for name in [name for name in mine if name in state]:": (
                "for name in sorted(set(state) & set(mine)):"
            ),
        },
    ),
    Alternative(
        "sizes-in-a-loop",
        "mlp-from-state",
        "The sizes are collected in a loop.",
        solution=(
            "sizes = []\n"
            "for name, array in state.items():\n"
            '    if name.endswith(".weights"):\n'
            "        if not sizes:\n"
            "            sizes.append(array.shape[0])\n"
            "        sizes.append(array.shape[1])\n"
            "network = MLP(sizes, activation=activation)\n"
            "network.load_state_dict(dict(state))\n"
            "return network"
        ),
    ),
    Alternative(
        "from-the-biases",
        "mlp-from-state",
        "The outputs are read off the biases.",
        solution=(
            'first = next(a for n, a in state.items() if n.endswith("weights"))\n'
            'outputs = [len(a) for n, a in state.items() if n.endswith("bias")]\n'
            "network = MLP([len(first), *outputs], activation)\n"
            "network.load_state_dict(state)\n"
            "return network"
        ),
    ),
    Alternative(
        "eval-in-a-loop-of-its-own",
        "modes",
        "Both methods loop, and setattr sets the switch.",
        {
            "part.training = mode": 'setattr(part, "training", mode)',
            "return self.train(False)": "self.train(mode=False)\n        return self",
        },
    ),
    Alternative(
        "with-np-asarray",
        "astype",
        "Converts with np.asarray.",
        {"part.data.astype(dtype)": "np.asarray(part.data, dtype=dtype)"},
    ),
    Alternative(
        "length-instead-of-slices",
        "summary",
        "Shapes by way of a slice of the network, and the switches in a dictionary.",
        solution=(
            "before = {}\n"
            "for name, part in walk(network):\n"
            '    if hasattr(part, "training"):\n'
            "        before[name] = (part, part.training)\n"
            "        part.training = False\n"
            "try:\n"
            "    rows = []\n"
            "    x = Tensor(np.zeros([1, *input_shape], dtype=np.float32))\n"
            "    for n in range(len(network)):\n"
            "        x = network[n](x)\n"
            "        shape = tuple(x.shape)[1:]\n"
            '        rows += [(f"layers.{n}", str(network[n]), shape, count_parameters([network[n]]))]\n'
            "finally:\n"
            "    for part, mode in before.values():\n"
            "        part.training = mode\n"
            "return Summary(rows, total=count_parameters(network))"
        ),
    ),
]

EQUIVALENT = [
    Equivalent(
        "parts",
        "elif isinstance(thing, (list, tuple)):",
        "elif isinstance(thing, (tuple, list)):",
        "isinstance asks for either, in whatever order",
    ),
]
