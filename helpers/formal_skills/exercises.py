"""The exercises of module 4: references, cases, typical mistakes, hints; judges.py judges what has no one answer."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from helpers.course import Case, Exercise, solution_from, typical

from . import judges, judges_release, mistakes_release, mistakes_runs, mistakes_skills
from .payloads import BeforeToolCallHookPayload, HookExecutionContext, HookStageInput, LlmToolCallRequest, ToolContext


def _solution(name):
    return solution_from("formal_skills", name)


def _place() -> Path:
    """Return a workspace with a neighbour whose name begins alike, and with links inside and out."""
    top = Path(tempfile.gettempdir()).resolve() / f"course-exercise-{os.getuid() if hasattr(os, 'getuid') else 0}"
    for folder in ("w/sub", "w-old"):
        (top / folder).mkdir(parents=True, exist_ok=True)
    (top / "w" / "a.txt").touch()
    for link, target in (("out", top / "w-old"), ("in", top / "w" / "sub")):
        with suppress(OSError):  # there already; or not allowed, as on Windows without its developer mode
            (top / "w" / link).symlink_to(target)
    return top / "w"


def _edit(tool, path, *frozen):
    context = HookExecutionContext("w", "1", state={"frozen": list(frozen or judges.FROZEN)})
    request = LlmToolCallRequest("c", tool, json.dumps({"path": path}))
    return (HookStageInput("before_tool_call", context, BeforeToolCallHookPayload(request, "w", 0, [])),)


def _verdict(output):
    return ("allow", False) if output is None else (output.verdict.kind, bool(output.verdict.reason.strip()))


def _move(source, to):
    return {"from": source, "on": "x", "status": "ok", "to": to}


def _words(result):
    """Return whether a result says Error, and the numbers in it."""
    words = str(result).split()
    return isinstance(result, str), words[:1] == ["Error:"], sorted(word for word in words if word.isdigit())


_FRESH = tempfile.TemporaryDirectory(prefix="course-exercise-")  # removed when the kernel ends


class Fresh:
    """A context whose every copy has a workspace of its own, with one file."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def __deepcopy__(self, memo) -> ToolContext:
        folder = Path(tempfile.mkdtemp(dir=_FRESH.name))
        return ToolContext("w", workspace_root=str(judges.written(folder, {self.name: self.text})))


WORKSPACE, KEPT = _place(), judges.FROZEN[0]
_LOOP = [_move("b", "c"), _move("a", "b"), _move("c", "a"), _move("e", "d"), _move("d", "e")]
_SPLIT = [_move("y", "x"), _move("x", "z"), _move("w", "z")]

exercises = SimpleNamespace(
    manifest=Exercise(
        "manifest", "A manifest", 2, judge=judges.declares, cases=[Case((), "mistakes are told apart here")],
        mistakes=typical(mistakes_skills.not_nested, mistakes_skills.nothing_required, mistakes_skills.anything_goes,
                         mistakes_skills.lower_case, mistakes_skills.too_late, mistakes_skills.open_on_error),
        hints=["Look at a manifest of the notebook; a tool's `schema` has one key, `parameters`.",
               "`required` and `additionalProperties` stand beside `properties`, not inside.",
               '"on_error": "fail" closes; the stage is before_tool_call.'],
        solution=_solution("manifest")),
    execute=Exercise(
        "execute", "An executor", 2, judge=judges.replaces, normalise=_words, cases=[
            Case(({"path": name, "old": old, "new": new}, Fresh(name, text)))
            for name, text, old, new, _, _ in judges.REPLACEMENTS],
        mistakes=typical(mistakes_skills.the_other_way, mistakes_skills.returns_a_number,
                         mistakes_skills.never_says_no, mistakes_skills.a_pattern, mistakes_skills.only_the_first),
        hints=["Path(context.workspace_root, args['path']) is the file.",
               "Read it, count `old`; where there is none, return a text that begins with Error: and write nothing.",
               "str.replace replaces every place; return the count in a text."],
        solution=_solution("execute")),
    execute_hook=Exercise(
        "execute_hook", "A guard", 2, judge=judges.guards, normalise=_verdict,
        cases=[*(Case(_edit("edit_file", path)) for path, _ in judges.EDITS), Case(_edit("read_file", KEPT))],
        mistakes=typical(mistakes_skills.literally, mistakes_skills.every_tool, mistakes_skills.with_capitals,
                         mistakes_skills.frozen_as_written, mistakes_skills.by_beginning,
                         mistakes_skills.without_a_reason),
        hints=["json.loads(request.arguments_json)['path'] is the path; `return None` allows.",
               "os.path.normpath makes ./a/../b into b; casefold makes TESTS into tests.",
               "Do both to the path and to each of state['frozen'], then compare the whole."],
        solution=_solution("execute_hook")),
    unreachable=Exercise(
        "unreachable", "Phases that nothing leads to", 2, mistakes_runs.unreachable,
        cases=[Case((["a", "b", "c", "d", "e"], "a", _LOOP), "b to c, a to b, c to a, e to d, d to e"),
               Case((["w", "x", "y", "z"], "y", _SPLIT), "y to x, x to z, w to z"),
               Case((["one"], "one", []), "one phase"),
               Case((["a", "b", "c", "d"], "a", [_move("c", "d"), _move("b", "c"), _move("a", "b")]),
                    "c to d, b to c, a to b"),
               Case((["a", "b", "c"], "a", [_move("b", "a"), _move("c", "b")]), "b to a, c to b")],
        mistakes=typical(mistakes_runs.no_arrow_to, mistakes_runs.one_step, mistakes_runs.in_order,
                         mistakes_runs.both_ways, mistakes_runs.with_initial),
        hints=["Begin with the set of the initial phase alone.",
               "Add the `to` of every transition whose `from` is in the set, until nothing is added.",
               "sorted(set(phases) - reached)"],
        solution=_solution("unreachable")),
    done_when=Exercise(
        "done_when", "A contract", 2, judge=judges.holds, cases=[Case((), "mistakes are told apart here")],
        mistakes=typical(mistakes_skills.it_is_there, mistakes_skills.it_is_json, mistakes_skills.not_required,
                         mistakes_skills.may_be_empty, mistakes_skills.may_be_false, mistakes_skills.todo_left,
                         mistakes_skills.todo_asked_for),
        hints=["Two of the six rule types are enough for log.txt, one for the result.",
               "json_schema takes a whole JSON schema: type, required, properties, minItems, const.",
               '{"type": "text_not_contains", "args": {"path": "log.txt", "terms": ["TODO"]}}'],
        solution=_solution("done_when")),
    inside=Exercise(
        "inside", "Close the way out", 2, mistakes_runs.inside,
        cases=[Case((WORKSPACE, path), why) for path, why in (
            ("a.txt", "a file"), ("sub/../a.txt", "there and back"), ("../w-old/b", "a neighbour with a longer name"),
            ("../../etc/passwd", "further up"), (str(WORKSPACE / "sub" / "new.txt"), "absolute, inside, not there yet"),
            ("/etc/passwd", "absolute, outside"), ("out/b", "through a link that leads out"),
            ("in/new.txt", "through a link that stays inside"), (".", "the workspace itself"))
            ] + [Case((str(WORKSPACE), path), "the root as text") for path in ("a.txt", "../w-old/b")
            ] + [Case((WORKSPACE / "in", "new.txt"), "the root itself is reached through a link")],
        mistakes=typical(mistakes_runs.begins_with, mistakes_runs.begins_with_and_links, mistakes_runs.no_dots,
                         mistakes_runs.not_absolute, mistakes_runs.without_links, mistakes_runs.must_exist),
        hints=["What counts is where a path ends: Path.resolve() follows `..` and links.",
               "Resolve the root too, and ask is_relative_to.",
               "(Path(root) / path).resolve() works for absolute paths as well."],
        solution=_solution("inside")),
    mended=Exercise(
        "mended", "The swallowed exception", 2, judge=judges.speaks, normalise=judges.reminder,
        cases=[Case(judges.reminding(False, "CodeRepair", "Reports")), Case(judges.reminding(True, "CodeRepair"))],
        mistakes=typical(mistakes_skills.the_wrong_time, mistakes_skills.swallowed, mistakes_skills.always,
                         mistakes_skills.nameless, mistakes_skills.instead),
        hints=["An after_tool_call payload has request, result, tool_status, and no enabled_groups.",
               "The names of the skills are in hook_input.context.enabled_groups.",
               "patch(payload, result=...) hands the payload on with another result; None leaves it as it is."],
        solution=_solution("mended")),
    uncached=Exercise(
        "uncached", "What the cache does not keep", 2, mistakes_runs.uncached,
        cases=[Case((["t", "s", "u"], ["t", "s", "u", "a"], [9, 2, 3, 4]), "one message more"),
               Case((["t1", "s", "u"], ["t2", "s", "u", "a"], [5, 2, 3, 4]), "other tools: the first item differs"),
               Case((["t", "s", "u", "e"], ["t", "s", "u", "a", "e"], [9, 2, 3, 4, 1]), "a note at the end moved"),
               Case((["t", "s"], ["t", "s"], [9, 2]), "the same again"), Case(([], ["t"], [9]), "the first call"),
               Case((["t", "s", "u"], ["t", "s"], [9, 2]), "a shorter prompt"),
               Case((["t", "a", "b"], ["t", "b", "a"], [1, 2, 4]), "two messages changed places")],
        mistakes=typical(mistakes_runs.new_ones, mistakes_runs.same_places, mistakes_runs.the_cached,
                         mistakes_runs.one_too_many, mistakes_runs.grown_by),
        hints=["Find how many items at the beginning are equal.",
               "Everything from the first difference on is uncached.",
               "A while loop with a counter, then sum(tokens[shared:])."],
        solution=_solution("uncached")),
    skill=Exercise(
        "skill", "A whole skill", 4, judge=judges_release.skilled, cases=[Case((), "mistakes are told apart here")],
        mistakes=typical(mistakes_release.no_guard, mistakes_release.no_contract, mistakes_release.nothing_at_all,
                         mistakes_release.guards_too_much, mistakes_release.locked_in,
                         mistakes_release.without_phases, mistakes_release.notes_twice, mistakes_release.open_on_error),
        hints=["Write manifest.json with the tools that are given and one guard; json.dumps helps.",
               "The guard: no note for a commit that commits.txt does not have as public, none twice, none over 60 "
               "characters; the contract: notes.json and CHANGES.md with what must be in them.",
               "Phases: read, note, publish. `list_missing ok` leads from note to publish."],
        solution=_solution("skill")),
)  # fmt: skip
