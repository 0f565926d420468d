"""Hundreds of bodies, served to a real Prometheus (2.42) as they are: what it
says of each is what the scanner says, and through a gate it takes what it takes
without.

DIFFERENTIAL_BODIES=5000 makes more of them, DIFFERENTIAL_SEED=N the same
random ones again.
"""

import os
import random
import re

from differential import (assert_agreement, assert_transparent, is_same,
                          less_target, serve_all)
from expositions import PROTOBUF, REPEATED, Maker, own_vectors

COUNT = int(os.environ.get("DIFFERENTIAL_BODIES", "200"))
FIXED_SEED = 1
SEED = int(os.environ.get("DIFFERENTIAL_SEED", random.randrange(1 << 32)))
TOKEN = r'"[A-Z]+"'
# What 2.42 prints for each id.  The numbers in it may be garbage: it quotes a
# buffer that is used again.
WORDS = {
    "parse_start_token": rf'{TOKEN}( ".*")? is not a valid start token',
    "parse_value_missing":
        rf"expected value after (metric|exemplar labels), got {TOKEN}",
    "parse_value_not_number": "strconv.ParseFloat: parsing .*: invalid syntax",
    "parse_value_out_of_range":
        "strconv.ParseFloat: parsing .*: value out of range",
    "parse_value_bad_char": "unsupported character in float",
    "parse_timestamp_invalid":
        rf"expected timestamp or (new record|# symbol|comment), got {TOKEN}|"
        "strconv.ParseFloat: parsing .*: invalid syntax|"
        "unsupported character in float",
    "parse_after_timestamp":
        rf"expected next entry after (exemplar )?timestamp, got {TOKEN}",
    "parse_timestamp_out_of_range":
        "strconv.Parse(Int|Float): parsing .*: value out of range",
    "parse_label_name": rf"expected label name( or left brace)?, got {TOKEN}",
    "parse_label_equal": f"expected equal, got {TOKEN}",
    "parse_label_value": f"expected label value, got {TOKEN}",
    "parse_label_comma": f"expected comma( or left brace)?, got {TOKEN}",
    "parse_label_utf8": "invalid UTF-8 label value",
    "parse_help_utf8": "help text is not a valid utf8 string",
    "parse_type_unknown": 'invalid metric type ".*"',
    "parse_metadata_name":
        f"expected metric name after (HELP|TYPE|UNIT), got {TOKEN}",
    "parse_metadata_text": "expected text in (HELP|TYPE|UNIT)(, got .*)?",
    "parse_metadata_linebreak":
        f"linebreak expected after (metadata|comment), got {TOKEN}",
    "om_missing_eof": "data does not end with # EOF",
    "om_data_after_eof": "unexpected data after # EOF",
    "om_unit_mismatch": 'unit not a suffix of metric ".*"',
    "om_timestamp_invalid": "invalid timestamp",
    "om_exemplar_timestamp": "invalid exemplar timestamp",
    "om_exemplar_not_allowed": "metric name .* does not support exemplars",
    "series_name_missing": r"missing metric name \(__name__ label\)",
    "series_name_invalid":
        r"invalid metric name or label names: \{.*\}",
    "series_label_duplicate": 'label name ".*" is not unique: invalid sample',
    "limit_samples": "sample limit exceeded",
    "limit_labels": r"label_limit exceeded \(.*\)",
    "limit_label_name_length": r"label_name_length_limit exceeded \(.*\)",
    "limit_label_value_length": r"label_value_length_limit exceeded \(.*\)",
    "limit_body_size": "body size limit exceeded",
}
SAME_WORDS = ("limit_", "series_", "om_missing_eof", "om_data_after_eof")


def disagreement(body, judged, words, _):
    """Why `words` of 2.42 are not what the scanner says; None if they are."""
    verdict = judged.old
    if verdict.judgement == "unknown" and body.content_type == REPEATED:
        return None
    if verdict.judgement == "unknown" or verdict.is_refused != bool(words):
        return f"we say {verdict}"
    if not words:
        return None
    # It decodes a whole family first, and we say what 3 trips over.
    if body.kind == PROTOBUF:
        return None
    if not re.fullmatch(WORDS[verdict.reason], words, re.DOTALL):
        return f"that is not {verdict.reason}"
    if verdict != judged.three or body.says_target_label():
        return None
    if verdict.reason.startswith(SAME_WORDS):
        if not is_same(judged.said, less_target(words)):
            return f"we say {judged.said!r}"
    # The tokens are called the same, apart from where it is another one.
    ours = re.search(r' \("(?!QSTRING)([A-Z]+)"\) while parsing', judged.said)
    theirs = re.search(r'got "([A-Z]+)"$', words)
    if ours and theirs and ours.group(1) != theirs.group(1):
        if verdict.reason != "parse_timestamp_invalid":
            return f"we say {judged.said!r}"
    return None


def test_verdicts_are_those_of_prometheus(lab):
    """One Prometheus for all of them: it takes its time to begin."""
    print(f"DIFFERENTIAL_SEED={SEED} DIFFERENTIAL_BODIES={COUNT}")
    own = [each for each in own_vectors() if each.kind != PROTOBUF]
    served, through_gate = serve_all(
        lab, {"own": own, "fixed": Maker(FIXED_SEED).some(COUNT),
              "any": Maker(SEED).some(COUNT)}, ["any"])
    assert_agreement(served, disagreement, lambda ours: ours.old)
    assert_transparent(served, through_gate)
