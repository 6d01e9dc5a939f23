def prepare(features):
    """What the model takes, from the features of each video side by side, [videos, width]."""
    #if data.jointly_normalised
    return l2_normalise(torch.as_tensor(features).float(), -1)
    #else
    return torch.as_tensor(features).float()
    #endif


def predict(model, features):
    """Probabilities [videos, classes] of videos as `prepare` takes them."""
    videos = prepare(features).unsqueeze(1)  # of one frame each
    mask = videos.new_ones(videos.shape[:2], dtype=torch.bool)
    with torch.no_grad():
        #if data.jointly_normalised
        return model(videos, mask)
        #else
        return model(normalised(model, videos, mask), mask)
        #endif
