class ManyToMany(nn.Module):
    """One logistic regression a class scores the state of each frame; the scores are averaged."""

    def __init__(self, context, options):
        super().__init__()
        self.linear = nn.Linear(context.width, context.classes)

    def forward(self, states):
        return self.linear(states).sigmoid()
