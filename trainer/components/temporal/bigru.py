class Bigru(RecurrentTemporal):
    """Gated recurrent units in both directions."""

    def __init__(self, context, options):
        #if reset == before
        super().__init__(context, options, ResetBeforeGruCell, both=True)
        #elif own_cells
        super().__init__(context, options, GruCell, both=True)
        #else
        super().__init__(context, options, nn.GRU, both=True)
        #endif
