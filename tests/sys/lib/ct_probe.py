# SPDX-License-Identifier: Apache-2.0
"""Frames into a tracking switch one by one, and what each became.

    x1 --- p1 [ switch ] p3 --- x3: where flows say what they think of a packet
    x2 --- p2 [        ] p4 --- x4

TELL are actions that write a packet's ct_state, ct_zone, ct_mark and the low bits of ct_label into its MAC addresses.  Frames
of another type follow each packet and are sent out of x3 and x4, so that nobody waits for what was dropped.
"""
import struct

from ct_frames import Read, frame

TELL = ("move:NXM_NX_CT_STATE[0..7]->NXM_OF_ETH_SRC[0..7],move:NXM_NX_CT_ZONE[]->NXM_OF_ETH_SRC[32..47],"
        "move:NXM_NX_CT_MARK[]->NXM_OF_ETH_DST[0..31],move:NXM_NX_CT_LABEL[0..15]->NXM_OF_ETH_DST[32..47]")
LETTERS = ((1, "n"), (2, "e"), (4, "r"), (8, "R"), (16, "i"), (64, "S"), (128, "D"))
MARK = bytes.fromhex("020000000102020000000101" "88b5") + bytes(50)
BASE = "priority=65000,dl_type=0x88b5,actions=output:3,output:4\npriority=0,actions=drop\n"


class Came:
    """A packet that came out."""

    def __init__(self, port, data):
        self.port, self.data = port, data
        self.label, self.mark, self.zone, _, _, self.state = struct.unpack("!HIHHBB", data[:12])
        self.ip = Read(data[14:])

    def word(self):
        return ("".join(letter for bit, letter in LETTERS if self.state & bit) or ".") + ("" if self.state & 32 else "?")


class Probe:
    def __init__(self, lab, flows="", options=()):
        self.lab = lab
        for n in (1, 2, 3, 4):
            lab.port(n, "t", quiet=True)
        lab.switch(*options)
        self.wires = {n: lab.wire("t", f"x{n}") for n in (1, 2, 3, 4)}
        self.serial = 1
        if flows:
            self.flows(flows)

    def flows(self, text):
        self.lab.flows(BASE + text)

    def send(self, port, packet):
        """What came of an IP packet (or of several, as one): a list, of ports 3 and 4."""
        for p in packet if isinstance(packet, list) else [packet]:
            self.wires[port].send(frame(p))
        # Open vSwitch forwards what came in together by flow, not in order; so there are two marks, one after the other.
        return [c for _ in range(2) for c in self.marked(port)]

    def marked(self, port):
        """What comes out before a mark does."""
        self.serial = self.serial % 60000 + 1
        mark = MARK[:14] + struct.pack("!I", self.serial) + MARK[18:]
        self.wires[port].send(mark)
        came = []
        for n in (3, 4):
            while True:
                data, where = self.wires[n].recvfrom(65536)
                if where[2] == 4:
                    continue
                if data[12:14] != b"\x88\xb5":
                    if data[12:14] in (b"\x08\0", b"\x86\xdd"):
                        came.append(Came(n, data))
                elif data[14:18] == mark[14:18]:
                    break
        return came

    def heard(self, port):
        """IP packets that the switch has sent out of that port since the last time."""
        wire, came = self.wires[port], []
        timeout = wire.gettimeout()
        wire.setblocking(False)
        try:
            while True:
                data, where = wire.recvfrom(65536)
                if where[2] != 4 and data[12:14] in (b"\x08\0", b"\x86\xdd"):
                    came.append(data)
        except BlockingIOError:
            wire.settimeout(timeout)
            return came

    def one(self, port, packet):
        """The first of them, or None."""
        came = self.send(port, packet)
        return came[0] if came else None

    def word(self, port, packet):
        came = self.send(port, packet)
        return "+".join(c.word() for c in came) or "-"

    def talk(self, talk, *lines, ports=(1, 2)):
        """A line of verdicts."""
        words = []
        for line in lines:
            onward, packet = talk.packet(line)
            words.append(self.word(ports[0] if onward else ports[1], packet))
        return " ".join(words)
