"""What became of every directive: used, or told in a comment with its reason."""

from collections.abc import Iterable

from .directive import Directive, Place
from .vocabulary import REASONS, has_no_meaning_here

_FALLBACK = "not known here; see whether it protects something"


class Ledger:
    """Collect uses and remarks while the configuration is converted."""

    def __init__(self) -> None:
        self._used: set[Directive] = set()
        self._remarks: dict[Directive, list[str]] = {}

    def use(self, *directives: Directive) -> None:
        """Take note that a directive went into the result."""
        self._used.update(directives)

    def remark(self, directive: Directive, text: str) -> None:
        """Say something about a directive, once."""
        remarks = self._remarks.setdefault(directive, [])
        if text not in remarks:
            remarks.append(text)

    def comments(self, directives: Iterable[Directive]) -> list[str]:
        """Return a comment for each remark and for each directive that was not used.

        Those that have no meaning for a gateway come last, together.
        """
        comments: list[str] = []
        meaningless: dict[str, list[Place]] = {}
        for top in directives:
            for directive in top.walk():
                remarks = self._remarks.get(directive, [])
                if not remarks and directive not in self._used:
                    if has_no_meaning_here(directive.key):
                        meaningless.setdefault(directive.key, []).append(directive.place)
                        continue
                    remarks = [self._reason(directive)]
                comments += [f"{directive}: {remark}" for remark in remarks]
        if meaningless:
            names = ", ".join(
                name if len(places) == 1 else f"{name} ({len(places)})"
                for name, places in sorted(meaningless.items())
            )
            comments.append(f"Without meaning for a gateway: {names}")
        return comments

    @staticmethod
    def _reason(directive: Directive) -> str:
        return REASONS.get(directive.key, _FALLBACK)
