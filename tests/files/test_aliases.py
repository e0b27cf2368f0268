"""X-Accel-Redirect: URIs become files below the directory of their alias, and nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.gateways import new_directory, remove_directory
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.files.aliases import Aliases
from wsgi_scgi.files.root import FileMissing, FileRefused

pytestmark = pytest.mark.usefixtures("nothing_left_open")


@pytest.fixture
def tree() -> Iterator[Path]:
    """Directories ``files``, ``files/private``, ``other`` and a secret beside them."""
    directory = new_directory()
    (directory / "files" / "private").mkdir(parents=True)
    (directory / "other").mkdir()
    for name in ("files/a.txt", "files/private/a.txt", "other/a.txt", "secret.txt", "files/a b?"):
        (directory / name).write_text(name)
    (directory / "files" / "%61.txt").write_text("percent")
    (directory / "files" / "\xe9.txt").write_text("accent")
    (directory / "files" / "out").symlink_to("../secret.txt")
    yield directory
    remove_directory(directory)


def opened_by(aliases: Aliases, uri: str) -> str:
    opened = aliases.open(uri)
    try:
        return opened.read(100, 0).decode()
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/protected/a.txt", "files/a.txt"),
        ("/protected/%61.txt", "files/a.txt"),
        ("/%70rotected/a%2Etxt", "files/a.txt"),
        ("/protected/%2561.txt", "percent"),  # decoded once
        ("/protected/a.txt?x=1", "files/a.txt"),
        ("/protected/a.txt?", "files/a.txt"),
        ("/protected/a.txt?/../x", "files/a.txt"),
        ("/protected/a%20b%3F", "files/a b?"),
        ("/protected/a b%3f", "files/a b?"),
        ("/protected/%C3%A9.txt", "accent"),
        ("/protected/\xc3\xa9.txt", "accent"),
        ("/protected//a.txt", "files/a.txt"),
        ("//protected/a.txt", "files/a.txt"),
        ("/protected/private%2Fa.txt", "files/private/a.txt"),
    ],
)
def test_a_uri_is_decoded_once_and_its_query_dropped(tree: Path, uri: str, expected: str) -> None:
    aliases = Aliases({"/protected/": f"{tree}/files/"})
    assert opened_by(aliases, uri) == expected


def test_the_name_is_that_of_the_file(tree: Path) -> None:
    for prefix, directory in (("/p", f"{tree}/files"), ("/p/", f"{tree}/files/")):
        opened = Aliases({prefix: directory}).open("/p//a.txt")
        opened.close()
        assert opened.facts.name == os.fsencode(tree / "files" / "a.txt")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "?",
        "?/protected/a.txt",
        "protected/a.txt",
        "@protected",
        "http://example.test/protected/a.txt",
        "/protected/missing",
        "/protected/a.txt/",
        "/protected",
        "/protectedx/a.txt",
        "/other/a.txt",
        "/a.txt",
        "/",
        "/protected/../secret.txt",
        "/protected/./a.txt",
        "/protected/private/../a.txt",
        "/protected/..",
        "/protected/.",
        "/../protected/a.txt",
        "/protected/%2e%2e/secret.txt",
        "/protected/%2E./secret.txt",
        "/protected/..%2fsecret.txt",
        "/protected%2f..%2fsecret.txt",
        "/protected/%252e%252e/secret.txt",
        "/protected/a.txt%00",
        "/protected/a.txt\0.jpg",
        "/protected/a%0a.txt",
        "/protected/a%2",
        "/protected/a%zz",
        "/protected/a%",
    ],
)
def test_everything_else_is_missing(tree: Path, uri: str) -> None:
    with pytest.raises(FileMissing):
        Aliases({"/protected/": f"{tree}/files/"}).open(uri)


@pytest.mark.parametrize("uri", ["/protected/", "/protected/private", "/protected/out"])
def test_directories_and_links_that_lead_out_are_refused(tree: Path, uri: str) -> None:
    with pytest.raises(FileRefused):
        Aliases({"/protected/": f"{tree}/files/"}).open(uri)


def test_a_link_may_not_lead_from_one_alias_into_another(tree: Path) -> None:
    (tree / "files" / "link").symlink_to("../other/a.txt")
    aliases = Aliases({"/protected/": f"{tree}/files/", "/other/": f"{tree}/other/"})
    with pytest.raises(FileRefused):
        aliases.open("/protected/link")


@pytest.mark.parametrize("swapped", [False, True])
def test_the_longest_prefix_decides_whatever_the_order(tree: Path, swapped: bool) -> None:
    table = [("/p/", f"{tree}/files/"), ("/p/private/", f"{tree}/other/")]
    aliases = Aliases(dict(reversed(table) if swapped else table))
    assert opened_by(aliases, "/p/private/a.txt") == "other/a.txt"
    assert opened_by(aliases, "/p//private//a.txt") == "other/a.txt"
    assert opened_by(aliases, "/p/a.txt") == "files/a.txt"


def test_a_prefix_without_a_slash_at_its_end_matches_whole_segments(tree: Path) -> None:
    aliases = Aliases({"/protected": os.fsencode(tree / "files")})
    assert opened_by(aliases, "/protected/a.txt") == "files/a.txt"
    with pytest.raises(FileRefused):
        aliases.open("/protected")
    with pytest.raises(FileMissing):
        aliases.open("/protectedx/a.txt")


def test_the_root_may_be_an_alias(tree: Path) -> None:
    assert opened_by(Aliases({"/": f"{tree}/files"}), "/a.txt") == "files/a.txt"


@pytest.mark.parametrize(
    "table", [{"protected": "/srv"}, {"/p/../q/": "/srv"}, {"/p/": "srv"}, {"/p/": ""}]
)
def test_a_table_that_cannot_work_is_told_at_once(table: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Aliases(table)


def test_no_log_text_can_forge_a_line(tree: Path) -> None:
    for uri in ("/protected/\n2026", "\n", "/\r\n.."):
        with pytest.raises(FileMissing) as caught:
            Aliases({"/protected/": f"{tree}/files/"}).open(uri)
        assert str(caught.value).isprintable()
