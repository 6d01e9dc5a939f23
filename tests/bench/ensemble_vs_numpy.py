#!/usr/bin/python3
"""The ensemble's beam search beside the same search in vectorised NumPy, on one pool in one run.

    tests/bench/ensemble_vs_numpy.py build/release/bin/ensemble_bench [--members 6 --beam-width 8]
        [--labels labels.csv]

--labels: real videos' labels (id,split,labels), which the planted ones then follow.

NumPy is given the same shared layout (a video's cells are the union of the labels that any model
lists), running sums of logits, and one partial selection and one sort per candidate. Both times
are processor time of one thread and leave out reading or making the pool, but hold everything else:
layout, logits, search. The beam of beamgrid floats, NumPy's does not, so that times are compared by set.
Ends with 1 where beamgrid finds a worse set, or another GAP of the same one.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np

TOP = 20


def read_pool(path):
    with open(path, "rb") as file:
        models, videos, length = np.fromfile(file, np.int32, 3)
        sizes = np.fromfile(file, np.int64, models)
        labels = np.empty((models, videos, length), np.int32)
        scores = np.empty((models, videos, length), np.float32)
        for m in range(models):
            labels[m] = np.fromfile(file, np.int32, videos * length).reshape(videos, length)
            scores[m] = np.fromfile(file, np.float32, videos * length).reshape(videos, length)
        truth = [np.fromfile(file, np.int32, np.fromfile(file, np.int32, 1)[0])
                 for _ in range(videos)]
    return sizes, labels, scores, truth


class Pool:
    def __init__(self, labels, scores, truth):
        models, videos, length = labels.shape
        self.positives = sum(len(t) for t in truth)
        self.cells = np.empty((models, videos, length), np.int32)
        unions = []
        for v in range(videos):
            union, cell = np.unique(labels[:, v], return_inverse=True)
            self.cells[:, v] = cell.reshape(models, length)
            unions.append(union)
        self.width = max(len(union) for union in unions)
        self.truth = np.zeros((videos, self.width), bool)
        for v, union in enumerate(unions):
            self.truth[v, :len(union)] = np.isin(union, truth[v])
        self.rows = np.arange(videos)[:, None]
        low = np.log(1e-6 / (1 - 1e-6))
        self.terms = np.empty(scores.shape, np.float64)
        for m in range(models):
            p = np.clip(scores[m].astype(np.float64), 1e-6, 1 - 1e-6)
            self.terms[m] = np.log(p / (1 - p)) - low

    def extend(self, sums, model):
        sums = sums.copy()
        sums[self.rows, self.cells[model]] += self.terms[model]
        return sums

    def gap(self, sums):
        top = np.argpartition(sums, self.width - TOP, axis=1)[:, -TOP:]
        scores = np.take_along_axis(sums, top, axis=1).ravel()
        hits = np.take_along_axis(self.truth, top, axis=1).ravel()
        hits = hits[np.argsort(-scores)]
        ranks = np.flatnonzero(hits) + 1
        return (np.arange(1, len(ranks) + 1) / ranks).sum() / self.positives


def beam_search(pool, sizes, limit, members, beam_width):
    zero = np.zeros(pool.truth.shape)
    beam = [((m,), pool.gap(pool.extend(zero, m))) for m in range(len(sizes)) if sizes[m] <= limit]
    evaluated = len(beam)
    best = None
    for level in range(members):
        if level > 0:
            scored = {}
            for state, _ in beam:
                sums = zero
                for m in state:
                    sums = pool.extend(sums, m)
                room = limit - sizes[list(state)].sum()
                for m in range(len(sizes)):
                    key = tuple(sorted(state + (m,)))
                    if m in state or sizes[m] > room or key in scored:
                        continue
                    scored[key] = pool.gap(pool.extend(sums, m))
            evaluated += len(scored)
            beam = list(scored.items())
        beam.sort(key=lambda item: (-item[1], sizes[list(item[0])].sum(), item[0]))
        beam = beam[:beam_width]
        if not beam:
            break
        if best is None or beam[0][1] > best[1]:
            best = beam[0]
    return best, evaluated


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="path of ensemble_bench")
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--videos", type=int, default=10000)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--beam-width", type=int, default=2)
    parser.add_argument("--numpy-members", type=int,
                        help="sets of NumPy's search, if smaller: a set costs it as much, and all take hours")
    parser.add_argument("--labels")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pool.bin")
        sizes = [f"--{name}={getattr(args, name.replace('-', '_'))}"
                 for name in ("models", "videos", "members", "beam-width")]
        if args.labels:
            sizes += ["--labels", args.labels]
        bench = json.loads(subprocess.run([args.bench, *sizes, "--pool", path], check=True,
                                          capture_output=True, text=True).stdout)
        ours, seconds_of_ours = bench["answer"], bench["runs"][0]["processor_seconds"]
        model_sizes, labels, scores, truth = read_pool(path)

    start = time.process_time()
    pool = Pool(labels, scores, truth)
    laid_out = time.process_time()
    numpy_members = args.numpy_members or args.members
    (members, gap), evaluated = beam_search(pool, model_sizes, ours["size_limit"], numpy_members,
                                            args.beam_width)
    seconds = time.process_time() - start

    names = [f"model{1000 + m}" for m in members]
    ours_gap, ours_sets = ours["selection"]["gap"], ours["evaluated"]
    same = names == [m["name"] for m in ours["members"]] if numpy_members == args.members else None
    print(json.dumps({
        "models": args.models, "videos": args.videos, "sets": ours_sets, "numpy_sets": evaluated,
        "beamgrid_seconds": round(seconds_of_ours, 3), "numpy_seconds": round(seconds, 3),
        "numpy_layout_seconds": round(laid_out - start, 3),
        "ratio": round(seconds / evaluated / (seconds_of_ours / ours_sets), 1), "numpy": np.__version__,
        "gap": ours_gap, "numpy_gap": gap, "same_members": same}, indent=1))
    raise SystemExit(0 if (abs(gap - ours_gap) < 1e-9 if same else ours_gap > gap) else 1)


if __name__ == "__main__":
    main()
