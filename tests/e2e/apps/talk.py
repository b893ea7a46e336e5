#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connections for tests of what lets them pass.

talk.py serve PORT...              echoes, TCP and UDP, IPv4 and IPv6, until it is ended
talk.py ask PROTO ADDRESS PORT     one connection: status 0 when it is answered, 2 when it is refused, else 1
talk.py greet PORT                 TCP: says from which address one came, and hangs up
talk.py who ADDRESS PORT           prints what such a server says
talk.py stream ADDRESS PORT FILE   one TCP connection, a word each 20 ms, until it is ended; FILE says
                                   "SENT ECHOED RETRANSMITTED" all the while
ask and who wait for $WAIT seconds at most.
"""
import os
import select
import socket
import struct
import sys
import time


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(ports):
    poll, socks = select.epoll(), {}

    def watch(s):
        socks[s.fileno()] = s
        poll.register(s.fileno(), select.EPOLLIN)

    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            s = socket.socket(socket.AF_INET6, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", port))
            if kind == socket.SOCK_STREAM:
                s.listen(64)
            watch(s)
    while True:
        for fd, _ in poll.poll():
            s = socks[fd]
            try:
                if s.type == socket.SOCK_DGRAM:
                    data, who = s.recvfrom(2048)
                    s.sendto(data, who)
                elif s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    watch(s.accept()[0])
                else:
                    data = s.recv(4096)
                    if data:
                        s.sendall(data)
                    else:
                        raise ConnectionError
            except OSError:
                if s.type == socket.SOCK_STREAM and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    poll.unregister(fd)
                    socks.pop(fd).close()


def ask(proto, address, port):
    s = socket.socket(family(address), socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(float(os.environ.get("WAIT", 1)))
    try:
        s.connect((address, port))
        s.send(b"word")
        return 0 if s.recv(16) == b"word" else 1
    except ConnectionRefusedError:
        return 2
    except OSError:
        return 1


def stream(address, port, path):
    s = socket.create_connection((address, port), 3)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setblocking(False)
    sent = echoed = 0
    while True:
        try:
            sent += s.send(b"12345678")
        except BlockingIOError:
            pass
        end = time.monotonic() + 0.02
        while (left := end - time.monotonic()) > 0:
            if select.select([s], [], [], left)[0]:
                data = s.recv(65536)
                if not data:
                    return 1
                echoed += len(data)
        retrans = struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0]
        with open(path + ".new", "w") as f:
            f.write(f"{sent // 8} {echoed // 8} {retrans}\n")
        os.rename(path + ".new", path)


def greet(port):
    s = socket.create_server(("", port))
    while True:
        one, who = s.accept()
        one.sendall(who[0].encode())
        one.close()


def who(address, port):
    try:
        print(socket.create_connection((address, port), float(os.environ.get("WAIT", 2))).recv(64).decode())
    except OSError as e:
        print(e)


what, args = sys.argv[1], sys.argv[2:]
if what == "serve":
    serve([int(p) for p in args])
elif what == "greet":
    greet(int(args[0]))
elif what == "who":
    who(args[0], int(args[1]))
elif what == "ask":
    sys.exit(ask(args[0], args[1], int(args[2])))
else:
    sys.exit(stream(args[0], int(args[1]), args[2]))
