"""The slides of every module, opened in a browser: nothing runs over, every picture has its words, no network."""

from __future__ import annotations

import json

import pytest
from nbformat.v4 import new_code_cell, new_output

from helpers.course.guesses import NONE_YET
from scripts import slides
from scripts.notebook_format import ROOT, module_of, read
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


def test_a_slide_does_not_ask_for_a_guess_that_a_talk_can_not_take():
    said = new_output("stream", name="stdout", text=f"ours   12.5\n{NONE_YET}\n")
    assert slides.shown_on_slide(new_code_cell("guessed()", outputs=[said])).outputs[0].text == "ours   12.5"


def test_a_cell_without_a_type_is_no_slide():
    notebook = read(PATHS[0])
    notebook.cells[0].metadata.pop("slideshow", None)
    assert slides.slide_type(notebook.cells[0]) == "skip"


def test_the_last_slide_counts_the_verdicts():
    words = slides.verdicts("skill_injection")
    assert words.startswith("## What holds") and "claims of the paper: " in words and "- " in words


@pytest.mark.parametrize("module", [module_of(path) for path in PATHS])
def test_the_last_slide_has_the_papers_claims_first_and_none_that_hangs_in_the_air(module):
    rows = json.loads((ROOT / "notebooks" / "claims.json").read_text(encoding="utf-8"))["claims"]
    rows = [row for row in rows if row["module"] == module]
    claims = [row["claim"] for row in rows]
    places = [claims.index(line[2:].rsplit(": *", 1)[0]) for line in slides.verdicts(module).splitlines()[4:]]
    of_paper = [bool(rows[place]["paper"]) for place in places]
    assert of_paper[0] and of_paper == sorted(of_paper, reverse=True)
    for before, place in zip([None, *places], places, strict=False):
        assert not claims[place].startswith(("The same", "That ")) or before == place - 1


def test_a_claim_that_leans_on_another_follows_it_or_stays_away():
    names = ("One", "The same of two", "Three", "Four", "As good as that oracle")
    verdicts = ("reproduced", "reversed", "partly", "reproduced", "not reproduced")
    groups = slides.together([{"claim": name, "verdict": said} for name, said in zip(names, verdicts, strict=True)])
    found = {room: [row["claim"] for row in slides.chosen(groups, room)] for room in (1, 3, 4)}
    assert found == {1: ["Three"], 3: ["One", "The same of two", "Three"], 4: [*names[:2], *names[3:]]}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_link_leads_to_a_file_that_a_talk_does_not_have(path, folder, page):
    opened(page, folder, path)
    links = page.eval_on_selector_all("section a[href]", "links => links.map(link => link.getAttribute('href'))")
    assert [link for link in links if "exercises/" in link]
    assert [link for link in links if not link.startswith(("https://", "http://", "#"))] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_printed_lines_keep_their_columns(path, folder, page):
    broken = """() => [...Reveal.getCurrentSlide().querySelectorAll('.jp-OutputArea-output > pre')].filter(each =>
        getComputedStyle(each).whiteSpace !== 'pre' || each.scrollWidth > each.clientWidth
    ).map(each => each.textContent.slice(0, 60))"""
    count, found = opened(page, folder, path), {}
    for number in range(1, count + 1):
        found[number] = page.evaluate(broken)
        page.keyboard.press("Space")
    assert {number: texts for number, texts in found.items() if texts} == {}


def test_every_slide_has_a_title_and_what_stands_before_a_heading_is_the_speakers():
    cells = [slides.typed("slide", "## One\ntext"), slides.typed("subslide", "more"),
             slides.typed("slide", "the end of one\n\n### Two\ntext"), slides.typed("-", "and more")]  # fmt: skip
    found = [(slides.slide_type(cell), cell.source.strip()) for cell in slides.with_titles(cells)]
    assert found == [("slide", "## One\ntext"), ("subslide", "### One"), ("-", "more"), ("notes", "the end of one"),
                     ("slide", "### Two\ntext"), ("-", "and more")]  # fmt: skip
