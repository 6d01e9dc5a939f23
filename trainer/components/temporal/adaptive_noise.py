class AdaptiveNoise(nn.Module):
    """The sum of the frames; the noise is for training only."""

    def __init__(self, context, options):
        super().__init__()
        self.width = context.width

    def forward(self, frames, mask):
        #if normalise
        return l2_normalise(masked_sum(frames, mask), 1)
        #else
        return masked_sum(frames, mask)
        #endif
