class Mean(nn.Module):
    """The mean of the valid frames."""

    def __init__(self, context, options):
        super().__init__()
        self.width = self.states_width = context.width
    #if scores_frames == false

    def forward(self, frames, mask):
        return masked_mean(frames, mask)
    #endif

    def states(self, frames, mask):
        return frames
