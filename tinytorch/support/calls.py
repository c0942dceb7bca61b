"""What is called while a step runs that has no name in numpy: parts of arrays, and methods."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np


def getitem(array, index):
    """``array[index]``."""
    return array[index]


def setitem(array, index, new) -> None:
    """``array[index] = new``."""
    array[index] = new


def by_name(name: str) -> Callable:
    """The method of a name, as a function."""

    def method(array, *inputs, **settings):
        return getattr(array, name)(*inputs, **settings)

    method.__name__ = method.__qualname__ = name
    return method


OF_ARRAYS = """
    sum mean var std max min argmax argmin prod cumsum cumprod reshape transpose astype copy ravel
    flatten squeeze swapaxes repeat take clip round view dot argsort sort fill trace diagonal any
    all item partition argpartition searchsorted conj ptp
""".split()
OF_GENERATORS = """
    random normal standard_normal uniform integers permutation permuted choice binomial exponential
    poisson gamma beta laplace shuffle multivariate_normal standard_exponential
""".split()
METHODS = {name: by_name(name) for name in (*OF_ARRAYS, *OF_GENERATORS)}
DRAWS = {METHODS[name] for name in OF_GENERATORS}
UFUNCS = {  # what an operator of arrays calls; powers have ways of their own
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.matmul: np.matmul,
    operator.neg: np.negative,
}
