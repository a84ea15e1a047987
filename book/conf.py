"""Sphinx's settings for the course as web pages; scripts/book.py calls it on the pages that it has made ready."""

from __future__ import annotations

import tomllib
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

HERE = Path(__file__).resolve().parent
ABOUT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Four Papers on a Laptop"
author = f"the authors of {project}"
version = release = ABOUT["version"]
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"  # the notebooks carry the outputs of their last run
nb_code_prompt_show, nb_code_prompt_hide = "Show the {type}", "Hide the {type}"
myst_enable_extensions = ["dollarmath", "attrs_block"]
myst_heading_anchors = 3
templates_path: list[str] = []

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(HERE / "static")]
html_css_files = ["course.css"]
html_show_copyright = html_copy_source = html_show_sourcelink = False
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "use_download_button": False, "use_fullscreen_button": False, "show_toc_level": 2, "navbar_persistent": [],
    "pygments_light_style": "a11y-high-contrast-light", "pygments_dark_style": "a11y-high-contrast-dark",
}  # fmt: skip


def visit_math(translator, node) -> None:
    """Write an equation as MathML, which browsers draw and screen readers read without a script or a network."""
    is_block = isinstance(node, nodes.math_block)
    mathml = convert(node.astext(), display="block" if is_block else "inline")
    translator.body.append(f'<div class="equation" tabindex="0">{mathml}</div>' if is_block else mathml)
    raise nodes.SkipNode


def setup(app) -> None:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
