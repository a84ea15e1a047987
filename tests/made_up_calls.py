"""Calls, paths and replies as no program should make them, for tests/test_formal_skills_fuzz.py.

The strategies give plain values, and build none of the helpers' objects: the check of types draws random numbers.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from hypothesis import strategies as st

from helpers.formal_skills.drivers import Reply
from helpers.formal_skills.payloads import LlmToolCallRequest
from helpers.formal_skills.tasks import NAMES, load_task

# run_tests starts a program, which takes as long as a hundred other calls.
PLANS = {task: [(step.tool, args) for step in load_task(task).steps for args in (step.args, step.wrong)
                if args is not None and step.tool != "run_tests"] for task in NAMES}  # fmt: skip
WEIRD = st.text(st.characters(), max_size=12)  # with surrogates
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WEIRD
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WEIRD, inner, max_size=3),
                    max_leaves=6)  # fmt: skip
DEEP = "[" * 300 + "]" * 300
NO_JSON = st.text(st.characters(), max_size=30) | st.sampled_from([
    "", "{", "{}{}", "\ufeff{}", "NaN", "1e999", '{"path": "\\ud800"}', '{"path": "a", "path": "b"}', DEEP,
    f'{{"path": {DEEP}}}', "[" * 5000, '{"a":' * 5000, "9" * 5000, "x" * 100_000])  # fmt: skip


@st.composite
def arguments(draw, task: str):
    """A call of a tool of a task: a step of its plan with a field changed or left out, any JSON, or no JSON."""
    tool, args = draw(st.sampled_from(PLANS[task]))
    kind = draw(st.integers(0, 5))
    if kind < 2:
        return tool, draw(NO_JSON) if kind == 0 else json.dumps(draw(JSON))
    key = draw(st.sampled_from(sorted(args)) | WEIRD) if args else draw(WEIRD)
    rest = {name: value for name, value in args.items() if name != key}
    return tool, json.dumps(args if kind == 2 else rest if kind == 3 else rest | {key: draw(JSON)})


# Paths: TOP stands for the folder in which the workspace lies, LONG for a path that no system takes.
PARTS = ["..", ".", "", "...", "~", "~root", "secret", "secret.txt", "w", "w2", "w.run", "journal.jsonl", "app", "APP",
         "merge.py", "Merge.PY", "merge.py.", "merge.py ", "merge.py\0", "tests", "tests.", "Tests", "test_merge.py",
         "sources", "proc/self/cwd", "proc/self/root", "proc/self/environ", "etc/passwd", "dev/null", "C:", "CON",
         "%2e%2e", "\u2025", "\uff0e\uff0e", "e\u0301", "\u00e9", "a" * 300, "\n", "\ud800", "*", "$HOME"]  # fmt: skip
SECRETS = ["../secret", "TOP/secret", "app/../../secret", "../w/../secret", ".//..///secret", "TOP/w/../w2/secret",
           "/proc/self/cwd/../secret", "../w.run/journal.jsonl", "../w.run/driver.pickle", "../w2", "..", "TOP",
           "../w.run/undo/index", "../w2/../secret.txt", "..\\secret", "~/../secret", "file://TOP/secret", "LONG"]


@st.composite
def paths(draw):
    if draw(st.booleans()):
        return draw(st.sampled_from(SECRETS) | WEIRD)
    start = draw(st.sampled_from(["", "", "/", "./", "TOP/", "//TOP/", "TOP/w/", "/proc/self/cwd/", "~/"]))
    between = draw(st.sampled_from(["/", "/", "//", "/./", "\\"]))
    return start + between.join(draw(st.lists(st.sampled_from(PARTS) | WEIRD, max_size=5)))


def placed(path: str, top: Path) -> str:
    return path.replace("TOP", str(top)).replace("LONG", "x/" * 3000)


def made(kind: type, **fields):
    """Return an object with fields of types that it should not have, or without some."""
    thing = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(thing, name, value)
    return thing


class Raises:
    def __str__(self):
        raise KeyError("str")

    __repr__ = __str__


NO_REPLY = [None, 3, 2.5, True, "text", b"text", {}, {"text": "", "calls": []}, [], object(), Raises(), Reply,
            KeyError(), made, print, ...]
ODD_REPLY = [made(Reply, text="x", calls=None), made(Reply, text=None, calls=3),
             made(Reply, text="x", calls=[None, [[[[]]]], {}, "call"])]
NAME = st.sampled_from(["read_file", "label", "check_labels", "send_customers", "done_when"])
READS = ("", "read_file", '{"path": "tickets/T1.txt"}')
SOUND = st.tuples(st.just(""), NAME | WEIRD, st.just(READS[2]) | NO_JSON)
CALL = SOUND | st.tuples(JSON, NAME | JSON, JSON | st.just(READS[2]) | NO_JSON)
# A turn: a text, which need not be one, and calls; or a reply that is odd as a whole; or hundreds of calls.
TURN = st.one_of(st.tuples(WEIRD | JSON, st.lists(CALL, min_size=1, max_size=6)),
                 st.tuples(WEIRD, st.lists(SOUND, min_size=1, max_size=3)),
                 st.sampled_from([*range(len(ODD_REPLY)), "many"]))  # fmt: skip
ENDS = st.sampled_from(["done", "done", "raises", *range(len(NO_REPLY))])


def expected(turn) -> list[tuple]:
    """Return the calls of a turn, those that can be read and others."""
    return [] if isinstance(turn, int) else [READS] * 200 if turn == "many" else turn[1]


class Answers:
    """A driver that says what was made up for it; then it says that it is done, raises, or gives what is no reply."""

    def __init__(self, turns, end: str | int) -> None:
        self.turns, self.end, self.said = turns, end, 0

    def complete(self, messages: list[dict], tools: list[dict]):
        if self.said == len(self.turns) and self.end == "raises":
            raise ConnectionError("gone")
        if self.said == len(self.turns) and self.end != "done":
            return NO_REPLY[self.end]
        turn = self.turns[self.said] if self.said < len(self.turns) else ("Done.", [])
        self.said += 1
        if isinstance(turn, int):
            return ODD_REPLY[turn]
        fields = ("call_id", "name", "arguments_json")
        calls = [made(LlmToolCallRequest, **dict(zip(fields, call))) for call in expected(turn)]
        return made(Reply, text="" if turn == "many" else turn[0], calls=calls)


class Waits(Answers):
    """The same, as a coroutine."""

    async def complete(self, messages: list[dict], tools: list[dict]):
        await asyncio.sleep(0)
        return super().complete(messages, tools)


class Says:
    """A driver that answers with what a function of its messages and tools returns, and is done after that."""

    def __init__(self, function) -> None:
        self.function = function

    def complete(self, messages: list[dict], tools: list[dict]):
        first = not any(message["role"] == "assistant" for message in messages)
        return self.function(messages, tools) if first else Reply("Done.")
