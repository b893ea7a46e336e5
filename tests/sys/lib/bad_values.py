# SPDX-License-Identifier: Apache-2.0
"""Values of every kind for every attribute of every resource, one at a time."""
from peer import NEUTRON, kind_of, noun_of
from rest import SMALL

# Names are how the recorded answers call them.
VALUES = {
    "null": None, "true": True, "0": 0, "1": 1, "7": 7, "-1": -1, "1.5": 1.5, "2^40": 1 << 40, "empty": "", "x": "x", "blank": "  ",
    "long": "x" * 300, "255é": "é" * 255, "256é": "é" * 256, "'7'": "7", "'1500'": "1500", "'-1'": "-1", "'true'": "true",
    "'no'": "no", "ip": "10.0.0.1", "ip6": "2001:db8::1", "cidr": "10.0.0.0/8", "/33": "10.0.0.0/33", "host/24": "10.0.0.1/24",
    "mac": "fa:16:3e:11:22:33", "mac0": "00:00:00:00:00:00", "macff": "ff:ff:ff:ff:ff:ff", "[]": [], "{}": {}, "[1]": [1],
    "['x']": ["x"], "['x','x']": ["x", "x"], "[{}]": [{}], "{x}": {"x": 1}, "[{x}]": [{"x": 1}], "[[[]]]": [[[]]], "[null]": [None],
    "uuid": SMALL, "UUID": "ABCDEF00-0000-4000-8000-00000000000A", "{uuid}": "{" + SMALL + "}", "uuid-": SMALL[:-1],
    "[uuid]": [SMALL], "control": "a\u0001b", "tcp": "tcp", "IPv6": "IPv6", "egress": "egress",
}


class Cases:
    """Objects that others refer to, and of each resource: its path, what a create must say, lists' elements by their members."""

    def __init__(self, p):
        self.p = p
        make = p.make
        self.net = make("networks", name="n")["id"]
        self.sub = make("subnets", network_id=self.net, ip_version=4, cidr="10.0.0.0/16", enable_dhcp=False)["id"]
        self.bare = make("networks", name="bare")["id"]
        self.ext = make("networks", name="e", router__external=True)["id"]
        make("subnets", network_id=self.ext, ip_version=4, cidr="172.24.0.0/16", enable_dhcp=False)
        self.router = make("routers", name="r", external_gateway_info={"network_id": self.ext})["id"]
        p("PUT", f"routers/{self.router}/add_router_interface", {"subnet_id": self.sub})
        self.port = make("ports", network_id=self.net, name="inside")["id"]
        self.fip = make("floatingips", floating_network_id=self.ext)["id"]
        self.group = make("security-groups", name="g")["id"]
        forwards = f"floatingips/{self.fip}/port_forwardings"
        self.need = {
            "networks": {}, "subnets": {"network_id": self.bare, "ip_version": 4, "cidr": "10.5.0.0/24"},
            "ports": {"network_id": self.net}, "routers": {}, "floatingips": {"floating_network_id": self.ext},
            "security-groups": {"name": "sg"}, "address-groups": {"name": "ag", "addresses": ["192.0.2.0/24"]},
            "security-group-rules": {"security_group_id": self.group, "direction": "ingress", "protocol": "tcp",
                                     "port_range_min": 5, "port_range_max": 9},
            "address-scopes": {"name": "as", "ip_version": 4}, "subnetpools": {"name": "sp", "prefixes": ["10.0.0.0/8"]},
            "rbac-policies": {"object_type": "network", "object_id": self.net, "action": "access_as_shared",
                              "target_tenant": "C"},
            forwards: {"protocol": "tcp", "external_port": 1, "internal_port": 1, "internal_port_id": self.port,
                       "internal_ip_address": None},
        }
        self.need["network_segment_ranges"] = {"name": "sr", "network_type": "vlan", "physical_network": "physnet9", "minimum": 100,
                                               "maximum": 110}
        if not NEUTRON:  # 21 has none of these
            self.need["default-security-group-rules"] = {"direction": "ingress", "protocol": "tcp", "port_range_min": 5,
                                                         "port_range_max": 9}
        self.need[forwards]["internal_ip_address"] = p("GET", f"ports/{self.port}")[1]["port"]["fixed_ips"][0]["ip_address"]
        # The object that is updated, where it cannot be like another one that is created meanwhile.
        self.other = {"rbac-policies": {"target_tenant": "D"}, "security-group-rules": {"port_range_max": 10},
                      "default-security-group-rules": {"port_range_max": 10},
                      "network_segment_ranges": {"minimum": 3001, "maximum": 3010},
                      forwards: {"external_port": 2, "internal_port": 2}}
        self.write_only = {"subnets": ["use_default_subnetpool", "prefixlen"], "floatingips": ["subnet_id"]}
        self.nested = {
            "subnets": {"allocation_pools": [{"start": "10.5.0.5", "end": "10.5.0.9"}],
                        "host_routes": [{"destination": "192.0.2.0/24", "nexthop": "10.5.0.9"}], "dns_nameservers": ["10.5.0.9"]},
            "ports": {"fixed_ips": [{"subnet_id": self.sub, "ip_address": "10.0.7.7"}],
                      "allowed_address_pairs": [{"ip_address": "10.0.0.9", "mac_address": "fa:16:3e:00:00:09"}],
                      "extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "b", "ip_version": 4}],
                      "security_groups": [self.group]},
            "routers": {"external_gateway_info": {"network_id": self.ext, "enable_snat": True, "external_fixed_ips": []},
                        "routes": [{"destination": "192.0.2.0/24", "nexthop": "172.24.0.1"}]},
            "subnetpools": {"prefixes": ["10.0.0.0/8"]}, "address-groups": {"addresses": ["192.0.2.0/24"]},
        }
        self.names = {self.fip: "FIP"}

    def key(self, collection):
        return collection.replace(self.fip, "FIP")

    def collections(self):
        return list(self.need)

    def attributes(self, collection):
        """Names, and how a value becomes the attribute's: its own, or a member of an element of a list."""
        obj = self.create(collection)
        self.delete(collection, obj)
        out = {a: lambda v, a=a: {a: v} for a in [*obj, *self.write_only.get(collection, ()), "color", "index"]}
        for attr, whole in self.nested.get(collection, {}).items():
            element = whole[0] if isinstance(whole, list) else whole
            if not isinstance(element, dict):
                out[f"{attr}[]"] = lambda v, a=attr: {a: [v]}
                continue
            for member in [*element, "color"]:
                out[f"{attr}.{member}"] = lambda v, a=attr, w=whole, e=element, m=member: {
                    a: [{**e, m: v}] if isinstance(w, list) else {**e, m: v}}
        return out

    def create(self, collection, other=False):
        return self.p.make(collection, **self.need[collection], **{}) if not other else self.p.make(
            collection, **{**self.need[collection], **self.other.get(collection, {})})

    def delete(self, collection, obj):
        return self.p("DELETE", f"{collection}/{obj['id']}")[0] == 204

    def ask(self, collection, attr, make):
        """Yields (operation, value's name, value, answer, object made or changed)."""
        noun = noun_of(collection)
        for name, v in VALUES.items():
            answer = self.p("POST", collection, {noun: {**self.need[collection], **make(v)}})
            yield "POST", name, v, answer
            if answer[0] == 201 and not self.delete(collection, answer[1][noun]):
                yield "DELETE", name, v, (500, {"NeutronError": {"type": "NotDeleted"}})
        obj = self.create(collection, True)
        for name, v in VALUES.items():
            answer = self.p("PUT", f"{collection}/{obj['id']}", {noun: make(v)})
            yield "PUT", name, v, answer
        if not self.delete(collection, obj):
            yield "DELETE", name, v, (500, {"NeutronError": {"type": "NotDeleted"}})


def lines(collection, answers):
    """One line for each operation and attribute: KIND=names of values; ..."""
    for (op, attr), kinds in answers.items():
        yield f"{collection} {op} {attr}: " + "; ".join(f"{k} = {' '.join(names)}" for k, names in kinds.items())


def collect(cases, collection, attr, make):
    out = {}
    for op, name, _, answer in cases.ask(collection, attr, make):
        out.setdefault((op, attr), {}).setdefault(kind_of(answer), []).append(name)
    return out


def load(path):
    """(collection, operation, attribute, value's name) -> answer."""
    out = {}
    with open(path) as f:
        for line in f:
            if line[0] == "#":
                continue
            where, kinds = line.rstrip("\n").split(": ", 1)
            for kind in kinds.split("; "):
                answer, names = kind.split(" = ")
                for name in names.split(" "):
                    out[(*where.split(" "), name)] = answer
    return out
