"""Makes the tests of this folder say how many gradients they compared."""

from . import report


def pytest_configure(config):
    """Register the report, unless tests/conftest.py has done so."""
    if not config.pluginmanager.is_registered(report):
        config.pluginmanager.register(report)
