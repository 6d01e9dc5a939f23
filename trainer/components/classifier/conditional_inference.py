class ConditionalInference(nn.Module):
    """Predicts, takes its most probable label as observed, predicts again."""

    def __init__(self, context, options):
        super().__init__()
        self.options, rank = options, options["rank"]
        self.from_video = nn.Linear(context.width, rank)
        self.project, self.gate = nn.Linear(rank, rank), nn.Linear(rank, rank)
        self.label_vectors, self.label_bias = parameter(context.classes, rank), parameter(rank)
        #if head == moe
        self.mixture = Mixture(rank, context.classes, options["experts"])
        #else
        self.linear = nn.Linear(rank, context.classes)
        #endif

    def evaluate(self, video, observed):
        pooled = self.project(video * observed.tanh())
        gated = pooled * self.gate(pooled).sigmoid()
        #if head == moe
        return self.mixture(gated, gated)
        #else
        return self.linear(gated).sigmoid()
        #endif

    def forward(self, embedding):
        video = self.from_video(embedding).tanh()
        observed = self.label_bias.unsqueeze(0)
        steps = [self.evaluate(video, observed)]
        picks, picked_at = [], []
        #if constraint
        goes_on = torch.ones(len(video), 1, dtype=torch.bool, device=video.device)
        #endif
        for _ in range(1, min(self.options["steps"], len(self.label_vectors))):
            found = steps[-1].scatter(1, torch.cat(picks, 1), -1) if picks else steps[-1]
            picks.append(found.argmax(1, keepdim=True))
            picked_at.append(steps[-1].gather(1, picks[-1]))
            observed = observed + self.label_vectors[picks[-1].squeeze(1)]
            scores = self.evaluate(video, observed)
            #if constraint
            least = self.options["constraint"] * torch.cat(picked_at, 1)
            kept = scores.gather(1, torch.cat(picks, 1)) >= least  # no label may fall too far
            goes_on = goes_on & kept.all(1, keepdim=True)
            scores = torch.where(goes_on, scores, steps[-1])
            #endif
            steps.append(scores)
        if not picks:
            return steps[-1]
        #if score == max
        return torch.stack(steps).amax(0)
        #else
        return steps[-1].scatter(1, torch.cat(picks, 1), torch.cat(picked_at, 1))
        #endif
