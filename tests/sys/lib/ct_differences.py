# SPDX-License-Identifier: Apache-2.0
"""Where Weft's verdict on connections is another than that of Open vSwitch's userspace datapath, and why."""
VERDICTS = {}
