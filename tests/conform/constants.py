#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: 7.2.3.3 OXM classes and headers
# Spec: 7.2.1 Port structures: constants
# Spec: 7.2.2 Queue structures: constants
"""Compares every OpenFlow constant and match field header with os-ken's, an independent implementation.

    tests/conform/constants.py

Runs in the project's root; compiles constants.c beside it.  Ends with "N passed, N failed".
"""
import os
import re
import subprocess
import sys
import tempfile

try:
    import os_ken.ofproto.ofproto_v1_3 as theirs
except ImportError:
    print("skipped: python3-os-ken is not installed")
    print("0 passed, 0 failed")
    sys.exit(0)

# What they have no name for, or a name of their own.
RENAMED = {
    "OFPBCT_": "ONF_BCT_", "OFPBF_": "ONF_BF_", "OFPBFC_": "ONFERR_ET_",
    "OFPFMF_": "ONFFMF_", "OFPFME_": "ONFFME_",
}
NOT_THEIRS = {
    "OFPP_UNSET", "OFPQ_MAX", "OFPQ_MIN_RATE_UNCFG", "OFPQ_MAX_RATE_UNCFG", "OFPXMC_PACKET_REGS",
    "OFPTC_DEPRECATED_MASK", "OFP_SSL_PORT", "DESC_STR_LEN", "SERIAL_NUM_LEN", "OFP_FLOW_PERMANENT",
}
# 1.4's tables, as ONF EXT-192.
NOT_THEIRS |= {"OFPRR_EVICTION", "OFPTC_EVICTION", "OFPTC_VACANCY_EVENTS", "OFPTMPEF_OTHER", "OFPTMPEF_IMPORTANCE",
               "OFPTMPEF_LIFETIME", "OFPTR_VACANCY_DOWN", "OFPTR_VACANCY_UP"}
NOT_THEIRS.add("OFPGC_ADD_OR_MOD")  # Open vSwitch's
NOT_THEIRS.add("OFP_TCP_PORT")  # theirs is the port before IANA assigned 6653, as 1.3.5 says (6.3.1)
# 1.4's and 1.5's, which extensions bring to 1.3, and Nicira's; the values are as Open vSwitch prints them (text_print.py).
LATER = re.compile(r"NX[A-Z0-9]*_|OFPMOFC_|OFPACFC_|OFPCRR_|OFPRFR_|OFPACPT_|OFPRR_METER_DELETE$|NX_PACKET_IN_|OFPG(C|MFC)_\w*BUCKET|OFPG_BUCKET_|^WEFT_")
# Theirs that are structure sizes, a name of 1.1, or belong to extensions that are not declared.
IGNORED = re.compile(r".*_SIZE$|OFPQCFC_|OFP_VERSION$|ONF(FM|T_FLOW|MP_FLOW|ERR_)|OXM_OF_|ONF_|.*_OFFSET$")

passed = failed = 0


def check(ok, text):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("not ok - " + text)


def ours():
    """Runs the C program: {name: value}, [(kind, name, header, bytes, maskable)]."""
    with tempfile.TemporaryDirectory() as d:
        exe = os.path.join(d, "constants")
        subprocess.run([os.environ.get("CC", "gcc").split()[-1], "-std=gnu17", "-I.", "-o", exe,
                        "tests/conform/constants.c", "ofproto/enum.c", "ofproto/field.c"], check=True)
        lines = subprocess.run([exe], check=True, capture_output=True, text=True).stdout.splitlines()
    constants, fields = {}, []
    for line in lines:
        w = line.split()
        if w[0] in ("OXM", "NXM") and len(w) == 5:
            fields.append((w[0], w[1], int(w[2]), int(w[3]), int(w[4])))
        else:
            constants[w[0]] = int(w[1])
    return constants, fields


def their_name(name):
    for a, b in RENAMED.items():
        if name.startswith(a):
            return b + name[len(a):].replace("MSG_FAILED", "FAILED")
    return name


def compare_constants(constants):
    for name, value in sorted(constants.items()):
        if name in NOT_THEIRS or LATER.match(name):
            continue
        t = getattr(theirs, their_name(name), None)
        check(t is not None, f"{name}: os-ken has no {their_name(name)}")
        if t is not None:
            check(t == value, f"{name} is {value}, os-ken's {t}")
    for name in dir(theirs):
        value = getattr(theirs, name)
        if re.match(r"OFP[A-Z]*_", name) and isinstance(value, int) and not IGNORED.match(name):
            check(name in constants, f"{name} ({value}) is missing")


def compare_headers(fields):
    """OXM_OF_* of theirs are whole headers, for the value alone and, with _W, with a mask."""
    stems = {"TUN_ID": "TUNNEL_ID", "ND_TARGET": "IPV6_ND_TARGET", "ND_SLL": "IPV6_ND_SLL",
             "ND_TLL": "IPV6_ND_TLL"}
    for kind, name, header, size, _ in fields:
        if kind != "OXM" or header >> 16 != 0x8000:
            continue
        stem = stems.get(name, name)
        t = getattr(theirs, "OXM_OF_" + stem, None)
        check(t == header | size, f"OXM_OF_{stem} is {header | size:#x}, os-ken's {t:#x}")
        t = getattr(theirs, "OXM_OF_" + stem + "_W", None)
        check(t == header | 0x100 | 2 * size, f"OXM_OF_{stem}_W is {header | 0x100 | 2 * size:#x}, os-ken's {t:#x}")


def compare_extensions(fields):
    """Nicira's and ONF's fields, from the list of types that they build their codec from."""
    stems = {"TUN_SRC": "tun_ipv4_src", "TUN_DST": "tun_ipv4_dst", "IP_TTL": "nw_ttl", "IP_TOS": "nw_tos",
             "TUN_ID": "tunnel_id_nxm", "IPV6_FLABEL": "ipv6_label"}
    # An experimenter's OXM with them; and fields younger than they are.
    absent = re.compile("DP_HASH|CT_(NW|TP|IPV6)_")
    known = {}
    for t in theirs.oxm_types:
        num = t.num if isinstance(t.num, int) else t.num[-1]
        known[(type(t).__name__, t.name)] = (num, t.type.size)
    by_name = {n: v for (c, n), v in known.items()}
    for kind, name, header, size, _ in fields:
        if kind != "NXM" or absent.match(name):
            continue
        low = name.lower()
        candidate = low if low.endswith("_nxm") else low + "_nxm"
        if candidate not in by_name:
            candidate = stems.get(name, low)
        num, their_size = by_name.get(candidate, (None, None))
        check(num == header >> 9, f"{candidate} is {header:#x}, os-ken's number {num}")
        check(their_size == size, f"{candidate} has {size} bytes, os-ken's {their_size}")
    for kind, name, header, size, _ in fields:
        if header >> 16 == 0xffff:
            num, _ = by_name[name.lower()]
            if name == "PBB_UCA":  # os-ken has the first version alone, whose number is behind the header
                continue
            check(num & 0x7f == header >> 9 & 0x7f, f"ONF's {name} is {header >> 9 & 0x7f}, os-ken's {num & 0x7f}")
        if header >> 16 == 0x8001:
            num, _ = by_name[name.lower()]
            check(num == header >> 9, f"{name} is {header:#x}, os-ken's number {num:#x}")


constants, fields = ours()
compare_constants(constants)
compare_headers(fields)
compare_extensions(fields)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
