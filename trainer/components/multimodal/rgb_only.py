class RgbOnly(SingleFeature):
    """The image feature alone."""

    word = "rgb"
