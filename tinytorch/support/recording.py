"""Whether operations on variables are recorded, and who watches."""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinytorch.support.guards import (
    NO_SETTINGS,
    begin_pass,
    check,
    end_pass,
    guard,
    users_turn,
)
from tinytorch.support.hooks import HOOKED, call_hooks
from tinytorch.support.losses import refuse_losses


@dataclass
class Watchers:
    """Functions that are told what happens.

    Attributes
    ----------
    computed : list of callable
        Called with a function, its inputs and the Variable that came out.
    sending : list of callable
        Called with a variable and its complete gradient; returns the gradient to go on with.
    """

    computed: list[Callable] = field(default_factory=lambda: [guard])
    sending: list[Callable] = field(default_factory=lambda: [check])


ENABLED: ContextVar[bool] = ContextVar("enabled", default=True)
WATCHERS: ContextVar[Watchers] = ContextVar("watchers", default=Watchers())  # noqa: B039


class GoingBack:
    """The block of a backward pass; a class, because the generator of one takes twice the time."""

    __slots__ = ("before", "create_graph", "enabled", "warnings")

    def __init__(self, create_graph: bool):
        self.create_graph, self.warnings = create_graph, np.errstate(all="ignore")

    def __enter__(self) -> None:
        self.before, self.enabled = begin_pass(), ENABLED.get()
        ENABLED.set(self.create_graph)
        self.warnings.__enter__()

    def __exit__(self, *error) -> None:
        self.warnings.__exit__(*error)
        ENABLED.set(self.enabled)
        end_pass(self.before)


class Switched:
    """A block inside of which operations are recorded, or not."""

    __slots__ = ("before", "enabled")

    def __init__(self, enabled: bool):
        self.enabled = enabled

    def __enter__(self) -> None:
        users_turn()
        self.before = ENABLED.get()
        ENABLED.set(self.enabled)

    def __exit__(self, *error) -> None:
        ENABLED.set(self.before)
        users_turn()


class Recording:
    """The switch, and the watchers; every thread, and every task of asyncio, has its own."""

    enabled: Any = property(lambda self: ENABLED.get(), lambda self, enabled: ENABLED.set(enabled))
    watchers: Any = property(lambda self: WATCHERS.get(), lambda self, them: WATCHERS.set(them))

    def switched(self, enabled: bool) -> Switched:
        """Record or do not, for the length of a block."""
        return Switched(enabled)

    def going_back(self, create_graph: bool) -> GoingBack:
        """A backward pass: recorded itself if `create_graph`, and without numpy's warnings."""
        return GoingBack(create_graph)

    @contextlib.contextmanager
    def watched(
        self, computed: Callable | None = None, sending: Callable | None = None
    ) -> Iterator[None]:
        """Have one more watcher for the length of a block."""
        before = self.watchers
        self.watchers = Watchers(
            [*before.computed, *filter(None, [computed])],
            [*before.sending, *filter(None, [sending])],
        )
        try:
            yield
        finally:
            self.watchers = before

    @contextlib.contextmanager
    def keeping(self, variables: Iterable) -> Iterator[dict]:
        """Keep the gradients of computed variables that come by, for the length of a block."""
        wanted, kept = set(variables), {}

        def keep(variable, grad):
            if variable in wanted:
                kept[variable] = grad
            return grad

        with self.watched(sending=keep):
            yield kept

    def computed(self, function: Callable, inputs: tuple, result, parameters=NO_SETTINGS) -> None:
        """Tell the watchers what was computed, from what, unless a gradient would be lost."""
        if parameters and ENABLED.get():
            refuse_losses(function, inputs, parameters)
        for watcher in WATCHERS.get().computed:
            watcher(function, inputs, result)

    def sending(self, variable, grad):
        """Tell hooks and watchers what arrives at a variable; gives what is to be sent on."""
        if HOOKED:
            grad = call_hooks(variable, grad)
        for watcher in WATCHERS.get().sending:
            grad = watcher(variable, grad)
        return grad


recording = Recording()


class Switch(threading.local):  # for each thread, the blocks that it has entered
    """A block in which something is switched: for ``with``, and to decorate functions.

    Parameters
    ----------
    block : callable
        Gives the context manager of one block.
    """

    def __init__(self, block: Callable):
        self.block = block
        self.entered: list[contextlib.AbstractContextManager] = []

    def __enter__(self):
        self.entered.append(self.block())
        return self.entered[-1].__enter__()

    def __exit__(self, *error):
        return self.entered.pop().__exit__(*error)

    def __call__(self, function: Callable) -> Callable:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{function.__name__} is asynchronous, so it cannot be decorated: other code would "
                "run in between; use a with block where it computes"
            )
        if inspect.isgeneratorfunction(function):
            return self._stepwise(function)

        @functools.wraps(function)
        def switched(*arguments, **parameters):
            with self.block():
                return function(*arguments, **parameters)

        return switched

    def _stepwise(self, function: Callable) -> Callable:
        """A generator whose every step is a block; in between, everything is as before."""

        @functools.wraps(function)
        def steps(*arguments, **parameters):
            generator = function(*arguments, **parameters)
            step = functools.partial(next, generator)
            while True:
                with self.block():
                    try:
                        out = step()
                    except StopIteration as end:
                        return end.value
                try:
                    step = functools.partial(generator.send, (yield out))
                except GeneratorExit:
                    with self.block():
                        generator.close()
                    raise
                except BaseException as error:
                    step = functools.partial(generator.throw, error)

        return steps


def switch(block: Callable[[], Iterator[None]]) -> Callable[[], Switch]:
    """Make a switch of a function that changes something, yields once, and changes it back."""
    manager = contextlib.contextmanager(block)

    @functools.wraps(block)
    def made() -> Switch:
        return Switch(manager)

    return made


def unrecorded(function: Callable) -> Callable:
    """A function inside of which no operation is recorded: it looks, and nothing is trained."""
    return Switch(lambda: recording.switched(False))(function)


@switch
def enable_grad():
    """Record, in a ``with enable_grad():`` block or a decorated function, also inside `no_grad`."""
    with recording.switched(True):
        yield
