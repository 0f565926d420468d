"""What a real Prometheus shows: each fault's id when it scrapes through the
gate, and its own words when it scrapes the exporter directly, which must be
the `lastError` of the gate's API.

All faults at once: each has an exporter and a target of its own.
"""

import json
import os
import re
import time

import pytest

from fault_rig import Rig
from fault_world import World
from faults import FAULTS
from faults_network import NAME_FAULTS, NETWORK_FAULTS
from faults_tls import TLS_FAULTS, Zoo
from wire import wait_for

ALL = FAULTS + TLS_FAULTS + NETWORK_FAULTS + NAME_FAULTS
INTERVAL, TIMEOUT = 5, 3
# Who looks without a rest takes the CPU that all these scrapes need.
PACE = 0.2
# Another version may be tried by hand.
PROGRAM = os.environ.get("PROMETHEUS", "prometheus")


def static(address, name, **labels):
    return {"targets": [address], "labels": {"fault": name, **labels}}


def direct_jobs(rig):
    """A job for each set of settings that are a job's, not a target's."""
    jobs = {}
    for stand in rig.stands.values():
        key = json.dumps(stand.settings, sort_keys=True)
        job = jobs.setdefault(key, {
            "job_name": f"direct{len(jobs)}", "static_configs": [],
            **json.loads(key)})
        scheme, _, rest = stand.url.partition("://")
        job["static_configs"].append(static(
            rest.partition("/")[0], stand.name, __scheme__=scheme))
    return list(jobs.values())


def gate_job(rig):
    return {"job_name": "gate", "static_configs": [
        static(rig.gate.netloc, each.name,
               __metrics_path__=f"/metrics/{each.name}")
        for each in rig.stands.values()]}


def is_named(fault, error):
    """Is the fault's id what Prometheus shows of a scrape through the gate?"""
    match = re.match(r"server returned HTTP status \d+ ([a-z0-9_]+): ", error)
    if match is None:
        return error == "" and "ok" in fault.ids
    return match.group(1) in fault.ids


# What 2.42 prints otherwise than 3, and what is chance in both.
NORMAL = [
    # The scraper's own port; the gate does not say its own.
    (r"read tcp \S+->(\S+): read", r"read tcp \1: read"),
    (r"tls: failed to verify certificate: x509: ", "x509: "),
    (r"current time \S+ is", "current time (of this scrape) is"),
    # Go's hint behind "unknown authority".
    (r" \(possibly because of .*\)$", ""),
    # Go was told before it had noted whose connection it is.
    (r"readLoopPeekFailLocked: ", ""),
    # Two clocks of one deadline, in 2.42: either may be first.
    (r"dial tcp \S+: i/o timeout$", "context deadline exceeded"),
    (r'^"INVALID" is not a valid start token$',
     'expected a valid start token, got ... ("INVALID")'),
    (r'got "[^"]*" \("INVALID"\)', 'got ... ("INVALID")'),
    # 2.42 does not quote the line, and of the number another scrape's bytes.
    (r" while parsing: .*", ""),
    (r'ParseFloat: parsing ".*":', "ParseFloat: parsing ...:"),
    # The exporter's bytes, of which the gate keeps the beginning.
    (r'(malformed HTTP response "(?:\\x..){20}).*', r"\1"),
]

# Refused by the gate only: who frames an answer that two readers can read in
# two ways, or breaks HTTP's grammar, is not to be trusted with the next one.
# Prometheus 3 refuses some of them, too.
STRICTER = {
    "U18 HTTP/9.9", "U18 HTTP/2.0", "U23 NUL in a value",
    "U23 bare CR in a value", "U23 control byte in a value",
    "U23 empty name", "U23 bad byte in a name", "U24 length, then chunked",
    "U24 chunked, then length", "U25 two equal lengths", "U26 empty length",
    "U27 chunked on HTTP/1.0", "U30 no length, cut in a line",
    "U30 no length, OpenMetrics without # EOF",
}

# Both fail, in other words, and why ours are others.
OTHER_WORDS = {
    "U13 closed in the status line": "Go judges half a line as a line",
    "U15 endless headers": "Go reads 10 MB before it gives up",
    "U14 endless header line": "Go reads 10 MB before it gives up",
    "U19 status 99": "libcurl keeps the line to itself",
    "U19 status 1000": "libcurl keeps the line to itself",
    "U19 status 20x": "libcurl keeps the line to itself",
    "U19 status of 100 digits": "libcurl keeps the line to itself",
    "U20 flood of interim answers": "counted by 2.42, measured by 3",
    "U23 no colon": "libcurl keeps the line to itself",
    "U26 length -1": "libcurl keeps the value to itself",
    "U33 bare LF": "2.42: malformed chunked encoding",
    "U37 length above the limit": "Go waits for the body first",
    "U41 deflate": "Prometheus reads it as text",
    "gzip with a corrupt block": "the offset is the inflater's own",
    "U45 redirect to elsewhere": "Prometheus follows it by default",
    "U53 closed in the server's flight": "Go tells half a record",
    "U46 a web page": "2.42 takes every type for text",
    "U50 truncated": "Go asks again over TCP",
}


LISTED = STRICTER | set(OTHER_WORDS)


def normal(error):
    for pattern, replacement in NORMAL:
        error = re.sub(pattern, replacement, error, flags=re.DOTALL)
    return error


def may_differ(fault):
    """It is listed, or a race."""
    return len(fault.ids) > 1 or fault.name in LISTED


class Seen:
    """What both ways of scraping came to, by fault.  On a busy machine an
    answer may miss its scraper, and which of two words comes can be a race in
    either reader: all are scraped until each was there once."""

    def __init__(self, rig, prometheus):
        self.through, self.direct, self.told = {}, {}, {}
        self.faults = {rig.stand(each).name: each for each in ALL}
        try:
            wait_for(lambda: self.look(rig.gate, prometheus), 100, "")
        except AssertionError:
            pass  # the tests say what is missing

    def look(self, gate, prometheus):
        time.sleep(PACE)
        agreed = {each.name for each in ALL if self.agree(each)}
        for each in gate.api("targets")["activeTargets"]:
            fault = self.faults[each["labels"]["job"]]
            if fault.name not in agreed:
                self.told[fault.name] = each["lastError"]
        for each in prometheus.api("targets")["activeTargets"]:
            fault = self.faults[each["labels"]["fault"]]
            if each["health"] == "unknown":
                continue
            if each["scrapePool"] != "gate":
                if fault.name not in agreed:
                    self.direct[fault.name] = each["lastError"]
            elif not self.is_named(fault):
                self.through[fault.name] = each["lastError"]
        return all(each.name in self.direct and self.is_named(each)
                   and (may_differ(each) or self.agree(each)) for each in ALL)

    def is_named(self, fault):
        return is_named(fault, self.through.get(fault.name, "x"))

    def agree(self, fault):
        return (fault.name in self.direct and fault.name in self.told
                and normal(self.told[fault.name])
                == normal(self.direct[fault.name]))


@pytest.fixture(scope="module")
def seen(shared_lab, authority):
    world = World(shared_lab)
    rig = Rig(shared_lab, ALL, Zoo(authority, shared_lab.folder), world,
              is_shared=False, settings={})
    prometheus = shared_lab.prometheus(
        [gate_job(rig), *direct_jobs(rig)], interval=f"{INTERVAL}s",
        timeout=f"{TIMEOUT}s", program=PROGRAM, prefix=world.prefix,
        call=world.call)
    return Seen(rig, prometheus)


def test_reason_is_on_the_targets_page(seen):
    wrong = {each.name: seen.through.get(each.name) for each in ALL
             if not seen.is_named(each)}
    assert not wrong


def test_last_error_is_what_a_direct_scrape_shows(seen):
    """But for what is listed, with its reason, and for races."""
    agreed = [each for each in ALL if seen.agree(each)]
    differs = {each.name: (seen.told[each.name], seen.direct[each.name])
               for each in ALL if each not in agreed and not may_differ(each)}
    assert not differs
    assert len(agreed) >= 140  # races come on top


def test_stricter_is_told_apart(seen):
    """The list above is of what Prometheus takes, and no longer."""
    taken = {each.name for each in ALL
             if not seen.direct[each.name] and "ok" not in each.ids}
    assert taken <= STRICTER, taken - STRICTER
