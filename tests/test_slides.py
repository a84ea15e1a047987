"""The slides of every module, opened in a browser: nothing runs over, every picture has its words, no network."""

from __future__ import annotations

import pytest

from scripts import slides
from scripts.notebook_format import read
from tests.browser import SIZE, a_page

PATHS = slides.talks()
FEWEST, MOST = 18, 36  # slides in 45 minutes
SMALLEST = 18  # pixels of 720, for a slide's text
NO_ALT = "No description has been provided"
OVER = """([width, height]) => [...Reveal.getCurrentSlide().querySelectorAll('*')].filter(each => {
  const box = each.getBoundingClientRect();
  const cut = each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== 'visible';
  return box.width && (cut || box.left < 0 || box.top < 0 || box.right > width || box.bottom > height);
}).map(each => each.tagName + ': ' + each.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("slides")
    slides.build(made)
    return made


@pytest.fixture(scope="module")
def page():
    with a_page() as opened:
        yield opened


def opened(page, folder, path) -> int:
    """How many slides the module has, the first of which the page now shows."""
    page.goto("about:blank")
    page.goto((folder / f"{path.stem}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    return page.evaluate("Reveal.getTotalSlides()")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_slide_runs_over_and_all_can_be_read(path, folder, page):
    count = opened(page, folder, path)
    over, small = {}, []
    for number in range(1, count + 1):
        found = page.evaluate(OVER, [SIZE["width"], SIZE["height"]])
        if found:
            over[number] = found[:2]
        if int(page.evaluate("Reveal.getCurrentSlide().style.fontSize").removesuffix("px")) < SMALLEST:
            small.append(number)
        page.keyboard.press("Space")
    assert FEWEST <= count <= MOST
    assert over == {} and small == []


def test_too_much_on_a_slide_would_be_seen(folder, page):
    opened(page, folder, PATHS[0])
    page.evaluate("Reveal.getCurrentSlide().insertAdjacentHTML('beforeend', '<p>much</p>'.repeat(60))")
    assert page.evaluate(OVER, [SIZE["width"], SIZE["height"]])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_pictures_keep_the_notebooks_words(path, folder, page):
    opened(page, folder, path)
    alts = page.eval_on_selector_all("section img", "images => images.map(image => image.alt)")
    chosen = [cell for cell in read(path).cells if slides.slide_type(cell) != "skip"]
    outputs = [output for cell in chosen for output in cell.get("outputs", [])]
    words = [output.metadata["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]
    assert alts == words and len(words) >= 3
    assert NO_ALT not in (folder / f"{path.stem}.html").read_text(encoding="utf-8")


def test_equations_become_mathml_but_code_stays():
    text = slides.with_mathml("a $x_i$ and `$y$`\n```\n$z$\n```\n$$w = 1$$")
    assert text.count("<math") == 2 and "`$y$`" in text and "\n$z$\n" in text


def test_a_cell_without_a_type_is_no_slide():
    notebook = read(PATHS[0])
    notebook.cells[0].metadata.pop("slideshow", None)
    assert slides.slide_type(notebook.cells[0]) == "skip"


def test_the_last_slide_counts_the_verdicts():
    words = slides.verdicts("skill_injection")
    assert words.startswith("## What holds") and "claims of the paper: " in words and "- " in words


def test_every_slide_has_a_title_and_what_stands_before_a_heading_is_the_speakers():
    cells = [slides.typed("slide", "## One\ntext"), slides.typed("subslide", "more"),
             slides.typed("slide", "the end of one\n\n### Two\ntext"), slides.typed("-", "and more")]  # fmt: skip
    found = [(slides.slide_type(cell), cell.source.strip()) for cell in slides.with_titles(cells)]
    assert found == [("slide", "## One\ntext"), ("subslide", "### One"), ("-", "more"), ("notes", "the end of one"),
                     ("slide", "### Two\ntext"), ("-", "and more")]  # fmt: skip
