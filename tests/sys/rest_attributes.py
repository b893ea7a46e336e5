#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The attributes of each resource against neutron-lib's own definitions: names, defaults, which a client may give.

    this test ── HTTP ──> weft-controller
    neutron-lib: RESOURCE_ATTRIBUTE_MAP of the extensions that the controller says it has
"""
import importlib
import os
import pkgutil
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, check, error_of, finish  # noqa: E402
import neutron_lib.api.definitions as definitions  # noqa: E402
from neutron_lib import constants  # noqa: E402

c = Controller()
extensions = {x["alias"] for x in c("GET", "/v2.0/extensions")[1]["extensions"]}
CORE = {"network", "subnet", "port", "subnetpool"}

# What Neutron has and the controller has not (yet), beside whole extensions that it does not name.
MISSING = {("subnets", "shared"), ("networks", "availability_zones")}

attributes = {}  # collection -> attribute -> definition, of the extensions that are there
names = {}
for m in pkgutil.iter_modules(definitions.__path__):
    module = importlib.import_module(f"neutron_lib.api.definitions.{m.name}")
    alias = getattr(module, "ALIAS", None)
    if alias:
        names[alias] = module.NAME
    if m.name not in CORE and alias not in extensions:
        continue
    maps = (getattr(module, "RESOURCE_ATTRIBUTE_MAP", None) or {}).items()
    for collection, rows in maps:
        attributes.setdefault(collection, {}).update(rows)

for x in c("GET", "/v2.0/extensions")[1]["extensions"]:
    if x["alias"] in names and not x["alias"].startswith("standard-attr-"):
        check(x["name"] == names[x["alias"]], f"extension {x['alias']}: its name", (x["name"], names[x["alias"]]))

net = c.make("network")["id"]
made = {
    "networks": ("network", c.make("network")), "ports": ("port", c.make("port", network_id=net)),
    "subnets": ("subnet", c.make("subnet", network_id=net, ip_version=4, cidr="10.0.0.0/24")),
    "subnetpools": ("subnetpool", c.make("subnetpool", name="p", prefixes=["10.0.0.0/8"])),
    "address_scopes": ("address_scope", c("POST", "/v2.0/address-scopes", {"address_scope": {"ip_version": 4}})[1]
                       ["address_scope"]),
}
for collection, (noun, obj) in made.items():
    path = f"/v2.0/{collection.replace('_', '-')}"
    rows = attributes[collection]
    lacking = [a for a, row in rows.items() if row.get("is_visible") and a not in obj and (collection, a) not in MISSING]
    check(not lacking, f"{collection}: shows what Neutron shows", lacking)
    wrong = []
    for a, row in rows.items():
        default = row.get("default", constants.ATTR_NOT_SPECIFIED)
        if a in obj and isinstance(default, (bool, str, list)) and a not in ("mtu",) and obj[a] != default:
            if not (noun == "subnetpool" and a == "name"):
                wrong.append((a, default, obj[a]))
    check(not wrong, f"{collection}: defaults are Neutron's", wrong)
    refused = []
    for a, row in rows.items():
        if a not in obj or a in ("mac_address",):
            continue
        # What is there already is no change; whether it may be said at all is the question.
        s, body = c("PUT", f"{path}/{obj['id']}", {noun: {a: obj[a]}})
        may = s == 200
        if may != bool(row.get("allow_put")) and not a.startswith("provider:"):
            refused.append((a, s, row.get("allow_put")))
    check(not refused, f"{collection}: may be changed what Neutron lets change", refused)
    unknown = []
    for a, row in rows.items():
        if row.get("is_filter") and a in obj and row.get("is_visible"):
            value = {True: "True", False: "False", None: ""}.get(obj[a], obj[a]) if not isinstance(obj[a], list) else None
            if value is None:
                continue
            s, body = c("GET", f"{path}?{a}={value}")
            if s != 200:
                unknown.append((a, s, body))
    check(not unknown, f"{collection}: may be filtered by what Neutron filters by", unknown)
    unsorted = [a for a, row in rows.items() if row.get("is_sort_key") and a in obj
                and c("GET", f"{path}?sort_key={a}&sort_dir=asc")[0] != 200]
    check(not unsorted, f"{collection}: may be sorted by what Neutron sorts by", unsorted)
finish()
