#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.3.5.5 Table features: by command
"""weft-ofctl's commands about tables.

    weft-ofctl, ovs-ofctl --- unix --- weft-switch

What ovs-ofctl does with OpenFlow 1.3 must come out alike; what it does with 1.4 only is compared with what
it prints of the same structures in 1.4's messages.
"""
import os
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from of13 import *  # noqa: E402,F403

OVS = shutil.which("ovs-ofctl")


def tool(*args):
    r = subprocess.run([f"{BUILD}/weft-ofctl", *args], capture_output=True, text=True, timeout=30 * SLOW)
    return r.returncode, r.stdout, r.stderr


def theirs(*args, version=13):
    r = subprocess.run([OVS, "-O", f"OpenFlow{version}", *args], capture_output=True, text=True, timeout=30 * SLOW)
    return r.returncode, r.stdout, r.stderr


def blank(text):
    return re.sub(r"\(OF1\.\d\) \(xid=0x[0-9a-f]+\)", "", text).replace("ONFST_", "OFPST_").replace("ONFT_", "OFPT_")


def test(check):
    sw = Switch()
    at = f"unix:{sw.listen}"
    try:
        c = sw.open()
        check("mod-table evict", tool("mod-table", at, "1", "evict") == (0, "", ""))
        check("mod-table vacancy", tool("mod-table", at, "1", "vacancy:20,80") == (0, "", ""))
        status, text, _ = tool("dump-table-desc", at)
        check("dump-table-desc: both", status == 0 and "  table 1:\n   eviction=on eviction_flags=OTHER|IMPORTANCE|LIFETIME\n"
              "   vacancy=on vacancy_down=20% vacancy_up=80% vacancy=100%\n" in text and text.count("eviction=off") == 253, text[:300])
        if OVS:
            body = c.parts(0xffff, struct.pack("!II", ONF, 1920))[8:]
            m = struct.pack("!BBHIHH4x", 5, 19, 16 + len(body), 1, 14, 0) + body
            want = subprocess.run([OVS, "-O", "OpenFlow14", "ofp-print", m.hex()], capture_output=True, text=True).stdout
            check("dump-table-desc: as ovs-ofctl prints 1.4's", blank(text).strip() == blank(want).strip(), want[:200])
            for version, type_, exp, body in [
                    (5, 17, 1920, struct.pack("!B3xI", 255, 0)), 
                    (5, 31, 1921, struct.pack("!B7xHBxIHHBBBx", 4, 16, 3, 8, 3, 8, 1, 2, 3))]:
                their = subprocess.run([OVS, "-O", "OpenFlow14", "ofp-print", (struct.pack("!BBHI", 5, type_, 8 + len(body), 1) + body).hex()],
                                       capture_output=True, text=True).stdout
                our = tool("ofp-print", (struct.pack("!BBHIII", 4, 4, 16 + len(body), 1, ONF, exp) + body).hex())[1]
                check(f"ofp-print: {blank(their).split()[0]}", blank(our).strip() == blank(their).strip(), (our, their))
        check("mod-table novacancy leaves the rest", tool("mod-table", at, "1", "novacancy")[0] == 0 and
              "  table 1:\n   eviction=on eviction_flags=OTHER|IMPORTANCE|LIFETIME\n   vacancy=off\n" in tool("dump-table-desc", at)[1])
        check("mod-table all", tool("mod-table", at, "all", "evict")[0] == 0 and tool("dump-table-desc", at)[1].count("eviction=on") == 254)
        check("mod-table noevict", tool("mod-table", at, "ALL", "noevict")[0] == 0 and "eviction=on" not in tool("dump-table-desc", at)[1])
        for args in [("0", "bogus"), ("0", "vacancy:80,20"), ("300", "evict"), ("0", "drop"), ("0", "continue"), ("0", "controller"), ("254", "evict")]:
            ours = tool("mod-table", at, *args)
            check(f"mod-table {' '.join(args)}: refused", ours[0] == 1 and ours[2].startswith("weft-ofctl: "), ours)
            if OVS and args[0] != "254":
                their = theirs("mod-table", at, *args)
                check("... with words that begin as ovs-ofctl's", their[0] == 1 and
                      ours[2][12:].strip()[:24] == their[2].split("ovs-ofctl: ")[-1].strip()[:24], (ours[2], their[2]))
        before = c.parts(12)
        check("table-features", tool("table-features", at, "2", "name=acl", "max_entries=2", "match=in_port,eth_type,ip_src", "next=4-6,9")[0] == 0)
        status, text, _ = tool("dump-table-features", at)
        check("dump-table-features tells it", status == 0 and '  table 2 ("acl"):\n' in text and "max_entries=2\n" in text and
              "next tables: 4-6,9\n" in text and "arbitrary mask: ip_src\n" in text, text[-800:])
        check("... and the switch keeps to it", "OFPBMC_BAD_FIELD" in "".join(tool("add-flow", at, "table=2,dl_src=2:0:0:0:0:1,actions=drop")[1:]) and
              "OFPBIC_BAD_TABLE_ID" in "".join(tool("add-flow", at, "table=2,in_port=1,actions=goto_table:7")[1:]) and
              tool("add-flow", at, "table=2,in_port=1,actions=goto_table:9")[0] == 0)
        check("table-features: a table leaves", tool("table-features", at, "9", "remove")[0] == 0 and
              "OFPFMFC_BAD_TABLE_ID" in "".join(tool("add-flow", at, "table=9,actions=drop")[1:]))
        if OVS:
            status, text, _ = theirs("dump-table-features", at)
            check("ovs-ofctl reads it", status == 0 and '  table 2 ("acl"):\n' in text and "next tables: 4-6\n" in text, text[-800:])
        check("... and dump-tables tells the tables that are left", "table 9" not in tool("dump-tables", at)[1])
        for args in [("1", "max_entries=99999999"), ("0", "remove")]:
            r = tool("table-features", at, *args)
            check(f"table-features {' '.join(args)}: the switch's error", r[0] == 1 and ("OFPTFFC_BAD_TABLE" in r[1] or "OFPBPC_BAD_VALUE" in r[1]), r[1][:80])
        for args in [("1", "max_entries=x"), ("1", "colour=red"), ("1", "match=nonsense"), ("1", "next=3-"), ("253", "name=" + "x" * 32), ("9", "name=x")]:
            r = tool("table-features", at, *args)
            check(f"table-features {' '.join(args)[:30]}: refused", r[0] == 1 and r[2].startswith("weft-ofctl: "), r)
        # Importance, as far as 1.3 can carry it.
        check("add-flow importance=", tool("table-features", at, "1", "max_entries=2")[0] == 0 and tool("mod-table", at, "1", "evict")[0] == 0 and
              all(tool("add-flow", at, f"table=1,importance={i},in_port={p},actions=drop")[0] == 0 for p, i in ((1, 5), (2, 3), (3, 4))))
        text = tool("dump-flows", at, "table=1")[1]
        check("... decides who leaves", "in_port=1 " in text and "in_port=3 " in text and "in_port=2 " not in text, text)
        check("... and is told", "importance=5" in text and "importance=4" in text, text)
        if OVS:
            check("... which ovs-ofctl does not look at", theirs("dump-flows", at, "table=1")[0] == 0)
        xid = 0x70000
        parts = split(before)
        for i in range(0, len(parts), 10):
            c.send(MULTIPART_REQUEST, multipart(12, b"".join(parts[i:i + 10]), flags=int(i + 10 < len(parts))), xid=xid)
        m = c.answer(xid)
        while m[0] == MULTIPART_REPLY and struct.unpack_from("!H", m[2], 2)[0] & 1:
            m = c.answer(xid)
        check("the original features come back", m[0] == MULTIPART_REPLY and c.parts(12) == before, m[2][:4])
        check("the switch lives", sw.alive())
    finally:
        code = sw.stop()
    check("... and ends well", code == 0, code)


run(test)
