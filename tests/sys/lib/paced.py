#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Frames at an even pace, and what comes of them.

    paced.py send IF SECONDS STREAM...   STREAM: dport:packets_per_s:bytes:tos[:6][:macs]; prints how many
                                         seconds it took, and how many of each were sent
    paced.py count IF FILE               UDP frames that came in until SIGTERM, 'dport tos n bytes' a line;
                                         FILE is made when it is ready, and then again with the counts

Frames go from 02..01 to 02..02, 10.5.0.1 to 10.5.0.2 (fd05::1 to fd05::2 with 6); with 'macs' each from
another address.  What falls behind is made up for; but when the machine has stood still, that is no part of
SECONDS, since what was missed would have to be sent at once.
"""
import collections
import os
import select
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
STOOD_STILL = 0.02  # s


def csum(b):
    total = sum(struct.unpack(f"!{len(b) // 2}H", b))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(dport, size, tos, six):
    eth = bytes.fromhex("020000000002020000000001")
    if six:
        src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in ("fd05::1", "fd05::2"))
        n = size - 54
        udp = struct.pack("!HHHH", 1000, dport, n, 0) + bytes(n - 8)
        sum_ = csum(src + dst + struct.pack("!II", n, 17) + udp + bytes(n % 2)) or 0xffff
        udp = udp[:6] + struct.pack("!H", sum_) + udp[8:]
        return eth + struct.pack("!HIHBB", 0x86dd, 6 << 28 | tos << 20, n, 17, 64) + src + dst + udp
    n = size - 34
    ip = struct.pack("!BBHIBBH4s4s", 0x45, tos, size - 14, 0, 64, 17, 0, bytes([10, 5, 0, 1]), bytes([10, 5, 0, 2]))
    ip = ip[:10] + struct.pack("!H", csum(ip)) + ip[12:]
    return eth + b"\x08\0" + ip + struct.pack("!HHHH", 1000, dport, n, 0) + bytes(n - 8)


def open_(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.bind((interface, ETH_P_ALL))
    return s


def send(interface, seconds, *streams):
    s, plan = open_(interface), []
    for text in streams:
        part = text.split(":")
        dport, rate, size, tos = map(int, part[:4])
        plan.append([rate, bytearray(frame(dport, size, tos, "6" in part[4:])), "macs" in part[4:], 0])
    start = begin = last = time.monotonic()
    while (at := time.monotonic()) - begin < float(seconds):
        begin += max(0, at - last - STOOD_STILL)
        last, now = at, at - begin
        for p in plan:
            while p[3] < now * p[0]:
                if p[2]:
                    p[1][7:12] = struct.pack("!I", p[3] + 0x100) + b"\1"
                s.send(p[1])
                p[3] += 1
        time.sleep(0.001)
    print(time.monotonic() - start, *(p[3] for p in plan))


def count(interface, path):
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    s = open_(interface)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    seen = collections.Counter()
    open(path, "w").close()
    while True:
        last = bool(told)  # what came before it was told is there to be read
        if not select.select([s], [], [], 0 if last else 0.1)[0]:
            if last:
                break
            continue
        f, where = s.recvfrom(2048)
        if where[2] == socket.PACKET_OUTGOING:
            continue
        if f[12:14] == b"\x08\0" and f[23] == 17:
            good = csum(f[14:34]) == 0
            seen[(struct.unpack_from("!H", f, 36)[0], f[15] if good else "bad", len(f))] += 1
        elif f[12:14] == b"\x86\xdd" and f[20] == 17:
            seen[(struct.unpack_from("!H", f, 56)[0], f[14] << 4 & 0xff | f[15] >> 4, len(f))] += 1
    with open(path + ".new", "w") as out:
        for (dport, tos, size), n in sorted(seen.items(), key=str):
            print(dport, tos, n, n * size, file=out)
    os.rename(path + ".new", path)


if __name__ == "__main__":
    {"send": send, "count": count}[sys.argv[1]](*sys.argv[2:])
