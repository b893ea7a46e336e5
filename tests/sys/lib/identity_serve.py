#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's Keystone on loopback: identity_serve.py CONFIG PORT FOLDER TLS-PORT; it listens when its standard input ends.

Its own WSGI application, one request at a time (its sessions in several threads lock each other out of sqlite).  FOLDER/requests gets a line for each; while there is a FOLDER/delay,
an answer takes that many seconds longer; while there is a FOLDER/answer, that is the answer ("STATUS\\nBODY").
On TLS-PORT it is https, with the certificate and key that are in FOLDER/tls.pem then.
"""
import concurrent.futures
import os
import socketserver
import ssl
import sys
import threading
import time
import wsgiref.simple_server as wss

config, port, folder, tls_port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
sys.argv[1:] = []
os.environ["OS_KEYSTONE_CONFIG_FILES"] = config
from keystone.server.wsgi import initialize_public_application  # noqa: E402

one = concurrent.futures.ThreadPoolExecutor(1)
keystone = initialize_public_application()
requests = open(f"{folder}/requests", "a", buffering=1)


def text(name):
    try:
        return open(f"{folder}/{name}").read()
    except FileNotFoundError:
        return None


def application(environ, start_response):
    token = environ.get("HTTP_X_SUBJECT_TOKEN", "-")
    requests.write(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {token}\n")
    delay, answer = text("delay"), text("answer")
    if delay:
        time.sleep(float(delay))
    if answer:
        status, body = answer.split("\n", 1)
        start_response(status, [("Content-Type", "application/json")])
        return [body.encode()]
    return one.submit(lambda: list(keystone(environ, start_response))).result()


class Server(socketserver.ThreadingMixIn, wss.WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Quiet(wss.WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Secret(Server):
    def finish_request(self, request, client_address):  # in its thread
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/tls.pem")
        try:
            request = context.wrap_socket(request, server_side=True)
        except OSError:  # the client does not like the certificate
            return
        super().finish_request(request, client_address)
        request.close()


sys.stdin.read()
servers = [Secret(("127.0.0.1", tls_port), Quiet), Server(("127.0.0.1", port), Quiet)]
for server in servers:
    server.set_app(application)
threading.Thread(target=servers[0].serve_forever, daemon=True).start()
servers[1].serve_forever()
