"""One environment in four places: pyproject.toml, constraints.txt, environment.yml and the script that makes .venv."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from scripts import environment

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEARNER = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
EXTRAS = [Requirement(line) for lines in PYPROJECT["project"]["optional-dependencies"].values() for line in lines]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
COLAB = {  # what Colab carried on 2026-08-19
    "numpy": "2.1.3", "scipy": "1.16.3", "matplotlib": "3.10.0", "scikit-learn": "1.6.1", "torch": "2.11.0",
    "transformers": "5.15.0", "peft": "0.20.0", "safetensors": "0.8.0", "ipython": "7.34.0", "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1",
}  # fmt: skip


def lines(name: str) -> list[str]:
    """The lines of a requirements file without its comments."""
    text = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in text if line]


def plain(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


PINS = {plain(line.split("==")[0]): line.split("==")[1] for line in lines("constraints.txt")}
NODEPS = [Requirement(line) for line in lines("requirements-nodeps.txt")]


@pytest.mark.parametrize("requirement", LEARNER + EXTRAS + NODEPS, ids=str)
def test_every_range_holds_its_pin(requirement):
    assert plain(requirement.name) in PINS, "constraints.txt has no version for it"
    assert requirement.specifier.contains(PINS[plain(requirement.name)])


def test_pins_are_exact_and_public():
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line) for line in lines("constraints.txt"))
    assert "four-papers" not in PINS


@pytest.mark.parametrize("name", COLAB)
def test_ranges_admit_colabs_versions(name):
    ranges = {plain(requirement.name): requirement.specifier for requirement in LEARNER}
    assert ranges[name].contains(COLAB[name])


def test_conda_and_pyproject_agree():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, last = content["dependencies"]
    pip = last["pip"]
    assert content["channels"][0] == "conda-forge" and pip[-1] == "-e ."
    stated = {line.split("=")[0]: line for line in conda if re.match(r"(python|pip)(=|$)", line)}
    assert re.fullmatch(r"python=3\.\d+", stated["python"]) and "pip" in stated
    supported = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert Version(stated["python"].split("=")[1]) in supported
    theirs = {str(Requirement(line)) for line in [*conda, *pip[:-1]] if line not in stated.values()}
    ours = {str(found).replace(found.name, CONDA_NAMES.get(found.name, found.name), 1) for found in LEARNER}
    assert theirs == ours


@pytest.fixture
def silent_server():
    """The address of a server on this machine that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/whl/cpu"


def test_probe_gives_up_on_a_silent_server(silent_server):
    start = time.monotonic()
    assert not environment.answers(silent_server, 0.5)
    assert 0.4 < time.monotonic() - start < 1.5


def test_probe_gives_up_on_a_silent_name_server(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(5))
    start = time.monotonic()
    assert not environment.answers("http://example.invalid/whl/cpu", 0.5)
    assert time.monotonic() - start < 1.5
    assert environment.PROBE_SECONDS <= 3


@pytest.mark.parametrize("status, expected", [(200, True), (403, True), (503, False)])
def test_probe_hears_an_answer(status, expected):
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert environment.answers(f"http://127.0.0.1:{server.server_port}/", 3) is expected
        thread.join()


def test_torch_comes_from_the_cpu_index_only_where_it_helps(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(environment, "answers", lambda url: asked.append(url) or True)
    monkeypatch.setattr(environment.sys, "platform", "linux")
    assert environment.torch_options("http://here") == ["--extra-index-url", "http://here"]
    assert environment.torch_options("") == []
    monkeypatch.setattr(environment.sys, "platform", "darwin")
    assert environment.torch_options("http://here") == [] and asked == ["http://here"]


@pytest.mark.parametrize("given, gpu, asked", [
    ([], False, "https://download.pytorch.org/whl/cpu"), ([], True, ""), (["TORCH_INDEX="], True, ""),
    (["TORCH_INDEX=http://mine"], True, "http://mine"), (["TORCH_INDEX=http://mine"], False, "http://mine"),
])  # fmt: skip
@pytest.mark.parametrize("how", ["argument", "variable"])
def test_an_index_that_somebody_names_is_asked_with_a_gpu_too(house, monkeypatch, given, gpu, asked, how):
    variables = {name: value for name, value in os.environ.items() if name not in ("TORCH_INDEX", "MAKEFLAGS")}
    variables |= dict(each.split("=", 1) for each in given) if how == "variable" else {}
    command = ["make", "-n", "--no-print-directory", "env", "PYTHON=python3", *(given if how == "argument" else [])]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    arguments = shlex.split(done.stdout.split("scripts/environment.py")[1])
    indexes = []
    monkeypatch.setattr(environment, "has_gpu", lambda: gpu)
    monkeypatch.setattr(environment, "torch_options", lambda index: indexes.append(index) or [])
    monkeypatch.setattr(sys, "argv", ["environment.py", *arguments])
    assert environment.main() == 0 and indexes == [asked]


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder with the course's requirements, and pip and venv replaced by a list of what they were asked."""
    for name in ("pyproject.toml", "constraints.txt", "requirements-nodeps.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    calls = []

    def make_venv(venv):
        calls.append("venv")
        environment.python_of(venv).parent.mkdir(parents=True, exist_ok=True)
        environment.python_of(venv).touch()

    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "make_venv", make_venv)
    monkeypatch.setattr(environment, "usable", lambda venv, root: environment.python_of(venv).exists())
    monkeypatch.setattr(environment, "run_pip", lambda venv, *arguments: calls.append(arguments[-1]))
    monkeypatch.setattr(environment, "torch_options", lambda index: [])
    monkeypatch.setattr(sys, "argv", ["environment.py"])
    return tmp_path, calls


def test_second_run_installs_nothing(house):
    _, calls = house
    assert environment.main() == 0 and calls == ["venv", "torch", "."]
    assert environment.main() == 0 and len(calls) == 3


def test_tests_add_to_learners_and_not_the_other_way(house, monkeypatch):
    _, calls = house
    environment.main()
    monkeypatch.setattr(sys, "argv", ["environment.py", "--tests"])
    environment.main()
    assert calls[3:] == ["torch", ".[test,book,peers,cluster,real]", "requirements-nodeps.txt"]
    monkeypatch.setattr(sys, "argv", ["environment.py"])
    assert environment.main() == 0 and len(calls) == 6


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_a_changed_requirement_installs_again(house, name):
    root, calls = house
    environment.main()
    path = root / name
    path.write_text(path.read_text().replace("numpy", "numpie", 1))
    environment.main()
    assert calls == ["venv", "torch", ".", "torch", "."]


def test_a_failed_install_leaves_no_stamp_and_says_why(house, monkeypatch, capsys):
    root, _ = house
    environment.main()
    (root / ".venv/course.json").write_text(json.dumps({"root": str(root), "learner": "old"}))

    def fail(*arguments):
        raise environment.Trouble("why")

    monkeypatch.setattr(environment, "run_pip", fail)
    assert environment.main() == 1 and "why" in capsys.readouterr().err
    assert environment.read_stamp(root / ".venv") == {}


def test_pip_failing_is_put_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(environment.subprocess, "call", lambda *args, **kwargs: 1)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 5e8}))
    with pytest.raises(environment.Trouble, match="disk is nearly full"):
        environment.run_pip(tmp_path / ".venv", "install", "torch")
    with pytest.raises(environment.Trouble, match="make room"):
        environment.make_venv(tmp_path / ".venv")


def test_an_old_python_and_a_missing_venv_are_put_in_words(monkeypatch):
    with pytest.raises(environment.Trouble, match="needs Python 3.11 or newer, and /bin/py is 3.9"):
        environment.check_python((3, 9, 2), "/bin/py")
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(environment.Trouble, match="apt-get install python3-venv"):
        environment.check_python()


def test_this_environment_is_found_ready_within_a_second():
    if environment.read_stamp(ROOT / ".venv").get("tests") != environment.digest(ROOT, True):
        pytest.skip("this .venv was not made by make test, or what it should hold has changed since")
    command = [sys.executable, "scripts/environment.py", "--tests"]
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        seconds.append(time.monotonic() - start)
        assert done.returncode == 0 and done.stdout == ""
    assert min(seconds) < 1.0
