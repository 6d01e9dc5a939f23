class Sum(FeaturePair):
    """x = v + W a + b"""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.width = self.image_width
        self.audio_to_image = nn.Linear(self.audio_width, self.image_width)

    def forward(self, frames, mask):
        image, audio = self.pair(frames)
        return zero_padding(image + self.audio_to_image(audio), mask)
