"""Remote calls: read strictly, written anew, and nothing else let through."""

import codecs
import datetime
import json
import xmlrpc.client
from typing import Any

import pytest

from wsgi_scgi.semantics.remote_calls import Call, calls_within, read_json_calls, read_xml_calls

NAME = "<methodName>a.b</methodName>"


def xml(inside: str) -> bytes:
    return f"<methodCall>{inside}</methodCall>".encode()


def value(inside: str) -> bytes:
    return xml(f"{NAME}<params><param><value>{inside}</value></param></params>")


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        ("", "a&b<c>\r\n\"é'", 1, True, 1.5),
        ([], {}, [["x"], {"y": {"z": ["w"]}}]),
        (xmlrpc.client.Binary(b"\0\xff"), datetime.datetime(2026, 1, 2)),
    ],
)
def test_what_the_standard_client_writes_comes_out_as_it_was(parameters: tuple[Any, ...]) -> None:
    body = xmlrpc.client.dumps(parameters, "a.b").encode()
    calls = read_xml_calls(body)
    assert [call.method for call in calls.calls] == ["a.b"]
    assert xmlrpc.client.loads(calls.body) == xmlrpc.client.loads(body)
    assert read_xml_calls(calls.body) == calls


def test_values_are_strings_lists_and_dicts_and_others_do_not_matter() -> None:
    body = xmlrpc.client.dumps(("s", 1, ["t", {"k": "v"}]), "m").encode()
    assert read_xml_calls(body).calls == [Call("m", ["s", None, ["t", {"k": "v"}]])]
    assert read_xml_calls(value("bare")).calls == [Call("a.b", ["bare"])]
    assert read_xml_calls(xml(NAME)).calls == [Call("a.b", [])]
    assert read_xml_calls(value("<array/>")).calls == [Call("a.b", [[]])]


def test_references_are_resolved_before_anybody_judges() -> None:
    body = xml("<methodName>ex&#101;cute</methodName>")
    assert read_xml_calls(body).calls == [Call("execute", [])]
    assert b"<methodName>execute</methodName>" in read_xml_calls(body).body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"execute",
        b"<methodCall>",
        xml(""),
        xml("<params></params>"),
        xml(NAME + NAME),
        xml(f"{NAME}<params/>" + NAME),
        xml(f"{NAME}<params/><params/>"),
        xml("<methodName>a<!-- b -->c</methodName>"),
        xml("<methodName><![CDATA[execute]]></methodName>"),
        xml("<methodName>a<?b c?></methodName>"),
        xml("<methodName><b/>a</methodName>"),
        xml('<methodName a="b">c</methodName>'),
        xml(f"text{NAME}"),
        xml(f"<other/>{NAME}"),
        xml(NAME) + xml(NAME),
        xml(NAME) + b"execute",
        b"<methodResponse/>",
        b'<!DOCTYPE m [<!ENTITY e "execute">]>' + xml("<methodName>&e;</methodName>"),
        b'<!DOCTYPE m SYSTEM "http://127.0.0.1/">' + xml(NAME),
        xml("<methodName>&undefined;</methodName>"),
        codecs.BOM_UTF16_LE + xml(NAME).decode().encode("utf-16-le"),
        xml(NAME).decode().encode("utf-16-be"),
        b'<?xml version="1.0" encoding="UTF-7"?>' + xml(NAME),
        b'<?xml version="1.0" encoding="UTF-16"?>' + xml(NAME),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>' + xml(NAME),
        xml("<methodName>\xe9</methodName>").decode().encode("latin-1"),
        value("<string>a</string><string>b</string>"),
        value("<string>a</string>b"),
        value("<unknown>a</unknown>"),
        value("<array><data/><data/></array>"),
        value("<struct><member><value>a</value><name>b</name></member></struct>"),
        value("<struct><member><name>b</name></member></struct>"),
        value("<struct>" + 2 * "<member><name>b</name><value>c</value></member>" + "</struct>"),
        value("<array><data><value>" * 60 + "</value></data></array>" * 60),
        xml(f"{NAME}<params><param><value>a</value><value>b</value></param></params>"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"XML|element|methodCall|repeated|member"):
        read_xml_calls(body)


@pytest.mark.parametrize("declared", ["utf-8", "UTF-8", "us-ascii"])
def test_utf_8_may_be_declared(declared: str) -> None:
    body = f'<?xml version="1.0" encoding="{declared}"?>'.encode() + xml(NAME)
    assert read_xml_calls(body).calls == [Call("a.b", [])]
    assert read_xml_calls(b'<?xml version="1.0"?>' + xml(NAME)).calls == [Call("a.b", [])]


# system.multicall


def of_multicall(*items: Any) -> Call:
    return Call("system.multicall", [list(items)])


def item(method: str, *parameters: Any) -> dict[str, Any]:
    return {"methodName": method, "params": list(parameters)}


def test_calls_in_system_multicall_are_found_however_deep() -> None:
    deep = of_multicall(item("a"), item("system.multicall", [item("b", "c")]))
    assert {call.method for call in calls_within(deep)} == {"system.multicall", "a", "b"}
    with_target = Call("system.multicall", ["", [item("a")]])
    assert [call.method for call in calls_within(with_target)] == ["system.multicall", "a"]


@pytest.mark.parametrize(
    "call",
    [
        Call("system.multicall", []),
        Call("system.multicall", ["x"]),
        Call("system.multicall", [[], []]),
        of_multicall("execute"),
        of_multicall({"methodName": "a"}),
        of_multicall({"methodName": ["a"], "params": []}),
        of_multicall(item("a") | {"other": ""}),
    ],
)
def test_a_multicall_of_another_form_is_refused(call: Call) -> None:
    with pytest.raises(ValueError, match=r"system\.multicall"):
        list(calls_within(call))


# JSON-RPC


def test_a_json_request_and_a_batch_are_read() -> None:
    assert read_json_calls(b'{"method": "a"}').calls == [Call("a", [])]
    body = json.dumps([{"method": "a", "params": ["é", 1]}, {"method": "b", "id": 1}]).encode()
    calls = read_json_calls(body)
    assert calls.calls == [Call("a", ["é", 1]), Call("b", [])]
    assert json.loads(calls.body) == json.loads(body)


def test_a_multicall_in_json_is_looked_into() -> None:
    body = b'{"method":"system.multicall","params":[[{"methodName":"x","params":[]}]]}'
    assert [call.method for call in read_json_calls(body).calls] == ["system.multicall", "x"]


def test_escapes_in_json_are_resolved() -> None:
    assert read_json_calls(rb'{"method": "ex\u0065cute"}').calls == [Call("execute", [])]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'"execute"',
        b"[[]]",
        b"{}",
        b'{"method": 1}',
        b'{"method": "a", "params": {}}',
        b'{"method": "a", "method": "execute"}',
        b'{"method": "a"} {"method": "execute"}',
        b'{"method": "a", "params": [NaN]}',
        b'{"method": "a", "params": [1e999]}',
        b'\xff\xfe{\0"\0',
        '{"method": "a"}'.encode("utf-16"),
        b'{"method": "a", "params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_not_plainly_json_rpc_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # json's own words among them
        read_json_calls(body)
