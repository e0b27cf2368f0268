"""Presets: what a kind of backend needs, as defaults that explicit keys override."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

RTORRENT: Final = "rtorrent"
"""The preset that is also a guard: see ``methods_allow``, ``methods_deny`` and ``trusted``."""


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
        RTORRENT: Preset(
            values=MappingProxyType(
                {
                    "max_body": "4MiB",
                    "max_request_head": 2000,
                    "internal_redirect": False,
                    "location_reverse": False,
                }
            ),
            text="rTorrent's XML-RPC and JSON-RPC: it takes 2,000 bytes of variables, so it gets "
            "only those that it reads; pages of other sites, names that are not the gateway's and "
            "methods that are dangerous are refused.",
        ),
    }
)
"""By the name that ``preset`` takes."""
