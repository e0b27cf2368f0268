"""Options of a route: defaults, presets, checks, and one declaration for everything."""

import dataclasses
import typing

import pytest

from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.config.options import OPTIONS, RouteKeywords, RouteOptions
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
        "preset": "",
        "max_body": 1 << 30,
        "buffer_request": False,
        "connect_timeout": 5.0,
        "timeout": 60.0,
        "client_timeout": 60.0,
        "client_gone_grace": 1.0,
        "deadline": 0.0,
        "max_request_head": 65536,
    }


def test_every_option_takes_a_value() -> None:
    values: RouteKeywords = {
        "path_info": "apache",
        "encoded_slash": "keep",
        "document_root": "/srv/é",
        "variables": {"APP_ENV": "prod", "SERVER_NAME": False},
        "pass_authorization": False,
        "preset": "fossil",
        "max_body": "10M",
        "buffer_request": True,
        "connect_timeout": 1,
        "timeout": 2.5,
        "client_timeout": 3,
        "client_gone_grace": 0,
        "deadline": 90,
        "max_request_head": 4096,
    }
    assert values_of(RouteOptions.from_values(values)) == {
        **values,
        "path_info": PathInfo.APACHE,
        "encoded_slash": EncodedSlash.KEEP,
        "document_root": "/srv/Ã©",
        "max_body": 10 << 20,
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
    assert kind.allowed == '"", "wsgi" or "fossil"'


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
        "--preset": "preset",
        "--max-body": "max_body",
        "--connect-timeout": "connect_timeout",
        "--backend-timeout": "timeout",
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


def test_path_info_is_free_where_it_is_off() -> None:
    options = RouteOptions.from_values({"variables": {"PATH_INFO": "/x"}})
    assert options.variables == {"PATH_INFO": "/x"}


def test_a_feature_that_does_not_exist_is_an_unknown_key() -> None:
    for name in ("sendfile", "auth_file", "internal_redirect", "error_override"):
        assert mistakes(**{name: True})[name].startswith("unknown key")


def test_what_differs_from_the_defaults_is_shown() -> None:
    options = RouteOptions.from_values({"path_info": True, "max_body": 2048, "timeout": 60})
    assert list(options.changed()) == ["path_info = true", 'max_body = "2KiB"']
