class Lstm(RecurrentTemporal):
    """Long short-term memory."""

    def __init__(self, context, options):
        #if layer_norm
        super().__init__(context, options, LayerNormLstmCell)
        #elif own_cells
        super().__init__(context, options, LstmCell)
        #else
        super().__init__(context, options, nn.LSTM)
        #endif
        #if embedding == state
        self.width = 2 * self.width
        #elif embedding == memory
        self.width = 2 * self.width + context.width
        #elif embedding != hidden
        self.width = 3 * self.width + context.width
        #endif
    #if embedding != hidden

    def forward(self, frames, mask):
        states, last = self.stack(frames, mask)
        parts = [last[1], last_frame(states, mask)]
        #if embedding != state
        sums = [masked_sum(frames, mask)]
        #if embedding == memory_output
        sums.append(states.sum(1))
        #elif embedding == memory_candidate
        sums.append(last[2])
        #endif
        #if normalise
        sums = [l2_normalise(total, 1) for total in sums]
        #endif
        parts = sums[1:] + parts + sums[:1]
        #endif
        return torch.cat(parts, 1)
    #endif
