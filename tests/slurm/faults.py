#!/usr/bin/env python3
"""Kills, drains, cancels and requeues under a study that runs on a real Slurm cluster, and audits what is left.

    tests/slurm/faults.py --beamgrid build/release/bin/beamgrid [--rounds 26] [--only FAULT...] [--clusters 2] [--accounting]

Each round runs a small study on a cluster of scripts/slurm-cluster, does one thing to it at one step (submit, run or
finish, at a random moment of it), runs the study again until it is done, and compares: every trial is complete, has one
complete attempt in the record and one `end` in the workers' own log (BEAMGRID_EXECUTION_LOG), and the canonical dump is
that of the local run. Prints a table of faults by steps: rounds, lost trials, trials counted twice, trials that were
carried out to their end twice, dumps that differ. Exit code 1 where a number is not 0, 77 where no cluster can be
started here.
"""
import argparse
import collections
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from own_cluster import OwnCluster, make_data

STEPS = ("submit", "run", "finish")
TRIALS = 8
ROUND_SECONDS = 420  # a study that takes longer after one fault has lost something

RECIPE = """beamgrid = 1
[study]
name = "NAME"
seeds = [1, 2]
[data]
format = "frame"
train = ["data/train*.tfrecord"]
validate = ["data/validate*.tfrecord"]
classes = 8
features = { rgb = 16 }
[train]
epochs = EPOCHS
batch = 8
[[grid.temporal]]
use = "mean"
[[grid.temporal]]
use = "lstm"
hidden = [4, 8]
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
experts = 2
[search]
strategy = "greedy"
order = ["temporal", "classifier"]
[resources.slurm]
jobs = 4
memory = "1GiB"
time = "10m"
idle = "10s"
"""


def processes(*words):
    """The pids of processes whose command line has all the words, newest last."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words):
            found.append(int(entry.name))
    return sorted(found)


def kill(pid, how=signal.SIGKILL):
    try:
        os.kill(pid, how)
        return True
    except ProcessLookupError:
        return False


class Cluster(OwnCluster):
    def __init__(self, folder, *options):
        super().__init__(folder, *options)
        self.stopped, self.held_on_purpose = threading.Event(), False

    def administer(self):
        """Does what an administrator would: a slurmctld that lost its queue gives the ids of jobs that still run once more,
        and Slurm then drains the nodes and holds the jobs. Not at once, so that the study sees it."""
        while not self.stopped.wait(5):
            if self.held_on_purpose:
                continue
            try:
                if "Duplicate jobid" in self.sh("sinfo", "-N", "--noheader", "--format=%E"):
                    for node in ("n1", "n2"):
                        self.sh("scontrol", "update", f"NodeName={node}", "State=RESUME")
                for line in self.sh("squeue", "--noheader", "--format=%i|%r").splitlines():
                    job, reason = line.split("|", 1)
                    if reason == "launch failed requeued held":
                        self.sh("scontrol", "release", job)
            except (subprocess.SubprocessError, OSError):
                pass

    def jobs(self, *states):
        """Ids of the study's jobs in these states, with their nodes."""
        found = []
        for line in self.sh("squeue", "--noheader", "--format=%i|%T|%N|%j").splitlines():
            job, state, node, name = line.split("|", 3)
            if name.startswith("beamgrid-") and (not states or state in states):
                found.append((job, node))
        return found


class Round:
    """One study, one fault."""

    def __init__(self, args, cluster, place, fault, step, number):
        self.args, self.cluster, self.fault, self.step = args, cluster, fault, step
        self.random = random.Random(f"{args.seed}/{number}/{fault}/{step}")
        self.folder = place / f"round{number}"
        self.folder.mkdir(parents=True)
        self.name = f"r{number}"
        (self.folder / "data").symlink_to(args.data)
        # Slurm looks at time limits every 30 s.
        self.epochs = args.epochs * (6 if fault == "end a jobs time" else 1)
        recipe = RECIPE.replace("NAME", self.name).replace("EPOCHS", str(self.epochs))
        (self.folder / "s.toml").write_text(recipe)
        self.log = self.folder / "execution.log"
        self.env = dict(cluster.env, BEAMGRID_EXECUTION_LOG=str(self.log), BEAMGRID_SHARE_DIR=str(self.folder / "share"))
        if fault == "files shown late":
            self.env["LD_PRELOAD"] = args.late
            self.env["LATE_FOLDER"] = str(self.folder / "runs")
            (self.folder / "runs.marks").mkdir()
        self.runs = 0

    def run(self):
        self.runs += 1
        out = open(self.folder / f"run{self.runs}.out", "wb")
        return subprocess.Popen([self.args.beamgrid, "run", "s.toml", "--set", 'resources.executor="slurm"'], cwd=self.folder, env=self.env, stdout=out, stderr=out, start_new_session=True)

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_for_step(self, process):
        """True once the study is at the round's step; False where it ended before."""
        pilots = self.folder / "runs" / self.name / "slurm"
        begins = self.random.randint(1, TRIALS)
        ends = self.random.randint(1, TRIALS)

        def there():
            if self.step == "submit":
                return pilots.is_dir() and any(pilots.iterdir())
            words = [line.split()[0] for line in self.lines()]
            return words.count("begin") >= begins if self.step == "run" else words.count("end") >= ends

        while process.poll() is None:
            if there():
                time.sleep(self.random.choice([0, 0, 0.02, 0.1, 0.3]))
                return True
            if time.monotonic() - self.begun > ROUND_SECONDS:
                return False
            time.sleep(0.005)
        return False

    # ---- What is done to it. Each returns whether there was something to do it to. -----------------

    def hit(self, process):
        return getattr(self, "do_" + self.fault.replace(" ", "_").replace("-", "_"))(process)

    def restart(self, pause=(0, 1, 3)):
        time.sleep(self.random.choice(pause))
        self.cluster.start()

    def do_kill_slurmctld(self, _):
        kill(self.cluster.daemon("slurmctld"))
        self.restart()
        return True

    def do_lose_slurmctlds_state(self, _):
        kill(self.cluster.daemon("slurmctld"))
        shutil.rmtree(self.cluster.folder / "state")
        self.restart()
        return True

    def do_kill_slurmdbd(self, _):
        kill(self.cluster.daemon("slurmdbd"))
        self.restart()
        return True

    def do_kill_the_accounts_database(self, _):
        kill(self.cluster.daemon("mariadbd"))
        self.restart()
        return True

    def do_kill_slurmd(self, _):
        kill(self.cluster.daemon(self.random.choice(["n1", "n2"])))
        self.restart()
        return True

    def patiently(self, find, process, seconds=10):
        """What `find` finds, one of them; nothing where there is none for so long."""
        for _ in range(seconds * 50):
            found = find()
            if found:
                return self.random.choice(found)
            if process.poll() is not None:
                return None
            time.sleep(0.02)
        return None

    def of_our_jobs(self, *words):
        """Processes with the words that belong to a job of this round."""
        mine = []
        for pid in processes(*words):
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if f"BEAMGRID_EXECUTION_LOG={self.log}".encode() in environment:
                mine.append(pid)
        return mine

    def kill_one(self, find, process):
        pid = self.patiently(find, process)
        return pid is not None and kill(pid)

    def do_kill_the_worker(self, process):
        return self.kill_one(lambda: self.of_our_jobs("beamgrid-trainer", "serve"), process) or self.kill_one(lambda: self.of_our_jobs("beamgrid-trainer"), process)

    def do_kill_the_pilot(self, process):
        return self.kill_one(lambda: self.of_our_jobs("beamgrid", " pilot "), process)

    def do_kill_slurmstepd(self, process):
        ids = lambda: [pid for job, _ in self.cluster.jobs("RUNNING") for pid in processes(f"slurmstepd: [{job}.")]
        return self.kill_one(ids, process)

    def do_kill_the_orchestrator(self, process):
        kill(process.pid)
        process.wait()
        return True

    def do_interrupt_the_orchestrator(self, process):
        kill(process.pid, signal.SIGTERM)
        process.wait()
        return True

    def job(self, process, *states):
        return self.patiently(lambda: self.cluster.jobs(*states), process)

    def do_drain_a_node(self, _):
        node = self.random.choice(["n1", "n2"])
        self.cluster.sh("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
        time.sleep(self.random.choice([1, 4]))
        self.cluster.sh("scontrol", "update", f"NodeName={node}", "State=RESUME")
        return True

    def do_set_a_node_down(self, _):
        node = self.random.choice(["n1", "n2"])
        self.cluster.sh("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        time.sleep(self.random.choice([1, 4]))
        self.cluster.sh("scontrol", "update", f"NodeName={node}", "State=RESUME")
        return True

    def do_cancel_a_job(self, process):
        job = self.job(process)
        if job:
            self.cluster.sh("scancel", job[0])
        return bool(job)

    def do_requeue_a_job(self, process):
        job = self.job(process, "RUNNING")
        if job:
            self.cluster.sh("scontrol", "requeue", job[0])
        return bool(job)

    def do_preempt_the_jobs(self, _):
        for _ in range(2):
            self.cluster.sh("sbatch", "--partition=urgent", "--cpus-per-task=4", "--output=/dev/null", "--wrap=sleep 2")
        return True

    def do_end_a_jobs_time(self, process):
        job = self.job(process, "RUNNING")
        if job:
            self.cluster.sh("scontrol", "update", f"JobId={job[0]}", "EndTime=now+1")
        return bool(job)

    def do_files_shown_late(self, _):
        return True

    def do_nothing(self, _):
        return True

    # ---- The round ---------------------------------------------------------------------------------

    def carry_out(self):
        begun = self.begun = time.monotonic()
        process = self.run()
        was_hit = self.wait_for_step(process) and self.hit(process)
        code = None
        while True:
            try:
                code = process.wait(timeout=max(1, ROUND_SECONDS - (time.monotonic() - begun)))
            except subprocess.TimeoutExpired:
                kill(process.pid)
                return self.verdict(was_hit, "took too long")
            if code == 0:
                return self.verdict(was_hit, "")
            if self.runs >= 4:
                return self.verdict(was_hit, f"exit code {code}")
            process = self.run()

    def verdict(self, was_hit, trouble):
        result = dict(fault=self.fault, step=self.step, hit=was_hit, trouble=trouble, runs=self.runs, lost=0, twice=0, repeated=0, differs=0)
        ends = collections.Counter(line.split()[1] for line in self.lines() if line.startswith("end "))
        result["repeated"] = sum(1 for count in ends.values() if count > 1)
        database = sqlite3.connect(f"file:{self.folder}/beamgrid.db?mode=ro", uri=True)
        counts = database.execute("SELECT count(*) FROM attempt WHERE outcome = 'complete' GROUP BY trial").fetchall()
        result["twice"] = sum(1 for (count,) in counts if count > 1)
        result["lost"] = max(0, TRIALS - len(counts))
        result["attempts"] = database.execute("SELECT count(*) FROM attempt").fetchone()[0]
        dump = subprocess.run([self.args.beamgrid, "dump", self.name, "--canonical"], cwd=self.folder, capture_output=True, text=True).stdout
        result["differs"] = int(digest(dump, self.name) != self.args.expected[self.epochs])
        return result


def digest(dump, name):
    return hashlib.sha256(dump.replace(f'"{name}"', '"study"').encode()).hexdigest()


FAULTS = ["kill slurmctld", "lose slurmctlds state", "kill slurmd", "kill slurmstepd", "kill the pilot", "kill the worker", "kill the orchestrator", "interrupt the orchestrator", "drain a node", "set a node down", "cancel a job", "requeue a job", "preempt the jobs", "end a jobs time", "files shown late"]


# With --accounting.
FAULTS_OF_ACCOUNTING = ["kill slurmdbd", "kill the accounts database"]


def bad(result):
    return result["trouble"] or result["lost"] or result["twice"] or result["repeated"] or result["differs"]


def print_table(results):
    print("| fault | step | rounds | not hit | lost | counted twice | carried out twice | dump differs | other |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---|")
    totals = collections.Counter()
    for fault in FAULTS + FAULTS_OF_ACCOUNTING + ["nothing"]:
        for step in STEPS:
            mine = [r for r in results if (r["fault"], r["step"]) == (fault, step)]
            if not mine:
                continue
            row = [len(mine), sum(not r["hit"] for r in mine)] + [sum(r[key] for r in mine) for key in ("lost", "twice", "repeated", "differs")]
            other = "; ".join(sorted({r["trouble"] for r in mine if r["trouble"]}))
            print(f"| {fault} | {step} | " + " | ".join(map(str, row)) + f" | {other} |")
            totals.update(dict(enumerate(row)))
    print("| all | | " + " | ".join(str(totals[i]) for i in range(6)) + " | |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--beamgrid", required=True)
    parser.add_argument("--rounds", type=int, help="default: each fault at each step once")
    parser.add_argument("--only", action="append", help="this fault alone; may be repeated")
    parser.add_argument("--clusters", type=int, default=1, help="that rounds run on side by side")
    parser.add_argument("--accounting", action="store_true", help="with slurmdbd, and what can happen to it")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="no round begins later")
    parser.add_argument("--late", help="the library that shows files late (late_files.so)")
    parser.add_argument("--folder", help="keeps everything there")
    args = parser.parse_args()
    args.beamgrid = os.path.abspath(args.beamgrid)
    args.late = args.late and os.path.abspath(args.late)
    options = ["--accounting"] if args.accounting else []
    if reason := OwnCluster("/tmp", *options).why_not():
        print("skipped: " + reason)
        return 77
    place = Path(args.folder or tempfile.mkdtemp(prefix="bg-slurm-"))
    place.mkdir(parents=True, exist_ok=True)
    args.data = place / "data"
    if not args.data.exists():
        make_data(args.beamgrid, args.data)
    faults = args.only or [f for f in FAULTS if args.late or f != "files shown late"] + (FAULTS_OF_ACCOUNTING if args.accounting else [])
    # The same study on this machine alone.
    args.expected = {}
    for epochs in [args.epochs] + ([6 * args.epochs] if "end a jobs time" in faults else []):
        local = place / f"local{epochs}"
        shutil.rmtree(local, ignore_errors=True)
        local.mkdir()
        (local / "data").symlink_to(args.data)
        (local / "s.toml").write_text(RECIPE.replace("NAME", "study").replace("EPOCHS", str(epochs)))
        subprocess.run([args.beamgrid, "run", "s.toml", "--no-wait"], cwd=local, check=True, capture_output=True)
        dump = subprocess.run([args.beamgrid, "dump", "study", "--canonical"], cwd=local, check=True, capture_output=True, text=True).stdout
        args.expected[epochs] = digest(dump, "study")

    tasks = [(faults[i // len(STEPS) % len(faults)], STEPS[i % len(STEPS)], i) for i in range(args.rounds or len(faults) * len(STEPS))]
    results, lock, started = [], threading.Lock(), time.monotonic()

    def work(index):
        cluster = Cluster(place / f"c{index}", *options)
        cluster.start()
        threading.Thread(target=cluster.administer, daemon=True).start()
        try:
            while True:
                with lock:
                    if not tasks or time.monotonic() - started > args.seconds:
                        return
                    fault, step, number = tasks.pop(0)
                cluster.start()
                begun = time.monotonic()
                one = Round(args, cluster, place, fault, step, f"{args.seed}x{number}")
                result = one.carry_out()
                with lock:
                    results.append(result)
                    print(f"round {number}: {fault} at {step}{'' if result['hit'] else ' (not hit)'}: {time.monotonic() - begun:.1f} s, {result['attempts']} attempts, {result['runs']} runs" + (f"  BAD {result}" if bad(result) else ""), file=sys.stderr, flush=True)
                if not bad(result) and not args.folder:
                    shutil.rmtree(one.folder)
        finally:
            cluster.stopped.set()
            cluster.stop()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(args.clusters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print_table(results)
    if any(bad(r) for r in results) or len(results) == 0:
        print(f"what is left of it is in {place}", file=sys.stderr)
        return 1
    if not args.folder:
        shutil.rmtree(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
