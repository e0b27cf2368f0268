"""Which conditional sections are in effect."""

from pathlib import Path

import pytest

from wsgi_scgi.convert.conditions import Conditions, Decision
from wsgi_scgi.convert.definitions import Definitions
from wsgi_scgi.convert.directive import Certainty

YES, NO = Decision(True, True), Decision(False, True)
PROBABLY, HARDLY = Decision(True, False), Decision(False, False)


@pytest.fixture
def conditions() -> Conditions:
    definitions = Definitions(None, {})
    definitions.define("SET", None, Certainty.CERTAIN)
    return Conditions(definitions)


@pytest.mark.parametrize(
    ("module", "decision"),
    [
        ("mod_proxy.c", YES),
        ("proxy_module", YES),
        ("mod_proxy_scgi.c", YES),
        ("proxy_balancer_module", YES),
        ("mod_lbmethod_byrequests.c", YES),
        ("!mod_proxy_scgi.c", NO),
        ("! mod_proxy.c", NO),
        ("mod_authz_core.c", YES),
        ("!authz_core_module", NO),
        ("core.c", YES),
        ("mod_ssl.c", PROBABLY),
        ("!mod_ssl.c", HARDLY),
        ('"mod_ssl.c"', PROBABLY),
    ],
)
def test_proxy_modules_are_present_and_others_may_be(
    conditions: Conditions, module: str, decision: Decision
) -> None:
    assert conditions.decide("<ifmodule", module) == decision


def test_a_module_that_is_loaded_is_present_by_both_names(conditions: Conditions) -> None:
    conditions.load_module("ssl_module", "modules/mod_ssl.so")

    assert conditions.decide("<ifmodule", "ssl_module") == YES
    assert conditions.decide("<ifmodule", "!mod_ssl.c") == NO


def test_where_modules_are_loaded_in_sight_others_are_hardly_there(conditions: Conditions) -> None:
    conditions.load_module("ssl_module", "modules/mod_ssl.so")

    assert conditions.decide("<ifmodule", "mod_status.c") == HARDLY
    assert conditions.decide("<ifmodule", "!mod_status.c") == PROBABLY


@pytest.mark.parametrize(
    ("name", "decision"), [("SET", YES), ("!SET", NO), ("OTHER", HARDLY), ("!OTHER", PROBABLY)]
)
def test_a_definition_is_certain_if_a_file_makes_it(
    conditions: Conditions, name: str, decision: Decision
) -> None:
    assert conditions.decide("<ifdefine", name) == decision


@pytest.mark.parametrize(
    ("argument", "decision"),
    [
        (">= 2.4", YES),
        ("2.4", YES),
        ("== 2.4", YES),
        ("<= 2.2", NO),
        ("< 2.4", NO),
        ("> 2.2.31", YES),
        ("!>= 2.4", NO),
        (">= 2.4.7", PROBABLY),
        ("< 2.4.7", HARDLY),
        ("2.4.7", HARDLY),
        ("!2.4.7", PROBABLY),
        ("~ ^2\\.4", PROBABLY),
    ],
)
def test_versions_are_compared_with_2_4(
    conditions: Conditions, argument: str, decision: Decision
) -> None:
    assert conditions.decide("<ifversion", argument) == decision


def test_a_file_that_is_here_may_be_there(conditions: Conditions, tmp_path: Path) -> None:
    assert conditions.decide("<iffile", f'"{tmp_path}"') == PROBABLY
    assert conditions.decide("<iffile", f"{tmp_path}/none") == HARDLY


def test_what_else_there_is_in_the_server_is_assumed(conditions: Conditions) -> None:
    assert conditions.decide("<ifdirective", "SSLEngine") == PROBABLY
    assert conditions.decide("<ifsection", "!Location") == HARDLY


def test_other_sections_are_no_conditions(conditions: Conditions) -> None:
    assert conditions.decide("<location", "/") is None
