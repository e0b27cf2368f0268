"""``wsgi-scgi convert``: an Apache configuration in, ours out, nothing opened that was closed."""

from .conversion import convert

__all__ = ["convert"]
