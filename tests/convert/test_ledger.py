"""What became of every directive."""

from tests.convert.apache_text import FILE, directives
from wsgi_scgi.convert.ledger import Ledger


def comments(text: str, *, used: str = "", remark: str = "") -> list[str]:
    """Return the comments without the directory."""
    found = directives(text)
    ledger = Ledger()
    for top in found:
        for one in top.walk():
            if one.key == used:
                ledger.use(one)
            if one.key == remark:
                ledger.remark(one, "why")
                ledger.remark(one, "why")
                ledger.remark(one, "and more")
    directory = found[0].place.file.removesuffix(FILE)
    return [line.replace(directory, "") for line in ledger.comments(found)]


def test_what_was_used_needs_no_comment() -> None:
    assert comments("Listen 80\n", used="listen") == []


def test_a_remark_is_made_once_and_for_used_directives_too() -> None:
    assert comments("Listen 80\n", used="listen", remark="listen") == [
        "httpd.conf:1: Listen 80: why",
        "httpd.conf:1: Listen 80: and more",
    ]


def test_what_was_not_used_is_told_with_its_reason_in_the_order_of_the_file() -> None:
    text = "<Location />\nHeader set A b\n</Location>\nPassEnv PATH\nOidcThing On\n"

    assert comments(text) == [
        "httpd.conf:2: Header set A b: routes do not change the fields of responses",
        "httpd.conf:4: PassEnv PATH: nothing is taken from the environment; write it into"
        " variables",
        "httpd.conf:5: OidcThing On: not known here; see whether it protects something",
        "Without meaning for a gateway: <location",
    ]


def test_what_has_no_meaning_is_summed_up_in_one_line() -> None:
    text = "LoadModule a b\nLogLevel warn\nLoadModule c d\n"

    assert comments(text) == ["Without meaning for a gateway: loadmodule (2), loglevel"]
