class Cnn(nn.Module):
    """Convolution over time, its maximum over the windows that hold no padding."""

    def __init__(self, context, options):
        super().__init__()
        self.options, channels = options, options["channels"]
        #if variant == multi_kernel
        for i, filters in enumerate([channels, channels, 2 * channels]):
            self.add_module(f"convolution{i}", nn.Conv1d(context.width, filters, i + 1, bias=False,
                                                         padding=i))
        self.width = 4 * channels
        #else
        self.convolution0 = nn.Conv1d(context.width, channels, options["kernel"])
        self.width = channels
        #endif

    def forward(self, frames, mask):
        #if normalise
        return l2_normalise(self.maxima(zero_padding(frames, mask).transpose(1, 2), mask), 1)
        #else
        return self.maxima(zero_padding(frames, mask).transpose(1, 2), mask)
        #endif

    def maxima(self, frames, mask):
        #if variant == multi_kernel
        outputs = [convolution(frames)[..., :mask.size(1)] for convolution in self.children()]
        return torch.cat([masked_max(output.transpose(1, 2), mask) for output in outputs], 1)
        #else
        kernel = self.options["kernel"]
        frames = F.pad(frames, (0, max(0, kernel - frames.size(2))))
        outputs = self.convolution0(frames).transpose(1, 2)
        windows = (mask.sum(1, keepdim=True) - (kernel - 1)).clamp_min(1)
        index = torch.arange(outputs.size(1), device=mask.device).unsqueeze(0)
        return masked_max(outputs, index < windows).relu()
        #endif
