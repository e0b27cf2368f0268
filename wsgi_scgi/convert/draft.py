"""A ``[[route]]`` in the making."""

from dataclasses import dataclass, field

from .region import PathPrefix, Region, is_writable, widened
from .settings import Setting
from .toml_text import comment, key_value

_FIRST = ("path_info", "internal_redirect", "sendfile", "sendfile_roots", "variables")


@dataclass(slots=True)
class Draft:
    """The requests of a route and what becomes of them.

    ``backend`` is empty for one that was excluded from the start.  ``reasons`` are why it is
    excluded, ``remarks`` other comments above it, ``lost`` comments below.  Without any of the
    ``guarded`` keys it would let in more than Apache does.
    """

    region: Region
    origin: str
    backend: str = ""
    exclude: bool = False
    host: tuple[str, ...] = ()
    options: dict[str, Setting] = field(default_factory=dict)
    set_if: list[dict[str, object]] = field(default_factory=list)
    guarded: frozenset[str] = frozenset()
    reasons: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def make_writable(self) -> "Draft":
        """Exclude what is around the region if the region itself cannot be written down."""
        if not is_writable(self.region):
            self.region = widened(self.region)
            self.close("the expression cannot be written down, so all around it is excluded")
        return self

    def close(self, reason: str) -> None:
        """Exclude the route; what it would be is left as a comment."""
        self.exclude = True
        if reason not in self.reasons:
            self.reasons.append(reason)

    def same_effect(self, other: "Draft") -> bool:
        """Tell whether the two do the same with a request."""
        if self.exclude or other.exclude:
            return self.exclude and other.exclude
        values = {name: one.value for name, one in self.options.items()}
        others = {name: one.value for name, one in other.options.items()}
        return values == others and self.set_if == other.set_if

    def lines(self) -> list[str]:
        """Return the table in TOML, with its comments."""
        lines = [comment(text) for text in (self.origin, *self.reasons, *self.remarks)]
        lines += ["[[route]]", *self._place()]
        options = self._options()
        if self.exclude:
            lines.append("exclude = true")
            lines += [f"# {line}" for line in options]
        else:
            lines += options
        lines += [comment(text) for text in self.lost]
        if not self.exclude:
            for table in self.set_if:
                lines += ["[[route.set_if]]"]
                lines += [key_value(name, value) for name, value in table.items()]
        return lines

    def _place(self) -> list[str]:
        region = self.region
        if isinstance(region, PathPrefix):
            lines = [key_value("path", region.path)]
        else:
            lines = [key_value("match", region.python)]
        return [*lines, key_value("host", list(self.host))] if self.host else lines

    def _options(self) -> list[str]:
        if not self.backend:
            return []
        names = [name for name in _FIRST if name in self.options]
        names += [name for name in self.options if name not in names]
        lines = [key_value("backend", self.backend)]
        for name in names:
            setting = self.options[name]
            line = key_value(name, setting.value)
            if setting.places:
                line += f"  # {', '.join(map(str, setting.places))}"
            lines.append(line)
        return lines
