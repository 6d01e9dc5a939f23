class Mlp(nn.Module):
    """Layers without biases, layer norm and ReLU, then one logistic regression a class."""

    def __init__(self, context, options):
        super().__init__()
        self.layers, width = options["layers"], context.width
        for layer in range(self.layers):
            self.add_module(f"hidden{layer}", linear_without_bias(width, options["hidden"]))
            width = options["hidden"]
            #if layer_norm
            self.add_module(f"norm{layer}", nn.LayerNorm(width))
            #endif
        self.output = linear_without_bias(width, context.classes)

    def forward(self, embedding):
        for layer in range(self.layers):
            embedding = getattr(self, f"hidden{layer}")(embedding)
            #if layer_norm
            embedding = getattr(self, f"norm{layer}")(embedding)
            #endif
            embedding = embedding.relu()
        return self.output(embedding).sigmoid()
