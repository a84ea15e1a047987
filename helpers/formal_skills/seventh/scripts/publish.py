"""Publishes the notes as they stand."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("notes.json")
    notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    Path("CHANGES.md").write_text("".join(f"- {note['text']}\n" for note in notes), encoding="utf-8")
    return f"{len(notes)} notes published"
