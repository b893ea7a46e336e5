#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 5.1 Pipeline processing: tables that leave the pipeline
# Spec: 7.3.5 Multipart messages: requests in several messages
# Spec: 7.3.5.5 Table features: read, written, kept to
# Spec: 7.3.3 Flow table configuration: of tables that are gone
"""Table features of OpenFlow 1.3.5, read and written (7.3.5.5), and what comes of it.

    this script --- unix --- weft-switch, ports 1 to 4

What is read is parsed here by hand.  Each refusal must leave everything as it was: the features of all
tables are compared as bytes.  Names of errors are os-ken's.
"""
import os
import struct
import sys

from os_ken.ofproto import ofproto_parser, ofproto_protocol
from os_ken.ofproto import ofproto_v1_3 as of
from os_ken.ofproto import ofproto_v1_3_parser as parser

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sys/lib"))
from of13 import *  # noqa: E402,F403

(INSTS, INSTS_MISS, NEXT, NEXT_MISS, WRITE, WRITE_MISS, APPLY, APPLY_MISS, MATCH, WILD, WSET, WSET_MISS, ASET,
 ASET_MISS) = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15)
KINDS = [INSTS, INSTS_MISS, NEXT, NEXT_MISS, WRITE, WRITE_MISS, APPLY, APPLY_MISS, MATCH, WILD, WSET, WSET_MISS, ASET,
         ASET_MISS]
GOTO, WRITE_METADATA, WRITE_ACTIONS, APPLY_ACTIONS, CLEAR, METER_ = 1, 2, 3, 4, 5, 6
IP, TCP = oxm(5, b"\x08\x00"), oxm(10, b"\x06")


SIZE = [4, 4, 8, 6, 6, 2, 2, 1, 1, 1, 1, 4, 4, 2, 2, 2, 2, 2, 2, 1, 1, 2, 4, 4, 6, 6, 16, 16, 4, 1, 1, 16, 6, 6, 4, 1, 1, 3, 8, 2]


class Table:
    """One ofp_table_features."""

    def __init__(self, b):
        (_, self.id, self.name, self.mmatch, self.mwrite, self.config, self.max) = struct.unpack_from("!HB5x32sQQII", b)
        self.props, at = [], 64
        while at < len(b):
            type_, n = struct.unpack_from("!HH", b, at)
            self.props.append((type_, b[at + 4:at + n]))
            at += (n + 7) // 8 * 8

    def get(self, type_):
        return dict(self.props)[type_]

    def ids(self, type_):
        """Types of instructions or actions; field numbers of class 0x8000; tables."""
        b = self.get(type_)
        if type_ in (NEXT, NEXT_MISS):
            return list(b)
        if type_ < 8:
            return [struct.unpack_from("!H", b, i)[0] for i in range(0, len(b), 4)]
        out, at = [], 0
        while at < len(b):
            cls, field = struct.unpack_from("!HB", b, at)
            out.append((cls, field >> 1, field & 1))
            at += 8 if cls == 0xffff else 4
        return out

    def set(self, type_, *ids):
        if type_ in (NEXT, NEXT_MISS):
            b = bytes(ids)
        elif type_ < 8:
            b = b"".join(struct.pack("!HH", i, 4) for i in ids)
        else:
            b = b"".join(struct.pack("!HBB", 0x8000, f << 1 | m, SIZE[f] << m if f < 40 else 4) for f, m in ids)
        self.props = [(t, b if t == type_ else v) for t, v in self.props]

    def both(self, type_, *ids):
        self.set(type_, *ids)
        self.set(type_ + 1, *ids)

    def drop(self, *types):
        self.props = [p for p in self.props if p[0] not in types]

    def bytes(self):
        props = b"".join(pad8(struct.pack("!HH", t, 4 + len(b)) + b) for t, b in self.props)
        return struct.pack("!HB5x32sQQII", 64 + len(props), self.id, self.name, self.mmatch, self.mwrite, self.config,
                           self.max) + props


def read(c):
    return c.parts(12)


def tables(c):
    return [Table(b) for b in split(read(c))]


def small(c, *which):
    """The named tables, reaching only each other, as read from an unchanged switch."""
    out = [t for t in tables(c) if t.id in which]
    for t in out:
        t.both(NEXT, *[i for i in which if i > t.id])
    return out


def request(body, more=False):
    return multipart(12, body, flags=int(more))


def ask_as(c, xid, body):
    c.send(MULTIPART_REQUEST, body, xid=xid)
    return c.answer(xid)


def in_parts(c, body, cut=40000):
    """Sends table features in as many messages as it takes; the answer's first message."""
    xid, structs, part = c.send(BARRIER_REQUEST), split(body), b""
    c.answer(xid)
    xid += 1
    for s in structs:
        if len(part) + len(s) > cut:
            c.send(MULTIPART_REQUEST, request(part, True), xid=xid)
            part = b""
        part += s
    return ask_as(c, xid, request(part))


def rest(c, m):
    """The bodies of a reply that begins with 'm'."""
    out = [m[2][8:]]
    while struct.unpack_from("!H", m[2], 2)[0] & 1:
        m = c.answer(m[1])
        out.append(m[2][8:])
    return b"".join(out)


def write(c, which):
    m = in_parts(c, b"".join(t.bytes() for t in which))
    return (None, rest(c, m)) if m[0] == MULTIPART_REPLY else (struct.unpack_from("!HH", m[2]), None)


def error(type_, code):
    return getattr(of, "OFPET_" + type_), getattr(of, code)


def flow_error(c, body):
    out = c.refusal(FLOW_MOD, body)
    c.events.clear()
    return out


def count(c):
    return len(split(c.parts(1, flow_request())))


def reading(check, c):
    all_ = tables(c)
    check("7.3.5.5: every table is described, in the order of the pipeline", [t.id for t in all_] == list(range(254)))
    check("7.3.5.5.2: one property of each of the 14 types", all([p[0] for p in t.props] == KINDS for t in all_))
    check("... metadata can be matched and written in all bits", {(t.mmatch, t.mwrite) for t in all_} == {((1 << 64) - 1,) * 2})
    check("... goto leads forward only", all(t.ids(NEXT) == list(range(t.id + 1, 254)) for t in all_))
    check("... and is no instruction of the last table", GOTO in all_[252].ids(INSTS) and GOTO not in all_[253].ids(INSTS))
    t = all_[0]
    check("... all instructions", t.ids(INSTS) == [1, 2, 3, 4, 5, 6])
    basic = {f for cls, f, _ in t.ids(MATCH) if cls == 0x8000}
    check("... all 40 fields of 1.3.5", basic == set(range(40)))
    masks = {f for cls, f, m in t.ids(MATCH) if cls == 0x8000 and m}
    exact = {0, 1, 5, 7, 8, 9, 10, 19, 20, 21, 29, 30, 34, 35, 36}
    check("... masks where 7.2.3.7 allows them", not masks & exact and {2, 3, 4, 6, 11, 12, 26, 27, 38, 39} <= masks)
    check("... none of them need be matched", [x[:2] for x in t.ids(WILD)] == [x[:2] for x in t.ids(MATCH)])
    read_only = {0, 1, 39}
    check("... all but the read-only ones can be set", {f for cls, f, _ in t.ids(ASET) if cls == 0x8000} == set(range(40)) - read_only)
    # What is listed is what is accepted, action by action.
    args = {0: output(1), 17: b"\0\x11\0\x08\x81\0\0\0", 19: b"\0\x13\0\x08\x88\x47\0\0", 20: b"\0\x14\0\x08\x08\0\0\0", 22: group(1),
            25: pad8(struct.pack("!HH", 25, 16) + oxm(3, bytes(6))), 26: b"\0\x1a\0\x08\x88\xe7\0\0"}
    c.do(GROUP_MOD, group_mod(0, 0, 1))
    for type_ in range(28):
        if type_ == 21:
            continue  # set_queue: as its ports have queues
        body = flow_mod(None, apply_(args.get(type_, struct.pack("!HHI", type_, 8, 1 << 24))), table=9)
        got = flow_error(c, body)
        check(f"action {type_} is {'listed and' if type_ in t.ids(APPLY) else 'neither listed nor'} accepted",
              (got is None) == (type_ in t.ids(APPLY)), got)
    c.do(FLOW_MOD, flow_mod(command=3, table=255))
    c.do(GROUP_MOD, group_mod(2, 0, 1))


def refusals(check, c):
    before = read(c)

    def bad(what, code, which):
        got = write(c, which)[0]
        if got != error("TABLE_FEATURES_FAILED", code):
            return check("refused: " + what, False, got)
        return check("refused: " + what, read(c) == before, "something has changed")

    def one(change):
        which = small(c, 0, 1, 5)
        change(which)
        return which

    bad("table 254", "OFPTFFC_BAD_TABLE", one(lambda w: setattr(w[2], "id", 254)))
    bad("a table twice", "OFPTFFC_BAD_TABLE", one(lambda w: setattr(w[2], "id", 1)))
    bad("no table 0", "OFPTFFC_BAD_TABLE", one(lambda w: w.pop(0)))
    bad("deprecated configuration", "OFPTFFC_BAD_ARGUMENT", one(lambda w: setattr(w[1], "config", 3)))
    bad("unknown configuration", "OFPTFFC_BAD_ARGUMENT", one(lambda w: setattr(w[1], "config", 0x100)))
    bad("a name without an end", "OFPTFFC_BAD_ARGUMENT", one(lambda w: setattr(w[1], "name", b"x" * 32)))
    bad("more entries than fit", "OFPTFFC_BAD_ARGUMENT", one(lambda w: setattr(w[1], "max", 0xffffffff)))
    for k in KINDS:
        if k % 2 == 0:
            bad(f"no property {k}", "OFPTFFC_BAD_TYPE", one(lambda w, k=k: w[2].drop(k)))
        bad(f"property {k} twice", "OFPTFFC_BAD_TYPE", one(lambda w, k=k: w[2].props.append((k, w[2].get(k)))))
    bad("an unknown property", "OFPTFFC_BAD_TYPE", one(lambda w: w[2].props.append((9, b""))))
    bad("an experimenter's property", "OFPTFFC_BAD_TYPE", one(lambda w: w[2].props.append((0xfffe, bytes(8)))))
    bad("a property cut short", "OFPTFFC_BAD_LEN", one(lambda w: w[2].props.append((0xfffe, bytes(2)))))
    bad("an id cut short", "OFPTFFC_BAD_LEN", one(lambda w: setattr(w[2], "props", [(t, v[:-2] if t == APPLY else v) for t, v in w[2].props])))
    bad("goto a table that is removed", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[0].set(NEXT, 1, 2)))
    bad("... of a table-miss entry", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[0].set(NEXT_MISS, 2)))
    bad("goto backwards", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[2].set(NEXT, 1)))
    bad("goto itself", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(NEXT, 1)))
    bad("an unknown instruction", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(INSTS, 7)))
    bad("an unknown action", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(APPLY, 9)))
    bad("an unknown field", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(MATCH, (44, 0))))
    bad("a mask where there is none", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(MATCH, (0, 1))))
    bad("a read-only field set", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(ASET, (0, 0))))
    bad("a field to be left out that is not matched", "OFPTFFC_BAD_ARGUMENT", one(lambda w: w[1].set(MATCH, (3, 0))))
    which = small(c, 0, 1, 5)
    which[1].name = b"good".ljust(32, b"\0")
    which[2].set(NEXT, 3)
    bad("the last of three: all or nothing", "OFPTFFC_BAD_ARGUMENT", which)


def narrowed(check, sw, c):
    """A table for exact UDP-less TCP flows, and what it refuses then."""
    original = read(c)
    c.do(FLOW_MOD, flow_mod(match(in_port(1)), goto(1), flags=1))
    c.do(FLOW_MOD, flow_mod(match(in_port(2)), apply_(output(1)), table=1, flags=1))
    c.do(FLOW_MOD, flow_mod(match(in_port(3)), apply_(output(1)), table=7, flags=1))
    which = small(c, 0, 1, 5)
    zero, one, five = which
    one.name = b"tcp".ljust(32, b"\0")
    one.max = 3
    one.mmatch, one.mwrite = 0xff, 0xf0
    one.set(INSTS, GOTO, WRITE_METADATA, WRITE_ACTIONS, APPLY_ACTIONS)
    one.set(INSTS_MISS, APPLY_ACTIONS)
    one.set(APPLY, 0, 25)
    one.set(APPLY_MISS, 0)
    one.set(WRITE, 0)
    one.set(WRITE_MISS, 0)
    one.set(MATCH, (2, 1), (5, 0), (10, 0), (11, 1), (12, 0), (14, 0))
    one.set(WILD, (2, 0), (11, 0))
    one.set(ASET, (3, 0))
    one.set(ASET_MISS)
    one.set(WSET)
    one.set(WSET_MISS)
    watch = sw.open()
    watch.ask(MULTIPART_REQUEST, multipart(0xffff, struct.pack("!III", ONF, 1870, 1) + struct.pack("!HHIB3x", 0x04, 4, ANY, 255) + match()))
    err, reply = write(c, which)
    check("features are written", err is None, err)
    check("... and the answer is what was asked for", [t.bytes() for t in which] == split(reply))
    check("... and so is what is read then", read(c) == reply)
    stats = c.parts(3)
    check("... tables that were left out are gone", [stats[i] for i in range(0, len(stats), 24)] == [0, 1, 5])
    check("... and so are the flows of tables that changed or went", count(c) == 0)
    check("... of which nobody is told", c.none(FLOW_REMOVED))
    watch.barrier()
    told = [x for e in watch.events for x in split(e[2][16:]) if e[0] == MULTIPART_REPLY and e[1] == 0]
    check("... but a flow monitor (EXT-187)", [struct.unpack_from("!HH", x, 2) for x in told] == [(1, of.OFPRR_DELETE)] * 3, told)
    watch.close()
    base = [IP, TCP, oxm(12, b"\1\2\3\4"), oxm(14, b"\0\x50")]

    def refused(what, type_, code, body):
        check("narrowed: " + what, flow_error(c, body) == error(type_, code), flow_error(c, body))

    def accepted(what, body):
        check("narrowed: " + what, flow_error(c, body) is None, flow_error(c, body))
        c.do(FLOW_MOD, flow_mod(command=3, table=255))

    def flow(match_=None, insts=apply_(output(1)), **kw):
        return flow_mod(match(*(base if match_ is None else match_)), insts, table=1, **kw)

    accepted("what the table is for", flow())
    accepted("... with a masked address", flow(base + [oxm(11, b"\1\0\0\0", b"\xff\0\0\0")]))
    accepted("... with metadata", flow(base + [oxm(2, bytes(7) + b"\7", bytes(7) + b"\x0f")]))
    accepted("a table-miss entry, which leaves out everything", flow([], priority=0))
    refused("the same with another priority", "BAD_MATCH", "OFPBMC_BAD_WILDCARDS", flow([], priority=1))
    refused("a field that is not matched", "BAD_MATCH", "OFPBMC_BAD_FIELD", flow(base + [in_port(1)]))
    refused("a mask that is not taken", "BAD_MATCH", "OFPBMC_BAD_MASK",
            flow([IP, TCP, oxm(12, b"\1\0\0\0", b"\xff\0\0\0"), base[3]]))
    refused("metadata bits that are not matched", "BAD_MATCH", "OFPBMC_BAD_MASK",
            flow(base + [oxm(2, bytes(6) + b"\1\0", bytes(6) + b"\xff\xff")]))
    refused("a field left out that must be there", "BAD_MATCH", "OFPBMC_BAD_WILDCARDS", flow([IP, TCP, base[3]]))
    refused("an instruction", "BAD_INSTRUCTION", "OFPBIC_UNSUP_INST", flow(insts=struct.pack("!HH4x", 5, 8)))
    refused("an instruction of a table-miss entry", "BAD_INSTRUCTION", "OFPBIC_UNSUP_INST", flow([], goto(5), priority=0))
    refused("goto a table that is gone", "BAD_INSTRUCTION", "OFPBIC_BAD_TABLE_ID", flow(insts=goto(2)))
    accepted("goto one that is there", flow(insts=goto(5)))
    meta = struct.pack("!HH4xQQ", 2, 24, 0x10, 0xf0)
    accepted("metadata bits that are written", flow(insts=meta))
    refused("metadata bits that are not written", "BAD_INSTRUCTION", "OFPBIC_UNSUP_METADATA_MASK",
            flow(insts=struct.pack("!HH4xQQ", 2, 24, 0x10, 0x1f0)))
    refused("an action", "BAD_ACTION", "OFPBAC_BAD_TYPE", flow(insts=apply_(struct.pack("!HH4x", 24, 8))))
    accepted("a field that is set", flow(insts=apply_(pad8(struct.pack("!HH", 25, 16) + oxm(3, bytes(6))))))
    refused("a field that is not set", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE",
            flow(insts=apply_(pad8(struct.pack("!HH", 25, 16) + oxm(4, bytes(6))))))
    refused("a Nicira load of it", "BAD_ACTION", "OFPBAC_BAD_SET_TYPE",
            flow(insts=apply_(struct.pack("!HHIHHIQ", 0xffff, 24, NICIRA, 7, 47, 0x00000406, 1))))
    refused("the set of it in a table-miss entry", "BAD_ACTION", "OFPBAC_BAD_TYPE",
            flow([], apply_(pad8(struct.pack("!HH", 25, 16) + oxm(3, bytes(6)))), priority=0))
    refused("an action written", "BAD_ACTION", "OFPBAC_BAD_TYPE",
            flow(insts=struct.pack("!HH4x", 3, 24) + pad8(struct.pack("!HH", 25, 16) + oxm(3, bytes(6)))))
    refused("a flow of a table that is gone", "FLOW_MOD_FAILED", "OFPFMFC_BAD_TABLE_ID", flow_mod(table=7))
    m = c.ask(MULTIPART_REQUEST, multipart(1, flow_request(7)))
    check("narrowed: flows of a table that is gone", m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
          error("BAD_REQUEST", "OFPBRC_BAD_TABLE_ID"))
    m = c.ask(TABLE_MOD, struct.pack("!B3xI", 7, 0))
    check("narrowed: a table_mod of it", m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
          error("TABLE_MOD_FAILED", "OFPTMFC_BAD_TABLE"))
    for i in range(3):
        c.do(FLOW_MOD, flow(base[:2] + [oxm(12, bytes([9, 9, 9, i])), base[3]]))
    refused("a fourth entry", "FLOW_MOD_FAILED", "OFPFMFC_TABLE_FULL", flow())
    c.do(FLOW_MOD, flow(base[:2] + [oxm(12, bytes([9, 9, 9, 0])), base[3]], insts=goto(5)))
    refused("a modification against the table", "BAD_ACTION", "OFPBAC_BAD_TYPE",
            flow(command=1, insts=apply_(struct.pack("!HH4x", 24, 8)), match_=[]))
    err, reply = write(c, which)
    check("the same features again: no flow goes", err is None and count(c) == 3)
    which[1].name = b"other".ljust(32, b"\0")
    err, reply = write(c, which)
    check("another name: no flow goes", err is None and count(c) == 3 and Table(split(reply)[1]).name == which[1].name)
    for t in which:
        t.drop(*[k for k in KINDS if k % 2 and t.get(k) == t.get(k - 1)])
        if t.id != 1:
            t.max = 0
    err, reply = write(c, which)
    check("table-miss properties that are the same are left out, and no size is given: nothing changes", err is None and
          read(c) == reply and count(c) == 3)
    err, reply = write(c, [Table(b) for b in split(original)])
    check("the original features written back, in parts", err is None, err)
    check("... are the original features", reply == original and read(c) == original)
    check("... and table 1's flows are gone", count(c) == 0)
    c.do(FLOW_MOD, flow_mod(match(in_port(3)), goto(200), table=7))
    c.do(FLOW_MOD, flow_mod(command=3, table=255))


def os_kens(check, c):
    """What os-ken reads, os-ken writes."""
    dp, original, body = ofproto_protocol.ProtocolDesc(version=4), read(c), []
    xid = c.send(MULTIPART_REQUEST, multipart(12))
    while True:
        m = c.answer(xid)
        r = ofproto_parser.msg(dp, 4, MULTIPART_REPLY, len(m[3]), xid, m[3])
        body += r.body
        if not r.flags & 1:
            break
    body[3].max_entries = 77
    for i in range(0, len(body), 10):
        q = parser.OFPTableFeaturesStatsRequest(dp, int(i + 10 < len(body)), body[i:i + 10])
        q.set_xid(0x4444)
        q.serialize()
        c.s.sendall(bytes(q.buf))
    m = c.answer(0x4444)
    check("os-ken reads the features, and writes them", m[0] == MULTIPART_REPLY and Table(split(rest(c, m))[3]).max == 77, m[2][:4])
    check("... and nothing else has changed", [t for i, t in enumerate(split(read(c))) if i != 3] ==
          [t for i, t in enumerate(split(original)) if i != 3])
    write(c, [Table(b) for b in split(original)])
    check("... and the original comes back", read(c) == original)


def parts(check, sw, c):
    original, xid = read(c), 0x777700
    all_ = split(original)
    # Two requests at a time, one of them bad in its middle.
    broken = Table(all_[3])
    broken.set(NEXT, 1)
    for i in (0, 1):
        c.send(MULTIPART_REQUEST, request(b"".join(all_[:20]), True), xid=xid + i)
    check("parts are not answered", c.none(MULTIPART_REPLY))
    c.send(MULTIPART_REQUEST, request(b"".join(all_[20:30]) + bytes(64), True), xid=xid)
    m = c.answer(xid)
    check("a bad part is refused when it comes", m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
          error("TABLE_FEATURES_FAILED", "OFPTFFC_BAD_LEN"), m[2][:4])
    m = ask_as(c, xid, request(all_[30]))
    check("... and so is the rest of that request", m[0] == ERROR and read(c) == original)
    for i in range(20, 240, 20):
        c.send(MULTIPART_REQUEST, request(b"".join(all_[i:i + 20]), True), xid=xid + 1)
    m = ask_as(c, xid + 1, request(b"".join(all_[240:])))
    check("... the other one goes on", m[0] == MULTIPART_REPLY and rest(c, m) == original)
    c.send(MULTIPART_REQUEST, request(b"", True), xid=xid + 2)
    m = ask_as(c, xid + 2, request(b""))
    check("a request of several parts without a table is a question", m[0] == MULTIPART_REPLY and rest(c, m) == original)
    n, m = 0, None
    while m is None and n < 200:
        c.send(MULTIPART_REQUEST, request(b"".join(all_[:20]), True), xid=xid + 3)
        n, m = n + 1, c.recv(0.01)
    check("a request that does not end is refused", m and m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
          error("BAD_REQUEST", "OFPBRC_MULTIPART_BUFFER_OVERFLOW"), n)
    m = ask_as(c, xid + 3, request(all_[0]))
    check("... to its end", m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
          error("BAD_REQUEST", "OFPBRC_MULTIPART_BUFFER_OVERFLOW") and read(c) == original)
    m = c.ask(MULTIPART_REQUEST, multipart(1, flow_request(), flags=1))
    check("other requests in parts are refused", m[0] == ERROR and struct.unpack_from("!HH", m[2]) ==
          error("BAD_REQUEST", "OFPBRC_MULTIPART_BUFFER_OVERFLOW"))
    other = sw.open()
    for i in range(70):
        try:
            other.send(MULTIPART_REQUEST, request(b"", True), xid=1 + i)
        except OSError:
            break
    try:
        while other.recv(5 * SLOW):
            pass
        lost = False
    except (EOFError, OSError):
        lost = True
    check("a peer that begins more than 64 is left", lost and sw.alive())
    slave = sw.open()
    slave.do(ROLE_REQUEST, role(3, 1))
    m = slave.ask(MULTIPART_REQUEST, request(all_[0]))
    check("a slave may not write", m[0] == ERROR and struct.unpack_from("!HH", m[2]) == error("BAD_REQUEST", "OFPBRC_IS_SLAVE"))
    m = ask_as(slave, 5, request(all_[0], True))
    check("... nor a part", m[0] == ERROR and struct.unpack_from("!HH", m[2]) == error("BAD_REQUEST", "OFPBRC_IS_SLAVE"))
    check("... but ask", slave.parts(12) == original)
    slave.close()


def test(check):
    sw = Switch()
    try:
        c = sw.open()
        reading(check, c)
        refusals(check, c)
        narrowed(check, sw, c)
        os_kens(check, c)
        parts(check, sw, c)
        check("the switch lives", sw.alive())
    finally:
        code = sw.stop()
    check("... and ends well", code == 0, code)


run(test)
