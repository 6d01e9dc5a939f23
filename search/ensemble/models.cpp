#include "search/ensemble/models.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <boost/json/serialize.hpp>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "search/ensemble/gap.h"

namespace beamgrid {
namespace {

using Videos = std::vector<const VideoPrediction*>;

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

Videos SortedById(const EnsembleModel& model) {
  Videos videos;
  videos.reserve(model.predictions.videos.size());
  for (const VideoPrediction& video : model.predictions.videos) videos.push_back(&video);
  std::sort(videos.begin(), videos.end(),
            [](const auto* a, const auto* b) { return a->id < b->id; });
  const auto twice = std::adjacent_find(
      videos.begin(), videos.end(), [](const auto* a, const auto* b) { return a->id == b->id; });
  if (twice != videos.end()) {
    throw UsageError("ensemble: model " + Quoted(model.name) + " lists video " +
                     Quoted((*twice)->id) + " twice");
  }
  return videos;
}

/// Returns the ids of `a` that `b` lacks. Both are sorted: one pass over both.
std::vector<std::string> Lacking(const Videos& a, const Videos& b) {
  std::vector<std::string> lacking;
  auto other = b.begin();
  for (const VideoPrediction* video : a) {
    while (other != b.end() && (*other)->id < video->id) ++other;
    if (other == b.end() || (*other)->id != video->id) lacking.push_back(video->id);
  }
  return lacking;
}

void RefuseOtherVideos(const AlignedModel& first, const AlignedModel& other) {
  const auto report = [](const AlignedModel& has, const AlignedModel& lacks) {
    const std::vector<std::string> ids = Lacking(has.videos, lacks.videos);
    if (ids.empty()) return;
    throw UsageError("ensemble: model " + Quoted(lacks.model->name) + " lacks " +
                     std::to_string(ids.size()) + " of the " +
                     CountText(has.videos.size(), "video") + " of model " +
                     Quoted(has.model->name) + ", such as " + Quoted(ids[0]) +
                     "; all models must be over the same videos");
  };
  report(first, other);
  report(other, first);
}

void RefuseOtherTruth(const AlignedModel& first, const AlignedModel& other) {
  for (std::size_t i = 0; i < first.videos.size(); ++i) {
    if (first.videos[i]->labels == other.videos[i]->labels) continue;
    throw UsageError("ensemble: models " + Quoted(first.model->name) + " and " +
                     Quoted(other.model->name) + " disagree on the true labels of video " +
                     Quoted(first.videos[i]->id) + "; they were made on different data");
  }
}

void RefuseBadScores(const AlignedModel& model) {
  for (const VideoPrediction* video : model.videos) {
    for (const ScoredLabelDouble& entry : video->top) {
      // Said by what is right, so that NaN is refused too.
      if (entry.score >= 0 && entry.score <= 1 && entry.label >= 0) continue;
      throw UsageError("ensemble: model " + Quoted(model.model->name) + ", video " +
                       Quoted(video->id) + ": label " + std::to_string(entry.label) +
                       " has the score " + boost::json::serialize(boost::json::value(entry.score)) +
                       "; scores must be probabilities, 0..1, of labels from 0");
    }
  }
}

}  // namespace

std::vector<AlignedModel> AlignModels(const std::vector<EnsembleModel>& models) {
  if (models.empty()) throw UsageError("ensemble: there is no model to choose from");
  std::vector<AlignedModel> aligned;
  for (const EnsembleModel& model : models) aligned.push_back({&model, SortedById(model)});
  std::sort(aligned.begin(), aligned.end(),
            [](const auto& a, const auto& b) { return a.model->name < b.model->name; });
  for (std::size_t i = 0; i < aligned.size(); ++i) {
    if (i > 0 && aligned[i].model->name == aligned[i - 1].model->name) {
      throw UsageError("ensemble: two models are called " + Quoted(aligned[i].model->name));
    }
    RefuseOtherVideos(aligned[0], aligned[i]);
    RefuseOtherTruth(aligned[0], aligned[i]);
    RefuseBadScores(aligned[i]);
  }
  if (aligned[0].videos.empty())
    throw UsageError("ensemble: the models' predictions hold no video");
  return aligned;
}

std::vector<Missing> MissingOf(const std::vector<AlignedModel>& models, Missing fallback) {
  std::vector<Missing> missing;
  for (const AlignedModel& model : models) {
    missing.push_back(model.model->missing.value_or(fallback));
  }
  return missing;
}

bool InHoldout(const std::string& video_id, double share) {
  const XXH64_hash_t hash = XXH3_64bits(video_id.data(), video_id.size());
  // 53 bits: each is an exact double in [0, 1).
  return static_cast<double>(hash >> 11) * 0x1p-53 < share;
}

SplitModels SplitVideos(const std::vector<AlignedModel>& models, double holdout) {
  SplitModels split;
  for (const AlignedModel& model : models) {
    split.selection.push_back({model.model, {}});
    split.holdout.push_back({model.model, {}});
    for (const VideoPrediction* video : model.videos) {
      auto& part = InHoldout(video->id, holdout) ? split.holdout : split.selection;
      part.back().videos.push_back(video);
    }
  }
  return split;
}

std::vector<RankedLabel> TopOf(const VideoPrediction& video) {
  const auto before = [](const ScoredLabelDouble& a, const ScoredLabelDouble& b) {
    return a.score != b.score ? a.score > b.score : a.label < b.label;
  };
  const auto rank = [&](const std::vector<ScoredLabelDouble>& list) {
    std::vector<RankedLabel> top;
    const std::size_t count = std::min<std::size_t>(list.size(), kGapTop);
    top.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const bool positive =
          std::find(video.labels.begin(), video.labels.end(), list[i].label) != video.labels.end();
      top.push_back({list[i].score, positive});
    }
    return top;
  };
  // Our own files are sorted; only lists of others need a copy.
  if (std::is_sorted(video.top.begin(), video.top.end(), before)) return rank(video.top);
  std::vector<ScoredLabelDouble> sorted = video.top;
  std::sort(sorted.begin(), sorted.end(), before);
  return rank(sorted);
}

double SingleGap(const AlignedModel& model) {
  // A double's bits, when it is not negative, order as it does; those of 0..1 leave a bit free.
  std::vector<std::int64_t> pool;
  std::int64_t positives = 0;
  for (const VideoPrediction* video : model.videos) {
    positives += std::ssize(video->labels);
    for (const RankedLabel& entry : TopOf(*video)) {
      // + 0.0 turns -0 into 0.
      const auto bits = std::bit_cast<std::int64_t>(entry.score + 0.0);
      pool.push_back(bits << 1 | (entry.positive ? 1 : 0));
    }
  }
  return PackedGap(1, positives)(pool);
}

}  // namespace beamgrid
