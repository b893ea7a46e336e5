#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One UDP packet of each of N flows out of an interface: flows_send.py IFNAME N [back]

Addresses and ports are as a hundred clients' are who come to one server; 'back': what the server sends them.
"""
import socket
import struct
import sys
import time


def frame(i, back):
    client, server = bytes([10, 0, i // 100 // 250, 1 + i // 100 % 250]), bytes([10, 1, 0, 1])
    src, dst, sport, dport = client, server, 40000 + i % 100, 53
    a, b = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000f")
    if back:
        src, dst, sport, dport, a, b = dst, src, dport, sport, b, a
    udp = struct.pack("!HHHH", sport, dport, 18, 0) + bytes(10)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i & 0xffff, 0, 64, 17, 0, src, dst)
    n = sum(struct.unpack("!10H", ip))
    n = (n & 0xffff) + (n >> 16)
    n = ~((n & 0xffff) + (n >> 16)) & 0xffff
    return b + a + b"\x08\x00" + ip[:10] + struct.pack("!H", n) + ip[12:] + udp + bytes(8)


def main():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((sys.argv[1], 0))
    for i in range(int(sys.argv[2])):
        s.send(frame(i, len(sys.argv) > 3))
        if i % 16 == 15:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
