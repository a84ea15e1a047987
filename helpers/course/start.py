"""`start`: the first call of every notebook."""

from __future__ import annotations

import os
import platform
import random
import sys

import numpy as np

from helpers.course import machine, versions
from helpers.course.display import publish
from helpers.course.session import SESSION, check_module

SEED = 0
SHOWN = ("torch", "transformers", "peft")
USES_PEFT = ("lora",)
# JupyterLab breaks long lines of output anywhere, in the middle of words too.
WHOLE_WORDS = "<style>.jp-OutputArea-output pre {word-break: normal; overflow-wrap: anywhere}</style>"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def start(module: str) -> None:
    """Print one line on what runs here, then set threads, seeds, plot style and clock for the module.

    A further line says in words what to do about each package outside the tested range. Calling it again starts anew.
    """
    check_module(module)
    set_threads(thread_count())
    set_seeds(SEED)
    from helpers.course.plots import style

    style()
    print(summary())
    publish({"text/html": WHOLE_WORDS, "text/plain": ""})
    remarks = versions.outside(versions.requirements())
    if module in USES_PEFT:
        remarks += versions.block_old_torchao()
    for remark in remarks:
        print(remark)
    SESSION.restart(module)


def summary() -> str:
    """One line: versions, device where torch is loaded, cores, free memory."""
    parts = [f"Python {platform.python_version()}", *(f"{name} {versions.version(name)}" for name in SHOWN)]
    torch = sys.modules.get("torch")
    if torch is not None:
        parts.append(f"device {'cuda' if torch.cuda.is_available() else 'cpu'}")
    count, free = thread_count(), machine.free_memory()
    parts.append("1 core" if count == 1 else f"{count} cores")
    if free is not None:
        parts.append(f"{free / 2**30:.1f} GiB free")
    course = versions.version(versions.COURSE)
    return " · ".join([*parts, "course not installed" if course == "absent" else f"course {course}"])


def thread_count() -> int:
    """Threads to use: the cores this process may use, or fewer where OMP_NUM_THREADS already asks for fewer."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    available = machine.cores()
    return min(available, int(asked)) if asked.isdigit() and int(asked) else available


def set_threads(count: int) -> None:
    """Set the thread count for libraries to come (variables) and for those already loaded."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(count)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads are 7x slower on a shared core
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=count)
    if sys.modules.get("torch"):
        sys.modules["torch"].set_num_threads(count)


def set_seeds(seed: int) -> None:
    """Seed random, numpy, and torch where it is loaded."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
