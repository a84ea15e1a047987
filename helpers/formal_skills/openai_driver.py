"""Any model behind an API of OpenAI's form (a local server, a provider), as a driver."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .drivers import Reply
from .payloads import LlmToolCallRequest

KEY = "OPENAI_API_KEY"
CUT = "the answer was cut off at the server's limit of tokens; raise that limit, or ask for less"
FILTERED = "the server's filter withheld the answer or a part of it; word the task differently, or ask another model"


@dataclass(frozen=True)
class OpenAICompatible:
    """Asks a chat model at `base_url` (say http://localhost:11434/v1); the key is read from OPENAI_API_KEY.

    The SDK waits and asks again when the server is busy or limits the rate, `retries` times; what then still fails
    interrupts the run, which can be resumed. The key is never stored.
    """

    base_url: str
    model: str
    stream: bool = False
    temperature: float = 0.0
    retries: int = 5
    seconds: float = 120.0

    async def complete(self, messages: list[dict], tools: list[dict]) -> Reply:
        return await asyncio.to_thread(self.ask, messages, tools)

    def ask(self, messages: list[dict], tools: list[dict]) -> Reply:
        """Return the model's reply; raises the SDK's errors (openai.APIError and its kinds)."""
        from openai import OpenAI

        with OpenAI(base_url=self.base_url, api_key=os.environ.get(KEY, "").strip() or "none", max_retries=self.retries,
                    timeout=self.seconds) as client:  # fmt: skip
            offered = {"tools": tools} if tools else {}
            sent = [sendable(message) for message in messages]
            answer = client.chat.completions.create(model=self.model, messages=sent, stream=self.stream,
                                                    temperature=self.temperature, **offered)  # fmt: skip
            return joined(answer) if self.stream else whole(answer)


def whole(answer: Any) -> Reply:
    """Return the reply in an answer that came as a whole."""
    choices = getattr(answer, "choices", None)
    if not choices or not choices[0].message:
        raise ValueError("the server's answer has no choices; does it speak OpenAI's chat API?")
    message = choices[0].message
    check_end(choices[0].finish_reason, message.tool_calls)
    calls = [call.function for call in message.tool_calls or [] if getattr(call, "function", None)]
    text = text_of(message.content) or text_of(getattr(message, "refusal", None))
    return Reply(text, [request(call.name, call.arguments) for call in calls])


def joined(chunks: Iterable[Any]) -> Reply:
    """Return the reply whose pieces a stream brings: texts in order, calls by their index; ValueError if it breaks off.

    A piece without an index goes on with the last call, one with a new id begins another.
    """
    text, refusal, calls, ids, last, ended = "", "", {}, {}, 0, ""
    for chunk in chunks:
        for choice in (chunk.choices or [])[:1]:  # the last chunk of some servers has the usage alone
            ended = choice.finish_reason or ended
            text += text_of(getattr(choice.delta, "content", None))
            refusal += text_of(getattr(choice.delta, "refusal", None))
            for piece in getattr(choice.delta, "tool_calls", None) or []:
                last = add_piece(piece, calls, ids, last)
    if not ended:
        raise ValueError("the stream broke off, or the server does not stream; try stream=False")
    check_end(ended, calls)
    return Reply(text or refusal, [request(*calls[index]) for index in sorted(calls)])


def add_piece(piece: Any, calls: dict[int, list[str]], ids: dict[int, Any], last: int) -> int:
    """Add a piece of a stream to the call that it goes on with, and return that call's index; the first name stays."""
    index = last if getattr(piece, "index", None) is None else piece.index
    if piece.id and ids.get(index, piece.id) != piece.id:
        index = len(calls)
    ids[index] = piece.id or ids.get(index)
    call = calls.setdefault(index, ["", ""])
    if piece.function:
        call[0] = call[0] or piece.function.name or ""
        call[1] += in_json(piece.function.arguments)
    return index


def check_end(ended: str | None, calls: Any) -> None:
    """Raise a ValueError for a reply that is not the model's whole one; calls that were cut off are refused later."""
    if ended == "content_filter":
        raise ValueError(FILTERED)
    if ended == "length" and not calls:
        raise ValueError(CUT)


def text_of(content: Any) -> str:
    """Return the text of a content: a text, nothing, or a list of parts, of which some have a text or a refusal."""
    if isinstance(content, list):
        parts = [part.get("text") or part.get("refusal") if isinstance(part, dict) else part for part in content]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def request(name: Any, arguments: Any) -> LlmToolCallRequest:
    return LlmToolCallRequest("", name or "", in_json(arguments) or "{}")


def in_json(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)


def sendable(message: dict) -> dict:
    """Return a message as every server takes it: calls have a proper name and a JSON object, texts no surrogates."""
    calls = [call | {"function": {"name": re.sub("[^a-zA-Z0-9_-]", "_", call["function"]["name"])[:64] or "_",
                                  "arguments": an_object(call["function"]["arguments"])}}
             for call in message.get("tool_calls", [])]  # fmt: skip
    text = message["content"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return message | {"content": text} | ({"tool_calls": calls} if calls else {})


def an_object(arguments: str) -> str:
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"
