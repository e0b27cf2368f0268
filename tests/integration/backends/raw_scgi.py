"""The smallest SCGI client: it proves that a backend works before any gateway is blamed."""

from __future__ import annotations

from tests.integration.backends.process import Address, connect


def exchange(
    address: Address, method: str, target: str, *, body: bytes = b"", script_name: str = ""
) -> bytes:
    """Send one request and return all that comes back; a reset ends the answer like an EOF."""
    path, _, query = target.partition("?")
    variables = {
        "CONTENT_LENGTH": str(len(body)),
        "SCGI": "1",
        "REQUEST_METHOD": method,
        "REQUEST_URI": script_name + target,
        "QUERY_STRING": query,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path,
        "CONTENT_TYPE": "text/xml",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
    }
    block = "".join(f"{name}\0{value}\0" for name, value in variables.items()).encode("latin-1")
    answer = bytearray()
    with connect(address) as connection:
        connection.sendall(b"%d:%s," % (len(block), block) + body)
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:
            pass  # a backend that leaves request bytes unread ends like this
    return bytes(answer)
