class Bilinear(FeaturePair):
    """x = P (tanh(U v + u) o tanh(V a + w)) + b"""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.width = options["width"]
        self.image = nn.Linear(self.image_width, options["rank"])
        self.audio = nn.Linear(self.audio_width, options["rank"])
        self.output = nn.Linear(options["rank"], self.width)

    def forward(self, frames, mask):
        image, audio = self.pair(frames)
        return zero_padding(self.output(self.image(image).tanh() * self.audio(audio).tanh()), mask)
