"""The process that parses a text before the grader does: what is too dear ends it, and no more.

It needs Python only, reads one request a line from standard input (a text, and how many seconds it
may take), and answers each with a line: whether it could be parsed, and the seconds that it took.
A text that is no Python has been parsed, too.
"""

from __future__ import annotations

import ast
import json
import resource
import signal
import symtable
import sys
import time

MEMORY = 400_000_000  # bytes


def parsed(text: str) -> bool:
    """Whether a text can be parsed, or is no Python, within what this process may use."""
    try:
        ast.parse(text)
        symtable.symtable(text, "cell", "exec")
    except MemoryError:
        return False
    except (SyntaxError, ValueError, RecursionError):
        pass
    return True


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request, begin = json.loads(line), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])  # when it is over, so is this
        answer = parsed(request["text"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps([answer, time.process_time() - begin]), flush=True)


if __name__ == "__main__":
    main()
