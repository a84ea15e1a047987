"""`made_for`: whether the notebook is newer than the course that is installed."""

from __future__ import annotations

from packaging.version import Version

from helpers.course import versions


def made_for(notebook: str) -> None:
    """Print what to do where the notebook was made for a later version of the course than the one installed."""
    installed = versions.version(versions.COURSE)
    if installed == "absent" or Version(installed) >= Version(notebook):
        return
    colab = "choose Runtime > Disconnect and delete runtime, then run again"
    here = "run `make update` (without make: `python scripts/update.py`) in the course's folder and restart the kernel"
    print(f"This notebook was made for version {notebook} of the course, and {installed} is installed. "
          f"What it calls may be missing: {colab if versions.on_colab() else here}.")  # fmt: skip
