# SPDX-License-Identifier: Apache-2.0
"""os-ken's switch tester as it is, but for a number, a pause and a scale.

It sends its streams in steps of 10 ms and the time that a step takes, so that they are slower than it says, the
more so on a busy machine.  What a meter leaves is told with this tolerance; of a stream that leaves by two ports,
the shares are compared, however long it took to send.

The pause is for the tester switch: Open vSwitch answers a barrier before its data plane follows.
"""
from os_ken.lib import hub
from os_ken.tests.switch import tester

tester.THROUGHPUT_THRESHOLD = 0.25


class StockTester(tester.OfTester):
    def _one_time_packet_send(self, pkt):
        hub.sleep(0.2)
        super()._one_time_packet_send(pkt)

    def _test_throughput_check(self, throughputs, start, end):
        if len(throughputs) > 1 and all("in_port" in t[tester.KEY_FLOW].match for t in throughputs):
            arrived = sum(end[1][m][1] - start[1][m][1] for m in (str(t[tester.KEY_FLOW].match) for t in throughputs))
            if arrived >= ENOUGH:
                end = start[0] + arrived / sum(t[tester.KEY_PKTPS] for t in throughputs), end[1]
        super()._test_throughput_check(throughputs, start, end)


# Frames of which a share of 3:1 is told: the tolerance is three standard deviations, and what fails is tried again.
ENOUGH = 400
