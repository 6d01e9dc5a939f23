#pragma once
// One feature of the data, the others unread: what rgb_only and audio_only have in common.
//
// [reading] The frames were normalised over all features together. The reference code, given one
// feature alone, normalises that one, and normalising the part again gives the same vector; with
// normalise = false the part keeps its share of the frame's norm.

#include <string>

#include "trainer/component.h"

namespace beamgrid::trainer {

struct SingleFeatureOptions {
  OptionValue feature = "auto";
  bool normalise = true;
};

/// `word`: what the feature's name contains, "rgb".
void DescribeSingleFeature(Fields& f, SingleFeatureOptions& o, const std::string& word);

class SingleFeature : public Multimodal {
 public:
  /// Throws SpecError, in the name of `component`, if the data has no such feature.
  SingleFeature(const BuildContext& context, const SingleFeatureOptions& options,
                const std::string& component, const std::string& word);

  Sequence forward(const Sequence& input, const Targets& targets) override;
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  bool normalise_;
  std::int64_t begin_ = 0;  ///< column of the frame
  std::int64_t width_ = 0;
};

}  // namespace beamgrid::trainer
