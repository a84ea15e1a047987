"""A skill's own settings: the model in config.py, filled from config.yaml, the environment on top."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from .scripts import load_script


def read_config(folder: Path) -> Any:
    """Return the skill's frozen settings: config.py's model, filled from config.yaml and the environment, or None."""
    if not (folder / "config.py").is_file():
        return None
    model = getattr(load_script(folder, "config.py"), "runtime_config_model", None)
    if model is None:
        return None
    file, prefix = folder / "config.yaml", f"FAIRYCLAW_CAP_{folder.name.upper()}__"
    settings = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.is_file() else {}
    settings |= {key[len(prefix):].lower(): value for key, value in os.environ.items() if key.startswith(prefix)}
    return model.model_validate(settings)
