#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Servers behind a connection tracker.

    ct_servers.py http PORT      HTTP over both IP versions: GET says who asks, 'ADDRESS PORT'; POST says how many bytes came
    ct_servers.py ftp FOLDER   an FTP server (pyftpdlib) on port 21 of both, anonymous
"""
import http.server
import socket
import sys


class Teller(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def tell(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        n = int(self.path.rpartition("/")[2] or 0)
        address, port = self.client_address[:2]
        self.tell(f"{address.replace('::ffff:', '')} {port}" + "." * n)

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        got = 0
        while got < left:
            n = len(self.rfile.read(min(65536, left - got)))
            if not n:
                break
            got += n
        self.tell(str(got))

    def log_message(self, *_):
        pass


class Both(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 64

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def ftp(folder):
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

    class Handler(FTPHandler):
        authorizer = DummyAuthorizer()
        use_sendfile = False
        # Addresses of data connections are those of the control connection, or the tracker did not translate.
        permit_foreign_addresses = False

    Handler.authorizer.add_anonymous(folder)
    FTPServer(("::", 21), Handler).serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "http":
        Both(("::", int(sys.argv[2])), Teller).serve_forever()
    ftp(sys.argv[2])
