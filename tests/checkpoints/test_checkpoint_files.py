"""What a merge of checkpoint folders writes, what it says, and how much memory it takes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest
import torch
from safetensors.torch import save_file
from tiny_folders import PARTS, SMALL, listing, run, weights

from helpers.skill_injection import stored
from helpers.skill_injection.checkpoints import unfinished


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
