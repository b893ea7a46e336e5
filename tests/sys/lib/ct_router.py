# SPDX-License-Identifier: Apache-2.0
"""A router with a firewall and address translation made of flows, and real hosts around it.

    c 10.1.0.2 fd01::2 --- p1 [        ]          192.0.2.1 [   ] 198.51.100.1        198.51.100.2
    h 10.1.0.3 fd01::3 --- p2 [ switch ] p3 ------- fd02::1 [ r ] fd03::1 (MTU 1300) ------ s fd03::2

c and h are inside; the switch is their router, and has the public addresses 192.0.2.9 to 192.0.2.20 (fd02::9 to
fd02::20).  r is a Linux router, s a host behind it.  Addresses of neighbours are set by hand, so that no other traffic is.
"""
from ct import ROUTER, mac_of

PUBLIC, SERVICE = {4: "192.0.2.10", 6: "fd02::10"}, {4: "192.0.2.20", 6: "fd02::20"}
C, H, R, S = {4: "10.1.0.2", 6: "fd01::2"}, {4: "10.1.0.3", 6: "fd01::3"}, {4: "192.0.2.1", 6: "fd02::1"}, {4: "198.51.100.2", 6: "fd03::2"}
INSIDE = {4: "10.1.0.0/24", 6: "fd01::/64"}
FAMILY = {4: "ip", 6: "ipv6"}
DST = {4: "nw_dst", 6: "ipv6_dst"}
ICMP = {4: "icmp", 6: "icmp6"}
TCP, UDP = {4: "tcp", 6: "tcp6"}, {4: "udp", 6: "udp6"}


def url(version, address, port=None, path="", scheme="http"):
    host = f"[{address}]" if version == 6 else address
    return f"{scheme}://{host}" + (f":{port}" if port else "") + "/" + path


def bracketed(version, address, ports=None):
    """As nat(...) wants it."""
    if ports is None:
        return address
    return (f"[{address}]" if version == 6 else address) + f":{ports}"


def topology(lab, mtu=1300):
    lab.host(1, "c", "10.1.0.2/24", "fd01::2/64", gateways=("10.1.0.1", "fd01::1"))
    lab.host(2, "h", "10.1.0.3/24", "fd01::3/64", gateways=("10.1.0.1", "fd01::1"))
    for space, other in (("c", 2), ("h", 1)):
        for a in (f"10.1.0.{other + 1}", f"fd01::{other + 1}"):
            lab.neighbour(space, a, ROUTER)
    lab.host(3, "r", "192.0.2.1/24", "fd02::1/64")
    for i in (*range(9, 13), 20):
        lab.neighbour("r", f"192.0.2.{i}", ROUTER)
        lab.neighbour("r", f"fd02::{i}", ROUTER)
    lab.space("s")
    lab.cable("r", "eth1", "s", "eth0", "02:00:00:00:00:99")
    for space, i, net in (("r", "eth1", 1), ("s", "eth0", 2)):
        n = f"{lab.t}-{space}"
        lab.must("ip", "-n", n, "link", "set", i, "mtu", str(mtu))
        lab.must("ip", "-n", n, "addr", "add", f"198.51.100.{net}/24", "dev", i)
        lab.must("ip", "-n", n, "addr", "add", f"fd03::{net}/64", "dev", i, "nodad")
    lab.inside("r", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    for v, gateway, back in (("-4", "198.51.100.1", "192.0.2.9"), ("-6", "fd03::1", "fd02::9")):
        # s says that it takes longer segments than the path, so that who sends them must be told.
        lab.must("ip", "-n", f"{lab.t}-s", v, "route", "add", "default", "via", gateway, "advmss", "1440")
        lab.must("ip", "-n", f"{lab.t}-r", v, "route", "add", INSIDE[4 if v == "-4" else 6], "via", back)


def routes(version, table=9):
    """The last table: to whom it goes.  What could not be translated is invalid there."""
    f, d = FAMILY[version], DST[version]
    out = lambda port, mac: f"dec_ttl,mod_dl_src:{ROUTER},mod_dl_dst:{mac},output:{port}"  # noqa: E731
    return f"""
    table={table},priority=20,{f},ct_state=+trk+inv,actions=drop
    table={table},priority=10,{f},{d}={C[version]},actions={out(1, mac_of(1))}
    table={table},priority=10,{f},{d}={H[version]},actions={out(2, mac_of(2))}
    table={table},priority=8,{f},{d}={INSIDE[version]},actions=drop
    table={table},priority=8,{f},{d}={bracket_net(version)},in_port=3,actions=drop
    table={table},priority=5,{f},actions={out(3, mac_of(3))}
    """


def bracket_net(version):
    return "192.0.2.0/24" if version == 4 else "fd02::/64"


def firewall(version):
    """Inside may begin; back in comes only what belongs to that."""
    f = FAMILY[version]
    return f"""
    priority=10,{f},actions=ct(zone=1,table=5)
    table=5,priority=20,{f},ct_state=+trk+inv,actions=drop
    table=5,priority=10,{f},in_port=1,ct_state=+trk+new,actions=ct(commit,zone=1),resubmit(,9)
    table=5,priority=10,{f},in_port=2,ct_state=+trk+new,actions=ct(commit,zone=1),resubmit(,9)
    table=5,priority=10,{f},ct_state=+trk+est,actions=resubmit(,9)
    table=5,priority=10,{f},ct_state=+trk+rel-new,actions=resubmit(,9)
    table=5,priority=0,actions=drop
    """ + routes(version)


def nat(version, source=None, helpers=""):
    """SNAT of what begins inside, DNAT of the service's port 80 to h's 8080, from inside as well (hairpin, which takes a second
    zone for the source), and data connections of what 'helpers' (alg=...) look at."""
    f, t, u, d = FAMILY[version], TCP[version], UDP[version], DST[version]
    src, svc = source or PUBLIC[version], SERVICE[version]
    dnat = bracketed(version, H[version], 8080)
    text = f"""
    priority=30,{t},in_port=2,tp_src=8080,{d}={svc},actions=ct(zone=2,nat,table=3)
    priority=20,{t},in_port=1,tp_dst=80,{d}={svc},actions=ct(zone=1,nat,table=1)
    priority=10,{f},actions=ct(zone=1,nat,table=5)
    table=1,priority=10,{f},ct_state=+trk+new,actions=ct(commit,zone=1,nat(dst={dnat})),ct(zone=2,nat,table=2)
    table=1,priority=10,{f},ct_state=+trk+est,actions=ct(zone=2,nat,table=2)
    table=2,priority=10,{f},ct_state=+trk+new,actions=ct(commit,zone=2,nat(src={svc}),table=9)
    table=2,priority=10,{f},ct_state=+trk+est,actions=resubmit(,9)
    table=3,priority=10,{f},ct_state=+trk+est,actions=ct(zone=1,nat,table=4)
    table=4,priority=10,{f},ct_state=+trk+est,actions=resubmit(,9)
    table=5,priority=20,{f},ct_state=+trk+inv,actions=drop
    table=5,priority=15,{f},ct_state=+trk+new+rel,actions=ct(commit,zone=1,nat,table=9)
    table=5,priority=10,{f},in_port=1,ct_state=+trk+new,actions=ct(commit,zone=1,nat(src={src}),table=9)
    table=5,priority=10,{f},in_port=2,ct_state=+trk+new,actions=ct(commit,zone=1,nat(src={src}),table=9)
    table=5,priority=10,{t},in_port=3,tp_dst=80,{d}={svc},ct_state=+trk+new,actions=ct(commit,zone=1,nat(dst={dnat}),table=9)
    table=5,priority=10,{f},ct_state=+trk+est,actions=resubmit(,9)
    table=5,priority=10,{f},ct_state=+trk+rel-new,actions=resubmit(,9)
    """
    if helpers:
        inner = bracketed(version, H[version], 21)
        text += f"""
        table=5,priority=12,{t},in_port=1,tp_dst=21,ct_state=+trk+new-rel,actions=ct(commit,zone=1,alg=ftp,nat(src={src}),table=9)
        table=5,priority=12,{u},in_port=1,tp_dst=69,ct_state=+trk+new-rel,actions=ct(commit,zone=1,alg=tftp,nat(src={src}),table=9)
        table=5,priority=12,{t},in_port=3,tp_dst=21,{d}={svc},ct_state=+trk+new-rel,actions=ct(commit,zone=1,alg=ftp,nat(dst={inner}),table=9)
        """
    return text + routes(version)
