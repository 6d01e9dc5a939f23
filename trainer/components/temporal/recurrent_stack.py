def run_layer(layer, frames, mask):
    """A layer of torch.nn over the valid frames: states, padding 0, and its last state."""
    packed = nn.utils.rnn.pack_padded_sequence(frames, mask.sum(1).cpu(), batch_first=True,
                                               enforce_sorted=False)
    states, last = layer(packed)
    states = nn.utils.rnn.pad_packed_sequence(states, batch_first=True,
                                              total_length=mask.size(1))[0]
    last = last if isinstance(last, tuple) else [last]
    return states, [part.transpose(0, 1).flatten(1) for part in last]


class Stack(nn.Module):
    """Recurrent layers, each over the states of the one below."""

    def __init__(self, context, cell, hidden, layers=1, both=False):
        super().__init__()
        self.width, width = 2 * hidden if both else hidden, context.width
        #if extras.skip_connection and temporal.use != cbhg
        self.adds_skip_connections = False
        #endif
        for layer in range(layers):
            #if own_cells or temporal.use == sru
            self.add_module(f"layer{layer}", Layer(cell(), width, hidden, both, context.extras))
            #else
            self.add_module(f"layer{layer}",
                            cell(width, hidden, batch_first=True, bidirectional=both))
            #endif
            #if extras.skip_connection and temporal.use != cbhg
            self.adds_skip_connections |= width == self.width
            #endif
            width = self.width

    def forward(self, frames, mask):
        """States [videos, frames, width], padding 0, and the top layer's last state."""
        for layer in self.children():
            #if extras.skip_connection and temporal.use != cbhg
            below = frames
            #endif
            #if own_cells or temporal.use == sru
            frames, last = layer(frames, mask)
            #else
            frames, last = run_layer(layer, frames, mask)
            #endif
            #if extras.skip_connection and temporal.use != cbhg
            if below.size(-1) == self.width:
                frames = zero_padding(frames + below, mask)
            #endif
        return frames, last


def pool_states(states, mask):
    #if temporal.pool == mean
    return masked_mean(states, mask)
    #elif temporal.pool == max
    return masked_max(states, mask)
    #elif temporal.pool == last
    return last_frame(states, mask)
    #else
    forward, backward = states.chunk(2, -1)  # each direction's at its own end
    return torch.cat([last_frame(forward, mask), backward[:, 0]], -1)
    #endif


class RecurrentTemporal(nn.Module):
    """Pools the states of a stack's top layer."""

    def __init__(self, context, options, cell, both=False):
        super().__init__()
        self.options = options
        self.stack = Stack(context, cell, options["hidden"], options["layers"], both)
        self.width = self.states_width = self.stack.width
        #if extras.skip_connection
        self.adds_skip_connections = self.stack.adds_skip_connections
        #endif
    #if temporal.residual or temporal.embedding in state memory memory_output memory_candidate
    #elif scores_frames == false

    def forward(self, frames, mask):
        return pool_states(self.states(frames, mask), mask)
    #endif

    def states(self, frames, mask):
        return self.stack(frames, mask)[0]
