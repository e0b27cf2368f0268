"""ProxyPass and ProxyPassMatch."""

import pytest

from tests.convert.apache_text import only, server_blocks
from wsgi_scgi.convert.proxy_pass import Entry, entries, location_entry, server_entry
from wsgi_scgi.convert.region import UNKNOWN, PathPrefix, pattern


def entry(line: str) -> Entry:
    found = server_entry(only(f"{line}\n"))
    assert found is not None
    return found


def in_location(header: str, line: str) -> Entry | None:
    section = only(f"<{header}>\n{line}\n</{header.partition(' ')[0]}>\n")
    return location_entry(section, section.children[0])


def targets(text: str) -> list[str]:
    """Return the targets in the order in which Apache tests them; ``!`` for exclusions."""
    main, hosts = server_blocks(text)
    return [one.target or "!" for one, _ in entries((main, *hosts))]


def test_a_line_has_a_path_a_target_parameters_and_flags() -> None:
    found = entry('ProxyPass "/a/" "scgi://h:1/b" Timeout=5 NoCanon retry=0')

    assert (found.region, found.target) == (PathPrefix("/a/"), "scgi://h:1/b")
    assert found.parameters == {"timeout": "5", "retry": "0"}
    assert found.flags == {"nocanon"}
    assert [note.partition(":")[0] for note in found.notes] == ["nocanon"]


def test_an_exclusion_has_no_target() -> None:
    assert (entry("ProxyPass /a !").target, entry("ProxyPass /a !").problem) == ("", "")


@pytest.mark.parametrize("line", ["ProxyPassMatch ^/a$ scgi://h/", "ProxyPass ~ ^/a$ scgi://h/"])
def test_an_expression_may_be_written_in_two_ways(line: str) -> None:
    assert entry(line).region == pattern("^/a$")


@pytest.mark.parametrize("line", ["ProxyPass", "ProxyPass /a", "ProxyPass a scgi://h/"])
def test_a_line_that_no_request_can_match_is_no_entry(line: str) -> None:
    assert server_entry(only(f"{line}\n")) is None


def test_an_unknown_path_may_be_any() -> None:
    assert entry("ProxyPass /${X} scgi://h/").region == UNKNOWN


@pytest.mark.parametrize(
    "target",
    [
        "scgi://h",
        "scgi://h:1/",
        "SCGI://h/",
        "unix:/run/s|scgi://h/",
        "unix:/run/s|scgi:",
        "balancer://b/",
    ],
)
def test_scgi_and_balancers_are_ours(target: str) -> None:
    assert entry(f"ProxyPass /a {target}").problem == ""


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http://h/", "by another protocol"),
        ("unix:/run/s|http://h/", "by another protocol"),
        ("uwsgi://h/", "by another protocol"),
        ("/a", "by another protocol"),
        ("scgi://${X}/", "no certain value"),
        ("scgi://$1/", "not its host"),
        ("scgi://h:$1/", "not its host"),
        ("unix:/run/$1|scgi://h/", "not its host"),
    ],
)
def test_other_targets_are_a_problem(target: str, problem: str) -> None:
    assert problem in entry(f"ProxyPassMatch ^/a/(.*)$ {target}").problem


def test_references_fill_the_path() -> None:
    assert entry("ProxyPassMatch ^/a/(.*)$ scgi://h/b/$1").problem == ""


@pytest.mark.parametrize(
    ("path", "target", "usable"),
    [
        ("/a/", "scgi://h:1", "scgi://h:1/"),
        ("/", "balancer://b", "balancer://b/"),
        ("/a/", "unix:/run/s|scgi://h", "unix:/run/s|scgi://h/"),
    ],
)
def test_the_slash_that_a_target_lacks_is_added(path: str, target: str, usable: str) -> None:
    found = entry(f"ProxyPass {path} {target}")

    assert found.target == usable
    assert "lacks its last slash" in found.notes[0]


@pytest.mark.parametrize(
    ("path", "target"),
    [("/a", "scgi://h:1"), ("/a/", "scgi://h:1/b"), ("/a/", "unix:/run/s|scgi:")],
)
def test_other_targets_stay_as_they_are(path: str, target: str) -> None:
    assert entry(f"ProxyPass {path} {target}").target == target
    assert entry(f"ProxyPassMatch ^{path} {target}").notes == ()


class TestLocation:
    """ProxyPass in a Location."""

    def test_the_path_is_that_of_the_location(self) -> None:
        found = in_location('Location "/a/"', "ProxyPass scgi://h/ timeout=5")

        assert found is not None
        assert (found.region, found.target) == (PathPrefix("/a/"), "scgi://h/")
        assert found.parameters == {"timeout": "5"}

    @pytest.mark.parametrize("header", ['LocationMatch "^/a/(.*)$"', 'Location ~ "^/a/(.*)$"'])
    def test_an_expression_counts_if_it_looks_like_a_pattern(self, header: str) -> None:
        found = in_location(header, "ProxyPass scgi://h/$1")

        assert found is not None
        assert found.region == pattern("^/a/(.*)$")

    @pytest.mark.parametrize("header", ['LocationMatch "^/a/"', "Location a", "Location"])
    def test_others_match_no_request_as_in_apache(self, header: str) -> None:
        assert in_location(header, "ProxyPass scgi://h/") is None

    def test_a_line_without_a_target_is_no_entry(self) -> None:
        assert in_location("Location /a", "ProxyPass") is None

    def test_a_pattern_of_file_names_cannot_be_written_down(self) -> None:
        found = in_location("Location /a/*", "ProxyPass scgi://h/")

        assert found is not None
        assert (found.region.common, found.region == pattern("/a/*")) == ("/a/", False)

    def test_an_unknown_path_may_be_any(self) -> None:
        found = in_location("Location /${X}", "ProxyPass scgi://h/")

        assert found is not None
        assert found.region == UNKNOWN


class TestOrder:
    """The order in which Apache tests the entries, measured with 2.4.71."""

    def test_lines_are_tested_in_the_order_of_the_file(self) -> None:
        text = "ProxyPass /a scgi://1\nProxyPassMatch ^/b scgi://2\nProxyPass /c !\n"

        assert targets(text) == ["scgi://1", "scgi://2", "!"]

    def test_locations_come_first_and_the_last_of_them_before_the_others(self) -> None:
        text = (
            "ProxyPass /a scgi://1\n<Location /b>\nProxyPass scgi://2\n</Location>\n"
            "<Location /c>\nProxyPass scgi://3\n</Location>\n"
        )

        assert targets(text) == ["scgi://3", "scgi://2", "scgi://1"]

    def test_the_main_server_is_tested_before_the_virtual_host_but_for_its_locations(self) -> None:
        text = (
            "<VirtualHost *>\nProxyPassInherit Off\nProxyPass /a scgi://1\n"
            "<Location /b>\nProxyPass scgi://2\n</Location>\n</VirtualHost>\n"
            "ProxyPass /a scgi://3\n<Location /b>\nProxyPass scgi://4\n</Location>\n"
        )

        assert targets(text) == ["scgi://2", "scgi://4", "scgi://3", "scgi://1"]

    def test_the_last_line_of_a_location_replaces_the_others(self) -> None:
        text = "<Location /b>\nProxyPass scgi://1\nProxyPass scgi://2\n</Location>\n"

        assert targets(text) == ["scgi://2"]

    def test_what_is_in_doubt_is_left_out_unless_it_excludes(self) -> None:
        text = (
            "<IfDefine X>\nProxyPass /a scgi://1\nProxyPass /b !\nProxyPassMatch ~ /b !\n"
            "</IfDefine>\n"
            "<Location /c>\nProxyPass scgi://2\n<IfDefine X>\nProxyPass !\nProxyPass scgi://3\n"
            "</IfDefine>\n</Location>\n"
        )

        assert targets(text) == ["!", "scgi://2", "!", "!"]

    def test_what_matches_nothing_is_left_out(self) -> None:
        text = "ProxyPass a scgi://1\n<Location b>\nProxyPass scgi://2\n</Location>\n"

        assert targets(text) == []
