class Descriptor(nn.Module):
    """Residuals of the groups of expanded frames to centres, weighted by attention."""

    def __init__(self, width, expansion, groups, clusters):
        super().__init__()
        self.groups, self.clusters = groups, clusters
        self.group_width = -(-expansion * width // groups)  # rounded up
        expanded = groups * self.group_width
        self.expansion, self.attention = nn.Linear(width, expanded), nn.Linear(expanded, groups)
        self.assignment = linear_without_bias(expanded, groups * clusters)
        self.assignment_norm = BatchNorm(groups * clusters)
        self.centres = parameter(self.group_width, clusters)
        self.width = self.group_width * clusters
        self.norm = BatchNorm(self.width)

    def forward(self, frames, mask):
        frames = self.expansion(frames)
        attention = self.attention(frames).sigmoid().unsqueeze(-1)
        scores = self.assignment_norm(self.assignment(frames))
        weights = scores.view(*mask.shape, self.groups, self.clusters).softmax(-1) * attention
        weights = zero_padding(weights.flatten(2), mask).view(len(mask), -1, self.clusters)
        parts = zero_padding(frames, mask).view(len(mask), -1, self.group_width)
        mass = weights.sum(1, keepdim=True)
        residuals = parts.transpose(1, 2) @ weights - mass * self.centres
        return self.norm(l2_normalise(residuals, 1).flatten(1))


class Nextvlad(nn.Module):
    """Descriptors of the frames, or of each feature, projected and gated."""

    def __init__(self, context, options):
        super().__init__()
        self.width = options["hidden"]
        #if streams == joint
        self.widths = [context.width]
        #else
        self.widths = [width for _, width in context.features]
        #endif
        total = 0
        for i, width in enumerate(self.widths):
            part = 1 if width == max(self.widths) else 2  # all but the widest: half of both
            groups, clusters = (-(-options[name] // part) for name in ("groups", "clusters"))
            descriptor = Descriptor(width, options["expansion"], groups, clusters)
            self.add_module(f"descriptor{i}", descriptor)
            total += descriptor.width
        self.to_hidden = linear_without_bias(total, self.width)
        self.hidden_norm = BatchNorm(self.width)
        reduced = max(1, self.width // options["gating_reduction"])
        self.squeeze = linear_without_bias(self.width, reduced)
        self.squeeze_norm = BatchNorm(reduced)
        self.excite = linear_without_bias(reduced, self.width)

    def forward(self, frames, mask):
        parts = [getattr(self, f"descriptor{i}")(part, mask)
                 for i, part in enumerate(frames.split(self.widths, -1))]
        hidden = self.hidden_norm(self.to_hidden(torch.cat(parts, -1)))
        gate = self.excite(self.squeeze_norm(self.squeeze(hidden)).relu())
        return hidden * gate.sigmoid()
