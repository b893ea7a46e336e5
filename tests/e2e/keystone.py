#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's Keystone says who asks; the real `openstack` client logs in and finds the controller in its catalogue.

    openstack ── password ──> Keystone <── tokens? ── weft-controller --auth keystone:
        └── X-Auth-Token ───────────────────────────────────┘
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from identity import USERS, Keystone  # noqa: E402
from openstack_client import Client  # noqa: E402
from rest import B, Controller, check, error_of, finish  # noqa: E402

for key in [key for key in os.environ if key.startswith("OS_") or "proxy" in key.lower()]:
    del os.environ[key]
home = tempfile.TemporaryDirectory(prefix="weft-ks-")
os.environ["HOME"] = home.name

CACHE = 3
k = Keystone(USERS)
root = k.token("admin")
project = k.projects
login = home.name + "/login"
with open(login, "w") as f:
    f.write("OS_USERNAME=weft\nOS_PASSWORD=secret\nOS_PROJECT_NAME=service\n")
os.chmod(login, 0o600)
AUTH = ("--auth", f"keystone:{k.url}", "--auth-credentials", login, "--auth-cache", str(CACHE))
c = Controller(*AUTH)


# The controller gives Keystone 8 s (WEB_SECONDS), which on a busy machine may be too few: then, and only then, ask again.
# A 503 that comes sooner is an answer.
def patient(ask, busy):
    for again in (2, 1, 0):
        began = time.monotonic()
        got = ask()
        if not again or not busy(got) or time.monotonic() - began < 8:
            return got
        print("# Keystone was too slow: asking again", flush=True)
        time.sleep(2)  # in QUIET_SECONDS it is not asked


at_once = c.raw
c.raw = lambda *args: patient(lambda: at_once(*args), lambda got: got[0] == 503)

k.service("identity", k.url, root)
k.service("network", c.url, root)
k.service("compute", c.url, root)  # the client wants one for quotas, and asks it nothing


def get(token, path="/v2.0/networks", **headers):
    """Status, headers, JSON."""
    s, h, raw = c.raw("GET", path, None, {**({"X-Auth-Token": token} if token else {}), **headers})
    return s, h, json.loads(raw) if raw else None


def status(token, **headers):
    return get(token, **headers)[0]


def becomes(what, want, ask, seconds=40):
    end = time.monotonic() + seconds
    got = ask()
    while got != want and time.monotonic() < end:
        time.sleep(0.2)
        got = ask()
    check(got == want, what, got)


shells = {}


def openstack(user, *args, code=0, form="json"):
    """The user's own client, which goes on from command to command."""
    if user not in shells:
        shells[user] = Client("--os-auth-url", k.url, "--os-username", user, "--os-password", "secret", "--os-project-name", user,
                              "--os-identity-api-version", "3")
    got, text = patient(lambda: shells[user](*args, *(("-f", form) if form else ())), lambda got: got[0] and "503" in got[1])
    if got != code:
        check(False, f"openstack {' '.join(args)} as {user}: exit code {code}", (got, text))
    return json.loads(text) if form and not got else text


def checks(token):
    return sum(1 for m, path, t in k.requests() if m == "GET" and path == "/v3/auth/tokens" and t == token)


# ---- the openstack client, two projects and an administrator ----
red = openstack("red", "network", "create", "rednet")
check(red["project_id"] == project["red"], "openstack network create: it is the token's project's", red)
openstack("blue", "network", "create", "bluenet")
openstack("admin", "network", "create", "everyones", "--share")


def names(user):
    return sorted(n["Name"] for n in openstack(user, "network", "list"))


check(names("red") == ["everyones", "rednet"] and names("blue") == ["bluenet", "everyones"],
      "two projects do not see each other's networks, and see shared ones")
check(names("admin") == ["bluenet", "everyones", "rednet"], "an administrator sees all")
check("No Network found" in openstack("blue", "network", "delete", red["id"], code=1, form=None), "another's is not there")
check("403" in openstack("blue", "network", "create", "x", "--share", code=1, form=None), "sharing is an administrator's")
openstack("admin", "network", "rbac", "create", "--target-project", "blue", "--type", "network", "--action", "access_as_shared", "rednet", form=None)
check(names("blue") == ["bluenet", "everyones", "rednet"], "openstack network rbac create: a project sees what is shared with it")
openstack("admin", "quota", "set", "--networks", "1", "red", form=None)
words = openstack("red", "network", "create", "second", code=1, form=None)
check("409" in words and "Quota exceeded for resources: ['network']" in words, "openstack quota set: more is refused, with words", words)
used = [x for x in openstack("admin", "quota", "list", "--network", "--detail", "--project", "red") if x["Resource"] in ("network", "networks")]
check([(x["In Use"], x["Limit"]) for x in used] == [(1, 1)], "openstack quota list --detail", used)
c("PUT", f"/v2.0/quotas/{project['red']}", {"quota": {"network": -1}}, root)

r = openstack("admin", "network", "segment", "range", "create", "reds", "--private", "--project", "red", "--network-type", "vxlan",
              "--minimum", "900", "--maximum", "909")
body = c("POST", "/v2.0/networks", {"network": {"name": "r900"}}, k.token("red"))[1]["network"]
n900 = c("GET", f"/v2.0/networks/{body['id']}", token=k.token("admin"))[1]["network"]
check(r["project_id"] == project["red"] and n900["provider:segmentation_id"] == 900, "a segment range of one project's", (r, n900))
c("DELETE", f"/v2.0/networks/{body['id']}", token=k.token("red"))
share = ("network", "rbac", "create", "--type", "network", "--action", "access_as_shared", "--target-project", project["blue"], "rednet")
words = openstack("red", *share, code=1, form=None)
check("already exists with those values" in words, "the same policy again, by the network's owner: refused, with words", words)
for policy in openstack("admin", "network", "rbac", "list"):
    if policy["Object ID"] == red["id"]:
        openstack("admin", "network", "rbac", "delete", policy["ID"], form=None)
check(names("blue") == ["bluenet", "everyones"], "openstack network rbac delete: it is not seen any more")
made = openstack("red", *share)
check(made["project_id"] == project["red"] and names("blue") == ["bluenet", "everyones", "rednet"], "its owner shares it anew, without an administrator", made)
for policy in c("GET", "/v2.0/rbac-policies", token=k.token("red"))[1]["rbac_policies"]:
    c("DELETE", f"/v2.0/rbac-policies/{policy['id']}", token=k.token("red"))

# ---- tokens ----
tok = {name: k.token(name) for name in ("admin", "red", "blue")}
s, h, body = get(None)
check(s == 401 and h.get("WWW-Authenticate") == f'Keystone uri="{k.url}"' and body["error"]["code"] == 401,
      "without a token: 401, and where one is to be had", (s, h, body))
wrong = tok["red"][:-5] + "AAAAA"
check([status(t) for t in ("x", wrong, tok["red"] + "\x7f", "y" * 9000)] == [401] * 4, "tokens that are none: 401")
n = checks(wrong)
check(n == 1 and status(wrong) == 401 and checks(wrong) == 1, "the refusal is remembered", n)
check(get(None, "/")[0] == 200 and get(None, "/v2.0")[0] == 401 and get(None, "/v2.0/extensions")[0] == 401 and
      get(None, "/weft/v1/status")[0] == 401, "only the list of versions is for everyone")
s, _, body = get(k.token("red", project=False))
check(s == 403 and error_of(body) == "PolicyNotAuthorized", "a token for no project: 403", (s, body))
s, body = c("POST", "/v2.0/networks", {"network": {"name": "guests"}}, k.token("guest", project="red"))
check(s == 201 and body["network"]["project_id"] == project["red"], "a reader may write, as in Neutron 21", (s, body))

# ---- many with one new token ----
fresh = k.token("blue")
k.set("delay", "1")
got = []
threads = [threading.Thread(target=lambda: got.append(status(fresh))) for _ in range(60)]
for t in threads:
    t.start()
for t in threads:
    t.join()
k.set("delay", None)
check(got == [200] * 60 and checks(fresh) == 1, "60 requests with one new token: one validation", (got, checks(fresh)))

# ---- a slow Keystone ----
status(tok["red"])  # known from here on
slow = k.token("blue")
k.set("delay", "3")
late = []
t = threading.Thread(target=lambda: late.append(status(slow)))
t.start()
became = time.monotonic()
served = 0
while time.monotonic() - became < 1.5:
    served += status(tok["red"]) == 200 and get(None, "/")[0] == 200
check(served > 20 and not late, "a slow Keystone holds up nobody else", (served, late))
t.join()
k.set("delay", None)
check(late == [200], "and who waits for it gets an answer", late)

# ---- revoked ----
status(tok["blue"])
k.revoke(tok["blue"], root)
becomes(f"a revoked token: 401 after {CACHE} s at most", 401, lambda: status(tok["blue"]), CACHE + 40)

# ---- answers that Keystone would not give ----
for what, answer in (("cut", '200 OK\n{"token": {"expires_at": "20'), ("without a token", '200 OK\n{}'),
                     ("with nameless roles", '200 OK\n{"token":{"expires_at":"2099-01-01T00:00:00Z","roles":["admin"]}}'),
                     ("too long", '200 OK\n{"token":"' + "x" * (2 << 20) + '"}'), ("500", "500 Oh\n{}"), ("403", "403 No\n{}"),
                     ("401, to the controller's own token", "401 No\n{}")):
    bad = k.token("red")
    k.set("answer", answer)
    s, _, body = get(bad)
    k.set("answer", None)
    check(s == 503 and error_of(body) == "ServiceUnavailable" and "identity service" in body["NeutronError"]["message"],
          f"an answer {what}: 503 with words", (s, body))
    if answer[:3] != "401":
        becomes("and then it is right again", 200, lambda: status(bad))
# With credentials that are wrong, as it seems, it asks no more for ten seconds, in which others do.

# ---- https ----
def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=home.name)


def authority(name):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")


def certificate(of, names):
    """What Keystone shows from now on: signed by 'of', for these names."""
    with open(f"{home.name}/names", "w") as f:
        f.write(f"subjectAltName={names}\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=keystone")
    openssl("x509", "-req", "-in", "server.csr", "-CA", f"{of}.pem", "-CAkey", f"{of}.key", "-CAcreateserial", "-days", "2", "-extfile", "names",
            "-out", "server.pem")
    with open(f"{k.folder}/tls.pem", "w") as f:
        f.write(open(f"{home.name}/server.key").read() + open(f"{home.name}/server.pem").read())


def over_tls(what, want, *options):
    """A controller that asks by https: a good token's status, and what the log says when it is none."""
    t = Controller("--auth", f"keystone:https://127.0.0.1:{k.tls_port}/v3", "--auth-credentials", login, *options)
    s, _, raw = t.raw("GET", "/v2.0/networks", None, {"X-Auth-Token": good})
    log = open(f"{t.folder}/log").read()
    ok = s == want and (s == 200 or b"certificate" in raw and "certificate" in log)
    check(ok, f"https: {what}", (s, raw, log[-300:]))
    check(t.kill(signal.SIGTERM) == 0, "... and ends well")


good = k.token("red")
authority("ours")
authority("theirs")
certificate("ours", "IP:127.0.0.1")
over_tls("its CA is known: tokens are validated", 200, "--auth-ca-cert", f"{home.name}/ours.pem")
over_tls("another CA is not enough: 503, and the words are of the certificate", 503, "--auth-ca-cert", f"{home.name}/theirs.pem")
over_tls("the system's CAs do not know it", 503)
certificate("ours", "DNS:other.example")
over_tls("a certificate for another name is refused", 503, "--auth-ca-cert", f"{home.name}/ours.pem")

becomes("an answer 401 is forgotten in the end", 200, lambda: status(bad), 20)

# ---- Keystone goes and comes back ----
held, new = k.token("red"), k.token("red")
check(status(held) == 200, "a token is known")
said = open(f"{c.folder}/log").read().count("does not answer")
k.kill()
check(status(held) == 200, "Keystone is killed: what is known goes on")
s, _, body = get(new)
check(s == 503 and "does not answer" in body["NeutronError"]["message"], "what is not: 503 with words", (s, body))
check([status(new) for _ in range(5)] == [503] * 5, "again")
becomes("for its time", 503, lambda: status(held), CACHE + 40)
check(get(None, "/")[0] == 200 and status(None) == 401, "and the rest is as before")
log = open(f"{c.folder}/log").read()
check(log.count("does not answer") == said + 1, "the log says so once", log[-600:])
with open(k.config) as f:
    text = f.read()
with open(k.config, "w") as f:
    f.write(text.replace("expiration = 3600", "expiration = 8"))
k.stand_by()
c2 = Controller(*AUTH)  # while there is no Keystone
check(c2.raw("GET", "/v2.0/networks", None, {"X-Auth-Token": new})[0] == 503, "a controller begins without Keystone, too")
print("# waiting for Keystone to start again", flush=True)
k.start()
becomes("Keystone is back: so are tokens", 200, lambda: status(new))
becomes("for who began without it as well", 200, lambda: c2.raw("GET", "/v2.0/networks", None, {"X-Auth-Token": new})[0])
check("validated again" in open(f"{c2.folder}/log").read(), "the log says so")

# ---- short-lived tokens, the controller's own among them ----
c2.kill()
c.kill()
c.options = (*AUTH[:-1], "300")  # longer than those live
c.start()
short = k.token("red")
check(status(short) == 200, "a token for eight seconds")
first = time.monotonic()

# ---- what is wrong at the start ----
db = ["--store", f"sqlite:{home.name}/x.db", "--rest", "127.0.0.1:0", "--listen", "tcp:0:127.0.0.1"]


def says(what, words, *args, env=None):
    p = subprocess.run([f"{B}/weft-controller", *db, *args], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
    check(p.returncode == 1 and words in p.stderr, what, (p.returncode, p.stderr))


ks = ("--auth", "keystone:http://127.0.0.1:1")
says("no credentials", "OS_PASSWORD is missing", *ks)
says("no file of credentials", "No such file", *ks, "--auth-credentials", "/nope")
os.chmod(login, 0o644)
says("credentials that others can read", "mode 644", *ks, "--auth-credentials", login)
os.chmod(login, 0o600)
for url in ("", "x", "ftp://x", "http://", "http://a:b@x/", "http://x/?a=b"):
    says(f"the URL '{url}'", "auth", "--auth", f"keystone:{url}", "--auth-credentials", login)
says("no CA file", "No such file", *ks, "--auth-credentials", login, "--auth-ca-cert", "/nope")
says("a CA file without a certificate", "no certificate", *ks, "--auth-credentials", login, "--auth-ca-cert", login)
says("a cache too long", "1 to 300", *ks, "--auth-credentials", login, "--auth-cache", "301")
says("Keystone's options without Keystone", "is for auth keystone", "--auth-cache", "3")

# ---- eight seconds later ----
becomes("expired: 401, whatever the cache's time", 401, lambda: status(short))
check(status(short, **{"X-Service-Token": k.token("weft", project="service")}) == 200, "a service vouches for it")
check(status(short, **{"X-Service-Token": k.token("red")}) == 401, "nobody else does")
time.sleep(max(0, first + 9 - time.monotonic()))
becomes("the controller renews its own token", 200, lambda: status(k.token("red")))

finish()
