// What FindEnsemble is asked about: prediction files brought onto one set of videos.

#include <algorithm>
#include <set>

#include "registry/util/error.h"
#include "search/ensemble/ensemble.h"

namespace beamgrid {
namespace {

using Ids = std::set<std::string>;

Ids IdsOf(const Predictions& predictions) {
  Ids ids;
  for (const VideoPrediction& video : predictions.videos) ids.insert(video.id);
  return ids;
}

/// Throws where a model lacks videos of the truth, naming all such models.
void RefuseGaps(const std::vector<EnsembleModel>& models, const Truth& truth) {
  std::string gaps;
  for (const EnsembleModel& model : models) {
    const Ids ids = IdsOf(model.predictions);
    std::size_t lacking = 0;
    std::string example;
    for (const auto& [id, labels] : truth) {
      if (ids.contains(id)) continue;
      if (lacking++ == 0) example = id;
    }
    if (lacking == 0) continue;
    gaps += "\n  '" + model.name + "' lacks " + std::to_string(lacking) + " of " +
            std::to_string(truth.size()) + ", such as '" + example + "'";
  }
  if (gaps.empty()) return;
  throw UsageError("ensemble: videos of the truth are missing in the predictions:" + gaps +
                   "\nuse --common-videos to restrict all to the videos that every file has");
}

Ids CommonVideos(const std::vector<EnsembleModel>& models, const Truth& truth) {
  Ids common;
  for (const auto& [id, labels] : truth) common.insert(id);
  for (const EnsembleModel& model : models) {
    const Ids ids = IdsOf(model.predictions);
    std::erase_if(common, [&](const std::string& id) { return !ids.contains(id); });
  }
  return common;
}

}  // namespace

void AlignToTruth(std::vector<EnsembleModel>& models, const Truth& truth, VideoSet videos) {
  if (videos == VideoSet::kTruth) RefuseGaps(models, truth);
  const Ids kept = CommonVideos(models, truth);
  if (kept.empty()) {
    throw UsageError("ensemble: no video of the truth (" + std::to_string(truth.size()) +
                     " videos) is in all " + std::to_string(models.size()) + " predictions");
  }
  for (EnsembleModel& model : models) {
    auto& list = model.predictions.videos;
    std::erase_if(list, [&](const VideoPrediction& video) { return !kept.contains(video.id); });
    // The truth of the files, not what the models were trained with: a file may hold none.
    for (VideoPrediction& video : list) video.labels = truth.at(video.id);
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }
}

}  // namespace beamgrid
