def layer_name(feature):
    """The name of the layers of a feature, counted from 0."""
    return ["image", "audio"][feature] if feature < 2 else f"feature{feature + 1}"


class FeatureParts(nn.Module):
    """What fuses two or more features: the first is called image, the second audio."""

    def __init__(self, context, options):
        super().__init__()
        self.options = options
        self.widths = [width for _, width in context.features]

    def add_layers(self, width, suffix="", first=0):
        """A fully connected layer to `width` for each feature from `first` on."""
        for feature in range(first, len(self.widths)):
            layer = nn.Linear(self.widths[feature], width)
            self.add_module(layer_name(feature) + suffix, layer)

    def layer(self, feature, suffix=""):
        return getattr(self, layer_name(feature) + suffix)

    def parts(self, frames):
        return frames.split(self.widths, -1)
