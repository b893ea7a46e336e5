# SPDX-License-Identifier: Apache-2.0
"""Traffic of which one measure grows and all else stays.

    flows-N         N flows to 1,000 addresses (the rules of l2)
    rules-KIND-N    N rules of ClassBench's acl, fw or ipc manner; 100,000 flows
    tables-N        a way of N tables, each with 32 values of one field, the fields in turn; 10,000 flows
    masks-N         N rules that all have another mask, on addresses and the destination's port; 10,000 flows
    size-N, imix    frames of that length to 1,000 addresses; imix: 7 of 64, 4 of 590, 1 of 1,514 bytes
    ports-N         out by N - 1 ports, by destination address; 10,000 flows
    tunnels-N       out by N VXLAN ports, each of a network of its own, by destination address; 10,000 flows
"""
from bench import traffic_acl
from bench.traffic import UDP, any_udp, colons, different, dotted, frame, mac, network, rng_for
from bench.traffic_tables import l2, macs

FLOWS = (1, 10, 100, 1000, 10000, 100000, 300000, 1000000)
COUNTS = (10, 100, 1000, 10000, 100000, 1000000)
LISTS = {"acl": COUNTS, "fw": COUNTS, "ipc": COUNTS}
TABLES = (1, 2, 3, 5, 8, 12, 16, 20)
MASKS = (1, 3, 10, 30, 100, 300, 1000, 3000, 6000)
SIZES = (64, 128, 256, 512, 1024, 1514, 4096, 9000)
JUMBO = 1514  # longer ones: ports of another MTU, whose buffers are of 16 KB and fewer
IMIX = (64,) * 7 + (590,) * 4 + (1514,)
PORTS = (2, 4, 8, 16, 32)  # DPDK as Debian builds it has room for 32 devices
TUNNELS = (1, 4, 16, 64, 256)  # ports that are no devices
VALUES, FIELDS = 32, ("dl_src", "dl_dst", "nw_src", "nw_dst", "tp_src", "tp_dst")


def value(field, i):
    return {"dl": lambda: colons(mac(256 + i)), "nw": lambda: f"10.0.{'sd'.index(field[3])}.{i}", "tp": lambda: str(2000 + i)}[field[:2]]()


def tables_rules(n):
    for t in range(n):
        field = FIELDS[t % len(FIELDS)]
        then = f"write_metadata:{t + 1}/0xff,goto_table:{t + 1}" if t + 1 < n else "output:2"
        kind = "udp," if field[:2] != "dl" else ""
        for i in range(VALUES):
            yield f"table={t},priority=10,{kind}{field}={value(field, i)},actions={then}"


def tables_trace():
    rng = rng_for("tables")

    def one():
        a, b, c, d, e, f = (rng.randrange(VALUES) for _ in FIELDS)
        return mac(256 + b), mac(256 + a), 0x0a000000 | c, 0x0a000100 | d, UDP, 2000 + e, 2000 + f

    return (frame(*flow) for flow in different(10000, one))


def masked(n):
    """(source, bits, destination, bits, UDP, no port, (port, mask))."""
    rng = rng_for("masks")
    every = [(s, d, p) for s in range(8, 33) for d in range(12, 33) for p in range(0, 17)]
    rng.shuffle(every)
    for s, d, p in every[:n]:
        mask = 0xffff >> 16 - p << 16 - p
        yield network(0x0a000000 | rng.getrandbits(24), s), s, network(0xac100000 | rng.getrandbits(20), d), d, UDP, (0, 0), (rng.getrandbits(16) & mask, mask)


def masks_trace(n):
    rng, known = rng_for(f"masks {n}"), list(masked(n))
    return (frame(mac(2), mac(1), *f) for f in different(10000, lambda: traffic_acl.inside(rng, known[rng.randrange(n)])))


def sized(lengths, count=10000):
    count = count if max(lengths) <= JUMBO else 1000
    rng, known = rng_for(f"size {lengths}"), macs()
    for i, flow in enumerate(different(count, lambda: any_udp(rng))):
        yield frame(known[rng.randrange(1000)], mac(1), *flow, length=lengths[i * 7 % len(lengths)])


def ports_trace(n):
    rng = rng_for("ports")
    return (frame(mac(2 + rng.randrange(n - 1)), mac(1), *flow) for flow in different(10000, lambda: any_udp(rng)))


def tunnels_rules(n):
    return [f"dl_dst={colons(mac(2 + i))},actions=output:{101 + i}" for i in range(n)]


def with_arguments(make, name, points):
    return {f"{name}-{n}": (lambda n=n: make(n)) for n in points}


TRACES = {
    **with_arguments(l2, "flows", FLOWS), **with_arguments(masks_trace, "masks", MASKS), **with_arguments(ports_trace, "ports", PORTS),
    **{f"rules-{k}-{n}": (lambda k=k, n=n: traffic_acl.trace(n, 100000, k)) for k, some in LISTS.items() for n in some},
    **with_arguments(lambda n: sized((n,)), "size", SIZES), "imix": lambda: sized(IMIX), "tables": tables_trace,
    **with_arguments(lambda n: ports_trace(n + 1), "tunnels", TUNNELS),
}
RULES = {
    **with_arguments(tables_rules, "tables", TABLES), **with_arguments(lambda n: traffic_acl.text(list(masked(n))), "masks", MASKS),
    **{f"rules-{k}-{n}": (lambda k=k, n=n: traffic_acl.text(traffic_acl.rules(n, k))) for k, some in LISTS.items() for n in some},
    **with_arguments(lambda n: [f"dl_dst={colons(mac(p))},actions=output:{p}" for p in range(2, n + 1)], "ports", PORTS),
    **with_arguments(tunnels_rules, "tunnels", TUNNELS),
}
ALL = {*TRACES, *RULES}
