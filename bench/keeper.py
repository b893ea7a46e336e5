# SPDX-License-Identifier: Apache-2.0
"""Puts the machine back as it was, however a run ends: done, Ctrl-C, SIGTERM, or killed without a word.

A process of its own session waits for the end of a pipe that the run holds.  Then it ends what the run started and left (known by
BENCH_RUN in its environment, which all that a run starts have), deletes the run's network namespaces and folders, and gives the
hugepages back.  A signal to the run's process group, such as Ctrl-C and timeout(1) send, does not reach it there.
"""
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

HUGEPAGES = "/proc/sys/vm/nr_hugepages"
MARK = "BENCH_RUN"
GENTLY, PATIENCE = (signal.SIGTERM, signal.SIGKILL), 3.0


def read(path):
    with open(path) as f:
        return f.read().strip()


def set_hugepages(n):
    try:
        with open(HUGEPAGES, "w") as f:
            f.write(str(n))
    except OSError as e:
        print(f"hugepages: {e}: measuring without", file=sys.stderr)


def left(mark):
    """Processes of the run, this one not among them: its environment is from before the mark."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if f"{MARK}={mark}".encode() in f.read().split(b"\0"):
                    found.append(int(path.split("/")[2]))
        except OSError:  # gone meanwhile
            pass
    return found


def end_all(mark):
    for sig in GENTLY:
        until = time.monotonic() + PATIENCE
        for pid in left(mark):
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass
        while left(mark):
            if time.monotonic() > until:
                break
            time.sleep(.02)


class Keeper:
    """Open while something runs: 'hugepages' of them or more, 'folders' to remove and 'namespaces' (glob) to delete at the end."""

    def __init__(self, hugepages=0, folders=(), namespaces=""):
        self.wanted, self.folders, self.namespaces = hugepages, folders, namespaces

    def __enter__(self):
        self.before, self.mark = read(HUGEPAGES), f"{os.getpid()}-{time.monotonic_ns()}"
        reader, self.held = os.pipe()
        deaf, ready = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.held)
            os.close(deaf)
            self.wait(reader, ready)
        os.close(reader)
        os.close(ready)
        os.read(deaf, 1)  # until no signal to us ends it as well
        os.close(deaf)
        os.environ[MARK] = self.mark
        if int(self.before) < self.wanted:
            set_hugepages(self.wanted)
        return self

    def __exit__(self, *_):
        os.environ.pop(MARK)
        os.close(self.held)
        os.waitpid(self.pid, 0)

    def wait(self, reader, ready):
        """In the process of its own; does not return."""
        try:
            os.setsid()
            for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(sig, signal.SIG_IGN)
            os.close(ready)
            while os.read(reader, 1):
                pass
            end_all(self.mark)
            if int(self.before) < self.wanted:
                set_hugepages(self.before)
            for name in glob.glob(f"/run/netns/{self.namespaces}") if self.namespaces else ():
                subprocess.run(["ip", "netns", "del", os.path.basename(name)], capture_output=True)
            for folder in self.folders:
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os._exit(0)
