"""Options of a route: defaults, presets, checks, and one declaration for everything."""

import dataclasses
import ipaddress
import tomllib
import typing

import pytest

from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.config.options import OPTIONS, RouteKeywords, RouteOptions
from wsgi_scgi.gateway.conditions import Condition
from wsgi_scgi.semantics.forwarded import Style
from wsgi_scgi.semantics.path import EncodedSlash, PathInfo


def mistakes(**values: object) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as caught:
        RouteOptions.from_values(values)
    return {mistake.key: mistake.text for mistake in caught.value.mistakes}


def values_of(options: RouteOptions) -> dict[str, object]:
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def test_the_defaults_are_those_of_the_manual() -> None:
    assert values_of(RouteOptions.from_values({})) == {
        "path_info": PathInfo.OFF,
        "encoded_slash": EncodedSlash.REFUSE,
        "document_root": "",
        "variables": {},
        "pass_authorization": True,
        "auth_file": "",
        "methods_allow": (),
        "methods_deny": (),
        "trusted": False,
        "preset": "",
        "max_body": 1 << 30,
        "buffer_request": False,
        "connect_timeout": 5.0,
        "timeout": 60.0,
        "client_timeout": 60.0,
        "client_gone_grace": 1.0,
        "deadline": 0.0,
        "max_request_head": 65536,
        "internal_redirect": "location",
        "sendfile": "",
        "sendfile_roots": (),
        "accel": {},
        "hide_headers": frozenset(),
        "pass_headers": frozenset(),
        "error_override": False,
        "error_document": {},
        "location_reverse": True,
        "cookie_path": (),
        "cookie_domain": (),
        "add_forwarded": Style.OFF,
        "trusted_proxies": (),
        "conditional_requests": False,
        "set_if": (),
    }


def test_every_option_takes_a_value() -> None:
    values: RouteKeywords = {
        "path_info": "apache",
        "encoded_slash": "keep",
        "document_root": "/srv/é",
        "variables": {"APP_ENV": "prod", "SERVER_NAME": False},
        "pass_authorization": False,
        "auth_file": "/srv/é",
        "methods_allow": ["d.directory.set"],
        "methods_deny": ["load.*"],
        "trusted": True,
        "preset": "rtorrent",
        "max_body": "10M",
        "buffer_request": True,
        "connect_timeout": 1,
        "timeout": 2.5,
        "client_timeout": 3,
        "client_gone_grace": 0,
        "deadline": 90,
        "max_request_head": 4096,
        "internal_redirect": "X-Location",
        "sendfile": True,
        "sendfile_roots": ["/srv/é"],
        "accel": {"/private/": "/srv/private/"},
        "hide_headers": ["X-Powered-By"],
        "pass_headers": ["X-Accel-Expires"],
        "error_override": [404, 500],
        "error_document": {404: "/404.html", "500": "Später wieder"},
        "location_reverse": False,
        "cookie_path": [("/", "/app/")],
        "cookie_domain": [["internal", "example.org"]],
        "add_forwarded": "forwarded",
        "trusted_proxies": ["10.0.0.0/8", "unix:"],
        "conditional_requests": True,
        "set_if": [{"attribute": "method", "matches": "^GET$", "set": {"READS": "1"}}],
    }
    options = values_of(RouteOptions.from_values(values))
    (condition,) = typing.cast("tuple[Condition]", options["set_if"])
    assert condition.expression.pattern == "^GET$"
    assert options == {
        **values,
        "path_info": PathInfo.APACHE,
        "encoded_slash": EncodedSlash.KEEP,
        "document_root": "/srv/Ã©",
        "auth_file": "/srv/Ã©",
        "methods_allow": ("d.directory.set",),
        "methods_deny": ("load.*",),
        "max_body": 10 << 20,
        "internal_redirect": "x-location",
        "sendfile": "x-sendfile",
        "sendfile_roots": ("/srv/Ã©",),
        "hide_headers": {"x-powered-by"},
        "pass_headers": {"x-accel-expires"},
        "error_override": {404, 500},
        "error_document": {404: "/404.html", 500: "Später wieder"},
        "cookie_path": (("/", "/app/"),),
        "cookie_domain": (("internal", "example.org"),),
        "add_forwarded": Style.FORWARDED,
        "trusted_proxies": (ipaddress.ip_network("10.0.0.0/8"), "unix:"),
        "set_if": (condition,),
    }
    assert values.keys() == OPTIONS.keys()


def test_keywords_fields_and_declarations_are_the_same_names() -> None:
    names = [field.name for field in dataclasses.fields(RouteOptions)]
    assert list(typing.get_type_hints(RouteKeywords)) == names
    assert list(OPTIONS) == names


def test_the_keyword_preset_has_the_names_of_the_table() -> None:
    words = typing.get_args(typing.get_type_hints(RouteKeywords)["preset"])
    kind = OPTIONS["preset"].kind
    assert [kind.parse(word) for word in words] == list(words)
    assert kind.allowed == '"", "wsgi", "fossil" or "rtorrent"'


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_is_shown_as_toml_and_explained(name: str) -> None:
    option = OPTIONS[name]
    assert option.default == getattr(RouteOptions(), name)
    assert option.kind.show(option.default)
    assert option.kind.allowed
    assert option.text.endswith(".")


def test_the_flags_are_those_of_the_command_line() -> None:
    assert {option.flag: name for name, option in OPTIONS.items() if option.flag} == {
        "--path-info": "path_info",
        "--auth-file": "auth_file",
        "--preset": "preset",
        "--max-body": "max_body",
        "--connect-timeout": "connect_timeout",
        "--backend-timeout": "timeout",
        "--internal-redirect": "internal_redirect",
        "--sendfile": "sendfile",
        "--sendfile-root": "sendfile_roots",
    }


def test_options_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RouteOptions().timeout = 1.0  # type: ignore[misc]  # what is tried here


def test_a_preset_gives_defaults_and_explicit_keys_win() -> None:
    assert RouteOptions.from_values({"preset": "wsgi"}).path_info is PathInfo.ON
    explicit = RouteOptions.from_values({"preset": "wsgi", "path_info": False})
    assert explicit.path_info is PathInfo.OFF
    assert explicit.preset == "wsgi"


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(
        tiemout=1,
        path_info=1,
        encoded_slash="no",
        variables={"SCGI": "0", "x": "1"},
        timeout=0,
        max_body="much",
        preset="php",
    )
    assert list(found) == [
        "tiemout",
        "path_info",
        "encoded_slash",
        "variables.SCGI",
        "variables.x",
        "timeout",
        "max_body",
        "preset",
    ]
    assert found["tiemout"] == "unknown key; did you mean timeout?"
    assert found["path_info"] == '1 is not one of the choices; allowed: false, true or "apache"'
    assert found["timeout"] == "0 seconds is too short; allowed: seconds as a number greater than 0"


@pytest.mark.parametrize(
    "values",
    [{"path_info": True}, {"path_info": "apache"}, {"preset": "wsgi"}],
    ids=["on", "apache", "preset"],
)
@pytest.mark.parametrize("value", ["/x", False])
def test_path_info_is_computed_where_it_is_on(values: dict[str, object], value: object) -> None:
    found = mistakes(**values, variables={"PATH_INFO": value})
    assert list(found) == ["variables.PATH_INFO"]
    assert "CVE-2025-65082" in found["variables.PATH_INFO"]


@pytest.mark.parametrize("value", ["/x", False])
def test_a_condition_may_not_set_what_is_computed_either(value: object) -> None:
    condition = {"attribute": "path", "matches": "", "set": {"PATH_INFO": value}}
    found = mistakes(path_info=True, set_if=[condition])
    assert list(found) == ["set_if"]
    assert found["set_if"].startswith("PATH_INFO may be neither set nor removed")
    assert len(RouteOptions.from_values({"set_if": [condition]}).set_if) == 1


def test_sendfile_and_its_roots_need_each_other() -> None:
    missing = "is needed with sendfile; allowed: an array of at least one absolute directory"
    assert mistakes(sendfile=True) == {"sendfile_roots": missing}
    assert mistakes(sendfile="X-File", sendfile_roots=[]) == {"sendfile_roots": missing}
    useless = {"sendfile_roots": "does nothing without sendfile"}
    assert mistakes(sendfile_roots=["/srv"]) == useless
    assert mistakes(sendfile=False, sendfile_roots=["/srv"]) == useless


@pytest.mark.parametrize(
    ("sendfile", "redirect"), [("Location", True), ("location", False), ("X-Go", "x-go")]
)
def test_a_field_cannot_name_a_file_and_lead_elsewhere(sendfile: str, redirect: bool | str) -> None:
    found = mistakes(sendfile=sendfile, sendfile_roots=["/srv"], internal_redirect=redirect)
    assert found == {"sendfile": "names the field of redirects; allowed: any other field"}


def test_error_documents_need_statuses_that_they_replace() -> None:
    useless = {"error_document": "does nothing without error_override"}
    assert mistakes(error_document={"404": "x"}) == useless
    assert mistakes(error_document={"404": "x"}, error_override=[]) == useless


def test_path_info_is_free_where_it_is_off() -> None:
    options = RouteOptions.from_values({"variables": {"PATH_INFO": "/x"}})
    assert options.variables == {"PATH_INFO": "/x"}


def test_a_feature_that_does_not_exist_is_an_unknown_key() -> None:
    for name in ("balancer", "proxy_buffering"):
        assert mistakes(**{name: True})[name].startswith("unknown key")


def test_what_differs_from_the_defaults_is_shown() -> None:
    options = RouteOptions.from_values({"path_info": True, "max_body": 2048, "timeout": 60})
    assert list(options.changed()) == ["path_info = true", 'max_body = "2KiB"']


def test_what_is_shown_can_be_written_again() -> None:
    values: dict[str, object] = {
        "internal_redirect": False,
        "sendfile": True,
        "sendfile_roots": ["/srv/é"],
        "hide_headers": ["b", "a"],
        "error_override": [500, 404],
        "error_document": {"404": "/é", "500": 'Später "wieder"'},
        "cookie_path": [["/", "/app/"]],
        "add_forwarded": "x-forwarded",
        "trusted_proxies": ["10.0.0.0/8", "unix:"],
    }
    options = RouteOptions.from_values(values)
    shown = list(options.changed())
    assert shown == [
        "internal_redirect = false",
        "sendfile = true",
        'sendfile_roots = ["/srv/é"]',
        'hide_headers = ["a", "b"]',
        "error_override = [404, 500]",
        'error_document = { "404" = "/é", "500" = "Später \\"wieder\\"" }',
        'cookie_path = [["/", "/app/"]]',
        'add_forwarded = "x-forwarded"',
        'trusted_proxies = ["10.0.0.0/8", "unix:"]',
    ]
    assert RouteOptions.from_values(tomllib.loads("\n".join(shown))) == options


def test_a_route_with_passwords_keeps_them_from_its_backend_unless_told_otherwise() -> None:
    assert not RouteOptions.from_values({"auth_file": "/f"}).pass_authorization
    told = RouteOptions.from_values({"auth_file": "/f", "pass_authorization": True})
    assert told.pass_authorization


def test_passwords_need_libraries_that_the_mistake_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsgi_scgi.config.options.find_spec", lambda _: None)
    text = "needs libpass and bcrypt: pip install 'wsgi-scgi[auth]'"
    assert mistakes(auth_file="/f") == {"auth_file": text}


def test_the_rules_for_rtorrents_methods_need_its_preset() -> None:
    text = 'does nothing without preset = "rtorrent"'
    assert mistakes(methods_allow=["x"], trusted=True) == {"methods_allow": text, "trusted": text}
    assert RouteOptions.from_values({"preset": "rtorrent", "trusted": True}).trusted
