"""A driver that has learnt from traces: a softmax policy over the calls in them, so that nobody wrote its errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from sklearn.linear_model import LogisticRegression

from .drivers import Reply
from .payloads import LlmToolCallRequest
from .sloppy import DONE, turns
from .trace import Trace

CLAIM = ("", "")  # the action of calling nothing: "everything is done"
OUTCOMES = ("start", "ok", "Error", "Refused", "complaint")
Action = tuple[str, str]  # a tool and its arguments as JSON


@dataclass(frozen=True)
class Learned:
    """Draws the next call from a softmax of what was called so far and how it ended, among the tools that are shown."""

    actions: tuple[Action, ...]
    model: LogisticRegression
    seed: int = 0

    @classmethod
    def fit(cls, traces: Sequence[Trace]) -> Learned:
        """Return the policy that imitates the drivers of these traces, mistakes included (a second for dozens)."""
        examples = [example for trace in traces for example in examples_of(trace)]
        actions = tuple(sorted({action for _, action in examples}))
        seen = np.array([features(history, actions) for history, _ in examples])
        model = LogisticRegression(C=10.0, max_iter=500).fit(seen, [actions.index(action) for _, action in examples])
        return cls(actions, model)

    def with_seed(self, seed: int) -> Learned:
        return replace(self, seed=seed)

    def complete(self, messages: list[dict], tools: list[dict]) -> Reply:
        history = [(CLAIM if call is None else (call["name"], call["arguments"]), outcome(result, bool(complaint)))
                   for call, result, complaint in turns(messages)]  # fmt: skip
        shown = {tool["function"]["name"] for tool in tools} | {""}
        chances = self.model.predict_proba(features(history, self.actions)[None])[0]
        possible = [(self.actions[k], chance) for k, chance in zip(self.model.classes_, chances)
                    if self.actions[k][0] in shown]  # fmt: skip
        chosen = Random(f"{self.seed}/{len(history)}").choices(*zip(*possible))[0] if possible else CLAIM
        return Reply(DONE) if chosen == CLAIM else Reply("", [LlmToolCallRequest("", *chosen)])


def outcome(result: str, complaint: bool) -> str:
    if complaint:
        return "complaint"
    return next((kind for kind in ("Error", "Refused") if result.startswith(f"{kind}:")), "ok")


def features(history: Sequence[tuple[Action, str]], actions: Sequence[Action]) -> np.ndarray:
    """Return how often each action went well and badly (at most twice), the last action, and how it ended."""
    index = {action: place for place, action in enumerate(actions)}
    well, badly, last = np.zeros(len(actions)), np.zeros(len(actions)), np.zeros(len(actions))
    for action, ended in history:
        if action in index:
            (well if ended == "ok" else badly)[index[action]] += 0.5
    if history and history[-1][0] in index:
        last[index[history[-1][0]]] = 1
    ended = [float((history[-1][1] if history else "start") == kind) for kind in OUTCOMES]
    return np.concatenate([well.clip(max=1), badly.clip(max=1), last, ended])


def examples_of(trace: Trace) -> Iterator[tuple[list, Action]]:
    """Yield what a driver had seen before each of its turns, and what it did."""
    history: list[tuple[Action, str]] = []
    for event in trace.events:
        if event["kind"] == "reply":
            call = event["calls"][0] if event["calls"] else None
            action = CLAIM if call is None else (call["name"], call["arguments_json"])
            yield list(history), action
            history.append((action, "ok"))
        elif event["kind"] in ("call", "said"):
            history[-1] = (history[-1][0], outcome(event.get("result", ""), event["kind"] == "said"))
