// What FindEnsemble is asked about: files brought onto one set of videos, lists cut for storage.

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

double GapOf(const Predictions& predictions) {
  MetricsAccumulator accumulator;
  for (const VideoPrediction& video : predictions.videos) {
    accumulator.AddSparse(video.top, video.labels);
  }
  return accumulator.Compute().gap;
}

Predictions CutTo(Predictions predictions, int top_k) {
  predictions.top_k = top_k;
  for (VideoPrediction& video : predictions.videos) {
    if (std::ssize(video.top) > top_k) video.top.resize(static_cast<std::size_t>(top_k));
  }
  return predictions;
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
    for (VideoPrediction& video : list) video.labels = truth.at(video.id);
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }
}

SparseLoss MeasureSparseLoss(const std::vector<const Predictions*>& members,
                             const std::vector<double>& weights, const std::string& combine,
                             int top_k) {
  std::vector<Predictions> cut;
  for (const Predictions* member : members) cut.push_back(CutTo(*member, top_k));
  std::vector<const Predictions*> sparse;
  for (const Predictions& predictions : cut) sparse.push_back(&predictions);
  return {GapOf(Combine(members, weights, combine, Missing::kLastOfList, kGapTop)),
          GapOf(Combine(sparse, weights, combine, Missing::kLastOfList, kGapTop))};
}

}  // namespace beamgrid
