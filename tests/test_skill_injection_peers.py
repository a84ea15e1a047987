"""Merging against the peers where the definition is the same, and what differs under one name where it is not.

mergekit runs as a separate program on files of a tiny Llama; fusion_bench's functions are loaded from its files, since
importing the whole package asks for much that is not used here; peft's are imported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from helpers.skill_injection import merge

CONFIG = LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=4, max_position_embeddings=16, tie_word_embeddings=False,
                     dtype="float32")  # fmt: skip


def made(seed, base=None):
    torch.manual_seed(seed)
    if base is None:
        return LlamaForCausalLM(CONFIG).state_dict()
    return {name: tensor + 0.02 * torch.randn_like(tensor) for name, tensor in base.items()}


BASE = made(0)
VLM, EXPERT = made(1, BASE), made(2, BASE)  # "VLM": here a language model, so that mergekit can read it


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for name, state in (("base", BASE), ("vlm", VLM), ("expert", EXPERT)):
        model = LlamaForCausalLM(CONFIG)
        model.load_state_dict(state)
        model.save_pretrained(root / name)
    return root


def mergekit(folders: Path, method: str, models: list[dict], base: bool = True, **parameters) -> dict:
    """The state dict that mergekit's program writes; models are {"model", "parameters"}."""
    recipe = {"merge_method": method, "dtype": "float32", "parameters": parameters,
              "models": [{"model": str(folders / each["model"]), "parameters": each["parameters"]} for each in models]}
    if base:
        recipe["base_model"] = str(folders / "base")
    return run_mergekit(folders, recipe)


def run_mergekit(folders: Path, recipe: dict) -> dict:
    """The state dict that mergekit's program makes by a recipe."""
    (folders / "recipe.yml").write_text(json.dumps(recipe))
    program = Path(sys.executable).with_name("mergekit-yaml")
    command = [program, "recipe.yml", "out", "--no-copy-tokenizer", "--random-seed", "7"]
    done = subprocess.run(command, cwd=folders, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return LlamaForCausalLM.from_pretrained(folders / "out").state_dict()


def two(first: dict, second: dict) -> list[dict]:
    return [{"model": "vlm", "parameters": first}, {"model": "expert", "parameters": second}]


def close(ours: dict, theirs: dict, tolerance: float = 1e-6):
    for name in theirs:
        assert torch.allclose(ours[name], theirs[name], atol=tolerance), (name, (ours[name] - theirs[name]).abs().max())


DETERMINISTIC = {
    "task_arithmetic": ("task_arithmetic", two({"weight": 1.0}, {"weight": 0.7}), {"normalize": False}, {"scale": 0.7}),
    "ties_mean": ("ties", two({"weight": 1.0, "density": 0.6}, {"weight": 0.7, "density": 0.6}), {"normalize": True},
                  {"scale": 0.7, "density": 0.6}),
    "ties_sum": ("ties", two({"weight": 1.0, "density": 0.6}, {"weight": 0.7, "density": 0.6}), {"normalize": False},
                 {"scale": 0.7, "density": 0.6}),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("method", DETERMINISTIC)
def test_equal_to_mergekit(folders, method):
    name, models, parameters, knobs = DETERMINISTIC[method]
    close(merge(BASE, VLM, EXPERT, method, **knobs), mergekit(folders, name, models, **parameters))


@pytest.mark.long
def test_linear_equals_mergekit(folders):
    linear = mergekit(folders, "linear", two({"weight": 0.6}, {"weight": 0.4}), base=False, normalize=True)
    close(merge(BASE, VLM, EXPERT, "linear", scale=0.4), linear)


@pytest.mark.long
def test_breadcrumbs_equal_to_mergekit_with_both_vectors(folders):
    settings = {"density": 0.6, "gamma": 0.05}
    theirs = mergekit(folders, "breadcrumbs", two({"weight": 1.0, **settings}, {"weight": 0.7, **settings}),
                      normalize=False)  # fmt: skip
    ours = merge(BASE, VLM, EXPERT, "breadcrumbs", form="two_vector", scale=0.7, density=0.6, top=0.05)
    close(ours, theirs)


@pytest.mark.long
def test_slerp_equals_mergekit(folders):
    recipe = {"merge_method": "slerp", "dtype": "float32", "base_model": str(folders / "vlm"),
              "models": [{"model": str(folders / name)} for name in ("vlm", "expert")], "parameters": {"t": 0.3}}
    close(merge(BASE, VLM, EXPERT, "slerp", scale=0.3), run_mergekit(folders, recipe), 1e-5)


@pytest.mark.long
def test_dare_of_mergekit_has_another_rescale(folders):
    """Ours divides by the density, mergekit keeps the L1 norm: alike on large tensors, not on small ones."""
    theirs = mergekit(folders, "dare_linear", two({"weight": 1.0, "density": 1.0}, {"weight": 1.0, "density": 0.5}),
                      normalize=False)  # fmt: skip
    name = "model.embed_tokens.weight"
    change = theirs[name] - VLM[name]
    kept = change.abs() > 1e-7
    assert abs(float(kept.float().mean()) - 0.5) < 0.05
    delta = (EXPERT[name] - BASE[name])
    factor = (change[kept] / delta[kept]).median()
    assert float(factor) == pytest.approx(float(delta.abs().sum() / delta[kept].abs().sum()), rel=1e-3)
    ours = merge(BASE, VLM, EXPERT, "dare", density=0.5, seed=1)[name] - VLM[name]
    own = ours.abs() > 1e-7
    assert torch.allclose(ours[own] / delta[own], torch.full_like(ours[own], 2.0), rtol=1e-2)


def l1_rescale(delta: torch.Tensor, density: float, generator) -> torch.Tensor:
    kept = torch.where(torch.rand(delta.shape, generator=generator) < density, delta, 0.0)
    return kept * delta.abs().sum() / kept.abs().sum().clamp(min=1e-12)


@pytest.mark.parametrize("size, biased", [(16, True), (40_000, False)])
def test_keeping_the_l1_norm_is_biased_on_small_tensors(size, biased):
    generator = torch.Generator().manual_seed(0)
    delta = torch.randn(size, generator=generator)
    largest = delta.abs().argmax()
    draws = 4_000 if size < 100 else 300
    mean = sum(l1_rescale(delta, 0.2, generator)[largest] for _ in range(draws)) / draws
    assert (abs(float(mean / delta[largest]) - 1) > 0.25) == biased


def test_without_the_rescale_a_draw_carries_the_density_instead_of_one():
    generator = torch.Generator().manual_seed(1)
    delta = torch.randn(20_000, generator=generator)
    mask = torch.rand(delta.shape, generator=generator) < 0.2
    torch.div(torch.where(mask, delta, 0.0), 0.2)  # the shipped fault: the result is thrown away
    forgotten = torch.where(mask, delta, 0.0)
    assert float(forgotten @ delta / (delta @ delta)) == pytest.approx(0.2, abs=0.02)
    assert float(torch.where(mask, delta / 0.2, 0.0) @ delta / (delta @ delta)) == pytest.approx(1.0, abs=0.06)


def test_peft_elects_on_signs_without_weights_and_divides_by_the_count():
    from peft.utils.merge_utils import ties as peft_ties

    vectors = [torch.tensor([1.0, 1.0, -1.0, 0.5]), torch.tensor([1.0, -2.0, 0.5, 0.0])]
    assert peft_ties(vectors, torch.tensor([1.0, 0.5]), 1.0).tolist() == [0.75, -1.0, -1.0, 0.5]


def fusion_bench(file: str):
    """A module of the installed fusion_bench, loaded alone; the few names that it imports are stand-ins."""
    found = importlib.util.find_spec("fusion_bench")
    stand_ins = {
        "fusion_bench": {"BaseAlgorithm": object, "BaseModelPool": object, "auto_register_config": lambda cls: cls},
        "fusion_bench.mixins": {"LightningFabricMixin": type("Mixin", (), {})},
        "fusion_bench.utils": {"timeit_context": lambda *_: contextlib.nullcontext()},
        "fusion_bench.utils.type": {"StateDictType": dict},
        "fusion_bench.utils.state_dict_arithmetic": {"state_dict_add": None, "state_dict_sub": None},
    }  # fmt: skip
    before = {name: sys.modules.get(name) for name in stand_ins}
    for name, content in stand_ins.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(content)
    try:
        path = Path(found.submodule_search_locations[0]) / "method" / file
        spec = importlib.util.spec_from_file_location(f"peer_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name, old in before.items():
            sys.modules.pop(name) if old is None else sys.modules.__setitem__(name, old)
    return module


def deltas():
    return [{name: state[name] - BASE[name] for name in BASE} for state in (VLM, EXPERT)]


def test_iso_c_tsv_m_and_wudi_equal_to_fusion_bench(capsys):
    iso = fusion_bench("isotropic_merging/iso_utils.py").iso_c(deltas(), accelerator="cpu")
    tsv = fusion_bench("task_singular_vector/utils/TSVM_utils.py").compute_and_sum_svd_mem_reduction(
        deltas(), accelerator="cpu")  # fmt: skip
    wudi = fusion_bench("wudi/wudi.py").wudi_merging(deltas(), accelerator="cpu", iter_num=20)
    for method, theirs, knobs in (("iso_c", iso, {}), ("tsv_m", tsv, {}),
                                  ("wudi", wudi, {"steps": 20, "learning_rate": 1e-5})):  # fmt: skip
        ours = merge(BASE, VLM, EXPERT, method, scale=1.0, **knobs)
        close(ours, {name: BASE[name] + theirs[name].detach() for name in BASE}, 2e-6)
