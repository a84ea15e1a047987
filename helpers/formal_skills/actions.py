"""Executors that several skills share, of which a skill's script names the one it uses, and what these share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .payloads import ToolContext

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, where it is built: ten times as fast
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


async def read_file(args: dict, context: ToolContext) -> str:
    """Return the text of a file of the workspace."""
    return Path(args["path"]).read_text(encoding="utf-8")


async def write_report(args: dict, context: ToolContext) -> str:
    """Write the report."""
    Path("report.md").write_text(args["text"] + "\n", encoding="utf-8")
    return "report.md written"


def read_yaml(path: Path) -> Any:
    """Return what a file of YAML says."""
    return yaml.load(path.read_text(encoding="utf-8"), LOADER)


def write_yaml(path: Path, value: Any) -> None:
    """Write a value as YAML, its keys in their order."""
    path.write_text(yaml.dump(value, Dumper=DUMPER, sort_keys=False), encoding="utf-8")
