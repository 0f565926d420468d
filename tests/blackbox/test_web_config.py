"""exporter-toolkit's web config file: what it accepts is accepted and does
the same to a client, what it refuses is refused in its words.  Each row is
told three times: by --web.config.file, by `web: {config: {file:}}`, and with
the blocks in our own file."""

import base64
import re
import ssl
import subprocess
import warnings

import pytest

import certs
from faultd import GOOD_BODY, good
from programs import run_cli
from tls_tools import REQUEST, certificate_options, s_client
from wire import Closed, client_context, fetch, wait_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Debian 12's python still has it
    import crypt

WAYS = ["flag", "file", "inline"]
PLACE = r"^[^:\n]+:\d+:\d+: .*"

GCM_128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
GCM_256 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
ALL_CIPHERS = [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", GCM_128, GCM_256,
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]


def bcrypt(password, rounds=4):
    """A hash as htpasswd -B writes it."""
    made = crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH,
                                              rounds=2 ** rounds))
    return made.replace("$2b$", "$2y$", 1)


def tls(text="", cert="cert_file: server.crt", key="key_file: server.key"):
    """A tls_server_config block."""
    lines = [each for each in (cert, key, *text.splitlines()) if each]
    return "tls_server_config:\n" + "".join(f"  {each}\n" for each in lines)


def inline(path):
    """A PEM file as a block scalar's lines, two levels deep."""
    return "|\n" + "\n".join(
        f"    {each}" for each in path.read_text().splitlines())


@pytest.fixture(scope="module")
def kit(tmp_path_factory, authority):
    """A folder with the files that the rows name."""
    folder = tmp_path_factory.mktemp("web")
    server = authority.issue("web-server", key=certs.rsa_key())
    (folder / "server.crt").write_bytes(server.cert_pem)
    (folder / "server.key").write_bytes(server.key_pem)
    other = certs.ec_key()
    (folder / "other.key").write_bytes(certs.key_pem(other))
    (folder / "ca.pem").write_bytes(authority.pair.cert_pem)
    (folder / "junk.pem").write_text("this is no certificate\n")
    (folder / "empty.pem").write_text("")
    return folder


def config_of(kit, way, stem, text):
    """Puts `text` where `way` wants it: arguments for the program."""
    main = kit / f"{stem}-{way}.yml"
    web = kit / f"{stem}-{way}.web.yml"
    basis = ('listen: ["127.0.0.1:0"]\nadmin: {listen: "127.0.0.1:0"}\n'
             "targets:\n- name: node\n  url: UPSTREAM\n")
    if way == "inline":
        main.write_text(text + basis)
        return main, None
    web.write_text(text)
    if way == "file":
        main.write_text(basis + f"web: {{config: {{file: {web.name}}}}}\n")
        return main, None
    return None, web


def serve_arguments(main, web, upstream):
    if main is not None:
        main.write_text(main.read_text().replace("UPSTREAM", upstream))
        return ["serve", "--config", main]
    return ["serve", "--web.config.file", web, "--upstream", upstream,
            "--listen", "127.0.0.1:0", "--admin.listen", "127.0.0.1:0"]


def check_arguments(main, web):
    if main is not None:
        main.write_text(main.read_text().replace("UPSTREAM",
                                                 "http://127.0.0.1:9"))
        return ["check-config", main]
    return ["check-config", "--web.config.file", web]


# What is refused: name, text, words (a regular expression).  The first block
# are the rows of exporter-toolkit's own tests; its words are kept.
MISSING_CERT = "missing one of cert or cert_file"
MISSING_KEY = "missing one of key or key_file"
BCRYPT_SHORT = "hashedSecret too short to be a bcrypted password"
REFUSED = [
    ("junk", "hWkNKCp3fvIx3jKnsaBI\nTuEjdwNS8A2vYdFbiKqr\n",
     "yaml|expected keys and values"),
    ("junk_key", tls(cert="cert_filse: server.crt"),
     r'unknown key "cert_filse".*"cert_file"'),
    ("certPath_empty", tls(cert='cert_file: ""'), MISSING_CERT),
    ("cert_empty", tls(cert='cert: ""'), MISSING_CERT),
    ("certPath_keyPath_empty",
     tls("client_auth_type: RequestClientCert", 'cert_file: ""',
         'key_file: ""'), MISSING_CERT),
    ("keyPath_empty", tls(key='key_file: ""'), MISSING_KEY),
    ("key_empty", tls(key='key: ""'), MISSING_KEY),
    ("cert_absent", tls(cert=""), MISSING_CERT),
    ("key_absent", tls(key=""), MISSING_KEY),
    ("noAuth", tls("client_ca_file: ca.pem"),
     "client CA's have been configured without a Client Auth Policy"),
    ("noAuth_told", tls("client_ca_file: ca.pem\n"
                        "client_auth_type: NoClientCert"),
     "client CA's have been configured without a Client Auth Policy"),
    ("users_short", tls() + "basic_auth_users:\n  john: doe\n",
     BCRYPT_SHORT),
    ("users_no_hash", "basic_auth_users:\n  john:\n", "john"),
    ("users_prefix", "basic_auth_users:\n  john: 'x2y$10$" + "a" * 53 + "'\n",
     r"bcrypt.*\$|bcrypt hashes must start with"),
    ("users_version", "basic_auth_users:\n  john: '$3y$10$" + "a" * 53
     + "'\n", r"bcrypt.*version"),
    ("users_cost_low", "basic_auth_users:\n  john: '$2y$03$" + "a" * 53
     + "'\n", r"bcrypt.*cost 3"),
    ("users_cost_high", "basic_auth_users:\n  john: '$2y$32$" + "a" * 53
     + "'\n", r"bcrypt.*cost 32"),
    ("inventedCiphers", tls("cipher_suites: [TLS_RSA_WITH_TWO_ROT13]"),
     "unknown cipher: TLS_RSA_WITH_TWO_ROT13"),
    ("insecureCipher", tls("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]"),
     "unknown cipher: TLS_RSA_WITH_RC4_128_SHA"),
    ("openssl_cipher", tls("cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]"),
     "unknown cipher: ECDHE-RSA-AES128-GCM-SHA256"),
    ("inventedCurves", tls("curve_preferences: [CurveP257]"),
     "unknown curve: CurveP257"),
    ("wrongTLSVersion", tls("min_version: TLS111"),
     "unknown TLS version: TLS111"),
    ("wrongTLSVersion_max", tls("max_version: TLS14"),
     "unknown TLS version: TLS14"),
    ("client_auth_type", tls("client_auth_type: RequireCertainly"),
     "invalid ClientAuth: RequireCertainly"),
    ("content_type_options",
     "http_server_config:\n  headers:\n    X-Content-Type-Options: maybe\n",
     'invalid value for X-Content-Type-Options. Expected one of: .*nosniff'),
    ("frame_options",
     "http_server_config:\n  headers:\n    X-Frame-Options: unsure\n",
     "invalid value for X-Frame-Options. Expected one of: .*sameorigin"),
    ("extra_header",
     "http_server_config:\n  headers:\n    Content-Type: text/plain\n",
     'HTTP header "Content-Type" can not be configured'),
    ("header_case",
     "http_server_config:\n  headers:\n    x-frame-options: deny\n",
     'HTTP header "x-frame-options" can not be configured'),
    ("twice", tls() + tls(), r"tls_server_config.*(twice|already|repeated)"),
    ("twice_inside", tls("min_version: TLS12\nmin_version: TLS13"),
     r"min_version.*(twice|already|repeated)"),
    ("unknown_block", tls() + "tls_server_configuration: {}\n",
     'unknown key "tls_server_configuration"'),
    ("rate_limit_word", "rate_limit:\n  interval: often\n", "interval"),
    ("rate_limit_burst", "rate_limit:\n  interval: 1s\n  burst: -1\n",
     "burst"),
    ("key_of_other", tls(key="key_file: other.key"),
     r"failed to load X509KeyPair"),
    ("cert_junk", tls(cert="cert_file: junk.pem"),
     "junk.pem.* PEM"),
    ("key_junk", tls(key="key_file: junk.pem"),
     "junk.pem.* PEM"),
    ("cert_inline_junk", tls(cert="cert: nothing"),
     "cert: is not PEM"),
    # The traps: what would silently be plain HTTP or silently nothing.
    ("trap_sans", tls("client_allowed_sans: [one]", "", ""), MISSING_CERT),
    ("trap_min", tls("min_version: TLS13", "", ""), MISSING_CERT),
    ("trap_max", tls("max_version: TLS12", "", ""), MISSING_CERT),
    ("trap_ciphers", tls(f"cipher_suites: [{GCM_128}]", "", ""),
     MISSING_CERT),
    ("trap_curves", tls("curve_preferences: [CurveP256]", "", ""),
     MISSING_CERT),
    ("trap_prefer", tls("prefer_server_cipher_suites: false", "", ""),
     MISSING_CERT),
    ("trap_ca_junk", tls("client_ca_file: junk.pem\n"
                         "client_auth_type: RequireAndVerifyClientCert"),
     r"client_ca_file.*(PEM|certificate)"),
    ("trap_ca_empty", tls("client_ca_file: empty.pem\n"
                          "client_auth_type: RequireAndVerifyClientCert"),
     r"client_ca_file.*(PEM|certificate|empty)"),
    ("trap_ca_inline", tls("client_ca: nothing\n"
                           "client_auth_type: RequireAndVerifyClientCert"),
     r"client_ca.*(PEM|certificate)"),
    # There it is served, and refuses everybody.
    ("trap_sans_empty", tls("client_auth_type: RequireAnyClientCert\n"
                            "client_allowed_sans: []"),
     "client_allowed_sans.*no name"),
    ("trap_min_above_max", tls("min_version: TLS13\nmax_version: TLS12"),
     "min_version.*TLS13.*max_version.*TLS12"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name, text, words", REFUSED,
                         ids=[each[0] for each in REFUSED])
def test_refused(kit, way, name, text, words):
    main, web = config_of(kit, way, f"bad-{name}", text)
    if way == "inline" and name == "junk":
        main.write_text(text)
    checked = run_cli(*check_arguments(main, web))
    assert checked.returncode == 1, (checked.stdout, checked.stderr)
    assert re.search(PLACE + f"(?:{words})", checked.stderr,
                     re.MULTILINE | re.IGNORECASE), \
        checked.stderr
    served = run_cli(*serve_arguments(main, web, "http://127.0.0.1:9"))
    assert served.returncode == 1, served.stderr
    # In a log line the quotes of the words are escaped.
    plain = served.stderr.replace('\\"', '"')
    assert re.search(words, plain, re.IGNORECASE), served.stderr


# Files that are named and not there: serve waits, so check-config warns.
ABSENT = [
    ("certPath", tls(cert="cert_file: somefile"), "somefile"),
    ("keyPath", tls(key="key_file: somefile"), "somefile"),
    ("certPath_keyPath", tls(cert="cert_file: somefile",
                             key="key_file: otherfile"), "somefile"),
    ("clientCAs", tls("client_ca_file: somefile\n"
                      "client_auth_type: RequireAndVerifyClientCert"),
     "somefile"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name, text, file", ABSENT,
                         ids=[each[0] for each in ABSENT])
def test_absent_file(lab, kit, way, name, text, file):
    main, web = config_of(kit, way, f"absent-{name}", text)
    checked = run_cli(*check_arguments(main, web))
    assert checked.returncode == 0, checked.stderr
    assert re.search(rf"^warning: .*:\d+:\d+: .*{file}.*no such file",
                     checked.stderr, re.MULTILINE), checked.stderr
    arguments = serve_arguments(main, web, "http://127.0.0.1:9")
    gate = lab.gate_by_flags(*arguments[1:], wait=False)
    gate.wait_for_line(rf"reason=certificate_missing .*{file}")
    assert gate.admin("/-/ready").status == 503


@pytest.mark.parametrize("way", ["flag", "file"])
def test_absent_web_file(kit, way):
    if way == "flag":
        arguments = ["--web.config.file", kit / "nothing.yml"]
    else:
        path = kit / "absent-web.yml"
        path.write_text("targets: [{name: a, url: http://127.0.0.1:9}]\n"
                        "web: {config: {file: nothing.yml}}\n")
        arguments = [path]
    result = run_cli("check-config", *arguments)
    assert result.returncode == 1
    assert re.search(r"nothing\.yml.*[Nn]o such file", result.stderr)


class Served:
    """A gate that runs with a web config."""

    def __init__(self, gate, authority):
        self.gate = gate
        self.ca_file = authority.ca_file

    def http(self, **options):
        return fetch(self.gate.address, tls=None, **options)

    def https(self, pair=None, **options):
        context = client_context(self.ca_file)
        if pair is not None:
            context.load_cert_chain(pair.cert_file, pair.key_file)
        return fetch(self.gate.address, tls=context, **options)

    def client(self, *options, text=""):
        return s_client(self.gate, *options, text=text)


@pytest.fixture(params=WAYS)
def serve(request, lab, kit, authority):
    exporter = lab.faultd(good())
    count = []

    def start(text):
        count.append(text)
        main, web = config_of(
            kit, request.param,
            f"{request.node.originalname}-{len(count)}", text)
        checked = run_cli(*check_arguments(main, web))
        assert checked.returncode == 0, checked.stderr
        if main:
            main.write_text(main.read_text().replace("http://127.0.0.1:9",
                                                     exporter.url))
        arguments = serve_arguments(main, web, exporter.url)
        return Served(lab.gate_by_flags(*arguments[1:]), authority)
    start.way = request.param
    return start


@pytest.mark.parametrize("text", ["", "# nothing\n", "tls_server_config:\n",
                                  "tls_server_config: {}\n"])
def test_empty_is_plain_http(serve, text):
    if serve.way == "inline" and text != "tls_server_config: {}\n":
        # Our own file has to say that it wants this.
        text += "insecure_http: true\n"
    served = serve(text)
    assert served.http().body == GOOD_BODY
    with pytest.raises((ssl.SSLError, OSError)):
        served.https()


def assert_serves_tls(served):
    assert served.https().body == GOOD_BODY
    try:
        answer = served.http()
        assert answer.status == 400 and b"HTTP" in answer.body
    except Closed as error:
        assert b" 200 " not in error.seen
    old = served.client("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    assert not old.is_done and old.alert == "70", old.text


def test_certificate_files(serve):
    assert_serves_tls(serve(tls()))


def test_certificate_inline(serve, kit):
    assert_serves_tls(serve(tls(
        cert="cert: " + inline(kit / "server.crt"),
        key="key: " + inline(kit / "server.key"))))


def test_file_wins_over_inline(serve, kit):
    assert_serves_tls(serve(tls(
        "key: nothing", cert="cert: nothing\n  cert_file: server.crt")))


def test_absolute_paths(serve, kit):
    assert_serves_tls(serve(tls(cert=f"cert_file: {kit / 'server.crt'}",
                                key=f"key_file: {kit / 'server.key'}")))


def words(names):
    return "[" + ", ".join(names) + "]"


GOOD_OPTIONS = {
    "allCiphers": f"cipher_suites: {words(ALL_CIPHERS)}",
    "allCurves": "curve_preferences: [CurveP256, CurveP384, CurveP521, "
                 "X25519]",
    "someCiphers": f"cipher_suites: {words([GCM_128, GCM_256])}",
    "someCiphers_noOrder": f"cipher_suites: {words([GCM_128, GCM_256])}\n"
                           "prefer_server_cipher_suites: false",
    "someCurves": "curve_preferences: [CurveP521]\nmin_version: TLS13",
    "versions": "min_version: TLS12\nmax_version: TLS13",
    "emptyLists": "cipher_suites: []\ncurve_preferences: []",
    "noClientCert": 'client_auth_type: ""',
    "noClientCert_told": "client_auth_type: NoClientCert",
    "requestClientCert": "client_auth_type: RequestClientCert",
    "verifyIfGiven": "client_auth_type: VerifyClientCertIfGiven\n"
                     "client_ca_file: ca.pem",
}


@pytest.mark.parametrize("name", GOOD_OPTIONS)
def test_good_options(serve, name):
    assert_serves_tls(serve(tls(GOOD_OPTIONS[name])))


@pytest.mark.parametrize("http2", ["", "http_server_config: {http2: true}\n",
                                   "http_server_config: {http2: false}\n"])
def test_no_http2(serve, http2):
    """The list that exporter-toolkit validates and then cannot start HTTP/2
    with; here HTTP/2 is never offered, so it serves."""
    served = serve(tls("max_version: TLS12\ncipher_suites: "
                       "[TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]") + http2)
    done = served.client(text=REQUEST)
    assert (done.cipher, done.answer) == ("ECDHE-RSA-AES128-SHA", 200)


def test_some_ciphers(serve):
    served = serve(tls(f"max_version: TLS12\ncipher_suites: "
                       f"{words([GCM_128, GCM_256])}"))
    done = served.client("-cipher", "ECDHE-RSA-AES256-SHA")
    assert not done.is_done and done.alert == "40", done.text
    for offer in ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
                  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"):
        done = served.client("-cipher", offer)
        assert done.cipher == "ECDHE-RSA-AES128-GCM-SHA256"


def test_some_curves(serve):
    served = serve(tls("min_version: TLS13\ncurve_preferences: [CurveP521]"))
    done = served.client("-groups", "P-384")
    assert not done.is_done and done.alert == "40", done.text
    assert served.client("-groups", "P-384:P-521").is_done


@pytest.mark.parametrize("kind, has_verify", [
    ("RequireAnyClientCert", False), ("RequireClientCert", False),
    ("RequireAndVerifyClientCert", True)])
def test_client_certificate(serve, kit, authority, kind, has_verify):
    """With a self-signed one, which is its own authority."""
    pair = certs.self_signed(kit, f"test-{kind}", names=())
    text = f"client_auth_type: {kind}"
    if has_verify:
        text += f"\nclient_ca_file: {pair.cert_file}"
    served = serve(tls(text))
    assert served.https(pair).body == GOOD_BODY
    done = served.client(text=REQUEST)
    assert done.answer is None, done.text


@pytest.mark.parametrize("allowed, is_good", [
    ("[test3]", True), ("[other, test3]", True), ("[bad]", False),
    ("[TEST3x]", False)])
def test_client_san(serve, kit, allowed, is_good):
    pair = certs.self_signed(kit, "client2_selfsigned", names=("test3",))
    served = serve(tls("client_auth_type: RequireAndVerifyClientCert\n"
                       f"client_ca_file: {pair.cert_file}\n"
                       f"client_allowed_sans: {allowed}"))
    done = served.client(*certificate_options(pair), text=REQUEST)
    if is_good:
        assert done.answer == 200
    else:
        assert (done.answer, done.alert) == (None, "42"), done.text


HEADERS = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


def test_headers(serve):
    text = "http_server_config:\n  http2: true\n  headers:\n" + "".join(
        f'    {name}: "{value}"\n' for name, value in HEADERS.items())
    served = serve(text)
    for path, status in (("/metrics", 200), ("/nothing", 404)):
        answer = served.http(path=path)
        assert answer.status == status
        for name, value in HEADERS.items():
            assert answer.header(name) == value
    plain = serve("http_server_config: {http2: true}\n").http()
    assert plain.status == 200
    for name in HEADERS:
        assert plain.header(name) is None


def test_http2_is_explained(serve):
    """Accepted, and said once that it is never offered."""
    served = serve(tls() + "http_server_config: {http2: true}\n")
    served.gate.wait_for_line(r"http2")
    assert served.https().status == 200


def basic(user, password):
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


@pytest.mark.parametrize("has_tls", [True, False])
def test_users(serve, has_tls):
    text = (f"basic_auth_users:\n  dave: {bcrypt('dave123')}\n"
            f"  carol: {bcrypt('carol123')}\n")
    served = serve((tls() if has_tls else "") + text)
    ask = served.https if has_tls else served.http
    for user in ("dave", "carol"):
        answer = ask(headers=basic(user, f"{user}123"))
        assert answer.body == GOOD_BODY
    for headers in ({}, basic("dave", "carol123"), basic("bob", "dave123"),
                    basic("dave", ""), basic("", "dave123"),
                    {"Authorization": "Basic !"},
                    {"Authorization": "Bearer dave123"}):
        answer = ask(headers=headers)
        assert answer.status == 401, headers
        assert answer.header("WWW-Authenticate").startswith("Basic")


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
def test_user_hash_prefixes(serve, prefix):
    made = bcrypt("secret").replace("$2y$", f"${prefix}$")
    served = serve(f"basic_auth_users: {{ann: {made}}}\n")
    assert served.http(headers=basic("ann", "secret")).status == 200
    assert served.http(headers=basic("ann", "wrong")).status == 401


def test_rate_limit_off(serve):
    served = serve("rate_limit: {interval: 0, burst: 0}\n")
    assert {served.http().status for _ in range(20)} == {200}


def test_rate_limit_without_burst(serve):
    """As exporter-toolkit: a bucket without room lets nobody through."""
    served = serve("rate_limit: {interval: 1s, burst: 0}\n")
    answers = [served.http() for _ in range(3)]
    assert 429 in {each.status for each in answers}
    assert answers[-1].status == 429
    assert "too_many_requests" in answers[-1].status_line


def test_rate_limit_burst(serve):
    served = serve("rate_limit: {interval: 1h, burst: 3}\n")
    assert [served.http().status for _ in range(5)] == [200] * 3 + [429] * 2


@pytest.mark.parametrize("text", [tls(), ""])
def test_print_config(kit, text):
    main, _ = config_of(kit, "file", "print", text)
    result = run_cli("print-config", *check_arguments(main, None)[1:])
    assert result.returncode == 0, result.stderr
    if text:
        assert str(kit / "server.crt") in result.stdout


def test_inline_key_is_not_printed(kit):
    text = tls(cert="cert: " + inline(kit / "server.crt"),
               key="key: " + inline(kit / "server.key"))
    for way in ("file", "inline"):
        main, _ = config_of(kit, way, "secret", text)
        result = run_cli("print-config", *check_arguments(main, None)[1:])
        assert result.returncode == 0, result.stderr
        assert "PRIVATE KEY" not in result.stdout
        assert "<secret>" in result.stdout


def test_bad_edit_keeps_the_old(lab, kit, authority):
    """Where exporter-toolkit answers 500 to everything."""
    exporter = lab.faultd(good())
    main, web = config_of(kit, "flag", "edited", tls())
    gate = lab.gate_by_flags(
        *serve_arguments(main, web, exporter.url)[1:])
    served = Served(gate, authority)
    assert served.https().status == 200
    web.write_text(tls("min_version: TLS111"))
    answer = gate.admin("/-/reload", method="POST")
    assert answer.status == 500
    assert b"unknown TLS version: TLS111" in answer.body
    assert served.https().status == 200
    assert gate.metric("scrapegate_config_last_reload_successful") == 0
    web.write_text(tls("min_version: TLS13"))
    assert gate.admin("/-/reload", method="POST").status == 200
    assert gate.metric("scrapegate_config_last_reload_successful") == 1
    wait_for(lambda: not served.client("-tls1_2").is_done, 10,
             "TLS 1.2 refused")
    assert served.client("-tls1_3").is_done


def test_curl_as_documented(serve, authority):
    """What a user types."""
    served = serve(tls() + f"basic_auth_users: {{ann: {bcrypt('pw')}}}\n")
    for user, status in (("ann:pw", "200"), ("ann:no", "401")):
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--cacert", authority.ca_file,
             "-u", user, "-o", "/dev/null", "-w", "%{http_code}",
             f"https://{served.gate.netloc}/metrics"],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == status, done.stderr
