"""Run the sweeps of module 3 and write them into helpers/lora/data.

    python -m scripts.record_lora main rank-4 ...      some sweeps, or none for all (about ... CPU minutes)

Runs that are finished are kept in build/sweeps and not made again; two terminals may share the names.
"""

from __future__ import annotations

import sys
from pathlib import Path

from helpers.lora.experiments import DATA, SWEEPS, run

BUILD = Path("build/sweeps")

if __name__ == "__main__":
    for name in sys.argv[1:] or SWEEPS:
        found = run(name, cache=BUILD, progress=sys.stderr.isatty())
        found.save(BUILD / f"{name}.json")
        print(name, found, "", sep="\n", flush=True)
