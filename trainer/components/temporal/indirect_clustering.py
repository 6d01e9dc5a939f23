class IndirectClustering(nn.Module):
    #if variant == paper
    """sum_t softmax_t(alpha x_t . sum_i x_i) x_t"""
    #else
    """ReLU(layer norm(sum_t x_t))"""
    #endif

    def __init__(self, context, options):
        super().__init__()
        self.width, self.options = context.width, options
        #if variant != paper
        self.norm = nn.LayerNorm(self.width)
        #endif

    def forward(self, frames, mask):
        #if variant != paper
        return self.norm(masked_sum(frames, mask)).relu()
        #else
        #if alpha == mean
        guide = masked_mean(frames, mask)
        #else
        guide = masked_sum(frames, mask) * self.options["alpha"]
        #endif
        scores = (frames @ guide.unsqueeze(2)).squeeze(2)
        return weighted_sum(frames, masked_softmax(scores, mask, 1))
        #endif
