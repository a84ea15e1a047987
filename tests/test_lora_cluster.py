"""A sweep on a real Dask cluster of separate processes: the same numbers, and a killed worker costs no result."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from helpers.lora.models import load_base
from helpers.lora.sweeping import sweep
from helpers.lora.tasks import Task, command_texts

distributed = pytest.importorskip("distributed", reason="distributed is not installed: it comes with the cluster extra")
HOW = {"methods": ("lora", "dora", "randlora"), "learning_rates": (1e-3, 2e-3), "seeds": (0, 1), "steps": 30,
       "batch_size": 4, "progress": False}  # fmt: skip


@pytest.fixture(scope="module")
def task():
    return Task("small", command_texts(1, 100), command_texts(2, 20), command_texts(3, 30))


@pytest.fixture
def client(tmp_path):
    with distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None,
                                  local_directory=tmp_path) as cluster, distributed.Client(cluster) as client:
        yield client


def close(one, other):
    assert [(row["method"], row["rate"], row["seed"]) for row in one.rows] == [
        (row["method"], row["rate"], row["seed"]) for row in other.rows]  # fmt: skip
    for mine, theirs in zip(one.rows, other.rows):
        assert mine["test_loss"] == pytest.approx(theirs["test_loss"], abs=2e-5)


@pytest.mark.long
def test_a_cluster_gives_the_numbers_of_this_process(client, task, tmp_path):
    found = sweep(load_base(), task, **HOW, executor=client.get_executor(), cache=tmp_path / "cache")
    close(found, sweep(load_base(), task, **HOW, cache=None))
    assert len(list((tmp_path / "cache").glob("*/*.json"))) == 3


@pytest.mark.long
def test_a_worker_killed_in_the_middle_costs_no_result(client, task):
    workers = [pid for pid in client.run(os.getpid).values() if pid != os.getpid()]
    assert len(workers) == 2

    def kill():
        time.sleep(4)
        os.kill(workers[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    found = sweep(load_base(), task, **HOW | {"steps": 300}, executor=client.get_executor(), cache=None, memory=1)
    thread.join()
    assert len(found.rows) == 12 and all(row["test_loss"] is not None for row in found.rows)
    with pytest.raises(ProcessLookupError):
        os.kill(workers[0], 0)
