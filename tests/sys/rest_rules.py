#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is in use, what belongs to somebody else, what is in the wrong order: one row for each rule of the Networking API.

    this test ── HTTP ──> weft-controller     (NEUTRON=http://...: a Neutron instead, to see whether the rows are true)

A row with a name makes the object that later rows call $NAME (its id) or $NAME.attribute; the others say what is answered.
After each refusal every collection is what it was before.
"""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import peer  # noqa: E402
from peer import ADMIN, MEMBER, OTHER, kind_of, noun_of  # noqa: E402
from rest import SMALL, check, finish  # noqa: E402

NET = ("N", "networks", {})
SUB = ("S", "subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.0.0.0/24"})
PORT = ("P", "ports", {"network_id": "$N"})
EXT = ("E", "networks", {"router:external": True})
EXTSUB = ("ES", "subnets", {"network_id": "$E", "ip_version": 4, "cidr": "203.0.113.0/24", "enable_dhcp": False})
ROUTER = ("R", "routers", {})
GATEWAY = ("R", "routers", {"external_gateway_info": {"network_id": "$E"}})
ADD, REMOVE = "PUT routers/$R/add_router_interface", "PUT routers/$R/remove_router_interface"
FIP = ("F", "floatingips", {"floating_network_id": "$E", "port_id": "$P"})
INSIDE = [NET, SUB, PORT, EXT, EXTSUB, GATEWAY, (ADD, {"subnet_id": "$S"}, 200)]
FORWARD = {"protocol": "tcp", "external_port": 80, "internal_port": 8080, "internal_port_id": "$P",
           "internal_ip_address": "$P.ip"}
PFS, SPAN = "floatingips/$F/port_forwardings", {"protocol": "tcp", "internal_port_id": "$P", "internal_ip_address": "$P.ip"}
GROUP = ("G", "security-groups", {"name": "g"})
RULE = {"security_group_id": "$G", "direction": "ingress", "protocol": "tcp", "port_range_min": 1, "port_range_max": 2}

RULES = {
    "networks": [
        NET, SUB, ("DELETE networks/$N", 204),
        NET, ("P", "ports", {"network_id": "$N"}), ("DELETE networks/$N", "409 NetworkInUse"), ("DELETE ports/$P", 204),
        SUB, ROUTER, (ADD, {"subnet_id": "$S"}, 200), ("DELETE networks/$N", "409 NetworkInUse"),
        ("DELETE subnets/$S", "409 SubnetInUse"),
        (REMOVE, {"subnet_id": "$S"}, 200), ("DELETE networks/$N", 204), ("DELETE networks/$N", "404 NetworkNotFound"),
        ("PUT networks/$N", {"name": "x"}, "404 NetworkNotFound"),
    ],
    "ports of functions": [
        NET, ("PF", "ports", {"network_id": "$N", "device_owner": "network:dhcp", "device_id": "x"}),
        ("DELETE networks/$N", 204), ("GET ports/$PF", "404 PortNotFound"),
        NET, SUB, ("PD", "ports", {"network_id": "$N", "device_owner": "network:dhcp", "device_id": "x"}),
        ("PUT subnets/$S", {"enable_dhcp": False}, 200), ("DELETE subnets/$S", 204), ("GET ports/$PD", 200),
        ("DELETE ports/$PD", 204),
    ],
    "shared networks": [
        ("N", "networks", {"shared": True}), SUB, ("P", "ports", {"network_id": "$N"}, OTHER),
        ("PUT networks/$N", {"shared": False}, "409 InvalidSharedSetting"), ("DELETE networks/$N", "409 NetworkInUse"),
        ("DELETE networks/$N", OTHER, "403 PolicyNotAuthorized"),
        ("PUT networks/$N", {"name": "x"}, OTHER, "403 PolicyNotAuthorized"),
        ("POST ports", {"network_id": "$N", "mac_address": "fa:16:3e:77:77:77"}, OTHER, "403 PolicyNotAuthorized"),
        ("POST ports", {"network_id": "$N", "port_security_enabled": False}, OTHER, "403 PolicyNotAuthorized"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "10.0.0.77"}]}, OTHER, "403 PolicyNotAuthorized"),
        ("DELETE ports/$P", OTHER, 204), ("PUT networks/$N", {"shared": False}, 200),
        ("POST ports", {"network_id": "$N"}, OTHER, "404 NetworkNotFound"),
    ],
    "segments": [
        ("V", "networks", {"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                           "provider:segmentation_id": 77}),
        ("POST networks", {"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                           "provider:segmentation_id": 77}, "409 VlanIdInUse"),
        ("POST networks", {"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                           "provider:segmentation_id": 4095}, "400 InvalidInput"),
        ("POST networks", {"provider:network_type": "vlan", "provider:segmentation_id": 78}, "400 InvalidInput"),
        ("POST networks", {"provider:segmentation_id": 78}, "400 InvalidInput"),
        ("POST networks", {"provider:network_type": "flat"}, "400 InvalidInput"),
        ("POST networks", {"provider:network_type": "flat", "provider:physical_network": "physnet1",
                           "provider:segmentation_id": 5}, "400 InvalidInput"),
        ("X", "networks", {"provider:network_type": "vxlan", "provider:segmentation_id": 777}),
        ("POST networks", {"provider:network_type": "vxlan", "provider:segmentation_id": 777}, "409 TunnelIdInUse"),
        ("POST networks", {"provider:network_type": "vxlan", "provider:physical_network": "physnet1"}, "400 InvalidInput"),
        ("POST networks", {"provider:network_type": "gre"}, "400 InvalidInput"),
        ("FL", "networks", {"provider:network_type": "flat", "provider:physical_network": "physnet2"}),
        ("POST networks", {"provider:network_type": "flat", "provider:physical_network": "physnet2"}, "409 FlatNetworkInUse"),
        ("PUT networks/$X", {"provider:segmentation_id": 778}, "400 InvalidInput"),
        ("PUT networks/$X", {"provider:network_type": "vlan"}, "400 InvalidInput"),
        ("PUT networks/$X", {"mtu": 65535}, "400 InvalidInput"), ("PUT networks/$X", {"mtu": "x"}, "400 InvalidInput"),
    ],
    "external networks": [
        EXT, EXTSUB, GATEWAY, ("PUT networks/$E", {"router:external": False}, "409 ExternalNetworkInUse"),
        ("DELETE networks/$E", "409 NetworkInUse"), ("DELETE subnets/$ES", "409 SubnetInUse"),
        ("DELETE routers/$R", 204), ("PUT networks/$E", {"router:external": False}, 200),
        ("POST routers", {"external_gateway_info": {"network_id": "$E"}}, "400 BadRequest"),
        ("POST floatingips", {"floating_network_id": "$E"}, "400 BadRequest"),
    ],
    "subnets": [
        NET, SUB, PORT, ("DELETE subnets/$S", "409 SubnetInUse"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.0.0.128/25"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 6, "cidr": "10.1.0.0/24"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.0"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.3.0.0/24", "gateway_ip": "10.3.0.0"},
         "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.3.0.0/24", "gateway_ip": "2001:db8::1"},
         "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "0.0.0.0/0"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.3.0.0/32"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.3.1.0/31", "enable_dhcp": False}, 201),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "224.0.0.0/24"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "127.0.0.0/24"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": SMALL, "ip_version": 4, "cidr": "10.3.2.0/24"}, "404 NetworkNotFound"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4}, "400 BadRequest"),
        ("PUT subnets/$S", {"cidr": "10.0.0.0/16"}, "400 HTTPBadRequest"),
        ("PUT subnets/$S", {"network_id": "$N"}, "400 HTTPBadRequest"),
        ("PUT subnets/$S", {"gateway_ip": "10.0.0.255"}, "400 InvalidInput"),
        ("PUT subnets/$S", {"gateway_ip": "$P.ip"}, "409 GatewayConflictWithAllocationPools"),
        ("PUT subnets/$S", {"allocation_pools": [{"start": "10.0.0.1", "end": "10.0.0.9"}]},
         "409 GatewayConflictWithAllocationPools"),
        ("PUT subnets/$S", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.5"}]}, "400 InvalidAllocationPool"),
        ("PUT subnets/$S", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.1.5"}]}, "400 OutOfBoundsAllocationPool"),
        ("PUT subnets/$S", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.20"},
                                                 {"start": "10.0.0.20", "end": "10.0.0.30"}]}, "409 OverlappingAllocationPools"),
        ("PUT subnets/$S", {"allocation_pools": [{"start": "2001:db8::1", "end": "2001:db8::9"}]}, "400 InvalidAllocationPool"),
        ("PUT subnets/$S", {"allocation_pools": [{"start": "10.0.0.200", "end": "10.0.0.210"}]}, 200),
        ("PUT subnets/$S", {"host_routes": [{"destination": "192.0.2.0/24", "nexthop": "2001:db8::1"}]}, "400 InvalidInput"),
        ("PUT subnets/$S", {"host_routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.5"}] * 2}, "400 HTTPBadRequest"),
        ("PUT subnets/$S", {"dns_nameservers": ["10.0.0.5", "10.0.0.5"]}, "400 HTTPBadRequest"),
        ("PUT subnets/$S", {"dns_nameservers": ["2001:db8::1"]}, "400 InvalidInput"),
        ("PUT subnets/$S", {"ipv6_ra_mode": "slaac"}, "400 HTTPBadRequest"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.4.0.0/24", "ipv6_ra_mode": "slaac"},
         "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 6, "cidr": "2001:db8::/64", "ipv6_ra_mode": "slaac",
                          "ipv6_address_mode": "dhcpv6-stateful"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 6, "cidr": "2001:db8::/65", "ipv6_ra_mode": "slaac",
                          "ipv6_address_mode": "slaac"}, "400 InvalidInput"),
        ("POST subnets", {"network_id": "$N", "ip_version": 6, "cidr": "2001:db8::/64", "ipv6_ra_mode": "slaac",
                          "ipv6_address_mode": "slaac", "enable_dhcp": False}, "400 InvalidInput"),
    ],
    "gateways in use": [
        NET, SUB, ROUTER, (ADD, {"subnet_id": "$S"}, 200), ("PUT subnets/$S", {"gateway_ip": "10.0.0.254"}, "409 GatewayIpInUse"),
        ("PUT subnets/$S", {"gateway_ip": None}, 200), ("PUT subnets/$S", {"gateway_ip": "10.0.0.1"}, 200),
        ("DELETE routers/$R", "409 RouterInUse"), ("DELETE subnets/$S", "409 SubnetInUse"),
    ],
    "subnets of others": [
        NET, SUB, ("GET subnets/$S", OTHER, "404 SubnetNotFound"), ("DELETE subnets/$S", OTHER, "404 SubnetNotFound"),
        ("R", "routers", {}, OTHER), ("PUT routers/$R/add_router_interface", {"subnet_id": "$S"}, OTHER, "404 SubnetNotFound"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.9.0.0/24"}, OTHER, "404 NetworkNotFound"),
        ("POST ports", {"network_id": "$N"}, OTHER, "404 NetworkNotFound"),
        ("N2", "networks", {}, OTHER), ("S2", "subnets", {"network_id": "$N2", "ip_version": 4, "cidr": "10.8.0.0/24"}, OTHER),
        ("POST ports", {"network_id": "$N2", "fixed_ips": [{"subnet_id": "$S"}]}, OTHER, "404 SubnetNotFound"),
        ("POST networks", {"tenant_id": "A"}, OTHER, "400 HTTPBadRequest"),
        ("POST security-groups", {"name": "x", "tenant_id": "A"}, OTHER, "400 HTTPBadRequest"),
    ],
    "ports": [
        NET, SUB, PORT, ("Q", "ports", {"network_id": "$N"}),
        ("POST ports", {"network_id": "$N", "mac_address": "$P.mac_address"}, "409 MacAddressInUse"),
        ("PUT ports/$Q", {"mac_address": "$P.mac_address"}, "409 MacAddressInUse"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "$P.ip"}]}, "409 IpAddressAlreadyAllocated"),
        ("PUT ports/$Q", {"fixed_ips": [{"ip_address": "$P.ip"}]}, "409 IpAddressAlreadyAllocated"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "192.0.2.5"}]}, "400 InvalidIpForNetwork"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "192.0.2.5", "subnet_id": "$S"}]},
         "400 InvalidIpForSubnet"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "10.0.0.255", "subnet_id": "$S"}]},
         "400 InvalidIpForSubnet"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "10.0.0.0"}]}, "400 InvalidIpForNetwork"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"subnet_id": SMALL}]}, "404 SubnetNotFound"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "10.0.0.9"}, {"ip_address": "10.0.0.9"}]},
         "400 HTTPBadRequest"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{}]}, "400 InvalidInput"),
        ("POST ports", {"network_id": SMALL}, "404 NetworkNotFound"),
        ("PUT ports/$Q", {"network_id": "$N"}, "400 HTTPBadRequest"),
        ("POST ports", {"network_id": "$N", "security_groups": [SMALL]}, "404 SecurityGroupNotFound"),
        ("PUT ports/$Q", {"security_groups": [SMALL]}, "404 SecurityGroupNotFound"),
        ("POST ports", {"network_id": "$N", "port_security_enabled": False, "allowed_address_pairs": [{"ip_address": "10.0.0.9"}]},
         "409 AddressPairAndPortSecurityRequired"),
        ("POST ports", {"network_id": "$N", "allowed_address_pairs": [{"ip_address": "10.0.0.9"}] * 2},
         "400 DuplicateAddressPairInRequest"),
        ("PUT ports/$Q", {"port_security_enabled": False}, "409 PortSecurityPortHasSecurityGroup"),
        ("PUT ports/$Q", {"port_security_enabled": False, "security_groups": []}, 200),
        ("PUT ports/$Q", {"security_groups": None}, 200),
        ("PUT ports/$Q", {"allowed_address_pairs": [{"ip_address": "10.0.0.9"}]}, "409 AddressPairAndPortSecurityRequired"),
        ("DELETE ports/$P", OTHER, "404 PortNotFound"), ("GET ports/$P", OTHER, "404 PortNotFound"),
        ("PUT ports/$P", {"binding:host_id": "h"}, MEMBER, "403 PolicyNotAuthorized"),
        ("POST ports", {"network_id": "$N", "device_owner": "network:dhcp"}, MEMBER, 201),
        ("POST ports", {"network_id": "$N", "device_owner": "network:router_interface"}, MEMBER, 201),
    ],
    "all addresses": [
        NET, ("S", "subnets", {"network_id": "$N", "ip_version": 4, "cidr": "10.0.0.0/30"}), PORT,
        ("POST ports", {"network_id": "$N"}, "409 IpAddressGenerationFailure"),
        ("POST ports", {"network_id": "$N", "fixed_ips": [{"subnet_id": "$S"}]}, "409 IpAddressGenerationFailure"),
        ("POST ports", {"network_id": "$N", "fixed_ips": []}, 201),
    ],
    "ports of routers": [
        *INSIDE, ("RP", "?ports?device_owner=network:router_interface&device_id=$R"),
        ("GP", "?ports?device_owner=network:router_gateway&device_id=$R"),
        ("DELETE ports/$RP", "409 ServicePortInUse"), ("DELETE ports/$GP", "409 ServicePortInUse"),
        ("PUT ports/$RP", {"fixed_ips": [{"subnet_id": "$S", "ip_address": "10.0.0.77"}]}, "400 BadRequest"),
        ("PUT ports/$RP", {"fixed_ips": []}, "400 BadRequest"),
        ("PUT ports/$RP", {"name": "x"}, 200),
    ],
    "routers": [
        *INSIDE, ("DELETE routers/$R", "409 RouterInUse"),
        (ADD, {"subnet_id": "$S"}, "400 BadRequest"), (ADD, {"subnet_id": SMALL}, "404 SubnetNotFound"),
        (ADD, {"port_id": SMALL}, "404 PortNotFound"), (ADD, {}, "400 BadRequest"),
        (ADD, {"subnet_id": "$S", "port_id": "$P"}, "400 BadRequest"),
        (ADD, {"subnet_id": "x"}, "400 BadRequest"), (ADD, {"subnet_id": None}, "400 BadRequest"),
        (ADD, {"subnet_id": 1}, "400 BadRequest"), (ADD, {"subnet_id": ["x"]}, "400 BadRequest"),
        (ADD, {"color": "red"}, "400 BadRequest"), (REMOVE, {}, "400 BadRequest"), (REMOVE, {"port_id": None}, "400 BadRequest"),
        ("N2", "networks", {}), ("S2", "subnets", {"network_id": "$N2", "ip_version": 4, "cidr": "10.0.0.0/23"}),
        (ADD, {"subnet_id": "$S2"}, "400 BadRequest"),
        ("S3", "subnets", {"network_id": "$N2", "ip_version": 4, "cidr": "10.7.0.0/24", "gateway_ip": None}),
        (ADD, {"subnet_id": "$S3"}, "400 BadRequest"),
        (REMOVE, {"subnet_id": "$S3"}, "404 RouterInterfaceNotFoundForSubnet"),
        (REMOVE, {"port_id": "$P"}, "404 RouterInterfaceNotFound"), (REMOVE, {"port_id": SMALL}, "404 RouterInterfaceNotFound"),
        ("PV", "ports", {"network_id": "$N2", "fixed_ips": [{"subnet_id": "$S3"}], "device_id": "vm", "device_owner": "compute:x"}),
        (ADD, {"port_id": "$PV"}, "409 PortInUse"),
        ("PN", "ports", {"network_id": "$N2", "fixed_ips": []}), (ADD, {"port_id": "$PN"}, "400 BadRequest"),
        ("PUT routers/$R", {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.99.0.1"}]}, "400 InvalidRoutes"),
        ("PUT routers/$R", {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.1"}]}, "400 InvalidRoutes"),
        ("PUT routers/$R", {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.9"}] * 2}, "400 HTTPBadRequest"),
        ("PUT routers/$R/add_extraroutes", {"router": {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.99.0.1"}]}},
         "400 InvalidRoutes"),
        ("PUT routers/$R", {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.9"}]}, 200),
        (REMOVE, {"subnet_id": "$S"}, "409 RouterInterfaceInUseByRoute"),
        ("RP", "?ports?device_owner=network:router_interface&device_id=$R"),
        (REMOVE, {"port_id": "$RP"}, "409 RouterInterfaceInUseByRoute"),
        (REMOVE, {"port_id": "$RP", "subnet_id": "$S3"}, "400 SubnetMismatchForPort"),
        ("PUT routers/$R", {"routes": []}, 200), (REMOVE, {"subnet_id": "$S"}, 200), ("DELETE routers/$R", 204),
        ("GET routers/$R", "404 RouterNotFound"),
    ],
    "router gateways": [
        NET, EXT, EXTSUB, ROUTER, ("PUT routers/$R", {"external_gateway_info": {"network_id": "$N"}}, "400 BadRequest"),
        ("PUT routers/$R", {"external_gateway_info": {"network_id": SMALL}}, "404 NetworkNotFound"),
        ("PUT routers/$R", {"external_gateway_info": {"enable_snat": False}}, "400 HTTPBadRequest"),
        ("PUT routers/$R", {"external_gateway_info": {"network_id": "$E", "external_fixed_ips": [{"ip_address": "192.0.2.1"}]}},
         "400 InvalidIpForNetwork"),
        ("PUT routers/$R", {"external_gateway_info": {"network_id": "$E", "external_fixed_ips": [{"ip_address": "203.0.113.1"}]}},
         "400 BadRequest"),
        ("PUT routers/$R", {"external_gateway_info": {"network_id": "$E", "external_fixed_ips": [{"ip_address": "203.0.113.9"}]}},
         200),
        ("POST routers", {"external_gateway_info": {"network_id": "$E", "external_fixed_ips": [{"ip_address": "203.0.113.9"}]}},
         "409 IpAddressAlreadyAllocated"),
        ("R2", "routers", {}, OTHER), ("PUT routers/$R2", {"external_gateway_info": {"network_id": "$E", "enable_snat": False}},
                                       OTHER, "403 PolicyNotAuthorized"),
        ("PUT routers/$R2", {"external_gateway_info": {"network_id": "$N"}}, OTHER, "404 NetworkNotFound"),
        ("PUT routers/$R2", {"external_gateway_info": {"network_id": "$E"}}, OTHER, 200),
        ("PUT routers/$R", {"name": "x"}, OTHER, "404 RouterNotFound"),
        ("PUT routers/$R", {"external_gateway_info": {}}, 200), ("PUT routers/$R", {"external_gateway_info": None}, 200),
        ("E0", "networks", {"router:external": True}),
        ("PUT routers/$R", {"external_gateway_info": {"network_id": "$N"}}, "400 BadRequest"),
    ],
    "floating IPs": [
        *INSIDE, FIP, ("Q", "ports", {"network_id": "$N"}),
        ("POST floatingips", {"floating_network_id": "$E", "port_id": "$P"}, "409 FloatingIPPortAlreadyAssociated"),
        ("F2", "floatingips", {"floating_network_id": "$E"}),
        ("PUT floatingips/$F2", {"port_id": "$P"}, "409 FloatingIPPortAlreadyAssociated"),
        ("PUT floatingips/$F2", {"port_id": "$Q", "fixed_ip_address": "10.0.0.99"}, "400 BadRequest"),
        ("PUT floatingips/$F2", {"port_id": SMALL}, "404 PortNotFound"),
        ("PUT floatingips/$F2", {"fixed_ip_address": "10.0.0.99"}, "400 BadRequest"),
        ("POST floatingips", {"floating_network_id": "$E", "floating_ip_address": "$F.floating_ip_address"},
         "409 IpAddressAlreadyAllocated"),
        ("POST floatingips", {"floating_network_id": "$E", "floating_ip_address": "192.0.2.7"}, "400 InvalidIpForNetwork"),
        ("POST floatingips", {"floating_network_id": "$E", "subnet_id": "$S"}, "400 InvalidInput"),
        ("POST floatingips", {"floating_network_id": "$N"}, "400 BadRequest"),
        ("POST floatingips", {"floating_network_id": SMALL}, "404 NetworkNotFound"),
        ("FP", "?ports?device_owner=network:floatingip&device_id=$F"), ("DELETE ports/$FP", "409 ServicePortInUse"),
        ("DELETE networks/$E", "409 NetworkInUse"),
        (REMOVE, {"subnet_id": "$S"}, "409 RouterInterfaceInUseByFloatingIP"),
        ("PUT routers/$R", {"external_gateway_info": {}}, "409 RouterExternalGatewayInUseByFloatingIp"),
        ("DELETE routers/$R", "409 RouterInUse"),
        ("N2", "networks", {}), ("S2", "subnets", {"network_id": "$N2", "ip_version": 4, "cidr": "10.8.0.0/24"}),
        ("PF", "ports", {"network_id": "$N2"}),
        ("PUT floatingips/$F2", {"port_id": "$PF"}, "404 ExternalGatewayForFloatingIPNotFound"),
        ("POST floatingips", {"floating_network_id": "$E", "port_id": "$PF"}, "404 ExternalGatewayForFloatingIPNotFound"),
        ("NO", "networks", {}, OTHER), ("SO", "subnets", {"network_id": "$NO", "ip_version": 4, "cidr": "10.6.0.0/24"}, OTHER),
        ("PO", "ports", {"network_id": "$NO"}, OTHER),
        ("FO", "floatingips", {"floating_network_id": "$E"}, OTHER),
        ("PUT floatingips/$FO", {"port_id": "$P"}, OTHER, "404 PortNotFound"),
        ("PUT floatingips/$F2", {"port_id": "$PO"}, MEMBER, "404 PortNotFound"),
        ("GET floatingips/$F", OTHER, "404 FloatingIPNotFound"),
        ("POST floatingips", {"floating_network_id": "$E", "floating_ip_address": "203.0.113.77"}, OTHER, "403 PolicyNotAuthorized"),
        ("PUT floatingips/$F", {"port_id": None}, 200), (REMOVE, {"subnet_id": "$S"}, 200),
    ],
    "floating IPs of several addresses": [
        *INSIDE[:2], ("P", "ports", {"network_id": "$N", "fixed_ips": [{"ip_address": "10.0.0.10"}, {"ip_address": "10.0.0.11"}]}),
        *INSIDE[3:], ("POST floatingips", {"floating_network_id": "$E", "port_id": "$P"}, "400 BadRequest"),
        ("F", "floatingips", {"floating_network_id": "$E", "port_id": "$P", "fixed_ip_address": "10.0.0.11"}),
        ("POST floatingips", {"floating_network_id": "$E", "port_id": "$P", "fixed_ip_address": "10.0.0.11"},
         "409 FloatingIPPortAlreadyAssociated"),
        ("F2", "floatingips", {"floating_network_id": "$E", "port_id": "$P", "fixed_ip_address": "10.0.0.10"}),
        ("PUT ports/$P", {"fixed_ips": [{"ip_address": "10.0.0.10"}]}, 200),
        ("DELETE ports/$P", 204), ("GET floatingips/$F2", 200),
    ],
    "port forwardings": [
        *INSIDE, ("F", "floatingips", {"floating_network_id": "$E"}), ("D", "floatingips/$F/port_forwardings", FORWARD),
        ("POST floatingips/$F/port_forwardings", FORWARD, "400 BadRequest"),
        ("POST floatingips/$F/port_forwardings", {**FORWARD, "external_port": 81}, "400 BadRequest"),
        ("POST floatingips/$F/port_forwardings", {**FORWARD, "external_port": 81, "internal_port": 0}, "400 HTTPBadRequest"),
        ("POST floatingips/$F/port_forwardings", {**FORWARD, "external_port": 81, "internal_port_id": SMALL}, "404 PortNotFound"),
        ("POST floatingips/$F/port_forwardings", {**FORWARD, "external_port": 81, "internal_ip_address": "10.0.0.99"},
         "400 BadRequest"),
        ("POST floatingips/$F/port_forwardings", {**FORWARD, "external_port": 81, "protocol": "gre"}, "400 InvalidInput"),
        ("POST floatingips/" + SMALL + "/port_forwardings", FORWARD, "404 FloatingIPNotFound"),
        ("GET floatingips/$F/port_forwardings/" + SMALL, "404 PortForwardingNotFound"),
        ("PUT floatingips/$F", {"port_id": "$P"}, "409 FipInUseByPortForwarding"),
        ("PUT ports/$P", {"fixed_ips": [{"ip_address": "10.0.0.99"}]}, 200),
        ("GET floatingips/$F/port_forwardings/$D", "404 PortForwardingNotFound"),
        ("PUT ports/$P", {"fixed_ips": [{"ip_address": "$P.ip"}]}, 200),
        ("D", "floatingips/$F/port_forwardings", FORWARD),
        ("DELETE floatingips/$F", 204), ("GET floatingips/$F/port_forwardings", "404 FloatingIPNotFound"),
        ("F3", "floatingips", {"floating_network_id": "$E"}), ("B", "floatingips", {"floating_network_id": "$E", "port_id": "$P"}),
        ("POST floatingips/$F3/port_forwardings", FORWARD, "409 PortHasBindingFloatingIP"), ("DELETE floatingips/$B", 204),
        ("D3", "floatingips/$F3/port_forwardings", FORWARD), ("DELETE ports/$P", 204),
        ("GET floatingips/$F3/port_forwardings/$D3", "404 PortForwardingNotFound"),
    ],
    "ranges of forwarded ports": [
        *INSIDE, ("F", "floatingips", {"floating_network_id": "$E"}), ("F2", "floatingips", {"floating_network_id": "$E"}),
        ("D", PFS, {**SPAN, "external_port_range": "80:90", "internal_port_range": "80:90"}),
        (f"POST {PFS}", SPAN, "400 HTTPBadRequest"), (f"POST {PFS}", {**SPAN, "external_port": 7}, "400 HTTPBadRequest"),
        (f"POST {PFS}", {**SPAN, "external_port": None, "internal_port": 7}, "400 HTTPBadRequest"),
        *[(f"POST {PFS}", {**SPAN, "external_port_range": bad, "internal_port_range": "7"}, "400 HTTPBadRequest")
          for bad in ("", ":", "5:", ":5", "0:5", "9:5", "5:65536", "5:6:7", "5-6", "5: 6", "x", 5, "000005:6", "99999999999999999999:6")],
        (f"POST {PFS}", {**SPAN, "external_port": 7, "external_port_range": "7:7", "internal_port": 7}, "400 BadRequest"),
        (f"POST {PFS}", {**SPAN, "external_port": 7, "internal_port": 7, "internal_port_range": "7:8"}, "400 BadRequest"),
        # n:n, n:1, 1:1 and nothing else.
        (f"POST {PFS}", {**SPAN, "external_port_range": "100:109", "internal_port_range": "100:108"}, "400 BadRequest"),
        (f"POST {PFS}", {**SPAN, "external_port": 100, "internal_port_range": "100:108"}, "400 BadRequest"),
        (f"POST {PFS}", {**SPAN, "external_port_range": "1000:2024", "internal_port_range": "2000:3024"}, "400 BadRequest"),
        ("W", PFS, {**SPAN, "protocol": "udp", "external_port_range": "1:65535", "internal_port_range": "1:65535"}),
        # Outside: of one floating IP and protocol.
        *[(f"POST {PFS}", {**SPAN, "external_port_range": clash, "internal_port": 5}, "400 BadRequest")
          for clash in ("90:91", "70:80", "85:86", "1:65535", "80:90", "90")],
        ("O", PFS, {**SPAN, "external_port_range": "91:99", "internal_port": 5}),
        # Inside: of one port, address and protocol, by whichever floating IP.
        *[(f"POST floatingips/{f}/port_forwardings", {**SPAN, "external_port_range": "200:202", "internal_port_range": clash},
           "400 BadRequest") for f in ("$F", "$F2") for clash in ("4:6", "79:81", "90:92", "5", "80")],
        ("T", "floatingips/$F2/port_forwardings", {**SPAN, "external_port_range": "85:87", "internal_port_range": "200:202"}),
        # What is changed is judged as a whole.
        (f"PUT {PFS}/$D", {"external_port_range": "80:91"}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"external_port_range": "80:89"}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"external_port": 80}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"external_port_range": "90:100"}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"internal_port_range": "195:205"}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"protocol": "udp"}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"internal_port": 80, "internal_port_range": "80"}, "400 BadRequest"),
        (f"PUT {PFS}/$D", {"external_port_range": None, "internal_port": None}, 200),
        (f"PUT {PFS}/$D", {"internal_port": 80}, 200), (f"PUT {PFS}/$D", {"internal_port_range": "300:310"}, 200),
        (f"PUT {PFS}/$D", {"internal_port": 4, "external_port": 80}, 200),
        (f"PUT {PFS}/$O", {"external_port_range": "81:99"}, 200), (f"DELETE {PFS}/$W", 204),
    ],
    "security groups": [
        NET, SUB, GROUP, ("P", "ports", {"network_id": "$N", "security_groups": ["$G"]}),
        ("DELETE security-groups/$G", "409 SecurityGroupInUse"), ("DELETE ports/$P", 204),
        ("DF", "?security-groups?name=default&project_id=A"),
        ("PUT security-groups/$DF", {"name": "x"}, "409 SecurityGroupCannotUpdateDefault"),
        ("DELETE security-groups/$DF", MEMBER, "409 SecurityGroupCannotRemoveDefault"),
        ("POST security-groups", {"name": "default"}, "409 SecurityGroupDefaultAlreadyExists"),
        ("PUT security-groups/$G", {"name": "default"}, "409 SecurityGroupDefaultAlreadyExists"),
        ("T", "security-group-rules", RULE), ("POST security-group-rules", RULE, "409 SecurityGroupRuleExists"),
        ("POST security-group-rules", {**RULE, "port_range_min": 3}, "400 SecurityGroupInvalidPortRange"),
        ("POST security-group-rules", {**RULE, "protocol": None}, "400 SecurityGroupProtocolRequiredWithPorts"),
        ("POST security-group-rules", {**RULE, "protocol": "icmp", "port_range_max": 256}, "400 SecurityGroupInvalidIcmpValue"),
        ("POST security-group-rules", {**RULE, "protocol": "icmp", "port_range_min": None}, "400 SecurityGroupMissingIcmpType"),
        ("POST security-group-rules", {**RULE, "protocol": "gre"}, "400 SecurityGroupInvalidProtocolForPort"),
        ("POST security-group-rules", {**RULE, "protocol": "ipv6-icmp"}, "400 SecurityGroupEthertypeConflictWithProtocol"),
        ("POST security-group-rules", {**RULE, "protocol": 256}, "400 SecurityGroupRuleInvalidProtocol"),
        ("POST security-group-rules", {**RULE, "remote_ip_prefix": "2001:db8::/32"}, "400 SecurityGroupRuleParameterConflict"),
        ("POST security-group-rules", {**RULE, "remote_ip_prefix": "10.0.0.0/8", "remote_group_id": "$G"},
         "400 SecurityGroupMultipleRemoteEntites"),
        ("POST security-group-rules", {**RULE, "security_group_id": SMALL}, "404 SecurityGroupNotFound"),
        ("POST security-group-rules", {**RULE, "remote_group_id": SMALL}, "404 SecurityGroupNotFound"),
        ("POST security-group-rules", {**RULE, "remote_address_group_id": SMALL}, "404 AddressGroupNotFound"),
        ("POST security-group-rules", {**RULE, "port_range_max": 9}, OTHER, "404 SecurityGroupNotFound"),
        ("GET security-groups/$G", OTHER, "404 SecurityGroupNotFound"),
        ("DELETE security-group-rules/$T", OTHER, "404 SecurityGroupRuleNotFound"),
        ("NO", "networks", {}, OTHER), ("POST ports", {"network_id": "$NO", "security_groups": ["$G"]}, OTHER,
                                        "404 SecurityGroupNotFound"),
        ("A", "address-groups", {"name": "a", "addresses": ["192.0.2.0/24"]}),
        ("TA", "security-group-rules", {**RULE, "remote_address_group_id": "$A"}),
        ("DELETE address-groups/$A", "409 AddressGroupInUse"), ("DELETE security-groups/$G", 204),
        ("GET security-group-rules/$T", "404 SecurityGroupRuleNotFound"), ("DELETE address-groups/$A", 204),
    ],
    "address groups": [
        ("A", "address-groups", {"name": "a", "addresses": ["192.0.2.0/24"]}),
        ("PUT address-groups/$A/remove_addresses", {"addresses": ["198.51.100.0/24"]}, "404 AddressesNotFound"),
        ("PUT address-groups/$A/add_addresses", {"addresses": ["192.0.2.0/24"]}, "400 AddressesAlreadyExist"),
        ("PUT address-groups/$A/add_addresses", {"addresses": ["x"]}, "400 AddrFormatError"),
        ("PUT address-groups/$A/add_addresses", {"addresses": "192.0.2.1"}, "400 AddrFormatError"),
        ("PUT address-groups/$A/add_addresses", {}, "400 HTTPBadRequest"),
        ("PUT address-groups/$A", {"addresses": []}, "400 HTTPBadRequest"),
        ("GET address-groups/$A", OTHER, "404 AddressGroupNotFound"),
        ("PUT address-groups/$A/add_addresses", {"addresses": ["192.0.3.0/24"]}, OTHER, "404 AddressGroupNotFound"),
    ],
    "address scopes, subnet pools": [
        ("AS", "address-scopes", {"name": "as", "ip_version": 4}),
        ("SP", "subnetpools", {"name": "sp", "prefixes": ["10.0.0.0/8"], "address_scope_id": "$AS", "default_prefixlen": 24}),
        ("DELETE address-scopes/$AS", "409 AddressScopeInUse"), ("PUT address-scopes/$AS", {"ip_version": 6}, "400 HTTPBadRequest"),
        ("PUT address-scopes/$AS", {"shared": True}, 200), ("PUT address-scopes/$AS", {"shared": False}, "400 AddressScopeUpdateError"),
        ("POST address-scopes", {"name": "x", "ip_version": 5}, "400 HTTPBadRequest"),
        ("POST address-scopes", {"name": "x", "ip_version": 4, "shared": True}, MEMBER, "403 PolicyNotAuthorized"),
        NET, ("S", "subnets", {"network_id": "$N", "ip_version": 4, "subnetpool_id": "$SP"}),
        ("DELETE subnetpools/$SP", "400 SubnetPoolDeleteError"),
        ("PUT subnetpools/$SP", {"prefixes": ["10.0.0.0/9"]}, "400 IllegalSubnetPoolPrefixUpdate"),
        ("PUT subnetpools/$SP", {"prefixes": []}, "400 IllegalSubnetPoolPrefixUpdate"),
        ("PUT subnetpools/$SP", {"default_prefixlen": 4}, "400 IllegalSubnetPoolPrefixBounds"),
        ("PUT subnetpools/$SP", {"max_prefixlen": 33}, "400 IllegalSubnetPoolPrefixBounds"),
        ("PUT subnetpools/$SP", {"min_prefixlen": 30}, "400 IllegalSubnetPoolPrefixBounds"),
        ("POST subnetpools", {"name": "x", "prefixes": ["10.0.0.0/8", "2001:db8::/32"]}, "400 PrefixVersionMismatch"),
        ("POST subnetpools", {"name": "x", "prefixes": ["10.9.0.0/16"], "address_scope_id": "$AS"},
         "409 AddressScopePrefixConflict"),
        ("POST subnetpools", {"name": "x", "prefixes": ["2001:db8::/32"], "address_scope_id": "$AS"},
         "400 IllegalSubnetPoolIpVersionAssociationToAddressScope"),
        ("POST subnetpools", {"name": "x", "prefixes": ["10.9.0.0/16"], "address_scope_id": SMALL}, "404 AddressScopeNotFound"),
        ("POST subnetpools", {"name": "x", "prefixes": ["10.9.0.0/16"], "is_default": True}, MEMBER, "403 PolicyNotAuthorized"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "subnetpool_id": "$SP", "prefixlen": 33},
         "400 MaxPrefixSubnetAllocationError"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "subnetpool_id": "$SP", "prefixlen": 7},
         "400 MinPrefixSubnetAllocationError"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "subnetpool_id": "$SP", "cidr": "11.0.0.0/24"},
         "409 SubnetAllocationError"),
        ("POST subnets", {"network_id": "$N", "ip_version": 6, "subnetpool_id": "$SP"}, "400 BadRequest"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "subnetpool_id": SMALL}, "404 SubnetPoolNotFound"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "cidr": "192.0.2.0/24"}, "400 NetworkSubnetPoolAffinityError"),
        ("POST subnets", {"network_id": "$N", "ip_version": 4, "use_default_subnetpool": True}, "400 BadRequest"),
        ("GET subnetpools/$SP", OTHER, "404 SubnetPoolNotFound"),
        ("NO", "networks", {}, OTHER),
        ("POST subnets", {"network_id": "$NO", "ip_version": 4, "subnetpool_id": "$SP"}, OTHER, "404 SubnetPoolNotFound"),
        ("DELETE subnets/$S", 204), ("DELETE subnetpools/$SP", 204), ("DELETE address-scopes/$AS", 204),
    ],
    "RBAC policies": [
        NET, ("B", "rbac-policies", {"object_type": "network", "object_id": "$N", "action": "access_as_shared",
                                     "target_tenant": "B"}),
        ("POST rbac-policies", {"object_type": "network", "object_id": "$N", "action": "access_as_shared", "target_tenant": "B"},
         "409 DuplicateRbacPolicy"),
        ("POST rbac-policies", {"object_type": "network", "object_id": SMALL, "action": "access_as_shared", "target_tenant": "B"},
         "404 NetworkNotFound"),
        ("POST rbac-policies", {"object_type": "color", "object_id": "$N", "action": "access_as_shared", "target_tenant": "B"},
         "400 InvalidInput"),
        ("POST rbac-policies", {"object_type": "network", "object_id": "$N", "action": "x", "target_tenant": "C"},
         "400 InvalidActionForType"),
        ("POST rbac-policies", {"object_type": "network", "object_id": "$N", "action": "access_as_shared", "target_tenant": "*"},
         MEMBER, "403 PolicyNotAuthorized"),
        ("P", "ports", {"network_id": "$N"}, OTHER),
        ("DELETE rbac-policies/$B", "409 RbacPolicyInUse"), ("PUT rbac-policies/$B", {"target_tenant": "C"}, "409 RbacPolicyInUse"),
        ("DELETE rbac-policies/$B", OTHER, "404 RbacPolicyNotFound"), ("DELETE ports/$P", OTHER, 204),
        ("DELETE rbac-policies/$B", 204), ("GET rbac-policies/$B", "404 RbacPolicyNotFound"),
    ],
}

ACTION = re.compile(r"/(add|remove)_\w+$")
WATCHED = ("networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules", "address-groups",
           "address-scopes", "subnetpools", "rbac-policies")


def noun_at(path):
    """What a body for this path is to hold."""
    parts = path.split("/")
    return noun_of(parts[-1] if len(parts) % 2 else parts[-2])


class Scene:
    """Rows of one subject, on objects of its own."""

    def __init__(self, name):
        self.name, self.objects = name, {}

    def filled(self, x):
        if isinstance(x, dict):
            return {k: self.filled(v) for k, v in x.items()}
        if isinstance(x, list):
            return [self.filled(v) for v in x]
        return re.sub(r"\$(\w+)(?:\.(\w+))?", self.value, x) if isinstance(x, str) else x

    def value(self, m):
        o = self.objects[m[1]]
        return o["fixed_ips"][0]["ip_address"] if m[2] == "ip" else o[m[2] or "id"]

    def make(self, name, path, attrs, who=ADMIN):
        path = self.filled(path)
        answer = p("POST", path, {noun_at(path): self.filled(attrs)}, who)
        if not check(answer[0] == 201, f"{self.name}: {name} is made", answer):
            raise KeyError(name)
        self.objects[name] = answer[1][noun_at(path)]

    def look(self, name, query):
        collection = query.split("?")[0]
        self.objects[name] = p("GET", self.filled(query))[1][collection.replace("-", "_")][0]

    def row(self, row):
        expected, args = row[-1], list(row[1:-1])
        who = next((a for a in args if a in (ADMIN, MEMBER, OTHER)), ADMIN)
        body = next((a for a in args if not isinstance(a, str)), None)
        method, path = self.filled(row[0]).split(" ")
        body = self.filled(body)
        if body is not None and not ACTION.search(path):
            body = {noun_at(path): body}
        before = everything()
        answer = p(method, path, body, who)
        text = f"{self.name}: {row[0]} {'' if body is None else row[1]}{'' if who == ADMIN else f' ({who})'}: {expected}"
        check(kind_of(answer) == str(expected), text, answer)
        if answer[0] >= 400 and before and everything() != before:
            check(False, f"... and nothing has changed: {row}")

    def run(self, rows):
        for row in rows:
            try:
                if len(row) == 2 and str(row[1])[:1] == "?":
                    self.look(row[0], row[1][1:])
                elif " " in row[0]:
                    self.row(row)
                else:
                    self.make(*row)
            except (KeyError, IndexError) as e:
                check(False, f"{self.name}: {row[:2]} needs {e}")


def everything():
    return {w: sorted(p.list(w), key=lambda o: o["id"]) for w in WATCHED} if c else None


p, c = peer.start()
for name, rows in RULES.items():
    if not sys.argv[1:] or name in sys.argv[1:]:
        Scene(name).run(rows)
finish()
