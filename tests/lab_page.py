"""JupyterLab in a browser: a server on this machine alone, and a notebook opened and run as a learner would."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import Page

from scripts.notebook_format import read

NEEDED = ("title", "set-up", "start", "imports", "explorer", "quiz")  # the cells before a widget, and the widgets
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its folder, its address and its token."""

    folder: Path
    address: str
    token: str

    def asked(self, path: str):
        """What the server's API answers."""
        request = urllib.request.Request(f"{self.address}/api/{path}", headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def open(self, page: Page, notebook: Path) -> None:
        """Open the notebook in the page and run all its cells; returns when its kernel is idle again."""
        page.goto(f"{self.address}/lab/tree/{notebook.name}?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        wait_until(lambda: self.idle(notebook.name), 60)
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(f".jp-OutputArea-output:has-text({DONE!r})", timeout=120_000)
        wait_until(lambda: self.idle(notebook.name), 60)

    def idle(self, name: str) -> bool:
        """Whether the notebook's kernel is connected to a page and has nothing to do."""
        kernels = [session["kernel"] for session in self.asked("sessions") if session["path"] == name]
        return any(kernel["execution_state"] == "idle" and kernel["connections"] > 0 for kernel in kernels)


DONE = "every cell has run"


def wait_until(true, seconds: float) -> None:
    """Wait until `true()`, or fail after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"still waiting after {seconds} s"
        time.sleep(0.1)


def shortened(path: Path, folder: Path) -> Path:
    """A copy in `folder` of the module's notebook with what its widgets need, ending in a cell that says so."""
    notebook = read(path)
    notebook.cells = [cell for cell in notebook.cells if cell.id in NEEDED]
    notebook.cells.append(nbformat.v4.new_code_cell(f"print({DONE[:5]!r} + {DONE[5:]!r})"))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    target = folder / path.name
    nbformat.write(notebook, target)
    return target


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """A JupyterLab that shows the notebooks in `folder`/notebooks, with settings of its own, stopped at the end."""
    shown, port, token = folder / "notebooks", free_port(), secrets.token_hex(16)
    shown.mkdir(parents=True)
    for plugin, values in SETTINGS.items():
        place = folder / "user-settings" / plugin.replace(":", "/")
        place.parent.mkdir(parents=True)
        place.with_suffix(".jupyterlab-settings").write_text(json.dumps(values))
    places = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    variables = os.environ | places | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "user-settings"), "OMP_NUM_THREADS": "1",
                                       "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}  # fmt: skip
    options = [f"--ServerApp.root_dir={shown}", f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--no-browser",
               f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0", "--allow-root",
               "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]  # fmt: skip
    log = (folder / "server.log").open("w")
    server = subprocess.Popen([sys.executable, "-m", "jupyter", "lab", *options], env=variables, stdout=log, stderr=log)
    lab = Lab(shown, f"http://127.0.0.1:{port}", token)
    try:
        wait_until(lambda: answers(lab), 60)
        yield lab
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()
        shutil.rmtree(folder / "data", ignore_errors=True)


def answers(lab: Lab) -> bool:
    try:
        return "version" in lab.asked("")
    except OSError:
        return False
