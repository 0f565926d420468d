"""Bodies that exporters might send: good ones, bad ones, and good ones with a
few bytes changed, under Content-Types that are right, wrong or missing.

Maker(seed) makes the same bodies for the same seed.
"""

import os
import random
import re
from dataclasses import dataclass

from families import families

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "exposition", "vectors.tsv")
TEXT, OPENMETRICS, PROTOBUF = "t", "o", "p"
RIGHT = {
    TEXT: ["text/plain; version=0.0.4; charset=utf-8",
           "text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain"],
    OPENMETRICS: ["application/openmetrics-text; version=1.0.0; charset=utf-8",
                  "application/openmetrics-text"],
    PROTOBUF: ["application/vnd.google.protobuf; proto=io.prometheus.client."
               "MetricFamily; encoding=delimited"],
}
# Which 2.42 reads as text and 3 as what it says: of that we say nothing.
REPEATED = "application/openmetrics-text; a=1; a=1"
# Which versions of Prometheus 3 read in different ways, or not at all.
OPENMETRICS_2 = "application/openmetrics-text; version=2.0.0"
WRONG = [None, "", "text/html; charset=utf-8", "application/json", "text",
         "text/plain; version", "text/plain; a=1; A=2", "text/plain, text/html",
         "invalid/", ";", "TEXT/PLAIN ; x=\"a\\\"b;c\" ;",
         REPEATED, OPENMETRICS_2, "text/plain;charset=\"u",
         "application/openmetrics", "text plain", "text/plain; =x",
         RIGHT[OPENMETRICS][0], RIGHT[TEXT][0]]

# The first ones of each list are fine.
NAMES = [b"a", b"b_c:d", b"a_total", b"h_bucket", b"x9", b"process_open_fds",
         b"go_gc_duration_seconds_count", b":", b"  lead", b"9a", b"a-b", b"a.b", b"", b"\xc3\xa9",
         b"{\"a.b\"}", b"{\"a.b\",c=\"d\"}", b"{c=\"d\",\"a\"}", b"{\"a\",\"b\"}",
         b"{\"\"}", b"{c=\"d\"}", b"{\"\\\\\"}"]
LABELS = [b"", b"", b"{}", b"{b=\"c\"}", b"{b=\"c\",d=\"e\"}", b"{le=\"1\"}",
          b"{b=\"\xe2\x82\xac\"}", b"{b=\"\\\\ \\\" \\n\"}",
          b"{b=\"c\",}", b"{b=\"c\"d=\"e\"}", b"{,}", b"{b=\"c\",,}",
          b"{ b = \"c\" , d=\"e\" }", b"{b=\"\\\\ \\\" \\n \\q\"}",
          b"{b=\"\xe9\"}", b"{b=\"c\nd\"}",
          b"{\"q.l\"=\"v\"}", b"{\"m\"}", b"{b='c'}", b"{b=c}", b"{b=\"c}",
          b"{b=\"c\"", b"{a-b=\"c\"}", b"{1=\"c\"}", b"{b=\"1\",b=\"2\"}",
          b"{b=\"\"}", b"{__name__=\"x\"}", b"{__name__=\"\"}",
          b"{le=\"1\",le=\"1.0\"}", b"{quantile=\"0.5\"}", b"{a:b=\"c\"}",
          b"{b=\"c\\\"}", b"{b=\"0123456789abcdef\",c_long_name=\"1\"}",
          b"{l1=\"1\",l2=\"2\",l3=\"3\",l4=\"4\"}"]
NUMBERS = [b"1", b"0.5", b"-1", b"+1", b"1e5", b"1E-5", b"1e+09", b"NaN",
           b"+Inf", b"-inf", b"nan", b"Infinity", b"-nan", b"infin",
           b"1e999", b"-1e400", b"1e-999", b"1.7976931348623159e308", b"0x1p3",
           b"0x10", b"1_0", b"1,5", b"true", b"", b".", b"5.", b".5", b"1e",
           b"1e+", b"--1", b"1" * 400, b"0." + b"0" * 400 + b"1", b"\xc2\xbd",
           b"1\r", b"-0", b"0b1", b"1..2", b"9" * 25]
TEXT_TIMES = [b"", b"", b"", b"", b"", b" 1395066363000", b" 1700000000", b" -1",
              b" +1", b" 1.5", b" 9223372036854775807", b" 0", b" x",
              b" 9223372036854775808", b"  5 ", b"\t5\t", b" ", b" 1 2",
              b" # {a=\"b\"} 1", b" # x"]
SECONDS = [b"", b"", b"", b"", b"", b" 1700000000", b" 1700000000.123", b" -1",
           b" NaN", b" +Inf", b" -inf", b" 1e3", b" 1e30", b" 1e999", b" x",
           b" 0x1p1", b"  1", b" 1 ", b" ", b" 1 2", b"\t1", b" #"]
EXEMPLARS = [b"", b"", b"", b"", b"", b" # {a=\"b\"} 1", b" # {} 1 1.5",
             b" # {a=\"b\"} 1 NaN", b" # {a=\"b\"} 1 -Inf", b" # {a=\"b\",} 1",
             b" # {a=\"b\"}", b" # {a=\"b\"} x", b" # {a=\"b\"} 1 x",
             b" #{a=\"b\"} 1", b" # {a=\"b\"}1", b" # {a=\"\xff\"} 1",
             b" # {a=\"b\nc\"} 1", b" # {\"a\"=\"b\"} 1", b" # {\"a\"} 1",
             b" # {a=\"b\"} 1 1 1", b" # {a=\"b\"} NaN 1", b" # x",
             b" # {a=\"b\",c} 1", b" # {a-b=\"c\"} 1"]
METADATA = [b"# HELP a some \\n help", b"# HELP a", b"# HELP a ", b"# HELP",
            b"# HELP 9 x", b"# HELP a \xff", b"# HELP a \xc3\xa9",
            b"# HELP \"a.b\" x", b"# TYPE a counter", b"# TYPE a gauge",
            b"# TYPE h histogram", b"# TYPE a summary", b"# TYPE a untyped",
            b"# TYPE a unknown", b"# TYPE a info", b"# TYPE a stateset",
            b"# TYPE a gaugehistogram", b"# TYPE a Counter", b"# TYPE a",
            b"# TYPE a counter ", b"# TYPE a counter\r", b"# TYPE a  gauge",
            b"# TYPE \"a b\" gauge", b"# TYPE a\tgauge", b"#TYPE a gauge",
            b"# UNIT a_seconds seconds", b"# UNIT a seconds", b"# UNIT a ",
            b"# UNIT seconds seconds", b"# UNIT \"a.s\" s", b"# comment", b"#",
            b"# ", b"", b" ", b"# EOF", b"# EOF ", b"#EOF", b"# help a b",
            b"# HELPx", b"#\tHELP\ta\tb", b"# \xff", b"\xef\xbb\xbf# x"]
TOKENS = [b"\r\n", b"\r", b"\n", b"\n\n", b"\t", b" ", b"  ", b"\0", b"\"", b"'",
          b"{", b"}", b"{}", b",", b"=", b"#", b" # ", b"\\", b"\\\"", b"\\n",
          b"e", b"e+", b"1e5", b"p", b"_", b".", b"-", b"+", b":", b"0x",
          b"NaN", b"+Inf", b" 1395066363000", b" 1.5", b" # {a=\"b\"} 1",
          b"# EOF\n", b"# EOF", b"# HELP a x\n", b"# TYPE a gauge\n",
          b"# TYPE a counter\n", b"# UNIT a a\n", b"\xc3\xa9", b"\xe2\x82\xac",
          b"\xf0\x9f\x98\x80", b"\xe9", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
          b"\xef\xbb\xbf", b"\xc2\xa0", b"\x7f", b"\x0b", b"\x0c", b"\x1b",
          b"{b=\"c\"}", b"{\"a.b\"}", b",}", b"__name__", b"le=\"1\"", b"<html>",
          b"9223372036854775808", b"\xe2\x80\xa8", b"a 1\n"]
LABEL_TOKENS = (b"job", b"instance")


@dataclass
class Exposition:
    number: int
    kind: str
    content_type: object  # str, or None for none
    body: bytes

    def says_target_label(self):
        """Prometheus renames these, and so its words differ."""
        return any(each in self.body for each in LABEL_TOKENS)

    def __str__(self):
        return (f"body {self.number}, Content-Type {self.content_type!r}: "
                f"{self.body!r}")


def unescape(text):
    """As the bodies in vectors.tsv are escaped."""
    def one(match):
        code = match.group(1)
        if code[0] == "x":
            return chr(int(code[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)
    return re.sub(r"\\(x..|.)", one, text).encode("latin-1")


def content_type_of(served):
    kind, *settings = served.split("|")
    for each in settings:
        name, _, value = each.partition("=")
        if name == "type":
            return value or None
    return RIGHT[kind][0]


def load_vectors():
    """(kind, Content-Type, body) of each own vector without a limit."""
    with open(VECTORS, encoding="ascii") as file:
        rows = [line.rstrip("\n").split("\t") for line in file
                if line[0] != "#"]
    return [(row[1][0], content_type_of(row[1]), unescape(row[4]))
            for row in rows if "limit" not in row[1]]


def own_vectors():
    return [Exposition(number, *vector)
            for number, vector in enumerate(load_vectors())]


class Maker:
    """Native histograms whose parts do not match crash Prometheus 2.42."""

    def __init__(self, seed, has_natives=False):
        self.has_natives = has_natives
        self.random = random.Random(seed)
        self.vectors = [(kind, body) for kind, _, body in load_vectors()]
        self.count = 0

    def pick(self, choices, fine=1, usual=0.97):
        """Mostly one of the first ones."""
        if self.random.random() < usual:
            return self.random.choice(choices[:fine])
        return self.random.choice(choices)

    def sample(self, is_openmetrics):
        blank = self.pick([b" ", b"  ", b"\t", b""])
        tail = self.pick(SECONDS if is_openmetrics else TEXT_TIMES, 6)
        if is_openmetrics:
            tail += self.pick(EXEMPLARS, 6)
        return (self.pick(NAMES, 8) + self.pick(LABELS, 8) + blank +
                self.pick(NUMBERS, 12) + tail)

    def metadata(self):
        return self.random.choice(METADATA[:1] * 40 + METADATA[8:12] * 30 +
                                  METADATA)

    def lines(self, is_openmetrics):
        out = []
        for _ in range(self.random.randrange(1, 7)):
            if self.random.random() < 0.7:
                out.append(self.sample(is_openmetrics))
            else:
                out.append(self.metadata())
        end = self.pick([b"\n", b"\r\n", b"", b"\n\n"])
        text = b"\n".join(out) + end
        if is_openmetrics:
            text += self.pick([b"# EOF\n", b"# EOF", b"", b"# EOF\n\n",
                               b"# EOF\na 1\n", b"#EOF\n"], 2, 0.9)
        return text

    def mutate(self, body):
        at = self.random.randrange(len(body) + 1)
        to = min(len(body), at + self.random.randrange(1, 9))
        how = self.random.randrange(8)
        if how == 0 and at < len(body):
            flipped = body[at] ^ 1 << self.random.randrange(8)
            return body[:at] + bytes([flipped]) + body[at + 1:]
        if how == 1:
            return body[:at]
        if how == 2:
            return body[:at] + body[to:]
        if how == 3:
            return body[:to] + body[at:to] + body[to:]
        if how == 4:
            return (body[:at] + bytes([self.random.randrange(256)]) +
                    body[at:])
        if how == 5:
            return body.replace(b"\n", b"\r\n", self.random.choice([1, -1]))
        return body[:at] + self.random.choice(TOKENS) + body[at:]

    def original(self):
        how = self.random.random()
        if how < 0.45:
            return TEXT, self.lines(False)
        if how < 0.80:
            return OPENMETRICS, self.lines(True)
        if how < 0.85:
            return PROTOBUF, families(self)
        return self.random.choice(
            [each for each in self.vectors
             if self.has_natives or each[0] != PROTOBUF])

    def make(self):
        kind, body = self.original()
        for _ in range(self.random.choice([0, 0, 0, 0, 1, 1, 2])):
            body = self.mutate(body)
        content_type = self.random.choice(RIGHT[kind])
        if self.random.random() < 0.15:
            content_type = self.random.choice(WRONG)
        self.count += 1
        return Exposition(self.count - 1, kind, content_type, body)

    def some(self, count):
        return [self.make() for _ in range(count)]
