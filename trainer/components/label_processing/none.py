# The classifier's probabilities as they are: nothing to do.
