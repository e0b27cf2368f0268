"""The scanner of lines and tomllib find the same keys in every document."""

import tomllib

from hypothesis import event, example, given
from hypothesis import strategies as st

from wsgi_scgi.config.lines import KeyPath, key_lines

BLANKS = st.sampled_from(["", " ", "\t", "  "])
BETWEEN = st.sampled_from(["", " ", "\n", " # ] } \" ' = [x]\n", "\r\n", "\n\n\t"])
ENDS = st.sampled_from(["\n", " # a comment = [1]\n", "\r\n", "\n\n# [table]\n"])

BASIC_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters='"\\')
)
ESCAPES = st.sampled_from(['\\"', "\\\\", "\\n", "\\u00e9", "", "#", "]", "}", ",", "="])
LITERAL_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="'")
)
LINES = st.sampled_from(["", "\n", "\n\n", '"', '""', "'", "''", "\\\\", "# x", "[[a]]", "a = 1\n"])


@st.composite
def basic_strings(draw: st.DrawFn) -> str:
    return f'"{draw(BASIC_TEXT)}{draw(ESCAPES)}{draw(BASIC_TEXT)}"'


@st.composite
def many_line_strings(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from(['"""', "'''"]))
    pieces = [draw(LINES) for _ in range(draw(st.integers(0, 4)))]
    return f"{quote}{'x'.join(pieces)}x{quote}"


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,3}", fullmatch=True),
    basic_strings(),
    LITERAL_TEXT.map(lambda text: f"'{text}'"),
)
SCALARS = st.one_of(
    st.sampled_from(["1", "-0.5e3", "true", "1979-05-27 07:32:00", "inf", "0x_f".replace("_", "")]),
    basic_strings(),
    LITERAL_TEXT.map(lambda text: f"'{text}'"),
    many_line_strings(),
)


@st.composite
def dotted(draw: st.DrawFn) -> str:
    keys = draw(st.lists(KEYS, min_size=1, max_size=3))
    return f"{draw(BLANKS)}.{draw(BLANKS)}".join(keys)


@st.composite
def arrays(draw: st.DrawFn, members: st.SearchStrategy[str]) -> str:
    text = "["
    for member in draw(st.lists(members, max_size=3)):
        text += f"{draw(BETWEEN)}{member}{draw(BETWEEN)},"
    if text.endswith(",") and draw(st.booleans()):
        text = text[:-1]
    return f"{text}{draw(BETWEEN)}]"


@st.composite
def inline_tables(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    pairs = [
        f"{draw(BLANKS)}{draw(dotted())}{draw(BLANKS)}={draw(BLANKS)}{draw(values)}{draw(BLANKS)}"
        for _ in range(draw(st.integers(0, 3)))
    ]
    return "{" + ",".join(pairs) + "}"


VALUES = st.recursive(
    SCALARS, lambda values: st.one_of(arrays(values), inline_tables(values)), max_leaves=6
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = ""
    for _ in range(draw(st.integers(0, 8))):
        indent, end = draw(BLANKS), draw(ENDS)
        match draw(st.sampled_from(["pair", "pair", "table", "array"])):
            case "pair":
                text += f"{indent}{draw(dotted())}{draw(BLANKS)}={draw(BLANKS)}{draw(VALUES)}{end}"
            case "table":
                text += f"{indent}[{draw(BLANKS)}{draw(dotted())}{draw(BLANKS)}]{end}"
            case "array":
                name = draw(st.sampled_from(["a", "b", "a.b", "b.a"]))
                text += f"{indent}[[{name}]]{end}"
    return text


def paths_of(value: object, path: KeyPath = ()) -> set[KeyPath]:
    """Return the paths of all tables, keys and array members."""
    found = {path} - {()}
    if isinstance(value, dict):
        for key, member in value.items():
            found |= paths_of(member, (*path, key))
    if isinstance(value, list):
        for number, member in enumerate(value):
            found |= paths_of(member, (*path, number))
    return found


@given(documents())
@example('a = """"""\nb = """x"""""\n')
@example("a = ''''''\n'b' = '''x'''''")
@example('"" = 1\n"a\\"b"."]" = [ [ ], {} ]')
def test_the_scanner_finds_the_keys_that_tomllib_finds(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        event("not valid")
        return  # a key twice, mostly
    event("valid")
    assert key_lines(text).keys() == paths_of(document)


@given(st.lists(st.tuples(KEYS, VALUES, ENDS), max_size=6))
def test_a_key_stands_on_the_line_after_those_before_it(pairs: list[tuple[str, str, str]]) -> None:
    text, expected = "", {}
    for number, (_, value, end) in enumerate(pairs):
        expected[(f"key{number}",)] = text.count("\n") + 1
        text += f"key{number} = {value}{end}"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a key of an inline table twice
    lines = key_lines(text)
    assert {path: lines[path] for path in expected} == expected
