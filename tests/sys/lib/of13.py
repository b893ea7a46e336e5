# SPDX-License-Identifier: Apache-2.0
"""OpenFlow 1.3 by hand, for tests that share no code with the switch: a switch to talk to, and a
channel that sends bytes and returns bytes."""
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("B", "build"))
SLOW = 4 if "asan" in BUILD or "tsan" in BUILD else 1  # how much longer things may take

(HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER, FEATURES_REQUEST, FEATURES_REPLY,
 GET_CONFIG_REQUEST, GET_CONFIG_REPLY, SET_CONFIG, PACKET_IN, FLOW_REMOVED, PORT_STATUS, PACKET_OUT,
 FLOW_MOD, GROUP_MOD, PORT_MOD, TABLE_MOD, MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST,
 BARRIER_REPLY, QUEUE_GET_CONFIG_REQUEST, QUEUE_GET_CONFIG_REPLY, ROLE_REQUEST, ROLE_REPLY,
 GET_ASYNC_REQUEST, GET_ASYNC_REPLY, SET_ASYNC, METER_MOD) = range(30)
ANY = NO_BUFFER = 0xffffffff
CONTROLLER, TABLE, ALL, FLOOD, IN_PORT = (0xfffffffd, 0xfffffff9, 0xfffffffc, 0xfffffffb, 0xfffffff8)
ONF, NICIRA, WEFT = 0x4f4e4600, 0x2320, 0x57454654


def msg(type_, body=b"", xid=0, version=4, length=None):
    return struct.pack("!BBHI", version, type_, 8 + len(body) if length is None else length, xid) + body


def pad8(b):
    return b + bytes(-len(b) % 8)


def oxm(field, value, mask=None, cls=0x8000):
    return struct.pack("!HBB", cls, field << 1 | (mask is not None), len(value) + len(mask or b"")) + value + (mask or b"")


def u32(n):
    return struct.pack("!I", n)


def match(*oxms):
    body = b"".join(oxms)
    return pad8(struct.pack("!HH", 1, 4 + len(body)) + body)


def in_port(n):
    return oxm(0, u32(n))


def output(port, max_len=0xffff):
    return struct.pack("!HHIH6x", 0, 16, port, max_len)


def group(n):
    return struct.pack("!HHI", 22, 8, n)


def apply_(*actions):
    body = b"".join(actions)
    return struct.pack("!HH4x", 4, 8 + len(body)) + body


def goto(table):
    return struct.pack("!HHB3x", 1, 8, table)


def flow_mod(match_=None, insts=b"", table=0, command=0, priority=100, idle=0, hard=0, flags=0, cookie=0,
             cookie_mask=0, out_port=ANY, out_group=ANY, buffer_id=NO_BUFFER):
    return struct.pack("!QQBBHHHIIIH2x", cookie, cookie_mask, table, command, idle, hard, priority, buffer_id,
                       out_port, out_group, flags) + (match() if match_ is None else match_) + insts


def bucket(*actions, weight=0, watch_port=ANY, watch_group=ANY, length=None):
    body = b"".join(actions)
    return struct.pack("!HHII4x", 16 + len(body) if length is None else length, weight, watch_port, watch_group) + body


def group_mod(command, type_, group_id, *buckets):
    return struct.pack("!HBxI", command, type_, group_id) + b"".join(buckets)


def band(rate=10, burst=0, type_=1):
    return struct.pack("!HHII", type_, 16, rate, burst) + (bytes(4) if type_ != 3 else u32(0))


def meter_mod(command, flags, meter_id, *bands):
    return struct.pack("!HHI", command, flags, meter_id) + b"".join(bands)


def port_mod(port, mac, config, mask, advertise=0):
    return struct.pack("!I4x6s2xIII4x", port, mac, config, mask, advertise)


def packet_out(frame, *actions, in_port_=CONTROLLER, buffer_id=NO_BUFFER):
    body = b"".join(actions)
    return struct.pack("!IIH6x", buffer_id, in_port_, len(body)) + body + frame


def multipart(type_, body=b"", flags=0):
    return struct.pack("!HH4x", type_, flags) + body


def flow_request(table=255, match_=None, out_port=ANY, out_group=ANY, cookie=0, mask=0):
    return struct.pack("!B3xII4xQQ", table, out_port, out_group, cookie, mask) + (match_ or match())


def bundle_ctrl(bundle, type_, flags=3):
    return struct.pack("!IIIHH", ONF, 2300, bundle, type_, flags)


def bundle_add(bundle, inner, flags=3):
    return struct.pack("!IIIHH", ONF, 2301, bundle, 0, flags) + inner


def role(n, generation=0):
    return struct.pack("!I4xQ", n, generation)


def async_(packet_in, port_status, flow_removed):
    """Each a pair: as master or equal, as slave."""
    return struct.pack("!6I", *packet_in, *port_status, *flow_removed)


def frame(src="020000000001", dst="020000000002", type_=0x0800, ttl=64, size=60):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, ttl, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + ip[12:]
    udp = struct.pack("!HHHH", 1000, 2000, size - 34, 0)
    return (bytes.fromhex(dst + src) + struct.pack("!H", type_) + ip + udp).ljust(size, b"\0")


class Channel:
    """One connection.  recv() returns (type, xid, body, whole message)."""

    def __init__(self, where, hello=True):
        if isinstance(where, socket.socket):
            self.s = where
        elif isinstance(where, int):
            self.s = socket.create_connection(("127.0.0.1", where), 5)
        else:
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(where)
        self.s.settimeout(20 * SLOW)
        self.xid = 0x1000
        self.buffer = b""
        self.events = []
        if hello:
            self.s.sendall(msg(HELLO, struct.pack("!HHI", 1, 8, 1 << 4)))
            assert self.recv()[0] == HELLO

    def send(self, type_, body=b"", **kw):
        self.xid += 1
        self.s.sendall(msg(type_, body, kw.pop("xid", self.xid), **kw))
        return self.xid

    def recv(self, timeout=None):
        """The next message; None when there is none in time; echo requests are answered here."""
        end = time.monotonic() + (20 * SLOW if timeout is None else timeout)
        while True:
            if len(self.buffer) >= 8:
                length = struct.unpack_from("!H", self.buffer, 2)[0]
                if len(self.buffer) >= length:
                    m, self.buffer = self.buffer[:length], self.buffer[length:]
                    if m[1] == ECHO_REQUEST:
                        self.s.sendall(m[:1] + bytes([ECHO_REPLY]) + m[2:])
                        continue
                    return m[1], struct.unpack_from("!I", m, 4)[0], m[8:], m
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.s], [], [], left)[0]:
                return None
            more = self.s.recv(1 << 20)
            if not more:
                raise EOFError
            self.buffer += more

    def answer(self, xid):
        """The message of that xid; others that come before it are kept in 'events'."""
        while True:
            m = self.recv()
            if m is None:
                raise TimeoutError(f"no answer to {xid:#x}")
            if m[1] == xid:
                return m
            self.events.append(m)

    def ask(self, type_, body=b"", **kw):
        return self.answer(self.send(type_, body, **kw))

    def barrier(self):
        m = self.ask(BARRIER_REQUEST)
        assert m[0] == BARRIER_REPLY, m

    def do(self, type_, body=b"", **kw):
        """Sends what must not be refused."""
        xid = self.send(type_, body, **kw)
        self.barrier()
        bad = [e for e in self.events if e[1] == xid and e[0] == ERROR]
        assert not bad, bad
        return xid

    def refusal(self, type_, body=b"", **kw):
        """None: it was taken.  Else the error's type and code, and of an experimenter's whose it is."""
        xid = self.send(type_, body, **kw)
        self.barrier()
        bad = [e for e in self.events if e[1] == xid and e[0] == ERROR]
        if not bad:
            return None
        self.events.remove(bad[0])
        return struct.unpack_from("!HHI" if bad[0][2][:2] == b"\xff\xff" else "!HH", bad[0][2])

    def so_far(self, type_):
        """The events of a type that were sent until now; they are kept no longer."""
        self.barrier()
        out = [e for e in self.events if e[0] == type_]
        self.events = [e for e in self.events if e[0] != type_]
        return out

    def sent(self):
        """{port: (packets, bytes)} that left by it."""
        b = self.parts(4, u32(ANY) + bytes(4))
        return {struct.unpack_from("!I", b, i)[0]: struct.unpack_from("!QQQQ", b, i + 8)[1::2] for i in range(0, len(b), 112)}

    def parts(self, type_, body=b""):
        """The bodies of a whole multipart reply, joined."""
        xid = self.send(MULTIPART_REQUEST, multipart(type_, body))
        out = []
        while True:
            m = self.answer(xid)
            assert m[0] == MULTIPART_REPLY, m
            out.append(m[2][8:])
            if not struct.unpack_from("!H", m[2], 2)[0] & 1:
                return b"".join(out)

    def event(self, type_, timeout=20):
        """The next event of a type, or None."""
        end = time.monotonic() + timeout * SLOW
        while True:
            for i, e in enumerate(self.events):
                if e[0] == type_:
                    return self.events.pop(i)
            m = self.recv(max(0, end - time.monotonic()))
            if m is None:
                return None
            self.events.append(m)

    def none(self, type_, timeout=0.5):
        return self.event(type_, timeout / SLOW) is None

    def close(self):
        self.s.close()


def split(b, offset=0):
    """Structures that begin with their length."""
    out, at = [], 0
    while at < len(b):
        n = struct.unpack_from("!H", b, at + offset)[0]
        out.append(b[at:at + n])
        at += n
    return out


def flow_fields(s):
    """Of one flow_stats."""
    (_, table, sec, nsec, prio, idle, hard, flags, cookie, packets, bytes_) = struct.unpack_from("!HBxIIHHHH4xQQQ", s)
    return dict(table=table, duration=sec + nsec / 1e9, priority=prio, idle=idle, hard=hard, flags=flags, cookie=cookie,
                packets=packets, bytes=bytes_, rest=s[48:])


class Switch:
    """A weft-switch with ports that receive nothing by themselves."""

    def __init__(self, *args, ports=4, name="sw"):
        if not os.access(f"{BUILD}/weft-switch", os.X_OK):
            sys.exit(f"not ok - {BUILD}/weft-switch is not built")
        self.dir = tempfile.mkdtemp(prefix=f"weft{os.getpid()}.")
        self.socket = f"{self.dir}/{name}.sock"
        self.listen = f"{self.dir}/of"
        self.log = f"{self.dir}/log"
        self.last_words = ""
        command = [f"{BUILD}/weft-switch", "--name", name, "--socket", self.socket, "--listen", f"punix:{self.listen}"]
        for i in range(ports):
            command += ["--port", f"p{i + 1}@{i + 1}=vdev:net_null{i},no-rx=1"]
        with open(self.log, "w") as log:
            self.p = subprocess.Popen(command + list(args), stdout=log, stderr=log)
        for _ in range(800 * SLOW):
            if self.ready() or self.p.poll() is not None:
                break
            time.sleep(0.05)
        if not self.ready():
            print(self.text())
            self.stop()
            sys.exit("not ok - the switch does not start")

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def ready(self):
        """Answers, or says so: with --log warn it does not say."""
        try:
            Channel(self.listen).close()
            return True
        except (OSError, EOFError):
            return False

    def rss(self):
        """KiB."""
        with open(f"/proc/{self.p.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    def open(self):
        return Channel(self.listen)

    def controller(self):
        """A channel that has said that it wants events."""
        c = self.open()
        c.do(SET_CONFIG, struct.pack("!HH", 0, 128))
        return c

    def alive(self):
        return self.p.poll() is None

    def stop(self):
        if self.alive():
            self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(20)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        if not self.last_words:  # all of them: a sanitizer takes its time
            self.last_words = self.text()
        shutil.rmtree(self.dir, ignore_errors=True)
        return self.p.returncode


def calm(bound, measure):
    """The least of up to three times that something takes: one that is under the bound is enough, since the machine may
    have stood still during another."""
    least = measure()
    for _ in range(2):
        if least < bound:
            break
        least = min(least, measure())
    return least


class Checks:
    """ok and not ok."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, text, good, why=""):
        if good:
            self.passed += 1
            print(f"ok - {text}", flush=True)
        else:
            self.failed += 1
            print(f"not ok - {text}" + (f": {why}" if why != "" else ""), flush=True)
        return good

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def run(test, limit=120):
    """Runs test(checks); whatever happens, what it started is stopped by its own 'finally'."""
    checks = Checks()
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    signal.signal(signal.SIGALRM, lambda *a: sys.exit(f"not ok - not done after {limit * SLOW} s"))
    signal.alarm(limit * SLOW)
    test(checks)
    sys.exit(checks.end())
