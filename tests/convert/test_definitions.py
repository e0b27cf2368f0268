"""Define, UnDefine, ${NAME}."""

import pytest

from wsgi_scgi.convert.definitions import Definitions, is_unresolved
from wsgi_scgi.convert.directive import Certainty


@pytest.fixture
def definitions() -> Definitions:
    return Definitions(None, {"HOME": "/root", "PORT": "81"})


def test_a_value_is_found_whatever_the_case_of_its_name(definitions: Definitions) -> None:
    definitions.define("Port", "80", Certainty.CERTAIN)

    assert definitions.substitute("Listen ${PORT} ${port}") == "Listen 80 80"


def test_a_value_that_is_not_defined_comes_from_the_environment(definitions: Definitions) -> None:
    assert definitions.substitute("${HOME}/x") == "/root/x"
    assert definitions.used_environment == {"HOME": "/root"}


def test_an_unknown_name_stays_as_it_is(definitions: Definitions) -> None:
    assert definitions.substitute("${NOBODY} $x ${") == "${NOBODY} $x ${"
    assert is_unresolved("${NOBODY}")
    assert not is_unresolved("$1 %{x}")


def test_a_name_that_was_undefined_has_no_value(definitions: Definitions) -> None:
    definitions.define("A", "1", Certainty.CERTAIN)
    definitions.undefine("A", Certainty.CERTAIN)

    assert definitions.substitute("${A}") == "${A}"
    assert definitions.is_defined("A") == (False, True)


def test_a_name_without_a_value_is_defined_all_the_same(definitions: Definitions) -> None:
    definitions.define("A", None, Certainty.CERTAIN)

    assert definitions.is_defined("A") == (True, True)
    assert definitions.substitute("${A}") == "${A}"


def test_a_name_that_no_file_mentions_may_come_from_the_command_line() -> None:
    assert Definitions(None, {}).is_defined("SSL") == (False, False)
    assert Definitions((), {}).is_defined("SSL") == (False, True)
    assert Definitions(("SSL",), {}).is_defined("SSL") == (True, True)


def test_an_assumed_definition_is_used_and_remains_uncertain(definitions: Definitions) -> None:
    definitions.define("ROOT", "/a", Certainty.ASSUMED)

    assert definitions.is_defined("ROOT") == (True, False)
    assert definitions.substitute("${ROOT}") == "/a"


def test_a_doubted_definition_makes_the_value_uncertain(definitions: Definitions) -> None:
    definitions.define("ROOT", "/dev", Certainty.DOUBTED)
    definitions.define("ROOT", "/live", Certainty.ASSUMED)

    assert definitions.is_defined("ROOT") == (True, False)
    assert definitions.substitute("${ROOT}") == "${ROOT}"

    definitions.define("ROOT", "/sure", Certainty.CERTAIN)
    assert definitions.substitute("${ROOT}") == "/sure"


def test_a_doubted_undefine_makes_the_value_uncertain(definitions: Definitions) -> None:
    definitions.define("ROOT", "/a", Certainty.CERTAIN)
    definitions.undefine("ROOT", Certainty.DOUBTED)

    assert definitions.is_defined("ROOT") == (True, False)
    assert definitions.substitute("${ROOT}") == "${ROOT}"
