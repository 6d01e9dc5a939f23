class BatchNorm(nn.Module):
    """Batch normalisation of the last dimension with the statistics of the training."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, rows):
        scale = self.weight * (self.running_var + 1e-3).rsqrt()
        return (rows - self.running_mean) * scale + self.bias
