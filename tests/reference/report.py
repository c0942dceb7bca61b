"""Counts the gradients that were compared, and says so in one line after the tests."""

from collections import Counter
from importlib.metadata import PackageNotFoundError, version

import pytest

compared: Counter[str] = Counter()


def pytest_sessionfinish(session):
    """In a worker of pytest-xdist: send the counts to the process that reports."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["compared"] = dict(compared)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """In the process that reports: add what a worker has sent."""
    compared.update(getattr(node, "workeroutput", {}).get("compared", {}))


def pytest_terminal_summary(terminalreporter):
    """The line."""
    if not compared:
        return
    try:
        torch = f"{compared['torch']:,} against PyTorch {version('torch')}"
    except PackageNotFoundError:
        torch = "PyTorch not installed, skipped"
    terminalreporter.write_line(
        f"reference: {compared['differences']:,} gradients against central differences, {torch}"
    )
