def prepare(frames, lengths, max_frames):
    """What the model takes: normalised frames, padding 0, and the mask of the valid frames.

    #if data.floats
    frames: [videos, frames, width], features side by side, floats (8-bit codes q of a feature as
    q * 4/255 + 4/512 - 2);
    #else
    frames: [videos, frames, width], features side by side, uint8 as in the records or dequantised;
    #endif
    lengths: [videos], frames that are valid, of which the first max_frames count."""
    frames, lengths = torch.as_tensor(frames), torch.as_tensor(lengths)
    if len(lengths) != len(frames) or lengths.min() < 1 or lengths.max() > frames.size(1):
        raise ValueError(f"lengths: one for each of {len(frames)} videos, 1 to {frames.size(1)}")
    #if data.floats
    if not frames.is_floating_point():
        raise ValueError(f"frames: floats, not {frames.dtype}")
    #endif
    frames = frames[:, :max_frames]
    position = torch.arange(frames.size(1), device=frames.device)
    mask = position < lengths.to(frames.device).view(-1, 1)
    #if data.floats
    frames = frames.float()
    #else
    if frames.dtype == torch.uint8:
        frames = frames.float() * (4 / 255) + (4 / 512 - 2)
    #endif
    #if data.jointly_normalised
    frames = frames / frames.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    #endif
    return frames.masked_fill(~mask.unsqueeze(-1), 0), mask


def predict(model, frames, lengths):
    """Probabilities [videos, classes] of videos as `prepare` takes them."""
    with torch.no_grad():
        #if data.jointly_normalised
        return model(*prepare(frames, lengths, model.max_frames))
        #else
        frames, mask = prepare(frames, lengths, model.max_frames)
        return model(normalised(model, frames, mask), mask)
        #endif
