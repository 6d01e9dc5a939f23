class FeatureNorm(Extra):
    """Each feature of a frame divided by its own length."""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.widths = [width for _, width in context.features]

    def on_input(self, frames, mask):
        parts = [l2_normalise(part, -1) for part in frames.split(self.widths, -1)]
        return zero_padding(torch.cat(parts, -1), mask), mask
