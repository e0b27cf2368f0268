"""The retry budget: how many requests may be repeated."""

from tests.balancer.pools import Clock
from wsgi_scgi.balancer.retry_budget import RetryBudget


def test_a_share_of_requests_and_some_a_second_may_be_repeated() -> None:
    clock = Clock()
    budget = RetryBudget(0.2, clock)
    assert sum(budget.take() for _ in range(500)) == RetryBudget.MOST
    for _ in range(100):
        budget.add()
    assert sum(budget.take() for _ in range(500)) in {19, 20}
    clock.now += 3
    assert sum(budget.take() for _ in range(500)) in {30, 31}
    clock.now += 3600
    assert sum(budget.take() for _ in range(500)) == RetryBudget.MOST


def test_it_never_holds_more_than_the_most() -> None:
    budget = RetryBudget(1.0, Clock())
    for _ in range(1000):
        budget.add()
    assert sum(budget.take() for _ in range(500)) == RetryBudget.MOST
