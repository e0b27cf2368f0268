"""Who does what: one table of requests and backend answers, run through every gateway.

``python -m tests.conformance`` prints the table. ``test_conformance.py`` asserts our column; the
columns of Apache, nginx and lighttpd are information, and differences from them that are meant
carry their reason in the case.
"""
