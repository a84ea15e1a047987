"""FairyClaw's own skills, unmodified: they load, and every script of them is imported.

The folders are those of the wheel `fairyclaw`; the package itself is found, and never imported.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from helpers.formal_skills import payloads
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.scripts import entry_point

FOUND = importlib.util.find_spec("fairyclaw")
if FOUND is None:
    pytest.skip("fairyclaw is not installed", allow_module_level=True)
PACKAGE = Path(FOUND.submodule_search_locations[0])
FOLDERS = {"code_repair_ops": (4, 4), "sub_agent_tools": (1, 2), "core_ops": (10, 0)}  # tools and hooks


@pytest.mark.parametrize("there", [None, ModuleType("fairyclaw")], ids=["alone", "beside fairyclaw"])
@pytest.mark.parametrize("name", FOLDERS)
def test_every_script_can_be_imported_and_leaves_no_fairyclaw_behind(monkeypatch, name, there):
    """A `fairyclaw` that was imported before is the same one afterwards."""
    for module in [module for module in sys.modules if module.startswith("fairyclaw")]:
        monkeypatch.delitem(sys.modules, module)  # the folder's scripts too: they are imported once
    if there:
        monkeypatch.setitem(sys.modules, "fairyclaw", there)
    skill = load_skill(PACKAGE / "capabilities" / name)
    for tool in skill.tools.values():
        assert inspect.iscoroutinefunction(entry_point(skill.folder, tool.script, "execute")), tool.name
    for hook in skill.hooks:
        assert inspect.iscoroutinefunction(entry_point(skill.folder, hook.script, "execute_hook")), hook.name
    left = {key: kept for key, kept in sys.modules.items() if key.split(".")[0] in ("fairyclaw", "fairyclaw_plugins")}
    assert left == ({"fairyclaw": there} if there else {})


@pytest.mark.parametrize("name", FOLDERS)
def test_names_stages_and_schemas_are_those_of_the_manifest(name):
    skill = load_skill(PACKAGE / "capabilities" / name)
    manifest = json.loads((skill.folder / "manifest.json").read_text())
    assert (len(skill.tools), len(skill.hooks)) == FOLDERS[name]
    assert list(skill.tools) == [part["name"] for part in manifest["capabilities"]]
    assert skill.name == manifest["name"] and skill.phases is None and skill.done_when == ()
    for part in manifest["capabilities"]:
        assert skill.tools[part["name"]].parameters == part["schema"]["parameters"]
    for hook, raw in zip(skill.hooks, manifest.get("hooks", []), strict=True):
        assert all(getattr(hook, field) == raw[field] for field in raw)


def test_payloads_have_the_fields_of_fairyclaw_in_its_order():
    """Ours may follow; that after_tool_call has no enabled_groups (the first fault) is FairyClaw's doing, not ours."""
    tree = ast.parse((PACKAGE / "core/agent/hooks/protocol.py").read_text())
    theirs = {node.name: [line.target.id for line in node.body if isinstance(line, ast.AnnAssign)]
              for node in tree.body if isinstance(node, ast.ClassDef) and node.name != "EventHookHandler"}  # fmt: skip
    for name in theirs.keys() - {"HookStage", "HookStatus"}:
        names = [field.name for field in dataclasses.fields(getattr(payloads, name))]
        assert [field for field in names if field not in ("state", "verdict")] == theirs[name], name
