class EncoderLayer(nn.Module):
    """y = LN(x + O attention(x)), x = LN(y + W2 ReLU(W1 y + b1) + b2)"""

    def __init__(self, options):
        super().__init__()
        self.heads, width = options["heads"], options["heads"] * options["head_width"]
        self.query_key_value = linear_without_bias(width, 3 * width)
        self.output = linear_without_bias(width, width)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.widen = nn.Linear(width, options["feed_forward"])
        self.narrow = nn.Linear(options["feed_forward"], width)

    def attend(self, frames, mask):
        parts = self.query_key_value(frames).view(*frames.shape[:2], 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each [videos, heads, frames, width]
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
        weights = masked_softmax(scores, mask.unsqueeze(1).unsqueeze(1), -1)
        return (weights @ value).transpose(1, 2).flatten(2)

    def forward(self, frames, mask):
        frames = self.attention_norm(frames + self.output(self.attend(frames, mask)))
        return self.norm(frames + self.narrow(self.widen(frames).relu()))


class Transformer(nn.Module):
    """Transformer encoder over the valid frames, pooled."""

    def __init__(self, context, options):
        super().__init__()
        self.options = options
        self.width = self.states_width = options["heads"] * options["head_width"]
        self.input = nn.Linear(context.width, self.width)
        for layer in range(options["layers"]):
            self.add_module(f"layer{layer}", EncoderLayer(options))
    #if scores_frames == false

    def forward(self, frames, mask):
        #if pool == max
        return masked_max(self.states(frames, mask), mask)
        #else
        return masked_mean(self.states(frames, mask), mask)
        #endif
    #endif

    def states(self, frames, mask):
        frames = self.input(zero_padding(frames, mask))
        #if positions == sinusoid
        frames = frames + self.positions(frames)
        #endif
        for layer in range(self.options["layers"]):
            frames = getattr(self, f"layer{layer}")(frames, mask)
        return zero_padding(frames, mask)
    #if positions == sinusoid

    def positions(self, frames):
        """Sines in the even columns and cosines in the odd ones."""
        column = torch.arange(self.width, device=frames.device)
        even = column - column % 2
        rate = torch.exp(even * (-math.log(10000.0) / self.width))
        angle = torch.arange(frames.size(1), device=frames.device).unsqueeze(1) * rate
        return torch.where(column == even, angle.sin(), angle.cos())
    #endif
