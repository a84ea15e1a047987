"""Adds a row to matrix.json; a claim's older row gives way."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("matrix.json")
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    rows = [row for row in rows if row["claim"] != args["claim"]] + [args]
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return f"{len(rows)} rows"
