"""Files to be written: which tensor goes where, and bytes put there in any order."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .stored import INDEX, SINGLE, Stored


@dataclass(frozen=True)
class Shard:
    """One file to be written: its name, where each tensor goes, and the bytes before them all."""

    name: str
    tensors: dict[str, Stored]
    header: bytes

    @property
    def weights(self) -> int:
        """Return the bytes of all tensors."""
        return sum(stored.nbytes for stored in self.tensors.values())

    @property
    def nbytes(self) -> int:
        """Return the length of the file."""
        return len(self.header) + self.weights


def plan_shards(tensors: Mapping[str, Stored], limit: int) -> list[Shard]:
    """Return the files for tensors of these shapes and dtypes, in their order, each of at most `limit` bytes.

    A tensor larger than that has a file to itself. A single file is called model.safetensors and needs no index.
    """
    groups, size = [{}], 0
    for name, stored in tensors.items():
        if groups[-1] and size + stored.nbytes > limit:
            groups.append({})
            size = 0
        groups[-1][name] = stored
        size += stored.nbytes
    names = [f"model-{place:05d}-of-{len(groups):05d}.safetensors" for place in range(1, len(groups) + 1)]
    return [_shard(name, group) for name, group in zip(names if len(names) > 1 else [SINGLE], groups)]


def _shard(name: str, group: Mapping[str, Stored]) -> Shard:
    """Return the layout of one file; wide dtypes come first, so that every tensor is aligned."""
    order = sorted(group, key=lambda tensor: -(group[tensor].nbytes // max(math.prod(group[tensor].shape), 1)))
    about, starts, start = {"__metadata__": {"format": "pt"}}, {}, 0
    for tensor in order:
        stored, starts[tensor] = group[tensor], start
        start += stored.nbytes
        about[tensor] = {"dtype": stored.dtype, "shape": stored.shape, "data_offsets": [starts[tensor], start]}
    text = json.dumps(about).encode()
    text += b" " * (-len(text) % 8)
    header = len(text).to_bytes(8, "little") + text
    placed = {tensor: replace(group[tensor], path=Path(name), start=len(header) + starts[tensor]) for tensor in order}
    return Shard(name, placed, header)


def create(path: Path, shard: Shard) -> None:
    """Write a file of the shard's length that has its header and no weights yet."""
    with open(path, "wb") as file:
        file.write(shard.header)
        file.truncate(shard.nbytes)


def write_at(path: Path, start: int, data) -> None:
    """Write an array of bytes into an existing file, from byte `start` on."""
    view = memoryview(data)
    with open(path, "r+b", buffering=0) as file:
        file.seek(start)
        while view:
            view = view[file.write(view) :]


def write_index(folder: Path, shards: Sequence[Shard]) -> None:
    """Write the index of several files as transformers reads it; nothing for a single file."""
    if len(shards) > 1:
        size = sum(shard.weights for shard in shards)
        where = {name: shard.name for shard in shards for name in shard.tensors}
        content = {"metadata": {"total_size": size}, "weight_map": dict(sorted(where.items()))}
        (folder / INDEX).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
