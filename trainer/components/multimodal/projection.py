class Projection(FeatureParts):
    """Each feature projected to as many dimensions, side by side or summed."""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.add_layers(options["width"])
        #if feed == sum
        self.width = options["width"]
        #else
        self.width = len(self.widths) * options["width"]
        #endif

    def forward(self, frames, mask):
        parts = [self.layer(i)(part) for i, part in enumerate(self.parts(frames))]
        #if feed == sum
        return zero_padding(sum(parts), mask)
        #else
        return zero_padding(torch.cat(parts, -1), mask)
        #endif
