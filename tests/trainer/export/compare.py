"""Loads each exported model below a folder as a user would and compares it with what beamgrid said.

Prints a line for each problem, and how many models were looked at."""

import ast
import importlib.util
import json
import pathlib
import sys

import numpy as np
import torch

try:
    import safetensors.torch
except ImportError:  # Debian 12 has no package of it
    safetensors = None

TOLERANCE = 1e-5
TIE = 1e-6  # closer probabilities may change places
LONGEST = 300
ALLOWED = {"importlib", "json", "math", "pathlib", "sys", "types", "numpy", "torch"}


def import_file(path):
    spec = importlib.util.spec_from_file_location("modeling", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imported(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def difference(one, other):
    return (one - other).abs().max().item()


def other_order(expected, found):
    """The first place of the top 20 where two rows have other labels that are no tie; or None."""
    for row, (a, b) in enumerate(zip(expected, found)):
        tops = [np.argsort(-values.numpy(), kind="stable")[:20] for values in (a, b)]
        for place, (x, y) in enumerate(zip(*tops)):
            if x != y and abs(a[x] - a[y]) > TIE:
                return f"video {row}: label {y} is at place {place}, not {x}"
    return None


def problems_of_values(folder, module, model, sample):
    expected = sample.pop("probabilities")
    found = module.predict(model, **sample)
    if not difference(found, expected) <= TOLERANCE:
        yield f"probabilities differ by {difference(found, expected):.2e}"
    order = other_order(expected, found)
    if order:
        yield order
    if "frames" not in sample:
        return
    frames, lengths = sample["frames"], sample["lengths"]
    noise = torch.full((len(frames), 3, frames.size(2)), 77, dtype=torch.uint8)
    padded = module.predict(model, torch.cat([frames, noise], 1), lengths)
    if not difference(padded, expected) <= TOLERANCE:
        yield f"padding changes probabilities by {difference(padded, expected):.2e}"
    most = json.loads((folder / "config.json").read_text())["data"]["max_frames"]
    whole = [video for video, length in enumerate(lengths.tolist()) if length == most]
    if whole:  # what is behind the most frames does not count, in videos that are as long at least
        longer = module.predict(model, torch.cat([frames[whole][:, :most], noise[whole]], 1),
                                [most + 3] * len(whole))
        if not difference(longer, expected[whole]) <= TOLERANCE:
            yield f"longer videos change probabilities by {difference(longer, expected[whole]):.2e}"
    try:
        module.predict(model, frames, [frames.size(1) + 1] * len(frames))
        yield "lengths beyond the frames are not refused"
    except ValueError:
        pass
    for video, length in enumerate(lengths.tolist()):
        alone = module.predict(model, frames[video:video + 1, :length], [length])
        if not difference(alone, expected[video:video + 1]) <= TOLERANCE:
            yield f"video {video} alone differs by {difference(alone, expected[video:video+1]):.2e}"


def problems_of(folder):
    text = (folder / "modeling.py").read_text()
    lines = text.splitlines()
    if len(lines) > LONGEST:
        yield f"modeling.py has {len(lines)} lines"
    if any(len(line) > 100 for line in lines):
        yield "modeling.py has a line of more than 100 columns"
    if set(imported(text)) - ALLOWED:
        yield f"modeling.py imports {sorted(set(imported(text)) - ALLOWED)}"
    module = import_file(folder / "modeling.py")
    tensors = module.read_tensors(folder / "model.safetensors")
    if safetensors is not None:
        public = safetensors.torch.load_file(folder / "model.safetensors")
        if sorted(public) != sorted(tensors):
            yield "safetensors finds other tensors"
        yield from (f"safetensors reads another {name}" for name in tensors
                    if not torch.equal(public[name], tensors[name]))
    yield from problems_of_values(folder, module, module.load(folder),
                                  module.read_tensors(folder / "sample.safetensors"))


def main():
    folders = sorted(path.parent for path in pathlib.Path(sys.argv[1]).glob("*/modeling.py"))
    longest = 0
    for folder in folders:
        name = json.loads((folder / "config.json").read_text())["name"]
        longest = max(longest, len((folder / "modeling.py").read_text().splitlines()))
        try:
            for problem in problems_of(folder):
                print(f"{folder.name} {name}: {problem}")
        except Exception as error:  # one model's fault must not hide the others'
            print(f"{folder.name} {name}: {type(error).__name__}: {error}")
    print(f"{len(folders)} models, the longest modeling.py has {longest} lines", file=sys.stderr)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
