"""`merge_checkpoints`: an expert's skill put into a VLM on disk, in little memory however large the models are."""

from __future__ import annotations

import errno
import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm.auto import tqdm

from .plan import MergePlan, make_plan, size
from .shards import write_index
from .writing import crew, write_shard

Folder = str | Path
RECORD = "merge.json"
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx", ".index.json")


def merge_checkpoints(base: Folder, vlm: Folder, expert: Folder | Sequence[Folder], out: Folder,
                      method: str = "task_arithmetic", *, form: str | None = None,
                      only: str | Callable[[str], bool] | None = None, dry_run: bool = False, progress: bool = True,
                      shard_bytes: int = 2 * 10**9, **knobs) -> MergePlan:  # fmt: skip
    """Return the plan of a merge of checkpoint folders, after writing the merged VLM to `out` unless `dry_run`.

    base, vlm, expert: folders with safetensors files; several experts as a list. method, form, only, knobs: as in
    `merge`, and with its results, bit by bit; all else in the folder is the VLM's. With "{scale}" in the name of `out`,
    `scale` is a list: one folder for each, the inputs being read once. Memory does not grow with the models: beside
    what Python has loaded, some blocks of rows; the largest tensor in float32 once more for methods that select by
    size, 5 times for slerp, 7 to 12 times for tsv_m, iso_c and wudi. Files of `shard_bytes` are written in a folder
    `out`.unfinished that is renamed at the end; after an interruption the same call goes on with the file it lacks.
    Raises FileExistsError if `out` exists, FileNotFoundError and ValueError for models that are incomplete, damaged or
    do not fit together, and OSError if the disk is full; `out` is not made then.
    """
    experts = [expert] if isinstance(expert, (str, Path)) else list(expert)
    plan = make_plan(base, vlm, experts, out, method, form, only, shard_bytes, knobs)
    for folder in plan.outs:
        if folder.exists():
            raise FileExistsError(f"{folder} exists, and nothing is overwritten; give another `out` or remove it")
    if dry_run:
        return plan
    for remark in plan.remarks:
        warnings.warn(remark, stacklevel=2)
    _write(plan, progress)
    return replace(plan, written=True)


def _write(plan: MergePlan, progress: bool) -> None:
    """Write all results to folders beside them, then rename these."""
    for place in range(len(plan.outs)):
        _start_anew_if_changed(plan, place)
    todo = {shard.name: _unfinished(plan, shard.name) for shard in plan.shards}
    _check_space(plan, todo)
    for place, out in enumerate(plan.outs):
        folder = unfinished(out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD).write_text(json.dumps(plan.settings(place), indent=1) + "\n", encoding="utf-8")
    try:
        _write_shards(plan, todo, progress)
        _complete(plan)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror or error}; {_cleared(plan)}") from error
    except BaseException as error:
        _cleared(plan, keep=not isinstance(error, ValueError))
        raise


def unfinished(out: Path) -> Path:
    """Return the folder in which a result is written."""
    return out.with_name(f"{out.name}.unfinished")


def _start_anew_if_changed(plan: MergePlan, place: int) -> None:
    """Remove what an earlier call left unfinished if it had other inputs or settings. Raises FileExistsError for a
    folder of that name that no merge has made."""
    folder = unfinished(plan.outs[place])
    if not folder.exists():
        return
    record = folder / RECORD
    if not record.is_file() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is needed for unfinished files, but it exists and no merge made it; rename it")
    try:
        same = json.loads(record.read_text(encoding="utf-8")) == json.loads(json.dumps(plan.settings(place)))
    except (OSError, ValueError):
        same = False
    if not same:
        warnings.warn(f"{folder} was left by a merge with other inputs or settings; it starts anew", stacklevel=5)
        shutil.rmtree(folder)


def _unfinished(plan: MergePlan, name: str) -> dict[int, Path]:
    """Return {result: path} of one shard for the results that have not got it yet."""
    paths = {place: unfinished(out) / name for place, out in enumerate(plan.outs)}
    return {place: path for place, path in paths.items() if not path.is_file()}  # it has its name when it is complete


def _check_space(plan: MergePlan, todo: dict[str, dict[int, Path]]) -> None:
    """Raise OSError if the disk has no room for what is still to be written."""
    needed = sum(shard.nbytes * len(todo[shard.name]) for shard in plan.shards)
    parent = next(folder for folder in plan.outs[0].absolute().parents if folder.exists())
    if (free := shutil.disk_usage(parent).free) < needed:
        raise OSError(errno.ENOSPC, f"{size(needed)} are to be written, and {parent} has {size(free)} free")


def _write_shards(plan: MergePlan, todo: dict[str, dict[int, Path]], progress: bool) -> None:
    """Write the shards that are lacking, with a progress bar over the bytes of the VLM."""
    done = sum(shard.weights for shard in plan.shards if not todo[shard.name])
    bar = tqdm(total=plan.nbytes, initial=done, unit="B", unit_scale=True, desc=plan.recipe.about.name,
               disable=not progress)  # fmt: skip
    with bar, crew(plan) as workers:
        for shard in plan.shards:
            if todo[shard.name]:
                write_shard(plan, shard, todo[shard.name], workers, bar.update)


def _complete(plan: MergePlan) -> None:
    """Add the index and the VLM's other files to the results, and give them their names."""
    for out in plan.outs:
        write_index(unfinished(out), plan.shards)
        for path in sorted(plan.models["the VLM"].folder.iterdir()):
            if path.is_file() and not path.name.startswith((".", "README")) and not path.name.endswith(WEIGHTS):
                shutil.copyfile(path, unfinished(out) / path.name)
    for out in plan.outs:
        unfinished(out).rename(out)


def _cleared(plan: MergePlan, keep: bool = True) -> str:
    """Return what is left after an error, once all that no later call can use is removed."""
    folders = [folder for folder in map(unfinished, plan.outs) if folder.exists()]
    for part in [part for folder in folders for part in folder.glob("*.part")]:
        part.unlink()
    kept = sum((folder / shard.name).is_file() for folder in folders for shard in plan.shards)
    if keep and kept:
        return (f"{kept} of {len(plan.outs) * len(plan.shards)} files are complete in {folders[0]}: the same call goes "
                "on from there, removing the folder frees its space")  # fmt: skip
    for folder in folders:
        shutil.rmtree(folder)
    return "nothing is left of it"
