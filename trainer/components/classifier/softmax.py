class Softmax(nn.Module):
    """One class a video: the softmax of a linear layer."""

    def __init__(self, context, options):
        super().__init__()
        self.linear = nn.Linear(context.width, context.classes)

    def forward(self, embedding):
        return self.linear(embedding).softmax(1)
