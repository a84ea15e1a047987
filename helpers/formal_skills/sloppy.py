"""A driver that knows the way and strays from it: at every turn, with probability p, it commits a lapse.

It stands for no particular model. Its lapses are those that people report of models: steps left out, tests changed,
"done" said too early, tools called that were not offered, arguments that do not fit, work that is plausible and wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from .drivers import Reply
from .payloads import LlmToolCallRequest
from .tasks import NAMES, SEVENTH, Step, Workspace, load_task

LAPSES = ("skip", "claim", "cheat", "wrong", "hidden", "garble")
DONE = "Everything is done."


@dataclass(frozen=True)
class Sloppy:
    """Follows the plan of a task of the course, with lapses; the task is found by its prompt.

    It keeps no state: what it believes is derived from the messages, and its chance from seed and turn. What is refused
    it tries again; when it is told that the task is not complete, it does what it has not done properly: all of it,
    whatever it is told, or, where it `reads`, only what it is told of. Its lapses are of the given `kinds`.
    """

    p: float
    seed: int = 0
    reads: bool = False
    kinds: tuple[str, ...] = LAPSES

    def complete(self, messages: list[dict], tools: list[dict]) -> Reply:
        task = task_of(messages)
        mind = Mind(task)
        turn = 0
        for turn, (call, result, complaint) in enumerate(turns(messages), 1):
            mind.learn(self.lapse(mind, turn - 1), call, result)
            if complaint:
                mind.doubt(mind.named_in(complaint) if self.reads else range(len(mind.done)))
        shown = {tool["function"]["name"] for tool in tools}
        return mind.act(self.lapse(mind, turn), shown, f"{task.name}/{self.seed}/{turn}/act")

    def lapse(self, mind: Mind, turn: int) -> str:
        """Return the lapse of a turn, "" for none; a skipped step is believed done from here on."""
        seed, step = f"{mind.task.name}/{self.seed}/{turn}", mind.next()
        if first(seed) >= self.p or step is None:
            return ""
        chance = Random(seed)
        chance.random()  # the first, which has let the lapse happen
        kinds = [kind for kind in self.kinds if kind not in ("cheat", "wrong") or getattr(step, kind)]
        kind = chance.choice(kinds) if kinds else ""
        if kind == "skip":
            mind.done[mind.done.index(False)] = True
        return kind


@lru_cache(4096)
def first(seed: str) -> float:
    """Return the first random number after a seed: a driver without state asks for those of all turns at every turn."""
    return Random(seed).random()


def task_of(messages: list[dict]) -> Workspace:
    """Return the course's task whose prompt is the first user message; ValueError if it is none of them."""
    prompt = next((message["content"] for message in messages if message["role"] == "user"), "")
    for name in (*NAMES, SEVENTH):
        if load_task(name).prompt == prompt:
            return load_task(name)
    raise ValueError("this driver knows the tasks of the course alone; give it the prompt of one of them")


def turns(messages: list[dict]) -> Iterator[tuple[dict | None, str, str]]:
    """Yield for every turn its call (None if there was none), the call's result, and the complaint that came after."""
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            call = (message.get("tool_calls") or [{}])[0].get("function")
            after = messages[place + 1 :]
            following = next((k for k, other in enumerate(after) if other["role"] == "assistant"), len(after))
            result = next((other["content"] for other in after[:following] if other["role"] == "tool"), "")
            yield call, result, "\n".join(other["content"] for other in after[:following] if other["role"] == "user")


class Mind:
    """What the driver believes: which steps it has done, and which of them properly."""

    def __init__(self, task: Workspace) -> None:
        self.task = task
        self.done = [False] * len(task.steps)
        self.proper = [False] * len(task.steps)

    def next(self) -> Step | None:
        return None if all(self.done) else self.task.steps[self.done.index(False)]

    def act(self, lapse: str, shown: set[str], seed: str) -> Reply:
        """Return the reply of a turn with this lapse, or without one."""
        step = self.next()
        if step is None or lapse == "claim":
            return Reply(DONE)
        if lapse == "cheat":
            return call_of(**step.cheat)
        if lapse == "hidden":
            return call_of(**self.task.tempting)
        if lapse == "wrong":
            return call_of(step.tool, step.wrong)
        if lapse == "garble":
            return garbled(step, Random(seed))
        step = self.open_step(shown)
        return call_of(step.tool, step.args)

    def open_step(self, shown: set[str]) -> Step:
        """Return the first step to do whose tool is shown; else one that is shown; else the first to do."""
        steps = self.task.steps
        todo = [step for step, done in zip(steps, self.done) if not done]
        return next((step for some in (todo, steps) for step in some if step.tool in shown), todo[0])

    def learn(self, lapse: str, call: dict | None, result: str) -> None:
        """Take in what came back of a call."""
        if call is None or result.startswith("Refused"):
            return
        straight, todo = lapse in ("", "skip"), not all(self.done)
        place = self.place_of(call) if straight else (self.done.index(False) if todo else None)
        if place is None or lapse == "hidden":
            return
        role, failed = self.task.steps[place].role, result.startswith("Error:")
        if role == "verify" and failed and not all(self.proper[k] for k in self.works()):
            self.doubt(self.works())  # it sees that something is left, and does that again
        elif role in ("look", "verify") or not failed:
            self.done[place] = True
            self.proper[place] |= straight

    def doubt(self, places: Iterable[int]) -> None:
        """Believe of these steps only that they are done which were done properly."""
        for place in places:
            self.done[place] = self.proper[place]

    def named_in(self, complaint: str) -> list[int]:
        """Return the steps that a complaint names; the content of a file, quoted in it, is not what is missing."""
        words = re.sub(r"\[\{.*\}\]", "", complaint)
        return [k for k, step in enumerate(self.task.steps) if any(word in words for word in step.about)]

    def works(self) -> list[int]:
        return [k for k, step in enumerate(self.task.steps) if step.role == "work"]

    def place_of(self, call: dict) -> int | None:
        """Return the step that a proper call belongs to: the first of its kind that is not done, else the last."""
        same = [k for k, step in enumerate(self.task.steps)
                if step.tool == call["name"] and step.arguments == call["arguments"]]  # fmt: skip
        return next((k for k in same if not self.done[k]), same[-1] if same else None)


def call_of(tool: str, args: dict) -> Reply:
    return Reply("", [LlmToolCallRequest("", tool, json.dumps(args))])


def garbled(step: Step, chance: Random) -> Reply:
    """Return a step's call with arguments that do not fit: no JSON, one left out, or one of a wrong type."""
    how = chance.randrange(3) if step.args else 0
    if how == 0:
        return Reply("", [LlmToolCallRequest("", step.tool, "{" + json.dumps(step.args)[2:-1])])
    name = chance.choice(sorted(step.args))
    args = {key: value for key, value in step.args.items() if key != name or how == 2}
    if how == 2:
        args[name] = str(args[name]) if not isinstance(args[name], str) else [args[name]]
    return call_of(step.tool, args)
