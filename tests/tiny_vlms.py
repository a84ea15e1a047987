"""Tiny random VLMs with their base and an expert, as checkpoint folders: small versions of tests/vlm_configs/*.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedTokenizerFast

CONFIGS = Path(__file__).parent / "vlm_configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.json"))
LAYOUTS = ("written", "published", "memory")
# Rows of the base's embedding, tokens of its tokenizer, rows of the VLM's embedding; the VLM has two more tokens.
# As in the real ones: rows added, rows of padding used for the image tokens, fewer rows than the base.
ROWS = {"qwen2-vl-7b": (40, 36, 40), "qwen2.5-vl-7b": (40, 36, 40), "qwen3-vl-4b": (40, 36, 40),
        "internvl3-8b": (40, 34, 36)}  # fmt: skip
OTHER_ROWS = (40, 40, 44)
_TEXT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
         "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 64, "pad_token_id": 0,
         "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
_VISION = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
           "image_size": 8, "patch_size": 4, "projection_dim": 16}  # fmt: skip
_QWEN_VISION = {"depth": 1, "hidden_size": 16, "embed_dim": 16, "intermediate_size": 16, "num_heads": 2,
                "out_hidden_size": 16, "patch_size": 4, "spatial_merge_size": 1, "temporal_patch_size": 1,
                "num_position_embeddings": 4, "fullatt_block_indexes": [0], "mlp_ratio": 1,
                "deepstack_visual_indexes": [0]}  # fmt: skip


@dataclass(frozen=True)
class Folders:
    """Checkpoint folders of a VLM, its base and an expert."""

    vlm: Path
    base: Path
    expert: Path


def read_config(name: str) -> dict:
    """Return what tests/vlm_configs has on one model."""
    return json.loads((CONFIGS / f"{name}.json").read_text())


def build(vlm: dict, base: dict) -> tuple[nn.Module, nn.Module]:
    """Return the VLM and the base of two configurations."""
    vlm = CONFIG_MAPPING[vlm["model_type"]].from_dict(vlm)
    base = CONFIG_MAPPING[base["model_type"]].from_dict(base)
    return AutoModelForImageTextToText.from_config(vlm), AutoModelForCausalLM.from_config(base)


def tiny_configs(name: str) -> tuple[dict, dict]:
    """Return the configurations of VLM and base, small."""
    about, (base_rows, _, rows) = read_config(name), ROWS.get(name, OTHER_ROWS)
    vlm, base = about["vlm"], about["base"] | _TEXT | {"vocab_size": base_rows}
    text = _TEXT | {"vocab_size": rows}
    scaling = {"rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1]}}
    if "text_config" in vlm:
        text = vlm["text_config"] | text | (scaling if "rope_scaling" in vlm["text_config"] else {})
        vlm = vlm | {"text_config": text}
    else:
        vlm = vlm | text | scaling
    vlm = vlm | {"vision_config": _tiny_vision(vlm["vision_config"]), "hidden_size": 16, "projection_dim": 16}
    ids = {key: rows - 1 for key in vlm if re.match("image_token_(id|index)$", key)}
    return vlm | ids | {"image_grid_pinpoints": [[8, 8]], "pad_token_id": 0}, base


def _tiny_vision(config: dict) -> dict:
    if "depth" in config:
        return {key: _QWEN_VISION.get(key, value) for key, value in config.items()}
    lists = isinstance(config.get("image_size"), list)
    return config | _VISION | ({"image_size": [8, 8], "patch_size": [4, 4]} if lists else {})


def tiny_models(name: str, seed: int = 0) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return VLM, base and expert; the VLM's language model and the expert are the base with a little noise."""
    torch.manual_seed(seed)
    configs = tiny_configs(name)
    vlm, base = build(*configs)
    _, expert = build(*configs)
    for model in (vlm, expert):
        _copy_with_noise(model.get_decoder(), base.model)
        if not model.config.tie_word_embeddings:
            _copy_with_noise(model.lm_head, base.lm_head)
    return vlm, base, expert


@torch.no_grad()
def _copy_with_noise(to: nn.Module, start: nn.Module) -> None:
    """Set parameters to those of the same name plus noise; where rows differ, those that both have."""
    start = dict(start.named_parameters())
    for name, parameter in to.named_parameters():
        rows = min(len(parameter), len(start[name]))
        parameter[:rows] = start[name][:rows] + 0.01 * torch.randn_like(start[name][:rows])


def save_model(model: nn.Module, folder: Path, layout: str = "written", max_shard_size: str = "5GB") -> None:
    """Write a checkpoint folder.

    layout: names as `save_pretrained` writes them, as in the published files (older ones have one module more in the
    vision encoder), or those in memory.
    """
    if layout == "memory":
        tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in tied}
        model.config.save_pretrained(folder)
        return save_file(state, folder / "model.safetensors", {"format": "pt"})
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    old = model.config.model_type in ("llava", "llava_next", "paligemma")
    if layout == "published" and old:
        rename_tensors(folder, lambda name: re.sub("^vision_tower\\.", "vision_tower.vision_model.", name))


def rename_tensors(folder: Path, rename) -> None:
    """Rename the tensors of a folder with one safetensors file."""
    path = folder / "model.safetensors"
    save_file({rename(name): tensor for name, tensor in load_file(path).items()}, path, {"format": "pt"})


def save_tokenizer(folder: Path, tokens: list[str]) -> None:
    """Write the files of a word-level tokenizer with these tokens, in the order of their rows."""
    tokenizer = Tokenizer(models.WordLevel({token: row for row, token in enumerate(tokens)}, unk_token=tokens[0]))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=tokens[0]).save_pretrained(folder)


def tiny_folders(name: str, folder: Path, layout: str = "written", dtype: torch.dtype = torch.float32, seed: int = 0,
                 max_shard_size: str = "5GB") -> Folders:  # fmt: skip
    """Return folders of a tiny VLM, its base and an expert of one of NAMES, with tokenizers, written into `folder`."""
    folders = Folders(*(Path(folder) / part for part in ("vlm", "base", "expert")))
    _, count, _ = ROWS.get(name, OTHER_ROWS)
    words = [f"w{row}" for row in range(count)]
    for part, model in zip(("vlm", "base", "expert"), tiny_models(name, seed)):
        path = getattr(folders, part)
        path.mkdir(parents=True, exist_ok=True)
        save_model(model.to(dtype), path, layout if part == "vlm" else "written", max_shard_size)
        save_tokenizer(path, words + ["<image>", "<fake>"] if part == "vlm" else words)
    return folders
