"""Typical wrong answers to the exercises that a judge runs: manifests, executors, guards, contracts, a whole skill."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .payloads import deny, patch

PROPERTIES = {"path": {"type": "string"}, "containing": {"type": "string"}}
PARAMETERS = {"type": "object", "properties": PROPERTIES, "required": ["path"], "additionalProperties": False}
HOOK = {"name": "guard", "stage": "before_tool_call", "script": "guard.py", "on_error": "fail"}


def manifest(parameters=PARAMETERS, hook=HOOK, type="Tool", nested=True) -> dict:
    schema = {"parameters": parameters} if nested else parameters
    tool = {"name": "count_lines", "description": "Count lines.", "type": type, "schema": schema, "script": "count.py"}
    return {"name": "Counting", "description": "Counts lines.", "always_enable_planner": False,
            "always_enable_subagent": False, "capabilities": [tool], "hooks": [hook]}  # fmt: skip


def not_nested():
    """The schema's JSON schema stands under a key of its own. Which one?"""
    return manifest(nested=False)


def nothing_required():
    """The schema takes a call without a path. Which key says that a property must be there?"""
    return manifest({key: value for key, value in PARAMETERS.items() if key != "required"})


def anything_goes():
    """The schema takes names that are not declared. Which key forbids them?"""
    return manifest({key: value for key, value in PARAMETERS.items() if key != "additionalProperties"})


def lower_case():
    """A capability's type is written with a capital. Is yours?"""
    return manifest(type="tool")


def too_late():
    """After the call a guard can only be sorry. At which stage does it decide?"""
    return manifest(hook=HOOK | {"stage": "after_tool_call"})


def open_on_error():
    """If your guard fails, the call is made. Which `on_error` closes?"""
    return manifest(hook={key: value for key, value in HOOK.items() if key != "on_error"})


async def the_other_way(args, context):
    """You replaced `new` by `old`. Which one is in the file?"""
    path = Path(context.workspace_root, args["path"])
    text = path.read_text(encoding="utf-8")
    if args["new"] not in text:
        return "Error: it is not there"
    path.write_text(text.replace(args["new"], args["old"]), encoding="utf-8")
    return f"{text.count(args['new'])} replaced"


async def returns_a_number(args, context):
    """An executor returns text. What do you return?"""
    path = Path(context.workspace_root, args["path"])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(args["old"], args["new"]), encoding="utf-8")
    return text.count(args["old"])


async def never_says_no(args, context):
    """Nothing was replaced, and the driver hears that all went well. What should it hear?"""
    path = Path(context.workspace_root, args["path"])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(args["old"], args["new"]), encoding="utf-8")
    return f"{text.count(args['old'])} replaced"


async def a_pattern(args, context):
    """`.` was meant as a full stop. Is `old` text or a regular expression?"""
    import re

    path = Path(context.workspace_root, args["path"])
    text, count = re.subn(args["old"], args["new"], path.read_text(encoding="utf-8"))
    if not count:
        return "Error: it is not there"
    path.write_text(text, encoding="utf-8")
    return f"{count} replaced"


async def only_the_first(args, context):
    """One place was replaced. And the others?"""
    path = Path(context.workspace_root, args["path"])
    text = path.read_text(encoding="utf-8")
    if args["old"] not in text:
        return "Error: it is not there"
    path.write_text(text.replace(args["old"], args["new"], 1), encoding="utf-8")
    return f"{text.count(args['old'])} replaced"


def plain(path):
    return os.path.normpath(path).casefold()


def edited(hook_input):
    """Return the path of an edit, and the frozen ones; other tools edit nothing."""
    request = hook_input.payload.request
    path = json.loads(request.arguments_json)["path"] if request.name == "edit_file" else "no/such/file"
    return path, hook_input.context.state["frozen"]


async def literally(hook_input):
    """./tests/test_a.py is the same file. How do you compare places and not spellings?"""
    path, frozen = edited(hook_input)
    return deny("frozen") if path in frozen else None


async def every_tool(hook_input):
    """Reading a frozen file does no harm. Which tool is to be guarded?"""
    path = plain(json.loads(hook_input.payload.request.arguments_json)["path"])
    return deny("frozen") if path in map(plain, hook_input.context.state["frozen"]) else None


async def with_capitals(hook_input):
    """TESTS/Test_A.py is tests/test_a.py on many file systems. Does your guard know?"""
    path, frozen = edited(hook_input)
    return deny("frozen") if os.path.normpath(path) in map(os.path.normpath, frozen) else None


async def frozen_as_written(hook_input):
    """You made the path plain. Are the frozen ones written plainly?"""
    path, frozen = edited(hook_input)
    return deny("frozen") if plain(path) in frozen else None


async def by_beginning(hook_input):
    """data/key.csv.bak is another file. What does your comparison take for the same?"""
    path, frozen = edited(hook_input)
    return deny("frozen") if any(plain(path).startswith(plain(name)[:-3]) for name in frozen) else None


async def without_a_reason(hook_input):
    """The driver is refused and does not learn why. What should it read?"""
    path, frozen = edited(hook_input)
    return deny("") if plain(path) in map(plain, frozen) else None


async def the_wrong_time(hook_input):
    """Who has verified is reminded, and who has not is not. Which way round?"""
    if hook_input.context.state["verified"]:
        names = ", ".join(hook_input.context.enabled_groups)
        return patch(hook_input.payload, result=f"{hook_input.payload.result} Verify what you did with {names}.")
    return None


async def swallowed(hook_input):
    """Now you swallow the exception yourself. Who reads the reminder?"""
    return patch(hook_input.payload, result=hook_input.payload.result)


async def always(hook_input):
    """Somebody who has verified is reminded, too. When is it due?"""
    names = ", ".join(hook_input.context.enabled_groups)
    return patch(hook_input.payload, result=f"{hook_input.payload.result} Verify what you did with {names}.")


async def nameless(hook_input):
    """What did the original want to name?"""
    if not hook_input.context.state["verified"]:
        return patch(hook_input.payload, result=f"{hook_input.payload.result} Verify what you did.")
    return None


async def instead(hook_input):
    """The reminder took the place of the result. What should the driver still read?"""
    if not hook_input.context.state["verified"]:
        return patch(hook_input.payload, result=f"Verify {', '.join(hook_input.context.enabled_groups)}.")
    return None


def rule(type, **args) -> dict:
    return {"type": type, "args": args}


SCHEMA = {"type": "object", "required": ["rows", "checked"],
          "properties": {"rows": {"type": "array", "minItems": 1}, "checked": {"const": True}}}  # fmt: skip
LOG = [rule("text_contains", path="log.txt", terms=["checked"]),
       rule("text_not_contains", path="log.txt", terms=["TODO"])]  # fmt: skip


def contract(schema=SCHEMA, log=LOG) -> list:
    return [rule("json_schema", path="out/result.json", schema=schema), *log]


def it_is_there():
    """A file that is there may hold anything. Which rules look inside?"""
    return [rule("file_exists", path="out/result.json"), rule("file_exists", path="log.txt")]


def it_is_json():
    """It is JSON. Is it the JSON that was asked for?"""
    return [rule("json_parseable", path="out/result.json"), *LOG]


def not_required():
    """Without `required` a property that is missing breaks no schema. Which ones must be there?"""
    return contract({key: value for key, value in SCHEMA.items() if key != "required"})


def may_be_empty():
    """An array without elements passes. Which key asks for one?"""
    return contract(SCHEMA | {"properties": {"rows": {"type": "array"}, "checked": {"const": True}}})


def may_be_false():
    """`checked` may be false. Which key asks for one value?"""
    return contract(SCHEMA | {"properties": {"rows": {"type": "array", "minItems": 1}, "checked": {"type": "boolean"}}})


def todo_asked_for():
    """One of your terms must be in the log, and one must not. Which rule forbids a text?"""
    return contract(log=[rule("text_contains", path="log.txt", terms=["checked", "TODO"])])


def todo_left():
    """The log may still have a TODO. Which rule forbids a text?"""
    return contract(log=LOG[:1])
