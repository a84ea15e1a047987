"""Train the tiny models that come with the course and write them into helpers/*/data (`make models`).

    python -m scripts.make_models [folder]      (about eight minutes on two cores; default helpers)

Module 1: the shipped family (seed 0) and the hidden one on which exercises are scored (seed 100). Module 3: the base.
Two processes of one thread each; one thread makes the numbers repeat exactly on one machine. Another machine may differ
in last digits, and the long tests of both modules say whether what comes out behaves alike.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

HIDDEN_SEED = 100
MADE = ("skill_injection/data/family.safetensors", "skill_injection/data/hidden.safetensors",
        "lora/data/base.safetensors")  # fmt: skip


def make(name: str, folder: Path) -> Path:
    """Train what a file holds and write it; the hidden family has a VLM and two experts only."""
    import torch

    from helpers.lora.models import save_base
    from helpers.lora.pretraining import train_base
    from helpers.skill_injection.family import save_family, train_family

    torch.set_num_threads(1)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.stem == "base":
        save_base(train_base(0), path)
    elif path.stem == "hidden":
        save_family(train_family(HIDDEN_SEED, recipes=("joint",), skills=("spanish", "two_steps")), path)
    else:
        save_family(train_family(0), path)
    return path


def main(folder: Path) -> None:
    """Train all and say where they are."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for the children, before they import torch
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for path in pool.map(make, MADE, [folder] * len(MADE)):
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "helpers"))
