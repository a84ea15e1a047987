"""Train the tiny models that come with the course and write them into helpers/*/data (`make models`).

    python -m scripts.make_models [folder]      (about eight minutes on two cores; default helpers/skill_injection/data)

Module 1: the shipped family (seed 0) and the hidden one on which exercises are scored (seed 100), side by side in two
processes of one thread each. One thread makes the numbers repeat exactly on one machine; another machine may differ in
last digits, and tests/test_skill_injection_training.py says whether what comes out behaves alike.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

HIDDEN_SEED = 100


def make(seed: int, path: Path) -> Path:
    """Train one family and write it; the hidden one has a VLM and two experts only."""
    import torch

    from helpers.skill_injection.family import save_family, train_family

    torch.set_num_threads(1)
    less = {"recipes": ("joint",), "skills": ("spanish", "two_steps")} if seed == HIDDEN_SEED else {}
    save_family(train_family(seed, **less), path)
    return path


def main(folder: Path) -> None:
    """Train both families and say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = {0: folder / "family.safetensors", HIDDEN_SEED: folder / "hidden.safetensors"}
    os.environ["OMP_NUM_THREADS"] = "1"  # for the children, before they import torch
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for path in pool.map(make, todo, todo.values()):
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "helpers/skill_injection/data"))
