"""Sets or removes one key of a service."""

from pathlib import Path

import yaml


async def execute(args, context):
    path = Path("compose.yaml")
    compose = yaml.safe_load(path.read_text(encoding="utf-8"))
    service = compose["services"].setdefault(args["service"], {})
    if args["value"] is None:
        service.pop(args["key"], None)
    else:
        service[args["key"]] = args["value"]
    path.write_text(yaml.safe_dump(compose, sort_keys=False), encoding="utf-8")
    return f"{args['service']}.{args['key']} is now {args['value']!r}"
