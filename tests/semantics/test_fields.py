"""Header fields that travel through the gateway, and those that end here."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.semantics import fields
from wsgi_scgi.semantics.fields import (
    FieldRules,
    answer_fields,
    control_values,
    end_to_end_fields,
    forwarded_fields,
    is_forwarded,
    merge_fields,
)


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_ACCEPT",
        "HTTP_X_A_1",
        "HTTP_COOKIE",
        "HTTP_AUTHORIZATION",
        "HTTP_HOST",
        "HTTP_RANGE",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_PROXYING",
        "HTTP_IF_NONE_MATCH",
        "HTTP_1",
        "HTTP__",
    ],
)
def test_fields_for_the_backend_are_forwarded(name: str) -> None:
    assert is_forwarded(name)


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_CONNECTION",
        "HTTP_KEEP_ALIVE",
        "HTTP_TE",
        "HTTP_TRAILER",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_UPGRADE",
        "HTTP_HTTP2_SETTINGS",
        "HTTP_EXPECT",
        "HTTP_PROXY",
        "HTTP_CONTENT_LENGTH",
        "HTTP_CONTENT_TYPE",
        "HTTP_SCRIPT_NAME",
        "HTTP_PATH_INFO",
        "HTTP_PROXY_CONNECTION",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_PROXY_",
        "HTTP_X_SENDFILE_TYPE",
        "HTTP_X_ACCEL_MAPPING",
    ],
)
def test_fields_that_end_here_are_not_forwarded(name: str) -> None:
    assert not is_forwarded(name)


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_X.DOT",
        "HTTP_",
        "HTTP_X A",
        "HTTP_x",
        "HTTP_X-A",
        "HTTP_\xc9",
        "HTTP_X\0",
        "HTTP_X\n",
        "REMOTE_USER",
        "http_x",
        "HTTP",
        "",
    ],
)
def test_names_that_could_meet_in_one_variable_are_dropped(name: str) -> None:
    assert not is_forwarded(name)


def test_names_beyond_what_is_remembered_are_judged_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "_known", {})
    monkeypatch.setattr(fields, "_KNOWN_LIMIT", 2)

    for _ in range(2):
        assert is_forwarded("HTTP_A")
        assert not is_forwarded("HTTP_PROXY")
        assert is_forwarded("HTTP_B")
        assert not is_forwarded("HTTP_TE")
    assert len(fields._known) == 2


def test_of_an_environ_only_the_header_fields_are_taken() -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "REMOTE_USER": "root",
        "PATH": "/bin",
        "wsgi.input": object(),
        "HTTP_ACCEPT": "*/*",
        "HTTP_X_EMPTY": "",
        "HTTP_X.DOT": "1",
        "HTTP_PROXY": "http://evil.test",
        "HTTP_VERSION": 2,
    }

    assert forwarded_fields(environ) == {
        "HTTP_ACCEPT": "*/*",
        "HTTP_X_EMPTY": "",
        "HTTP_VERSION": "2",
    }


@pytest.mark.parametrize(
    "connection",
    ["X-Hop", "close, X-Hop", "x-hop,close", "close ,\tX-HOP ", ",,X-Hop", "X_Hop", "X-Hop, X-Hop"],
)
def test_fields_named_by_connection_are_hop_by_hop(connection: str) -> None:
    environ = {"HTTP_CONNECTION": connection, "HTTP_X_HOP": "1", "HTTP_X_KEPT": "2"}

    assert forwarded_fields(environ) == {"HTTP_X_KEPT": "2"}


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "x-forwarded-host",
        "Host",
        "Content-Encoding",
        "Forwarded",
        "X-Real-IP",
        "Content-MD5",
    ],
)
def test_a_client_cannot_take_these_from_the_backend(name: str) -> None:
    variable = "HTTP_" + name.upper().replace("-", "_")

    assert forwarded_fields({"HTTP_CONNECTION": name, variable: "1"}) == {variable: "1"}


@pytest.mark.parametrize("connection", ["", "close", "X-Absent", ",", " "])
def test_a_connection_field_that_names_nothing_removes_nothing(connection: str) -> None:
    environ = {"HTTP_CONNECTION": connection, "HTTP_X_KEPT": "2"}

    assert forwarded_fields(environ) == {"HTTP_X_KEPT": "2"}


@given(
    st.dictionaries(
        st.text(string.ascii_uppercase + "_.", max_size=6).map("HTTP_".__add__), st.text()
    ),
    st.lists(st.text(string.ascii_letters + "-_ ", max_size=6)).map(",".join),
)
def test_what_is_forwarded_came_so_from_the_client(environ: dict[str, str], names: str) -> None:
    forwarded = forwarded_fields({**environ, "HTTP_CONNECTION": names})

    assert forwarded.items() <= environ.items()
    assert all(is_forwarded(name) for name in forwarded)


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Proxy-Authentication-Info",
        "TE",
        "Trailer",
        "Trailers",
        "Transfer-Encoding",
        "UPGRADE",
        "X-Accel-Redirect",
        "X-Accel-Expires",
        "X-Accel-Limit-Rate",
        "X-Accel-Buffering",
        "x-accel-charset",
        "X-Sendfile",
        "X-SENDFILE2",
        "X-LIGHTTPD-send-file",
        "X-LIGHTTPD-send-tempfile",
    ],
)
def test_hop_by_hop_fields_and_orders_to_a_gateway_never_reach_a_client(name: str) -> None:
    assert end_to_end_fields([("A", "1"), (name, "x"), ("B", "2")], 200) == [("A", "1"), ("B", "2")]


def test_fields_that_connection_names_are_removed_too() -> None:
    received = [("Connection", "close, X-Hop"), ("x-hop", "1"), ("X-Kept", "2")]
    received += [("connection", "\tX-Other "), ("X-Other", "3")]

    assert end_to_end_fields(received, 200) == [("X-Kept", "2")]


def test_framing_and_cookies_are_never_hop_by_hop() -> None:
    kept = [("Content-Length", "5"), ("Content-Type", "a/b"), ("Set-Cookie", "a=1")]

    nominating = [("Connection", "Content-Length, content-type, set-cookie"), *kept]
    assert end_to_end_fields(nominating, 200) == kept


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (200, ["Content-Length", "Content-Type", "ETag"]),
        (204, ["ETag"]),
        (304, ["Content-Length", "ETag"]),
    ],
)
def test_what_describes_content_goes_where_there_is_none(status: int, names: list[str]) -> None:
    received = [("Content-Length", "5"), ("Content-Type", "a/b"), ("ETag", '"x"')]

    assert [name for name, _ in end_to_end_fields(received, status)] == names


_NAMES = st.sampled_from(
    ["Set-Cookie", "set-cookie", "Link", "Vary", "X-A", "Connection", "Trailer", "Content-Type"]
)


@given(
    st.lists(st.tuples(_NAMES, st.text("abLlinkVvaryXx-,=SetCookie ", max_size=16))),
    st.sampled_from([200, 204, 304, 404]),
)
def test_cookies_are_never_lost_and_nothing_is_reordered(
    received: list[tuple[str, str]], status: int
) -> None:
    kept = end_to_end_fields(iter(received), status)

    remaining = iter(received)
    assert all(field in remaining for field in kept)  # a subsequence: each is found behind the last
    assert [field for field in kept if field[0].lower() == "set-cookie"] == [
        field for field in received if field[0].lower() == "set-cookie"
    ]


def names_of(received: list[str], rules: FieldRules) -> list[str]:
    return [name for name, _ in end_to_end_fields([(name, "x") for name in received], 200, rules)]


def test_a_route_may_hide_fields_and_pass_what_is_hidden() -> None:
    received = ["X-Powered-By", "X-Accel-Expires", "X-Sendfile", "X-A"]

    assert names_of(received, FieldRules()) == ["X-Powered-By", "X-A"]
    rules = FieldRules(hidden=frozenset({"x-powered-by"}), passed=frozenset({"x-sendfile"}))
    assert names_of(received, rules) == ["X-Sendfile", "X-A"]


def test_orders_to_a_step_of_the_route_do_not_reach_the_client() -> None:
    rules = FieldRules(control=frozenset({"x-send", "location"}))

    # A Location that the step does not follow is a word to the client.
    assert names_of(["X-SEND", "Location", "X-A"], rules) == ["Location", "X-A"]


def test_hop_by_hop_fields_cannot_be_passed() -> None:
    assert names_of(["Connection", "Upgrade"], FieldRules(passed=frozenset({"upgrade"}))) == []


def test_the_values_of_orders_are_found_by_lower_case_name_and_joined() -> None:
    received = [("X-Send", "/a"), ("X-Other", "1"), ("x-send", "/b"), ("X-SEND-2", "")]

    assert control_values(received, frozenset({"x-send", "x-send-2", "x-absent"})) == {
        "x-send": "/a, /b",
        "x-send-2": "",
    }


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ([("A", "1")], [("B", "2")], [("A", "1"), ("B", "2")]),
        ([("A", "1")], [("a", "2"), ("A", "3")], [("A", "1, 2, 3")]),
        ([("A", "1"), ("A", "2")], [("A", "3")], [("A", "1, 2, 3")]),
        ([("A", "1"), ("A", "2")], [], [("A", "1"), ("A", "2")]),
        ([("Set-Cookie", "a")], [("Set-Cookie", "b")], [("Set-Cookie", "a"), ("Set-Cookie", "b")]),
        ([("Content-Type", "a/b")], [("content-type", "c/d")], [("content-type", "c/d")]),
        ([("Content-Type", "a/b")], [], [("Content-Type", "a/b")]),
        ([("Location", "/x"), ("Content-Length", "5"), ("ETag", "x")], [], []),
        ([("ETag", "x")], [("ETag", "y")], [("ETag", "y")]),
    ],
)
def test_the_fields_of_a_redirecting_answer_are_merged_into_the_second_s(
    first: list[tuple[str, str]], second: list[tuple[str, str]], merged: list[tuple[str, str]]
) -> None:
    assert merge_fields(first, second) == merged


@pytest.mark.parametrize("status", [204, 304])
def test_a_content_type_is_not_inherited_where_there_is_no_content(status: int) -> None:
    assert merge_fields([("Content-Type", "a/b"), ("A", "1")], [], status=status) == [("A", "1")]


_FIELD = st.tuples(
    st.sampled_from(
        [
            *("Set-Cookie", "X-A", "x-a", "Connection", "TE", "Trailer", "\u212a", "\xc9"),
            *("Content-Type", "Content-Length", "X-Sendfile", "x-hidden", "Location", "location"),
        ]
    ),
    st.sampled_from(["", "close", "X-A", "x-a, te", "content-type"]),
)


@given(
    st.lists(_FIELD),
    st.sampled_from([200, 204, 304, 404]),
    st.sampled_from(
        [
            FieldRules(),
            FieldRules(hidden=frozenset({"x-hidden"})),
            FieldRules(control=frozenset({"location"})),
            FieldRules(control=frozenset({"location", "x-sendfile"})),
        ]
    ),
)
def test_fields_and_orders_of_an_answer_are_what_both_functions_say(
    fields: list[tuple[str, str]], status: int, rules: FieldRules
) -> None:
    kept, orders = answer_fields(fields, status, rules)

    assert kept == end_to_end_fields(fields, status, rules)
    assert dict(orders) == control_values(fields, rules.control)


def test_of_names_that_backends_write_only_so_many_are_remembered() -> None:
    rules = FieldRules()

    for number in range(2000):
        field = (f"X-{number}", "1")
        assert answer_fields([field], 200, rules) == ([field], {})
    assert len(rules._verdicts) <= 1024
