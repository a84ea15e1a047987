"""The sweeps whose results are committed: by name, what each varies; scripts/record_lora.py runs them.

The task and its length were chosen by looking at vanilla LoRA alone (data/README.md has every task that was tried).
"""

from __future__ import annotations

from pathlib import Path

from .models import load_base
from .results import Sweep
from .sweep import sweep
from .tasks import new_pairs
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
                           "seeds": SEEDS[:3]} for rank in (4, 8, 32) for size in (4, 16, 64)}  # fmt: skip
SWEEPS |= {f"explorer-{rank}-{size}": settings for (rank, size), settings in EXPLORED.items()}


def run(name: str, **how) -> Sweep:
    """Return a sweep of that name, trained now or read from the cache; how: `executor`, `cache` and the like."""
    return sweep(load_base(), new_pairs(), **({"learning_rates": RATES, "seeds": SEEDS} | SWEEPS[name] | how))
