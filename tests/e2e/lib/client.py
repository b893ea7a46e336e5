#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real `openstack` client, started once: client.py OPTIONS...

A line on standard input is a command, quoted as a shell would; what it prints, both streams, goes to standard output, and a line of \x1e and its
exit code ends it.  Each command is a run of the client's own shell; only its start, a second or two, is saved.
"""
import contextlib
import io
import os
import shlex
import signal
import sys
import tempfile

for k in [k for k in os.environ if k.startswith("OS_") or "proxy" in k.lower()]:
    del os.environ[k]
home = tempfile.TemporaryDirectory(prefix="weft-os-")
os.environ["HOME"] = home.name
from openstackclient.shell import OpenStackShell  # noqa: E402


def run(argv):
    """Exit code and everything printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        shell = OpenStackShell()
        shell.stdout, shell.stderr = out, err
        try:
            code = shell.run(argv)
        except SystemExit as e:  # wrong usage
            code = e.code if isinstance(e.code, int) else 2
    return code or 0, out.getvalue() + err.getvalue()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for line in sys.stdin:
        code, text = run(sys.argv[1:] + shlex.split(line))
        if text and not text.endswith("\n"):
            text += "\n"
        sys.stdout.write(f"{text}\x1e{code}\n")
        sys.stdout.flush()
