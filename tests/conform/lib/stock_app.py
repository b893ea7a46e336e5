# SPDX-License-Identifier: Apache-2.0
"""os-ken's switch tester as it is, but for one number and a pause.

It sends its streams in steps of 10 ms and the time that a step takes, so that they are slower than it says, the
more so on a busy machine.  Shares of 3:1 and rates of a meter are told apart with this tolerance too.

The pause is for the tester switch: Open vSwitch answers a barrier before its data plane follows.
"""
from os_ken.lib import hub
from os_ken.tests.switch import tester

tester.THROUGHPUT_THRESHOLD = 0.25


class StockTester(tester.OfTester):
    def _one_time_packet_send(self, pkt):
        hub.sleep(0.2)
        super()._one_time_packet_send(pkt)
