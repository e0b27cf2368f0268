"""HTTP-date: the three forms and nothing else (RFC 9110 5.6.7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.semantics.dates import format_http_date, parse_http_date

NOW = 1_767_225_600.0  # 1 January 2026
EXAMPLE = 784_111_777  # the date of the examples in the RFC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE),
        ("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE),
        ("Sun Nov  6 08:49:37 1994", EXAMPLE),
        ("Wed Nov 16 08:49:37 1994", EXAMPLE + 10 * 86400),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),  # a leap second
        ("Fri, 06 Nov 1994 08:49:37 GMT", EXAMPLE),  # the name of the day says nothing
    ],
)
def test_each_form_is_read(value: str, seconds: int) -> None:
    assert parse_http_date(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "garbage",
        "784111777",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 +0100",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94",
        "Sun Nov 6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Thursday, 29-Feb-99 00:00:00 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT; length=5",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT,Sun, 06 Nov 1994 08:49:37 GMT",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
    ],
)
def test_what_is_no_http_date_is_none(value: str) -> None:
    assert parse_http_date(value, now=NOW) is None


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("Thursday, 01-Jan-76 00:00:00 GMT", 2076),  # fifty years ahead, not more
        ("Friday, 02-Jan-76 00:00:00 GMT", 1976),
        ("Saturday, 01-Jan-77 00:00:00 GMT", 1977),
        ("Friday, 01-Jan-99 00:00:00 GMT", 1999),
        ("Thursday, 01-Jan-26 00:00:00 GMT", 2026),
        ("Wednesday, 01-Jan-27 00:00:00 GMT", 2027),
    ],
)
def test_a_year_of_two_digits_is_at_most_fifty_years_ahead(value: str, year: int) -> None:
    seconds = parse_http_date(value, now=NOW)
    assert seconds is not None
    assert format_http_date(seconds)[12:16] == str(year)


def test_a_leap_day_of_two_digits_is_checked_in_the_year_that_it_means() -> None:
    in_2096 = 3_976_300_800.0
    assert parse_http_date("Tuesday, 29-Feb-00 00:00:00 GMT", now=NOW) == 951_782_400
    assert parse_http_date("Monday, 29-Feb-00 00:00:00 GMT", now=in_2096) == 951_782_400


def test_a_date_is_written_as_imf_fixdate() -> None:
    assert format_http_date(EXAMPLE) == "Sun, 06 Nov 1994 08:49:37 GMT"


@given(st.integers(min_value=0, max_value=253_402_300_799))
def test_what_is_written_is_read_again(seconds: int) -> None:
    assert parse_http_date(format_http_date(seconds), now=NOW) == seconds


@given(st.text(max_size=40), st.floats(min_value=0, max_value=4e9))
def test_no_text_does_more_than_to_be_no_date(value: str, now: float) -> None:
    assert parse_http_date(value, now=now) is None
