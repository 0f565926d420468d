"""One namespace with two ServiceAccounts: a gate's, which may ask for
reviews, and a scraper's."""

from cluster import loopback
from faultd import GOOD_BODY
from secret_volume import SecretVolume
from signing_key import claims_of

AUDIENCE = "scrapegate"
METRICS = {"path": "/metrics", "verb": "get"}
MAY_SCRAPE = [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]


def scrape(gate, token=None, path="/metrics", headers=None, **options):
    """From an address of its own, as failed logins are counted by address."""
    options.setdefault("source", loopback())
    headers = dict(headers or {})
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return gate.get(path, headers=headers, **options)


def assert_ok(answer):
    assert (answer.status, answer.body) == (200, GOOD_BODY), answer


def assert_refused(answer, status, reason):
    """And no word about why: that is for the operator."""
    assert (answer.status, answer.header("X-Scrapegate-Reason")) == (
        status, reason), answer
    assert answer.reason.startswith(f"{reason}: ")
    assert answer.text == answer.reason + "\n" or status == 503, answer
    if status == 401:
        assert "Bearer" in answer.header("WWW-Authenticate"), answer
    if status == 503:
        assert answer.header("Retry-After"), answer


class Tenant:
    def __init__(self, cluster, folder, name):
        self.cluster = cluster
        self.name = name
        api = cluster.api
        api.make_namespace(name)
        self.gate_account = api.make_service_account(name, "gate")
        self.scraper = api.make_service_account(name, "prometheus")
        api.bind(self.gate_account, "system:auth-delegator",
                 f"{name}-delegates")
        self.volume = SecretVolume(folder / "serviceaccount")
        self.give_token(self.gate_account.token())

    def give_token(self, token):
        """As the kubelet does when a token is renewed."""
        self.volume.write({"token": token.encode(),
                           "ca.crt": open(self.cluster.ca_file, "rb").read()})

    def kubernetes(self, **more):
        """The section of this name, that asks for nothing yet."""
        return {"api_server": self.cluster.api.url,
                "ca_file": self.volume.path("ca.crt"),
                "token_file": self.volume.path("token"), **more}

    def reviews_tokens(self, **more):
        more.setdefault("token_review", {"audiences": [AUDIENCE]})
        return {"kubernetes": self.kubernetes(**more)}

    def reviews_all(self, **more):
        return self.reviews_tokens(access_review=True, **more)

    def jwt(self, **more):
        return {"issuer": claims_of(self.token())["iss"],
                "audiences": [AUDIENCE], "jwks_url": self.cluster.jwks_url,
                "jwks_ca_file": self.volume.path("ca.crt"),
                "jwks_token_file": self.volume.path("token"), **more}

    @staticmethod
    def gate(lab, auth, exporter=None):
        return lab.gate(exporter or lab.faultd(), config={"auth": auth})

    def token(self, audiences=(AUDIENCE,), seconds=3600):
        """A scraper's."""
        return self.scraper.token(audiences, seconds)

    def may_scrape(self):
        self.cluster.api.may(self.scraper, MAY_SCRAPE, f"{self.name}-scrape")

    # What its gate asked of the API.

    def asked(self, resource=None):
        return self.cluster.events(self.gate_account.user, resource)

    def token_reviews(self):
        return len(self.asked("tokenreviews"))

    def access_reviews(self):
        """What they asked for."""
        return [event["requestObject"]["spec"]
                for event in self.asked("subjectaccessreviews")]

    def key_fetches(self):
        return sum(event["requestURI"].startswith("/openid/v1/jwks")
                   for event in self.asked())
