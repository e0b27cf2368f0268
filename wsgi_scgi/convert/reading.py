"""Read a configuration into a tree of directives, with what it includes.

Conditional sections are resolved here: what is certainly not in effect is left out, what is in
them otherwise is put in their place, marked with its certainty.  ``<If>``, ``<Limit>`` and
``<LimitExcept>`` are conditions on the request, so what is in them is always in doubt, and so is
what is in a section that nobody knows.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ConfigurationError
from .conditions import Conditions
from .definitions import Definitions, is_unresolved
from .directive import Certainty, Directive, Place
from .includes import included_files
from .syntax import UnclosedQuoteError, first_word, logical_lines, section_parts, split_words

_DEEPEST_INCLUDE = 20
_LATE = frozenset({"<if", "<elseif", "<else"})
_PLAIN = frozenset(
    {
        *("<virtualhost", "<location", "<locationmatch", "<proxy", "<proxymatch"),
        *("<directory", "<directorymatch", "<files", "<filesmatch"),
        *("<requireall", "<requireany", "<requirenone"),
        *("<authnprovideralias", "<authzprovideralias", "<mdomainset"),
    }
)
# Apache takes the text after one quote that nothing closes, for the sake of old files.
_HALF_QUOTED = frozenset({"errordocument"})


@dataclass(frozen=True, slots=True)
class Tree:
    """All directives of a configuration; ``server_root`` is what relative paths are below."""

    directives: tuple[Directive, ...]
    server_root: str
    environment: Mapping[str, str]
    """The variables of the environment that were used."""


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a directive stands: under which condition, or not in effect at all."""

    file: str
    certainty: Certainty = Certainty.CERTAIN
    condition: str = ""
    late: bool = False
    skipped: bool = False

    def under(self, certainty: Certainty, condition: str) -> "_Context":
        """Return the context inside a condition; the more doubtful one counts."""
        if certainty >= self.certainty:
            return self
        return replace(self, certainty=certainty, condition=condition)


def read_configuration(
    path: Path, *, given: Collection[str] | None, environment: Mapping[str, str]
) -> Tree:
    """Read a file and what it includes.

    ``given`` and ``environment`` are those of Definitions.  Raises ConfigurationError with file,
    line and cause.
    """
    reader = _Reader(Definitions(given, environment), str(path))
    return reader.read()


class _Reader:
    def __init__(self, definitions: Definitions, main: str) -> None:
        self._definitions = definitions
        self._conditions = Conditions(definitions)
        self._main = main
        self._main_directory = str(Path(main).parent)
        self._server_root = self._main_directory
        self._open: list[str] = []

    def read(self) -> Tree:
        try:
            directives = self._file(self._main, _Context(self._main))
        except OSError as error:
            raise ConfigurationError(f"cannot read {self._main}: {error.strerror}") from error
        used = dict(sorted(self._definitions.used_environment.items()))
        return Tree(tuple(directives), self._server_root, used)

    def _file(self, name: str, context: _Context) -> list[Directive]:
        text = Path(name).read_bytes().decode("utf-8", "surrogateescape")
        self._open.append(name)
        directives = self._block(logical_lines(text), None, replace(context, file=name))
        self._open.pop()
        return directives

    def _block(
        self, lines: Iterator[tuple[int, str]], opened: Directive | None, context: _Context
    ) -> list[Directive]:
        """Return the directives up to the end of the section ``opened``, or of the file."""
        directives: list[Directive] = []
        for number, text in lines:
            place = Place(context.file, number)
            _check_characters(text, place)
            text = self._definitions.substitute(text)
            if text.startswith("</"):
                _check_end(text, opened, place)
                return directives
            try:
                if text.startswith("<"):
                    directives += self._section(text, place, lines, context)
                else:
                    directives += self._line(text, place, context)
            except ValueError as error:
                raise ConfigurationError(f"{place}: {error}") from error
        if opened is not None:
            raise ConfigurationError(
                f"{opened.place}: <{opened.key[1:]}> is not closed; {context.file} ends before"
            )
        return directives

    def _section(
        self, text: str, place: Place, lines: Iterator[tuple[int, str]], context: _Context
    ) -> list[Directive]:
        name, argument = section_parts(text)
        key = f"<{name.lower()}"
        if key in ("<perl", "<macro"):
            raise ConfigurationError(f"{place}: {text}: programs in the file are not understood")
        words = tuple(split_words(argument)) if key in _PLAIN else ()
        header = _directive(key, words, text, place, context)
        if key in _PLAIN:
            return [replace(header, children=tuple(self._block(lines, header, context)))]
        decision = self._conditions.decide(key, argument)
        if decision is None:
            inside = context.under(Certainty.DOUBTED, f"{text} at {place}")
            inside = replace(inside, late=context.late or key in _LATE)
            return [header, *self._block(lines, header, inside)]
        if decision.certain and not decision.holds:
            self._block(lines, header, replace(context, skipped=True))
            return [header]
        if decision.certain:
            return self._block(lines, header, context)
        certainty = Certainty.ASSUMED if decision.holds else Certainty.DOUBTED
        inside = context.under(certainty, f"{text} at {place}")
        return [header, *self._block(lines, header, inside)]

    def _line(self, text: str, place: Place, context: _Context) -> list[Directive]:
        name, arguments = first_word(text)
        key = name.lower()
        if context.skipped:
            return []
        try:
            words = tuple(split_words(arguments))
        except UnclosedQuoteError:
            if key not in _HALF_QUOTED:
                raise
            words = (arguments,)
        directive = _directive(key, words, text, place, context)
        match key:
            case "include" | "includeoptional":
                return self._include(directive, context)
            case "use":
                raise ConfigurationError(
                    f"{place}: {text}: macros are not expanded; write out what it stands for"
                )
            case "define" if words:
                value = words[1] if len(words) > 1 else None
                self._definitions.define(words[0], value, context.certainty)
            case "undefine" if words:
                self._definitions.undefine(words[0], context.certainty)
            case "loadmodule" if len(words) == 2 and context.certainty is Certainty.CERTAIN:
                self._conditions.load_module(*words)
            case "serverroot" if words:
                self._server_root = words[0]
        return [directive]

    def _include(self, directive: Directive, context: _Context) -> list[Directive]:
        place, pattern = directive.place, directive.argument
        if not pattern or is_unresolved(pattern):
            raise ConfigurationError(f"{place}: {directive.text}: the name of the file is unknown")
        try:
            files = included_files(pattern, self._directories(context.file))
        except (OSError, RecursionError) as error:
            raise ConfigurationError(f"{place}: {directive.text}: {error}") from error
        optional = directive.key == "includeoptional" or context.certainty is Certainty.DOUBTED
        if not files and not optional:
            raise ConfigurationError(f"{place}: {directive.text}: there is no such file")
        directives: list[Directive] = [] if files else [directive]
        for file in files:
            if file in self._open or len(self._open) > _DEEPEST_INCLUDE:
                raise ConfigurationError(f"{place}: {file} includes itself, or too deep")
            try:
                directives += self._file(file, context)
            except OSError as error:
                raise ConfigurationError(f"{place}: {file}: {error.strerror}") from error
        return directives

    def _directories(self, file: str) -> list[str]:
        """Return where a relative Include is looked for: Apache knows the first alone."""
        found = [self._server_root, self._main_directory, str(Path(file).parent)]
        return list(dict.fromkeys(found))


def _directive(
    key: str, words: tuple[str, ...], text: str, place: Place, context: _Context
) -> Directive:
    return Directive(
        key=key,
        words=words,
        text=text,
        place=place,
        certainty=context.certainty,
        condition=context.condition,
        late=context.late,
    )


def _check_characters(text: str, place: Place) -> None:
    if "\0" in text:
        raise ConfigurationError(f"{place}: the line has a NUL")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ConfigurationError(f"{place}: the line is not UTF-8; convert the file first")


def _check_end(text: str, opened: Directive | None, place: Place) -> None:
    name = text[2:].partition(">")[0].strip()
    if opened is None:
        raise ConfigurationError(f"{place}: {text} closes a section that is not open")
    if not text.endswith(">") or name.lower() != opened.key[1:]:
        raise ConfigurationError(
            f"{place}: {text} where </{opened.key[1:]}> is due: {opened.place}: {opened.text}"
        )
