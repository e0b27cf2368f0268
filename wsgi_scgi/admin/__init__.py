"""Seeing and steering: the status page, the manager, JSON and metrics under ``[admin] path``.

``access`` says who may come in, ``view`` what there is to see, ``changes`` what may be changed,
``metrics`` speaks to Prometheus, and ``admin`` is the handler in front of all that.
"""

from .access import Access
from .admin import Admin

__all__ = ["Access", "Admin"]
