"""A merge of checkpoint folders that is killed, interrupted or out of space loses nothing and goes on."""

import errno
import re
import shutil
import signal
import subprocess
import sys

import pytest
from safetensors.torch import save_file
from tiny_folders import PARTS, SMALL, listing, run, same, weights

from helpers.skill_injection import writing
from helpers.skill_injection.checkpoints import unfinished

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
