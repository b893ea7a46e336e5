#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.1.1 Padding: any value is accepted
# Spec: 7.1 Header: every version, type and length
# Spec: 7.2.3.1 Match: every length
# Spec: 7.2.4 Instructions: every length, type and reference
# Spec: 7.2.5 Actions: every length, type and reference
# Spec: 7.3.4.1 Modify flow entry: every length, command, flag and reference
# Spec: 7.3.4.2 Modify group entry: every length, command, type and reference
# Spec: 7.3.4.3 Port modification: every length and reference
# Spec: 7.3.4.4 Modify meter: every length, command, flag and reference
# Spec: 7.3.5 Multipart: every type, length and reference
# Spec: 7.4.4 Error: the offending message's first bytes, for all of these
"""Every message with everything wrong that can be wrong, one thing at a time.

    this script --- unix --- weft-switch, ports 1 to 4

Messages are described by their parts (lib/bad_messages.py); each is cut off at every byte, each of
its lengths is made too small and too large, types and references are wrong, padding is not zero.
The answer must be the one error that the specification names, with the message's xid and at least
64 of its bytes, and the session goes on.  Flows, groups, meters, ports, tables and configuration are compared
after each hundred, and one by one where they differ.  OFPT_ERROR's names are os-ken's.
"""
import os
import socket
import struct
import sys

from os_ken.ofproto import ofproto_v1_3 as of

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../sys/lib"), os.path.join(HERE, "lib")]
from of13 import *  # noqa: E402,F403
import bad_messages as bad  # noqa: E402
from bad_messages import ACTION_LEN, BUCKET, INST_LEN, LEN, MATCH_LEN, TABLE_LEN, Part  # noqa: E402

LOCAL, NORMAL, MAX = 0xfffffffe, 0xfffffffa, 0xffffff00
BATCH = 100


def req(code):
    return "BAD_REQUEST/OFPBRC_" + code


def act(code):
    return "BAD_ACTION/OFPBAC_" + code


# ---- The parts of messages ----

def a_match(*oxms):
    b = match(*oxms)
    n = struct.unpack_from("!H", b, 2)[0]
    return Part("match", b, MATCH_LEN, {2: MATCH_LEN}, [(n, len(b) - n)] if len(b) > n else [],
                [(0, 2, t, "BAD_MATCH/OFPBMC_BAD_TYPE") for t in (0, 2, 0x7fff, 0xffff)])


def an_action(name, b, pads=(), values=()):
    return Part(name, b, ACTION_LEN, {2: ACTION_LEN}, pads, [*values, *((0, 2, t, act("BAD_TYPE")) for t in (1, 10, 13, 14, 28, 0x7fff))])


def actions():
    bad_ports = [(4, 4, p, act("BAD_OUT_PORT")) for p in (0, TABLE, MAX + 1, 0xfffffff7, ANY)]
    yield an_action("output", output(2), [(10, 6)], [*bad_ports, (8, 2, 0, None)])
    yield an_action("output to the controller", output(CONTROLLER, 128), [(10, 6)], [(8, 2, n, act("BAD_ARGUMENT")) for n in (0xffe6, 0xfffe)])
    yield an_action("group", group(1), [], [(4, 4, n, act("BAD_OUT_GROUP")) for n in (77, 0xffffff01, 0xfffffffc, ANY)])
    yield an_action("set_queue", struct.pack("!HHI", 21, 8, 1), [], [(4, 4, n, act("BAD_QUEUE")) for n in (2, 0xfffffffe, 0xffffffff)])
    for t, name in ((11, "copy_ttl_out"), (12, "copy_ttl_in"), (16, "dec_mpls_ttl"), (24, "dec_nw_ttl"), (18, "pop_vlan"), (27, "pop_pbb")):
        yield an_action(name, struct.pack("!HH4x", t, 8), [(4, 4)])
    for t, name in ((15, "set_mpls_ttl"), (23, "set_nw_ttl")):
        yield an_action(name, struct.pack("!HHB3x", t, 8, 9), [(5, 3)])
    for t, name, ether in ((17, "push_vlan", 0x8100), (19, "push_mpls", 0x8847), (26, "push_pbb", 0x88e7)):
        yield an_action(name, struct.pack("!HHHxx", t, 8, ether), [(6, 2)], [(4, 2, e, act("BAD_ARGUMENT")) for e in (0, 0x800, 0xffff)])
    yield an_action("set_field", struct.pack("!HH", 25, 16) + oxm(3, bytes(6)) + bytes(2), [(14, 2)],
                    [(4, 2, 0x7777, act("BAD_SET_TYPE")), (6, 1, 60 << 1, act("BAD_SET_TYPE")), (6, 1, 3 << 1 | 1, act("BAD_SET_LEN")),
                     (7, 1, 0, act("BAD_SET_LEN")), (7, 1, 5, act("BAD_SET_LEN")), (7, 1, 7, act("BAD_SET_LEN")), (7, 1, 255, act("BAD_SET_LEN"))])
    yield an_action("experimenter's", struct.pack("!HHIHHHBx", 0xffff, 16, NICIRA, 20, 128, 0, 0), [(15, 1)],
                    [(4, 4, 0x123456, act("BAD_EXPERIMENTER")), (4, 4, 0, act("BAD_EXPERIMENTER")),
                     *((8, 2, n, act("BAD_EXP_TYPE")) for n in (0, 999, 0xffff))])


def instructions():
    def inst(name, b, pads=(), values=(), inner=()):
        return Part(name, [b, *inner] if inner else b, INST_LEN, {2: INST_LEN}, pads,
                    [*values, *((0, 2, t, "BAD_INSTRUCTION/OFPBIC_UNKNOWN_INST") for t in (0, 7, 0x7fff))], True, not inner)
    yield inst("goto_table", goto(9), [(5, 3)], [(4, 1, t, "BAD_INSTRUCTION/OFPBIC_BAD_TABLE_ID") for t in (0, 5, 254, 255)])
    yield inst("write_metadata", struct.pack("!HH4xQQ", 2, 24, 1, 3), [(4, 4)])
    yield inst("clear_actions", struct.pack("!HH4x", 5, 8), [(4, 4)])
    yield inst("meter", struct.pack("!HHI", 6, 8, 1), [], [
        (4, 4, 77, "METER_MOD_FAILED/OFPMMFC_UNKNOWN_METER"),
        *((4, 4, n, "METER_MOD_FAILED/OFPMMFC_INVALID_METER") for n in (0, 0xffff0001, 0xfffffffd, 0xfffffffe, ANY))])
    for t in (3, 4):
        for a in actions():
            n = 8 + len(a.bytes())
            yield inst(f"{'write' if t == 3 else 'apply'}_actions", struct.pack("!HH4x", t, n), [(4, 4)], [], [a])


def flow_mods():
    head = struct.pack("!QQBBHHHIIIHxx", 5, 0, 5, 0, 0, 0, 50, NO_BUFFER, ANY, ANY, 0)
    values = [(16, 1, 254, "FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID"), (16, 1, 255, "FLOW_MOD_FAILED/OFPFMFC_BAD_TABLE_ID"),
              *((17, 1, c, "FLOW_MOD_FAILED/OFPFMFC_BAD_COMMAND") for c in (5, 6, 128, 255)),
              *((24, 4, b, req("BUFFER_UNKNOWN")) for b in (0, 7, 0xfffffffe)),
              *((36, 2, f, "FLOW_MOD_FAILED/OFPFMFC_BAD_FLAGS") for f in (0x20, 0x8000, 0xffff))]
    first = True
    for i in instructions():
        a = i.parts[0].name if i.parts else ""
        ip = [oxm(5, b"\x08\0")] if a in ("dec_nw_ttl", "set_nw_ttl", "copy_ttl_out", "copy_ttl_in", "experimenter's") else []
        if "mpls_ttl" in a or "copy_ttl" in a:
            ip = [oxm(5, b"\x88\x47")]
        if a == "pop_vlan":
            ip = [oxm(6, b"\x10\0", b"\x10\0")]
        if a == "pop_pbb":
            ip = [oxm(5, b"\x88\xe7")]
        m = a_match(in_port(1), *ip)
        m.whole = False
        if not first:
            m.values, m.lens = [], {}
        yield f"flow_mod, {i.name} {a}", FLOW_MOD, [Part("fixed part", head, LEN, values=values if first else ()), m, i], False
        first = False
    for command in (1, 2, 3, 4):
        yield (f"flow_mod command {command}", FLOW_MOD,
               [Part("fixed part", head[:17] + bytes([command]) + head[18:], LEN), a_match(in_port(77))], False)


def groups():
    def a_bucket(b, watch, *inner):
        n = 16 + sum(len(p.bytes()) for p in inner)
        # A port that is not there is one that is down: the bucket is dead until it comes.
        values = [(4, 4, 77, None), *((4, 4, p, "GROUP_MOD_FAILED/OFPGMFC_BAD_WATCH") for p in (0, 0xfffffff8))] if watch else []
        values += [(8, 4, g, "GROUP_MOD_FAILED/OFPGMFC_BAD_WATCH") for g in (77, 0xfffffffc)] if watch else []
        return Part(f"bucket {b}", [struct.pack("!HHII4x", n, 0, 1 if watch else ANY, ANY), *inner], BUCKET, {0: BUCKET}, [(12, 4)], values, True, False)
    a = list(actions())
    for type_, name in ((0, "all"), (2, "indirect"), (3, "fast failover")):
        for act_ in a if type_ == 2 else a[:1]:
            head = struct.pack("!HBxI", 0, type_, 50)
            values = [*((0, 2, c, "GROUP_MOD_FAILED/OFPGMFC_BAD_COMMAND") for c in (3, 6, 0x7fff, 0xffff)),
                      *((2, 1, t, "GROUP_MOD_FAILED/OFPGMFC_BAD_TYPE") for t in (4, 127, 128, 255)),
                      *((4, 4, g, "GROUP_MOD_FAILED/OFPGMFC_INVALID_GROUP") for g in (0xffffff01, 0xfffffffc, ANY)),
                      (4, 4, 1, "GROUP_MOD_FAILED/OFPGMFC_GROUP_EXISTS")] if act_ is a[0] else ()
            b = a_bucket(1, type_ == 3, act_)
            yield f"group_mod, {name}, {act_.name}", GROUP_MOD, [Part("fixed part", head, LEN, pads=[(3, 1)], values=values), b], False
    yield ("group_mod modify", GROUP_MOD, [Part("fixed part", struct.pack("!HBxI", 1, 0, 1), LEN, values=[
        (4, 4, 77, "GROUP_MOD_FAILED/OFPGMFC_UNKNOWN_GROUP")])], False)


def meters():
    def a_band(type_, pads, values=()):
        return Part(f"band {type_}", struct.pack("!HHIIB3x", type_, 16, 10, 0, 1 if type_ == 2 else 0), LEN, {2: LEN}, [pads],
                    [*((0, 2, t, "METER_MOD_FAILED/OFPMMFC_BAD_BAND") for t in (0, 3, 9, 0x7fff)),
                     (4, 4, 0, "METER_MOD_FAILED/OFPMMFC_BAD_RATE"), *values], True)
    head = struct.pack("!HHI", 0, 1, 50)
    values = [*((0, 2, c, "METER_MOD_FAILED/OFPMMFC_BAD_COMMAND") for c in (3, 0x7fff, 0xffff)),
              *((2, 2, f, "METER_MOD_FAILED/OFPMMFC_BAD_FLAGS") for f in (3, 0x10, 0xffff)),
              *((4, 4, n, "METER_MOD_FAILED/OFPMMFC_INVALID_METER") for n in (0, 0xffff0001, ANY)),
              (4, 4, 1, "METER_MOD_FAILED/OFPMMFC_METER_EXISTS")]
    yield "meter_mod, drop", METER_MOD, [Part("fixed part", head, LEN, values=values), a_band(1, (12, 4))], False
    yield "meter_mod, dscp_remark", METER_MOD, [Part("fixed part", head, LEN), a_band(2, (13, 3))], False
    yield ("meter_mod modify", METER_MOD, [Part("fixed part", struct.pack("!HHI", 1, 1, 1), LEN, values=[
        (4, 4, 77, "METER_MOD_FAILED/OFPMMFC_UNKNOWN_METER")]), a_band(1, (12, 4))], False)


def requests(mac):
    def mp(type_, body=b"", pads=(), values=(), **kw):
        return Part("request", multipart(type_, body), LEN, pads=[(4, 4), *pads], values=values, **kw)
    for t, name in ((FEATURES_REQUEST, "features"), (GET_CONFIG_REQUEST, "get_config"), (BARRIER_REQUEST, "barrier"), (GET_ASYNC_REQUEST, "get_async")):
        yield name, t, [], True
    yield "set_config", SET_CONFIG, [Part("it", struct.pack("!HH", 0, 128), LEN, values=[
        (0, 2, f, "SWITCH_CONFIG_FAILED/OFPSCFC_BAD_FLAGS") for f in (3, 4, 8, 0xffff)])], True
    yield "role_request", ROLE_REQUEST, [Part("it", role(0), LEN, pads=[(4, 4)], values=[
        (0, 4, r, "ROLE_REQUEST_FAILED/OFPRRFC_BAD_ROLE") for r in (4, 255, ANY)])], True
    yield "set_async", SET_ASYNC, [Part("it", async_((7, 0), (7, 7), (15, 0)), LEN)], True
    yield "port_mod", PORT_MOD, [Part("it", struct.pack("!I4x6s2xIII4x", 1, mac, 0, 0, 0), LEN, pads=[(4, 4), (14, 2), (28, 4)], values=[
        *((0, 4, p, "PORT_MOD_FAILED/OFPPMFC_BAD_PORT") for p in (0, 77, MAX, ALL, CONTROLLER, LOCAL, ANY)),
        (8, 4, 0x01020304, "PORT_MOD_FAILED/OFPPMFC_BAD_HW_ADDR"),
        (24, 4, 1, "PORT_MOD_FAILED/OFPPMFC_BAD_ADVERTISE")])], True
    yield "table_mod", TABLE_MOD, [Part("it", struct.pack("!B3xI", 0, 0), LEN, pads=[(1, 3)], values=[
        (0, 1, 254, "TABLE_MOD_FAILED/OFPTMFC_BAD_TABLE"), *((4, 4, c, "TABLE_MOD_FAILED/OFPTMFC_BAD_CONFIG") for c in (1, 2, 3, 4, 0x80000000))])], True
    yield "queue_get_config", QUEUE_GET_CONFIG_REQUEST, [Part("it", u32(1) + bytes(4), LEN, pads=[(4, 4)], values=[
        (0, 4, p, "QUEUE_OP_FAILED/OFPQOFC_BAD_PORT") for p in (0, 77, MAX + 1, CONTROLLER, ALL)])], True
    for t, name in ((0, "desc"), (3, "table"), (7, "group desc"), (8, "group features"), (11, "meter features"), (13, "port desc")):
        yield f"multipart {name}", MULTIPART_REQUEST, [mp(t, values=[
            *((0, 2, n, req("BAD_MULTIPART")) for n in (14, 15, 17, 255, 0x7fff, 0xfffe)), (2, 2, 1, req("MULTIPART_BUFFER_OVERFLOW"))])], True
    for t, name in ((1, "flow"), (2, "aggregate")):
        yield f"multipart {name}", MULTIPART_REQUEST, [
            mp(t, flow_request(match_=b" ")[:-1], [(9, 3), (20, 4)], [(8, 1, 254, req("BAD_TABLE_ID"))]), a_match(in_port(1))], False
    yield "multipart port", MULTIPART_REQUEST, [mp(4, u32(1) + bytes(4), [(12, 4)], [(8, 4, p, req("BAD_PORT")) for p in (0, 77, MAX, CONTROLLER, ALL)])], True
    yield "multipart queue", MULTIPART_REQUEST, [mp(5, u32(ANY) + u32(ANY), values=[
        *((8, 4, p, "QUEUE_OP_FAILED/OFPQOFC_BAD_PORT") for p in (0, 77, MAX, CONTROLLER)),
        *((12, 4, q, "QUEUE_OP_FAILED/OFPQOFC_BAD_QUEUE") for q in (77, 0xfffffffe))])], True
    yield "multipart group", MULTIPART_REQUEST, [mp(6, u32(1) + bytes(4), [(12, 4)])], True
    for t, name in ((9, "meter"), (10, "meter config")):
        yield f"multipart {name}", MULTIPART_REQUEST, [mp(t, u32(1) + bytes(4), [(12, 4)], [
            (8, 4, n, "METER_MOD_FAILED/OFPMMFC_UNKNOWN_METER") for n in (0, 77, 0xffff0000)])], True
    n, f = len(output(2)), frame()
    po = Part("fixed part", packet_out(b"", output(2))[:16], LEN, pads=[(10, 6)], values=[
        *((0, 4, b, req("BUFFER_UNKNOWN")) for b in (0, 5, 0xfffffffe)),
        *((4, 4, p, req("BAD_PORT")) for p in (0, 77, MAX + 1, TABLE, ALL, FLOOD, NORMAL, IN_PORT)),
        *((8, 2, v, ACTION_LEN) for v in range(1, n)), *((8, 2, v, LEN) for v in (n + len(f) + 1, n + len(f) + 8, 0x8000, 0xffff))])
    a = list(actions())[0]
    a.cut, a.grows = LEN, True  # the length of the list is checked first
    a.values = [v for v in a.values if v[2] != TABLE]  # which a packet-out may have
    yield "packet_out", PACKET_OUT, [po, a, Part("Ethernet header", f[:14], req("BAD_PACKET")), Part("payload", f[14:], None)], False


def experimenters():
    def exp(id_, type_, body, pads=(), values=()):
        return [Part("it", struct.pack("!II", id_, type_) + body, LEN, pads=pads, values=[
            (0, 4, 0x123456, req("BAD_EXPERIMENTER")), (0, 4, 0, req("BAD_EXPERIMENTER")), (4, 4, 99999, req("BAD_EXP_TYPE")), *values])]
    yield "bundle_ctrl", EXPERIMENTER, exp(ONF, 2300, struct.pack("!IHH", 99, 4, 3), (), [
        (12, 2, 8, "exp/2306"), (12, 2, 1, "exp/2306"), (14, 2, 4, "exp/2307"), (14, 2, 0xffff, "exp/2307"), (8, 4, 98, "exp/2302")]), False
    yield "flow_monitor_cancel", EXPERIMENTER, exp(ONF, 1870, u32(99), (), [(8, 4, n, "exp/8") for n in (0, 98, ANY)]), True
    yield "nx_flow_monitor_cancel", EXPERIMENTER, exp(NICIRA, 21, u32(99), (), [(8, 4, n, "exp/8") for n in (0, 98, ANY)]), True
    yield "set_packet_in_format", EXPERIMENTER, exp(NICIRA, 16, u32(0), (), [(8, 4, n, req("EPERM")) for n in (3, 255, ANY)]), True
    yield "nx_set_async", EXPERIMENTER, exp(NICIRA, 19, async_((7, 0), (7, 7), (15, 0))), True
    yield "nx_set_controller_id", EXPERIMENTER, exp(NICIRA, 20, struct.pack("!IHH", 0, 0, 0)), True
    yield "onf_table_mod", EXPERIMENTER, exp(ONF, 1920, struct.pack("!B3xI", 0, 0), [(9, 3)], [
        (8, 1, 254, "TABLE_MOD_FAILED/OFPTMFC_BAD_TABLE"), (12, 4, 1, "TABLE_MOD_FAILED/OFPTMFC_BAD_CONFIG"),
        (12, 4, 0x80000000, "TABLE_MOD_FAILED/OFPTMFC_BAD_CONFIG")]), False
    yield "weft_group_mod", EXPERIMENTER, exp(WEFT, 3, struct.pack("!HBxIHxxI", 0, 0, 60, 0, 0xffffffff)[:8] + struct.pack("!HxxI", 0, 0xffffffff),
                                              [(11, 1), (18, 2)]), False


def features(table):
    """A table's features as the switch tells them, with each property's length wrong."""
    for offset, error in ((0, TABLE_LEN),):
        n = struct.unpack_from("!H", table, offset)[0]
        for v in (0, 1, 8, 63, n - 1, n + 1, n + 4, n + 8, 0xffff, 0xfff8):
            yield f"table features: length {v}, not {n}", error, MULTIPART_REQUEST, multipart(12, bad.poke(table, offset, 2, v))
    for k in range(1, len(table), 5):
        yield f"table features: cut off, {k} of {len(table)} bytes", TABLE_LEN, MULTIPART_REQUEST, multipart(12, table[:k])
    at = 64
    while at < len(table):
        type_, n = struct.unpack_from("!HH", table, at)
        for v in (0, 1, 2, 3, 0xffff, 0xfff8, len(table)):
            yield f"table features: property {type_} of length {v}, not {n}", TABLE_LEN, MULTIPART_REQUEST, multipart(12, bad.poke(table, at + 2, 2, v))
        for t in (9, 11, 16, 0x7fff):
            yield (f"table features: property {type_} is of type {t}", "TABLE_FEATURES_FAILED/OFPTFFC_BAD_TYPE", MULTIPART_REQUEST,
                   multipart(12, bad.poke(table, at, 2, t)))
        at += (n + 7) // 8 * 8
    for id_ in (254, 255):
        yield (f"table features: of table {id_}", "TABLE_FEATURES_FAILED/OFPTFFC_BAD_TABLE", MULTIPART_REQUEST,
               multipart(12, bad.poke(table, 2, 1, id_)))
    yield ("table features: twice the same", "TABLE_FEATURES_FAILED/OFPTFFC_BAD_TABLE", MULTIPART_REQUEST, multipart(12, table + table))


def enveloped():
    """EXT-230: what is added to a bundle, refused when it comes; no bundle is opened by that."""
    for type_, inner in ((FLOW_MOD, flow_mod(insts=apply_(output(1)))), (GROUP_MOD, group_mod(0, 0, 50, bucket(output(1)))), (METER_MOD, meter_mod(0, 1, 50, band()))):
        body = bundle_add(77, msg(type_, inner, 1))
        for k in range(8, len(body)):
            yield f"bundle_add of type {type_}: cut off, {k} of {len(body)} bytes", LEN if k < 16 else "exp/2308", EXPERIMENTER, body[:k]
        for v in (*range(8), len(inner) + 9, len(inner) + 16, 0x8000, 0xffff):
            yield f"bundle_add of type {type_}: inner length {v}", "exp/2308", EXPERIMENTER, bad.poke(body, 18, 2, v)
        for v in (0, 1, 3, 5, 255):
            yield f"bundle_add of type {type_}: inner version {v}", req("BAD_VERSION"), EXPERIMENTER, bad.poke(body, 16, 1, v)
        for v in (30, 128, 255):
            yield f"bundle_add of type {type_}: inner type {v}", req("BAD_TYPE"), EXPERIMENTER, bad.poke(body, 17, 1, v)
    yield "a bundle in a bundle", "exp/2310", EXPERIMENTER, bundle_add(77, msg(EXPERIMENTER, bundle_add(78, msg(FLOW_MOD, flow_mod(), 1)), 1))


def headers():
    """Types that are not for a switch, with bodies of any length."""
    takes = {HELLO, ERROR, ECHO_REPLY, ECHO_REQUEST, EXPERIMENTER, FEATURES_REQUEST, GET_CONFIG_REQUEST, SET_CONFIG, PACKET_OUT, FLOW_MOD, GROUP_MOD,
             PORT_MOD, TABLE_MOD, MULTIPART_REQUEST, BARRIER_REQUEST, QUEUE_GET_CONFIG_REQUEST, ROLE_REQUEST, GET_ASYNC_REQUEST, SET_ASYNC, METER_MOD}
    for t in range(30, 256):
        for n in (0, 64):
            yield f"type {t} of {8 + n} bytes", req("BAD_TYPE"), t, bytes(n)
    for t in sorted(takes - {HELLO, ERROR, ECHO_REPLY, ECHO_REQUEST, BARRIER_REQUEST, FEATURES_REQUEST, GET_CONFIG_REQUEST, GET_ASYNC_REQUEST}):
        yield f"type {t} without a body", LEN, t, b""


def all_cases(c):
    mac = c.parts(13)[8:14]
    table = split(c.parts(12))[0]
    yield from headers()
    for source in (flow_mods(), groups(), meters(), requests(mac), experimenters()):
        for name, type_, parts, fixed in source:
            for case in bad.cases(name, type_, parts, fixed):
                if case[1] or "set_queue" not in name:  # no port has a queue: it is always refused
                    yield case
    yield from enveloped()
    yield from features(table)


# ---- What the switch says ----

def number(error):
    a, b = error.split("/")
    return (0xffff, int(b)) if a == "exp" else (getattr(of, "OFPET_" + a), getattr(of, b))


def state(c):
    flows = [(f["table"], f["priority"], f["idle"], f["hard"], f["flags"], f["cookie"], f["rest"]) for f in map(flow_fields, split(c.parts(1, flow_request())))]
    return (flows, c.parts(7), c.parts(10, u32(0xffffffff) + bytes(4)), c.parts(13), c.parts(12), c.ask(GET_CONFIG_REQUEST)[2],
            c.ask(ROLE_REQUEST, role(0))[2], c.ask(GET_ASYNC_REQUEST)[2])


def reset(c):
    """What accepted messages have made goes, so that they can be made again."""
    c.do(FLOW_MOD, flow_mod(command=3, table=255, cookie=5, cookie_mask=2**64 - 1))
    for g in (50, 60):
        c.do(GROUP_MOD, group_mod(2, 0, g))
    c.do(METER_MOD, meter_mod(2, 1, 50))
    setup(c)


def judge(case, xid, answers):
    """None, or what is wrong."""
    what, error, type_, body = case
    sent, errors = msg(type_, body, xid), [m for m in answers if m[0] == ERROR]
    if error is None:
        return f"refused, {struct.unpack_from('!HH', errors[0][2])}" if errors else None
    if len(errors) != 1:
        return f"{len(errors)} errors, {len(answers)} answers"
    got, data = struct.unpack_from("!HH", errors[0][2]), errors[0][2][8 if error.startswith("exp/") else 4:]
    if got != number(error):
        return f"error {got}, not {number(error)} {error}"
    return None if data[:64] == sent[:64] else f"data {data[:64].hex()}"


def give(c, batch, clean):
    """Sends some, each with what clears up behind it if it may be accepted; {xid: answers}."""
    xids = []
    for case in batch:
        xids.append(c.send(case[2], case[3]))
        if case[1] is None and clean:
            reset(c)
    c.barrier()
    answers = {x: [] for x in xids}
    for m in c.events:
        if m[1] in answers:
            answers[m[1]].append(m)
    c.events.clear()
    return xids, answers


def setup(c):
    c.do(GROUP_MOD, group_mod(2, 0, 1))
    c.do(GROUP_MOD, group_mod(0, 0, 1, bucket(output(1)), bucket(output(2))))
    c.do(METER_MOD, meter_mod(2, 1, 1))
    c.do(METER_MOD, meter_mod(0, 1, 1, band()))
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), apply_(output(2)), priority=7, cookie=1))
    c.do(FLOW_MOD, flow_mod(match(oxm(5, b"\x08\0")), apply_(group(1)), table=3, cookie=2))


def changed(c, batch, before):
    """Which one of a batch has changed something."""
    for case in batch:
        give(c, [case], True)
        if state(c) != before:
            setup(c)
            return case[0]
    return "all of them together"


def run_all(check, sw, c):
    todo, wrong, n, refused = list(all_cases(c)), 0, 0, 0
    setup(c)
    before = state(c)
    for i in range(0, len(todo), BATCH):
        batch = todo[i:i + BATCH]
        xids, answers = give(c, batch, True)
        for case, xid in zip(batch, xids):
            why = judge(case, xid, answers[xid])
            n += 1
            refused += case[1] is not None
            if why:
                wrong += 1
                if wrong <= 200:
                    check(case[0], False, why)
        if state(c) != before:
            wrong += 1
            check(f"cases {i} to {i + len(batch) - 1} change nothing", False, changed(c, batch, before))
            before = state(c)
        if c.ask(ECHO_REQUEST, b"there?")[2] != b"there?":
            check("the session goes on", False)
            return
    check(f"{refused} bad messages are refused as the specification says, {n - refused} odd ones accepted", not wrong, wrong)
    check("... flows, groups, meters, ports, tables and configuration are as before", state(c) == before)
    check("there are enough of them", n > 3000, n)


def versions(check, c):
    """7.1: each other version, in a session that has agreed on 1.3."""
    xids = {v: c.send(FEATURES_REQUEST, bytes(v % 3 * 8), version=v) for v in range(256) if v != 4}
    c.barrier()
    got = {m[1]: struct.unpack_from("!HH", m[2]) for m in c.events if m[0] == ERROR}
    c.events.clear()
    check("255 other versions: BAD_VERSION", all(got.get(x) == (of.OFPET_BAD_REQUEST, of.OFPBRC_BAD_VERSION) for x in xids.values()))


def framing(check, sw):
    """7.1: lengths in the header that do not fit what is sent."""
    for length in range(8):
        c = sw.open()
        xid = c.send(FEATURES_REQUEST, b"", length=length)
        m, closed = c.answer(xid), False
        try:
            closed = c.recv(5) is None and False
        except (EOFError, socket.error):
            closed = True
        check(f"header of length {length}: BAD_LEN, and it is over",
              m[0] == ERROR and struct.unpack_from("!HH", m[2]) == (of.OFPET_BAD_REQUEST, of.OFPBRC_BAD_LEN) and closed)
        c.close()
    c = sw.open()
    for extra in (8, 16, 64):  # what comes next belongs to it
        xid = c.send(GET_CONFIG_REQUEST, b"", length=8 + extra)
        c.s.sendall(msg(ECHO_REQUEST, bytes(extra - 8)))
        m = c.answer(xid)
        check(f"a length of {extra} too many takes what follows", m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
              (of.OFPET_BAD_REQUEST, of.OFPBRC_BAD_LEN) and len(m[2]) == 4 + 8 + extra)
    c.barrier()
    check("... and then all goes on", c.ask(ECHO_REQUEST, b"x")[2] == b"x")
    for whole in (struct.pack("!BBHI", 4, FEATURES_REQUEST, 8, 0x77),):
        for k in range(1, len(whole)):
            c.s.sendall(whole[:k])
            c.s.sendall(whole[k:])
            c.answer(0x77)
    check("messages in two pieces, cut at each byte", True)
    c.close()


def test(check):
    sw = Switch("--log", "warn")
    try:
        c = sw.open()
        run_all(check, sw, c)
        versions(check, c)
        framing(check, sw)
        check("the switch is well", sw.alive(), sw.text()[-2000:])
        c.close()
    finally:
        sw.stop()


run(test, 120)
