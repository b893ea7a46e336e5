#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Spec: NX ct(alg=): FTP and TFTP through NAT
"""FTP and TFTP through a firewall with NAT: alg=ftp, alg=tftp let their data connections pass, translated.

The hosts and the flows are in lib/ct_router.py.  curl is the client, of active and of passive FTP with the old commands
and the extended ones, and of TFTP; python3-pyftpdlib and dnsmasq are the servers, outside (SNAT) and inside (DNAT).  The
FTP server takes no address that is not its client's, so that an untranslated PORT is refused.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import ct  # noqa: E402
import ct_router as net  # noqa: E402
from ct_router import S, SERVICE, url  # noqa: E402

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
TEXT = "".join(f"line {i} of what is to be had\n" for i in range(5000))
EXTENDED4 = "its helper knows EPSV of IPv6 alone; RFC 2428 has it for both"
DIFFERENCES = {
    "IPv4: DNAT: passive by EPSV": EXTENDED4,
}
WAYS = {  # of IPv4, of IPv6
    "passive by PASV": (["--disable-epsv", "--no-ftp-skip-pasv-ip"], None),
    "passive by EPSV": ([], []),
    "active by PORT": (["-P", "-", "--disable-eprt"], None),
    "active by EPRT": (["-P", "-"], ["-P", "-"]),
}


def fetched(lab, space, where, *words, wait=20):
    p = lab.inside(space, "curl", "-sS", "-g", "--connect-timeout", str(wait), "--max-time", str(wait + 1), *words, where, timeout=60)
    return p.stdout == TEXT, f"{p.stderr.strip()} ({len(p.stdout)} bytes)"


def ftp(lab, v, what, client, address):
    for way, words in WAYS.items():
        words = words[v == 6]
        if words is not None:
            text = f"IPv{v}: {what}: {way}"
            # What Open vSwitch is known not to do is not waited for as long.
            wait = 2 if lab.kind == "ovs" and text in DIFFERENCES else 20
            good, why = fetched(lab, client, url(v, address, 21, "text", "ftp"), *words, wait=wait)
            lab.check(text, good, why)


def test(lab):
    net.topology(lab, mtu=1500)
    os.makedirs(f"{lab.dir}/files")
    os.chmod(lab.dir, 0o755)
    with open(f"{lab.dir}/files/text", "w") as f:
        f.write(TEXT)
    lab.switch(*lab.two_threads())
    for space in ("s", "h"):
        lab.start(space, "/usr/bin/python3", f"{LIB}/ct_servers.py", "ftp", f"{lab.dir}/files", name=f"ftp-{space}")
    lab.start("s", "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--enable-tftp", f"--tftp-root={lab.dir}/files", "--user=root", "--pid-file=")
    for space in ("s", "h"):
        lab.until(lambda: fetched(lab, space, "ftp://127.0.0.1/text", wait=1)[0], 15)

    for v in (4, 6):
        lab.flows(net.nat(v, helpers="alg"))
        ftp(lab, v, "SNAT", "c", S[v])
        ftp(lab, v, "DNAT", "s", SERVICE[v])
        tftp = url(v, S[v], 69, "text", "tftp")
        lab.check(f"IPv{v}: SNAT: TFTP", *fetched(lab, "c", tftp))
        lab.check(f"IPv{v}: SNAT: TFTP, again, from another port", *fetched(lab, "c", tftp))
        # Without helpers the same data connections do not pass: it is the helpers that let them.
        lab.flows(net.nat(v, helpers="alg").replace("alg=ftp,", "").replace("alg=tftp,", ""))
        lab.dpctl("flush-conntrack")
        lab.check(f"IPv{v}: without alg: no active FTP", not fetched(lab, "c", url(v, S[v], 21, "text", "ftp"), "-P", "-", wait=1)[0])
        lab.check(f"IPv{v}: without alg: no TFTP", not fetched(lab, "c", tftp, wait=1)[0])


if __name__ == "__main__":
    ct.main(test, DIFFERENCES)
