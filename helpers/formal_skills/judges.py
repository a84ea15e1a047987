"""The judges of exercises that have no one right answer: they run what the learner wrote, in a folder of their own."""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema

from .contracts import failed
from .manifest import load_skill
from .models import rules
from .payloads import (
    AfterToolCallHookPayload,
    BeforeToolCallHookPayload,
    HookExecutionContext,
    HookStageInput,
    ToolContext,
)
from .payloads import LlmToolCallRequest as Call

Judged = tuple[bool, str]
NO_COROUTINE = "the runtime awaits what a script defines. What is missing before `def`?"
NO_PATCH = "a hook returns None, deny(reason) or patch(payload, ...); yours returned"
GOOD_ARGUMENTS = ({"path": "a.txt"}, {"path": "a.txt", "containing": "x"})
BAD_ARGUMENTS = (({}, "no path"), ({"path": 3}, "a path that is a number"), ([], "a list"),
                 ({"path": "a", "contains": "x"}, "a name that is not declared"),
                 ({"path": "a", "containing": None}, "null to search for"))  # fmt: skip


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder and return it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def declares(manifest: Callable[[], Any]) -> Judged:
    """Judge a manifest: it loads, and its schema takes and refuses the right arguments."""
    answer = manifest()
    if not isinstance(answer, dict):
        return False, f"expected a dict, which json.dumps makes into the file; got {answer!r:.60}."
    with tempfile.TemporaryDirectory() as place:
        scripts = {f"scripts/{name}": "async def execute(args, context): ...\n" for name in ("count.py", "guard.py")}
        folder = written(Path(place, "counting"), scripts | {"manifest.json": json.dumps(answer)})
        try:
            skill = load_skill(folder)
        except ValueError as error:
            return False, f"{error}."
    if list(skill.tools) != ["count_lines"] or skill.tools["count_lines"].script != "count.py":
        return False, "expected one tool, count_lines, whose script is count.py."
    if answer["always_enable_planner"] or answer["always_enable_subagent"]:
        return False, "expected both always_enable_... to be False."
    checker = jsonschema.Draft202012Validator(skill.tools["count_lines"].parameters)
    if refused := [args for args in GOOD_ARGUMENTS if not checker.is_valid(args)]:
        return False, f"the schema refuses {refused[0]}."
    if taken := [why for args, why in BAD_ARGUMENTS if checker.is_valid(args)]:
        return False, f"the schema takes {taken[0]}."
    hooks = [(hook.stage, hook.script, hook.on_error) for hook in skill.hooks]
    right = hooks == [("before_tool_call", "guard.py", "fail")]
    return right, "" if right else f"expected one hook before_tool_call, guard.py, that fails closed; got {hooks}."


REPLACEMENTS = (("one.txt", "a b a\n", "a", "ä", "2", "ä b ä\n"), ("sub/two.txt", "x.y\n", ".", "-", "1", "x-y\n"),
                ("three.txt", "abc\n", "z", "q", None, "abc\n"),
                ("four.txt", "aaa\n", "aa", "b", "1", "ba\n"))  # fmt: skip


def replaces(execute: Callable[..., Any]) -> Judged:
    """Judge an executor: what it writes, what it returns, and that it says "Error:" where it has done nothing."""
    if not inspect.iscoroutinefunction(inspect.unwrap(execute)):
        return False, NO_COROUTINE
    for name, text, old, new, count, after in REPLACEMENTS:
        with tempfile.TemporaryDirectory() as place:
            folder = written(Path(place), {name: text})
            before = (folder / name).stat().st_mtime_ns
            context = ToolContext("w", workspace_root=str(folder))
            result = execute({"path": name, "old": old, "new": new}, context)
            if not isinstance(result, str):
                return False, f"an executor returns text, got {result!r}."
            found = (folder / name).read_text(encoding="utf-8")
            if found != after:
                return False, f"{old!r} -> {new!r} in {text!r}: expected {after!r} in the file, found {found!r}."
            written_to = before != (folder / name).stat().st_mtime_ns
            if count is None and (written_to or not result.startswith("Error:")):
                return False, f"{old!r} is not in {text!r}: expected a result beginning with Error: and no writing."
            if count is not None and (result.startswith("Error:") or count not in re.findall(r"\w+", result)):
                return False, f"{old!r} -> {new!r} in {text!r}: expected {count} as a word in {result!r}."
    return True, ""


FROZEN = ("tests/test_a.py", "./data/Key.csv")
EDITS = (("app/a.py", False), ("tests/test_a.py", True), ("./tests/test_a.py", True), ("app/../tests/test_a.py", True),
         ("TESTS/Test_A.py", True), ("data/key.csv", True), ("data//key.csv", True), ("tests/test_ab.py", False),
         ("data/key.csv.bak", False))  # fmt: skip


def guards(execute_hook: Callable[..., Any]) -> Judged:
    """Judge a guard: it refuses edits of frozen files under every spelling, and nothing else."""
    context = HookExecutionContext("w", "1", state={"frozen": list(FROZEN)})
    for tool, path, refused in [("edit_file", *edit) for edit in EDITS] + [("read_file", FROZEN[0], False)]:
        payload = BeforeToolCallHookPayload(Call("c", tool, json.dumps({"path": path})), "w", 0, [])
        output = execute_hook(HookStageInput("before_tool_call", context, payload))
        if output is not None and not hasattr(output, "verdict"):
            return False, f"{NO_PATCH} {output!r:.60}."
        kind = output.verdict.kind if output is not None else "allow"
        if (kind == "deny") != refused:
            return False, f"{tool} of {path!r} should be {'refused' if refused else 'allowed'}, your guard says {kind}."
        if refused and not output.verdict.reason.strip():
            return False, "the driver reads the reason; yours is empty."
    return True, ""


RIGHT = {"out/result.json": '{"rows": [1, 2], "checked": true}', "log.txt": "read\nchecked\n"}
WRONG = (({}, "nothing was written"), ({"log.txt": "checked"}, "the result is missing"),
         (RIGHT | {"out/result.json": "{rows: []}"}, "the result is no JSON"),
         (RIGHT | {"out/result.json": '{"rows": [], "checked": true}'}, "there is no row"),
         (RIGHT | {"out/result.json": '{"rows": [1], "checked": false}'}, "checked is false"),
         (RIGHT | {"out/result.json": '{"rows": [1]}'}, "checked is missing"),
         (RIGHT | {"out/result.json": '{"rows": "1 2", "checked": true}'}, "rows is a text"),
         (RIGHT | {"log.txt": "read\n"}, "the log has no word of checking"),
         (RIGHT | {"log.txt": "checked\nTODO: read"}, "the log has a TODO"))  # fmt: skip


def holds(done_when: Callable[[], list]) -> Judged:
    """Judge a contract: it accepts the finished workspace and none of the unfinished ones."""
    try:
        contract = rules(done_when())
    except ValueError as error:
        return False, f"{error}."
    for files, why in ((RIGHT, ""), (RIGHT | {"out/result.json": '{"rows": [7], "checked": true}'}, ""), *WRONG):
        with tempfile.TemporaryDirectory() as place:
            faults = failed(contract, written(Path(place).resolve(), files))
        if bool(faults) != bool(why):
            return False, f"it accepts a workspace where {why}." if why else f"it refuses a finished one: {faults[0]}."
    return True, ""


def reminding(verified: bool, *names: str) -> tuple[HookStageInput]:
    """Return what the mended hook is called with."""
    payload = AfterToolCallHookPayload(Call("c", "edit_file", "{}"), "w", 0, "file changed", "ok")
    context = HookExecutionContext("w", "1", enabled_groups=list(names), state={"verified": verified})
    return (HookStageInput("after_tool_call", context, payload),)


def reminder(output: Any) -> str:
    """Return the result of the call as the driver reads it after the hook."""
    patched = getattr(output, "patched_payload", None)
    return "file changed" if patched is None else patched.result


def speaks(execute_hook: Callable[..., Any]) -> Judged:
    """Judge the mended hook: it does not fail, and the driver reads the reminder when, and only when, it is due."""
    inputs = ((False, ("CodeRepair", "Reports")), (True, ("CodeRepair",)), (False, ("BatchResume",)))
    outputs = [execute_hook(*reminding(verified, *names)) for verified, names in inputs]
    if wrong := [output for output in outputs if output is not None and not hasattr(output, "verdict")]:
        return False, f"{NO_PATCH} {wrong[0]!r:.60}, which nobody reads."
    for (verified, names), said in zip(inputs, map(reminder, outputs)):
        if not said.startswith("file changed"):
            return False, f"the tool's own result, 'file changed', is gone: the driver reads {said!r}."
        if (said != "file changed") == verified:
            return False, f"verified is {verified}, and the driver reads {said!r}."
        if not verified and not all(name in said for name in names):
            return False, f"the reminder should name {', '.join(names)}; the driver reads {said!r}."
    return True, ""
