# SPDX-License-Identifier: Apache-2.0
"""A client that keeps its connection, for a weft-controller or for a Neutron that it is to be like, and what both are given to begin
with: projects A (an administrator's and a member's) and B."""
import atexit
import http.client
import json
import os
import tempfile
import threading
from urllib.parse import urlparse
from rest import Controller

ADMIN, MEMBER, OTHER = "adm", "mem", "oth"  # tokens
WHO = {ADMIN: ("A", "admin"), MEMBER: ("A", "member"), OTHER: ("B", "member")}
# A Neutron without Keystone believes these headers; it is there to look answers up, tests run without it.
NEUTRON = os.environ.get("NEUTRON")


class Peer:
    def __init__(self, url, headers):
        self.at, self.headers, self.local = urlparse(url), headers, threading.local()

    def raw(self, method, path, body, who=ADMIN):
        """Status and bytes; a connection that the other side has closed meanwhile is opened again."""
        headers = {"Content-Type": "application/json", **self.headers(who)}
        for again in (True, False):
            con = getattr(self.local, "con", None)
            if not con:
                con = self.local.con = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=30)
                again = False
            try:
                con.request(method, path, body, headers)
                r = con.getresponse()
                return r.status, r.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                con.close()
                self.local.con = None
                if not again:
                    raise

    def __call__(self, method, path, body=None, who=ADMIN):
        """Status and JSON (None when there is none); 'path' below /v2.0/."""
        status, raw = self.raw(method, "/v2.0/" + path, None if body is None else json.dumps(body), who)
        try:
            return status, json.loads(raw) if raw else None
        except ValueError:
            return status, raw

    def make(self, collection, who=ADMIN, **attrs):
        """The object; ends the test when it is not created."""
        attrs = {k.replace("__", ":"): v for k, v in attrs.items()}
        noun = noun_of(collection)
        status, body = self("POST", collection, {noun: attrs}, who)
        if status != 201:
            raise SystemExit(f"cannot create a {noun}: {status} {body}")
        return body[noun]

    def list(self, collection, who=ADMIN):
        return self("GET", collection, who=who)[1][collection.split("/")[-1].replace("-", "_")]


def noun_of(collection):
    name = collection.split("/")[-1].replace("-", "_")
    return name[:-3] + "y" if name.endswith("ies") else name[:-1]


def kind_of(answer):
    """"201", or "409 NetworkInUse"."""
    e = answer[1].get("NeutronError") if isinstance(answer[1], dict) else None
    return f"{answer[0]} {e['type']}" if isinstance(e, dict) else str(answer[0])


def start(*options):
    """The peer, and its controller (None: it is Neutron)."""
    if NEUTRON:
        return Peer(NEUTRON, lambda who: {"X-User-Id": "u", "X-Project-Id": WHO[who][0], "X-Roles": WHO[who][1]}), None
    with tempfile.NamedTemporaryFile("w", delete=False) as f:
        f.writelines(f"{token} {project} {role}\n" for token, (project, role) in WHO.items())
    atexit.register(os.unlink, f.name)
    c = Controller("--auth", f"token:{f.name}", *options)
    return Peer(c.url, lambda who: {"X-Auth-Token": who}), c
