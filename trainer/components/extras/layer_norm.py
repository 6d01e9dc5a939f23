class LayerNormExtra(Extra):
    """Layer normalisation of the embedding."""

    def build_embedding(self, temporals, frames_width, width):
        self.norm = nn.LayerNorm(width)
        return width

    def on_embedding(self, embedding, frames, mask):
        return self.norm(embedding)
