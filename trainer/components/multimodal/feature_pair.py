class FeaturePair(nn.Module):
    """What fuses exactly two features, the image first and the audio second."""

    def __init__(self, context, options):
        super().__init__()
        self.options = options
        (_, self.image_width), (_, self.audio_width) = context.features

    def pair(self, frames):
        return frames.split([self.image_width, self.audio_width], -1)
