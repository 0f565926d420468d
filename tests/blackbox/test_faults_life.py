"""Faults of an exporter's life: killed, stopped, restarted again and again.

The exporter is a process of its own; its kernel side (reset or not, queued or
not) is the real one.
"""

import pytest

from fault_checks import (TIMEOUT, Before, Outcome, assert_in_time,
                          assert_named, assert_phases, newest,
                          newest_records)
from lives import (Life, killed_in_mid_answer, restarted, serial,
                   stopped_and_continued)
from wire import wait_for


@pytest.fixture
def life(lab):
    return Life(lab, TIMEOUT)


def play(life, scenario, times=1):
    """The answers.  Each scrape is one attempt, one record, one count."""
    before = Before(life.gate, "node")
    expected, answers = [], []
    for _ in range(times):
        for ids, answer in scenario(life):
            status = 504 if ids == ["timeout_headers"] else 502
            expected.append("ok" if ids == ["ok"] else assert_named(
                answer, Outcome(ids, status)))
            assert (answer.status == 200) == (ids == ["ok"]), answer
            if status == 504:
                assert_in_time(answer, status, TIMEOUT)
            answers.append(answer)
    wait_for(lambda: sum(before.rise().scrapes.values()) == len(expected),
             what=f"{len(expected)} attempts counted")
    records = newest_records(life.gate, "node", len(expected) + 1)
    records = [each for each in records if each["time"] > before.last_time]
    assert [each["reason"] for each in reversed(records)] == expected
    for each in records:
        assert_phases(each, each["phases"])
    return answers


def test_u57_killed_in_the_middle_of_an_answer(life):
    assert serial(play(life, killed_in_mid_answer)[-1]) == 1
    # Three records, one story: two failures and the scrape that ended it.
    incident = newest(life.gate, "incidents", "node")
    assert (incident["count"], incident["state"]) == (2, "recovered")
    assert incident["reason"] == "connect_refused"


def test_u58_stopped_and_continued(life):
    """What it answers to old scrapes when it goes on is given to nobody."""
    assert serial(life.scrape()) == 1
    *silent, good = play(life, stopped_and_continued)
    for each in silent:
        assert each.reason.endswith(" [exporter_stuck: process state T]")
    last = serial(good)
    assert last > 1
    for _ in range(3):
        newer = serial(life.scrape())
        assert newer > last
        last = newer
    # At most one exporter scrape for one of ours.  It may get to the two
    # that were given up at any time, or find them closed.
    assert last <= 1 + 3 + 3


def test_u59_restart_loop(life):
    answers = play(life, restarted, times=5)
    assert [serial(each) for each in answers[::2]] == [1] * 5
