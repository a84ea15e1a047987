"""What all tests share: no network, and where the recorded answers of 29 language models are.

Shapes and types of helpers are checked in every test: see addopts in pyproject.toml.
"""

import os
import sys
from pathlib import Path

import pytest

from tests import browser

os.environ["COURSE_PROGRESS"] = ""  # no test writes into anybody's progress
OFFLINE = str(Path(__file__).parent / "offline")

# `make test` starts Python with the guard; a plain `pytest` gets it here, for itself and for the kernels it starts.
if OFFLINE not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [OFFLINE, os.environ.get("PYTHONPATH", "")]))
    sys.path.insert(0, OFFLINE)
    sys.modules.pop("sitecustomize", None)
    import sitecustomize  # noqa: F401

    sys.path.remove(OFFLINE)


def pytest_report_header() -> str:
    """One line on the browser that the tests of pages, slides and widgets use."""
    path = browser.found()
    return f"browser: {path}" if path else "browser: no Chromium here, so the tests that need one are skipped"


@pytest.fixture(scope="session")
def mmlu_pro_table() -> Path:
    """The table of 29 models' answers to MMLU-Pro; the test is skipped where MMLU_PRO_TABLE does not name it."""
    name = os.environ.get("MMLU_PRO_TABLE")
    if not name:
        pytest.skip("MMLU_PRO_TABLE is not set: it names the table of 29 models' answers to MMLU-Pro")
    path = Path(name)
    assert path.is_file(), f"MMLU_PRO_TABLE names {name}, and there is no such file"
    return path
