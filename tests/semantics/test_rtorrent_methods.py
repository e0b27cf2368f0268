"""Which of rTorrent's methods may be called, and what may stand in strings that are commands."""

from typing import Any

import pytest

from wsgi_scgi.semantics.remote_calls import Call
from wsgi_scgi.semantics.rtorrent_methods import MethodRules

DEFAULT = MethodRules()


def refused(method: str, *parameters: Any, rules: MethodRules = DEFAULT) -> str:
    return rules.refused(Call(method, list(parameters)))


@pytest.mark.parametrize(
    "method",
    [
        "system.client_version",
        "system.multicall",
        "d.multicall2",
        "d.name",
        "load.raw_start",
        "d.custom1.set",
        "d.erase",
        "throttle.global_down.max_rate.set_kb",
        "network.port_range",
    ],
)
def test_what_clients_need_is_allowed(method: str) -> None:
    assert refused(method) == ""


@pytest.mark.parametrize(
    "method",
    [
        "execute",
        "execute2",
        "execute.capture",
        "execute.nothrow.bg",
        "method.insert",
        "method.set_key",
        "schedule2",
        "import",
        "try_import",
        "log.open_file",
        "log.execute",
        "network.scgi.open_port",
        "network.scgi.open_local",
        "system.shutdown.normal",
        "d.directory.set",
        "d.directory_base.set",
        "directory.default.set",
        "session.path.set",
        "d.tied_to_file.set",
        "d.delete_tied",
        "view.filter",
        "branch",
        "if",
        "catch",
        "try",
        "p.call_target",
        "file.append",
        "system.file.allocate.set",
        "d.set_directory",
        "lua.execute",
        "EXECUTE",
        "Execute.Capture",
        "network.http.proxy_address.set",
        "unheard.of",
    ],
)
def test_what_is_a_danger_or_unknown_is_refused(method: str) -> None:
    assert refused(method) == method


@pytest.mark.parametrize(
    "method", ["", " d.name", "d.name ", "d.name\n", "d.\0name", "é", "1", ".d"]
)
def test_what_is_no_name_cannot_be_read(method: str) -> None:
    with pytest.raises(ValueError, match="name of a method"):
        refused(method)


@pytest.mark.parametrize(
    ("method", "parameters", "name"),
    [
        ("load.start", ("", "http://x/", "execute=touch,/tmp/x"), "execute"),
        ("load.start", ("", "http://x/", "d.custom1.set=a", "  execute = x"), "execute"),
        ("load.start", ("http://x/", "execute=x"), "execute"),
        ("load.start", ("execute=x",), "execute"),
        (
            "load.raw_start",
            ("", "data", 'd.custom1.set="$exe\\"cute\\".capture=id"'),
            "execute.capture",
        ),
        ("load.normal", ("", "x", "d.custom1.set=a;execute=b"), "execute"),
        ("load.normal", ("", "x", "d.custom1.set=a\nexecute=b"), "execute"),
        ("load.normal", ("", "x", "(execute,b)"), "execute"),
        ("load.normal", ("", "x", "((execute,b))"), "execute"),
        ("load.normal", ("", "x", "d.custom1.set=(execute.capture,id)"), "execute.capture"),
        ("load.normal", ("", "x", ["d.name=", ["execute=b"]]), "execute"),
        ("load.normal", ("", "x", {"a": "execute=b"}), "execute"),
        ("d.multicall2", ("", "main", "d.hash=", "execute.capture=id"), "execute.capture"),
        ("f.multicall", ("HASH", "", "cat=$execute.capture=id"), "execute.capture"),
        ("d.multicall2", ("", "main", "branch=1,$cat=exe,cute"), "branch"),
        ("d.multicall2", ("", "main", "system.multicall="), "system.multicall"),
        ("d.multicall2", ("", "main", "d.multicall2=,main,$cat=exe,cute"), "d.multicall2"),
        ("d.multicall2", ("", "main", "load.start=,x,(cat,exe,cute)"), "load.start"),
        ("d.multicall2", ("", "main", "d.multicall2=,main,$f.multicall=,f.path="), "d.multicall2"),
        ("d.multicall2", ("", "main", "d.directory.set=/home/me/.ssh"), "d.directory.set"),
    ],
)
def test_commands_in_strings_are_held_to_the_same_list(
    method: str, parameters: tuple[Any, ...], name: str
) -> None:
    assert refused(method, *parameters) == name


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("load.start", ("", "http://x/?execute=1", "d.custom1.set=TV", "d.priority.set=3")),
        ("load.raw_start", ("", None, "d.custom1.set=Films (HD)")),
        ("d.multicall2", ("", "main", "d.hash=", "d.name=", 'cat="$t.multicall=d.hash=,t.url="')),
        ("d.multicall2", ("", "main", "t.multicall=,t.url=")),
        ("d.custom1.set", ("HASH", "execute=only a word")),
        ("system.multicall", ([{"methodName": "d.name", "params": ["execute="]}],)),
    ],
)
def test_what_clients_send_passes(method: str, parameters: tuple[Any, ...]) -> None:
    assert refused(method, *parameters) == ""


def test_the_route_may_allow_more_and_deny_more() -> None:
    rules = MethodRules(allow=("d.directory.set", "view.*"), deny=("load.*", "view.filter"))
    assert refused("d.directory.set", rules=rules) == ""
    assert refused("view.sort", rules=rules) == ""
    assert refused("view.filter", rules=rules) == "view.filter"
    assert refused("load.start", rules=rules) == "load.start"
    assert refused("execute", rules=rules) == "execute"
