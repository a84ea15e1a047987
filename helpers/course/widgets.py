"""`explorer`: a figure with sliders, which reads the same without a kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from numbers import Real

import ipywidgets

from helpers.course.display import publish
from helpers.course.painter import Painter
from helpers.course.plots import check_alt, close, picture

VIEW = "application/vnd.jupyter.widget-view+json"


class Explorer:
    """A figure, its controls and the image in which it is shown; made by `explorer`."""

    def __init__(self, fig, update: Callable, alt: str, choices: dict):
        self.figure, self.update, self.alt = fig, update, alt
        self.seconds, self.error = 0.0, None
        self.controls = {name: control(name, list(values)) for name, values in choices.items()}
        self.image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%", object_fit="contain"))
        self.status = ipywidgets.HTML()
        self.box = ipywidgets.VBox([*self.controls.values(), self.image, self.status])
        update(**self.values)  # the first state decides how much room labels get
        self._painter = Painter(fig)
        self._redraw()
        for each in self.controls.values():
            each.observe(self._moved, names="value")

    @property
    def values(self) -> dict:
        """The value of each control."""
        return {name: each.value for name, each in self.controls.items()}

    def move(self, **values) -> None:
        """Set controls as a reader would, and draw once. Raises ValueError for a name or value that is not offered."""
        for name, value in values.items():
            offered = self.controls[name].options if name in self.controls else None
            if offered is None or value not in [option[1] for option in offered]:
                raise ValueError(f"{name}={value!r} is not offered; controls and values are {self.offered()}")
        for each in self.controls.values():
            each.unobserve(self._moved, names="value")
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            for each in self.controls.values():
                each.observe(self._moved, names="value")
        self._moved()

    def offered(self) -> dict:
        """The values that each control offers."""
        return {name: [option[1] for option in each.options] for name, each in self.controls.items()}

    def bundle(self) -> tuple[dict, dict]:
        """One mime bundle: the live widget, and the first state as an image with alt text."""
        data, metadata = picture(bytes(self.image.value), self.alt)
        data[VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return data, metadata

    def __repr__(self) -> str:
        return f"Explorer with {', '.join(self.controls)}"

    def _moved(self, change=None) -> None:
        began, self.error = time.perf_counter(), None
        try:
            self._redraw()
        except Exception as error:  # a widget's callback would swallow it
            self.error = error
            words = f"{self._position()}: could not be drawn. {type(error).__name__}: {error}"
            self.status.value = f"<strong>{escape(words)}</strong>"
        self.seconds = time.perf_counter() - began

    def _redraw(self) -> None:
        said = self.update(**self.values)
        self.image.value = self._painter.png()
        self.status.value = escape(said if isinstance(said, str) else self._position())

    def _position(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.values.items())


def explorer(fig, update: Callable, alt: str, **sliders) -> Explorer:
    """Show the figure with one control per keyword, and return the explorer.

    Each keyword names an argument of `update` and gives its values, numbers or words; the first value of each is the
    first state. `update(**values)` changes artists of `fig` in place; a sentence that it
    returns is shown below the figure. `alt` says what to see in the first state.
    """
    check_alt(alt)
    made = Explorer(fig, update, alt, sliders)
    publish(*made.bundle())
    close(fig)
    return made


def control(name: str, values: list):
    """A slider over the values, numbers or words: JupyterLab takes the arrow keys away from drop-down lists."""
    if not values:
        raise ValueError(f"slider {name!r} expects at least one value, got none")
    options = [(f"{value:g}" if isinstance(value, Real) else str(value), value) for value in values]
    layout, label = ipywidgets.Layout(width="min(40rem, 95%)"), {"description_width": "14rem"}
    return ipywidgets.SelectionSlider(
        options=options, value=values[0], description=name.replace("_", " "), style=label, layout=layout
    )
