"""Compares the labels with the tickets."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("labels.json")
    labels = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = sorted({file.stem for file in Path("tickets").iterdir()} - set(labels))
    return f"Error: no label for {', '.join(missing)}" if missing else "every ticket has its label"
