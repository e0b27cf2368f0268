"""From ProxyPass and Location to routes."""

from collections.abc import Sequence

import pytest

from tests.convert.apache_text import main_server
from wsgi_scgi.convert.draft import Draft
from wsgi_scgi.convert.region import PathPrefix

DENIED = "Require all denied"


def drafts(text: str) -> list[Draft]:
    return [draft for draft, _ in main_server(text).drafts()]


def outline(text: str) -> list[tuple[str, str]]:
    """Return the place and the backend of each route, ``!`` for what is excluded."""
    found = []
    for draft in drafts(text):
        region = draft.region
        place = region.path if isinstance(region, PathPrefix) else str(region.python)
        found.append((place, "!" if draft.exclude else draft.backend))
    return found


def options(text: str, at: int = -1) -> dict[str, object]:
    return {name: one.value for name, one in drafts(text)[at].options.items()}


def section(where: str, *lines: str) -> str:
    return "\n".join([f"<{where}>", *lines, f"</{where.partition(' ')[0]}>", ""])


def test_lines_become_routes_in_their_order() -> None:
    text = "ProxyPass /a/ !\nProxyPass /a scgi://h/\nProxyPassMatch ^/b$ scgi://h/b\n"

    assert outline(text) == [("/a/", "!"), ("/a", "scgi://h/"), ("^/b$", "scgi://h/b")]


def test_a_target_that_is_not_ours_excludes_its_requests() -> None:
    (draft,) = drafts("ProxyPass /a http://h/\n")

    assert draft.exclude
    assert draft.backend == "http://h/"
    assert draft.reasons == ["Apache would send these requests elsewhere, by another protocol"]


def test_what_was_done_to_a_target_is_told() -> None:
    (draft,) = drafts("ProxyPass /a/ scgi://h:1\n")

    assert draft.backend == "scgi://h:1/"
    assert "lacks its last slash" in draft.remarks[0]


def test_a_path_that_is_not_known_excludes_everything() -> None:
    assert outline("ProxyPass /${X} scgi://h/\n") == [("/", "!")]


def test_an_expression_that_python_reads_otherwise_excludes_what_is_around_it() -> None:
    assert outline("ProxyPassMatch ^/a/\\h scgi://h/\n") == [("/a/", "!")]


class TestParts:
    """A Location inside a route."""

    @pytest.mark.parametrize(
        ("path", "target", "inner", "backend"),
        [
            ("/a/", "scgi://h/", "/a/b/", "scgi://h/b/"),
            ("/a/", "scgi://h/x/", "/a/b", "scgi://h/x/b"),
            ("/a/", "scgi://h/x", "/a/b", "scgi://h/xb"),
            ("/a", "scgi://h", "/a/b", "scgi://h/b"),
            ("/a", "scgi://h/", "/a/", "scgi://h//"),
            ("/", "scgi://h/", "/a", "scgi://h/a"),
            ("/a/", "unix:/run/s|scgi:", "/a/b", "unix:/run/s|scgi://localhost/b"),
            ("/a", "unix:/run/s|scgi://", "/a/b", "unix:/run/s|scgi://localhost/b"),
        ],
    )
    def test_it_is_a_route_of_its_own_with_the_same_backend(
        self, path: str, target: str, inner: str, backend: str
    ) -> None:
        text = f"ProxyPass {path} {target}\n" + section(f"Location {inner}", "SetEnv A 1")

        assert outline(text) == [(inner, backend), (path, target)]
        assert options(text, 0) == {"variables": {"A": "1"}}
        assert options(text, 1) == {}
        assert drafts(text)[0].origin.endswith(f"; the part below {inner}")

    def test_inner_ones_come_first(self) -> None:
        text = "ProxyPass / scgi://h/\n" + "".join(
            section(f"Location {path}", f"SetEnv {name} 1")
            for path, name in (("/a", "A"), ("/a/b/c", "B"), ("/a/b", "C"))
        )

        assert [place for place, _ in outline(text)] == ["/a/b/c", "/a/b", "/a", "/"]
        assert options(text, 0) == {"variables": {"A": "1", "B": "1", "C": "1"}}

    def test_one_that_changes_nothing_is_no_route(self) -> None:
        text = "ProxyPass /a scgi://h/\n" + section("Location /a/b", "Require all granted")

        assert outline(text) == [("/a", "scgi://h/")]

    def test_one_that_takes_back_what_is_around_it_is_a_route(self) -> None:
        text = (
            "ProxyPass /a scgi://h/\n"
            + section("Location /a/b", DENIED)
            + section("Location /a/b/c", "Require all granted")
        )

        assert outline(text) == [("/a/b/c", "scgi://h//b/c"), ("/a/b", "!"), ("/a", "scgi://h/")]

    def test_one_that_is_open_in_a_closed_route_stays_open(self) -> None:
        text = (
            "ProxyPass /a scgi://h/\n"
            + section("Location /", DENIED)
            + section("Location /a/b", "Require all granted")
        )

        assert outline(text) == [("/a/b", "scgi://h//b"), ("/a", "!")]

    def test_an_expression_is_not_divided_but_its_part_is_excluded(self) -> None:
        text = "ProxyPassMatch ^/a/(.*)$ scgi://h/$1\n" + section("Location /a/b", DENIED)

        assert outline(text) == [("/a/b", "!"), ("^/a/(.*)$", "scgi://h/$1")]

    def test_a_part_that_an_expression_closes_is_excluded_before_the_route(self) -> None:
        text = "ProxyPass /a scgi://h/\n" + section("LocationMatch /b", DENIED)

        assert outline(text) == [("/b", "!"), ("/a", "scgi://h/")]
        assert drafts(text)[0].reasons[0].endswith("httpd.conf:3: Require all denied")

    def test_a_part_that_cannot_be_written_down_closes_the_route(self) -> None:
        text = "ProxyPass /a scgi://h/\n" + section("LocationMatch \\h", DENIED)

        assert outline(text) == [("/a", "!")]

    def test_parts_of_a_closed_route_need_no_exclusion(self) -> None:
        text = (
            "ProxyPass /a scgi://h/\n"
            + section("Location /a", DENIED)
            + section("LocationMatch /b", DENIED)
        )

        assert outline(text) == [("/a", "!")]

    def test_a_directory_closes_the_path_that_it_stands_for(self) -> None:
        text = "DocumentRoot /www\nProxyPass /a scgi://h/\n" + section("Directory /www/a/b", DENIED)

        assert outline(text) == [("/a/b", "!"), ("/a", "scgi://h/")]

    def test_a_proxy_section_closes_the_backends_that_it_may_be_for(self) -> None:
        for url in ("scgi://h", "scgi://h/b/c", "*", "scgi://*/x"):
            text = "ProxyPass /a scgi://h/b\n" + section(f"Proxy {url}", DENIED)
            assert outline(text) == [("/a", "!")]


class TestOptions:
    """What a route gets beside its backend."""

    def test_document_root_is_told_to_the_backend(self) -> None:
        assert options("DocumentRoot www\nProxyPass / scgi://h/\n") == {
            "document_root": "/etc/apache2/www"
        }
        assert options("DocumentRoot ${X}\nProxyPass / scgi://h/\n") == {}

    def test_path_info_is_apaches(self) -> None:
        text = "SetEnvIf Request_URI . proxy-scgi-pathinfo\nProxyPass / scgi://h/\n"

        assert options(text) == {"path_info": "apache"}

    def test_files_are_sent_from_document_root(self) -> None:
        text = "DocumentRoot /www\nProxySCGISendfile On\nProxyPass / scgi://h/\n"

        assert options(text) == {
            "document_root": "/www",
            "sendfile": True,
            "sendfile_roots": ["/www"],
        }

    @pytest.mark.parametrize(
        "text",
        [
            "ProxySCGISendfile X-Send\n",
            "DocumentRoot ${X}\nProxySCGISendfile On\n",
            "DocumentRoot /www\nProxySCGISendfile On\n" + section("Files .ht*", DENIED),
        ],
    )
    def test_without_a_safe_directory_somebody_has_to_name_one(self, text: str) -> None:
        (draft,) = drafts(f"{text}ProxyPass / scgi://h/\n")

        assert draft.options["sendfile_roots"].value == []
        assert "sendfile_roots is left to be filled in: " in draft.remarks[0]

    def test_switched_off_no_directory_is_needed(self) -> None:
        assert options("ProxySCGISendfile Off\nProxyPass / scgi://h/\n") == {"sendfile": False}

    def test_variables_and_conditions_are_kept(self) -> None:
        text = "SetEnvIf Host x A\nRequestHeader unset X-B\nProxyPass / scgi://h/\n"
        (draft,) = drafts(text)

        assert draft.options["variables"].value == {"HTTP_X_B": False}
        assert draft.guarded == {"variables.HTTP_X_B"}
        assert draft.set_if == [{"header": "Host", "matches": "x", "set": {"A": "1"}}]

    def test_a_login_is_checked_here_and_kept_from_the_backend(self) -> None:
        text = "ProxyPass /a scgi://h/\n" + section(
            "Location /", "AuthType Basic", "AuthUserFile /etc/users", "Require valid-user"
        )
        (draft,) = drafts(text)

        assert draft.options["auth_file"].value == "/etc/users"
        assert draft.options["pass_authorization"].value is False
        assert draft.guarded == {"auth_file"}

    def test_cgipassauth_has_the_last_word(self) -> None:
        text = "ProxyPass /a scgi://h/\n" + section("Location /", "AuthType None", "CGIPassAuth On")

        assert options(text) == {"pass_authorization": True}

    def test_parameters_come_from_proxyset_and_from_the_line(self) -> None:
        text = (
            "ProxyPass /a scgi://h/ timeout=5\n"
            "ProxySet scgi://h timeout=6 connectiontimeout=1\n"
            + section("Proxy scgi://h timeout=7")
            + section("Proxy scgi://h", "ProxySet connectiontimeout=2", "ProxySet", "Timeout 3")
            + section("Proxy scgi://g", "ProxySet timeout=8")
            + "<IfDefine X>\nProxySet scgi://h timeout=9\n</IfDefine>\n"
            + section("Proxy scgi://h", "<IfDefine X>", "ProxySet timeout=9", "</IfDefine>")
        )

        assert options(text) == {"client_timeout": 3, "timeout": 5, "connect_timeout": 2}

    def test_parameters_of_a_balancer_are_not_for_a_route(self) -> None:
        text = "ProxyPass /a balancer://b/ timeout=5\nProxySet balancer://b timeout=6\n"

        assert options(text) == {}


def test_all_lines_that_counted_are_used() -> None:
    text = (
        "DocumentRoot /www\nProxyPass /a scgi://h/\nProxySet scgi://h timeout=1\n"
        + section("Location /", "<RequireAll>", DENIED, "</RequireAll>", "AuthType Basic")
        + section("Location /b", DENIED)
    )
    server = main_server(text)
    used: Sequence[object] = [*server.drafts()]

    told = server.ledger.comments(server.blocks[0].directives)
    assert used
    assert [line.partition("httpd.conf:")[2] for line in told] == [
        "11: Require all denied: applies to no route",
        "Without meaning for a gateway: <location (2)".partition("httpd.conf:")[2],
    ]
