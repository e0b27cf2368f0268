"""The examples are run: each site with its framework, a login, and an SCGI server behind it."""
