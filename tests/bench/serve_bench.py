#!/usr/bin/env python3
"""What `beamgrid serve` costs a study, and how soon it answers.

1. Trials per second of a study of instant trials (scheduler_bench), alone and beside a server with ten pages open on it, turn by turn;
   and the share of a core that the server takes meanwhile.
2. Milliseconds to the first byte of each view of a record of 100,000 trials: the first time, and from then on.
3. The same while 200 pages follow the record.

usage: serve_bench.py [BIN] [ROUNDS]    BIN: folder of the programs, default build/release/bin
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

    def end(self):
        """Returns the seconds of a core that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.process.terminate()
        assert self.process.wait() == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_bench(binaries, folder, trials, *more):
    return subprocess.Popen([f"{binaries}/scheduler_bench", "--grid", "100", "--trials", str(trials), "--directory", folder, *more],
                            stdout=subprocess.PIPE, text=True)


def rate_of(bench):
    return float(re.search(r"([0-9.]+) trials/s", bench.communicate()[0]).group(1))


def beside_pages(binaries, folder):
    """Returns trials per second beside ten pages, and the share of a core that the server took."""
    database = f"{folder}/beamgrid-scheduler-bench/bench.db"
    bench = start_bench(binaries, folder, STUDY_TRIALS)
    while not (os.path.exists(database) and os.path.getsize(database) > 0):
        time.sleep(0.01)
    time.sleep(0.5)  # past the short run before the one that is timed
    begun = time.perf_counter()
    server = Server(binaries, database)
    name = re.search(r'href="/studies/([^"]+)"', ask(server, "/")).group(1)
    pages = [server.follow(f"/studies/{name}") for _ in range(PAGES)]
    rate = rate_of(bench)
    wall = time.perf_counter() - begun
    for page in pages:
        page.close()
    return rate, server.end() / wall


def ask(server, target):
    client = server.connect(target, "text/html")
    text = b""
    while piece := client.recv(1 << 16):
        text += piece
    return text.decode()


def throughput(binaries, folder, rounds):
    alone, beside, share = [], [], []
    for _ in range(rounds):
        alone.append(rate_of(start_bench(binaries, folder, STUDY_TRIALS)))
        rate, taken = beside_pages(binaries, folder)
        beside.append(rate)
        share.append(taken)
    a, b = statistics.median(alone), statistics.median(beside)
    print(f"{STUDY_TRIALS} instant trials, {rounds} turns: alone {a:.0f} trials/s, beside {PAGES} pages {b:.0f} ({100 * (1 - b / a):+.1f} % lost); "
          f"server {100 * statistics.median(share):.2f} % of a core")
    print("  alone  " + " ".join(f"{rate:.0f}" for rate in alone))
    print("  beside " + " ".join(f"{rate:.0f}" for rate in beside))


def first_bytes(binaries, folder):
    start_bench(binaries, folder, LARGE_TRIALS, "--keep").communicate()
    database = f"{folder}/beamgrid-scheduler-bench/bench.db"
    server = Server(binaries, database)
    name = re.search(r'href="/studies/([^"]+)"', ask(server, "/")).group(1)
    targets = ["/", f"/studies/{name}", f"/studies/{name}?sort=-size&page=100", f"/api/studies/{name}"]
    print(f"{LARGE_TRIALS} trials, first byte: the first time, then the median and the most of {ASKED}")
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
        first_bytes(binaries, folder)


if __name__ == "__main__":
    main()
