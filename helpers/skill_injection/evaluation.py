"""Asking a model about images and notes: greedy answers, right only if every word and the end are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .batches import IGNORED, encode, encode_examples
from .images import digits
from .language import (
    ENGLISH,
    EOS,
    IMAGE_CONTEXT,
    PAD,
    SKILLS,
    Example,
    image_example,
    note,
    text_example,
    vocabulary,
)
from .models import State, language_model, vision_language_model
from .vision import embed, image_features

LANGUAGE = "model.language_model."
LONGEST = 6  # answer tokens, the end included
VOCABULARY = vocabulary()


def language_part(vlm: State) -> State:
    """Return a VLM's language model as a state dict with the names of `LlamaForCausalLM`."""
    names = {name: name.replace(LANGUAGE, "model.") for name in vlm if name.startswith((LANGUAGE, "lm_head"))}
    return {new: vlm[old] for old, new in names.items()}


def graft(vlm: State, expert: State) -> State:
    """Return the VLM with its language model replaced by the expert's: nothing is merged."""
    return vlm | {name.replace("model.", LANGUAGE, 1): tensor for name, tensor in expert.items()}


@torch.inference_mode()
def right(model, ids: Tensor, labels: Tensor, embeddings: Tensor) -> Tensor:
    """Return which examples (examples,) greedy decoding answers exactly, in one pass over the right answers.

    Greedy decoding gives the right answer if and only if, with that answer written behind the prompt, the most
    probable word at each of its places is the right one.
    """
    hidden = model.model(inputs_embeds=embeddings).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    known = targets != IGNORED
    wrong = torch.zeros_like(known)
    wrong[known] = model.lm_head(hidden[known]).argmax(-1) != targets[known]
    return ~wrong.any(1)


def text_score(lm: State, skill: str, n: int = 360, seed: int = 0) -> float:
    """Return the share of right answers of a language model on n questions about text notes."""
    rng = np.random.default_rng([seed, 6])
    return text_right(lm, [text_example(skill, rng) for _ in range(n)])


def text_right(lm: State, examples: list[Example]) -> float:
    """Return the share of the examples that a language model answers exactly."""
    model = language_model(lm)
    ids, labels = encode_examples(examples)
    return float(right(model, ids, labels, model.get_input_embeddings()(ids)).float().mean())


class Examiner:
    """Questions about one part of a family's images, one an image and skill, the same for every merge.

    The vision tower and the projector are never merged, so the images' tokens are computed once.
    """

    def __init__(self, family, recipe: str = "joint", split: str = "validation"):
        images = digits(family.seed)[split]
        self.pixels, self.digits = images.pixels, images.digits
        vlm = vision_language_model(family.vlms[recipe])
        with torch.inference_mode():
            self.soft = vlm.model.multi_modal_projector(image_features(vlm, self.pixels))  # (images, 4, width)
        self.model = language_model()
        self._examples = {skill: self._ask(skill, [family.seed, 7, place])
                          for place, skill in enumerate((ENGLISH, *SKILLS))}
        self._encoded = {skill: encode_examples(examples) for skill, examples in self._examples.items()}

    def _ask(self, skill: str, seed: list[int]) -> list[Example]:
        rng = np.random.default_rng(seed)
        return [image_example(skill, int(digit), rng) for digit in self.digits]

    def questions(self, skill: str) -> list[str]:
        """Return the question asked about each image."""
        return [example.question for example in self._examples[skill]]

    def truths(self, skill: str) -> list[str]:
        """Return the right answer for each image."""
        return [example.answer for example in self._examples[skill]]

    def score(self, vlm: State, skill: str) -> float:
        """Return the share of images about which a VLM's state answers exactly."""
        self.model.load_state_dict(language_part(vlm))
        ids, labels = self._encoded[skill]
        return float(right(self.model, ids, labels, self._embed(ids)).float().mean())

    def scores(self, vlm: State) -> dict[str, float]:
        """Return {skill: share} for plain English and every skill."""
        return {skill: self.score(vlm, skill) for skill in (ENGLISH, *SKILLS)}

    def answers(self, vlm: State, skill: str) -> list[str]:
        """Return a VLM's greedy answers to the questions of a skill, one an image."""
        return self.ask(vlm, self.questions(skill))

    @torch.inference_mode()
    def ask(self, vlm: State, questions: list[str]) -> list[str]:
        """Return a VLM's greedy answers to questions of your own, one an image, without the end word."""
        self.model.load_state_dict(language_part(vlm))
        ids = encode([Example(IMAGE_CONTEXT, question, "").prompt for question in questions])[0]
        lengths = (ids != PAD).sum(1)
        ids = torch.cat([ids, ids.new_full((len(ids), LONGEST), PAD)], dim=1)
        rows, embedded = torch.arange(len(ids)), self._embed(ids)
        for place in range(LONGEST):
            hidden = self.model.model(inputs_embeds=embedded).last_hidden_state
            token = self.model.lm_head(hidden[rows, lengths + place - 1]).argmax(-1)
            ids[rows, lengths + place] = token
            embedded[rows, lengths + place] = self.model.get_input_embeddings()(token)  # even if it says "<image>"
        said = [row[length : length + LONGEST].tolist() for row, length in zip(ids, lengths)]
        return [" ".join(VOCABULARY[token] for token in row[: row.index(EOS) if EOS in row else None]) for row in said]

    def _embed(self, ids: Tensor) -> Tensor:
        return embed(self.model.get_input_embeddings(), ids, self.soft)


def cascade_score(family, examiner: Examiner, skill: str, recipe: str = "joint") -> float:
    """Return the share of right answers when the VLM names the digit and the expert is asked about a note with it.

    The names come from answers to "which digit"; what is not a number stays in the note as it is.
    """
    named = examiner.ask(family.vlms[recipe], ["which digit"] * len(examiner.digits))
    rng = np.random.default_rng([family.seed, 8])
    notes = [Example(note(name, rng), question, answer) for name, question, answer
             in zip(named, examiner.questions(skill), examiner.truths(skill))]
    return text_right(family.experts[skill], notes)
