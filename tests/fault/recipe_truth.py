"""What any_recipe.py compares with: records, metrics, ensembles and effects, computed with NumPy from their definitions."""
import collections
import glob
import itertools
import json
import struct
from pathlib import Path

import numpy as np

Example = collections.namedtuple("Example", "id labels rated frames")  # frames: [frames, width], or None


# ---- Records: TFRecords of tf.Example and tf.SequenceExample, with a protobuf reader of a few lines -------------------

def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a protobuf message: (number, value), bytes for what has a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            length, at = (4, at) if key & 7 == 5 else (8, at) if key & 7 == 1 else varint(data, at)
            value, at = data[at:at + length], at + length
        yield key >> 3, value


def integers(items):
    """Of an Int64List: packed or one by one."""
    for item in items:
        at = 0
        while isinstance(item, bytes) and at < len(item):
            value, at = varint(item, at)
            yield value
        if isinstance(item, int):
            yield item


def feature(data):
    """A tf.Feature's list of bytes, floats or integers."""
    for kind, values in fields(data):
        items = [value for _, value in fields(values)]
        return items if kind == 1 else np.frombuffer(b"".join(items), "<f4") if kind == 2 else list(integers(items))
    return []


def entries(data):
    for _, entry in fields(data):
        pair = dict(fields(entry))
        yield pair[1].decode(), pair.get(2, b"")


def records(path):
    data, at = Path(path).read_bytes(), 0
    while at < len(data):
        length, = struct.unpack_from("<Q", data, at)
        parts = dict(fields(data[at + 12:at + 12 + length]))
        context = {key: feature(value) for key, value in entries(parts[1])}
        lists = {key: [feature(f) for _, f in fields(value)] for key, value in entries(parts.get(2, b""))}
        yield context, lists
        at += length + 16


def frames_of(context, lists, section):
    """The frames of a video, features side by side: codes where all are codes, else floats."""
    types, columns = section.get("frame_types", {}), []
    if section["format"] == "video":
        return np.concatenate([context[name] for name in section["features"]])[None]
    for name in section["features"]:
        kind = types.get(name, "uint8")
        rows = [row if kind == "float32" else np.frombuffer(row[0], {"uint8": "u1", "float16": "<f2"}[kind])
                for row in lists[name]]
        column = np.stack(rows)
        if kind == "uint8" and set(types.values()) - {"uint8"}:
            column = column.astype(np.float32) * np.float32(4 / 255) + np.float32(4 / 512 - 2)
        columns.append(column)
    lengths = [len(column) for column in columns]
    if section.get("frame_alignment", "cut") == "cut":
        columns = [column[:min(lengths)] for column in columns]
    else:
        n = max(lengths)
        columns = [c[[(2 * t + 1) * len(c) // (2 * n) for t in range(n)]] for c in columns]
    return np.concatenate(columns, 1)


def examples(folder, section, split):
    """The examples of a split as a model sees them; of segments those that somebody rated."""
    most = section.get("max_frames", 300)
    for path in sorted(p for pattern in section[split] for p in glob.glob(str(Path(folder) / pattern))):
        for context, lists in records(path):
            name = context.get("id", context.get("video_id"))[0].decode()
            frames = frames_of(context, lists, section)
            if section["format"] != "segment":
                yield Example(name, sorted(set(map(int, context["labels"]))), None, frames[:most])
                continue
            ratings = list(zip(context["segment_start_times"], context["segment_labels"], context["segment_scores"]))
            for start in sorted({s for s, _, _ in ratings if s < len(frames)}):
                mine = [(label, score) for s, label, score in ratings if s == start]
                yield Example(f"{name}:{start}", sorted({int(l) for l, score in mine if score > 0.5}),
                              sorted({int(l) for l, _ in mine}), frames[start:start + min(5, most)])


# ---- Files of predictions and weights ---------------------------------------------------------------------------------

def read_predictions(path):
    """predictions.bin: {id: (labels, scores as float)}."""
    data, found = Path(path).read_bytes(), {}
    videos, = struct.unpack_from("<Q", data, 24)
    at = 32
    for _ in range(videos):
        id_bytes, scores, labels = struct.unpack_from("<III", data, at)
        at += 12
        name, at = data[at:at + id_bytes].decode(), at + id_bytes
        pairs = np.frombuffer(data, [("label", "<i4"), ("score", "<f4")], scores, at)
        found[name] = pairs["label"].astype(int), pairs["score"].copy()
        at += 8 * scores + 4 * labels
    return found


def read_csv(path):
    """VideoId,LabelConfidencePairs: {id: (labels, scores)}; Class,Segments: {class: ids}."""
    lines = Path(path).read_text().splitlines()
    rows = [line.split(",", 1) for line in lines[1:]]
    if lines[0] == "Class,Segments":
        return {int(label): ids.split() for label, ids in rows}
    return {name: (np.array(pairs.split()[::2], int), np.array(pairs.split()[1::2], float)) for name, pairs in rows}


def read_safetensors(path):
    """The header of a file: {tensor: (type, elements, bytes)}."""
    data = Path(path).read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    header.pop("__metadata__", None)
    return {name: (t["dtype"], int(np.prod(t["shape"], dtype=int)), t["data_offsets"][1] - t["data_offsets"][0])
            for name, t in header.items()}


# ---- Metrics ----------------------------------------------------------------------------------------------------------

def precisions(scores, hits):
    """The sum of the precisions at the hits, best score first; equal scores by the expectation over their orders."""
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    scores, hits = np.asarray(scores, float)[order], np.asarray(hits, float)[order]
    total = before = 0.0
    begin = 0
    while begin < len(scores):
        end = begin + int(np.searchsorted(-scores[begin:], -scores[begin], "right"))
        n, m = end - begin, hits[begin:end].sum()
        place = np.arange(1, n + 1)
        if m:
            total += (m / n * (before + 1 + (place - 1) * ((m - 1) / (n - 1) if n > 1 else 0)) / (begin + place)).sum()
        before, begin = before + m, end
    return total


def metrics_of(predictions, truth, classes):
    """All metrics of lists {id: (labels, scores)}, best first; the truth is of Examples."""
    pool, perr, hits, top5, one_label = [], [], [], [], all(len(e.labels) == 1 for e in truth)
    for example in truth:
        labels, scores = predictions[example.id]
        is_true = np.isin(labels, example.labels)
        pool.append((labels[:20], scores[:20], is_true[:20]))
        m = len(example.labels)
        perr.append((is_true & (scores > 0))[:m].sum() / m if m else 0)
        hits.append(bool(is_true[:1].any()))
        top5.append(bool((is_true & ((scores > 0) | (np.arange(len(scores)) == 0)))[:5].any()))
    labels, scores, is_true = (np.concatenate(column) for column in zip(*pool))
    count = collections.Counter(label for example in truth for label in example.labels)
    result = {"gap": precisions(scores, is_true) / sum(count.values()), "hit_at_1": np.mean(hits), "perr": np.mean(perr),
              "map": np.mean([precisions(scores[labels == c], is_true[labels == c]) / n for c, n in count.items()]),
              "accuracy": np.mean(hits) if one_label else None,
              "top_5": np.mean(top5) if one_label and classes > 5 else None, "segment_map": None}
    if truth[0].rated is not None:
        of_class = []
        for label, n in count.items():
            rated = [e for e in truth if label in e.rated]
            at = [predictions[e.id][1][predictions[e.id][0] == label] for e in rated]
            listed = [i for i, score in enumerate(at) if len(score)]
            of_class.append(precisions([at[i][0] for i in listed], [label in rated[i].labels for i in listed]) / n)
        result["segment_map"] = np.mean(of_class)
    return result


# ---- Ensembles and effects ---------------------------------------------------------------------------------------------

def logit(p):
    kept = np.maximum(np.where(p > 0.5, 1 - p, p), 1e-6)
    return np.where(p > 0.5, -1, 1) * np.log(kept / (1 - kept))


def combined(members, weights, combine):
    """The weighted mean of the members' scores, {id: (labels, scores)}, best first; one member alone is as it is."""
    if len(members) == 1:
        return members[0]
    term = {"logits": lambda p: logit(p) - logit(np.float64(0)), "probabilities": lambda p: p,
            "votes": lambda p: (p >= 0.5) * 1.0}[combine]
    result, equal = {}, len(set(weights)) == 1
    for name in members[0]:
        labels = sorted(set().union(*(member[name][0].tolist() for member in members)))
        units = 0
        for member, weight in zip(members, weights):
            at = dict(zip(member[name][0].tolist(), term(member[name][1].astype(float))))
            least = 0 if combine == "votes" else min(at.values())
            terms = np.array([at.get(label, least) for label in labels])
            units = units + np.rint((1 if equal else weight) * terms * 1e12)
        mean = units / 1e12 / (len(members) if equal else sum(weights))
        scores = 1 / (1 + np.exp(-(mean + logit(np.float64(0))))) if combine == "logits" else mean
        order = np.lexsort((labels, -units))
        result[name] = np.array(labels)[order], scores[order]
    return result


def best_sets(pool, sizes, limit, most, combine, truth, classes):
    """The best GAP of all sets of up to `most` members that fit, with equal weights."""
    return max(metrics_of(combined([pool[i] for i in members], [1] * n, combine), truth, classes)["gap"]
               for n in range(1, most + 1) for members in itertools.combinations(range(len(pool)), n)
               if sum(sizes[i] for i in members) <= limit)


def main_effects(scores):
    """Of a full factorial, {combination of levels: score}: the sorted effects of each factor's levels."""
    keys, values = list(scores), np.array(list(scores.values()))
    return [sorted(float(values[[key[i] == level for key in keys]].mean() - values.mean())
                   for level in {key[i] for key in keys}) for i in range(len(keys[0]))]
