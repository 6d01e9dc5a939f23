class SkipConnection(Extra):
    """The mean frame beside the embedding, where the temporal part adds no skip itself."""

    def build_embedding(self, temporals, frames_width, width):
        self.outside = not all(getattr(temporal, "adds_skip_connections", False)
                               for temporal in temporals)
        return width + frames_width if self.outside else width

    def on_embedding(self, embedding, frames, mask):
        if not self.outside:
            return embedding
        mean = masked_mean(frames, mask)
        #if temporal.use == multi_attention
        mean = mean.unsqueeze(1).expand(-1, embedding.size(1), -1)  # beside each set
        #endif
        return torch.cat([embedding, mean], -1)
