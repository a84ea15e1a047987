"""Typical wrong answers to the last exercise: whole skills for the release notes that do not hold."""

from __future__ import annotations

import json

from .experiments import HERE

GUARD = """
import json
import re
from pathlib import Path

from helpers.formal_skills import deny


async def execute_hook(hook_input):
    request = hook_input.payload.request
    if request.name != "add_note":
        return None
    args, root = json.loads(request.arguments_json), Path(hook_input.context.state["meta"]["workspace_root"])
    if not re.search(rf"^{re.escape(args['commit'])} .public.", (root / "commits.txt").read_text(), re.M):
        return deny("not public")
    if len(args["text"]) > 60:
        return deny("too long")
    notes = root / "notes.json"
    if notes.exists() and any(note["commit"] == args["commit"] for note in json.loads(notes.read_text())):
        return deny("there already")
    return None
"""
STRICT = GUARD.replace('if request.name != "add_note"', 'if request.name == "publish"')
TWICE = GUARD[: GUARD.index("    notes =")] + "    return None\n"
DONE = [{"type": "json_schema", "args": {"path": "notes.json", "schema": {"type": "array", "minItems": 4}}},
        {"type": "file_exists", "args": {"path": "CHANGES.md"}}]  # fmt: skip
PHASES = {"initial": "write", "phases": {"write": {"tools": ["read_file", "add_note", "list_missing"]},
                                         "publish": {"tools": ["publish"]}},
          "transitions": [{"from": "write", "on": "list_missing", "to": "publish"}]}  # fmt: skip


def release(guard: str | None = GUARD, done: list | None = DONE, phases: dict | None = PHASES,
            on_error: str = "fail") -> dict[str, str]:  # fmt: skip
    hook = {"name": "public", "stage": "before_tool_call", "script": "public.py", "on_error": on_error}
    tools = json.loads((HERE / "seventh" / "tools.json").read_text(encoding="utf-8"))
    manifest = {"name": "ReleaseNotes", "description": "Release notes.", "always_enable_planner": False,
                "always_enable_subagent": False, "capabilities": tools, "hooks": [hook] if guard else []}  # fmt: skip
    files = {"manifest.json": manifest, "phases.json": phases, "done_when.json": done}
    return {"scripts/public.py": guard or ""} | {name: json.dumps(what) for name, what in files.items() if what}


def no_guard():
    """Nothing keeps a note of an internal commit out. Which hook could?"""
    return release(guard=None)


def no_contract():
    """The driver says that it is done, and nobody looks. Which file makes the runtime look?"""
    return release(done=None)


def nothing_at_all():
    """Tools alone hold nobody. What can refuse, and what can look?"""
    return release(None, None, None)


def guards_too_much():
    """Your guard fails, or refuses, where a call has no commit. For which tool should it decide?"""
    return release(STRICT)


def locked_in():
    """No event leads to the phase that publishes. Which one should?"""
    return release(phases=PHASES | {"transitions": [{"from": "write", "on": "publish", "to": "publish"}]})


def without_phases():
    """Your skill has every rule and no order. Which file says what may come when?"""
    return release(phases=None)


def notes_twice():
    """Your guard looks at a note alone. Which file tells it that the commit has one already?"""
    return release(TWICE)


def open_on_error():
    """Your guard can fail itself, as where commits.txt is gone. What does its on_error say should happen then?"""
    return release(on_error="continue")
