"""A course of two tiny modules, in the real format, for tests of the tools."""

NUMBERS = r'''# %% [markdown]
r"""
# Module 1: Numbers
"""

# %%
#| default_exp core.numbers
#| export
from __future__ import annotations

import numpy as np

# %%
from tito.checks import check


# %% exercise="double"
#| export
def double(x: np.ndarray) -> np.ndarray:
    """Twice `x`.

    Parameters
    ----------
    x : ndarray
        Any shape.

    Approach
    --------
    1. Multiply by two.

    Returns
    -------
    ndarray
        The same shape.
    """
    ### BEGIN SOLUTION
    twice_as_much = np.multiply(x, 2)
    return twice_as_much
    ### END SOLUTION


# %% checks="double" points=4
check(double(np.array([1.0, 2.0])), [2.0, 4.0], hint="two times each")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe, raised

@observe(x=normal(3, 2))
def double_of_a_matrix(numbers, x):
    """Every element counts."""
    secret_of_the_hidden_test = numbers.double(x)
    return secret_of_the_hidden_test

@observe(x=normal())
def double_of_a_number(numbers, x):
    return float(numbers.double(x))
### END HIDDEN TESTS

# %% demo=true
print("a demo:", double(np.array([1.0, 2.0])))


# %% exercise="halve"
#| export
def halve(x: np.ndarray) -> np.ndarray:
    """Half of `x`; text is refused with a TypeError."""
    ### BEGIN SOLUTION
    if isinstance(x, str):
        raise TypeError("a number is needed")
    return np.divide(x, 2)
    ### END SOLUTION


# %% checks="halve" points=3
check(halve(3.0), 1.5, hint="divide")
### BEGIN HIDDEN TESTS
@observe(x=normal(4))
def half_of_a_vector(numbers, x):
    return numbers.halve(x)

@observe()
def text_is_refused(numbers):
    return raised(lambda: numbers.halve("a"))
### END HIDDEN TESTS

# %% [markdown]
r"""
Why is the half of a double the number itself?
"""

# %% [markdown] answer="why-inverse" points=3
r"""
**Model answer.** Multiplying by two and dividing by two undo each other exactly in binary floating point.

**Mark scheme.** 1 for "they undo each other", 2 for the binary digits that stay the same.
"""
'''

DOUBLES = r'''# %% [markdown]
r"""
# Module 2: Doubles
"""

# %%
#| default_exp core.doubles
#| export
from tinytorch.core.numbers import double

# %%
from tito.checks import check


# %% exercise="quadruple"
#| export
def quadruple(x):
    """Four times `x`."""
    ### BEGIN SOLUTION
    return double(double(x))
    ### END SOLUTION


# %% checks="quadruple" points=10
check(quadruple(1.5), 6.0, hint="double twice")
### BEGIN HIDDEN TESTS
from tito.observations import normal, observe

@observe(x=normal(5))
def four_times_a_vector(doubles, x):
    return doubles.quadruple(x)
### END HIDDEN TESTS
'''

SOURCES = {"01_numbers": NUMBERS, "02_doubles": DOUBLES}

CLASSIC = r'''# %% [markdown]
r"""
# Module 3: Checks without observations
"""

# %%
#| default_exp core.classic
#| export
import math


# %% exercise="credit"
#| export
def credit():
    """Half of the points."""
    ### BEGIN SOLUTION
    return 2.5
    ### END SOLUTION


# %% checks="credit" points=5
### BEGIN HIDDEN TESTS
assert callable(credit)
### END HIDDEN TESTS
credit()
'''

SOURCES["03_classic"] = CLASSIC
