class CompactBilinear(FeatureParts):
    """The L2-normalised count sketch of the outer product of the features."""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.width, count = options["width"], sum(self.widths)
        self.register_buffer("buckets", torch.zeros(count, dtype=torch.int32))
        self.register_buffer("signs", torch.zeros(count, dtype=torch.int8))

    def sketch(self, feature, first):
        """Adds each value, with its sign, to its bucket."""
        own = slice(first, first + feature.size(-1))
        hits = F.one_hot(self.buckets[own].long(), self.width).to(feature.dtype)
        return feature @ (hits * self.signs[own].unsqueeze(1).to(feature.dtype))

    def forward(self, frames, mask):
        product, first = 1, 0
        for part in self.parts(frames):
            product = product * torch.fft.rfft(self.sketch(part, first))
            first += part.size(-1)
        return l2_normalise(torch.fft.irfft(product, self.width), -1)
