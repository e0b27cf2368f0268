"""How long the body of a request is, by what the server below says: RFC 9112 6.3."""

from typing import Any

import pytest

from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.framing import check_length, declared_length, max_forwards, may_have_body

_CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


@pytest.mark.parametrize(
    ("environ", "length"),
    [
        ({}, 0),
        ({"CONTENT_LENGTH": ""}, 0),
        ({"CONTENT_LENGTH": "0"}, 0),
        ({"CONTENT_LENGTH": "5"}, 5),
        ({"CONTENT_LENGTH": "0005"}, 5),
        ({"CONTENT_LENGTH": 5}, 5),
        ({"CONTENT_LENGTH": "9223372036854775807"}, 2**63 - 1),
        ({"SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input_terminated": True}, 0),
        ({"SERVER_PROTOCOL": "HTTP/2"}, 0),
        ({"SERVER_PROTOCOL": "HTTP/2", "wsgi.input_terminated": True}, None),
        (
            {"SERVER_PROTOCOL": "HTTP/2.0", "CONTENT_LENGTH": "", "wsgi.input_terminated": True},
            None,
        ),
        ({"SERVER_PROTOCOL": "HTTP/3", "wsgi.input_terminated": True}, None),
        ({"SERVER_PROTOCOL": "HTTP/2", "CONTENT_LENGTH": "7", "wsgi.input_terminated": True}, 7),
        (_CHUNKED, None),
        ({**_CHUNKED, "HTTP_TRANSFER_ENCODING": " Chunked\t"}, None),
        ({**_CHUNKED, "CONTENT_LENGTH": ""}, None),
    ],
)
def test_a_body_has_a_length_none_at_all_or_one_that_only_its_end_tells(
    environ: dict[str, Any], length: int | None
) -> None:
    assert declared_length(environ) == length


@pytest.mark.parametrize(
    "length",
    [
        "5x",
        "-5",
        "+5",
        "1_0",
        "5, 5",
        "5 5",
        " 5",
        "5 ",
        "0x5",
        "5.0",
        "\xb2",
        "\u0664",
        "9223372036854775808",
        "1" * 20,
        "9" * 5000,
    ],
)
def test_a_length_that_is_no_decimal_number_is_400(length: str) -> None:
    with pytest.raises(RequestError, match="not a decimal number") as caught:
        declared_length({"CONTENT_LENGTH": length})

    assert caught.value.status == 400


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "gzip", "identity", "xchunked", "", "chunked,"]
)
def test_a_transfer_coding_other_than_chunked_is_501(coding: str) -> None:
    with pytest.raises(RequestError, match="not chunked") as caught:
        declared_length({**_CHUNKED, "HTTP_TRANSFER_ENCODING": coding})

    assert caught.value.status == 501


@pytest.mark.parametrize("length", ["0", "5", "x"])
def test_a_transfer_coding_beside_a_length_is_400(length: str) -> None:
    with pytest.raises(RequestError, match="both") as caught:
        declared_length({**_CHUNKED, "CONTENT_LENGTH": length})

    assert caught.value.status == 400


def test_where_the_server_does_not_decode_chunks_a_length_is_required() -> None:
    with pytest.raises(RequestError, match="Content-Length") as caught:
        declared_length({"HTTP_TRANSFER_ENCODING": "chunked"})

    assert caught.value.status == 411


@pytest.mark.parametrize(
    ("environ", "may"),
    [
        ({}, False),
        ({"CONTENT_LENGTH": ""}, False),
        ({"CONTENT_LENGTH": "0"}, False),
        ({"CONTENT_LENGTH": "1"}, True),
        ({"CONTENT_LENGTH": "x"}, True),
        ({"HTTP_TRANSFER_ENCODING": "gzip"}, True),
        ({"CONTENT_LENGTH": "0", "HTTP_TRANSFER_ENCODING": "chunked"}, True),
        ({"SERVER_PROTOCOL": "HTTP/1.1"}, False),
        ({"SERVER_PROTOCOL": "HTTP/2"}, True),
    ],
)
def test_a_request_may_have_a_body_whatever_its_framing_is_worth(
    environ: dict[str, Any], may: bool
) -> None:
    assert may_have_body(environ) is may


@pytest.mark.parametrize(("length", "limit"), [(10, 10), (0, 1), (10**12, 0)])
def test_a_body_at_the_limit_or_without_one_is_taken(length: int, limit: int) -> None:
    check_length(length, limit)


def test_a_body_over_the_limit_is_413_and_the_client_does_not_learn_the_limit() -> None:
    with pytest.raises(RequestError, match="larger than 10 bytes") as caught:
        check_length(11, 10)

    assert caught.value.status == 413
    assert caught.value.public == "The body is too large."


@pytest.mark.parametrize(("value", "number"), [("0", 0), ("5", 5), ("0010", 10)])
def test_max_forwards_is_a_decimal_number(value: str, number: int) -> None:
    assert max_forwards({"HTTP_MAX_FORWARDS": value}) == number


@pytest.mark.parametrize("value", ["", "x", "-1", "+1", "1.0", "1, 2", " 1", "9" * 11, "\xb2"])
def test_max_forwards_that_is_no_number_is_400(value: str) -> None:
    with pytest.raises(RequestError, match="Max-Forwards") as caught:
        max_forwards({"HTTP_MAX_FORWARDS": value})

    assert caught.value.status == 400
