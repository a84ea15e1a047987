"""Checkpoint folders of safetensors files: found, checked, and read in blocks of rows."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
TORCH_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class Stored:
    """Where a tensor lies: its file, its first byte and their number, its shape, its dtype as such files name it."""

    path: Path
    start: int
    nbytes: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def width(self) -> int:
        """Return the number of elements in a row."""
        return math.prod(self.shape[1:])

    def offset(self, row: int) -> int:
        """Return the byte of the file at which a row starts."""
        return self.start + row * (self.nbytes // max(self.rows, 1))


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files were found complete: tensors by name, and config.json ({} without one)."""

    folder: Path
    tensors: dict[str, Stored]
    config: dict

    @property
    def sizes(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Return {name: (shape, dtype)}."""
        return {name: (stored.shape, stored.dtype) for name, stored in self.tensors.items()}

    @property
    def files(self) -> list[Path]:
        return sorted({stored.path for stored in self.tensors.values()})


def open_checkpoint(folder: str | Path, owner: str) -> Checkpoint:
    """Return a checkpoint folder after its index and the headers of all its files were checked; no weights are read.

    Raises FileNotFoundError for a missing folder or file, ValueError for files that are damaged or do not fit the
    index; `owner`, such as "the base", is named there. Changed weights in a file of the right length are not found.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{owner}: expected a checkpoint folder, but {folder} is none; for a model of a hub, "
                                "give the folder that it was downloaded to")  # fmt: skip
    tensors: dict[str, Stored] = {}
    for path, listed in _files(folder, owner).items():
        found = read_header(path, owner)
        if listed is not None and listed != found.keys():
            name = min(listed ^ found.keys())
            where = "the index lists and the file has not" if name in listed else "the file has and the index lists not"
            raise ValueError(f"{owner}: {path} and its index differ in {name}, which {where}; download both again")
        tensors |= found
    config = folder / "config.json"
    return Checkpoint(folder, tensors, _read_json(config, owner) if config.is_file() else {})


def _files(folder: Path, owner: str) -> dict[Path, set[str] | None]:
    """Return the folder's weight files with the names that its index lists for each (None without index)."""
    if (folder / SINGLE).is_file():
        return {folder / SINGLE: None}
    if not (folder / INDEX).is_file():
        others = sorted(path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".gguf"))
        raise FileNotFoundError(f"{owner}: expected {SINGLE} or {INDEX} in {folder}, found "
                                f"{', '.join(others[:3]) or 'no weights'}; another format becomes safetensors by "
                                "from_pretrained and save_pretrained")  # fmt: skip
    files: dict[Path, set[str]] = {}
    for tensor, name in _weight_map(folder / INDEX, owner).items():
        files.setdefault(folder / name, set()).add(tensor)
    if missing := [path.name for path in files if not path.is_file()]:
        raise FileNotFoundError(f"{owner}: {len(missing)} of {len(files)} files that {INDEX} lists are not in {folder} "
                                f"(first: {missing[0]}); download them again")  # fmt: skip
    return dict(sorted(files.items()))


def _weight_map(path: Path, owner: str) -> dict[str, str]:
    """Return an index's {tensor: file name}. Raises ValueError if it has none, or names files elsewhere."""
    index = _read_json(path, owner).get("weight_map")
    if not index or not isinstance(index, dict) or not all(isinstance(name, str) for name in index.values()):
        raise ValueError(f"{owner}: {path} has no weight_map from tensor names to file names; download it again")
    if outside := [name for name in index.values() if Path(name).name != name]:
        raise ValueError(f"{owner}: {path} names {outside[0]!r}, expected a file of the same folder")
    return index


def _read_json(path: Path, owner: str) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{owner}: {path} is not JSON ({error}); download it again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{owner}: {path} holds no JSON object; download it again")
    return content


def read_header(path: Path, owner: str) -> dict[str, Stored]:
    """Return the tensors of one safetensors file. Raises ValueError if it is truncated or damaged."""
    try:
        with safe_open(path, framework="pt"):  # holds the header against the length of the file
            pass
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{owner}: {path} is truncated or damaged ({error}); download it again") from None
    header.pop("__metadata__", None)
    found = {}
    for name, about in header.items():
        first, last = about["data_offsets"]
        found[name] = Stored(path, 8 + length + first, last - first, tuple(about["shape"]), about["dtype"])
    return found


def read_rows(stored: Stored, first: int = 0, last: int | None = None) -> Tensor:
    """Return a tensor's rows from `first` to `last` (exclusive; None: all) in memory of their own.

    Not in a memory map, whose pages count as this process's memory for as long as the file stays open.
    """
    last = stored.rows if last is None else last
    shape = (last - first, *stored.shape[1:]) if stored.shape else ()
    tensor = torch.empty(shape, dtype=TORCH_DTYPES[stored.dtype])
    read_into(stored.path, stored.offset(first), as_bytes(tensor))
    return tensor


def read_into(path: Path, start: int, data) -> None:
    """Fill an array of bytes from a file, from byte `start` on. Raises ValueError if the file ends before."""
    view = memoryview(data)
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while view:
            if not (count := file.readinto(view)):
                raise ValueError(f"{path} became shorter while it was read")
            view = view[count:]


def as_bytes(tensor: Tensor):
    """Return a contiguous tensor's own memory as an array of bytes."""
    return tensor.reshape(-1).view(torch.uint8).numpy()
