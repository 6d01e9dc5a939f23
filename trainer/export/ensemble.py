SMALLEST = 1e-6  # probabilities of logits are kept so far from 0 and 1


def load(folder=HERE):
    """The ensemble of a folder: its configuration and the modules and models of its members."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    members = []
    for member in config["members"]:
        place = folder / member["folder"]
        spec = importlib.util.spec_from_file_location(member["folder"], place / "modeling.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        members.append((module, module.load(place)))
    return config, members


def to_term(probabilities, combine):
    """Probabilities in the domain of the mean, counted from its lower end."""
    if combine == "votes":
        return (probabilities >= 0.5).astype(np.float64)
    if combine == "logits":
        # By the nearer end, so that 0 and 1 together say what 0.5 twice does.
        upper = probabilities > 0.5
        kept = np.maximum(np.where(upper, 1 - probabilities, probabilities), SMALLEST)
        logits = np.log(kept / (1 - kept))
        return np.where(upper, -logits, logits) - np.log(SMALLEST / (1 - SMALLEST))
    return probabilities


def to_probability(terms, combine):
    if combine == "logits":
        return 1 / (1 + np.exp(-(terms + np.log(SMALLEST / (1 - SMALLEST)))))
    return terms


def best_of(scores, count):
    """The columns of the best scores of each row, equal ones by the lower column."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def factors_of(weights):
    """Weights that are to each other as small whole numbers, as these, so that ties stay ties."""
    smallest = min([weight for weight in weights if weight > 0], default=1.0)
    for times in range(1, 17):
        ratios = [weight * times / smallest for weight in weights]
        whole = [math.floor(ratio + 0.5) for ratio in ratios]
        if sum(whole) <= 10000 and all(abs(r - w) <= 1e-9 * r for r, w in zip(ratios, whole)):
            return whole
    return weights


def combine_members(config, probabilities):
    """The members' probabilities [videos, classes] -> the ensemble's labels and scores, best first.

    A member counts with its best `top_k` labels, as it did when the ensemble was picked; what it
    does not list counts as its least listed one does. Labels that nobody lists are last, with a
    score of 0."""
    combine = config["combine"]
    factors = factors_of([member["weight"] for member in config["members"]])
    units, listed = 0, np.zeros(probabilities[0].shape, dtype=bool)
    for member, factor, scores in zip(config["members"], factors, probabilities):
        scores = scores.astype(np.float64)
        best = best_of(scores, member["top_k"])
        own = np.zeros_like(listed)
        np.put_along_axis(own, best, True, axis=1)
        floor = to_term(np.take_along_axis(scores, best[:, -1:], axis=1), combine)
        if combine == "votes":  # nobody votes for what he does not list
            floor = np.zeros_like(floor)
        terms = np.where(own, to_term(scores, combine), floor)
        # Whole units of 1e-12 add up to the same in any order.
        times, parts = (factor, 1) if isinstance(factor, int) else (1, factor)
        units = units + times * np.rint(parts * terms * 1e12).astype(np.int64)
        listed |= own
    means = units / (1e12 * sum(factors))
    scores = to_probability(means, combine)
    if len(probabilities) == 1:  # a member alone is the ensemble as it is
        units = scores = probabilities[0].astype(np.float64)
    labels = best_of(np.where(listed, units, -1), config["top_k"])
    scores = np.where(listed, scores, 0)
    return labels, np.take_along_axis(scores, labels, axis=1)


def predict(ensemble, *videos, **named):
    """The ensemble's best labels of videos, best first, and their scores: each [videos, top_k]."""
    config, members = ensemble
    return combine_members(config, [module.predict(model, *videos, **named).numpy()
                                    for module, model in members])


def self_test(folder=HERE):
    """Predicts the sample of a folder. Returns the largest difference from what beamgrid says."""
    folder = pathlib.Path(folder)
    config, members = load(folder)
    largest = max(module.self_test(folder / member["folder"])
                  for member, (module, _) in zip(config["members"], members))
    sample = read_tensors(folder / config["members"][0]["folder"] / "sample.safetensors")
    del sample["probabilities"]
    videos = {name: sample[name] for name in ("frames", "lengths", "features") if name in sample}
    labels, scores = predict((config, members), **videos)
    wanted = json.loads((folder / "sample.json").read_text())
    for row, of_row, expected in zip(labels, scores, wanted):
        if row[:20].tolist() != [label for label, _ in expected[:20]]:
            return math.inf
        largest = max([largest] + [abs(a - b) for a, (_, b) in zip(of_row, expected)])
    return largest
