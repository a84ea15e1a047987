"""What the runtime costs for each turn, against FairyClaw's own code: make bench.

Wall-clock milliseconds, the least of several repetitions in turn (ours, theirs, ...): our executors run in a process of
their own. Both sides have the same folder of 5 skills with 20 hooks, 4 at each stage, and make the same calls. Three
rows compare them. "Hooks": the payloads of five stages go through 4 hooks each (Stages.run; HookRuntime.run_stage).
"Hooks and a tool": a call of a tool besides, ours in the fenced process with its undo log (Workshop.call), theirs in
the same loop, unfenced (ToolRuntime.execute); the row beneath is what a byte costs to another process and back. "A
whole turn": ours checks arguments and phases, counts tokens and appends to the journal; theirs (Planner, one turn)
keeps its history in SQLite. Not timed: drivers, start-up, and FairyClaw's event bus, which waits 200 ms between turns.
A missed target is printed, never raised.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import time
from pathlib import Path

import pytest

from helpers.formal_skills import payloads
from helpers.formal_skills.drivers import Reply
from helpers.formal_skills.hooks import Stages
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.places import start_folder
from helpers.formal_skills.runtime import Runtime
from helpers.formal_skills.workshop import Budget, Workshop

SKILLS, TURNS, ROUNDS = 5, 30, 15  # 30 turns are the default budget
TOOL = "async def execute(args, context):\n    return args['text']\n"
HOOK = """from fairyclaw.sdk.hooks import HookStageOutput, HookStatus

async def execute_hook(hook_input):
    return HookStageOutput(status=HookStatus.OK, patched_payload=hook_input.payload)
"""
SCHEMA = {"parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}


def line(what: str, measured: str, target: str = "", met: bool = True) -> None:
    said = f"   target {target:<9} {'met' if met else 'NOT MET'}" if target else ""
    print(f"{what:<62} {measured:>34}{said}")


@pytest.fixture(scope="module")
def top(tmp_path_factory) -> Path:
    """A folder with skills (each with one tool, and a hook at all stages but one) and an empty workspace w."""
    top = tmp_path_factory.mktemp("bench")
    (top / "w").mkdir()
    for place in range(SKILLS):
        (top / "skills" / f"skill{place}" / "scripts").mkdir(parents=True)
        stages = [stage for at, stage in enumerate(payloads.STAGES) if at != place]
        for name, text in ({"say": TOOL} | dict.fromkeys(stages, HOOK)).items():
            (top / "skills" / f"skill{place}" / "scripts" / f"{name}.py").write_text(text)
        tool = {"name": f"say{place}", "type": "Tool", "description": "Says it.", "schema": SCHEMA, "script": "say.py"}
        manifest = {"name": f"Skill{place}", "description": "For a benchmark.", "capabilities": [tool],
                    "always_enable_planner": True, "always_enable_subagent": True,
                    "hooks": [{"name": f"{stage}{place}", "stage": stage, "script": f"{stage}.py"}
                              for stage in stages]}  # fmt: skip
        (top / "skills" / f"skill{place}" / "manifest.json").write_text(json.dumps(manifest))
    return top


def loaded(top: Path) -> list:
    return [load_skill(top / "skills" / f"skill{place}") for place in range(SKILLS)]


def asked_for(turn: int, make=payloads.LlmToolCallRequest):
    return make(f"c{turn}", f"say{turn % SKILLS}", json.dumps({"text": f"turn {turn}"}))


class Clock:
    """A driver, of either side, that notes when it is asked and when it has answered."""

    def __init__(self, make) -> None:
        self.make, self.times = make, []

    def complete(self, messages: list[dict], tools: list[dict]):
        begin, turn = time.perf_counter(), len(self.times)
        answer = self.make(turn)
        self.times.append((begin, time.perf_counter()))
        return answer

    async def chat_with_tools(self, messages: list[dict], tools: list[dict]):
        return self.complete(messages, tools)

    def between(self) -> list[float]:
        """Milliseconds from an answer to the next question; not for the first turn, in which workers start."""
        return [1000 * (after[0] - before[1]) for before, after in zip(self.times[1:], self.times[2:])]


def our_turns(top: Path, turns: int) -> list[float]:
    """Milliseconds of each turn of a run with everything on: phases, schemas, fence, undo log, journal, tokens."""
    clock = Clock(lambda turn: Reply("", [asked_for(turn)] if turn < turns else []))
    trace = Runtime(top / "w", loaded(top), clock, budget=Budget(turns=turns + 1)).run("Say it.")
    assert trace.status == "completed" and all(call["status"] == "ok" and not call["notes"] for call in trace.calls)
    return clock.between()


def least(series: list[list[float]]) -> float:
    """Return the mean over turns of the least time that each turn took."""
    return sum(map(min, zip(*series))) / len(series[0])


@pytest.fixture(scope="module")
def fairyclaw(top):
    """The package, its home in a temporary folder, its hooks switched on, its log off."""
    os.environ["FAIRYCLAW_HOME"] = str(top / "home")
    settings = pytest.importorskip("fairyclaw.config", reason="fairyclaw is not installed").settings
    settings.enable_hook_runtime, settings.capabilities_dir = True, str(top / "skills")
    logging.disable(logging.ERROR)
    yield open_session(top)
    logging.disable(logging.NOTSET)


def open_session(top: Path) -> str:
    """Return the name of a session in FairyClaw's store, so that its tools find the workspace."""
    from fairyclaw.core.runtime.session_runtime_store import SessionRuntimeContext, get_session_runtime_store

    name = f"sess_{time.time_ns()}"
    get_session_runtime_store()._cache[name] = SessionRuntimeContext(name, str(top / "w"), name[-8:])
    return name


def staged(module, turn: int) -> dict:
    """Return the payload of every stage, from either side's module: names and fields are the same."""
    who, call = ("s", "general", True), asked_for(turn, module.LlmToolCallRequest)
    messages = [module.LlmChatMessage("user", "Say it.")]
    tools = [module.LlmFunctionToolSpec("say0", "Says it.", SCHEMA["parameters"])]
    turns = module.LlmTurnContext(messages, [], None, *who)
    return {"tools_prepared": module.ToolsPreparedHookPayload(*who, ["Skill0"], tools),
            "before_llm_call": module.BeforeLlmCallHookPayload(turns, tools, None),
            "after_llm_response": module.AfterLlmResponseHookPayload(*who, ["Skill0"], "", [call], None),
            "before_tool_call": module.BeforeToolCallHookPayload(call, "s", 0, ["Skill0"]),
            "after_tool_call": module.AfterToolCallHookPayload(call, "s", 0, "said", "ok")}  # fmt: skip


async def timed(stage, tool=None) -> list[float]:
    """Milliseconds of each turn: the hooks of five stages, and the tool between the last two."""
    series = []
    for turn in range(TURNS):
        begin = time.perf_counter()
        await stage(turn, tool)
        series.append(1000 * (time.perf_counter() - begin))
    return series[1:]


async def our_parts(stages: Stages, shop: Workshop, with_tool: bool) -> list[float]:
    async def turn(number: int, tool) -> None:
        for name, payload in staged(payloads, number).items():
            if name == "after_tool_call" and tool:
                call = asked_for(number)
                assert (await shop.call(call.name, call.arguments_json, {}, call.call_id))[0] == "ok"
            await stages.run(name, payload, {}, [])

    return await timed(turn, with_tool)


async def their_parts(session: str, hooks: dict, tools, with_tool: bool) -> list[float]:
    from fairyclaw.core.agent.hooks import protocol
    from fairyclaw.core.agent.hooks.runtime import HookRuntime

    async def turn(number: int, tool) -> None:
        context = protocol.HookExecutionContext("s", f"turn{number}", "general", True, ["Skill0"])
        for name, payload in staged(protocol, number).items():
            if name == "after_tool_call" and tool:
                call = asked_for(number)
                assert await tools.execute(call.name, call.arguments_json, session) == f"turn {number}"
            await HookRuntime().run_stage(protocol.HookStageInput(name, context, payload), hooks[name])

    return await timed(turn, with_tool)


async def their_turns(session: str, clock: Clock) -> list[float]:
    """Milliseconds of each turn of FairyClaw's planner, with its memory in SQLite and without its event bus."""
    from fairyclaw.core.agent.planning import planner_core
    from fairyclaw.core.agent.planning.planner import Planner
    from fairyclaw.core.agent.planning.turn_runner import process_background_turn
    from fairyclaw.core.agent.types import SessionKind, TurnRequest
    from fairyclaw.core.domain import ContentSegment
    from fairyclaw.infrastructure.database import models
    from fairyclaw.infrastructure.database import session as database

    Path(database.engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    async with database.engine.begin() as connection:
        await connection.run_sync(models.Base.metadata.create_all)
    planner_core.create_default_llm_client, planner_core.ToolRouter = lambda: clock, lambda registry: None
    planner = Planner()
    for turn in range(TURNS + 1):
        said = (ContentSegment.text_segment("Say it."),) if turn == 0 else ()
        await process_background_turn(TurnRequest(session, said, session_kind=SessionKind.MAIN), planner)
    await database.engine.dispose()
    return clock.between()


def test_a_turn_of_ours(top):
    print()
    for turns in (10, 30, 100):
        found = least([our_turns(top, turns) for _ in range(ROUNDS)])
        line(f"a turn of our runtime without its driver, mean of {turns} turns", f"{found:.2f} ms", "1 ms", found < 1)


def ratio(what: str, ours: list, theirs: list) -> None:
    mine, other = least(ours), least(theirs)
    line(what, f"{mine:.3f}, {other:.3f} ms: {other / mine:.1f} times", "5 times", other >= 5 * mine)


def crossing() -> float:
    """Milliseconds that a byte takes to another process and back."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as echo:
        begin = time.perf_counter()
        for _ in range(1000):
            echo.stdin.write(b"x")
            echo.stdout.read(1)
    return time.perf_counter() - begin


def test_against_fairyclaw(top, fairyclaw):
    from fairyclaw.core.agent.hooks.protocol import LlmToolCallRequest
    from fairyclaw.core.capabilities.registry import CapabilityRegistry
    from fairyclaw.infrastructure.llm.client import LlmModelResponse
    from fairyclaw.tools.runtime import ToolRuntime

    registry, stages = CapabilityRegistry(str(top / "skills")), Stages(loaded(top), True, "w")
    hooks = {stage: [(hook, registry.get_hook_executor(hook.name)) for hook in registry.get_hooks(stage)]
             for stage in payloads.STAGES}  # fmt: skip
    assert [len(hooks[stage]) for stage in payloads.STAGES] == [len(stages.bound[stage]) for stage in payloads.STAGES]
    start_folder(top / "w.run", None)
    shop, tools = Workshop(top / "w", top / "w.run", loaded(top), True, Budget()), ToolRuntime(registry)
    print()
    for with_tool, what in ((False, "20 hooks: nothing else on either side"),
                            (True, "20 hooks and a tool: ours behind the fence, theirs in the loop")):  # fmt: skip
        pairs = [(asyncio.run(our_parts(stages, shop, with_tool)),
                  asyncio.run(their_parts(fairyclaw, hooks, tools, with_tool))) for _ in range(ROUNDS)]
        ratio(f"{what}; theirs", *zip(*pairs))
    shop.close()
    line("of this, a byte to another process and back", f"{crossing():.3f} ms")

    def replies(turn: int) -> LlmModelResponse:
        return LlmModelResponse("", [asked_for(turn, LlmToolCallRequest)])

    pairs = [(our_turns(top, TURNS), asyncio.run(their_turns(open_session(top), Clock(replies))))
             for _ in range(ROUNDS)]  # fmt: skip
    ratio("a whole turn, journal and tokens; their planner's, with SQLite", *zip(*pairs))
