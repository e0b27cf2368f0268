"""Responses on their way: what is let go of, and how answers in a row are merged."""

import pytest

from wsgi_scgi.gateway.response import Response, merged_head


class Body:
    """A body that counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> "Body":
        return self

    def __next__(self) -> bytes:
        raise StopIteration

    def close(self) -> None:
        self.closed += 1


def test_a_response_that_is_let_go_of_closes_its_body_once() -> None:
    body = Body()
    response = Response(200, "OK", [], body)

    response.close()
    response.close()

    assert body.closed == 1
    assert response.body == b""


def test_a_response_without_pieces_has_nothing_to_close() -> None:
    response = Response(200, "OK", [], b"whole")

    response.close()

    assert response.body == b""


@pytest.mark.parametrize(
    ("status", "kept", "shown"),
    [
        (200, None, (200, "Its own")),
        (200, (404, "Not Here"), (404, "Not Here")),
        (500, (404, "Not Here"), (404, "Not Here")),
        (302, (401, "Who"), (302, "Its own")),
        (399, (401, "Who"), (399, "Its own")),
    ],
)
def test_a_page_for_an_error_has_the_status_of_that_error_unless_it_leads_elsewhere(
    status: int, kept: tuple[int, str] | None, shown: tuple[int, str]
) -> None:
    assert merged_head((status, "Its own", [("A", "1")]), [], kept) == (*shown, [("A", "1")])


def test_the_fields_of_earlier_answers_are_merged_in() -> None:
    _, _, fields = merged_head((200, "OK", [("A", "1")]), [("Set-Cookie", "a=1")], None)

    assert fields == [("Set-Cookie", "a=1"), ("A", "1")]


def test_what_merging_drops_depends_on_the_second_answer_s_status() -> None:
    earlier = [("Content-Type", "text/plain"), ("A", "1")]

    assert merged_head((304, "Not Modified", []), earlier, None)[2] == [("A", "1")]
