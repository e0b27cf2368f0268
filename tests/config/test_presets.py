"""Presets are valid values of existing options, each with its reason."""

import pytest

from wsgi_scgi.config.options import OPTIONS, RouteOptions
from wsgi_scgi.config.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_existing_options_and_says_why(name: str) -> None:
    preset = PRESETS[name]
    assert preset.values.keys() <= OPTIONS.keys() - {"preset"}
    RouteOptions.from_values(preset.values)
    assert len(preset.text.split()) > 5


def test_the_backends_that_route_on_path_info_get_it() -> None:
    assert {name for name, preset in PRESETS.items() if preset.values.get("path_info")} == {
        "wsgi",
        "fossil",
    }
