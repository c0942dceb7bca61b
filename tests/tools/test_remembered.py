"""What is worked out once for all threads that ask."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tito.judge.remembered import remembered


def test_threads_that_ask_at_the_same_moment_wait_for_one():
    together, worked = threading.Barrier(4), []

    @remembered(2)
    def square(x):
        worked.append(x)
        time.sleep(0.05)  # the others ask meanwhile
        return x * x

    def ask(x):
        together.wait()
        return square(x)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, [3] * 4)) == [9] * 4
    assert worked == [3]


def test_what_fails_is_tried_again_and_stops_nobody():
    tried = []

    @remembered(2)
    def fail(x):
        tried.append(x)
        raise ValueError(x)

    for _ in range(2):
        with pytest.raises(ValueError):
            fail(1)
    assert tried == [1, 1]
