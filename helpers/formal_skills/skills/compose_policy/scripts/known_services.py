"""A guard: no service is made up, and a service keeps its image's name."""

import json
from pathlib import Path

from helpers.formal_skills.actions import read_yaml
from helpers.formal_skills.payloads import deny


async def execute_hook(hook_input):
    request = hook_input.payload.request
    if request.name != "set_value":
        return None
    args = json.loads(request.arguments_json)
    root = hook_input.context.state["meta"]["workspace_root"]
    services = read_yaml(Path(root, "compose.yaml"))["services"]
    if args["service"] not in services:
        return deny(f"there is no service {args['service']!r}; services: {', '.join(services)}")
    image = services[args["service"]]["image"].split(":")[0]
    if args["key"] == "image" and str(args["value"]).split(":")[0] != image:
        return deny(f"{args['service']} keeps the image {image}; change its version alone")
    return None
