"""The sweep against a loop over peft, in replica-steps per CPU second, and the memory of a full chunk: make bench.

One thread each. What is compared is the whole of a training step: forward, backward, clipping, AdamW. A missed target
is printed, never raised: seconds depend on the machine, and mean something only if it is idle.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import time

import pytest
import torch
from peft import LoraConfig, get_peft_model

from helpers.lora.models import load_base
from helpers.lora.stacked import TARGETS, Replica
from helpers.lora.tasks import new_pairs
from helpers.lora.training import Settings, Trainer, losses

REPLICAS = 72


def line(what: str, measured: str, target: str, met: bool) -> None:
    print(f"{what:<44} {measured:>44}   target {target:<10} {'met' if met else 'NOT MET'}")


def peft_step(base, batch: int):
    """Return a function that does one step of one fine-tuning with peft and torch's AdamW."""
    model = get_peft_model(copy.deepcopy(base), LoraConfig(r=8, lora_alpha=8, target_modules=list(TARGETS))).train()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer, texts = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.0), new_pairs().train[:batch]

    def step():
        loss, _ = losses(model.base_model.model, texts, 1)
        optimizer.zero_grad()
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()

    return step


def our_step(base, batch: int):
    """Return a function that does one step of 72 fine-tunings."""
    replicas = [Replica("lora", 1e-3, seed) for seed in range(REPLICAS)]
    trainer = Trainer(base, replicas, Settings(batch_size=batch))
    texts = new_pairs().train[torch.arange(batch).repeat(REPLICAS)]
    return lambda: trainer.step(texts, 0, 1.0)


def cpu_seconds(step, count: int) -> float:
    """Return CPU seconds of a step, the best of three series."""
    step()
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        for _ in range(count):
            step()
        best = min(best, (time.process_time() - begin) / count)
    return best


@pytest.mark.parametrize("batch", [4, 8, 16])
def test_replica_steps_per_cpu_second(batch):
    torch.set_num_threads(1)
    base = load_base()
    theirs, ours = cpu_seconds(peft_step(base, batch), 60), cpu_seconds(our_step(base, batch), 6) / REPLICAS
    print()
    found = f"{1e3 * ours:.2f}, {1e3 * theirs:.2f}: {theirs / ours:.1f} times"
    line(f"batch {batch}: ms a replica-step, peft's", found, "4 times", theirs >= 4 * ours)


MEMORY = """
import torch
from helpers.lora.models import load_base
from helpers.lora.sweeping import sweep
from helpers.lora.tasks import new_pairs
torch.set_num_threads(1)
rates = [1e-3 * 1.1**place for place in range(18)]
sweep(load_base(), new_pairs(200, 50, 50), ("lora", "pissa"), rates, (0, 1), steps=6, cache=None, progress=False)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def test_memory_of_72_replicas():
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    peak = int(done.stdout) / 1e6
    print()
    line("72 replicas: peak memory of the process", f"{peak:.2f} GB", "0.9 GB", peak < 0.9)
