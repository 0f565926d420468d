"""A network and a name server of our own, in which packets are lost and
names are lies.

Exporters of faults with a `rule` get a loopback address for which that rule
holds: an nftables statement behind `gate` (packets of the gate to it) or
`exporter` (its packets to the gate).
"""

from nameserver import NameServer, wrap_with_resolv_conf
from netns import NetNamespace

# Segments of ordinary size, so that rules can count and drop them.
LOOPBACK = """
ip link set lo mtu 1500
sysctl -qw net.netfilter.nf_conntrack_acct=1 2>/dev/null || true
"""
ROUTES = """
ip link add v0 type veth peer name v1
ip address add 10.99.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
ip neighbour add 10.99.0.2 lladdr 02:00:00:00:00:99 dev v0 nud permanent
ip route add unreachable 10.99.1.0/24
ip route add prohibit 10.99.2.0/24
ip route add blackhole 10.99.3.0/24
"""
TABLE = """
nft -f - <<'END'
table inet faults {
chain input {
type filter hook input priority 0;
%s
}
}
END
"""
SIDES = {"gate": "ip daddr", "exporter": "ip saddr"}
NAME_SERVER = "127.99.255.53"


class World:
    """Faults are added to it, then it is closed, and then programs run in
    it, behind `prefix`."""

    def __init__(self, lab):
        self.folder = lab.folder
        self.namespace = lab.keep(NetNamespace())
        self.namespace.run(LOOPBACK + ROUTES)
        self.rules = []
        self.count = 0
        self.names = {}
        self.name_server = lab.keep(self.namespace.call(
            lambda: NameServer({}, NAME_SERVER)))
        self.call = self.namespace.call

    def address_for(self, fault):
        """A loopback address that is this fault's alone."""
        self.count += 1
        address = f"127.99.{self.count >> 8}.{self.count & 255}"
        for rule in fault.rules:
            side, _, statement = rule.partition(" ")
            self.rules.append(f"{SIDES[side]} {address} {statement}")
        return address

    def add_name(self, fault, address):
        """What the name server says of the fault's host."""
        record = fault.name_record
        if isinstance(record, list):
            record = [address if each == "EXPORTER" else each
                      for each in record]
        self.name_server.table[fault.host] = record

    def close(self):
        """No more faults: the rules hold from now on."""
        self.namespace.run(TABLE % "\n".join(self.rules))
        self.prefix = [*self.namespace.prefix, *wrap_with_resolv_conf(
            self.folder, self.name_server.resolv_conf)]


def on_unix_sockets(folder):
    """Listeners that need no port and are reached from any network."""
    return {"listen": [f"unix:{folder}/gate.sock"],
            "admin": {"listen": f"unix:{folder}/admin.sock"}}
