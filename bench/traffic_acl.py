# SPDX-License-Identifier: Apache-2.0
"""Access lists, and packets made to hurt whoever remembers what an access list did.

    acl1k, acl10k   1,000 and 10,000 rules of about 50 mask shapes, each with a priority of its own, in the manner of
                    ClassBench's sets: the kind says how often addresses and ports are given and how exactly.  A flow is
                    drawn from inside a rule (a rule of higher priority may have it).  acl1k-1k, acl1k-10k, acl10k-100k
    tse             four rules that each look at one field exactly and one for the rest.  A packet that differs from rule n
                    first in bit b makes a cache of wildcarded flows remember b + 1 bits of that field: every combination of
                    bits is another mask.  tse-calm: as many flows that the same rules expect
"""
from bench.traffic import NEW, TCP, UDP, different, dotted, frame, mac, network, rng_for

SERVICES = (20, 21, 22, 25, 53, 67, 80, 110, 123, 135, 139, 143, 161, 179, 389, 443, 445, 514, 636, 993, 1521, 3306, 3389, 5432, 6379, 8080)
SHAPES = 50
# Kind: weights of prefix lengths of source and destination, and of (none, one, block) of source and destination port.
KINDS = {
    "acl": ({0: 8, 8: 2, 16: 8, 20: 4, 24: 12, 28: 5, 32: 10}, {0: 3, 16: 6, 20: 4, 24: 15, 28: 8, 32: 20}, (10, 1, 1), (3, 8, 2)),
    "fw": ({0: 20, 16: 4, 24: 8, 32: 14}, {0: 14, 16: 4, 24: 10, 28: 4, 32: 14}, (6, 2, 3), (4, 5, 5)),
    "ipc": ({0: 4, 8: 2, 16: 6, 24: 12, 27: 6, 30: 4, 32: 18}, {0: 4, 12: 2, 16: 6, 24: 12, 27: 6, 30: 4, 32: 18}, (8, 4, 2), (6, 6, 2)),
}


def shapes(rng, kind):
    """(source bits, destination bits, protocol?, source port, destination port), and how often each is taken."""
    src, dst, sport, dport = KINDS[kind]

    def one():
        proto = rng.random() > 0.12
        while True:
            s, d = (rng.choices(list(w), w.values())[0] for w in (src, dst))
            if s + d >= 16:
                return (s, d, proto, *(rng.choices((0, 1, 2), w)[0] if proto else 0 for w in (sport, dport)))

    found = different(SHAPES, one)
    return found, [1 / (3 + i) for i in range(SHAPES)]


def rules(count, kind="acl"):
    """(source, bits, destination, bits, protocol or 0, (port, mask), (port, mask)), the first is the strongest."""
    rng = rng_for(f"{kind} rules {count}")
    found, weights = shapes(rng, kind)
    nets = [[base | rng.getrandbits(width) & ~0xff for _ in range(max(32, count // 25))]
            for base, width in ((0x0a000000, 24), (0xac100000, 20))]

    def port(how):
        if how == 0:
            return 0, 0
        if how == 2:
            return rng.randrange(64) << 10, 0xfc00
        return rng.choice(SERVICES) if rng.random() < 0.6 else rng.randrange(1, 65536), 0xffff

    def one():
        s, d, proto, sport, dport = rng.choices(found, weights)[0]
        return (network(rng.choice(nets[0]) | rng.getrandbits(8), s), s, network(rng.choice(nets[1]) | rng.getrandbits(8), d), d,
                rng.choice((TCP, TCP, UDP)) if proto else 0, port(sport), port(dport))

    return different(count, one)


def text(some):
    """The priority goes down by one with each rule, as far as there are priorities; then rules of a kind share one."""
    step = max(1, -(-len(some) // 65000))
    for i, (src, s, dst, d, proto, sport, dport) in enumerate(some):
        words = [f"priority={65500 - i // step}", {0: "ip", TCP: "tcp", UDP: "udp"}[proto]]
        words += [f"nw_src={dotted(src)}/{s}"] if s else []
        words += [f"nw_dst={dotted(dst)}/{d}"] if d else []
        words += [f"{name}={v}" if m == 0xffff else f"{name}={v:#x}/{m:#x}" for name, (v, m) in (("tp_src", sport), ("tp_dst", dport)) if m]
        yield ",".join(words) + ",actions=output:2"


def inside(rng, rule):
    src, s, dst, d, proto, (sport, sm), (dport, dm) = rule
    bits = rng.getrandbits(96)
    return (src | (bits & 0xffffffff) >> s if s else 0x0a000000 | bits & 0xffffff, dst | (bits >> 32 & 0xffffffff) >> d if d else 0xac100000 | bits >> 32 & 0xfffff,
            proto or (TCP, UDP)[bits >> 90 & 1], sport | bits >> 64 & 0xffff & ~sm, dport | bits >> 72 & 0xffff & ~dm)


def flows(n_rules, count, kind="acl"):
    rng, known = rng_for(f"{kind} flows {n_rules}"), rules(n_rules, kind)
    return different(count, lambda: inside(rng, known[int(rng.random() * n_rules)]))


def trace(n_rules, count, kind="acl"):
    return (frame(mac(2), mac(1), *flow) for flow in flows(n_rules, count, kind))


# ---- tuple-space explosion ----

TSE = dict(nw_src=(0x0a00002a, 32), tp_src=(34567, 16), tp_dst=(80, 16), nw_dst=(0xac10002a, 32))


def tse_rules():
    for i, (field, (value, bits)) in enumerate(TSE.items()):
        yield f"priority={100 - i},udp,{field}={dotted(value) if bits == 32 else value},actions=output:2"
    yield "priority=1,actions=output:2"


def tse():
    """One packet for each combination of first differing bits that leaves no field as the rules have it: 8,192 of them
    for three fields; the fourth goes along."""
    rng = rng_for("tse")

    def wrong(field, bit):
        value, bits = TSE[field]
        low = bits - 1 - bit
        return (value ^ 1 << low) & ~((1 << low) - 1) | rng.getrandbits(32) & (1 << low) - 1

    every = [(a, b, c) for a in range(32) for b in range(16) for c in range(16)]
    rng.shuffle(every)
    for a, b, c in every:
        yield frame(mac(2), mac(1), wrong("nw_src", a), wrong("nw_dst", rng.randrange(32)), UDP, wrong("tp_src", b), wrong("tp_dst", c))


def tse_calm():
    rng = rng_for("tse-calm")
    for _ in range(8192):
        v = [value for value, _ in TSE.values()]
        which = rng.randrange(4)
        src, sport, dport, dst = (x if i == which else x ^ 1 << (31 if i in (0, 3) else 15) for i, x in enumerate(v))
        if which:
            src ^= rng.getrandbits(24)
        else:
            dst ^= rng.getrandbits(24)
        yield frame(mac(2), mac(1), src, dst, UDP, sport, dport)


TRACES = {
    "acl1k-1k": lambda: trace(1000, 1000), "acl1k-10k": lambda: trace(1000, 10000), "acl1k-new": lambda: trace(1000, NEW),
    "acl10k-100k": lambda: trace(10000, 100000), "acl10k-new": lambda: trace(10000, NEW),
    "tse": tse, "tse-calm": tse_calm,
}
RULES = {"acl1k": lambda: text(rules(1000)), "acl10k": lambda: text(rules(10000)), "tse": tse_rules}
