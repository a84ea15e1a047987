"""Runs the notebooks in place and collects what they measured: claims, seconds, memory, README's table and pictures.

`make notebooks` runs all of notebooks/ and solutions/; `make notebooks ONLY=notebooks/2_aggregation.ipynb` runs one.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from scripts.guide import sections, write_guide
from scripts.notebook_format import ROOT, START, canonical, module_of, notebook_paths, read, write_text
from scripts.readme import claims_section, replace_section

CELL_SECONDS = 300


def execute(path: Path, record_path: Path | None = None):
    """The notebook at `path` with the outputs of a run in a fresh kernel; what it measured is written to `record_path`.

    Raises nbclient's CellExecutionError where a cell raises; the file at `path` stays as it is.
    """
    notebook = read(path)
    variables = {key: value for key, value in os.environ.items() if key != "COURSE_RECORD"}
    variables["COURSE_PROGRESS"] = ""  # this run is nobody's progress
    if record_path is not None:
        variables["COURSE_RECORD"] = str(record_path)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        coalesce_streams=True,
    )
    client.execute(env=variables)
    return notebook


def run(path: Path) -> dict:
    """What the notebook at `path` measured; its file and its picture are rewritten. {} for solutions and the start."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.json"
        measures = path.parent.name == "notebooks" and path != START
        notebook = execute(path, record if measures else None)
        if not measures:
            measured = {}
        elif record.exists():
            measured = json.loads(record.read_text(encoding="utf-8"))
        else:
            raise ValueError(f"{path.name} measured nothing: does its last code cell call finish()?")
    if measured:
        measured["sections"] = sections(notebook)
    write_text(path, canonical(notebook))
    save_picture(notebook, path)
    return measured


def central_picture(notebook) -> bytes | None:
    """The PNG of the cell tagged central-picture, None where no cell is."""
    for cell in notebook.cells:
        if "central-picture" in cell.metadata.get("tags", []):
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output.data["image/png"])
            raise ValueError(f"cell {cell.id!r} is tagged central-picture and shows no picture; tag the one that does")
    return None


def picture_path(path: Path) -> Path:
    """Where the central picture of the notebook at `path` is kept for README."""
    return path.parent / "pictures" / f"{path.stem}.png"


def save_picture(notebook, path: Path) -> None:
    """Keep the central picture of a module's notebook beside it."""
    image = central_picture(notebook) if path.parent.name == "notebooks" else None
    if image is not None:
        picture_path(path).parent.mkdir(exist_ok=True)
        picture_path(path).write_bytes(image)


def module_order(folder: Path) -> list[str]:
    """The names of the modules that have a notebook in `folder`, in the order of their numbers."""
    return [module_of(path) for path in sorted(folder.glob("[1-9]_*.ipynb"))]


def merge(content: dict, runs: list[dict], order: list[str]) -> dict:
    """The content of claims.json with the rows of the modules that ran replaced, and modules that are gone left out."""
    fresh = {run["notebook"]["module"]: run for run in runs}
    claims = [row for row in content["claims"] if row["module"] not in fresh]
    costs = [row for row in content["notebooks"] if row["module"] not in fresh]
    for run in fresh.values():
        claims += run["claims"]
        costs.append({key: run["notebook"][key] for key in ("module", "seconds", "peak_mib")})
    return {
        name: sorted((row for row in rows if row["module"] in order), key=lambda row: order.index(row["module"]))
        for name, rows in (("claims", claims), ("notebooks", costs))
    }


def load_claims(path: Path) -> dict:
    """The content of claims.json, empty lists where there is no such file yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"claims": [], "notebooks": []}


def collect(runs: list[dict], root: Path = ROOT) -> None:
    """Write notebooks/claims.json from the runs, and README's table from that."""
    path, readme = root / "notebooks" / "claims.json", root / "README.md"
    content = merge(load_claims(path), runs, module_order(path.parent))
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(readme, replace_section(readme.read_text(encoding="utf-8"), "claims", claims_section(content)))
    sections_of = {run["notebook"]["module"]: run["sections"] for run in runs if "sections" in run}
    write_guide(sections_of, module_order(path.parent), root)


def main(names: list[str]) -> int:
    """The exit code: 0 when all ran; a notebook that fails keeps its old file and its old claims."""
    paths = [Path(name).resolve() for name in names] or [START, *notebook_paths("notebooks", "solutions")]
    runs, failed = [], 0
    for path in paths:
        start = time.perf_counter()
        try:
            runs.append(run(path))
            print(f"{path.parent.name}/{path.name}: {time.perf_counter() - start:.0f} s", flush=True)
        except (CellExecutionError, DeadKernelError, TimeoutError, ValueError) as error:
            failed += 1
            print(f"{path.parent.name}/{path.name} did not run through:\n{error}", file=sys.stderr, flush=True)
    collect([found for found in runs if found])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
