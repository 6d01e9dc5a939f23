class Max(nn.Module):
    """The maximum of the valid frames, each column for itself."""

    def __init__(self, context, options):
        super().__init__()
        self.width = context.width

    def forward(self, frames, mask):
        return masked_max(frames, mask)
