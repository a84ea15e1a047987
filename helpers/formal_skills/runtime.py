"""The runtime: one driver call a turn, hooks around it, executors behind the fence, every step in a journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from helpers.course.threads import in_thread

from . import compat, payloads
from .conversation import Conversation
from .drivers import Driver, DriverFailed, Reply, answer
from .hooks import Stages
from .ledger import sheet, spent
from .manifest import FormalSkill
from .markdown import from_spec, to_spec
from .models import Task
from .outcomes import ALLOW, misfit
from .payloads import LlmToolCallRequest, Sealed, Verdict
from .phases import Track
from .places import check_plain, held, read_folder, start_folder
from .trace import Trace
from .undo import roll_back
from .workshop import BUDGET, Budget, Workshop, offered

SWITCHES = ("arguments", "phases", "fence", "fail_closed", "contract", "limits")


class Runtime:
    """Runs a driver with formal skills in a workspace; the journal lies beside it, in a folder named `....run`.

    `enforce` is True, False or a set of names out of SWITCHES: what is refused, and not merely asked for.
    """

    def __init__(self, workspace: str | Path, skills: Sequence[FormalSkill], driver: Driver, *,
                 enforce: bool | set[str] = True, budget: Budget = BUDGET) -> None:  # fmt: skip
        self.workspace, self.skills, self.driver, self.budget = Path(workspace).resolve(), list(skills), driver, budget
        self.enforce = set(SWITCHES if enforce is True else enforce or ())
        if unknown := self.enforce - set(SWITCHES):
            raise ValueError(f"enforce has {', '.join(sorted(unknown))}; the switches are {', '.join(SWITCHES)}")
        check_plain(self.workspace)
        self.folder = self.workspace.with_name(self.workspace.name + ".run")
        self.tools = offered(self.skills)
        self.track = Track({skill.name: skill.phases for skill in self.skills if skill.phases})
        self.talk = Conversation(self.folder / "journal.jsonl")
        self.stages = Stages(self.skills, "fail_closed" in self.enforce, self.workspace.name)
        limits = budget if "limits" in self.enforce else Budget(seconds=None, characters=None)
        self.workshop = Workshop(self.workspace, self.folder, self.skills, "fence" in self.enforce, limits)
        self.sent: list[tuple[str, str]] = []

    def run(self, task: str | Task) -> Trace:
        """Return the trace of a whole run; works inside a running event loop (a notebook's) too."""
        return in_thread(self.arun(task))

    async def arun(self, task: str | Task) -> Trace:
        """The coroutine of `run`. What an unfinished run has left here is a ValueError; a finished run is replaced."""
        task = Task(task) if isinstance(task, str) else task
        start_folder(self.folder, self.driver)
        self.talk.state = {compat.META: {"workspace_root": str(self.workspace)}, "phases": self.track.start()}
        self.talk.record("task", prompt=task.prompt, done_when=[rule.model_dump() for rule in task.done_when],
                         opening=[skill.opening for skill in self.skills if skill.opening],
                         workspace=str(self.workspace), skills=[to_spec(skill) for skill in self.skills],
                         enforce=sorted(self.enforce), budget=asdict(self.budget))  # fmt: skip
        return await self.carry_on()

    @classmethod
    def resume(cls, folder: str | Path, driver: Driver | None = None) -> Trace:
        """Return the trace of an interrupted run, carried on from its last step; no finished action is repeated.

        What Python had changed in a half-done action is undone first, if the run has the fence; what a program of its
        had changed stays. The driver is the one it began with, unless one is given.
        """
        first, driver = read_folder(Path(folder).resolve(), driver)
        self = cls(first["workspace"], [from_spec(spec) for spec in first["skills"]], driver,
                   enforce=set(first["enforce"]), budget=Budget(**first["budget"]))  # fmt: skip
        self.talk.read()
        roll_back(self.folder / "undo", self.workspace, lambda last: last not in self.talk.made)
        return in_thread(self.carry_on())

    async def carry_on(self) -> Trace:
        try:
            with held(self.folder):
                while not self.talk.ended:
                    await self.step()
        except DriverFailed as error:  # the journal stays open: resume() asks the driver again
            return Trace(self.talk.events, self.workspace, str(error))
        finally:
            self.workshop.close()
        return Trace(self.talk.events, self.workspace)

    async def step(self) -> None:
        """Do the one thing that comes next; what it is follows from the journal alone."""
        talk = self.talk
        if talk.waiting:
            await self.act(talk.waiting[0])
        elif compat.INBOX in talk.state:
            talk.record("said", text="\n".join(talk.state.pop(compat.INBOX)))
        elif talk.claims:
            await self.claim()
        elif talk.turns >= self.budget.turns:
            talk.record("end", status="stopped", reason=f"{talk.turns} turns, as many as the budget allows")
        else:
            await self.ask()

    async def ask(self) -> None:
        """One call of the driver: tools prepared, hooks, the call, hooks."""
        talk, notes, who = self.talk, [], (self.workspace.name, "general", True)
        shown = {name: spec for skill in self.skills for name, spec in self.tools.items()
                 if name in skill.tools and not self.track.hides(talk.state, skill.name, name)}  # fmt: skip
        prepared = payloads.ToolsPreparedHookPayload(*who, self.stages.names, Sealed(shown.values()))
        prepared, refusal = await self.stages.run("tools_prepared", prepared, talk.state, notes, talk.turns)
        turn = payloads.LlmTurnContext(Sealed(talk.messages), Sealed(talk.events), None, *who)
        asked = payloads.BeforeLlmCallHookPayload(turn, prepared.tools).saying(self.track.says(talk.state))
        if refusal.kind == "allow":
            asked, refusal = await self.stages.run("before_llm_call", asked, talk.state, notes, talk.turns)
        messages = [message.to_openai_message() for message in asked.turn.llm_messages]
        tools = [tool.to_openai_tool() for tool in asked.tools]
        sent = sheet(asked.turn.llm_messages, tools)
        reply = await answer(self.driver, messages, tools, talk.state) if refusal.kind == "allow" else Reply()
        heard = payloads.AfterLlmResponseHookPayload(*who, self.stages.names, reply.text, reply.calls, reply)
        heard, verdict = await self.stages.run("after_llm_response", heard, talk.state, notes, talk.turns)
        refusal = verdict if refusal.kind == "allow" else refusal
        if refusal.kind == "deny":  # the driver hears why, and it is no claim that the task is done
            talk.state.setdefault(compat.INBOX, []).append(refusal.reason)
        calls = [] if refusal.kind != "allow" else [
            {"call_id": f"call_{talk.turns}_{place}", "name": call.name, "arguments_json": call.arguments_json}
            for place, call in enumerate(heard.tool_calls)]  # fmt: skip
        said = json.dumps([reply.text, *([call.name, call.arguments_json] for call in reply.calls)])
        talk.record("reply", text=heard.message_text or "", calls=calls, shown=[tool.name for tool in asked.tools],
                    tokens=spent(sent, self.sent, said), notes=notes)  # fmt: skip
        self.sent = sent

    async def act(self, call: LlmToolCallRequest) -> None:
        """One call of a tool: permitted, guarded, executed, looked at; or refused, with the reason as its result."""
        talk, work, notes, place = self.talk, self.workshop, [], call.call_id
        turn, number = map(int, place.split("_")[1:])  # call_TURN_NUMBER, as ask() names it
        verdict = Verdict("finish", "the turn has ended") if talk.finishing else self.permitted(call)
        if verdict.kind == "allow":
            before = payloads.BeforeToolCallHookPayload(call, self.workspace.name, number, self.stages.names)
            before, verdict = await self.stages.run("before_tool_call", before, talk.state, notes, turn)
            if verdict.kind == "allow" and before.request != call:
                call, verdict = before.request, self.permitted(before.request)
        status, result = verdict.kind, f"Refused: {verdict.reason}"
        if verdict.kind == "allow":
            status, result, talk.state = await work.call(call.name, call.arguments_json, talk.state, place)
            after = payloads.AfterToolCallHookPayload(call, self.workspace.name, number, result, status)
            after, verdict = await self.stages.run("after_tool_call", after, talk.state, notes, turn)
            status, result = after.tool_status, after.result
            self.track.move(talk.state, call.name, status)
        kind = "finish" if compat.ENDED in talk.state else verdict.kind
        talk.record("call", id=place, name=call.name, arguments=call.arguments_json, status=status, result=result,
                    verdict=kind, reason=verdict.reason, notes=notes)  # fmt: skip

    def permitted(self, call: LlmToolCallRequest) -> Verdict:
        """Return whether a call may be made: the tool exists and is shown now, the arguments fit its schema."""
        if call.name not in self.tools or ("phases" in self.enforce and call.name not in self.talk.shown):
            now = ", ".join(self.talk.shown) or "none"
            return Verdict("deny", f"{call.name[:64]!r} is not available now; available now: {now}")
        schema = self.tools[call.name].parameters if "arguments" in self.enforce else None
        fault = misfit(call.name, call.arguments_json, schema)
        return Verdict("deny", fault) if fault else ALLOW

    async def claim(self) -> None:
        """The driver says that it is done: the contract decides, and the third false claim is the last."""
        talk, ended = self.talk, self.talk.state.pop(compat.ENDED, {"status": "completed", "summary": ""})
        own = [rule.model_dump() for skill in self.skills for rule in skill.done_when]
        contract = [*talk.events[0]["done_when"], *own]
        faults = []
        if contract and "contract" in self.enforce:
            _, faults, _ = await self.workshop.call("done_when", json.dumps(contract), talk.state, "claim")
        if ended["status"] == "failed" or (faults and talk.refused == 2):  # the third in vain is the last
            talk.record("end", status="failed", reason="; ".join(faults) or ended["summary"])
        elif faults:
            talk.record("said", faults=faults, text="The task is not complete yet:\n- " + "\n- ".join(faults))
        else:
            talk.record("end", status="completed", reason=ended["summary"] or talk.messages[-1].content or "")
