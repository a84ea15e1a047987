"""`self_test`: whether this machine runs the course, and in plain words what to do where it does not."""

from __future__ import annotations

import platform
import sys
import time
from dataclasses import dataclass

from helpers.course import machine, versions
from helpers.course.start import set_threads, thread_count

ENOUGH_GIB = 1.5  # the largest notebook needs 1.2; of the 2 GiB on Binder 1.8 are left beside the server
OLDEST = (3, 11)
SLOW = 10.0  # seconds; the step takes well under one on two cores of 2020


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and what helps ("" where all is well)."""

    what: str
    found: str
    remedy: str = ""


def self_test() -> None:
    """Print a line for each thing that the course needs, with a remedy where it is missing; takes some seconds."""
    findings = [python(), *packages(), memory(), cores(), training()]
    for each in findings:
        print(f"{'ok ' if not each.remedy else 'LOOK'} {each.what:<16} {each.found}")
        if each.remedy:
            print(f"     {each.remedy}")
    troubles = sum(bool(each.remedy) for each in findings)
    print("\nEverything is as it should be." if not troubles else f"\n{troubles} to look at; the rest is fine.")


def python() -> Finding:
    fine = sys.version_info[:2] >= OLDEST
    version = platform.python_version()
    return Finding("Python", version, "" if fine else "Install Python 3.11 or newer, then run `make lab`.")


def packages() -> list[Finding]:
    """Return a finding for the packages as a whole, and one for each that is missing or untested."""
    own_server = versions.on_colab()  # which has no JupyterLab and needs none
    needs = [need for need in versions.requirements() if not (own_server and need.name == "jupyterlab")]
    if not needs:
        return [Finding("packages", "the course is not installed", "Run `make env`; on Colab, the set-up cell above.")]
    missing = [need.name for need in needs if versions.version(need.name) == "absent"]
    untested = versions.outside(needs)
    found = [Finding(name, "missing", f"pip install '{name}'; `make env` installs all there are.") for name in missing]
    found += [Finding(line.split()[0], line.split(":")[0], line.split(": ", 1)[1]) for line in untested]
    return [Finding("packages", f"{len(needs) - len(found)} of {len(needs)} as tested"), *found]


def memory() -> Finding:
    free = machine.free_memory()
    if free is None:
        return Finding("memory", "this system does not tell")
    gib = free / 2**30
    remedy = "Close other notebooks (Kernel, Shut Down All) and programs; then run this again."
    return Finding("memory", f"{gib:.1f} GiB free, {ENOUGH_GIB:g} are enough", "" if gib >= ENOUGH_GIB else remedy)


def cores() -> Finding:
    count = thread_count()
    return Finding("cores", f"{count} in use" + ("; two halve the waiting" if count == 1 else ""))


def training() -> Finding:
    """Take one training step of a tiny language model, on the cores that the notebooks would use."""
    set_threads(thread_count())
    begin = time.perf_counter()
    try:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
        model = LlamaForCausalLM(LlamaConfig(vocab_size=64, **size))
        tokens = torch.arange(32).reshape(2, 16)
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
        before, after = loss.item(), model(input_ids=tokens, labels=tokens).loss.item()
    except Exception as error:
        remedy = "Modules 1 and 3 need torch and transformers: `make env`. Modules 2 and 4 do without."
        return Finding("a training step", f"{type(error).__name__}: {error}", remedy)
    seconds = time.perf_counter() - begin
    remedy = "That is slow. Is another program busy? On a shared machine OMP_NUM_THREADS=1 helps."
    remedy = "" if seconds < SLOW else remedy
    return Finding("a training step", f"loss {before:.2f} to {after:.2f} in {seconds:.1f} s with imports", remedy)
