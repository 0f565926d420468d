"""Delimited protobuf as exporters send it: MetricFamily after MetricFamily,
most of it in order."""

import struct

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, data):
    """One field of a message: text or a message, a float, an integer."""
    if isinstance(data, float):
        return varint(number << 3 | 1) + struct.pack("<d", data)
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    return varint(number << 3 | 2) + varint(len(data)) + data


def times(maker, most, make):
    return b"".join(make() for _ in range(maker.random.randrange(most + 1)))


def label(maker):
    return field(1, maker.pick([b"b", b"d", b"\xff", b"", b"a.b"], 2)) + field(
        2, maker.pick([b"c", b"e", b"\xff", b""], 2))


def exemplar(maker):
    return times(maker, 1, lambda: field(1, label(maker))) + field(2, 1.0)


def plain(maker):
    return field(1, maker.pick([1.0, float("nan"), float("inf")], 3))


def counter(maker):
    return plain(maker) + times(maker, 1, lambda: field(2, exemplar(maker)))


def summary(maker):
    return field(1, 3) + field(2, 1.5) + times(
        maker, 2, lambda: field(3, field(1, 0.5) + field(2, 1.0)))


def span(maker, length):
    return field(1, 0) + field(2, maker.pick([length, length + 1, 1 << 33]))


def side(maker, span_number):
    """Spans, and behind them as many deltas as they say, mostly."""
    length = maker.random.randrange(4)
    deltas = maker.pick([length, length + 1, 0], 1, 0.9)
    out = field(span_number, span(maker, length))
    if maker.random.random() < 0.5:
        return out + field(span_number + 1, b"\2" * deltas)
    return out + field(span_number + 1, 2) * deltas


def histogram(maker):
    out = field(1, 3) + field(2, 1.5)
    out += times(maker, 3, lambda: field(3, field(1, 1) + field(
        2, maker.random.choice([0.5, 1.0, float("inf")]))))
    if maker.has_natives and maker.random.random() < 0.6:
        out += field(5, maker.pick([0, 3, 8, 100], 2)) + field(
            6, maker.random.choice([0.0, 0.001])) + field(7, 0)
        out += times(maker, 1, lambda: side(maker, 9))
        out += times(maker, 1, lambda: side(maker, 12))
    return out


VALUES = {COUNTER: (3, counter), GAUGE: (2, plain), SUMMARY: (4, summary),
          UNTYPED: (5, plain), HISTOGRAM: (7, histogram),
          GAUGE_HISTOGRAM: (7, histogram)}


def metric(maker, kind):
    # Mostly the value that belongs to the type.
    number, make = VALUES[maker.pick([kind, *VALUES])]
    out = times(maker, 2, lambda: field(1, label(maker)))
    out += maker.pick([field(number, make(maker)), b"", field(number, 1)])
    return out + maker.pick([b"", field(6, 1395066363000), field(6, 5.0),
                             field(9, b"x")], 2)


def family(maker):
    kind = maker.random.choice(list(VALUES))
    out = field(1, maker.pick([b"a", b"b", b"a.b", b"", b"\xff"], 2))
    out += field(2, maker.pick([b"help", b"\xff"]))
    out += field(3, maker.pick([kind, 6, 1 << 32, b"x"]))
    out += times(maker, 3, lambda: field(4, metric(maker, kind)))
    out += maker.pick([b"", field(5, b"bytes"), field(7, 1), b"\xff"])
    return out


def families(maker):
    def one():
        body = family(maker)
        length = maker.pick([varint(len(body)), varint(len(body) + 1),
                             b"\xff" * 9 + b"\1", varint(1 << 40)], 1, 0.98)
        return length + body
    return one() + times(maker, 2, one)
