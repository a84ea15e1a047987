"""What a merge of checkpoints will do, known before a byte is written: `MergePlan`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from .blocks import Recipe, Sources
from .merging import check_settings
from .pairing import MERGE, Pair, plan_pairs, without_tied_head
from .shards import Shard, plan_shards
from .stored import Checkpoint, open_checkpoint
from .vectors import FAR
from .vocabulary import read_vocabulary

SAMPLE = 8  # rows of each matrix that tell how far a model lies from the base


@dataclass(frozen=True, repr=False)
class MergePlan:
    """What `merge_checkpoints` does, or has done where `written`; printed, it lists every tensor of the VLM.

    pairs: one `Pair` a tensor. outs: the folders, one for each set of knobs in `recipe`. shards: the files of each.
    distances: how far VLM and experts lie from the base, relative to its length, by a sample of rows.
    """

    recipe: Recipe
    models: dict[str, Checkpoint]
    outs: tuple[Path, ...]
    pairs: tuple[Pair, ...]
    shards: tuple[Shard, ...]
    distances: dict[str, float] = field(default_factory=dict)
    written: bool = False

    @property
    def remarks(self) -> list[str]:
        """Return what looks wrong, or is worth knowing, about the models."""
        return [remark for owner, distance in self.distances.items() if (remark := _remark(owner, distance))]

    @property
    def nbytes(self) -> int:
        """Return the bytes of one result's weights."""
        return sum(shard.weights for shard in self.shards)

    def sources(self, pair: Pair) -> Sources:
        """Return where a tensor that is merged lies in all models."""
        vlm, base, *experts = self.models.values()
        tuned = tuple(expert.tensors[name] for expert, name in zip(experts, pair.experts))
        stored = vlm.tensors[pair.vlm]
        rows = stored.rows if pair.rows is None else pair.rows
        return Sources(pair.base, base.tensors[pair.base], stored, tuned, rows)

    def settings(self, place: int) -> dict:
        """Return all that result number `place` depends on, as plain values: two merges with the same are the same."""
        files = {owner: [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in model.files]
                 for owner, model in self.models.items()}  # fmt: skip
        pairs = hashlib.sha256(json.dumps([asdict(pair) for pair in self.pairs], default=str).encode()).hexdigest()
        return {"method": self.recipe.about.name, "form": self.recipe.form, "knobs": self.recipe.knobs[place],
                "torch": torch.__version__, "files": files, "pairs": pairs,
                "shards": [[shard.name, shard.nbytes] for shard in self.shards]}  # fmt: skip

    def __repr__(self) -> str:
        merged = sum(pair.action == MERGE for pair in self.pairs)
        done = "written" if self.written else "planned"
        lines = [f"{self.recipe.about.name}, {self.recipe.form} form: {merged} of {len(self.pairs)} tensors merged, "
                 f"{len(self.pairs) - merged} kept; {size(self.nbytes)} in {_count(len(self.shards), 'file')}"]
        lines += [f"{done}: {out}   ({_knobs(knobs)})" for out, knobs in zip(self.outs, self.recipe.knobs)]
        for owner, model in self.models.items():
            away = self.distances.get(owner)
            lines.append(f"{owner.removeprefix('the ')}: {model.folder}"
                         + ("" if away is None else f"   (differs by {away:.3g} of the base's length)"))  # fmt: skip
        return "\n".join([*lines, *(f"Look: {remark}" for remark in self.remarks), "", *map(_line, self.pairs)])


def _line(pair: Pair) -> str:
    """Return one tensor's line of the plan."""
    about = f"{pair.vlm}  {pair.dtype} {'x'.join(map(str, pair.shape)) or 'scalar'}"
    if pair.action != MERGE:
        return f"keep   {about}  ({pair.reason})"
    partners = " and ".join(dict.fromkeys([pair.base, *pair.experts]))
    return f"merge  {about}  with {partners}  ({pair.reason})"


def _knobs(knobs: dict) -> str:
    plain = {name: value[0] if name == "scale" and len(value) == 1 else value for name, value in knobs.items()}
    return ", ".join(f"{name}={value}" for name, value in plain.items())


def size(nbytes: int) -> str:
    """Return a number of bytes in words."""
    power = max(0, min(4, int(math.log10(max(nbytes, 1)) // 3)))
    return f"{nbytes / 1000**power:.3g} {('bytes', 'KB', 'MB', 'GB', 'TB')[power]}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _remark(owner: str, distance: float) -> str | None:
    """Return what a model's distance to the base means if it is not that of fine-tuning."""
    if distance == 0 and owner == "the VLM":
        return "the VLM's language model equals the base; merging one expert at scale 1 gives that expert"
    if distance == 0:
        return f"{owner} equals the base: it has nothing to add"
    if distance > FAR:
        return f"{owner} lies so far from the base (limit {FAR}) that it was hardly made from it; is it another base?"
    return None


def make_plan(base, vlm, experts: Sequence, out: str | Path, method: str, form: str | None, only, shard_bytes: int,
              knobs: dict) -> MergePlan:  # fmt: skip
    """Return the plan of a merge after checking all that can be checked without reading all weights."""
    outs, each_knobs = result_folders(out, knobs, len(experts))
    checked = [check_settings(method, form, one, len(experts)) for one in each_knobs]
    recipe = Recipe(checked[0][0], checked[0][1], tuple(settings for _, _, settings in checked))
    models = open_models(vlm, base, experts)
    sizes = [models["the VLM"].sizes, *(without_tied_head(model.sizes, model.config)
             for owner, model in models.items() if owner != "the VLM")]  # fmt: skip
    pairs = plan_pairs(*sizes[:2], sizes[2:], models["the VLM"].config.get("model_type"), only=only,
                       vocabularies=[read_vocabulary(model.folder) for model in models.values()])  # fmt: skip
    shards = plan_shards(models["the VLM"].tensors, shard_bytes)
    plan = MergePlan(recipe, models, outs, tuple(pairs), tuple(shards))
    return replace(plan, distances=sample_distances(plan))


def result_folders(out: str | Path, knobs: dict, experts: int) -> tuple[tuple[Path, ...], list[dict]]:
    """Return the folders to be written and the knobs of each: several for an `out` with "{scale}" in it."""
    scale = knobs.get("scale")
    several = isinstance(scale, (list, tuple))
    if "{scale}" not in str(out):
        if several and len(scale) != experts:
            raise ValueError(f"got {len(scale)} scales for {_count(experts, 'expert')}; to merge once for each scale, "
                             'write {scale} in the name of `out`, such as "merged-{scale}"')  # fmt: skip
        return (Path(out),), [knobs]
    if not several or not scale:
        raise ValueError(f"`out` has {{scale}} in its name: expected a list of scales, one a folder, got {scale!r}")
    names = ["-".join(f"{number:g}" for number in (one if isinstance(one, (list, tuple)) else [one])) for one in scale]
    if len(set(names)) < len(names):
        raise ValueError(f"expected different scales, got {', '.join(names)}")
    return tuple(Path(str(out).replace("{scale}", name)) for name in names), [knobs | {"scale": one} for one in scale]


def open_models(vlm, base, experts: Sequence) -> dict[str, Checkpoint]:
    """Return VLM, base and experts by owner, in this order. Raises ValueError if base and VLM are one folder."""
    names = ["the expert"] if len(experts) == 1 else [f"expert {place}" for place in range(len(experts))]
    if Path(base).resolve() == Path(vlm).resolve():
        raise ValueError(f"base and VLM are one folder, {base}; the base is the language model that the VLM is made of")
    folders = dict(zip(["the VLM", "the base", *names], [vlm, base, *experts]))
    return {owner: open_checkpoint(folder, owner) for owner, folder in folders.items()}


def sample_distances(plan: MergePlan) -> dict[str, float]:
    """Return {owner: |model - base| / |base|} by a few rows in the middle of each matrix that is merged."""
    squares = dict.fromkeys(plan.models, 0.0)
    for pair in plan.pairs:
        if pair.action != MERGE or len(pair.shape) < 2:
            continue
        sources = plan.sources(pair)
        first = max(0, (sources.rows - SAMPLE) // 2)
        block = (first, min(first + SAMPLE, sources.rows))
        start = sources.read(sources.base, block).double()
        squares["the base"] += float(start.square().sum())
        for owner, stored in zip(plan.models, (sources.vlm, None, *sources.experts)):
            if stored is not None:
                squares[owner] += float((sources.read(stored, block).double() - start).square().sum())
    length = squares.pop("the base")
    return {owner: math.sqrt(square / length) if length else 0.0 for owner, square in squares.items()}
