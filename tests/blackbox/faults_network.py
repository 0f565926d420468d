"""The table of faults that need a network and a name server of their own:
rows U2, U3, U50 and U60."""

import socket

from faultd import GOOD_ONCE, ok
from faults import BIG_BODY, Fault
from nameserver import NXDOMAIN, REFUSED, SERVFAIL


def in_packets(data):
    """Each small enough to be one, so that a rule can tell them apart."""
    def behave(conn):
        conn.read_request()
        for start in range(0, len(data), 1400):
            conn.send(data[start:start + 1400])
        conn.finish()
    return behave


BIG = in_packets(ok(BIG_BODY, extra=["Connection: close"]))


def network(name, id, host="", rules=(), behaviour=None, **more):
    """Through rules to an exporter, or to an address where none can be."""
    behaviour = behaviour or (None if host else GOOD_ONCE)
    return Fault(name, behaviour, id, host=host, rules=rules, is_lasting=True,
                 **more)


def lookup(name, host, record, id, status=502, words="", behaviour=None):
    """What the name server says of a name; "EXPORTER" in a list is the
    address of the fault's own exporter."""
    return Fault(f"U50 {name}", behaviour, id, status, words, host=host,
                 name_record=record, is_lasting=True)


NO_SUCH_HOST = r"dial tcp: lookup {0} on .*: no such host"

NETWORK_FAULTS = [
    network("U2 SYN dropped", "timeout_connect", rules=("gate drop",),
            status=504, words=r"dial tcp .*: no answer to SYN in .*",
            lasterror=r'Get ".*": context deadline exceeded'),
    network("U2 answer to SYN dropped", "timeout_connect",
            rules=("exporter drop",), status=504),
    network("U2 nobody at the address", "timeout_connect", "10.99.0.2",
            status=504,
            words=r"dial tcp 10\.99\.0\.2:9100: no answer to SYN in .*"),
    network("U1 rejected with a reset", "connect_refused",
            rules=("gate tcp flags syn reject with tcp reset",),
            words=r"dial tcp .*: connect: connection refused"),
    network("U3 rejected, admin prohibited", "connect_no_route",
            rules=("gate reject with icmpx admin-prohibited",),
            words=r"dial tcp .*: connect: no route to host"),
    network("U3 rejected, host unreachable", "connect_no_route",
            rules=("gate reject with icmpx host-unreachable",)),
    network("U3 rejected, port unreachable", "connect_refused",
            rules=("gate reject with icmpx port-unreachable",)),
    network("U3 unreachable by route", "connect_no_route", "10.99.1.2",
            words=r"dial tcp 10\.99\.1\.2:9100: connect: no route to host"),
    network("U3 prohibited by route", "connect_denied|connect_no_route",
            "10.99.2.2"),
    network("U3 blackhole by route", "connect_other", "10.99.3.2",
            words=r"dial tcp 10\.99\.3\.2:9100: connect: invalid argument"),
    network("U3 no route at all", "connect_net_unreachable", "10.98.0.2",
            words=r"dial tcp 10\.98\.0\.2:9100: connect: network is "
                  r"unreachable"),
    # Once the connection is there: a firewall that forgot it, a cut wire.
    network("U6 request dropped", "timeout_headers",
            rules=("gate tcp flags & psh == psh drop",), status=504),
    network("U9 request rejected with a reset", "http_reset_before_response",
            rules=("gate tcp flags & psh == psh reject with tcp reset",)),
    network("U39 nothing after 4 KiB", "timeout_body", status=504,
            rules=("exporter ct reply bytes > 4096 drop",),
            behaviour=BIG),
    network("U60 reset after 10 000 bytes", "body_reset",
            rules=("gate ct bytes > 10000 reject with tcp reset",),
            behaviour=BIG),
    network("U60 link of 8 kbit/s", "timeout_body|timeout_headers",
            rules=("exporter limit rate over 1 kbytes/second burst "
                   "4 kbytes drop",), status=504, behaviour=BIG),
    network("U60 one packet of ten lost",
            "ok|timeout_connect|timeout_headers|timeout_body", status=504,
            rules=("exporter numgen random mod 100 < 10 drop",),
            behaviour=BIG, body=BIG_BODY),
]

TEN = [f"127.98.0.{number}" for number in range(1, 10)] + ["EXPORTER"]

NAME_FAULTS = [
    lookup("NXDOMAIN", "missing.test", NXDOMAIN, "dns_nxdomain",
           words=NO_SUCH_HOST.format(r"missing\.test")),
    lookup("no address", "nodata.test", [], "dns_nodata",
           words=NO_SUCH_HOST.format(r"nodata\.test") + ".*"),
    lookup("SERVFAIL", "servfail.test", SERVFAIL, "dns_server_failure",
           words=r"dial tcp: lookup servfail\.test on .*: server misbehaving"),
    lookup("REFUSED", "refused.test", REFUSED, "dns_server_failure"),
    lookup("no answer", "silent.test", "silent", "timeout_dns", 504,
           r"lookup silent\.test.*"),
    lookup("truncated", "truncated.test", "truncated", "dns_truncated"),
    lookup("alias of itself", "loop.test", "loop.test",
           "dns_nodata|dns_server_failure"),
    lookup("alias of nobody", "alias.test", "nobody.test",
           "dns_nodata|dns_nxdomain"),
    lookup("ten addresses, none alive", "dead.test", TEN[:-1],
           "connect_refused"),
]

NAME_GOOD = [
    lookup("good name", "good.test", ["EXPORTER"], "ok", 200,
           behaviour=GOOD_ONCE),
    lookup("ten addresses, one alive", "ten.test", TEN, "ok", 200,
           behaviour=GOOD_ONCE),
]


def use_up_ports(exporter):
    """All local ports of this network but none are taken."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w",
              encoding="ascii") as ports:
        ports.write("61000 61003")
    exporter.queue = []
    try:
        while len(exporter.queue) < 8:
            exporter.queue.append(
                socket.create_connection(exporter.address, 5))
    except OSError:
        pass
    assert 0 < len(exporter.queue) < 8


# In a world of its own, reached by unix sockets: nobody can connect there.
NO_LOCAL_PORT = network("U5 no local port left", "connect_no_local_port",
                        status=503, prepare=use_up_ports)
