class ContextGating(Extra):
    """y = sigmoid(W x + b) o x, of the embedding, the probabilities or both."""

    #if on != probabilities
    def build_embedding(self, temporals, frames_width, width):
        self.build_gate("", width)
        return width

    def on_embedding(self, embedding, frames, mask):
        return self.apply_gate("", embedding)

    #endif
    #if on != embedding
    def build_probabilities(self, classes):
        self.build_gate("probability_", classes)

    def on_probabilities(self, probabilities):
        return self.apply_gate("probability_", probabilities)

    #endif
    def build_gate(self, prefix, width):
        bias, inner = not self.options["batch_norm"], max(width // self.options["reduction"], 1)
        self.add_module(prefix + "gate", nn.Linear(width, inner, bias=bias))
        #if batch_norm
        self.add_module(prefix + "norm", BatchNorm(inner))
        #endif
        #if reduction != 1
        self.add_module(prefix + "expand", nn.Linear(inner, width, bias=bias))
        #endif

    def apply_gate(self, prefix, values):
        gate = getattr(self, prefix + "gate")(values)
        #if remove_diagonal
        # No value gates itself.
        gate = gate - values * getattr(self, prefix + "gate").weight.diagonal()
        #endif
        #if batch_norm
        gate = getattr(self, prefix + "norm")(gate)
        #endif
        #if reduction != 1
        gate = getattr(self, prefix + "expand")(gate.relu())
        #endif
        return gate.sigmoid() * values
