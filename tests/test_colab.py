"""A rehearsal of Colab: its versions, a folder that holds the notebook alone, and the set-up cell as it stands.

Modules 2 and 4 are rehearsed without torch; the others, with Colab's torch, only where COURSE_COLAB=1 is set, because
their environment takes several GB while the tests run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from packaging.requirements import Requirement
from test_course_start import INJECT

from scripts.environment import python_of, torch_options
from scripts.links import LACKING, UNKNOWN, project, set_up_cell
from scripts.notebook_format import ROOT, START, module_of, notebook_paths, read
from scripts.run_notebooks import load_claims

LIST = "colab-2026-08-19"
VERSIONS = {"light": ROOT / "tests" / f"{LIST}.txt", "torch": ROOT / "tests" / f"{LIST}-torch.txt"}
WITHOUT_TORCH = ("2_aggregation", "4_formal_skills")
NOTEBOOKS = [START, *notebook_paths("notebooks")]
PAIRS = sorted(("light" if path.stem in WITHOUT_TORCH else "torch", path) for path in NOTEBOOKS)
PYTHON = "3.13"  # Colab's
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
ADDED = {"four-papers", *(Requirement(line).name for line in LACKING)}
ASKED = os.environ.get("COURSE_COLAB") == "1"
COMMITTED = load_claims(ROOT / "notebooks" / "claims.json")["claims"]
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def repository(folder: Path) -> Path:
    """A git repository with the course as it stands in the working tree, tagged as the set-up cell asks for it."""
    copy, version = folder / "repository.git", project()["project"]["version"]
    subprocess.run(["git", "init", "-q", "--bare", str(copy)], check=True)
    git = ["git", "--git-dir", str(copy), "--work-tree", str(ROOT)]
    for setting in ("user.name=T", "user.email=t@localhost", "commit.gpgSign=false", "tag.gpgSign=false"):
        git += ["-c", setting]
    for command in (["add", "--all"], ["commit", "-q", "-m", "The course"], ["tag", f"v{version}"]):
        subprocess.run([*git, *command], check=True, capture_output=True, cwd=ROOT)
    return copy


def imitate_colab(folder: Path) -> dict:
    """Variables of the rehearsal: the repository's address leads to the copy, every kernel has google.colab."""
    (folder / "fake/google/colab").mkdir(parents=True)
    (folder / "fake/google/colab/__init__.py").write_text("")
    (folder / "ipython/profile_default/startup").mkdir(parents=True)
    (folder / "ipython/profile_default/startup/colab.py").write_text("import google.colab\n")
    left_out = ("PYTHONPATH", "COURSE_RECORD", "COURSE_BUDGET")
    return {key: value for key, value in os.environ.items() if key not in left_out} | {
        "PYTHONPATH": str(folder / "fake"), "IPYTHONDIR": str(folder / "ipython"), "OMP_NUM_THREADS": "1",
        "COLAB_RELEASE_TAG": "release-colab_2026-08-19", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": UNKNOWN,
        "GIT_CONFIG_KEY_0": f"url.file://{repository(folder)}.insteadOf",
    }  # fmt: skip


def colabs_python() -> str:
    """A Python of Colab's version that can make environments, else the one that runs here."""
    places = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{PYTHON}.*/bin/python{PYTHON}")
    for found in (shutil.which(f"python{PYTHON}"), *map(str, places)):
        if found and subprocess.run([found, "-c", "import ensurepip"], capture_output=True).returncode == 0:
            return found
    return sys.executable


def make(folder: Path, kind: str) -> SimpleNamespace:
    """A new environment with Colab's versions: its Python and its variables."""
    variables, python = imitate_colab(folder), python_of(folder / "venv")
    subprocess.run([colabs_python(), "-m", "venv", str(folder / "venv")], check=True)
    index = torch_options(TORCH_INDEX) if kind == "torch" else []
    install = [str(python), "-m", "pip", "install", "--quiet", *index, "--requirement", str(VERSIONS[kind])]
    done = subprocess.run(install, env=variables, capture_output=True, text=True)
    if done.returncode:
        (pytest.fail if ASKED else pytest.skip)(f"Colab's versions could not be installed: {done.stderr[-300:]}")
    return SimpleNamespace(python=str(python), variables=variables)


@pytest.fixture(scope="module")
def colab_with(tmp_path_factory):
    """A function from "light" or "torch" to that environment, made once; all are removed after the last test."""
    top, made = tmp_path_factory.mktemp("colab"), {}

    def get(kind: str) -> SimpleNamespace:
        if kind == "torch" and not ASKED:
            pytest.skip("only with COURSE_COLAB=1: the environment with Colab's torch takes several GB")
        if kind not in made:
            made[kind] = make(top / kind, kind)
        return made[kind]

    yield get
    shutil.rmtree(top)


def run(colab, folder: Path, *command: str, **variables: str) -> str:
    """What the environment's Python prints, run in the folder; the test fails with its errors where it fails."""
    settings = {"env": colab.variables | variables, "cwd": folder, "capture_output": True, "text": True}
    done = subprocess.run([colab.python, *command], **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def packages(colab, folder: Path) -> set[str]:
    """NAME==VERSION of all that is installed."""
    code = "from importlib.metadata import distributions as d; print(*{f'{x.name}=={x.version}' for x in d()})"
    return set(run(colab, folder, "-c", code).split())


def without_course(colab, folder: Path) -> set[str]:
    """Colab's packages with their versions, once what an earlier set-up cell brought is gone."""
    run(colab, folder, "-m", "pip", "uninstall", "--quiet", "--yes", *ADDED)
    return packages(colab, folder)


def changed(colab, folder: Path, before: set[str]) -> tuple[set[str], set[str]]:
    """The packages that are gone or have another version than before, and the names of those that are new."""
    now = packages(colab, folder)
    return before - now, {line.split("==")[0].lower().replace("_", "-") for line in now - before}


def rehearse(colab, path: Path, folder: Path, record: Path) -> list:
    """What the notebook prints, as nbformat's streams, from a folder that holds it alone, before and after."""
    alone, done = folder / "alone" / path.name, folder / "done.ipynb"
    alone.parent.mkdir()
    alone.write_bytes(path.read_bytes())
    kept = {"COURSE_RECORD": str(record), "COURSE_PROGRESS": str(folder / "progress.json")}
    run(colab, alone.parent, "-c", RUN, path.name, str(done), **kept)
    assert list(alone.parent.iterdir()) == [alone]
    outputs = [output for cell in nbformat.read(done, 4).cells for output in cell.get("outputs", [])]
    return [output for output in outputs if output.output_type == "stream"]


def check_claims(path: Path, folder: Path, record: Path) -> None:
    """The claims' verdicts are the committed ones, and the learner's progress has them too."""
    verdicts = {row["id"]: row["verdict"] for row in json.loads(record.read_text(encoding="utf-8"))["claims"]}
    assert verdicts == {row["id"]: row["verdict"] for row in COMMITTED if row["module"] == module_of(path)}
    progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    assert progress["claims"] == {module_of(path): verdicts}


@pytest.mark.long
@pytest.mark.parametrize("kind, path", PAIRS, ids=lambda value: getattr(value, "stem", value))
def test_the_notebook_runs_alone_with_colabs_versions(kind, path, colab_with, tmp_path, capsys):
    colab, record = colab_with(kind), tmp_path / "record.json"
    before, begin = without_course(colab, tmp_path), time.perf_counter()
    streams = rehearse(colab, path, tmp_path, record)
    seconds = time.perf_counter() - begin
    assert changed(colab, tmp_path, before) == (set(), ADDED)
    said = "".join(stream.text for stream in streams if stream.name == "stdout")
    assert not [stream.text for stream in streams if stream.name == "stderr" and "rror" in stream.text]
    assert said.startswith("Installing the course ...") and "outside the tested range" not in said
    if path == START:
        assert re.search(r"^ok  packages +(\d+) of \1 as tested$", said, re.MULTILINE)
    else:
        check_claims(path, tmp_path, record)
    assert ("torchao 0.10.0 is older" in said) == (path.stem.startswith("3_"))
    with capsys.disabled():
        print(f"\n{path.stem} as on Colab, {run(colab, tmp_path, '-V').strip()}: {seconds:.0f} s")
        print("\n".join(line for line in said.splitlines() if "peak memory" in line or " · torch " in line))


@pytest.mark.long
@pytest.mark.parametrize("kind, path", [pair for pair in PAIRS if pair[1] != START],
                         ids=lambda value: getattr(value, "stem", value))  # fmt: skip
def test_the_exercises_run_alone_with_colabs_versions(kind, path, colab_with, tmp_path):
    colab = colab_with(kind)
    for folder, verdict in (("exercises", ": not attempted yet"), ("solutions", ": right.")):
        (tmp_path / folder).mkdir()
        streams = rehearse(colab, ROOT / folder / path.name, tmp_path / folder, tmp_path / "record.json")
        checks = sum(cell.id.startswith("check-") for cell in read(ROOT / folder / path.name).cells)
        assert "".join(stream.text for stream in streams).count(verdict) == checks > 7


@pytest.mark.long
def test_lora_can_be_added_beside_colabs_torchao(colab_with, tmp_path):
    colab = colab_with("torch")
    without_course(colab, tmp_path)
    run(colab, tmp_path, "-c", set_up_cell(UNKNOWN, project()["project"]["version"]))
    said = run(colab, tmp_path, "-c", INJECT)
    assert "torchao 0.10.0 is older than the 0.16.0 that peft needs" in said
    assert "added True" in said and "without start: Found an incompatible version of torchao" in said
