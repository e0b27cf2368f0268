"""Build wsgi-scgi; everything declarative is in ``pyproject.toml``.

The compiled twins (``wsgi_scgi/compiled.py``) are optional: without Cython, without a C compiler
or with ``WSGI_SCGI_PURE`` set the package is built without them.  In a checkout
``python setup.py build_ext --inplace`` puts them beside their sources.
"""

import importlib.util
import os
import sys
import zlib
from pathlib import Path

from setuptools import Extension, setup

SOURCES = (
    "wsgi_scgi/balancer/_candidates.pyx",
    "wsgi_scgi/balancer/_lease.pyx",
    "wsgi_scgi/balancer/methods/_choosing.pyx",
    "wsgi_scgi/gateway/_control_data.pyx",
    "wsgi_scgi/gateway/_variables.pyx",
    "wsgi_scgi/scgi/_request_head.pyx",
    "wsgi_scgi/scgi/_response_head.pyx",
    "wsgi_scgi/scoreboard/_memory.pyx",
    "wsgi_scgi/semantics/_fields.pyx",
    "wsgi_scgi/transport/_connecting.pyx",
    "wsgi_scgi/transport/_round_trip.pyx",
    "wsgi_scgi/transport/_waiting.pyx",
    "wsgi_scgi/worker/_plain_head.pyx",
)


def extensions() -> list[Extension]:
    """Return the extensions to build; say why, if there are none."""
    if os.environ.get("WSGI_SCGI_PURE"):
        print("wsgi-scgi: WSGI_SCGI_PURE is set, nothing is compiled", file=sys.stderr)
        return []
    if importlib.util.find_spec("Cython") is None:
        print("wsgi-scgi: Cython is missing, nothing is compiled", file=sys.stderr)
        return []
    return [extension(source) for source in SOURCES]


def extension(source: str) -> Extension:
    """Return an extension that knows which source it was built from, and may fail to build."""
    digest = zlib.crc32(Path(__file__).parent.joinpath(source).read_bytes())
    return Extension(
        source.removesuffix(".pyx").replace("/", "."),
        [source],
        define_macros=[("WSGI_SCGI_SOURCE", f"{digest}u")],
        optional=True,
    )


# The generated C is of no interest to anybody: it stays below build/.
setup(ext_modules=extensions(), options={"build_ext": {"cython_c_in_temp": True}})
