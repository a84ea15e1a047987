"""Pretraining of the tiny base on single commands and on the pairs that fine-tuning does not ask for."""

from __future__ import annotations

from math import cos, pi

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from .language import KNOWN_PAIRS, PROMPT, SINGLE, WORDS, examples
from .models import tiny_model

READS = 2 * SINGLE + KNOWN_PAIRS
BATCH, STEPS, RATE, PROMPT_SHARE = 128, 3_000, 3e-3, 0.3


def train_base(seed: int = 0, steps: int = STEPS) -> LlamaForCausalLM:
    """Return a base trained from random weights; about 100 CPU seconds."""
    torch.manual_seed(seed)
    model, rng = tiny_model().train(), np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.1)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (0.05 + 0.95 * (1 + cos(pi * step / steps)) / 2)
        optimizer.zero_grad()
        reading_loss(model, examples(rng, BATCH, READS)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def reading_loss(model: LlamaForCausalLM, ids: Int[Tensor, "texts length"]) -> Float[Tensor, ""]:
    """Return the cross-entropy of the answers and a share of that of the prompts."""
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    losses = F.cross_entropy(logits.reshape(-1, WORDS), ids[:, 1:].reshape(-1), reduction="none").view(len(ids), -1)
    return losses[:, PROMPT - 1 :].mean() + PROMPT_SHARE * losses[:, : PROMPT - 1].mean()
