class AudioOnly(SingleFeature):
    """The audio feature alone."""

    word = "audio"
