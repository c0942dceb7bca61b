"""Mistakes that students make in module 6, right solutions of other kinds, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "never-ends",
        "dataset",
        "I counted up and waited for an IndexError, which some datasets never raise.",
        {
            "for index in range(len(self)):": "index = -1\n        while index := index + 1 or True:"
        },
    ),
    Mistake(
        "last-one-left-out",
        "dataset",
        "I stopped one too early.",
        {"range(len(self))": "range(len(self) - 1)"},
    ),
    Mistake(
        "numbers-instead-of-examples",
        "dataset",
        "I gave the indices and not what is there.",
        {"yield self[index]": "yield index"},
    ),
    Mistake(
        "always-called-dataset",
        "dataset",
        "I wrote the name of the class as it is here.",
        {"{type(self).__name__}": "Dataset"},
    ),
    Mistake(
        "all-loaded-at-once",
        "dataset",
        "I made a list of all examples first; a large dataset does not fit into memory.",
        {
            "for index in range(len(self)):\n            yield self[index]": (
                "return iter([self[index] for index in range(len(self))])"
            )
        },
        hidden="the examples are the same; the grader counts when they are asked for",
    ),
    Mistake(
        "lengths-not-compared",
        "array-dataset",
        "I did not compare the lengths; the longer array is cut off in silence.",
        {"if len(set(lengths)) != 1:": "if not lengths:"},
    ),
    Mistake(
        "no-arrays-accepted",
        "array-dataset",
        "I compared the lengths, of which there are none.",
        {"if len(set(lengths)) != 1:": "if len(set(lengths)) > 1:"},
    ),
    Mistake(
        "neighbours-only",
        "array-dataset",
        "I compared the first two arrays only.",
        {"if len(set(lengths)) != 1:": "if len(set(lengths[:2])) != 1:"},
        hidden="no visible dataset has three arrays",
    ),
    Mistake(
        "first-array-only",
        "array-dataset",
        "I fetched from the first array and forgot the labels.",
        {
            "for array in self.arrays]\n        if": "for array in self.arrays[:1]]\n        if"
        },
    ),
    Mistake(
        "every-field-transformed",
        "array-dataset",
        "I transformed the labels, too.",
        {
            "fields[0] = transformed(self.transform, fields[0])": (
                "fields = [transformed(self.transform, field) for field in fields]"
            )
        },
    ),
    Mistake(
        "transform-of-single-examples-only",
        "array-dataset",
        "I put the transform where one example is taken; batches come without it.",
        {
            "        if self.transform is not None:\n"
            "            fields[0] = transformed(self.transform, fields[0])\n"
            "        return tuple(fields)": "        return tuple(fields)",
            "            return tuple(field[0] for field in fields)": (
                "            if self.transform is not None:\n"
                "                fields = transformed(self.transform, fields[0]), *fields[1:]\n"
                "            return tuple(field[0] for field in fields)"
            ),
        },
    ),
    Mistake(
        "transformed-once-for-all",
        "array-dataset",
        "I transformed everything at the beginning; each epoch then shows the same.",
        {
            "        self.transform = transform\n": (
                "        self.transform = None\n"
                "        if transform is not None:\n"
                "            self.arrays[0] = transform(self.arrays[0])\n"
            )
        },
        hidden="a transform that draws nothing gives the same either way",
    ),
    Mistake(
        "an-axis-too-many",
        "array-dataset",
        "One example came as a batch of one.",
        {"return tuple(field[0] for field in fields)": "return tuple(fields)"},
    ),
    Mistake(
        "numpy-numbers-forgotten",
        "array-dataset",
        "I asked for int only; numpy's whole numbers are none.",
        {"isinstance(index, (int, np.integer))": "isinstance(index, int)"},
        hidden="no visible index is one of numpy's numbers",
    ),
    Mistake(
        "examples-not-taken-apart",
        "collate",
        "I stacked whole examples, and forgot that each has several fields.",
        {"for field in zip(*examples):": "for field in examples:"},
    ),
    Mistake(
        "fields-left-as-tuples",
        "collate",
        "I took the examples apart, and made no arrays.",
        {"fields.append(np.stack(field))": "fields.append(field)"},
    ),
    Mistake(
        "arrays-taken-for-examples",
        "collate",
        "I did not look whether an example is a tuple; an image was taken apart by rows.",
        {"if not isinstance(example, (tuple, list)):": "if example is None:"},
    ),
    Mistake(
        "first-example-looked-at",
        "collate",
        "I looked at the first example only.",
        {"    for example in examples:\n": "    for example in examples[:1]:\n"},
        hidden="all visible examples are of one kind",
    ),
    Mistake(
        "always-one-by-one",
        "collate",
        "I forgot to ask for fetch; it works, slowly.",
        {'if hasattr(dataset, "fetch"):': "if dataset is None:"},
    ),
    Mistake(
        "fetch-is-expected",
        "collate",
        "I called fetch on everything; a list has none.",
        {'if hasattr(dataset, "fetch"):': "if dataset is not None:"},
    ),
    Mistake(
        "copies-of-the-examples",
        "subset",
        "I copied the examples into arrays of my own.",
        {
            "        self.dataset = dataset\n": (
                "        import copy\n\n        self.dataset = copy.deepcopy(dataset)\n"
            )
        },
        hidden="a copy shows the same, until the dataset changes",
    ),
    Mistake(
        "index-of-the-dataset",
        "subset",
        "I handed the index on and did not look up the number.",
        {"return self.dataset[self.indices[index]]": "return self.dataset[index]"},
    ),
    Mistake(
        "sorted-indices",
        "subset",
        "I sorted the numbers.",
        {
            "np.arange(len(dataset))[indices]": "np.sort(np.arange(len(dataset))[indices])",
        },
    ),
    Mistake(
        "masks-as-numbers",
        "subset",
        "I wrote np.asarray(indices): a mask becomes zeros and ones, and nothing is refused.",
        {"np.arange(len(dataset))[indices]": "np.asarray(indices, dtype=int)"},
    ),
    Mistake(
        "length-of-the-whole",
        "subset",
        "I gave the length of the dataset.",
        {"return len(self.indices)": "return len(self.dataset)"},
    ),
    Mistake(
        "fetches-from-the-beginning",
        "subset",
        "In fetch I forgot to look up the numbers.",
        {
            "gather(self.dataset, self.indices[indices])": "gather(self.dataset, indices)"
        },
    ),
    Mistake(
        "rounding-loses-one",
        "split",
        "I rounded each size down, and nobody got what was left.",
        {
            "        for k in range(n - sum(sizes)):\n            sizes[k] += 1\n": "",
        },
    ),
    Mistake(
        "the-last-gets-the-rest",
        "split",
        "I gave all that was left over to the last part.",
        {
            "        for k in range(n - sum(sizes)):\n            sizes[k] += 1\n": (
                "        sizes[-1] += n - sum(sizes)\n"
            )
        },
    ),
    Mistake(
        "rounded-to-the-nearest",
        "split",
        "I rounded to the nearest whole number.",
        {"int(n * share) for share": "round(n * share) for share"},
        hidden="the visible shares are rounded down either way",
    ),
    Mistake(
        "sums-not-compared",
        "split",
        "I did not ask whether the parts add up.",
        {"if sum(sizes) != n or min(sizes) < 0:": "if min(sizes) < 0:"},
    ),
    Mistake(
        "negative-parts-accepted",
        "split",
        "I asked for the sum only; 1.5 and -0.5 add up to 1.",
        {"if sum(sizes) != n or min(sizes) < 0:": "if sum(sizes) != n:"},
    ),
    Mistake(
        "a-permutation-for-each-part",
        "split",
        "I drew a new permutation for each part; they have examples in common.",
        {
            "order[start : start + size]": "np.random.default_rng().permutation(len(dataset))[:size]"
        },
    ),
    Mistake(
        "no-permutation",
        "split",
        "I cut off the end.",
        {
            "np.random.default_rng(rng).permutation(len(dataset))": "np.arange(len(dataset))"
        },
    ),
    Mistake(
        "seed-forgotten",
        "split",
        "I made a generator without the seed.",
        {"np.random.default_rng(rng)": "np.random.default_rng()"},
    ),
    Mistake(
        "seed-built-in",
        "split",
        "I wrote a seed into the function; everybody always gets the same parts.",
        {
            "np.random.default_rng(rng)": "np.random.default_rng(0 if rng is None else rng)"
        },
        hidden="all visible splits have a seed",
    ),
    Mistake(
        "shuffle-in-place",
        "split",
        "I drew with rng.shuffle, which gives other numbers than one permutation of n.",
        {
            "order = np.random.default_rng(rng).permutation(len(dataset))": (
                "order = np.argsort(np.random.default_rng(rng).random(len(dataset)))"
            )
        },
    ),
    Mistake(
        "the-same-example-twice",
        "split",
        "Each part begins where the last one ended, less one.",
        {"start += size": "start += size - 1"},
    ),
    Mistake(
        "global-shuffle-only",
        "stratified-split",
        "I cut the permutation, without a look at the classes.",
        {
            "    for label in np.unique(labels):\n"
            "        members = order[labels[order] == label]\n": (
                "    for members in [order]:\n"
            )
        },
    ),
    Mistake(
        "class-behind-class",
        "stratified-split",
        "I put class behind class; the training part is sorted.",
        {
            "[Subset(dataset, order[part_of[order] == k]) for k": (
                "[Subset(dataset, np.array(sorted(order[part_of[order] == k], "
                "key=lambda n: labels[n]))) for k"
            )
        },
    ),
    Mistake(
        "in-the-order-of-the-file",
        "stratified-split",
        "I collected the examples of each part from first to last.",
        {
            "[Subset(dataset, order[part_of[order] == k]) for k": (
                "[Subset(dataset, np.flatnonzero(part_of == k)) for k"
            )
        },
    ),
    Mistake(
        "nothing-drawn",
        "stratified-split",
        "I took the members of each class in their order in the file.",
        {
            "members = order[labels[order] == label]": "members = np.flatnonzero(labels == label)"
        },
    ),
    Mistake(
        "labels-not-counted",
        "stratified-split",
        "I did not compare the number of labels with that of the examples.",
        {"if len(labels) != len(dataset):": "if len(labels) > len(dataset):"},
    ),
    Mistake(
        "a-draw-for-each-class",
        "stratified-split",
        "I drew a permutation for each class.",
        {
            "members = order[labels[order] == label]": (
                "members = np.random.default_rng(rng).permutation(np.flatnonzero(labels == label))"
            )
        },
    ),
    Mistake(
        "zero-by-zero",
        "standardize",
        "I divided by the deviation, whatever it is.",
        {"np.where(constant, 1, x.std(axis=0))": "x.std(axis=0)"},
    ),
    Mistake(
        "asks-whether-the-deviation-is-zero",
        "standardize",
        "I asked whether the deviation is 0; of equal numbers it may be 1e-9.",
        {"constant = x.max(axis=0) == x.min(axis=0)": "constant = x.std(axis=0) == 0"},
    ),
    Mistake(
        "a-little-added",
        "standardize",
        "I added 1e-8 to all deviations, as some libraries do.",
        {"np.where(constant, 1, x.std(axis=0))": "(x.std(axis=0) + 1e-8)"},
    ),
    Mistake(
        "measured-anew",
        "standardize",
        "I measured the examples that came, instead of those of the training part.",
        {
            "return (x - self.mean) / self.spread": (
                "return (x - np.mean(x, axis=0)) / self.spread"
            )
        },
    ),
    Mistake(
        "one-number-for-all-features",
        "standardize",
        "I took mean and deviation over everything.",
        {"self.mean = x.mean(axis=0)": "self.mean = x.mean() + 0 * x[0]"},
    ),
    Mistake(
        "variance-for-deviation",
        "standardize",
        "I divided by the variance.",
        {"x.std(axis=0))": "x.var(axis=0))"},
    ),
    Mistake(
        "in-place",
        "standardize",
        "I changed the examples themselves.",
        {
            "return (x - self.mean) / self.spread": (
                "x -= self.mean\n        x /= self.spread\n        return x"
            )
        },
    ),
    Mistake(
        "small-spreads-taken-for-none",
        "standardize",
        "I took every small deviation for none.",
        {
            "constant = x.max(axis=0) == x.min(axis=0)": "constant = x.std(axis=0) < 1e-4"
        },
        hidden="no visible feature is that small; the text says which question to ask",
    ),
    Mistake(
        "last-batch-lost",
        "batches",
        "I counted full pieces only.",
        {
            "range(0, len(order), batch_size)": "range(0, len(order) - batch_size + 1, batch_size)"
        },
    ),
    Mistake(
        "empty-batch-at-the-end",
        "batches",
        "I went one step too far: where all pieces are full, an empty one follows.",
        {"range(0, len(order), batch_size)": "range(0, len(order) + 1, batch_size)"},
    ),
    Mistake(
        "drop-last-forgotten",
        "batches",
        "I forgot drop_last.",
        {"if len(piece) == batch_size or not drop_last:": "if len(piece):"},
    ),
    Mistake(
        "always-the-last-dropped",
        "batches",
        "With drop_last I left out the last piece, also a full one.",
        {
            "        if len(piece) == batch_size or not drop_last:\n": (
                "        if start + batch_size < len(order) or not drop_last:\n"
            )
        },
    ),
    Mistake(
        "the-same-order-each-epoch",
        "dataloader",
        "I made the generator anew in each epoch.",
        {
            "        self.rng = np.random.default_rng(rng)\n": "        self.seed = rng\n",
            "self.rng.permutation(len(order))": (
                "np.random.default_rng(self.seed).permutation(len(order))"
            ),
        },
    ),
    Mistake(
        "one-permutation-for-all-epochs",
        "dataloader",
        "I drew the permutation in __init__.",
        {
            "        self.rng = np.random.default_rng(rng)\n": (
                "        self.order = np.random.default_rng(rng).permutation(len(dataset))\n"
            ),
            "self.rng.permutation(len(order))": "self.order",
        },
    ),
    Mistake(
        "always-shuffled",
        "dataloader",
        "I forgot to ask for shuffle.",
        {"if self.shuffle:": "if True:"},
    ),
    Mistake(
        "iter-returns-itself",
        "dataloader",
        "My loader is its own iterator, with one place for all loops.",
        {
            "    @with_progress\n    def __iter__(self) -> Iterator:": (
                "    def __next__(self):\n"
                "        return next(self.running)\n\n"
                "    def __iter__(self):\n"
                "        self.running = self.epoch()\n"
                "        return self\n\n"
                "    def epoch(self) -> Iterator:"
            )
        },
    ),
    Mistake(
        "labels-become-tensors",
        "dataloader",
        "I made a Tensor of every field; labels become floating numbers.",
        {'floating = field.dtype.kind == "f"': "floating = True"},
    ),
    Mistake(
        "no-tensors",
        "dataloader",
        "I gave the arrays as they are.",
        {'floating = field.dtype.kind == "f"': "floating = False"},
    ),
    Mistake(
        "the-first-field-is-a-tensor",
        "dataloader",
        "I made a Tensor of the first field, whatever it is.",
        {'floating = field.dtype.kind == "f"': "floating = not fields"},
        hidden="in the visible datasets the first field, and only that, is floating",
    ),
    Mistake(
        "length-of-the-dataset",
        "dataloader",
        "I gave the number of examples.",
        {
            "        full, rest = divmod(len(self.dataset), self.batch_size)\n"
            "        return full if rest == 0 or self.drop_last else full + 1\n": (
                "        return len(self.dataset)\n"
            )
        },
    ),
    Mistake(
        "length-without-the-last",
        "dataloader",
        "I rounded down.",
        {"return full if rest == 0 or self.drop_last else full + 1": "return full"},
    ),
    Mistake(
        "one-batch-too-many",
        "dataloader",
        "I always added one for the rest.",
        {"return full if rest == 0 or self.drop_last": "return full if self.drop_last"},
    ),
    Mistake(
        "drop-last-not-handed-on",
        "dataloader",
        "I kept drop_last and forgot to hand it on.",
        {
            "batches(order, self.batch_size, self.drop_last)": "batches(order, self.batch_size)"
        },
        hidden="the length is right; the grader compares it with the batches",
    ),
    Mistake(
        "batch-size-zero-accepted",
        "dataloader",
        "I refused negative sizes only.",
        {"if batch_size < 1:": "if batch_size < 0:"},
    ),
    Mistake(
        "collate-is-given-fields",
        "dataloader",
        "I gave collate the fields, already side by side.",
        {
            "examples = [self.dataset[index] for index in indices]": (
                "examples = gather(self.dataset, indices)"
            )
        },
    ),
    Mistake(
        "fields-shuffled-apart",
        "dataloader",
        "I drew a permutation for each field.",
        {
            "for field in gather(self.dataset, indices):": (
                "for field in gather(self.dataset, indices):\n"
                "                    if self.shuffle:\n"
                "                        field = self.rng.permutation(field)"
            )
        },
    ),
    Mistake(
        "one-shift-for-all",
        "random-shift",
        "I drew one shift for the whole batch.",
        {
            "draws = self.rng.random((len(x), 2))": (
                "draws = np.tile(self.rng.random((1, 2)), (len(x), 1))"
            )
        },
    ),
    Mistake(
        "shift-of-the-array-itself",
        "random-shift",
        "I wrote into the images that were given.",
        {"moved = np.zeros_like(x)": "moved = x"},
    ),
    Mistake(
        "rows-for-columns",
        "random-shift",
        "I took the first draw for the column.",
        {"for n, (row, column) in": "for n, (column, row) in"},
    ),
    Mistake(
        "never-the-last-place",
        "random-shift",
        "I multiplied by 2 most: the last place is never drawn.",
        {"(2 * self.most + 1)": "(2 * self.most)"},
    ),
    Mistake(
        "rolled-around",
        "random-shift",
        "What leaves on the right comes in again on the left.",
        {"np.pad(x, around)": 'np.pad(x, around, mode="wrap")'},
    ),
    Mistake(
        "other-draws",
        "random-shift",
        "I drew whole numbers with rng.integers; the specification says rng.random.",
        {
            "draws = self.rng.random((len(x), 2))": (
                "draws = self.rng.integers(0, 2 * self.most + 1, (len(x), 2)) / (2 * self.most + 1)"
            )
        },
    ),
    Mistake(
        "a-single-image-taken-for-many",
        "random-shift",
        "I forgot as_images; a single image is taken for a row of them.",
        {"        x = as_images(x)\n": ""},
    ),
    Mistake(
        "negative-shift-accepted",
        "random-shift",
        "I did not think of negative numbers.",
        {"if most < 0:": "if most is None:"},
    ),
    Mistake(
        "colours-padded",
        "random-shift",
        "I padded all axes but the first, colours, too.",
        {
            "[(0, 0)] * (x.ndim - 2) + [(self.most, self.most)] * 2": (
                "[(0, 0)] + [(self.most, self.most)] * (x.ndim - 1)"
            )
        },
    ),
    Mistake(
        "always-the-same-shift",
        "random-shift",
        "I made the generator in each call: the same seed gives the same shifts again.",
        {
            "self.rng = np.random.default_rng(rng)": "self.rng = rng",
            "self.rng.random((len(x), 2))": (
                "np.random.default_rng(self.rng).random((len(x), 2))"
            ),
        },
        hidden="nobody calls it twice with one seed in the notebook's checks",
    ),
    Mistake(
        "the-last-one-first",
        "transforms",
        "I applied the transforms from the last to the first.",
        {
            "for transform in self.transforms:": "for transform in self.transforms[::-1]:"
        },
    ),
    Mistake(
        "each-on-the-input",
        "transforms",
        "I applied each to what came in, so that only the last one counts.",
        {
            "            x = transform(x)\n        return x": (
                "            out = transform(x)\n        return out if self.transforms else x"
            )
        },
    ),
    Mistake(
        "transforms-used-up",
        "transforms",
        "I kept an iterator of the transforms; the second call has none.",
        {
            "self.transforms = list(transforms)": "self.transforms = iter(list(transforms))"
        },
        hidden="each visible Compose is called once",
    ),
    Mistake(
        "flipped-upside-down",
        "transforms",
        "I reversed the rows.",
        {"[..., ::-1]": "[..., ::-1, :]"},
    ),
    Mistake(
        "flipped-in-place",
        "transforms",
        "I turned the images that were given.",
        {"turned = x.copy()": "turned = x"},
    ),
    Mistake(
        "all-or-none",
        "transforms",
        "I drew one number for the whole batch.",
        {"self.rng.random(len(x))": "np.full(len(x), self.rng.random())"},
    ),
    Mistake(
        "flips-the-others",
        "transforms",
        "I turned those whose draw is above the probability.",
        {
            "self.rng.random(len(x)) < self.probability": "self.rng.random(len(x)) > self.probability"
        },
    ),
    Mistake(
        "a-single-image-flipped-row-by-row",
        "transforms",
        "I forgot as_images; of a single image some rows are turned, and others not.",
        {"        x = as_images(x)\n": ""},
    ),
    Mistake(
        "any-probability-accepted",
        "transforms",
        "I refused what is above 1 only.",
        {"if not 0 <= probability <= 1:": "if probability > 1:"},
    ),
    Mistake(
        "always-one-half",
        "transforms",
        "I wrote 0.5 instead of the probability.",
        {"< self.probability": "< 0.5"},
    ),
    Mistake(
        "mask-inverted",
        "pad-sequences",
        "I marked what is filled up.",
        {
            "mask = np.zeros(padded.shape, dtype=bool)": "mask = np.ones(padded.shape, dtype=bool)",
            "= True": "= False",
        },
    ),
    Mistake(
        "mask-from-the-value",
        "pad-sequences",
        "I compared with the value; a real 0 is taken for a filled one.",
        {
            "    return padded, mask": "    return padded, padded != value",
        },
    ),
    Mistake(
        "filled-at-the-front",
        "pad-sequences",
        "I put the numbers at the end.",
        {
            "padded[n, : len(sequence)] = sequence": (
                "padded[n, longest - len(sequence) :] = sequence"
            )
        },
    ),
    Mistake(
        "filled-with-zeros",
        "pad-sequences",
        "I forgot the value.",
        {"longest), value, dtype": "longest), 0, dtype"},
    ),
    Mistake(
        "cut-to-the-shortest",
        "pad-sequences",
        "I made all as long as the shortest.",
        {
            "max((len": "min((len",
            "padded[n, : len(sequence)] = sequence": (
                "padded[n, : len(sequence)] = sequence[:longest]"
            ),
        },
    ),
    Mistake(
        "always-whole-numbers",
        "pad-sequences",
        "I made an array of int64 for everything; 0.5 becomes 0.",
        {"value, dtype=dtype)": "value, dtype=np.int64)"},
    ),
    Mistake(
        "floating-ids",
        "pad-sequences",
        "I took numpy's own dtype; numbers of letters become 7.0.",
        {
            "np.full((len(sequences), longest), value, dtype=dtype)": (
                "np.zeros((len(sequences), longest)) + value"
            )
        },
    ),
    Mistake(
        "one-at-a-time",
        "prefetch",
        "I asked for the next batch after the yield; nothing is loaded ahead.",
        {
            "            future = pool.submit(next, iterator, end)\n            yield batch\n": (
                "            yield batch\n            future = pool.submit(next, iterator, end)\n"
            )
        },
    ),
    Mistake(
        "swallowed-exception",
        "prefetch",
        "I caught the error in the thread; the epoch is shorter, and nobody knows.",
        {
            "        while (batch := future.result()) is not end:\n": (
                "        while not future.exception() and (batch := future.result()) is not end:\n"
            )
        },
    ),
    Mistake(
        "stops-at-none",
        "prefetch",
        "I took None for the end.",
        {
            "iterator, end = iter(loader), object()": "iterator, end = iter(loader), None"
        },
    ),
    Mistake(
        "all-loaded-first",
        "prefetch",
        "I loaded everything and then gave it.",
        {
            "iterator, end = iter(loader), object()": (
                "iterator, end = iter(list(loader)), object()"
            )
        },
    ),
]

ALTERNATIVES = [
    Alternative(
        "a-generator-in-one-line",
        "dataset",
        "Returns a generator expression, and asks for __len__ itself.",
        {
            "for index in range(len(self)):\n            yield self[index]": (
                "return (self[k] for k in range(self.__len__()))"
            )
        },
    ),
    Alternative(
        "with-map",
        "dataset",
        "map over the indices.",
        {
            "for index in range(len(self)):\n            yield self[index]": (
                "return map(self.__getitem__, range(len(self)))"
            )
        },
    ),
    Alternative(
        "without-transformed",
        "array-dataset",
        "Calls the transform itself, and compares each length with the first.",
        {
            "if len(set(lengths)) != 1:": (
                "if not lengths or any(n != lengths[0] for n in lengths):"
            ),
            "transformed(self.transform, fields[0])": "self.transform(fields[0])",
        },
    ),
    Alternative(
        "looks-at-the-number-of-axes",
        "array-dataset",
        "Asks for a slice or an axis, and unpacks the fields.",
        {
            "if isinstance(index, (int, np.integer)):": (
                "if not isinstance(index, slice) and np.ndim(index) == 0:"
            ),
            "return tuple(field[0] for field in fields)": (
                "return tuple(next(iter(field)) for field in fields)"
            ),
        },
    ),
    Alternative(
        "a-column-at-a-time",
        "collate",
        "Goes through the fields by number, with np.array.",
        {
            "    fields = []\n"
            "    for field in zip(*examples):\n"
            "        fields.append(np.stack(field))\n"
            "    return tuple(fields)": (
                "    count = len(examples[0]) if examples else 0\n"
                "    return tuple(np.array([e[k] for e in examples]) for k in range(count))"
            ),
            'if hasattr(dataset, "fetch"):': 'if callable(getattr(dataset, "fetch", None)):',
        },
    ),
    Alternative(
        "with-fetch-in-between",
        "subset",
        "Keeps the numbers in a variable, and asks for a slice.",
        {
            "        if isinstance(index, (int, np.integer)):\n"
            "            return self.dataset[self.indices[index]]\n"
            "        return self.fetch(index)": (
                "        numbers = self.indices[index]\n"
                "        if numbers.ndim == 0:\n"
                "            return self.dataset[int(numbers)]\n"
                "        return gather(self.dataset, numbers)"
            ),
            "return len(self.indices)": "return self.indices.size",
        },
    ),
    Alternative(
        "with-np-split",
        "split",
        "Cuts with np.split and cumulative sizes; what is left over is added by a loop over all.",
        {
            "        for k in range(n - sum(sizes)):\n            sizes[k] += 1\n": (
                "        left = n - sum(sizes)\n"
                "        sizes = [size + (k < left) for k, size in enumerate(sizes)]\n"
            ),
            "    start, found = 0, []\n"
            "    for size in part_sizes(len(dataset), parts):\n"
            "        found.append(Subset(dataset, order[start : start + size]))\n"
            "        start += size\n"
            "    return found": (
                "    ends = np.cumsum(part_sizes(len(dataset), parts))[:-1]\n"
                "    return [Subset(dataset, piece) for piece in np.split(order, ends)]"
            ),
        },
    ),
    Alternative(
        "sorted-back-into-the-permutation",
        "stratified-split",
        "Deals out each class, and sorts each part by its places in the permutation.",
        {
            "    part_of = np.zeros(len(dataset), dtype=int)\n": (
                "    place = np.argsort(order)\n    found = [[] for _ in parts]\n"
            ),
            "        part_of[members] = np.repeat(np.arange(len(parts)), sizes)\n"
            "    return [Subset(dataset, order[part_of[order] == k]) for k in range(len(parts))]": (
                "        for part, size in zip(found, sizes):\n"
                "            part.extend(members[:size])\n"
                "            members = members[size:]\n"
                "    return [Subset(dataset, sorted(part, key=lambda n: place[n])) for part in found]"
            ),
        },
    ),
    Alternative(
        "spread-filled-in",
        "standardize",
        "Writes 1 where the range is 0.",
        {
            "constant = x.max(axis=0) == x.min(axis=0)\n": "constant = np.ptp(x, axis=0) == 0\n",
            "self.spread = np.where(constant, 1, x.std(axis=0))": (
                "self.spread = x.std(axis=0)\n        self.spread[constant] = 1"
            ),
        },
    ),
    Alternative(
        "cut-first-drop-later",
        "batches",
        "Cuts everything, and drops a short last piece.",
        solution=(
            "found = [order[k : k + batch_size] for k in range(0, len(order), batch_size)]\n"
            "if drop_last and found and len(found[-1]) < batch_size:\n"
            "    found.pop()\n"
            "return found"
        ),
    ),
    Alternative(
        "an-end-instead",
        "batches",
        "With drop_last the range ends earlier.",
        solution=(
            "end = len(order) // batch_size * batch_size if drop_last else len(order)\n"
            "return [order[k : k + batch_size] for k in range(0, end, batch_size)]"
        ),
    ),
    Alternative(
        "counted-by-cutting",
        "dataloader",
        "The length is counted by cutting, and the order is chosen in one line.",
        {
            "        full, rest = divmod(len(self.dataset), self.batch_size)\n"
            "        return full if rest == 0 or self.drop_last else full + 1\n": (
                "        everything = range(len(self.dataset))\n"
                "        return len(batches(everything, self.batch_size, self.drop_last))\n"
            ),
            "        order = np.arange(len(self.dataset))\n"
            "        if self.shuffle:\n"
            "            order = self.rng.permutation(len(order))\n": (
                "        n = len(self.dataset)\n"
                "        order = self.rng.permutation(n) if self.shuffle else range(n)\n"
                "        order = np.asarray(order)\n"
            ),
            'floating = field.dtype.kind == "f"': "floating = np.issubdtype(field.dtype, np.floating)",
        },
    ),
    Alternative(
        "an-iterator-with-a-list",
        "dataloader",
        "Shuffles an array of numbers by indexing, and rounds up with a minus sign.",
        {
            "order = self.rng.permutation(len(order))": "order = order[self.rng.permutation(len(order))]",
            "return full if rest == 0 or self.drop_last else full + 1": (
                "return full if self.drop_last else -(-len(self.dataset) // self.batch_size)"
            ),
        },
    ),
    Alternative(
        "shifted-by-slices",
        "random-shift",
        "Pads with zeros of its own, and stacks the windows.",
        {
            "        padded = np.pad(x, around)\n        moved = np.zeros_like(x)\n": (
                "        padded = np.pad(x, around, constant_values=0)\n        moved = x.copy()\n"
            ),
            "places = (draws * (2 * self.most + 1)).astype(int)": (
                "places = np.floor(draws * (2 * self.most + 1)).astype(int)"
            ),
        },
    ),
    Alternative(
        "with-where",
        "transforms",
        "np.flip, and a loop over the images; reduce for the transforms.",
        {
            "        turned = x.copy()\n        turned[flip] = x[flip][..., ::-1]\n        return turned": (
                "        turned = np.array(x)\n"
                "        for n in np.flatnonzero(flip):\n"
                "            turned[n] = np.flip(x[n], axis=-1)\n"
                "        return turned"
            ),
            "        for transform in self.transforms:\n            x = transform(x)\n        return x": (
                "        from functools import reduce\n\n"
                "        return reduce(lambda value, change: change(value), self.transforms, x)"
            ),
        },
    ),
    Alternative(
        "mask-from-lengths",
        "pad-sequences",
        "The mask compares positions with lengths, and fills all numbers at once.",
        solution=(
            "lengths = np.array([len(s) for s in sequences], dtype=int)\n"
            "longest = int(lengths.max()) if len(lengths) else 0\n"
            "mask = np.arange(longest) < lengths[:, None]\n"
            "padded = np.full(mask.shape, value, dtype=dtype)\n"
            "padded[mask] = [number for s in sequences for number in s]\n"
            "return padded, mask"
        ),
    ),
    Alternative(
        "a-loop-that-breaks",
        "prefetch",
        "An endless loop that is left, with None as what next gives, wrapped in a tuple.",
        solution=(
            "batches = iter(loader)\n\n"
            "def load():\n"
            "    for batch in batches:\n"
            "        return (batch,)\n\n"
            "with ThreadPoolExecutor(1) as pool:\n"
            "    waiting = pool.submit(load)\n"
            "    while True:\n"
            "        found = waiting.result()\n"
            "        if found is None:\n"
            "            return\n"
            "        waiting = pool.submit(load)\n"
            "        yield found[0]"
        ),
    ),
]

EQUIVALENT = [
    *[
        Equivalent(
            exercise,
            "if isinstance(index, (int, np.integer)):",
            "if isinstance(index, (np.integer, int)):",
            "isinstance asks for either, in whatever order",
        )
        for exercise in ("array-dataset", "subset")
    ],
    Equivalent(
        "collate",
        "if not isinstance(example, (tuple, list)):",
        "if not isinstance(example, (list, tuple)):",
        "isinstance asks for either, in whatever order",
    ),
    Equivalent(
        "split",
        "if isclose(sum(parts), 1):",
        "if isclose(1, sum(parts)):",
        "isclose asks the same either way",
    ),
    Equivalent(
        "stratified-split",
        "part_of = np.zeros(len(dataset), dtype=int)",
        "part_of = np.zeros(len(dataset))",
        "floating numbers of parts are compared with whole ones, and are equal",
    ),
    Equivalent(
        "stratified-split",
        "part_of = np.zeros(len(dataset), dtype=int)",
        "part_of = np.ones(len(dataset), dtype=int)",
        "each example is given its part later",
    ),
    Equivalent(
        "stratified-split",
        "for label in np.unique(labels):",
        "for label in labels:",
        "a class that comes again is dealt out in the same way again",
    ),
    Equivalent(
        "dataloader",
        "order = self.rng.permutation(len(order))",
        "order = self.rng.permutation(order)",
        "a permutation of 0, 1, 2, … is drawn as one of their number",
    ),
    Equivalent(
        "random-shift",
        "moved = np.zeros_like(x)",
        "moved = np.ones_like(x)",
        "each image is written later",
    ),
    Equivalent(
        "transforms",
        "flip = self.rng.random(len(x)) < self.probability",
        "flip = self.rng.random(len(x)) <= self.probability",
        "no draw equals the probability",
    ),
    *[
        Equivalent(
            "prefetch",
            "with ThreadPoolExecutor(max_workers=1) as pool:",
            f"with ThreadPoolExecutor({workers}) as pool:",
            "only one call is waiting at a time",
        )
        for workers in ("", "max_workers=2")
    ],
]
