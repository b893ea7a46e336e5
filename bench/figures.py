# SPDX-License-Identifier: Apache-2.0
"""The file that a run leaves: facts about it, and (measurement, case, subject) to {(figure, unit): values of the runs}."""
import collections


def read(path):
    facts, groups = [], collections.OrderedDict()
    with open(path) as f:
        for line in f:
            if line.startswith("#"):
                facts.append(line[1:].strip().partition(": ")[::2])
                continue
            what, case, subject, run, figure, value, unit = line.rstrip("\n").split("\t")
            if run != "run":
                groups.setdefault((what, case, subject), {}).setdefault((figure, unit), []).append(float(value))
    return facts, groups
