def zero_padding(frames, mask):
    return frames.masked_fill(~mask.unsqueeze(-1), 0)


def masked_sum(frames, mask):
    return zero_padding(frames, mask).sum(1)


def masked_mean(frames, mask):
    return zero_padding(frames, mask).sum(1) / mask.sum(1, keepdim=True)


def masked_max(frames, mask):
    return frames.masked_fill(~mask.unsqueeze(-1), -math.inf).amax(1)


def last_frame(frames, mask):
    """The last valid frame of each video; valid frames come first."""
    return frames[torch.arange(len(frames), device=frames.device), mask.sum(1) - 1]


def masked_softmax(scores, mask, dim):
    """The softmax over the entries of dim where the mask is true, 0 elsewhere."""
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(dim).masked_fill(~mask, 0)


def l2_normalise(values, dim):
    return values * values.square().sum(dim, keepdim=True).clamp_min(1e-12).rsqrt()


def weighted_sum(frames, weights):
    """[videos, frames, width], [videos, frames] -> [videos, width]"""
    return (weights.unsqueeze(1) @ frames).squeeze(1)
