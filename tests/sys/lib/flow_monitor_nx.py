# SPDX-License-Identifier: Apache-2.0
"""Nicira's flow monitors of weft-switch on OpenFlow 1.3 and of Open vSwitch on 1.0: the same bytes,
but for the headers in front, and for actions, which are instructions in 1.3.

    flow_monitor_nx.py OVS-SOCKET WEFT-SOCKET

Both switches have the same flows.  Prints "ok - ..." or "not ok - ..." lines."""
import socket
import struct
import sys

INITIAL, DELETE = 1, 4


class Peer:
    def __init__(self, path, version):
        self.version, self.rest = version, b""
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(10)
        self.s.connect(path)
        self.send(0, b"")

    def send(self, type_, body, xid=1):
        self.s.sendall(struct.pack("!BBHI", self.version, type_, 8 + len(body), xid) + body)

    def recv(self):
        while len(self.rest) < 8 or len(self.rest) < struct.unpack_from("!H", self.rest, 2)[0]:
            more = self.s.recv(1 << 16)
            if not more:
                raise EOFError
            self.rest += more
        n = struct.unpack_from("!H", self.rest, 2)[0]
        m, self.rest = self.rest[:n], self.rest[n:]
        return m

    def ask(self, type_, body):
        """The answer, an error's type and code being one."""
        self.send(type_, body, 77)
        while True:
            m = self.recv()
            if m[1] == 2:
                self.s.sendall(m[:1] + b"\3" + m[2:])
            # Open vSwitch 3.1 has any xid in the errors about monitors.
            elif m[4:8] == struct.pack("!I", 77) or (m[1] == 1 and self.version == 1):
                return m

    def monitor(self, *monitors):
        old = self.version == 1
        vendor = struct.pack("!HHII", 0xffff, 0, 0x2320, 2) + bytes(4) if old else struct.pack("!HH4xII", 0xffff, 0, 0x2320, 2)
        m = self.ask(16 if old else 18, vendor + b"".join(monitors))
        # Nicira's errors of 1.0 have their own type and code behind the vendor.
        return ("error", (m[16:20] if m[8:12] == b"\xb0\xc2\0\0" else m[8:12]).hex()) if m[1] == 1 else m[24:]

    def cancel(self, id_):
        self.send(4, struct.pack("!III", 0x2320, 21, id_), 78)
        m = self.ask(18 if self.version == 1 else 20, b"")  # a barrier
        return m[1:2] == b"\1"


def monitor(id_, fields=b"", flags=INITIAL | DELETE, table=255, out_port=0xffff, zeros=bytes(5)):
    return struct.pack("!IHHHB", id_, flags, out_port, len(fields), table) + zeros + fields + bytes(-len(fields) % 8)


def updates(b):
    """What it says of each flow, its fields in any order."""
    out = []
    while b:
        n, = struct.unpack_from("!H", b)
        length, = struct.unpack_from("!H", b, 12)
        fields, rest = b[24:24 + length], []
        while fields:
            k = 4 + fields[3]
            rest.append(fields[:k].hex())
            fields = fields[k:]
        out.append((b[2:24].hex(), tuple(sorted(rest)), b[24 + length:n].hex()))
        b = b[n:]
    return sorted(out)


def main():
    ovs, weft = Peer(sys.argv[1], 1), Peer(sys.argv[2], 4)
    udp = struct.pack("!HBBH", 0, 6, 2, 0x0800) + struct.pack("!HBBB", 0, 12, 1, 17)
    port1 = struct.pack("!HBBH", 0, 0, 2, 1)
    reg1 = struct.pack("!HBBI", 1, 2, 4, 5)
    cases = [("all flows", [monitor(1)]), ("udp", [monitor(2, udp)]), ("in_port=1", [monitor(3, port1)]),
             ("reg1=5", [monitor(4, reg1)]), ("table 1", [monitor(5, table=1)]), ("out_port 2", [monitor(6, out_port=2)]),
             ("two monitors", [monitor(7, udp), monitor(8, port1)]), ("not at first", [monitor(9, flags=DELETE)])]
    for text, request in cases:
        have, want = weft.monitor(*request), ovs.monitor(*request)
        same = isinstance(want, bytes) and isinstance(have, bytes) and updates(have) == updates(want)
        print(f"{'ok' if same else 'not ok'} - the bytes of Open vSwitch on 1.0: {text}: {len(updates(want))} flows")
        if not same:
            print(f"# ovs  {want if isinstance(want, tuple) else updates(want)}\n# weft {have if isinstance(have, tuple) else updates(have)}")
    refused = [("one that is there", [monitor(1)]), ("flags that are not known", [monitor(20, flags=64 | DELETE)]),
               ("no change", [monitor(20, flags=INITIAL)]), ("bytes that are not zero", [monitor(20, zeros=b"\0\0\0\0\1")]),
               ("cut off", [monitor(20)[:9]]), ("a match that passes the end", [monitor(20, udp)[:-8]]),
               ("a field twice", [monitor(20, port1 + port1)]), ("a field that is not known", [monitor(20, struct.pack("!HBBH", 0, 60 << 1, 2, 1))])]
    codes = {}
    for text, request in refused:
        have, want = weft.monitor(*request), ovs.monitor(*request)
        same = have[0] == want[0] == "error"
        codes[text] = have[1], want[1]
        print(f"{'ok' if same else 'not ok'} - both refuse: {text}: {have[1]}, Open vSwitch {want[1]}")
    # An experimenter's error is told in the same words; those of 1.0 and 1.3 have numbers of their own.
    for text, code in (("one that is there", "0006"), ("flags that are not known", "0007"), ("no change", "0007"), ("bytes that are not zero", "0004")):
        print(f"{'ok' if codes[text][0] == 'ffff' + code else 'not ok'} - {text}: Nicira's error {code}")
    # What 1.0 has no number for is told as that, 1 and 521; it is a match's bad length.
    good = codes["a match that passes the end"] == ("00040001", "00010209")
    print(f"{'ok' if good else 'not ok'} - a match that passes the end: BAD_MATCH, BAD_LEN")
    for peer, name in ((weft, "weft-switch"), (ovs, "Open vSwitch")):
        gone = [peer.cancel(i) for i in range(1, 10)]
        print(f"{'ok' if not any(gone) else 'not ok'} - {name} cancels them")
    print(f"{'ok' if weft.monitor(monitor(1)) and ovs.monitor(monitor(1)) else 'not ok'} - ... and both have room again")


main()
