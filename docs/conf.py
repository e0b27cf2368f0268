"""How Sphinx builds the documentation: Markdown by MyST, and pages made from declarations."""

from __future__ import annotations

import sys
from pathlib import Path

import wsgi_scgi

sys.path.insert(0, str(Path(__file__).parent))

project = "wsgi-scgi"
author = "the wsgi-scgi authors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx reads this name
version = release = wsgi_scgi.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "declared"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# What is quoted can be copied.
smartquotes = False

html_theme = "furo"
html_title = f"wsgi-scgi {release}"
# Nothing is loaded from elsewhere, and the sources are not published twice.
html_copy_source = False
html_show_sphinx = False

# Types of the standard library, and of parts of this package that are not public.
nitpick_ignore_regex = [
    (r"py:class", r"(collections|http|os|wsgi_scgi\.(config|transport))\..*|WSGIApplication")
]
autodoc_member_order = "bysource"
