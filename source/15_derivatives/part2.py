
# %% [markdown]
r"""
#### The Hessian, and how to do without

The table of *second* derivatives of a function with one output is the **Hessian**,
$H_{ij} = \frac{\partial^2 f}{\partial x_i \partial x_j}$. It says how the landscape bends. For
$f(x_0, x_1) = x_0^2 x_1$ at $(2, 3)$:

$$\nabla f = (2 x_0 x_1,\; x_0^2) = (12, 4), \qquad
H = \begin{pmatrix} 2 x_1 & 2 x_0 \\ 2 x_0 & 0 \end{pmatrix} = \begin{pmatrix} 6 & 4 \\ 4 & 0 \end{pmatrix}.$$

The network for small pictures of module 7 has 101,770 weights. How large is its Hessian?
"""

# %%
print(f"{101_770**2 * 4 / 1e9:.1f} GB in float32")

# %% [markdown]
r"""
But methods that use a Hessian usually ask for its product with a vector only. That is Pearlmutter's idea: row $i$ of $H$
holds the derivatives of the gradient's element $i$, so $H$ is the Jacobian of the gradient, and it is symmetric. A backward
pass *from the gradient*, starting with $v$, gives $v^\top H = H v$. In the example with $v = (1, 10)$:
$(6 + 40,\; 4 + 0) = (46, 4)$.

#### Exercise 4: `hvp_of`

`output` is one number, `vs` has a vector for each of `xs`. Two backward passes, and no table. The answer is a tuple of
arrays in the shapes of `xs`.
"""


# %% exercise="hvp"
#| export
def hvp_of(output: Variable, xs: tuple, vs: tuple, create_graph: bool = False) -> tuple:
    """The Hessian of one number times a vector, without the Hessian."""
    ### BEGIN SOLUTION
    gradients = pull_back((output,), xs, (None,), create_graph=True)
    return pull_back(gradients, xs, vs, create_graph)
    ### END SOLUTION


# %% checks="hvp" points=7
_x, _y = Variable(np.array([2.0, 3.0])), Variable(np.array(5.0))
_vs = (np.array([1.0, 10.0]), np.array(100.0))
check(
    hvp_of(_x[0] ** 2 * _x[1], (_x,), _vs[:1]),
    ([46.0, 4.0],),
    hint="pull the gradients back to xs, starting with vs; the answer is a tuple",
)
check(
    hvp_of(_x[0] ** 2 * _y, (_x, _y), _vs),
    ([410.0, 0.0], 4.0),
    hint="all xs at once: 2 y · 1 + 2 x₀ · 100 = 410, and 2 x₀ · 1 = 4",
)
check(hvp_of(_x.sum(), (_x,), _vs[:1]), ([0.0, 0.0],), hint="a plane does not bend")
_again = hvp_of(_x[0] ** 2 * _x[1], (_x,), _vs[:1], create_graph=True)[0]
check(type(_again).__name__, "Variable", hint="hand create_graph on to the second pull_back")


### BEGIN HIDDEN TESTS
@observe(x=normal(4), a=normal(4, 4), v=normal(4))
def products_with_the_hessian(derivatives, x, a, v):
    """Of a function whose second derivatives depend on the place."""
    x = derivatives.Variable(x)
    found = derivatives.hvp_of((x * x * (a @ x)).sum(), (x,), (v,))
    return type(found).__name__, len(found), found[0]


@observe(x=normal(2, 2), y=normal(2), v=normal(2, 2), w=normal(2))
def products_by_several_inputs(derivatives, x, y, v, w):
    """Each gets its share of what all the others do."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    found = derivatives.hvp_of((x * x * y * y).sum(), (x, y), (v, w))
    return list(found), x.grad


@observe(x=normal(3), v=normal(3), w=normal(3))
def products_that_can_be_differentiated_again(derivatives, x, v, w):
    """With create_graph a variable; by default an array."""
    x = derivatives.Variable(x)
    out = (x * x * x * x).sum()
    product = derivatives.hvp_of(out, (x,), (v,), True)[0]
    plain = derivatives.hvp_of(out, (x,), (v,))[0]
    kinds = type(product).__name__, type(plain).__name__
    return kinds, plain, derivatives.grad(product, x, w)[0]


@observe(x=normal(60), v=normal(60))
def products_take_two_passes_and_no_table(derivatives, x, v):
    """However many numbers there are; the product itself is right."""
    passes, before = [], derivatives.pull_back

    def counted(*arguments, **parameters):
        passes.append(1)
        return before(*arguments, **parameters)

    derivatives.pull_back = counted
    x = derivatives.Variable(x)
    found = derivatives.hvp_of((x * x * x).sum() * x.sum(), (x,), (v,))[0]
    derivatives.pull_back = before
    return found, len(passes) <= 4


### END HIDDEN TESTS

# %% [markdown]
r"""
#### Exercise 5: `hessian_of`

And sometimes you do want the table. It is the Jacobian of the gradient, and you have both. For several inputs there is a
table for each pair: return a list with a row for each input $a$, and in it a table for each input $b$, of shape
`xs[a].shape + xs[b].shape`.
"""


# %% exercise="hessian"
#| export
def hessian_of(output: Variable, xs: tuple, create_graph: bool = False) -> list:
    """All second derivatives of one number: element [a][b] holds those by xs[a] and xs[b]."""
    ### BEGIN SOLUTION
    gradients = pull_back((output,), xs, (None,), create_graph=True)
    return [jacobian_of(gradient, xs, create_graph) for gradient in gradients]
    ### END SOLUTION


# %% checks="hessian" points=6
_x, _y = Variable(np.array([2.0, 3.0])), Variable(np.array(5.0))
check(
    hessian_of(_x[0] ** 2 * _x[1], (_x,)),
    [[[[6.0, 4.0], [4.0, 0.0]]]],
    hint="the Jacobian of the gradient; for one input a list that holds a list with one table",
)
_tables = hessian_of(_x[0] ** 2 * _y, (_x, _y))
check(_tables[0][1], [4.0, 0.0], hint="element [0][1]: by x, then by y")
check([len(row) for row in _tables], [2, 2], hint="a row for each input, with a table for each input")
check(hessian_of(_x.sum(), (_x,)), [[[[0.0, 0.0], [0.0, 0.0]]]], hint="a plane does not bend")
_third = hessian_of((_x**4).sum(), (_x,), create_graph=True)
check(type(_third[0][0]).__name__, "Variable", hint="hand create_graph on to jacobian_of")


### BEGIN HIDDEN TESTS
@observe(x=normal(3), a=normal(3, 3))
def hessian_of_a_function_of_a_vector(derivatives, x, a):
    """Second derivatives that depend on the place, off the diagonal as well."""
    x = derivatives.Variable(x)
    found = derivatives.hessian_of((x * x * (a @ x)).sum(), (x,))
    return len(found), len(found[0]), found[0][0]


@observe(x=normal(2, 2), a=normal(2, 2))
def hessian_by_a_matrix_has_the_shape_of_the_matrix_twice(derivatives, x, a):
    """x.shape + x.shape."""
    x = derivatives.Variable(x)
    return derivatives.hessian_of((x * x.T * x * a).sum(), (x,))[0][0]


@observe(x=normal(2), y=normal(3, 1))
def hessians_by_several_inputs(derivatives, x, y):
    """A row for each input."""
    x, y = derivatives.Variable(x), derivatives.Variable(y)
    return [list(row) for row in derivatives.hessian_of((x * x * y * y * y).sum(), (x, y))]


@observe(x=normal(3), a=normal(3), seed=normal(3, 3))
def a_hessian_that_can_be_differentiated_again(derivatives, x, a, seed):
    """With create_graph a variable; by default an array."""
    x = derivatives.Variable(x)
    out = (x * x * x * x * a).sum()
    found = derivatives.hessian_of(out, (x,), True)[0][0]
    plain = derivatives.hessian_of(out, (x,))[0][0]
    kinds = type(found).__name__, type(plain).__name__
    return kinds, plain, derivatives.grad(found, x, seed)[0], x.grad


### END HIDDEN TESTS

# %%
#| export
hvp, hessian = make_hvp(hvp_of), make_hessian(hessian_of)

# %% [markdown]
r"""
A valley in $n$ dimensions, and what a gradient, a product and a table cost there:
"""


# %% demo=true
def valley(v):
    """Rosenbrock's valley: flat along its floor, steep to both sides; lowest at (1, …, 1)."""
    return ((1 - v[:-1]) ** 2 + 100 * (v[1:] - v[:-1] ** 2) ** 2).sum()


for n in (10, 100, 300):
    place, along = rng.normal(size=(2, n))
    times = [
        seconds(partial(vjp, valley, place)),
        seconds(partial(hvp, valley, place, along)),
        seconds(partial(hessian, valley, place), 1),
    ]
    print(n, *(f"{name} {1000 * t:.2f} ms  " for name, t in zip(("gradient", "hvp", "table"), times)))

# %% [markdown]
r"""
#### Newton's method

Near a place $p$, a smooth function is almost a bowl: $f(p + d) \approx f(p) + \nabla f \cdot d + \frac{1}{2} d^\top H d$.
The bowl is flat where its own gradient is zero: $\nabla f + H d = 0$. So solve $H d = -\nabla f$, go to $p + d$, and
repeat. If $f$ *is* a bowl, one step is enough. What does plain gradient descent do in such a bowl, one that is long and
narrow?
"""


# %%
def bowl(v):
    return (v * v * np.array([1.0, 50.0])).sum()


place, count = np.array([3.0, 1.0]), 0
while np.abs(vjp(bowl, place)[1]).max() > 1e-9:
    place, count = place - 0.018 * vjp(bowl, place)[1], count + 1
print("gradient descent:", count, "steps")

# %% [markdown]
r"""
The steep direction allows only small steps, and the flat one would need large ones. Newton's method sees both.

#### Exercise 6: `newton`

Return the place where the gradient is zero, as a float64 array, and the number of steps taken. Stop *before* a step if
no element of the gradient is larger than `tolerance`, in size, and stop in any case after `steps` steps. `start` is a list
or an array, and stays as it is.

`vjp(f, x)[1]` is the gradient, `hessian(f, x)` the table, and `np.linalg.solve(H, g)` solves $H d = g$.
"""


# %% exercise="newton"
#| export
def newton(f: Callable, start, steps: int = 20, tolerance: float = 1e-9) -> tuple:
    """Where the gradient of `f` is zero, and the number of steps that led there from `start`."""
    ### BEGIN SOLUTION
    x = np.array(start, dtype=np.float64)
    for step in range(steps):
        slope = vjp(f, x)[1]
        if np.abs(slope).max() <= tolerance:
            return x, step
        x = x - np.linalg.solve(hessian(f, x), slope)
    return x, steps
    ### END SOLUTION


# %% checks="newton" points=8
def _bent(v):
    return (v**4).sum() + v[0] * v[1] + v[1] ** 2


check(newton(bowl, [3.0, 1.0]), ([0.0, 0.0], 1), hint="a bowl takes one step: x - solve(H, gradient)")
check(newton(bowl, [0.0, 0.0])[1], 0, hint="look at the gradient before the step")
check(newton(_bent, [2.0, 1.0], steps=1)[0], [1.311111, 0.195556], hint="one step, and then stop")
check(newton(_bent, [2.0, 1.0], steps=3)[1], 3, hint="give up after `steps` steps, and say so")
_far = newton(lambda v: exp(v).sum() - v.sum(), [3.0, -1.0])[0]
check(_far, [0.0, 0.0], hint="compute gradient and Hessian anew at every place")


### BEGIN HIDDEN TESTS
@observe(start=normal(3), a=normal(3, 3), b=normal(3))
def a_bowl_takes_one_step(derivatives, start, a, b):
    """Where the gradient is zero, whatever the start; the start stays as it was."""
    before, table = start.copy(), a @ a.T + np.eye(3)
    f = lambda v: ((v @ table) * v).sum() / 2 - (v * b).sum()  # noqa: E731
    place, count = derivatives.newton(f, start, 20, 1e-6)
    return place, count, np.abs(start - before).max()


@observe(start=uniform(2, low=-1.0, high=1.0), steps=integers(low=1, high=4))
def a_few_steps_on_a_curved_function(derivatives, start, steps):
    """Each from where the last one ended."""
    f = lambda v: np.exp(v).sum() + (v * v * v * v).sum() + v[0] * v[1]  # noqa: E731
    place, count = derivatives.newton(f, start, steps=steps, tolerance=0.0)
    return place, count, str(place.dtype)


@observe(start=uniform(2, low=0.5, high=2.0))
def the_tolerance_decides_when_to_stop(derivatives, start):
    """In size: a slope that is far below zero is not small. From a list, in float64."""
    f = lambda v: (np.exp(v) - 3.0 * v).sum()  # noqa: E731
    counts = [derivatives.newton(f, list(start), 30, t)[1] for t in (10.0, 0.5, 1e-2, 1e-8)]
    low = derivatives.newton(f, list(-start), 30, 1.0)
    one = derivatives.newton(f, [start[0], np.log(3.0)], 30, 1e-3)
    return counts, low, one


@observe(start=uniform(2, low=-0.5, high=0.5))
def a_place_that_is_flat_to_begin_with(derivatives, start):
    """A gradient that is exactly as large as the tolerance is small enough; it is looked at first."""
    f = lambda v: (v * v).sum()  # noqa: E731
    place, count = derivatives.newton(f, start, 5, float(2 * np.abs(start).max()))
    return place, count


### END HIDDEN TESTS


# %% [markdown]
r"""
On Rosenbrock's valley in two dimensions, whose lowest point is (1, 1):
"""

# %%
place, count = newton(lambda v: (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2, [-1.5, 2.0])
print(f"after {count} steps at {place}")

# %% [markdown]
r"""
Gradient descent would take thousands of steps there. But Newton's method looks for *flat* places, and cares for nothing
else. It may go up on its way, and end on a saddle or on a summit. And each step costs a whole Hessian.

<details><summary>The same in PyTorch</summary>

`torch.autograd.functional` has `jacobian`, `hessian`, `vjp`, `jvp` and `hvp` with the same arguments, and its `jvp` uses
the same double backward trick. The newer `torch.func` has them as transformations of functions, with a real forward mode
for `jvp`.

</details>

### 3. Is this gradient right?

In module 7 you judged rules with `numerical_gradient`. For whole functions, and for rules that people write themselves,
that has two weaknesses. The first is the seed. One right gradient of $x^2$, and three wrong ones:
"""


# %%
def squaring(gradient_of):
    """A Function that computes x², with a gradient that may be wrong."""

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return gradient_of(grad, *ctx.saved_tensors)

    return Square.apply


suspects = {
    "right": squaring(lambda grad, x: 2.0 * grad * x),
    "wrong factor": squaring(lambda grad, x: 3.0 * grad * x),
    "forgets grad": squaring(lambda grad, x: 2.0 * x),
    "mixes places": squaring(lambda grad, x: 2.0 * grad[::-1] * x),
}
place = rng.normal(size=3)
for name, suspect in suspects.items():
    by_gradient = vjp(lambda v, f=suspect: f(v).sum(), place)[1]
    passes = np.allclose(by_gradient, numerical_gradient(lambda v: (v * v).sum(), place))
    print(f"{name:13} {'passes' if passes else 'fails'} the test with .sum()")

# %% [markdown]
r"""
Two of the three wrong ones pass! A `sum()` starts with ones, all alike, and then a forgotten factor or a wrong place
can't be seen. So *weight the outputs at random*, and check $L = \sum_i w_i y_i$.

The second weakness is the price: two calls for *each* element. To know whether all is right, one number is enough. Choose
a random direction $d$ too, and compare the slope of $L$ along it:

$$\underbrace{\textstyle\sum_j \frac{\partial L}{\partial x_j} d_j}_{\text{by the gradient}} \quad\text{with}\quad
\underbrace{\frac{L(x + \varepsilon d) - L(x - \varepsilon d)}{2 \varepsilon}}_{\text{by the difference}} .$$

A gradient that is wrong by $e$ makes the left side wrong by $e \cdot d$. For a random $d$ that is zero with probability 0.

#### Exercise 7: `slopes_along`

Return both slopes. Inputs, directions and weights are tuples of arrays, and all of them add up. In numbers: $f(x, y) = x y$
at $(2, 3)$ along $(1, 10)$ with the weight 5. By the gradient: $5 \cdot (3 \cdot 1 + 2 \cdot 10) = 115$. By the difference
with $\varepsilon = 0.1$: $5 \cdot (2.1 \cdot 4 - 1.9 \cdot 2) / 0.2 = 115$.

`vjp(f, xs, weights)[1]` is the tuple of the gradients of $L$. `values_of(f, xs)` gives the outputs of `f` at a tuple of
arrays, as a list of arrays. `np.vdot(a, b)` multiplies two arrays element by element and adds everything up.
"""


# %% exercise="gradcheck"
#| export
def slopes_along(
    f: Callable, xs: tuple, directions: Sequence, weights: Sequence, eps: float
) -> tuple[float, float]:
    """The slope of the weighted sum of all outputs along a direction, in two ways."""
    ### BEGIN SOLUTION
    gradients = vjp(f, xs, tuple(weights))[1]
    by_gradient = sum(map(np.vdot, gradients, directions))

    def weighted_sum(step: float) -> float:
        moved = tuple(x + step * d for x, d in zip(xs, directions))
        return sum(map(np.vdot, weights, values_of(f, moved)))

    return by_gradient, (weighted_sum(eps) - weighted_sum(-eps)) / (2 * eps)
    ### END SOLUTION


# %% checks="gradcheck" points=8
_one, _two, _three, _five = (np.array(n) for n in (1.0, 2.0, 3.0, 5.0))
check(
    slopes_along(lambda x, y: x * y, (_two, _three), (_one, np.array(10.0)), (_five,), 0.1),
    (115.0, 115.0),
    hint="5 (3 · 1 + 2 · 10), and 5 (2.1 · 4 - 1.9 · 2) / 0.2",
)
check(
    slopes_along(lambda x: x * x * x, (_two,), (_one,), (_one,), 0.1),
    (12.0, 12.01),
    hint="the central difference, over 2 * eps; the gradient is exact",
)
check(
    slopes_along(lambda x: (x, x * x), (_two,), (_one,), (_five, _three), 0.1),
    (17.0, 17.0),
    hint="several outputs: 5 · 1 + 3 · 4",
)
_vector = np.array([1.0, 2.0])
check(
    slopes_along(lambda v: v * v, (_vector,), ([1.0, -1.0],), (np.array([1.0, 10.0]),), 0.5),
    (-38.0, -38.0),
    hint="1 · 2 · 1 + 10 · 4 · (-1): weights and directions for each element",
)
check(_vector, [1.0, 2.0], hint="make new arrays, and leave the inputs alone")


### BEGIN HIDDEN TESTS
@observe(x=normal(2, 3), y=normal(3), directions=normal(3, 3), w=normal(2, 3))
def slopes_of_one_output_by_two_inputs(derivatives, x, y, directions, w):
    """Both are moved at once, each along its own direction."""
    along = directions[:2], directions[2]
    return derivatives.slopes_along(lambda a, b: a * b * a, (x, y), along, (w,), 1e-3)


@observe(x=normal(3), direction=normal(3), w=normal(3), eps=uniform(low=0.3, high=0.6))
def slopes_with_a_large_step(derivatives, x, direction, w, eps):
    """The difference is central, over the step that was asked for; the gradient knows no step."""
    return derivatives.slopes_along(lambda a: a * a * a, (x,), (direction,), (w,), eps)


@observe(x=normal(3), direction=normal(3), w=normal(3), v=normal(), u=normal(1, 3))
def slopes_of_several_outputs(derivatives, x, direction, w, v, u):
    """A tuple of three outputs of different shapes, each with its weights, in a list."""

    def f(a):
        return a * a, (a * 3.0).sum(), (a * a * a).reshape(1, 3)

    return derivatives.slopes_along(f, (x,), (direction,), [w, np.array(v), u], 0.2)


@observe(x=normal(4), direction=normal(4), w=normal(4), factor=uniform(low=4.0, high=6.0))
def slopes_of_an_operation_with_a_wrong_gradient(derivatives, x, direction, w, factor):
    """The first slope comes from the gradient, right or wrong; the second only from values."""

    class Crooked(derivatives.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a * a

        @staticmethod
        def backward(ctx, grad):
            (a,) = ctx.saved_tensors
            return grad * a * a * factor

    return derivatives.slopes_along(Crooked.apply, (x,), (direction,), (w,), 0.1)


@observe(x=normal(5, 5), y=normal(5), d=normal(5, 5), w=normal(5))
def inputs_stay_and_the_function_is_called_a_few_times_only(derivatives, x, y, d, w):
    """Once for the gradient and twice for the difference, however many elements there are."""
    before, calls = [x.copy(), y.copy()], []

    def f(a, b):
        calls.append(1)
        return (a * a * b).sum(axis=1)

    found = derivatives.slopes_along(f, (x, y), (d, d[0]), (w,), 0.3)
    return found, len(calls) <= 4, [np.abs(p - q).max() for p, q in zip(before, (x, y))]


### END HIDDEN TESTS

# %%
#| export
gradcheck = make_gradcheck(slopes_along)
gradgradcheck = make_gradgradcheck(gradcheck)

# %% [markdown]
r"""
`gradcheck` draws weights and directions, compares, and goes through the elements only to explain a failure.
`gradgradcheck` does the same with the gradient in the place of the function. Your four suspects again:
"""

# %%
for name, suspect in suspects.items():
    try:
        gradcheck(suspect, place)
        print(f"{name:13} passes")
    except GradcheckError as error:
        print(f"{name:13} {error}")
