# SPDX-License-Identifier: Apache-2.0
"""A Keystone of one's own on loopback: Debian's, with sqlite and Fernet keys in a folder that goes with the test."""
import atexit
import contextlib
import http.client
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

from rest import B, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
CONF = """[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db
sqlite_synchronous = false
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[identity]
password_hash_rounds = 4
[cache]
enabled = false
[token]
expiration = 3600
allow_expired_window = 3600
"""

USERS = {"red": ("red", "member"), "blue": ("blue", "member"), "weft": ("service", "service"), "guest": ("red", "reader")}


class Keystone:
    """With the user admin, administrator of the project admin, and those that are asked for: {name: (project, role)}."""

    def __init__(self, users):
        began = time.monotonic()
        self.folder = tempfile.mkdtemp(prefix=f"weft-keystone-{os.getpid()}-")
        self.process = None
        atexit.register(self.remove)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v3"
        self.config = f"{self.folder}/keystone.conf"
        with open(self.config, "w") as f:
            f.write(CONF.format(folder=self.folder))
        self.tls_port = free_port()
        self.next = None
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "python3-keystone"], capture_output=True, text=True,
                                 check=True).stdout.replace(":", "-")
        # A database with users takes a while: it is made once for all builds, and copied.
        made = os.path.abspath(f"{B.removesuffix('-asan')}/keystone-{version}-{'-'.join(sorted(users))}")
        if os.path.exists(made):
            shutil.copytree(made, self.folder, dirs_exist_ok=True)
        else:
            self.prepare()
        print("# waiting for Keystone to start", flush=True)
        self.start()
        if not os.path.exists(made):
            self.keep(users, made)
        with open(f"{self.folder}/projects") as f:
            self.projects = json.load(f)
        print(f"# Keystone is there after {time.monotonic() - began:.1f} s", flush=True)

    def prepare(self):
        print("# waiting for keystone-manage: keys, database, first user", flush=True)
        self.manage("fernet_setup", "--keystone-user", "root", "--keystone-group", "root")
        self.manage("db_sync")
        self.manage("bootstrap", "--bootstrap-password", "secret")
        # Keystone's sessions of one request would lock each other out otherwise.
        subprocess.run(["sqlite3", f"{self.folder}/keystone.db", "PRAGMA journal_mode=WAL"], check=True, capture_output=True)

    def keep(self, users, made):
        root = self.token("admin")
        with open(f"{self.folder}/projects", "w") as f:
            json.dump({name: self.user_add(root, name, *of) for name, of in users.items()}, f)
        new = f"{made}.{os.getpid()}"
        shutil.copytree(f"{self.folder}/fernet", f"{new}/fernet")
        shutil.copy(f"{self.folder}/projects", new)
        with contextlib.closing(sqlite3.connect(f"{self.folder}/keystone.db")) as a, \
                contextlib.closing(sqlite3.connect(f"{new}/keystone.db")) as b:
            a.backup(b)
            b.execute("PRAGMA journal_mode=WAL")
        try:
            os.rename(new, made)
        except OSError:  # another test was faster
            shutil.rmtree(new, ignore_errors=True)

    def manage(self, *args):
        p = subprocess.run([sys.executable, "/usr/bin/keystone-manage", "--config-file", self.config, *args],
                           capture_output=True, text=True, timeout=100)
        if p.returncode:
            raise SystemExit(f"keystone-manage {args[0]}: {p.stdout}{p.stderr}")

    def service(self, kind, url, root):
        """One of the catalogue's."""
        made = self.call("POST", "/services", {"service": {"type": kind, "name": kind}}, root)[0]["service"]
        self.call("POST", "/endpoints", {"endpoint": {"service_id": made["id"], "interface": "public", "url": url}}, root)

    def stand_by(self):
        """The next to start: all but listening, as the configuration is now."""
        self.next = subprocess.Popen([sys.executable, f"{HERE}/identity_serve.py", self.config, str(self.port), self.folder, str(self.tls_port)],
                                     stdin=subprocess.PIPE, stdout=open(f"{self.folder}/out", "a"), stderr=subprocess.STDOUT)

    def start(self):
        if not self.next:
            self.stand_by()
        self.process, self.next = self.next, None
        self.process.stdin.close()
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("Keystone does not start: " + open(f"{self.folder}/out").read()[-2000:])

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.next:
            self.next.kill()
            self.next.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def set(self, name, value):
        """FOLDER/delay, FOLDER/answer; None: as Keystone does it."""
        path = f"{self.folder}/{name}"
        if value is None:
            if os.path.exists(path):
                os.unlink(path)
        else:
            with open(path + ".new", "w") as f:
                f.write(value)
            os.rename(path + ".new", path)

    def requests(self):
        """(method, path, subject token) of each so far."""
        with open(f"{self.folder}/requests") as f:
            return [tuple(line.split()) for line in f]

    # ---- its API ----

    def call(self, method, path, body=None, token=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, "/v3" + path, body and json.dumps(body),
                  {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {}), **(headers or {})})
        r = c.getresponse()
        raw = r.read()
        c.close()
        if r.status >= 300:
            raise SystemExit(f"Keystone: {method} {path}: {r.status} {raw[:300]}")
        return json.loads(raw) if raw else None, r.getheader("X-Subject-Token")

    def token(self, user, password="secret", project=None):
        """A new token; 'project' False: an unscoped one."""
        auth = {"identity": {"methods": ["password"], "password": {
            "user": {"name": user, "domain": {"id": "default"}, "password": password}}}}
        if project is False:
            auth["scope"] = "unscoped"
        else:
            auth["scope"] = {"project": {"name": project or user, "domain": {"id": "default"}}}
        return self.call("POST", "/auth/tokens", {"auth": auth})[1]

    def revoke(self, token, by):
        self.call("DELETE", "/auth/tokens", token=by, headers={"X-Subject-Token": token})

    def user_add(self, by, name, project, role):
        """The project's id; makes what is not there."""
        found = self.call("GET", f"/projects?name={project}", token=by)[0]["projects"]
        p = found[0] if found else self.call("POST", "/projects", {"project": {"name": project}}, by)[0]["project"]
        u = self.call("POST", "/users", {"user": {"name": name, "password": "secret"}}, by)[0]["user"]
        found = self.call("GET", f"/roles?name={role}", token=by)[0]["roles"]
        r = found[0] if found else self.call("POST", "/roles", {"role": {"name": role}}, by)[0]["role"]
        self.call("PUT", f"/projects/{p['id']}/users/{u['id']}/roles/{r['id']}", token=by)
        return p["id"]
