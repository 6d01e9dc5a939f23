#include "registry/scoring/predictions_check.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace beamgrid {

std::string PredictionsCheck::ProblemOf(const Predictions& predictions) {
  if (predictions.classes < 0 || predictions.classes > kMaxClasses) {
    return std::to_string(predictions.classes) + " classes";
  }
  if (predictions.top_k < 0) return "lists of " + std::to_string(predictions.top_k) + " labels";
  top_k_ = predictions.top_k;
  classes_ = predictions.classes == 0 ? kMaxClasses : predictions.classes;
  // Who listed a label last: a mark for each video spares clearing the table for each.
  listed_by_.assign(predictions.videos.empty() ? 0 : static_cast<std::size_t>(classes_), 0);
  video_ = 0;
  const std::vector<VideoPrediction>& videos = predictions.videos;
  for (std::size_t i = 0; i < videos.size(); ++i) {
    if (i > 0 && videos[i - 1].id >= videos[i].id) {
      return "video '" + videos[i].id + "' is out of order";
    }
    const std::string problem = ProblemOf(videos[i]);
    if (!problem.empty()) return "video '" + videos[i].id + "' has " + problem;
  }
  return {};
}

std::string PredictionsCheck::ProblemOf(const VideoPrediction& video) {
  ++video_;
  if (std::ssize(video.top) > top_k_) return "more labels than top_k";
  for (std::size_t i = 0; i < video.top.size(); ++i) {
    const ScoredLabelDouble& item = video.top[i];
    if (item.label < 0 || item.label >= classes_) return "a predicted label that is no class";
    if (std::isnan(item.score)) return "a score that is NaN";
    if (i > 0 && !RanksBefore<ScoredLabelDouble>(video.top[i - 1], item))
      return "scores out of order";
    if (!IsNew(item.label)) return "a predicted label twice";
  }
  if (std::ranges::adjacent_find(video.labels, std::greater_equal()) != video.labels.end()) {
    return "true labels out of order";
  }
  const bool classes =
      video.labels.empty() || (video.labels.front() >= 0 && video.labels.back() < classes_);
  return classes ? "" : "a true label that is no class";
}

bool PredictionsCheck::IsNew(std::int32_t label) {
  return std::exchange(listed_by_[static_cast<std::size_t>(label)], video_) != video_;
}

}  // namespace beamgrid
