"""What is scraped."""

import hashlib
import subprocess
import urllib.request

from server import HOST, free_port, wait_until


def node_exporter_body():
    """One answer of this machine's node_exporter: all contestants get it."""
    port = free_port()
    process = subprocess.Popen(
        ["prometheus-node-exporter", f"--web.listen-address={HOST}:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask():
        try:
            with urllib.request.urlopen(
                    f"http://{HOST}:{port}/metrics") as answer:
                return answer.read()
        except OSError:
            return None
    try:
        return wait_until(ask, "node_exporter does not answer")
    finally:
        process.terminate()
        process.wait()


def fixed_body():
    """About 57 KB in node_exporter's form, the same on every machine: for
    what is compared from commit to commit."""
    lines = []
    for cpu in range(8):
        for mode in ("idle", "iowait", "irq", "nice", "softirq", "steal",
                     "system", "user"):
            lines.append(f'node_cpu_seconds_total{{cpu="{cpu}",mode="{mode}"}}'
                         f" {cpu * 1234.56 + len(mode) * 98.7:.2f}")
    number = 0
    while sum(map(len, lines)) + len(lines) < 57_000:
        name = f"node_netstat_sample_{number:03d}"
        lines.append(f"# HELP {name} Statistic number {number}.")
        lines.append(f"# TYPE {name} untyped")
        for device in ("eth0", "lo"):
            value = (number * 2654435761 + len(device)) % 10 ** 9
            lines.append(f'{name}{{device="{device}"}} {value}')
        number += 1
    return ("\n".join(lines) + "\n").encode()


def write_large_body(path, size):
    """As kube-state-metrics writes it in a large cluster; its digest."""
    block = []
    for pod in range(1000):
        uid = hashlib.sha256(str(pod).encode()).hexdigest()[:32]
        block.append(f'kube_pod_info{{namespace="shop-@",pod="cart-{uid[:10]}'
                     f'",uid="{uid}",node="node-{pod % 97}"}} 1')
    block = "\n".join(block).encode() + b"\n"
    digest = hashlib.sha256()
    with open(path, "wb") as out:
        number = done = 0
        while done < size:
            piece = block.replace(b"@", b"%d" % number)
            if number == 0:
                piece = (b"# HELP kube_pod_info Information about pod.\n"
                         b"# TYPE kube_pod_info gauge\n") + piece
            out.write(piece)
            digest.update(piece)
            done += len(piece)
            number += 1
    return digest.hexdigest()
