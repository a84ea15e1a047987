"""The explorers of the notebooks: whatever is moved, the picture is what a whole drawing would show."""

from __future__ import annotations

import random
from importlib import import_module

import numpy as np
import pytest
from matplotlib import rc_context

from helpers.course.painter import FAST
from helpers.course.plots import style
from helpers.course.widgets import Explorer
from scripts.notebook_format import notebook_paths, read

PATHS = notebook_paths("notebooks")
MOVES = 20


def made(path) -> Explorer:
    """The explorer of a module's notebook, from the cells before it that it needs."""
    style()
    cells = {cell.id: cell.source for cell in read(path).cells}
    space: dict = {}
    made_here: list[Explorer] = []
    module = import_module("helpers.course")
    original = module.explorer
    module.explorer = lambda *given, alt, **controls: made_here.append(Explorer(*given, alt, controls))
    try:
        for name in ("imports", "explorer"):
            exec(cells[name], space)
    finally:
        module.explorer = original
    return made_here[0]


def pixels(canvas) -> np.ndarray:
    return np.asarray(canvas.buffer_rgba()).copy()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_shown_is_what_a_whole_drawing_shows(path):
    lab, draw = made(path), random.Random(0)
    painter, shown = lab._painter, set()
    for _ in range(MOVES):
        name = draw.choice(list(lab.controls))
        lab.move(**{name: draw.choice(lab.offered()[name])})
        fast = pixels(painter.canvas)
        for artist in painter.moving:
            artist.set_animated(False)
        with rc_context(FAST):
            painter.canvas.draw()
        assert (pixels(painter.canvas) == fast).all(), lab.values
        for artist in painter.moving:
            artist.set_animated(True)
        shown.add(fast.tobytes())
    assert lab.error is None and len(shown) > MOVES / 4


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_stands_still_is_drawn_once_for_each_slider(path):
    lab, seen = made(path), []
    for name, values in lab.offered().items():
        for value in (values * 3)[:9]:
            lab.move(**{name: value})
            seen.append(lab._painter.background)
    assert len({id(background) for background in seen}) <= 2 * len(lab.controls)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_control_changes_the_picture_in_some_state(path):
    lab = made(path)
    for name, values in lab.offered().items():
        seen = set()
        for others in ("first", "last"):
            lab.move(**{other: offered[0 if others == "first" else -1] for other, offered in lab.offered().items()})
            for value in values:
                lab.move(**{name: value})
                seen.add((others, bytes(lab.image.value)))
        assert len(seen) > 2, f"{name} moves nothing"
