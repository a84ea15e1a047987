"""A rehearsal of Colab: its versions, a folder that holds the notebook alone, and the set-up cell as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.links import UNKNOWN, project
from scripts.notebook_format import ROOT, notebook_paths

VERSIONS = ROOT / "tests" / "colab-2026-08-19.txt"
WITHOUT_TORCH = ("2_aggregation", "4_formal_skills")
REHEARSED = [path for path in notebook_paths("notebooks") if path.stem in WITHOUT_TORCH]
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and "rror" in output.text and output.name == "stderr":
            print(cell.id, output.text)
"""


def environment(folder: Path) -> dict:
    """Variables of the rehearsal: the repository's address leads to a local copy, google.colab can be imported."""
    copy = folder / "repository.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(ROOT), str(copy)], check=True)
    tag = f"v{project()['project']['version']}"
    subprocess.run(["git", "--git-dir", str(copy), "tag", "-f", tag], check=True, capture_output=True)
    fake = folder / "fake" / "google" / "colab"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("")
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COURSE_RECORD")}
    return variables | {
        "PYTHONPATH": str(folder / "fake"), "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(folder / "ipython"),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{copy}.insteadOf", "GIT_CONFIG_VALUE_0": UNKNOWN,
    }  # fmt: skip


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """The Python of an environment with Colab's versions, and its variables; skipped where no index can be reached."""
    folder = tmp_path_factory.mktemp("colab")
    variables = environment(folder)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "-q", "-r", str(VERSIONS)]
    done = subprocess.run(install, env=variables, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"Colab's versions could not be installed: {done.stderr[-300:]}")
    return python, variables


@pytest.mark.long
@pytest.mark.parametrize("path", REHEARSED, ids=lambda path: path.stem)
def test_the_notebook_runs_alone_with_colabs_versions(path, colab, tmp_path):
    python, variables = colab
    alone = tmp_path / path.name
    alone.write_bytes(path.read_bytes())
    settings = {"env": variables, "capture_output": True, "text": True}
    done = subprocess.run([str(python), "-c", RUN, str(alone), str(tmp_path)], **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == ""
    listed = subprocess.run([str(python), "-m", "pip", "list", "--format=freeze"], **settings)
    for line in ("numpy==2.1.3", "ipywidgets==7.7.1", "four-papers=="):
        assert line in listed.stdout
    assert "torch" not in listed.stdout
