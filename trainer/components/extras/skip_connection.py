class SkipConnection(Extra):
    """The mean frame beside the embedding, where the temporal part adds no skip itself."""

    def build_embedding(self, temporals, frames_width, width):
        #if temporal.use in rnn lstm gru blstm bigru sru hierarchical_lstm han_attention
        self.outside = not all(temporal.adds_skip_connections for temporal in temporals)
        return width + frames_width if self.outside else width
        #else
        return width + frames_width
        #endif

    def on_embedding(self, embedding, frames, mask):
        #if temporal.use in rnn lstm gru blstm bigru sru hierarchical_lstm han_attention
        if not self.outside:
            return embedding
        #endif
        mean = masked_mean(frames, mask)
        #if temporal.use == multi_attention
        mean = mean.unsqueeze(1).expand(-1, embedding.size(1), -1)  # beside each set
        #endif
        return torch.cat([embedding, mean], -1)
