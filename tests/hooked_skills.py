"""Skills with hooks and phases made on the spot, and runs of them, for tests/test_formal_skills_runtime.py."""

from __future__ import annotations

import json
from pathlib import Path

from tiny_skills import call, lay_out, make_skill

from helpers.formal_skills.drivers import Reply, Scripted
from helpers.formal_skills.manifest import FormalSkill, load_skill
from helpers.formal_skills.runtime import Runtime
from helpers.formal_skills.trace import Trace

TOOL = "async def execute(args, context):\n    {}\n"
TOOLS = {name: TOOL.format(f"return '{name}'") for name in "abc"}
HOOK = """
import json
from dataclasses import replace
from helpers.formal_skills.payloads import *

def force(payload, **fields):
    payload = replace(payload)
    for name, value in fields.items():
        object.__setattr__(payload, name, value)  # past the check of types that the tests have
    return HookStageOutput(patched_payload=payload)

async def execute_hook(hook_input):
    state, payload = hook_input.context.state, hook_input.payload
    {}
"""
PHASES = {"initial": "one", "transitions": [{"from": "one", "on": "a", "to": "two"}],
          "phases": {"one": {"tools": ["a"], "say": "First a."}, "two": {"tools": ["b", "c"]}}}  # fmt: skip


def skill_of(folder: Path, *hooks: tuple, phases: dict | None = None, **scripts: str) -> FormalSkill:
    """Return a skill with tools that say their names (or with these scripts) and hooks: stage, code, more fields."""
    make_skill(folder, **(scripts or TOOLS))
    manifest = json.loads((folder / "manifest.json").read_text()) | {"hooks": []}
    for place, (stage, code, *fields) in enumerate(hooks):
        (folder / "scripts" / f"hook{place}.py").write_text(HOOK.format(code))
        hook = {"name": f"{folder.name}{place}", "stage": stage, "script": f"hook{place}.py"}
        manifest["hooks"].append(hook | dict(*fields))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if phases:
        (folder / "phases.json").write_text(json.dumps(phases))
    return load_skill(folder)


def calls(*names: str) -> Reply:
    return Reply("", [call(name).calls[0] for name in names])


class Listens(Scripted):
    """Plays replies and keeps what it is given."""

    def complete(self, messages: list[dict], tools: list[dict]) -> Reply:
        self.__dict__.setdefault("heard", []).append((messages, tools))
        return super().complete(messages, tools)


def run(top: Path, skills, *replies: Reply, task="Work.", driver=None, **how) -> Trace:
    workspace = lay_out(top)
    skills = [skills] if isinstance(skills, FormalSkill) else skills
    return Runtime(workspace, skills, driver or Scripted(replies), **how).run(task)


def ends(trace) -> list[tuple[str, str]]:
    return [(event["status"], event["result"]) for event in trace.calls]
