class CompactBilinear(FeaturePair):
    """The L2-normalised count sketch of the outer product of both features."""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.width, count = options["width"], self.image_width + self.audio_width
        self.register_buffer("buckets", torch.zeros(count, dtype=torch.int32))
        self.register_buffer("signs", torch.zeros(count, dtype=torch.int8))

    def sketch(self, feature, first):
        """Adds each value, with its sign, to its bucket."""
        own = slice(first, first + feature.size(-1))
        hits = F.one_hot(self.buckets[own].long(), self.width).to(feature.dtype)
        return feature @ (hits * self.signs[own].unsqueeze(1).to(feature.dtype))

    def forward(self, frames, mask):
        image, audio = self.pair(frames)
        image, audio = self.sketch(image, 0), self.sketch(audio, self.image_width)
        return l2_normalise(torch.fft.irfft(torch.fft.rfft(image) * torch.fft.rfft(audio),
                                            self.width), -1)
