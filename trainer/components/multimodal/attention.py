class Attention(FeaturePair):
    """Each frame of one feature attends over a window of frames of the other."""

    def __init__(self, context, options):
        super().__init__(context, options)
        #if guide == image
        self.query = linear_without_bias(self.image_width, self.audio_width)
        #else
        self.query = linear_without_bias(self.image_width, self.image_width)
        #endif
        #if merge == add or guide == audio
        self.audio_to_image = nn.Linear(self.audio_width, self.image_width)
        #endif
        self.width = self.image_width
        #if merge == concat
        self.width += self.audio_width
        #endif

    def weights(self, guide, keys, mask):
        visible = mask.unsqueeze(1)
        #if window != all
        index = torch.arange(mask.size(1), device=mask.device)
        distance = (index.unsqueeze(0) - index.unsqueeze(1)).abs()
        visible = visible & (distance <= self.options["window"] // 2)
        #endif
        return masked_softmax(self.query(guide) @ keys.transpose(1, 2), visible, -1)

    def forward(self, frames, mask):
        image, audio = self.pair(frames)
        #if guide == image
        weights = self.weights(image, audio, mask)
        #if merge == add
        fused = image + weights @ self.audio_to_image(audio)
        #else
        fused = torch.cat([image, weights @ audio], -1)
        #endif
        #else
        projected = self.audio_to_image(audio)
        attended = self.weights(projected, image, mask) @ image
        #if merge == add
        fused = projected + attended
        #else
        fused = torch.cat([attended, audio], -1)
        #endif
        #endif
        return zero_padding(fused, mask)
