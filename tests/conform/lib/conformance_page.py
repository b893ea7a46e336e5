#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md: each section of OpenFlow 1.3.5, and of the extensions, with its tests and what they said.

    conformance_page.py --write   from the logs of a run ("make conformance" does both)
    conformance_page.py --check   that no section is without a test, and that the page has them all

A test says what it is about in lines of its own: "# Spec: SECTION words" (in C: "/* Spec: ... */").  A pattern
has its section in its table.  Results are the last words of the logs in build/log, and patterns.json there.
"""
import collections
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
B = os.environ.get("B", "build")
PAGE = os.path.join(ROOT, "docs/conformance.md")
sys.path.insert(0, HERE)

SECTIONS = [line.split(" ", 1) for line in """\
4.1 OpenFlow ports
4.2 Standard ports
4.3 Physical ports
4.4 Logical ports
4.5 Reserved ports
5.1 Pipeline processing
5.1.1 Pipeline consistency
5.2 Flow table
5.3 Matching
5.4 Table-miss
5.5 Flow removal
5.6 Group table
5.6.1 Group types
5.7 Meter table
5.7.1 Meter bands
5.8 Counters
5.9 Instructions
5.10 Action set
5.11 Action list
5.12 Actions
5.12.1 Default values for fields on push
6.1 Message types
6.1.1 Controller-to-switch messages
6.1.2 Asynchronous messages
6.1.3 Symmetric messages
6.2 Message handling
6.3.1 Connection setup
6.3.2 Connection maintenance
6.3.3 Connection interruption
6.3.4 Encryption
6.3.5 Multiple controllers
6.3.6 Auxiliary connections
6.4 Flow table modification messages
6.5 Group table modification messages
6.6 Meter modification messages
7.1 OpenFlow header
7.1.1 Padding
7.2.1 Port structures
7.2.2 Queue structures
7.2.3.1 Flow match header
7.2.3.2 Flow match field structures
7.2.3.3 OXM classes
7.2.3.4 Flow matching
7.2.3.5 Flow match field masking
7.2.3.6 Flow match field prerequisites
7.2.3.7 Flow match fields
7.2.3.8 Experimenter flow match fields
7.2.4 Flow instruction structures
7.2.5 Action structures
7.3.1 Handshake
7.3.2 Switch configuration
7.3.3 Flow table configuration
7.3.4.1 Modify flow entry
7.3.4.2 Modify group entry
7.3.4.3 Port modification
7.3.4.4 Meter modification
7.3.5 Multipart messages
7.3.5.1 Description
7.3.5.2 Individual flow statistics
7.3.5.3 Aggregate flow statistics
7.3.5.4 Table statistics
7.3.5.5 Table features
7.3.5.6 Port statistics
7.3.5.7 Port description
7.3.5.8 Queue statistics
7.3.5.9 Group statistics
7.3.5.10 Group description
7.3.5.11 Group features
7.3.5.12 Meter statistics
7.3.5.13 Meter configuration
7.3.5.14 Meter features
7.3.5.15 Experimenter multipart
7.3.6 Queue configuration
7.3.7 Packet-out
7.3.8 Barrier
7.3.9 Role request
7.3.10 Asynchronous configuration
7.4.1 Packet-in
7.4.2 Flow removed
7.4.3 Port status
7.4.4 Error
7.5.1 Hello
7.5.2 Echo request
7.5.3 Echo reply
7.5.4 Experimenter
EXT-187 Flow monitor
EXT-191 Role status
EXT-192-e Eviction
EXT-192-v Vacancy events
EXT-230 Bundles
EXT-233 actset_output
EXT-235 Request forward
EXT-256 PBB UCA
NX Nicira's extensions: packet-in formats, monitors, registers, actions, connection tracking
NTR Selection method of groups""".splitlines()]

# What may be left out (5, 7: "optional"), and is; with the error that says so.
REFUSED = [
    ("7.1", "OpenFlow 1.0 to 1.2, and 1.4 and later without 1.3 in their bitmap", "HELLO_FAILED, INCOMPATIBLE", "tests/conform/agent_errors.py"),
    ("7.3.3", "OFPTC_DEPRECATED_MASK, which 1.3 keeps for 1.1 and 1.2", "TABLE_MOD_FAILED, BAD_CONFIG", "tests/conform/agent_errors.py"),
    ("7.2.4", "experimenter instructions", "BAD_INSTRUCTION, BAD_EXPERIMENTER", "tests/conform/agent_errors.py"),
    ("7.2.5", "experimenter actions but Nicira's", "BAD_ACTION, BAD_EXPERIMENTER", "tests/conform/agent_errors.py"),
    ("7.3.4.4", "experimenter bands", "METER_MOD_FAILED, BAD_BAND", "tests/conform/agent_errors.py"),
    ("7.5.4", "experimenters but ONF, Nicira and Weft's own", "BAD_REQUEST, BAD_EXPERIMENTER", "tests/conform/agent_errors.py"),
    ("7.3.5.5", "experimenter properties of tables", "TABLE_FEATURES_FAILED, BAD_TYPE", "tests/conform/tables.py"),
    ("6.3.6", "auxiliary connections over UDP and DTLS", "the option, in words", "tests/sys/agent_aux.py"),
    ("EXT-230", "properties of bundles; times", "BAD_REQUEST, BAD_EXPERIMENTER; BAD_FLAGS", "tests/conform/bundles.py"),
    ("7.2.5", "set-field with a mask, which comes with 1.5", "BAD_ACTION, BAD_SET_ARGUMENT", "tests/conform/field_errors.py"),
]
# Where more is taken than the specification asks for.
BEYOND = [
    ("7.3.4.2", "Open vSwitch's command 0x8000, which adds a group or changes the one that is there", "tests/conform/four_pairs.py"),
    ("7.3.7", "a packet-out's in_port may be OFPP_ANY, as tools have it, and stands for OFPP_CONTROLLER", "tests/sys/agent_buffers.py"),
    ("7.3.5.5", "max_entries, which is the switch's to say, is taken as a limit where it is less than what fits (0: what fits)", "tests/conform/tables.py"),
    ("7.3.5.5", "ONF's experimenter fields are matched in every table; they are not told, as os-ken cannot write them back", "tests/conform/tables.py"),
    ("EXT-192-e", "1.4's table_mod, table_desc and table_status under ONF's types 1920 and 1921, which are Weft's choice", "tests/conform/eviction.py"),
    ("EXT-192-e", "importance in the two bytes behind a flow_mod's flags, where 1.4 has it and 1.3 zeros", "tests/conform/eviction.py"),
    ("EXT-230", "packet-outs in bundles: judged in their place, sent when all is in effect", "tests/conform/bundles.py"),
    ("7.2.3.7", "masks of ports and of the fields of neighbour discovery", "tests/conform/field_errors.py"),
    ("7.2.5", "set-field of metadata, which has an instruction of its own", "tests/conform/field_errors.py"),
]
HEAD = """# Conformance

Written by `make conformance` from what its tests said; do not edit.  Each section of OpenFlow 1.3.5, then extensions; what is
tested of it, by which program, and how many of its checks passed.  A program that is about several sections stands at each,
with all of its checks.

Patterns are rules, a frame, and what must come out.  Rules are encoded by os-ken, frames built by os-ken and scapy, sent and
received by Open vSwitch, and compared byte by byte (`tests/conform/switch_patterns.py`; tables in
`tests/conform/lib/patterns_*.py` and `own_patterns.py`).  `tests/conform/stock_tester.py` gives the same files to os-ken's own tester.

| section | feature | tests | result |
| --- | --- | --- | --- |
"""


def spec_lines():
    """(section, words, test) of each line."""
    out = []
    for path in sorted(glob.glob(ROOT + "/tests/**/*", recursive=True)):
        if not path.endswith((".py", ".sh", ".c")) or path.startswith(HERE):
            continue
        for line in open(path, errors="replace"):
            m = re.match(r"\s*(?:#|/?\*)\s*Spec: (\S+) (.+?)(?: \*/)?$", line)
            if m:
                out.append((m.group(1), m.group(2), os.path.relpath(path, ROOT)))
    return out


def pattern_sections():
    import own_patterns
    import patterns  # noqa: F401
    import patterns_core

    out = {(p.section, p.feature) for p in own_patterns.OWN}
    return out | {(section, feature) for (category, _), (section, feature, _) in patterns_core.FILES.items() if not category.startswith("stream_")}


def key(section):
    head, _, rest = section.partition(".")
    return (0, [int(x) for x in section.split(".")]) if head.isdigit() else (1, [section])


def outcome(test):
    """What a test's log ends with; None: it did not run."""
    name = test
    if test.startswith("tests/unit/"):
        name = "%s/%s" % (B, test[:-2])
    log = os.path.join(B, "log", re.sub(r"[^\w.-]+", "_", name) + ".log")
    log = log if os.path.exists(log) else os.path.join(B, "log", "all_" + re.sub(r"[^\w.-]+", "_", name) + ".log")
    try:
        text = open(log, errors="replace").read()
    except OSError:
        return None
    m = re.findall(r"^(?:\w+: )?(\d+) passed, (\d+) failed", text, re.M)
    if m:
        return int(m[-1][0]), int(m[-1][1])
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] .*?(\d+) test", text))
    return (passed, failed) if passed + failed else None


def words(passed, failed):
    return "%d passed" % passed if not failed else "**%d passed, %d failed**" % (passed, failed)


def differences():
    """What tests/conform/four_pairs.py holds to be all that differs."""
    import ofctl_differences

    text = "\n## Differences from ovs-ofctl\n\n"
    text += "Both tools give the same commands to both switches (`tests/conform/four_pairs.py`): what they print and their exit status are alike,\n"
    text += "but for times, transaction ids, addresses, speeds of ports, a bridge's own port, the order in which tables are told, the words of\n"
    text += "usage errors, and these.\n"
    for between, head in (("tools", "weft-ofctl, where ovs-ofctl differs"), ("switches", "weft-switch, where Open vSwitch differs")):
        text += "\n| %s | why |\n| --- | --- |\n" % head
        text += "".join("| %s | %s |\n" % (d.what, d.why) for d in ofctl_differences.DIFFERENCES.values() if d.between == between)
    text += "\n| match, in bytes | ovs-ofctl | weft-ofctl | why |\n| --- | --- | --- | --- |\n"
    return text + "".join("| `%s` | %s | %s | %s |\n" % r for r in ofctl_differences.READ)


def write():
    with open(os.path.join(B, "log/patterns.json")) as f:
        found = json.load(f)
    ours, foreign = (collections.defaultdict(lambda: [0, 0]) for _ in range(2))
    for r in found:
        if "section" in r:
            ours[r["section"], r["feature"]][not r["ok"]] += 1
        elif "file" in r:
            foreign[r["file"]][not r["ok"]] += 1
    titles = dict(SECTIONS)
    rows, missing = [], set()
    for section, title in SECTIONS:
        mine = [(f, "patterns", words(*v)) for (s, f), v in sorted(ours.items()) if s == section]
        for s, feature, test in spec_lines():
            if s != section:
                continue
            got = outcome(test)
            if got is None:
                missing.add(test)
            mine.append((feature, "`%s`" % test, words(*got) if got else "**did not run**"))
        rows.append("| **%s** | **%s** | | |" % (section, title))
        rows += ["| %s | %s | %s | %s |" % (section, *m) for m in mine]
    text = HEAD + "\n".join(rows)
    text += "\n\n## What is refused\n\nOf what is optional, with the error that says so.\n\n| section | what | error | tested in |\n| --- | --- | --- | --- |\n"
    text += "".join("| %s | %s | %s | `%s` |\n" % r for r in REFUSED)
    text += "\n## What is taken beyond the specification\n\n| section | what | tested in |\n| --- | --- | --- |\n"
    text += "".join("| %s | %s | `%s` |\n" % r for r in BEYOND)
    text += differences()
    if foreign:
        text += "\n## os-ken's patterns\n\nWithout those that are wrong in themselves; switch_patterns.py lists them, with the reason.\n\n"
        text += "| file | tests passed |\n| --- | --- |\n"
        text += "".join("| %s | %d of %d |\n" % (f, v[0], sum(v)) for f, v in sorted(foreign.items()))
    if missing:
        sys.exit("no result of %s: run make conformance" % ", ".join(sorted(missing)))
    with open(PAGE, "w") as f:
        f.write(text)
    assert titles


def check():
    """Prints what is wrong."""
    known = {s for s, _ in SECTIONS}
    specs, sections = spec_lines(), pattern_sections()
    wrong = ["%s: there is no section %s" % (test, s) for s, _, test in specs if s not in known]
    wrong += ["patterns: there is no section %s" % s for s, _ in sections if s not in known]
    tested = {s for s, _, _ in specs} | {s for s, _ in sections}
    wrong += ["section %s, %s: no test says that it is about it" % (s, t) for s, t in SECTIONS if s not in tested]
    page = open(PAGE).read()
    wrong += ["docs/conformance.md has no row for %s %s (make conformance)" % (s, t) for s, t in SECTIONS if "| **%s** | **%s** |" % (s, t) not in page]
    wrong += ["%s is not there" % test for *_, test in REFUSED + BEYOND if not os.path.exists(os.path.join(ROOT, test))]
    if differences() not in page:
        wrong.append("docs/conformance.md has not: the differences of lib/ofctl_differences.py (make conformance)")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    if "--write" in sys.argv:
        write()
    sys.exit(check())
