# Cells that torch.nn has not, step by step. A cell says which parameters it has, what it makes of
# all frames at once, and its step; its state is the list of what it remembers, the output first.


class Cell:
    """Parameters as torch.nn has them."""

    suffix, gates, states = "_l0", 1, 1  # suffix: of the parameters' names

    def shapes(self, width, hidden):
        rows = self.gates * hidden
        return {"weight_ih": (rows, width), "weight_hh": (rows, hidden),
                "bias_ih": (rows,), "bias_hh": (rows,)}

    def project(self, w, frames):
        return F.linear(frames, w.weight_ih, w.bias_ih + w.bias_hh)


class RnnCell(Cell):
    """h = tanh(W x + U h + b)"""

    def step(self, w, inputs, state):
        return [(inputs + state[0] @ w.weight_hh.t()).tanh()]


class LstmCell(Cell):
    """i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b), c = f c + i g, h = o tanh(c)"""

    #if temporal.embedding == memory_candidate
    gates, states = 4, 3  # the third: the sum of g
    #else
    gates, states = 4, 2
    #endif
    #if temporal.peepholes

    def shapes(self, width, hidden):
        return {**super().shapes(width, hidden), "peephole": (3, hidden)}
    #endif

    def step(self, w, inputs, state):
        i, f, g, o = (inputs + state[0] @ w.weight_hh.t()).chunk(4, 1)
        #if temporal.peepholes
        i, f = i + w.peephole[0] * state[1], f + w.peephole[1] * state[1]
        #endif
        memory = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        #if temporal.peepholes
        o = o + w.peephole[2] * memory
        #endif
        #if temporal.embedding == memory_candidate
        return [o.sigmoid() * memory.tanh(), memory, state[2] + g.tanh()]
        #else
        return [o.sigmoid() * memory.tanh(), memory]
        #endif


class LayerNormLstmCell:
    """An LSTM with layer norm of each gate and of the memory, without biases beside theirs."""

    #if temporal.embedding == memory_candidate
    suffix, states = "", 3  # the third: the sum of g
    #else
    suffix, states = "", 2
    #endif

    def shapes(self, width, hidden):
        return {"weight_ih": (4 * hidden, width), "weight_hh": (4 * hidden, hidden),
                "gate_scale": (4, hidden), "gate_shift": (4, hidden),
                "memory_scale": (hidden,), "memory_shift": (hidden,)}

    def project(self, w, frames):
        return F.linear(frames, w.weight_ih)

    def step(self, w, inputs, state):
        gates = (inputs + state[0] @ w.weight_hh.t()).view(len(inputs), 4, -1)
        gates = F.layer_norm(gates, gates.shape[2:]) * w.gate_scale + w.gate_shift
        i, f, g, o = gates.unbind(1)
        memory = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        memory = F.layer_norm(memory, memory.shape[1:], w.memory_scale, w.memory_shift)
        #if temporal.embedding == memory_candidate
        return [o.sigmoid() * memory.tanh(), memory, state[2] + g.tanh()]
        #else
        return [o.sigmoid() * memory.tanh(), memory]
        #endif


class GruCell(Cell):
    """r, z = sigmoid(W x + U h + b), n = tanh(W x + b + r (U h + d)), h = (1 - z) n + z h"""

    gates = 3

    def project(self, w, frames):
        return F.linear(frames, w.weight_ih, w.bias_ih)

    def step(self, w, inputs, state):
        recurrent = F.linear(state[0], w.weight_hh, w.bias_hh).chunk(3, 1)
        reset, update, candidate = inputs.chunk(3, 1)
        reset, update = (reset + recurrent[0]).sigmoid(), (update + recurrent[1]).sigmoid()
        candidate = (candidate + reset * recurrent[2]).tanh()
        return [candidate + update * (state[0] - candidate)]


class ResetBeforeGruCell(Cell):
    """r, z = sigmoid(W x + U h + b), n = tanh(W x + U (r h) + b), h = (1 - z) n + z h"""

    gates = 3

    def step(self, w, inputs, state):
        hidden = state[0].size(1)
        gates, candidate = inputs.split([2 * hidden, hidden], 1)
        kernel, of_candidate = w.weight_hh.split([2 * hidden, hidden], 0)
        reset, update = (gates + state[0] @ kernel.t()).sigmoid().chunk(2, 1)
        candidate = (candidate + (reset * state[0]) @ of_candidate.t()).tanh()
        return [candidate + update * (state[0] - candidate)]


class SruCell:
    """f, r = sigmoid(W x + b), c = f c + (1 - f) W x, h = r tanh(c) + (1 - r) x"""

    suffix, states = "", 2

    def shapes(self, width, hidden):
        parts = 3 if width == hidden else 4  # the fourth brings x to the width of h
        return {"weight": (parts * hidden, width), "bias": (2 * hidden,)}

    def project(self, w, frames):
        candidate, *gates = F.linear(frames, w.weight).split(len(w.bias) // 2, -1)
        forget, reset = (torch.cat(gates[:2], -1) + w.bias).sigmoid().chunk(2, -1)
        highway = gates[2] if len(gates) == 3 else frames
        return torch.cat([forget, (1 - forget) * candidate, reset, (1 - reset) * highway], -1)

    def step(self, w, inputs, state):
        forget, added, reset, passed = inputs.chunk(4, 1)
        memory = forget * state[1] + added
        return [reset * memory.tanh() + passed, memory]


def run_cell(step, inputs, mask, widths, backward=False):
    """Runs step(inputs of a frame, state) -> state over the valid frames, from zeros.

    Returns the first value of the state after each frame, padding 0, and the last state."""
    state = [inputs.new_zeros(inputs.size(0), width) for width in widths]
    outputs = [None] * inputs.size(1)
    for t in sorted(range(len(outputs)), reverse=backward):
        valid = mask[:, t:t + 1]
        state = [torch.where(valid, new, old) for new, old in zip(step(inputs[:, t], state), state)]
        outputs[t] = state[0] * valid
    return torch.stack(outputs, 1), state


class Layer(nn.Module):
    """One layer of cells over the valid frames, in one or both directions side by side."""

    def __init__(self, cell, width, hidden, both, options):
        super().__init__()
        self.cell, self.hidden, self.options = cell, hidden, options
        self.shapes = cell.shapes(width, hidden)
        self.suffixes = [cell.suffix] + ["_l0_reverse"] * both
        for suffix in self.suffixes:
            for name, shape in self.shapes.items():
                self.register_parameter(name + suffix, parameter(*shape))

    def run(self, frames, mask, suffix):
        w = SimpleNamespace(**{name: getattr(self, name + suffix) for name in self.shapes})
        #if extras.zoneout

        def step(inputs, state):
            new = self.cell.step(w, inputs, state)
            # Zoned-out values have their expectation: the rate of what was before the step.
            rates = self.options["zoneout"]["rate"], self.options["zoneout"]["cell_rate"]
            kept = [rate * a + (1 - rate) * b for rate, a, b in zip(rates, state, new)]
            return kept + new[2:]

        return run_cell(step, self.cell.project(w, frames), mask, [self.hidden] * self.cell.states,
                        backward=suffix.endswith("reverse"))
        #else
        return run_cell(lambda inputs, state: self.cell.step(w, inputs, state),
                        self.cell.project(w, frames), mask, [self.hidden] * self.cell.states,
                        backward=suffix.endswith("reverse"))
        #endif

    def forward(self, frames, mask):
        outputs, states = zip(*(self.run(frames, mask, suffix) for suffix in self.suffixes))
        return torch.cat(outputs, -1), [torch.cat(state, -1) for state in zip(*states)]
