"""Compares the rows with the claims."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("matrix.json")
    rows = {row["claim"] for row in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else set()
    missing = sorted(set(json.loads(Path("claims.json").read_text(encoding="utf-8"))) - rows)
    return f"Error: no row for {', '.join(missing)}" if missing else "every claim has its row"
