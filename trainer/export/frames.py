def prepare(frames, lengths, max_frames):
    """What the model takes: normalised frames, padding 0, and the mask of the valid frames.

    frames: [videos, frames, width], features side by side, uint8 as in the records or dequantised;
    lengths: [videos], frames that are valid, of which the first max_frames count."""
    frames, lengths = torch.as_tensor(frames), torch.as_tensor(lengths)
    if len(lengths) != len(frames) or lengths.min() < 1 or lengths.max() > frames.size(1):
        raise ValueError(f"lengths: one for each of {len(frames)} videos, 1 to {frames.size(1)}")
    frames = frames[:, :max_frames]
    position = torch.arange(frames.size(1), device=frames.device)
    mask = position < lengths.to(frames.device).view(-1, 1)
    if frames.dtype == torch.uint8:
        frames = frames.float() * (4 / 255) + (4 / 512 - 2)
    frames = frames / frames.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    return frames.masked_fill(~mask.unsqueeze(-1), 0), mask


def predict(model, frames, lengths):
    """Probabilities [videos, classes] of videos as `prepare` takes them."""
    with torch.no_grad():
        return model(*prepare(frames, lengths, model.max_frames))
