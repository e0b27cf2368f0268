"""Presets: what a kind of backend needs, as defaults that explicit keys override."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Preset:
    """Raw values of options, and why that kind of backend needs them."""

    values: Mapping[str, object]
    text: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "wsgi": Preset(
            values=MappingProxyType({"path_info": True}),
            text="uWSGI, flup, and any other server of WSGI or PSGI applications: they route on "
            "PATH_INFO, which Apache does not send unless told to.",
        ),
        "fossil": Preset(
            values=MappingProxyType({"path_info": True}),
            text="`fossil server --scgi`: it finds the page in PATH_INFO and makes its links "
            "from SCRIPT_NAME.",
        ),
    }
)
"""By the name that ``preset`` takes."""
