"""Fine-tuning of your own model on your own text with peft, at a learning rate that fits the variant."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tqdm.auto import trange

from .real import load_model
from .stacked import TARGETS
from .tasks import cut
from .training import order, schedule
from .variants import METHODS

RATE, RANK, FALL = 2e-4, 128, 0.42  # LoRA's best rate on Qwen3-0.6B, at that rank, and its exponent in the rank (paper)
SLOWER = {"lora": 1.0, "dora": 1.8, "init_ab": 1.8, "milora": 3.2, "pissa": 10.0, "olora": 17.8}  # LoRA's rate / theirs
FAR = 10.0


def suggest_rate(method: str, rank: int) -> float:
    """Return a first guess of the best learning rate with alpha = rank, from the paper's sweeps; expect to be off by 3.

    Raises ValueError for methods that `finetune` does not have.
    """
    if method not in SLOWER:
        raise ValueError(f"method is one of {', '.join(SLOWER)}; got {method!r}")
    if rank < 1:
        raise ValueError(f"rank is at least 1, got {rank}")
    return RATE * (RANK / rank) ** FALL / SLOWER[method]


def finetune(model_name_or_path: str | None, dataset: str | Path | list[str], method: str = "lora",
             learning_rate: float | None = None, rank: int = 16, steps: int = 100, batch_size: int = 4,
             length: int = 256, seed: int = 0, device: str | None = None) -> tuple[PeftModel, list[float]]:
    """Return a fine-tuned peft model and its training losses.

    model_name_or_path: as for `load_model`; dataset: a text file or a list of texts, cut into windows of `length`
    tokens. learning_rate None takes `suggest_rate`; one more than ten times off is used with a warning. device: "cuda"
    where there is one, else "cpu". Raises ValueError for a bad rate, an unknown method or a text that is too short.
    """
    rate = suggest_rate(method, rank) if learning_rate is None else checked_rate(learning_rate, method, rank)
    texts = dataset if isinstance(dataset, list) else [Path(dataset).read_text(encoding="utf-8")]
    model, tokenizer = load_model(model_name_or_path)
    tokens = tokenizer("\n\n".join(texts), return_tensors="pt")["input_ids"][0]
    train = cut(tokens, length)
    adapted = with_adapter(model, method, rank, seed).to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    optimizer, history = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0), []
    places = order(seed, len(train), steps * batch_size).view(steps, batch_size)
    for step in trange(steps, desc=f"{METHODS[method].title} at {rate:.1e}"):
        optimizer.param_groups[0]["lr"] = rate * schedule(step, steps)
        batch = train[places[step]].to(adapted.device)
        loss = adapted(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        history.append(float(loss.detach()))
    return adapted, history


def checked_rate(rate: float, method: str, rank: int) -> float:
    """Return the rate, with a warning if it is far from the suggested one. Raises ValueError if it is none."""
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a learning rate is a finite number above 0, got {rate}")
    expected = suggest_rate(method, rank)
    if not expected / FAR <= rate <= expected * FAR:
        fear = "hardly any training" if rate < expected else "divergence"
        warnings.warn(f"{METHODS[method].title} at rank {rank} is usually best near {expected:.1e}; {rate:.1e} is more "
                      f"than {FAR:g} times off, expect {fear}", stacklevel=3)  # fmt: skip
    return rate


def with_adapter(model, method: str, rank: int, seed: int) -> PeftModel:
    """Return the model with peft's adapters at the variant's start (alpha = rank)."""
    adapted = get_peft_model(model, LoraConfig(r=rank, lora_alpha=rank, target_modules=list(TARGETS),
                                               use_dora=method == "dora"))  # fmt: skip
    layers = [layer for layer in adapted.modules() if hasattr(layer, "lora_A")]
    for place, layer in enumerate(layers):
        weight = layer.get_base_layer().weight
        rng = torch.Generator().manual_seed(1_000_003 * seed + place)
        start = METHODS[method].start(weight.detach().float(), rank, rng)
        with torch.no_grad():
            layer.lora_A["default"].weight.copy_(start["A"])
            layer.lora_B["default"].weight.copy_(start["B"])
            if METHODS[method].residual:
                weight.sub_(start["B"] @ start["A"])
    return adapted
