"""The sixty rows of exporter faults, and which tests show each."""

import inspect
import re

ROWS = {
    1: "nothing listens", 2: "SYN dropped", 3: "rejected by ICMP or route",
    4: "listen backlog full", 5: "no local port left", 6: "silence",
    7: "closed without a byte", 8: "reset at once",
    9: "request read, then reset", 10: "never reads", 11: "head byte by byte",
    12: "reset in the head", 13: "closed in the head",
    14: "endless header line", 15: "endless headers", 16: "garbage",
    17: "HTTP/0.9", 18: "other versions", 19: "impossible status",
    20: "flood of interim answers", 21: "interim answer only", 22: "101",
    23: "header syntax", 24: "length and chunked", 25: "two lengths",
    26: "length that is no number", 27: "unknown transfer coding",
    28: "body shorter than its length", 29: "body longer than its length",
    30: "no length, closed", 31: "no length, reset", 32: "reset in the body",
    33: "chunk syntax", 34: "no last chunk", 35: "chunk extension of 1 MB",
    36: "trailers", 37: "endless body", 38: "body byte by byte",
    39: "body stalls", 40: "chunks of one byte", 41: "content codings",
    42: "gzip bomb", 43: "body where none may be", 44: "status other than 200",
    45: "redirect to elsewhere", 46: "a web page", 47: "empty body",
    48: "invalid exposition", 49: "kept connection closed under us",
    50: "names", 51: "TLS alerts", 52: "certificates",
    53: "handshake stalls", 54: "TLS and plain mixed up",
    55: "certificate swapped", 56: "answers before the request",
    57: "killed in the middle of an answer", 58: "stopped and continued",
    59: "restart loop", 60: "loss, slow link, reset after some bytes",
}


def row_of(name):
    """The number that a test's or a fault's name carries, or None."""
    match = re.match(r"(?:test_u|U)(\d+)(?:\b|_)", name)
    return int(match.group(1)) if match else None


def names_of(module):
    """Of its tests, with their parameters."""
    for name, test in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        yield name
        for mark in getattr(test, "pytestmark", []):
            if mark.name != "parametrize":
                continue
            ids = mark.kwargs.get("ids")
            values = mark.args[1]
            for number, value in enumerate(values):
                yield str(ids(value) if callable(ids) else
                          ids[number] if ids else value)


def coverage(modules):
    """Row -> the tests that carry its number."""
    found = {row: [] for row in ROWS}
    for module in modules:
        for name in names_of(module):
            if row_of(name):
                found[row_of(name)].append(f"{module.__name__}: {name}")
    return found
