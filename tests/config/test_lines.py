"""The lines of keys, in every form that TOML has for them."""

import pytest

from wsgi_scgi.config.lines import key_lines

DOCUMENT = '''\
# a comment with [brackets] and "quotes"

top = 1
"quoted key" . 'literal' = "x"   # dotted
[server]
bind = [
    "127.0.0.1:8000",   # a comment, in an array ]
    """a
string ""of"" many lines""""",
    [1, 2], { inner = 3 },
]
date = 1979-05-27 07:32:00Z
[[route]]
path = "/a # no comment ]"

[[ route ]]
path = '/b\\'
variables = { A = "x", "B" = false, C.D = [], E = {} }
multi = \'\'\'
it''s [not] = a key\'\'\'
last = """\\""""	# comment
[route.table]
key = -1_000.5e3 # comment
[[route.list]]
[[route.list]]
deep.er = true
[a.b]
'''

EXPECTED = {
    ("top",): 3,
    ("quoted key",): 4,
    ("quoted key", "literal"): 4,
    ("server",): 5,
    ("server", "bind"): 6,
    ("server", "bind", 0): 7,
    ("server", "bind", 1): 8,
    ("server", "bind", 2): 10,
    ("server", "bind", 2, 0): 10,
    ("server", "bind", 2, 1): 10,
    ("server", "bind", 3): 10,
    ("server", "bind", 3, "inner"): 10,
    ("server", "date"): 12,
    ("route",): 13,
    ("route", 0): 13,
    ("route", 0, "path"): 14,
    ("route", 1): 16,
    ("route", 1, "path"): 17,
    ("route", 1, "variables"): 18,
    ("route", 1, "variables", "A"): 18,
    ("route", 1, "variables", "B"): 18,
    ("route", 1, "variables", "C"): 18,
    ("route", 1, "variables", "C", "D"): 18,
    ("route", 1, "variables", "E"): 18,
    ("route", 1, "multi"): 19,
    ("route", 1, "last"): 21,
    ("route", 1, "table"): 22,
    ("route", 1, "table", "key"): 23,
    ("route", 1, "list"): 24,
    ("route", 1, "list", 0): 24,
    ("route", 1, "list", 1): 25,
    ("route", 1, "list", 1, "deep"): 26,
    ("route", 1, "list", 1, "deep", "er"): 26,
    ("a",): 27,
    ("a", "b"): 27,
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_key_has_the_line_on_which_it_stands(end: str) -> None:
    assert key_lines(DOCUMENT.replace("\n", end)) == EXPECTED


def test_the_last_line_needs_no_end() -> None:
    assert key_lines("a = 1") == {("a",): 1}


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing"])
def test_nothing_has_no_keys(text: str) -> None:
    assert key_lines(text) == {}
