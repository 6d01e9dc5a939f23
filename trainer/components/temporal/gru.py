class Gru(RecurrentTemporal):
    """Gated recurrent units."""

    def __init__(self, context, options):
        #if reset == before
        super().__init__(context, options, ResetBeforeGruCell)
        #elif own_cells
        super().__init__(context, options, GruCell)
        #else
        super().__init__(context, options, nn.GRU)
        #endif
