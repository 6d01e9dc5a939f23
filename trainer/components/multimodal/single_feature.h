#pragma once
// What rgb_only and audio_only have in common: one feature of the data is used, the others are
// unread.
//
// [reading] The frames come normalised over all features together, while the reference code, given
// one feature alone, normalises that one. By default the part is normalised again, which gives the
// reference code's vector; with normalise = false it keeps its share of the frame's norm.

#include <string>

#include "trainer/component.h"

namespace beamgrid::trainer {

/// SingleFeatureOptions says which feature is used, and how.
struct SingleFeatureOptions {
  OptionValue feature = "auto";  ///< "auto", or the feature's number from 1
  bool normalise = true;
};

/// Lists the options. `word` is what the name of the feature contains that "auto" finds: "rgb".
void DescribeSingleFeature(Fields& f, SingleFeatureOptions& o, const std::string& word);

/// SingleFeature passes one feature on.
class SingleFeature : public Multimodal {
 public:
  /// Throws SpecError, in the name of `component`, if the data has no such feature.
  SingleFeature(const BuildContext& context, const SingleFeatureOptions& options,
                const std::string& component, const std::string& word);

  Sequence forward(const Sequence& input, const Targets& targets) override;
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  bool normalise_;
  std::int64_t begin_ = 0;  ///< first column of the feature in the frame
  std::int64_t width_ = 0;
};

}  // namespace beamgrid::trainer
