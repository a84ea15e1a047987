"""The fence around the executors: an audit hook on file operations, which also feeds the undo log.

Python tells an audit hook of every file operation before it happens (PEP 578). That stops what a model's arguments
can make an executor do. It does not stop native code, or a program that an executor starts: where Linux has Landlock,
`confinement.py` lets the kernel stop these too. Neither is a prison for an executor that was written to break out.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from .undo import Undo

COURSE = str(Path(__file__).resolve().parents[1])  # never readable, but for a skill's own folder
READABLE = {os.path.realpath(place) for place in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(),
                                                  "/usr", "/lib", "/lib64", "/bin", "/etc/ssl")}  # fmt: skip
DEVICES = {"/dev/null", os.devnull}
# Which arguments of an audit event are paths, each with the argument that holds its dir_fd, if any.
CHANGES = {"os.remove": [(0, 1)], "os.rmdir": [(0, 1)], "os.mkdir": [(0, 2)], "os.rename": [(0, 2), (1, 3)],
           "os.truncate": [(0, None)], "os.chmod": [(0, 2)], "os.chown": [(0, 3)], "os.utime": [(0, 3)],
           "os.setxattr": [(0, None)], "os.removexattr": [(0, None)], "sqlite3.connect": [(0, None)]}  # fmt: skip
REFUSED = ("os.symlink", "os.link", "os.chdir", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
           "os.system", "os.chroot", "ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.cdata", "socket.connect",
           "socket.bind", "socket.sendto", "gc.get_objects", "gc.get_referrers", "sys.settrace")  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Outside(PermissionError):
    """An executor wanted something that the fence does not allow."""


def within(path: str, folder: str) -> bool:
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def place(path: str | bytes, dir_fd: int | None) -> str:
    """Return where a path leads, links followed; Outside if it is relative to what cannot be found out."""
    path = os.fsdecode(path)
    if dir_fd not in (None, -1) and not os.path.isabs(path):
        try:
            path = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), path)
        except OSError:
            raise Outside(f"{path!r} is relative to an open folder; give a path instead") from None
    return os.path.realpath(path)


class Guard:
    """An audit hook that lets executors change root and scratch alone, and read these, skills and Python.

    What is about to change inside root goes into the undo log first. Anything else raises Outside.
    """

    def __init__(self, root: str, scratch: str, undo: Undo, skills: list[str]) -> None:
        self.root, self.scratch, self.undo, self.own = root, scratch, undo, [root, scratch, *skills]

    def __call__(self, event: str, args: tuple) -> None:
        if self.undo.busy:
            return
        if event == "open":
            path, mode, flags = args
            if flags & WRITING and mode is None and not isinstance(path, int) and not os.path.isabs(path):
                raise Outside(f"os.open of the relative path {path!r}; use open(), which the fence can follow")
            self.change(path) if flags & WRITING else self.look(path)
        elif event in CHANGES:
            for which, dir_fd in CHANGES[event]:
                self.change(args[which], args[dir_fd] if dir_fd else None, event)
        elif event in ("os.listdir", "os.scandir"):
            self.look(args[0])
        elif event in REFUSED or (event == "ctypes.dlopen" and args[0]):
            raise Outside(f"{event} is not allowed to executors; work on files of the workspace, in Python")

    def change(self, path: str | bytes | int, dir_fd: int | None = None, event: str = "open") -> None:
        real = "" if isinstance(path, int) else place(path, dir_fd)
        if real == self.root and event in ("os.rmdir", "os.rename"):
            raise Outside("the workspace itself stays; change what is in it")
        if within(real, self.root):
            self.undo.keep(real)
        elif real and real not in DEVICES and not within(real, self.scratch):
            raise Outside(f"{path!r} is outside the workspace; give a path inside it, relative to its top")

    def look(self, path: str | bytes | int | None) -> None:
        real = "" if isinstance(path, int) else place(path or ".", None)
        own = any(within(real, folder) for folder in self.own)
        python = any(within(real, folder) for folder in READABLE) and not within(real, COURSE)
        if real and not (own or python or real in DEVICES):
            raise Outside(f"{path!r} is outside the workspace; give a path inside it, relative to its top")
