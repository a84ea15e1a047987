"""The tiny world: the language, the images, the shipped family, and the examiner against transformers' own generate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.skill_injection import Examiner, cascade_score, graft, language_part, load_family, merge, text_score
from helpers.skill_injection.batches import IGNORED, answer_loss, encode, encode_examples, packed_loss
from helpers.skill_injection.family import HIDDEN, SHIPPED, save_family
from helpers.skill_injection.images import digits
from helpers.skill_injection.language import (
    ENGLISH,
    FILLERS,
    IMAGE,
    IMAGE_CONTEXT,
    NUMBERS,
    QUESTIONS,
    SKILLS,
    SPANISH,
    Example,
    document,
    text_example,
    tokenizer,
    vocabulary,
)
from helpers.skill_injection.models import language_model, state_of, vision_language_model

SEEDS = st.integers(0, 100_000)


@pytest.fixture(scope="module")
def family():
    return load_family()


@pytest.fixture(scope="module")
def examiner(family):
    return Examiner(family, "joint", "validation")


def test_the_language_has_fewer_than_a_hundred_words_and_no_word_twice():
    assert len(vocabulary()) < 100 and len(set(vocabulary())) == len(vocabulary())
    assert tokenizer().convert_ids_to_tokens(range(len(vocabulary()))) == vocabulary()


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, skill=st.sampled_from(sorted(QUESTIONS)))
def test_every_example_is_made_of_known_words_and_answered_rightly(seed, skill):
    example = text_example(skill, np.random.default_rng(seed))
    words = f"{example.prompt} {example.answer}".split()
    assert set(words) <= set(vocabulary())
    (digit,) = [NUMBERS.index(word) for word in example.context.split() if word in NUMBERS]
    assert example.answer == answer_by_hand(skill, example.question, digit)
    assert set(example.context.split()) - set(NUMBERS) <= set(FILLERS) and len(example.context.split()) <= 6


def answer_by_hand(skill: str, question: str, digit: int) -> str:
    """The right answer, worked out from the words of the question alone."""
    words = question.split()
    if skill in ("one_step", "two_steps"):
        results = [digit * 2] if words[0] == "double" else []
        for sign, number in zip(words[::2], words[1::2]):
            start = results[-1] if results else digit
            results.append(start + (1 if sign == "plus" else -1) * NUMBERS.index(number))
        return " ".join(NUMBERS[result] for result in results)
    english = {spanish: word for word, spanish in SPANISH.items()}
    plain = " ".join(english.get(word, word) if skill == "spanish" else word for word in words)
    answer = {"which": NUMBERS[digit], "even": "odd" if digit % 2 else "even", "big": "big" if digit > 4 else "small"}[
        plain.split()[0]]  # fmt: skip
    if skill == "spanish":
        return SPANISH[answer]
    forms = {"full": f"it is {answer}", "brackets": f"[ {answer} ]", "twice": f"{answer} {answer}",
             "prefix": f"answer : {answer}", "quotes": f'" {answer} "'}  # fmt: skip
    return forms.get(words[-1], answer)


def test_the_base_reads_the_pieces_but_no_skill_as_a_question():
    rng = np.random.default_rng(0)
    documents = [document(rng) for _ in range(4_000)]
    asked = [text.split(" ask ")[1].split(" ans ")[0] for text in documents if " ask " in text]
    assert 0.45 < len(asked) / len(documents) < 0.55
    plain = ("which digit", "even or odd", "big or small")
    assert set(asked) == {f"{question}{form}" for question in plain for form in ("", " in full")}
    everything = " ".join(documents)
    for piece in ("siete", "impar", "brackets", "+", "count"):
        assert piece in everything


def test_images_are_split_without_overlap_by_seed():
    parts = [digits(seed) for seed in (0, 0, 1)]
    sizes = {name: len(images.digits) for name, images in parts[0].items()}
    assert sum(sizes.values()) == 1_797 and sizes["train"] == 1_078
    assert all(torch.equal(parts[0][name].pixels, parts[1][name].pixels) for name in sizes)
    assert not torch.equal(parts[0]["test"].pixels, parts[2]["test"].pixels)
    assert parts[0]["train"].pixels.min() == -1 and parts[0]["train"].pixels.max() == 1
    together = torch.cat([images.pixels.flatten(1) for images in parts[0].values()])
    every = torch.cat([images.pixels.flatten(1) for images in parts[2].values()])
    assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, every.tolist()))


def test_models_are_as_small_as_promised_and_real_classes():
    base, vlm = language_model(), vision_language_model()
    assert sum(weight.numel() for weight in base.parameters()) < 500_000
    assert type(base).__name__ == "LlamaForCausalLM" and type(vlm).__name__ == "LlavaForConditionalGeneration"


def test_shipped_files_are_small():
    assert SHIPPED.stat().st_size < 8e6 and HIDDEN.stat().st_size < 3e6


def test_a_family_survives_its_file_bit_by_bit(family, tmp_path):
    save_family(family, tmp_path / "again.safetensors")
    again = load_family(tmp_path / "again.safetensors")
    assert again.seed == family.seed
    for ours, theirs in [(family.base, again.base), *((family.vlms[key], again.vlms[key]) for key in family.vlms),
                         *((family.experts[key], again.experts[key]) for key in SKILLS)]:  # fmt: skip
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_labels_are_the_answer_and_its_end_alone():
    example = Example("seven", "which digit", "seven")
    ids, labels = encode_examples([example, Example("a page seven", "even or odd in full", "it is odd")])
    words = vocabulary()
    assert [words[token] for token in labels[0].tolist() if token != IGNORED] == ["seven", "<eos>"]
    assert [words[token] for token in labels[1].tolist() if token != IGNORED] == ["it", "is", "odd", "<eos>"]
    assert [words[token] for token in ids[1].tolist()] == (
        "<bos> ctx a page seven end ask even or odd in full ans it is odd <eos>".split())  # fmt: skip


def test_packed_rows_give_the_same_loss_and_gradient_as_one_text_a_row():
    rng = np.random.default_rng(1)
    texts = [document(rng) for _ in range(40)]
    losses, gradients = [], []
    ids, labels = encode(texts)
    for loss in (lambda model: packed_loss(model, ids, labels),
                 lambda model: answer_loss(model, labels, input_ids=ids)):  # fmt: skip
        torch.manual_seed(0)
        model = language_model()
        value = loss(model)
        value.backward()
        losses.append(float(value))
        gradients.append(model.lm_head.weight.grad)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)


def test_scores_equal_transformers_own_generate(family, examiner):
    """One pass over the right answers gives what greedy decoding of the whole VLM with pixels gives."""
    state = merge(family.base, family.vlms["joint"], family.experts["format"], scale=0.8)
    model, words = vision_language_model(state), vocabulary()
    prompts = [Example(IMAGE_CONTEXT, question, "").prompt for question in examiner.questions("format")]
    said: dict[int, str] = {}
    for length in {len(prompt.split()) for prompt in prompts}:
        places = [place for place, prompt in enumerate(prompts) if len(prompt.split()) == length]
        ids = encode([prompts[place] for place in places])[0]
        out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=examiner.pixels[places],
                             max_new_tokens=6, do_sample=False, eos_token_id=2, pad_token_id=0)  # fmt: skip
        for place, row in zip(places, out[:, length:].tolist()):
            said[place] = " ".join(words[token] for token in row[: row.index(2) if 2 in row else None])
    theirs = [said[place] for place in range(len(prompts))]
    assert examiner.answers(state, "format") == theirs
    right = np.mean([answer == truth for answer, truth in zip(theirs, examiner.truths("format"))])
    assert examiner.score(state, "format") == pytest.approx(right) and 0.3 < right < 1


def test_an_answer_that_does_not_end_is_wrong(family, examiner):
    head = family.vlms["joint"]["lm_head.weight"].clone()
    head[2] = -10 * head.abs().sum(0)  # <eos> is never said
    assert examiner.score(family.vlms["joint"] | {"lm_head.weight": head}, ENGLISH) < 0.05


def test_a_model_that_says_image_is_answered_like_any_other(family, examiner):
    head = torch.full_like(family.vlms["joint"]["lm_head.weight"], -1.0)
    head[IMAGE] = 1.0
    said = examiner.answers(family.vlms["joint"] | {"lm_head.weight": head}, ENGLISH)
    assert any(vocabulary()[IMAGE] in answer for answer in said)


def test_the_shipped_family_is_what_the_module_says(family, examiner):
    vlm = family.vlms["joint"]
    assert examiner.score(vlm, ENGLISH) > 0.94
    for skill in SKILLS:
        assert text_score(family.experts[skill], skill) > 0.97 and text_score(family.experts[skill], ENGLISH) > 0.97
        assert text_score(family.base, skill) < 0.25
    for skill in ("format", "spanish", "two_steps"):
        assert examiner.score(vlm, skill) < 0.05
        assert examiner.score(merge(family.base, vlm, family.experts[skill], scale=1.0), skill) > 0.5
        assert cascade_score(family, examiner, skill) > 0.9


def test_graft_has_the_experts_language_model_and_the_vlms_eyes(family):
    vlm, expert = family.vlms["joint"], family.experts["spanish"]
    grafted = graft(vlm, expert)
    assert grafted.keys() == vlm.keys()
    inside = language_part(grafted)
    assert inside.keys() == expert.keys() and all(torch.equal(inside[name], expert[name]) for name in expert)
    assert torch.equal(grafted["model.multi_modal_projector.linear_1.weight"],
                       vlm["model.multi_modal_projector.linear_1.weight"])  # fmt: skip


def test_weights_are_what_sixteen_bits_hold():
    state = state_of(language_model())
    assert all(torch.equal(tensor, tensor.half().float()) for tensor in state.values())
