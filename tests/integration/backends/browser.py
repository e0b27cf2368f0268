"""WebTest, which calls a WSGI application without a server and checks both sides (webtest.lint)."""

from __future__ import annotations

import warnings
from typing import Any

with warnings.catch_warnings():
    # WebOb 1.8 imports the cgi module, of whose removal in Python 3.13 Python 3.11 warns.
    warnings.simplefilter("ignore", DeprecationWarning)
    import webtest

__all__ = ["browser", "webtest"]


def browser(application: Any) -> Any:
    """Return a client for `application`; it raises where either side breaks PEP 3333."""
    return webtest.TestApp(application)
