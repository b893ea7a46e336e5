# SPDX-License-Identifier: Apache-2.0
"""The real `openstack` client in a process of its own that goes on from command to command (tests/e2e/lib/client.py): in one process with
another user's it would go on as who it was first."""
import atexit
import os
import shlex
import subprocess
import sys

SHELL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../e2e/lib/client.py")


class Client:
    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, SHELL, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.end)

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)

    def __call__(self, *args):
        """Exit code, and all that it prints."""
        self.process.stdin.write(shlex.join(args) + "\n")
        self.process.stdin.flush()
        text = ""
        while line := self.process.stdout.readline():
            if line[0] == "\x1e":
                return int(line[1:]), text
            text += line
        raise SystemExit(f"openstack {shlex.join(args)}: the client ended: {text}")
