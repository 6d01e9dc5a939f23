class Extra(nn.Module):
    """Acts at one or more places of a model."""

    def __init__(self, context, options):
        super().__init__()
        self.options = options


def context_at(context, width, **changes):
    """The context of a part that receives vectors of this width."""
    return SimpleNamespace(**{**vars(context), "width": width, **changes})


def mean_of_frames(scores, mask):
    """Scores of the valid frames, video after video -> their mean in each video."""
    padded = scores.new_zeros(*mask.shape, scores.size(1))
    padded[mask] = scores
    return padded.sum(1) / mask.sum(1, keepdim=True)


def best_of_sets(classifier, embedding):
    """Scores each set of a video, [videos, sets, width]; the best counts, class by class."""
    return classifier(embedding.flatten(0, 1)).view(*embedding.shape[:2], -1).amax(1)


class Statistics(nn.Module):
    """Mean and standard deviation of each number of the frames that the model was trained on."""

    def __init__(self, width):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))


def normalised(model, frames, mask):
    """Each feature of the frames as the model was trained with it; padding is 0."""
    #if data.standardises
    frames = (frames - model.statistics.mean) / model.statistics.deviation
    #endif
    parts = []
    for part, how in zip(frames.split(model.widths, -1), model.normalise):
        if how == "l2":
            part = part / part.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        parts.append(part)
    return torch.cat(parts, -1).masked_fill(~mask.unsqueeze(-1), 0)
