"""Shards of merged tensors, computed by several threads and written in any order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from .blocks import Block, Recipe, Sources, for_blocks, merge_block, row_blocks, selects
from .pairing import MERGE
from .plan import MergePlan
from .shards import Shard, create, write_at
from .stored import Stored, as_bytes, read_into

BUDGET = 256 * 2**20  # bytes for the blocks of all threads together, where tensors are small
ARRAYS = 10  # of a block's size in float32 that one thread holds at a time
CHUNK = 2**23  # bytes copied at a time


@dataclass(frozen=True)
class Crew:
    """Who works: a `map` over blocks, and memory for the numbers of one whole tensor, used where a method selects."""

    run: Callable
    scratch: Tensor


@contextmanager
def crew(plan: MergePlan) -> Iterator[Crew]:
    """Give a crew of as many threads as torch has, fewer where blocks are large; each calls torch with one thread."""
    about = plan.recipe.about
    merged = [plan.sources(pair) for pair in plan.pairs if pair.action == MERGE]
    largest = max((each.rows * each.vlm.width for each in merged), default=0)
    scratch = torch.empty(largest if selects(about) else 0)
    blocks = [(last - first) * each.vlm.width for each in merged for first, last in row_blocks(each, about)[:1]]
    threads = torch.get_num_threads()
    count = max(1, min(threads, max(BUDGET, 4 * largest) // (4 * ARRAYS * max(blocks, default=1))))
    bytearray(31 * 2**20)  # freed at once: glibc then keeps up to 64 MB instead of returning each block to the system
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield Crew(pool.map, scratch)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # what a thread sets is also what later threads start with


def write_shard(plan: MergePlan, shard: Shard, files: dict[int, Path], crew: Crew, advance: Callable) -> None:
    """Write one shard of those results whose files are given, by their number; each appears when it is complete.

    advance: called with the number of bytes of the VLM that are done.
    """
    parts = [path.with_name(f"{path.name}.part") for path in files.values()]
    for part in parts:
        create(part, shard)
    recipe = replace(plan.recipe, knobs=tuple(plan.recipe.knobs[place] for place in files))
    pairs = {pair.vlm: pair for pair in plan.pairs}
    for name, placed in shard.tensors.items():
        rows = 0
        if pairs[name].action == MERGE:
            sources = plan.sources(pairs[name])
            rows = sources.rows
            _write_merged(sources, recipe, placed, parts, crew, advance)
        _copy(plan.models["the VLM"].tensors[name], placed, rows, parts, crew.run, advance)
    for part, path in zip(parts, files.values()):
        flush(part)
        part.replace(path)


def _write_merged(sources: Sources, recipe: Recipe, placed: Stored, parts: list[Path], crew: Crew,
                  advance: Callable) -> None:  # fmt: skip
    """Merge one tensor in blocks and write each to its place in all files."""
    method = for_blocks(sources, recipe, crew.scratch, crew.run)

    def work(block: Block) -> int:
        merged = merge_block(sources, recipe, method(block), block)
        for part, tensor in zip(parts, merged):
            write_at(part, placed.offset(block[0]), as_bytes(tensor.contiguous()))
        return merged[0].nbytes

    for done in crew.run(work, row_blocks(sources, recipe.about)):
        advance(done)


def _copy(source: Stored, placed: Stored, row: int, parts: list[Path], run: Callable, advance: Callable) -> None:
    """Copy a tensor of the VLM from a row on, byte by byte, whatever its dtype."""
    skipped = source.offset(row) - source.start if row else 0

    def work(start: int) -> int:
        data = bytearray(min(CHUNK, source.nbytes - start))
        read_into(source.path, source.start + start, data)
        for part in parts:
            write_at(part, placed.start + start, data)
        return len(data)

    for done in run(work, range(skipped, source.nbytes, CHUNK)):
        advance(done)


def flush(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
