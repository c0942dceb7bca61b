"""Mistakes that students make in module 5, right solutions of other kinds, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "kernel-turned-round",
        "correlate",
        "I turned the kernel round, as a convolution does in mathematics.",
        {"* kernel).sum()": "* kernel[::-1]).sum()"},
    ),
    Mistake(
        "one-place-too-few",
        "correlate",
        "I stopped one place too early.",
        {"range(len(signal) - size + 1)": "range(len(signal) - size)"},
    ),
    Mistake(
        "mean-instead-of-sum",
        "correlate",
        "I took the mean of the products.",
        {"* kernel).sum()": "* kernel).mean()"},
    ),
    Mistake(
        "half-a-window-at-the-end",
        "output-length",
        "I rounded up, so that a last window sticks out.",
        {
            "return (length + 2 * padding - kernel) // stride + 1": (
                "return -(-(length + 2 * padding - kernel) // stride) + 1"
            )
        },
    ),
    Mistake(
        "no-whole-number",
        "output-length",
        "I divided with / and forgot to round.",
        {"- kernel) // stride + 1": "- kernel) / stride + 1"},
    ),
    Mistake(
        "padding-at-one-end",
        "output-length",
        "I added the padding once in the formula.",
        {
            "return (length + 2 * padding - kernel)": "return (length + padding - kernel)",
        },
    ),
    Mistake(
        "first-place-forgotten",
        "output-length",
        "I forgot the one at the end: the first window is there without a step.",
        {"// stride + 1": "// stride"},
    ),
    Mistake(
        "window-that-does-not-fit-accepted",
        "output-length",
        "I did not refuse a window that is too long.",
        {"if kernel > length + 2 * padding:": "if kernel > 99 * length:"},
    ),
    Mistake(
        "padding-does-not-help",
        "output-length",
        "I compared the window with the length without its padding.",
        {"if kernel > length + 2 * padding:": "if kernel > length:"},
    ),
    Mistake(
        "stride-of-nothing-accepted",
        "output-length",
        "I looked at the kernel only.",
        {"if min(kernel, stride) < 1 or padding < 0:": "if kernel < 1 or padding < 0:"},
    ),
    Mistake(
        "negative-padding-accepted",
        "output-length",
        "I did not think of a padding below 0.",
        {
            "if min(kernel, stride) < 1 or padding < 0:": "if min(kernel, stride) < 1:",
        },
    ),
    Mistake(
        "all-axes-padded",
        "pad",
        "I gave np.pad one width, which holds for all axes: empty images and channels are added.",
        {"((0, 0), (0, 0), around, around)": "padding"},
    ),
    Mistake(
        "channels-padded",
        "pad",
        "I padded the channels, too.",
        {"((0, 0), (0, 0), around, around)": "((0, 0), around, around, around)"},
    ),
    Mistake(
        "rows-only-padded",
        "pad",
        "I padded above and below, and forgot left and right.",
        {"((0, 0), (0, 0), around, around)": "((0, 0), (0, 0), around, (0, 0))"},
    ),
    Mistake(
        "before-and-not-after",
        "pad",
        "I padded above and at the left only.",
        {"around = (padding, padding)": "around = (padding, 0)"},
    ),
    Mistake(
        "always-zeros-around",
        "pad",
        "I padded with zeros, whatever was asked for.",
        {", constant_values=value": ""},
    ),
    Mistake(
        "padded-in-float64",
        "pad",
        "I made a new array without saying its dtype.",
        solution=(
            "n, c, h, w = x.shape\n"
            "out = np.full((n, c, h + 2 * padding, w + 2 * padding), float(value))\n"
            "out[:, :, padding : padding + h, padding : padding + w] = x\n"
            "return out"
        ),
    ),
    Mistake(
        "filter-turned-round",
        "conv2d-by-hand",
        "I turned the filter round.",
        {"patch * weights[f]": "patch * weights[f, :, ::-1, ::-1]"},
    ),
    Mistake(
        "first-channel-only",
        "conv2d-by-hand",
        "I took the first channel only.",
        {
            "patch = x[image, :, top": "patch = x[image, :1, top",
            "patch * weights[f]": "patch * weights[f, :1]",
        },
    ),
    Mistake(
        "first-image-for-all",
        "conv2d-by-hand",
        "I took the patch from the first image each time.",
        {"patch = x[image, :, top": "patch = x[0, :, top"},
        hidden="the visible batches have one image",
    ),
    Mistake(
        "stride-forgotten",
        "conv2d-by-hand",
        "I took the patch at (i, j), whatever the stride.",
        {"top, left = i * stride, j * stride": "top, left = i, j"},
    ),
    Mistake(
        "padding-forgotten",
        "conv2d-by-hand",
        "I forgot to pad.",
        {"    x = pad(x, padding)\n": ""},
    ),
    Mistake(
        "height-and-width-exchanged",
        "conv2d-by-hand",
        "I exchanged the height and the width of the filters.",
        {"o, _, height, width = weights.shape": "o, _, width, height = weights.shape"},
    ),
    Mistake(
        "bias-left-out",
        "conv2d-by-hand",
        "I forgot the bias.",
        {"out = out + bias[:, None, None]": "pass"},
    ),
    Mistake(
        "bias-along-the-width",
        "conv2d-by-hand",
        "I added the bias as it is, along the last axis.",
        {"out = out + bias[:, None, None]": "out = out + bias"},
    ),
    Mistake(
        "bias-needed",
        "conv2d-by-hand",
        "I added the bias without asking whether there is one.",
        {"    if bias is not None:\n        out": "    if True:\n        out"},
    ),
    Mistake(
        "loops-in-float64",
        "conv2d-by-hand",
        "I made the result without saying its dtype.",
        {", dtype=np.result_type(x, weights))": ")"},
        hidden="values are equal, and the visible checks show no dtype",
    ),
    Mistake(
        "shapes-not-looked-at",
        "conv2d-by-hand",
        "I read the shape myself; filters for one channel then broadcast over three.",
        {
            "n, _, h, w = image_shape(x, weights, bias)": (
                "n, _, h, w = x.shape if x.ndim == 4 else image_shape(x)"
            )
        },
        hidden="the visible filters have the right number of channels",
    ),
    Mistake(
        "places-before-the-window",
        "windows",
        "I reshaped without moving the axes: the right shape, the wrong numbers.",
        {".transpose(0, 1, 4, 5, 2, 3)": ""},
    ),
    Mistake(
        "channel-inside-the-window",
        "windows",
        "I put the axes of the window in front of the channel.",
        {".transpose(0, 1, 4, 5, 2, 3)": ".transpose(0, 4, 5, 1, 2, 3)"},
    ),
    Mistake(
        "rows-and-columns-of-a-window-exchanged",
        "windows",
        "I exchanged both axes of the window.",
        {".transpose(0, 1, 4, 5, 2, 3)": ".transpose(0, 1, 5, 4, 2, 3)"},
    ),
    Mistake(
        "places-along-the-columns",
        "windows",
        "I numbered the places down the columns of the image.",
        {".transpose(0, 1, 4, 5, 2, 3)": ".transpose(0, 1, 4, 5, 3, 2)"},
    ),
    Mistake(
        "stride-of-rows-only",
        "windows",
        "I took every second place down, and each place across.",
        {
            "view[:, :, ::stride, ::stride]": "view[:, :, ::stride]",
            "rows * columns)": "-1)",
        },
    ),
    Mistake(
        "windows-of-what-is-not-padded",
        "windows",
        "I forgot to pad.",
        {
            "    x = pad(x, padding) if padding else x\n": "",
            "rows * columns)": "-1)",
        },
    ),
    Mistake(
        "padded-after-taking-windows",
        "windows",
        "I padded the columns and not the images.",
        {
            "    x = pad(x, padding) if padding else x\n": "",
            "sliding_window_view(x, kernel, axis=(2, 3))": (
                "np.pad(sliding_window_view(x, kernel, axis=(2, 3)), "
                "((0, 0), (0, 0), (padding,) * 2, (padding,) * 2, (0, 0), (0, 0)))"
            ),
            "rows * columns)": "-1)",
        },
    ),
    Mistake(
        "filters-as-columns",
        "conv2d",
        "I gave the filters another order by reshaping them to columns.",
        {"weights.reshape(o, -1) @": "weights.reshape(-1, o).T @"},
    ),
    Mistake(
        "bias-on-the-last-axis",
        "conv2d",
        "I added the bias along the width.",
        {"out + bias[:, None, None]": "out + bias"},
    ),
    Mistake(
        "no-bias-not-asked",
        "conv2d",
        "I did not think of a bias of None.",
        {"return out if bias is None else out + bias": "return out + bias"},
    ),
    Mistake(
        "bias-dropped",
        "conv2d",
        "I forgot the bias.",
        {"return out if bias is None else out + bias[:, None, None]": "return out"},
    ),
    Mistake(
        "rows-and-columns-exchanged",
        "conv2d",
        "I exchanged rows and columns in the shape of the result.",
        {"out.reshape(n, o, rows, columns)": "out.reshape(n, o, columns, rows)"},
    ),
    Mistake(
        "images-behind-filters",
        "conv2d",
        "I put the filters before the images.",
        {"out.reshape(n, o, rows, columns)": "out.reshape(o, n, rows, columns)"},
    ),
    Mistake(
        "settings-not-handed-on",
        "conv2d",
        "I forgot to hand stride and padding to windows.",
        {"windows(x, (height, width), stride, padding)": "windows(x, (height, width))"},
    ),
    Mistake(
        "filters-not-looked-at",
        "conv2d",
        "I looked at the images only; a bias of another length broadcasts.",
        {"image_shape(x, weights, bias)": "image_shape(x)"},
        hidden="numpy's own error for other channels is a ValueError, too",
    ),
    Mistake(
        "a-row-is-a-filter",
        "conv-layer",
        "I reshaped what initial gives and forgot to transpose.",
        {"drawn.T.reshape(": "drawn.reshape("},
    ),
    Mistake(
        "channels-are-the-fan-in",
        "conv-layer",
        "I told initial the number of channels; the signal grows in each layer.",
        {
            "drawn = initial(inputs * kernel * kernel, outputs, np.random.default_rng(rng))": (
                "drawn = initial(inputs, outputs * kernel * kernel, np.random.default_rng(rng))"
            )
        },
    ),
    Mistake(
        "inputs-first",
        "conv-layer",
        "I put the inputs before the outputs, as Dense has it.",
        {
            "drawn.T.reshape(outputs, inputs, kernel, kernel)": (
                "drawn.T.reshape(inputs, outputs, kernel, kernel)"
            )
        },
    ),
    Mistake(
        "seed-of-my-own",
        "conv-layer",
        "I made a generator and forgot the one that was given.",
        {"np.random.default_rng(rng))": "np.random.default_rng(0))"},
        hidden="the visible layer has the seed 0",
    ),
    Mistake(
        "always-he-weights",
        "conv-layer",
        "I called he_weights, whatever was given.",
        {"drawn = initial(": "drawn = he_weights("},
        hidden="no visible layer is given another way to draw",
    ),
    Mistake(
        "frozen-filters",
        "conv-layer",
        "I forgot requires_grad, so no walk finds the filters.",
        {"Tensor(weights, requires_grad=True)": "Tensor(weights)"},
    ),
    Mistake(
        "bias-for-each-channel",
        "conv-layer",
        "I made a bias for each channel of the images.",
        {"np.zeros(outputs, dtype": "np.zeros(inputs, dtype"},
    ),
    Mistake(
        "bias-in-float64",
        "conv-layer",
        "I made the bias without a dtype.",
        {"np.zeros(outputs, dtype=weights.dtype)": "np.zeros(outputs)"},
        hidden="the visible checks show no dtype",
    ),
    Mistake(
        "stride-not-kept",
        "conv-layer",
        "I forgot to hand the stride to conv2d.",
        {'settings = {"stride": self.stride, "padding"': 'settings = {"padding"'},
    ),
    Mistake(
        "padding-not-kept",
        "conv-layer",
        "I forgot to hand the padding to conv2d.",
        {', "padding": self.padding}': "}"},
    ),
    Mistake(
        "without-apply",
        "conv-layer",
        "I called conv2d with the arrays; nobody else is asked.",
        {
            "return apply(conv2d, x, self.weights, self.bias, **settings)": (
                "arrays = self.weights.data, self.bias.data\n"
                "        return Tensor(conv2d(np.asarray(x), *arrays, **settings))"
            )
        },
    ),
    Mistake(
        "shows-all-settings",
        "conv-layer",
        "I always showed the stride.",
        {' if self.stride != 1 else ""': ""},
    ),
    Mistake(
        "no-channels-accepted",
        "conv-layer",
        "I did not refuse a layer without inputs or outputs.",
        {"if min(inputs, outputs) < 1:": "if min(inputs, outputs) < -1:"},
    ),
    Mistake(
        "settings-not-refused",
        "conv-layer",
        "I did not ask output_length, so that bad settings are noticed when the layer is used.",
        {"        output_length(kernel, kernel, stride, padding)\n": ""},
    ),
    Mistake(
        "largest-of-all-channels",
        "global-pool",
        "I took the largest number over the channels as well.",
        {"axis=(2, 3)": "axis=(1, 2, 3)"},
    ),
    Mistake(
        "largest-of-each-row",
        "global-pool",
        "I took the maximum along one axis only.",
        {"axis=(2, 3)": "axis=3"},
    ),
    Mistake(
        "axes-of-length-one",
        "global-pool",
        "I kept both axes, with length 1.",
        {"axis=(2, 3))": "axis=(2, 3), keepdims=True)"},
    ),
    Mistake(
        "mean-of-each-channel",
        "global-pool",
        "I took the mean.",
        {"np.max, x": "np.mean, x"},
    ),
    Mistake(
        "three-axes-accepted",
        "global-pool",
        "I did not ask image_shape; the channels of one image are taken for images.",
        {
            "        image_shape(x)\n        return apply(np.max, x, axis=(2, 3))": (
                "        return apply(np.max, x, axis=(-2, -1))"
            )
        },
    ),
    Mistake(
        "batch-flattened",
        "global-pool",
        "I flattened everything: 64 images became one.",
        {"shape=(n, math.prod(rest))": "shape=(-1,)"},
    ),
    Mistake(
        "a-row-of-all",
        "global-pool",
        "I made one row of the whole batch.",
        {"shape=(n, math.prod(rest))": "shape=(1, -1)"},
    ),
    Mistake(
        "numbers-in-another-order",
        "global-pool",
        "I let the first axis change fastest.",
        {
            "return apply(np.reshape, x, shape=(n, math.prod(rest)))": (
                "axes = (0, *range(len(x.shape) - 1, 0, -1))\n"
                "        return x.transpose(axes).reshape(len(x), -1)"
            )
        },
    ),
    Mistake(
        "pixels-again",
        "digits-anywhere",
        "I solved the equations for the pixels.",
        {
            "found = in_pieces(Sequential(*eyes), sheets)": (
                "found = sheets.reshape(len(sheets), -1)"
            )
        },
    ),
    Mistake(
        "no-column-of-ones",
        "digits-anywhere",
        "I forgot the column of ones; the last filter's weights became the bias.",
        {"columns = np.hstack([found, np.ones((len(found), 1))])": "columns = found"},
    ),
    Mistake(
        "labels-as-numbers",
        "digits-anywhere",
        "I fitted the digit itself: an 8 then lies between a 7 and a 9.",
        {"np.eye(10)[labels])[0]": "np.tile(labels[:, None], 10))[0]"},
    ),
    Mistake(
        "bend-left-out",
        "digits-anywhere",
        "I left out the ReLU.",
        {"rng=rng), ReLU(), GlobalMaxPool()]": "rng=rng), GlobalMaxPool()]"},
    ),
    Mistake(
        "filters-ignored",
        "digits-anywhere",
        "I always took 400 filters.",
        {
            "Conv2D(1, filters, 5, rng=rng)": "Conv2D(1, 400, 5, rng=rng)",
            "Dense(filters, 10)": "Dense(400, 10)",
        },
    ),
    Mistake(
        "generator-ignored",
        "digits-anywhere",
        "I did not hand rng on, so that the filters are other ones each time.",
        {"Conv2D(1, filters, 5, rng=rng)": "Conv2D(1, filters, 5)"},
        hidden="any random filters read well",
    ),
    Mistake(
        "bias-not-put-in",
        "digits-anywhere",
        "I put the weights in and left the bias at zero.",
        {
            "scores.weights.data, scores.bias.data = best[:-1], best[-1]": (
                "scores.weights.data = best[:-1]"
            )
        },
    ),
    Mistake(
        "network-in-a-network",
        "digits-anywhere",
        "I put the three layers in as one.",
        {
            "return Sequential(*eyes, scores)": "return Sequential(Sequential(*eyes), scores)"
        },
    ),
    Mistake(
        "padded-with-zeros",
        "max-pool",
        "I padded with zeros, which beat negative numbers.",
        {"padding, -np.inf)": "padding, 0.0)"},
    ),
    Mistake(
        "always-side-by-side",
        "max-pool",
        "I used the kernel as the stride, whatever was given.",
        {"stride = kernel if stride is None else stride": "stride = kernel"},
    ),
    Mistake(
        "stride-of-one",
        "max-pool",
        "I thought that a stride of None is 1.",
        {"stride = kernel if stride is None": "stride = 1 if stride is None"},
    ),
    Mistake(
        "mean-instead-of-maximum",
        "max-pool",
        "I added the slices up.",
        {"reduce(np.maximum, window_pixels": "reduce(np.add, window_pixels"},
    ),
    Mistake(
        "smallest-instead",
        "max-pool",
        "I took the smallest.",
        {"reduce(np.maximum, window_pixels": "reduce(np.minimum, window_pixels"},
    ),
    Mistake(
        "one-pixel-left-out",
        "max-pool",
        "I left the last row and column of each window out.",
        {
            "np.ndindex(kernel, kernel)": "np.ndindex(max(1, kernel - 1), max(1, kernel - 1))"
        },
    ),
    Mistake(
        "pixels-column-by-column",
        "max-pool",
        "I went through a window column by column.",
        {
            "for i, j in np.ndindex(kernel, kernel)": "for j, i in np.ndindex(kernel, kernel)"
        },
    ),
    Mistake(
        "slices-to-the-end",
        "max-pool",
        "I left the ends of the slices out; they have different lengths then.",
        {
            "x[:, :, i : i + down : stride, j : j + across : stride]": "x[:, :, i::stride, j::stride]"
        },
    ),
    Mistake(
        "any-padding-accepted",
        "max-pool",
        "I did not refuse a padding of more than half the kernel.",
        {"if padding > kernel / 2:": "if padding > 99 * kernel:"},
    ),
    Mistake(
        "half-rounded-down-too-early",
        "max-pool",
        "I refused exactly half of the kernel as well.",
        {"if padding > kernel / 2:": "if padding >= kernel / 2 > 0.5:"},
        hidden="no visible window has a padding of exactly half",
    ),
    Mistake(
        "sum-instead-of-mean",
        "avg-pool",
        "I forgot to divide.",
        {" / kernel**2": ""},
    ),
    Mistake(
        "divided-by-the-side",
        "avg-pool",
        "I divided by the kernel, and not by its square.",
        {" / kernel**2": " / kernel"},
    ),
    Mistake(
        "padding-does-not-count",
        "avg-pool",
        "I divided by the number of pixels that lie in the image.",
        {
            "return sum(window_pixels(x, kernel, stride, padding, 0.0)) / kernel**2": (
                "counts = sum(window_pixels(np.ones_like(x), kernel, stride, padding, 0.0))\n"
                "    return sum(window_pixels(x, kernel, stride, padding, 0.0)) / counts"
            )
        },
    ),
    Mistake(
        "mean-with-infinity-around",
        "avg-pool",
        "I padded as for the maximum.",
        {"stride, padding, 0.0)": "stride, padding, -np.inf)"},
    ),
    Mistake(
        "pool-without-its-stride",
        "avg-pool",
        "I forgot to hand the stride on.",
        {'settings = {"stride": self.stride, "padding"': 'settings = {"padding"'},
    ),
    Mistake(
        "stride-stays-none",
        "avg-pool",
        "I kept the stride as it was given.",
        {
            "self.stride = kernel if stride is None else stride\n        output_length(kernel, kernel, self.stride, padding)": "self.stride = stride\n        output_length(kernel, kernel, stride or kernel, padding)"
        },
    ),
    Mistake(
        "always-called-pool",
        "avg-pool",
        "I wrote the name of the class as it stands here.",
        {"{type(self).__name__}": "Pool2D"},
    ),
    Mistake(
        "pool-shows-its-stride",
        "avg-pool",
        "I always showed the stride.",
        {' if self.stride != self.kernel else ""': ""},
    ),
    Mistake(
        "pool-settings-not-refused",
        "avg-pool",
        "I did not ask output_length.",
        {"        output_length(kernel, kernel, self.stride, padding)\n": ""},
    ),
    Mistake(
        "strides-ignored",
        "receptive-field",
        "I forgot the strides.",
        {"jump *= stride": "jump *= 1"},
    ),
    Mistake(
        "kernels-added-up",
        "receptive-field",
        "I added the kernels up.",
        {"size += (kernel - 1) * jump": "size += kernel * jump"},
    ),
    Mistake(
        "stride-too-early",
        "receptive-field",
        "I let a stride count for its own layer.",
        {
            "size += (kernel - 1) * jump\n        jump *= stride": (
                "jump *= stride\n        size += (kernel - 1) * jump"
            )
        },
    ),
    Mistake(
        "strides-added-up",
        "receptive-field",
        "I added the strides up.",
        {"jump *= stride": "jump += stride - 1"},
        hidden="only one visible network has a stride that counts",
    ),
    Mistake(
        "assigned-and-not-added",
        "fold",
        "I assigned each window; where windows overlap, the last one wins.",
        {"+= parts[:, :, i, j]": "= parts[:, :, i, j]"},
    ),
    Mistake(
        "padding-not-cut-off",
        "fold",
        "I returned the padded images.",
        {
            "return out[:, :, padding : padding + h, padding : padding + w]": "return out"
        },
    ),
    Mistake(
        "cut-off-at-the-end",
        "fold",
        "I cut the padding off at the right and below only.",
        {
            "return out[:, :, padding : padding + h, padding : padding + w]": "return out[:, :, :h, :w]"
        },
    ),
    Mistake(
        "mean-of-windows",
        "fold",
        "I divided by how often a pixel is in a window: the inverse, and not the adjoint.",
        {
            "return out[:, :, padding : padding + h, padding : padding + w]": (
                "if not np.all(columns == 1):\n"
                "        out = out / np.maximum(fold(np.ones_like(columns), (n, c, *out.shape[2:]), kernel, stride), 1)\n"
                "    return out[:, :, padding : padding + h, padding : padding + w]"
            )
        },
    ),
    Mistake(
        "window-inside-out",
        "fold",
        "I took the axes of the columns in another order.",
        {
            "parts = np.reshape(columns, (n, c, *kernel, rows, across))": (
                "parts = columns.reshape(n, *kernel, c, rows, across).transpose(0, 3, 1, 2, 4, 5)"
            )
        },
    ),
    Mistake(
        "folded-in-float64",
        "fold",
        "I made the images without saying their dtype.",
        {", dtype=columns.dtype)": ")"},
        hidden="values are equal, and the visible checks show no dtype",
    ),
]

ALTERNATIVES = [
    Alternative(
        "with-a-dot",
        "correlate",
        "A loop that appends, and a product of vectors.",
        solution=(
            "sums = []\n"
            "for i in range(len(signal)):\n"
            "    piece = signal[i : i + len(kernel)]\n"
            "    if len(piece) == len(kernel):\n"
            "        sums.append(piece @ kernel)\n"
            "return np.array(sums)"
        ),
    ),
    Alternative(
        "with-floor",
        "output-length",
        "Rounds down with math.floor, and refuses one by one.",
        solution=(
            "if kernel < 1:\n"
            '    raise ValueError(f"kernel {kernel} is below 1")\n'
            "if stride <= 0:\n"
            '    raise ValueError(f"stride {stride} is below 1")\n'
            "room = length + padding + padding - kernel\n"
            "if padding < 0 or room < 0:\n"
            '    raise ValueError(f"{kernel} on {length} with {padding} on each side")\n'
            "return math.floor(room / stride) + 1"
        ),
    ),
    Alternative(
        "into-the-middle",
        "pad",
        "An array of the value, and the images in its middle.",
        solution=(
            "n, c, h, w = x.shape\n"
            "out = np.full((n, c, h + 2 * padding, w + 2 * padding), value, dtype=x.dtype)\n"
            "out[:, :, padding : padding + h, padding : padding + w] = x\n"
            "return out"
        ),
    ),
    Alternative(
        "four-loops",
        "conv2d-by-hand",
        "Four loops, and the bias at the beginning of each sum.",
        solution=(
            "n, c, h, w = image_shape(x, weights, bias)\n"
            "o, _, k, l = weights.shape\n"
            "padded = pad(x, padding)\n"
            "size = output_length(h, k, stride, padding), output_length(w, l, stride, padding)\n"
            "y = np.zeros((n, o) + size, dtype=np.result_type(x, weights))\n"
            "for image in range(n):\n"
            "    for f in range(o):\n"
            "        for i in range(size[0]):\n"
            "            for j in range(size[1]):\n"
            "                rows = slice(i * stride, i * stride + k)\n"
            "                columns = slice(j * stride, j * stride + l)\n"
            "                y[image, f, i, j] = (padded[image, :, rows, columns] * weights[f]).sum()\n"
            "                if bias is not None:\n"
            "                    y[image, f, i, j] += bias[f]\n"
            "return y"
        ),
    ),
    Alternative(
        "all-images-at-once",
        "conv2d-by-hand",
        "Loops over the places only, with einsum for the rest.",
        solution=(
            "_, _, h, w = image_shape(x, weights, bias)\n"
            "k, l = weights.shape[2:]\n"
            "x = pad(x, padding)\n"
            "out = []\n"
            "for i in range(output_length(h, k, stride, padding)):\n"
            "    for j in range(output_length(w, l, stride, padding)):\n"
            "        patch = x[:, :, i * stride : i * stride + k, j * stride : j * stride + l]\n"
            '        out.append(np.einsum("nckl,ockl->no", patch, weights))\n'
            "out = np.stack(out, axis=2)\n"
            "out = out.reshape(len(x), len(weights), output_length(h, k, stride, padding), -1)\n"
            "return out if bias is None else out + bias.reshape(-1, 1, 1)"
        ),
    ),
    Alternative(
        "slices-for-each-pixel",
        "windows",
        "A slice for each pixel of a window, stacked.",
        solution=(
            "n, c, h, w = image_shape(x)\n"
            "rows = output_length(h, kernel[0], stride, padding)\n"
            "columns = output_length(w, kernel[1], stride, padding)\n"
            "x = pad(x, padding)\n"
            "slices = []\n"
            "for i in range(kernel[0]):\n"
            "    for j in range(kernel[1]):\n"
            "        part = x[:, :, i : i + rows * stride : stride, j : j + columns * stride : stride]\n"
            "        slices.append(part)\n"
            "return np.stack(slices, axis=2).reshape(n, -1, rows * columns)"
        ),
    ),
    Alternative(
        "moved-axes",
        "windows",
        "Axes are moved with moveaxis, and -1 stands for the number of places.",
        {
            ".transpose(0, 1, 4, 5, 2, 3)": "",
            "return view.reshape(n, c * kernel[0] * kernel[1], rows * columns)": (
                "view = np.moveaxis(view, (4, 5), (2, 3))\n"
                "    return np.reshape(view, (n, c * kernel[0] * kernel[1], -1))"
            ),
        },
    ),
    Alternative(
        "with-einsum",
        "conv2d",
        "The product is an einsum, and the bias is added before the last shape.",
        {
            "out = weights.reshape(o, -1) @ windows(x, (height, width), stride, padding)": (
                "patches = windows(x, weights.shape[2:], stride=stride, padding=padding)\n"
                '    out = np.einsum("ok,nkp->nop", weights.reshape(o, -1), patches)\n'
                "    if bias is not None:\n"
                "        out = out + bias[:, None]"
            ),
            "return out if bias is None else out + bias[:, None, None]": "return out",
        },
    ),
    Alternative(
        "one-large-product",
        "conv2d",
        "Windows as rows of one large matrix.",
        {
            "out = weights.reshape(o, -1) @ windows(x, (height, width), stride, padding)\n"
            "    out = out.reshape(n, o, rows, columns)": (
                "table = windows(x, (height, width), stride, padding).transpose(0, 2, 1)\n"
                "    out = table.reshape(n * rows * columns, -1) @ weights.reshape(o, -1).T\n"
                "    out = out.reshape(n, rows, columns, o).transpose(0, 3, 1, 2)"
            )
        },
    ),
    Alternative(
        "filter-by-filter",
        "conv-layer",
        "A filter is made of each column, and the settings are given one by one.",
        {
            "weights = drawn.T.reshape(outputs, inputs, kernel, kernel)": (
                "shape = inputs, kernel, kernel\n"
                "        weights = np.stack([drawn[:, f].reshape(shape) for f in range(outputs)])"
            ),
            'settings = {"stride": self.stride, "padding": self.padding}\n'
            "        return apply(conv2d, x, self.weights, self.bias, **settings)": (
                "s, p = self.stride, self.padding\n"
                "        return apply(conv2d, x, self.weights, self.bias, padding=p, stride=s)"
            ),
        },
    ),
    Alternative(
        "keeps-its-numbers",
        "conv-layer",
        "Keeps channels and kernel as attributes, and makes the text in a list.",
        {
            "self.stride, self.padding = stride, padding": (
                "self.sizes = [inputs, outputs, kernel]\n"
                "        self.stride, self.padding = stride, padding"
            ),
            "outputs, inputs, kernel, _ = self.weights.shape\n": "parts = [str(n) for n in self.sizes]\n",
            'stride = f", stride={self.stride}" if self.stride != 1 else ""\n': (
                'parts += [f"stride={self.stride}"] if self.stride > 1 else []\n'
            ),
            'padding = f", padding={self.padding}" if self.padding != 0 else ""\n': (
                'parts += [f"padding={self.padding}"] if self.padding else []\n'
            ),
            'return f"Conv2D({inputs}, {outputs}, {kernel}{stride}{padding})"': (
                'return "Conv2D(" + ", ".join(parts) + ")"'
            ),
        },
    ),
    Alternative(
        "with-the-methods-of-a-tensor",
        "global-pool",
        "The methods max and reshape.",
        {
            "return apply(np.max, x, axis=(2, 3))": "return x.max(axis=(2, 3))",
            "return apply(np.reshape, x, shape=(n, math.prod(rest)))": (
                "return x.reshape(len(x), -1)"
            ),
        },
    ),
    Alternative(
        "one-axis-at-a-time",
        "global-pool",
        "The maximum of each row, and then of these.",
        {"return apply(np.max, x, axis=(2, 3))": "return x.max(axis=3).max(axis=2)"},
    ),
    Alternative(
        "maximum-before-the-bend",
        "digits-anywhere",
        "The features are computed in one go, and the dense layer is filled by load_state_dict.",
        {
            "found = in_pieces(Sequential(*eyes), sheets)": (
                "found = Sequential(*eyes)(Tensor(sheets)).numpy()"
            ),
            "scores.weights.data, scores.bias.data = best[:-1], best[-1]\n"
            "    return Sequential(*eyes, scores)": (
                "network = Sequential(eyes[0], eyes[1], eyes[2], scores)\n"
                '    state = {"layers.3.weights": best[:-1], "layers.3.bias": best[-1]}\n'
                "    network.load_state_dict(state, strict=False)\n"
                "    return network"
            ),
        },
    ),
    Alternative(
        "normal-equations",
        "digits-anywhere",
        "Solves the normal equations.",
        {
            "best = np.linalg.lstsq(columns, np.eye(10)[labels])[0]": (
                "wanted = 1.0 * (np.arange(10) == np.asarray(labels)[:, None])\n"
                "    columns = columns.astype(np.float64)\n"
                "    best = np.linalg.pinv(columns) @ wanted"
            )
        },
    ),
    Alternative(
        "loop-of-maxima",
        "max-pool",
        "Both loops written out, and a loop instead of reduce.",
        {
            "for i, j in np.ndindex(kernel, kernel):\n"
            "        slices.append(x[:, :, i : i + down : stride, j : j + across : stride])\n"
            "    return slices": (
                "for i in range(kernel):\n"
                "        for j in range(kernel):\n"
                "            grid = x[:, :, i::stride, j::stride]\n"
                "            slices.append(grid[:, :, : down // stride, : across // stride])\n"
                "    return slices"
            ),
            "return reduce(np.maximum, window_pixels(x, kernel, stride, padding, -np.inf))": (
                "first, *others = window_pixels(x, kernel, stride, padding, -np.inf)\n"
                "    for other in others:\n"
                "        first = np.maximum(first, other)\n"
                "    return first"
            ),
        },
    ),
    Alternative(
        "maximum-of-a-stack",
        "max-pool",
        "The slices are stacked.",
        {
            "return reduce(np.maximum, window_pixels(x, kernel, stride, padding, -np.inf))": (
                "return np.max(np.stack(window_pixels(x, kernel, stride, padding, -np.inf)), axis=0)"
            ),
            "if padding > kernel / 2:": "if 2 * padding > kernel:",
        },
    ),
    Alternative(
        "mean-of-a-stack",
        "avg-pool",
        "np.mean of the slices, and the settings in the call.",
        {
            "return sum(window_pixels(x, kernel, stride, padding, 0.0)) / kernel**2": (
                "return np.mean(window_pixels(x, kernel, stride, padding, 0.0), axis=0)"
            ),
            'settings = {"stride": self.stride, "padding": self.padding}\n'
            "        return apply(self.pool, x, kernel=self.kernel, **settings)": (
                "pool = type(self).pool\n"
                "        return apply(\n"
                "            pool, x, kernel=self.kernel, stride=self.stride, padding=self.padding\n"
                "        )"
            ),
        },
    ),
    Alternative(
        "backwards",
        "receptive-field",
        "From the last layer to the first.",
        solution=(
            "size = 1\n"
            "for kernel, stride in reversed(layers):\n"
            "    size = (size - 1) * stride + kernel\n"
            "return size"
        ),
    ),
    Alternative(
        "place-by-place",
        "fold",
        "A loop over the places, each window added as a block.",
        solution=(
            "n, c, h, w = shape\n"
            "k, l = kernel\n"
            "rows = output_length(h, k, stride, padding)\n"
            "across = output_length(w, l, stride, padding)\n"
            "out = pad(np.zeros(shape, dtype=columns.dtype), padding)\n"
            "blocks = columns.reshape(n, c, k, l, rows * across)\n"
            "for place in range(rows * across):\n"
            "    i, j = stride * (place // across), stride * (place % across)\n"
            "    out[:, :, i : i + k, j : j + l] += blocks[..., place]\n"
            "return out[:, :, padding : padding + h, padding : padding + w]"
        ),
    ),
]

EQUIVALENT = [
    Equivalent(
        "output-length",
        "if min(kernel, stride) < 1 or padding < 0:",
        "if min(stride, kernel) < 1 or padding < 0:",
        "the smaller of two is the same in whatever order",
    ),
    Equivalent(
        "conv2d-by-hand",
        "out = np.zeros((n, o, rows, columns), dtype=np.result_type(x, weights))",
        "out = np.ones((n, o, rows, columns), dtype=np.result_type(x, weights))",
        "every element is assigned",
    ),
    Equivalent(
        "conv2d-by-hand",
        "out = np.zeros((n, o, rows, columns), dtype=np.result_type(x, weights))",
        "out = np.zeros((n, o, rows, columns), dtype=np.result_type(weights, x))",
        "the dtype of a product is the same in whatever order",
    ),
    Equivalent(
        "windows",
        "x = pad(x, padding) if padding else x",
        "x = pad(x, padding)",
        "padding by nothing changes nothing, and takes longer",
    ),
    Equivalent(
        "windows",
        "view = view[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3).copy()",
        "view = view[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3)",
        "reshape copies by itself, unless a window is one pixel or the image; nobody is asked for that",
    ),
    Equivalent(
        "conv2d",
        "out = weights.reshape(o, -1) @ windows(x, (height, width), stride, padding)",
        "out = weights.reshape(o, -2) @ windows(x, (height, width), stride, padding)",
        "numpy takes any negative length for the one that is left",
    ),
    Equivalent(
        "conv-layer",
        "if min(inputs, outputs) < 1:",
        "if min(outputs, inputs) < 1:",
        "the smaller of two is the same in whatever order",
    ),
    Equivalent(
        "global-pool",
        "return apply(np.max, x, axis=(2, 3))",
        "return apply(np.max, x, axis=(3, 2))",
        "a maximum over two axes is the same in whatever order",
    ),
    *[
        Equivalent(
            "global-pool",
            line,
            f"{line} * np.float64(1)",
            "1 changes no value, and a number never changes the dtype of a Tensor",
        )
        for line in (
            "return apply(np.max, x, axis=(2, 3))",
            "return apply(np.reshape, x, shape=(n, math.prod(rest)))",
        )
    ],
    *[
        Equivalent(
            "digits-anywhere",
            "scores = Dense(filters, 10)",
            f"scores = Dense({sizes})",
            "both of its arrays are replaced",
        )
        for sizes in ("10, filters", "filters, 11", "filters, 9")
    ],
    *[
        Equivalent(
            "fold",
            "out = np.zeros((n, c, h + 2 * padding, w + 2 * padding), dtype=columns.dtype)",
            f"out = np.zeros((n, c, {shape}), dtype=columns.dtype)",
            "what is too large is cut off",
        )
        for shape in (
            "h + 3 * padding, w + 2 * padding",
            "h + 2 * padding, w + 3 * padding",
        )
    ],
]
