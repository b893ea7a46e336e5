# SPDX-License-Identifier: Apache-2.0
"""flow_mods per second, and memory per rule: 100,000 exact five-tuples, or a million, into an empty table.

"plain" and "bundle" are sent already encoded as fast as the switch takes them, from the first byte to the answer of
the barrier (plain) or of the commit (an atomic bundle): the switch's own pace, of the same bytes by the same sender to both.
Open vSwitch has no DPDK port meanwhile: its packet thread would turn on the sender's core all the time, and the figure would be how
much of that the sender gets (23,000 to 134,000 a second).  "one" is a flow_mod and a barrier, its answer awaited, one after the other.
"ovs-ofctl" is Open vSwitch's own command with the file of rules, at both: it waits for a barrier behind each flow unless it has --bundle.
"weft-ofctl" is that file by our command, as an operator has it.  "stages" are, once, the control thread's cycles for a flow_mod of those
100,000 by what they are for, as perf finds it in functions: a run of its own, since being asked takes time, too.
"""
import struct
import threading
import time

from bench import ovs, profile, progress, rig, traffic

COUNT, MILLION, ONES = 100000, 1000000, 5000
ONF, BUNDLE_CONTROL, BUNDLE_ADD = 0x4f4e4600, 2300, 2301  # EXT-230: bundles for OpenFlow 1.3
OPEN, COMMIT, ATOMIC = 0, 4, 1


def oxm(field, value, size):
    return struct.pack("!HBB", 0x8000, field << 1, size) + value.to_bytes(size, "big")


def flow_mod(xid, five):
    src, dst, proto, sport, dport = five
    fields = oxm(5, 0x800, 2) + oxm(10, proto, 1) + oxm(11, src, 4) + oxm(12, dst, 4) + oxm(15, sport, 2) + oxm(16, dport, 2)
    n = 4 + len(fields)
    match = struct.pack("!HH", 1, n) + fields + bytes(-n % 8)
    output = struct.pack("!HHIH6x", 0, 16, 2, 0xffff)
    apply = struct.pack("!HH4x", 4, 8 + len(output)) + output
    body = struct.pack("!QQBBHHHIIIH2x", 0, 0, 0, 0, 0, 0, 100, 0xffffffff, 0xffffffff, 0xffffffff, 0)
    return rig.message(14, xid, body + match + apply)


def bundle_control(xid, kind):
    return rig.message(4, xid, struct.pack("!IIIHH", ONF, BUNDLE_CONTROL, 1, kind, ATOMIC))


def in_bundle(xid, message):
    return rig.message(4, xid, struct.pack("!IIIHH", ONF, BUNDLE_ADD, 1, 0, ATOMIC) + message)


def plain(mods):
    return b"".join(mods) + rig.message(20, 0xfffffff0), 21


def bundle(mods):
    parts = [bundle_control(0xffffffe0, OPEN)]
    parts += [in_bundle(0x1000000 + i, m[:4] + struct.pack("!I", 0x1000000 + i) + m[8:]) for i, m in enumerate(mods)]
    return b"".join(parts) + bundle_control(0xfffffff0, COMMIT), 4


def push(of, data, last):
    """Seconds until all of it is answered; an error from the switch ends the measurement."""
    sender = threading.Thread(target=of.s.sendall, args=(data,), daemon=True)
    t0 = time.monotonic()
    sender.start()
    while True:
        kind, xid, body = of.receive()
        if kind == 1:
            raise RuntimeError(f"the switch refuses a message: error {body[:4].hex()}")
        if xid == 0xfffffff0 and kind == last:
            sender.join()
            return time.monotonic() - t0


def flows(of):
    """How many there are (OFPMP_AGGREGATE)."""
    body = struct.pack("!HH4xB3xII4xQQHH4x", 2, 0, 0xff, 0xffffffff, 0xffffffff, 0, 0, 1, 4)
    kind, reply = of.answer(18, 99, body)
    if kind != 19:
        raise RuntimeError("no aggregate statistics")
    return struct.unpack_from("!I", reply, 8 + 16)[0]


def delete_all(of):
    body = struct.pack("!QQBBHHHIIIH2x", 0, 0, 0xff, 3, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0)
    return push(of, rig.message(14, 5, body + struct.pack("!HH4x", 1, 4)) + rig.message(20, 0xfffffff0), 21)


def one(sw, case, run, data, last, count=COUNT):
    of = rig.OpenFlow(sw.socket)
    of.s.settimeout(120)
    before, ns = rig.rss_mb(sw.pid), rig.cpu_ns(sw.pid)
    took = push(of, data, last)
    ns = rig.cpu_ns(sw.pid) - ns
    if flows(of) != count:
        raise RuntimeError(f"{flows(of)} flows, not {count}")
    time.sleep(0.5)
    after = rig.rss_mb(sw.pid)
    removed = delete_all(of)
    if flows(of):
        raise RuntimeError("flows are left after they were deleted")
    of.close()
    rig.row("flow_mods", case, sw.name, run, rate__flow_mods_s=count / took, delete_all__s=removed,
            memory__bytes_rule=(after - before) * 1048576 / count, control__ns_flow_mod=ns / count)


def stages(case, run, data, last):
    """Cycles of a flow_mod by functions: the shares that perf finds, of the control thread's own time."""
    with rig.Weft(sink=True) as sw:
        of = rig.OpenFlow(sw.socket)
        of.s.settimeout(120)
        path = f"{rig.WORK}/perf.control"
        with profile.recording(path, str(sw.pid)):
            ns = rig.cpu_ns(sw.pid)
            push(of, data, last)
            ns = rig.cpu_ns(sw.pid) - ns
        of.close()
    shares = profile.functions(profile.report(path))
    if not shares:
        raise RuntimeError("perf saw nothing")
    cycles = ns / COUNT / 1e9 * rig.tsc_hz() / max(1, sum(shares.values()))
    rig.row("flow_mods", case, "stages", run, **{f"stage {name}__cycles_flow_mod": share * cycles for name, share in shares.most_common(12)})


def one_by_one(sw, run, mods):
    """Microseconds from a flow_mod to the answer of the barrier behind it."""
    of, taken = rig.OpenFlow(sw.socket), []
    barrier = rig.message(20, 0xfffffff0)
    for m in mods[:ONES]:
        t0 = time.perf_counter()
        of.s.sendall(m + barrier)
        while of.receive()[1] != 0xfffffff0:
            pass
        taken.append((time.perf_counter() - t0) * 1e6)
    delete_all(of)
    of.close()
    taken.sort()
    rig.row("flow_mods", "one", sw.name, run, p50__us=taken[len(taken) // 2], p99__us=taken[len(taken) * 99 // 100])


def by_ovs_ofctl(sw, run):
    for case, options in (("ovs-ofctl", []), ("ovs-ofctl-bundle", ["--bundle"])):
        t0 = time.monotonic()
        sw.run("taskset", "-c", str(rig.PACKET_CORE), "ovs-ofctl", "-O", "OpenFlow13", *options, "add-flows", f"unix:{sw.socket}",
               traffic.need(rig.TRACES, "mods", "flows"))
        took = time.monotonic() - t0
        of = rig.OpenFlow(sw.socket)
        count = flows(of)
        delete_all(of)
        of.close()
        if count < COUNT:
            raise RuntimeError(f"{count} flows, not {COUNT}")
        rig.row("flow_mods", case, sw.name, run, rate__flow_mods_s=count / took)


def by_command(run):
    with rig.Weft(sink=True) as sw:
        for case, options in (("file", ["--no-names"]), ("file-bundle", ["--bundle"])):
            rig.row("flow_mods", case, "weft-ofctl", run, rate__flow_mods_s=COUNT / sw.rules("mods", *options))
            delete_all(sw.of)


def million(run):
    """Weft alone: Open vSwitch takes minutes for them one by one."""
    mods = [flow_mod(i + 10, f) for i, f in enumerate(traffic.five_tuples(MILLION))]
    failed = 0
    for case, make in (("plain-1M", plain), ("bundle-1M", bundle))[:1 if rig.SHORT else 2]:
        data, last = make(mods)
        failed += rig.attempt(into, lambda: rig.Weft(sink=True), case, run, data, last, MILLION)
    return failed


def into(start, case, run, data, last, count=COUNT):
    with start() as sw:
        one(sw, case, run, data, last, count)


def singly(start, run, mods):
    with start() as sw:
        one_by_one(sw, run, mods)
        if run == 1 and rig.have("ovs-ofctl") and not (rig.SHORT and sw.name == "ovs"):  # which takes 20 s
            by_ovs_ofctl(sw, run)


def steps(runs):
    return [f"run {run}" for run in range(1, runs + 1)] + [f"million {run}" for run in range(1, min(runs, 3) + 1)]


def measure(runs):
    """The number of what could not be measured."""
    mods = [flow_mod(i + 10, f) for i, f in enumerate(traffic.five_tuples(COUNT))]
    streams = {"plain": plain(mods), "bundle": bundle(mods)}
    starts, failed = [lambda: rig.Weft(sink=True)] + ([ovs.Ovs] if ovs.program() else []), 0
    for run in range(1, runs + 1):
        progress.begin("flow_mods", f"run {run}")
        for case, (data, last) in streams.items():
            for start in starts:
                failed += rig.attempt(into, start, case, run, data, last)
            if run == 1 and rig.have("perf"):
                failed += rig.attempt(stages, case, run, data, last)
        for start in starts:
            failed += rig.attempt(singly, start, run, mods)
        failed += rig.attempt(by_command, run)
    for run in range(1, min(runs, 3) + 1):
        progress.begin("flow_mods", f"million {run}")
        failed += million(run)
    return failed
