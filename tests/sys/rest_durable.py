#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged survives kill -9; what a store cannot be is refused, and left as it is.

    clients ── POST ──> weft-controller ──> SQLite
                              X kill -9 at once after an answer
"""
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import B, Controller, check, finish  # noqa: E402

c = Controller()
net = c.make("network", name="kept", mtu=1400)
sub = c.make("subnet", network_id=net["id"], ip_version=4, cidr="10.0.0.0/16", dns_nameservers=["10.0.0.9"],
             host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.0.0.8"}])
port = c.make("port", network_id=net["id"], name="été", allowed_address_pairs=[{"ip_address": "10.0.3.0/24"}],
              binding__host_id="h1", binding__profile={"weft_spec": "af_packet:x", "other": [1, {"a": None}]})

# ---- kill -9 at once after the answer, ten times ----
lost = []
for i in range(10):
    made = c.make("port", network_id=net["id"], name=f"k{i}")
    c.kill()
    c.start()
    s, body = c("GET", f"/v2.0/ports/{made['id']}")
    if s != 200 or body["port"] != made:
        lost.append((made, body))
check(not lost, "ten creates, each followed by kill -9: all are there, unchanged", lost)
s, body = c("PUT", f"/v2.0/ports/{port['id']}", {"port": {"name": "changed"}})
c.kill()
c.start()
check(c("GET", f"/v2.0/ports/{port['id']}")[1]["port"] == body["port"], "an update is there")
check(c("GET", f"/v2.0/networks/{net['id']}")[1]["network"]["mtu"] == 1400 and
      c("GET", f"/v2.0/subnets/{sub['id']}")[1]["subnet"] == sub, "with all attributes of its network and subnet")
c("DELETE", f"/v2.0/ports/{port['id']}")
c.kill()
c.start()
check(c("GET", f"/v2.0/ports/{port['id']}")[0] == 404, "a delete is there")

# ---- kill -9 amid 8 clients ----
acked, deleted, lock = {}, set(), threading.Lock()


def client():
    con = http.client.HTTPConnection("127.0.0.1", c.port, timeout=60)
    try:
        for i in range(100000):
            con.request("POST", "/v2.0/ports", json.dumps({"port": {"network_id": net["id"], "name": f"c{i}"}}))
            r = con.getresponse()
            p = json.loads(r.read())
            if r.status != 201:
                return
            p = p["port"]
            with lock:
                acked[p["id"]] = p
            if i % 3 == 0:
                con.request("DELETE", f"/v2.0/ports/{p['id']}")
                with lock:
                    deleted.add(p["id"])  # asked for: gone or there
                r = con.getresponse()
                r.read()
    except (OSError, http.client.HTTPException, ValueError):
        pass


for n in (1, 2, 3):
    threads = [threading.Thread(target=client) for _ in range(8)]
    for t in threads:
        t.start()
    time.sleep(0.7)
    end = time.monotonic() + 20
    while len(acked) < 40 * n and time.monotonic() < end:  # on a slow disk
        time.sleep(0.05)
    c.kill()
    for t in threads:
        t.join()
    c.start()
now = {p["id"]: p for p in c.list("ports")}
missing = [i for i, p in acked.items() if i not in deleted and now.get(i) != p]
check(len(acked) > 100 and not missing, f"{len(acked)} acknowledged by 8 clients amid three kills: none is lost", missing[:3])
ips = [p["fixed_ips"][0]["ip_address"] for p in now.values()]
check(len(set(ips)) == len(ips), "no address was given twice")
indexes = c.make("network")
check(indexes["provider:segmentation_id"] != net["provider:segmentation_id"], "nor a VNI")

# ---- an orderly end ----
check(c.kill(signal.SIGTERM) == 0, "SIGTERM ends it with exit code 0")
path = c.store[len("sqlite:"):]
db = sqlite3.connect(path)
check(db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "and the database is sound")
db.close()


# ---- stores that cannot be used ----
def refuses(store, words, what):
    p = subprocess.run([f"{B}/weft-controller", "--rest", "127.0.0.1:0", "--listen", "tcp:0:127.0.0.1", "--store", store],
                       capture_output=True, text=True, timeout=60)
    return check(p.returncode == 1 and words in p.stderr, what, (p.returncode, p.stderr))


def unchanged(path, words, what):
    with open(path, "rb") as f:
        before = f.read()
    refuses("sqlite:" + path, words, what)
    with open(path, "rb") as f:
        check(f.read() == before, "... and is left as it was")


with tempfile.TemporaryDirectory(prefix="weft-store-") as d:
    text = d + "/text"
    with open(text, "w") as f:
        f.write("these are somebody's notes, not a database\n" * 100)
    unchanged(text, "database", "a file that is no database")
    other = d + "/other.db"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (a)")
    db.commit()
    db.close()
    unchanged(other, "another program", "another program's database")
    newer = d + "/newer.db"
    with open(path, "rb") as f, open(newer, "wb") as g:
        g.write(f.read())
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    unchanged(newer, "schema version 99", "a newer schema")
    record = d + "/record.db"
    with open(path, "rb") as f, open(record, "wb") as g:
        g.write(f.read())
    db = sqlite3.connect(record)
    db.execute("UPDATE object SET body = x'ffffffff' WHERE rowid = 1")
    db.commit()
    db.close()
    refuses("sqlite:" + record, net["id"], "a record that is damaged")
    torn = d + "/torn.db"
    with open(path, "rb") as f:
        data = bytearray(f.read())
    for i in range(4096, len(data), 512):
        data[i:i + 64] = b"\xa5" * 64
    with open(torn, "wb") as f:
        f.write(data)
    unchanged(torn, "torn.db", "a damaged database")
    refuses("etcd:http://127.0.0.1:2379", "not built in", "etcd")
    refuses("mysql:x", "should be sqlite:", "another kind of store")
    refuses("sqlite:/proc/nope/weft.db", "cannot create the folder", "a folder that cannot be made")
    c.start()
    refuses(c.store, "in use", "a store that another controller uses")
    deep = Controller(store=f"sqlite:{d}/a/b/c/weft.db")
    check(os.path.exists(f"{d}/a/b/c/weft.db"), "folders on the way are made")
    deep.kill(signal.SIGTERM)

# ---- a disk that is full: the request fails, and nothing of it stays ----
with tempfile.TemporaryDirectory(prefix="weft-full-") as d:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "weft-full", d], check=True)
    try:
        full = Controller(store=f"sqlite:{d}/weft.db")
        n = full.make("network")["id"]
        statuses, made = [], []
        for i in range(2000):
            s, body = full("POST", "/v2.0/ports", {"port": {"network_id": n, "description": "x" * 250}})
            statuses.append(s)
            if s != 201:
                break
            made.append(body["port"]["id"])
        check(statuses[-1] == 503 and body["NeutronError"]["type"] == "ServiceUnavailable",
              f"a full disk: 503 after {len(made)} ports", statuses[-1])
        check(sorted(p["id"] for p in full.list("ports")) == sorted(made), "what failed is not there")
        s, body = full("GET", "/weft/v1/status")
        check(not body["status"]["ok"] and body["status"]["problems"][0]["kind"] == "store", "status says so", body)
        full.kill()
        full.start()
        check(sorted(p["id"] for p in full.list("ports")) == sorted(made), "what was acknowledged is, after kill -9")
        full.kill(signal.SIGTERM)
    finally:
        subprocess.run(["umount", d], check=True)
finish()
