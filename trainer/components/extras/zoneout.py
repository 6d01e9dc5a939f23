# Acts in the cells of the temporal part: with_zoneout in temporal/recurrent_layer.py.
