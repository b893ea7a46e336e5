#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Any input to any resource: every attribute of all that GET /v2.0 lists, with values of every kind, on create and update.

    this test ── HTTP ──> weft-controller ── OpenFlow ──> weft-switch (a bound port without a wire)

Whatever comes is taken or refused as Neutron does it, with its status and its error's type: lib/neutron_answers.txt has what
Neutron 21 answered (NEUTRON=http://... rest_any_input.py asks one, and writes that file).  What is refused has changed nothing
and made nothing, neither in a collection nor in a flow.  Where we differ, DIFFER says why.
"""
import json
import os
import re
import subprocess
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import peer  # noqa: E402
from bad_values import Cases, VALUES, collect, lines, load  # noqa: E402
from peer import kind_of, noun_of  # noqa: E402
from rest import B, check, finish  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ANSWERS = os.path.join(HERE, "lib/neutron_answers.txt")
with open(os.path.join(HERE, "../../controller/nb_error.def")) as f:
    ERRORS = {f"{status} {kind}" for kind, status in re.findall(r"^(?:ERROR|WORDS)\((\w+), (\d+)[,)]", f.read(), re.M)}
ERRORS |= {f"404 {r}NotFound" for r in ("Network", "Subnet", "Port", "Router", "FloatingIP", "SecurityGroup", "AddressGroup",
                                        "AddressScope", "SubnetPool", "PortForwarding", "SecurityGroupRule", "RbacPolicy",
                                        "NetworkSegmentRange", "DefaultSecurityGroupRule")}

# COLLECTION OPERATION ATTRIBUTE, values (empty: all), what we answer, why.  All are regular expressions.
BAD = "400 (HTTPBadRequest|InvalidInput|BadRequest|SecurityGroupInvalidPortValue)"
DIFFER = (
    (".*", "1.5|true", BAD, "a fraction or a boolean is no number; Neutron cuts it"),
    (".*", r"\{uuid\}", BAD, "a UUID in braces is none; Neutron looks for it, and does not find it"),
    (".* description|subnetpools .* name", "256é|long", BAD, "texts have 255 characters; some of Neutron's are unbounded"),
    ("subnetpools .* name", "blank", "20.*", "a name may be blanks, as others' may"),
    ("address-groups POST .*|subnetpools .* prefixes.*", "ip6?", "201|400 .*Update", "an address is the prefix of one host"),
    ("networks .* mtu", "'1500'", "20.", "what fits is said by the switches, not by a file"),
    ("networks .* mtu", "'7'|0|1|7|2.40", BAD, "IP needs 68 octets (RFC 791)"),
    ("network_segment_ranges POST physical_network", "null|empty", "400 BadRequest", "VLANs are a physical network's"),
    ("networks .* provider:.*", "", BAD + "|201", "which of the checks comes first; null is 'not given'; VNI 0 is none"),
    (".* availability_zone_hints", "", BAD + "|200", "there is one zone, and nothing to hint at"),
    ("ports .* allowed_address_pairs", r"\[\{x?\}\]", BAD, "an element without an address, as elsewhere"),
    ("ports .* binding:host_id", "", BAD, "a host's name is a string"),
    ("ports .* extra_dhcp_opts.opt_(name|value)", "", "400 InvalidInput|20.", "names and values are judged by their option"),
    (".*fixed_ips(.color)?", r".*", BAD, "elements have no members but their own"),
    ("rbac-policies .* (action|object_id|target_tenant)", "255é|uuid|UUID|empty", "400 HTTPBadRequest|404 NetworkNotFound",
     "an object that is not there is not found; '' is no project"),
    ("routers .* (distributed|ha|flavor_id)", "", BAD + "|20.", "routers are distributed, and of no other kind"),
    ("routers .* external_gateway_info", r"0|\[\]|empty", BAD, "no gateway is null or {}"),
    ("security-group-rules POST protocol", "-1|'-1'|0", "400 SecurityGroupProtocolRequiredWithPorts", "0 and -1 are any protocol"),
    ("security-group-rules POST remote_ip_prefix", r"'7'|0|\[\]|empty|\{\}", "400 InvalidCIDR", "only null is none"),
    ("security-group-rules POST security_group_id", r"255é|256é|long|\{uuid\}", "404 SecurityGroupNotFound", "no group has such an id"),
    ("security-groups .* stateful", "", BAD + "|20.", "stateless groups"),
    ("floatingips/FIP/port_forwardings .* protocol", "'7'|null", BAD, "InvalidInput like other values"),
    ("floatingips/FIP/port_forwardings POST (ex|in)ternal_port_range", "'7'|'1500'", "400 BadRequest",
     "beside a port there is no range (Networking API); Neutron takes one of the two"),
    ("subnetpools .* (min|max|default)_prefixlen|subnetpools .* default_quota", "2.40|null", BAD + "|20.", "a number of 31 bits; null: none"),
    ("subnets .* (dns_nameservers|service_types)", "", BAD, "lists are lists; service types are not supported"),
    ("subnets .* gateway_ip", "ip|2.40", "400 .*", "a gateway is in its subnet, and written as an address"),
    ("subnets POST (ipv6_address_mode|ipv6_ra_mode|prefixlen)", "null|2.40", BAD + "|201", "null: not given"),
)


def differs(where, name, ours):
    return any(re.fullmatch(w, where) and re.fullmatch(v or ".*", name) and re.fullmatch(o, ours) for w, v, o, _ in DIFFER)


def everything():
    """All objects as the API has them, but for what comes by itself: projects' default groups, and the revisions of groups and
    floating IPs, which count what was made and deleted below them."""
    out = {}
    for collection in cases.collections():
        out[collection] = {o["id"]: o for o in p.list(collection) if o.get("name") != "default"}
        if collection in ("security-groups", "floatingips"):
            out[collection] = {i: {**o, "revision_number": 0, "updated_at": ""} for i, o in out[collection].items()}
        if collection == "security-group-rules":
            out[collection] = {i: o for i, o in out[collection].items() if o["security_group_id"] in out["security-groups"]}
    return out


def flows():
    text = subprocess.run([f"{B}/weft-ofctl", "dump-flows", f"unix:{c.folder}/s.sock"], capture_output=True, text=True, check=False).stdout
    # A group's mark changes with every rule that was taken from it.
    text = re.sub(r"ct_mark=0x\w+|0x\w+->ct_mark", "ct_mark", text)
    return {re.sub(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[^, ]*,? ?", "", x).strip() for x in text.splitlines() if "table=" in x}


def settled():
    """The switch's flows, when they have not changed for a while."""
    end, before = time.monotonic() + 20, None
    while time.monotonic() < end:
        now = flows()
        if now == before and len(now) > 30:
            return now
        before = now
        time.sleep(0.3)
    return before


p, c = peer.start()
cases = Cases(p)
if not c:
    with open(ANSWERS, "w") as f:
        f.write("# What Neutron 21 answers: COLLECTION OPERATION ATTRIBUTE: STATUS TYPE = values (tests/sys/lib/bad_values.py); ...\n")
        for collection in cases.collections():
            for attr, make in cases.attributes(collection).items():
                f.writelines(x + "\n" for x in lines(cases.key(collection), collect(cases, collection, attr, make)))
    sys.exit(0)

theirs = load(ANSWERS)
switch = subprocess.Popen(
    [f"{B}/weft-switch", "--name", "s", "--host-id", "h1", "--socket", f"{c.folder}/s.sock", "--controller", f"tcp:127.0.0.1:{c.of_port}"],
    stdout=open(f"{c.folder}/s.log", "w"), stderr=subprocess.STDOUT)
try:
    p.make("ports", network_id=cases.net, binding__host_id="h1", binding__profile={"weft_spec": "vdev:net_null_any"})
    flows_before = settled()
    resources = {r["collection"] for r in p("GET", "")[1]["resources"]}
    tried = {x.split("/")[-1] for x in cases.collections()} | {"quotas"}
    check(resources <= tried, "every resource is tried", resources - tried)
    for collection in cases.collections():
        key, noun, wrong, n, unknown = cases.key(collection), noun_of(collection), [], 0, set()
        attributes = cases.attributes(collection)
        for attr, make in attributes.items():
            before = everything()
            for op, name, value, answer in cases.ask(collection, attr, make):
                ours, want = kind_of(answer), theirs.get((key, op, attr, name))
                n += 1
                if want is None:
                    unknown.add(attr)
                if ours[0] != "2" and ours not in ERRORS:
                    wrong.append((op, attr, name, answer))
                elif want and want[0] != "5" and ours != want and not differs(f"{key} {op} {attr}", name, ours):
                    wrong.append((op, attr, name, ours, "Neutron: " + want))
            if everything() != before:
                wrong.append((attr, "something is left or has changed"))
        check(not wrong, f"{key}: {n} requests with {len(attributes)} attributes are answered as by Neutron, and leave nothing",
              f"{len(wrong)}: {wrong[:3]}")
        if unknown:
            print(f"# {key}: not of Neutron 21: {', '.join(sorted(unknown))}")
        for body in (None, [], {}, "x", 5, {noun: []}, {noun: None}, {noun: "x"}, {noun: {}, "x": 1}, {noun_of("networks"): 7},
                     {collection: []}, {collection: {}}, {collection: [1]}, {collection: [None]}):
            body = body if not isinstance(body, dict) else {k.split("/")[-1].replace("-", "_"): v for k, v in body.items()}
            answer = p("POST", collection, body)
            if answer[0] != 400 or kind_of(answer) not in ERRORS:
                check(False, f"{key}: POST {body}", answer)
        before, plural = everything(), collection.split("/")[-1].replace("-", "_")
        answer = p("POST", collection, {plural: [cases.need[collection], {"color": 1}]})
        check(answer[0] == 400 and everything() == before, f"{key}: a bulk create with one that is wrong makes none", answer)
        for method in ("GET", "PUT", "DELETE"):
            for bad in ("00000000-0000-4000-8000-000000000000", "x", "x" * 300, "%7Bx%7D", "%00", "%ff"):
                answer = p(method, f"{collection}/{bad}", {noun: {}} if method == "PUT" else None)
                if answer[0] not in (400, 404) or kind_of(answer) not in ERRORS:
                    check(False, f"{key}: {method} {bad[:40]}", answer)
    now = settled()
    check(now == flows_before, f"the switch has the {len(now)} flows that it had", sorted(now ^ flows_before)[:4])
    check(c.process.poll() is None, "the controller runs")
finally:
    switch.terminate()
    switch.wait(10)
finish()
