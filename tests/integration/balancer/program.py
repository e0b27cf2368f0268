"""A small SCGI server as a program of its own, which can be killed and started again on its port.

``python program.py PORT NAME EXECUTED``: it answers with its name after ``WORK`` seconds.  What is
not idempotent it executes first: it appends the field X-Id of the request and its own name to
the file EXECUTED, in one write.  It prints a line when it listens.  On SIGTERM it restarts as
servers do that lose nothing: it takes what has connected already, listens no more, finishes what
it has begun, and ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

WORK = 0.02
POLL = 0.05

ending = threading.Event()


def main(port: int, name: str, executed: str) -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    record = os.open(executed, os.O_WRONLY | os.O_APPEND)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    print("listening", flush=True)
    threads: list[threading.Thread] = []
    while True:
        # What was connected before the end began is in the queue, and is taken out of it.
        was_ending = ending.is_set()
        listener.settimeout(0.0 if was_ending else POLL)
        try:
            connection, _ = listener.accept()
        except (TimeoutError, BlockingIOError):
            if was_ending:
                break
            continue
        thread = threading.Thread(target=serve, args=(connection, name, record))
        thread.start()
        threads = [one for one in threads if one.is_alive()]
        threads.append(thread)
    listener.close()
    for thread in threads:
        thread.join()


def serve(connection: socket.socket, name: str, record: int) -> None:
    """Answer one request, if the whole of it comes."""
    with connection, connection.makefile("rb") as stream:
        connection.settimeout(30)
        length = b""
        while (digit := stream.read(1)).isdigit():
            length += digit
        if digit != b":":
            return
        fields = stream.read(int(length) + 1).split(b"\0")
        variables = dict(zip(fields[::2], fields[1::2], strict=False))
        size = int(variables[b"CONTENT_LENGTH"])
        body = stream.read(size)
        if len(body) < size:
            return
        if variables[b"REQUEST_METHOD"] == b"POST":
            line = b"%s %s\n" % (variables[b"HTTP_X_ID"], name.encode())
            os.write(record, line)
        time.sleep(WORK)
        head = b"Content-Type: text/plain\r\nX-Member: %s\r\n" % name.encode()
        try:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            return  # whoever asked is gone


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
