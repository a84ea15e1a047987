"""The tiny world's base, VLM and expert as folders, in as many pieces as a real one."""

import shutil

import pytest
import torch
from tiny_folders import PARTS
from transformers.utils import logging

from helpers.skill_injection import blocks, sparsify
from helpers.skill_injection.models import language_model, vision_language_model


@pytest.fixture(scope="module", autouse=True)
def quiet():
    logging.disable_progress_bar()


@pytest.fixture(scope="module")
def models():
    """Base, VLM and expert of the tiny world, random; weights on a grid, so that many differences are equal."""
    torch.manual_seed(0)
    made = language_model(), vision_language_model(), language_model()
    start = dict(made[0].named_parameters())
    for model, decoder in ((made[1], made[1].model.language_model), (made[2], made[2].model)):
        pairs = [(f"model.{name}", weight) for name, weight in decoder.named_parameters()]
        for name, weight in [*pairs, ("lm_head.weight", model.lm_head.weight)]:
            weight.data = start[name].data + (torch.randn_like(weight) * 4).round() / 2**10
    return dict(zip(PARTS, made))


@pytest.fixture(scope="module")
def saved(models, tmp_path_factory):
    """The same three as folders, the VLM in several files; with some files beside the weights."""
    folder = tmp_path_factory.mktemp("models")
    for part, model in models.items():
        model.save_pretrained(folder / part, max_shard_size="500KB" if part == "vlm" else "5GB")
    (folder / "vlm" / "preprocessor_config.json").write_text('{"size": 8}')
    (folder / "vlm" / "README.md").write_text("About the VLM alone.")
    assert len(list((folder / "vlm").glob("*.safetensors"))) > 2
    return folder


@pytest.fixture
def folders(saved, tmp_path):
    """A copy of the three folders that a test may damage."""
    for part in PARTS:
        shutil.copytree(saved / part, tmp_path / part)
    return tmp_path


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that tensors of the tiny world have many."""
    monkeypatch.setattr(blocks, "BLOCK", 2**11)
    monkeypatch.setattr(blocks, "ROWS", 16)
    monkeypatch.setattr(sparsify, "ROWS", 16)
