class GraphConvolution(nn.Module):
    """ReLU(A H W + H U + b)"""

    def __init__(self, width, hidden):
        super().__init__()
        self.neighbours = linear_without_bias(width, hidden)
        self.self = nn.Linear(width, hidden)

    def forward(self, states, adjacency):
        return (adjacency @ self.neighbours(states) + self.self(states)).relu()


class TemporalDependency(nn.Module):
    """Frames as nodes of a graph, A_ij = softmax_j(Q x_i . K x_j); the mean of the nodes."""

    def __init__(self, context, options):
        super().__init__()
        self.layers = options["layers"]
        self.width = self.states_width = options["hidden"]
        self.query = linear_without_bias(context.width, options["keys"])
        self.key = linear_without_bias(context.width, options["keys"])
        for layer in range(self.layers):
            width = self.width if layer else context.width
            self.add_module(f"layer{layer}", GraphConvolution(width, self.width))
    #if scores_frames == false

    def forward(self, frames, mask):
        return masked_mean(self.states(frames, mask), mask)
    #endif

    def states(self, frames, mask):
        scores = self.query(frames) @ self.key(frames).transpose(1, 2)
        adjacency = masked_softmax(scores, mask.unsqueeze(1), -1)
        for layer in range(self.layers):
            frames = getattr(self, f"layer{layer}")(frames, adjacency)
        return zero_padding(frames, mask)
