# The model itself has a temporal part for each feature.
#if joint
class Late(nn.Module):
    """A joint layer after the temporal parts of the features."""

    def __init__(self, context, options):
        super().__init__()
        self.options = options

    def build_joint(self, width):
        self.joint = nn.Linear(width, self.options["joint"])
        return self.options["joint"]

    def join(self, embedding):
        #if activation == relu
        return self.joint(embedding).relu()
        #else
        return self.joint(embedding)
        #endif
#endif
