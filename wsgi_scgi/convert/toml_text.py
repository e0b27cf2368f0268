"""TOML for what a conversion needs: strings, numbers, booleans, arrays, inline tables, comments."""

import re

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def toml_key(name: str) -> str:
    """Return a key, quoted where it must be."""
    return name if _BARE_KEY.fullmatch(name) else toml_string(name)


def toml_string(text: str) -> str:
    """Return a basic string; what cannot be printed is escaped."""
    return '"' + "".join(_SHORT.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def toml_value(value: object) -> str:
    """Return a value; raise TypeError for one that is not from a configuration."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return toml_string(value)
        case list() | tuple():
            return "[" + ", ".join(map(toml_value, value)) + "]"
        case dict():
            pairs = ", ".join(key_value(str(name), one) for name, one in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
    raise TypeError(f"{value!r} has no place in a configuration")


def key_value(name: str, value: object) -> str:
    """Return one line of a table."""
    return f"{toml_key(name)} = {toml_value(value)}"


def comment(text: str) -> str:
    """Return a comment of one line; nothing in ``text`` can end it."""
    printable = (
        letter if letter.isprintable() or letter == "\t" else _escaped(letter) for letter in text
    )
    return f"# {''.join(printable)}"
