"""The explorer: a run turn by turn, with the driver's sloppiness as a slider."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from itertools import zip_longest

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .experiments import DATA
from .pictures import LOOK
from .trace import Trace

WORDS = {"ok": "done", "error": "the tool says no", "deny": "refused", "finish": "too late", "": "no call"}
Runs = dict[tuple[str, float, int], list[dict]]
LOOKS = {"ok": ("o", "#0072B2"), "error": ("s", "#E69F00"), "deny": ("X", "#D55E00"),
         "finish": ("P", "#CC79A7"), "": ("d", "#666666")}


def told(trace: Trace) -> list[dict]:
    """Return a run turn by turn: phase, tools shown, the call, how it ended, what came back, tokens so far."""
    turns: list[dict] = []
    phase, spent = " ".join(trace.events[0]["state"]["phases"].values()), 0
    for event in trace.events[1:]:
        if event["kind"] == "reply":
            spent += event["tokens"]["prompt"] + event["tokens"]["completion"]
            said = {"call": event["text"] or "(nothing)", "status": "", "back": ""}
            turns.append({"phase": phase, "shown": event["shown"], "tokens": spent} | said)
        elif event["kind"] == "call":
            turns[-1] |= {"call": f"{event['name']}({event['arguments']})"[:300], "status": event["status"],
                          "back": event["result"][:400]}  # fmt: skip
        else:
            turns[-1]["back"] += event.get("text") or f"[{event['status']}] {event['reason']}"[:400]
        phase = " ".join(event["state"]["phases"].values())
    return turns


def load_runs() -> Runs:
    """Return the recorded runs: the first seeds of ticket triage, by arm, sloppiness and seed; the last turn has the
    score.
    """
    recorded = json.loads((DATA / "runs.json").read_text(encoding="utf-8"))
    return {(run["arm"], run["p"], run["seed"]): [*run["turns"][:-1], run["turns"][-1] | {"score": run["score"]}]
            for run in recorded}  # fmt: skip


def figure_and_update(runs: Runs) -> tuple[Figure, Callable[..., str], dict]:
    """Return the figure, the function that redraws it, and the controls.

    runs: what `told` gives, by arm, sloppiness and seed.
    """
    longest = max(len(turns) for turns in runs.values())
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), width_ratios=(1.3, 1), layout="none")
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.12, top=0.92, wspace=0.42)
    left.axis("off")
    said = left.text(0, 1, "", va="top", fontsize=8.5, family="monospace", transform=left.transAxes)
    marks = {status: right.plot([], [], mark, color=colour, markersize=6, label=WORDS[status])[0]
             for status, (mark, colour) in LOOKS.items()}  # fmt: skip
    (here,) = right.plot([], [], "o", markersize=13, fillstyle="none", color="black")
    right.set(ylim=(longest + 0.6, 0.4), xlim=(0, 1.05 * max(turns[-1]["tokens"] for turns in runs.values()) / 1000),
              yticks=range(1, longest + 1), xlabel="tokens so far (thousands)", title="turn by turn")  # fmt: skip
    right.tick_params("y", labelleft=False)
    names = [right.text(-0.02, at, "", fontsize=7, ha="right", va="center", transform=right.get_yaxis_transform(),
                        zorder=1.5) for at in range(1, longest + 1)]  # half the time of tick labels  # fmt: skip
    figure.legend(fontsize=8, loc="lower left", ncols=5, frameon=False, handletextpad=0.2)

    def draw_run(turns: list[dict]) -> None:
        for status, line in marks.items():
            some = [at for at, each in enumerate(turns, 1) if each["status"] == status]
            line.set_data([turns[at - 1]["tokens"] / 1000 for at in some], some)
        for name, each in zip_longest(names, turns):
            name.set_text(short(each) if each else "")

    drawn: list[dict] = []

    def update(skill: str, sloppiness: float, seed: int, turn: int) -> str:
        nonlocal drawn
        turns = runs[skill, sloppiness, seed]
        if turns is not drawn:  # another turn of the same run moves one mark
            draw_run(turns)
            drawn = turns
        place = min(turn, len(turns))
        for text in (said, *names):  # all are drawn again, changed or not, so that the same ones move each time
            text.stale = True
        said.set_text(page(turns[place - 1], place, len(turns)))
        here.set_data([turns[place - 1]["tokens"] / 1000], [place])
        refused = sum(each["status"] == "deny" for each in turns)
        end = textwrap.shorten(turns[-1]["back"].splitlines()[-1], 70, placeholder=" ...")
        counts = f"score {turns[-1]['score']}, {len(turns)} turns, {refused} refused"
        return f"{LOOK[skill][0]}: {counts}, ends: {end}"

    skills, sloppiness, seeds = (list(dict.fromkeys(values)) for values in zip(*runs))
    return figure, update, dict(skill=skills, sloppiness=sloppiness, seed=seeds, turn=list(range(1, longest + 1)))


def short(turn: dict) -> str:
    """Return a turn's call in a few letters: the tool and its first argument."""
    tool, _, arguments = turn["call"].partition("(")
    values = re.findall(r'"[^"]*": "?([^",}]+)', arguments)
    return f"{tool} {values[0].split('/')[-1]}"[:24] if values else tool[:24]


def page(now: dict, place: int, turns: int) -> str:
    """Return a turn as text."""
    parts = {"phase": now["phase"] or "none", "tools shown": ", ".join(now["shown"]), "the driver": now["call"],
             "how it ended": WORDS[now["status"]], "what it hears": now["back"]}  # fmt: skip
    lines = [f"turn {place} of {turns}", ""]
    for name, text in parts.items():
        wrapped = [piece for line in text.splitlines() or [""] for piece in textwrap.wrap(line, 56) or [""]]
        lines += [f"{name + ':':15}{wrapped[0]}", *(" " * 15 + piece for piece in wrapped[1:5])]
    return "\n".join(lines)
