"""Checkpoint folders that are damaged or do not fit are refused in words before anything is written."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_folders import PARTS, listing, run, same, weights

from helpers.skill_injection import stored
from helpers.skill_injection.checkpoints import merge_checkpoints, unfinished
from helpers.skill_injection.models import language_model


def first_file(folder):
    return min(folder.glob("*.safetensors"))


def change_index(folder, change):
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))


def truncate(folder):
    path = first_file(folder)
    path.write_bytes(path.read_bytes()[:-4])


def spoil_header(folder):
    path = first_file(folder)
    path.write_bytes(path.read_bytes()[:8] + b"?" + path.read_bytes()[9:])


def move_tensor(index):
    names = sorted(index["weight_map"])
    index["weight_map"][names[0]] = index["weight_map"][names[-1]]


DAMAGE = {
    "truncated": (truncate, ValueError, "the VLM: .* is truncated or damaged .*; download it again"),
    "cut to nothing": (lambda folder: first_file(folder).write_bytes(b""), ValueError, "truncated or damaged"),
    "header": (spoil_header, ValueError, "truncated or damaged"),
    "missing": (lambda folder: first_file(folder).unlink(), FileNotFoundError, r"1 of \d files .*\(first: model-00001"),
    "no index": (lambda folder: (folder / stored.INDEX).unlink(), FileNotFoundError,
                 r"expected model\.safetensors or .*, found model-00001-of"),
    "index cut": (lambda folder: (folder / stored.INDEX).write_text("{"), ValueError, "is not JSON"),
    "index a list": (lambda folder: (folder / stored.INDEX).write_text("[]"), ValueError, "holds no JSON object"),
    "index empty": (lambda folder: change_index(folder, lambda index: index.clear()), ValueError, "has no weight_map"),
    "index of numbers": (lambda folder: change_index(folder, lambda index: index.update(weight_map={"w": 1})),
                         ValueError, "has no weight_map"),
    "index elsewhere": (lambda folder: change_index(folder, lambda index: index["weight_map"].update(w="../a")),
                        ValueError, r"names '\.\./a', expected a file of the same folder"),
    "index of another": (lambda folder: change_index(folder, move_tensor), ValueError, "and its index differ in"),
    "config": (lambda folder: (folder / "config.json").write_text("{"), ValueError, r"config\.json is not JSON"),
    "folder": (lambda folder: shutil.rmtree(folder), FileNotFoundError, "expected a checkpoint folder"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_found_before_anything_is_written(damage, folders):
    spoil, error, said = DAMAGE[damage]
    spoil(folders / "vlm")
    before = listing(folders)
    with pytest.raises(error, match=said):
        run(folders, folders / "out")
    assert listing(folders) == before


def test_weights_in_another_format(folders):
    path = folders / "expert" / "model.safetensors"
    path.rename(path.with_name("pytorch_model.bin"))
    with pytest.raises(FileNotFoundError, match=r"the expert: .* found pytorch_model\.bin; another format becomes"):
        run(folders, folders / "out")


@pytest.mark.parametrize("part, value", [("expert", float("nan")), ("expert", float("inf")), ("base", float("nan")),
                                         ("vlm", float("-inf"))])  # fmt: skip
@pytest.mark.parametrize("method", ["dare", "ties", "slerp"])
def test_weights_that_are_not_finite_are_an_error(part, value, method, folders):
    name = ("language_model." if part == "vlm" else "") + "model.layers.2.mlp.up_proj.weight"
    path = next(path for path in (folders / part).glob("*.safetensors") if name in load_file(path))
    state = load_file(path)
    state[name][-1, -1] = value
    save_file(state, path, {"format": "pt"})
    said = r"model\.layers\.2\.mlp\.up_proj\.weight in .*" + path.name + " has NaN or infinite values"
    with pytest.raises(ValueError, match=said):
        run(folders, folders / "out", method)
    assert not (folders / "out").exists() and not unfinished(folders / "out").exists()


def test_a_result_too_large_for_its_dtype(folders):
    half = {name: tensor.half() for name, tensor in weights(folders / "vlm").items()}
    shutil.rmtree(folders / "vlm")
    (folders / "vlm").mkdir()
    save_file(half, folders / "vlm" / "model.safetensors")
    with pytest.raises(ValueError, match=r"does not fit into torch\.float16, whose largest value is 6\.55e\+04"):
        run(folders, folders / "out", scale=1e9)


# Models that look wrong


def test_base_and_vlm_in_one_folder(saved, tmp_path):
    with pytest.raises(ValueError, match="base and VLM are one folder"):
        merge_checkpoints(saved / "vlm", saved / "vlm", saved / "expert", tmp_path / "out")


def test_a_vlm_whose_language_model_was_never_tuned(folders):
    """Stated rule: it is merged, with a remark, and gives the expert's weights."""
    for path in (folders / "vlm").glob("*.safetensors"):
        state, base = load_file(path), weights(folders / "base")
        start = {name: base.get(name.removeprefix("language_model."), tensor) for name, tensor in state.items()}
        save_file(start, path, {"format": "pt"})
    with pytest.warns(UserWarning, match="the VLM's language model equals the base; merging one expert at scale 1"):
        run(folders, folders / "out")
    merged, expert = weights(folders / "out"), weights(folders / "expert")
    assert all(torch.allclose(merged[f"language_model.{name}"], tensor, atol=1e-6) for name, tensor in expert.items())


def test_an_expert_that_is_the_base_changes_nothing(saved, tmp_path):
    with pytest.warns(UserWarning, match="the expert equals the base: it has nothing to add"):
        merge_checkpoints(saved / "base", saved / "vlm", saved / "base", tmp_path / "out", progress=False)
    assert same(weights(tmp_path / "out"), weights(saved / "vlm"))


def test_an_expert_from_another_base_is_named(folders):
    torch.manual_seed(7)
    language_model().save_pretrained(folders / "expert")
    plan = run(folders, folders / "out", dry_run=True)
    assert "Look: the expert lies so far from the base" in repr(plan) and plan.distances["the expert"] > 1
    assert plan.distances["the VLM"] < 0.5
    with pytest.warns(UserWarning, match="is it another base"):
        run(folders, folders / "out")


def test_models_that_do_not_fit_are_an_error_before_anything_is_written(folders):
    state = weights(folders / "expert")
    del state["model.layers.1.mlp.up_proj.weight"]
    save_file(state, folders / "expert" / "model.safetensors")
    with pytest.raises(ValueError, match=r"the expert lacks 1 of its tensors .*layers\.1\.mlp\.up_proj"):
        run(folders, folders / "out")
    assert {path.name for path in folders.iterdir()} == set(PARTS)


@pytest.mark.parametrize("settings, said", [
    ({"method": "tie"}, "method is one of"),
    ({"density": 0.5}, "task_arithmetic has no knob density"),
    ({"form": "two"}, "has the form"),
])  # fmt: skip
def test_settings_are_checked_first(settings, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        merge_checkpoints(tmp_path, tmp_path, tmp_path, tmp_path / "out", **settings)
