"""Figures and explorers: alt text, equal bytes, moves that answer in time and errors that show."""

from __future__ import annotations

import base64
import io
import time

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from PIL import Image  # noqa: E402

from helpers.course import MARKERS, PALETTE, explorer, png, show, style  # noqa: E402
from helpers.course.painter import FAST  # noqa: E402
from helpers.course.widgets import VIEW, control  # noqa: E402

ALT = "Accuracy falls as models copy."


@pytest.fixture(autouse=True)
def plot_style():
    with matplotlib.rc_context():
        style()
        yield
    pyplot.close("all")


def drawn(scale: float = 1.0):
    fig, ax = pyplot.subplots()
    lines = [ax.plot(np.arange(5), scale * np.arange(5) + rule, label=f"rule {rule}")[0] for rule in range(6)]
    ax.set(xlabel="copying models", ylabel="accuracy", ylim=(0, 30))
    ax.legend()
    return fig, lines


def test_marks_differ_by_colour_and_by_shape():
    _, lines = drawn()
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 6
    assert len(set(PALETTE)) == len(PALETTE) == len(set(MARKERS)) == len(MARKERS) == 8
    assert matplotlib.rcParams["figure.constrained_layout.use"] and matplotlib.rcParams["font.size"] >= 10


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_first_colours_stand_out_from_white():
    assert min(1.05 / (luminance(colour) + 0.05) for colour in PALETTE[:3]) >= 3
    assert luminance(PALETTE[-1]) == max(map(luminance, PALETTE))


def test_the_same_figure_gives_the_same_bytes():
    first, second = png(drawn()[0]), png(drawn()[0])
    assert first == second and first != png(drawn(2)[0])
    image = Image.open(io.BytesIO(first))
    assert image.size == (640, 400) and not {"Software", "Creation Time"} & set(image.text)


def test_show_prints_the_alt_text_and_closes(capsys):
    fig, _ = drawn()
    assert show(fig, alt=ALT) is None
    assert capsys.readouterr().out == ALT + "\n" and not pyplot.fignum_exists(fig.number)


@pytest.mark.parametrize("alt", ["", "a plot", " " * 40])
def test_alt_text_must_be_a_sentence(alt):
    fig, lines = drawn()
    with pytest.raises(ValueError, match="a sentence of at least 20 characters"):
        show(fig, alt=alt)
    with pytest.raises(ValueError, match="at least 20 characters"):
        explorer(fig, lambda copies: None, alt, copies=[0, 1])


def explored(**changes):
    """An explorer of six lines, and the states in which it was drawn."""
    fig, lines = drawn()
    states = []

    def update(**values):
        states.append(values)
        for rule, line in enumerate(lines):
            line.set_ydata(np.arange(5) * values["copies"] + rule)

    sliders = {"copies": range(6), "label_bias": [0, 0.1, 0.25], "rule": ["ow", "isp"]}
    return explorer(fig, changes.get("update", update), ALT, **sliders), states


def pixels(made) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bytes(made.image.value))).convert("RGB"))


def test_the_first_state_is_shown_as_image_and_widget(capsys):
    made, states = explored()
    assert capsys.readouterr().out == ALT + "\n"
    data, metadata = made.bundle()
    assert data[VIEW]["model_id"] == made.box.model_id and data["text/plain"] == ALT
    assert base64.b64decode(data["image/png"]) == bytes(made.image.value) and metadata == {"image/png": {"alt": ALT}}
    assert states[0] == made.values == {"copies": 0, "label_bias": 0, "rule": "ow"}
    assert pixels(made).shape == (400, 640, 3) and repr(made) == "Explorer with copies, label_bias, rule"
    assert made.status.value == "copies 0, label bias 0, rule ow"


def test_a_move_draws_once_and_comes_back_to_the_same_picture():
    made, states = explored()
    first, count = bytes(made.image.value), len(states)
    made.move(copies=3, label_bias=0.25, rule="isp")
    assert len(states) == count + 1 and states[-1] == {"copies": 3, "label_bias": 0.25, "rule": "isp"}
    assert bytes(made.image.value) != first and made.status.value == "copies 3, label bias 0.25, rule isp"
    made.controls["copies"].value = 4  # as a reader's hand does
    assert states[-1]["copies"] == 4 and len(states) == count + 2
    made.move(copies=0, label_bias=0, rule="ow")
    assert bytes(made.image.value) == first and made.error is None


def test_the_moved_picture_is_what_a_fresh_figure_shows():
    made, _ = explored()
    made.move(copies=3)
    with matplotlib.rc_context(FAST):
        fresh = np.asarray(Image.open(io.BytesIO(png(drawn(3)[0]))).convert("RGB"))
    assert (pixels(made) == fresh).all()


def test_controls_fit_their_values():
    made, _ = explored()
    kinds = [type(each).__name__ for each in made.controls.values()]
    assert kinds == ["SelectionSlider", "SelectionSlider", "SelectionSlider"]
    assert [each.description for each in made.controls.values()] == ["copies", "label bias", "rule"]
    assert [label for label, _ in made.controls["label_bias"].options] == ["0", "0.1", "0.25"]
    with pytest.raises(ValueError, match="slider 'copies' expects at least one value"):
        control("copies", [])


@pytest.mark.parametrize("values", [{"copies": 7}, {"copy": 1}, {"rule": "majority"}])
def test_a_value_that_is_not_offered_is_refused(values):
    made, states = explored()
    count = len(states)
    with pytest.raises(ValueError, match="is not offered; controls and values are {'copies': \\[0, 1, 2"):
        made.move(**values)
    assert len(states) == count


def test_an_error_shows_in_the_widget_and_goes_with_the_next_move():
    def update(copies, label_bias, rule):
        if copies == 2:
            raise KeyError("<copies>")

    made, _ = explored(update=update)
    made.move(copies=2)
    assert "copies 2, label bias 0, rule ow: could not be drawn. KeyError: " in made.status.value
    assert "&lt;copies&gt;" in made.status.value and isinstance(made.error, KeyError)
    made.move(copies=3)
    assert made.error is None and "could not" not in made.status.value


def test_an_update_may_say_what_to_see():
    made, _ = explored(update=lambda copies, label_bias, rule: f"OW-L loses by {copies} < 9 points.")
    assert made.status.value == "OW-L loses by 0 &lt; 9 points."
    made.move(copies=2)
    assert made.status.value == "OW-L loses by 2 &lt; 9 points."


def test_a_move_takes_little_time():
    made, _ = explored()
    spent = []
    for step in range(12):
        began = time.process_time()
        made.move(copies=step % 6)
        spent.append(time.process_time() - began)
    assert np.median(spent) < 0.1, "50 ms are the aim on an idle core; a loaded one gets twice that"


def test_an_explorer_leaves_no_figure_open(capsys):
    made, _ = explored()
    assert not pyplot.get_fignums() and made._painter.png() == bytes(made.image.value)
