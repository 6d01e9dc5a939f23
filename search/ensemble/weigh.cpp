#include "search/ensemble/weigh.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include "search/ensemble/pool.h"
#include "search/ensemble/weights.h"

namespace beamgrid {
namespace {

constexpr std::size_t kFolds = 5;
constexpr double kLeastGain = 1e-6;  ///< in GAP; far below what any number of videos can tell

/// How strongly learned weights may be pulled towards equal ones, the strongest first: of equal
/// ones that is taken. 10 leaves almost nothing learned.
constexpr double kPulls[] = {10, 1, 0.1, 0};

/// Another hash than that of the holdout part, so that folds and parts have nothing in common.
std::size_t FoldOf(const std::string& key) {
  constexpr XXH64_hash_t kSeed = 1;
  return XXH3_64bits_withSeed(key.data(), key.size(), kSeed) % kFolds;
}

class Weigher {
 public:
  Weigher(const std::vector<AlignedModel>& models, const std::vector<double>& counts,
          const Combination& combination, Missing missing, const ForEach& for_each)
      : models_(models),
        counts_(counts),
        combination_(combination),
        missing_(missing),
        for_each_(for_each) {}

  Weighed Weigh(Weighting asked, Drop drop) {
    Weighed result{.weights = asked};
    if (asked == Weighting::kAuto || asked == Weighting::kLearned) Compare(result);
    std::vector<std::size_t> kept(models_.size());
    std::iota(kept.begin(), kept.end(), 0U);
    std::vector<double> weights = WeightsOf(result.weights, models_, counts_);
    if (drop == Drop::kIdle) DropIdle(kept, weights, result);
    result.gap = GapOf(Pick(models_, kept), weights);
    for (std::size_t m = 0; m < kept.size(); ++m) result.members.push_back({kept[m], weights[m]});
    if (result.weights == Weighting::kLearned && kept.size() > 1) result.pull = pull_;
    return result;
  }

 private:
  using Models = std::vector<AlignedModel>;
  /// Folds is the models over each fifth of the videos, and over the others.
  struct Folds {
    std::array<Models, kFolds> inside, outside;
  };

  /// Chooses the pull of learned weights and, for kAuto, the weighting. With nothing to weigh, or
  /// too few videos to compare on, it is the simplest.
  void Compare(Weighed& result) {
    const std::optional<Folds> folds = MakeFolds();
    const WeightingScore learned{Weighting::kLearned, folds ? ChoosePull(*folds) : 0};
    if (result.weights == Weighting::kLearned) return;
    result.weights = Weighting::kUniform;
    if (!folds) return;
    for (const Weighting weighting : {Weighting::kUniform, Weighting::kGap}) {
      result.scores.push_back({weighting, CrossFitted(*folds, weighting)});
    }
    result.scores.push_back(learned);
    const auto by_gap = [](const auto& a, const auto& b) { return a.gap < b.gap; };
    // The first of equal ones.
    result.weights = std::ranges::max_element(result.scores, by_gap)->weights;
  }

  [[nodiscard]] std::optional<Folds> MakeFolds() const {
    if (models_.size() < 2) return std::nullopt;
    Folds folds;
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      folds.inside[fold] =
          Restrict(models_, [&](const std::string& key) { return FoldOf(key) == fold; });
      folds.outside[fold] =
          Restrict(models_, [&](const std::string& key) { return FoldOf(key) != fold; });
      if (folds.outside[fold][0].size() == 0) return std::nullopt;
    }
    return folds;
  }

  /// Sets the pull whose weights score best on the videos that they were not learned on; returns
  /// what they score.
  double ChoosePull(const Folds& folds) {
    double best = -1;
    double best_pull = pull_;
    for (const double pull : kPulls) {
      pull_ = pull;
      const double gap = CrossFitted(folds, Weighting::kLearned);
      if (gap <= best) continue;
      best = gap;
      best_pull = pull;
    }
    pull_ = best_pull;
    return best;
  }

  /// Returns the GAP of all videos, each fold's by weights that were made on the others.
  [[nodiscard]] double CrossFitted(const Folds& folds, Weighting weighting) const {
    std::vector<VideoPrediction> lists;
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      const std::vector<double> weights = WeightsOf(weighting, folds.outside[fold], counts_);
      std::ranges::move(CombineAll(folds.inside[fold], weights, combination_, missing_, for_each_),
                        std::back_inserter(lists));
    }
    return ScoreLists(lists).gap;
  }

  [[nodiscard]] std::vector<double> WeightsOf(Weighting weighting,
                                              const std::vector<AlignedModel>& models,
                                              std::vector<double> counts) const {
    if (weighting == Weighting::kLearned && models.size() > 1) {
      return LearnWeights(models, combination_, missing_, pull_);
    }
    for (std::size_t m = 0; weighting == Weighting::kGap && m < counts.size(); ++m) {
      counts[m] *= SingleGap(models[m]);
    }
    return Normalised(std::move(counts));
  }

  [[nodiscard]] double GapOf(const std::vector<AlignedModel>& models,
                             const std::vector<double>& weights) const {
    return ScoreLists(CombineAll(models, weights, combination_, missing_, for_each_)).gap;
  }

  /// Returns the GAP of three or more models with equal weights, then that without each of them, in
  /// one pass and the way in which a search scores sets: to the last few bits what GapOf says.
  [[nodiscard]] std::vector<double> GapsWithoutEach(const std::vector<AlignedModel>& models) const {
    std::vector<ModelSet> rests;  // without their last models
    std::vector<Growth> growths;
    for (int left_out = -1; left_out < std::ssize(models); ++left_out) {
      ModelSet& rest = rests.emplace_back();
      for (int m = 0; m < std::ssize(models); ++m) {
        if (m != left_out) rest.push_back(m);
      }
      growths.push_back({.added = rest.back()});
      rest.pop_back();
    }
    for (std::size_t g = 0; g < growths.size(); ++g) growths[g].set = &rests[g];
    const EnsemblePool pool(models, std::vector<double>(models.size(), 1.0), combination_, missing_,
                            std::ssize(models), for_each_);
    return pool.Score(growths);
  }

  void DropIdle(std::vector<std::size_t>& kept, std::vector<double>& weights,
                Weighed& result) const {
    std::vector<double> quick;  // GapsWithoutEach of what is kept, where that can be asked
    const auto score = [&] {
      quick.clear();
      const bool equal = result.weights != Weighting::kLearned &&
                         std::ranges::count(weights, weights[0]) == std::ssize(weights);
      if (equal && kept.size() > 2) quick = GapsWithoutEach(Pick(models_, kept));
    };
    score();
    double best = quick.empty() ? GapOf(models_, weights) : quick[0];
    for (const std::size_t model : BySmallestWeight(weights)) {
      if (kept.size() == 1) break;
      const auto place = std::ranges::find(kept, model) - kept.begin();
      std::vector<std::size_t> others = kept;
      std::vector<double> other_weights = weights;
      others.erase(others.begin() + place);
      other_weights.erase(other_weights.begin() + place);
      const std::vector<AlignedModel> models = Pick(models_, others);
      // What a copy of another member had goes to that one when weights are learned anew.
      other_weights = result.weights == Weighting::kLearned
                          ? WeightsOf(Weighting::kLearned, models, other_weights)
                          : Normalised(std::move(other_weights));
      const double gap =
          quick.empty() ? GapOf(models, other_weights) : quick[static_cast<std::size_t>(place) + 1];
      if (gap < best - kLeastGain) continue;
      result.dropped.push_back(model);
      best = gap;
      kept = std::move(others);
      weights = std::move(other_weights);
      score();
    }
  }

  /// Returns all models by weight; of equal weights (to 1e-6: learned ones of two copies differ in
  /// their last bits) the larger model goes first.
  [[nodiscard]] std::vector<std::size_t> BySmallestWeight(
      const std::vector<double>& weights) const {
    std::vector<std::size_t> order(models_.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto rounded = [&](std::size_t m) { return std::lround(weights[m] * 1e6); };
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
      if (rounded(a) != rounded(b)) return rounded(a) < rounded(b);
      return models_[a].model->size_bytes > models_[b].model->size_bytes;
    });
    return order;
  }

  const std::vector<AlignedModel>& models_;
  const std::vector<double>& counts_;
  const Combination& combination_;
  Missing missing_;
  const ForEach& for_each_;
  double pull_ = kPulls[0];  ///< of learned weights
};

}  // namespace

Weighed WeighMembers(const std::vector<AlignedModel>& models, const std::vector<double>& counts,
                     Weighting weights, Drop drop, const Combination& combination, Missing missing,
                     const ForEach& for_each) {
  return Weigher(models, counts, combination, missing, for_each).Weigh(weights, drop);
}

std::vector<VideoPrediction> CombineAll(const std::vector<AlignedModel>& members,
                                        const std::vector<double>& weights,
                                        const Combination& combination, Missing missing,
                                        const ForEach& for_each) {
  constexpr std::size_t kVideosPerPiece = 1024;
  const std::vector<Missing> absent = MissingOf(members, missing);
  std::vector<VideoPrediction> videos(members[0].size());
  const std::size_t pieces = (videos.size() + kVideosPerPiece - 1) / kVideosPerPiece;
  for_each(pieces, [&](std::size_t piece) {
    RowReader reader(members);
    const std::size_t end = std::min(videos.size(), (piece + 1) * kVideosPerPiece);
    for (std::size_t v = piece * kVideosPerPiece; v < end; ++v) {
      videos[v] = CombineVideo(reader.Read(v), weights, combination, absent, kGapTop);
    }
  });
  return videos;
}

Metrics ScoreLists(const std::vector<VideoPrediction>& videos) {
  MetricsAccumulator accumulator;
  for (const VideoPrediction& video : videos) accumulator.AddSparse(video.top, video.labels);
  return accumulator.Compute();
}

}  // namespace beamgrid
