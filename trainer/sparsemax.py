def masked_sparsemax(scores, mask, dim):
    """The point of the simplex that is nearest to the scores where the mask is true."""
    lowest = torch.finfo(scores.dtype).min
    scores = scores - scores.masked_fill(~mask, lowest).amax(dim, keepdim=True)
    scores = scores.masked_fill(~mask, -2)  # below any threshold, which is at least -1
    ordered = scores.sort(dim, descending=True).values.transpose(dim, -1)
    ranks = torch.arange(1, ordered.size(-1) + 1, device=scores.device)
    inside = (1 + ranks * ordered > ordered.cumsum(-1)).sum(-1, keepdim=True)
    least = ordered.gather(-1, (inside - 1).clamp_min(0)).transpose(dim, -1)
    support = (scores >= least) & mask
    total = scores.masked_fill(~support, 0).sum(dim, keepdim=True)
    threshold = (total - 1) / support.sum(dim, keepdim=True).clamp_min(1)
    return (scores - threshold).masked_fill(~support, 0).clamp_min(0)
