"""Every explorer and every quiz, used in JupyterLab in a browser: by mouse, and by keyboard alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

from helpers.course.quizzes import questions_of
from scripts.notebook_format import ROOT, module_of, notebook_paths
from tests.browser import a_page
from tests.lab_page import running_lab, shortened

PATHS = notebook_paths("notebooks")
SHOTS = Path(os.environ.get("COURSE_SCREENSHOTS", ROOT / "build" / "screenshots"))
IMAGE = ".jp-OutputArea img.widget-image"
HANDLE = ".widget-slider .noUi-handle"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def page(request, lab):
    """The module's widgets in JupyterLab; `page.module` names the module."""
    with a_page() as opened:
        lab.open(opened, shortened(request.param, lab.folder))
        opened.wait_for_selector(IMAGE, timeout=30_000)
        opened.module = module_of(request.param)
        yield opened
        SHOTS.mkdir(parents=True, exist_ok=True)
        opened.locator(IMAGE).scroll_into_view_if_needed()
        opened.screenshot(path=SHOTS / f"{request.param.stem}.png")
        opened.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown')")


def picture(page) -> str:
    """The address of what the explorer shows, a new one for each picture."""
    return page.locator(IMAGE).get_attribute("src")


def changed(page, before: str, seconds: float = 20) -> bool:
    """Whether the explorer comes to show another picture than `before`, which is then loaded."""
    try:
        page.wait_for_function("""([selector, before]) => {
          const image = document.querySelector(selector);
          return image.src !== before && image.complete && image.naturalWidth > 100;
        }""", arg=[IMAGE, before], timeout=1000 * seconds)  # fmt: skip
    except TimeoutError:
        return False
    return True


def test_every_control_moves_the_picture_by_keyboard(page):
    """One step of each slider, then of each again: the first state may be one in which all methods look alike."""
    sliders = page.locator(HANDLE).all()
    moved = [False] * len(sliders)
    for place in [*range(len(sliders)), *range(len(sliders))]:
        before = picture(page)
        sliders[place].focus()
        page.keyboard.press("ArrowRight")
        moved[place] |= changed(page, before, seconds=5)
        if all(moved):
            break
    assert all(moved) and len(moved) >= 2


def test_a_slider_moves_the_picture_by_mouse(page):
    before = picture(page)
    handle, track = page.locator(HANDLE).first, page.locator(".widget-slider .noUi-base").first
    handle.scroll_into_view_if_needed()
    box, place = track.bounding_box(), handle.bounding_box()
    is_right = place["x"] > box["x"] + box["width"] / 2
    handle.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + (0 if is_right else box["width"]), box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert changed(page, before)


def test_the_quiz_is_answered_by_mouse(page):
    for number, asked in enumerate(questions_of(page.module)):
        question = page.locator(".Quiz").nth(number)
        for place, choice in enumerate(asked["answers"]):
            question.locator(".MCButton").nth(place).click()
            said = question.locator(".Feedback")
            assert said.inner_text().strip() == choice["feedback"]
            assert ("correct" in said.get_attribute("class").split()) == choice["correct"]


def test_the_quiz_is_answered_by_keyboard_alone(page):
    for number, asked in enumerate(questions_of(page.module)):
        question = page.locator(".Quiz").nth(number)
        question.locator("input").first.focus()
        for place, choice in enumerate(asked["answers"]):
            page.keyboard.press("ArrowDown" if place else "Space")
            focused = page.evaluate("document.activeElement.closest('.MCButton')?.innerText.trim()")
            assert focused == choice["answer"]
            assert question.locator(".Feedback").inner_text().strip() == choice["feedback"]


def test_feedback_is_read_out(page):
    assert page.locator(".Quiz .Feedback[aria-live]").count() == len(questions_of(page.module))
