class Netvlad(nn.Module):
    """V_k = sum_t a_tk (x_t - c_k), a_t = softmax_k(BN(x_t W)); normalised, projected, gated."""

    def __init__(self, context, options):
        super().__init__()
        self.width = options["hidden"]
        width, clusters = context.width, options["clusters"]
        #if frame_projection
        self.projection = nn.Linear(width, options["frame_projection"])
        width = options["frame_projection"]
        #endif
        self.input_norm, self.assignment_norm = BatchNorm(width), BatchNorm(clusters)
        self.assignment, self.centres = parameter(width, clusters), parameter(width, clusters)
        self.to_hidden = nn.Linear(width * clusters, self.width)
        #if gating
        self.gate = linear_without_bias(self.width, self.width)
        self.gate_norm = BatchNorm(self.width)
        #endif

    def forward(self, frames, mask):
        #if frame_projection
        frames = self.projection(frames)
        #endif
        frames = zero_padding(self.input_norm(frames), mask)
        weights = self.assignment_norm(frames @ self.assignment).softmax(-1)
        weights = zero_padding(weights, mask)
        mass = weights.sum(1, keepdim=True)
        residuals = frames.transpose(1, 2) @ weights - mass * self.centres
        descriptor = l2_normalise(l2_normalise(residuals, 1).flatten(1), 1)
        embedding = self.to_hidden(descriptor)
        #if gating
        embedding = embedding * self.gate_norm(self.gate(embedding)).sigmoid()
        #endif
        return embedding
