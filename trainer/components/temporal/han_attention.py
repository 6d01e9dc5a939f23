class HanAttention(nn.Module):
    """States of a bidirectional layer, weighted by softmax_t(u . tanh(W h_t + b))."""

    def __init__(self, context, options):
        super().__init__()
        self.embedding = linear_without_bias(context.width, options["embedding"])
        inner = context_at(context, options["embedding"])
        #if cell == gru and own_cells
        self.encoder = Stack(inner, GruCell, options["hidden"], both=True)
        #elif cell == gru
        self.encoder = Stack(inner, nn.GRU, options["hidden"], both=True)
        #elif own_cells
        self.encoder = Stack(inner, LstmCell, options["hidden"], both=True)
        #else
        self.encoder = Stack(inner, nn.LSTM, options["hidden"], both=True)
        #endif
        self.width = self.encoder.width
        #if extras.skip_connection
        self.adds_skip_connections = self.encoder.adds_skip_connections
        #endif
        self.projection = nn.Linear(self.width, options["attention"])
        self.query = linear_without_bias(options["attention"], 1)

    def forward(self, frames, mask):
        states, _ = self.encoder(self.embedding(frames), mask)
        scores = self.query(self.projection(states).tanh()).squeeze(2)
        return weighted_sum(states, masked_softmax(scores, mask, 1))
