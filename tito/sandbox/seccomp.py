"""A seccomp filter: system calls that no notebook needs are refused with EPERM.

Two sandboxes share the files of Python and of numpy, and the kernel. So calls are refused, too,
that tell one process what another does with a file or with the machine: then no student's process
can pass anything to another's. Where ordinary programs ask only for good measure, as for a lock on
a file of their own, the answer is that it was done, and nothing is.

The filter is a program for the kernel's packet filter (BPF): it loads a number from the description
of the call (its number, the processor, an argument), compares it, and jumps forward or returns.

References
----------
Documentation/userspace-api/seccomp_filter.rst in the sources of Linux; the numbers of the calls are
those of its tables ``syscall_64.tbl`` and ``asm-generic/unistd.h``.
"""

from __future__ import annotations

import platform
import struct

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN, AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
ALLOW, REFUSE, MISSING = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # EPERM, ENOSYS
PRETEND = 0x00050000  # the call gives 0, as if it had been done
# Where these are in the description of a call; of an argument, its lower half.
NUMBER, ARCHITECTURE, FIRST, SECOND, THIRD, FOURTH = 0, 4, 16, 24, 32, 40
X32 = 0x40000000

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
NEW_NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000
TERMINAL_INPUT = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
LOCAL, IP, IP6, NETLINK = 1, 2, 10, 16  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
STREAM = 1  # SOCK_STREAM
FAST_OPEN = 0x20000000  # MSG_FASTOPEN: a connection without a call of connect

# name: (x86_64, aarch64); None where a processor has no such call.
REFUSED = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # keys, programs in the kernel, and calls with a history of holes
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "vmsplice": (278, 75),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "personality": (135, 92),
    # what others do with a file, and memory, messages and numbers that all processes share
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "mincore": (27, 232),
    "preadv2": (327, 286),
    "cachestat": (451, 451),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    "sysinfo": (99, 179),
    "ioprio_set": (251, 30),
    "ioprio_get": (252, 31),
    "futex_waitv": (449, 449),
    "futex_wake": (454, 454),
    "futex_wait": (455, 455),
    "futex_requeue": (456, 456),
    # the machine
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
}
PRETENDED = {"flock": (73, 32), "fadvise64": (221, 223)}
# How a process is scheduled: of others refused, of itself left as it is, so that none can read it.
# Libraries give the number of a thread to the last two, which cannot be told from a process's.
SCHEDULING = {
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
}
WHOSE = {"setpriority": (FIRST, SECOND), "sched_setparam": (), "sched_setscheduler": ()}
LIMITS = {"prlimit64": (302, 261)}  # of oneself if the argument is 0
# Of the account's files, wherever they lie: Landlock asks nobody about these.
ABOUT_FILES = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
ABOUT_DISKS = {"truncate": (76, 45), "statfs": (137, 43), "fstatfs": (138, 44)}
CLONE, CLONE3, IOCTL, FCNTL, FUTEX = (56, 220), (435, 435), (16, 29), (72, 25), (202, 98)
SET_LOCK = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW
# F_GETLK, F_SETOWN, F_SETSIG, F_SETOWN_EX, F_OFD_GETLK; leases, F_NOTIFY; hints about the data
TELLING = (5, 8, 10, 15, 36, 1024, 1025, 1026, 1035, 1036, 1037, 1038)
SET_OWNER = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP
PRIVATE = 128  # FUTEX_PRIVATE_FLAG: only threads of one process
WAKING = (1, 3, 4, 5, 10)  # FUTEX_WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAKE_BITSET
SOCKET, CONNECT, BIND = (41, 198), (42, 203), (49, 200)
SENDTO, SENDMSG, SENDMMSG = (44, 206), (46, 211), (307, 269)
X86_64, AARCH64 = 0xC000003E, 0xC00000B7  # AUDIT_ARCH_…
ARCHITECTURES = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}


def filter_program(
    machine: str = "", network: str = "none", alone: bool = True, processes: bool = True
) -> bytes:
    """The filter for a processor.

    Parameters
    ----------
    machine : str
        Its name as `platform.machine` gives it; by default this one's.
    network : str
        ``"none"``: local sockets that nothing connects to. ``"own"``: all of an own, empty network.
        ``"listen"``: a kernel without a network of its own; it may listen, but neither connect nor
        send datagrams. (ipykernel needs a port of the loopback device.)
    alone : bool
        Whether it sees no processes and no writable files but its own, as in bubblewrap.
    processes : bool
        Whether its processes may wake each other, as those of `multiprocessing` do. The call for it
        works on any file that two processes map, and so between two sandboxes as well.

    Returns
    -------
    bytes
        Instructions of eight bytes each; empty for a processor whose calls we do not know.
    """
    machine = (machine or platform.machine()).lower()
    if machine not in ARCHITECTURES:
        return b""
    column = 0 if ARCHITECTURES[machine] == X86_64 else 1
    code = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER),
    ]
    if column == 0:
        code += [(AT_LEAST, 0, 1, X32), (RETURN, 0, 0, REFUSE)]
    for numbers in REFUSED.values():
        if numbers[column] is not None:
            code += _if_call(numbers[column], [(RETURN, 0, 0, REFUSE)])
    # The flags of clone3 lie in memory, where a filter cannot look; C libraries then use clone.
    code += _if_call(CLONE3[column], [(RETURN, 0, 0, MISSING)])
    code += _if_call(CLONE[column], _refuse_if(FIRST, ANY_BIT, NEW_NAMESPACES))
    code += _if_call(IOCTL[column], _refuse_if(SECOND, EQUAL, *TERMINAL_INPUT, *SET_OWNER))
    code += _files_shared_with_others(column)
    if not processes:
        code += _if_call(FUTEX[column], _wakes_threads_only())
    if not alone:
        code += _what_landlock_leaves_open(column)
    code += _sockets(column, network)
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _files_shared_with_others(column: int) -> list:
    """No lock on a file is seen by anybody else, and nothing tells what else is done with one."""
    code = []
    for numbers in PRETENDED.values():
        code += _if_call(numbers[column], [(RETURN, 0, 0, PRETEND)])
    locks = [(LOAD, 0, 0, SECOND)]
    for command in SET_LOCK:
        locks += [(EQUAL, 0, 1, command), (RETURN, 0, 0, PRETEND)]
    return code + _if_call(FCNTL[column], locks + _refuse_if(SECOND, EQUAL, *TELLING))


def _wakes_threads_only() -> list:
    code = [
        (LOAD, 0, 0, SECOND),
        (ANY_BIT, 0, 1, PRIVATE),
        (RETURN, 0, 0, ALLOW),
        (AND, 0, 0, 0x7F),
    ]
    for command in WAKING:
        code += [(EQUAL, 0, 1, command), (RETURN, 0, 0, PRETEND)]
    return [*code, (RETURN, 0, 0, ALLOW)]


def _what_landlock_leaves_open(column: int) -> list:
    """Other processes of the account, and what belongs to its files besides their content."""
    code = []
    for name, numbers in SCHEDULING.items():
        others = _refuse_unless_zero(*WHOSE.get(name, (FIRST,)))
        code += _if_call(numbers[column], [*others, (RETURN, 0, 0, PRETEND)])
    for numbers in LIMITS.values():
        code += _if_call(numbers[column], [*_refuse_unless_zero(FIRST), (RETURN, 0, 0, ALLOW)])
    for pair, answer in ((ABOUT_FILES, PRETEND), (ABOUT_DISKS, REFUSE)):
        for numbers in pair.values():
            if numbers[column] is not None:
                code += _if_call(numbers[column], [(RETURN, 0, 0, answer)])
    return code


def _refuse_unless_zero(*arguments: int) -> list:
    code = []
    for argument in arguments:
        code += [(LOAD, 0, 0, argument), (EQUAL, 1, 0, 0), (RETURN, 0, 0, REFUSE)]
    return code


def _if_call(number: int, body: list) -> list:
    return [(EQUAL, 0, len(body), number), *body]


def _refuse_if(argument: int, comparison: int, *values: int) -> list:
    code = [(LOAD, 0, 0, argument)]
    for value in values:
        code += [(comparison, 0, 1, value), (RETURN, 0, 0, REFUSE)]
    return [*code, (RETURN, 0, 0, ALLOW)]


def _sockets(column: int, network: str) -> list:
    """Which sockets can be made, and whether they can be connected."""
    whole = {"none": (), "listen": (NETLINK,), "own": (LOCAL, IP, IP6, NETLINK)}[network]
    streams = {"none": (LOCAL,), "listen": (LOCAL, IP), "own": ()}[network]
    body = [(LOAD, 0, 0, FIRST)]
    for family in whole:
        body += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    for left, family in zip(range(len(streams), 0, -1), streams, strict=True):
        body.append((EQUAL, left, 0, family))  # on to the kind of socket
    body += [
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, SECOND),
        (AND, 0, 0, 0xF),
        (EQUAL, 0, 1, STREAM),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    code = _if_call(SOCKET[column], body)
    if network == "own":
        return code
    code += _if_call(CONNECT[column], [(RETURN, 0, 0, REFUSE)])
    if network == "none":  # a name that is taken already would tell of somebody else
        code += _if_call(BIND[column], [(RETURN, 0, 0, REFUSE)])
    for call, flags in ((SENDTO, FOURTH), (SENDMSG, THIRD), (SENDMMSG, FOURTH)):
        code += _if_call(call[column], _refuse_if(flags, ANY_BIT, FAST_OPEN))
    return code
