"""What two submissions may try that run side by side, and what one may try on the grader's own."""

# What the sender does once, or again and again, and what the receiver finds.
CHANNELS = {
    "a lock of BSD": (
        "f = open(path); fcntl.flock(f, fcntl.LOCK_SH)",
        "fcntl.flock(open(path), fcntl.LOCK_EX | fcntl.LOCK_NB)",
    ),
    "a lock of POSIX": (
        "f = open(path); fcntl.fcntl(f, fcntl.F_SETLK, lock(fcntl.F_RDLCK))",
        "found = struct.unpack('hhqqi4x', fcntl.fcntl(open(path), 5, lock(fcntl.F_WRLCK)))[0]",
    ),
    "a lock of an open file": (
        "f = open(path); fcntl.fcntl(f, 37, lock(fcntl.F_RDLCK))",
        "found = struct.unpack('hhqqi4x', fcntl.fcntl(open(path), 36, lock(fcntl.F_WRLCK)))[0]",
    ),
    "a notification": (
        "while True:\n    open(path).read(); time.sleep(0.01)",
        "n = call(253)\n"
        "libc.inotify_add_watch(n, path.encode(), 0xFFF)\n"
        "found = bool(select.select([n], [], [], 3)[0])",
    ),
    "shared memory of System V": (
        "call(29, 0x7101, 4096, 0o1666)",
        "call(29, 0x7101, 4096, 0)",
    ),
    "a semaphore of System V": ("call(64, 0x7102, 1, 0o1666)", "call(64, 0x7102, 1, 0)"),
    "a message of System V": ("call(68, 0x7103, 0o1666)", "call(68, 0x7103, 0)"),
    "a queue of POSIX": (
        "call(240, b'tito-channel', os.O_CREAT | os.O_RDWR, 0o666, 0)",
        "call(240, b'tito-channel', os.O_RDWR, 0, 0)",
    ),
    "the name of a socket": (
        "s = socket.socket(socket.AF_UNIX); s.bind('\\0tito-channel')",
        "socket.socket(socket.AF_UNIX).bind('\\0tito-channel')",
    ),
    "waking who waits at a file": (
        "f = open(path); place = ctypes.c_void_p(place_in(f.fileno()))\n"
        "word = ctypes.cast(place, ctypes.POINTER(ctypes.c_int))[0]\n"
        "while True:\n    libc.syscall(202, place, 0, word, None, None, 0)",
        "f = open(path); place = ctypes.c_void_p(place_in(f.fileno()))\n"
        "found = max(call(202, place, 1, 1, None, None, 0) or time.sleep(0.1) or 0 for _ in range(20))",
    ),
    "what lies in the page cache": (
        "while True:\n    os.pread(os.open(path, os.O_RDONLY), 4096, 0); time.sleep(0.01)",
        "file = os.open(path, os.O_RDONLY); answers = set()\n"
        "for _ in range(20):\n"
        "    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)\n"
        "    time.sleep(0.05)\n"
        "    try:\n        os.preadv(file, [bytearray(1)], 0, os.RWF_NOWAIT); answers.add(1)\n"
        "    except BlockingIOError: answers.add(0)\n"
        "found = answers",
    ),
    "how many processes there are": (
        "for _ in range(30): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "info = ctypes.create_string_buffer(256)\ncall(99, info)\n"
        "found = struct.unpack_from('H', info, 80)[0] // 25",
    ),
    "how many terminals there are": (
        "kept = [os.open('/dev/ptmx', os.O_RDWR) for _ in range(9)]",
        "found = int(open('/proc/sys/kernel/pty/nr').read()) // 9",
    ),
}
# These change with what else the machine does, so that only their answer in a sandbox is held.
UNSTEADY = ("how many processes there are", "how many terminals there are")
PAGES = "what lies in the page cache"  # some file systems keep everything

# What a submission may try on another process, and on a file, of the account that grades.
ON_OTHERS = {
    "its priority": "os.setpriority(os.PRIO_PROCESS, {pid}, 19)",
    "the priority of all of the account": "os.setpriority(os.PRIO_USER, os.getuid(), 19)",
    "its processors": "os.sched_setaffinity({pid}, [0])",
    "its limits": "import resource; resource.prlimit({pid}, resource.RLIMIT_NOFILE, (5, 5))",
    "its scheduling": "os.sched_setscheduler({pid}, os.SCHED_IDLE, os.sched_param(0))",
    "the mode of a file": "os.chmod({file!r}, 0)",
    "the times of a file": "os.utime({file!r}, (5, 5))",
    "an attribute of a file": "os.setxattr({file!r}, 'user.x', b'1')",
    "the length of a file": "os.truncate({file!r}, 0)",
}
