"""SetEnv, SetEnvIf and RequestHeader together."""

import pytest

from tests.convert.apache_text import directives
from wsgi_scgi.convert.ledger import Ledger
from wsgi_scgi.convert.region import EVERYTHING, PathPrefix, Region
from wsgi_scgi.convert.variables import VariableTable, joined, variables_for


def variables(text: str, target: Region = EVERYTHING, partly: str = "") -> VariableTable:
    return variables_for(
        directives(text, given=None), target, Ledger(), partly=directives(partly, given=None)
    )


def remarks(text: str) -> str:
    lines = directives(text, given=None)
    ledger = Ledger()
    variables_for(lines, EVERYTHING, ledger)
    return "\n".join(ledger.comments(lines))


class TestSetEnv:
    """SetEnv and UnsetEnv."""

    def test_a_variable_is_set_set_empty_or_removed(self) -> None:
        table = variables("SetEnv A 1\nSetEnv B\nSetEnv C 'x y'\nUnsetEnv D E\n")

        assert table.fixed == {"A": "1", "B": "", "C": "x y", "D": False, "E": False}

    def test_the_last_line_counts(self) -> None:
        assert variables("SetEnv A 1\nUnsetEnv A\nSetEnv A 2\n").fixed == {"A": "2"}
        assert variables("SetEnv A 1\nUnsetEnv A\n").fixed == {"A": False}

    def test_it_wins_over_conditions_wherever_it_stands(self) -> None:
        table = variables("SetEnv A 1\nSetEnvIf Host x A=2 B=3\nSetEnvIf Request_URI . A=4\n")

        assert table.fixed == {"A": "1"}
        assert [one["set"] for one in table.set_if] == [{"B": "3"}]

    def test_unset_leaves_conditions_alone(self) -> None:
        table = variables("SetEnvIf Host x A=2\nUnsetEnv A\n")

        assert table.fixed == {"A": False}
        assert [one["set"] for one in table.set_if] == [{"A": "2"}]

    @pytest.mark.parametrize(
        "line", ["SetEnv proxy-scgi-pathinfo 1", "UnsetEnv proxy-scgi-pathinfo"]
    )
    def test_the_switch_for_path_info_comes_too_late(self, line: str) -> None:
        table = variables(f"{line}\n")

        assert (table.fixed, table.path_info) == ({}, None)
        assert "comes too late for proxy-scgi-pathinfo" in remarks(f"{line}\n")

    def test_switches_of_apache_itself_need_no_comment(self) -> None:
        text = "SetEnv proxy-nokeepalive 1\nSetEnv force-response-1.0 1\n"

        assert variables(text).fixed == {}
        assert remarks(text) == ""

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("SetEnv lower x", "not the name of a variable"),
            ("SetEnv SCRIPT_NAME x", "may be neither set nor removed"),
            ("UnsetEnv REQUEST_URI", "may be neither set nor removed"),
            ("SetEnv A ${X}", "no certain value"),
        ],
    )
    def test_what_our_file_refuses_is_told(self, line: str, reason: str) -> None:
        assert variables(f"{line}\n").fixed == {}
        assert reason in remarks(f"{line}\n")

    def test_a_field_of_the_client_is_replaced_and_that_is_told(self) -> None:
        assert "wins in Apache" in remarks("SetEnv HTTP_X a\n")

    def test_what_is_in_doubt_is_not_set(self) -> None:
        text = "<IfDefine X>\nSetEnv A 1\nSetEnvIf Host x B\n</IfDefine>\n"

        assert variables(text) == VariableTable()


class TestPathInfo:
    """proxy-scgi-pathinfo."""

    @pytest.mark.parametrize(
        ("text", "on"),
        [
            ("SetEnvIf Request_URI . proxy-scgi-pathinfo\n", True),
            ("SetEnvIf Request_URI . proxy-scgi-pathinfo=0\n", True),
            ("SetEnvIfExpr true proxy-scgi-pathinfo\n", True),
            ("SetEnvIf Request_URI ^/b proxy-scgi-pathinfo\n", False),
            ("SetEnvIf Host x proxy-scgi-pathinfo\n", False),
            (
                "SetEnvIf Request_URI . proxy-scgi-pathinfo\n"
                "SetEnvIf Request_URI ^/a !proxy-scgi-pathinfo\n",
                False,
            ),
        ],
    )
    def test_it_is_on_where_the_condition_always_holds(self, text: str, on: bool) -> None:
        assert (variables(text, PathPrefix("/a")).path_info is not None) is on

    def test_any_value_means_on_and_that_is_told(self) -> None:
        assert "any value means on" in remarks("SetEnvIf Request_URI . proxy-scgi-pathinfo=off\n")
        assert remarks("SetEnvIf Request_URI . proxy-scgi-pathinfo\n") == ""

    def test_a_condition_that_holds_sometimes_is_told(self) -> None:
        assert "not always true" in remarks("SetEnvIf Host x proxy-scgi-pathinfo\n")


class TestSetEnvIf:
    """Conditions."""

    def test_what_always_holds_is_a_fixed_variable(self) -> None:
        assert variables("SetEnvIf Request_URI . A=1 B\n").fixed == {"A": "1", "B": "1"}

    def test_what_never_holds_is_nothing(self) -> None:
        text = "SetEnvIf Request_URI ^/b A=1\n"

        assert variables(text, PathPrefix("/a")) == VariableTable()

    def test_what_holds_sometimes_is_a_table_of_set_if(self) -> None:
        table = variables("SetEnvIfNoCase Host ^x A=1 !B\n")

        assert table.set_if == [
            {"header": "Host", "matches": "^x", "ignore_case": True, "set": {"A": "1", "B": False}}
        ]

    def test_a_later_condition_may_change_what_an_earlier_one_always_sets(self) -> None:
        table = variables("SetEnvIf Request_URI . A=1 C=1\nSetEnvIf Host x A=2 B=2\n")

        assert table.fixed == {"C": "1"}
        assert table.set_if == [
            {"attribute": "path", "matches": "", "set": {"A": "1"}},
            {"header": "Host", "matches": "x", "set": {"A": "2", "B": "2"}},
        ]

    def test_what_always_holds_makes_earlier_conditions_needless(self) -> None:
        assert variables("SetEnvIf Host x A=2\nSetEnvIf Request_URI . A=1\n").set_if == []
        assert variables("SetEnvIf Host x A=2\nSetEnvIf Request_URI . !A\n") == VariableTable()

    def test_references_to_the_match_are_carried_over(self) -> None:
        table = variables("SetEnvIf Request_URI ^/(.*) A=$1\n")

        assert table.set_if == [{"attribute": "path", "matches": "^/(.*)", "set": {"A": "$1"}}]

    def test_a_backslash_in_a_value_is_apaches_business(self) -> None:
        assert "which Apache interprets" in remarks(r"SetEnvIf Host x A=\$1" + "\n")

    def test_a_condition_that_cannot_be_asked_is_told(self) -> None:
        assert "A is not set: Remote_Host cannot be asked" in remarks("SetEnvIf Remote_Host x A\n")

    def test_a_variable_that_was_set_cannot_be_asked_for(self) -> None:
        text = "SetEnvIf Host x Seen\nSetEnvIf Seen 1 A\n"

        assert "Seen is a variable that was set before" in remarks(text)

    def test_switches_of_apache_itself_need_no_comment(self) -> None:
        text = 'BrowserMatch "MSIE 4" nokeepalive downgrade-1.0 no-proxy\n'

        assert variables(text) == VariableTable()
        assert remarks(text) == ""

    def test_what_our_file_refuses_is_told(self) -> None:
        assert "not the name of a variable" in remarks("SetEnvIf Host x is_image\n")


class TestRequestHeader:
    """Fields that the backend must not get from the client."""

    def test_a_field_is_removed_or_set(self) -> None:
        table = variables("RequestHeader unset X-User\nRequestHeader set X-Proto: 'https'\n")

        assert table.fixed == {"HTTP_X_USER": False, "HTTP_X_PROTO": "https"}
        assert table.guarded == {"HTTP_X_USER", "HTTP_X_PROTO"}

    def test_it_wins_over_setenv(self) -> None:
        text = "RequestHeader set X-A 1\nSetEnv HTTP_X_A 2\n"

        assert variables(text).fixed == {"HTTP_X_A": "1"}

    def test_a_percent_sign_is_doubled_in_apache(self) -> None:
        assert variables("RequestHeader set X-A 5%%\n").fixed == {"HTTP_X_A": "5%"}

    def test_early_makes_no_difference(self) -> None:
        assert variables("RequestHeader set X-A 1 early\n").fixed == {"HTTP_X_A": "1"}

    def test_content_type_is_a_variable_of_its_own(self) -> None:
        assert variables("RequestHeader unset Content-Type\n").fixed == {"CONTENT_TYPE": False}

    @pytest.mark.parametrize(
        "line",
        [
            "RequestHeader set X-A %{SSL_CLIENT_S_DN}s",
            "RequestHeader set X-A 1 env=OK",
            "RequestHeader set X-A 1 expr=true",
            "RequestHeader unset X-A env=!OK",
            "RequestHeader set X-A ${X}",
            "<If true>\nRequestHeader set X-A 1\n</If>",
        ],
    )
    def test_what_cannot_be_expressed_removes_the_field(self, line: str) -> None:
        assert variables(f"{line}\n").fixed == {"HTTP_X_A": False}
        assert "removed from the route instead" in remarks(f"{line}\n")

    def test_for_some_requests_of_a_route_the_field_is_removed_from_all(self) -> None:
        assert variables("", partly="RequestHeader set X-A 1\nTimeout 5\n").fixed == {
            "HTTP_X_A": False
        }

    @pytest.mark.parametrize("line", ["append X-A 1", "edit X-A a b", "set X.A 1", "add X-A 1", ""])
    def test_other_changes_are_told(self, line: str) -> None:
        assert variables(f"RequestHeader {line}\n").fixed == {}
        assert "only set and unset are" in remarks(f"RequestHeader {line}\n")


def test_places_of_variables_are_told_once_in_order() -> None:
    table = variables("SetEnvIf Request_URI . B C\nSetEnv A 1\n")

    assert [place.line for place in joined(table.places)] == [1, 2]
