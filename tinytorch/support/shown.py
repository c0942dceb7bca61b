"""Objects that show what they were made of."""

from __future__ import annotations

import inspect


class Shown:
    """Its `repr` is the call that makes it, without defaults: ``RandomShift(most=2)``.

    It reads the attributes that have the name of a parameter. What has none is left out, and so is
    a source of randomness.
    """

    def __repr__(self) -> str:
        settings = inspect.signature(type(self)).parameters.values()
        parts = []
        for setting in settings:
            if setting.name == "rng" or not hasattr(self, setting.name):
                continue
            given = getattr(self, setting.name)
            if setting.default is inspect.Parameter.empty:
                parts.append(repr(given))
            elif given is not setting.default and given != setting.default:
                parts.append(f"{setting.name}={given!r}")
        return f"{type(self).__name__}({', '.join(parts)})"
