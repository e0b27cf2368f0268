"""The exchange with a backend over sockets, cooperative inside gevent and ordinary elsewhere.

Both transports use the same non-blocking C sockets and the same code; they differ in one thing,
how they wait (``waiting.py``).
"""
