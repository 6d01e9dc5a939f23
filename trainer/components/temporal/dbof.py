class Dbof(nn.Module):
    """Frames projected to many clusters, pooled and projected again."""

    def __init__(self, context, options):
        super().__init__()
        self.options, self.width = options, options["hidden"]
        self.input_norm = BatchNorm(context.width)
        self.to_clusters = linear_without_bias(context.width, options["clusters"])
        self.cluster_norm = BatchNorm(options["clusters"])
        self.to_hidden = linear_without_bias(options["clusters"], self.width)
        self.hidden_norm = BatchNorm(self.width)

    def activate(self, values):
        #if activation == sigmoid
        return values.sigmoid()
        #else
        return values.clamp(0, 6)
        #endif

    def forward(self, frames, mask):
        frames = self.activate(self.cluster_norm(self.to_clusters(self.input_norm(frames))))
        #if pooling == max
        pooled = masked_max(frames, mask)
        #else
        pooled = masked_mean(frames, mask)
        #endif
        return self.activate(self.hidden_norm(self.to_hidden(pooled)))
