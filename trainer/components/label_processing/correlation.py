class Correlation(nn.Module):
    """alpha p + beta M p + gamma M' p"""

    def __init__(self, context, options):
        super().__init__()
        self.options = options
        #if beta
        self.register_buffer("fixed", torch.zeros(context.classes, context.classes))
        #endif
        #if gamma
        self.trained = parameter(context.classes, context.classes)
        #endif

    def combine(self, scores):
        combined = scores * self.options["alpha"]
        #if beta
        combined = combined + self.options["beta"] * (scores @ self.fixed.t())
        #endif
        #if gamma
        combined = combined + self.options["gamma"] * (scores @ self.trained.t())
        #endif
        return combined

    def forward(self, probabilities):
        #if on == probabilities
        return self.combine(probabilities).clamp(0, 1)
        #else
        return self.combine(probabilities.clamp(1e-6, 1 - 1e-6).logit()).sigmoid()
        #endif
