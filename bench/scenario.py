# SPDX-License-Identifier: Apache-2.0
"""The rows of the table: what is sent through which rules, and what is asked of it.

A goal is (against, how many times it): "ovs" is Open vSwitch in the best of its modes, "limit" DPDK's testpmd (mac) on
the same trace, "rte_acl" its lookups alone, "VPP" cycles per packet without the source's (at most), any other name
Weft's own figure in that scenario of the same run.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    trace: str
    rules: str = ""  # as the scenario is called, if not said
    goals: tuple = ()
    way: str = ""  # rig.Weft: "encap", "decap"
    vpp: float = 0  # cycles per packet for everything but the source; a constant, see VPP
    n_rules: int = 0  # of an access list: rte_acl is asked, too
    ovs: bool = True
    group: str = "usual"
    seconds_to_warm: int = 15

    @property
    def flows(self):
        return self.rules or self.name


VPP = ("FD.io VPP 26.10-rc0, its packet generator as the source, on a virtual machine with two AMD EPYC cores at 2.6 GHz; measured once, "
       "with traces of the same kind; constants here")


def new(of, goals, trace="", rules="", **more):
    return Scenario(f"new-{of}", f"new flows only: {of}", trace or f"{of}-new", rules or of, goals, ovs=False, group="new", **more)


ALL = (
    Scenario("port", "port → port, 10k flows", "port", goals=(("ovs", 2), ("limit", .75)), vpp=41),
    Scenario("l2", "L2, 1,000 MACs, 10k flows", "l2", goals=(("ovs", 4), ("limit", .55)), vpp=76),
    Scenario("l3", "L3, 10,000 prefixes, 100k flows", "l3", goals=(("ovs", 6), ("limit", .5))),
    Scenario("l3-rewrite", "L3 + MAC rewrite + TTL", "l3", goals=(("ovs", 6),), vpp=178),
    Scenario("tenant", "tenant pipeline, 5 tables, 100k flows", "tenant", goals=(("ovs", 4),)),
    Scenario("vlan-push", "VLAN push", "port", goals=(("ovs", 2),)),
    Scenario("vlan-pop", "VLAN pop", "vlan", goals=(("ovs", 4),)),
    Scenario("vxlan-encap", "VXLAN encap", "port", goals=(("ovs", 3),), way="encap", vpp=115),
    Scenario("vxlan-decap", "VXLAN decap", "vxlan", goals=(("ovs", 8),), way="decap", vpp=160),
    Scenario("acl1k-1k", "ACL 1,000 rules, 1k flows", "acl1k-1k", "acl1k", (("ovs", 2),), vpp=550, n_rules=1000, seconds_to_warm=20),
    Scenario("acl1k", "ACL 1,000 rules, 10k flows", "acl1k-10k", goals=(("ovs", 4),), vpp=550, n_rules=1000, seconds_to_warm=30),
    Scenario("acl10k", "ACL 10,000 rules, 100k flows", "acl10k-100k", goals=(("Mpps", 3),), vpp=1249, n_rules=10000, seconds_to_warm=30),
    Scenario("ipv6", "IPv6 L3, 10,000 prefixes, 100k flows", "ipv6"),
    Scenario("vlans", "4,000 VLANs, pop", "vlans"),
    new("port", (("port", .7),)),
    new("l2", (("l2", .7),)),
    new("l3", (("l3", .7),)),
    new("vlan", (("vlan-pop", .7),), rules="vlan-pop"),
    new("vxlan", (("vxlan-decap", .7),), rules="vxlan-decap", way="decap"),
    new("tenant", (("tenant", .7),)),
    new("acl1k", (("rte_acl", 1.5),), n_rules=1000),
    new("acl10k", (("rte_acl", 1.5),), n_rules=10000),
    Scenario("tse-calm", "tuple-space explosion's rules, ordinary flows", "tse-calm", "tse", group="bad"),
    Scenario("tse", "tuple-space explosion, adversarial headers", "tse", goals=(("tse-calm", .8),), group="bad"),
    Scenario("collide-calm", "L2, 2,000 MACs", "collide-calm", "collide", ovs=False, group="bad"),
    Scenario("collide", "L2, 2,000 MACs that collide, had the cache's hash known keys", "collide", goals=(("collide-calm", .8),), ovs=False, group="bad"),
    *(Scenario(f"ct-{p}-{k}", f"stateful, {t} {p.upper()} connection{'s' * (k != '1')}", f"ct-{p}-{k}", "ct", goals=() if k == "1" else (("ovs", 4),), group="stateful")
      for p in ("udp", "tcp") for k, t in (("1", "1"), ("10k", "10,000"), ("100k", "100,000"))),
    Scenario("garbage", "garbage and truncated frames", "garbage", "port", ovs=False, group="bad"),
    Scenario("fragments", "fragments", "fragments", "port", ovs=False, group="bad"),
)
# Beside whom peers are measured in a short run of all rows: one of each kind.
SHORT_PEERS = ("port", "l2", "l3", "tenant", "vlan-pop", "vxlan-encap", "acl1k-1k", "tse", "ct-udp-10k")
BY_NAME = {s.name: s for s in ALL}
GROUPS = {"usual": "forwarding", "new": "new flows", "bad": "bad input", "stateful": "stateful"}
