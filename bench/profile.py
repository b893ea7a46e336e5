# SPDX-License-Identifier: Apache-2.0
"""Where a packet's cycles go: the functions of the packet thread that perf finds itself in, for each forwarding case
with the flow cache and without it.  The loop over nothing but devices is in there: reading the trace and freeing."""
import re
import subprocess

from bench import forwarding, rig

AT_LEAST = 2.0  # percent


def one(case, subject, run, *options):
    with rig.Weft(*options, trace=case) as sw:
        sw.rules(case)
        rig.time.sleep(rig.WARM)
        data = f"{rig.WORK}/perf.data"
        subprocess.run(["perf", "record", "-q", "-o", data, "-t", ",".join(sw.tids()), "--", "sleep", str(rig.SECONDS)],
                       check=True, capture_output=True, timeout=60)
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--sort", "symbol"],
                          check=True, capture_output=True, text=True, timeout=120).stdout
    for share, name in re.findall(r"^\s*([\d.]+)%\s+\[.\]\s+(\S+)", text, re.M):
        if float(share) >= AT_LEAST:
            rig.row("profile", case, subject, run, **{name + "__percent": float(share)})


def measure(runs):
    if not rig.have("perf"):
        rig.say("profile: perf is not installed")
        return
    for case in forwarding.CASES:
        one(case, "weft", 1)
        one(case, "weft-nocache", 1, "--cache-entries", "0")
