# Acts in training only: a model predicts without it.
