"""Compiled twins: the few functions and classes that exist once in readable Python and once in Cython.

The Python one is the reference: it is what the documentation, the types and the tests speak of,
and it decides wherever its twin finds something unusual.  The twin is an optional extension
module beside it, built by ``setup.py``; without it everything works, more slowly.  With
``WSGI_SCGI_PURE`` set in the environment no twin is used.
"""

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TypeVar

PURE = "WSGI_SCGI_PURE"
"""The environment variable that, unless empty, switches all twins off."""

_T = TypeVar("_T", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Twins:
    """A function, or a class, in both forms."""

    name: str
    reference: Callable[..., object]
    compiled: Callable[..., object] | None
    missing: str
    """Why there is no compiled form; empty if there is one."""


TWINS: dict[str, Twins] = {}
"""All of those that may have a compiled form, by name, as far as their modules are imported."""


class _Unusable(Exception):
    """Why a twin cannot be used."""


def compiled_in(extension: str) -> Callable[[_T], _T]:
    """Replace a function or class by that of the same name in ``extension``, if it can be had.

    The extension may import what stands above the decorated one in the same module.
    """

    def choose(reference: _T) -> _T:
        name = reference.__name__
        # Known before the extension is imported: it asks for the reference.
        TWINS[name] = Twins(name, reference, None, "not yet imported")
        try:
            compiled: _T = getattr(_load(extension), name)
        except Exception as error:
            # Whatever is wrong with it, it costs speed and nothing else.
            TWINS[name] = Twins(name, reference, None, str(error))
            return reference
        TWINS[name] = Twins(name, reference, compiled, "")
        return compiled

    return choose


def _load(extension: str) -> ModuleType:
    if os.environ.get(PURE):
        raise _Unusable(f"{PURE} is set")
    try:
        module = import_module(extension)
    except ModuleNotFoundError as error:
        if error.name != extension:
            raise
        raise _Unusable("not built: Cython or a C compiler was missing") from None
    # In a checkout the source may have changed since; an installation has no source.
    try:
        source = zlib.crc32(_source(module).read_bytes())
    except FileNotFoundError:
        return module
    if source != module.SOURCE:
        raise _Unusable("built from another source: run python setup.py build_ext --inplace")
    return module


def _source(module: ModuleType) -> Path:
    name = module.__name__.rpartition(".")[2]
    return Path(str(module.__file__)).with_name(f"{name}.pyx")


def in_use() -> str:
    """Say in words which of the functions imported so far are compiled."""
    compiled = [twins.name for twins in TWINS.values() if twins.compiled]
    parts = [", ".join(compiled)] if compiled else []
    for reason in dict.fromkeys(twins.missing for twins in TWINS.values() if twins.missing):
        names = [twins.name for twins in TWINS.values() if twins.missing == reason]
        parts.append(f"not {', '.join(names)} ({reason})")
    return "; ".join(parts)
