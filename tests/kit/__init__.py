"""Raw sockets on both sides of a gateway: a scripted SCGI backend, a raw HTTP client, servers.

Nothing here imports the package under test: a fault of the package cannot hide in its tests.
"""
