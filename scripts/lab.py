"""Opens JupyterLab on the first notebook of the course; run by `make lab`."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTIFICATION = "@jupyterlab/apputils-extension:notification"


def first_notebook() -> str:
    """The path of the first notebook below the repository's root, "" when there is none yet."""
    found = sorted((ROOT / "notebooks").glob("[0-9]_*.ipynb"))
    return found[0].relative_to(ROOT).as_posix() if found else ""


def has_screen() -> bool:
    """Whether a browser window could open; text browsers, which cannot show JupyterLab, do not count."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("WSL_DISTRO_NAME"))


def command() -> list[str]:
    """The JupyterLab command line: its default address is the notebook, so what it prints leads there."""
    options = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{first_notebook()}", "--log-level=WARN"]
    if sys.platform.startswith("linux"):
        options.append("--KernelManager.transport=ipc")  # otherwise each kernel warns of its open port
    if not has_screen():
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # containers run as root, and Jupyter refuses that unasked
    return [sys.executable, "-m", "jupyter", "lab", *options]


def ask_no_news() -> None:
    """Write JupyterLab's settings for this environment: no question about news over the first page."""
    settings = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({NOTIFICATION: {"fetchNews": "false", "checkForUpdates": False}}), encoding="utf-8")


if __name__ == "__main__":
    ask_no_news()
    if not has_screen():
        print("No screen here: open the address that JupyterLab prints below in a browser.", flush=True)
    try:
        sys.exit(subprocess.call(command(), cwd=ROOT))
    except KeyboardInterrupt:
        sys.exit(0)
