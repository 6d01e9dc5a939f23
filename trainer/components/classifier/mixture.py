class Mixture(nn.Module):
    """p_c = sum_i softmax(gates)_ci sigmoid(experts)_ci; a dummy expert always says 0."""

    def __init__(self, width, classes, experts, gate_bias=False, dummy=True):
        super().__init__()
        self.classes = classes
        self.gates = nn.Linear(width, classes * (experts + dummy), bias=gate_bias)
        self.experts = nn.Linear(width, classes * experts)

    def forward(self, of_gates, of_experts):
        gates = self.gates(of_gates).view(len(of_gates), -1, self.classes).softmax(1)
        experts = self.experts(of_experts).view(len(of_gates), -1, self.classes).sigmoid()
        return (gates[:, :experts.size(1)] * experts).sum(1)
