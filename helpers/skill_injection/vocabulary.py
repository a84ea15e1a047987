"""Which rows of the embedding and the head stand for the same token in a VLM, its base and the experts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    if silent := [owner for owner, vocabulary in zip(owners, vocabularies) if vocabulary is None]:
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
    for row in range(shared):
        _check_row(row, owners, [each.get(row) for each in tokens])
    return shared


def _check_row(row: int, owners: Sequence[str], tokens: Sequence[str | None]) -> None:
    """Raise ValueError if two models have different tokens in a row; one that has none there does not object."""
    named = [(owner, token) for owner, token in zip(owners, tokens) if token is not None]
    for owner, token in named[1:]:
        if token != named[0][1]:
            raise ValueError(f"token {row} is {named[0][1]!r} in {named[0][0]} and {token!r} in {owner}; take models "
                             f"with one tokenizer or {_LEAVE_OUT}")  # fmt: skip


_LEAVE_OUT = 'leave embedding and head the VLM\'s: only="layers|norm"'
