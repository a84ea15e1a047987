"""`start`: cores and memory by control group, versions in words, threads, seeds, and an old torchao."""

from __future__ import annotations

import importlib.metadata
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from helpers.course import machine, record, start, versions
from helpers.course.claims import Claim, above
from helpers.course.session import SESSION
from helpers.course.start import summary, thread_count

ROOT = Path(__file__).resolve().parent.parent
AVAILABLE = machine.cores("nowhere", "nowhere")


@pytest.fixture(autouse=True)
def same_variables(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))


def groups(root: Path, own: str, files: dict) -> tuple[str, str]:
    """A made-up control group tree, and the file that says where in it this process is."""
    for name, text in files.items():
        path = root / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "own").write_text(own)
    return str(root / "tree"), str(root / "own")


V1, V2 = "4:memory:/box\n2:cpu,cpuacct:/box\n1:cpuset:/\n", "0::/a/b\n"


@pytest.mark.parametrize(
    "own, files, quota",
    [
        (V2, {"cpu.max": "max 100000"}, None),
        (V2, {"cpu.max": "150000 100000"}, 1.5),
        (V2, {"a/cpu.max": "100000 100000", "a/b/cpu.max": "max 100000"}, 1.0),  # the parent's quota binds too
        (V2, {"a/cpu.max": "400000 100000", "a/b/cpu.max": "50000 100000"}, 0.5),
        (V1, {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, None),
        (V1, {"cpu,cpuacct/box/cpu.cfs_quota_us": "200000", "cpu,cpuacct/box/cpu.cfs_period_us": "100000"}, 2.0),
        (V1, {"cpu,cpuacct/cpu.cfs_quota_us": "300000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 3.0),
        ("", {}, None),
    ],
)
def test_cpu_quota(tmp_path, own, files, quota):
    assert machine.cpu_quota(*groups(tmp_path, own, files)) == quota


@pytest.mark.parametrize("limit, cores", [("50000", 1), ("100000", 1), ("199999", 1), ("900000000", AVAILABLE)])
def test_cores_are_whole_and_at_least_one(tmp_path, limit, cores):
    assert machine.cores(*groups(tmp_path, V2, {"cpu.max": f"{limit} 100000"})) == cores


@pytest.mark.parametrize(
    "own, files, free",
    [
        (V2, {"memory.max": "max", "memory.current": "1"}, 8 * 2**20),
        (V2, {"a/memory.max": "1000", "a/memory.current": "600"}, 400),
        (V2, {"memory.max": "1000", "memory.current": "900", "memory.stat": "anon 5\ninactive_file 50"}, 150),
        (V2, {"memory.max": "1000", "memory.current": "1200"}, 0),
        (V1, {"memory/box/memory.limit_in_bytes": "5000", "memory/box/memory.usage_in_bytes": "1000"}, 4000),
        (V1, {"memory/memory.limit_in_bytes": str(2**63), "memory/memory.usage_in_bytes": "1000"}, 8 * 2**20),
    ],
)
def test_free_memory_is_what_the_tightest_limit_leaves(tmp_path, own, files, free):
    (tmp_path / "meminfo").write_text("MemTotal:  9999 kB\nMemAvailable:    8192 kB\n")
    assert machine.free_memory(*groups(tmp_path, own, files), str(tmp_path / "meminfo")) == free


def test_free_memory_is_unknown_without_linux(tmp_path):
    assert machine.free_memory("nowhere", "nowhere", "nowhere") is None


def test_peak_memory_is_this_process_own(tmp_path):
    (tmp_path / "status").write_text("Name:\tpython\nVmHWM:\t  2048 kB\n")
    assert machine.peak_mib(str(tmp_path / "status")) == 2.0
    before = machine.peak_mib()
    block = np.ones(2**24)  # 128 MiB
    assert machine.peak_mib() >= before and block.all()
    resource = pytest.importorskip("resource")
    monkey = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert machine.peak_mib("nowhere") == pytest.approx(monkey / (2**20 if sys.platform == "darwin" else 1024), rel=0.1)


def test_start_says_one_line(capsys):
    start("aggregation")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Python 3.") and " · torch " in line and " · transformers " in line and " · peft " in line
    assert ("1 core ·" in line or " cores · " in line) and "GiB free" in line and line.count("\n") == 0


def test_a_device_is_named_only_when_torch_is_loaded(monkeypatch):
    class Torch:
        class cuda:
            is_available = staticmethod(lambda: True)

    monkeypatch.setitem(sys.modules, "torch", Torch)
    assert "device cuda" in summary()
    monkeypatch.delitem(sys.modules, "torch")
    assert "device" not in summary()


def test_an_unknown_module_names_those_there_are():
    with pytest.raises(ValueError, match="'skill_injection', 'aggregation', 'lora', 'formal_skills'"):
        start("voting")


def test_a_second_start_begins_anew(capsys):
    start("lora")
    record(Claim("a", "lora", "b", None, above(0)), [1, 2])
    began = SESSION.wall
    draws = [(random.random(), np.random.rand()) for _ in range(2) if start("aggregation") is None]
    assert SESSION.measured == {} and SESSION.module == "aggregation" and SESSION.wall > began
    assert draws[0] == draws[1]


@pytest.mark.parametrize("asked, threads", [("1", 1), ("3", 3), ("", 4), ("999", 4), ("a", 4), ("0", 4)])
def test_threads_are_the_cores_or_fewer_if_asked(monkeypatch, asked, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(machine, "cores", lambda: 4)
    assert thread_count() == threads


def test_threads_reach_loaded_libraries(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    start("aggregation")
    from threadpoolctl import threadpool_info

    assert {each["num_threads"] for each in threadpool_info()} <= {1}
    assert os.environ["OPENBLAS_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"


@pytest.fixture
def installed(monkeypatch):
    """Pretend that these versions are installed."""
    found = {}

    def version(name):
        if name not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return found


def test_versions_outside_the_range_are_named_with_a_remedy(installed, monkeypatch):
    needs = [Requirement("torch>=2.11"), Requirement("transformers>=5.15,<6"), Requirement("peft>=0.20")]
    installed |= {"torch": "2.11.0+cpu", "transformers": "6.1.0"}
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    (line,) = versions.outside(needs)  # torch is in range; peft is absent, which its import will say
    assert line.startswith("transformers 6.1.0 is outside the tested range <6,>=5.15:") and "make env" in line
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_2026-12-01")
    assert "2026.07" in versions.outside(needs)[0] and "make" not in versions.outside(needs)[0]


def test_the_course_asks_for_what_its_metadata_says():
    names = {need.name for need in versions.requirements()}
    if not names:
        pytest.skip("the course runs here without being installed")
    assert {"numpy", "torch", "peft"} <= names and "pytest" not in names


def test_only_an_old_torchao_is_hidden(installed, monkeypatch):
    monkeypatch.delitem(sys.modules, "torchao", raising=False)
    assert versions.block_old_torchao() == []
    for new in ("0.16.0", "0.17.1"):
        installed["torchao"] = new
        assert versions.block_old_torchao() == []
    installed["torchao"] = "0.10.0"
    (line,) = versions.block_old_torchao()
    assert "torchao 0.10.0" in line and sys.modules["torchao"] is None
    monkeypatch.delitem(sys.modules, "torchao")


def python(code: str, *paths: Path) -> str:
    """What a fresh Python prints for the code."""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT]))}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


INJECT = """
from helpers.course import start
start("lora")
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.import_utils import is_torchao_available

def inject():
    return inject_adapter_in_model(LoraConfig(r=2, target_modules=["0"]), torch.nn.Sequential(torch.nn.Linear(4, 4)))

print("added", any("lora_A" in name for name, _ in inject().named_parameters()))
import sys
del sys.modules["torchao"]
is_torchao_available.cache_clear()
try:
    inject()
except ImportError as error:
    print("without start:", error)
"""


def test_lora_can_be_added_beside_an_old_torchao(tmp_path):
    pytest.importorskip("peft")
    (tmp_path / "torchao").mkdir()
    (tmp_path / "torchao" / "__init__.py").write_text("")
    (tmp_path / "torchao-0.10.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: torchao\nVersion: 0.10.0\n"
    (tmp_path / "torchao-0.10.0.dist-info" / "METADATA").write_text(metadata)
    said = python(INJECT, tmp_path)
    assert "torchao 0.10.0 is older than the 0.16.0 that peft needs" in said
    assert "added True" in said and "without start: Found an incompatible version of torchao" in said


def test_the_engine_is_light():
    heavy = "torch transformers peft pandas matplotlib ipywidgets IPython".split()
    loaded = "\nimport sys; print([name for name in {} if name in sys.modules])"
    assert python("from helpers.course import start, finish, record" + loaded.format(heavy)) == "[]\n"
    everything = "from helpers.course import *\nstart('lora'); finish()" + loaded.format(heavy[:4])
    assert python(everything).splitlines()[-1] == "[]"


def test_public_names_are_all_there():
    import helpers.course as course

    assert all(getattr(course, name) for name in course.__all__) and set(course.__all__) <= set(dir(course))
    assert callable(course.start) and callable(course.finish)
    with pytest.raises(AttributeError, match="no 'plot'; it offers"):
        course.plot  # noqa: B018
