"""What is refused when a skill, a contract, a call or an answer is read, and in which words."""

# ruff: noqa: F401, F811 (fixtures of other test files are imported by name)

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from test_formal_skills_manifest import GOOD, HOOK, PHASES, TOOL, folder, loaded
from test_formal_skills_markdown import ABOUT, FIELDS, NAME, markdown
from test_formal_skills_markdown import GOOD as TEXT
from test_formal_skills_openai import ASKED, BOTH, chunk, driver_of, message, piece, run, says, serve, stream_of

from helpers.formal_skills import Reply, Runtime, load_markdown, load_skill, rules
from helpers.formal_skills.contracts import failed
from helpers.formal_skills.models import ARGS, Manifest, Rule
from helpers.formal_skills.outcomes import misfit

FAIRYCLAW = importlib.util.find_spec("fairyclaw")
ON_A, TERMS = {"path": "a"}, {"path": "a", "terms": ["x"]}


def part(text: str) -> dict:
    return {"type": "text", "text": text}


def tool_with(schema) -> dict:
    return {"capabilities": [TOOL | {"schema": schema}]}


@pytest.mark.parametrize("kind, args, field", [
    ("text_contains", TERMS | {"terms": "tone"}, "terms"), ("text_contains", TERMS | {"terms": 3}, "terms"),
    ("text_contains", TERMS | {"terms": []}, "terms"), ("text_contains", TERMS | {"terms": ["x", 1]}, "terms.1"),
    ("text_contains", TERMS | {"terms": [" "]}, "terms.0"), ("text_contains", TERMS | {"wanted": False}, "wanted"),
    ("text_not_contains", TERMS | {"wanted": True}, "wanted"), ("text_contains", ON_A, "terms"),
    ("file_exists", ON_A | {"pth": "b"}, "pth"), ("file_exists", {"path": ""}, "path"), ("file_exists", {}, "path"),
    ("json_parseable", {"path": ["a"]}, "path"), ("json_schema", ON_A, ""),
    ("json_schema", ON_A | {"schema": 3}, "schema"), ("json_schema", ON_A | {"schema": {"$ref": "#/no"}}, ""),
    ("json_schema", ON_A | {"schema": {}, "schema_path": "b"}, ""), ("json_schema", ON_A | {"schema": None}, ""),
    ("json_schema", ON_A | {"schema": {"type": "objekt"}}, ""),
    ("command_exit_code", {"command": "true", "exit_code": "0"}, "exit_code"), ("command_exit_code", ON_A, "path"),
    ("command_exit_code", {"command": "true", "exit_code": False}, "exit_code"),
    ("command_exit_code", {"command": "true", "cwd": ".."}, "cwd"), ("command_exit_code", {"command": " "}, "command"),
], ids=repr)  # fmt: skip
def test_a_rule_takes_the_args_of_its_type_and_no_others(kind, args, field):
    good = {"type": "file_exists", "args": ON_A}
    with pytest.raises(ValueError, match=rf"^done_when: rule 1\.args{'.' * bool(field)}{field}: .*; a rule is "):
        rules([good, {"type": kind, "args": args}])
    with pytest.raises(ValueError, match=field or "args"):
        Rule(type=kind, args=args)


@pytest.mark.parametrize("args", [{"schema": {}}, {"schema": {"$ref": "#/$defs/a", "$defs": {"a": {}}}},
                                  {"schema_path": "b", "schema": None}, {"schema_path": "b"}])  # fmt: skip
def test_a_rule_json_schema_has_one_schema(args):
    assert rules([{"type": "json_schema", "args": ON_A | args}])[0].args == ON_A | args


def test_an_empty_schema_in_a_rule_is_a_schema(tmp_path):
    (tmp_path / "a").write_text("[1]")
    assert failed(rules([{"type": "json_schema", "args": ON_A | {"schema": {}}}]), tmp_path) == []


LONG = "x" * 500_000


@pytest.mark.parametrize("kind, args", [
    ("json_schema", {"schema": {"type": "object"}}), ("text_not_contains", {"terms": ["x" * 50_000]}),
    ("json_schema", {"schema": {"type": "string", "maxLength": 1}}),
    ("json_schema", {"schema": {"multipleOf": 1, "enum": [LONG, 1]}}),
])  # fmt: skip
def test_a_complaint_is_cut(tmp_path, kind, args):
    (tmp_path / "a").write_text(json.dumps([LONG] if args.get("schema") == {"type": "object"} else LONG))
    said = failed(rules([{"type": kind, "args": ON_A | args}]), tmp_path)
    assert sum(map(len, said)) < 2_100 and all(one.startswith(kind) for one in said)


@pytest.mark.parametrize("schema", [
    {"$ref": "#/nope"}, {"$ref": "#"}, {"properties": {"a": {"items": {"$ref": "#/nope"}}}}, {"$ref": "#nope"},
    {"anyOf": [{"type": "string"}, {"$ref": "other.json"}]}, {"$defs": {"a": {"$dynamicRef": "#/nope"}}},
    {"$ref": "https://example.org/schema"}, {"allOf": [{"$ref": "#"}]},
], ids=repr)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_refused_at_load_and_a_misfit_at_a_call(folder, schema):
    with pytest.raises(ValueError, match=r"looking/manifest.json: field capabilities.0.schema: .*parameters.*\$ref"):
        loaded(folder, GOOD | tool_with({"parameters": schema}))
    assert "$defs" in schema or "properties" in schema or "cannot be checked" in misfit("look", "{}", schema)


@pytest.mark.parametrize("parameters", [
    {}, {"properties": {"$ref": {"type": "string"}}}, {"default": {"$ref": "#/nope"}},
    {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"},
    {"$id": "https://example.org/a", "$ref": "b", "$defs": {"b": {"$id": "b", "type": "object"}}},
    {"properties": {"any": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}},
], ids=repr)  # fmt: skip
def test_references_that_lead_somewhere_load(folder, parameters):
    skill = loaded(folder, GOOD | tool_with({"parameters": parameters}))
    assert misfit("look", "{}", skill.tools["look"].parameters) == ""


@pytest.mark.parametrize("text", ['{"n": NaN}', '{"n": Infinity}', "-Infinity", '{"n": 1e999}', "9" * 5_000])
def test_what_is_no_number_of_json_is_no_argument(text):
    for schema in (None, {"properties": {"n": {"type": "number"}}}):
        assert "are not JSON (" in misfit("look", text, schema)
    assert misfit("look", '{"n": 1.5e3, "m": 12}', {"properties": {"n": {"const": 1500}}}) == ""


def test_a_number_too_large_for_its_schema_is_a_misfit():
    assert "cannot be checked" in misfit("look", "9" * 400, {"multipleOf": 0.1})
    assert len(misfit("look", json.dumps({LONG: LONG}), {"additionalProperties": {"type": "array"}})) < 400


@pytest.mark.parametrize("change, field", [
    ({"hooks": [HOOK | {"onerror": "fail"}]}, "hooks.0.onerror"), ({"hook": []}, "hook"),
    ({"capabilities": [TOOL | {"shema": {}}]}, "capabilities.0.shema"),
    ({"capabilities": [{"shema" if key == "schema" else key: TOOL[key] for key in TOOL}]}, "capabilities.0.shema"),
    ({"capabilities": [HOOK | {"type": "Hook", "timeout": 5}]}, "capabilities.0.timeout"),
    ({"capabilities": [HOOK | {"onerror": "fail"}]}, "capabilities.0.onerror"),
    ({"event_types": [{"name": "a", "schem": {}}]}, "event_types.0.schem"),
    *[(tool_with(schema), "capabilities.0.schema") for schema in (
        False, {"type": "object", "properties": {}}, {"paramters": {}},
        {"parameters": False}, {"parameters": True}, {"parameters": None})],
], ids=repr)  # fmt: skip
def test_a_misspelt_or_empty_field_is_not_passed_over(folder, change, field):
    with pytest.raises(ValueError, match=f"^looking/manifest.json: field {field}: .*; (change|correct)"):
        loaded(folder, GOOD | change)


def test_an_empty_schema_stays_allowed(folder):
    assert loaded(folder, GOOD | tool_with({})).tools["look"].parameters == {"type": "object", "properties": {}}


@pytest.mark.skipif(FAIRYCLAW is None, reason="FairyClaw is not installed")
def test_fairyclaws_own_manifests_have_no_other_fields():
    manifests = list(Path(FAIRYCLAW.submodule_search_locations[0]).rglob("manifest.json"))
    assert len(manifests) == 12
    for file in manifests:
        Manifest.model_validate_json(file.read_text())


MODEL = "from pydantic import BaseModel\n\nclass M(BaseModel):\n    n: int = 1\n\nruntime_config_model = M\n"


@pytest.mark.parametrize("text", ["def (", "1 / 0", "raise SystemExit(3)", "import no_such_module", "\0",
                                  b"\xe9", "runtime_config_model = 3", MODEL.replace(" = 1", "")])  # fmt: skip
def test_a_wrong_config_py_is_told_with_its_file(folder, text):
    (folder / "config.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"^looking/config\.(py|yaml).*(correct it|make it|add it)"):
        loaded(folder)


@pytest.mark.parametrize("text", ["n: [", "- n", "n", "0", "n: !!python/name:os.system", "n: many", "n: " + "9" * 5_000,
                                  b"\xff\xff", None])  # fmt: skip
def test_a_wrong_config_yaml_is_told_with_its_file(folder, text):
    (folder / "config.py").write_text(MODEL)
    if text is None:
        (folder / "config.yaml").mkdir()
    else:
        (folder / "config.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match="^looking/config.yaml"):
        loaded(folder)


@pytest.mark.parametrize("name", ["manifest", "phases", "done_when"])
def test_a_folder_or_a_wrong_number_in_place_of_a_file_is_told(folder, name):
    loaded(folder, phases=PHASES, done_when=[])
    file = folder / f"{name}.json"
    for number in ("9" * 5_000, "NaN", "1e999"):
        file.write_text(f'{{"n": {number}}}')
        with pytest.raises(ValueError, match=f"^looking/{name}.json is not JSON .*; correct that place"):
            load_skill(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match=f"^looking/{name}.json cannot be read .*expected a file"):
        load_skill(folder)


@pytest.mark.parametrize("line", ["metadata: {version: 1.0}", "metadata:\n  version: 1.10\n  7: yes\n  on: 2026-01-02",
                                  "metadata: {none: }", "license: 1.0", "compatibility: 3.11"])  # fmt: skip
def test_scalars_of_a_head_are_text_as_written(tmp_path, line):
    (markdown(tmp_path / NAME) / "SKILL.md").write_text(TEXT.replace("description", f"{line}\ndescription"))
    assert load_markdown(tmp_path / NAME).description == ABOUT
    with pytest.raises(ValueError, match="field metadata.author: "):
        load_markdown(markdown(tmp_path / "again" / NAME, FIELDS | {"metadata": {"author": ["me"]}}))


PARTS = [part("Well, "), {"type": "thinking", "thinking": ["hm"]}, part("done.")]
NO = [{"type": "refusal", "refusal": "I will not."}]


@pytest.mark.parametrize("stream, answer, text", [
    (False, message(content=None, refusal="I will not."), "I will not."), (False, message(content=NO), "I will not."),
    (False, message(content=PARTS), "Well, done."), (False, message(content=[]), ""),
    (True, stream_of({"refusal": "I will "}, {"refusal": "not."}), "I will not."),
    (True, stream_of({"content": NO}), "I will not."),
    (True, stream_of({"content": PARTS[:2]}, {"content": PARTS[2:]}), "Well, done."),
])  # fmt: skip
def test_a_refusal_and_parts_are_read_as_text(serve, stream, answer, text):
    assert driver_of(serve(answer), stream).ask(ASKED, []) == Reply(text)


def test_a_name_that_comes_with_every_piece_is_one_name(serve):
    pieces = [piece(0, {"name": "f", "arguments": part}, id="1") for part in ('{"a"', ": 1", "}")]
    assert driver_of(serve(stream_of(*pieces)), True).ask(ASKED, []) == says(("f", '{"a": 1}'))


CALL = {"id": "1", "type": "function", "function": {"name": "note", "arguments": "{"}}


@BOTH
@pytest.mark.parametrize("fields", [{"content": "I will"}, {"content": None, "tool_calls": [CALL]}])
def test_a_filtered_answer_interrupts_the_run(serve, tmp_path, stream, fields):
    end = chunk({"index": 0, "delta": {}, "finish_reason": "content_filter"}) + "data: [DONE]\n\n"
    whole = message(**fields).body.replace('"stop"', '"content_filter"')
    answer = stream_of(fields, end=end) if stream else message()._replace(body=whole)
    trace = run(tmp_path, driver_of(serve(answer), stream))
    assert trace.status == "interrupted" and "filter withheld" in trace.interruption and not trace.calls
    assert Runtime.resume(tmp_path / "w.run", driver_of(serve(), stream)).status == "completed"


def test_every_type_of_rule_has_its_args():
    assert list(ARGS) == list(Rule.model_fields["type"].annotation.__args__)
