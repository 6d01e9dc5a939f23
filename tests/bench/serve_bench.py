#!/usr/bin/env python3
"""What `beamgrid serve` costs a study, and how soon it answers.

1. Trials per second of a study of instant trials (scheduler_bench), and the processor's time that each costs the study, in windows of one
   second: beside a server with ten pages open on it, and while that server is stopped (SIGSTOP). Windows of one study that follow each
   other, in changing order, are compared pair by pair, since a busy machine's speed changes by the minute.
2. Milliseconds to the first byte of each view of a record of 100,000 trials: the first time, and from then on.
3. The same while 200 pages follow the record.

usage: serve_bench.py [BIN] [PAIRS] [RECORD]    BIN: folder of the programs, default build/release/bin
       RECORD: a large one that is there already, in the place of the one of 100,000 instant trials
"""
import math
import os
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

PAGES = 10
WINDOW_S = 1
TRIALS_A_PAIR = 30000  # more than a machine begins in two windows
LARGE_TRIALS = 100000
FOLLOWERS = 200
ASKED = 21


class Server:
    def __init__(self, binaries, database):
        self.process = subprocess.Popen([f"{binaries}/beamgrid", "serve", "--port", "0", "--db", database],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1].strip("/\n"))

    def connect(self, target, accept):
        client = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n".encode())
        return client

    def follow(self, target):
        client = self.connect(target, "text/event-stream")
        client.recv(1)
        return client

    def first_byte_ms(self, target):
        begun = time.perf_counter()
        client = self.connect(target, "text/html")
        client.recv(1)
        taken = time.perf_counter() - begun
        while client.recv(1 << 16):
            pass
        client.close()
        return 1e3 * taken

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        assert self.process.wait() == 0


def start_bench(binaries, folder, trials, *more):
    return subprocess.Popen([f"{binaries}/scheduler_bench", "--grid", "100", "--trials", str(trials), "--directory", folder, *more],
                            stdout=subprocess.PIPE, text=True)


def cpu_ns(process):
    """Returns what all threads of a process took of the processors."""
    total = 0
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def window(study, record):
    """Returns what a study did in some time: trials per second, and nanoseconds of a core a trial."""
    def look():
        return time.perf_counter(), record.execute("SELECT MAX(trial) FROM attempt").fetchone()[0], cpu_ns(study)
    begun, trials, work = look()
    time.sleep(WINDOW_S)
    ended, more_trials, more_work = look()
    done = more_trials - trials
    assert done > 0, "the study ended early: raise TRIALS_A_PAIR"
    return done / (ended - begun), (more_work - work) / done


def ask(server, target):
    client = server.connect(target, "*/*")  # a browser may be shown an empty page first
    text = b""
    while piece := client.recv(1 << 16):
        text += piece
    return text.decode()


def first_trial(study, database):
    """Waits until the study has begun a trial; returns its record."""
    while True:
        assert study.poll() is None, "the study ended early"
        time.sleep(1)
        if not os.path.exists(database):
            continue
        record = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        tables = record.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'attempt'").fetchone()[0]
        if tables and record.execute("SELECT MAX(trial) FROM attempt").fetchone()[0]:
            return record


def throughput(binaries, folder, pairs):
    study = start_bench(binaries, folder, pairs * TRIALS_A_PAIR)
    try:
        beside_and_alone(binaries, study, f"{folder}/beamgrid-scheduler-bench/bench.db", pairs)
    finally:
        study.kill()
        study.wait()


def beside_and_alone(binaries, study, database, pairs):
    record = first_trial(study, database)
    server = Server(binaries, database)
    name = re.search(r'href="/studies/([^"]+)"', ask(server, "/")).group(1)
    pages = [server.follow(f"/studies/{name}") for _ in range(PAGES)]
    begun, before = time.perf_counter(), server.cpu_seconds()
    beside, alone = [], []
    for i in range(pairs):
        for is_beside in ((True, False), (False, True))[i % 2]:
            os.kill(server.process.pid, signal.SIGCONT if is_beside else signal.SIGSTOP)
            (beside if is_beside else alone).append(window(study, record))
    os.kill(server.process.pid, signal.SIGCONT)
    share = 2 * (server.cpu_seconds() - before) / (time.perf_counter() - begun)
    record.close()
    for page in pages:
        page.close()
    server.end()
    for what, place in (("speed", 0), ("work of a trial", 1)):
        a, b = (statistics.median(one[place] for one in windows) for windows in (alone, beside))
        ratios = [100 * math.log(one[place] / other[place]) for one, other in zip(beside, alone)]
        error = statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else float("nan")
        print(f"{what}: alone {a:.5g}, beside {PAGES} pages {b:.5g} ({('trials/s', 'ns of a core')[place]}); pair by pair: "
              f"median {statistics.median(ratios):+.2f} %, mean {statistics.mean(ratios):+.2f} +- {error:.2f} %")
    print(f"server: {100 * share:.2f} % of a core while it may run")


def first_bytes(binaries, folder, database):
    if not database:
        start_bench(binaries, folder, LARGE_TRIALS, "--keep").communicate()
        database = f"{folder}/beamgrid-scheduler-bench/bench.db"
    server = Server(binaries, database)
    name = re.search(r'href="/studies/([^"]+)"', ask(server, "/")).group(1)
    targets = ["/", f"/studies/{name}", f"/studies/{name}?sort=-size&page=100", f"/api/studies/{name}"]
    print("first byte on the large record: the first time, then the median and the most of " + str(ASKED))
    for target in targets:
        first = server.first_byte_ms(target)
        again = [server.first_byte_ms(target) for _ in range(ASKED)]
        print(f"  {target}: {first:.1f} ms, then {statistics.median(again):.2f} ms, at most {max(again):.2f} ms")
    followers = [server.follow(targets[1]) for _ in range(FOLLOWERS)]
    again = [server.first_byte_ms(targets[1]) for _ in range(ASKED)]
    print(f"  with {FOLLOWERS} pages open: {statistics.median(again):.2f} ms, at most {max(again):.2f} ms")
    for follower in followers:
        follower.close()
    server.end()


def main():
    binaries = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        throughput(binaries, folder, pairs)
        first_bytes(binaries, folder, sys.argv[3] if len(sys.argv) > 3 else "")


if __name__ == "__main__":
    main()
