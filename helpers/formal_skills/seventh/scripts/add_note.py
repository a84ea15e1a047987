"""Adds a note to notes.json."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("notes.json")
    notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    path.write_text(json.dumps([*notes, args], indent=1), encoding="utf-8")
    return f"{len(notes) + 1} notes"
