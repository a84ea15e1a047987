"""The tiny base: a real `LlamaForCausalLM` of about 108,000 parameters, pretrained by scripts/make_models.py."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from .language import BOS, PAD, WORDS

SHIPPED = Path(__file__).with_name("data") / "base.safetensors"


def config() -> LlamaConfig:
    """Return the base's configuration: two layers of width 64."""
    return LlamaConfig(
        vocab_size=WORDS, hidden_size=64, intermediate_size=176, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=32, tie_word_embeddings=False, pad_token_id=PAD,
        bos_token_id=BOS, eos_token_id=None, dtype="float32",
    )  # fmt: skip


def tiny_model(state: dict[str, Tensor] | None = None) -> LlamaForCausalLM:
    """Return a model of that configuration, its weights random (torch's seed) or those of the state dict."""
    model = LlamaForCausalLM(config())
    if state is not None:
        model.load_state_dict(state)
    return model.eval()


def load_base(path: str | Path = SHIPPED) -> LlamaForCausalLM:
    """Return the pretrained base that comes with the course."""
    return tiny_model(load_file(path))


def save_base(model: LlamaForCausalLM, path: str | Path) -> None:
    """Write a base's weights as safetensors."""
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
