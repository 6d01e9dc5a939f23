#!/usr/bin/python3
"""Seconds per training step: beamgrid-trainer's step beside the same model in Python's PyTorch.

    tests/bench/step_vs_pytorch.py STEP_BENCH [--batch 128] [--frames 30] [--steps 5] [--threads 1] [--device cpu]
        [--arithmetic fp32]

Needs a Python with torch: Debian's python3-torch has the same LibTorch underneath, PyPI's a newer one with MKL and, from 2.4
on, a fused Adam, which is then used. On a GPU one comparison per model, on the CPU three, runs taken in turns: (a) equal settings: both with the OpenBLAS core that fits the processor; (b) Python as it comes
(no OPENBLAS_CORETYPE) against ours as beamgrid sets its workers up; (c) the same where OpenBLAS
misjudges the processor, which is forced by naming the core that it falls back to. With --arithmetic bf16 PyTorch runs under
autocast and ours with train.arithmetic = "bf16". Prints a Markdown
table; the figure is the median step, on the CPU in processor time, so that other work on the machine counts little.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CLASSES, IMAGE, AUDIO, HIDDEN, CLUSTERS = 3862, 1024, 128, 1024, 64
WIDTH = IMAGE + AUDIO
# As the orchestrator leaves the environment to its workers.
SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_L2_SIZE")


def fitting_core():
    """OpenBLAS's name for a processor with this one's instructions; empty: leave it to OpenBLAS."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        flags = next((line for line in info if line.startswith("flags")), "").split()
    if "avx512f" in flags and "avx512vl" in flags:
        return "SkylakeX"
    return "Haswell" if "avx2" in flags else ""


def environment(threads, core):
    clean = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    clean["OMP_NUM_THREADS"] = clean["OPENBLAS_NUM_THREADS"] = str(threads)
    if core:
        clean["OPENBLAS_CORETYPE"] = core
    return clean


def python_step(model_name, batch, frames, steps, threads, device, arithmetic):
    """The measured half that runs in a process of its own."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(1)

    class Moe(nn.Module):
        def __init__(self, width, experts):
            super().__init__()
            self.experts = experts
            self.gates = nn.Linear(width, CLASSES * (experts + 1), bias=False)
            self.heads = nn.Linear(width, CLASSES * experts)

        def forward(self, x):
            gates = self.gates(x).view(-1, CLASSES, self.experts + 1).softmax(-1)
            heads = self.heads(x).view(-1, CLASSES, self.experts).sigmoid()
            return (gates[..., : self.experts] * heads).sum(-1)

    class Logistic(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(WIDTH, CLASSES)

        def forward(self, x):
            return self.linear(x).sigmoid()

    class Recurrent(nn.Module):
        """A mean of the states, projected to the frames' width and added to them where `residual`."""

        def __init__(self, cell, bidirectional, residual):
            super().__init__()
            self.cell = cell(WIDTH, HIDDEN, batch_first=True, bidirectional=bidirectional)
            self.project = nn.Linear(2 * HIDDEN, WIDTH) if residual else None
            self.moe = Moe(WIDTH if residual else HIDDEN, 2)

        def forward(self, x, mask, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False)
            states, last = self.cell(packed)
            if self.project is None:
                return self.moe(last[-1])
            states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
            states = (self.project(states) + x) * mask
            return self.moe(states.sum(1) / mask.sum(1))

    class NetVlad(nn.Module):
        def __init__(self):
            super().__init__()
            self.assign = nn.Linear(WIDTH, CLUSTERS, bias=False)
            self.norm = nn.BatchNorm1d(CLUSTERS)
            self.centres = nn.Parameter(torch.randn(WIDTH, CLUSTERS) / WIDTH**0.5)
            self.project = nn.Linear(WIDTH * CLUSTERS, HIDDEN, bias=False)
            self.norm2 = nn.BatchNorm1d(HIDDEN)
            self.moe = Moe(HIDDEN, 4)

        def forward(self, x, mask, lengths):
            assigned = self.norm(self.assign(x).flatten(0, 1)).softmax(-1).view(len(x), -1, CLUSTERS) * mask
            vlad = x.transpose(1, 2) @ assigned - self.centres * assigned.sum(1, keepdim=True)
            vlad = nn.functional.normalize(nn.functional.normalize(vlad, dim=1).flatten(1), dim=1)
            return self.moe(self.norm2(self.project(vlad)).clamp(0, 6))

    models = {"logistic": Logistic, "moe2": lambda: Moe(WIDTH, 2), "moe4": lambda: Moe(WIDTH, 4),
              "blstm_moe2": lambda: Recurrent(nn.LSTM, True, True),
              "gru_moe2": lambda: Recurrent(nn.GRU, False, False), "netvlad_moe4": NetVlad}
    video_level = "_" not in model_name
    model = models[model_name]().to(device)
    fused = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.001, **({"fused": True} if fused else {}))
    now = time.process_time if device == "cpu" else time.perf_counter
    codes = torch.randint(256, (batch, frames, WIDTH), dtype=torch.uint8)
    features = torch.randn(batch, WIDTH)
    lengths = torch.full((batch,), frames)
    labels = torch.zeros(batch, CLASSES).scatter_(
        1, torch.randint(1000, (batch, 3)) + torch.tensor([0, 1000, 2000]), 1)

    def forward():
        """Of a batch that lies on the host, as a reader leaves it."""
        if video_level:
            return model(nn.functional.normalize(features.to(device), dim=-1))
        mask = (torch.arange(frames) < lengths.unsqueeze(1)).unsqueeze(-1).to(device)
        x = codes.to(device).float() * (4 / 255) + (4 / 512 - 2)
        return model(nn.functional.normalize(x, dim=-1) * mask, mask, lengths)

    seconds = []
    for step in range(steps + 1):
        begin = now()
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=arithmetic == "bf16"):
            p, y = forward(), labels.to(device)
        p = p.float()
        loss = -(y * (p + 1e-5).log() + (1 - y) * (1 - p + 1e-5).log()).sum(1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        value = loss.item()
        if step > 0:
            seconds.append(now() - begin)
    print(json.dumps({"model": model_name, "seconds": seconds, "loss": value}))


def measure(command, env):
    return json.loads(subprocess.run(command, env=env, check=True, capture_output=True,
                                     text=True).stdout)["seconds"]


def compare(name, args, python_env, ours_env):
    """Medians of runs taken in turns, so that a busy machine hurts both alike."""
    sizes = [name, str(args.batch), str(args.frames), str(args.steps), str(args.threads), args.device, args.arithmetic]
    python, ours = [], []
    for _ in range(args.turns):
        python += measure([sys.executable, __file__, "--python-step", *sizes], python_env)
        ours += measure([args.step_bench, *sizes], ours_env)
    return statistics.median(python), statistics.median(ours)


def main():
    if sys.argv[1:2] == ["--python-step"]:
        python_step(sys.argv[2], *map(int, sys.argv[3:7]), *sys.argv[7:9])
        return
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step_bench")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--arithmetic", default="fp32", help="fp32 or bf16")
    parser.add_argument("--models", default="logistic,moe2,moe4,blstm_moe2,gru_moe2,netvlad_moe4")
    parser.add_argument("--misjudged", default="Prescott", metavar="CORE",
                        help="what OpenBLAS takes a processor newer than itself for; '' leaves it out")
    args = parser.parse_args()
    tuned = environment(args.threads, fitting_core())
    stock = environment(args.threads, "")
    print("| model | settings | PyTorch, s/step | beamgrid, s/step | ratio |")
    print("|---|---|---|---|---|")
    for name in args.models.split(","):
        on_gpu = args.device != "cpu"
        comparisons = [("equal", tuned)] if on_gpu else [("equal", tuned), ("PyTorch as it comes", stock)]
        if args.misjudged and not on_gpu:
            comparisons.append((f"OpenBLAS takes it for {args.misjudged}",
                                environment(args.threads, args.misjudged)))
        for settings, python_env in comparisons:
            python, ours = compare(name, args, python_env, tuned)
            print(f"| {name} | {settings} | {python:.4f} | {ours:.4f} | {python / ours:.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
