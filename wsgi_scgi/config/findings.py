"""What is found wrong while the tables of a document are read, one after the other."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from .configuration import Source
from .declaring import Table
from .lines import KeyPath
from .mistakes import InvalidConfiguration, Mistake, unknown_key

AnyTable = TypeVar("AnyTable", bound=Table)


class Findings:
    """Collects the mistakes of one document."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.mistakes: list[Mistake] = []

    def wrong(self, path: KeyPath, text: str) -> None:
        """Add a mistake at ``path``."""
        self.mistakes.append(self.source.mistake(path, text))

    def refuse_unknown(
        self, at: KeyPath, table: Mapping[str, object], known: Sequence[str]
    ) -> None:
        """Add a mistake for each key of the table at ``at`` that is not known."""
        for key in map(str, table):
            if key not in known:
                self.wrong((*at, key), unknown_key(key, known))

    def table(self, at: KeyPath, raw: object) -> Mapping[str, object] | None:
        """Return ``raw`` if it is a table; else add the mistake."""
        if isinstance(raw, Mapping):
            return raw
        self.wrong(at, f"is a table; write [{'.'.join(map(str, at))}]")
        return None

    def tables(self, at: KeyPath, raw: object) -> Sequence[Mapping[str, object]] | None:
        """Return ``raw`` if it is an array of tables; else add the mistake."""
        if isinstance(raw, list | tuple) and all(isinstance(one, Mapping) for one in raw):
            return raw
        self.wrong(at, f"is a list of tables; write [[{'.'.join(map(str, at))}]]")
        return None

    def options(
        self, at: KeyPath, kind: type[AnyTable], values: Mapping[str, object]
    ) -> AnyTable | None:
        """Return the options of the table at ``at``; None, with the mistakes added, if wrong."""
        try:
            return kind.from_values({str(name): value for name, value in values.items()})
        except InvalidConfiguration as error:
            for mistake in error.mistakes:
                self.wrong((*at, *mistake.key.split(".", 1)), mistake.text)
            return None
