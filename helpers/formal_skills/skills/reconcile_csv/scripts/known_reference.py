"""A guard: a difference is written once, and for a reference that one of the files has."""

import json
from pathlib import Path

from helpers.formal_skills.payloads import deny


async def execute_hook(hook_input):
    request = hook_input.payload.request
    if request.name != "add_difference":
        return None
    wanted = json.loads(request.arguments_json)["reference"]
    root = Path(hook_input.context.state["meta"]["workspace_root"])
    known = (root / "bank.csv").read_text(encoding="utf-8") + (root / "books.csv").read_text(encoding="utf-8")
    if f"{wanted}," not in known:
        return deny(f"neither file has the reference {wanted}")
    written = root / "differences.json"
    if written.exists() and any(row["reference"] == wanted for row in json.loads(written.read_text(encoding="utf-8"))):
        return deny(f"{wanted} is written already")
    return None
