"""A JupyterHub with the files of classroom/ on this machine alone, and people who use it over HTTP as they would."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import nbformat
import psutil
import requests
import websocket

from scripts.notebook_format import ROOT

FILES = [ROOT / "classroom" / name for name in ("jupyterhub_config.py", "nbgrader_config.py")]
STARTED_SECONDS = 120
XSRF = re.compile(r'name="_xsrf"\s+value="([^"]*)"')  # the login page's own field against forged forms


class Refused(Exception):
    """The hub or a server answered with an error; the first argument is its status."""


def wait_until(true, log: Path) -> None:
    """Wait until `true()`, or fail after two minutes with the end of the hub's log."""
    end = time.monotonic() + STARTED_SECONDS
    while not true():
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.2)


@dataclass(frozen=True)
class Person:
    """Somebody with a browser (`session`, with its cookies) and a token."""

    name: str
    password: str
    hub: str
    home: Path
    log: Path
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def asked(self, method: str, path: str, whose: str = "", **options):
        """What this person's server (or `whose`) answers at `path`, as JSON; Refused where it says no."""
        answer = requests.request(method, f"{self.hub}/user/{whose or self.name}/{path}", timeout=120,
                                  headers={"Authorization": f"token {self.token}"}, **options)  # fmt: skip
        if not answer.ok:
            raise Refused(answer.status_code, answer.text)
        return answer.json()

    def assignments(self, action: str = "", assignment: str = "", course: str = "four-papers"):
        """What JupyterLab's assignment list shows, after its button `action` if one is given."""
        if not action:
            return self.asked("GET", "assignments", params={"course_id": course})
        return self.asked("POST", f"assignments/{action}", json={"course_id": course, "assignment_id": assignment})

    def read(self, path: str):
        """The notebook at `path` in this person's home, as JupyterLab opens it."""
        return nbformat.from_dict(self.asked("GET", f"api/contents/{path}")["content"])

    def save(self, path: str, notebook) -> None:
        """Write the notebook, as JupyterLab saves it."""
        self.asked("PUT", f"api/contents/{path}", json={"type": "notebook", "content": notebook})

    def click(self, link: str) -> requests.Response:
        """The page that a link leads to in this person's browser; logs in and waits for the server if need be."""
        page = self.session.get(link, timeout=60)
        if "/hub/login" in page.url:
            form = {"username": self.name, "password": self.password, "_xsrf": XSRF.search(page.text)[1]}
            page = self.session.post(page.url, data=form, timeout=60)
        if "/hub/spawn-pending/" in page.url:
            wait_until(self.has_server, self.log)
            page = self.session.get(link, timeout=60)
        assert page.ok, f"{page.status_code} {page.url}\n{self.log.read_text()[-3000:]}"
        return page

    def has_server(self) -> bool:
        me = requests.get(f"{self.hub}/hub/api/user", headers={"Authorization": f"token {self.token}"}, timeout=10)
        return me.json()["servers"].get("", {}).get("ready", False)

    def pull(self, link: str) -> tuple[str, list[dict]]:
        """Where nbgitpuller's page sends the browser, and what it reports on the way."""
        found = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', self.click(link).text))
        shown = {key: unquote(unescape(value)) for key, value in found.items()}
        asks = {key: shown[key] for key in ("repo", "branch", "targetpath")} | {"_xsrf": shown["xsrf"]}
        answer = self.session.get(f"{self.hub}{shown['base-url']}git-pull/api", params=asks, timeout=120)
        answer.raise_for_status()
        return shown["path"], [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]

    def types(self, command: str) -> str:
        """What a command prints in a terminal of this person's server; fails where the command does."""
        name = self.asked("POST", "api/terminals")["name"]
        address = f"ws{self.hub.removeprefix('http')}/user/{self.name}/terminals/websocket/{name}"
        terminal = websocket.create_connection(address, timeout=300, header=[f"Authorization: token {self.token}"])
        terminal.send(json.dumps(["stdin", f"{command}; echo ENDED=$?\r"]))
        printed = ""
        while not (ended := re.search(r"ENDED=(\d+)", printed)):
            kind, *texts = json.loads(terminal.recv())
            printed += "".join(texts) if kind == "stdout" else ""
        terminal.close()
        assert ended[1] == "0", printed
        return printed


@dataclass(frozen=True)
class Hub:
    """A running JupyterHub: the folder of the class, its address, its log and its passwords."""

    folder: Path
    address: str
    log: Path
    passwords: dict[str, str]

    def person(self, name: str, password: str = "") -> Person:
        """Somebody with a token of their own; Refused where the password is not theirs."""
        kind = "TEACHER_PASSWORD" if name == "teacher" else "CLASS_PASSWORD"
        password = password or self.passwords[kind]
        answer = requests.post(f"{self.address}/hub/api/users/{name}/tokens", timeout=30,
                               json={"auth": {"username": name, "password": password}})  # fmt: skip
        if not answer.ok:
            raise Refused(answer.status_code, answer.text)
        home = self.folder / "homes" / name
        return Person(name, password, self.address, home, self.log, answer.json()["token"])


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in taken]


@contextmanager
def running_hub(folder: Path) -> Iterator[Hub]:
    """A JupyterHub in `folder` with the files that ship, on free ports; it and all it started is stopped at the end."""
    for file in FILES:
        shutil.copy(file, folder)
    public, inner, proxy = (f"http://127.0.0.1:{port}" for port in free_ports(3))
    passwords = {"CLASS_PASSWORD": secrets.token_hex(8), "TEACHER_PASSWORD": secrets.token_hex(16)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    options = [f"--JupyterHub.bind_url={public}", f"--JupyterHub.hub_bind_url={inner}",
               f"--ConfigurableHTTPProxy.api_url={proxy}"]  # fmt: skip
    log = folder / "hub.log"
    with log.open("w") as file:
        hub = subprocess.Popen([sys.executable, "-m", "jupyterhub", *options], cwd=folder,
                               env=os.environ | passwords | {"PATH": path}, stdout=file, stderr=file)  # fmt: skip
        try:
            wait_until(lambda: hub.poll() is not None or answers(public), log)
            assert hub.poll() is None, log.read_text()[-3000:]
            yield Hub(folder, public, log, passwords)
        finally:
            stop(hub)


def answers(address: str) -> bool:
    try:
        return "version" in requests.get(f"{address}/hub/api/", timeout=5).json()
    except (requests.RequestException, ValueError):
        return False


def stop(hub: subprocess.Popen) -> None:
    """Stop the hub as a teacher would, which stops the proxy and the servers; end by force what is still there."""
    started = psutil.Process(hub.pid).children(recursive=True) if hub.poll() is None else []
    hub.terminate()
    try:
        hub.wait(30)
    except subprocess.TimeoutExpired:
        hub.kill()
        hub.wait(10)
    _, left = psutil.wait_procs(started, 5)
    for process in left:
        process.kill()
    psutil.wait_procs(left, 5)
    assert not left, f"the hub left these behind: {left}"
