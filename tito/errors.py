"""Errors that end a command in one sentence instead of a traceback."""

from __future__ import annotations


class TitoError(Exception):
    """Something failed, and the message says what to do; the command ends with exit code 1."""

    exit_code = 1


class UsageError(TitoError):
    """The command was given something it cannot work with; it ends with exit code 2."""

    exit_code = 2


class SourceError(UsageError):
    """A module's source breaks a rule of source/README.md."""


class StorageError(TitoError):
    """A gradebook, a ledger or a disk failed; it ends the command, as no submission is to blame."""
