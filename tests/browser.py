"""Chromium for the tests that look at pages as a reader would: which one, with what switches, what it may ask for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage")  # fmt: skip
LOCAL = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")
SIZE = {"width": 1280, "height": 720}


def found() -> str | None:
    """The path of a Chromium on this machine, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def a_page() -> Iterator[Page]:
    """An empty page of 1280 x 720; at the end, it fails if anything was asked of another host."""
    if found() is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=list(SWITCHES))
        page = browser.new_page(viewport=SIZE)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        browser.close()
    abroad = [url for url in asked if not url.startswith(LOCAL)]
    assert abroad == [], f"the page asked another host: {abroad[:3]}"
