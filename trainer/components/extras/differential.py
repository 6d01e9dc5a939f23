class Differential(Extra):
    """x'_t = [x_t; x_t - (x_(t-1) + x_(t+1)) / 2], the first and last valid frame repeated."""

    def build_frames(self, width):
        return 2 * width

    def on_frames(self, frames, mask):
        previous = torch.cat([frames[:, :1], frames[:, :-1]], 1)
        following = torch.cat([frames[:, 1:], frames[:, -1:]], 1)
        has_next = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], 1)
        following = torch.where(has_next.unsqueeze(-1), following, frames)
        return torch.cat([frames, zero_padding(frames - (previous + following) / 2, mask)], -1)
