"""HTTP-date in its three forms, exactly: RFC 9110 section 5.6.7.

``email.utils`` reads far more than these (zones, missing seconds, trailing text), and what is
no HTTP-date has to be ignored where a condition is evaluated.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_DAY_NAME = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY_NAME = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_DAY_NAME}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        rf"{_LONG_DAY_NAME}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        rf"{_DAY_NAME} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIFTY_YEARS = 50
_LEAP_SECOND = 60


def parse_http_date(value: str, *, now: float) -> int | None:
    """Return the seconds since 1970 that an HTTP-date means, or None if it is none.

    ``now`` is the time in seconds: a year of two digits is at most fifty years ahead of it.
    """
    for form in _FORMS:
        match = form.fullmatch(value)
        if match is not None:
            break
    else:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        this_year = (_EPOCH + timedelta(seconds=now)).year
        year += this_year - this_year % 100
    moment = _moment(match, year)
    if moment is not None and len(match["year"]) == 2 and _is_far_ahead(moment, now):
        moment = _moment(match, year - 100)
    if moment is None:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) + (int(match["second"]) == _LEAP_SECOND)


def _moment(match: re.Match[str], year: int) -> datetime | None:
    second = int(match["second"])
    try:
        return datetime(
            year,
            _MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            second - (second == _LEAP_SECOND),
            tzinfo=UTC,
        )
    except ValueError:
        return None


def _is_far_ahead(moment: datetime, now: float) -> bool:
    today = _EPOCH + timedelta(seconds=now)
    limit = (today.year + _FIFTY_YEARS, today.month, today.day, today.time())
    return (moment.year, moment.month, moment.day, moment.time()) > limit


def format_http_date(seconds: int) -> str:
    """Return the IMF-fixdate for a time in seconds since 1970."""
    return formatdate(seconds, usegmt=True)
