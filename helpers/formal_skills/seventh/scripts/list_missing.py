"""Lists the public commits that have no note."""

import json
import re
from pathlib import Path


async def execute(args, context):
    path = Path("notes.json")
    noted = {note["commit"] for note in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else set()
    public = re.findall(r"^(\S+) \[public\]", Path("commits.txt").read_text(encoding="utf-8"), re.M)
    missing = [commit for commit in public if commit not in noted]
    return f"Error: no note for {', '.join(missing)}" if missing else "every public commit has its note"
