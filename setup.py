"""Build wsgi-scgi; everything declarative is in ``pyproject.toml``.

Compiled code (``wsgi_scgi/compiled.py``) is optional: without Cython, without a C compiler
or with ``WSGI_SCGI_PURE`` set the package is built without it.  In a checkout
``python setup.py build_ext --inplace`` puts them beside their sources.
"""

import importlib.util
import os
import sys
import zlib
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).parent


def sources() -> list[str]:
    """Return what is compiled: twins, and modules that have their types beside them."""
    package = ROOT / "wsgi_scgi"
    twins = package.rglob("_*.pyx")
    modules = [types.with_suffix(".py") for types in package.rglob("*.pxd")]
    found = [*twins, *(module for module in modules if module.exists())]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def extensions() -> list[Extension]:
    """Return the extensions to build; say why, if there are none."""
    if os.environ.get("WSGI_SCGI_PURE"):
        print("wsgi-scgi: WSGI_SCGI_PURE is set, nothing is compiled", file=sys.stderr)
        return []
    if importlib.util.find_spec("Cython") is None:
        print("wsgi-scgi: Cython is missing, nothing is compiled", file=sys.stderr)
        return []
    return [extension(source) for source in sources()]


def extension(source: str) -> Extension:
    """Return an extension that knows which source it was built from, and may fail to build."""
    digest = zlib.crc32(ROOT.joinpath(source).read_bytes())
    return Extension(
        source.rpartition(".")[0].replace("/", "."),
        [source],
        # What one says of its classes is compiled into others.
        depends=[str(types.relative_to(ROOT)) for types in ROOT.glob("wsgi_scgi/**/*.pxd")],
        define_macros=[("WSGI_SCGI_SOURCE", f"{digest}u")],
        # Nearly as fast as with the interpreter's own flags, and built in a third of the time.
        extra_compile_args=["-O2" if source.endswith(".pyx") else "-O1", "-g0"],
        optional=True,
    )


OPTIONS = {
    "parallel": os.cpu_count(),
    "cython_c_in_temp": True,  # the generated C is of no interest to anybody: it stays below build/
    # Annotations are for mypy; what is typed in C is said in .pxd files.
    "cython_directives": {"annotation_typing": False, "binding": True},
}

setup(ext_modules=extensions(), options={"build_ext": OPTIONS})
