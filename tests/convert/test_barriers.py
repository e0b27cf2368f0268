"""What keeps requests from a backend beside Require."""

import pytest

from tests.convert.apache_text import only, server_blocks
from wsgi_scgi.convert.barriers import barriers_in, leaves_alone
from wsgi_scgi.convert.region import EVERYTHING, UNKNOWN, PathPrefix, Region, pattern
from wsgi_scgi.convert.server_block import Section, SectionKind, directory_sections


def server(text: str) -> Section:
    return server_blocks(text)[0].server_level


def location(text: str) -> Section:
    return server_blocks(f"<Location /a>\n{text}</Location>\n")[0].locations[0]


def regions(section: Section) -> list[Region]:
    return [one.region for one in barriers_in(section)]


@pytest.mark.parametrize(
    "line",
    [
        "SSLRequireSSL",
        'SSLRequire %{SSL_CIPHER} ne ""',
        "SSLVerifyClient require",
        "SSLVerifyClient optional",
        "SecRule ARGS x deny",
        "SecAction id:1,deny",
        "AllowMethods GET",
        "AllowHandlers none",
        "ProxyBlock *",
        "MDRequireHttps permanent",
        "LuaHookAccessChecker x.lua f",
        "LuaQuickHandler x.lua f",
        "PerlAccessHandler X",
        "WSGIAccessScript /x.py",
    ],
)
def test_what_refuses_requests_is_a_barrier_where_it_stands(line: str) -> None:
    assert regions(server(f"{line}\n")) == [EVERYTHING]
    assert regions(location(f"{line}\n")) == [PathPrefix("/a")]


@pytest.mark.parametrize(
    "line", ["SSLVerifyClient none", "AllowMethods reset", "MDRequireHttps off", "Timeout 5"]
)
def test_what_refuses_nothing_is_no_barrier(line: str) -> None:
    assert regions(server(f"{line}\n")) == []


def test_the_reason_is_the_line() -> None:
    (barrier,) = barriers_in(server("SSLRequireSSL\n"))

    assert barrier.reason.endswith("httpd.conf:1: SSLRequireSSL")


@pytest.mark.parametrize(
    "line", ["Redirect 403", "Redirect /b", "RedirectMatch 404 .*", "RedirectPermanent /b"]
)
def test_a_redirection_counts_in_a_section_only(line: str) -> None:
    assert regions(location(f"{line}\n")) == [PathPrefix("/a")]
    assert regions(server(f"{line}\n")) == []


def test_a_redirection_in_if_counts_at_the_level_of_the_server_too() -> None:
    assert regions(server("<If true>\nRedirect 403\n</If>\n")) == [EVERYTHING]


def test_a_redirection_counts_for_the_backends_of_a_proxy_section() -> None:
    main, _ = server_blocks("<Proxy *>\nRedirect 403\n</Proxy>\n")

    assert regions(main.proxies("scgi://h/")[0]) == [EVERYTHING]


class TestRewriting:
    """RewriteRule."""

    @pytest.mark.parametrize(
        "rule",
        [
            "^/a - [F]",
            "^/a - [R=403,L]",
            "^/a - [NE,G]",
            "^/a /b [PT]",
            "^/a http://h/ [P]",
            "^/a - [P]",
            "^/a - [E=no-proxy:1]",
            "^/a",
            '^/a "-" "[L, F]"',
        ],
    )
    def test_a_rule_that_takes_requests_away_is_a_barrier(self, rule: str) -> None:
        assert regions(server(f"RewriteEngine On\nRewriteRule {rule}\n")) == [pattern("^/a")]

    @pytest.mark.parametrize("rule", ["^/a - [L]", "^/a -", "^/a - [E=X:1,S=1]"])
    def test_a_rule_that_changes_nothing_is_none(self, rule: str) -> None:
        assert regions(server(f"RewriteEngine On\nRewriteRule {rule}\n")) == []
        assert leaves_alone(only(f"RewriteRule {rule}\n"))

    @pytest.mark.parametrize("expression", ["!^/a", "^/${X}"])
    def test_a_rule_for_paths_that_are_not_known_may_be_for_any(self, expression: str) -> None:
        assert regions(server(f"RewriteEngine On\nRewriteRule {expression} - [F]\n")) == [UNKNOWN]

    @pytest.mark.parametrize("flags", ["[F,NC]", "[nocase,F]"])
    def test_a_rule_without_case_may_be_for_any_path(self, flags: str) -> None:
        assert regions(server(f"RewriteEngine On\nRewriteRule ^/a - {flags}\n")) == [UNKNOWN]

    def test_in_a_location_a_rule_is_for_the_location(self) -> None:
        assert regions(location("RewriteEngine On\nRewriteRule x - [F]\n")) == [PathPrefix("/a")]

    def test_in_a_directory_a_rule_is_not_heeded_by_a_proxy(self) -> None:
        main, _ = server_blocks(
            "<Directory /www>\nRewriteEngine On\nRewriteRule ^ index.php\n</Directory>\n"
        )

        assert regions(directory_sections((main,), "/www")[0]) == []

    @pytest.mark.parametrize(
        ("switches", "on"),
        [
            ("", False),
            ("RewriteEngine Off\n", False),
            ("RewriteEngine On\nRewriteEngine Off\n", False),
            ("RewriteEngine Off\nRewriteEngine on\n", True),
            ("<IfDefine X>\nRewriteEngine On\n</IfDefine>\nRewriteEngine Off\n", True),
        ],
    )
    def test_rules_count_where_the_engine_is_on_or_may_be(self, switches: str, on: bool) -> None:
        assert bool(regions(server(f"{switches}RewriteRule ^/a - [F]\n"))) is on


class TestNoProxy:
    """The variable that keeps mod_proxy from taking a request."""

    @pytest.mark.parametrize(
        ("line", "region"),
        [
            ("SetEnvIf Request_URI ^/a no-proxy", pattern("^/a")),
            ("SetEnvIf Request_URI ^/a X=1 no-proxy=0", pattern("^/a")),
            ("SetEnvIf Remote_Addr ^10 no-proxy", UNKNOWN),
            ("SetEnvIfNoCase Request_URI ^/a no-proxy", UNKNOWN),
            ("SetEnvIfExpr true no-proxy", UNKNOWN),
            ("BrowserMatch bot no-proxy", UNKNOWN),
            ("BrowserMatchNoCase bot no-proxy", UNKNOWN),
        ],
    )
    def test_it_is_a_barrier_for_the_paths_that_are_known(self, line: str, region: Region) -> None:
        assert regions(server(f"{line}\n")) == [region]
        assert regions(location(f"{line}\n")) == [PathPrefix("/a")]

    @pytest.mark.parametrize(
        "line",
        ["SetEnvIf Request_URI . !no-proxy", "SetEnvIf Request_URI . X", "SetEnv no-proxy 1"],
    )
    def test_what_does_not_set_it_or_comes_too_late_is_none(self, line: str) -> None:
        assert regions(server(f"{line}\n")) == []


def test_a_section_of_one_path_at_the_level_of_the_server_keeps_its_region() -> None:
    rule = server("RewriteEngine On\nRewriteRule ^/b - [F]\n")
    section = Section(SectionKind.SERVER, PathPrefix("/a"), rule.directives)

    assert regions(section) == [PathPrefix("/a")]
