"""Texts as batches of token ids with labels, several texts a row, and the loss over their labels."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from .language import PAD, Example, tokenizer

IGNORED = -100  # the label of a place that does not count
ROW = 32  # tokens in a packed row; the longest text has 20
ENCODER = tokenizer()

Ids = Int[Tensor, "texts length"]
Packed = tuple[Int[Tensor, "rows places"], Int[Tensor, "rows places"], Int[Tensor, "rows places"]]


def encode(texts: list[str], answers: list[str] | None = None) -> tuple[Ids, Ids]:
    """Return token ids and labels, padded on the right; with answers, these and <eos> alone are labels."""
    full = texts if answers is None else [f"{text} {answer} <eos>" for text, answer in zip(texts, answers)]
    ids = ENCODER(full, padding=True, return_tensors="pt")["input_ids"]
    labels = ids.masked_fill(ids == PAD, IGNORED)
    if answers is not None:
        starts = torch.tensor([len(text.split()) for text in texts])
        labels = labels.masked_fill(torch.arange(ids.shape[1]) < starts[:, None], IGNORED)
    return ids, labels


def encode_examples(examples: list[Example]) -> tuple[Ids, Ids]:
    """Return token ids and labels; only answers and their <eos> are labels."""
    return encode([example.prompt for example in examples], [example.answer for example in examples])


def pack(ids: Ids, labels: Ids) -> Packed:
    """Return ids, labels and positions with several texts in a row, so that half as much padding is computed.

    Longest first, each text goes into the first row with room. Positions start again at 0 with every text, from
    which `transformers` knows that texts in a row do not see each other (if use_cache is False).
    """
    sizes = (ids != PAD).sum(1).tolist()
    rows: list[list[int]] = []
    for text in sorted(range(len(sizes)), key=lambda text: -sizes[text]):
        room = (row for row in rows if sum(sizes[other] for other in row) + sizes[text] <= ROW)
        if row := next(room, None):
            row.append(text)
        else:
            rows.append([text])
    labels = torch.cat([torch.full_like(labels[:, :1], IGNORED), labels[:, 1:]], dim=1)  # a text predicts no <bos>
    places = torch.arange(ids.shape[1]).expand(ids.shape)
    return tuple(pad_sequence([torch.cat([part[text, : sizes[text]] for text in row]) for row in rows],
                              batch_first=True, padding_value=filler)
                 for part, filler in ((ids, PAD), (labels, IGNORED), (places, 0)))  # fmt: skip


def answer_loss(model, labels: Int[Tensor, "rows places"], **inputs) -> Float[Tensor, ""]:
    """Return the mean cross-entropy at the labelled places; the head is applied to those alone.

    inputs: input_ids or inputs_embeds, with position_ids where rows are packed.
    """
    hidden = model.model(**inputs, use_cache=False).last_hidden_state[:, :-1]  # (rows, places - 1, width)
    targets = labels[:, 1:]
    known = targets != IGNORED
    return F.cross_entropy(model.lm_head(hidden[known]), targets[known])


def packed_loss(model, ids: Ids, labels: Ids) -> Float[Tensor, ""]:
    """Return `answer_loss` of texts, computed on packed rows."""
    rows, targets, positions = pack(ids, labels)
    return answer_loss(model, targets, input_ids=rows, position_ids=positions)
