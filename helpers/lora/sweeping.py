"""A sweep over methods, learning rates and seeds: split into chunks, run here or on an executor, kept on disk."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import astuple
from pathlib import Path

from torch import nn
from tqdm.auto import tqdm

from .results import Sweep
from .stacked import TARGETS, Replica, targets
from .tasks import Task
from .training import Settings, form, task_gradients, train_chunk
from .variants import METHODS

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "four-papers" / "sweeps"
MEMORY, MOST = 4 * 10**8, 72  # bytes for one chunk's activations; replicas in one chunk
VERSION = 1  # of what a run computes; older results are not read


def sweep(model: nn.Module, task: Task, methods: Iterable[str], learning_rates: Iterable[float],
          seeds: Iterable[int] = (0,), rank: int = 8, batch_size: int = 16, steps: int = 240,
          executor: Executor | None = None, *, alpha: float | None = None, modules: Iterable[str] = TARGETS,
          cache: str | Path | None = CACHE, memory: int = MEMORY, progress: bool = True) -> Sweep:
    """Return every method trained at every learning rate with every seed, all from the same model and texts.

    model: a `LlamaForCausalLM` or another with `.model` and `.lm_head`; it stays as it is. alpha None means alpha =
    rank. executor: any `concurrent.futures.Executor`; with dask.distributed, `client.get_executor()`. cache: a folder
    in which finished chunks are kept, so that an interrupted sweep goes on and a repeated one is read; None keeps
    nothing. memory: bytes that one chunk's activations may take. Methods whose rank does not fit a matrix are left out,
    with the reason in `Sweep.skipped`. Raises ValueError for unknown methods or modules, and for numbers out of range.
    """
    settings = Settings(rank, alpha, batch_size, steps, tuple(modules))
    methods, rates, seeds = list(methods), list(learning_rates), list(seeds)
    _check(methods, rates, seeds, settings)
    skipped = too_wide(model, methods, settings)
    wanted = [Replica(method, float(rate), int(seed)) for method in methods if method not in skipped
              for rate in rates for seed in seeds]  # fmt: skip
    store = Store(cache, key(model, task, settings))
    missing = [replica for replica in wanted if replica not in store.rows]
    gradients = task_gradients(model, task, settings.modules) if any(r.method == "lora_ga" for r in missing) else None
    chunks = list(split(missing, chunk_size(model, task, settings, memory)))
    if progress and len(missing) < len(wanted):
        done = len(wanted) - len(missing)
        print(f"{done} of {len(wanted)} runs were finished before and are read from {store.folder}")
    with tqdm(total=len(missing) * steps, unit="step", desc=task.name, disable=not progress or not chunks) as bar:
        for rows in _run(model, task, chunks, settings, gradients, executor, bar):
            store.add(rows)
    return Sweep([store.rows[replica] for replica in wanted], settings, task.name, task.metric, skipped)


def _run(model, task, chunks, settings, gradients, executor, bar) -> Iterator[list[dict]]:
    """Yield every chunk's rows as soon as they are there."""
    if executor is None:
        for chunk in chunks:
            yield train_chunk(model, task, chunk, settings, gradients, tick=bar.update)
        return
    futures = {executor.submit(train_chunk, model, task, chunk, settings, gradients): chunk for chunk in chunks}
    for future in as_completed(futures):
        yield future.result()
        bar.update(len(futures[future]) * settings.steps)


def _check(methods: list[str], rates: list[float], seeds: list[int], settings: Settings) -> None:
    if unknown := [method for method in methods if method not in METHODS]:
        raise ValueError(f"methods are {', '.join(METHODS)}; got {unknown[0]!r}")
    for name, values in (("methods", methods), ("learning_rates", rates), ("seeds", seeds)):
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name}: expected one or more different values, got {values}")
    if bad := [rate for rate in rates if not (math.isfinite(rate) and rate > 0)]:
        raise ValueError(f"a learning rate is a finite number above 0, got {bad[0]}")
    for name in ("rank", "batch_size", "steps"):
        if not getattr(settings, name) >= 1:
            raise ValueError(f"{name} is at least 1, got {getattr(settings, name)}")
    if settings.alpha is not None and not (math.isfinite(settings.alpha) and settings.alpha > 0):
        raise ValueError(f"alpha is a finite number above 0, or None for alpha = rank; got {settings.alpha}")


def too_wide(model: nn.Module, methods: list[str], settings: Settings) -> dict[str, str]:
    """Return {method: reason} for methods that cannot have this rank. Raises ValueError if none can."""
    reasons = {}
    for name, layer in targets(model, settings.modules).items():
        for method in methods:
            m, n = layer.weight.shape
            if reason := METHODS[method].misfit(m, n, settings.rank):
                reasons.setdefault(method, f"{reason} at {name} ({m} x {n})")
    if len(reasons) == len(methods):
        raise ValueError(f"no method fits: {next(iter(reasons.values()))}; take a lower rank")
    return reasons


def split(replicas: list[Replica], size: int) -> Iterator[list[Replica]]:
    """Yield chunks of at most `size` replicas of one form, about equally large."""
    forms: dict[tuple, list[Replica]] = {}
    for replica in replicas:
        forms.setdefault(form(replica.method), []).append(replica)
    for group in forms.values():
        pieces = math.ceil(len(group) / size)
        for piece in range(pieces):
            yield group[piece::pieces]


def chunk_size(model: nn.Module, task: Task, settings: Settings, memory: int) -> int:
    """Return how many replicas fit into so many bytes: weights of the adapters with AdamW's, and activations."""
    layers = targets(model, settings.modules).values()
    tokens = settings.batch_size * task.train.ids.shape[1]
    widths = sum(layer.in_features + layer.out_features for layer in layers)
    activations = tokens * (4 * widths + 3 * model.config.vocab_size)  # kept for the way back; logits, gradients
    return max(1, min(MOST, memory // (4 * (activations + 5 * settings.rank * widths))))


def key(model: nn.Module, task: Task, settings: Settings) -> str:
    """Return a name for all that decides about a run's result but method, rate and seed."""
    digest = hashlib.sha256(repr((VERSION, astuple(settings), str(model.config))).encode())
    parts = [part for texts in (task.train, task.validation, task.test) for part in (texts.ids, texts.labels)]
    for tensor in [*model.state_dict().values(), *parts]:
        digest.update(tensor.detach().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


class Store:
    """Finished rows by replica, in memory and as one file a chunk; a file is there in full or not at all."""

    def __init__(self, cache: str | Path | None, name: str):
        self.folder = None if cache is None else Path(cache) / name
        self.rows: dict[Replica, dict] = {}
        for path in sorted(self.folder.glob("*.json")) if self.folder else ():
            self._remember(json.loads(path.read_text(encoding="utf-8")))

    def _remember(self, rows: list[dict]) -> None:
        self.rows |= {Replica(row["method"], row["rate"], row["seed"]): row for row in rows}

    def add(self, rows: list[dict]) -> None:
        """Keep a chunk's rows."""
        self._remember(rows)
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(rows)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        part = self.folder / f"{name}.{os.getpid()}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(self.folder / f"{name}.json")
