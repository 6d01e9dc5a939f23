class Sru(RecurrentTemporal):
    """Simple recurrent units."""

    def __init__(self, context, options):
        super().__init__(context, options, SruCell)
