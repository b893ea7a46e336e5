#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Spec: 4.2 Standard ports: frames of odd lengths pass as they came
# Frames of odd lengths and shapes pass as they came, and change only where actions change them.
#
#   t p0 ---- v0 1 [             ] 2 v1 ---- p1 t      (MTU 9000 everywhere)
#     (scapy)      [ weft-switch ] 3 v2 ---- p2 t
set -eu
# shellcheck source=tests/sys/lib/switch.sh
. "$(dirname "$0")/lib/switch.sh"

PYTHON=${PYTHON:-/usr/bin/python3}
space t
space weft
for i in 0 1 2; do
	cable weft v$i t p$i
	ip -n "$T-weft" link set v$i mtu 9000
	ip -n "$T-t" link set p$i mtu 9000
done
switch weft sw --port "v0@1=af_packet:v0;mtu=9000" --port "v1@2=af_packet:v1;mtu=9000" --port "v2@3=af_packet:v2;mtu=9000"
cat >"$DIR/frames.py" <<'P'
import subprocess, sys, time
from scapy.all import AsyncSniffer, Dot1Q, Dot3, Ether, IP, IPv6, LLC, Raw, TCP, UDP, conf, load_contrib, raw
load_contrib("mpls")
from scapy.contrib.mpls import MPLS
ofctl, sock = sys.argv[1:3]
conf.verb = 0
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
E = Ether(src=A, dst=B)
BODY = bytes(range(256)) * 40
END = raw(Ether(src=A, dst=B, type=0x88b6)) + bytes(46)  # behind all others, to both


def udp(n, **kw):
    return IP(src=kw.get("src", "10.0.0.1"), dst="10.0.0.2") / UDP(sport=1, dport=kw.get("dport", 2)) / Raw(BODY[:n])


def tcp6(n, **kw):
    return IPv6(src=kw.get("src", "fd00::1"), dst="fd00::2") / TCP(sport=1, dport=kw.get("dport", 2)) / Raw(BODY[:n])


def flow(text):
    subprocess.run([ofctl, "del-flows", sock], check=True)
    subprocess.run([ofctl, "add-flow", sock, text], check=True)
    subprocess.run([ofctl, "add-flow", sock, "priority=65000,in_port=1,dl_type=0x88b6,actions=output:2,output:3"], check=True)


def pass_(frames):
    """Bytes that p1 and p2 get of 'frames' sent by p0."""
    got = {"p1": [], "p2": []}
    sniffers = [AsyncSniffer(iface=i, store=False, prn=lambda p, i=i: got[i].append(raw(p)),
                             lfilter=lambda p: raw(p)[6:12] == bytes.fromhex(A.replace(":", ""))) for i in got]
    for s in sniffers:
        s.start()
    while not all(hasattr(s, "stop_cb") for s in sniffers):
        time.sleep(0.01)
    with conf.L2socket(iface="p0") as s:
        for f in frames:
            s.send(Raw(raw(f)))
        s.send(Raw(END))
    end = time.monotonic() + 20
    while not all(END in g for g in got.values()) and time.monotonic() < end:
        time.sleep(0.02)
    for s in sniffers:
        s.stop()
        if END not in got[s.kwargs["iface"]]:
            print("# the end does not come by", s.kwargs["iface"])
    return [[f for f in g if f != END] for g in got.values()]


def check(text, flow_, frames, p1, p2=()):
    flow(flow_)
    got = pass_(frames)
    want = [[raw(f) for f in p1], [raw(f) for f in p2]]
    if got == want:
        print("ok -", text)
        return
    print("not ok -", text)
    for w, g in zip(want, got):
        print("#  wanted", [len(x) for x in w], "got", [len(x) for x in g])
        for a, b in zip(w, g):
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                print("#  at", at, a[at:at + 16].hex(), "is", b[at:at + 16].hex())


SHORT = [raw(Ether(src=A, dst=B, type=0x88b5))[:14] + BODY[:n] for n in (0, 1, 2, 3, 7, 20, 45, 46)]
check("frames of 14 to 60 bytes pass as they came", "in_port=1,actions=output:2", SHORT, SHORT)
LONGER = SHORT[2:]  # the kernel drops a tagged frame of less than 20 bytes (skb_vlan_untag())
check("... and with a tag in front", "in_port=1,actions=push_vlan:0x8100,set_field:4105->vlan_vid,output:2", LONGER,
      [x[:12] + bytes.fromhex("81000009") + x[12:] for x in LONGER])
cut = [raw(E / udp(100))[:n] for n in (14, 15, 33, 34, 35, 41, 42)]
check("an IPv4 packet cut off anywhere", "in_port=1,actions=output:2", cut, cut)
check("... is changed where it has what is to change", "in_port=1,ip,actions=set_field:02:00:00:00:00:0c->eth_dst,output:2", cut,
      [bytes.fromhex("02000000000c") + x[6:] for x in cut])
pad = raw(E / udp(0)) + bytes(18)
check("what pads a short packet is no part of it", "in_port=1,udp,actions=set_field:10.0.0.9->ip_src,output:2", [pad],
      [raw(E / udp(0, src="10.0.0.9")) + bytes(18)])
check("... behind a label, and when it is gone", "in_port=1,ip,actions=push_mpls:0x8847,output:2,pop_mpls:0x0800,output:3", [pad],
      [raw(Ether(src=A, dst=B, type=0x8847) / MPLS(label=0, cos=0, s=1, ttl=64)) + pad[14:]], [pad])
tags = E
for v in range(1, 8):
    tags = tags / Dot1Q(vlan=v)
TAGGED = raw(tags / udp(30))
check("seven tags, and one less", "in_port=1,dl_vlan=1,udp,tp_dst=2,actions=output:2,pop_vlan,output:3", [TAGGED], [TAGGED],
      [TAGGED[:12] + TAGGED[16:]])
llc = Dot3(src=A, dst=B) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / Raw(bytes(35))
check("a length instead of a type", "in_port=1,dl_type=0x05ff,actions=output:2", [llc], [llc])
big = [E / udp(8944), E / tcp6(8900)]
check("jumbo frames pass", "in_port=1,actions=output:2", big, big)
check("... and change after one has left: the other is a copy in many buffers",
      "in_port=1,udp,actions=output:2,set_field:10.0.0.9->ip_src,set_field:99->udp_dst,push_vlan:0x8100,set_field:4105->vlan_vid,output:3",
      big[:1], big[:1], [E / Dot1Q(vlan=9) / udp(8944, src="10.0.0.9", dport=99)])
check("... of IPv6, too", "in_port=1,tcp6,actions=output:2,set_field:fd00::9->ipv6_src,set_field:99->tcp_dst,push_mpls:0x8847,output:3",
      big[1:], big[1:], [Ether(src=A, dst=B, type=0x8847) / MPLS(label=0, cos=0, s=1, ttl=64) / tcp6(8900, src="fd00::9", dport=99)])
flow("in_port=2,actions=drop")
for n in 1500, 8900:
    f = raw(E / udp(n))
    got = None
    sniff = AsyncSniffer(iface="p1", store=True, count=1, timeout=20, lfilter=lambda p: raw(p)[6:12] == bytes.fromhex(A.replace(":", "")))
    sniff.start()
    while not hasattr(sniff, "stop_cb"):
        time.sleep(0.01)
    subprocess.run([ofctl, "packet-out", sock, f"in_port=controller,packet={f.hex()},actions=set_field:10.0.0.9->ip_src,output:2"], check=True)
    sniff.join()
    same = [raw(p) for p in sniff.results] == [raw(E / udp(n, src="10.0.0.9"))]
    print("ok -" if same else "not ok -", f"a packet-out of {len(f)} bytes")
P
timeout 200 ip netns exec "$T-t" "$PYTHON" "$DIR/frames.py" "$B/weft-ofctl" "$(sock sw)" >"$DIR/out" 2>&1 || echo "not ok - the tester ends" >>"$DIR/out"
cat "$DIR/out"
PASSED=$((PASSED + $(grep -c '^ok - ' "$DIR/out" || true)))
FAILED=$((FAILED + $(grep -c '^not ok - ' "$DIR/out" || true)))
finish
