class Bilinear(FeatureParts):
    """x = P (tanh(U v + u) o tanh(V a + w)) + b, further features as further factors"""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.width = options["width"]
        self.add_layers(options["rank"])
        self.output = nn.Linear(options["rank"], self.width)

    def forward(self, frames, mask):
        product = 1
        for feature, part in enumerate(self.parts(frames)):
            product = product * self.layer(feature)(part).tanh()
        return zero_padding(self.output(product), mask)
