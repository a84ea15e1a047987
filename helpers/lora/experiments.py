"""The sweeps whose results are committed: by name, what each varies; scripts/record_lora.py runs them.

The task and its length were chosen by looking at vanilla LoRA alone (data/README.md has every task that was tried).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import nn

from .hessian import WeightCurvature
from .models import load_base
from .real import load_model, reference_task
from .results import Sweep
from .stacked import targets
from .sweeping import sweep
from .tasks import Task, new_pairs
from .training import task_gradients
from .variants import METHODS

DATA = Path(__file__).with_name("data")
RATES = tuple(float(f"{2e-4 * 10 ** (place / 4):.3g}") for place in range(-2, 10))  # 6.3e-5 to 3.6e-2
SEEDS = (0, 1, 2, 3, 4)
EXAMPLES = 3_840  # seen in every run but those that vary the length, once each
PAPER = ("lora", "pissa", "milora", "init_ab", "olora", "lora_ga", "dora", "gralora", "randlora", "loft")
STARTS = PAPER[:6]
RANKS, BATCHES, LENGTHS = (4, 8, 16, 32, 64), (4, 8, 16, 32, 64), (60, 120, 240, 480, 960)

SWEEPS: dict[str, dict] = {"main": {"methods": tuple(METHODS)}}
SWEEPS |= {f"rank-{rank}": {"methods": ("lora", "pissa"), "rank": rank} for rank in RANKS}
SWEEPS |= {f"alpha-{rank}": {"methods": ("lora",), "rank": rank, "alpha": 8.0} for rank in RANKS}
SWEEPS |= {f"batch-{size}": {"methods": ("lora",), "batch_size": size, "steps": EXAMPLES // size} for size in BATCHES}
SWEEPS |= {f"steps-{steps}": {"methods": ("lora",), "steps": steps} for steps in LENGTHS}
EXPLORED = {(rank, size): {"methods": tuple(METHODS), "rank": rank, "batch_size": size, "steps": EXAMPLES // size,
                           "learning_rates": RATES[2:], "seeds": SEEDS[:2]}
            for rank in (4, 8, 32) for size in (4, 16, 64)}  # fmt: skip
SWEEPS |= {f"explorer-{rank}-{size}": settings for (rank, size), settings in EXPLORED.items()}


def run(name: str, **how) -> Sweep:
    """Return a sweep of that name, trained now or read from the cache; how: `executor`, `cache` and the like."""
    return sweep(load_base(), new_pairs(), **({"learning_rates": RATES, "seeds": SEEDS} | SWEEPS[name] | how))


REAL_RATES = (5e-5, 1.6e-4, 5e-4, 1.6e-3, 5e-3, 1.6e-2)
REAL_LAYERS = (0, 5, 11, 17, 23, 29)
REAL_MODULES = tuple(f"model.layers.{layer}.self_attn.{name}_proj" for name in "qk" for layer in REAL_LAYERS)


def run_real(**how) -> Sweep:
    """Return the short sweep on SmolLM2-135M: LoRA and PiSSA, 40 steps of 4 windows of Python's reference."""
    model, tokenizer = load_model()
    return sweep(model, reference_task(tokenizer), ("lora", "pissa"), REAL_RATES, SEEDS[:3], rank=16, batch_size=4,
                 steps=40, **how)  # fmt: skip


def curvature_rows(model: nn.Module, task: Task, modules: Iterable[str], rank: int, texts: int) -> Iterator[dict]:
    """Yield lambda_max of each start at each module, and the gradient's largest singular value there.

    The curvature is that of the last `texts` training texts; LoRA-GA's gradient is that of the first 64.
    """
    gradients = task_gradients(model, task)
    for module in modules:
        curvature = WeightCurvature(model, module, task.train[-texts:])
        size = float(torch.linalg.matrix_norm(curvature.gradient, 2))
        for method in STARTS:
            value = curvature.top_eigenvalue(method, rank, gradient=gradients[module])
            yield {"module": module, "method": method, "lambda": value, "gradient": size}


def tiny_curvature() -> Iterator[dict]:
    """Yield the rows of the tiny base: all its modules, 128 texts, rank 8."""
    model = load_base()
    return curvature_rows(model, new_pairs(), targets(model), 8, 128)


def real_curvature() -> Iterator[dict]:
    """Yield the rows of SmolLM2-135M: queries and keys of six layers, four windows, rank 16."""
    model, tokenizer = load_model()
    return curvature_rows(model, reference_task(tokenizer), REAL_MODULES, 16, 4)
