class HmLstmLayer(nn.Module):
    """Weights of a layer; rows f, i, o, g and the boundary's, if it has one."""

    def __init__(self, below, own, hidden, boundaries):
        super().__init__()
        rows = 4 * hidden + boundaries
        self.below, self.own = parameter(rows, below), parameter(rows, own)
        self.bias = parameter(rows)


class HmLstm(nn.Module):
    """Two LSTM layers, of which the upper moves only where the lower finds a boundary."""

    def __init__(self, context, options):
        super().__init__()
        self.options, hidden = options, options["hidden"]
        self.width = self.states_width = hidden
        self.bottom = HmLstmLayer(context.width, 2 * hidden, hidden, 1)
        self.top = HmLstmLayer(hidden, hidden, hidden, int(options["top_boundary"]))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
    #if scores_frames == false

    def forward(self, frames, mask):
        return pool_states(self.states(frames, mask), mask)
    #endif

    def states(self, frames, mask):
        h = self.options["hidden"]
        inputs = F.linear(frames, self.bottom.below, self.bottom.bias)
        return run_cell(self.step, inputs, mask, [h, h, 1, h, h, 1])[0]

    def step(self, inputs, state):
        """State: hidden, memory and boundary of the top layer, then of the bottom layer."""
        top, bottom = state[:3], state[3:]
        seen = torch.cat([bottom[0], bottom[2] * top[0]], 1)
        sums = inputs + seen @ self.bottom.own.t()
        bottom = self.update(sums, bottom, torch.ones_like(bottom[2]))
        sums = F.linear(bottom[2] * bottom[0], self.top.below, self.top.bias)
        return self.update(sums + top[0] @ self.top.own.t(), top, bottom[2]) + bottom

    def update(self, sums, old, below):
        hidden, memory, flush = old
        gates = 4 * self.options["hidden"]
        f, i, o, g = sums[:, :gates].chunk(4, 1)
        added = i.sigmoid() * g.tanh()
        update, copy = (1 - flush) * below, (1 - flush) * (1 - below)
        memory = flush * added + update * (f.sigmoid() * memory + added) + copy * memory
        shown = (flush + update) * o.sigmoid() * memory.tanh() + copy * hidden
        boundary = (sums[:, gates:] > 0).to(sums.dtype) if sums.size(1) > gates else flush
        return [shown, memory, boundary]
