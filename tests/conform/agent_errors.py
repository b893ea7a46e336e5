#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 6.1.1 Controller-to-switch messages: what is refused
# Spec: 6.1.3 Symmetric messages: what is refused
# Spec: 6.3.5 Multiple controllers: what a slave may not do
# Spec: 6.4 Flow table modification: errors
# Spec: 6.5 Group table modification: errors
# Spec: 6.6 Meter modification: errors
# Spec: 7.1 Header: version, type and length
# Spec: 7.3.2 Switch configuration: errors
# Spec: 7.3.3 Table configuration: errors
# Spec: 7.3.4.1 Modify flow entry: errors
# Spec: 7.3.4.2 Modify group entry: errors
# Spec: 7.3.4.3 Port modification: errors
# Spec: 7.3.4.4 Meter modification: errors
# Spec: 7.3.5 Multipart: types, parts and lengths that are refused
# Spec: 7.3.5.15 Experimenter multipart: errors
# Spec: 7.3.7 Packet-out: errors
# Spec: 7.3.9 Role request: errors
# Spec: 7.4.4 Error: type, code and the offending bytes
# Spec: 7.5.4 Experimenter: errors
# Spec: 7.2.4 Instructions: errors
# Spec: 7.2.5 Actions: errors
# Spec: EXT-230 Bundles: errors
"""What weft-switch refuses, and with which words of OpenFlow 1.3.5.

    this script --- unix --- weft-switch, ports 1 to 4

Each line of the tables below is a message and the error that the specification names for it.  The
answer must have that type and code, the message's xid and at least its first 64 bytes (7.4); and
flows, groups, meters, ports and configuration must be what they were before.  Names of errors are
os-ken's.
"""
import os
import socket
import struct
import sys

from os_ken.ofproto import ofproto_v1_3 as of

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

IP = oxm(5, b"\x08\x00")
ARP = oxm(5, b"\x08\x06")
UDP = oxm(10, b"\x11")
SET, PUSH_VLAN, POP_VLAN, SET_QUEUE = 25, 17, 18, 21


def action(type_, body=bytes(4), length=None):
    return struct.pack("!HH", type_, 4 + len(body) if length is None else length) + body


def set_field(o):
    body = struct.pack("!HH", SET, (4 + len(o) + 7) // 8 * 8) + o
    return pad8(body)


def inst(type_, body=bytes(4), length=None):
    return struct.pack("!HH", type_, 4 + len(body) if length is None else length) + body


def meter(n):
    return inst(6, u32(n))


def flow(*actions, match_=None, **kw):
    return flow_mod(match_, apply_(*actions), **kw)


def out(*actions, **kw):
    return packet_out(frame(), *actions, **kw)


# (what, error type, code, message type, body, {header fields})
REQUESTS = [
    ("version 5 after 4", "BAD_REQUEST", "OFPBRC_BAD_VERSION", FEATURES_REQUEST, b"", {"version": 5}),
    ("version 1 after 4", "BAD_REQUEST", "OFPBRC_BAD_VERSION", FEATURES_REQUEST, b"", {"version": 1}),
    ("message type 30", "BAD_REQUEST", "OFPBRC_BAD_TYPE", 30, b"", {}),
    ("message type 255", "BAD_REQUEST", "OFPBRC_BAD_TYPE", 255, bytes(100), {}),
    ("a switch's message: features reply", "BAD_REQUEST", "OFPBRC_BAD_TYPE", FEATURES_REPLY, bytes(24), {}),
    ("a switch's message: packet-in", "BAD_REQUEST", "OFPBRC_BAD_TYPE", PACKET_IN,
     struct.pack("!IHBBQ", NO_BUFFER, 0, 0, 0, 0) + match() + bytes(2), {}),
    ("a switch's message: barrier reply", "BAD_REQUEST", "OFPBRC_BAD_TYPE", BARRIER_REPLY, b"", {}),
    ("features request with a body", "BAD_REQUEST", "OFPBRC_BAD_LEN", FEATURES_REQUEST, bytes(4), {}),
    ("barrier request with a body", "BAD_REQUEST", "OFPBRC_BAD_LEN", BARRIER_REQUEST, bytes(8), {}),
    ("flow_mod cut short", "BAD_REQUEST", "OFPBRC_BAD_LEN", FLOW_MOD, flow_mod()[:30], {}),
    ("set_config cut short", "BAD_REQUEST", "OFPBRC_BAD_LEN", SET_CONFIG, bytes(2), {}),
    ("role request cut short", "BAD_REQUEST", "OFPBRC_BAD_LEN", ROLE_REQUEST, bytes(12), {}),
    ("set_async cut short", "BAD_REQUEST", "OFPBRC_BAD_LEN", SET_ASYNC, bytes(20), {}),
    ("multipart type 14", "BAD_REQUEST", "OFPBRC_BAD_MULTIPART", MULTIPART_REQUEST, multipart(14), {}),
    ("multipart type 0xfffe", "BAD_REQUEST", "OFPBRC_BAD_MULTIPART", MULTIPART_REQUEST, multipart(0xfffe), {}),
    ("a multipart's unknown experimenter", "BAD_REQUEST", "OFPBRC_BAD_EXPERIMENTER", MULTIPART_REQUEST,
     multipart(0xffff, struct.pack("!II", 0x123456, 1)), {}),
    ("a known experimenter's unknown multipart", "BAD_REQUEST", "OFPBRC_BAD_EXP_TYPE", MULTIPART_REQUEST,
     multipart(0xffff, struct.pack("!II", NICIRA, 99)), {}),
    ("a request in parts", "BAD_REQUEST", "OFPBRC_MULTIPART_BUFFER_OVERFLOW", MULTIPART_REQUEST,
     multipart(1, flow_request(), flags=1), {}),
    ("flow request cut short", "BAD_REQUEST", "OFPBRC_BAD_LEN", MULTIPART_REQUEST, multipart(1, flow_request()[:20]), {}),
    ("flows of table 254", "BAD_REQUEST", "OFPBRC_BAD_TABLE_ID", MULTIPART_REQUEST, multipart(1, flow_request(254)), {}),
    ("aggregate of table 254", "BAD_REQUEST", "OFPBRC_BAD_TABLE_ID", MULTIPART_REQUEST,
     multipart(2, flow_request(254)), {}),
    ("statistics of a port that is not there", "BAD_REQUEST", "OFPBRC_BAD_PORT", MULTIPART_REQUEST,
     multipart(4, u32(77) + bytes(4)), {}),
    ("queues of a port that is not there", "QUEUE_OP_FAILED", "OFPQOFC_BAD_PORT", MULTIPART_REQUEST,
     multipart(5, u32(77) + u32(ANY)), {}),
    ("a queue that is not there", "QUEUE_OP_FAILED", "OFPQOFC_BAD_QUEUE", MULTIPART_REQUEST,
     multipart(5, u32(1) + u32(3)), {}),
    ("queue configuration of no port", "QUEUE_OP_FAILED", "OFPQOFC_BAD_PORT", QUEUE_GET_CONFIG_REQUEST,
     u32(77) + bytes(4), {}),
    ("statistics of no meter", "METER_MOD_FAILED", "OFPMMFC_UNKNOWN_METER", MULTIPART_REQUEST,
     multipart(9, u32(77) + bytes(4)), {}),
    ("configuration of no meter", "METER_MOD_FAILED", "OFPMMFC_UNKNOWN_METER", MULTIPART_REQUEST,
     multipart(10, u32(77) + bytes(4)), {}),
    ("table features without properties", "TABLE_FEATURES_FAILED", "OFPTFFC_BAD_TYPE", MULTIPART_REQUEST,
     multipart(12, struct.pack("!HB5x32sQQII", 64, 0, b"x", 0, 0, 0, 10)), {}),
    ("an unknown experimenter", "BAD_REQUEST", "OFPBRC_BAD_EXPERIMENTER", EXPERIMENTER, struct.pack("!II", 0x123456, 1), {}),
    ("a known experimenter's unknown type", "BAD_REQUEST", "OFPBRC_BAD_EXP_TYPE", EXPERIMENTER,
     struct.pack("!II", NICIRA, 999), {}),
    ("Weft's unknown type", "BAD_REQUEST", "OFPBRC_BAD_EXP_TYPE", EXPERIMENTER, struct.pack("!II", WEFT, 999), {}),
    ("an unknown packet-in format", "BAD_REQUEST", "OFPBRC_EPERM", EXPERIMENTER, struct.pack("!III", NICIRA, 16, 3), {}),
    ("fragments both dropped and reassembled", "SWITCH_CONFIG_FAILED", "OFPSCFC_BAD_FLAGS", SET_CONFIG, struct.pack("!HH", 3, 128), {}),
    ("unknown configuration flags", "SWITCH_CONFIG_FAILED", "OFPSCFC_BAD_FLAGS", SET_CONFIG, struct.pack("!HH", 4, 128), {}),
    ("role 4", "ROLE_REQUEST_FAILED", "OFPRRFC_BAD_ROLE", ROLE_REQUEST, role(4), {}),
    ("table 254 configured", "TABLE_MOD_FAILED", "OFPTMFC_BAD_TABLE", TABLE_MOD, struct.pack("!B3xI", 254, 0), {}),
    ("a table's deprecated configuration", "TABLE_MOD_FAILED", "OFPTMFC_BAD_CONFIG", TABLE_MOD, struct.pack("!B3xI", 0, 1), {}),
    ("a table's unknown configuration", "TABLE_MOD_FAILED", "OFPTMFC_BAD_CONFIG", TABLE_MOD, struct.pack("!B3xI", 255, 8), {}),
]

PACKETS = [
    ("packet-out of a buffer", "BAD_REQUEST", "OFPBRC_BUFFER_UNKNOWN", PACKET_OUT, packet_out(b"", output(1), buffer_id=7), {}),
    ("packet-out from port 77", "BAD_REQUEST", "OFPBRC_BAD_PORT", PACKET_OUT, out(output(1), in_port_=77), {}),
    ("packet-out from ALL", "BAD_REQUEST", "OFPBRC_BAD_PORT", PACKET_OUT, out(output(1), in_port_=ALL), {}),
    ("packet-out of 13 bytes", "BAD_REQUEST", "OFPBRC_BAD_PACKET", PACKET_OUT, packet_out(bytes(13), output(1)), {}),
    ("packet-out to port 0", "BAD_ACTION", "OFPBAC_BAD_OUT_PORT", PACKET_OUT, out(output(0)), {}),
    ("packet-out to no group", "BAD_ACTION", "OFPBAC_BAD_OUT_GROUP", PACKET_OUT, out(group(77)), {}),
    ("packet-out, actions longer than the message", "BAD_REQUEST", "OFPBRC_BAD_LEN", PACKET_OUT,
     struct.pack("!IIH6x", NO_BUFFER, CONTROLLER, 400) + output(1), {}),
    ("packet-out, an action of length 4", "BAD_ACTION", "OFPBAC_BAD_LEN", PACKET_OUT,
     struct.pack("!IIH6x", NO_BUFFER, CONTROLLER, 8) + action(0, length=4) + frame(), {}),
]

FLOWS = [
    ("flow_mod command 5", "FLOW_MOD_FAILED", "OFPFMFC_BAD_COMMAND", FLOW_MOD, flow_mod(command=5), {}),
    ("flow_mod flags", "FLOW_MOD_FAILED", "OFPFMFC_BAD_FLAGS", FLOW_MOD, flow_mod(flags=0x20), {}),
    ("flow in table 254", "FLOW_MOD_FAILED", "OFPFMFC_BAD_TABLE_ID", FLOW_MOD, flow_mod(table=254), {}),
    ("flow in all tables", "FLOW_MOD_FAILED", "OFPFMFC_BAD_TABLE_ID", FLOW_MOD, flow_mod(table=255), {}),
    ("delete in table 254", "FLOW_MOD_FAILED", "OFPFMFC_BAD_TABLE_ID", FLOW_MOD, flow_mod(table=254, command=3), {}),
    ("flow that overlaps", "FLOW_MOD_FAILED", "OFPFMFC_OVERLAP", FLOW_MOD,
     flow_mod(match(in_port(1), IP), priority=7, flags=2), {}),
    ("flow for a buffer", "BAD_REQUEST", "OFPBRC_BUFFER_UNKNOWN", FLOW_MOD, flow_mod(buffer_id=3), {}),
    ("modify for a buffer", "BAD_REQUEST", "OFPBRC_BUFFER_UNKNOWN", FLOW_MOD, flow_mod(command=1, buffer_id=3), {}),
    # Matches
    ("match type 0", "BAD_MATCH", "OFPBMC_BAD_TYPE", FLOW_MOD, flow_mod(struct.pack("!HH4x", 0, 4)), {}),
    ("match of length 3", "BAD_MATCH", "OFPBMC_BAD_LEN", FLOW_MOD, flow_mod(struct.pack("!HH4x", 1, 3)), {}),
    ("match longer than the message", "BAD_MATCH", "OFPBMC_BAD_LEN", FLOW_MOD, flow_mod(struct.pack("!HH4x", 1, 400)), {}),
    ("an unknown field", "BAD_MATCH", "OFPBMC_BAD_FIELD", FLOW_MOD, flow_mod(match(oxm(60, bytes(4)))), {}),
    ("an unknown class", "BAD_MATCH", "OFPBMC_BAD_FIELD", FLOW_MOD, flow_mod(match(oxm(0, bytes(4), cls=0x7777))), {}),
    ("a field of wrong length", "BAD_MATCH", "OFPBMC_BAD_LEN", FLOW_MOD, flow_mod(match(oxm(0, bytes(2)))), {}),
    ("a field twice", "BAD_MATCH", "OFPBMC_DUP_FIELD", FLOW_MOD, flow_mod(match(in_port(1), in_port(2))), {}),
    ("ipv4_src without eth_type", "BAD_MATCH", "OFPBMC_BAD_PREREQ", FLOW_MOD, flow_mod(match(oxm(11, bytes(4)))), {}),
    ("udp_dst without ip_proto", "BAD_MATCH", "OFPBMC_BAD_PREREQ", FLOW_MOD, flow_mod(match(IP, oxm(16, bytes(2)))), {}),
    ("vlan_pcp without vlan_vid", "BAD_MATCH", "OFPBMC_BAD_PREREQ", FLOW_MOD, flow_mod(match(oxm(7, b"\1"))), {}),
    ("vlan_vid of 14 bits", "BAD_MATCH", "OFPBMC_BAD_VALUE", FLOW_MOD, flow_mod(match(oxm(6, b"\x20\0"))), {}),
    ("ip_dscp of 7 bits", "BAD_MATCH", "OFPBMC_BAD_VALUE", FLOW_MOD, flow_mod(match(IP, oxm(8, b"\x40"))), {}),
    ("a mask on in_port", "BAD_MATCH", "OFPBMC_BAD_MASK", FLOW_MOD, flow_mod(match(oxm(0, u32(1), u32(1)))), {}),
    ("a value outside of its mask", "BAD_MATCH", "OFPBMC_BAD_WILDCARDS", FLOW_MOD,
     flow_mod(match(IP, oxm(11, b"\1\2\3\4", b"\xff\xff\xff\0"))), {}),
    # Instructions
    ("instruction type 7", "BAD_INSTRUCTION", "OFPBIC_UNKNOWN_INST", FLOW_MOD, flow_mod(insts=inst(7)), {}),
    ("instruction of length 0", "BAD_INSTRUCTION", "OFPBIC_BAD_LEN", FLOW_MOD, flow_mod(insts=inst(1, length=0)), {}),
    ("goto of length 16", "BAD_INSTRUCTION", "OFPBIC_BAD_LEN", FLOW_MOD, flow_mod(insts=inst(1, b"\5" + bytes(11))), {}),
    ("an experimenter's instruction", "BAD_INSTRUCTION", "OFPBIC_BAD_EXPERIMENTER", FLOW_MOD,
     flow_mod(insts=inst(0xffff, u32(0x123456))), {}),
    ("goto backwards", "BAD_INSTRUCTION", "OFPBIC_BAD_TABLE_ID", FLOW_MOD, flow_mod(insts=goto(3), table=5), {}),
    ("goto the same table", "BAD_INSTRUCTION", "OFPBIC_BAD_TABLE_ID", FLOW_MOD, flow_mod(insts=goto(5), table=5), {}),
    ("goto table 254", "BAD_INSTRUCTION", "OFPBIC_BAD_TABLE_ID", FLOW_MOD, flow_mod(insts=goto(254)), {}),
    ("two gotos", "BAD_INSTRUCTION", "OFPBIC_UNSUP_INST", FLOW_MOD, flow_mod(insts=goto(5) + goto(6)), {}),
    ("an unknown meter", "METER_MOD_FAILED", "OFPMMFC_UNKNOWN_METER", FLOW_MOD, flow_mod(insts=meter(77)), {}),
    ("the controller's meter, in a flow", "METER_MOD_FAILED", "OFPMMFC_INVALID_METER", FLOW_MOD,
     flow_mod(insts=meter(0xfffffffe)), {}),
    ("meter 0, in a flow", "METER_MOD_FAILED", "OFPMMFC_INVALID_METER", FLOW_MOD, flow_mod(insts=meter(0)), {}),
    # Actions
    ("action type 9", "BAD_ACTION", "OFPBAC_BAD_TYPE", FLOW_MOD, flow(action(9)), {}),
    ("action of length 0", "BAD_ACTION", "OFPBAC_BAD_LEN", FLOW_MOD, flow(action(0, length=0)), {}),
    ("action of length 12", "BAD_ACTION", "OFPBAC_BAD_LEN", FLOW_MOD, flow(action(0, bytes(12), 12)), {}),
    ("an experimenter's action", "BAD_ACTION", "OFPBAC_BAD_EXPERIMENTER", FLOW_MOD, flow(action(0xffff, u32(0x123456))), {}),
    ("Nicira's unknown action", "BAD_ACTION", "OFPBAC_BAD_EXP_TYPE", FLOW_MOD,
     flow(action(0xffff, struct.pack("!IHHI", NICIRA, 999, 0, 0))), {}),
    ("Nicira's resubmit to table 254", "BAD_ACTION", "OFPBAC_BAD_ARGUMENT", FLOW_MOD,
     flow(action(0xffff, struct.pack("!IHHB3x", NICIRA, 14, 0xfff8, 254))), {}),
    ("output to port 0", "BAD_ACTION", "OFPBAC_BAD_OUT_PORT", FLOW_MOD, flow(output(0)), {}),
    ("output to ANY", "BAD_ACTION", "OFPBAC_BAD_OUT_PORT", FLOW_MOD, flow(output(ANY)), {}),
    ("output to port 0xffffff00", "BAD_ACTION", "OFPBAC_BAD_OUT_PORT", FLOW_MOD, flow(output(0xffffff00)), {}),
    ("output to TABLE in a flow", "BAD_ACTION", "OFPBAC_BAD_OUT_PORT", FLOW_MOD, flow(output(TABLE)), {}),
    ("max_len 0xfff0", "BAD_ACTION", "OFPBAC_BAD_ARGUMENT", FLOW_MOD, flow(output(CONTROLLER, 0xfff0)), {}),
    ("an unknown group", "BAD_ACTION", "OFPBAC_BAD_OUT_GROUP", FLOW_MOD, flow(group(77)), {}),
    ("a queue", "BAD_ACTION", "OFPBAC_BAD_QUEUE", FLOW_MOD, flow(action(SET_QUEUE, u32(1))), {}),
    ("push_vlan of ethertype 0x800", "BAD_ACTION", "OFPBAC_BAD_ARGUMENT", FLOW_MOD, flow(action(PUSH_VLAN, b"\x08\0\0\0")), {}),
    ("pop_vlan of untagged packets", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", FLOW_MOD,
     flow(action(POP_VLAN), match_=match(oxm(6, bytes(2)))), {}),
    ("set-field of in_port", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE", FLOW_MOD, flow(set_field(in_port(1))), {}),
    ("set-field of ipv6_exthdr", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE", FLOW_MOD, flow(set_field(oxm(39, bytes(2))), match_=match(oxm(5, b"\x86\xdd"))), {}),
    ("set-field of an unknown field", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE", FLOW_MOD, flow(set_field(oxm(60, bytes(4)))), {}),
    ("set-field of a field of wrong length", "BAD_ACTION", "OFPBAC_BAD_SET_LEN", FLOW_MOD,
     flow(set_field(oxm(11, bytes(2))), match_=match(IP)), {}),
    ("set-field of ip_dscp 64", "BAD_ACTION", "OFPBAC_BAD_SET_ARGUMENT", FLOW_MOD,
     flow(set_field(oxm(8, b"\x40")), match_=match(IP)), {}),
    ("set-field of IPv4 on ARP", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", FLOW_MOD,
     flow(set_field(oxm(11, bytes(4))), match_=match(ARP)), {}),
    ("set-field of udp_dst on any IP", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", FLOW_MOD,
     flow(set_field(oxm(16, bytes(2))), match_=match(IP)), {}),
    ("modify to what does not fit a flow", "BAD_ACTION", "OFPBAC_MATCH_INCONSISTENT", FLOW_MOD,
     flow_mod(insts=apply_(set_field(oxm(16, bytes(2)))), command=1), {}),
    ("a flow too long to be read back", "BAD_ACTION", "OFPBAC_TOO_MANY", FLOW_MOD, flow(*[output(1)] * 4070), {}),
]

GROUPS = [
    ("group command 3", "GROUP_MOD_FAILED", "OFPGMFC_BAD_COMMAND", GROUP_MOD, group_mod(3, 0, 50), {}),
    ("group type 4", "GROUP_MOD_FAILED", "OFPGMFC_BAD_TYPE", GROUP_MOD, group_mod(0, 4, 50), {}),
    ("group id ALL added", "GROUP_MOD_FAILED", "OFPGMFC_INVALID_GROUP", GROUP_MOD, group_mod(0, 0, 0xfffffffc), {}),
    ("a group that exists", "GROUP_MOD_FAILED", "OFPGMFC_GROUP_EXISTS", GROUP_MOD, group_mod(0, 0, 1), {}),
    ("a group that does not, modified", "GROUP_MOD_FAILED", "OFPGMFC_UNKNOWN_GROUP", GROUP_MOD, group_mod(1, 0, 77), {}),
    ("an indirect group of two buckets", "GROUP_MOD_FAILED", "OFPGMFC_INVALID_GROUP", GROUP_MOD,
     group_mod(0, 2, 50, bucket(output(1)), bucket(output(2))), {}),
    ("a weight in an ALL group", "GROUP_MOD_FAILED", "OFPGMFC_WEIGHT_UNSUPPORTED", GROUP_MOD,
     group_mod(0, 0, 50, bucket(output(1), weight=3)), {}),
    ("fast failover without a watch", "GROUP_MOD_FAILED", "OFPGMFC_BAD_WATCH", GROUP_MOD,
     group_mod(0, 3, 50, bucket(output(1))), {}),
    ("a watch in an ALL group", "GROUP_MOD_FAILED", "OFPGMFC_WATCH_UNSUPPORTED", GROUP_MOD,
     group_mod(0, 0, 50, bucket(output(1), watch_port=1)), {}),
    ("a group in itself", "GROUP_MOD_FAILED", "OFPGMFC_LOOP", GROUP_MOD, group_mod(0, 0, 50, bucket(group(50))), {}),
    ("a loop of two", "GROUP_MOD_FAILED", "OFPGMFC_LOOP", GROUP_MOD, group_mod(1, 0, 1, bucket(group(2))), {}),
    ("a bucket to no group", "BAD_ACTION", "OFPBAC_BAD_OUT_GROUP", GROUP_MOD, group_mod(0, 0, 50, bucket(group(77))), {}),
    ("a bucket to port 0", "BAD_ACTION", "OFPBAC_BAD_OUT_PORT", GROUP_MOD, group_mod(0, 0, 50, bucket(output(0))), {}),
    ("a bucket's unknown action", "BAD_ACTION", "OFPBAC_BAD_TYPE", GROUP_MOD, group_mod(0, 0, 50, bucket(action(9))), {}),
    ("a bucket of length 8", "GROUP_MOD_FAILED", "OFPGMFC_BAD_BUCKET", GROUP_MOD,
     group_mod(0, 0, 50, bucket(output(1), length=8)), {}),
    ("a group deleted that others forward to", "GROUP_MOD_FAILED", "OFPGMFC_CHAINED_GROUP", GROUP_MOD, group_mod(2, 0, 1), {}),
    ("too many buckets", "GROUP_MOD_FAILED", "OFPGMFC_OUT_OF_BUCKETS", GROUP_MOD, group_mod(0, 0, 50, *[bucket()] * 1100), {}),
    ("a group too long to be read back", "GROUP_MOD_FAILED", "OFPGMFC_OUT_OF_BUCKETS", GROUP_MOD,
     group_mod(0, 0, 50, *[bucket(*[output(1)] * 90)] * 44, bucket(*[output(1)] * 70)), {}),
]

METERS = [
    ("meter command 3", "METER_MOD_FAILED", "OFPMMFC_BAD_COMMAND", METER_MOD, meter_mod(3, 1, 50), {}),
    ("meter 0", "METER_MOD_FAILED", "OFPMMFC_INVALID_METER", METER_MOD, meter_mod(0, 1, 0, band()), {}),
    ("all meters, added", "METER_MOD_FAILED", "OFPMMFC_INVALID_METER", METER_MOD, meter_mod(0, 1, 0xffffffff, band()), {}),
    ("all meters, modified", "METER_MOD_FAILED", "OFPMMFC_INVALID_METER", METER_MOD, meter_mod(1, 1, 0xffffffff, band()), {}),
    ("a meter over OFPM_MAX", "METER_MOD_FAILED", "OFPMMFC_INVALID_METER", METER_MOD, meter_mod(0, 1, 0xffff0001, band()), {}),
    ("a remark band for the controller's meter", "METER_MOD_FAILED", "OFPMMFC_BAD_BAND", METER_MOD,
     meter_mod(0, 1, 0xfffffffe, band(10, 0, 2)), {}),
    ("the slow path's meter, not there, modified", "METER_MOD_FAILED", "OFPMMFC_UNKNOWN_METER", METER_MOD,
     meter_mod(1, 1, 0xfffffffd, band()), {}),
    ("a meter that exists", "METER_MOD_FAILED", "OFPMMFC_METER_EXISTS", METER_MOD, meter_mod(0, 1, 1, band()), {}),
    ("a meter that does not, modified", "METER_MOD_FAILED", "OFPMMFC_UNKNOWN_METER", METER_MOD, meter_mod(1, 1, 77, band()), {}),
    ("kb/s and packets/s", "METER_MOD_FAILED", "OFPMMFC_BAD_FLAGS", METER_MOD, meter_mod(0, 3, 50, band()), {}),
    ("unknown meter flags", "METER_MOD_FAILED", "OFPMMFC_BAD_FLAGS", METER_MOD, meter_mod(0, 0x11, 50, band()), {}),
    ("a rate of 0", "METER_MOD_FAILED", "OFPMMFC_BAD_RATE", METER_MOD, meter_mod(0, 1, 50, band(0)), {}),
    ("an experimenter's band", "METER_MOD_FAILED", "OFPMMFC_BAD_BAND", METER_MOD, meter_mod(0, 1, 50, band(10, 0, 0xffff)), {}),
    ("band type 9", "METER_MOD_FAILED", "OFPMMFC_BAD_BAND", METER_MOD, meter_mod(0, 1, 50, band(10, 0, 9)), {}),
    ("too many bands", "METER_MOD_FAILED", "OFPMMFC_OUT_OF_BANDS", METER_MOD, meter_mod(0, 1, 50, *[band()] * 17), {}),
]



def state(c):
    """Everything that a message could have changed, counters and times left out."""
    flows = [(f["table"], f["priority"], f["idle"], f["hard"], f["flags"], f["cookie"], f["rest"])
             for f in map(flow_fields, split(c.parts(1, flow_request())))]
    return (flows, c.parts(7), c.parts(10, u32(0xffffffff) + bytes(4)), c.parts(13),
            c.ask(GET_CONFIG_REQUEST)[2], c.ask(ROLE_REQUEST, role(0))[2], c.ask(GET_ASYNC_REQUEST)[2])


def refused(check, c, what, type_, code, kind, body, head, watch=None):
    """One row; 'watch' looks at the state, where 'c' may be closed."""
    watch = watch or c
    before = state(watch)
    xid = c.send(kind, body, **head)
    sent = msg(kind, body, xid, **head)
    c.barrier()
    m = next((e for e in c.events if e[1] == xid), None)
    c.events.clear()
    want = (getattr(of, "OFPET_" + type_), getattr(of, code))
    if m is None or m[0] != ERROR:
        return check(what, False, f"answered by type {m[0]}" if m else "not refused")
    got, data = struct.unpack_from("!HH", m[2]), m[2][4:]
    if got != want:
        return check(what, False, f"error {got}, not {want}")
    if data[:64] != sent[:64]:
        return check(what, False, f"data {data[:64].hex()}")
    return check(what, state(watch) == before, "something has changed")


def setup(c):
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(1)), bucket(output(2))))
    c.do(GROUP_MOD, group_mod(0, 2, 2, bucket(group(1))))
    c.do(METER_MOD, meter_mod(0, 1, 1, band()))
    c.do(FLOW_MOD, flow(output(2), match_=match(in_port(1)), priority=7, cookie=1))
    c.do(FLOW_MOD, flow(group(2), match_=match(IP), table=3, cookie=2))
    c.do(FLOW_MOD, flow_mod(match(ARP), meter(1) + goto(9), table=5, cookie=3))


def ports(check, c):
    mac = c.parts(13)[8:14]
    bad = bytes(5) + b"\1"
    for row in [("no such port", "OFPPMFC_BAD_PORT", 77, mac, 0, 0, 0), ("another address", "OFPPMFC_BAD_HW_ADDR", 1, bad, 0, 0, 0),
                ("unknown configuration", "OFPPMFC_BAD_CONFIG", 1, mac, 0x10, 0x10, 0),
                ("other features", "OFPPMFC_BAD_ADVERTISE", 1, mac, 0, 0, 1)]:
        refused(check, c, "port_mod: " + row[0], "PORT_MOD_FAILED", row[1], PORT_MOD, port_mod(*row[2:]), {})


def bundle_error(check, c, what, code, kind, body):
    """ONF's errors: type 0xffff, the code, ONF's id, then what was refused."""
    before = state(c)
    xid = c.send(kind, body)
    m = c.answer(xid)
    sent = msg(kind, body, xid)
    good = m[0] == ERROR and struct.unpack_from("!HHI", m[2]) == (0xffff, code, ONF) and m[2][8:72] == sent[:64]
    check("bundle: " + what, good and state(c) == before, f"type {m[0]}, {m[2][:8].hex()}")


def bundles(check, c):
    def ctrl(b, t, flags=3):
        return EXPERIMENTER, bundle_ctrl(b, t, flags)

    def add(b, inner, flags=3):
        return EXPERIMENTER, bundle_add(b, inner, flags)

    def ok(b, t, flags=3):
        m = c.ask(EXPERIMENTER, bundle_ctrl(b, t, flags))
        assert m[0] == EXPERIMENTER and struct.unpack_from("!IIIHH", m[2]) == (ONF, 2300, b, t + 1, flags), m

    def put(b, type_, body, flags=3):
        """Adds what is accepted."""
        xid = c.xid + 1
        c.send(EXPERIMENTER, bundle_add(b, msg(type_, body, xid), flags))
        c.barrier()
        assert not [e for e in c.events if e[1] == xid]

    def inner(type_, body):
        return msg(type_, body, c.xid + 8)  # see below: state() takes seven requests

    fm = flow(output(1), table=20)
    bundle_error(check, c, "commit of none", 2302, *ctrl(9, 4))
    bundle_error(check, c, "close of none", 2302, *ctrl(9, 2))
    bundle_error(check, c, "discard of none", 2302, *ctrl(9, 6))
    bundle_error(check, c, "type 8", 2306, *ctrl(9, 8))
    bundle_error(check, c, "a reply for a request", 2306, *ctrl(9, 1))
    bundle_error(check, c, "unknown flags", 2307, *ctrl(9, 0, 0x10))
    ok(1, 0)
    bundle_error(check, c, "opened twice", 2303, *ctrl(1, 0))
    bundle_error(check, c, "... which ends it", 2302, *ctrl(1, 4))
    ok(1, 0)
    ok(1, 2)
    bundle_error(check, c, "closed twice", 2304, *ctrl(1, 2))
    ok(1, 0)
    bundle_error(check, c, "other flags", 2307, *ctrl(1, 2, 1))
    ok(1, 0)
    ok(1, 2)
    bundle_error(check, c, "added to when closed", 2304, *add(1, inner(FLOW_MOD, fm)))
    ok(1, 0)
    bundle_error(check, c, "added to with other flags", 2307, *add(1, inner(FLOW_MOD, fm), 1))
    ok(1, 0)
    bundle_error(check, c, "a message with another xid", 2309, *add(1, msg(FLOW_MOD, fm, 5)))
    bundle_error(check, c, "... is not committed without it", 2313, *ctrl(1, 4))
    for what, code, kind, body in [("set_config", 2310, SET_CONFIG, bytes(4)), ("a role request", 2310, ROLE_REQUEST, role(0)),
                                   ("barrier", 2310, BARRIER_REQUEST, b""), ("echo", 2310, ECHO_REQUEST, b"")]:
        ok(1, 0)
        xid = c.xid + 1
        m = c.ask(EXPERIMENTER, bundle_add(1, msg(kind, body, xid)))
        check(f"bundle: {what} in it", m[0] == ERROR and struct.unpack_from("!HHI", m[2]) == (0xffff, code, ONF), m[2][:8].hex())
        ok(1, 6)
    ok(1, 0)
    xid = c.xid + 1
    m = c.ask(EXPERIMENTER, bundle_add(1, msg(FLOW_MOD, flow(action(9)), xid)))
    check("bundle: a message that is refused when it comes, by its own error",
          m[0] == ERROR and struct.unpack_from("!HH", m[2]) == (of.OFPET_BAD_ACTION, of.OFPBAC_BAD_TYPE), m[2][:4].hex())
    bundle_error(check, c, "... is not committed without it", 2313, *ctrl(1, 4))
    m = c.ask(EXPERIMENTER, bundle_add(1, msg(FLOW_MOD, fm, c.xid + 1, length=400)))
    check("bundle: a message longer than its envelope",
          m[0] == ERROR and struct.unpack_from("!HHI", m[2]) == (0xffff, 2308, ONF), m[2][:8].hex())
    bundle_error(check, c, "... which has opened its bundle, and is not committed without it", 2313, *ctrl(1, 4))

    # A bad one in the middle: its own error, then the bundle's; nothing is changed.
    before = state(c)
    ok(3, 0)
    put(3, GROUP_MOD, group_mod(0, 0, 40, bucket(output(1))))
    put(3, METER_MOD, meter_mod(1, 1, 1, band(99)))
    put(3, METER_MOD, meter_mod(0, 1, 40, band()))
    put(3, FLOW_MOD, flow(group(40), table=30))
    put(3, GROUP_MOD, group_mod(1, 0, 1, bucket(output(3))))
    put(3, GROUP_MOD, group_mod(2, 0, 2))
    put(3, FLOW_MOD, flow_mod(command=3, table=255))
    bad = c.xid + 1
    put(3, FLOW_MOD, flow(group(77), table=30))
    put(3, FLOW_MOD, flow(output(1), table=31))
    c.events.clear()
    m = c.ask(EXPERIMENTER, bundle_ctrl(3, 4))
    check("bundle: the commit fails", m[0] == ERROR and struct.unpack_from("!HHI", m[2]) == (0xffff, 2313, ONF))
    own = [e for e in c.events if e[0] == ERROR and e[1] == bad]
    check("... after the error of the message that failed, with its xid", len(own) == 1 and struct.unpack_from("!HH", own[0][2]) ==
          (of.OFPET_BAD_ACTION, of.OFPBAC_BAD_OUT_GROUP))
    check("... and flows, groups and meters are as they were", state(c) == before)
    check("... also for a while later", state(c) == before)
    # The same without the bad one.
    ok(3, 0)
    put(3, GROUP_MOD, group_mod(0, 0, 40, bucket(output(1))))
    put(3, METER_MOD, meter_mod(0, 1, 40, band()))
    put(3, FLOW_MOD, flow(group(40), table=30))
    ok(3, 4)
    after = state(c)
    check("bundle: a good one is done whole", len(after[0]) == len(before[0]) + 1 and after[1] != before[1] and after[2] != before[2])
    c.do(GROUP_MOD, group_mod(2, 0, 40))
    c.do(METER_MOD, meter_mod(2, 1, 40))
    check("... and undone by hand", state(c) == before)
    for i in range(64):
        ok(100 + i, 0)
    bundle_error(check, c, "the 65th", 2305, *ctrl(900, 0))
    for i in range(64):
        ok(100 + i, 6)


def roles(check, sw, c):
    other = sw.open()
    c.do(ROLE_REQUEST, role(2, 100))
    refused(check, other, "a stale generation", "ROLE_REQUEST_FAILED", "OFPRRFC_STALE", ROLE_REQUEST, role(2, 99), {}, c)
    refused(check, other, "a stale generation, as slave", "ROLE_REQUEST_FAILED", "OFPRRFC_STALE", ROLE_REQUEST, role(3, 99), {}, c)
    other.do(ROLE_REQUEST, role(3, 100))
    for what, kind, body in [("flow_mod", FLOW_MOD, flow_mod()), ("group_mod", GROUP_MOD, group_mod(0, 0, 60)),
                             ("meter_mod", METER_MOD, meter_mod(0, 1, 60, band())), ("port_mod", PORT_MOD, port_mod(1, bytes(6), 0, 0)),
                             ("table_mod", TABLE_MOD, struct.pack("!B3xI", 0, 0)), ("packet_out", PACKET_OUT, out(output(1))),
                             ("set_config of fragments", SET_CONFIG, struct.pack("!HH", 1, 128)),
                             ("table features", MULTIPART_REQUEST, multipart(12, struct.pack("!HB5x32sQQII", 64, 0, b"x", 0, 0, 0, 10))),
                             ("bundle", EXPERIMENTER, bundle_ctrl(1, 0))]:
        refused(check, other, "a slave's " + what, "BAD_REQUEST", "OFPBRC_IS_SLAVE", kind, body, {}, c)
    other.do(SET_CONFIG, struct.pack("!HH", 0, 77))
    check("a slave sets its own miss_send_len", other.ask(GET_CONFIG_REQUEST)[2] == struct.pack("!HH", 0, 77))
    check("a slave reads", other.parts(7) == c.parts(7))
    other.close()
    c.do(ROLE_REQUEST, role(1))


def hellos(check, sw):
    c = Channel(sw.listen, hello=False)
    c.s.sendall(msg(HELLO, version=1, xid=9))
    got = []
    try:
        while True:
            got.append(c.recv(3))
            if got[-1] is None:
                break
    except EOFError:
        got.append("closed")
    errors = [m for m in got if m and m != "closed" and m[0] == ERROR]
    check("hello of 1.0 alone: HELLO_FAILED, INCOMPATIBLE, and closed",
          errors and struct.unpack_from("!HH", errors[0][2]) == (0, 0) and got[-1] == "closed", got)
    c.close()
    c = Channel(sw.listen, hello=False)
    c.s.sendall(msg(HELLO, struct.pack("!HHI", 1, 8, 1 << 4 | 1 << 6), version=6))
    check("hello of 1.5 with 1.3 in its bitmap is taken", c.ask(FEATURES_REQUEST)[0] == FEATURES_REPLY)
    payload = bytes(range(200))
    m = c.ask(ECHO_REQUEST, payload)
    check("an echo comes back as it was", m[0] == ECHO_REPLY and m[2] == payload)
    c.send(ECHO_REPLY, b"late")
    c.send(ERROR, struct.pack("!HH", 1, 1) + bytes(64))
    c.barrier()
    check("neither an echo reply nor an error is answered", not [e for e in c.events if e[0] == ERROR])
    xid = c.send(FEATURES_REQUEST, b"", length=4)
    m = c.answer(xid)
    check("a length of 4: BAD_LEN", m[0] == ERROR and struct.unpack_from("!HH", m[2]) == (of.OFPET_BAD_REQUEST, of.OFPBRC_BAD_LEN))
    try:
        closed = c.recv(3) is None and False
    except (EOFError, socket.error):
        closed = True
    check("... and the connection is over, for there is no next message", closed)
    c.close()


def accepted(check, c):
    """What looks like it might be refused, and is not."""
    for what, kind, body in [("delete in all tables", FLOW_MOD, flow_mod(command=3, table=255, cookie=99, cookie_mask=2**64 - 1)),
                             ("a delete of no group", GROUP_MOD, group_mod(2, 0, 77)), ("a delete of no meter", METER_MOD, meter_mod(2, 1, 77)),
                             ("table_mod that sets nothing", TABLE_MOD, struct.pack("!B3xI", 255, 0)),
                             ("the standard packet-in format", EXPERIMENTER, struct.pack("!III", NICIRA, 16, 0)),
                             ("modify of no flow", FLOW_MOD, flow_mod(match(in_port(99)), apply_(output(1)), command=1))]:
        before = state(c)
        c.do(kind, body)
        check(what + " is no error, and changes nothing", state(c) == before)


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        setup(c)
        for row in REQUESTS + PACKETS + FLOWS + GROUPS + METERS:
            refused(check, c, *row)
        ports(check, c)
        bundles(check, c)
        roles(check, sw, c)
        accepted(check, c)
        hellos(check, sw)
        small = Switch("--max-flows", "2", ports=0, name="small")
        try:
            d = small.open()
            d.do(FLOW_MOD, flow_mod(match(in_port(1))))
            d.do(FLOW_MOD, flow_mod(match(in_port(2))))
            refused(check, d, "a third flow of two", "FLOW_MOD_FAILED", "OFPFMFC_TABLE_FULL", FLOW_MOD, flow_mod(match(in_port(3))), {})
            d.close()
        finally:
            small.stop()
        check("the switch is well", sw.alive())
        c.close()
    finally:
        sw.stop()


run(test)
