#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""openstacksdk, the library of the clients that keep a cloud as they are told (Ansible's openstack.cloud, Nova's own calls).

    openstacksdk (in this process) ── HTTP ──> weft-controller <── OpenFlow ── weft-switch

What the modules do is find, compare, and create or update only what is missing or differs: a second run changes nothing, not even
a revision number.
"""
import atexit
import logging
import os
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import B, Controller, check, finish  # noqa: E402

for key in [key for key in os.environ if key.startswith("OS_") or "proxy" in key.lower()]:
    del os.environ[key]
home = tempfile.TemporaryDirectory(prefix="weft-sdk-")
os.environ["HOME"] = home.name
import openstack  # noqa: E402
from openstack import exceptions  # noqa: E402
logging.getLogger("openstack").setLevel(logging.ERROR)

c = Controller()
# Ports of the cloud are bound by their names; these have no wires.
switch = subprocess.Popen([f"{B}/weft-switch", "--name", "br0", "--socket", f"{home.name}/s.sock", "--controller", f"tcp:127.0.0.1:{c.of_port}",
                           "--port", "vm1=vdev:net_null0"], stdout=open(f"{home.name}/switch.log", "w"), stderr=subprocess.STDOUT)
atexit.register(switch.wait)
atexit.register(switch.terminate)

conn = openstack.connect(auth_type="none", endpoint=c.url, region_name="", app_name="weft-test")
net = conn.network


def raises(what, kind, status, words, call, *args, **more):
    """One line: the library's own class of error, with the service's status and words."""
    try:
        got = call(*args, **more)
    except exceptions.SDKException as e:
        check(type(e) is kind and getattr(e, "status_code", None) == status and words in str(e), f"{what}: {kind.__name__}, {status}",
              (type(e).__name__, getattr(e, "status_code", None), str(e)))
    else:
        check(False, f"{what}: {kind.__name__}", got)


# ---- lists by pages ----
red = net.create_network(name="red", description="of the reds")
check(red.id and red.name == "red" and red.is_admin_state_up and red.status == "ACTIVE" and red.revision_number == 0, "create_network", red)
subnet = net.create_subnet(name="red4", network_id=red.id, ip_version=4, cidr="10.0.0.0/24")
made = [net.create_port(network_id=red.id, name=f"p{i:02}") for i in range(9)]
made += net.create_ports([{"network_id": red.id, "name": f"q{i:02}"} for i in range(6)])
check(len({p.id for p in made}) == 15, "create_port, create_ports in bulk", len(made))
whole = [p.id for p in net.ports()]
check(sorted(whole) == sorted(p.id for p in made), "ports: all of them", whole)
for limit in (1, 2, 4, 15, 100):
    check([p.id for p in net.ports(limit=limit)] == whole, f"... by pages of {limit}: all, in the same order, none twice")
check(sorted(p.name for p in net.ports(limit=2, name=["p03", "p07", "q01"])) == ["p03", "p07", "q01"], "... of those that a filter leaves")
late = net.ports(limit=2)
seen = [next(late).id for _ in range(3)]
net.delete_port(whole[7])
net.create_port(network_id=red.id, name="a00")
seen += [p.id for p in late if p.name != "a00"]
check(seen == [i for i in whole if i != whole[7]], "a list that changes while it is read: what stays comes, once", seen)
first, rest = next(net.ports(limit=1, paginated=False)), list(net.ports(limit=2, paginated=False))
check(first.id and len(rest) == 2, "a single page", len(rest))

# ---- find ----
check(net.find_network("red").id == red.id == net.find_network(red.id).id, "find_network, by name and id")
check(net.find_network("nobody") is None, "... that is not there: None")
raises("... which is then not ignored", exceptions.ResourceNotFound, None, "nobody", net.find_network, "nobody", ignore_missing=False)
twins = [net.create_network(name="twin") for _ in range(2)]
raises("... a name that two have", exceptions.DuplicateResource, None, "twin", net.find_network, "twin")
for t in twins:
    net.delete_network(t)
check(conn.get_network("red").id == red.id and [s.id for s in conn.search_subnets(filters={"cidr": "10.0.0.0/24"})] == [subnet.id] and
      conn.get_port("p01").name == "p01", "the cloud layer's get and search")

# ---- as a playbook says it, twice ----
PLAY = {
    "network": {"name": "web", "mtu": 1400, "description": "by the book"},
    "subnet": {"name": "web4", "ip_version": 4, "cidr": "10.1.0.0/24", "dns_nameservers": ["192.0.2.53"], "gateway_ip": "10.1.0.254",
               "allocation_pools": [{"start": "10.1.0.10", "end": "10.1.0.99"}], "host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.1.0.8"}]},
    "security_group": {"name": "web", "description": "http"},
    "port": {"name": "vm1", "fixed_ips": [{"ip_address": "10.1.0.20"}], "allowed_address_pairs": [{"ip_address": "10.1.0.77"}],
             "extra_dhcp_opts": [{"opt_name": "67", "opt_value": "pxe.0", "ip_version": 4}]},
    "router": {"name": "edge", "description": "of web"},
}
RULES = [{"direction": "ingress", "ether_type": "IPv4", "protocol": "tcp", "port_range_min": 80, "port_range_max": 90, "remote_ip_prefix": "10.0.0.0/8"},
         {"direction": "ingress", "ether_type": "IPv6", "protocol": "ipv6-icmp"}]
changes = []


def agrees(wanted, got):
    """What was asked for is there; lists in any order, and what the service adds to their elements aside."""
    if isinstance(wanted, dict):
        return all(k in got and agrees(v, got[k]) for k, v in wanted.items())
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(any(agrees(w, g) for g in got) for w in wanted)
    return wanted == got


def ensure(kind, wanted, **where):
    """One task: the object, after at most one request that changes something."""
    have = getattr(net, f"find_{kind}")(wanted["name"])
    if have is None:
        changes.append(f"create {kind}")
        return getattr(net, f"create_{kind}")(**wanted, **where)
    differs = {k: v for k, v in wanted.items() if not agrees(v, have.to_dict(original_names=False)[k])}
    if differs:
        changes.append(f"update {kind} {sorted(differs)}")
        return getattr(net, f"update_{kind}")(have, **differs)
    return have


def play(book):
    """Everything; what was changed, and the revision of each object."""
    changes.clear()
    network = ensure("network", book["network"])
    sub = ensure("subnet", book["subnet"], network_id=network.id)
    group = ensure("security_group", book["security_group"])
    rules = [r.to_dict() for r in net.security_group_rules(security_group_id=group.id)]
    for r in RULES:
        if not any(agrees(r, have) for have in rules):
            changes.append("create rule")
            net.create_security_group_rule(security_group_id=group.id, **r)
    port = ensure("port", {**book["port"], "security_group_ids": [group.id]}, network_id=network.id)
    router = ensure("router", book["router"])
    if not any(i.device_id == router.id for i in net.ports(network_id=network.id, device_owner="network:router_interface")):
        changes.append("add interface")
        net.add_interface_to_router(router, subnet_id=sub.id)
    kinds = {"network": network, "subnet": sub, "security_group": group, "port": port, "router": router}
    return list(changes), {k: getattr(net, f"get_{k}")(o.id).revision_number for k, o in kinds.items()}


done, first = play(PLAY)
check(done == ["create network", "create subnet", "create security_group", "create rule", "create rule", "create port", "create router", "add interface"],
      "a play makes what is missing", done)
done, second = play(PLAY)
check(done == [] and first == second, "... once more, it changes nothing", (done, first, second))
PLAY["network"]["mtu"] = 1300
PLAY["subnet"]["dns_nameservers"] = ["192.0.2.54", "192.0.2.53"]
PLAY["port"]["allowed_address_pairs"] = []
done, _ = play(PLAY)
check(done == ["update network ['mtu']", "update subnet ['dns_nameservers']", "update port ['allowed_address_pairs']"],
      "... with other words, what differs and no more", done)
check(play(PLAY)[0] == [], "... and then nothing again")
same = net.get_port(net.find_port("vm1").id)
check(net.update_port(same).revision_number == same.revision_number, "an update without a change sends none")

# ---- until it is so ----
vm1 = openstack.resource.wait_for_status(net, net.find_port("vm1"), "ACTIVE", [], 0.1, 20)
check(vm1.status == "ACTIVE", "wait_for_status: ACTIVE when a switch has it", vm1.status)
net.update_port(vm1, is_admin_state_up=False)
vm1 = openstack.resource.wait_for_status(net, net.get_port(vm1.id), "DOWN", [], 0.1, 20)
check(vm1.status == "DOWN" and vm1.is_admin_state_up is False, "... DOWN when it is disabled", vm1.status)
try:
    openstack.resource.wait_for_status(net, vm1, "ACTIVE", [], 0.1, 0.5)
    check(False, "... and not ACTIVE")
except exceptions.ResourceTimeout:
    check(True, "... and not ACTIVE: ResourceTimeout")

# ---- tags, revisions ----
net.set_tags(vm1, ["gold", "day"])
check([p.name for p in net.ports(tags="gold,day")] == ["vm1"] and list(net.ports(any_tags="night")) == [] and
      sorted(net.get_port(vm1.id).tags) == ["day", "gold"], "set_tags, ports by them")
old = net.get_port(vm1.id)
net.update_port(old.id, description="newer")
raises("an update of what has changed meanwhile", exceptions.PreconditionFailedException, 412, "current revision", net.update_port, old, if_revision=old.revision_number, description="mine")
check(net.get_port(vm1.id).description == "newer", "... changes nothing")

# ---- errors ----
none = "00000000-0000-4000-8000-000000000000"
NotFound, Conflict, Bad = exceptions.NotFoundException, exceptions.ConflictException, exceptions.BadRequestException
raises("get_network of none", NotFound, 404, "could not be found", net.get_network, none)
raises("update_port of none", NotFound, 404, "could not be found", net.update_port, none, name="x")
raises("delete_subnet of none", NotFound, 404, "could not be found", net.delete_subnet, none, ignore_missing=False)
check(net.delete_subnet(none) is None, "... which is ignored when it may be missing")
raises("a port of no network", NotFound, 404, "could not be found", net.create_port, network_id=none)
raises("a network in use", Conflict, 409, "in use", net.delete_network, red, ignore_missing=False)
raises("a subnet in use", Conflict, 409, "IP allocation", net.delete_subnet, subnet, ignore_missing=False)
raises("a security group in use", Conflict, 409, "in use", net.delete_security_group, net.find_security_group("web"), ignore_missing=False)
raises("a rule twice", Conflict, 409, "already exists", net.create_security_group_rule,
       security_group_id=net.find_security_group("web").id, **RULES[0])
raises("an address in use", Conflict, 409, "already allocated", net.create_port, network_id=red.id, fixed_ips=[{"ip_address": made[0].fixed_ips[0]["ip_address"]}])
raises("a MAC address in use", Conflict, 409, "in use", net.create_port, network_id=red.id, mac_address=made[0].mac_address)
raises("a subnet that overlaps", Bad, 400, "overlap", net.create_subnet, network_id=red.id, ip_version=4, cidr="10.0.0.128/25")
raises("an address beyond the subnet", Bad, 400, "not a valid", net.create_port, network_id=red.id, fixed_ips=[{"subnet_id": subnet.id, "ip_address": "10.5.0.1"}])
raises("an MTU that is none", Bad, 400, "mtu", net.create_network, name="x", mtu=7)
raises("a router's interface that is there", Bad, 400, "already", net.add_interface_to_router, net.find_router("edge"), subnet_id=net.find_subnet("web4").id)
raises("a router with an interface", Conflict, 409, "still has", net.delete_router, net.find_router("edge"), ignore_missing=False)
check(net.find_network("x") is None, "what is refused is not there")

# ---- away, twice ----
def absent():
    """What state: absent does; what it changed."""
    gone = []
    router, sub = net.find_router("edge"), net.find_subnet("web4")
    if router and sub and list(net.ports(device_id=router.id)):
        net.remove_interface_from_router(router, subnet_id=sub.id)
        gone.append("interface")
    for kind, name in (("router", "edge"), ("port", "vm1"), ("security_group", "web"), ("subnet", "web4"), ("network", "web")):
        have = getattr(net, f"find_{kind}")(name)
        if have:
            getattr(net, f"delete_{kind}")(have, ignore_missing=False)
            gone.append(kind)
    return gone


gone = absent()
check(gone == ["interface", "router", "port", "security_group", "subnet", "network"], "absent: all of it is deleted", gone)
check(absent() == [], "... once more, it changes nothing")
port = net.find_port("p00")
net.delete_port(port)
check(net.find_port("p00") is None and net.delete_port(port) is None, "a port that is gone is gone")
check(conn.delete_network("nobody") is False and conn.delete_port("nobody") is False, "the cloud layer's delete of none: False")
for p in list(net.ports(network_id=red.id)):
    net.delete_port(p)
check(conn.delete_network("red") is True and list(net.networks()) == [] and list(net.ports()) == [] and list(net.subnets()) == [], "nothing is left")
finish()
