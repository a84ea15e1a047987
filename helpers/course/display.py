"""Showing things in a notebook, and as text where there is none."""

from __future__ import annotations

import sys


def publish(data: dict, metadata: dict | None = None) -> None:
    """Show one mime bundle where IPython runs; elsewhere print its text/plain, if there is any."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(data["text/plain"], end="\n" if data["text/plain"] else "")
        return
    from IPython.display import display

    display(data, metadata=metadata or {}, raw=True)
