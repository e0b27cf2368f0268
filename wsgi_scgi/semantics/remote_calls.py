"""Remote calls as rTorrent takes them: XML-RPC and JSON-RPC 2.0, read strictly and written anew.

What is forwarded is written from what was read here, so that no second parser can see another
call than the one that was judged: no comments, entities, encodings or repeated names are left.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

_DEEPEST = 32
_CONTAINERS = {
    "methodCall": ("methodName", "params"),
    "params": ("param",),
    "param": ("value",),
    "array": ("data",),
    "data": ("value",),
    "struct": ("member",),
    "member": ("name", "value"),
}
_SCALARS = frozenset(
    {"i4", "int", "i8", "boolean", "string", "double", "base64", "dateTime.iso8601", "nil"}
)
_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Call:
    """A method and its parameters: strings, lists, dicts, and None for whatever else."""

    method: str
    parameters: list[Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """What a body asks for, and the body that asks for just this."""

    calls: list[Call]
    body: bytes


def read_json_calls(body: bytes) -> Calls:
    """Read a JSON-RPC request or batch; raise ValueError for whatever is not plainly one."""
    try:
        document = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None
    requests = document if isinstance(document, list) else [document]
    if not requests:
        raise ValueError("the batch is empty")
    calls = [call for request in requests for call in _json_call(request)]
    return Calls(calls, json.dumps(document, allow_nan=False).encode("ascii"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated in a JSON object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _json_call(request: Any) -> Iterator[Call]:
    if not isinstance(request, dict):
        raise ValueError("a request is no JSON object")
    method, parameters = request.get("method"), request.get("params", [])
    if not isinstance(method, str) or not isinstance(parameters, list):
        raise ValueError("a request has no method, or no list of parameters")
    return calls_within(Call(method, parameters))


def read_xml_calls(body: bytes) -> Calls:
    """Read an XML-RPC methodCall; raise ValueError for whatever is not plainly one."""
    reader = _Reader()
    call = reader.read(body)
    written = '<?xml version="1.0" encoding="UTF-8"?>' + "".join(reader.written)
    return Calls(list(calls_within(call)), written.encode())


def calls_within(call: Call) -> Iterator[Call]:
    """Yield the call itself, or, for system.multicall, all that it holds.

    Raises ValueError for a system.multicall that is not a list of calls.
    """
    pending = [call]
    while pending:
        one = pending.pop()
        yield one
        if one.method == "system.multicall":
            match [item for item in one.parameters if item != ""]:
                case [list(items)]:
                    pending += map(_member_of_multicall, items)
                case _:
                    raise ValueError("system.multicall takes one list of calls")


def _member_of_multicall(item: Any) -> Call:
    match item:
        case {"methodName": str(method), "params": list(parameters), **others} if not others:
            return Call(method, parameters)
    raise ValueError("a call in system.multicall is not a methodName and params")


@dataclass(slots=True)
class _Element:
    name: str
    text: list[str] = field(default_factory=list)
    children: list["_Element"] = field(default_factory=list)

    def scalar(self) -> str:
        """Return the text of an element that has nothing else."""
        return "".join(self.text)

    def value(self) -> Any:
        """Return what a ``value`` holds."""
        if not self.children:
            return self.scalar()
        child = self.children[0]
        match child.name:
            case "string":
                return child.scalar()
            case "array":
                data = child.children[0].children if child.children else []
                return [item.value() for item in data]
            case "struct":
                return _object([_member(member) for member in child.children])
        return None


def _member(member: _Element) -> tuple[str, Any]:
    match [child.name for child in member.children]:
        case ["name", "value"]:
            name, value = member.children
            return name.scalar(), value.value()
    raise ValueError("a member of a struct is not a name and a value")


class _Reader:
    """Feeds expat, keeps the tree, and writes each element anew."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._open: list[_Element] = [_Element("")]

    def read(self, body: bytes) -> Call:
        if not body.lstrip(b"\xef\xbb\xbf" + _BLANKS.encode()).startswith(b"<"):
            raise ValueError("the body is not XML in UTF-8")
        # The encoding given here overrides whatever the document declares.
        parser = expat.ParserCreate("UTF-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._refuse
        parser.CommentHandler = self._refuse
        parser.ProcessingInstructionHandler = self._refuse
        parser.StartCdataSectionHandler = self._refuse
        parser.buffer_text = True
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise ValueError(f"the XML is not well-formed: {error}") from None
        return _call(self._open[0].children[0])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._open[-1]
        if attributes or not _may_hold(parent, name) or len(self._open) > 4 * _DEEPEST:
            raise ValueError(f"the element {name!a} is not expected where it stands")
        element = _Element(name)
        parent.children.append(element)
        self._open.append(element)
        self.written.append(f"<{name}>")

    def _end(self, name: str) -> None:
        element = self._open.pop()
        text = element.scalar()
        if element.name in _CONTAINERS or element.children:
            if text.strip(_BLANKS):
                raise ValueError(f"there is text in the element {name}")
        else:
            self.written.append(escape(text, {"\r": "&#13;"}))
        self.written.append(f"</{name}>")

    def _characters(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        del version, standalone
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise ValueError("the XML is not in UTF-8")

    def _refuse(self, *_: object) -> NoReturn:
        raise ValueError("the XML has a document type, a comment, an instruction or CDATA")


def _may_hold(parent: _Element, name: str) -> bool:
    if parent.name == "":
        return name == "methodCall"
    if parent.name == "value":
        return not parent.children and (name in _SCALARS or name in ("array", "struct"))
    if parent.name in ("param", "array") and parent.children:
        return False
    return name in _CONTAINERS.get(parent.name, ())


def _call(element: _Element) -> Call:
    match [child.name for child in element.children]:
        case ["methodName"]:
            return Call(element.children[0].scalar(), [])
        case ["methodName", "params"]:
            method, params = element.children
            values = [value for param in params.children for value in param.children]
            return Call(method.scalar(), [value.value() for value in values])
    raise ValueError("the methodCall is not one methodName and one params")
