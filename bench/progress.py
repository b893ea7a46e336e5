# SPDX-License-Identifier: Apache-2.0
"""How far a run is and about how long it still takes: by how long the same steps took before, on this machine (in the build folder),
and those not known as long as those of the same part, or ten seconds.

A module of bench/ that has steps(runs) says begin() at each of them; one that has not is one step."""
import json
import os
import statistics
import sys
import time

from bench import rig

UNKNOWN = 10.0
PATH = f"{rig.KEPT}/durations{'-short' if rig.SHORT else ''}.json"

_known, _left, _since, _now, _all = {}, [], time.monotonic(), None, 0


def expect(steps):
    """All that will come, as (part, case), in order."""
    global _since, _all
    _left.extend(steps)
    _all, _since = len(_left), time.monotonic()
    if os.path.exists(PATH):
        with open(PATH) as f:
            _known.update(json.load(f))


def key(step):
    return " ".join(step)


def seconds(step):
    if key(step) in _known:
        return _known[key(step)]
    return statistics.mean([v for k, v in _known.items() if k.split(" ")[0] == step[0]] or [UNKNOWN])


def end():
    """The step that was begun is over."""
    global _now
    if _now and (took := time.monotonic() - _now[1]) > .1:
        _known[key(_now[0])] = round(took, 1)
        with open(PATH + ".part", "w") as f:
            json.dump(_known, f, indent=0)
        os.rename(PATH + ".part", PATH)
    _now = None


def begin(part, case="", text=""):
    """A step begins, and the one before is over."""
    global _now
    end()
    if (part, case) in _left:
        del _left[:_left.index((part, case)) + 1]  # what was left out before it, too
    gone, left = time.monotonic() - _since, seconds((part, case)) + sum(map(seconds, _left))
    print(f"-- {_all - len(_left)} of {_all}: {part}{case and ' ' + case}{text and ', ' + text}; {gone / 60:.1f} minutes gone, about {left / 60:.1f} left",
          file=sys.stderr, flush=True)
    _now = (part, case), time.monotonic()
