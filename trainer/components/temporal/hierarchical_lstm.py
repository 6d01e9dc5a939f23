class HierarchicalLstm(nn.Module):
    """An LSTM reads chunks of frames, a second one the first one's states at their ends."""

    def __init__(self, context, options):
        super().__init__()
        self.options, self.width, layers = options, options["hidden"], options["layers"]
        #if own_cells
        cell = LstmCell
        #else
        cell = nn.LSTM
        #endif
        self.lower = Stack(context, cell, self.width, layers)
        #if chunk_state == state
        self.upper = Stack(context_at(context, 2 * self.width), cell, self.width, layers)
        #else
        self.upper = Stack(context_at(context, self.width), cell, self.width, layers)
        #endif
        #if extras.skip_connection
        self.adds_skip_connections = (self.lower.adds_skip_connections
                                      or self.upper.adds_skip_connections)
        #endif

    def forward(self, frames, mask):
        length = self.options["chunk"]
        missing = -frames.size(1) % length
        frames, mask = F.pad(frames, (0, 0, 0, missing)), F.pad(mask, (0, missing))
        valid = mask.reshape(-1, length)  # [videos * chunks, length]
        used = valid[:, 0]  # chunks that hold frames
        states, last = self.lower(frames.reshape(-1, length, frames.size(2))[used], valid[used])
        state = last_frame(states, valid[used])
        #if chunk_state == state
        state = torch.cat([last[1], state], 1)
        #endif
        inputs = state.new_zeros(len(used), state.size(1))
        inputs[used] = state
        of_video = used.view(len(frames), -1)
        states, _ = self.upper(inputs.view(*of_video.shape, -1), of_video)
        return last_frame(states, of_video)
