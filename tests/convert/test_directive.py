"""Directives as values."""

from tests.convert.apache_text import directives
from wsgi_scgi.convert.directive import Certainty, Place


def test_a_directive_tells_its_place_its_text_and_the_condition_around_it() -> None:
    _, inside = directives("<IfModule mod_x.c>\nListen 80\n</IfModule>\n")

    assert str(inside).endswith(
        "httpd.conf:2: Listen 80 (in <IfModule mod_x.c> at " + (f"{inside.place.file}:1)")
    )
    assert inside.certainty is Certainty.ASSUMED


def test_the_argument_is_the_first_word_or_nothing() -> None:
    one, none = directives("Listen 80 https\nListen\n")

    assert (one.argument, none.argument) == ("80", "")


def test_a_section_is_walked_with_all_that_is_in_it() -> None:
    (section,) = directives("<Location />\n<RequireAll>\nRequire local\n</RequireAll>\n</Location>")

    assert [one.key for one in section.walk()] == ["<location", "<requireall", "require"]


def test_places_are_ordered_by_file_and_line() -> None:
    assert sorted([Place("b", 1), Place("a", 10), Place("a", 9)])[0] == Place("a", 9)
