#pragma once
// A study's ensemble in words.

#include <optional>
#include <string>
#include <vector>

#include "reports/page/study_facts.h"

namespace beamgrid {

/// EnsembleNumbers is what a recorded ensemble's object holds, for those who write of it.
struct EnsembleNumbers {
  struct Member {
    std::string name;
    std::int64_t size_bytes = 0;
    double weight = 0;
  };
  struct Holdout {
    double gap = 0, gain = 0, low = 0, high = 0;  ///< of the gain over the best single model
    std::int64_t videos = 0;
  };
  std::vector<Member> members;
  std::int64_t size_bytes = 0, size_limit = 0;
  double selection_gap = 0;
  std::int64_t selection_videos = 0;
  std::string unit = "video";  ///< of what the numbers of videos are: "segment" of segments
  std::optional<Holdout> holdout;
  std::string best_single;
  double best_single_gap = 0;
  std::string weights_used;
  std::vector<std::string> dropped, notes;
};

/// Reads it. Throws Error with the way out where the object is not what `ensemble` writes.
[[nodiscard]] EnsembleNumbers NumbersOf(const EnsembleFact& ensemble);

/// Returns a sentence on the gain over the best single model; one that may be chance is not called
/// a gain. There must be a holdout part.
[[nodiscard]] std::string GainSentence(const EnsembleNumbers& ensemble);

/// Returns the sentence on the study's ensemble: what it scores, or why there is none.
[[nodiscard]] std::string EnsembleSentence(const StudyFacts& facts);

}  // namespace beamgrid
