"""Checkpoint folders of the tests: merge three of them, read what came out, compare."""

import torch
from safetensors.torch import load_file

from helpers.skill_injection.checkpoints import merge_checkpoints

SMALL = 300_000  # bytes a shard: several shards even for the tiny world
PARTS = ("base", "vlm", "expert")


def run(folder, out, method="task_arithmetic", **settings):
    settings = {"progress": False, "shard_bytes": SMALL} | settings
    return merge_checkpoints(*(folder / part for part in PARTS), out, method, **settings)


def weights(folder):
    tensors = {}
    for path in folder.glob("*.safetensors"):
        tensors |= load_file(path)
    return tensors


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}
