"""Figures: one style, and `show`, which asks for a sentence that says what to see."""

from __future__ import annotations

import base64
from io import BytesIO

from helpers.course.display import publish

# Okabe and Ito's palette, told apart by readers with any colour vision; yellow, faint on white, comes last.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DPI = 100
SHORTEST_ALT = 20


def style() -> None:
    """Set the course's plot style: palette, marks that differ by shape, readable sizes, constrained layout."""
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update({
        "axes.prop_cycle": cycler(color=PALETTE) + cycler(marker=MARKERS),
        "figure.figsize": (6.4, 4.0), "figure.dpi": DPI, "figure.constrained_layout.use": True,
        "figure.facecolor": "white", "font.size": 11, "axes.titlesize": 12, "axes.labelsize": 11, "legend.fontsize": 10,
        "lines.linewidth": 1.8, "lines.markersize": 6, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True,
        "legend.frameon": False, "image.cmap": "cividis", "svg.hashsalt": "course",
    })  # fmt: skip


def png(fig) -> bytes:
    """The figure as PNG bytes, the same bytes for the same figure: no date, no version inside."""
    buffer = BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def show(fig, alt: str) -> None:
    """Show the figure with `alt`, a sentence on what to see in it, and close it.

    Without a notebook the sentence is printed. Raises ValueError where `alt` is shorter than 20 characters.
    """
    check_alt(alt)
    publish(*picture(png(fig), alt))
    close(fig)


def picture(image: bytes, alt: str) -> tuple[dict, dict]:
    """The mime bundle of a PNG with its alt text, and the bundle's metadata."""
    encoded = base64.b64encode(image).decode("ascii")
    return {"image/png": encoded, "text/plain": alt}, {"image/png": {"alt": alt}}


def check_alt(alt: str) -> None:
    """Raise ValueError unless `alt` is long enough to be a sentence."""
    if not isinstance(alt, str) or len(alt.strip()) < SHORTEST_ALT:
        raise ValueError(
            f"alt expects a sentence of at least {SHORTEST_ALT} characters that says what to see, got {alt!r}"
        )


def close(fig) -> None:
    """Close the figure, so that no notebook shows it a second time."""
    from matplotlib import pyplot

    pyplot.close(fig)
