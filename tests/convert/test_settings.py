"""Options of a route from directives."""

import pytest

from tests.convert.apache_text import FILE, directives, only, server_blocks
from wsgi_scgi.config.options import OPTIONS
from wsgi_scgi.convert.ledger import Ledger
from wsgi_scgi.convert.region import PathPrefix, Region, pattern
from wsgi_scgi.convert.server_block import directory_sections
from wsgi_scgi.convert.settings import Settings, apply_parameters, seconds, settings_for

A = PathPrefix("/a/")


def settings(text: str, target: Region = A) -> tuple[dict[str, object], str]:
    """Return the options for a path and what was said about the directives."""
    main, hosts = server_blocks(text)
    blocks = (main, *hosts)
    ledger = Ledger()
    sections = [
        *(block.server_level for block in blocks),
        *directory_sections(blocks, "/www"),
        *(section for block in blocks for section in block.locations),
    ]
    found = settings_for(sections, target, ledger)
    told = ledger.comments((*main.directives, *(host.header for host in hosts)))
    return {name: one.value for name, one in found.options.items()}, "\n".join(told)


def options(text: str, target: Region = A) -> dict[str, object]:
    return settings(text, target)[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ProxySCGIInternalRedirect On", {"internal_redirect": True}),
        ("ProxySCGIInternalRedirect off", {"internal_redirect": False}),
        ("ProxySCGIInternalRedirect X-Location", {"internal_redirect": "X-Location"}),
        ("ProxySCGISendfile On", {"sendfile": True}),
        ("ProxySCGISendfile Off", {"sendfile": False}),
        ("ProxySCGISendfile X-Send-Static", {"sendfile": "X-Send-Static"}),
        ("LimitRequestBody 1024", {"max_body": 1024}),
        ("LimitRequestBody 0", {"max_body": 0}),
        ("CGIPassAuth On", {"pass_authorization": True}),
        ("CGIPassAuth off", {"pass_authorization": False}),
        ("TimeOut 30", {"timeout": 30, "client_timeout": 30}),
        ("ProxyTimeout 7", {"timeout": 7}),
        ("AllowEncodedSlashes On", {"encoded_slash": "decode"}),
        ("AllowEncodedSlashes Off", {"encoded_slash": "refuse"}),
        ("AllowEncodedSlashes NoDecode", {"encoded_slash": "keep"}),
        ("ProxyErrorOverride On", {"error_override": True}),
        ("ProxyErrorOverride Off", {"error_override": False}),
        ("ProxyErrorOverride On 404 500", {"error_override": [404, 500]}),
        ("ProxyPassReverse /a/ scgi://h/", {"location_reverse": True}),
        ("ProxyPassReverse scgi://h/", {"location_reverse": True}),
        ("ProxyPassReverse /b/ scgi://h/", {}),
        ("ProxyPassReverse b scgi://h/", {}),
        ("ProxyPassReverseCookiePath / /a/", {"cookie_path": [["/", "/a/"]]}),
        ("ProxyPassReverseCookieDomain a b", {"cookie_domain": [["a", "b"]]}),
        ("Listen 80", {}),
    ],
)
def test_a_directive_is_an_option(line: str, expected: dict[str, object]) -> None:
    assert options(f"{line}\n") == expected


def test_what_the_declarations_call_a_directive_is_what_it_becomes() -> None:
    lines = {
        "ProxySCGIInternalRedirect": "Off",
        "ProxySCGISendfile": "On",
        "LimitRequestBody": "1",
        "CGIPassAuth": "On",
        "TimeOut": "5",
        "AllowEncodedSlashes": "On",
        "ProxyErrorOverride": "On",
        "ProxyPassReverse": "scgi://h/",
        "ProxyPassReverseCookiePath": "a b",
        "ProxyPassReverseCookieDomain": "a b",
    }
    names = {option.apache: name for name, option in OPTIONS.items() if option.apache in lines}

    assert len(names) == len(lines)
    for directive, name in names.items():
        assert name in options(f"{directive} {lines[directive]}\n")


@pytest.mark.parametrize(
    "line",
    [
        "LimitRequestBody many",
        "CGIPassAuth perhaps",
        "Timeout soon",
        "ProxyTimeout",
        "AllowEncodedSlashes perhaps",
        "ProxyErrorOverride On 404 all",
        "ProxyErrorOverride Off 404",
    ],
)
def test_a_value_that_is_not_understood_is_told(line: str) -> None:
    found, told = settings(f"{line}\n")

    assert found == {}
    assert "its value is not understood" in told


@pytest.mark.parametrize("line", ["LimitRequestBody ${X}", "ProxyPassReverse /a/ scgi://${X}/"])
def test_a_value_that_is_not_certain_is_not_taken(line: str) -> None:
    found, told = settings(f"{line}\n")

    assert found == {}
    assert line in told


def test_proxytimeout_is_above_timeout_wherever_it_stands() -> None:
    text = "ProxyTimeout 7\n<VirtualHost *>\nTimeout 30\n</VirtualHost>\n"

    assert options(text) == {"client_timeout": 30, "timeout": 7}


def test_an_inner_section_is_above_an_outer_one() -> None:
    text = (
        "<Location /a/>\nProxySCGISendfile X-B\n</Location>\nProxySCGISendfile On\n"
        "<Location />\nCGIPassAuth On\n</Location>\n"
    )

    assert options(text) == {"sendfile": "X-B", "pass_authorization": True}


def test_encoded_slashes_are_not_inherited_by_virtual_hosts() -> None:
    assert options("AllowEncodedSlashes On\n<VirtualHost *>\nTimeout 1\n</VirtualHost>\n") == {
        "timeout": 1,
        "client_timeout": 1,
    }
    assert options("<VirtualHost *>\nAllowEncodedSlashes On\n</VirtualHost>\n") == {
        "encoded_slash": "decode"
    }


def test_directories_set_nothing_for_proxied_requests() -> None:
    assert options("<Directory /www>\nCGIPassAuth On\nCGIPassAuth Off\n</Directory>\n") == {}


def test_cookies_are_rewritten_in_the_order_of_the_lines() -> None:
    text = "ProxyPassReverseCookiePath /a /b\nProxyPassReverseCookiePath /c /d\n"

    assert options(text) == {"cookie_path": [["/a", "/b"], ["/c", "/d"]]}


@pytest.mark.parametrize(
    "line",
    ["ProxyPassReverse scgi://h/", "ProxyErrorOverride On", "ProxyPassReverseCookiePath a b"],
)
def test_what_has_no_effect_in_apache_is_told(line: str) -> None:
    assert "without effect for SCGI in Apache; here it works" in settings(f"{line}\n")[1]


class TestPartOfARoute:
    """What is for some requests of a route only."""

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("CGIPassAuth Off", {"pass_authorization": False}),
            ("ProxySCGISendfile Off", {"sendfile": False}),
            ("LimitRequestBody 10", {"max_body": 10}),
        ],
    )
    @pytest.mark.parametrize("section", ["LocationMatch x", "If true"])
    def test_what_is_stricter_is_for_the_whole_route(
        self, section: str, line: str, expected: dict[str, object]
    ) -> None:
        found, told = settings(f"<{section}>\n{line}\n</{section.partition(' ')[0]}>\n")

        assert found == expected
        assert "set for all of them" in told

    @pytest.mark.parametrize(
        "line",
        [
            "CGIPassAuth On",
            "ProxySCGISendfile On",
            "LimitRequestBody 0",
            "LimitRequestBody x",
            "SetEnv A 1",
            "SetEnvIf Host x A",
            "ProxyPassReverseCookiePath a b",
            "ProxyErrorOverride On",
        ],
    )
    @pytest.mark.parametrize("section", ["LocationMatch x", "If true"])
    def test_what_is_looser_is_for_none(self, section: str, line: str) -> None:
        found, told = settings(f"<{section}>\n{line}\n</{section.partition(' ')[0]}>\n")

        assert found == {}
        assert "not carried over: it is for some requests of a route only" in told

    @pytest.mark.parametrize(
        ("limit", "expected"), [("0", 10), ("5", 5), ("10", 10), ("20", 10), ("x", 10)]
    )
    def test_the_lower_limit_counts(self, limit: str, expected: int) -> None:
        text = f"LimitRequestBody {limit}\n<LocationMatch x>\nLimitRequestBody 10\n</LocationMatch>"

        assert options(text) == {"max_body": expected}

    def test_a_location_below_the_route_is_not_looked_at(self) -> None:
        text = "<Location /a/b>\nCGIPassAuth Off\n</Location>\n"

        assert options(text) == {}
        assert options(text, pattern("^/a/(.*)$")) == {"pass_authorization": False}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("5s", 5),
        ("5sec", 5),
        ("500ms", 0.5),
        ("5us", 0.000005),
        ("2mi", 120),
        ("2min", 120),
        ("2m", 120),
        ("1H", 3600),
        ("1d", 86400),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("x", None),
        ("1.5", None),
    ],
)
def test_durations_have_apaches_units(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_parameters_of_a_backend_are_timeouts_and_others_are_told() -> None:
    line = only("ProxyPass /a scgi://h/\n")
    ledger = Ledger()
    found = Settings()
    ledger.use(line)
    parameters = {"timeout": "5", "connectiontimeout": "500ms", "max": "3", "retry": "0"}

    apply_parameters(parameters | {"timeout2": "x"}, line, found, ledger)
    apply_parameters({"timeout": "soon"}, line, found, ledger)

    assert {name: one.value for name, one in found.options.items()} == {
        "timeout": 5,
        "connect_timeout": 0.5,
    }
    assert [text.partition("h/: ")[2] for text in ledger.comments([line])] == [
        "timeout2=x is not understood",
        "not carried over for a single backend: max, retry",
        "timeout=soon is not understood",
    ]


def test_a_setting_knows_its_place() -> None:
    main, _ = server_blocks("\nCGIPassAuth On\n")
    found = settings_for([main.server_level], A, Ledger())

    (place,) = found.options["pass_authorization"].places
    assert (place.file.endswith(FILE), place.line) == (True, 2)


def test_variables_come_along() -> None:
    main, _ = server_blocks(
        "SetEnv A 1\n<LocationMatch x>\nRequestHeader unset B\n</LocationMatch>"
    )
    found = settings_for([main.server_level, *main.locations], A, Ledger())

    assert found.variables.fixed == {"A": "1", "HTTP_B": False}
    assert directives("") == ()
