class SingleFeature(nn.Module):
    """One feature of the frame alone."""

    word = ""

    def __init__(self, context, options):
        super().__init__()
        names = [name for name, _ in context.features]
        number = options["feature"]
        if number == "auto":
            number = 1 + next(i for i, name in enumerate(names) if self.word in name)
        widths = [width for _, width in context.features]
        self.begin, self.width = sum(widths[:number - 1]), widths[number - 1]

    def forward(self, frames, mask):
        part = frames[..., self.begin:self.begin + self.width]
        #if data.jointly_normalised
        #if multimodal.normalise
        part = l2_normalise(part, -1)
        #endif
        #endif
        return part
