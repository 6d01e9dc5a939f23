#if evaluation == even
class FrameSampling(Extra):
    """As many frames as in training, evenly spaced."""

    def on_input(self, frames, mask):
        lengths, stride = mask.sum(1, keepdim=True), self.options["stride"]
        begin = torch.div(lengths - 1, 2, rounding_mode="floor")
        begin = begin.clamp_max(self.options["skip_ends"])
        candidates = torch.div(lengths - 2 * begin - 1, stride, rounding_mode="floor") + 1
        #if frames
        count = self.options["frames"]
        share = (torch.arange(count, device=mask.device).unsqueeze(0) + 0.5) / count
        position = (share * candidates).floor().long()
        valid = torch.ones_like(position, dtype=torch.bool)
        #else
        position = torch.arange(int(candidates.max()), device=mask.device).unsqueeze(0)
        valid = position < candidates
        #endif
        index = begin + torch.minimum(position, candidates - 1) * stride
        taken = frames.gather(1, index.unsqueeze(-1).expand(-1, -1, frames.size(2)))
        return zero_padding(taken, valid), valid
#endif
