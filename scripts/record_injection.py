"""Record the results of module 1: train five families, run every experiment, write data/results.json.

    python -m scripts.record_injection train 0 1 2 3 4      (about six minutes of one core each)
    python -m scripts.record_injection run 0 1 2 3 4        (about twenty minutes of one core each)
    python -m scripts.record_injection collect              writes data/results.json
    python -m scripts.record_injection explorer             writes data/explorer.json, on the shipped family

Families and parts are kept in build/injection; what is there is not made again. Two terminals may share the seeds.
The rules of the claims (claims.py) were committed before this script was first run; the grids (grids.py) were fixed
after a look at validation images of seed 0.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from helpers.skill_injection import experiments
from helpers.skill_injection.explorer import save_cells
from helpers.skill_injection.family import SHIPPED, Family, load_family, save_family, train_family
from helpers.skill_injection.results import save_results
from helpers.skill_injection.training import train_expert_to_length
from helpers.skill_injection.vectors import length, task_vector

FAMILIES, BUILD = Path("build/families"), Path("build/injection")
SEEDS = (0, 1, 2, 3, 4)
BOTH = ("joint", "two_stage")
CONTROLS = ("format", "spanish")


def family_of(seed: int) -> Family:
    """Return the family of a seed, trained now if it is not there yet; seed 0 is the one that is shipped."""
    path = SHIPPED if seed == 0 and SHIPPED.exists() else FAMILIES / f"seed-{seed}.safetensors"
    if not path.exists():
        save_family(train_family(seed), path)
    return load_family(path)


def control_of(family: Family) -> dict:
    """Return {skill: expert as far from the base as the two-step expert}, trained now if it is not there yet."""
    path = BUILD / f"control-{family.seed}.safetensors"
    if not path.exists():
        wanted = length(task_vector(family.base, family.experts["two_steps"]))
        experts = {skill: train_expert_to_length(family.base, skill, family.seed, wanted) for skill in CONTROLS}
        save_family(Family(family.seed, family.base, {}, experts), path)
    return load_family(path).experts


def jobs(seed: int):
    """Yield (experiment, recipe, function without arguments that gives its rows) of a seed."""
    family = family_of(seed)
    for recipe in BOTH:
        bench = experiments.Bench(family, recipe)
        for name in ("vectors", "baselines", "scale"):
            rows = {"vectors": experiments.vector_rows, "baselines": experiments.baseline_rows,
                    "scale": experiments.scale_rows}[name]
            yield name, recipe, lambda rows=rows, bench=bench: rows(bench)
    bench = experiments.Bench(family)
    yield "parts", "joint", lambda: experiments.part_rows(bench)
    yield "strangers", "joint", lambda: experiments.stranger_rows(bench, family_of((seed + 1) % len(SEEDS)))
    yield "vocabulary", "joint", lambda: experiments.vocabulary_rows(bench)
    yield "pairs", "joint", lambda: experiments.pair_rows(bench)
    yield "dare", "joint", lambda: experiments.dare_rows(bench)
    yield "methods", "joint", lambda: experiments.method_rows(bench)
    yield "control", "joint", lambda: experiments.norm_rows(bench, control_of(family))


def run(seed: int) -> None:
    """Run what is missing of a seed's experiments and write each part."""
    for name, recipe, rows in jobs(seed):
        path = BUILD / f"{name}-{recipe}-{seed}.json"
        if path.exists():
            continue
        begin = time.process_time()
        found = [{"seed": seed, "recipe": recipe, **row} for row in rows()]
        path.write_text(json.dumps(found), encoding="utf-8")
        print(f"seed {seed} {name} {recipe}: {len(found)} rows, {time.process_time() - begin:.0f} CPU s", flush=True)


def collect() -> None:
    """Put all parts together in data/results.json. Raises FileNotFoundError for a part that is missing."""
    tables: dict[str, list[dict]] = {}
    for seed in SEEDS:
        for name, recipe, _ in jobs(seed):
            part = BUILD / f"{name}-{recipe}-{seed}.json"
            tables.setdefault(name, []).extend(json.loads(part.read_text(encoding="utf-8")))
    save_results(tables)


def asked(words: list[str]) -> tuple[str, list[int]]:
    """Return what is to be done and for which seeds. Raises SystemExit, in words, for anything else."""
    what, seeds = words[0] if words else "nothing", words[1:]
    known = {str(seed) for seed in SEEDS}
    if what in ("train", "run") and seeds and known.issuperset(seeds):
        return what, [int(seed) for seed in seeds]
    if what in ("collect", "explorer") and not seeds:
        return what, []
    raise SystemExit(f"expected train or run with seeds out of {', '.join(sorted(known))}, or collect, or explorer; "
                     f"got {' '.join([what, *seeds])}; try: python -m scripts.record_injection train 0")


def main(words: list[str]) -> None:
    """Do what the words ask for."""
    what, seeds = asked(words)
    FAMILIES.mkdir(parents=True, exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    if what == "collect":
        collect()
    if what == "explorer":
        save_cells(experiments.Bench(family_of(0)))
    for each in seeds:
        family_of(each) if what == "train" else run(each)


if __name__ == "__main__":
    main(sys.argv[1:])
