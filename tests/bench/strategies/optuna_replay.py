#!/usr/bin/env python3
"""Optuna's samplers on the tables that strategies_bench replays, with the same scores and the same regret.

  optuna_replay.py --table FILE.csv.gz --sampler tpe|gp|random --budget N --repetitions R [--seed S]

Prints a line of JSON as strategies_bench does. A budget may be a list, 25,45,65: the regret after so many trials of one
study. Needs optuna (PyPI), and torch and scipy for gp. A factor is a categorical parameter (--integer: an integer one).
The pick is the trial with the highest score, which is what Optuna calls best.
"""
import argparse
import csv
import gzip
import json
import math
import random
import statistics
import sys

import optuna

BESIDE = ("model_size", "parameters", "train_seconds")


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", newline="") as file:
        rows = csv.reader(file)
        names = next(rows)
        factors = next(i for i, name in enumerate(names) if name in BESIDE)
        scores = [(i, name.startswith("val_loss")) for i, name in enumerate(names)
                  if name.startswith(("val_acc_seed", "val_loss_seed"))]
        table = {}
        for row in rows:
            seeds = [-math.log10(float(row[i])) if is_loss else float(row[i]) for i, is_loss in scores if row[i]]
            if seeds:
                table[tuple(row[:factors])] = seeds
    levels = [sorted({key[i] for key in table}, key=lambda text: (len(text), text)) for i in range(factors)]
    return names[:factors], levels, table


def sampler_of(name, seed):
    if name == "tpe":
        return optuna.samplers.TPESampler(multivariate=True, seed=seed)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


def run(names, levels, table, sampler, budgets, seed, as_integers):
    draw = random.Random(seed)
    means = {key: statistics.fmean(seeds) for key, seeds in table.items()}
    best = max(means.values())
    study = optuna.create_study(direction="maximize", sampler=sampler_of(sampler, seed))
    told = []
    regrets = {}
    while len(told) < max(budgets):
        trial = study.ask()
        if as_integers:
            key = tuple(level[trial.suggest_int(name, 0, len(level) - 1)] for name, level in zip(names, levels))
        else:
            key = tuple(trial.suggest_categorical(name, level) for name, level in zip(names, levels))
        if key not in table:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        score = draw.choice(table[key])
        study.tell(trial, score)
        told.append((score, key))
        if len(told) in budgets:
            regrets[len(told)] = best - means[max(told, key=lambda item: item[0])[1]]
    return regrets


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--sampler", choices=("tpe", "gp", "random"), default="tpe")
    parser.add_argument("--budget", default="45")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first repetition")
    parser.add_argument("--integer", action="store_true", help="factors are integers, not categories")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    import warnings
    warnings.simplefilter("ignore")
    budgets = [int(word) for word in arguments.budget.split(",")]
    names, levels, table = read(arguments.table)
    regrets = {budget: [] for budget in budgets}
    for i in range(arguments.repetitions):
        for budget, regret in run(names, levels, table, arguments.sampler, budgets, arguments.seed + i,
                                  arguments.integer).items():
            regrets[budget].append(regret)
    for budget, values in regrets.items():
        values.sort()
        print(json.dumps({"table": arguments.table, "strategy": "optuna-" + arguments.sampler, "budget": budget,
                          "repetitions": len(values), "median_regret": statistics.median(values),
                          "p90_regret": values[min(len(values) - 1, int(0.9 * len(values)))],
                          "trials": float(budget)}))


if __name__ == "__main__":
    sys.exit(main())
