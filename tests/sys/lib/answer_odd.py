# SPDX-License-Identifier: Apache-2.0
"""Frames for answer(), each with what must come back, or the reason for which nothing does.  Run by answer_odd.sh."""
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

from scapy.all import (BOOTP, DHCP, ICMP, IP, UDP, DHCP6_Confirm, DHCP6_Decline, DHCP6_InfoRequest, DHCP6_Rebind, DHCP6_RelayForward,
                       DHCP6_Release, DHCP6_Renew, DHCP6_Request, DHCP6_Solicit, DHCP6OptClientId, DHCP6OptIA_NA, DHCP6OptIA_PD,
                       DHCP6OptIAAddress, DHCP6OptOptReq, DHCP6OptRapidCommit, DHCP6OptServerId, DHCP6OptUnknown, DUID_LL, Dot1AD, Dot1Q,
                       Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6ND_RS, ICMPv6NDOptSrcLLAddr,
                       ICMPv6NDOptUnknown, IPOption, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw)

A, B, GW = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:01:00"
ALL, SERVER, LL, MINE = "ff:ff:ff:ff:ff:ff", "10.0.0.1", "fe80::a", "2001:db8::5"
CTL, SWITCH = sys.argv[1:]
MALFORMED, SILENT, OTHER, RATE = ("answer_" + x for x in ("malformed", "silent", "other", "rate"))
SOL_PACKET, PACKET_AUXDATA, OUTGOING, VLAN_VALID = 263, 8, 4, 0x10

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("eth0", 0))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)


def check(text, good, more=""):
    print(("ok - " if good else "not ok - ") + text, flush=True)
    if not good:
        print(f"# {more}", flush=True)


def hear(seconds):
    """The next frame that came in, with the tag that the kernel took off; None."""
    end = time.time() + seconds
    while select.select([wire], [], [], max(0, end - time.time()))[0]:
        data, aux, _, where = wire.recvmsg(65536, 256)
        if where[2] == OUTGOING:
            continue
        for level, kind, v in aux:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, tci, tpid = *struct.unpack_from("I", v), *struct.unpack_from("HH", v, 16)
                if status & VLAN_VALID:
                    data = data[:12] + struct.pack("!HH", tpid or 0x8100, tci) + data[12:]
        return data
    return None


def drops():
    out = subprocess.run([CTL, "-o", "json", "switch", "drops", SWITCH], capture_output=True, text=True, timeout=30, check=True).stdout
    return {r["reason"]: int(r["count"]) for r in json.loads(out) if int(r["count"])}


def sums_fit(data):
    """Whether lengths and checksums are those that scapy would write."""
    p = Ether(data)
    q = p.copy()
    for layer in q.layers():
        for f in ("chksum", "cksum"):
            if layer is not Ether and f in q[layer].fields and "in" not in layer.__name__.lower().split("error"):
                q[layer].delfieldval(f)
    return bytes(q)[:len(data)] == data


def ask(frame):
    while hear(0):
        pass
    data = frame if isinstance(frame, bytes) else bytes(frame)
    wire.send(data)
    got = hear(20)
    return Ether(got) if got else None


def answered(text, frame, *judges):
    """Each judge is a function of the answer."""
    r = ask(frame)
    if r is None:
        check(text, False, f"no answer; drops {drops()}")
        return None
    try:
        wrong = [i for i, j in enumerate(judges) if not j(r)]
    except (AttributeError, IndexError, TypeError, KeyError) as e:
        wrong = [repr(e)]
    # Errors quote packets, which scapy would mend, too.
    quotes = r.haslayer(ICMP) and r[ICMP].type in (3, 11) or r.haslayer("ICMPv6PacketTooBig")
    if not quotes and not sums_fit(bytes(r)):
        wrong.append("checksums")
    check(text, not wrong, f"{wrong}: {r!r}")
    return r


def dropped(text, frame, why):
    before = drops().get(why, 0)
    while hear(0):
        pass
    data = frame if isinstance(frame, bytes) else bytes(frame)
    wire.send(data)
    end = time.time() + 20
    while drops().get(why, 0) == before and time.time() < end:
        time.sleep(0.02)
    got = hear(0)
    check(f"{text}: {why}", drops().get(why, 0) == before + 1 and got is None, f"{drops()}, heard {got and Ether(got)!r}")


# ---- DHCP ----

def dhcp(kind, options=(), mac=A, src="0.0.0.0", dst="255.255.255.255", eth=ALL, tags=None, **bootp):
    opts = ([("message-type", kind)] if kind else []) + list(options) + ["end"]
    f = Ether(src=mac, dst=eth)
    if tags:
        f = f / tags
    bootp.setdefault("chaddr", bytes.fromhex(mac.replace(":", "")))
    return f / IP(src=src, dst=dst) / UDP(sport=68, dport=67) / BOOTP(xid=0x1234567, **bootp) / DHCP(options=opts)


def opt(r, name):
    for o in r[DHCP].options:
        if o[0] == name or name == o:
            return o[1] if len(o) == 2 else o[1:]
    return None


def raw_opts(r):
    """Codes and bytes, as they stand."""
    p, out = bytes(r[UDP].payload)[240:], []
    while p and p[0] != 255:
        if p[0]:
            out.append((p[0], p[2:2 + p[1]]))
            p = p[2 + p[1]:]
        else:
            p = p[1:]
    return out


def codes(r):
    return [c for c, _ in raw_opts(r)]


def is_type(n):
    return lambda r: opt(r, "message-type") == n


def to(ip, mac):
    return lambda r: r[IP].dst == ip and r.dst == mac and r.src == GW and r[IP].src == SERVER


OFFER, ACK, NAK = 2, 5, 6
ASKED = [("param_req_list", [42, 6, 3, 121, 249])]


def test_dhcp():
    answered("DISCOVER with the broadcast flag: an offer to all", dhcp("discover", flags=0x8000), is_type(OFFER), to("255.255.255.255", ALL),
             lambda r: r[BOOTP].yiaddr == "10.0.0.5" and r[BOOTP].flags == 0x8000 and r[BOOTP].xid == 0x1234567, lambda r: len(r[UDP].payload) >= 300)
    answered("... without it: to the client alone", dhcp("discover"), to("10.0.0.5", A), lambda r: r[UDP].sport == 67 and r[UDP].dport == 68)
    answered("options that are asked for come in that order, classless routes first", dhcp("discover", ASKED),
             lambda r: codes(r) == [53, 54, 51, 1, 121, 42, 6, 3, 249, 58], lambda r: dict(raw_opts(r))[249] == dict(raw_opts(r))[121] == bytes([16, 10, 9, 10, 0, 0, 2]))
    answered("without a list: what there is, and not the old number of routes", dhcp("discover"), lambda r: codes(r) == [53, 54, 51, 1, 3, 6, 58, 121, 42])
    answered("a client's identifier comes back (RFC 6842)", dhcp("discover", [("client_id", b"\xff\1\2\3\4")]), lambda r: dict(raw_opts(r))[61] == b"\xff\1\2\3\4")
    answered("what takes 576 bytes gets no more, but what fits", dhcp("discover", mac=B), lambda r: r[IP].len <= 576 and 43 in codes(r) and 3 in codes(r))
    answered("... what does not fit is left out", dhcp("discover", [("client_id", bytes(250))], mac=B), lambda r: r[IP].len <= 576 and 43 not in codes(r) and 44 in codes(r))
    answered("... who takes more gets more", dhcp("discover", [("client_id", bytes(250)), ("max_dhcp_size", 1500)], mac=B), lambda r: r[IP].len > 576 and 43 in codes(r))
    answered("next server and boot file stand in the header, too", dhcp("discover", mac=B),
             lambda r: r[BOOTP].siaddr == "10.0.0.8" and r[BOOTP].file.rstrip(b"\0") == b"pxe/boot.0" and dict(raw_opts(r))[67] == b"pxe/boot.0")
    mine, other = [("server_id", SERVER), ("requested_addr", "10.0.0.5")], [("server_id", "10.0.0.9"), ("requested_addr", "10.0.0.5")]
    answered("REQUEST, selecting: granted", dhcp("request", mine), is_type(ACK), lambda r: r[BOOTP].yiaddr == "10.0.0.5" and opt(r, "lease_time") == 86400 and opt(r, "subnet_mask") == "255.255.255.0")
    dropped("... of another server", dhcp("request", other), OTHER)
    answered("... of another address: refused, to all", dhcp("request", [("server_id", SERVER), ("requested_addr", "10.0.0.77")]), is_type(NAK),
             to("255.255.255.255", ALL), lambda r: r[BOOTP].yiaddr == "0.0.0.0" and codes(r) == [53, 54])
    answered("REQUEST, after a reboot: granted", dhcp("request", [("requested_addr", "10.0.0.5")]), is_type(ACK))
    answered("... of another address: refused", dhcp("request", [("requested_addr", "192.168.3.4")]), is_type(NAK), to("255.255.255.255", ALL))
    answered("REQUEST, renewing: granted to that address", dhcp("request", src="10.0.0.5", dst=SERVER, eth=GW, ciaddr="10.0.0.5"), is_type(ACK), to("10.0.0.5", A),
             lambda r: r[BOOTP].ciaddr == "10.0.0.5")
    answered("REQUEST, rebinding: granted", dhcp("request", src="10.0.0.5", ciaddr="10.0.0.5", flags=0x8000), is_type(ACK), to("10.0.0.5", A))
    answered("... of another address: refused", dhcp("request", src="10.0.0.6", ciaddr="10.0.0.6"), is_type(NAK))
    dropped("REQUEST of nothing", dhcp("request"), MALFORMED)
    answered("INFORM: an answer without a lease", dhcp("inform", ASKED, src="10.0.0.44", ciaddr="10.0.0.44"), is_type(ACK), to("10.0.0.44", A),
             lambda r: r[BOOTP].yiaddr == "0.0.0.0" and codes(r) == [53, 54, 1, 121, 42, 6, 3, 249])
    dropped("DECLINE", dhcp("decline", mine), SILENT)
    dropped("RELEASE", dhcp("release", [("server_id", SERVER)], src="10.0.0.5", dst=SERVER, ciaddr="10.0.0.5"), SILENT)
    dropped("by a relay", dhcp("discover", giaddr="10.0.0.99"), OTHER)
    dropped("for another station", dhcp("discover", chaddr=bytes.fromhex("020000000077")), OTHER)
    dropped("to another server's address", dhcp("request", src="10.0.0.5", dst="10.0.0.9", ciaddr="10.0.0.5"), OTHER)
    dropped("a server's message", dhcp("offer"), MALFORMED)
    dropped("a reply", dhcp("discover", op=2), MALFORMED)
    dropped("without a type", dhcp(None), MALFORMED)
    dropped("BOOTP without a cookie", Ether(src=A, dst=ALL) / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / BOOTP(chaddr=bytes.fromhex(A.replace(":", "")), options=b"") / Raw(bytes(64)), MALFORMED)
    f = bytes(dhcp("discover"))
    dropped("a wrong UDP checksum", f[:40] + bytes([f[40] ^ 1]) + f[41:], MALFORMED)
    answered("no UDP checksum", f[:40] + bytes(2) + f[42:], is_type(OFFER))
    dropped("options that pass the end", patched(bytes(dhcp("discover", [("client_id", b"abc")])), -5, 200), MALFORMED)
    d = dhcp(None, [(52, b"\1")], file=b"\x35\1\1\xff" + bytes(124))
    answered("options in the file's field", d, is_type(OFFER))
    answered("a tag stays", dhcp("discover", tags=Dot1Q(vlan=7, prio=3)), lambda r: r[Dot1Q].vlan == 7 and r[Dot1Q].prio == 3, is_type(OFFER))
    answered("... and two", dhcp("discover", tags=Dot1AD(vlan=8) / Dot1Q(vlan=7)), lambda r: r[Dot1AD].vlan == 8 and r[Dot1Q].vlan == 7, is_type(OFFER))
    dropped("a fragment has no ports to be known by", Ether(src=A, dst=ALL) / IP(src="0.0.0.0", dst="255.255.255.255", flags="MF") / bytes(dhcp("discover")[UDP]), "table_miss")


def patched(data, at, byte):
    """One byte of a DHCP message is another, its checksum none."""
    data = bytearray(data)
    data[at] = byte
    data[40:42] = b"\0\0"
    return bytes(data)


# ---- DHCPv6 ----

ME, SRV = DUID_LL(lladdr=A), DUID_LL(lladdr=GW)
WHO, WHOSE, ELSE = DHCP6OptClientId(duid=ME), DHCP6OptServerId(duid=SRV), DHCP6OptServerId(duid=DUID_LL(lladdr=B))


def ia(*addrs, iaid=5):
    return DHCP6OptIA_NA(iaid=iaid, T1=0, T2=0, ianaopts=[DHCP6OptIAAddress(addr=a, preflft=9, validlft=99) for a in addrs])


def dhcp6(msg, *opts, dst="ff02::1:2", mac=A):
    p = Ether(src=mac, dst="33:33:00:01:00:02") / IPv6(src=LL, dst=dst) / UDP(sport=546, dport=547) / msg
    for o in opts:
        p = p / o
    return p


def opts6(data):
    out = []
    while len(data) >= 4:
        code, n = struct.unpack("!HH", data[:4])
        out.append((code, data[4:4 + n]))
        data = data[4 + n:]
    return out


def said(r):
    """Type, and options."""
    b = bytes(r[UDP].payload)
    return b[0], opts6(b[4:])


def addresses(v):
    """Of an IA_NA's value."""
    return {socket.inet_ntop(socket.AF_INET6, o[:16]): struct.unpack("!II", o[16:24]) for c, o in opts6(v[12:]) if c == 5}


def of(r, code):
    return [v for c, v in said(r)[1] if c == code]


def status(n):
    return lambda r: of(r, 13) == [struct.pack("!H", n)]


def test_dhcp6():
    s = answered("SOLICIT: an address is offered", dhcp6(DHCP6_Solicit(trid=0x123456), WHO, ia()), lambda r: said(r)[0] == 2 and addresses(of(r, 3)[0]) == {MINE: (1000, 2000)},
                 lambda r: r[IPv6].src == "fe80::1" and r[IPv6].dst == LL and r.dst == A and r.src == GW and r[UDP].sport == 547 and r[UDP].dport == 546,
                 lambda r: of(r, 1) == [bytes(ME)] and of(r, 2) == [bytes(SRV)], lambda r: of(r, 3)[0][:12] == struct.pack("!III", 5, 500, 800), lambda r: len(of(r, 23)) == 1)
    check("... the transaction is its own", s is not None and bytes(s[UDP].payload)[1:4] == b"\x12\x34\x56")
    answered("... with rapid commit: given", dhcp6(DHCP6_Solicit(), WHO, DHCP6OptRapidCommit(), ia()), lambda r: said(r)[0] == 7 and len(of(r, 14)) == 1)
    dropped("SOLICIT without an identifier", dhcp6(DHCP6_Solicit(), ia()), MALFORMED)
    dropped("SOLICIT that names a server", dhcp6(DHCP6_Solicit(), WHO, WHOSE, ia()), MALFORMED)
    answered("two IAs: one has the address, the other is told that there is none", dhcp6(DHCP6_Solicit(), WHO, ia(), ia(iaid=6)),
             lambda r: [opts6(v[12:]) for v in of(r, 3)][1] == [(13, b"\0\2")] and addresses(of(r, 3)[0]) != {})
    answered("a prefix is not to be had", dhcp6(DHCP6_Solicit(), WHO, DHCP6OptIA_PD(iaid=9, T1=0, T2=0)), lambda r: opts6(of(r, 25)[0][12:]) == [(13, b"\0\6")])
    answered("REQUEST: given", dhcp6(DHCP6_Request(), WHO, WHOSE, ia(MINE), DHCP6OptOptReq(reqopts=[23])), lambda r: said(r)[0] == 7 and addresses(of(r, 3)[0]) == {MINE: (1000, 2000)})
    dropped("REQUEST of another server", dhcp6(DHCP6_Request(), WHO, ELSE, ia()), OTHER)
    dropped("REQUEST of no server", dhcp6(DHCP6_Request(), WHO, ia()), MALFORMED)
    answered("REQUEST to one server only: by multicast, please", dhcp6(DHCP6_Request(), WHO, WHOSE, ia(), dst="fe80::1"), status(5), lambda r: not of(r, 3))
    dropped("SOLICIT to one server only", dhcp6(DHCP6_Solicit(), WHO, ia(), dst="fe80::1"), SILENT)
    answered("CONFIRM: right", dhcp6(DHCP6_Confirm(), WHO, ia(MINE)), status(0), lambda r: said(r)[0] == 7)
    answered("... wrong: not on link", dhcp6(DHCP6_Confirm(), WHO, ia("2001:db8:77::1")), status(4))
    dropped("... of nothing", dhcp6(DHCP6_Confirm(), WHO, ia()), SILENT)
    answered("RENEW: an old address is over", dhcp6(DHCP6_Renew(), WHO, WHOSE, ia(MINE, "2001:db8::99")), lambda r: addresses(of(r, 3)[0]) == {MINE: (1000, 2000), "2001:db8::99": (0, 0)})
    answered("REBIND: prolonged", dhcp6(DHCP6_Rebind(), WHO, ia(MINE)), lambda r: addresses(of(r, 3)[0]) == {MINE: (1000, 2000)})
    answered("RELEASE: success", dhcp6(DHCP6_Release(), WHO, WHOSE, ia(MINE)), status(0))
    answered("DECLINE: success", dhcp6(DHCP6_Decline(), WHO, WHOSE, ia(MINE)), status(0))
    answered("INFORMATION-REQUEST, anonymous", dhcp6(DHCP6_InfoRequest()), lambda r: said(r)[0] == 7 and len(of(r, 23)) == 1 and not of(r, 1))
    dropped("... of another server", dhcp6(DHCP6_InfoRequest(), WHO, ELSE), OTHER)
    dropped("... with an IA", dhcp6(DHCP6_InfoRequest(), WHO, ia()), MALFORMED)
    answered("stateless: INFORMATION-REQUEST", dhcp6(DHCP6_InfoRequest(), WHO, mac=B), lambda r: len(of(r, 23)) == 1)
    dropped("... SOLICIT", dhcp6(DHCP6_Solicit(), WHO, ia(), mac=B), SILENT)
    dropped("a relay's", dhcp6(DHCP6_RelayForward(linkaddr="::", peeraddr=LL), DHCP6OptUnknown(optcode=9, data=b"\1\0\0\0")), MALFORMED)
    dropped("an IA that is too short", dhcp6(DHCP6_Solicit(), WHO, DHCP6OptUnknown(optcode=3, data=bytes(4))), MALFORMED)
    dropped("an option that passes the end", dhcp6(DHCP6_Solicit(), WHO, Raw(b"\0\x06\0\x09ab")), MALFORMED)


# ---- Neighbour discovery ----

def nd(body, src=LL, dst="ff02::2", hlim=255, mac=A, eth="33:33:00:00:00:02"):
    return Ether(src=mac, dst=eth) / IPv6(src=src, dst=dst, hlim=hlim) / body


def spoiled(p, at):
    b = bytearray(bytes(p))
    b[at] ^= 0x11
    return bytes(b)


def test_nd():
    sll = ICMPv6NDOptSrcLLAddr(lladdr=A)
    to_one = [lambda r: r[IPv6].dst == LL and r.dst == A and r.src == GW and r[IPv6].hlim == 255]
    to_all = [lambda r: r[IPv6].dst == "ff02::1" and r.dst == "33:33:00:00:00:01"]
    ra = [lambda r: r[IPv6].src == "fe80::1" and r.getlayer("ICMPv6 Neighbor Discovery - Router Advertisement").prf == 3]
    answered("RS: an advertisement to who asks", nd(ICMPv6ND_RS() / sll), *to_one, *ra)
    answered("... of who has no address: to all", nd(ICMPv6ND_RS(), src="::"), *to_all, *ra)
    dropped("... of whom it cannot be", nd(ICMPv6ND_RS() / sll, src="::"), MALFORMED)
    dropped("RS from behind a router", nd(ICMPv6ND_RS(), hlim=254), MALFORMED)
    dropped("RS of code 1", nd(ICMPv6ND_RS(code=1)), MALFORMED)
    dropped("RS with an option of no length", nd(ICMPv6ND_RS() / ICMPv6NDOptUnknown(type=1, len=0, data=bytes(6))), MALFORMED)
    dropped("RS that is summed wrong", spoiled(nd(ICMPv6ND_RS()), 59), MALFORMED)
    dropped("RS of many", nd(ICMPv6ND_RS(), src="ff02::5"), MALFORMED)
    node = dict(dst="ff02::1:ff00:1", eth="33:33:ff:00:00:01")
    na = "ICMPv6 Neighbor Discovery - Neighbor Advertisement"
    flags = lambda s: [lambda r: (r[na].R, r[na].S, r[na].O) == (1, s, 1) and r[na].tgt == "2001:db8::1" and bytes(r)[-6:].hex() == GW.replace(":", "") and r[IPv6].src == "2001:db8::1"]  # noqa: E731
    ns = ICMPv6ND_NS(tgt="2001:db8::1")
    answered("NS: an advertisement", nd(ns / sll, **node), *to_one, *flags(1))
    answered("NS to the one: the same", nd(ns, dst="2001:db8::1", eth=GW), *to_one, *flags(1))
    answered("NS of who looks for duplicates: to all", nd(ns, src="::", **node), *to_all, *flags(0))
    dropped("... not to the solicited node's group", nd(ns, src="::", dst="2001:db8::1"), MALFORMED)
    dropped("... with a link-layer address", nd(ns / sll, src="::", **node), MALFORMED)
    dropped("NS from behind a router", nd(ns, hlim=64, **node), MALFORMED)
    dropped("NS for a group", nd(ICMPv6ND_NS(tgt="ff02::7"), **node), MALFORMED)
    dropped("NS that is cut off", Ether(src=A, dst=GW) / IPv6(src=LL, dst="2001:db8::1", hlim=255, nh=58) / bytes(nd(ns)[IPv6].payload)[:20], MALFORMED)


# ---- ICMP ----

def v4(body, src="10.0.0.5", dst="10.8.0.1", eth=GW, **f):
    return Ether(src=A, dst=eth) / IP(src=src, dst=dst, **f) / body


def v6(body, src=MINE, dst="2001:db8:8::1", eth=GW):
    return Ether(src=A, dst=eth) / IPv6(src=src, dst=dst) / body


def test_errors():
    q = v4(UDP(sport=1, dport=2) / Raw(bytes(range(100))))
    answered("an error quotes the packet", q, lambda r: r[ICMP].type == 3 and bytes(r)[42:] == bytes(q)[14:] and r[IP].src == SERVER and r[IP].dst == "10.0.0.5" and r.dst == A and r.src == GW)
    q4 = v4(UDP(sport=1, dport=2) / Raw(bytes(1400)))
    answered("... up to 576 bytes", q4, lambda r: r[IP].len == 576 and bytes(r)[42:] == bytes(q4)[14:14 + 548])
    answered("of an echo request", v4(ICMP() / b"x"), lambda r: r[ICMP].type == 3)
    answered("of a first fragment", v4(UDP() / bytes(64), flags="MF"), lambda r: r[ICMP].type == 3)
    dropped("of a later fragment", v4(bytes(64), proto=17, frag=8), SILENT)
    dropped("of an error", v4(ICMP(type=3, code=1) / bytes(28)), SILENT)
    dropped("of a redirect", v4(ICMP(type=5) / bytes(28)), SILENT)
    dropped("of what was sent to all stations", v4(UDP(), eth=ALL), SILENT)
    dropped("of what was sent to a group", v4(UDP(), dst="224.0.0.9"), SILENT)
    dropped("of nobody's", v4(UDP(), src="0.0.0.0"), SILENT)
    dropped("of a group's", v4(UDP(), src="239.1.1.1"), SILENT)
    dropped("of a host's to itself", v4(UDP(), src="127.0.0.1"), SILENT)
    dropped("a wrong checksum of the header", spoiled(v4(UDP()), 24), MALFORMED)
    q6 = v6(UDP(sport=1, dport=2) / Raw(bytes(1390)))
    answered("by IPv6: up to 1280 bytes, and the MTU", q6, lambda r: r[IPv6].plen == 1240 and bytes(r)[62:] == bytes(q6)[14:14 + 1232] and r.getlayer("ICMPv6 Packet Too Big").mtu == 1300)
    answered("... behind extension headers", v6(IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP()), lambda r: r.haslayer("ICMPv6 Packet Too Big"))
    dropped("... of an error", v6(ICMPv6DestUnreach() / bytes(48)), SILENT)
    dropped("... of an error behind extension headers", v6(IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / ICMPv6DestUnreach() / bytes(48)), SILENT)
    dropped("... of a later fragment of what may be one", v6(IPv6ExtHdrFragment(nh=58, offset=9) / bytes(64)), SILENT)
    dropped("... of what was sent to a group", v6(UDP(), dst="ff08::9"), SILENT)
    dropped("... of nobody's", v6(UDP(), src="::"), SILENT)


def test_echo():
    e = ICMP(id=7, seq=9) / Raw(bytes(range(200)))
    answered("echo: all of it comes back", v4(e, dst=SERVER, ttl=3), lambda r: r[ICMP].type == 0 and r[ICMP].id == 7 and r[ICMP].seq == 9 and bytes(r[ICMP].payload) == bytes(range(200)),
             lambda r: (r[IP].src, r[IP].dst, r[IP].ttl, r.src, r.dst) == (SERVER, "10.0.0.5", 64, GW, A))
    answered("... with options", v4(e, dst=SERVER, options=IPOption(b"\x94\4\0\0")), lambda r: r[ICMP].type == 0 and r[IP].ihl == 6)
    dropped("... that would have it take a route", v4(e, dst=SERVER, options=IPOption(b"\x83\7\4\x0a\0\0\x09\0")), SILENT)
    dropped("to a group", v4(e, dst="225.0.0.1", eth="01:00:5e:00:00:01"), SILENT)
    dropped("to all stations", v4(e, dst=SERVER, eth=ALL), SILENT)
    dropped("part of one", v4(e, dst=SERVER, flags="MF"), SILENT)
    dropped("what is none", v4(ICMP(type=13) / bytes(16), dst=SERVER), MALFORMED)
    r = ask(spoiled(v4(e, dst=SERVER), 100))
    check("one that is damaged stays so", r is not None and r[ICMP].type == 0 and not sums_fit(bytes(r)), repr(r))
    e6 = ICMPv6EchoRequest(id=7, seq=9, data=bytes(range(200)))
    answered("by IPv6", v6(e6, dst="2001:db8::1"), lambda r: r[ICMPv6EchoReply].seq == 9 and r[ICMPv6EchoReply].data == bytes(range(200)) and r[IPv6].src == "2001:db8::1" and r[IPv6].dst == MINE and r.dst == A)
    dropped("... behind extension headers", v6(IPv6ExtHdrHopByHop() / e6, dst="2001:db8::1"), SILENT)
    dropped("... to a group", v6(e6, dst="ff02::1", eth="33:33:00:00:00:01"), SILENT)


def came():
    """How many packets the flow of errors has counted: a machine that stands still loses frames before that."""
    out = subprocess.run([CTL.replace("weftctl", "weft-ofctl"), "dump-flows", f"unix:{os.environ['WEFT_RUNDIR']}/{SWITCH}.sock", "ip,nw_dst=10.8.0.0/16"],
                         capture_output=True, text=True, timeout=30, check=True).stdout
    return sum(map(int, re.findall(r"n_packets=(\d+)", out)))


def test_rate():
    """Last, as it uses up what may be said.  Not faster than rings of few hundred frames take."""
    n, before, was = 600, drops().get(RATE, 0), came()
    f = bytes(v4(UDP(sport=1, dport=2)))
    time.sleep(0.3)
    while hear(0):
        pass
    start, heard = time.time(), 0
    for i in range(n):
        wire.send(f)
        if i % 30 == 0:
            time.sleep(0.002)
    took = time.time() - start
    over = 0
    for _ in range(30):
        while hear(0.1):
            heard += 1
        over = drops().get(RATE, 0) - before
        if heard + over >= came() - was > 0:
            break
    check("errors are limited in rate", 100 <= heard <= 101 + 1000 * (took + 1) and (took > 0.4 or over > 0), f"{heard} in {took} s, {over} not said")
    check("... and each that is not sent is counted", heard + over == came() - was, f"{heard} + {over} of {came() - was} that came in")


for test in (test_dhcp, test_dhcp6, test_nd, test_errors, test_echo, test_rate):
    test()
