"""Binder's limits: every notebook with one CPU and 2 GB, less what Jupyter's server takes of them.

Linux's control groups cap the memory and the CPU where this user may make some; the CPU is then a quota, and all cores
still show, as on Binder. Elsewhere RLIMIT_DATA caps the memory of each process, and its affinity leaves it one core.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from helpers.course import machine
from scripts.notebook_format import ROOT, START, module_of, notebook_paths
from scripts.run_notebooks import load_claims

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")]

SERVER = 200 * 2**20  # Jupyter's server takes 120 MiB when idle
LIMIT = 2 * 2**30 - SERVER
NOTEBOOKS = [START, *notebook_paths("notebooks")]
COMMITTED = load_claims(ROOT / "notebooks" / "claims.json")["claims"]
# What a control group's files are to say, in version 1 and in version 2. A period is 100,000 microseconds.
SETTINGS = {
    "cpu": {"cpu.cfs_quota_us": "100000", "cpu.max": "100000 100000"},
    "memory": {"memory.limit_in_bytes": str(LIMIT), "memory.max": str(LIMIT)},
}
UNDER_LIMITS = """
import json, os, resource, sys
from pathlib import Path
limit, groups, code = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
del sys.argv[1:4]
for group in groups.values():
    Path(group, "cgroup.procs").write_text(str(os.getpid()))
if "memory" not in groups:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
if "cpu" not in groups:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
exec(code)
"""
EAT = """
block = bytearray(int(sys.argv[1]))
block[::4096] = b"x" * len(block[::4096])
print("eaten")
"""
RUN = """
from scripts import run_notebooks
notebook = run_notebooks.execute(Path(sys.argv[1]), Path(sys.argv[2]))
print(*(output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"))
"""


def limited(group: Path, settings: dict[str, str]) -> bool:
    """Whether the control group could be made, has one of the settings, and takes a process in."""
    try:
        group.mkdir(exist_ok=True)
        there = [name for name in settings if (group / name).exists()]
        for name in there:
            (group / name).write_text(settings[name])
        joined = subprocess.run(["sh", "-c", 'echo $$ > "$0"', str(group / "cgroup.procs")], capture_output=True)
        return bool(there) and joined.returncode == 0
    except OSError:
        return False


def remove(group: Path) -> None:
    """Remove the control group, with whatever a notebook left running in it."""
    for _ in range(50):
        for pid in machine.read(group / "cgroup.procs").split():
            os.kill(int(pid), signal.SIGKILL)
        try:
            return group.rmdir()
        except OSError:
            time.sleep(0.1)


@contextmanager
def control_groups():
    """Folders of new control groups by what they cap, "cpu" and "memory"; what cannot be made here is left out."""
    with ExitStack() as afterwards:
        groups = {}
        for controller, settings in SETTINGS.items():
            for parent in machine.group_folders(controller):
                for left in parent.glob("four-papers-*"):  # by tests that were ended from outside
                    if not Path("/proc", left.name.rpartition("-")[2]).exists():
                        remove(left)
                group = parent / f"four-papers-{os.getpid()}"
                if limited(group, settings):
                    groups[controller] = group
                    afterwards.callback(remove, group)
                    break
                if group not in groups.values() and group.is_dir():
                    group.rmdir()
        yield groups


def run(groups: dict[str, Path], code: str, *arguments) -> subprocess.CompletedProcess:
    """The code's end in a fresh Python under the limits; nothing but the limits tells it how many threads to use."""
    variables = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    given = [str(LIMIT), json.dumps({name: str(group) for name, group in groups.items()}), code, *map(str, arguments)]
    command = [sys.executable, "-c", UNDER_LIMITS, *given]
    return subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True)


def peak(groups: dict[str, Path]) -> str:
    """The most that the memory's group was charged, in words; shared files that others had opened are not in it."""
    files = ("memory.max_usage_in_bytes", "memory.peak")
    found = [machine.read(groups["memory"] / name) for name in files if "memory" in groups]
    return "".join(f", charged {int(size) / 2**20:.0f} MiB at most" for size in found if size)


@contextmanager
def limits(kind: str):
    """The control groups that can be made, or none at all where RLIMIT_DATA and the affinity are to be used."""
    if kind == "rlimit":
        yield {}
        return
    with control_groups() as groups:
        if "memory" not in groups:
            pytest.skip("no control group can be made here: RLIMIT_DATA caps the memory in the other tests")
        yield groups


@pytest.mark.parametrize("kind", ["groups", "rlimit"])
def test_the_limit_bites(kind):
    with limits(kind) as groups:
        within, beyond = (run(groups, EAT, LIMIT + more * 2**20) for more in (-100, 50))
    assert within.stdout == "eaten\n", within.stderr
    assert beyond.stdout == "" and (beyond.returncode == -signal.SIGKILL or "MemoryError" in beyond.stderr)


@pytest.mark.parametrize("kind", ["groups", "rlimit"])
def test_one_core_is_seen(kind):
    with limits(kind) as groups:
        seen = run(groups, "from helpers.course.start import thread_count\nprint(thread_count(), os.cpu_count())")
    assert seen.stdout.split() == ["1", str(os.cpu_count())], seen.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_within_binders_limits(path, tmp_path, capsys):
    record, begin = tmp_path / "record.json", time.perf_counter()
    with control_groups() as groups:
        done = run(groups, RUN, path, record)
        most = peak(groups)
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout
    if path == START:
        assert "cores            1 in use" in said and "LOOK memory" not in said
    else:
        verdicts = {row["id"]: row["verdict"] for row in json.loads(record.read_text(encoding="utf-8"))["claims"]}
        assert " · 1 core · " in said
        assert verdicts == {row["id"]: row["verdict"] for row in COMMITTED if row["module"] == module_of(path)}
    with capsys.disabled():
        how = " and ".join(f"a group for {name}" for name in groups) or "RLIMIT_DATA and affinity"
        print(f"\n{path.stem} as on Binder ({how}): {time.perf_counter() - begin:.0f} s{most}")
        print("\n".join(line for line in said.splitlines() if "peak memory" in line or "GiB free" in line))
