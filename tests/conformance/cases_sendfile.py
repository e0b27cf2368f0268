"""Cases: files in place of a body, ProxySCGISendfile and lighttpd's x-sendfile.

Whatever a case is about, neither the field nor a part of a file's path may reach the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from tests.conformance.case import Answer, Case, Sees, reply
from tests.conformance.files import BIG, CONTENT, LAST_MODIFIED
from tests.conformance.requests import get, get_old, post, two
from tests.kit.backend import BackendConnection, Script

APACHE = ("Apache",)
HAVE_SENDFILE = ("Apache", "lighttpd")
CONTROL_FIELDS = ("X-Sendfile", "X-Send-Static", "X-Accel-Redirect")
NOT_OF_FILE = "Apache tells nothing of the file: no length, no type, no date, no ranges."
_NO_DATE = f"{NOT_OF_FILE} lighttpd tells no date."
Fields = Mapping[str, str | tuple[str, ...]]
NO_FIELDS: Fields = MappingProxyType({})


def names(name: str, *fields: str, head: str = "", field: str = "X-Sendfile") -> Script:
    """Return a script that names the file ``name`` below the variable FILES."""
    lines = [*([head] if head else []), f"{field}: @FILES@/{name}", *fields, "", "not this"]
    return reply("\r\n".join(lines).encode("latin-1"))


def says(*lines: str, body: str = "not this") -> Script:
    """Return a script of exactly these lines; ``@FILES@`` is the directory of the files."""
    return reply("\r\n".join([*lines, "", body]).encode("latin-1"))


def sent(
    name: str,
    backend: Script,
    fields: Fields = NO_FIELDS,
    *,
    status: int = 200,
    body: bytes | None = CONTENT,
    differs: str = "",
) -> Case:
    """Return a case of a file that the client gets."""
    return Case(
        name,
        get("/sf/x"),
        Answer(status, headers=fields, without=CONTROL_FIELDS, body=body),
        Sees(),
        backend,
        show=tuple(fields) or ("Content-Length", "Content-Type"),
        differs=differs,
        peers=HAVE_SENDFILE,
    )


_LENGTH = {"Content-Length": "36"}

_CONTENT = (
    sent(
        "a_file_is_sent_with_its_length",
        names("p.txt"),
        {**_LENGTH, "Content-Type": "text/plain"},
        differs=NOT_OF_FILE,
    ),
    sent(
        "a_file_is_sent_with_its_date",
        names("p.txt"),
        {"Last-Modified": LAST_MODIFIED, "Accept-Ranges": "bytes"},
        differs=_NO_DATE,
    ),
    sent("the_body_of_the_backend_is_dropped", names("p.txt", "Content-Length: 8")),
    sent(
        "the_type_of_the_backend_counts",
        names("page.html", "Content-Type: text/x-mine; charset=x"),
        {"Content-Type": "text/x-mine; charset=x"},
    ),
    sent(
        "the_type_is_found_by_the_extension",
        names("page.html"),
        {"Content-Type": "text/html"},
        differs=NOT_OF_FILE,
    ),
    sent(
        "an_unknown_extension_is_a_file_of_bytes",
        names("what.xyz"),
        {"Content-Type": "application/octet-stream"},
        differs=NOT_OF_FILE,
    ),
    sent(
        "a_name_without_extension_is_a_file_of_bytes",
        names("no-extension"),
        {"Content-Type": "application/octet-stream"},
        differs=NOT_OF_FILE,
    ),
    sent(
        "the_validators_of_the_backend_count",
        names("p.txt", 'ETag: "mine"', "Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT"),
        {"ETag": '"mine"', "Last-Modified": "Mon, 07 Nov 1994 08:49:37 GMT"},
    ),
    sent(
        "other_fields_of_the_backend_are_kept",
        names(
            "p.txt",
            "Content-Disposition: attachment; filename=x.txt",
            "Set-Cookie: a=1",
            "Set-Cookie: b=2",
            "Cache-Control: private",
            "X-A: 1",
        ),
        {
            "Content-Disposition": "attachment; filename=x.txt",
            "Set-Cookie": ("a=1", "b=2"),
            "Cache-Control": "private",
            "X-A": "1",
        },
    ),
    sent(
        "a_length_of_the_backend_is_that_of_its_own_body",
        names("p.txt", "Content-Length: 8"),
        _LENGTH,
        differs=NOT_OF_FILE,
    ),
    sent(
        "an_empty_file", names("empty.txt"), {"Content-Length": "0"}, body=b"", differs=NOT_OF_FILE
    ),
    sent("a_file_of_a_mebibyte", names("big.bin"), body=BIG),
    sent("a_file_below_a_directory", names("sub/deep.txt"), body=CONTENT[::-1]),
    sent(
        "fields_that_describe_ranges_of_the_backend_are_dropped",
        names("p.txt", "Content-Range: bytes 0-7/8", "Accept-Ranges: none"),
        {"Content-Range": (), "Accept-Ranges": "bytes"},
        differs="The peers keep what the backend said of its own body.",
    ),
)

_STATUSES = (
    *(
        sent(
            f"a_file_may_be_the_body_of_a_{status}",
            names("p.txt", head=f"Status: {status} Mine"),
            _LENGTH,
            status=status,
            differs=NOT_OF_FILE,
        )
        for status in (201, 403, 404, 500)
    ),
    sent(
        "a_file_may_be_the_body_of_a_302",
        names("p.txt", "Location: /two/x", head="Status: 302 Found"),
        {"Location": "/two/x"},
        status=302,
    ),
    sent(
        "beside_a_file_a_location_is_not_followed",
        names("p.txt", "Location: /two/x", head="Status: 200 OK"),
        {"Location": "/two/x"},
    ),
    sent(
        "beside_a_file_a_location_without_status_is_302",
        names("p.txt", "Location: /two/x"),
        {"Location": "/two/x"},
        status=302,
        differs="Apache answers 200 with a Location; RFC 3875 6.2.3 asks for 302.",
    ),
    sent(
        "a_204_has_no_file",
        names("p.txt", head="Status: 204 No"),
        {"Content-Length": (), "Content-Type": ()},
        status=204,
        body=b"",
        differs="lighttpd says of what type the content is that is not there.",
    ),
    sent(
        "a_304_has_no_file",
        names("p.txt", 'ETag: "mine"', head="Status: 304 No"),
        {"ETag": '"mine"'},
        status=304,
        body=b"",
    ),
    sent(
        "a_206_of_the_backend_becomes_a_200",
        names("p.txt", "Content-Range: bytes 0-7/8", head="Status: 206 Part"),
        {"Content-Range": ()},
        differs="The peers send the whole file as the part that the backend spoke of.",
    ),
)


def _naming_then_silent(connection: BackendConnection) -> None:
    names("p.txt")(connection)
    connection.read_to_end()


_METHODS = (
    replace(
        sent(
            "head_has_the_length_of_the_file",
            names("p.txt"),
            {**_LENGTH, "Content-Type": "text/plain", "Last-Modified": LAST_MODIFIED},
            body=b"",
            differs=_NO_DATE,
        ),
        send=get("/sf/x", method="HEAD"),
        methods=("HEAD",),
    ),
    replace(
        sent(
            "post_gets_the_file",
            names("p.txt"),
        ),
        send=post("/sf/x", b"hello"),
        methods=("POST",),
    ),
    replace(
        sent(
            "put_gets_the_file",
            names("p.txt"),
        ),
        send=post("/sf/x", b"hello", method="PUT"),
    ),
    replace(
        sent(
            "delete_gets_the_file",
            names("p.txt"),
        ),
        send=get("/sf/x", method="DELETE"),
    ),
    replace(
        sent(
            "http_1_0_gets_the_file",
            names("p.txt"),
        ),
        send=get_old("/sf/x"),
    ),
    Case(
        "a_file_leaves_the_connection_usable",
        two(get("/sf/one"), get("/sf/two")),
        (
            Answer(200, body=BIG, without=CONTROL_FIELDS),
            Answer(200, body=CONTENT, without=CONTROL_FIELDS),
        ),
        (Sees(), Sees()),
        (names("big.bin"), names("p.txt")),
        methods=("GET", "GET"),
        peers=HAVE_SENDFILE,
    ),
    Case(
        "head_of_a_file_leaves_the_connection_usable",
        two(get("/sf/one", method="HEAD"), get("/sf/two")),
        (Answer(200, without=CONTROL_FIELDS), Answer(200, body=CONTENT, without=CONTROL_FIELDS)),
        (Sees(), Sees()),
        (names("big.bin"), names("p.txt")),
        methods=("HEAD", "GET"),
        peers=HAVE_SENDFILE,
    ),
    sent("a_body_that_stays_open_is_not_waited_for", _naming_then_silent),
)

CASES = (*_CONTENT, *_STATUSES, *_METHODS)
