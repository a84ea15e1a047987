"""Merging checkpoint folders: the same bits as in memory, whatever is interrupted, damaged or does not fit."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter

import pytest
import tiny_vlms
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText
from transformers.utils import logging

from helpers.skill_injection import blocks, sparsify, stored, writing
from helpers.skill_injection.checkpoints import merge_checkpoints, unfinished
from helpers.skill_injection.family import load_family
from helpers.skill_injection.merging import METHODS, merge
from helpers.skill_injection.models import language_model, vision_language_model

SMALL = 300_000  # bytes a shard: several shards even for the tiny world
PARTS = ("base", "vlm", "expert")


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


def run(folder, out, method="task_arithmetic", **settings):
    settings = {"progress": False, "shard_bytes": SMALL} | settings
    return merge_checkpoints(*(folder / part for part in PARTS), out, method, **settings)


def weights(folder):
    tensors = {}
    for path in folder.glob("*.safetensors"):
        tensors |= load_file(path)
    return tensors


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that tensors of the tiny world have many."""
    monkeypatch.setattr(blocks, "BLOCK", 2**11)
    monkeypatch.setattr(blocks, "ROWS", 16)
    monkeypatch.setattr(sparsify, "ROWS", 16)


# The same bits as in memory


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


# What is written


def test_dtypes_and_all_that_is_kept_are_the_vlms(folders):
    vlm = {name: tensor.to(torch.bfloat16) for name, tensor in weights(folders / "vlm").items()}
    vlm["model.vision_tower.position_ids"] = torch.arange(5)
    shutil.rmtree(folders / "vlm")
    (folders / "vlm").mkdir()
    save_file(vlm, folders / "vlm" / "model.safetensors")
    expert = {name: tensor.double() for name, tensor in weights(folders / "expert").items()}
    save_file(expert, folders / "expert" / "model.safetensors")
    run(folders, folders / "out", scale=0.5)
    merged, base = weights(folders / "out"), weights(folders / "base")
    assert [merged[name].dtype for name in vlm] == [tensor.dtype for tensor in vlm.values()]
    for name, tensor in vlm.items():
        ours = name.removeprefix("language_model.")
        if ours in base:
            tensor = (tensor.float() + 0.5 * (expert[ours].float() - base[ours])).bfloat16()
        assert torch.equal(merged[name], tensor), name


def test_files_index_and_record(saved, tmp_path):
    plan = run(saved, tmp_path / "out", "dare", density=0.4)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    vlm = {path.name for path in (saved / "vlm").iterdir() if not path.name.endswith((".safetensors", ".md"))}
    files = {shard.name for shard in plan.shards}
    assert names == vlm | files | {"merge.json"} and len(files) > 2 and plan.written
    for shard in plan.shards:
        path = tmp_path / "out" / shard.name
        largest = max(tensor.nbytes for tensor in shard.tensors.values())
        assert path.stat().st_size == shard.nbytes < max(SMALL, largest) + len(shard.header) + 1
    index = json.loads((tmp_path / "out" / stored.INDEX).read_text())
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in weights(tmp_path / "out").values())
    assert index["weight_map"].keys() == weights(saved / "vlm").keys()
    record = json.loads((tmp_path / "out" / "merge.json").read_text())
    assert record["knobs"] == {"scale": [1.0], "density": 0.4, "seed": 0} and record["method"] == "dare"
    assert not unfinished(tmp_path / "out").exists()


def test_a_single_file_has_no_index(saved, tmp_path):
    run(saved, tmp_path / "new" / "out", shard_bytes=10**9)
    assert [path.name for path in (tmp_path / "new" / "out").glob("*.safetensors*")] == ["model.safetensors"]


def test_dry_run_writes_nothing_and_tells_every_tensor(saved, tmp_path):
    before = listing(saved)
    plan = run(saved, tmp_path / "out", dry_run=True)
    assert not list(tmp_path.iterdir()) and listing(saved) == before and not plan.written
    text = repr(plan)
    lines = Counter(line.split()[0] for line in text.splitlines() if line.startswith(("merge", "keep")))
    assert lines["merge"] == len(weights(saved / "base")) and sum(lines.values()) == len(weights(saved / "vlm"))
    assert re.search(r"merge  language_model\.lm_head\.weight  F32 \d+x96  with lm_head\.weight  \(language ", text)
    assert re.search(r"keep   multi_modal_projector\.linear_1\.bias  F32 96  \(projector\)", text)
    assert "task_arithmetic, injection form" in text and "planned" in text and "scale=1.0" in text


def test_progress_is_shown_and_can_be_left_out(saved, tmp_path, capfd):
    run(saved, tmp_path / "quiet")
    assert capfd.readouterr() == ("", "")
    run(saved, tmp_path / "shown", progress=True)
    assert "task_arithmetic: 100%" in capfd.readouterr().err


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


# Interrupted


KILLED = """
import os, signal, sys
from helpers.skill_injection import checkpoints, writing
plain, calls = writing.write_at, []
def write_at(*place):
    calls.append(place)
    if len(calls) == int(sys.argv[5]):
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*place)
writing.write_at = write_at
checkpoints.merge_checkpoints(*sys.argv[1:5], method="dare", progress=False, shard_bytes=int(sys.argv[6]))
"""


def test_a_second_call_goes_on_after_a_kill(saved, tmp_path):
    run(saved, tmp_path / "whole", "dare")
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, *(str(saved / part) for part in PARTS), str(out), "22", str(SMALL)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert not out.exists()
    finished = {path.name: path.stat().st_mtime_ns for path in unfinished(out).glob("*.safetensors")}
    assert 0 < len(finished) < len(list((tmp_path / "whole").glob("*.safetensors")))
    assert list(unfinished(out).glob("*.part"))
    run(saved, out, "dare")
    now = listing(out)
    assert all(now[out / name] == time for name, time in finished.items())
    assert same(weights(out), weights(tmp_path / "whole"))
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}


def stop_at(monkeypatch, error, count=12):
    """Let writing fail from the count-th block on."""
    plain, calls = writing.write_at, []

    def write_at(*place):
        calls.append(place)
        if len(calls) >= count:
            raise error
        return plain(*place)

    monkeypatch.setattr(writing, "write_at", write_at)


def test_an_interrupt_keeps_what_is_finished(saved, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, KeyboardInterrupt())
        run(saved, tmp_path / "out")
    kept = listing(unfinished(tmp_path / "out"))
    assert {path.suffix for path in kept} == {".json", ".safetensors"} and not (tmp_path / "out").exists()
    run(saved, tmp_path / "out")
    assert not unfinished(tmp_path / "out").exists()


@pytest.mark.parametrize("change", ["scale", "method", "file"])
def test_other_settings_or_inputs_start_anew_and_say_so(change, folders, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, KeyboardInterrupt())
        run(folders, folders / "out")
    method, knobs = "task_arithmetic", {}
    if change == "file":
        state = weights(folders / "expert")
        save_file({name: tensor * 1.01 for name, tensor in state.items()}, folders / "expert" / "model.safetensors")
    elif change == "scale":
        knobs = {"scale": 0.5}
    else:
        method = "linear"
    with pytest.warns(UserWarning, match="out.unfinished was left by a merge with other inputs or settings"):
        run(folders, folders / "out", method, **knobs)
    run(folders, folders / "fresh", method, **knobs)
    assert same(weights(folders / "out"), weights(folders / "fresh"))


def test_a_full_disk_leaves_nothing_half_made(saved, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, OSError(errno.ENOSPC, "No space left on device"))
        said = r"No space left.* [1-9] of \d+ files are complete in .*out\.unfinished"
        with pytest.raises(OSError, match=said) as caught:
            run(saved, tmp_path / "out")
    assert caught.value.errno == errno.ENOSPC
    assert not (tmp_path / "out").exists() and not list(tmp_path.rglob("*.part"))
    run(saved, tmp_path / "out")
    run(saved, tmp_path / "fresh")
    assert same(weights(tmp_path / "out"), weights(tmp_path / "fresh"))


def test_a_disk_full_from_the_start_leaves_nothing(saved, tmp_path, monkeypatch):
    stop_at(monkeypatch, OSError(errno.ENOSPC, "No space left on device"), count=1)
    with pytest.raises(OSError, match="nothing is left of it"):
        run(saved, tmp_path / "out")
    assert not list(tmp_path.iterdir())


LIMITED = """
import resource, signal, sys
from helpers.skill_injection.checkpoints import merge_checkpoints
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    merge_checkpoints(*sys.argv[1:5], progress=False)
except OSError as error:
    print(error)
"""


def test_a_file_that_the_system_refuses(saved, tmp_path):
    places = [*(str(saved / part) for part in PARTS), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", LIMITED, *places], capture_output=True, text=True, check=True)
    assert re.search("File too large; nothing is left of it", done.stdout)
    assert not list(tmp_path.iterdir())


def test_too_little_space_is_known_before(saved, tmp_path, monkeypatch):
    usage = shutil._ntuple_diskusage(10**6, 10**6, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OSError, match=r"[\d.]+ MB are to be written, and .* has 1 KB free"):
        run(saved, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["out", "out.unfinished"])
def test_what_exists_is_not_overwritten(place, saved, tmp_path):
    (tmp_path / place).mkdir()
    (tmp_path / place / "mine").write_text("mine")
    with pytest.raises(FileExistsError, match=f"{place} .*exists"):
        run(saved, tmp_path / "out")
    assert (tmp_path / place / "mine").read_text() == "mine"


# Damaged


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


# Memory


MEMORY = """
import pathlib, shutil, sys, threading, time
from helpers.skill_injection.checkpoints import merge_checkpoints
def anonymous():
    return int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0]) // 1024
before, peak = anonymous(), [0]
def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.002)
threading.Thread(target=watch, daemon=True).start()
for method in ("task_arithmetic", "dare", "ties_mean"):
    peak[0] = 0
    merge_checkpoints(*sys.argv[1:5], method, progress=False)
    shutil.rmtree(sys.argv[4])
    print(before, peak[0])
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Three folders of 200 MB, the largest tensor of 32 MB in float32."""
    folder = tmp_path_factory.mktemp("large")
    torch.manual_seed(0)
    rows = torch.randn(2048, 4096).bfloat16()
    for part in PARTS:
        (folder / part).mkdir()
        noise = 0 if part == "base" else 0.01 * torch.randn(2048, 4096)
        state = {f"model.layers.{layer}.mlp.up_proj.weight": (rows + noise).bfloat16() for layer in range(12)}
        save_file(state, folder / part / "model.safetensors")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="RssAnon is Linux's")
def test_memory_does_not_grow_with_the_models(large, tmp_path):
    places = [*(str(large / part) for part in PARTS), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", MEMORY, *places], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        before, peak = map(int, line.split())
        assert 0 < peak < 500 + 6 * 32, "the limit of the whole process"
        assert peak - before < 32 + 100, "one tensor and the blocks of the threads; the models have 600 MB"
