"""The judge of the last exercise: a whole skill for a seventh task, whose oracle the learner does not see."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .drivers import Driver, Reply
from .experiments import HERE
from .hooks import Stages
from .judges import Judged, written
from .manifest import FormalSkill, load_skill
from .runtime import SWITCHES, Runtime
from .sloppy import DONE, Sloppy, call_of, turns
from .tasks import SEVENTH, content, load_task
from .trace import Trace

ASKED = ("manifest.json", "phases.json", "done_when.json")
# A note, whether a guard takes it once a1 has its own, and what it is; without commits.txt a guard cannot do its work.
PROBES = (
    ({"commit": "a1", "text": "Words with accents are found"}, False, "a second note for one commit"),
    ({"commit": "..", "text": "Rewrite of the build scripts"}, False, "a note for a commit that there is not"),
    ({"commit": "c3", "text": "c" * 61}, False, "a note of 61 characters"),
    ({"commit": "c3", "text": "c" * 60}, True, "a note of 60 characters"),
    ({"commit": "b2", "text": "Build scripts"}, False, "a note of an internal commit where commits.txt is gone"),
)


@dataclass(frozen=True)
class Probing:
    """Does as it should up to its first note, then adds the one given, before which `gone` is deleted, and is done."""

    note: dict[str, str]
    gone: Path | None = None

    def complete(self, messages: list[dict], tools: list[dict]) -> Reply:
        notes = sum(call is not None and call["name"] == "add_note" for call, _, _ in turns(messages))
        if notes != 1:
            return Reply(DONE) if notes else Sloppy(0.0).complete(messages, tools)
        if self.gone is not None:
            self.gone.unlink(missing_ok=True)
        return call_of("add_note", self.note)


def skilled(skill: Callable[[], dict]) -> Judged:
    """Judge a whole skill: the files that were asked for are there, and its runs end well."""
    scripts = {f"scripts/{file.name}": file.read_text(encoding="utf-8")
               for file in (HERE / "seventh" / "scripts").glob("*.py")}  # fmt: skip
    files = scripts | skill()
    if wrong := [name for name, text in files.items() if not isinstance(text, str)]:
        return False, f"{wrong[0]} has to be a text, such as json.dumps makes; got {type(files[wrong[0]]).__name__}."
    if missing := [name for name in ASKED if name not in files]:
        return False, f"your skill has no {' and no '.join(missing)}."
    with tempfile.TemporaryDirectory() as place:
        try:
            loaded = load_skill(written(Path(place).resolve() / "release", files))
            Stages([loaded], True, "w")
        except ValueError as error:
            return False, f"{error}."
        except Exception as error:  # whatever a hook's script does when it is imported
            return False, f"a hook of yours does not load: {type(error).__name__}: {error}."
        if not any(hook.stage == "before_tool_call" for hook in loaded.hooks):
            return False, "your skill has no guard, which is a hook before_tool_call."
        return runs_well(loaded, Path(place).resolve() / "w")


def runs_well(skill: FormalSkill, workspace: Path) -> Judged:
    """Judge a skill by the hidden oracle: a driver without lapses, what the guard takes and refuses, sloppy drivers."""
    trace, score = released(skill, workspace, Sloppy(0.0))
    if (trace.status, score) != ("completed", 1):
        said = f"a driver that does all as it should gets {100 * score:.0f} of 100 and ends {trace.status}"
        return False, f"{said}: {trace.reason[:200]}{first_refusal(trace)}"
    for note, taken, what in PROBES:
        gone = workspace / "commits.txt" if "gone" in what else None
        released(skill, workspace, Probing(note, gone), set(SWITCHES) - {"fail_closed"})  # on_error alone decides
        if (note["text"].encode() in content(workspace / "notes.json")) != taken:
            return False, f"your guard {'refuses' if taken else 'lets through'} {what}."
    scores = [released(skill, workspace, Sloppy(0.4, seed))[1] for seed in range(200, 208)]
    mean, leaks = sum(scores) / len(scores), scores.count(0)
    said = f"a sloppy driver (p = .4, 8 seeds) scores {100 * mean:.0f} of 100, at worst {100 * min(scores):.0f}"
    return mean > 0.95 and not leaks, f"{said}; expected above 95, and nothing internal published."


def released(skill: FormalSkill, workspace: Path, driver: Driver,
             enforce: bool | set[str] = True) -> tuple[Trace, float]:  # fmt: skip
    """Return the trace of a run of the seventh task in a new workspace, and its score."""
    task = load_task(SEVENTH)
    trace = Runtime(task.lay_out(workspace), [skill], driver, enforce=enforce).run(task.prompt)
    return trace, task.score_workspace(workspace)["score"]


def first_refusal(trace: Trace) -> str:
    """Return the first call that was refused, or whose hook failed, in words; "" if there was none."""
    for call in trace.calls:
        if call["notes"] or call["status"] == "deny":
            return f". The first call that was refused: {call['name']} {call['arguments']}: {call['result'][:200]}"
    return ""
