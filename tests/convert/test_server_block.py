"""The main server, virtual hosts, and the sections that apply to a request."""

import pytest

from tests.convert.apache_text import only, server_blocks
from wsgi_scgi.convert.region import EVERYTHING, UNKNOWN, PathPrefix, pattern, wildcard
from wsgi_scgi.convert.server_block import (
    SectionKind,
    blocks,
    directory_sections,
    is_for,
    location_region,
)


def test_a_tree_is_divided_into_the_main_server_and_virtual_hosts() -> None:
    main, hosts = server_blocks("Listen 80\n<VirtualHost *:80>\nTimeout 5\n</VirtualHost>\n")

    assert [one.key for one in main.directives] == ["listen"]
    assert [one.key for one in hosts[0].directives] == ["timeout"]
    assert hosts[0].header.argument == "*:80"
    assert str(main.header).endswith("httpd.conf:1: the main server")


def test_an_empty_configuration_has_a_main_server() -> None:
    assert blocks(())[0].directives == ()


def test_the_last_directive_of_a_name_counts_unless_it_is_in_doubt() -> None:
    main, _ = server_blocks("Timeout 1\nTimeout 2\n<IfDefine X>\nTimeout 3\n</IfDefine>\n")

    found = main.last("timeout")
    assert found is not None
    assert found.argument == "2"
    assert main.last("listen") is None


def test_what_stands_outside_of_sections_is_for_every_path() -> None:
    main, _ = server_blocks("Timeout 1\n<Location /a>\nTimeout 2\n</Location>\n")

    section = main.server_level
    assert (section.kind, section.region) == (SectionKind.SERVER, EVERYTHING)
    assert [one.argument for one in section.directives] == ["1"]


@pytest.mark.parametrize(
    ("line", "region"),
    [
        ("<Location /a>", PathPrefix("/a")),
        ('<Location "/a b/">', PathPrefix("/a b/")),
        ("<Location a>", None),
        ("<Location ~ ^/a>", pattern("^/a")),
        ("<LocationMatch ^/a>", pattern("^/a")),
        ("<Location /a*>", wildcard("/a*")),
        ("<Location /${X}>", UNKNOWN),
        ("<Location>", UNKNOWN),
    ],
)
def test_a_location_is_a_path_or_a_pattern(line: str, region: object) -> None:
    assert location_region(only(f"{line}\n</{line[1:].partition(' ')[0].strip('>')}>\n")) == region


def test_locations_that_match_nothing_are_left_out() -> None:
    main, _ = server_blocks("<Location a>\n</Location>\n<Location /b>\n</Location>\n")

    assert [one.region for one in main.locations] == [PathPrefix("/b")]


@pytest.mark.parametrize(
    ("section", "url", "surely"),
    [
        ("Proxy *", "scgi://h:1/", True),
        ("Proxy scgi://h:1", "scgi://h:1/a", True),
        ("Proxy scgi://h:1/*", "scgi://h:1/a", True),
        ("Proxy scgi://h:1", "unix:/run/s|scgi://h:1/a", True),
        ("Proxy balancer://b", "balancer://b/a", True),
        ("Proxy scgi://h", "scgi://h:4000/", True),
        ("Proxy scgi://h:4000/", "scgi://h/", False),
        ("Proxy SCGI://H:1", "scgi://h:1/", False),
        ("Proxy scgi://h:1/a/b", "scgi://h:1/a/", False),
        ("Proxy scgi://*/a", "scgi://h:1/b", False),
        ("Proxy ~ ^scgi://h", "scgi://h:1/", False),
        ("ProxyMatch ^scgi://h", "scgi://h:1/", False),
        ("Proxy ${X}", "scgi://h:1/", False),
        ("Proxy", "scgi://h:1/", False),
        ("Proxy http://h", "scgi://h:1/", None),
        ("Proxy scgi://g", "scgi://h:1/", None),
        ("ProxyMatch ^http", "scgi://h:1/", None),
    ],
)
def test_a_proxy_section_is_for_backends_that_begin_like_it(
    section: str, url: str, surely: bool | None
) -> None:
    main, _ = server_blocks(f"<{section}>\n</{section.partition(' ')[0]}>\n")

    regions = [one.region for one in main.proxies(url)]
    expected = {True: [EVERYTHING], False: [UNKNOWN], None: []}
    assert regions == expected[surely]


def test_directories_at_and_below_document_root_are_paths() -> None:
    main, hosts = server_blocks(
        "<Directory />\n</Directory>\n<Directory /www/a/>\n</Directory>\n"
        "<Directory /www>\n</Directory>\n<Directory /www/*>\n</Directory>\n"
        "<Directory /wwwx>\n</Directory>\n"
        "<VirtualHost *>\n<Directory /www/b/c>\n</Directory>\n</VirtualHost>\n"
    )

    found = directory_sections((main, *hosts), "/www/")
    assert [one.region for one in found] == [
        PathPrefix("/"),
        PathPrefix("/a"),
        PathPrefix("/b/c"),
    ]
    assert directory_sections((main, *hosts), "") == []


@pytest.mark.parametrize(
    ("worker", "url", "same"),
    [
        ("scgi://h:1", "scgi://h:1/a", True),
        ("scgi://h/", "scgi://h:4000/a", True),
        ("scgi://h:1/a", "scgi://h:1/ab", False),
        ("scgi://h:1", "scgi://h:11", False),
        ("", "scgi://h:1", False),
    ],
)
def test_parameters_are_for_the_backend_of_that_url(worker: str, url: str, same: bool) -> None:
    assert is_for(worker, url) is same
