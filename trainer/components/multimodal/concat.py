# The features side by side, as they come: nothing to do.
