#!/usr/bin/python3
"""Compares the scanner with recorded verdicts: compare.py VECTORS VERDICTS

VECTORS is a JSON list of {"id", "format": "text" | "om", "input": base64,
"prometheus_2_42", "prometheus_3"}: what each Prometheus printed, "" where it
took the input.  VERDICTS is the program built from verdicts.c.
"""
import base64
import json
import struct
import subprocess
import sys


def record(vector):
    body = base64.b64decode(vector["input"])
    letter = b"o" if vector["format"] == "om" else b"t"
    return letter + struct.pack("<I", len(body)) + body


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        vectors = json.load(file)
    lines = subprocess.run(
        [sys.argv[2]], input=b"".join(record(each) for each in vectors),
        stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    assert len(lines) == len(vectors)
    bad = 0
    for vector, line in zip(vectors, lines):
        fields, said = line.split("=")
        fields = fields.split()
        said = bytes.fromhex(said).decode("utf-8", "surrogateescape")
        judgements = [fields[0], fields[4]]
        expected = ["refused" if vector[key] else "accepted"
                    for key in ("prometheus_3", "prometheus_2_42")]
        if judgements != expected or said != vector["prometheus_3"]:
            bad += 1
            print("%s: %s, not %s; said %r, not %r" % (
                vector["id"], judgements, expected, said,
                vector["prometheus_3"]))
    print("%d vectors, %d disagree" % (len(vectors), bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
