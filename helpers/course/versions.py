"""Package versions: what runs here, what was tested, and what to do where they differ."""

from __future__ import annotations

import os
import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import Version

COURSE = "four-papers"
TORCHAO_MINIMUM = Version("0.16.0")  # peft 0.19 and later refuse to add LoRA beside an older one


def version(package: str) -> str:
    """The installed version read from metadata, without importing the package; "absent" where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def requirements() -> list[Requirement]:
    """What the course itself asks of its packages, extras left out; [] where it runs uninstalled."""
    try:
        lines = metadata.requires(COURSE) or []
    except metadata.PackageNotFoundError:
        return []
    parsed = map(Requirement, lines)
    return [need for need in parsed if need.marker is None or need.marker.evaluate({"extra": ""})]


def outside(needs: list[Requirement]) -> list[str]:
    """One plain line for each installed package whose version is outside the range that was tested."""
    lines = []
    for need in needs:
        found = version(need.name)
        if found != "absent" and not need.specifier.contains(found, prereleases=True):
            lines.append(f"{need.name} {found} is outside the tested range {need.specifier}: {remedy()}.")
    return lines


def on_colab() -> bool:
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def remedy() -> str:
    """What to do about a version, where the notebook runs."""
    if on_colab():
        return "most cells may work; if one fails, choose Runtime > Change runtime type > Runtime version 2026.07"
    return "most cells may work; if one fails, run `make env` in the course's folder and restart the kernel"


def block_old_torchao() -> list[str]:
    """Hide a torchao that peft refuses, for this session; the line to print, if there was anything to do."""
    found = version("torchao")
    if found == "absent" or Version(found) >= TORCHAO_MINIMUM:
        return []
    sys.modules["torchao"] = None  # find_spec and import now both answer that there is none
    return [f"torchao {found} is older than the {TORCHAO_MINIMUM} that peft needs: hidden here, LoRA works without it."]
