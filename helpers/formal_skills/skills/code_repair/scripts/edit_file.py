"""Replaces one piece of text in a file."""

from pathlib import Path


async def execute(args, context):
    path = Path(args["path"])
    text = path.read_text(encoding="utf-8")
    if text.count(args["old"]) != 1:
        return f"Error: the old text occurs {text.count(args['old'])} times in {path}; it has to occur once"
    path.write_text(text.replace(args["old"], args["new"]), encoding="utf-8")
    return f"{path} changed"
