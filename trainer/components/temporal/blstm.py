class Blstm(RecurrentTemporal):
    """Bidirectional LSTM."""

    def __init__(self, context, options):
        #if own_cells
        super().__init__(context, options, LstmCell, both=True)
        #else
        super().__init__(context, options, nn.LSTM, both=True)
        #endif
    #if residual
        self.projection = nn.Linear(self.stack.width, context.width)
        self.width = self.states_width = context.width
    #if scores_frames == false

    def forward(self, frames, mask):
        states = self.stack(frames, mask)[0]
        #if pool == mean
        return self.projection(masked_mean(states, mask)) + masked_mean(frames, mask)
        #elif pool == max
        return masked_max(self.projection(states) + frames, mask)
        #else
        return self.projection(pool_states(states, mask)) + last_frame(frames, mask)
        #endif
    #endif

    def states(self, frames, mask):
        return zero_padding(self.projection(self.stack(frames, mask)[0]) + frames, mask)
    #endif
