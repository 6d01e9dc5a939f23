class Sum(FeatureParts):
    """x = v + W a + b, further features added as the second is"""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.width = self.widths[0]
        self.add_layers(self.width, "_to_image", first=1)

    def forward(self, frames, mask):
        fused, *others = self.parts(frames)
        for feature, part in enumerate(others, start=1):
            fused = fused + self.layer(feature, "_to_image")(part)
        return zero_padding(fused, mask)
