class Highway(nn.Module):
    """T o ReLU(W x + b) + (1 - T) o x, T = sigmoid(V x + v)"""

    def __init__(self, width):
        super().__init__()
        self.transform, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, frames):
        gate = self.gate(frames).sigmoid()
        return gate * self.transform(frames).relu() + (1 - gate) * frames


def convolve(convolution, frames):
    """As long as the frames; of an even number of taps one more lies after the middle."""
    reach = convolution.weight.size(2) - 1
    padded = F.pad(frames.transpose(1, 2), (reach // 2, reach - reach // 2))
    return convolution(padded).transpose(1, 2)


class Cbhg(nn.Module):
    """Convolution bank, highway and bidirectional GRU; the mean of its states."""

    def __init__(self, context, options):
        super().__init__()
        self.options, half, width = options, options["half"], context.width
        #if prenet
        self.prenet, width = nn.Linear(width, options["prenet"]), options["prenet"]
        #endif
        for taps in range(1, options["banks"] + 1):
            self.add_module(f"bank{taps}", nn.Conv1d(width, options["filters"], taps))
        channels = options["banks"] * options["filters"]
        self.bank_norm = BatchNorm(channels)
        self.inner = nn.Conv1d(channels, options["projection"], 3)
        self.inner_norm = BatchNorm(options["projection"])
        self.outer = nn.Conv1d(options["projection"], width, 3)
        self.outer_norm = BatchNorm(width)
        self.to_half = nn.Linear(width, half) if width != half else None
        for layer in range(options["highway"]):
            self.add_module(f"highway{layer}", Highway(half))
        self.stack = Stack(context_at(context, half), nn.GRU, half, both=True)
        self.width = self.states_width = 2 * half
    #if scores_frames == false

    def forward(self, frames, mask):
        return masked_mean(self.states(frames, mask), mask)
    #endif

    def states(self, frames, mask):
        #if prenet
        frames = zero_padding(self.prenet(frames).relu(), mask)
        #else
        frames = zero_padding(frames, mask)
        #endif
        frames = frames + self.convolutions(frames, mask)
        if self.to_half is not None:
            frames = self.to_half(frames)
        for layer in range(self.options["highway"]):
            frames = getattr(self, f"highway{layer}")(frames)
        return self.stack(frames, mask)[0]

    def convolutions(self, frames, mask):
        bank = [convolve(getattr(self, f"bank{taps}"), frames)
                for taps in range(1, self.options["banks"] + 1)]
        bank = self.bank_norm(torch.cat(bank, -1).relu())
        bank = bank.masked_fill(~mask.unsqueeze(-1), -math.inf)  # the maximum of two neighbours
        following = F.pad(bank[:, 1:], (0, 0, 0, 1), value=-math.inf)
        pooled = zero_padding(torch.maximum(bank, following), mask)
        inner = zero_padding(self.inner_norm(convolve(self.inner, pooled).relu()), mask)
        return self.outer_norm(convolve(self.outer, inner))
