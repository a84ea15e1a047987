"""Calling a learner's function: on copies, its stderr and warnings kept apart, its errors turned into words."""

from __future__ import annotations

import copy
import dis
import inspect
import linecache
import os
import sys
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from helpers.course.threads import settled

LIBRARIES = tuple(
    f"{Path(folder).resolve()}{os.sep}"
    for folder in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), Path(__file__).parent.parent)
)
# All that Python does in a function whose body is `...`, awaited or not (3.11 to 3.14).
IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "RETURN_GENERATOR", "POP_TOP", "MAKE_CELL",
        "CALL_INTRINSIC_1", "RERAISE", "COPY_FREE_VARS"}  # fmt: skip

LONG = 30.0  # seconds after which a check says that it still waits for an answer


@dataclass(frozen=True)
class Raised:
    """An error in a learner's code: its words, and the line where it happened."""

    error: str
    place: str


@dataclass(frozen=True)
class Call:
    """What one call gave: the result (or Raised), and the arguments as the call left them."""

    result: object
    args: tuple


def call(function: Callable, args: tuple) -> Call:
    """The function called on deep copies of `args`; every error but KeyboardInterrupt comes back as Raised."""
    args = copy.deepcopy(args)
    try:
        return Call(settled(function)(*args), args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit from exit() would end the kernel's cell without a word
        return Call(raised(error), args)


def raised(error: BaseException) -> Raised:
    """The error in words, with the last line of it that is not in a library."""
    try:
        words = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    except Exception:  # an error whose own text fails
        words = type(error).__name__
    steps = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [step for step in steps if not in_library(step[0])]
    if not own:
        return Raised(words, "")
    linecache.checkcache(own[-1][0])
    text = linecache.getline(*own[-1]).strip()
    return Raised(words, f"line {own[-1][1]}" + (f": {text}" if text else ""))


def in_library(filename: str) -> bool:
    """Whether a file belongs to Python, to an installed package or to the course, rather than to the learner."""
    if filename.startswith("<"):  # a cell of an older IPython, or typed at a prompt
        return filename.startswith("<frozen")
    path = str(Path(filename).resolve())
    return any(part in path for part in ("site-packages", "dist-packages")) or path.startswith(LIBRARIES)


@contextmanager
def waited_for(title: str):
    """Say after a while that a check still runs, and how to end it: a loop that never ends is silent."""
    words = f"{title}: still at work after {LONG:g} s. Does a loop never end? Interrupt it, with the square button."
    timer = threading.Timer(LONG, print, [words])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def apart():
    """Send to stdout what the learner's code writes to stderr or warns of: nbgrader counts stderr as a failure."""
    with redirect_stderr(sys.stdout), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)  # about libraries, as Python does by default
        yield
    remarks = {f"Remark: {each.category.__name__}: {each.message}" for each in caught}
    for remark in sorted(remarks):
        print(remark)


def arguments_problem(function: Callable, reference: Callable, args: tuple) -> tuple[str, str] | None:
    """How the exercise calls the function and what the learner's takes, where the two do not fit."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return None
    try:
        signature.bind(*args)
    except TypeError:
        names = list(inspect.signature(reference).parameters)[: len(args)]
        return f"{len(args)} argument{'' if len(args) == 1 else 's'} ({', '.join(names)})", f"a function of {signature}"
    return None


def not_attempted(function: Callable, results: list) -> bool:
    """Whether a function gave nothing each time because nothing was written: its body is a stub, or gives `...`."""
    return all(map(is_blank, results)) and (any(each is not None for each in results) or _is_stub(function))


def _is_stub(function: Callable) -> bool:
    """Whether a function's body is `...`, `pass` or a docstring; also True of what has no code to look at."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is None or {step.opname for step in dis.get_instructions(code)} <= IDLE


def is_blank(value) -> bool:
    """Whether the value says that nothing was written yet: None, `...`, or several of these."""
    if isinstance(value, (tuple, list)):
        return bool(value) and all(map(is_blank, value))
    return value is None or value is ...
