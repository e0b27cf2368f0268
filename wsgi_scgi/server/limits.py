"""What a peer may cost the server: bytes, seconds and connections."""

from dataclasses import dataclass

from ..scgi.request_head import DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Bounds against peers that are slow, silent or hostile."""

    head_size: int = DEFAULT_LIMIT
    """Bytes of the block of variables."""

    head_timeout: float = 10.0
    """Seconds from the accepted connection to the last byte of the head, however it arrives."""

    read_timeout: float = 60.0
    """Seconds for which the peer may send nothing while the application reads the body."""

    write_timeout: float = 60.0
    """Seconds for which the peer may take nothing of the response."""

    max_connections: int = 1000
    """Connections served at once; more wait in the listen queue of the system."""

    linger_timeout: float = 2.0
    """Seconds in which what the peer still sends is dropped after the last byte of a response.

    A socket closed with unread bytes is reset, and a reset can overtake the response.
    """
