"""Adds one difference to differences.json."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("differences.json")
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    path.write_text(json.dumps([*rows, args], indent=1), encoding="utf-8")
    return f"{len(rows) + 1} differences"
