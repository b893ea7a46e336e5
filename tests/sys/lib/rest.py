# SPDX-License-Identifier: Apache-2.0
"""A weft-controller of one's own on loopback, and a client for it: what the rest_*.py tests share."""
import atexit
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

B = os.environ.get("B", "build")
SMALL = "00000000-0000-4000-8000-000000000000"  # a uuid that nothing has

results = [0, 0]


def check(ok, text, more=""):
    """One line; 'more' says what came instead."""
    results[0 if ok else 1] += 1
    print(("ok - " if ok else "not ok - ") + text + ("" if ok or more == "" else f"   [{str(more)[:300]}]"), flush=True)
    return bool(ok)


def finish():
    print(f"{results[0]} passed, {results[1]} failed", flush=True)
    sys.exit(1 if results[1] or not results[0] else 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Controller:
    """Started on free ports with a store in a folder of its own; ended when the test is."""

    def __init__(self, *options, store=None):
        self.folder = tempfile.mkdtemp(prefix=f"weft-rest-{os.getpid()}-")
        self.store = store or f"sqlite:{self.folder}/weft.db"
        self.options = options
        self.process = None
        atexit.register(self.remove)
        self.start()

    def start(self):
        self.start_again(free_port(), free_port())

    def start_again(self, port, of_port):
        """On ports that somebody else knows it by."""
        self.port, self.of_port = port, of_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(f"{self.folder}/log", "a")
        self.process = subprocess.Popen(
            [f"{B}/weft-controller", "--rest", f"127.0.0.1:{self.port}", "--store", self.store,
             "--listen", f"tcp:{self.of_port}:127.0.0.1", *self.options],
            stdout=self.log, stderr=self.log)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("the controller does not start: " + open(f"{self.folder}/log").read())

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.log.close()
        return code

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def rss_kb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    # ---- requests ----

    def raw(self, method, path, body=None, headers=None):
        """Status, headers and bytes."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.request(method, path, body, {"Content-Type": "application/json"} if headers is None else headers)
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        finally:
            c.close()

    def __call__(self, method, path, body=None, token=None):
        """Status and JSON (None when there is none)."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["X-Auth-Token"] = token
        status, _, raw = self.raw(method, path, None if body is None else json.dumps(body), headers)
        return status, json.loads(raw) if raw else None

    def make(self, noun, **attrs):
        """The object; ends the test when it is not created."""
        attrs = {k.replace("__", ":"): v for k, v in attrs.items()}
        status, body = self("POST", f"/v2.0/{noun}s", {noun: attrs})
        if status != 201:
            raise SystemExit(f"cannot create a {noun}: {status} {body}")
        return body[noun]

    def list(self, collection, query=""):
        status, body = self("GET", f"/v2.0/{collection}{query}")
        return body[collection.replace("-", "_")] if status == 200 else body


def error_of(body):
    """The type in a Neutron error body, checked to be one."""
    e = (body or {}).get("NeutronError", {})
    ok = set(e) == {"type", "message", "detail"} and e["message"]
    return e["type"] if ok else f"not an error body: {body}"


def refused(what, answer, status, kind):
    """One line: 'answer' (status and body) is this refusal, by the API's name for it."""
    check(answer[0] == status and error_of(answer[1]) == kind, f"{what}: {status} {kind}", answer)
