"""What a process can do to itself where there is no bubblewrap: Landlock and the filter.

Runs inside, after `enter.py`, and needs the standard library only.

References
----------
Documentation/userspace-api/landlock.rst in the sources of Linux.
"""

import ctypes
import os
import struct

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ_FILE, READ_FOLDER, LIST = 0b0101, 0b1101, 0b1000  # EXECUTE, READ_FILE, READ_DIR
READ_WRITE_FILE = 0b0110  # WRITE_FILE, READ_FILE
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many bits each version of the interface knows
IOCTL = 1 << 15
NO_NEW_PRIVILEGES, SECCOMP, FILTER, KEEP_CAPABILITIES = 38, 22, 2, 8
READ_ANYTHING = 1 << 2  # CAP_DAC_READ_SEARCH

libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of Landlock's interface; 0 without Landlock."""
    return max(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1), 0)


def keep_capabilities() -> None:
    """Keep what root may do after it has become another user, until `drop_capabilities`."""
    _succeed(libc.prctl(KEEP_CAPABILITIES, 1, 0, 0, 0))


def drop_capabilities() -> None:
    """Keep the right to read alone: the interpreter may lie in a folder that is root's.

    Landlock says what can be read.
    """
    header = struct.pack("=Ii", 0x20080522, 0)
    data = struct.pack("=IIIIII", READ_ANYTHING, READ_ANYTHING, 0, 0, 0, 0)
    _succeed(libc.capset(header, data))


def confine(wanted: dict) -> None:
    """Give up all access to files but that to some, for this process and all that it starts.

    Parameters
    ----------
    wanted : dict
        ``list``, ``read`` and ``write``, lists of files and folders; ``filter``, the seccomp filter
        in hexadecimal digits.
    """
    _succeed(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    number = version()
    every = (1 << RIGHTS.get(number, 16)) - 1
    attributes = struct.pack("=Q", every)
    if number >= 4:
        attributes += struct.pack("=Q", 0b10)  # no connection by TCP
    if number >= 6:
        attributes += struct.pack("=Q", 0b11)  # no abstract sockets, no signals to others
    size = ctypes.c_size_t(len(attributes))
    ruleset = _succeed(libc.syscall(CREATE_RULESET, attributes, size, 0))
    for path in wanted["list"]:
        _allow(ruleset, path, LIST)
    for path in wanted["read"]:
        _allow(ruleset, path, READ_FOLDER if os.path.isdir(path) else READ_FILE)
    for path in wanted["write"]:
        _allow(ruleset, path, every & ~IOCTL if os.path.isdir(path) else READ_WRITE_FILE)
    _succeed(libc.syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    if wanted["filter"]:
        _filter(bytes.fromhex(wanted["filter"]))


def _allow(ruleset: int, path: str, rights: int) -> None:
    if not os.path.exists(path):
        return
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    _succeed(libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, file), 0))
    os.close(file)


def _filter(program: bytes) -> None:
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]

    description = Filter(len(program) // 8, program)
    _succeed(libc.prctl(SECCOMP, FILTER, ctypes.byref(description), 0, 0))


def _succeed(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
