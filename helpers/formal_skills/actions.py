"""Executors that several skills share; a skill's script names the one it uses."""

from __future__ import annotations

from pathlib import Path

from .payloads import ToolContext


async def read_file(args: dict, context: ToolContext) -> str:
    """Return the text of a file of the workspace."""
    return Path(args["path"]).read_text(encoding="utf-8")


async def write_report(args: dict, context: ToolContext) -> str:
    """Write the report."""
    Path("report.md").write_text(args["text"] + "\n", encoding="utf-8")
    return "report.md written"
