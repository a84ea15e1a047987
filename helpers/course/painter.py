"""`Painter`: draws a figure again and again, and each time only what changed since the first."""

from __future__ import annotations

from io import BytesIO

FAST = {"text.hinting": "none"}  # letters that are not fitted to pixels take half the time


class Painter:
    """A figure's canvas that keeps what stands still as a background: ticks, labels and grids are most of the work.

    matplotlib marks an artist that was changed as stale until it is drawn. What is stale is drawn, with all that lies
    above it in its axes; the rest is kept as long as the same artists move. The first drawing settles the layout.
    """

    def __init__(self, fig):
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self.figure, self.canvas = fig, FigureCanvasAgg(fig)
        with rc_context(FAST):
            self.draw_background()
        fig.set_layout_engine("none")
        self.moving: list = []
        self.background = None

    def png(self) -> bytes:
        """Return the figure as it is now as PNG bytes, encoded for speed rather than size."""
        from matplotlib import rc_context
        from PIL import Image

        with rc_context(FAST):
            self.draw()
        size, pixels, buffer = self.canvas.get_width_height(), self.canvas.buffer_rgba(), BytesIO()
        image = Image.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1).convert("RGB")
        image.save(buffer, format="png", compress_level=1)
        return buffer.getvalue()

    def draw(self) -> None:
        """Bring the canvas up to date."""
        moving = [artist for axes in self.figure.axes for artist in moving_in(axes)]
        moving += [artist for artist in self.figure.get_children() if artist.stale and artist not in self.figure.axes]
        if self.background is None or moving != self.moving:
            for artist in self.moving:
                artist.set_animated(False)
            for artist in moving:
                artist.set_animated(True)  # left out of the drawing of the background
            self.moving = moving
            self.draw_background()
            self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        self.canvas.restore_region(self.background)
        for artist in self.moving:
            artist.draw(self.canvas.get_renderer())
            settle(artist)

    def draw_background(self) -> None:
        """Draw the whole figure but for what is animated."""
        self.canvas.draw()
        settle(self.figure)


def settle(artist) -> None:
    """Mark as drawn what never says so itself, in the artist and in what it is made of: empty texts."""
    from matplotlib.text import Text

    for text in artist.findobj(Text):
        text.stale = False


def moving_in(axes) -> list:
    """Return the artists of the axes from the lowest stale one on, in the order in which they are drawn."""
    hidden = (axes.patch, *(() if axes.axison else (axes.xaxis, axes.yaxis, *axes.spines.values())))
    artists = sorted((artist for artist in axes.get_children() if artist not in hidden), key=lambda each: each.zorder)
    if axes.axison:
        artists.insert(0, axes.patch)
    labels = {axes.xaxis: axes.xaxis.label, axes.yaxis: axes.yaxis.label}  # an axis does not hear of its label
    stale = [place for place, artist in enumerate(artists) if artist.stale or labels.get(artist, artist).stale]
    return artists[stale[0] :] if stale else []
