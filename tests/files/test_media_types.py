"""Media types by extension, the same on every machine."""

import mimetypes

import pytest

from wsgi_scgi.files.media_types import media_type_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"/srv/a.txt", "text/plain"),
        (b"/srv/a.html", "text/html"),
        (b"/srv/A.HTML", "text/html"),
        (b"/srv/a.css", "text/css"),
        (b"/srv/a.js", "text/javascript"),
        (b"/srv/a.mjs", "text/javascript"),
        (b"/srv/a.json", "application/json"),
        (b"/srv/a.wasm", "application/wasm"),
        (b"/srv/a.png", "image/png"),
        (b"/srv/a.jpg", "image/jpeg"),
        (b"/srv/a.jpeg", "image/jpeg"),
        (b"/srv/a.svg", "image/svg+xml"),
        (b"/srv/a.webp", "image/webp"),
        (b"/srv/a.pdf", "application/pdf"),
        (b"/srv/a.mp4", "video/mp4"),
        (b"/srv/a.woff2", "font/woff2"),
        (b"/srv/a.csv", "text/csv"),
        (b"/srv/a.zip", "application/zip"),
        (b"/srv/a.xml", "application/xml"),
    ],
)
def test_an_extension_has_its_media_type(name: bytes, expected: str) -> None:
    assert media_type_of(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"/srv/a.tar.gz", "application/gzip"),
        (b"/srv/a.tgz", "application/gzip"),
        (b"/srv/a.svgz", "application/gzip"),
        (b"/srv/a.html.gz", "application/gzip"),
        (b"/srv/a.tar.bz2", "application/x-bzip2"),
        (b"/srv/a.tar.xz", "application/x-xz"),
        (b"/srv/a.txt.zst", "application/zstd"),
        (b"/srv/a.css.br", "application/octet-stream"),
        (b"/srv/a.Z", "application/x-compress"),
    ],
)
def test_what_is_compressed_is_named_as_such(name: bytes, expected: str) -> None:
    assert media_type_of(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        b"/srv/a",
        b"/srv/a.unheard",
        b"/srv/a.",
        b"/srv/.html",
        b"/srv/dir.html/a",
        b"/srv/a.html ",
        b"/srv/a.\xff\xfe",
        b"data:text/html,x",
        b"",
    ],
)
def test_an_unknown_extension_is_neither_guessed_nor_left_to_the_browser(name: bytes) -> None:
    assert media_type_of(name) == "application/octet-stream"


def test_what_a_program_adds_to_the_table_of_the_process_changes_nothing() -> None:
    mimetypes.add_type("text/html", ".unheard")
    try:
        assert media_type_of(b"/srv/a.unheard") == "application/octet-stream"
    finally:
        mimetypes.init()
