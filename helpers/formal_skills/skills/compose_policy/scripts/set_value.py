"""Sets or removes one key of a service."""

from pathlib import Path

from helpers.formal_skills.actions import read_yaml, write_yaml


async def execute(args, context):
    path = Path("compose.yaml")
    compose = read_yaml(path)
    service = compose["services"].setdefault(args["service"], {})
    if args["value"] is None:
        service.pop(args["key"], None)
    else:
        service[args["key"]] = args["value"]
    write_yaml(path, compose)
    return f"{args['service']}.{args['key']} is now {args['value']!r}"
