#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Nova's os-server-external-events is to a network service: takes events, and answers as Nova does.

    nova.py PORT FOLDER

Each request is a line of FOLDER/requests: {"token": ..., "events": [...]}.  FOLDER/status, if it is there, is the status of all
answers; FOLDER/codes has lines "SERVER CODE", for servers that Nova answers otherwise than by 200.
"""
import http.server
import json
import os
import sys

port, folder = int(sys.argv[1]), sys.argv[2]
os.makedirs(folder, exist_ok=True)


def kept(name):
    try:
        with open(f"{folder}/{name}") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Nova(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = int(kept("status") or 200)
        try:
            events = json.loads(body)["events"]
            assert self.path == "/v2.1/os-server-external-events" and self.headers["Content-Type"] == "application/json"
            with open(f"{folder}/requests", "a") as f:
                f.write(json.dumps({"token": self.headers["X-Auth-Token"], "status": status, "events": events}) + "\n")
        except (ValueError, KeyError, AssertionError):
            status = 400
        if status == 200:
            codes = dict(line.split() for line in kept("codes").splitlines())
            for e in events:
                e["code"] = int(codes.get(e["server_uuid"], 200))
                e["status"] = "completed" if e["code"] == 200 else "failed"
            if all(e["code"] == 404 for e in events):
                status = 404
            elif any(e["code"] != 200 for e in events):
                status = 207
        answer = json.dumps({"events": events} if status in (200, 207) else {"error": status}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


http.server.ThreadingHTTPServer(("127.0.0.1", port), Nova).serve_forever()
