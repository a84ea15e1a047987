"""Run the experiments of module 3; each is written into build/lora when it ends.

    python -m scripts.record_lora main rank-4 ...        sweeps by name (helpers/lora/experiments.py)
    python -m scripts.record_lora tiny_curvature real_curvature run_real

Runs of sweeps that are finished are kept in build/sweeps and not made again; two terminals may share the names.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from helpers.lora import experiments

BUILD, CACHE = Path("build/lora"), Path("build/sweeps")
NAMES = (*experiments.SWEEPS, "tiny_curvature", "real_curvature", "run_real")


def record(name: str) -> None:
    """Run an experiment and write what it gives."""
    path = BUILD / f"{name}.json"
    if name.endswith("curvature"):
        lines = [json.dumps(row) for row in shown(getattr(experiments, name)())]
        path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
        return
    how = {"cache": CACHE, "progress": sys.stderr.isatty()}
    found = experiments.run_real(**how) if name == "run_real" else experiments.run(name, **how)
    found.save(path)
    print(found, flush=True)


def shown(rows):
    """Yield rows, each printed as it comes."""
    for row in rows:
        print(row, flush=True)
        yield row


def asked(words: list[str]) -> list[str]:
    """Return the names of the experiments to run. Raises SystemExit, in words, for an unknown one or none."""
    unknown = [word for word in words if word not in NAMES]
    if unknown or not words:
        raise SystemExit(f"expected names out of {', '.join(NAMES)}; got {', '.join(unknown) or 'none'}; "
                         "try: python -m scripts.record_lora main")
    return words


if __name__ == "__main__":
    names = asked(sys.argv[1:])
    BUILD.mkdir(parents=True, exist_ok=True)
    for each in names:
        begin = time.process_time()
        record(each)
        print(f"{each}: {time.process_time() - begin:.0f} CPU s\n", flush=True)
