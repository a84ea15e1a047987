"""Which rows of the embedding and the head stand for the same token in a VLM, its base and the experts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

Vocabulary = Mapping[str, int]


def read_vocabulary(folder: str | Path) -> dict[str, int] | None:
    """Return {token: row} of a checkpoint folder, added tokens included; None if it has no tokenizer that can be read.

    Reads tokenizer.json, else vocab.json with added_tokens.json. Older LLaMA folders with tokenizer.model alone: None.
    """
    folder = Path(folder)
    if (whole := folder / "tokenizer.json").is_file():
        content = json.loads(whole.read_text(encoding="utf-8"))
        added = {token["content"]: token["id"] for token in content.get("added_tokens", [])}
        return _numbered(content["model"]["vocab"]) | added
    if (plain := folder / "vocab.json").is_file():
        added = folder / "added_tokens.json"
        more = json.loads(added.read_text(encoding="utf-8")) if added.is_file() else {}
        return json.loads(plain.read_text(encoding="utf-8")) | more
    return None


def _numbered(vocabulary: dict | list) -> dict[str, int]:
    """Return {token: row}; Unigram tokenizers list [token, score] in the order of rows."""
    if isinstance(vocabulary, dict):
        return dict(vocabulary)
    return {token: row for row, (token, _) in enumerate(vocabulary)}


def shared_rows(owners: Sequence[str], rows: Sequence[int], vocabularies: Sequence[Vocabulary | None]) -> int:
    """Return how many leading rows of an embedding may be merged: up to the first token that some model lacks.

    A row without token (padding) counts where no model has one. Rows after that, such as image tokens, stay the
    VLM's. Without tokenizers all rows count if all models have as many.
    Raises ValueError where a row stands for different tokens, or where numbers differ and cannot be compared.
    """
    if silent := [owner for owner, vocabulary in zip(owners, vocabularies, strict=True) if vocabulary is None]:
        if len(set(rows)) == 1:
            return rows[0]
        counts = ", ".join(f"{count} in {owner}" for owner, count in zip(owners, rows))
        raise ValueError(f"the embeddings differ in their number of rows ({counts}), and without the tokenizer of "
                         f"{' and '.join(silent)} nobody knows which rows are the same tokens; put tokenizer.json into "
                         f"each folder or {_LEAVE_OUT}")  # fmt: skip
    tokens = [{row: token for token, row in vocabulary.items()} for vocabulary in vocabularies]
    last_common = max(set.intersection(*map(set, tokens)), default=-1)
    own = [row for row in set.union(*map(set, tokens)) if row > last_common]
    shared = min(*rows, *own)
    _check_tokens(owners, [{row: token for row, token in each.items() if row < shared} for each in tokens])
    return shared


def _check_tokens(owners: Sequence[str], tokens: Sequence[Mapping[int, str]]) -> None:
    """Raise ValueError, naming the first, if two models have different tokens in one row."""
    pairs = list(combinations(range(len(owners)), 2))
    wrong = [(row, one, other) for one, other in pairs for row in tokens[one].keys() & tokens[other].keys()
             if tokens[one][row] != tokens[other][row]]  # fmt: skip
    if wrong:
        row, one, other = min(wrong)
        raise ValueError(f"token {row} is {tokens[one][row]!r} in {owners[one]} and {tokens[other][row]!r} in "
                         f"{owners[other]}; take models with one tokenizer or {_LEAVE_OUT}")  # fmt: skip


_LEAVE_OUT = 'leave embedding and head the VLM\'s: only="layers|norm"'
