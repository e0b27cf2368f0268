"""Who may come in: what can be expressed, and what closes a route."""

import pytest

from tests.convert.apache_text import directives, server_blocks
from wsgi_scgi.convert.access import Verdict, grants, judge, restricts
from wsgi_scgi.convert.region import PathPrefix, Region, pattern

LOGIN = "AuthType Basic\nAuthUserFile /etc/users\nRequire valid-user\n"
DENIED = "Require all denied\n"
GRANTED = "Require all granted\n"


def verdict(text: str, target: Region | None = None) -> Verdict:
    """Judge a path by the Location sections of a text."""
    main, _ = server_blocks(text)
    return judge([main.server_level, *main.locations], target or PathPrefix("/a/"), "/root")


def within(rules: str, where: str = "Location /") -> str:
    return f"<{where}>\n{rules}</{where.partition(' ')[0]}>\n"


def is_open(text: str) -> bool:
    return verdict(text) == Verdict()


def is_closed(text: str) -> bool:
    return bool(verdict(text).closed)


OPEN = [
    "",
    "AuthType Basic\n",
    GRANTED,
    "Require all GRANTED\n",
    "Require ip 10.0.0.1\nRequire all granted\n",
    "<RequireAny>\nRequire ip 10.0.0.1\nRequire all granted\n</RequireAny>\n",
    "<RequireAll>\nRequire all granted\n</RequireAll>\n",
    "<RequireAll>\n</RequireAll>\n",
    "Order deny,allow\n",
    "Order Allow,Deny\nAllow from All\n",
    "Allow from all\n",
    "Order deny,allow\nDeny from none\n",
    "Satisfy Any\n",
    "<Limit POST>\nRequire all granted\n</Limit>\n",
    "<LimitExcept GET>\nOrder deny,allow\nAllow from all\n</LimitExcept>\n",
]
CLOSED = [
    DENIED,
    "Require ip 10.0.0.0/8\n",
    "Require not ip 10.0.0.0/8\n",
    "Require local\n",
    "Require host example.org\n",
    "Require user jane\n",
    "Require group staff\n",
    "Require valid-user\n",
    "Require env OK\n",
    "Require method GET\n",
    "Require expr true\n",
    "Require ALL granted\n",
    "Require all\n",
    "Require\n",
    "Require all granted please\n",
    "Require forward-dns example.org\n",
    "<RequireAll>\nRequire all granted\nRequire not ip 10.0.0.1\n</RequireAll>\n",
    "<RequireAny>\nRequire ip 10.0.0.1\nRequire local\n</RequireAny>\n",
    "<RequireNone>\nRequire ip 10.0.0.1\n</RequireNone>\n",
    "<RequireNone>\n</RequireNone>\n",
    "<RequireAny>\n<RequireAll>\nRequire all denied\n</RequireAll>\n</RequireAny>\n",
    "Order allow,deny\n",
    "Order allow,deny\nAllow from 10.0.0.1\n",
    "Order deny,allow\nDeny from all\n",
    "Order deny,allow\nDeny from all\nAllow from all\n",
    "Order mutual-failure\n",
    "Deny from env=bad\n",
    "Deny from 10.0.0.1\nAllow from all\n",
    "<Limit POST>\nRequire all denied\n</Limit>\n",
    "<Limit POST PUT>\nOrder deny,allow\nDeny from all\n</Limit>\n",
    "<LimitExcept GET>\nRequire valid-user\n</LimitExcept>\n",
    "<LimitExcept GET>\nOrder allow,deny\n</LimitExcept>\n",
    GRANTED + "<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n",
    "<If \"%{A} == 'b'\">\nRequire all denied\n</If>\n",
    GRANTED + "<If \"%{A} == 'b'\">\nDeny from all\n</If>\n",
    DENIED + "<If \"%{A} == 'b'\">\nRequire all granted\n</If>\n",
    DENIED + "<Limit GET>\nRequire all granted\n</Limit>\n",
    "Order allow,deny\n<Limit GET>\nAllow from all\n</Limit>\n",
    "<IfModule mod_x.c>\nRequire all denied\n</IfModule>\n",
    "<IfModule !mod_x.c>\nRequire all denied\n</IfModule>\n",
    DENIED + "<IfModule mod_x.c>\nRequire all granted\n</IfModule>\n",
    "Order allow,deny\n<IfModule mod_x.c>\nAllow from all\n</IfModule>\n",
    "<IfDefine X>\nRequire all denied\n</IfDefine>\n",
    "<IfDefine !X>\nRequire all denied\n</IfDefine>\n",
    "SSLRequireSSL\n",
    "Satisfy Any\nOrder allow,deny\nAllow from 10.0.0.1\nRequire valid-user\n",
]


@pytest.mark.parametrize("rules", OPEN)
def test_what_lets_everybody_in_leaves_a_route_open(rules: str) -> None:
    assert is_open(within(rules))
    assert restricts(directives(rules, given=None)) == ()


@pytest.mark.parametrize("rules", CLOSED)
def test_what_cannot_be_expressed_closes_a_route(rules: str) -> None:
    assert is_closed(within(rules))


@pytest.mark.parametrize("where", ["Location /", "Location /a", "Location /a/", "LocationMatch ^/"])
def test_a_rule_around_a_path_counts_for_it(where: str) -> None:
    assert is_closed(within(DENIED, where))


@pytest.mark.parametrize(
    "where", ["Location /b", "Location /ab", "LocationMatch ^/b", "Location a"]
)
def test_a_rule_beside_a_path_does_not(where: str) -> None:
    assert is_open(within(f"{DENIED}AllowMethods GET\n", where))


def test_a_rule_below_a_path_is_for_a_route_of_its_own() -> None:
    assert is_open(within(DENIED, "Location /a/b"))


def test_the_last_section_with_a_rule_decides() -> None:
    assert is_open(within(DENIED) + within(GRANTED, "Location /a"))
    assert is_closed(within(GRANTED, "Location /a") + within(DENIED))
    assert is_closed(within(DENIED) + within("Timeout 5\n", "Location /a"))


def test_the_two_kinds_of_rules_do_not_take_each_other_back() -> None:
    assert is_closed(within("Order allow,deny\n") + within(GRANTED, "Location /a"))
    assert is_closed(within(DENIED) + within("Order deny,allow\n", "Location /a"))
    assert is_open(within("Order allow,deny\n") + within("Order deny,allow\n", "Location /a"))


def test_what_is_assumed_does_not_take_a_rule_back() -> None:
    loose = "<IfModule mod_x.c>\nRequire all granted\nAllow from all\n</IfModule>\n"

    assert is_closed(within(DENIED) + within(loose, "Location /a"))
    assert is_closed(within("Order allow,deny\n") + within(loose, "Location /a"))


def test_a_rule_that_is_in_doubt_counts_beside_one_that_is_not() -> None:
    rules = f"{GRANTED}<IfDefine X>\n{DENIED}</IfDefine>\n"

    assert is_closed(within(rules))
    assert is_open(within(rules) + within(GRANTED, "Location /a"))


def test_what_stands_in_if_comes_after_all_sections() -> None:
    rules = f"<If \"%{{A}} == 'b'\">\n{DENIED}</If>\n"

    assert is_closed(within(rules) + within(GRANTED, "Location /a"))
    assert is_closed(rules + within(GRANTED))


def test_barriers_are_not_taken_back() -> None:
    assert is_closed(within("AllowMethods GET\n") + within("AllowMethods reset\n", "Location /a"))


@pytest.mark.parametrize(
    ("merging", "closed"), [("And", True), ("Or", True), ("Off", False), ("", False)]
)
def test_merged_rules_are_the_stricter_of_the_two(merging: str, closed: bool) -> None:
    line = f"AuthMerging {merging}\n" if merging else ""
    text = within(DENIED) + within(line + GRANTED, "Location /a")

    assert is_closed(text) is closed
    assert is_closed(within(GRANTED) + within(line + DENIED, "Location /a"))


def test_the_reasons_are_the_lines_each_once() -> None:
    found = verdict(within("Order allow,deny\nAllow from ::1\nAllow from ::1\n"))

    assert [reason.partition("httpd.conf:")[2] for reason in found.closed] == [
        "2: Order allow,deny",
        "3: Allow from ::1",
        "4: Allow from ::1",
    ]


class TestLogin:
    """Basic authentication from a file."""

    def test_any_user_of_a_file_can_be_expressed(self) -> None:
        assert verdict(within(LOGIN)) == Verdict(auth_file="/etc/users")

    def test_its_parts_may_stand_in_several_sections(self) -> None:
        text = within("AuthType basic\nAuthUserFile /etc/users\n") + within(
            "Require valid-user\n", "Location /a/"
        )

        assert verdict(text).auth_file == "/etc/users"

    def test_a_relative_file_is_below_server_root(self) -> None:
        assert verdict(within(LOGIN.replace("/etc/", "conf/"))).auth_file == "/root/conf/users"

    def test_everybody_else_may_be_required_too(self) -> None:
        rules = LOGIN.replace("Require", "<RequireAll>\nRequire all granted\nRequire")

        assert verdict(within(f"{rules}</RequireAll>\n")).auth_file == "/etc/users"

    def test_the_provider_may_be_named(self) -> None:
        assert verdict(within(f"AuthBasicProvider file\n{LOGIN}")).auth_file == "/etc/users"

    @pytest.mark.parametrize(
        "rules",
        [
            LOGIN.replace("Basic", "Digest"),
            LOGIN.replace("Basic", "None"),
            LOGIN.replace("AuthType Basic\n", ""),
            LOGIN.replace("AuthUserFile /etc/users\n", ""),
            LOGIN.replace("/etc/users", '""'),
            LOGIN.replace("/etc/users", "${X}"),
            LOGIN.replace("AuthUserFile", "<IfDefine X>\nAuthUserFile").replace(
                "Require", "</IfDefine>\nRequire"
            ),
            f"AuthBasicProvider ldap\n{LOGIN}",
            f"AuthBasicProvider file ldap\n{LOGIN}",
            f"{LOGIN}Require ip 10.0.0.1\n",
            f"{LOGIN}Require user jane\n",
            f"{LOGIN}Order allow,deny\n",
            f"<Limit POST>\n{LOGIN}</Limit>\n",
            f"{LOGIN}<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n",
        ],
    )
    def test_any_other_login_closes_the_route(self, rules: str) -> None:
        assert is_closed(within(rules))

    def test_another_login_for_a_part_closes_the_part(self) -> None:
        text = within(LOGIN) + within("AuthUserFile /etc/admins\n", "LocationMatch /secret")

        assert verdict(text).auth_file == "/etc/users"
        assert [region for region, _ in verdict(text).partly] == [pattern("/secret")]
        assert verdict(text.replace(LOGIN, GRANTED)) == Verdict()

    def test_another_login_for_a_path_is_that_of_the_path(self) -> None:
        text = within(LOGIN) + within("AuthUserFile /etc/admins\n", "Location /a/b")

        assert verdict(text).auth_file == "/etc/users"
        assert verdict(text, PathPrefix("/a/b")).auth_file == "/etc/admins"

    def test_a_login_that_is_in_doubt_closes_the_route(self) -> None:
        doubted = "<If true>\nAuthUserFile /etc/admins\n</If>\n"

        assert is_closed(within(LOGIN + doubted))
        assert is_closed(within(LOGIN) + within(doubted, "Location /a"))
        assert is_open(within(GRANTED + doubted))

    def test_a_granted_part_needs_no_login(self) -> None:
        assert is_open(within(LOGIN) + within(GRANTED, "Location /a/"))

    def test_a_login_is_a_restriction(self) -> None:
        assert restricts(directives("Require valid-user\n"))


class TestPatterns:
    """Rules for the paths that an expression finds."""

    def test_a_part_of_a_route_is_told(self) -> None:
        found = verdict(within(DENIED, "LocationMatch /secret"))

        assert [region for region, _ in found.partly] == [pattern("/secret")]
        assert found.closed == ()

    def test_a_later_section_for_the_whole_route_takes_it_back(self) -> None:
        denied = within(DENIED, "LocationMatch /secret")

        assert verdict(denied + within(GRANTED, "Location /a")).partly == ()
        assert verdict(denied + within("AuthMerging And\n" + GRANTED, "Location /a")).partly

    def test_what_loosens_a_part_does_not_count(self) -> None:
        found = verdict(within(DENIED) + within(GRANTED, "LocationMatch /public"))

        assert found.closed
        assert found.partly == ()

    def test_both_kinds_of_rules_close_parts(self) -> None:
        rules = f"{DENIED}Order allow,deny\nAllowMethods GET\n"

        assert len(verdict(within(rules, "LocationMatch /secret")).partly) == 3

    def test_a_login_for_a_part_closes_the_part(self) -> None:
        (part,) = verdict(within(LOGIN, "LocationMatch /secret")).partly

        assert part[0] == pattern("/secret")

    def test_a_path_inside_an_expression_closes_that_path(self) -> None:
        found = verdict(within(DENIED, "Location /a/b"), pattern("^/a/(.*)$"))

        assert [region for region, _ in found.partly] == [PathPrefix("/a/b")]

    def test_a_login_for_a_path_inside_an_expression_closes_the_expression(self) -> None:
        assert verdict(within(LOGIN, "Location /a/b"), pattern("^/a/(.*)$")).closed


@pytest.mark.parametrize(
    ("rules", "granted"),
    [
        (GRANTED, True),
        (DENIED, False),
        ("", False),
        ("<IfModule mod_x.c>\nRequire all granted\n</IfModule>\n", False),
    ],
)
def test_only_what_is_certain_grants(rules: str, granted: bool) -> None:
    assert grants(directives(rules, given=None)) is granted
