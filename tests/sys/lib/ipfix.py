#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a collector of IPFIX is told, read by tshark; and packets to be told of.

    ipfix.py sink PORT...              listens there
    ipfix.py send IF...                known packets, the same to each interface
    ipfix.py repeat IF N               one of them, N times
    ipfix.py same PCAP PORT PCAP PORT  whether both captures tell the same of the same packets
    ipfix.py dump PCAP PORT            the records, an object a line
    ipfix.py clean PCAP PORT           whether tshark has nothing to say against them
    ipfix.py templates PCAP PORT       how often a template was sent
"""
import collections
import json
import logging
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

# Without what is each switch's own: interfaces' numbers and names, times, totals.
COMPARED = {"cflow.observation_point_id", "cflow.direction", "cflow.srcmac", "cflow.dstmac", "cflow.ethernet_type",
            "cflow.ethernet_header_length", "cflow.vlanid", "cflow.dot1q_vlan_id", "cflow.dot1q_priority",
            "cflow.ip_version", "cflow.ip_ttl", "cflow.protocol", "cflow.ip_dscp", "cflow.ip_precedence", "cflow.tos",
            "cflow.srcaddr", "cflow.dstaddr", "cflow.srcaddrv6", "cflow.dstaddrv6", "cflow.ipv6flowlabel",
            "cflow.srcport", "cflow.dstport", "cflow.icmp_ipv4_type", "cflow.icmp_ipv4_code",
            "cflow.icmp_ipv6_type", "cflow.icmp_ipv6_code", "cflow.packets", "cflow.octets",
            "cflow.layer2_octet_delta_count", "cflow.length_min", "cflow.length_max", "cflow.flow_end_reason"}


def frames():
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    from scapy.all import ARP, Dot1Q, Ether, ICMP, ICMPv6EchoRequest, IP, IPv6, SCTP, TCP, UDP
    e = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    v4, v6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")
    later = IP(src="10.0.0.1", dst="10.0.0.2", frag=10, proto=17)
    return [bytes(f) for f in (
        e / IP(src="10.0.0.1", dst="10.0.0.2", tos=0x28, ttl=63) / UDP(sport=1000, dport=2000) / (b"x" * 100),
        e / v4 / UDP(sport=1, dport=2) / b"xy" / (b"\0" * 16),
        e / v4 / TCP(sport=1001, dport=2001, flags="SA"),
        e / v4 / ICMP(type=3, code=4) / (b"i" * 40),
        e / IP(src="10.0.0.1", dst="10.0.0.2", proto=47) / (b"g" * 60),
        e / later / (b"f" * 64),
        e / Dot1Q(vlan=100, prio=3) / v4 / UDP(sport=1000, dport=2000) / (b"y" * 50),
        e / Dot1Q(vlan=7) / v6 / TCP(sport=80, dport=8080, flags="R") / (b"w" * 9),
        e / IPv6(src="2001:db8::1", dst="2001:db8::2", tc=0x2c, fl=0x12345, hlim=9) / UDP(sport=5, dport=6) / (b"z" * 9),
        e / v6 / ICMPv6EchoRequest(id=7) / (b"p" * 33),
        e / v6 / SCTP(sport=9, dport=10) / (b"s" * 30),
        e / ARP(psrc="10.0.0.1", pdst="10.0.0.2"),
        e / Dot1Q(vlan=100) / ARP(psrc="10.0.0.1", pdst="10.0.0.2"),
        Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff", type=0x88b5) / (b"o" * 50),
    )]


def put(interface, each, pause):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        for f in each:
            s.send(f)
            time.sleep(pause)


def tshark(pcap, port, *more):
    return subprocess.run(["tshark", "-r", pcap, "-d", f"udp.port=={port},cflow", "-Y", f"udp.dstport=={port}", *more],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()


def each(node):
    for f in node:
        if f.get("name"):
            yield f.get("name"), f.get("show")
        yield from each(f)


def records(pcap, port):
    out = []
    for packet in ET.fromstring(tshark(pcap, port, "-T", "pdml")):
        flow = next((p for p in packet if p.get("name") == "cflow"), None)
        if flow is None:
            continue
        domain = next(f.get("show") for f in flow.iter("field") if f.get("name") == "cflow.od_id")
        for f in flow.iter("field"):
            if (f.get("show") or "").startswith("Flow ") and f.get("show")[5:].split()[0].isdigit():
                out.append({"domain": domain, **dict(each(f))})
    return out


def same(a, b):
    def told(r):  # a later fragment has no ports here, and ports 0 there
        return json.dumps({k: v for k, v in r.items() if (k in COMPARED or k == "domain") and
                           (k, v) not in (("cflow.srcport", "0"), ("cflow.dstport", "0"))}, sort_keys=True)
    # Open vSwitch tells of itself, too, without packets.
    x, y = (collections.Counter(told(k) for k in r if "cflow.packets" in k) for r in (a, b))
    for what, n in (x - y).items():
        print("only here:", n, what)
    for what, n in (y - x).items():
        print("only there:", n, what)
    seen = {k for r in a for k in r}
    if not seen > COMPARED - {"cflow.vlanid"}:
        print("never told:", COMPARED - seen)
        return False
    return bool(a) and x == y


def main(verb, *args):
    if verb == "sink":
        held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in args]
        for s, port in zip(held, args):
            s.bind(("127.0.0.1", int(port)))
        signal.pause()
    if verb == "send":
        for interface in args:
            put(interface, frames(), 0.005)
    elif verb == "repeat":
        put(args[0], frames()[:1] * int(args[1]), float(args[2]) if len(args) > 2 else 0.0002)
    elif verb == "dump":
        for r in records(*args):
            print(json.dumps(r))
    elif verb == "same":
        return 0 if same(records(*args[:2]), records(*args[2:])) else 1
    elif verb == "templates":
        print(len(tshark(*args, "-T", "fields", "-e", "cflow.template_id").split()))
    elif verb == "clean":
        text = tshark(*args, "-V")
        bad = [line.strip() for line in text.splitlines() if "Malformed" in line or "Expert Info" in line or
               "No Template" in line or "Unknown" in line]
        print("\n".join(bad[:10]))
        return 0 if text and not bad else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
