"""Files in place of a backend's body: which order counts, what remains, what is released."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.steps import answer, answering, is_dropped, request
from wsgi_scgi.files.aliases import Aliases
from wsgi_scgi.files.body import FileBody
from wsgi_scgi.files.root import FileMissing, FileRefused, Roots
from wsgi_scgi.gateway.response import Foreign, LocalRedirect, Response
from wsgi_scgi.proxy.sendfile import SendFile

CONTENT = b"0123456789"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with a file in it, and one beside it."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").write_bytes(CONTENT)
    (root / "caf\N{LATIN SMALL LETTER E WITH ACUTE}.txt").write_bytes(CONTENT)
    (root / "empty.txt").touch()
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return root


def sent(
    root: Path,
    response: Response,
    *,
    method: str = "GET",
    step: SendFile | None = None,
    **fields: str,
) -> Response:
    """Return what becomes of an answer; ``fields`` are those of the request."""
    if step is None:
        step = SendFile(answering(response), field="x-sendfile", roots=Roots([str(root)]))
    variables = {f"HTTP_{name.upper()}": value for name, value in fields.items()}
    outcome = step(request("/x", method=method, **variables))
    assert isinstance(outcome, Response)
    return outcome


def content(response: Response) -> bytes:
    """Return the body of a response, which is closed then."""
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    response.close()
    return body


def naming(name: object, status: int = 200, **others: object) -> Response:
    """Return a backend's answer that names a file."""
    fields = others.pop("fields", [("Content-Type", "text/x"), ("Set-Cookie", "a=1")])
    assert isinstance(fields, list)
    return answer(status, fields, control={"x-sendfile": str(name)})


def test_a_file_stands_in_the_place_of_the_body(root: Path) -> None:
    response = naming(root / "a.txt")
    body = response.body
    outcome = sent(root, response)
    assert is_dropped(body)
    assert (outcome.status, outcome.reason) == (200, "As the Backend Says")
    assert isinstance(outcome.body, FileBody)
    fields = dict(outcome.fields)
    assert fields["Content-Type"] == "text/x"
    assert fields["Set-Cookie"] == "a=1"
    assert fields["Content-Length"] == "10"
    assert {"Last-Modified", "ETag", "Accept-Ranges"} <= fields.keys()
    assert outcome.control == {}
    assert content(outcome) == CONTENT


def test_the_name_is_bytes_and_is_decoded_zero_times(root: Path) -> None:
    name = os.fsencode(root / "caf\N{LATIN SMALL LETTER E WITH ACUTE}.txt").decode("latin-1")
    assert content(sent(root, naming(name))) == CONTENT
    for other in (f"{root}/a%2Etxt", f"{root}/a.txt ", f"{root}/a.txt/", f"{root}/A.txt"):
        with pytest.raises(FileMissing):
            sent(root, naming(other))


def test_what_the_backend_did_not_say_is_taken_from_the_file(root: Path) -> None:
    outcome = sent(root, naming(root / "a.txt", fields=[("Content-Length", "4")]))
    assert dict(outcome.fields)["Content-Type"].startswith("text/plain")
    assert [value for name, value in outcome.fields if name == "Content-Length"] == ["10"]
    outcome.close()


@pytest.mark.parametrize("status", [201, 302, 404, 500])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_status_stays_and_the_file_is_its_whole_body(
    root: Path, status: int, method: str
) -> None:
    outcome = sent(root, naming(root / "a.txt", status), method=method, range="bytes=0-1")
    assert (outcome.status, outcome.reason) == (status, "As the Backend Says")
    assert content(outcome) == CONTENT


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_content_sends_no_file(root: Path, status: int) -> None:
    outcome = sent(root, naming(root / "a.txt", status))
    assert (outcome.status, outcome.body) == (status, b"")
    assert "Content-Length" not in dict(outcome.fields)


@pytest.mark.parametrize("status", [200, 404])
def test_to_head_the_file_is_described_only(root: Path, status: int) -> None:
    outcome = sent(root, naming(root / "a.txt", status), method="HEAD")
    assert (outcome.status, outcome.body) == (status, b"")
    assert dict(outcome.fields)["Content-Length"] == "10"


def test_an_empty_file_has_no_pieces(root: Path) -> None:
    outcome = sent(root, naming(root / "empty.txt"))
    assert (outcome.body, dict(outcome.fields)["Content-Length"]) == (b"", "0")


def test_a_range_is_a_part_of_the_file(root: Path) -> None:
    outcome = sent(root, naming(root / "a.txt"), range="bytes=2-4")
    assert outcome.status == 206
    assert dict(outcome.fields)["Content-Range"] == "bytes 2-4/10"
    assert content(outcome) == b"234"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 206])
def test_a_refusal_of_ours_has_a_page(root: Path, method: str, status: int) -> None:
    outcome = sent(root, naming(root / "a.txt", status), method=method, if_match='"other"')
    assert (outcome.status, outcome.reason) == (412, "Precondition Failed")
    assert isinstance(outcome.body, bytes)
    assert (b"The file is not the one" in outcome.body) is (method == "GET")
    assert str(root).encode() not in outcome.body
    assert [v for n, v in outcome.fields if n.lower() == "cache-control"] == ["no-store"]


def test_a_range_outside_of_the_file_is_416_with_its_size(root: Path) -> None:
    outcome = sent(root, naming(root / "a.txt"), range="bytes=10-")
    assert outcome.status == 416
    assert dict(outcome.fields)["Content-Range"] == "bytes */10"
    assert b"no such range" in content(outcome)


@pytest.mark.parametrize("status", [412, 416])
def test_a_refusal_of_the_backend_s_own_has_the_file(root: Path, status: int) -> None:
    outcome = sent(root, naming(root / "a.txt", status))
    assert (outcome.status, outcome.reason) == (status, "As the Backend Says")
    assert content(outcome) == CONTENT
    empty = sent(root, naming(root / "empty.txt", status))
    assert (empty.status, empty.body) == (status, b"")


def test_not_modified_has_neither_body_nor_page(root: Path) -> None:
    outcome = sent(root, naming(root / "a.txt"), if_none_match="*")
    assert (outcome.status, outcome.body) == (304, b"")
    assert "Content-Type" not in dict(outcome.fields)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("{root}/missing", FileMissing),
        ("{root}", FileRefused),
        ("{root}/../secret.txt", FileRefused),
        ("{root}/a.txt, {root}/a.txt", FileMissing),  # two fields, joined
        ("/etc/passwd", FileRefused),
        ("a.txt", FileRefused),
        ("", FileRefused),
    ],
)
def test_a_file_that_cannot_be_sent_lets_go_of_the_answer(
    root: Path, name: str, error: type[Exception]
) -> None:
    response = naming(name.format(root=root))
    body = response.body
    with pytest.raises(error):
        sent(root, response)
    assert is_dropped(body)


@pytest.mark.usefixtures("nothing_left_open")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "fields", [{}, {"if_none_match": "*"}, {"if_match": '"x"'}, {"range": "bytes=99-"}]
)
def test_no_descriptor_stays_open(root: Path, method: str, fields: dict[str, Any]) -> None:
    for name in ("a.txt", "empty.txt"):
        sent(root, naming(root / name), method=method, **fields).close()


@pytest.mark.usefixtures("nothing_left_open")
def test_a_failure_on_the_way_closes_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wsgi_scgi.proxy.sendfile.answer_with_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sent(root, naming(root / "a.txt"))


# X-Accel-Redirect, and both


def accelerated(response: Response, root: Path, *, files: bool = False) -> SendFile:
    """Return the step of a route with a table of aliases, and perhaps with roots."""
    return SendFile(
        answering(response),
        field="x-sendfile" if files else "",
        roots=Roots([str(root)]) if files else None,
        aliases=Aliases({"/protected/": str(root)}),
    )


def test_a_uri_is_mapped_by_the_table(root: Path) -> None:
    response = answer(control={"x-accel-redirect": "/protected/a%2Etxt?x"})
    body = response.body
    assert content(sent(root, response, step=accelerated(response, root))) == CONTENT
    assert is_dropped(body)


def test_a_uri_outside_of_the_table_is_missing(root: Path) -> None:
    response = answer(control={"x-accel-redirect": f"{root}/a.txt"})
    body = response.body
    with pytest.raises(FileMissing):
        sent(root, response, step=accelerated(response, root))
    assert is_dropped(body)


def test_of_both_orders_the_file_counts(root: Path) -> None:
    control = {"x-sendfile": f"{root}/a.txt", "x-accel-redirect": "/protected/missing"}
    response = answer(control=control)
    outcome = sent(root, response, step=accelerated(response, root, files=True))
    assert content(outcome) == CONTENT


def test_beside_roots_a_uri_still_counts(root: Path) -> None:
    response = answer(control={"x-accel-redirect": "/protected/a.txt"})
    step = accelerated(response, root, files=True)
    assert content(sent(root, response, step=step)) == CONTENT


# Nothing to do


@pytest.mark.parametrize("control", [{}, {"location": "/x"}, {"x-accel-redirect": "/x"}])
def test_an_answer_without_the_order_passes_with_its_other_orders(
    root: Path, control: dict[str, str]
) -> None:
    response = answer(control=control)
    assert sent(root, response) is response
    assert response.control == control
    assert not is_dropped(response.body)


def test_what_is_no_response_yet_is_left_alone(root: Path) -> None:
    for outcome in (LocalRedirect("/x", []), Foreign(lambda _, __: [], {})):
        step = SendFile(answering(outcome), field="x-sendfile", roots=Roots([str(root)]))
        assert step(request("/x")) is outcome
