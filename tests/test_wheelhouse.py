"""`make wheelhouse`: every package in a folder, from which the course installs without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from scripts import environment
from scripts.notebook_format import ROOT


def test_a_wheelhouse_without_wheels_is_refused(tmp_path):
    assert environment.source_options("") == []
    with pytest.raises(environment.Trouble, match="holds no wheels.*make wheelhouse"):
        environment.source_options(str(tmp_path / "missing"))
    (tmp_path / "numpy-2.4.6-py3-none-any.whl").touch()
    assert environment.source_options(str(tmp_path)) == ["--no-index", "--find-links", str(tmp_path)]


@pytest.mark.long
def test_a_wheelhouse_installs_the_course_without_a_network(tmp_path):
    """`make wheelhouse` with a network, `make lab`'s set-up without one, then a line of the course."""
    for name in ("clone", "classroom"):
        subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / name)], check=True)
    alone = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PIP_CONSTRAINT")}
    made = subprocess.run(["make", "wheelhouse", f"PYTHON={sys.executable}"], cwd=tmp_path / "clone", env=alone,
                          capture_output=True, text=True)  # fmt: skip
    if made.returncode and "no network" in made.stderr:
        pytest.skip("no package index answers here")
    assert made.returncode == 0, made.stderr[-2000:]
    shutil.rmtree(tmp_path / "clone" / ".venv")
    closed = alone | {"PYTHONPATH": str(ROOT / "tests" / "offline"), "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
                      "PIP_NO_CACHE_DIR": "1", "PIP_EXTRA_INDEX_URL": "", "PIP_CONFIG_FILE": os.devnull}  # fmt: skip
    wheels = tmp_path / "clone" / "build" / "wheelhouse"
    done = subprocess.run(["make", "env", f"PYTHON={sys.executable}", f"WHEELHOUSE={wheels}"], env=closed,
                          cwd=tmp_path / "classroom", capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    python = environment.python_of(tmp_path / "classroom" / ".venv")
    said = subprocess.run([python, "-c", "from helpers.course import self_test; self_test()"], env=closed,
                          cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
    assert "Everything is as it should be." in said.stdout
    shutil.rmtree(tmp_path)  # some 2 GB
