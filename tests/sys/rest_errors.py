#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The refusals of controller/nb_error.def bear Neutron's names and statuses, extensions its names and dates.

Compared with the exceptions of neutron-lib, and with how Neutron's fault map makes statuses of them; with Neutron's extensions.
"""
import importlib
import inspect
import os
import pkgutil
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from rest import Controller, check, finish  # noqa: E402
from neutron_lib import exceptions  # noqa: E402

# Of Neutron itself or of its web server, not of its library; and what only Weft has.
ELSEWHERE = {
    "HTTPBadRequest": 400, "Unauthorized": 401, "PolicyNotAuthorized": 403, "HTTPNotFound": 404,
    "HTTPMethodNotAllowed": 405, "RevisionNumberConstraintFailed": 412, "HTTPRequestEntityTooLarge": 413,
    "HTTPUnsupportedMediaType": 415, "HTTPNotImplemented": 501, "ExtensionNotFound": 404, "TagNotFound": 404,
    "IpAddressAlreadyAllocated": 409, "InvalidIpForSubnet": 400, "AllocationOnAutoAddressSubnet": 400,
    "SubnetAllocationError": 409,  # Neutron answers 500, as if it were its own fault
    "HTTPForbidden": 403,
    # Neutron answers 500, as if it were its own fault
    "NetworkVlanRangeError": 400, "NetworkTunnelRangeError": 400,
    "IpAddressGenerationFailureNoMatchingSubnet": 409,  # neutron.ipam.exceptions
    "InvalidActionForType": 400,  # neutron.db.rbac_db_models
    "DefaultSecurityGroupRuleExists": 409,  # of Neutron 23
    "AddrFormatError": 400,  # netaddr's
    "DuplicateRbacPolicy": 409, "RbacPolicyNotFound": 404, "RbacPolicyInUse": 409,
    "FipInUseByPortForwarding": 409, "PortHasBindingFloatingIP": 409,
    # neutron.extensions.securitygroup
    "SecurityGroupNotFound": 404,
    **{"SecurityGroup" + n: 409 for n in "DefaultAlreadyExists CannotUpdateDefault CannotRemoveDefault InUse RuleExists Conflict".split()},
    **{"SecurityGroup" + n: 400 for n in (
        "RuleInvalidProtocol EthertypeConflictWithProtocol InvalidPortValue InvalidPortRange InvalidIcmpValue MissingIcmpType "
        "RuleInvalidEtherType ProtocolRequiredWithPorts InvalidProtocolForPort MultipleRemoteEntites RuleParameterConflict").split()},
}
WEFT = {"HostNotFound", "SwitchNotFound", "SwitchInUse"}
STATUS = ((exceptions.NotFound, 404), (exceptions.Conflict, 409), (exceptions.InUse, 409), (exceptions.BadRequest, 400),
          (exceptions.NotAuthorized, 403), (exceptions.ServiceUnavailable, 503),
          (exceptions.NetworkTunnelRangeError, 503))


def status_of(cls):
    for base, status in STATUS:
        if issubclass(cls, base):
            return status
    return 500


known = {}
modules = [exceptions] + [importlib.import_module("neutron_lib.exceptions." + m.name)
                          for m in pkgutil.iter_modules(exceptions.__path__)]
for module in modules:
    for name, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, Exception):
            known[name] = status_of(cls)

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../controller/nb_error.def")
with open(here) as f:
    rows = re.findall(r"^(?:ERROR|WORDS)\((\w+), (\d+)[,)]", f.read(), re.M)
check(len(rows) > 30, "the refusals are declared in rows", len(rows))
for name, status in rows:
    if name in WEFT:
        continue
    # IpAddressGenerationFailure: Neutron's own file has it once more, with the same status.
    want = ELSEWHERE.get(name, known.get(name))
    check(want == int(status), f"{name}: {status}", f"Neutron: {want}")
check(len({r[0] for r in rows}) == len(rows), "each is declared once")

# ---- extensions ----
import neutron.extensions  # noqa: E402
import neutron_lib.api.definitions  # noqa: E402
theirs = {"security-groups-default-rules": ("Default rules for security groups", "2022-12-19T10:00:00-00:00")}  # of Neutron 23
for package in (neutron_lib.api.definitions, neutron.extensions):
    for m in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{m.name}")
        if hasattr(module, "ALIAS") and hasattr(module, "UPDATED_TIMESTAMP"):
            theirs[module.ALIAS] = (module.NAME, module.UPDATED_TIMESTAMP)
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__ and hasattr(cls, "get_alias") and not hasattr(cls, "api_definition"):
                theirs[cls.get_alias()] = (cls.get_name(), cls.get_updated())
ours = Controller().list("extensions")
check(len(ours) > 50, "extensions", len(ours))
for x in ours:
    name, updated = theirs.get(x["alias"], (None, None))
    # Neutron's says which resources it has tags for; here it is all of them.
    same = x["name"] == name or (x["alias"] == "standard-attr-tag" and name.startswith(x["name"]))
    check(same and x["updated"] == updated, f"extension {x['alias']}", (x, name, updated))
finish()
