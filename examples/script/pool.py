"""Attention pooling: a softmax over the valid frames, with one weight vector."""

import sys

import torch


class Pool(torch.nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.attend = torch.nn.Linear(width, 1, bias=False)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        scores = self.attend(frames).squeeze(2)  # [batch, frames]
        scores = scores.masked_fill(~mask, float("-inf"))  # padding gets no share
        share = torch.softmax(scores, dim=1).unsqueeze(1)  # [batch, 1, frames]
        return torch.bmm(share, frames).squeeze(1)  # [batch, width]

    @torch.jit.export
    def reset_parameters(self) -> None:  # called for each trial: its seed decides
        with torch.no_grad():
            self.attend.weight.normal_(0.0, 0.1)


torch.jit.script(Pool(int(sys.argv[2]))).save(sys.argv[1])
