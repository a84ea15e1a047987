"""Merging checkpoint folders gives the bits of the merge in memory, in one reading for several scales."""

from collections import Counter

import pytest
import tiny_vlms
import torch
from tiny_folders import PARTS, run, same, weights
from transformers import AutoModelForImageTextToText

from helpers.skill_injection import blocks
from helpers.skill_injection.checkpoints import merge_checkpoints
from helpers.skill_injection.family import load_family
from helpers.skill_injection.merging import METHODS, merge
from helpers.skill_injection.models import language_model, vision_language_model


@pytest.mark.parametrize("method", METHODS)
def test_folders_give_the_bits_of_the_merge_in_memory(method, saved, models, tmp_path, small_blocks):
    knobs = {"steps": 3} if method == "wudi" else {}
    run(saved, tmp_path / "out", method, scale=0.75, **knobs)
    states = [model.state_dict() for model in models.values()]
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path / "out")
    assert same(loaded.state_dict(), merge(*states, method, scale=0.75, **knobs))


def test_the_shipped_family_from_folders_has_the_bits_of_the_merge_in_memory(tmp_path):
    family = load_family()
    states = family.base, family.vlms["joint"], family.experts["spanish"]
    for part, state in zip(PARTS, states):
        model = vision_language_model(state) if part == "vlm" else language_model(state)
        model.save_pretrained(tmp_path / part)
    for method in ("task_arithmetic", "dare", "ties_sum"):
        run(tmp_path, tmp_path / method, method)
        loaded = AutoModelForImageTextToText.from_pretrained(tmp_path / method)
        assert same(loaded.state_dict(), merge(*states, method)), method


@pytest.mark.parametrize("method", ["dare", "ties", "breadcrumbs", "della", "magnitude"])
def test_bits_do_not_depend_on_blocks_or_threads(method, saved, tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    run(saved, tmp_path / "whole", method)
    monkeypatch.setattr(blocks, "BLOCK", 500)
    torch.set_num_threads(3)
    try:
        run(saved, tmp_path / "blocks", method)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "blocks"))


@pytest.mark.filterwarnings("ignore:expert 1 equals the base")
def test_injection_form_two_vector_form_and_several_experts(saved, models, tmp_path, small_blocks):
    states = [model.state_dict() for model in models.values()]
    vlm, base, expert = saved / "vlm", saved / "base", saved / "expert"
    for place, (method, settings) in enumerate([("ties_sum", {"form": "injection", "density": 0.3}),
                                                ("dare", {"form": "two_vector", "seed": 3}),
                                                ("breadcrumbs", {"form": "two_vector", "top": 0.1}),
                                                ("task_arithmetic", {"only": r"layers\.1\."})]):  # fmt: skip
        settings = settings | {"scale": [0.5, -0.25]}
        out = tmp_path / str(place)
        merge_checkpoints(base, vlm, [expert, base], out, method, progress=False, **settings)
        loaded = AutoModelForImageTextToText.from_pretrained(out).state_dict()
        assert same(loaded, merge(states[0], states[1], [states[2], states[0]], method, **settings)), method


@pytest.mark.parametrize("name", tiny_vlms.NAMES)
@pytest.mark.parametrize("layout", tiny_vlms.LAYOUTS)
def test_every_kind_of_vlm_loads_and_has_the_skill(name, layout, tmp_path):
    found = tiny_vlms.tiny_folders(name, tmp_path, layout, max_shard_size="10KB" if layout == "written" else "5GB")
    known = tiny_vlms.ROWS.get(name, tiny_vlms.OTHER_ROWS)[1]
    plan = merge_checkpoints(found.base, found.vlm, found.expert, tmp_path / "out", progress=False, shard_bytes=10_000)
    assert len(plan.shards) > 1
    vlm, base, expert = tiny_vlms.tiny_models(name)
    merged, information = AutoModelForImageTextToText.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(information.values()), information
    with torch.no_grad():
        start, tuned = (dict(model.get_decoder().named_parameters()) for model in (base, expert))
        for key, weight in vlm.get_decoder().named_parameters():
            rows = known if key == "embed_tokens.weight" else len(weight)
            weight[:rows] += tuned[key][:rows] - start[key][:rows]
        if not vlm.config.tie_word_embeddings:
            vlm.lm_head.weight[:known] += expert.lm_head.weight[:known] - base.lm_head.weight[:known]
    for key, tensor in vlm.state_dict().items():
        assert torch.allclose(merged.state_dict()[key], tensor, atol=1e-6), key


# One reading for several scales


def test_a_list_of_scales_reads_once_and_gives_each_folder(saved, tmp_path, monkeypatch):
    read = []
    plain = blocks.read_rows
    monkeypatch.setattr(blocks, "read_rows", lambda *place: read.append(place) or plain(*place))
    run(saved, tmp_path / "one", "ties", scale=0.3)
    once = Counter(read)
    read.clear()
    plan = run(saved, tmp_path / "ties-{scale}", "ties", scale=[0.3, 0.5, 1])
    assert Counter(read) == once
    assert [out.name for out in plan.outs] == ["ties-0.3", "ties-0.5", "ties-1"]
    run(saved, tmp_path / "five", "ties", scale=0.5)
    assert same(weights(tmp_path / "ties-0.3"), weights(tmp_path / "one"))
    assert same(weights(tmp_path / "ties-0.5"), weights(tmp_path / "five"))


def test_scales_of_several_experts_in_one_reading(saved, tmp_path):
    places = saved / "base", saved / "vlm", [saved / "expert", saved / "expert"]
    merge_checkpoints(*places, tmp_path / "m-{scale}", scale=[[0.5, 0.25], 0.375], progress=False)
    first, second = (weights(tmp_path / name) for name in ("m-0.5-0.25", "m-0.375"))
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)


@pytest.mark.parametrize("out, scale, said", [
    ("out", [0.5, 1.0], "got 2 scales for 1 expert; to merge once for each scale, write {scale} in the name"),
    ("out-{scale}", 0.5, "expected a list of scales, one a folder, got 0.5"),
    ("out-{scale}", [0.5, 0.5], "expected different scales, got 0.5, 0.5"),
    ("out-{scale}", [], r"got \[\]"),
])  # fmt: skip
def test_scales_that_do_not_fit_the_name(out, scale, said, saved, tmp_path):
    with pytest.raises(ValueError, match=said):
        run(saved, tmp_path / out, scale=scale)
