"""What the scanner calls refused everywhere is refused by the parsers of
releases between the two whose verdicts it gives."""

import os
import random
import subprocess

import pytest

from differential import judge_records, piece
from expositions import PROTOBUF, Maker
from programs import ROOT

COUNT = int(os.environ.get("TEXTPARSE_BODIES", "20000"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", random.randrange(1 << 32)))


@pytest.mark.parametrize("version", ["v0.45.6", "v0.47.2", "v0.55.1",
                                     "v0.300.1"])
def test_release(version):
    program = os.path.join(ROOT, "build/interop/releases", version)
    subprocess.run([os.path.join(ROOT, "tests/interop/build-release"),
                    version, program], check=True)
    print(f"DIFFERENTIAL_SEED={SEED} TEXTPARSE_BODIES={COUNT}")
    bodies = [each for each in Maker(SEED).some(COUNT)
              if each.kind != PROTOBUF]
    records = [each.kind.encode() + piece(each.body) for each in bodies]
    verdicts = subprocess.run(
        [program], input=b"".join(records), check=True,
        stdout=subprocess.PIPE).stdout.decode().split()
    bad = [str(body) for body, ours, verdict in zip(
        bodies, judge_records(records), verdicts)
        if ours.is_everywhere and verdict == "taken"]
    assert "taken" in verdicts and "refused" in verdicts
    assert not bad, "\n".join([f"{version} takes {len(bad)}", *bad[:20]])
