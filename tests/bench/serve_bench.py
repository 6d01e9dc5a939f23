#!/usr/bin/env python3
"""What `beamgrid serve` costs a study, and how soon it answers.

1. Trials per second of a study of instant trials (scheduler_bench), alone and beside a server with ten pages open on it, turn by turn
   in changing order, and the processor's time that the study itself takes, pair by pair, which other work on the machine disturbs
   least; and the share of a core that the server takes meanwhile.
2. Milliseconds to the first byte of each view of a record of 100,000 trials: the first time, and from then on.
3. The same while 200 pages follow the record.

usage: serve_bench.py [BIN] [ROUNDS] [RECORD]    BIN: folder of the programs, default build/release/bin
       RECORD: a large one that is there already, in the place of the one of 100,000 instant trials
"""
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PAGES = 10
STUDY_TRIALS = 20000
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


def cpu_seconds():
    """Returns what the children that have ended took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(bench):
    """Waits for it; returns its trials per second and the seconds of a core that it took."""
    before = cpu_seconds()
    rate = float(re.search(r"([0-9.]+) trials/s", bench.communicate()[0]).group(1))
    return rate, cpu_seconds() - before


def beside_pages(binaries, folder):
    """Returns what was measured of the study, and the share of a core that the server took."""
    # It begins with the record of the study before, which the next one removes and makes anew.
    server = Server(binaries, f"{folder}/beamgrid-scheduler-bench/bench.db")
    name = re.search(r'href="/studies/([^"]+)"', ask(server, "/")).group(1)
    pages = [server.follow(f"/studies/{name}") for _ in range(PAGES)]
    time.sleep(2)
    begun, before = time.perf_counter(), server.cpu_seconds()
    study = measured(start_bench(binaries, folder, STUDY_TRIALS, "--keep"))
    share = (server.cpu_seconds() - before) / (time.perf_counter() - begun)
    for page in pages:
        page.close()
    server.end()
    return study, share


def ask(server, target):
    client = server.connect(target, "*/*")  # a browser may be shown an empty page first
    text = b""
    while piece := client.recv(1 << 16):
        text += piece
    return text.decode()


def throughput(binaries, folder, rounds):
    alone, beside, share = [], [], []
    measured(start_bench(binaries, folder, STUDY_TRIALS, "--keep"))  # the first one has no record before it
    for i in range(rounds):
        if i % 2 == 0:
            alone.append(measured(start_bench(binaries, folder, STUDY_TRIALS, "--keep")))
        study, taken = beside_pages(binaries, folder)
        beside.append(study)
        share.append(taken)
        if i % 2 == 1:
            alone.append(measured(start_bench(binaries, folder, STUDY_TRIALS, "--keep")))
    for what, place, unit in (("speed", 0, "trials/s"), ("work", 1, "s of a core")):
        a, b = (statistics.median(one[place] for one in runs) for runs in (alone, beside))
        print(f"{STUDY_TRIALS} instant trials, {what}: alone {a:.4g} {unit}, beside {PAGES} pages {b:.4g} ({100 * (b / a - 1):+.1f} %)")
        for name, runs in (("alone ", alone), ("beside", beside)):
            print(f"  {name} " + " ".join(f"{one[place]:.4g}" for one in runs))
    pairs = [100 * (b[1] / a[1] - 1) for a, b in zip(alone, beside)]
    error = statistics.stdev(pairs) / len(pairs) ** 0.5 if len(pairs) > 1 else float("nan")
    print(f"work, pair by pair: median {statistics.median(pairs):+.1f} %, mean {statistics.mean(pairs):+.1f} +- {error:.1f} %")
    print(f"server: {100 * statistics.median(share):.2f} % of a core")


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
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        throughput(binaries, folder, rounds)
        first_bytes(binaries, folder, sys.argv[3] if len(sys.argv) > 3 else "")


if __name__ == "__main__":
    main()
