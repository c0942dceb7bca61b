"""Releasing: what students do not get is taken out, in a module by its own marks and no others.

nbgrader's settings for these steps (delimiters, stubs) are for ordinary assignments. A module is
written with the marks of source/README.md whatever they say: else its solutions would be released.
"""

from __future__ import annotations

from nbgrader.preprocessors import ClearHiddenTests as NbgraderClearHiddenTests
from nbgrader.preprocessors import ClearMarkScheme
from nbgrader.preprocessors import ClearSolutions as NbgraderClearSolutions
from traitlets import Unicode
from traitlets.config import Config

from tito.steps.job import is_ordinary


class ClearSolutions(NbgraderClearSolutions):
    """nbgrader's step of this name."""

    text_stub_of_modules = Unicode(
        "✎ *YOUR ANSWER HERE: double-click this line, write over it, and press Shift+Enter.*",
        help="What students find where they are to write in words, in a module.",
    ).tag(config=True)

    def preprocess(self, nb, resources):
        if not is_ordinary(resources):
            _reset(self, "code_stub", "begin_solution_delimeter", "end_solution_delimeter")
            self.text_stub = self.text_stub_of_modules
        return super().preprocess(nb, resources)


class ClearHiddenTests(NbgraderClearHiddenTests):
    """nbgrader's step of this name."""

    def preprocess(self, nb, resources):
        if not is_ordinary(resources):
            _reset(self, "begin_test_delimeter", "end_test_delimeter")
        return super().preprocess(nb, resources)


def _reset(step, *names: str) -> None:
    """Give settings of a step the values they have where nobody has set them."""
    for name in names:
        setattr(step, name, step.traits()[name].default())


def delimiters(config: Config) -> list[tuple[str, str]]:
    """What stands around hidden tests and around mark schemes in ordinary assignments."""
    tests, scheme = NbgraderClearHiddenTests(config=config), ClearMarkScheme(config=config)
    return [
        (tests.begin_test_delimeter, tests.end_test_delimeter),
        (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter),
    ]
