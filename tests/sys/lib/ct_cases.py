# SPDX-License-Identifier: Apache-2.0
"""Sequences of packets, and nothing of what they are worth: ct_frames.py says how to read a line.

a is behind the firewall; new connections of a's are committed, those of b's are not.  OPEN: a handshake, after which a
is at 1001, b at 5001.
"""
OPEN = ["> S 1000 0 mss=1460", "< SA 5000 1001 mss=1460", "> A 1001 5001"]
DATA = ["> PA 1001 5001 +100", "< A 5001 1101", "< PA 5001 1101 +200", "> A 1101 5201"]
# Open, and then as it says.
TCP_OPEN = {
    "data both ways": DATA + ["> PA 1101 5201 +1400", "< PA 5201 2501 +1400"],
    "closed by a, and the last acknowledgment again": ["> FA 1001 5001", "< A 5001 1002", "< FA 5001 1002", "> A 1002 5002", "> A 1002 5002"],
    "closed by b": ["< FA 5001 1001", "> A 1001 5002", "> FA 1001 5002", "< A 5002 1002"],
    "closed by both at once": ["> FA 1001 5001", "< FA 5001 1001", "> A 1002 5002", "< A 5002 1002"],
    "half closed by a, b goes on": ["> FA 1001 5001", "< A 5001 1002", "< PA 5001 1002 +500", "> A 1002 5501", "< PA 5501 1002 +500"],
    "a's FIN twice": ["> FA 1001 5001", "> FA 1001 5001", "< A 5001 1002"],
    "closed, then opened again from the same port": ["> FA 1001 5001", "< FA 5001 1002", "> A 1002 5002", "> S 90000000", "< SA 70000000 90000001", "> A 90000001 70000001"],
    "closed, then late data": ["> FA 1001 5001", "< FA 5001 1002", "> A 1002 5002", "> PA 1002 5002 +10"],
    "RST of a's, exact": ["> R 1001", "< A 5001 1001", "> A 1001 5001"],
    "RST of b's, exact": ["< RA 5001 1001", "> A 1001 5001"],
    "RST of b's, then a SYN of a's": ["< RA 5001 1001", "> S 90000000", "< SA 70000000 90000001", "> A 90000001 70000001"],
    "RST of b's, within the window": ["< RA 5101 1001", "> PA 1001 5001 +10"],
    "RST of b's, far out of the window": ["< RA 900005001 1001"] + DATA,
    "RST of b's, before the window": ["< RA 900 1001"] + DATA,
    "RST of a's, far out of the window": ["> R 900001001"] + DATA,
    "data of b's, far ahead": ["< PA 900005001 1001 +100"] + DATA,
    "data of a's, far ahead": ["> PA 900001001 5001 +100"] + DATA,
    "data of a's, long ago": DATA + ["> PA 2999999000 5201 +100"] + ["> PA 1101 5201 +1"],
    "data of b's, that acknowledges what was never sent": ["< PA 5001 900001001 +100"] + DATA,
    "data of a's, that acknowledges what was never sent": ["> PA 1001 900005001 +100"] + DATA,
    "data of a's, once more": DATA + ["> PA 1001 5001 +100", "< A 5201 1101"],
    "data of b's, out of order": ["< PA 6401 1001 +1400", "< PA 5001 1001 +1400"],
    "data of a's, more than the window of b": ["< A 5001 1001 w=1000", "> PA 1001 5001 +900", "> PA 40001 5001 +900"],
    "data into a window that is closed": ["< A 5001 1001 w=0", "> PA 1001 5001 +1", "> PA 1001 5001 +1000"],
    "keepalive": ["> A 1000 5001", "< A 5001 1001", "> A 1000 5001 +1"],
    "SYN of a's again, old number": ["> S 1000", "< A 5001 1001"],
    "SYN of a's, new number": ["> S 500000000", "> A 1001 5001"],
    "SYN of b's": ["< S 500000000", "> A 1001 5001"],
    "SYN and ACK of b's again": ["< SA 5000 1001", "> A 1001 5001"],
    "SYN and FIN": ["> SF 1001", "> A 1001 5001"],
    "SYN and RST": ["> SR 1001", "> A 1001 5001"],
    "no flags": ["> - 1001", "> A 1001 5001"],
    "all flags": ["> FSRPAU 1001 5001", "> A 1001 5001"],
    "FIN, PSH and URG": ["> FPU 1001 5001", "> A 1001 5001"],
    "data without ACK": ["> P 1001 0 +10", "> A 1001 5001"],
    "a FIN far ahead": ["< FA 900005001 1001"] + DATA,
    "a bad checksum": ["> PA 1001 5001 +100 badsum"] + DATA,
    "urgent data": ["> PAU 1001 5001 +1", "< A 5001 1002"],
    "congestion marks": ["> AE 1001 5001", "< AEW 5001 1001"],
    "an error from b of a's data": ["> PA 1001 5001 +100", "< ERROR 3 3"],
    "an error from a router": ["> PA 1001 5001 +100", "< ERROR 11 0 from=192.0.2.77", "< A 5001 1101"],
    "too big, from a router": ["> PA 1001 5001 +1400", "< ERROR 3 4 mtu=1300 from=192.0.2.77 cut=28", "> PA 1001 5001 +1200"],
    "an error that quotes another number": ["> PA 1001 5001 +100", "< ERROR 3 3 change=27:9"],
    "a's error of b's data": ["< PA 5001 1001 +100", "> ERROR 3 3"],
}
# From nothing.
TCP_NEW = {
    "SYN alone, three times": ["> S 1000", "> S 1000", "> S 1000"],
    "SYN twice, another number": ["> S 1000", "> S 2000000", "< SA 5000 2000001", "> A 2000001 5001"],
    "SYN with data": ["> S 1000 0 +10", "< SA 5000 1011", "> A 1011 5001"],
    "SYN, congestion marks": ["> SEW 1000", "< SAE 5000 1001", "> A 1001 5001"],
    "SYN, refused": ["> S 1000", "< RA 0 1001", "< RA 0 1001", "> S 1000"],
    "SYN, refused, without ACK": ["> S 1000", "< R 0"],
    "SYN, a RST that acknowledges something else": ["> S 1000", "< RA 0 77777", "< SA 5000 1001", "> A 1001 5001"],
    "SYN, data before the answer": ["> S 1000", "> A 1001 1", "< SA 5000 1001"],
    "SYN, an ACK for an answer": ["> S 1000", "< A 5000 1001", "> R 1001"],
    "SYN, an answer that acknowledges something else": ["> S 1000", "< SA 5000 777777777", "> R 777777777"],
    "SYN, answered twice": ["> S 1000", "< SA 5000 1001", "< SA 5000 1001", "> A 1001 5001"],
    "SYN, answer, RST of a's": ["> S 1000", "< SA 5000 1001", "> R 1001", "> S 1000000"],
    "SYN, then FIN": ["> S 1000", "> F 1001"],
    "both open at once": ["> S 1000", "< S 5000", "> SA 1000 5001", "< SA 5000 1001", "> A 1001 5001", "< A 5001 1001"],
    "scaled windows": ["> S 1000 0 ws=7 w=1000", "< SA 5000 1001 ws=7 w=1000", "> A 1001 5001 w=1000", "< PA 5001 1001 +1400", "< PA 105001 1001 +1400", "> PA 1001 5001 +1400"],
    "a scaled window, b without": ["> S 1000 0 ws=7 w=1000", "< SA 5000 1001 w=1000", "> A 1001 5001 w=1000", "< PA 5001 1001 +900", "< PA 105001 1001 +900"],
    "SYN of b's": ["< S 5000", "< S 5000"],
    "SYN and ACK of a's": ["> SA 1000 5001"],
    "SYN and ACK of b's": ["< SA 5000 1001"],
    "ACK: picked up": ["> A 1001 5001", "< A 5001 1001", "> PA 1001 5001 +100", "< A 5001 1101"],
    "data: picked up": ["> PA 1001 5001 +100", "> PA 1101 5001 +100", "< PA 5001 1201 +1000"],
    "ACK of b's": ["< A 5001 1001"],
    "RST": ["> R 1000"],
    "RST and ACK": ["> RA 1000 5001"],
    "RST of b's": ["< R 1000"],
    "FIN": ["> F 1000"],
    "FIN and ACK": ["> FA 1000 5001", "< FA 5001 1001"],
    "no flags": ["> - 1000"],
    "SYN and FIN": ["> SF 1000"],
    "SYN and RST": ["> SR 1000"],
    "SYN, FIN and ACK": ["> SFA 1000 5000"],
    "FIN and RST": ["> FR 1000"],
    "FIN, PSH, URG": ["> FPU 1000"],
    "URG": ["> U 1000"],
    "PSH": ["> P 1000"],
    "SYN and URG": ["> SU 1000"],
    "SYN and PSH": ["> SP 1000"],
    "a bad checksum": ["> S 1000 0 badsum", "> S 1000"],
    "a data offset of 4": ["> S 1000 0 off=4"],
    "a data offset behind the end": ["> S 1000 0 off=15"],
    "a header cut off": ["> S 1000 0 short=12"],
    "source port 0": ["> S 1000 0 sp=0"],
    "destination port 0": ["> S 1000 0 dp=0"],
    "sequence numbers that go around": ["> S 4294967290", "< SA 4294967000 4294967291", "> A 4294967291 4294967001", "> PA 4294967291 4294967001 +100", "< PA 4294967001 95 +1000", "> A 95 705"],
}
UDP = {
    "once, twice, three times": ["> UDP +10", "> UDP +10", "> UDP +10"],
    "an answer": ["> UDP +10", "< UDP +20", "> UDP +10", "< UDP +20"],
    "of b's": ["< UDP +10", "< UDP +10"],
    "of b's, then of a's": ["< UDP +10", "> UDP +10", "< UDP +10"],
    "an answer from another port": ["> UDP +10", "< UDP +10 sp=81"],
    "without data": ["> UDP", "< UDP"],
    "a bad checksum": ["> UDP +10 badsum", "> UDP +10"],
    "a length of less than its header": ["> UDP +10 len=7"],
    "a length of more than there is": ["> UDP +10 len=100"],
    "a length of less than there is": ["> UDP +10 len=12 nosum"],
    "a header cut off": ["> UDP short=6"],
    "source port 0": ["> UDP +10 sp=0"],
    "destination port 0": ["> UDP +10 dp=0"],
    "an error": ["> UDP +10", "< ERROR 3 3", "< UDP +10"],
    "an error of the answer": ["> UDP +10", "< UDP +10", "> ERROR 3 3"],
    "an error from a router": ["> UDP +10", "< ERROR 11 0 from=192.0.2.77"],
    "an error of what nobody sent": ["> UDP +10", "< ERROR 3 3 change=21:9"],
    "an error of which the quotation is cut in the ports": ["> UDP +10", "< ERROR 3 3 cut=22"],
    "an error of which the quotation is cut in the addresses": ["> UDP +10", "< ERROR 3 3 cut=14"],
    "an error without quotation": ["> UDP +10", "< ERROR 3 3 cut=0"],
    "an error that quotes garbage": ["> UDP +10", "< ERROR 3 3 garbage"],
    "an error with a bad checksum": ["> UDP +10", "< ERROR 3 3 badsum"],
    "an error of an error": ["> UDP +10", "< ERROR 3 3", "> ERROR 3 3"],
    "an error quoting what goes the wrong way": ["> UDP +10", "< UDP +10", "< ERROR 3 3 of=2"],
}
# IPv4 alone.
UDP4 = {
    "without checksum": ["> UDP +10 nosum", "< UDP +10 nosum"],
    "a quotation that says another version": ["> UDP +10", "< ERROR 3 3 change=0:101"],
    "a quotation that says a longer header than there is": ["> UDP +10", "< ERROR 3 3 change=0:79"],
    "a quotation that says a header of 16 bytes": ["> UDP +10", "< ERROR 3 3 change=0:68"],
    "a quotation of a later fragment": ["> UDP +10", "< ERROR 3 3 change=7:9"],
    "a bad checksum of the IP header": ["> UDP +10 badip", "> UDP +10"],
    "source quench": ["> UDP +10", "< ERROR 4 0"],
    "redirect": ["> UDP +10", "< ERROR 5 1"],
    "parameter problem": ["> UDP +10", "< ERROR 12 0"],
}
ECHO = {
    "request and answer": ["> ECHO 7 1", "< REPLY 7 1", "> ECHO 7 2", "< REPLY 7 2"],
    "an answer to nothing": ["> REPLY 8 1", "< REPLY 8 1"],
    "of b's": ["< ECHO 9 1", "> REPLY 9 1"],
    "an answer with another identifier": ["> ECHO 10 1", "< REPLY 11 1"],
    "an answer of a's to its own request": ["> ECHO 12 1", "> REPLY 12 1"],
    "request, and b's request with the identifier": ["> ECHO 13 1", "< ECHO 13 1"],
    "a code that there is not": ["> ECHO 14 1 code=3", "< REPLY 14 1 code=3"],
    "a bad checksum": ["> ECHO 15 1 +8 badsum"],
    "a header cut off": ["> ECHO 16 1 short=6"],
    "an error": ["> ECHO 17 1", "< ERROR 3 1", "< REPLY 17 1"],
    "time exceeded, from a router": ["> ECHO 18 1", "< ERROR 11 0 from=192.0.2.77"],
    "an error of the answer": ["> ECHO 19 1", "< REPLY 19 1", "> ERROR 3 1"],
    "an error of another request": ["> ECHO 20 1", "< ERROR 3 1 change=25:99"],
}
ICMP4 = {
    "timestamps": ["> ICMP 13 0", "< ICMP 14 0"], "information": ["> ICMP 15 0", "< ICMP 16 0"], "masks": ["> ICMP 17 0", "< ICMP 18 0"],
    "a timestamp to nothing": ["> ICMP 14 0"], "router advertisement": ["> ICMP 9 0"], "router solicitation": ["> ICMP 10 0"],
    "an unknown type": ["> ICMP 42 0"], "unreachable of nothing": ["< ICMP 3 1"], "traceroute": ["> ICMP 30 0"],
}
ICMP6 = {
    "neighbour solicitation": ["> ICMP 135 0"], "neighbour advertisement": ["< ICMP 136 0"], "router solicitation": ["> ICMP 133 0"],
    "router advertisement": ["< ICMP 134 0"], "redirect": ["< ICMP 137 0"], "listener query": ["> ICMP 130 0"], "listener report": ["> ICMP 143 0"],
    "an unknown type": ["> ICMP 200 0"], "unreachable of nothing": ["< ICMP 1 0"], "an unknown error": ["< ICMP 100 0"],
}
OTHER = {
    "GRE": ["> PROTO 47 +20", "< PROTO 47 +20", "> PROTO 47 +20"], "ESP": ["> PROTO 50 +32", "< PROTO 50 +32"],
    "SCTP": ["> PROTO 132 +32", "< PROTO 132 +32"], "a protocol that there is not": ["> PROTO 253 +32", "< PROTO 253 +32"],
}


def six(lines):
    """The same of IPv6: types of errors, the router, where quotations have their fields."""
    errors = {"3 1": "1 0", "3 3": "1 4", "3 4": "2 0", "11 0": "3 0"}
    out = []
    for x in lines:
        if "ERROR" in x:
            words = x.split()
            code = errors[" ".join(words[2:4])].split()
            x = " ".join(words[:2] + code + words[4:]).replace("192.0.2.77", "fd09::77").replace("cut=28", "cut=48").replace("cut=22", "cut=42")
            for at, to in (("21:", "41:"), ("27:", "47:"), ("25:", "45:")):
                x = x.replace("change=" + at, "change=" + to)
        out.append(x)
    return out


def every():
    """Name, IP version, lines."""
    for name, lines in TCP_OPEN.items():
        yield f"TCP, open: {name}", 4, OPEN + lines
    for title, some in (("TCP", TCP_NEW), ("UDP", UDP), ("UDP", UDP4), ("echo", ECHO), ("ICMP", ICMP4), ("protocol", OTHER)):
        for name, lines in some.items():
            yield f"{title}: {name}", 4, lines
    for name, lines in TCP_OPEN.items():
        yield f"TCP over IPv6, open: {name}", 6, six(OPEN + lines)
    for title, some in (("TCP", TCP_NEW), ("UDP", UDP), ("echo", ECHO), ("protocol", OTHER)):
        for name, lines in some.items():
            yield f"{title} over IPv6: {name}", 6, six(lines)
    for name, lines in ICMP6.items():
        yield f"ICMPv6: {name}", 6, lines
