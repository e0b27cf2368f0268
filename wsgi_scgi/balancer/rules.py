"""What a balancer's administrator decides: the options of ``[balancer.NAME]``, as values."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRules:
    """When a member is left alone, and for how long (Apache: ``retry``, nginx: ``max_fails``).

    Spans are seconds.  A member rests at once where no connection can be made, and after
    ``max_fails`` other faults of which none came later than ``fail_timeout`` after the one
    before.  The first rest lasts ``retry``; each that follows without a good answer between
    lasts twice as long, up to ``retry_max``.
    """

    retry: float = 5.0
    retry_max: float = 60.0
    max_fails: int = 3
    fail_timeout: float = 10.0
    fail_on_status: frozenset[int] = frozenset()
    fail_on_timeout: bool = False

    def span(self, rests: int) -> float:
        """Return the longest that the ``rests``-th rest in a row may be."""
        limit = max(self.retry, self.retry_max)
        return min(self.retry * 2.0 ** min(rests - 1, 32), limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRules:
    """Which requests are given to another member, and how often.

    ``max_attempts`` counts the attempts after the first, as Apache does; None is one for every
    other member.  ``next_upstream`` are statuses that are not an answer as long as another
    member may be asked.  ``retry_budget`` is the share of requests that may be repeated after a
    backend has seen them.  ``wait`` and ``next_upstream_timeout`` are seconds, 0 is none.
    """

    max_attempts: int | None = None
    next_upstream: frozenset[int] = frozenset()
    next_upstream_timeout: float = 0.0
    non_idempotent: bool = False
    retry_budget: float = 0.2
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerRules:
    """All that is said of one balancer beside its members."""

    rest: RestRules = field(default_factory=RestRules)
    attempts: AttemptRules = field(default_factory=AttemptRules)
    force_recovery: bool = True
    no_failover: bool = False
    slow_start: float = 0.0
    is_checked: bool = False
    """Whether there are health checks; without them nobody but an administrator ends a C."""
