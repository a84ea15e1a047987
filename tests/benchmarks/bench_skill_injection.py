"""Merging three checkpoints of 1.1 GB against the mergekit program and against plain reading and writing: make bench.

One run each, on files made on the spot and in the page cache. A missed target is printed, never raised: seconds depend
on the machine, and mean something only if it is idle. Seconds are those of whole programs, imports included, except
where compared with plain reading and writing; memory is the peak of what a program holds for itself (RssAnon, by
looking every 5 ms) and of all that is resident (VmHWM: with files mapped into memory, which the system can take back).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig

ROOT = Path(__file__).parents[2]
MERGEKIT = Path(sys.executable).with_name("mergekit-yaml")
SCALE, DENSITY = 0.8, 0.5
# ours, its settings; mergekit's name, its settings, density of the VLM's vector (1: kept whole); times faster
SAME = [("task_arithmetic", {}, "task_arithmetic", {}, 1.0, 2),
        ("dare", {"density": DENSITY}, "dare_linear", {}, 1.0, 2),
        ("ties_mean", {"density": DENSITY}, "ties", {"normalize": True}, DENSITY, 4)]  # fmt: skip
OURS = """
import json, sys, time
from helpers.skill_injection.checkpoints import merge_checkpoints
before = time.perf_counter()
merge_checkpoints(*sys.argv[1:5], progress=False, **json.loads(sys.argv[5]))
print(time.perf_counter() - before)
"""
PLAIN = """
import sys, time
from pathlib import Path
before, buffer = time.perf_counter(), bytearray(2**18)
with open(sys.argv[4], "wb", buffering=0) as out:
    for folder in sys.argv[1:4]:
        with open(Path(folder) / "model.safetensors", "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                if folder == sys.argv[2]:
                    out.write(memoryview(buffer)[:count])
print(time.perf_counter() - before)
"""


@dataclass(frozen=True)
class Cost:
    """Of one program: seconds, CPU seconds, peak MiB of its own memory and of all resident, and what it printed."""

    wall: float
    cpu: float
    own: float
    resident: float
    printed: str


def cost(command: list[str]) -> Cost:
    """Return what a program costs. Raises CalledProcessError with its words if it fails."""
    before, peaks = time.perf_counter(), [0.0, 0.0]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        watch = threading.Thread(target=_watch, args=(child.pid, peaks), daemon=True)
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - before
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        printed = out.read()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, printed)
    return Cost(wall, usage.ru_utime + usage.ru_stime, *peaks, printed)


def _watch(process: int, peaks: list[float]) -> None:
    """Keep the peaks of a process's own and resident memory until it ends."""
    try:
        while True:
            text = Path(f"/proc/{process}/status").read_text()
            for place, field in enumerate(("RssAnon:", "VmHWM:")):
                peaks[place] = max(peaks[place], int(text.split(field)[1].split()[0]) / 1024)
            time.sleep(0.005)
    except (OSError, IndexError):
        return


def line(what: str, measured: str, target: str, met: bool) -> None:
    print(f"{what:<44} {measured:>38}   target {target:<12} {'met' if met else 'NOT MET'}")


@pytest.fixture(scope="module")
def folder():
    """Base, VLM and expert as Llamas of 1.1 GB in float32 (mergekit knows no VLM with a language model beside it)."""
    (ROOT / "build").mkdir(exist_ok=True)
    if shutil.disk_usage(ROOT / "build").free < 12 * 10**9:
        pytest.skip("12 GB of free disk are needed")
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        config = LlamaConfig(hidden_size=2048, intermediate_size=5632, num_hidden_layers=3, num_attention_heads=32,
                             vocab_size=32000, architectures=["LlamaForCausalLM"], dtype="float32")  # fmt: skip
        base = {tensor: 0.02 * torch.randn(shape) for tensor, shape in shapes(config).items()}
        for part in ("base", "vlm", "expert"):
            config.save_pretrained(Path(name) / part)
            noise = 0.0 if part == "base" else 0.002
            state = {tensor: weight + noise * torch.randn(weight.shape) for tensor, weight in base.items()}
            save_file(state, Path(name) / part / "model.safetensors", {"format": "pt"})
        del base, state
        yield Path(name)


def shapes(config: LlamaConfig) -> dict[str, tuple[int, ...]]:
    width, inner = config.hidden_size, config.intermediate_size
    layer = {f"self_attn.{name}_proj": (width, width) for name in "qkvo"}
    layer |= {"mlp.gate_proj": (inner, width), "mlp.up_proj": (inner, width), "mlp.down_proj": (width, inner)}
    layer |= {"input_layernorm": (width,), "post_attention_layernorm": (width,)}
    found = {f"model.layers.{place}.{name}.weight": shape for place in range(config.num_hidden_layers)
             for name, shape in layer.items()}  # fmt: skip
    rows = (config.vocab_size, width)
    return found | {"model.embed_tokens.weight": rows, "lm_head.weight": rows, "model.norm.weight": (width,)}


def ours(folder: Path, method: str, out: str = "out", **settings) -> Cost:
    places = [str(folder / part) for part in ("base", "vlm", "expert", out)]
    found = cost([sys.executable, "-c", OURS, *places, json.dumps({"method": method, "scale": SCALE} | settings)])
    for path in folder.glob("out*"):
        shutil.rmtree(path)
    return found


def theirs(folder: Path, method: str, settings: dict, density: float) -> Cost:
    models = [{"model": str(folder / "vlm"), "parameters": {"weight": 1.0, "density": density}},
              {"model": str(folder / "expert"), "parameters": {"weight": SCALE, "density": DENSITY}}]  # fmt: skip
    recipe = {"merge_method": method, "base_model": str(folder / "base"), "dtype": "float32", "models": models,
              "parameters": {"normalize": False, "lambda": 1.0} | settings}  # fmt: skip
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    found = cost([str(MERGEKIT), "--quiet", "--no-copy-tokenizer", str(folder / "recipe.yaml"), str(folder / "theirs")])
    shutil.rmtree(folder / "theirs")
    return found


@pytest.mark.parametrize("method, settings, name, parameters, density, times", SAME)
def test_against_mergekit(folder, method, settings, name, parameters, density, times):
    if not MERGEKIT.exists():
        pytest.skip("mergekit is not installed: it comes with requirements-nodeps.txt")
    a, b = ours(folder, method, **settings), theirs(folder, name, parameters, density)
    print()
    line(f"{method}: seconds, mergekit's", f"{a.wall:.1f}, {b.wall:.1f}: {b.wall / a.wall:.1f} times",
         f"{times} times", b.wall >= times * a.wall)  # fmt: skip
    line(f"{method}: CPU seconds, mergekit's", f"{a.cpu:.1f}, {b.cpu:.1f}: {b.cpu / a.cpu:.1f} times",
         f"{times} times", b.cpu >= times * a.cpu)  # fmt: skip
    line(f"{method}: own memory, mergekit's", f"{a.own:.0f}, {b.own:.0f} MiB: {a.own / b.own:.2f}", "0.5",
         a.own <= 0.5 * b.own)  # fmt: skip
    line(f"{method}: resident, mergekit's", f"{a.resident:.0f}, {b.resident:.0f} MiB: {a.resident / b.resident:.2f}",
         "0.5", a.resident <= 0.5 * b.resident)  # fmt: skip


def test_against_plain_reading_and_writing(folder):
    """Best of three each, in turn, without imports."""
    merged, plain = [], []
    for _ in range(3):
        merged.append(float(ours(folder, "task_arithmetic").printed))
        command = [sys.executable, "-c", PLAIN, *(str(folder / part) for part in ("base", "vlm", "expert", "copy"))]
        plain.append(float(cost(command).printed))
        (folder / "copy").unlink()
    ratio = min(merged) / min(plain)
    print()
    line("task_arithmetic: seconds, plain read and write", f"{min(merged):.2f}, {min(plain):.2f}: {ratio:.2f} times",
         "1.5 times", ratio <= 1.5)  # fmt: skip


def test_sweep(folder):
    one = float(ours(folder, "ties_mean", density=DENSITY).printed)
    three = float(ours(folder, "ties_mean", "out-{scale}", density=DENSITY, scale=[0.6, 0.8, 1.0]).printed)
    print()
    line("ties_mean: seconds for three scales, for one", f"{three:.1f}, {one:.1f}: {three / one:.2f} times", "3 times",
         three < 3 * one)  # fmt: skip
