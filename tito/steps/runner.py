"""The process that runs a notebook's cells: IPython without a kernel, driven over pipes.

It needs Python and IPython only. It reads one request a line from standard input (a cell to run, or
an interrupt), and writes one line of JSON for each output and one at a cell's end. Whatever student
code writes there itself can only fake outputs of its own notebook; no mark depends on them.
"""

from __future__ import annotations

import asyncio
import binascii
import builtins
import gc
import importlib.machinery
import io
import json
import os
import queue
import select
import signal
import sys
import threading
import types
import zlib
from collections.abc import Iterable

if __name__ == "__main__":  # what is imported stays, so nothing of it is garbage
    gc.disable()

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import CBool, Type
from traitlets.config import Config

MOST_TEXT = 1_000_000  # characters that one cell may print; nbgrader shows 1,000 lines of them
FLUSHED_EVERY = 0.2  # seconds


class Channel:
    """Where lines go to."""

    def __init__(self, descriptor: int):
        self.file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")
        self.lock = threading.RLock()
        self.owner = os.getpid()
        self.before_output = lambda: None

    def send(self, **line) -> None:
        """Send one line; a forked child sends nothing, it would be taken for its parent's."""
        if os.getpid() != self.owner:
            return
        text = json.dumps(line, default=plain) + "\n"
        with self.lock:
            self.file.write(text)
            self.file.flush()

    def output(self, kind: str, **content) -> None:
        """Send an output of a cell, in nbformat's words, after what was printed before it."""
        self.before_output()
        sys.stdout.flush()
        sys.stderr.flush()
        self.send(output={"output_type": kind, **content})


def plain(x):
    """What JSON knows, for what it does not know."""
    if isinstance(x, bytes):
        return binascii.b2a_base64(x, newline=False).decode()
    if isinstance(x, Iterable):
        return list(x)
    return str(x)


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a notebook: collects text and sends it in larger pieces."""

    encoding, errors = "utf-8", "backslashreplace"

    def __init__(self, name: str, descriptor: int, channel: Channel):
        self.name, self.descriptor, self.channel = name, descriptor, channel
        self.lock = threading.RLock()
        self.parts: list[str] = []
        self.length = self.printed = 0

    def write(self, text: str) -> int:
        """Take up some text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        with self.lock:
            self.parts.append(text)
            self.length += len(text)
        if self.length > 8192:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what was collected, as far as the cell may print more."""
        with self.lock:
            text, self.parts, self.length = "".join(self.parts), [], 0
            room = MOST_TEXT - self.printed
            self.printed += len(text)
            if len(text) > room >= 0:
                text = text[:room] + "\n... Output truncated ...\n"
            elif room < 0:
                text = ""
            if text:
                self.channel.send(output={"output_type": "stream", "name": self.name, "text": text})

    def fileno(self) -> int:
        """The descriptor that other programs write to; what comes there is an output too."""
        return self.descriptor

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class Pump(threading.Thread):
    """Passes on what is written to the descriptors 1 and 2 themselves, and flushes in between."""

    def __init__(self, streams: dict[int, Stream]):
        super().__init__(daemon=True)
        self.streams, self.lock = streams, threading.Lock()
        self.ends = {}
        for descriptor, stream in streams.items():
            end, other = os.pipe()
            os.dup2(other, descriptor)
            os.close(other)
            os.set_blocking(end, False)
            self.ends[end] = stream

    def run(self) -> None:
        while True:
            ready, _, _ = select.select(list(self.ends), [], [], FLUSHED_EVERY)
            if ready:
                self.drain()
            else:
                for stream in self.ends.values():
                    stream.flush()

    def drain(self) -> None:
        """Take up what has been written so far."""
        with self.lock:
            for end, stream in self.ends.items():
                try:
                    while data := os.read(end, 65536):
                        stream.write(data.decode("utf-8", "replace"))
                except BlockingIOError:
                    pass


class Compiler(CachingCompiler):
    """Names cells as a kernel does, but the same each time."""

    def get_code_name(self, raw_code, transformed_code, number):
        return f"/tmp/ipykernel_0/{zlib.crc32(raw_code.encode('utf-8', 'replace'))}.py"


class Hook(DisplayHook):
    """Sends results."""

    def start_displayhook(self):
        self.content = None

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.content = {"data": format_dict, "metadata": md_dict or {}}

    def finish_displayhook(self):
        if self.content and self.content["data"]:
            count = self.prompt_count
            self.shell.channel.output("execute_result", execution_count=count, **self.content)
        self.content = None


class Publisher(DisplayPublisher):
    """Sends what is displayed."""

    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **kwargs):
        name = (transient or {}).get("display_id")
        kind = "update_display_data" if update else "display_data"
        self.shell.channel.output(kind, data=data, metadata=metadata or {}, display_id=name)

    def clear_output(self, wait=False):
        self.shell.channel.output("clear_output", wait=bool(wait))


class Shell(InteractiveShell):
    """An IPython whose outputs go to a channel, as a kernel's go to its notebook."""

    compiler_class = Type(Compiler)
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    autoindent = CBool(False)
    stopped = False
    channel: Channel

    def _showtraceback(self, etype, evalue, stb):
        self.channel.output(
            "error", ename=str(etype.__name__), evalue=str(evalue), traceback=list(stb)
        )

    def ask_exit(self):
        self.stopped = True

    def enable_gui(self, gui=None):
        pass

    def init_virtualenv(self):
        pass


def make_shell(channel: Channel) -> Shell:
    """The one shell of this process."""
    settings = Config()
    settings.HistoryManager.enabled = False
    shell = Shell.instance(config=settings)
    shell.channel = channel
    return shell


class Later(types.ModuleType):
    """A module that is loaded when something in it is looked for, or changed."""

    def __getattr__(self, name: str):
        load(self)
        if type(self) is Later:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self, name)

    def __setattr__(self, name: str, value) -> None:
        if not name.startswith("__"):
            load(self)
        types.ModuleType.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        load(self)
        return list(vars(self))


loading, being_loaded = threading.RLock(), []


def load(module: Later) -> None:
    """Load a module, unless it is being made or loaded; from then on it is one as any other."""
    with loading:
        is_there = sys.modules.get(module.__name__) is module
        if type(module) is not Later or module in being_loaded or not is_there:
            return
        being_loaded.append(module)
        try:
            module.__loader__.exec_module(module)
            module.__class__ = types.ModuleType
        finally:
            being_loaded.remove(module)


class LoadingLater:
    """Finds what most notebooks import at their top: half of them draw nothing when graded.

    It loads for longer than everything else that a notebook of the course needs.
    """

    NAME = "matplotlib.pyplot"

    def find_spec(self, name: str, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == self.NAME else None
        if spec is None:
            return None
        later = importlib.machinery.ModuleSpec(name, self, origin=spec.origin, loader_state=spec)
        later.has_location, later.cached = True, spec.cached
        return later

    def create_module(self, spec) -> Later:
        return Later(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing yet but name who will load it; one that is loaded is loaded again."""
        module.__spec__ = module.__spec__.loader_state
        module.__loader__ = module.__spec__.loader
        if type(module) is not Later:
            module.__loader__.exec_module(module)


class StdinNotImplementedError(NotImplementedError):
    """What a kernel raises as well."""


def no_input(prompt: str = "", *rest, **kwargs) -> str:
    """`input` where nobody is there to answer."""
    raise StdinNotImplementedError(
        "raw_input was called, but this frontend does not support input requests."
    )


class Runner:
    """Runs cells one after another, each within the same event loop."""

    def __init__(self, channel: Channel, pump: Pump):
        self.channel, self.pump = channel, pump
        self.shell = make_shell(channel)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.busy_with: int | None = None

    def run(self, number: int, source: str) -> None:
        """Run one cell."""
        for stream in self.pump.ends.values():
            stream.printed = 0
        self.busy_with = number
        task = self.loop.create_task(self.execute(source))
        try:
            self.finish(task)
        finally:
            self.busy_with = None
        self.pump.drain()
        sys.stdout.flush()
        sys.stderr.flush()
        count = self.shell.execution_count - 1
        self.channel.send(done=number, count=count, stopped=self.shell.stopped)

    def finish(self, task) -> None:
        """Wait for a cell; an interrupt that comes while it awaits something cancels it."""
        while True:
            try:
                return self.loop.run_until_complete(task)
            except KeyboardInterrupt:
                task.cancel()
            except BaseException:  # it was cancelled
                return None

    async def execute(self, source: str) -> None:
        """Run one cell, as a kernel does where a cell awaits something."""
        shell, trouble, result = self.shell, None, None
        try:
            transformed = shell.transform_cell(source)
        except Exception:
            transformed, trouble = source, sys.exc_info()
        try:
            result = await shell.run_cell_async(
                source,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=trouble,
            )
        finally:
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)

    def interrupt(self, number: int) -> None:
        """What Ctrl-C does, if that cell is still running."""
        if self.busy_with == number:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def take_over() -> tuple[Channel, Pump]:
    """Have standard output and error go to the channel, and nothing come from standard input."""
    channel = Channel(os.dup(1))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    pump = Pump({1: Stream("stdout", 1, channel), 2: Stream("stderr", 2, channel)})
    sys.stdout, sys.stderr = pump.streams[1], pump.streams[2]
    channel.before_output = pump.drain
    return channel, pump


def look_like_a_kernel() -> None:
    """Set what a notebook finds set when a kernel runs it."""
    builtins.input = no_input
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        TERM="xterm-color",
        CLICOLOR="1",
        FORCE_COLOR="1",
        CLICOLOR_FORCE="1",
        PAGER="cat",
        GIT_PAGER="cat",
    )
    sys.path.insert(0, os.getcwd())
    sys.argv[1:] = []
    sys.meta_path.insert(0, LoadingLater())


def listen(requests: Iterable[str], runner: Runner, cells: queue.SimpleQueue) -> None:
    """Take requests as they come; an interrupt is for the cell that is running."""
    for line in requests:
        request = json.loads(line)
        if "interrupt" in request:
            runner.interrupt(request["interrupt"])
        else:
            cells.put(request)
    os._exit(0)  # whoever asked is gone, so that nobody waits for the cell that is running


def main() -> None:
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    channel, pump = take_over()
    look_like_a_kernel()
    runner = Runner(channel, pump)
    gc.freeze()
    gc.enable()
    pump.start()
    channel.send(ready=True)
    cells: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=listen, args=(requests, runner, cells), daemon=True).start()
    while not runner.shell.stopped:
        try:
            request = cells.get()
            runner.run(request["cell"], request["source"])
        except KeyboardInterrupt:  # one that came too late
            continue
    os._exit(0)


if __name__ == "__main__":
    main()
