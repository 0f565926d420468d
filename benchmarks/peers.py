"""The contestants: how each is started, tuned as well as it can be.

Roles:
  cached  one answer of the exporter serves all
  plain   each scrape goes to the exporter; its coding is passed on
  gzip    each scrape goes to the exporter, which has no gzip: the contestant
          makes it
  idle    as cached, for many connections
  large   as plain, for an exposition of 200 MB
"""

import os

from server import HOST, LOAD_CORE, free_port

MANY = 6_000
# It does not leave the choice to the client, which would be the same.
HAPROXY_SUITES = ("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                  "TLS_CHACHA20_POLY1305_SHA256")
PEERS = {}


def peer(name, *roles, programs=()):
    def add(start):
        start.roles, start.programs = roles, programs
        PEERS[name] = start
        return start
    return add


def nginx(lab, name, server_lines, http_lines="", connections=1024,
          **options):
    home = lab.folder / name
    (home / "logs").mkdir(parents=True, exist_ok=True)
    paths = "".join(f"{kind}_temp_path {home}/{kind};\n" for kind in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (home / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/logs/error.log crit;
worker_rlimit_nofile {connections + 500};
events {{ worker_connections {connections}; }}
http {{
access_log off;
sendfile on;
tcp_nodelay on;
keepalive_requests 1000000000;
keepalive_timeout 600s;
default_type "text/plain; version=0.0.4; charset=utf-8";
open_file_cache max=100 inactive=1h;
open_file_cache_valid 1h;
{paths}
{http_lines}
{server_lines}
}}
""")
    return lab.run(name, ["nginx", "-p", home, "-c", home / "nginx.conf"],
                   **options)


def tls_lines(lab, port):
    return (f"listen {HOST}:{port} ssl;\nssl_certificate {lab.cert};\n"
            f"ssl_certificate_key {lab.key};\n"
            "ssl_protocols TLSv1.2 TLSv1.3;\n")


def start_exporter(lab, core=LOAD_CORE):
    ready_made, bare, tls = free_port(), free_port(), free_port()
    # What is not there ready-made it compresses itself, at level 1.
    gzip = ("gzip_static on;\ngzip on;\ngzip_comp_level 1;\n"
            "gzip_types *;\ngzip_vary on;\netag off;\n")
    server = nginx(lab, "direct", f"""
server {{
listen {HOST}:{ready_made}; root {lab.root}; {gzip}
location = /requests {{ stub_status; }}
}}
server {{ listen {HOST}:{bare}; root {lab.root}; etag off; }}
server {{ {tls_lines(lab, tls)} root {lab.root}; {gzip} }}
""", "types { }\n", port=ready_made, core=core, scheme="http")
    server.bare_port, server.tls_port = bare, tls
    return server


def exporter_port(lab, role):
    return lab.exporter.bare_port if role == "gzip" else lab.exporter.port


def path_of(role):
    return "/large" if role == "large" else "/metrics"


@peer("scrapegate", "cached", "plain", "gzip", "idle", "large")
def start_gate(lab, role, pair=None, extra=""):
    cert, key = pair or (lab.cert, lab.key)
    cache = ("{ttl: 1h, once_per_scraper: false}"
             if role in ("cached", "idle") else "{ttl: 0s}")
    path = lab.folder / f"gate-{role}.yml"
    path.write_text(f"""
listen: ["{HOST}:0"]
admin: {{listen: "{HOST}:0"}}
tls_server_config: {{cert_file: {cert}, key_file: {key}}}
{extra}
targets:
- name: node
  url: http://{HOST}:{exporter_port(lab, role)}{path_of(role)}
  path: {path_of(role)}
  cache: {cache}
""")
    return lab.run("scrapegate", [lab.programs["scrapegate"], "serve",
                                  "--config", path],
                   log=lab.folder / f"gate-{role}.log", path=path_of(role))


@peer("nginx", "cached", "plain", "gzip", "idle", "large",
      programs=["nginx"])
def start_nginx(lab, role):
    port = free_port()
    http = (f"upstream exporter {{ server {HOST}:{exporter_port(lab, role)}; "
            "keepalive 8; keepalive_requests 1000000000; }\n")
    location = ""
    if role in ("cached", "idle"):
        http += (f"proxy_cache_path {lab.folder}/nginx/cache "
                 "keys_zone=z:1m;\n")
        location = ('proxy_cache z;\nproxy_cache_valid 200 1h;\n'
                    'proxy_cache_key '
                    '"$uri$http_accept$http_accept_encoding";\n')
    if role == "gzip":
        location = ("gzip on;\ngzip_comp_level 1;\ngzip_proxied any;\n"
                    "gzip_types *;\n")
    if role == "large":
        location = "proxy_max_temp_file_size 0;\n"
    return nginx(lab, "nginx", f"""
server {{
{tls_lines(lab, port)}
location / {{
proxy_pass http://exporter;
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_buffers 8 32k;
{location}}}
}}
""", http, MANY if role == "idle" else 1024, port=port, path=path_of(role))


@peer("haproxy", "cached", "plain", "gzip", "idle", "large",
      programs=["haproxy"])
def start_haproxy(lab, role):
    port = free_port()
    path = lab.folder / "haproxy.cfg"
    store = rules = ""
    if role in ("cached", "idle"):
        store = ("cache answers\n    total-max-size 4\n"
                 "    max-object-size 1000000\n    max-age 3600\n"
                 "    process-vary on\n")
        rules = ("    http-request cache-use answers\n"
                 "    http-response cache-store answers\n")
    if role == "gzip":
        rules = "    compression algo gzip\n    compression type text/plain\n"
    path.write_text(f"""
global
    nbthread 1
    {f"maxconn {MANY}" if role == "idle" else ""}
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphersuites {HAPROXY_SUITES}
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 60s
    http-reuse always
{store}
frontend f
    bind {HOST}:{port} ssl crt {lab.pem} alpn http/1.1
    default_backend b
backend b
{rules}
    server s {HOST}:{exporter_port(lab, role)}
""")
    return lab.run("haproxy", ["haproxy", "-db", "-f", path], port=port,
                   path=path_of(role))


@peer("hitch + varnish", "cached", "plain", "gzip", "idle", "large",
      programs=["hitch", "varnishd"])
def start_hitch_and_varnish(lab, role):
    port, inner = free_port(), free_port()
    home = lab.folder / f"varnish-{role}"
    rules = {
        "cached": "sub vcl_backend_response { set beresp.ttl = 1h; }",
        "idle": "sub vcl_backend_response { set beresp.ttl = 1h; }",
        "gzip": "sub vcl_recv { return (pass); } "
                "sub vcl_backend_response { set beresp.do_gzip = true; }",
    }.get(role, "sub vcl_recv { return (pass); }")
    vcl = lab.folder / f"{role}.vcl"
    vcl.write_text(f"""vcl 4.1;
backend exporter {{ .host = "{HOST}"; .port = "{exporter_port(lab, role)}"; }}
{rules}
""")
    # Without its own gzip it keeps the exporter's answer in each coding,
    # where it would inflate a kept gzip for each scrape of the other kind.
    varnish = ["varnishd", "-F", "-j", "none", "-n", home, "-a",
               f"{HOST}:{inner},PROXY", "-f", vcl, "-s", "malloc,64m", "-p",
               "http_gzip_support=" + ("on" if role == "gzip" else "off"),
               "-p", "gzip_level=1", "-p", "timeout_idle=600"]
    config = lab.folder / "hitch.conf"
    # It refuses to work as root.
    user = "" if os.getuid() else 'user = "nobody"\ngroup = "nogroup"\n'
    config.write_text(f"""{user}
frontend = "[{HOST}]:{port}"
backend = "[{HOST}]:{inner}"
pem-file = "{lab.pem}"
workers = 1
daemon = off
write-proxy-v2 = on
tls-protos = TLSv1.2 TLSv1.3
backlog = 1024
""")
    behind = lab.run("varnish", varnish, port=inner)
    server = lab.run("hitch + varnish", ["hitch", f"--config={config}"],
                     port=port, path=path_of(role))
    # From now on they are one.
    lab.running.remove(behind)
    server.processes += behind.processes
    server.find_processes()
    server.started = behind.started
    return server


@peer("exporter_exporter", "plain", "large", programs=["exporter_exporter"])
def start_exporter_exporter(lab, role):
    port = free_port()
    path = lab.folder / "expexp.yaml"
    path.write_text(f"""
modules:
  node:
    method: http
    http: {{address: {HOST}, port: {exporter_port(lab, role)},
           path: {path_of(role)}}}
""")
    return lab.run("exporter_exporter", [
        lab.programs["exporter_exporter"], f"-config.file={path}",
        "-web.listen-address=", f"-web.tls.listen-address={HOST}:{port}",
        f"-web.tls.cert={lab.cert}", f"-web.tls.key={lab.key}"],
        port=port, path="/proxy?module=node")


@peer("node_exporter", "plain", programs=["prometheus-node-exporter"])
def start_node_exporter(lab, role):
    """The exporter's own TLS: what it costs to make the answer is in it."""
    port = free_port()
    path = lab.folder / "web.yml"
    path.write_text(f"tls_server_config: {{cert_file: {lab.cert}, "
                    f"key_file: {lab.key}}}\n")
    return lab.run("node_exporter", [
        "prometheus-node-exporter", f"--web.listen-address={HOST}:{port}",
        f"--web.config.file={path}"], port=port)


@peer("bare loop", "cached", "idle", programs=["bare_loop"])
def start_bare_loop(lab, role):
    port = free_port()
    return lab.run("bare loop", [
        lab.programs["bare_loop"], port, lab.cert, lab.key,
        lab.root / "metrics", lab.root / "metrics.gz"], port=port)
