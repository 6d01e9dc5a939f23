class EmbeddingMlp(Extra):
    """Layers with ReLU between temporal part and classifier."""

    def build_embedding(self, temporals, frames_width, width):
        #if hidden
        self.hidden = nn.Linear(width, self.options["hidden"])
        width = self.options["hidden"]
        #endif
        self.embedding = nn.Linear(width, self.options["width"])
        return self.options["width"]

    def on_embedding(self, embedding, frames, mask):
        #if hidden
        embedding = self.hidden(embedding).relu()
        #endif
        return self.embedding(embedding).relu()
