#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's Keystone for a lab in shell, until it is told to end: keystone.py URL-OF-THE-CONTROLLER FILE

Users red and blue are members of projects of their names, weft is the controller's.  FILE says, as JSON, where Keystone is, an
administrator's token, and the projects' ids.
"""
import json
import os
import signal
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../sys/lib"))
from identity import USERS, Keystone  # noqa: E402

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
url, path = sys.argv[1:]
k = Keystone(USERS)
root = k.token("admin")
for kind, at in (("identity", k.url), ("network", url), ("compute", url)):  # the client wants a compute service for quotas
    k.service(kind, at, root)
with open(path + ".new", "w") as f:
    json.dump({"url": k.url, "token": root, "projects": k.projects}, f)
os.rename(path + ".new", path)
signal.pause()
