class Rnn(RecurrentTemporal):
    """Vanilla recurrent network."""

    def __init__(self, context, options):
        #if own_cells
        super().__init__(context, options, RnnCell)
        #else
        super().__init__(context, options, nn.RNN)
        #endif
