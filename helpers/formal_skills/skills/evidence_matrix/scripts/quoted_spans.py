"""A guard: a quotation stands in its source, letter by letter but for white space."""

import json
from pathlib import Path

from helpers.formal_skills.payloads import deny


async def execute_hook(hook_input):
    request = hook_input.payload.request
    if request.name != "add_row":
        return None
    args, root = json.loads(request.arguments_json), Path(hook_input.context.state["meta"]["workspace_root"])
    source = (root / args["source"]).resolve()
    if source.parent != root / "sources" or not source.is_file():
        return deny(f"there is no source {args['source']!r}; sources lie in sources/")
    if " ".join(args["quote"].split()) not in " ".join(source.read_text(encoding="utf-8").split()):
        return deny(f"these words are not in {args['source']}; quote letter by letter")
    return None
