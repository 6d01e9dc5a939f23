"""Random recipes for any_recipe.py: what may stand in one, one at random, and the pairs of values that it tries."""
import collections
import itertools
import json

import numpy as np

CRITERIA = ["multimodal", "temporal", "classifier", "label_processing", "loss"]
SEEDS = ([1], [7, 3], [1, 2, 3], {"min": 1, "max": 3})

# Values of what cannot be told from its range: that a tiny study can afford, and on both sides of its own sizes.
OWN = {
    "train.epochs": [1, 2, 3], "train.batch": [1, 7, 16, 64, 16, 64], "train.learning_rate": [0.001, 0.02],
    "train.decay_examples": [25, 4000000], "train.late_decay_from": [0, 60], "train.late_decay_examples": [20, 40000],
    "train.warmup_examples": [0, 50], "train.ema": [0.0, 0.5, 0.99], "train.average_checkpoints": [0, 1, 2, 3],
    "train.patience": [0, 1, 2], "train.l2": [0.0, 0.01], "train.mix": [0.0, 0.3, 2.0], "train.from": ["", "BASE"],
    "train.teacher": ["", "teacher.csv"], "train.decay": [0.5, 0.95, 1.0], "late.options": ["", "OTHER"],
    "study.seeds": list(SEEDS), "data.max_frames": [3, 300], "data.holdout": [0, 0.3, 0.5],
    "data.class_weight": [1.0, 0.25, 10.0], "search.passes": [1, 2], "search.width": [1, 3], "search.seed": [1, 5],
    "search.eta": [2, 3], "search.candidates": [0, 3], "search.min_epochs": [1, 2], "search.budget": [0, 3, 5],
    "search.parallel": [1, 3], "ensemble.size_limit": ["1GiB", "40kB"], "ensemble.members": [1, 2, 6],
    "ensemble.beam_width": [1, 8], "resources.threads_per_worker": [1, 1, 1, 2],
}
# Keys of recipes that the generator writes itself, or that change nothing of a result here.
OTHER_KEYS = set("""beamgrid plugins study.name study.description data.format data.train data.validate data.classes
data.features data.frame_types data.labels data.group data.video_weight data.weighted_classes search.order
search.gpu_hours table.vary table.by table.fix table.baseline table.title table.reference table.layout
resources.executor resources.devices resources.slots_per_device resources.timeout resources.heartbeat_timeout
resources.stall_timeout resources.retries resources.priority""".split())


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def text_of(recipe):
    """A recipe, {section: {key: value} or a list of these}, as TOML."""
    lines = ["beamgrid = 1"]
    for section, keys in recipe.items():
        for table in keys if isinstance(keys, list) else [keys]:
            lines.append(f"[[{section}]]" if isinstance(keys, list) else f"[{section}]")
            lines += [f"{key} = {toml(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


class Options:
    """What may stand in a recipe: components with the values to try of each option, and the keys of sections."""

    def __init__(self, tool, folder, script):
        self.components = collections.defaultdict(dict)  # criterion: {name: {option: values}}
        self.features, self.defaults = {}, {}
        for part in tool.json(folder, "components"):
            name, criterion = part["name"], part["criterion"]
            if name == "script" and (criterion != "temporal" or not script):
                continue
            self.features[criterion, name] = part.get("least_features", 1), part.get("most_features", 99)
            self.components[criterion][name] = {o["name"]: self.values(name, o) for o in part["options"]}
            self.defaults.update({(criterion, name, o["name"]): o["default"] for o in part["options"]})
        self.keys, unknown = collections.defaultdict(dict), []  # section: {key: (values, strategies)}
        section = ""
        for line in tool(folder, "help", "recipe", "--markdown").splitlines():
            if line.startswith("## "):
                section = line.strip("# `[]").replace("]", "")
            cells = [cell.strip() for cell in line.split(" | ")] if line.startswith("| `") else []
            if not cells or not cells[0][3:-1].islower():
                continue
            key, takes = cells[0][3:-1], cells[1]
            name = f"{section}.{key}" if section.islower() and section != "" and " " not in section else key
            values = OWN.get(name) or (takes[7:].split(", ") if takes.startswith("one of ") else None)
            if name in OTHER_KEYS or "." in section:
                continue
            if name == "data.normalise":
                values = ["l2_joint", "l2", "standardise", "none"]
            if not values:
                unknown.append(name)
            words, colon, _ = cells[3].strip(" |").partition(":")
            strategies = set(words.split(", ")) if colon and section == "search" else None
            self.keys[section][key] = values or [None], strategies
        if unknown:
            print("keys without a value to try: " + ", ".join(unknown))

    @staticmethod
    def values(component, option):
        name, low, high = f"{component}.{option['name']}", option.get("minimum"), option.get("maximum")
        if name in OWN or option["type"] in ("file", "string") and "choices" not in option:
            return OWN.get(name, [option["default"]])
        if option["type"] == "bool":
            return [False, True]
        words = option.get("choices", [])
        if low is None:
            return words
        if option["type"] == "integer":
            sizes = (low, 2, 3) + (8,) * (high >= 256) + (150,) * (high >= 4096 and high != 9999)  # 9999: frames
            return words + [int(size) for size in sizes if low <= size <= high]
        if high <= 1:
            return words + [low, 0.3, high]
        return words + [v for v in (0.05, 0.5, 2.0) if low <= v <= high]



def draw(options, sets, rng):
    """A random recipe, most likely a valid one."""
    pick = rng.choice
    name = pick([s for s in sets.sections if s != "audioset" or rng.random() < 0.3])
    data = dict(sets.sections[name])
    recipe = {"study": {"name": "s", "seeds": pick(SEEDS[:3] if rng.random() < 0.8 else SEEDS)}, "data": data}

    def some(section, share, keys=None):
        return {key: pick(values) for key, (values, _) in options.keys[section].items()
                if rng.random() < share and (keys is None or key in keys)}

    data.update(some("data", 0.3, {"normalise", "on_error", "holdout"} | ({"unrated"} if name == "segment" else set())
                     | (set() if data["format"] == "video" else {"max_frames", "frame_alignment"})))
    if rng.random() < 0.15:
        data["normalise"] = {feature: pick(["none", "l2", "standardise"]) for feature in data["features"]}
    if rng.random() < 0.2:
        data.update(weighted_classes=[0, 2, 5], class_weight=pick(OWN["data.class_weight"]))
    if name == "own":
        data.update({k: v for k, v in (("group", "subject"), ("video_weight", "importance")) if rng.random() < 0.6})
    objectives = ["gap", "hit_at_1", "map", "perr"] + (["accuracy", "top_5"] if name == "own" else [])
    if rng.random() < 0.4:
        recipe["study"]["objective"] = pick(objectives + (["segment_map"] if name == "segment" else []))

    train = {option: pick(values) for option, values in options.components["train"]["train"].items()
             if option in ("epochs", "batch", "learning_rate") or rng.random() < 0.25}
    recipe["train"] = train
    varied = rng.sample(CRITERIA + ["extras", "train"], pick([1, 2, 2, 3]))
    if data["format"] == "video":  # has no frames to aggregate
        varied = [criterion for criterion in varied if criterion != "temporal"]
    for criterion in CRITERIA:
        if (data["format"], criterion) == ("video", "temporal"):
            continue
        if criterion in varied or rng.random() < 0.6:
            recipe[f"grid.{criterion}"] = candidates(options, criterion, len(data["features"]), criterion in varied, rng)
    uses = [candidate for candidate in recipe.get("grid.multimodal", []) if candidate["use"] == "late"]
    streams = recipe.get("grid.temporal", [{"use": "mean"}])
    for late in uses:
        late["options"] = f"{list(data['features'])[1]}.hidden = 5" if all("hidden" in s for s in streams) else ""
    extras = {extra: {o: pick(v) for o, v in values.items() if rng.random() < 0.6} or True
              for extra, values in options.components["extras"].items() if rng.random() < 0.15}
    if extras and "extras" in varied:
        switched = pick(list(extras))
        extras[switched] = [False, extras[switched]]
    if extras:
        recipe["grid.extras"] = extras
    if "train" in varied:
        option = pick([o for o, values in options.components["train"]["train"].items() if len(values) > 1])
        recipe["grid.train"] = {option: options.components["train"]["train"][option][:3]}

    strategy = pick(options.keys["search"]["strategy"][0])
    axes = [c for c in varied if f"grid.{c}" in recipe]
    recipe["search"] = {"strategy": strategy, **{key: pick(values) for key, (values, of) in options.keys["search"].items()
                                                 if of and strategy in of and values[0] is not None and rng.random() < 0.5}}
    if strategy in ("greedy", "beam") and rng.random() < 0.5:
        recipe["search"]["order"] = rng.sample(axes, len(axes))
    singles = [c for c in axes if c in CRITERIA]
    if singles and rng.random() < 0.3:
        recipe["search.baseline"] = {pick(singles): recipe[f"grid.{singles[0]}"][-1]} if len(singles) == 1 else {}
    if len(singles) > 1 and rng.random() < 0.3:
        recipe["exclude"] = [{c: recipe[f"grid.{c}"][-1]["use"] for c in singles[:2]}]
    recipe["resources"] = some("resources", 0.3)
    if rng.random() < 0.7:
        recipe["ensemble"] = some("ensemble", 0.5)
    if axes and rng.random() < 0.7:
        rows = pick(options.keys["table"]["rows"][0])
        recipe["table"] = [{"vary": pick(axes), "rows": rows} if rows != "criteria" else {"rows": rows}]
    if trials_of(recipe) > 8:
        return draw(options, sets, rng)
    return {section: keys for section, keys in recipe.items() if keys or section == "ensemble"}


def trials_of(recipe):
    """How many trials a search of all has at most."""
    seeds, count = recipe["study"]["seeds"], 1
    for section, keys in recipe.items():
        lists = [v for table in (keys if isinstance(keys, list) else [keys]) for v in table.values() if isinstance(v, list)]
        if section.startswith("grid."):
            count *= (len(keys) if isinstance(keys, list) else 1) * int(np.prod([len(v) for v in lists] or [1]))
    return count * (seeds["max"] if isinstance(seeds, dict) else len(seeds))


def candidates(options, criterion, features, varied, rng):
    """One candidate of a criterion, or two with other values of an option."""
    fitting = [name for name in options.components[criterion]
               if options.features[criterion, name][0] <= features <= options.features[criterion, name][1]]
    result = []
    for name in rng.sample(fitting, min(len(fitting), 2 if varied else 1)):
        candidate = {"use": name}
        for option, values in options.components[criterion][name].items():
            default = options.defaults[criterion, name, option]
            wide = isinstance(default, int) and default > 100  # the papers' widths are not for tests
            if wide or name == "script" or rng.random() < 0.6:
                candidate[option] = "pool.pt" if name == "script" else rng.choice(values)
            if varied and option in candidate and len(values) > 2 and rng.random() < 0.1:
                candidate[option] = rng.sample(values, 2)
        result.append(candidate)
    return result


def items_of(options, recipe, data):
    """What a recipe tries: (group, owner, key, value); two of one group never stand in one model."""
    items = {("data", "", "", data)}
    for section, keys in recipe.items():
        group = section.removeprefix("grid.")
        for candidate in keys if isinstance(keys, list) and group in CRITERIA else []:
            values = {o: options.defaults[group, candidate["use"], o] for o in options.components[group][candidate["use"]]}
            items.add((group, candidate["use"], "use", ""))
            for key, value in {**values, **candidate}.items():
                items |= {(group, candidate["use"], key, str(v)) for v in (value if isinstance(value, list) else [value])
                          if key != "use"}
        if group == "extras":
            for extra, value in keys.items():
                value = value[1] if isinstance(value, list) else value
                items.add((f"extras.{extra}", extra, "use", ""))
                items |= {(f"extras.{extra}", extra, o, str(v)) for o, v in (value.items() if value is not True else [])}
        elif not isinstance(keys, list):
            for key, value in keys.items():
                if (section, key) != ("data", "labels") and (section in ("train", "grid.train") or key in options.keys[section]):
                    items |= {(f"{group}.{key}", "", "", str(v)) for v in (value if section == "grid.train" else [value])}
    return items


def every_item(options, sets):
    """All items that recipes could try."""
    items = {("data", "", "", name) for name in sets.sections}
    for criterion, parts in options.components.items():
        for name, of_options in parts.items() if criterion != "train" else []:
            group = f"extras.{name}" if criterion == "extras" else criterion
            items.add((group, name, "use", ""))
            items |= {(group, name, option, str(v)) for option, values in of_options.items() for v in values}
    train = {f"train.{option}": values for option, values in options.components["train"]["train"].items()}
    keys = {f"{s}.{key}": values for s, of in options.keys.items() for key, (values, _) in of.items() if s != "table"}
    return items | {(key, "", "", str(v)) for key, values in {**train, **keys}.items() for v in values}


def pairs_of(items):
    return {(a, b) for a, b in itertools.combinations(sorted(items), 2)
            if a[0] != b[0] or (a[1] == b[1] and a[1] and a[2] != b[2])}
