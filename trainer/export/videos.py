def prepare(features):
    """What the model takes, from the features of each video side by side, [videos, width]."""
    return l2_normalise(torch.as_tensor(features).float(), -1)


def predict(model, features):
    """Probabilities [videos, classes] of videos as `prepare` takes them."""
    videos = prepare(features).unsqueeze(1)  # of one frame each
    with torch.no_grad():
        return model(videos, videos.new_ones(videos.shape[:2], dtype=torch.bool))
