"""Skills on disk: what loads, what is refused and in which words, and 10,000 made-up manifests."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import helpers.formal_skills
from helpers.formal_skills.experiments import HERE
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.tasks import NAMES

TIMES = 10_000 if os.environ.get("FUZZ_TIMES") else 1_000
SCHEMA = {"parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}
TOOL = {"name": "look", "description": "Look.", "type": "Tool", "schema": SCHEMA, "script": "look.py"}
HOOK = {"name": "watch", "stage": "before_tool_call", "script": "watch.py"}
GOOD = {"name": "Looking", "description": "Looks.", "always_enable_planner": False, "always_enable_subagent": True,
        "capabilities": [TOOL], "hooks": [HOOK]}  # fmt: skip
MOVE = {"from": "a", "on": "look", "to": "b"}
PHASES = {"initial": "a", "phases": {"a": {"tools": ["look"]}, "b": {"tools": []}}, "transitions": [MOVE]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "looking" / "scripts").mkdir(parents=True)
    for name in ("look.py", "watch.py"):
        (tmp_path / "looking" / "scripts" / name).write_text("async def execute(args, context=None): ...\n")
    return tmp_path / "looking"


def loaded(folder: Path, manifest=GOOD, **more):
    (folder / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    for name, content in more.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return load_skill(folder)


def test_defaults_are_fairyclaws(folder):
    hook = loaded(folder).hooks[0]
    assert (hook.priority, hook.enabled, hook.timeout_ms) == (100, True, 300)
    assert (hook.on_error, hook.config) == ("continue", {})
    assert loaded(folder).tools["look"].record_event is True


def test_hooks_may_stand_among_the_capabilities(folder):
    hooked = GOOD | {"hooks": [], "capabilities": [TOOL, HOOK | {"type": "Hook", "description": "x"}]}
    assert [hook.name for hook in loaded(folder, hooked).hooks] == ["watch"]


def test_events_may_be_names_or_objects(folder):
    loaded(folder, GOOD | {"event_types": ["ready", {"name": "gone", "schema": {"type": "object"}}]})


@pytest.mark.parametrize("change, words", [
    ({"name": ""}, "name"), ({"description": 3}, "description"), ({"always_enable_planner": None}, "always_enable"),
    ({"capabilities": {}}, "capabilities"), ({"capabilities": [TOOL | {"type": "tool"}]}, "type"),
    ({"capabilities": [TOOL | {"name": "no spaces"}]}, "name"), ({"capabilities": [TOOL, TOOL]}, "same name"),
    ({"capabilities": [TOOL | {"script": "gone.py"}]}, "gone.py"),
    ({"capabilities": [TOOL | {"script": "../manifest.json"}]}, "manifest.json"),
    ({"capabilities": [TOOL | {"schema": {"parameters": {"type": "objekt"}}}]}, "schema"),
    ({"hooks": [HOOK | {"stage": "before_breakfast"}]}, "stage"), ({"hooks": [HOOK | {"timeout_ms": 0}]}, "timeout_ms"),
    ({"hooks": [HOOK | {"on_error": "cry"}]}, "on_error"), ({"hooks": [HOOK | {"script": "gone.py"}]}, "gone.py"),
])  # fmt: skip
def test_a_wrong_manifest_is_told_file_and_field(folder, change, words):
    with pytest.raises(ValueError, match=f"looking/manifest.json.*{words}"):
        loaded(folder, GOOD | change)


@pytest.mark.parametrize("text, words", [("{", "not JSON"), ("[]", "field"), ("", "not JSON"), ("\ud800", "JSON")])
def test_what_is_no_manifest_at_all(folder, text, words):
    (folder / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=words):
        load_skill(folder)
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match="has no manifest.json"):
        load_skill(folder)


@pytest.mark.parametrize("change, words", [
    ({"initial": "z"}, "no phase 'z'"), ({"transitions": []}, "nothing leads to b"),
    ({"transitions": [MOVE, MOVE | {"to": "q"}]}, "no phase 'q'"),
    ({"transitions": [MOVE, MOVE | {"on": "fly"}]}, "'fly'"),
    ({"phases": {"a": {"tools": ["fly"]}, "b": {"tools": []}}}, "'fly'"),
    ({"transitions": [MOVE | {"status": "so-so"}]}, "status"),
    ({"phases": {"a": {"tools": "look"}, "b": {"tools": []}}}, "phases.a.tools"), ({"extra": 1}, "extra"),
])  # fmt: skip
def test_wrong_phases_are_told(folder, change, words):
    with pytest.raises(ValueError, match=words):
        loaded(folder, phases=PHASES | change)


@pytest.mark.parametrize("rules, words", [
    ([{"type": "file_exists", "args": {}}], "path"), ([{"type": "file_is_nice", "args": {}}], "type"),
    ([{"type": "file_exists", "args": {"path": "a"}, "why": 1}], "why"), ({}, "done_when"), ([[]], "rule 0"),
    ([{"type": "text_contains", "args": {"path": "a"}}], "terms"),
])  # fmt: skip
def test_a_wrong_contract_is_told(folder, rules, words):
    with pytest.raises(ValueError, match=words):
        loaded(folder, done_when=rules)


def test_settings_come_from_model_file_and_environment(folder, monkeypatch):
    (folder / "config.py").write_text("from pydantic import BaseModel\n\nclass Settings(BaseModel):\n    a: int = 1\n"
                                      "    b: int = 1\n    c: int = 1\n\nruntime_config_model = Settings\n")
    (folder / "config.yaml").write_text("b: 2\nc: 2\n")
    monkeypatch.setenv("FAIRYCLAW_CAP_LOOKING__C", "3")
    config = loaded(folder).config
    assert (config.a, config.b, config.c) == (1, 2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_the_courses_skills_load_and_lose_parts(name):
    skill = load_skill(HERE / "skills" / name)
    bare = skill.without("hooks", "phases", "done_when")
    assert skill.phases and skill.done_when and skill.hooks and bare.tools == skill.tools
    assert not (bare.phases or bare.done_when or bare.hooks)
    assert not skill.without("before_tool_call").hooks and skill.without("phases").done_when


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                    max_leaves=8)  # fmt: skip
SOME_TOOL = st.fixed_dictionaries({}, optional={key: JSON | st.just(value) for key, value in TOOL.items()})
SOME_HOOK = st.fixed_dictionaries({}, optional={key: JSON | st.just(value) for key, value in HOOK.items()})
PARTS = {"capabilities": JSON | st.lists(SOME_TOOL, max_size=2), "hooks": JSON | st.lists(SOME_HOOK, max_size=2)}
OPTIONAL = {key: JSON | st.just(value) for key, value in GOOD.items()} | PARTS
MANIFESTS = JSON | st.fixed_dictionaries({}, optional=OPTIONAL)


@settings(max_examples=TIMES, deadline=None, suppress_health_check=list(HealthCheck))
@given(manifest=MANIFESTS)
def test_any_manifest_loads_or_is_a_value_error(manifest, tmp_path_factory):
    folder = Path(tmp_path_factory.getbasetemp()) / "looking"
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    (folder / "scripts" / "look.py").touch()
    try:
        loaded(folder, manifest)
    except ValueError as error:
        assert "looking" in str(error)


def test_the_core_of_the_runtime_stays_short():
    core = ("manifest", "hooks", "runtime", "fence", "contracts")
    files = [Path(helpers.formal_skills.__file__).with_name(f"{name}.py") for name in core]
    assert sum(len(file.read_text().splitlines()) for file in files) <= 450
