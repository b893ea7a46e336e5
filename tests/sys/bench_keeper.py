#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench/keeper.py: however a benchmark ends, nothing of it is left and the hugepages are as they were.

    this test --- a run that holds a Keeper --- sleep (a program under test)
                                            \\-- sh (in a session of its own, deaf to SIGTERM) --- sleep

The run ends by itself, by an exception, by SIGTERM to its process group and by SIGKILL.  A file stands for the kernel's count.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
sys.dont_write_bytecode = True
from bench import keeper  # noqa: E402

folder = tempfile.mkdtemp(prefix="weft-keeper-")
keeper.HUGEPAGES = f"{folder}/hugepages"
passed = failed = 0


def check(text, good, more=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok - " if good else "not ok - ") + text + ("" if good or more == "" else f": {more}"), flush=True)


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(.02)
    return condition()


def run(how):
    """What a benchmark does, in a process of its own."""
    os.setsid()
    with keeper.Keeper(11, [f"{folder}/work"]) as k:
        os.makedirs(f"{folder}/work")
        subprocess.Popen(["sleep", "300"])
        subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 300; :"], start_new_session=True)
        with open(f"{folder}/ready.part", "w") as f:
            f.write(k.mark)
        os.rename(f"{folder}/ready.part", f"{folder}/ready")
        if how == "exception":
            raise RuntimeError
        if how != "itself":
            signal.pause()


def one(how, text):
    for name in ("ready", "hugepages"):
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
    with open(keeper.HUGEPAGES, "w") as f:
        f.write("3\n")
    pid = os.fork()
    if not pid:
        try:
            run(how)
        finally:
            os._exit(0)
    wait_for(lambda: os.path.exists(f"{folder}/ready"))
    mark = keeper.read(f"{folder}/ready")
    if how in ("TERM", "KILL"):
        check(f"{text}: all that was started is known", wait_for(lambda: len(keeper.left(mark)) >= 3), keeper.left(mark))
        check(f"{text}: hugepages are asked for", keeper.read(keeper.HUGEPAGES) == "11")
        os.killpg(pid, getattr(signal, f"SIG{how}"))
    os.waitpid(pid, 0)
    check(f"{text}: nothing is left", wait_for(lambda: not keeper.left(mark)), keeper.left(mark))
    check(f"{text}: hugepages are given back", wait_for(lambda: keeper.read(keeper.HUGEPAGES) == "3"))
    check(f"{text}: its folder is gone", wait_for(lambda: not os.path.exists(f"{folder}/work")))


try:
    one("itself", "done")
    one("exception", "an exception")
    one("TERM", "SIGTERM to all of it")
    one("KILL", "SIGKILL to all of it")
finally:
    shutil.rmtree(folder)
print(f"{passed} passed, {failed} failed")
sys.exit(bool(failed))
