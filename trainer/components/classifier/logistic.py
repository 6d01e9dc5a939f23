class Logistic(nn.Module):
    """One logistic regression a class."""

    def __init__(self, context, options):
        super().__init__()
        self.linear = nn.Linear(context.width, context.classes)

    def forward(self, embedding):
        return self.linear(embedding).sigmoid()
