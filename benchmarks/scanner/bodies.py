#!/usr/bin/python3
"""Bodies for the scanner to read: bodies.py FOLDER

node.txt      node_exporter's own answer, if it is installed
kube.txt      in the manner of kube-state-metrics: many labels, 20 000 pods
series.txt    100 000 series, as many as are kept track of
node.om       node.txt's samples as OpenMetrics
"""
import random
import re
import socket
import subprocess
import sys
import time
import urllib.request


def node_exporter():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % probe.getsockname()[1]
    program = subprocess.Popen(
        ["prometheus-node-exporter", "--web.listen-address=" + address],
        stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                url = "http://%s/metrics" % address
                return urllib.request.urlopen(url, timeout=5).read()
            except OSError:
                time.sleep(0.1)
        raise SystemExit("node_exporter does not answer")
    finally:
        program.terminate()
        program.wait()


def kube(pods):
    """The families of kube-state-metrics that make up most of its bytes."""
    rand = random.Random(1)
    names = []
    for i in range(pods):
        names.append(("ns-%d" % (i % 50), "app-%d-%08x-%05x" % (
            i % 300, rand.getrandbits(32), rand.getrandbits(20))))
    uids = ["%08x-%04x-4%03x-8%03x-%012x" % (
        rand.getrandbits(32), rand.getrandbits(16), rand.getrandbits(12),
        rand.getrandbits(12), rand.getrandbits(48)) for _ in range(pods)]
    out = []

    def family(name, kind, text, lines):
        out.append("# HELP %s %s\n# TYPE %s %s\n" % (name, text, name, kind))
        out.extend("%s{%s} %s\n" % (name, labels, value)
                   for labels, value in lines)

    def base(i):
        return 'namespace="%s",pod="%s",uid="%s"' % (
            names[i][0], names[i][1], uids[i])

    family("kube_pod_info", "gauge", "Information about pod.", (
        (base(i) + ',host_ip="10.0.%d.%d",pod_ip="10.1.%d.%d",'
         'node="node-%d.eu-central-1.compute.internal",'
         'created_by_kind="ReplicaSet",created_by_name="%s",'
         'priority_class="",host_network="false"' % (
             i % 200, i % 250, i // 250, i % 250, i % 200,
             names[i][1][:-6]), 1) for i in range(pods)))
    family("kube_pod_created", "gauge", "Unix creation timestamp", (
        (base(i), "%.9e" % (1.69e9 + i)) for i in range(pods)))
    phases = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
    family("kube_pod_status_phase", "gauge", "The pods current phase.", (
        (base(i) + ',phase="%s"' % phase, int(phase == "Running"))
        for i in range(pods) for phase in phases))
    family("kube_pod_container_resource_requests", "gauge", "Requests.", (
        (base(i) + ',container="main",node="node-%d",resource="cpu",'
         'unit="core"' % (i % 200), "0.%d" % (1 + i % 9))
        for i in range(pods)))
    return "".join(out).encode()


def series(count):
    """As short as they come."""
    lines = ["# TYPE many_total counter\n"]
    lines += ['many_total{id="%d"} %d\n' % (i, i % 97) for i in range(count)]
    return "".join(lines).encode()


def openmetrics(body):
    body = re.sub(rb"(?m)^# TYPE (\S+) untyped$", rb"# TYPE \1 unknown", body)
    return body + b"# EOF\n"


def main():
    folder = sys.argv[1]
    node = node_exporter()
    for name, body in (("node.txt", node), ("kube.txt", kube(20000)),
                       ("series.txt", series(100000)),
                       ("node.om", openmetrics(node))):
        with open("%s/%s" % (folder, name), "wb") as file:
            file.write(body)


if __name__ == "__main__":
    main()
