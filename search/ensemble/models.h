#pragma once
// The models of an ensemble question, checked and brought into one order: models by name, videos by
// id. Everything behind FindEnsemble works on these.

#include <string>
#include <vector>

#include "search/ensemble/ensemble.h"

namespace beamgrid {

/// AlignedModel is one model's predictions of each video; videos[i] is the same video in every
/// model of a set.
struct AlignedModel {
  const EnsembleModel* model = nullptr;
  std::vector<const VideoPrediction*> videos;
};

/// Returns the models by name, their videos by id. Throws UsageError if there is no model or video,
/// two models share a name, the videos or truths of two models differ (which, how many), or a score
/// is not in 0..1. Points into `models`.
[[nodiscard]] std::vector<AlignedModel> AlignModels(const std::vector<EnsembleModel>& models);

/// Returns what a missing label is in each model's lists; `fallback` where the model does not say.
[[nodiscard]] std::vector<Missing> MissingOf(const std::vector<AlignedModel>& models,
                                             Missing fallback);

/// True if the video is in the holdout part: by a hash of its id alone (XXH3), so it is the same in
/// every study and on every machine.
[[nodiscard]] bool InHoldout(const std::string& video_id, double share);

/// SplitModels is the same models over the two parts of the videos.
struct SplitModels {
  std::vector<AlignedModel> selection;
  std::vector<AlignedModel> holdout;
};
/// Returns the models over the selection part and over the holdout part.
[[nodiscard]] SplitModels SplitVideos(const std::vector<AlignedModel>& models, double holdout);

/// RankedLabel is a label of a ranking: its score and whether it is true.
struct RankedLabel {
  double score;
  bool positive;
};
/// Returns the 20 best of a list, equal scores by lower label.
[[nodiscard]] std::vector<RankedLabel> TopOf(const VideoPrediction& video);

/// Returns the GAP of a model alone, its lists as they are.
[[nodiscard]] double SingleGap(const AlignedModel& model);

}  // namespace beamgrid
