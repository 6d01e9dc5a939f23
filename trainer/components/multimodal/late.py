class Late(nn.Module):
    """A temporal part of its own for each feature, and perhaps a joint layer after them."""

    def __init__(self, context, options):
        super().__init__()
        self.widths = [width for _, width in context.features]
        self.width, self.options = sum(self.widths), options

    def forward(self, frames, mask):
        return frames
    #if joint

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
