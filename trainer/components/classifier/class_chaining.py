class RecurrentChain(nn.Module):
    """A GRU says a video's labels one by one; a class has its greatest probability."""

    def __init__(self, context, options):
        super().__init__()
        self.classes, self.hidden = context.classes, options["hidden"]
        self.steps = min(options["steps"], context.classes)
        self.label_vectors = parameter(context.classes + 1, options["label_width"])
        #if video == input
        self.from_video = nn.Linear(context.width, 3 * self.hidden)
        self.from_label = linear_without_bias(options["label_width"], 3 * self.hidden)
        #else
        self.initial = nn.Linear(context.width, self.hidden)
        self.from_label = nn.Linear(options["label_width"], 3 * self.hidden)
        #endif
        self.gates_from_state = linear_without_bias(self.hidden, 2 * self.hidden)
        self.candidate_from_state = linear_without_bias(self.hidden, self.hidden)
        self.output = nn.Linear(self.hidden, context.classes)

    def next_state(self, inputs, state):
        gates, candidate = inputs.split([2 * self.hidden, self.hidden], 1)
        reset, update = (gates + self.gates_from_state(state)).sigmoid().chunk(2, 1)
        candidate = (candidate + self.candidate_from_state(reset * state)).tanh()
        return update * state + (1 - update) * candidate

    def forward(self, video):
        #if video == input
        from_video, state = self.from_video(video), video.new_zeros(len(video), self.hidden)
        #else
        from_video, state = 0, self.initial(video).tanh()
        #endif
        word = torch.full((len(video),), self.classes, device=video.device)  # START
        said = torch.zeros(len(video), self.classes, dtype=torch.bool, device=video.device)
        goes_on = torch.ones(len(video), 1, dtype=torch.bool, device=video.device)
        best = video.new_zeros(len(video), self.classes)
        for _ in range(self.steps):
            state = self.next_state(self.from_label(self.label_vectors[word]) + from_video, state)
            logits = self.output(state).masked_fill(said, -math.inf)
            stop = logits.new_zeros(len(video), 1)  # STOP's logit is always 0
            outcomes = torch.cat([logits, stop], 1).softmax(1)
            best = torch.maximum(best, outcomes[:, :-1] * goes_on)
            likeliest = outcomes.argmax(1)
            word = likeliest.clamp_max(self.classes - 1)
            said = said.scatter(1, word.unsqueeze(1), True)
            goes_on = goes_on & (likeliest < self.classes).unsqueeze(1)
        return best


class CombineChain(nn.Module):
    """A chain of mixtures, each of which sees projections of the predictions before it."""

    def __init__(self, context, options):
        super().__init__()
        self.steps, width = options["steps"], context.width
        for step in range(self.steps + 1):
            self.add_module(f"mixture{step}", Mixture(width, context.classes, options["experts"]))
            if step < self.steps:
                self.add_module(f"link{step}", nn.Linear(context.classes, options["link"]))
                width += options["link"]

    def forward(self, seen):
        for step in range(self.steps):
            prediction = getattr(self, f"mixture{step}")(seen, seen)
            link = getattr(self, f"link{step}")(prediction).relu()
            seen = torch.cat([seen, l2_normalise(link, 1)], 1)
        return getattr(self, f"mixture{self.steps}")(seen, seen)


class ClassChaining(nn.Module):
    """Labels that are predicted with sight of labels."""

    def __init__(self, context, options):
        super().__init__()
        #if form == rnn
        self.chain = RecurrentChain(context, options)
        #else
        self.chain = CombineChain(context, options)
        #endif

    def forward(self, embedding):
        return self.chain(embedding)
