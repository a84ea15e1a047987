"""Labels one ticket."""

import json
from pathlib import Path


async def execute(args, context):
    path = Path("labels.json")
    labels = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    labels[args["ticket"]] = [args["category"], args["priority"]]
    path.write_text(json.dumps(labels, indent=1), encoding="utf-8")
    return f"{len(labels)} labels"
