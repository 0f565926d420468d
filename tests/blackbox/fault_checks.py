"""What must hold after each fault, whatever it was: the invariants I1 to I9.

    I1  answered in time, and by a timeout not before its time
    I2  one record with that reason, its phases, and health "down"; an incident
        that it opens and the good scrape ends; the same in the journal
    I3  descriptors, and so connections, back to what they were
    I4  memory back to what it was (test_faults_memory.py: many repeats)
    I5  a good scrape right afterwards is a 200
    I6  the failure is not kept, not even where answers are
    I7  bounded CPU
    I8  no sanitizer's report
    I9  counted once, under a reason that the manual knows

assert_fault() is all of them around one scrape.  Times are in seconds.
"""

import json
import os
import re
import time
from dataclasses import dataclass, field

from faultd import GOOD_BODY
from programs import GATE, ROOT, SANITIZER_MARKS
from wire import wait_for

# What the scraper allows where time is to run out; the answer is due a tenth
# earlier.  Who is not run for two seconds has not missed half of it.
TIMEOUT = 5
# ... and where something else is to be told: nobody waits for all of it.
PATIENCE = 20
PHASES = {"queue", "resolve", "connect", "tls", "processing", "transfer",
          "parse"}
# The exporter's own bytes, none of which may stand in a status line.
CANARIES = ("demo_", "some words", "OpenSSH", "X-Filler", "yyyy", "xxxx",
            "169.254", "smuggled", "\\x")
# Reasons of a scrape that is delivered, on a busy machine.
DELIVERED = {"ok", "scrape_slow", "timeout_near"}
CAUSES = {"cpu_throttled", "cpu_pressure", "memory_near_limit", "oom_killed",
          "restarted", "fds_exhausted", "accept_queue_full", "exporter_stuck",
          "exposition_growth", "gate_throttled"}
KINDS = {"measured", "inferred", "unknown"}
TICKS = os.sysconf("SC_CLK_TCK")
ORDINAL = iter(range(1, 1 << 30))


def is_sanitized():
    with open(GATE, "rb") as program:
        data = program.read()
    return b"__asan_init" in data or b"__tsan_init" in data


# Beside other tests on few cores, where each of those who take part may have
# to wait: tests/faults/fifty measures the promised 50 ms on a quiet machine.
# A scrape that nobody sets a timeout for still ends later.
SLACK = 4.5
CPU_MAX = 2.0 if is_sanitized() else 0.1


def known_reasons():
    with open(os.path.join(ROOT, "proxy/diagnosis/README.md"),
              encoding="ascii") as manual:
        return set(re.findall(r"^### ([a-z0-9_]+)$", manual.read(),
                              re.MULTILINE))


REASONS = known_reasons() | {"ok"}


def due(timeout):
    """When an answer must be out (design.md, section 5)."""
    return timeout - min(0.5, timeout / 10)


@dataclass
class Outcome:
    """What a scrape may come to; more than one id where two are true at once
    or chance decides ("ok" among them: a whole answer)."""
    ids: list
    status: int = 502
    words: str = ""
    lasterror: str = ""
    body: bytes = GOOD_BODY
    cause: str = ".*"  # in brackets behind the words


@dataclass
class Counts:
    """Of one target, from the gate's own metrics."""
    scrapes: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)

    @staticmethod
    def read(gate, target):
        answer = gate.admin("/metrics")
        assert answer.status == 200, answer
        made = Counts()
        form = re.compile(r'^scrapegate_scrape(s|_failures)_total'
                          r'\{target="%s",(?:reason|layer)="([a-z0-9_]+)"\} '
                          r'(\d+)$' % re.escape(target), re.MULTILINE)
        for kind, label, value in form.findall(answer.text):
            into = made.scrapes if kind == "s" else made.failures
            into[label] = int(value)
        return made

    def since(self, before):
        """What has risen, and by how much."""
        def rise(now, then):
            return {label: value - then.get(label, 0)
                    for label, value in now.items()
                    if value != then.get(label, 0)}
        return Counts(rise(self.scrapes, before.scrapes),
                      rise(self.failures, before.failures))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def open_fds(gate):
    """Sockets, pipes and the like, and files."""
    links = []
    for number in os.listdir(f"/proc/{gate.pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{gate.pid}/fd/{number}"))
        except OSError:
            pass  # closed meanwhile
    files = sum(each.startswith("/") for each in links)
    return len(links) - files, files


def settled_fds(gate):
    """Once connections of earlier requests are gone."""
    last, now = None, open_fds(gate)
    for _ in range(100):
        if now == last:
            break
        time.sleep(0.005)
        last, now = now, open_fds(gate)
    return now


def assert_fds(gate, before):
    """I3.  Files may be more at any time: the gate keeps some open of each
    exporter's process that it has come to know, and the journal's; the test
    of memory looks at them."""
    wait_for(lambda: open_fds(gate)[0] <= before[0],
             what=f"sockets back to {before[0]}")


def newest_records(gate, target, limit=4):
    return gate.api(f"scrapes?target={target}&limit={limit}")["scrapes"]


def newest(gate, what, target):
    """Of failures or incidents, or None."""
    found = gate.api(f"{what}?target={target}&limit=1")[what]
    return found[0] if found else None


def journal_lines(gate, target):
    """What the gate's journal, if it has one, says of a target."""
    lines = []
    for path in sorted(gate.journal.glob("journal-*.ndjson")
                       if gate.journal else []):
        with open(path, encoding="ascii") as segment:
            for line in segment:
                if f'"target":"{target}"' in line and line.endswith("\n"):
                    lines.append(json.loads(line))
    return lines


class Before:
    """What a target and its gate were like before a scrape."""

    def __init__(self, gate, target):
        self.gate = gate
        self.target = target
        self.counts = Counts.read(gate, target)
        records = newest_records(gate, target, 1)
        self.last_time = records[0]["time"] if records else ""
        self.lines = len(journal_lines(gate, target))
        self.fds = settled_fds(gate)
        self.cpu = cpu_seconds(gate.pid)

    def records(self):
        """Newest first, those since."""
        return [each for each in newest_records(self.gate, self.target)
                if each["time"] > self.last_time]

    def journal(self):
        """Lines since, without those about good scrapes."""
        return [each for each in journal_lines(self.gate, self.target)
                [self.lines:] if each["kind"] in ("failure", "incident")]

    def story(self):
        """The same, without what came to be known later."""
        return [(each["kind"], each["event"]) for each in self.journal()
                if each["event"] != "amended"]

    def rise(self):
        return Counts.read(self.gate, self.target).since(self.counts)


def assert_named(answer, outcome):
    """The form of a failure: status line, header and body agree."""
    line = answer.status_line
    match = re.fullmatch(r"HTTP/1\.1 (\d{3}) ([a-z0-9_]+): (.*)", line)
    assert match, line
    found = match.group(2)
    assert found in outcome.ids, f"{line}\n{answer.body.decode()}"
    assert int(match.group(1)) == outcome.status, line
    reason = answer.reason
    assert len(reason) <= 200, line
    assert all(32 <= ord(each) < 127 for each in reason), line
    words, cause = re.fullmatch(r"(.*?)(?: \[(.*)\])?",
                                match.group(3)).groups()
    assert re.fullmatch(outcome.words or ".+", words), line
    # A second cause stands there only if it was measured.
    assert cause is None or re.split("[: ]", cause)[0] in CAUSES, line
    assert re.fullmatch(outcome.cause, cause or ""), line
    assert "{" not in reason, "an unexpanded template"
    for canary in CANARIES:
        assert canary not in reason, line
    assert answer.header("X-Scrapegate-Reason") == found
    assert answer.header("Content-Type").startswith("text/plain")
    assert (answer.header("Retry-After") is not None) == (
        outcome.status == 503), answer.headers
    lines = answer.body.decode("ascii").splitlines()
    assert lines[0] == reason
    for mark in ("Cause: ", "Seen: ", "Do: "):
        assert any(each.startswith(mark) for each in lines[1:]), answer.body
    return found


def assert_in_time(answer, status, timeout):
    """I1: before the scraper gives up, and a 504 not before its time: the
    exporter had all that there was."""
    limit = due(timeout) + SLACK
    assert answer.seconds < limit, f"{answer.seconds:.3f} of {limit:.3f} s"
    if status == 504:
        assert answer.seconds > due(timeout) - 0.05, answer.seconds


def assert_phases(record, phases):
    assert set(phases) == PHASES
    assert all(value >= 0 for value in phases.values()), phases
    assert sum(phases.values()) <= record["duration"] + 0.01, record


def assert_recorded(before, found, outcome, timeout):
    """I2 and I9: metrics and API say what the answer said, once."""
    gate, target = before.gate, before.target
    wait_for(lambda: before.rise().scrapes.get(found),
             what=f"scrapegate_scrapes_total of {found} to rise")
    rise = before.rise()
    assert rise.scrapes == {found: 1}, rise
    assert set(Counts.read(gate, target).scrapes) <= REASONS
    records = before.records()
    assert [each["reason"] for each in records] == [found], records
    record = records[0]
    assert rise.failures == {record["layer"]: 1}, rise
    assert_phases(record, record["phases"])
    # Where chance decides the phase, those before may have had the most.
    if outcome.status == 504 and len(outcome.ids) == 1:
        spent = record["phases"][record["phase"]]
        assert spent > due(timeout) / 2, record
    shown = gate.target(target)
    assert shown["health"] == "down"
    assert shown["scrapeReason"]["id"] == found
    assert shown["lastError"], shown
    assert re.fullmatch(outcome.lasterror or ".+", shown["lastError"],
                        re.DOTALL), shown["lastError"]
    assert_phases(record, shown["scrapePhases"])
    return shown


def assert_told(before, found, shown):
    """I2: the failure, its incident and the journal's line are one story."""
    gate, target = before.gate, before.target
    failure = newest(gate, "failures", target)
    incident = newest(gate, "incidents", target)
    assert incident["state"] == "open"
    assert incident["reasons"] == [{"reason": found, "count": 1}], incident
    assert (failure["reason"], failure["count"]) == (found, 1), failure
    assert failure["incidentId"] == incident["id"]
    # Empty where a direct scrape would not have failed.
    assert failure["lastError"] in ("", shown["lastError"])
    assert failure["words"] == shown["scrapeReason"]["words"]
    assert failure["evidence"] and {
        each["kind"] for each in failure["evidence"]} <= KINDS, failure
    assert_phases(failure, failure["phases"])
    if gate.journal:
        wait_for(before.journal, what="a line in the journal")
        [line] = before.journal()
        assert (line["kind"], line["event"]) == ("failure", "started"), line
        assert line["incident"]["id"] == incident["id"]
        for key in ("reason", "words", "lastError", "phases", "evidence"):
            assert line[key] == failure[key], key


def assert_ended(before):
    """The good scrape has closed the incident, in the journal, too."""
    incident = newest(before.gate, "incidents", before.target)
    assert incident["state"] == "recovered" and incident["count"] == 1
    if before.gate.journal:
        wait_for(lambda: len(before.story()) >= 2,
                 what="the incident's end in the journal")
        assert before.story() == [("failure", "started"),
                                  ("incident", "ended")]


def leave_no_story(before):
    """What is still to come of this failure in the journal is not the next
    one's."""
    try:
        wait_for(lambda: not before.gate.journal
                 or ("incident", "ended") in before.story())
    except AssertionError:
        pass  # the failure itself says more


def assert_good(gate, body=GOOD_BODY, target="node", headers=None):
    """I5: served at once, and UP."""
    answer = gate.get(f"/metrics/{target}", headers=headers)
    assert (answer.status, answer.body) == (200, body), answer
    wait_for(lambda: gate.target(target)["health"] == "up",
             what="health up")
    assert gate.target(target)["lastError"] == ""
    return answer


def assert_no_report(gate):
    """I8: sanitizers write where the log goes."""
    log = gate.log
    for mark in SANITIZER_MARKS:
        assert mark not in log, f"{mark} in:\n{log[-8000:]}"


def assert_over(before, found, outcome, mend, headers):
    """I3, I5, I6, I8: as if nothing had been."""
    gate, target = before.gate, before.target
    if mend and found != "ok":
        mend()
        assert_good(gate, target=target, headers=headers)
        wait_for(lambda: sum(before.rise().scrapes.values()) == 2,
                 what="the good scrape to be counted")
        rise = before.rise().scrapes
        assert rise.pop(found) == 1 and set(rise) <= DELIVERED, outcome
        assert_ended(before)
    assert_fds(gate, before.fds)
    assert_no_report(gate)


def assert_answered(before, answer, outcome, timeout):
    """I1, I2, I9; the id."""
    if answer.status == 200 and "ok" in outcome.ids:
        assert answer.body == outcome.body
        assert_in_time(answer, 200, timeout)
        return "ok"
    found = assert_named(answer, outcome)
    assert_in_time(answer, outcome.status, timeout)
    shown = assert_recorded(before, found, outcome, timeout)
    assert_told(before, found, shown)
    return found


def assert_outcome(gate, outcome, mend=None, target="node"):
    """One scrape of `target` that must come to `outcome`, and everything
    around it.  mend() makes the exporter good; without it nothing is asked
    of the scrape after.  Answers are told apart by what the scraper accepts,
    for targets that keep good ones."""
    headers = {"Accept": f"text/plain;version=0.0.4;n={next(ORDINAL)}"}
    timeout = TIMEOUT if outcome.status == 504 else PATIENCE
    before = Before(gate, target)
    answer = gate.get(f"/metrics/{target}", headers=headers, timeout=timeout)
    spent = cpu_seconds(gate.pid) - before.cpu
    try:
        found = assert_answered(before, answer, outcome, timeout)
    except AssertionError:
        if mend:  # whoever comes next finds it good
            mend()
            gate.get(f"/metrics/{target}", headers=headers)
            leave_no_story(before)
        raise
    assert spent <= CPU_MAX, f"{spent} s of CPU"  # I7
    assert_over(before, found, outcome, mend, headers)
    return answer


def assert_fault(gate, ids, status, words="", lasterror="", mend=None,
                 target="node"):
    return assert_outcome(gate, Outcome(ids, status, words, lasterror), mend,
                          target)
