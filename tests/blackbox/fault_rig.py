"""One gate before many faults.

A shared rig (the default) has one exporter and one target for all faults
that can use them; play() sets the exporter to the fault.  With is_shared
False each fault has an exporter and a target of its own, so that all of them
can be scraped at once.
"""

import json
import pathlib
from copy import deepcopy
from dataclasses import dataclass

from fault_checks import Outcome, assert_outcome
from faultd import GOOD_ONCE

KEPT = {"cache": {"ttl": "1h", "once_per_scraper": False}}


@dataclass
class Stand:
    """One target of the gate and what it scrapes."""
    name: str
    exporter: object  # a Faultd, or None: nobody can be there
    url: str
    settings: dict
    fault: object


class Rig:
    """`world` is where exporters and gate live (fault_world.py); without it,
    here.  `settings` go into every target."""

    def __init__(self, lab, faults, zoo, world=None, is_shared=True,
                 settings=None, options=None, config=None):
        self.lab = lab
        self.zoo = zoo
        self.world = world
        self.settings = KEPT if settings is None else settings
        self.stands = {}
        for number, fault in enumerate(faults):
            key = self.key(fault) if is_shared else fault.name
            if key not in self.stands:
                self.stands[key] = self.build(f"t{number}", fault)
        self.is_shared = is_shared
        if world:
            world.close()
            options = {**(options or {}), "prefix": world.prefix,
                       "call": world.call}
        self.gate = lab.gate(config={
            "targets": [deepcopy({"name": each.name, "url": each.url,
                                  **self.settings, **each.settings})
                        for each in self.stands.values()],
            **(config or {})}, **(options or {}))
        if "journal" in (config or {}):
            self.gate.journal = pathlib.Path(config["journal"]["path"])

    def key(self, fault):
        if fault.is_alone:
            return fault.name
        return json.dumps([fault.is_https, fault.settings(self.zoo)],
                          sort_keys=True)

    def stand(self, fault):
        return self.stands[self.key(fault) if self.is_shared else fault.name]

    def build(self, name, fault):
        host = None
        if self.world:
            host = self.world.address_for(fault)
        exporter = None
        if fault.needs_exporter:
            options = {"host": host} if host else {}
            exporter = self.call(lambda: self.lab.faultd(
                backlog=None if fault.behaviour is None else 128, **options))
            exporter.zoo = self.zoo
            self.set(exporter, fault)
            if fault.prepare:
                self.call(lambda: fault.prepare(exporter))
        scheme = "https" if fault.is_https else "http"
        port = exporter.address[1] if exporter else 9100
        host = fault.host or host or exporter.address[0]
        if fault.name_record is not None:
            self.world.add_name(fault, exporter and exporter.address[0])
        return Stand(name, exporter, f"{scheme}://{host}:{port}/metrics",
                     fault.settings(self.zoo), fault)

    def call(self, function):
        return self.world.call(function) if self.world else function()

    def set(self, exporter, fault):
        exporter.tls = fault.tls(self.zoo) if fault.tls else None
        exporter.is_rude = fault.is_rude
        exporter.behaviour = fault.behaviour or GOOD_ONCE

    def mend(self, stand, fault):
        if fault.is_lasting or stand.exporter is None:
            return None

        def make_good():
            if fault.behaviour is None:
                self.call(stand.exporter.listen)
            stand.exporter.behaviour = GOOD_ONCE
            stand.exporter.tls = (self.zoo.server() if fault.is_https
                                  else None)
        return make_good

    def play(self, fault):
        """One scrape that meets the fault, with all the checks."""
        stand = self.stand(fault)
        if stand.exporter and fault.behaviour is not None:
            self.set(stand.exporter, fault)
        return assert_outcome(
            self.gate, Outcome(fault.ids, fault.status, fault.words,
                               fault.lasterror, fault.body),
            self.mend(stand, fault), stand.name)

