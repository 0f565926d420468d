"""An exporter in a process of its own, to be starved: of CPU, of memory, of
descriptors.  What it does is in a file that it reads at each scrape:

    good            answers at once
    burn SECONDS    needs so much CPU time first
    eat             answers half, then takes all the memory there is
    hang            answers nothing
    hoard           opens files until it may not any more, then as hang
"""

import argparse
import os
import pathlib
import resource
import socket
import time

BODY = b"# TYPE up gauge\nup 1\n" * 200


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


def eat():
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))


def hoard(kept):
    try:
        while True:
            kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass


def serve(conn, mode, kept):
    word, *rest = mode.split()
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
            b"Content-Length: %d\r\n\r\n" % len(BODY))
    if word == "hang":
        time.sleep(3600)
    if word == "hoard":
        hoard(kept)
        time.sleep(3600)
    if word == "burn":
        burn(float(rest[0]))
    if word == "eat":
        conn.sendall(head + BODY[:100])
        eat()
    conn.sendall(head + BODY)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", type=pathlib.Path)
    parser.add_argument("--files", type=int)
    parser.add_argument("--eats-first", action="store_true")
    args = parser.parse_args()
    if args.files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (args.files, args.files))
    if args.eats_first:
        eat()
    listener = socket.create_server((args.host, args.port))
    print(f"listening on {args.host}:{listener.getsockname()[1]}", flush=True)
    kept = []
    while True:
        conn, _ = listener.accept()
        try:
            with conn:
                while conn.recv(65536):
                    serve(conn, args.mode.read_text(), kept)
        except OSError:
            pass  # who asked has gone


if __name__ == "__main__":
    main()
