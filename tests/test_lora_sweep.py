"""A sweep is K runs, each as if it were alone; what is finished is kept, whoever interrupts it."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from helpers.lora import training
from helpers.lora.models import load_base, tiny_model
from helpers.lora.optimizers import AdamW, clip
from helpers.lora.stacked import Replica
from helpers.lora.sweeping import chunk_size, key, split, sweep
from helpers.lora.tasks import Task, command_texts
from helpers.lora.training import Settings, form, order, schedule, task_gradients, train_chunk
from helpers.lora.variants import METHODS

SHORT = {"steps": 12, "batch_size": 4}


@pytest.fixture(scope="module")
def base():
    return load_base()


@pytest.fixture(scope="module")
def task():
    return Task("small", command_texts(1, 100), command_texts(2, 20), command_texts(3, 30))


def run(base, task, methods=("lora", "pissa"), rates=(1e-3, 2e-3), seeds=(0, 1), **how):
    return sweep(base, task, methods, rates, seeds, **({"cache": None, "progress": False} | SHORT | how))


def close(one, other):
    for key_ in ("validation_loss", "test_loss", "validation_exact", "test_exact"):
        assert one[key_] == pytest.approx(other[key_], abs=2e-5), (one, other)
    for (step, loss), (other_step, other_loss) in zip(one["curve"], other["curve"], strict=True):
        assert step == other_step and loss == pytest.approx(other_loss, abs=2e-4)


@pytest.mark.parametrize("methods", [("lora", "pissa", "milora", "init_ab", "olora", "lora_ga", "rslora", "lora_plus"),
                                     ("dora",), ("gralora",), ("randlora",), ("loft",)])  # fmt: skip
def test_each_replica_is_its_own_run(methods, base, task):
    replicas = [Replica(method, rate, seed) for method in methods for rate in (5e-4, 2e-3) for seed in (0, 3)]
    gradients, settings = task_gradients(base, task), Settings(**SHORT)
    together = train_chunk(base, task, replicas, settings, gradients)
    for place in (0, 1, len(replicas) // 2, len(replicas) - 1):
        (alone,) = train_chunk(base, task, [replicas[place]], settings, gradients)
        close(together[place], alone)
    assert len({row["test_loss"] for row in together}) == len(replicas), "no two runs are the same"


def test_seeds_decide_about_start_and_order_of_the_texts(base, task):
    one, again, other = (run(base, task, ("lora",), (1e-3,), (seed,)).rows[0] for seed in (0, 0, 1))
    assert one == again and one["curve"][0] != other["curve"][0]
    places = order(0, 10, 25)
    assert sorted(places[:10].tolist()) == list(range(10)) == sorted(places[10:20].tolist())
    assert not torch.equal(places[:10], places[10:20])


def test_clipping_is_each_replicas_own():
    stacks = [torch.tensor([[3.0, 0.0], [0.1, 0.0]]), torch.tensor([[[4.0]], [[0.2]]])]
    lengths = clip(stacks)
    assert torch.allclose(lengths, torch.tensor([5.0, 0.05**0.5]))
    assert torch.allclose(stacks[0], torch.tensor([[0.6, 0.0], [0.1, 0.0]]))
    assert torch.allclose(stacks[1], torch.tensor([[[0.8]], [[0.2]]]))


def test_adamw_is_torchs_for_every_rate():
    torch.manual_seed(0)
    start, gradients, rates = torch.randn(3, 4, 5), torch.randn(6, 3, 4, 5), torch.tensor([1e-3, 1e-2, 0.1])
    ours = start.clone().requires_grad_()
    mine = AdamW([ours], [rates])
    theirs = [start[place].clone().requires_grad_() for place in range(3)]
    peers = [torch.optim.AdamW([part], lr=float(rate), weight_decay=0.0) for part, rate in zip(theirs, rates)]
    for gradient in gradients:
        ours.grad = gradient.clone()
        mine.step(1.0)
        for part, peer, own in zip(theirs, peers, gradient):
            part.grad = own.clone()
            peer.step()
    assert torch.allclose(ours, torch.stack(theirs), atol=1e-6)


def test_the_schedule_warms_up_and_ends_at_nothing():
    shares = [schedule(step, 200) for step in range(200)]
    assert shares[5] == 1.0 == max(shares) and shares[0] == pytest.approx(1 / 6) and shares[-1] < 1e-3
    assert all(a > b for a, b in zip(shares[6:], shares[7:])) and schedule(0, 1) == 1.0


@pytest.mark.parametrize("method", ["lora", "dora", "loft"])
def test_a_replica_that_overflows_leaves_the_others_alone(method, base, task):
    good = [Replica(method, 1e-3, 0), Replica(method, 2e-3, 1)]
    settings = Settings(**SHORT)
    with_bad = train_chunk(base, task, [good[0], Replica(method, 1e38, 0), good[1]], settings)
    for row, alone in zip((with_bad[0], with_bad[2]), train_chunk(base, task, good, settings)):
        close(row, alone)
        assert row["diverged"] is None
    bad = with_bad[1]
    assert 0 < bad["diverged"] < 12 and bad["test_loss"] is None and bad["test_exact"] == 0.0
    assert all(math.isfinite(loss) for _, loss in bad["curve"])


# Kept results


def test_a_second_call_reads_what_is_there_and_says_so(base, task, tmp_path, capsys):
    first = run(base, task, cache=tmp_path, progress=True)
    assert "finished before" not in capsys.readouterr().out
    again = run(base, task, cache=tmp_path, progress=True)
    assert "8 of 8 runs were finished before" in capsys.readouterr().out and again.rows == first.rows
    more = run(base, task, seeds=(0, 1, 2), cache=tmp_path, progress=True)
    assert "8 of 12 runs" in capsys.readouterr().out and len(more.rows) == 12
    run(base, task, cache=tmp_path, progress=False)
    assert capsys.readouterr().out == ""


def test_other_settings_texts_or_weights_are_other_runs(base, task):
    settings = Settings(**SHORT)
    other_task = Task("small", command_texts(4, 100), task.validation, task.test)
    other_model = tiny_model(base.state_dict())
    other_model.model.norm.weight.data[0] += 1e-3
    keys = [key(base, task, settings), key(base, other_task, settings), key(other_model, task, settings),
            key(base, task, Settings(**SHORT, alpha=4.0)), key(base, task, Settings(**SHORT, rank=4))]  # fmt: skip
    assert len(set(keys)) == len(keys) and key(load_base(), task, settings) == keys[0]


def test_an_interrupt_loses_no_finished_chunk(base, task, tmp_path, monkeypatch):
    plain, calls = training.train_chunk, []

    def stop_at_the_second(*args, **how):
        calls.append(args[2])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(*args, **how)

    monkeypatch.setattr("helpers.lora.sweeping.train_chunk", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(base, task, ("lora", "dora"), cache=tmp_path)
    done = [json.loads(path.read_text()) for path in tmp_path.glob("*/*.json")]
    assert len(done) == 1 and len(done[0]) == len(calls[0])
    found = run(base, task, ("lora", "dora"), cache=tmp_path)
    assert calls[2] == calls[1] and len(calls) == 3 and len(found.rows) == 8
    assert found.rows == run(base, task, ("lora", "dora")).rows


KILLED = """
import os, signal, sys
from helpers.lora import sweeping as module
from helpers.lora.models import load_base
from helpers.lora.tasks import Task, command_texts
plain, calls = module.train_chunk, []
def train_chunk(*args, **how):
    calls.append(args)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*args, **how)
module.train_chunk = train_chunk
task = Task("small", command_texts(1, 100), command_texts(2, 20), command_texts(3, 30))
module.sweep(load_base(), task, ("lora", "dora"), (1e-3, 2e-3), (0, 1), steps=12, batch_size=4, cache=sys.argv[1])
"""


def test_a_kill_loses_no_finished_chunk(base, task, tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True)
    assert done.returncode == -signal.SIGKILL and len(list(tmp_path.glob("*/*.json"))) == 1
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.json")}
    found = run(base, task, ("lora", "dora"), cache=tmp_path)
    assert len(found.rows) == 8 and all(path.stat().st_mtime_ns == time for path, time in before.items())


# Chunks and executors


def test_chunks_have_one_form_and_at_most_their_size():
    replicas = [Replica(method, rate, 0) for method in METHODS for rate in (1e-4, 1e-3, 1e-2)]
    chunks = list(split(replicas, 10))
    assert sorted(map(repr, sum(chunks, []))) == sorted(map(repr, replicas))
    assert all(len(chunk) <= 10 and len({form(replica.method) for replica in chunk}) == 1 for chunk in chunks)
    assert len(chunks) == 3 + 4 and max(map(len, chunks)) - min(len(chunk) for chunk in chunks[:3]) <= 1


def test_less_memory_means_smaller_chunks_and_the_same_numbers(base, task):
    settings = Settings(**SHORT)
    sizes = [chunk_size(base, task, settings, memory) for memory in (1, 10**7, 10**8)]
    assert sizes[0] == 1 < sizes[1] < sizes[2]
    for one, other in zip(run(base, task, memory=1).rows, run(base, task).rows):
        close(one, other)


def test_processes_give_the_same_numbers(base, task):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = run(base, task, ("lora", "dora"), executor=pool)
    for one, other in zip(found.rows, run(base, task, ("lora", "dora")).rows):
        close(one, other)


def test_ranks_that_do_not_fit_are_left_out_with_the_reason(base, task):
    found = run(base, task, ("lora", "lora_ga"), (1e-3,), (0,), rank=48)
    assert found.methods == ["lora"] and "LoRA-GA has rank 32 at most, got 48" in found.skipped["lora_ga"]
    assert "LoRA-GA has rank 32" in repr(found)
    with pytest.raises(ValueError, match="there are no runs of 'lora_ga': LoRA-GA has rank 32 at most"):
        found.scores("lora_ga")
    with pytest.raises(ValueError, match="no method fits: PiSSA has rank 64 at most, got 65"):
        run(base, task, ("pissa",), rank=65)


@pytest.mark.parametrize("change, words", [
    ({"methods": ("loraa",)}, "methods are lora, pissa, .*; got 'loraa'"), ({"methods": ()}, "methods: expected one"),
    ({"rates": (1e-3, -1.0)}, "above 0, got -1.0"), ({"rates": (0.0,)}, "above 0, got 0.0"),
    ({"rates": (math.nan,)}, "got nan"), ({"rates": (1e-3, 1e-3)}, "different values"),
    ({"seeds": ()}, "seeds: expected"), ({"rank": 0}, "rank is at least 1, got 0"),
    ({"steps": 0}, "steps is at least 1"), ({"batch_size": -1}, "batch_size"),
    ({"alpha": 0.0}, "alpha is a finite number above 0"), ({"modules": ("attention",)}, "no linear layer 'attention'"),
])  # fmt: skip
def test_bad_settings_are_refused_in_words(change, words, base, task):
    with pytest.raises(ValueError, match=words):
        run(base, task, **change)
