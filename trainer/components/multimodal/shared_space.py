class SharedSpace(nn.Module):
    """x = W [v; a] + b"""

    def __init__(self, context, options):
        super().__init__()
        self.width = options["width"]
        self.shared = nn.Linear(context.width, self.width)

    def forward(self, frames, mask):
        return zero_padding(self.shared(frames), mask)
