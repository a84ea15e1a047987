"""Where the process of a run's executors comes from: a fork of a small server that has no threads and no keys.

`multiprocessing` has such a server too. A worker of this one is given a channel and nothing else, which takes less
time, and it ends with the runtime's process, however that ends.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from weakref import WeakSet

from .surroundings import clean, keys_of, paths

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none
STARTING, DYING = 30.0, 5.0  # seconds that a worker may take to be forked, and a killed one to end
# What the server runs: these very helpers, then whatever is where this process finds modules.
PROGRAM = """
import json, sys
home, *paths = json.loads(sys.argv[1])
sys.path[:] = [home]
import helpers
sys.path[:] = paths
from helpers.formal_skills.forks import serve
serve()
"""


def end_group(process: int) -> None:
    """Kill a process and the programs that it has started."""
    for kill in (getattr(os, "killpg", os.kill), os.kill):  # it may not be a group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(process, KILL)


class Worker:
    """A process at the other end of a channel."""

    def __init__(self, channel: Connection, process: int, release: Callable[[], None]) -> None:
        self.channel, self.process, self.release = channel, process, release

    def end(self) -> None:
        """Kill the worker and what it has started, and return when it is gone, and its end of the channel with it."""
        end_group(self.process)
        with suppress(EOFError, OSError):
            while self.channel.poll(DYING):
                self.channel.recv_bytes()
        self.channel.close()
        self.release()


class Server:
    """This process's line to its server, which is started when it is first needed, or gone. Forks of it share both."""

    def __init__(self) -> None:
        self.line, self.process, self.lock, self.began_with = None, None, threading.Lock(), {}
        self.workers: WeakSet[Worker] = WeakSet()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Be the server's line in a fork of this process, which has no part in the workers that are there."""
        self.lock = threading.Lock()
        for worker in self.workers:
            worker.channel.close()
            worker.release()
        self.workers = WeakSet()

    def changed(self) -> dict[str, str | None]:
        """Return the variables that were set (or unset: None) since the server started, but for keys."""
        now, then = clean(), self.began_with
        return {name: now.get(name) for name in {*now, *then} if now.get(name) != then.get(name)}

    def start_worker(self) -> Worker:
        """Return a new worker; ConnectionError if the server does not start.

        It lives as long as this end of its `life`: the server kills it when that is closed.
        """
        if not hasattr(os, "fork"):
            return spawned()
        channel, other = socket.socketpair()
        life, watched = socket.socketpair()
        with other, watched:
            self.send(other, watched)
        life.settimeout(STARTING)
        if not (process := life.recv(8)):
            raise ConnectionError("the server of workers ended while it started; its error is in this program's log")
        worker = Worker(Connection(channel.detach()), int.from_bytes(process, "big"), life.close)
        self.workers.add(worker)
        return worker

    def send(self, *ends: socket.socket) -> None:
        with self.lock:
            if self.line is None:
                self.start()
            try:
                socket.send_fds(self.line, [b"w"], [end.fileno() for end in ends])
            except OSError:  # the server is gone
                self.start()
                socket.send_fds(self.line, [b"w"], [end.fileno() for end in ends])

    def start(self) -> None:
        if self.line is not None:
            self.line.close()
        self.line, end = socket.socketpair()
        self.began_with = clean()
        with end:
            flags = subprocess._args_from_interpreter_flags()  # as multiprocessing hands them on
            places = json.dumps([str(Path(__file__).parents[2]), *paths()])
            self.process = subprocess.Popen([sys.executable, *flags, "-P", "-c", PROGRAM, places], stdin=end,
                                            env=self.began_with, start_new_session=True)  # fmt: skip


SERVER = Server()


def spawned() -> Worker:
    """Return a worker where there is no fork (Windows): a process of its own, which loads everything in seconds.

    If this process is killed, it ends after the call that it is at.
    """
    from .worker import serve_channel

    processes = multiprocessing.get_context("spawn")
    channel, end = processes.Pipe()
    process = processes.Process(target=serve_channel, args=(end,), daemon=True)
    with end, apart():
        process.start()
    return Worker(channel, process.pid, process.join)


@contextmanager
def apart() -> Iterator[None]:
    """Keep from a process that is spawned the main program, which it would run again, and the environment's keys."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    keys = {name: os.environ.pop(name) for name in keys_of(os.environ)}
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        os.environ.update(keys)


def serve() -> None:
    """Be the server, until its line ends: fork a worker for each two ends that come in, kill it when its life ends."""
    open_closed()
    serve_channel, line = loaded(), socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    news, workers = select.poll(), {}
    news.register(line, select.POLLIN)
    while True:
        for place, _ in news.poll():
            if place in workers:
                news.unregister(place)
                life, process = workers.pop(place)
                end_group(process)
                os.waitpid(process, 0)
                life.close()
            elif ends := socket.recv_fds(line, 1, 2)[1]:
                os.set_inheritable(ends[0], False)
                life = socket.socket(fileno=ends[1])
                process = forked(serve_channel, ends[0], [line, life, *(other for other, _ in workers.values())])
                workers[ends[1]] = life, process
                news.register(life, select.POLLIN)
                with suppress(OSError):  # the runtime is gone already, and its worker the next to be killed
                    life.send(process.to_bytes(8, "big"))
            else:
                for _, process in workers.values():
                    end_group(process)
                return


def open_closed() -> None:
    """Open what is closed of stdin, stdout and stderr: else a socket has its number, and programs write to that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def loaded() -> Callable[[Connection], None]:
    """Return what a worker does, loaded with all that it needs, and kept from the garbage collector's hands.

    Of jsonschema it has no grammar for the format "iri", 17 of 45 MB; a script that imports jsonschema has a whole one.
    """
    sys.modules["rfc3987_syntax"] = None
    from . import actions  # noqa: F401 (scripts import it)
    from .worker import serve_channel

    for name in [name for name in sys.modules if name.split(".")[0] in ("jsonschema", "rfc3987_syntax")]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    return serve_channel


def forked(serve_channel: Callable[[Connection], None], channel: int, others: list[socket.socket]) -> int:
    """Return the process of a fork that serves a channel, without these others."""
    if process := os.fork():
        os.close(channel)
        return process
    try:
        for other in others:
            other.close()
        serve_channel(Connection(channel))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)
