# SPDX-License-Identifier: Apache-2.0
"""os-ken's switch tester as it is, but for one number.

It sends its streams in steps of 10 ms and the time that a step takes, so that they are slower than it says, the
more so on a busy machine.  Shares of 3:1 and rates of a meter are told apart with this tolerance too.
"""
from os_ken.tests.switch import tester

tester.THROUGHPUT_THRESHOLD = 0.25


class StockTester(tester.OfTester):
    pass
