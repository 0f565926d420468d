"""Who guesses: wrong logins at a rate, from several addresses, a process of
its own.  Prints how many got which status, as JSON.

guesser.py PORT basic|bearer RATE SECONDS
"""

import base64
import collections
import json
import os
import random
import socket
import ssl
import sys
import threading
import time

ADDRESSES = 8
# Many more than may wait for a check: the rest is refused at once.
CONNECTIONS = 192


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def connect(port, number):
    link = socket.create_connection(("127.0.0.1", port), 60,
                                    (f"127.0.0.{20 + number}", 0))
    return CONTEXT.wrap_socket(link)


def credentials(kind):
    secret = os.urandom(9).hex()
    if kind == "bearer":
        return f"Bearer {secret}"
    return "Basic " + base64.b64encode(f"alice:{secret}".encode()).decode()


def answer(link):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = link.recv(65536)
        if not piece:
            raise ConnectionError
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = link.recv(65536)
        if not piece:
            raise ConnectionError
        body += piece
    return head[9:12].decode()


def guess(port, kind, rate, end, number, seen, link):
    """On time, or as fast as it is answered."""
    due = time.monotonic() + random.random() / rate
    while time.monotonic() < end:
        time.sleep(max(0, due - time.monotonic()))
        due = max(due, time.monotonic() - 1) + 1 / rate
        link.sendall(("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: "
                      f"{credentials(kind)}\r\n\r\n").encode())
        try:
            seen[answer(link)] += 1
        except ConnectionError:
            link = connect(port, number)


def main():
    port, kind, rate, seconds = sys.argv[1:]
    links = [connect(int(port), number % ADDRESSES)
             for number in range(CONNECTIONS)]
    end = time.monotonic() + float(seconds)
    seen = collections.Counter()
    threads = [threading.Thread(target=guess, args=(
        int(port), kind, float(rate) / CONNECTIONS, end, number % ADDRESSES,
        seen, link)) for number, link in enumerate(links)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
