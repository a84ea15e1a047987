"""The driver of OpenAI's chat API, against a server on this machine that speaks it: answers, streams, and faults."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import zip_longest
from typing import NamedTuple

import pytest
from tiny_skills import bytes_of, make_skill

from helpers.formal_skills import OpenAICompatible, Reply, Runtime, Task, load_skill, rules
from helpers.formal_skills.payloads import LlmToolCallRequest

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
KEY, SOON, ASKED = "sk-for-a-test-alone", {"retry-after-ms": "1"}, [{"role": "user", "content": "Go."}]
STAMP = {"id": "chatcmpl-1", "created": 1, "model": "tiny"}


class Answer(NamedTuple):
    """What a server sends: whole, `cut` off, `bare` (closing alone tells its end), or nothing (`closed`, `silent`)."""

    body: str = ""
    status: int = 200
    headers: dict = {}
    way: str = "whole"


def message(**fields) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", **fields}, "logprobs": None, "finish_reason": "stop"}
    return Answer(json.dumps(STAMP | {"object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 12}}))


def chunk(*choices: dict, **more) -> str:
    return f"data: {json.dumps(STAMP | {'object': 'chat.completion.chunk', 'choices': choices} | more)}\n\n"


STOP = chunk({"index": 0, "delta": {}, "finish_reason": "stop"})
LAST = STOP + chunk(usage={"total_tokens": 12}) + "data: [DONE]\n\n"


def stream_of(*deltas: dict, end: str = LAST, way: str = "whole") -> Answer:
    pieces = [chunk({"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
    return Answer("".join([": this keeps the connection\n\n", chunk(), *pieces, end]), way=way)


def piece(index: int | None, function: dict | None, **fields) -> dict:
    fields |= {key: value for key, value in (("index", index), ("function", function)) if value is not None}
    return {"content": None, "tool_calls": [fields]}


def wire(reply: Reply, stream: bool) -> Answer:
    """Return a reply as a whole, or in pieces: calls begin with the last, then their pieces take turns."""
    functions = [{"name": call.name, "arguments": call.arguments_json} for call in reply.calls]
    if not stream:
        calls = [{"id": f"id{n}", "type": "function", "function": function} for n, function in enumerate(functions)]
        return message(content=reply.text or None, refusal=None, **({"tool_calls": calls} if calls else {}))
    begun = [piece(n, one | {"arguments": ""}, id=f"id{n}", type="function") for n, one in enumerate(functions)]
    turns = zip_longest(*(re.findall("(?s).{1,9}", one["arguments"]) for one in functions))
    rest = [piece(n, {"arguments": part}) for row in turns for n, part in enumerate(row) if part]
    return stream_of({"role": "assistant"}, *({"content": letter} for letter in reply.text), *reversed(begun), *rest)


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next step of the server's script, and when that is over with "Done."."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        step = self.server.script.pop(0) if self.server.script else Reply("Done.")
        answer = wire(step, body["stream"]) if isinstance(step, Reply) else step
        self.close_connection = answer.way != "whole"
        if answer.way in ("closed", "silent"):
            return self.server.over.wait(60 * (answer.way == "silent"))
        data = answer.body.encode()
        self.send_response(answer.status)
        size = {} if answer.way == "bare" else {"Content-Length": len(data) + (answer.way == "cut")}
        kind = {"Content-Type": "application/json" if data[:1] in (b"{", b"[") else "text/event-stream"}
        for name, value in (size | kind | answer.headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_): ...


@pytest.fixture
def serve(monkeypatch):
    """A function that gives a server its script; the server notes what it was asked: path, key, body."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.over = [], threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield lambda *script: setattr(server, "script", [*script]) or server
        server.over.set()
        server.shutdown()


def driver_of(server, stream=False, **settings) -> OpenAICompatible:
    return OpenAICompatible(f"http://127.0.0.1:{server.server_port}/v1", "tiny", stream, **{"retries": 0} | settings)


NOTE = """
async def execute(args, context):
    open("log", "a").write(args["line"] * args.get("times", 1))
    return f"noted {args['line']}"
"""
SCHEMA = {"type": "object", "properties": {"line": {"type": "string"}, "times": {"type": "integer"}},
          "required": ["line"], "additionalProperties": False}  # fmt: skip
TASK = Task("Note.", rules([{"type": "text_contains", "args": {"path": "log", "terms": ["ab"]}}]))


def run(top, driver, task="Note."):
    (top / "w").mkdir()
    make_skill(top / "skill", note=NOTE)
    manifest = top / "skill" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"schema": {}', f'"schema": {json.dumps({"parameters": SCHEMA})}'))
    return Runtime(top / "w", [load_skill(manifest.parent)], driver).run(task)


def says(*calls: tuple[str, str], text="") -> Reply:
    return Reply(text, [LlmToolCallRequest("", name, arguments) for name, arguments in calls])


A, B = ("note", '{"line": "a"}'), ("note", '{"line": "b"}')
REPLIES = [Reply("Grüße, 世界 🙂\nand more."), Reply(), says(("f", '{"a": "é 世界\\n", "b": [1, 2.5, null]}')),
           says(("f", '{"a": 1}'), ("g", "{}"), ("f", json.dumps({"long": "text " * 40})), text="I will.")]  # fmt: skip


@BOTH
@pytest.mark.parametrize("reply", REPLIES, ids=["text", "nothing", "a call", "text and calls"])
def test_whole_and_in_pieces_a_reply_is_the_same(serve, stream, reply):
    assert driver_of(serve(reply), stream).ask(ASKED, []) == reply


NEW, F, G = {"id": "2", "type": "function"}, {"name": "f", "arguments": '{"a": 1}'}, {"name": "g", "arguments": "{}"}
OBJECT = F | {"arguments": {"a": 1}}


@pytest.mark.parametrize("stream, answer", [
    (True, stream_of(piece(None, F, id="1"), piece(None, G, **NEW))),
    (True, stream_of(piece(0, F, id="1"), piece(0, G, **NEW))),
    (True, stream_of(piece(0, None, id="1"), piece(0, F), piece(1, G, **NEW))),
    (True, stream_of(piece(0, F), piece(1, G), end=chunk({"index": 0, "finish_reason": "tool_calls"}) + LAST)),
    (True, stream_of(piece(0, OBJECT), piece(1, G))),
    (False, message(content="", tool_calls=[{"id": "1", "function": F}, {"id": "2", "function": G}])),
    (False, message(content="", tool_calls=[NEW | {"function": OBJECT}, NEW | {"function": G}])),
], ids=["no index", "same index", "id first", "no delta", "object", "no type", "whole object"])  # fmt: skip
def test_calls_are_read_as_other_servers_tell_them(serve, stream, answer):
    assert driver_of(serve(answer), stream).ask(ASKED, []) == says(("f", '{"a": 1}'), ("g", "{}"))


@pytest.mark.parametrize("key", [KEY, None, "", KEY + "\n"])
def test_the_server_gets_what_openai_would(serve, monkeypatch, key):
    _ = monkeypatch.delenv("OPENAI_API_KEY") if key is None else monkeypatch.setenv("OPENAI_API_KEY", key)
    tools, server = [{"type": "function", "function": {"name": "f", "parameters": {}}}], serve()
    for stream, offered in ((False, {}), (True, {}), (True, {"tools": tools})):
        driver_of(server, stream, temperature=0.7).ask(ASKED, offered.get("tools", []))
        body = {"model": "tiny", "messages": ASKED, "stream": stream, "temperature": 0.7} | offered
        assert server.asked.pop() == ("/v1/chat/completions", f"Bearer {(key or 'none').strip()}", body)


@BOTH
@pytest.mark.parametrize("busy", [Answer("{}", 429, {"Retry-After": "0"}), Answer("{}", 429, SOON),
                                  Answer("oops", 500, SOON), Answer(way="closed")])  # fmt: skip
def test_a_busy_server_is_asked_again(serve, stream, busy):
    assert driver_of(server := serve(busy, says(A)), stream, retries=1).ask(ASKED, []) == says(A)
    assert len(server.asked) == 2 and server.asked[0] == server.asked[1]


@BOTH
@pytest.mark.parametrize("status, why, times", [(400, "BadReq", 1), (401, "Authenticat", 1), (429, "RateLimit", 3)])
def test_what_is_refused_interrupts_the_run_and_resume_loses_nothing(serve, tmp_path, stream, status, why, times):
    error = Answer(json.dumps({"error": {"message": f"wrong: {KEY}"}}), status, SOON)
    trace = run(tmp_path, driver_of(server := serve(says(A), *[error] * times, says(B)), stream, retries=2), TASK)
    assert trace.status == "interrupted" and len(server.asked) == 1 + times
    assert f"({why}" in trace.interruption and "wrong: " in trace.interruption
    again = Runtime.resume(tmp_path / "w.run")
    assert (again.status, again.reason, again.events[:3]) == ("completed", "Done.", trace.events)
    assert server.asked[1 + times] == server.asked[1] and (tmp_path / "w" / "log").read_text() == "ab"
    assert KEY.encode() not in b"".join(filter(None, bytes_of(tmp_path).values()))


BAD, HALF = '{"error": {"message": "overloaded"}}', piece(0, {"name": "note", "arguments": ""}, id="1")
PAGE = Answer("<html>hello</html>", headers={"Content-Type": "text/html"})
FAULTS = [(stream, Answer(way=way)) for stream in (False, True) for way in ("closed", "silent")] + [
    (False, Answer(body)) for body in ("{nope", "[1, 2]", "{}", BAD, '{"choices": []}', '{"choices": [{}]}')] + [
    (False, PAGE), (False, message(content="Done.")._replace(way="cut")), (True, Answer("data: {nope\n\n")),
    (True, Answer(f"data: {BAD}\n\n")), (True, stream_of(HALF, end="", way="cut"))]  # fmt: skip
FAULTS += [(True, answer) for answer in (
    PAGE, Answer(": nothing\n\n"), Answer("data: [DONE]\n\n"), message(content="Done."),
    stream_of({"content": "I will now"}, end="", way="bare"), stream_of(HALF, end="", way="bare"),
    stream_of({"content": "I will"}, end=LAST.replace('"stop"', '"length"')))] + [
    (False, Answer(message(content="I will").body.replace('"stop"', '"length"')))]  # fmt: skip


@pytest.mark.parametrize("stream, answer", FAULTS)
def test_what_cannot_be_read_interrupts_the_run(serve, tmp_path, stream, answer):
    trace = run(tmp_path, driver_of(serve(answer), stream, seconds=0.3 if answer.way == "silent" else 60.0))
    assert trace.status == "interrupted" and trace.reason.startswith("the driver failed (") and not trace.calls
    assert Runtime.resume(tmp_path / "w.run", driver_of(serve(), stream)).status == "completed"


MALFORMED = [("line: a", "are not JSON"), ('{"line": "a', "are not JSON"), ('{"line": "a"}{"line": "b"}', "not JSON"),
             ("[" * 2000, "are not JSON"), ('["a"]', "is not of type 'object'"), ("null", "None is not of type"),
             ('{"line": 3}', "$.line: 3 is not of type 'string'"), ('{"line": "a", "times": "2"}', "$.times: '2' is"),
             ("", "'line' is a required"), ('{"line": "a", "lines": 2}', "'lines' was unexpected")]  # fmt: skip


@BOTH
@pytest.mark.parametrize("arguments, words", MALFORMED, ids=lambda text: text[:20])
def test_malformed_arguments_are_refused_in_words_and_the_run_goes_on(serve, tmp_path, stream, arguments, words):
    trace = run(tmp_path, driver_of(server := serve(says(("note", arguments), A), says(B)), stream), TASK)
    assert trace.status == "completed" and [event["status"] for event in trace.calls] == ["deny", "ok", "ok"]
    refused, made = server.asked[1][2]["messages"][-2:]
    assert refused == {"role": "tool", "tool_call_id": "call_0_0", "content": trace.calls[0]["result"]}
    assert refused["content"].startswith("Refused: ") and words in refused["content"] and made["content"] == "noted a"


@pytest.mark.parametrize("reply", [says(("note", '{"line": "a')), says(("note", "[]")), says(("no such tool", "{}")),
                                   says(A, text="\ud83d")])  # fmt: skip
def test_what_a_model_wrote_badly_goes_back_in_a_form_that_servers_take(serve, tmp_path, reply):
    assert run(tmp_path, driver_of(server := serve(reply))).status == "completed"
    sent = server.asked[1][2]["messages"][2]["tool_calls"][0]["function"]
    assert isinstance(json.loads(sent["arguments"]), dict) and re.fullmatch("[a-zA-Z0-9_-]{1,64}", sent["name"])


@BOTH
def test_a_whole_run_over_the_wire(serve, tmp_path, stream):
    server = serve(says(A, text="First."), Reply("Noted."), says(B, ("note", '{"line": "c", "times": 2}')))
    trace = run(tmp_path, driver_of(server, stream), TASK)
    assert (trace.status, trace.reason, trace.turns) == ("completed", "Done.", 4)
    assert (tmp_path / "w" / "log").read_text() == "abcc"
    bodies = [asked[2] for asked in server.asked]
    assert "".join(one["role"][0] for one in bodies[-1]["messages"]) == "suatauatt"
    assert all(late["messages"][: len(body["messages"])] == body["messages"] for body, late in zip(bodies, bodies[1:]))
    assert bodies[0]["tools"][0]["function"] == {"name": "note", "description": "note", "parameters": SCHEMA}
    assert "text_contains" in bodies[2]["messages"][-1]["content"] and bodies[1]["messages"][2]["content"] == "First."
