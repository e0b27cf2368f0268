"""Compiled twins: which form is used, and that nobody can tell them apart but by a clock."""

import contextlib
import os
import random
import re
import socket
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.environs import changed, server_environ
from tests.twins import both
from wsgi_scgi import compiled
from wsgi_scgi.compiled import MODULES, PURE, TWINS, compiled_in, in_use, is_complete
from wsgi_scgi.errors import RequestError
from wsgi_scgi.gateway.request import Request
from wsgi_scgi.gateway.variables import VariableRules
from wsgi_scgi.scgi.response_head import MAX_LINE, MAX_LINES
from wsgi_scgi.semantics.path import PathInfo
from wsgi_scgi.semantics.target import parse_target
from wsgi_scgi.worker.plain_head import HeadLimits

ROOT = Path(compiled.__file__).parent


def decorated() -> dict[str, Path]:
    """Return what the package's source gives a twin, with the twin's source."""
    found = {}
    for module in ROOT.rglob("*.py"):
        pattern = r'^@compiled_in\("wsgi_scgi\.([\w.]+)"\)\n(?:def|class) (\w+)'
        for extension, name in re.findall(pattern, module.read_text(), re.MULTILINE):
            found[name] = ROOT.joinpath(*extension.split(".")).with_suffix(".pyx")
    return found


def module_name(path: Path) -> str:
    """Return the name of the module whose file this is."""
    return ".".join(("wsgi_scgi", *path.relative_to(ROOT).with_suffix("").parts))


def answer(question: str) -> str:
    """Say which form was asked."""
    return f"reference: {question}"


class Workshop:
    """A directory of extension modules, as far as the import system can tell."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def make(self, name: str, text: str, source: str | None = None) -> None:
        """Write an extension, and the source that it says it was built from or another."""
        (self._directory / f"{name}.py").write_text(text)
        if source is not None:
            (self._directory / f"{name}.pyx").write_text(source)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.delenv(PURE, raising=False)
    monkeypatch.setattr(compiled, "TWINS", {})
    monkeypatch.setattr(compiled, "MODULES", ())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return Workshop(tmp_path)


_ANSWER = "def answer(question):\n    return f'compiled: {question}'\n"


def test_the_compiled_form_is_used_where_there_is_one(workshop: Workshop) -> None:
    workshop.make("_twin", f"SOURCE = 1\n{_ANSWER}")

    chosen = compiled_in("_twin")(answer)

    assert chosen("x") == "compiled: x"
    twins = compiled.TWINS["answer"]
    assert (twins.reference, twins.compiled, twins.missing) == (answer, chosen, "")
    assert in_use() == "answer"


def test_an_extension_beside_the_source_that_it_was_built_from_is_used(workshop: Workshop) -> None:
    workshop.make("_twin", f"SOURCE = {zlib.crc32(b'source')}\n{_ANSWER}", "source")

    assert compiled_in("_twin")(answer)("x") == "compiled: x"


@pytest.mark.parametrize("pure", ["1", "0", "yes"])
def test_the_environment_can_switch_all_twins_off(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, pure: str
) -> None:
    monkeypatch.setenv(PURE, pure)
    workshop.make("_twin", f"SOURCE = 1\n{_ANSWER}")

    assert compiled_in("_twin")(answer) is answer
    assert in_use() == "not answer (WSGI_SCGI_PURE is set)"


def test_an_empty_variable_switches_nothing_off(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PURE, "")
    workshop.make("_twin", f"SOURCE = 1\n{_ANSWER}")

    assert compiled_in("_twin")(answer) is not answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import _absent_module\n", "No module named '_absent_module'"),
        ("raise ImportError('undefined symbol')\n", "undefined symbol"),
        ("raise TypeError('of another time')\n", "of another time"),
        ("SOURCE = 1\n", "has no attribute 'answer'"),
        (f"SOURCE = 1\n{_ANSWER}", "built from another source"),
        (_ANSWER, "has no attribute 'SOURCE'"),
    ],
)
def test_an_extension_that_does_not_fit_costs_speed_and_nothing_else(
    workshop: Workshop, text: str, reason: str
) -> None:
    workshop.make("_twin", text, "source" if "SOURCE" in reason or "source" in reason else None)

    assert compiled_in("_twin")(answer) is answer
    assert reason in compiled.TWINS["answer"].missing


def test_an_extension_that_was_not_built_is_told_in_words(workshop: Workshop) -> None:
    workshop.make("_other", f"SOURCE = 1\n{_ANSWER.replace('answer', 'another')}")

    def another(question: str) -> str:
        return question

    assert compiled_in("_twin")(answer) is answer
    compiled_in("_other")(another)
    assert in_use() == "another; not answer (not built: Cython or a C compiler was missing)"


def test_each_twin_has_its_source() -> None:
    for module in ROOT.rglob("*.py"):
        if "@compiled_in(" in module.read_text():
            import_module(module_name(module))

    twins = decorated()

    assert set(TWINS) == set(twins)
    assert all(source.exists() for source in twins.values())


def test_modules_that_have_their_types_beside_them_are_those_that_are_compiled() -> None:
    typed = [path for path in ROOT.rglob("*.pxd") if path.with_suffix(".py").exists()]

    assert sorted(map(module_name, typed)) == sorted(MODULES)


class House:
    """A package with two modules that may be compiled, as far as files tell."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "house"
        self.directory.mkdir()
        self._now = time.time()
        for room in ("room", "cellar"):
            for ending in (".py", EXTENSION_SUFFIXES[0]):
                self.age(f"{room}{ending}", 10)

    def age(self, name: str, seconds: int) -> None:
        """Make a file that was last changed so many seconds before the house was built."""
        path = self.directory / name
        path.write_text("")
        moment = self._now - seconds
        os.utime(path, (moment, moment))

    def source(self) -> str | None:
        """Return the source of the room that is to be run; None for what is compiled."""
        (finder,) = sys.meta_path
        spec = finder.find_spec("house.room", None, None)
        return spec.origin if spec is not None else None


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.delenv(PURE, raising=False)
    monkeypatch.setattr(compiled, "MODULES", ("house.room", "house.cellar"))
    monkeypatch.setattr(compiled, "SITE", tmp_path)
    finder = next(one for one in sys.meta_path if type(one).__module__ == compiled.__name__)
    monkeypatch.setattr(sys, "meta_path", [finder])
    return House(tmp_path)


def test_what_is_compiled_is_left_to_python_s_own_search(house: House) -> None:
    assert house.source() is None


def test_the_environment_can_choose_the_source_of_a_module(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PURE, "1")

    assert house.source() == str(house.directory / "room.py")


@pytest.mark.parametrize(
    ("source", "types", "is_stale"), [(20, 20, False), (5, 20, True), (20, 5, True)]
)
def test_in_a_checkout_what_was_compiled_before_the_last_change_is_not_used(
    house: House, source: int, types: int, is_stale: bool
) -> None:
    house.age("room.py", source)
    house.age("room.pxd", types)

    assert (house.source() is not None) is is_stale


def test_where_one_module_cannot_be_used_none_is(house: House) -> None:
    house.age("cellar.pxd", 5)

    assert house.source() == str(house.directory / "room.py")


def test_an_installation_has_no_types_and_so_no_question_of_age(house: House) -> None:
    house.age("room.py", 0)

    assert house.source() is None


def test_where_nothing_is_compiled_the_source_is_run(house: House) -> None:
    (house.directory / f"room{EXTENSION_SUFFIXES[0]}").unlink()

    assert house.source() == str(house.directory / "room.py")


def test_modules_of_others_are_nobody_s_business_here(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PURE, "1")
    (finder,) = sys.meta_path

    assert house.source() is not None
    assert finder.find_spec("house.other", [str(house.directory)], None) is None


def test_modules_that_are_not_compiled_are_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "TWINS", {})
    monkeypatch.setattr(compiled, "MODULES", ("wsgi_scgi.edge", "wsgi_scgi.absent"))
    monkeypatch.setenv(PURE, "1")

    assert in_use() == "not edge (WSGI_SCGI_PURE is set)"
    assert not is_complete()
    monkeypatch.setattr(compiled, "MODULES", ())
    assert is_complete()


# From here on: the same outcome from both forms.


def outcome(function: Callable[..., object], *arguments: Any) -> object:
    """Return the result, a mapping with its order, or the type and message of the exception."""
    try:
        result = function(*arguments)
    except Exception as error:
        return type(error), str(error)
    return (dict, list(result.items())) if isinstance(result, Mapping) else result


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return ``data`` with a few bytes replaced, removed, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randrange(1, 8)]
            case 2:
                changed[at:at] = changed[at : at + chance.randrange(1, 30)]
            case 3:
                changed[at:at] = chance.choice([b"\r", b"\n", b"\r\n", b":", b" ", b"\0", b"%"])
            case _:
                del changed[at:]
    return bytes(changed)


_TEXT = st.one_of(
    st.text(st.characters(min_codepoint=0, max_codepoint=0x101), max_size=20),
    st.sampled_from(["", "SCGI", "CONTENT_LENGTH", "A\0B", "\u20ac", "\udc80", "x" * 300]),
)


class Text(str):
    """A string that is none to whoever looks closely."""

    __slots__ = ()


@given(
    st.one_of(st.integers(-5, 2**70), st.booleans(), st.text(max_size=3)),
    st.dictionaries(_TEXT, st.one_of(_TEXT, _TEXT.map(Text), st.none()), max_size=12),
    st.sampled_from([0, -1, 30, 60, 100, 400, 65536, 2**80, 61.5]),
)
def test_both_forms_encode_alike(content_length: Any, variables: Any, limit: Any) -> None:
    reference, twin = both("encode_request_head")

    def encode(form: Callable[..., object]) -> Callable[..., object]:
        return lambda: form(content_length, variables, limit=limit)

    assert outcome(encode(twin)) == outcome(encode(reference))


@pytest.mark.parametrize("variables", [None, [], [("A", "b")], {1: "x"}, {"A": 1}, {"A": b"x"}])
def test_both_forms_refuse_alike_what_is_no_mapping_of_strings(variables: Any) -> None:
    reference, twin = both("encode_request_head")

    assert outcome(twin, 0, variables) == outcome(reference, 0, variables)


def test_both_forms_count_the_bytes_of_a_block_alike() -> None:
    reference, twin = both("encode_request_head")

    for size in (0, 1, 9, 73, 74, 75, 76, 973, 975, 65509, 65510, 65511, 65512):
        assert outcome(twin, 7, {"A": "x" * size}) == outcome(reference, 7, {"A": "x" * size})


_SOMETHING = st.one_of(st.none(), _TEXT, _TEXT.map(Text), st.integers(0, 99999))
_PATHS = st.lists(
    st.sampled_from(["/", "//", "/.", "a", ".", "..", "%41", "%2F", "%zz", "?", "#", " ", "\xe9"]),
    max_size=5,
).map(lambda pieces: "/" + "".join(pieces))
_HOSTS = st.sampled_from(["a.test", "A.Test:8080", "[::1]:81", "", "a b", "a:0", "a:", "a:99999"])
_ENVIRONS = st.fixed_dictionaries(
    {
        "REQUEST_METHOD": st.sampled_from(["GET", "HEAD", "POST", "PUT", "TRACE", "", Text("GET")]),
        "RAW_URI": st.one_of(_PATHS, _SOMETHING),
        "PATH_INFO": st.one_of(_PATHS, _SOMETHING),
        "SERVER_PROTOCOL": st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
        "SERVER_NAME": st.just("127.0.0.1"),
        "SERVER_PORT": st.just("8000"),
        "wsgi.url_scheme": st.sampled_from(["http", "https", Text("https")]),
    },
    optional={
        "QUERY_STRING": _SOMETHING,
        "SCRIPT_NAME": st.sampled_from(["", "", "/", "/a", None]),
        "HTTP_HOST": st.one_of(_HOSTS, _SOMETHING),
        "HTTP_": st.just("x"),
        "SERVER_ADDR": _SOMETHING,
        "SERVER_SOFTWARE": _SOMETHING,
        "REMOTE_PORT": _SOMETHING,
        "CONTENT_TYPE": _SOMETHING,
        "HTTP_ACCEPT": _SOMETHING,
        "HTTP_CONNECTION": st.one_of(
            st.sampled_from(["close", "keep-alive", "Close", "close, accept", "", "TE"]), _SOMETHING
        ),
        "HTTP_CLOSE": st.just("1"),
        "HTTP_X.DOT": st.just("1"),
        "HTTP_PROXY": st.just("http://evil"),
        "HTTP_MAX_FORWARDS": st.sampled_from(["5", "x"]),
        "REMOTE_USER": _SOMETHING,
        1: st.just("no name"),
    },
)
_AGREES = st.sampled_from([True, True, False])


def agreeing(environ: dict[str, Any], agrees: bool) -> dict[str, Any]:
    """Let target and PATH_INFO be of one path, as servers do."""
    if agrees and isinstance(environ["RAW_URI"], str):
        environ["PATH_INFO"] = environ["RAW_URI"].partition("?")[0]
    return environ


@given(_ENVIRONS, _AGREES)
def test_both_forms_understand_the_same_by_a_request(environ: dict[str, Any], agrees: bool) -> None:
    reference, twin = both("control_data")
    environ = agreeing(environ, agrees)

    assert outcome(twin, environ) == outcome(reference, environ)


@pytest.mark.parametrize("name", ["REQUEST_METHOD", "PATH_INFO", "RAW_URI", "wsgi.url_scheme"])
def test_both_forms_understand_the_same_where_something_is_missing(name: str) -> None:
    reference, twin = both("control_data")
    environ = changed(server_environ("/a?b"), {name: None})

    assert outcome(twin, environ) == outcome(reference, environ)
    assert outcome(twin, MappingProxyType(environ)) == outcome(reference, environ)


_VARIABLE_RULES = st.builds(
    VariableRules,
    base=st.sampled_from(["/", "/base/"]),
    path_info=st.sampled_from(PathInfo),
    document_root=st.sampled_from(["", "/srv"]),
    pass_authorization=st.sampled_from([True, True, False]),
    configured=st.sampled_from([{}, {}, {"HTTP_ACCEPT": False, "APP_ENV": "prod"}]),
)


@given(
    _ENVIRONS,
    _VARIABLE_RULES,
    st.sampled_from(
        [None, {}, {"BALANCER_NAME": "balancer://pool"}, {"A": "b\0c"}, {"A": "\u20ac"}]
    ),
    st.sampled_from([0, 100, 300, 65536]),
)
def test_both_forms_write_the_same_head_of_a_request(
    environ: dict[str, Any], rules: VariableRules, added: dict[str, str] | None, limit: int
) -> None:
    reference, twin = both("request_head")
    try:
        request = Request(agreeing(environ, True))
    except (RequestError, KeyError, TypeError):
        return

    arguments = (request, rules, added, limit)
    assert outcome(twin, *arguments) == outcome(reference, *arguments)


def test_both_forms_find_the_same_address_that_a_client_connected_to() -> None:
    reference, twin = both("request_head")
    found = []
    with contextlib.ExitStack() as stack:
        connections: list[socket.socket] = [*socket.socketpair(), socket.socket(), socket.socket()]
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "::1"):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.create_server((host, 0), family=family) as listener:
                address = listener.getsockname()[:2]
                connections.append(socket.create_connection(address, source_address=(host, 0)))
        for connection in connections:
            stack.enter_context(connection)
        connections[2].close()

        for connection in connections:
            request = Request(server_environ(gunicorn__socket=connection))
            heads = [form(request, VariableRules(), None, 65536) for form in (reference, twin)]
            assert heads[0] == heads[1]
            _, _, address = heads[1].partition(b"\0SERVER_ADDR\0")
            found.append(address.partition(b"\0")[0].decode())

    assert found == ["", "", "", "0.0.0.0", "127.0.0.1", "127.0.0.2", "127.0.0.1", "::1"]


@pytest.mark.parametrize("size", [15_000, 15_900, 16_000, 17_000])
def test_both_forms_write_the_same_head_however_long_it_is(size: int) -> None:
    reference, twin = both("request_head")
    request = Request(server_environ("/", HTTP_COOKIE="x" * size))

    arguments = (request, VariableRules(), None, 65536)
    assert outcome(twin, *arguments) == outcome(reference, *arguments)


def test_both_forms_write_the_same_head_before_a_body_and_behind_a_redirect() -> None:
    reference, twin = both("request_head")
    posted = Request(server_environ("/", method="POST", body=b"hello"))
    posted.open_body(timeout=1.0, max_body=0)
    redirected = posted.redirected(parse_target("/b"), status=200)

    for request in (posted, redirected):
        arguments = (request, VariableRules(), None, 65536)
        assert outcome(twin, *arguments) == outcome(reference, *arguments)


_RESPONSE = (
    b"Status: 200 OK\r\nContent-Type: text/html\nContent-Length: 13\r\nETag: a\r\netag: b\r\n"
    b"Location: /x\r\nSet-Cookie: a=1\r\nSet-Cookie:b=2 \t\r\nServer: x\r\nLast-Modified: y\r\n"
    b"Content-Range: z\r\nDate: 1\r\nExpires: 2\r\nX-\xe9: 1\r\n\r\nHello, world\n"
)
_RESPONSE_PIECES = st.sampled_from(
    [
        *_RESPONSE.splitlines(keepends=True),
        b"\r\n",
        b"\n",
        b"\r",
        b"Status: 404\r\n",
        b"Status:404 \t Not  Here \r\n",
        b"Status: 103\n",
        b"Status: 101\n",
        b"Status: 600\n",
        b"Status: 20\n",
        b"Status: 2000\n",
        b"Status: 200\t\xe9\n",
        b"Content-Length: 9223372036854775807\n",
        b"content-length: 9223372036854775808\n",
        b"content-length: 99999999999999999999\n",
        b"content-length:\n",
        b"LOCATION: \n",
        b"location: /y\n",
        b"Transfer-Encoding: chunked\n",
        b"HTTP/1.1 200 OK\n",
        b"X:\n",
        b" folded\n",
        b"X y: 1\n",
        b"X: \x7f\n",
    ]
)


@given(st.one_of(st.lists(_RESPONSE_PIECES, max_size=8).map(b"".join), st.binary(max_size=40)))
def test_both_forms_parse_the_same_response_heads(data: bytes) -> None:
    reference, twin = both("parse_whole_head")

    assert outcome(twin, data) == outcome(reference, data)


def test_both_forms_know_the_same_limits_of_a_response_head() -> None:
    reference, twin = both("parse_whole_head")

    for lines in (MAX_LINES - 1, MAX_LINES, MAX_LINES + 1, 5000):
        head = b"X:\n" * lines + b"\n"
        assert twin(head) == reference(head)
    for size in range(MAX_LINE - 4, MAX_LINE + 3):
        head = b"X:" + b"y" * (size - 4) + b"\n\n"
        assert len(head) == size
        assert twin(head) == reference(head)
        assert (twin(head) is None) == (size > MAX_LINE)


def test_both_forms_take_mutated_response_heads_alike() -> None:
    reference, twin = both("parse_whole_head")
    chance = random.Random(4)
    plain = _RESPONSE.replace(b"X-\xe9: 1\r\n", b"")
    assert twin(plain) is not None

    for _ in range(10000):
        data = mutated(plain, chance)
        assert outcome(twin, data) == outcome(reference, data), data


_REQUEST = (
    b"GET /a/%41%%4g%4?page=2&x=%41 HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: x/1\r\n"
    b"Accept: */*\r\nCookie: a=\xe9 \t\r\nConnection: Keep-Alive\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 12\r\nX-Empty:\r\nPriority:u=0, i\r\nX-2: \t y\r\n"
)


def test_both_forms_take_mutated_request_heads_alike() -> None:
    reference, twin = both("plain_environ")
    chance = random.Random(4)
    base = {"SERVER_PROTOCOL": "HTTP/1.1"}
    limits = HeadLimits(request_line=60, fields=12, field_size=60)
    assert twin(_REQUEST, len(_REQUEST) - 2, base, limits) is not None

    for _ in range(10000):
        data = mutated(_REQUEST, chance)
        end = chance.choice([len(data) - 2, len(data) - 2, len(data), len(data) + 9, 0, -2])
        ours = outcome(twin, data, end, base, limits)
        assert ours == outcome(reference, data, end, base, limits), (data, end)
    assert base == {"SERVER_PROTOCOL": "HTTP/1.1"}
