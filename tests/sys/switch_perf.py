#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""weftctl switch perf: what it says of a switch that real frames go through, as fast as they can.

    net_pcap (a trace, for ever) ---> 1 [ weft-switch ] 2 ---> net_null

IPv4 of the trace goes the express way; ARP becomes packets of the pipeline, through two tables.  How fast this machine is does
not matter, nor that others take the core meanwhile: what is compared was counted by the same thread in the same time.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

B = os.path.abspath(os.environ.get("B", "build"))
folder = tempfile.mkdtemp(prefix="weft-perf-")
passed = failed = 0


def check(text, good, more=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok - " if good else "not ok - ") + text + ("" if good or more == "" else f": {more}"), flush=True)


def frames():
    mac = lambda n: struct.pack("!HI", 0x200, n)  # noqa: E731
    for i in range(96):
        udp = struct.pack("!BBHHHBBHIIHHHH", 0x45, 0, 50, 0, 0, 64, 17, 0, 0x0a000001, 0x0a000100 + i, 1000 + i, 53, 30, 0)
        arp = struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac(1) + bytes((10, 0, 0, 1)) + bytes(6) + bytes((10, 0, 0, 2))
        kind, body = (0x806, arp) if i % 16 == 5 else (0x800, udp)
        yield (mac(2 + i % 8) + mac(1) + struct.pack("!H", kind) + body).ljust(64, b"\0")


def trace(path):
    with open(path, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for data in frames():
            f.write(struct.pack("=IIII", 0, 0, len(data), len(data)) + data)


FLOWS = ["table=0,priority=5,arp,actions=goto_table:1", "table=1,priority=1,arp,actions=group:1"] + [
    f"table=0,priority=3,ip,nw_dst=10.0.1.{16 * i}/{28 if i % 2 else 29},actions=output:2" for i in range(16)] + [
    "table=0,priority=1,ip,actions=output:2"]


ROUTES = [f"priority={n},ip,nw_dst=10.0.{k}.0/{n},actions=output:2" for k in range(8) for n in range(24, 33)] + ["priority=0,actions=output:2"]


def perf(*words):
    p = subprocess.run([f"{B}/weftctl", "switch", "perf", f"{folder}/sw.sock", *words], capture_output=True, text=True, timeout=30)
    return p.returncode, p.stdout, p.stderr


def reading(*words):
    rc, out, err = perf("--json", *words)
    if rc:
        raise RuntimeError(err)
    return json.loads(out)


def until(condition, seconds=20):
    """What it comes to, as soon as it is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found


def start(*more):
    trace(f"{folder}/t.pcap")
    log = open(f"{folder}/log", "w")
    p = subprocess.Popen([f"{B}/weft-switch", "--name", "perf", "--socket", f"{folder}/sw.sock", *more,
                          "--port", f"src@1=vdev:net_pcap0,rx_pcap={folder}/t.pcap,infinite_rx=1",
                          "--port", "dst@2=vdev:net_null1,size=64,no-rx=1"], stdout=log, stderr=log)
    if not until(lambda: p.poll() is not None or os.path.exists(f"{folder}/sw.sock") and " ready: " in open(f"{folder}/log").read()) or p.poll() is not None:
        raise RuntimeError("weft-switch does not start: " + open(f"{folder}/log").read()[-500:])
    return p


def add_flows(flows=FLOWS):
    def ofctl(*words, stdin=None):
        subprocess.run([f"{B}/weft-ofctl", *words], input=stdin, text=True, check=True, capture_output=True, timeout=20)

    ofctl("add-group", f"unix:{folder}/sw.sock", "group_id=1,type=all,bucket=actions=output:2")
    ofctl("add-flows", f"unix:{folder}/sw.sock", "-", stdin="\n".join(flows) + "\n")


def stages(thread):
    return {s["stage"]: s for s in thread["stages"]}


def ran(s, *names):
    for name in names:
        check(f"stage {name} ran", name in s and s[name]["cycles_per_packet"] > 0, sorted(s))


def words_are_checked():
    for words in (("--seconds", "x"), ("--seconds=-1",), ("--seconds",), ("a", "b"), ("--seconds=1e9",)):
        rc, _, err = perf(*words)
        check(f"{' '.join(words)} is refused in words", rc == 2 and err.startswith("weftctl: "), err)


def with_traffic():
    r = until(lambda: (lambda t: t["sampled"]["iterations"] > 50 and t["cache"]["hits"] and t)(reading("--seconds", "0.3")["threads"][0]))
    check("frames come, and iterations are measured", r)
    if not r:
        return
    s = stages(r)
    ran(s, "receive", "express", "parse", "actions", "output", "tx")
    for name in ("decap", "encap", "ct", "inject"):
        check(f"... and {name} did not", s.get(name, {"packets": 0})["packets"] < 1, s.get(name))
    check("all packets were received", 99 < s["receive"]["packets"] < 101, s["receive"])
    check("bursts are full", r["packets_per_burst"] > 16, r["packets_per_burst"])
    check("shares are of the whole", 95 < sum(x["share"] for x in r["stages"]) < 105, [x["share"] for x in r["stages"]])

    def near():
        t = reading("--seconds", "0.3")["threads"][0]
        whole = sum(x["cycles_per_packet"] for x in t["stages"])
        return t["packets"] and abs(whole - t["cycles_per_packet"]) <= t["cycles_per_packet"] / 4
    # The stages are sampled, what packets cost is not; who was not let run meanwhile has it in one of both.
    check("the sum of the stages is what packets cost, within a quarter, in one of many readings", until(near, 60))
    tables = {t["table"]: t for t in r["tables"]}
    check("tables 0 and 1 were looked up", tables[0]["lookups_per_second"] > tables[1]["lookups_per_second"] > 0, tables)
    check("... and all matched", all(t["matched"] > 99.9 for t in tables.values()), tables)
    check("... table 1 for each packet of the pipeline or its cache, never more", 0 <= tables[1]["searched"] <= 100, tables[1])
    check("a template's tables add up", sum(t["tables"] for t in r["templates"]) == len(tables) == 2, r["templates"])


def forms():
    rc, out, _ = perf("--seconds=0.2")
    check("for people: the thread, its time, its cache, stages, tables, templates", rc == 0 and all(
        x in out for x in ("packet thread 0", "packets/s", "\ntime ", "\nflow cache ", "\nSTAGE ", "receive ", "\nTABLE ", "\nTEMPLATE ")), out)
    t0 = time.monotonic()
    rc, out, _ = perf("--seconds=6")
    check("a period longer than an answer may take", rc == 0 and time.monotonic() - t0 >= 6 and "in 6." in out, out[:80])
    since = reading("--seconds", "0")
    p = reading("--seconds", "0.1")
    check("--seconds 0 is since the start", since["threads"][0]["packets"] > p["threads"][0]["packets"] and since["seconds"] > 0)
    s = subprocess.run([f"{B}/weftctl", "-o", "json", "switch", "perf", f"{folder}/sw.sock", "--seconds=0.1"], capture_output=True, text=True)
    check("-o json is --json", s.returncode == 0 and json.loads(s.stdout)["threads"])
    rc, _, err = perf("--seconds=0.1")
    check("again, at once", rc == 0, err)


def searched(t):
    """The reading, if packets were looked up by classifiers in it."""
    return t["packets"] and t["sampled"]["iterations"] > 20 and t["tables"][0]["searched"] > 60 and t["tables"][0]["cycles_per_lookup"] > 0 and t


# With a cache there are moments in which it serves all, and classifiers are not asked.
def all_by_tables():
    add_flows()
    check("without a cache it says so", reading("--seconds", "0.2")["threads"][0]["cache"]["state"] == "off")
    r = until(lambda: searched(reading("--seconds", "0.3")["threads"][0]))
    check("... and the classifiers are asked for each packet", r)
    ran(stages(r) if r else {}, "receive", "parse", "pipeline", "lookup", "actions", "output", "tx")


def by_routes():
    """IPv4 is told by the first table's routes, all but ARP, which is a sixteenth."""
    add_flows(ROUTES)
    r = until(lambda: (lambda t: t["routed"] > 80 and t)(reading("--seconds", "0.3")["threads"][0]))
    check("packets that the first table's routes told all of are counted", r and r["routed"] < 99, r and r["routed"])
    check("... and the cache was not asked for them", r and r["cache"]["hits"] + r["cache"]["misses"] < r["packets"] / 2, r and r["cache"])
    check("the table says why it has its template", r and r["tables"][0]["template"] == "lpm" and "prefix" in r["tables"][0]["why"], r and r["tables"])
    out = perf("--seconds=0.2")[1]
    check("for people: how many, and why", "\ntable 0 " in out and "BECAUSE" in out and "prefixes of one address" in out, out)


def without_cache():
    with_switch(("--cache-entries", "0"), all_by_tables)


def with_switch(options, what):
    p = start(*options)
    try:
        what()
    finally:
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def first():
    add_flows()
    words_are_checked()
    with_traffic()
    forms()


try:
    with_switch((), first)
    with_switch((), by_routes)
    without_cache()
    rc_, _, err_ = perf()
    check("where no switch is, that is said", rc_ == 1 and "weft-switch" in err_, err_)
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
