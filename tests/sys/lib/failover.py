#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long packets go nowhere after a link is lost: failover.py FROM LINK OTHER TIMES

Frames are sent out of FROM without a pause, and come in by LINK, or, while that is down, by OTHER.  LINK is
brought down and up again TIMES times; said is the median, in microseconds, of the time from when the call
that brought it down returned to the first frame in at OTHER, as the kernel stamped it.
"""
import fcntl
import socket
import struct
import sys
import threading
import time

SO_TIMESTAMPNS, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP, OUTGOING = 35, 0x8913, 0x8914, 1, 4
FRAME = bytes.fromhex("02000000000f" "02000000000a" "88b5") + bytes(46)


def listen(ifname):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((ifname, 0x88b5))
    s.settimeout(0.05)
    return s


def arrived(s):
    """When the next frame came in, in ns; None: none for a while."""
    while True:
        try:
            _, anc, _, addr = s.recvmsg(100, 64)
        except (socket.timeout, OSError):
            return None
        if addr[2] == OUTGOING:
            continue
        for level, kind, data in anc:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                sec, nsec = struct.unpack("ll", data[:16])
                return sec * 10**9 + nsec


def drain(s):
    s.setblocking(False)
    try:
        while True:
            s.recv(100)
    except OSError:
        pass
    s.settimeout(0.05)


def link(ctl, ifname, up):
    r = bytearray(struct.pack("16sh14x", ifname.encode(), 0))
    fcntl.ioctl(ctl, SIOCGIFFLAGS, r)
    flags = struct.unpack_from("h", r, 16)[0]
    struct.pack_into("h", r, 16, flags | IFF_UP if up else flags & ~IFF_UP)
    fcntl.ioctl(ctl, SIOCSIFFLAGS, r)
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def send(ifname, stop):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((ifname, 0))
    while not stop.is_set():
        try:
            s.send(FRAME)
        except OSError:
            pass
        time.sleep(0.00002)


def wait_for(s, seconds=20):
    end = time.monotonic() + seconds
    drain(s)
    while time.monotonic() < end:
        t = arrived(s)
        if t:
            return t
    return None


def main():
    source, first, other, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    ctl = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    a, b, stop, gaps = listen(first), listen(other), threading.Event(), []
    threading.Thread(target=send, args=(source, stop), daemon=True).start()
    for _ in range(times):
        if not wait_for(a):
            sys.exit("nothing comes in by " + first)
        time.sleep(0.05)
        drain(b)
        down = link(ctl, first, False)
        t = arrived(b) or wait_for(b)
        if not t:
            sys.exit("nothing comes in by " + other)
        gaps.append((t - down) / 1000)
        link(ctl, first, True)
    stop.set()
    gaps.sort()
    print("%.0f %.0f %.0f" % (gaps[len(gaps) // 2], gaps[0], gaps[-1]))


if __name__ == "__main__":
    main()
