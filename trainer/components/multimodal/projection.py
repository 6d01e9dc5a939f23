class Projection(FeaturePair):
    """Each feature projected to as many dimensions, side by side or summed."""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.image = nn.Linear(self.image_width, options["width"])
        self.audio = nn.Linear(self.audio_width, options["width"])
        #if feed == sum
        self.width = options["width"]
        #else
        self.width = 2 * options["width"]
        #endif

    def forward(self, frames, mask):
        image, audio = self.pair(frames)
        image, audio = self.image(image), self.audio(audio)
        #if feed == sum
        return zero_padding(image + audio, mask)
        #else
        return zero_padding(torch.cat([image, audio], -1), mask)
        #endif
