class GatedScores(nn.Module):
    """Scores of the frames of one feature, a column for each set."""

    def __init__(self, width, bottleneck, sets):
        super().__init__()
        inner = max(1, bottleneck // 2)
        self.reduction, self.norm = linear_without_bias(width, bottleneck), BatchNorm(bottleneck)
        self.value = linear_without_bias(bottleneck, sets * inner)
        self.gate = linear_without_bias(bottleneck, sets * inner)
        self.weight = parameter(sets, inner)

    def forward(self, frames):
        reduced = self.norm(self.reduction(frames))
        gated = self.value(reduced).tanh() * self.gate(reduced).sigmoid()
        return (gated.view(*frames.shape[:2], *self.weight.shape) * self.weight).sum(-1)


class MultiAttention(nn.Module):
    """Sets of attention over the frames; each gives an embedding of its own."""

    has_sets = True  # forward's result is [videos, sets, width]

    def __init__(self, context, options):
        super().__init__()
        self.width = options["hidden"]
        self.widths = [width for _, width in context.features]
        if sum(self.widths) != context.width:  # the frames are no features side by side
            self.widths = [context.width]
        self.input_norm = BatchNorm(context.width)
        for i, width in enumerate(self.widths):
            bottleneck = options["bottleneck"]
            if bottleneck == "auto":
                bottleneck = min(width, max(64, width // 4))
            self.add_module(f"scores{i}", GatedScores(width, bottleneck, options["sets"]))
        self.to_hidden = linear_without_bias(context.width, self.width)
        self.hidden_norm, self.gate_norm = BatchNorm(self.width), BatchNorm(self.width)
        self.gate = linear_without_bias(self.width, self.width)

    def forward(self, frames, mask):
        frames, pooled = zero_padding(self.input_norm(frames), mask), []
        for i, part in enumerate(frames.split(self.widths, -1)):
            scores = getattr(self, f"scores{i}")(part)
            #if attention == sparsemax
            weights = masked_sparsemax(scores, mask.unsqueeze(-1), 1)
            #else
            weights = masked_softmax(scores, mask.unsqueeze(-1), 1)
            #endif
            pooled.append(weights.transpose(1, 2) @ part)
        hidden = self.hidden_norm(self.to_hidden(torch.cat(pooled, -1)))
        return hidden * self.gate_norm(self.gate(hidden)).sigmoid()
