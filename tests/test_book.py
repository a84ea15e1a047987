"""The course as web pages: built from the notebooks without a network, and read in a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from helpers.course.quizzes import questions_of
from scripts import book
from scripts.notebook_format import ROOT, START, module_of, notebook_paths, read
from tests.browser import a_page

NO_ALT = "No description has been provided"
MODULES, EXERCISES = notebook_paths("notebooks"), notebook_paths("exercises")
PAGES = ["index", *(path.relative_to(ROOT).with_suffix("").as_posix() for path in [START, *MODULES, *EXERCISES]),
         *(Path(name).stem for name in book.MARKDOWN)]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("book")
    return book.build(folder / "ready", folder / "site").parent


@pytest.fixture(scope="module")
def page():
    with a_page() as opened:
        yield opened


class Pictures(HTMLParser):
    """Collects the alt texts of a page's pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.alts: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append(dict(attrs).get("alt"))


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_its_own_words(name, site):
    text = (site / f"{name}.html").read_text(encoding="utf-8")
    alts = Pictures(text).alts
    assert NO_ALT not in text and all(alt and len(alt) >= 20 for alt in alts), alts
    assert len(set(alts)) == len(alts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_figures_keep_the_alt_text_of_the_notebook(path, site):
    outputs = [output for cell in read(path).cells for output in cell.get("outputs", [])]
    alts = [output.metadata["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]
    shown = Pictures((site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")).alts
    assert shown == [" ".join(alt.split()) for alt in alts] and alts


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_choice_of_the_quiz_unfolds_to_its_words(path, site, page):
    page.goto((site / "notebooks" / f"{path.stem}.html").as_uri())
    choices = [choice for asked in questions_of(module_of(path)) for choice in asked["answers"]]
    folded = page.locator(".quiz details")
    assert folded.count() == len(choices)
    for place, choice in enumerate(choices):
        summary = folded.nth(place).locator("summary")
        summary.focus()
        page.keyboard.press("Enter")
        word = "Right: " if choice["correct"] else "No. "
        assert folded.nth(place).locator("p").inner_text() == word + choice["feedback"].removeprefix(word)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_solutions_are_folded_and_open_by_keyboard(path, site, page):
    page.goto((site / "exercises" / f"{path.stem}.html").as_uri())
    checks = [cell for cell in read(path).cells if cell.metadata.get("nbgrader", {}).get("grade")]
    folded = page.locator("details", has_text="Show a solution")
    assert folded.count() == len(checks) > 0
    for place in range(folded.count()):
        code = folded.nth(place).locator("pre")
        assert not code.is_visible()
        folded.nth(place).locator("summary").focus()
        page.keyboard.press("Enter")
        code.wait_for(state="visible")
        assert "..." not in code.inner_text().splitlines()[-1]


@pytest.mark.parametrize("path", [*MODULES, *EXERCISES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_notebook_has_its_buttons(path, site):
    name = path.relative_to(ROOT)
    text = (site / name.with_suffix(".html")).read_text(encoding="utf-8")
    buttons = re.search(r'<p class="open-in">(.*?)</p>', text, re.DOTALL)[1]
    assert "colab.research.google.com" in buttons and "mybinder.org" in buttons and name.as_posix() in buttons


def test_search_finds_a_word(site, page):
    page.goto((site / "search.html").as_uri() + "?q=Lanczos")
    page.wait_for_selector("#search-results li a")
    assert any("LoRA" in words for words in page.locator("#search-results li").all_inner_texts())


DARK = ("index", PAGES[2], PAGES[-5])  # the others in make test-long
LOOKS = [(name, "light") for name in PAGES] + [
    pytest.param(name, "dark", marks=[] if name in DARK else [pytest.mark.long]) for name in PAGES]  # fmt: skip


@pytest.mark.parametrize(("name", "colours"), LOOKS)
def test_axe_finds_nothing_serious(name, colours, site, page):
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    page.goto((site / f"{name}.html").as_uri())
    found = Axe().run(page).response["violations"]
    grave = [(each["id"], [node["html"][:160] for node in each["nodes"]][:3]) for each in found
             if each["impact"] in ("serious", "critical")]  # fmt: skip
    assert grave == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(name, site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((site / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = """() => [...document.querySelectorAll("article *")].filter((each) => {
        let place = each;
        while (place && getComputedStyle(place).overflowX === "visible") place = place.parentElement;
        return !place && each.getBoundingClientRect().right > 391;
    }).map((each) => each.outerHTML.slice(0, 100))"""  # nothing in which one could scroll to it
    assert page.evaluate(wide) == []


@pytest.mark.parametrize("name", PAGES)
def test_pictures_can_be_seen_on_a_phone(name, site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((site / f"{name}.html").as_uri())
    page.wait_for_function("[...document.images].every(image => image.complete)")
    widths = page.eval_on_selector_all("article img", "images => images.map(image => image.clientWidth)")
    assert all(width >= 150 for width in widths), widths


@pytest.mark.parametrize("path", [*MODULES, *EXERCISES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_fits_a_laptop(path, site, page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto((site / path.relative_to(ROOT).with_suffix(".html")).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wide = """blocks => blocks.filter(block => block.scrollWidth > block.clientWidth + 1)
        .map(block => block.textContent.slice(0, 60))"""
    assert page.eval_on_selector_all("article .cell_input pre, article .cell_output pre", wide) == []


def test_a_figure_without_words_stops_the_build():
    notebook = read(MODULES[0])
    cell = next(cell for cell in notebook.cells if "central-picture" in cell.metadata.get("tags", []))
    for output in cell.outputs:
        output.metadata = {}
    with pytest.raises(ValueError, match="alt text"):
        book.with_alt_text(cell)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_inside_the_site_leads_somewhere(name, site, page):
    page.goto((site / f"{name}.html").as_uri())
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    inside = {link.split("#")[0].split("?")[0] for link in links if link.startswith("file:")}
    assert inside and [link for link in inside if not Path(link.removeprefix("file://")).is_file()] == []
