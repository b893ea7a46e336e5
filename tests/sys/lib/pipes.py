# SPDX-License-Identifier: Apache-2.0
"""Whole pipelines of others, frame by frame: what goes into a port, and what comes out of which, in words.

    x1 --- p1 [        ] p3 --- x3
    x2 --- p2 [ switch ] p4 --- x4 ...

A frame of a type of its own follows each that is sent, and leaves by every port; so nobody waits for what was dropped.
"""
import re
import struct

from ct_frames import Read, icmp, ip, packed, tcp, udp

MARK = 0x88b5
PROTO = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58}


def mac(n):
    return f"02:00:00:00:00:{n:02x}" if isinstance(n, int) else n


def eth(src, dst, kind, body, vlan=None):
    head = bytes.fromhex((mac(dst) + mac(src)).replace(":", ""))
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return (head + tag + struct.pack("!H", kind) + body).ljust(60, b"\0")


def arp(src, dst, spa, tpa, op=1, vlan=None):
    sha = bytes.fromhex(mac(src).replace(":", ""))
    return eth(src, dst, 0x0806, struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + sha + packed(spa) + bytes(6) + packed(tpa), vlan)


def l4(src, dst, a, b, what="udp", sport=1000, dport=80, flags="S", seq=1, ack=0, data=b"", vlan=None, ttl=64, type_=8):
    if what == "tcp":
        body = tcp(a, b, sport, dport, flags, seq, ack, data)
    elif what == "udp":
        body = udp(a, b, sport, dport, data)
    else:
        body = icmp(a, b, type_, 0, struct.pack("!HH", sport, 1), data)
    return eth(src, dst, 0x86dd if ":" in a else 0x0800, ip(a, b, PROTO[what], body, ttl=ttl), vlan)


def said(data):
    """A frame in words: the last bytes of its MACs, its tag, what is in it."""
    text = f"{data[11]:02x}>{data[5]:02x}"
    kind, at = struct.unpack_from("!H", data, 12)[0], 14
    if kind == 0x8100:
        text += f" vlan {struct.unpack_from('!H', data, 14)[0] & 0xfff}"
        kind, at = struct.unpack_from("!H", data, 16)[0], 18
    if kind in (0x0800, 0x86dd):
        r = Read(data[at:])
        return f"{text} {r}" + (f" {r.flags}" if r.flags is not None else "") + (f" ttl {r.ttl}" if r.ttl != 64 else "")
    if kind == 0x0806:
        return f"{text} arp {data[at + 7]} {'.'.join(map(str, data[at + 14:at + 18]))} asks {'.'.join(map(str, data[at + 24:at + 28]))}"
    return f"{text} {kind:#06x}"


class Pipes:
    def __init__(self, lab, n, *options):
        self.lab, self.n = lab, n
        for p in range(1, n + 1):
            lab.port(p, "t", quiet=True)
        lab.switch(*options)
        self.wires = {p: lab.wire("t", f"x{p}") for p in range(1, n + 1)}
        self.serial = 0

    def flows(self, text, groups=()):
        self.lab.ofctl("del-flows")
        self.lab.ofctl("del-groups")
        for g in groups:
            self.lab.ofctl("add-group", g)
        out = ",".join(f"output:{p}" for p in range(1, self.n + 1))
        self.lab.flows(f"priority=65535,dl_type={MARK:#x},actions=in_port,{out}\n" + text)

    def settle(self):
        """What was learned, or changed, is seen by the next packet."""
        if self.lab.kind == "ovs":
            self.lab.must("ovs-appctl", "-T", "20", "-t", f"{self.lab.dir}/vs.ctl", "revalidator/wait")

    def learned(self, table, *words):
        """Waits for a learned flow with these words: Weft's packet threads leave the making to another one."""
        self.lab.until(lambda: any(all(w in x for w in words) for x in self.table(table)), 10)
        self.settle()

    def send(self, port, data):
        """What came of it, sorted: "port: words"; "-" when nothing did."""
        self.wires[port].send(data)
        # Open vSwitch forwards what came in together by flow, not in order; so there are two marks, one after the other.
        came = [c for _ in range(2) for c in self.marked(port)]
        return "; ".join(sorted(came)) or "-"

    def marked(self, port):
        self.serial += 1
        mark = eth(1, 2, MARK, struct.pack("!I", self.serial))
        self.wires[port].send(mark)
        came = []
        for p, wire in self.wires.items():
            while True:
                data, where = wire.recvfrom(65536)
                if where[2] == 4:  # its own
                    continue
                if struct.unpack_from("!H", data, 12)[0] != MARK:
                    came.append(f"{p}: {said(data)}")
                elif data[14:18] == mark[14:18]:
                    break
        return came

    def connections(self):
        """dump-conntrack's lines, sorted, without what is a matter of time."""
        lines = [re.sub(r",?(timeout|id)=\d+", "", x.strip()) for x in self.lab.connections()]
        return sorted(re.sub(r"protoinfo=\(state=\w+\)", "", x) for x in lines)

    def table(self, n):
        """A table's flows, sorted, without counters and times."""
        text = self.lab.ofctl("dump-flows", f"table={n}")
        lines = [x.strip() for x in text.splitlines() if "table=" in x]
        lines = [re.sub(r"(duration|n_packets|n_bytes|idle_age|hard_age|cookie)=[^, ]+,? ?", "", x) for x in lines]
        return sorted(re.sub(r"\s+", " ", re.sub(r'"?p(\d+)"?', r"\1", x)) for x in lines)
