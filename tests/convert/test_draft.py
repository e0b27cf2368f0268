"""A route in the making, as TOML."""

import tomllib

from wsgi_scgi.convert.directive import Place
from wsgi_scgi.convert.draft import Draft
from wsgi_scgi.convert.region import EVERYTHING, UNKNOWN, PathPrefix, pattern
from wsgi_scgi.convert.settings import Setting

PLACE = (Place("httpd.conf", 3),)


def live() -> Draft:
    return Draft(
        PathPrefix("/a/"),
        "httpd.conf:1: ProxyPass /a/ scgi://h/",
        "scgi://h/",
        host=("example.org",),
        options={
            "timeout": Setting(5, PLACE),
            "path_info": Setting("apache", PLACE),
            "variables": Setting({"A": "1"}),
        },
        set_if=[{"header": "Host", "matches": "x", "set": {"B": False}}],
        remarks=["a remark"],
        lost=["something lost"],
    )


def test_a_live_route_has_its_backend_its_options_and_its_conditions() -> None:
    assert live().lines() == [
        "# httpd.conf:1: ProxyPass /a/ scgi://h/",
        "# a remark",
        "[[route]]",
        'path = "/a/"',
        'host = ["example.org"]',
        'backend = "scgi://h/"',
        'path_info = "apache"  # httpd.conf:3',
        'variables = { A = "1" }',
        "timeout = 5  # httpd.conf:3",
        "# something lost",
        "[[route.set_if]]",
        'header = "Host"',
        'matches = "x"',
        "set = { B = false }",
    ]
    assert tomllib.loads("\n".join(live().lines()))["route"][0]["timeout"] == 5


def test_an_excluded_route_shows_what_it_would_be() -> None:
    draft = live()
    draft.close("why")
    draft.close("why")

    assert draft.lines()[:6] == [
        "# httpd.conf:1: ProxyPass /a/ scgi://h/",
        "# why",
        "# a remark",
        "[[route]]",
        'path = "/a/"',
        'host = ["example.org"]',
    ]
    assert tomllib.loads("\n".join(draft.lines())) == {
        "route": [{"path": "/a/", "host": ["example.org"], "exclude": True}]
    }
    assert '# backend = "scgi://h/"' in draft.lines()


def test_an_exclusion_has_nothing_else() -> None:
    draft = Draft(pattern(r"^/\d"), "origin", exclude=True)

    assert draft.lines() == ["# origin", "[[route]]", r'match = "(?a)^/\\d"', "exclude = true"]


def test_what_cannot_be_written_down_is_excluded_with_all_around_it() -> None:
    draft = Draft(pattern(r"^/a/\h"), "origin", "scgi://h/").make_writable()

    assert (draft.region, draft.exclude) == (PathPrefix("/a/"), True)
    assert Draft(UNKNOWN, "origin", exclude=True).make_writable().region == EVERYTHING
    assert live().make_writable().exclude is False


def test_two_routes_have_the_same_effect_whatever_their_comments() -> None:
    one, other = live(), live()
    other.remarks, other.lost, other.options["timeout"] = [], [], Setting(5)
    closed = live()
    closed.close("why")

    assert one.same_effect(other)
    assert not one.same_effect(closed)
    assert not closed.same_effect(one)
    assert closed.same_effect(Draft(EVERYTHING, "origin", exclude=True))


def test_two_routes_differ_in_options_and_conditions() -> None:
    for change in ("timeout", "set_if"):
        other = live()
        if change == "set_if":
            other.set_if = []
        else:
            other.options["timeout"] = Setting(6)
        assert not live().same_effect(other)
