"""Listen and the addresses of ``<VirtualHost>``: where the gateway listens, and for whom.

A route of ours serves all addresses of ``bind``; Apache's servers are bound to theirs.  So the
addresses are divided by the virtual hosts that answer there, and one division is carried over:
the one with the most routes.  Nothing becomes reachable where it was not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .definitions import is_unresolved
from .directive import Certainty, Directive
from .ledger import Ledger
from .proxy_pass import entries
from .server_block import ServerBlock

_ANY = "*"
_ADDRESS = re.compile(r"(?:(\[[0-9A-Fa-f:.%\w]*\]|[^:\[\]]*):)?(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Address:
    """A host, ``*`` for any, and a port, 0 for any."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def admits(self, other: "Address") -> bool:
        """Tell whether requests for ``other`` come in here as far as the port decides."""
        return self.port in (0, other.port)


@dataclass(frozen=True, slots=True)
class Choice:
    """The virtual hosts to carry over, none for the main server, and gunicorn's settings."""

    hosts: tuple[ServerBlock, ...]
    settings: dict[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def choose(main: ServerBlock, hosts: Sequence[ServerBlock], ledger: Ledger) -> Choice:
    """Return what answers at the addresses with the most routes."""
    listeners = [one for one in main.named("listen") if one.certainty is not Certainty.DOUBTED]
    places = _places(listeners, hosts, ledger)
    divisions: dict[tuple[ServerBlock, ...], list[Address]] = {}
    for place in places:
        divisions.setdefault(_answering(place, hosts), []).append(place)
    chosen = max(divisions, key=lambda division: _routes(main, division), default=())
    remarks = [
        f"{host.header}: answers at other addresses; its {len([*host.header.walk()]) - 1} lines"
        " are not carried over"
        for host in hosts
        if host not in chosen
    ]
    if () in divisions and chosen:
        addresses = ", ".join(map(str, divisions[()]))
        remarks.append(f"The main server answers at {addresses}: that is not carried over")
    others = [place for key, found in divisions.items() if key != chosen for place in found]
    settings, more = _bind(divisions.get(chosen, []) if listeners else [], others)
    if settings:
        secured, last = _security((*chosen[:1], main))
        settings = settings | secured if not last else {}
        more += last
    return Choice(chosen, settings, (*remarks, *more))


def _places(
    listeners: Sequence[Directive], hosts: Sequence[ServerBlock], ledger: Ledger
) -> list[Address]:
    """Return the addresses that requests come in at, the most special for each host."""
    listening: list[Address] = []
    for one in listeners:
        address = _parse(one.argument)
        if address is None or not address.port or is_unresolved(one.text):
            ledger.remark(one, "not understood; write bind into [server]")
        else:
            ledger.use(one)
            listening.append(address)
    places = dict.fromkeys(listening)
    for host in hosts:
        for address in host_addresses(host):
            if not listeners:
                places[address] = None
            for listener in listening:
                if listener.host == _ANY and address.admits(listener):
                    places[Address(address.host, listener.port)] = None
    return list(places)


def host_addresses(host: ServerBlock) -> list[Address]:
    """Return the addresses of a ``<VirtualHost>``; one that is not understood is left out."""
    words = host.header.words
    return [address for word in words if (address := _parse(word)) is not None]


def _parse(text: str) -> Address | None:
    """Return the address in ``host:port``, ``host`` or ``port``."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return Address(_host(text), 0) if text and " " not in text else None
    return Address(_host(match[1] or _ANY), 0 if match[2] == _ANY else int(match[2]))


def _host(text: str) -> str:
    return _ANY if text.lower() in ("*", "_default_", "0.0.0.0", "[::]") else text.lower()


def _answering(place: Address, hosts: Sequence[ServerBlock]) -> tuple[ServerBlock, ...]:
    """Return the virtual hosts for a place: those of its very address, else those of any."""
    for wanted in dict.fromkeys((place.host, _ANY)):
        found = tuple(
            host
            for host in hosts
            if any(one.host == wanted and one.admits(place) for one in host_addresses(host))
        )
        if found:
            return found
    return ()


def _routes(main: ServerBlock, division: tuple[ServerBlock, ...]) -> int:
    if not division:
        return len([*entries((main,))])
    return sum(len([*entries((main, host))]) for host in division)


def _bind(
    places: Sequence[Address], others: Sequence[Address]
) -> tuple[dict[str, object], list[str]]:
    """Return ``bind`` for the places, or why there is none."""
    if not places:
        return {}, []
    for place in places:
        if place.host == _ANY and any(one.port == place.port for one in others):
            text = "bind is left out: at some addresses of the machine others would answer"
            return {}, [f"{text} at port {place.port}"]
    bind = [str(one).replace(_ANY, "0.0.0.0", 1) for one in places]
    remarks = ["For IPv6 write [::] for 0.0.0.0"] if any("0.0.0.0" in one for one in bind) else []
    return {"bind": bind[0] if len(bind) == 1 else bind}, remarks


def _security(blocks: Sequence[ServerBlock]) -> tuple[dict[str, object], list[str]]:
    """Return gunicorn's settings for TLS; where they are not known, why nothing is bound."""
    if not any(_first(block, "sslengine").lower() in ("on", "optional") for block in blocks):
        return {}, []
    settings: dict[str, object] = {}
    for key, name in (("sslcertificatefile", "certfile"), ("sslcertificatekeyfile", "keyfile")):
        value = next((word for block in blocks if (word := _first(block, key))), "")
        if value and not is_unresolved(value):
            settings[name] = value
    if "certfile" not in settings:
        return {}, ["bind is left out: Apache has TLS here and the certificate is not known"]
    return settings, []


def _first(block: ServerBlock, key: str) -> str:
    directive = block.last(key)
    return directive.argument if directive is not None else ""
