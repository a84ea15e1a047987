"""A guard: tests are not edited, whatever the spelling of their path."""

import json
import os

from helpers.formal_skills.payloads import deny


async def execute_hook(hook_input):
    request = hook_input.payload.request
    if request.name != "edit_file":
        return None
    root = hook_input.context.state["meta"]["workspace_root"]
    path = json.loads(request.arguments_json)["path"]
    path = os.path.relpath(os.path.join(root, path), root).casefold()
    if path.startswith("tests") or "test_" in os.path.basename(path):
        return deny("the tests are frozen; repair the code that they test")
    return None
