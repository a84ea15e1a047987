"""The tiny models: real `transformers` classes, so that what works on them works on real checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import CLIPVisionConfig, LlamaConfig, LlamaForCausalLM, LlavaConfig, LlavaForConditionalGeneration

from .language import BOS, EOS, IMAGE, IMAGE_TOKENS, PAD, vocabulary

State = dict[str, Tensor]


def language_config() -> LlamaConfig:
    """Return the configuration of the base and the experts: 3 layers of width 96, about 350,000 parameters."""
    return LlamaConfig(
        vocab_size=len(vocabulary()), hidden_size=96, intermediate_size=256, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=64, tie_word_embeddings=False,
        pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS, dtype="float32",
    )  # fmt: skip


def vision_config() -> CLIPVisionConfig:
    """Return the configuration of the vision tower: an 8 x 8 image becomes four patches of 4 x 4 pixels."""
    return CLIPVisionConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                            num_channels=1, image_size=8, patch_size=4, projection_dim=64, dtype="float32")


def vlm_config() -> LlavaConfig:
    """Return the configuration of the VLM: that base, that tower, and a projector of two linear layers."""
    return LlavaConfig(
        vision_config=vision_config(), text_config=language_config(), image_token_index=IMAGE,
        vision_feature_layer=-1, vision_feature_select_strategy="default", image_seq_length=IMAGE_TOKENS,
        tie_word_embeddings=False, pad_token_id=PAD, dtype="float32",
    )  # fmt: skip


def language_model(state: State | None = None) -> LlamaForCausalLM:
    """Return a language model, its weights random (torch's seed) or those of the state dict."""
    return _filled(LlamaForCausalLM(language_config()), state)


def vision_language_model(state: State | None = None) -> LlavaForConditionalGeneration:
    """Return a VLM, its weights random (torch's seed) or those of the state dict."""
    return _filled(LlavaForConditionalGeneration(vlm_config()), state)


def _filled(model, state: State | None):
    if state is not None:
        model.load_state_dict(state)
    return model.eval()


def state_of(model: torch.nn.Module) -> State:
    """Return a copy of the weights, rounded to what 16-bit floats hold, as they are shipped."""
    return {name: tensor.detach().half().float() for name, tensor in model.state_dict().items()}
