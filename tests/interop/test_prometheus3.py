"""The bodies of the black-box suite's differential test, served to a real
Prometheus 3: accepted and refused alike, in the same words.

DIFFERENTIAL_BODIES and DIFFERENTIAL_SEED as there, TEXTPARSE_BODIES for its
parser alone; PROMETHEUS_3 names the program, which build-prometheus makes.
"""

import os
import random
import subprocess

from differential import (assert_agreement, assert_transparent, go_text,
                          is_same, judge_records, less_target, piece,
                          serve_all)
from expositions import OPENMETRICS_2, Maker, own_vectors
from programs import ROOT

PROMETHEUS_3 = os.environ.get(
    "PROMETHEUS_3", os.path.join(ROOT, "build/interop/prometheus"))
COUNT = int(os.environ.get("DIFFERENTIAL_BODIES", "1000"))
TEXTPARSE_BODIES = int(os.environ.get("TEXTPARSE_BODIES", "20000"))
FIXED_SEED = 2
SEED = int(os.environ.get("DIFFERENTIAL_SEED", random.randrange(1 << 32)))


def is_said(said, words):
    """Before 3.16 a newline was added to the text even where one was."""
    return is_same(said, words) or is_same(
        said.replace(r'\n\n"', r'\n"'), words)


def disagreement(body, judged, words, limits):
    verdict = judged.three
    # A sample_limit that only repeats reach: see scanner_conclude.c.
    if verdict.judgement == "unknown" and (
            "sample_limit" in limits or body.content_type == OPENMETRICS_2):
        return None
    if verdict.judgement == "unknown" or verdict.is_refused != bool(words):
        return f"we say {verdict}"
    if not body.says_target_label() and (
            not is_said(judged.said, less_target(words))):
        return f"we say {judged.said!r}"
    return None


def test_verdicts_and_words(lab):
    print(f"DIFFERENTIAL_SEED={SEED} DIFFERENTIAL_BODIES={COUNT}")
    served, through_gate = serve_all(
        lab, {"own": own_vectors(),
              "fixed": Maker(FIXED_SEED, True).some(COUNT),
              "any": Maker(SEED, True).some(COUNT)}, ["own", "any"],
        PROMETHEUS_3)
    assert_agreement(served, disagreement, lambda ours: ours.three)
    assert_transparent(served, through_gate)


def test_its_parser_alone():
    """Without HTTP, so with many more."""
    print(f"DIFFERENTIAL_SEED={SEED} TEXTPARSE_BODIES={TEXTPARSE_BODIES}")
    bodies = Maker(SEED, True).some(TEXTPARSE_BODIES)
    records = [each.kind.encode() + piece(each.body) for each in bodies]
    lines = subprocess.run(
        [f"{PROMETHEUS_3}-textparse"], input=b"".join(records), check=True,
        stdout=subprocess.PIPE).stdout.decode().splitlines()
    errors = {each.number: go_text(bytes.fromhex(line[1:]))
              for each, line in zip(bodies, lines)}
    served = [("textparse", {}, bodies, judge_records(records), errors)]
    assert_agreement(served, disagreement, lambda ours: ours.three)
