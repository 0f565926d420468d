"""Many bodies, each served to a real Prometheus as a target of its own, and
what the scanner says of the same bytes."""

import os
import re
import struct
import subprocess
import time
from dataclasses import dataclass

from expositions import PROTOBUF
from programs import GATE, ROOT, SANITIZER_OPTIONS
from wire import wait_for

NO_TYPE = 0xffffffff
# Prometheus adds two labels, and we judge without them.
TARGET_LABELS = 2
LIMITS = {"sample_limit": 3, "label_limit": 4, "label_name_length_limit": 10,
          "label_value_length_limit": 12}
SIZE = {"body_size_limit": 60}
TARGETS_MAX = 1000  # of one gate


def find_program():
    """Built beside the gate where tests are, else by the first build."""
    for folder in (os.path.dirname(GATE),
                   os.path.join(ROOT, "build", "tests-asan")):
        path = os.path.join(folder, "verdicts")
        if os.path.exists(path):
            return path
    raise AssertionError("no verdicts program; configure with BUILD_TESTS=ON")


@dataclass
class Verdict:
    judgement: str
    reason: str
    line: int
    column: int

    @property
    def is_refused(self):
        return self.judgement == "refused"


@dataclass
class Judged:
    three: Verdict
    old: Verdict  # 2.42
    is_everywhere: bool
    said: str  # as Prometheus 3 would


def go_text(raw):
    """Bytes as Go's encoding/json shows them."""
    text = raw.decode("utf-8", "surrogateescape")
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def piece(data):
    if data is None:
        return struct.pack("<I", NO_TYPE)
    return struct.pack("<I", len(data)) + data


def record(body):
    content_type = body.content_type
    if content_type is not None:
        content_type = content_type.encode("latin-1")
    return b"r" + piece(content_type) + piece(body.body)


def read_line(line):
    fields, said = line.split("=")
    fields = fields.split()
    three, old = (Verdict(each[0], each[1], int(each[2]), int(each[3]))
                  for each in (fields[0:4], fields[4:8]))
    return Judged(three, old, fields[8] == "everywhere",
                  go_text(bytes.fromhex(said)))


def judge_records(records, limits=None):
    """The scanner's word for each of them."""
    arguments = [f"{name}={value}" for name, value in (limits or {}).items()]
    done = subprocess.run(
        [find_program(), *arguments], check=True, capture_output=True,
        input=b"".join(records),
        env={**os.environ, **SANITIZER_OPTIONS})
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(records)
    return [read_line(each) for each in lines]


def judge(bodies, limits=None):
    return judge_records([record(each) for each in bodies], limits)


def answering(bodies):
    """An exporter that has body N at /N."""
    answers = {}
    for each in bodies:
        head = ["HTTP/1.1 200 OK", f"Content-Length: {len(each.body)}"]
        if each.content_type is not None:
            head.append(f"Content-Type: {each.content_type}")
        answers[f"/{each.number}"] = (
            "\r\n".join(head) + "\r\n\r\n").encode("latin-1") + each.body

    def behave(conn):
        while True:
            path = conn.read_request().split(b" ", 2)[1].decode()
            conn.send(answers[path.partition("?")[0]])
    return behave


def scrape_job(name, netloc, bodies, limits=None, path="/%d"):
    """A job with a target for each body, which is at `path`."""
    limits = dict(limits or {})
    if "label_limit" in limits:
        limits["label_limit"] += TARGET_LABELS
    if "body_size_limit" in limits:
        limits["body_size_limit"] = f"{limits['body_size_limit']}B"
    return {"job_name": name, **limits, "static_configs": [
        {"targets": [netloc], "labels": {
            "__metrics_path__": path % each.number,
            "instance": str(each.number)}} for each in bodies]}


def is_judged(target):
    """A scrape that a busy machine was too slow for says nothing, be it
    Prometheus or a gate that says so."""
    return target["health"] != "unknown" and not re.match(
        'Get "|context deadline exceeded|read tcp |'
        'server returned HTTP status 50[34] ', target["lastError"])


def count_targets(jobs):
    return sum(len(each["static_configs"]) for each in jobs)


def interval_of(jobs):
    """So that no more than 250 scrapes begin in one second."""
    return f"{max(3, count_targets(jobs) // 250)}s"


def last_errors(prometheus, count, seconds=60):
    """{job: {number: lastError}}, once each of `count` targets has been
    judged, at whatever time: their bodies stay the same."""
    found = {}

    def look():
        time.sleep(0.2)  # it has better things to do than to be asked
        for each in prometheus.api("targets?state=active")["activeTargets"]:
            labels = each["labels"]
            if is_judged(each):
                found.setdefault(labels["job"], {})[
                    int(labels["instance"])] = each["lastError"]
        return sum(len(each) for each in found.values()) == count
    wait_for(look, seconds, "a scrape of each target")
    return found


def groups_of(lab, made):
    """(job, bodies, limits, exporter): of `made`, {name: bodies}, all
    without a limit and some with."""
    for name, bodies in made.items():
        exporter = lab.faultd(answering(bodies))
        # Prometheus counts labels it renames, and those of buckets.
        some = [each for each in bodies[:max(len(bodies) // 4, 50)]
                if not each.says_target_label() and each.kind != PROTOBUF]
        yield name, bodies, {}, exporter
        yield f"{name}-limits", some, LIMITS, exporter
        yield f"{name}-size", some, SIZE, exporter


def gate_job(lab, name, exporter, bodies):
    """A gate with a target for each body, or for as many as it may have."""
    bodies = bodies[:TARGETS_MAX]
    gate = lab.gate(config={"targets": [
        {"name": f"b{each.number}", "url":
         f"http://{exporter.netloc}/{each.number}"} for each in bodies]})
    return scrape_job(f"{name}-gate", gate.netloc, bodies, None,
                      "/metrics/b%d")


def serve_all(lab, made, gated=(), program="prometheus"):
    """[(job, limits, bodies, what we say, {number: lastError})], and
    {group: {number: lastError}} of the groups named in `gated`, which are
    scraped through a gate as well."""
    groups = list(groups_of(lab, made))
    jobs = [scrape_job(name, exporter.netloc, bodies, limits)
            for name, bodies, limits, exporter in groups]
    jobs += [gate_job(lab, name, exporter, bodies)
             for name, bodies, _, exporter in groups if name in gated]
    interval = interval_of(jobs)
    prometheus = lab.prometheus(jobs, interval=interval, timeout=interval,
                                program=program)
    errors = last_errors(prometheus, count_targets(jobs), seconds=120)
    return ([(name, limits, bodies, judge(bodies, limits),
              errors.get(name, {}))
             for name, bodies, limits, _ in groups],
            {name: errors[f"{name}-gate"] for name in gated})


def assert_agreement(served, disagreement, verdict_of):
    """disagreement(body, ours, words, limits) says why they are not the
    same."""
    bad, count, refused = [], 0, 0
    for name, limits, bodies, judged, errors in served:
        assert sorted(errors) == [each.number for each in bodies]
        for body, ours in zip(bodies, judged):
            words = errors[body.number]
            why = disagreement(body, ours, words, limits)
            if why:
                bad.append(f"{name}: {body}\n  Prometheus: {words!r}\n"
                           f"  but {why}")
        count += len(bodies)
        refused += sum(verdict_of(each).is_refused for each in judged)
    print(f"{count} bodies, {refused} refused, {len(bad)} disagree")
    assert count // 10 < refused < count - count // 10
    assert not bad, "\n".join([f"{len(bad)} disagree", *bad[:20]])


def opacity(ours, direct, gated):
    """Why these two lastErrors of one body are not what they should be."""
    refusal = re.match(r"server returned HTTP status 502 (\w+): ", gated)
    if gated and not direct:
        return "fails only through the gate"
    if bool(refusal) != ours.is_everywhere:
        return "is refused" if refusal else "is not refused"
    if refusal and refusal.group(1) != ours.three.reason:
        return f"is not {ours.three.reason}"
    place = f"line {ours.three.line} column {ours.three.column}"
    if refusal and ours.three.line and place not in gated:
        return f"does not say {place}"
    if direct and not gated:
        return "fails only without the gate"
    return None


def assert_transparent(served, through_gate):
    """What Prometheus takes it gets, and what no Prometheus takes is refused
    with its id, line and column."""
    bad, refused, delivered = [], 0, 0
    for name, _, bodies, judged, errors in served:
        gated = through_gate.get(name, {})
        for body, ours in zip(bodies, judged):
            if body.number not in gated:
                continue
            words = gated[body.number]
            why = opacity(ours, errors[body.number], words)
            if why:
                bad.append(f"{name}: {body}\n  {why}\n  through the gate: "
                           f"{words!r}\n  direct: {errors[body.number]!r}")
            refused += ours.is_everywhere
            delivered += not words
    print(f"through the gate: {refused} refused, {delivered} taken, "
          f"{len(bad)} bad")
    assert refused > 20 and delivered > 20
    assert not bad, "\n".join([f"{len(bad)} bad", *bad[:20]])


def less_target(words):
    """What Prometheus said, without the target's own labels."""
    if words.startswith("invalid metric name or label names: "):
        for name in ("instance", "job"):
            words = re.sub(rf'(?:, )?\b{name}="[\w-]+"', "", words, count=1)
        words = words.replace("{, ", "{", 1)
    match = re.match(r"(label_limit .*number of labels: )(\d+)(, limit: )"
                     r"(\d+)\)$", words, re.DOTALL)
    if not match:
        return words
    start, count, middle, limit = match.groups()
    return (f"{start}{int(count) - TARGET_LABELS}{middle}"
            f"{int(limit) - TARGET_LABELS})")


def is_same(said, words):
    """`said` is ours; what is long is cut there, and at a NUL."""
    words = words.partition("\0")[0]
    if said.endswith("...") and len(said) > 1000:
        return words.startswith(said[:-3])
    return said == words
