class Moe(nn.Module):
    """A mixture of logistic experts a class."""

    def __init__(self, context, options):
        super().__init__()
        width = context.width
        #if layers != 1
        self.names = []
        for layer in range(1, options["layers"]):
            self.names.append("" if layer == 1 else str(layer))
            for side in ("before_gates", "before_experts"):
                self.add_module(side + self.names[-1], nn.Linear(width, options["hidden"]))
            width = options["hidden"]
        #endif
        self.mixture = Mixture(width, context.classes, options["experts"], options["gate_bias"],
                               options["dummy"])

    def forward(self, embedding):
        #if layers == 1
        return self.mixture(embedding, embedding)
        #else
        of_gates = of_experts = embedding
        for name in self.names:
            of_gates = getattr(self, "before_gates" + name)(of_gates)
            of_experts = getattr(self, "before_experts" + name)(of_experts)
        return self.mixture(of_gates, of_experts)
        #endif
