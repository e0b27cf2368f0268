"""Asking the reader of our file, and putting right what it refuses."""

import tomllib
from collections.abc import Callable

import pytest

from tests.convert.apache_text import anything, only
from wsgi_scgi.config.file import parse_configuration
from wsgi_scgi.config.mistakes import InvalidConfiguration, Mistake, unknown_key
from wsgi_scgi.convert.administration import Administration
from wsgi_scgi.convert.balancers import Balancer, Member
from wsgi_scgi.convert.checking import Document, Parse, accepts_host, mistakes_in
from wsgi_scgi.convert.draft import Draft
from wsgi_scgi.convert.region import EVERYTHING, UNKNOWN, PathPrefix, Region, pattern
from wsgi_scgi.convert.settings import Setting

A = PathPrefix("/a/")


def route(region: Region = A, backend: str = "scgi://h/", **options: object) -> Draft:
    return Draft(
        region,
        f"route {region.common}",
        backend,
        options={k: Setting(v) for k, v in options.items()},
    )


def refusing(**texts: str) -> Parse:
    """Return a reader that refuses these keys, wherever they stand."""

    def parse(text: str, name: str) -> object:
        anything(text, name)
        mistakes = [
            Mistake(key, reason, "", number)
            for number, line in enumerate(text.split("\n"), 1)
            for key, reason in texts.items()
            if line.startswith(f"{key} = ")
        ]
        if mistakes:
            raise InvalidConfiguration(mistakes)
        return None

    return parse


def settled(*drafts: Draft, parse: Parse = parse_configuration) -> list[dict[str, object]]:
    document = Document({}, drafts, [])
    document.settle(parse)
    routes = tomllib.loads("\n".join(document.lines())).get("route", [])
    assert isinstance(routes, list)
    return routes


UNKNOWN_KEY = unknown_key("x", ("y",))


def test_a_file_without_mistakes_has_none() -> None:
    text = '[[route]]\npath = "/"\nbackend = "scgi://h/"\n'

    assert mistakes_in(text) == ()
    assert [one.key for one in mistakes_in(f"{text}colour = 1\n")] == ["colour"]


@pytest.mark.parametrize(
    ("name", "accepted"), [("example.org", True), ("*.example.org", True), ("www.*", False)]
)
def test_a_name_of_a_host_is_for_the_reader_to_judge(name: str, accepted: bool) -> None:
    assert accepts_host(name) is accepted


def test_what_the_reader_takes_stays_as_it_is() -> None:
    draft = route(timeout=5, variables={"A": "1"})

    assert settled(draft) == [
        {"path": "/a/", "backend": "scgi://h/", "timeout": 5, "variables": {"A": "1"}}
    ]
    assert draft.lost == []


def test_an_unknown_option_becomes_a_comment() -> None:
    draft = route(colour="red")

    assert settled(draft) == [{"path": "/a/", "backend": "scgi://h/"}]
    assert draft.lost == ['not supported by this version: colour = "red"']


def test_a_value_that_is_refused_becomes_a_comment_with_the_reason() -> None:
    draft = route(timeout=0)

    assert settled(draft) == [{"path": "/a/", "backend": "scgi://h/"}]
    assert draft.lost[0].startswith("refused: timeout = 0: 0 seconds is too short")


def test_one_variable_is_taken_out_of_several() -> None:
    draft = route(variables={"A": "1", "b": "2"})

    assert settled(draft)[0]["variables"] == {"A": "1"}
    assert draft.lost[0].startswith('refused: b = "2": not the name of a variable')


def test_no_empty_table_is_left() -> None:
    assert "variables" not in settled(route(variables={"b": "2"}))[0]


class TestGuards:
    """Keys without which a route would let in more than Apache does."""

    def test_a_route_that_loses_its_login_is_excluded(self) -> None:
        draft = route(auth_file="/etc/users")
        draft.guarded = frozenset({"auth_file"})

        assert settled(draft, parse=refusing(auth_file=UNKNOWN_KEY)) == [
            {"path": "/a/", "exclude": True}
        ]
        assert draft.reasons == ["not supported by this version: auth_file"]

    def test_a_route_that_loses_the_removal_of_a_field_is_excluded(self) -> None:
        draft = route(variables={"HTTP_A": False, "b": "1"})
        draft.guarded = frozenset({"variables.HTTP_A"})
        assert "exclude" not in settled(draft)[0]

        draft = route(variables={"b": False})
        draft.guarded = frozenset({"variables.b"})
        assert settled(draft) == [{"path": "/a/", "exclude": True}]

    def test_a_route_that_loses_all_its_variables_is_excluded_for_one_of_them(self) -> None:
        draft = route(variables={"HTTP_A": False})
        draft.guarded = frozenset({"variables.HTTP_A"})

        assert settled(draft, parse=refusing(variables=UNKNOWN_KEY)) == [
            {"path": "/a/", "exclude": True}
        ]

    def test_a_route_that_loses_its_hosts_is_excluded_for_all(self) -> None:
        draft = route()
        draft.host = ("www.*",)

        assert settled(draft) == [{"path": "/a/", "exclude": True}]
        assert draft.reasons[0].endswith(": www.*")

    def test_a_route_with_a_backend_that_is_refused_is_excluded(self) -> None:
        draft = route(backend="balancer://b/")

        assert settled(draft) == [{"path": "/a/", "exclude": True}]
        assert draft.reasons[0].startswith("refused: backend: there is no balancer b")

    def test_conditions_that_are_refused_become_comments(self) -> None:
        draft = route()
        draft.set_if = [{"header": "Host", "matches": "(", "set": {"A": "1"}}]

        assert settled(draft) == [{"path": "/a/", "backend": "scgi://h/"}]
        assert draft.lost[0].startswith('refused: set_if = { header = "Host"')


class TestPlaces:
    """Paths and expressions that the reader refuses."""

    def test_what_is_around_a_path_is_excluded(self) -> None:
        draft = route(PathPrefix("/a/../b"))

        assert settled(draft) == [{"path": "/a/", "exclude": True}]
        assert "refused: path: a path has no . or .. segments" in draft.reasons[0]

    def test_an_exclusion_is_widened_too(self) -> None:
        draft = Draft(PathPrefix("/a/../b/../c"), "origin", exclude=True)

        assert settled(draft) == [{"path": "/a/", "exclude": True}]

    def test_what_is_around_an_expression_is_excluded(self) -> None:
        draft = route(pattern("^/a/(b)$"))

        assert settled(draft, parse=refusing(match=UNKNOWN_KEY)) == [
            {"path": "/a/", "exclude": True}
        ]

    def test_one_step_is_taken_at_a_time(self) -> None:
        def parse(text: str, name: str) -> object:
            if "match = " in text:
                mistakes = [Mistake(key, UNKNOWN_KEY, "", 3) for key in ("match", "path")]
                raise InvalidConfiguration(mistakes)
            return anything(text, name)

        assert settled(route(pattern("^/a/b/(c)$")), parse=parse) == [
            {"path": "/a/b/", "exclude": True}
        ]

    def test_beyond_the_root_there_is_nothing(self) -> None:
        assert settled(route(EVERYTHING), parse=refusing(path="no")) == [
            {"path": "/", "backend": "scgi://h/"}
        ]


def test_what_has_to_be_filled_in_is_left_to_be() -> None:
    draft = route(sendfile=True, sendfile_roots=[])

    assert settled(draft)[0]["sendfile_roots"] == []


def test_what_has_to_be_filled_in_is_taken_out_if_it_does_not_exist() -> None:
    draft = route(sendfile=True, sendfile_roots=[])
    parse = refusing(sendfile=UNKNOWN_KEY, sendfile_roots=UNKNOWN_KEY)

    assert settled(draft, parse=parse) == [{"path": "/a/", "backend": "scgi://h/"}]


def test_a_mistake_that_nothing_cures_is_left_to_the_reader() -> None:
    draft = Draft(A, "origin", exclude=True)

    assert settled(draft, parse=refusing(exclude="no")) == [{"path": "/a/", "exclude": True}]


class TestOtherTables:
    """[server] and [balancer]."""

    def test_settings_that_gunicorn_refuses_are_told(self) -> None:
        document = Document({"bind": "127.0.0.1:1", "limit_request_fields": -1}, [route()], [])
        document.settle()

        assert document.lines()[:3] == ["[server]", 'bind = "127.0.0.1:1"', ""]
        assert document.lost[0].startswith("[server] refused: limit_request_fields = -1: ")

    def test_without_routes_the_reader_has_nothing_to_say_that_helps(self) -> None:
        document = Document({}, [], [])
        document.settle()

        assert document.lines() == []

    def test_a_balancer_that_is_unknown_closes_the_routes_to_it(self) -> None:
        draft = route(backend="balancer://b/")
        document = Document({}, [draft, route(PathPrefix("/b/"))], [_balancer()])
        document.settle(_refusing_balancers)

        assert draft.exclude
        assert "balancer b: not supported by this version: balancer" in draft.reasons
        assert document.lost[0] == "balancer b: not supported by this version: balancer"
        assert "[balancer.b]" in document.lost
        assert "[balancer.b]" not in document.lines()

    @pytest.mark.parametrize("key", ["retry", "weight", "fails"])
    def test_a_key_of_a_balancer_that_is_unknown_becomes_a_comment(self, key: str) -> None:
        draft = route(backend="balancer://b/")
        document = Document({}, [draft], [_balancer()])
        document.settle(_refusing_in_balancer(key, UNKNOWN_KEY))

        assert not draft.exclude
        assert [line.partition(": ")[0] for line in document.lost] == ["balancer b"]
        assert key not in "\n".join(document.lines())

    def test_a_member_that_is_refused_closes_the_routes(self) -> None:
        draft = route(backend="balancer://b/")
        document = Document({}, [draft], [_balancer()])
        document.settle(_refusing_in_balancer("url", "is not a URL"))

        assert draft.exclude

    def test_a_value_that_is_refused_is_taken_from_its_own_table_alone(self) -> None:
        balancer = _balancer()
        balancer.members.append(Member(only("X\n"), {"url": "scgi://h:2", "weight": 500}))
        document = Document({}, [route(backend="balancer://b/")], [balancer])
        document.settle()

        members = tomllib.loads("\n".join(document.lines()))["balancer"]["b"]["member"]
        assert members == [{"url": "scgi://h:1", "weight": 2}, {"url": "scgi://h:2"}]
        assert document.lost[0].startswith("balancer b: refused: weight = 500: 500 is out of")

    def test_a_name_that_is_none_here_closes_the_routes(self) -> None:
        draft = route(backend="balancer://b$/")
        balancer = _balancer()
        balancer.name = "b$"
        document = Document({}, [draft], [balancer])
        document.settle()

        assert draft.exclude
        assert "[balancer" not in "\n".join(document.lines())

    def test_the_token_of_the_administrator_is_left_to_be_filled_in(self) -> None:
        document = Document({}, [route()], [], Administration("/m/"))
        document.settle()

        assert document.lines()[-4:] == ["[admin]", 'path = "/m/"', 'token = ""', ""]
        assert document.lost == []

    def test_a_path_of_the_administrator_that_is_refused_becomes_a_comment(self) -> None:
        document = Document({}, [route()], [], Administration("/../"))
        document.settle()

        assert "[admin]" not in document.lines()
        assert document.lost[0].startswith('[admin]: refused: path = "/../": ')


def _balancer() -> Balancer:
    member = Member(only("X\n"), {"url": "scgi://h:1", "weight": 2})
    return Balancer("b", {"retry": 5}, [member], {"fails": 3})


def _refusing_balancers(toml: str, name: str) -> object:
    """Stand for a reader that has no balancers."""
    if "[balancer" in toml:
        line = toml.split("\n").index("[balancer.b]") + 1
        raise InvalidConfiguration([Mistake("balancer", UNKNOWN_KEY, "", line)])
    return anything(toml, name)


def _refusing_in_balancer(key: str, text: str) -> Callable[[str, str], object]:
    def parse(toml: str, name: str) -> object:
        for number, line in enumerate(toml.split("\n"), 1):
            if line.startswith(f"{key} = "):
                raise InvalidConfiguration([Mistake(key, text, "", number)])
        return anything(toml, name)

    return parse


class TestUnreachable:
    """Routes that earlier ones leave nothing for."""

    def test_a_route_below_another_is_left_out_and_told(self) -> None:
        document = Document({}, [route(A), route(PathPrefix("/a/b"))], [])
        document.settle()

        assert document.unreachable() == ["route /a/b: never reached, all of it goes to route /a/"]
        assert "/a/b" not in "\n".join(document.lines())

    def test_a_route_for_more_hosts_stays(self) -> None:
        first, second, third = route(), route(), route()
        first.host, second.host = ("a", "b"), ("b",)
        document = Document({}, [first, second, third], [])

        assert [one.partition(":")[0] for one in document.unreachable()] == ["route /a/"]
        assert "\n".join(document.lines()).count("[[route]]") == 2

    def test_an_exclusion_stays_behind_a_route_and_goes_behind_an_exclusion(self) -> None:
        exclusion = Draft(PathPrefix("/a/b"), "exclusion", exclude=True)

        assert Document({}, [route(), exclusion], []).unreachable() == []
        around = Draft(A, "around", exclude=True)
        assert len(Document({}, [around, exclusion, route()], []).unreachable()) == 2

    def test_what_is_not_certain_stays(self) -> None:
        assert Document({}, [Draft(UNKNOWN, "x", exclude=True), route()], []).unreachable() == []
