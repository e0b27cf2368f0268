"""How long a rest may be."""

import pytest

from wsgi_scgi.balancer.rules import RestRules


@pytest.mark.parametrize(
    ("rules", "spans"),
    [
        (RestRules(), [5, 10, 20, 40, 60, 60]),
        (RestRules(retry=1, retry_max=3), [1, 2, 3, 3]),
        # One of ``retry`` is never cut.
        (RestRules(retry=90, retry_max=60), [90, 90]),
        (RestRules(retry=0, retry_max=60), [0, 0, 0]),
    ],
)
def test_each_rest_in_a_row_is_twice_as_long_up_to_a_limit(
    rules: RestRules, spans: list[float]
) -> None:
    assert [rules.span(number) for number in range(1, len(spans) + 1)] == spans


def test_no_number_of_rests_is_too_high() -> None:
    assert RestRules(retry_max=1e18).span(10**6) == 5 * 2.0**32
