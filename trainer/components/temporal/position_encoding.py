class PositionEncoding(nn.Module):
    """sum_i x_i o L_i, L_ij = (1 - i/T) - (j/D) (1 - 2 i/T)"""

    def __init__(self, context, options):
        super().__init__()
        self.width, self.options = context.width, options

    def forward(self, frames, mask):
        #if length == video
        first, length = 1, mask.sum(1, keepdim=True)
        #else
        first, length = 0, self.options["length"]
        #endif
        position = (torch.arange(mask.size(1), device=frames.device) + first) / length
        column = (torch.arange(self.width, device=frames.device) + first) / self.width
        total = masked_sum(frames, mask)
        late = weighted_sum(frames, position * mask)
        encoded = (total - late) - column * (total - 2 * late)
        #if normalise
        encoded = l2_normalise(encoded, 1)
        #endif
        return encoded
