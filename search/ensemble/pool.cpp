#include "search/ensemble/pool.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "registry/util/error.h"
#include "search/ensemble/gap.h"

namespace beamgrid {
namespace {

/// The videos of one piece of work: enough that its buffers cost nothing, few enough that all
/// threads have work.
constexpr std::size_t kVideosPerPiece = 256;

/// The keys of the sets that are scored at the same time take no more than this.
constexpr std::size_t kKeyBytes = std::size_t{512} << 20;

constexpr double kFinestUnit = 1e-12;
constexpr double kCoarsestUnit = 1e-6;

/// Returns the models that the growths need, each once.
std::vector<int> ModelsOf(std::span<const Growth> growths) {
  std::vector<int> models;
  for (const Growth& growth : growths) {
    models.push_back(growth.added);
    models.insert(models.end(), growth.set->begin(), growth.set->end());
  }
  std::ranges::sort(models);
  models.erase(std::unique(models.begin(), models.end()), models.end());
  return models;
}

}  // namespace

EnsemblePool::EnsemblePool(std::vector<AlignedModel> models, std::vector<double> factors,
                           const Combination& combination, Missing missing, std::int64_t max_terms,
                           ForEach for_each)
    : models_(std::move(models)),
      factors_(std::move(factors)),
      combination_(combination),
      missing_(MissingOf(models_, missing)),
      for_each_(std::move(for_each)) {
  for (std::size_t v = 0; v < models_[0].size(); ++v) {
    // All, also those that no model lists: GAP divides by them.
    positives_ += std::ssize(models_[0].LabelsOf(v));
  }
  for (const AlignedModel& model : models_) {
    largest_label_ = std::max(largest_label_, model.model->lists.largest_label());
  }
  ChooseUnit(max_terms);
}

void EnsemblePool::ChooseUnit(std::int64_t max_terms) {
  tag_bits_ = 1 + static_cast<int>(std::bit_width(static_cast<std::uint32_t>(largest_label_)));
  // Below the sign: keys are compared as signed numbers.
  const double room = std::ldexp(1.0, 63 - tag_bits_);
  // One unit more per term, for rounding.
  const double largest =
      static_cast<double>(max_terms) * (combination_.largest_term() + kCoarsestUnit);
  double unit = kFinestUnit;
  while (unit < kCoarsestUnit && largest / unit >= room) unit *= 10;
  if (largest / unit >= room) {
    throw UsageError("ensemble: " + std::to_string(max_terms) + " members over classes up to " +
                     std::to_string(largest_label_) +
                     " are more than the search can add up; use fewer members");
  }
  unit_ = unit;
}

EnsemblePool::Key EnsemblePool::Units(double term) const {
  return static_cast<Key>(std::llround(term / unit_)) << tag_bits_;
}

void EnsemblePool::Decode(int model, std::size_t video, KeyList<Key>& list) const {
  const auto m = static_cast<std::size_t>(model);
  const ModelLists& lists = models_[m].model->lists;
  const auto [begin, end] = lists.Of((*models_[m].rows)[video]);
  list.labels.resize(end - begin);
  list.keys.resize(end - begin);
  list.floor = Units(factors_[m] * FloorTerm(lists, {begin, end}, combination_, missing_[m]));
  for (std::size_t i = begin; i < end; ++i) {
    list.labels[i - begin] = lists.label(i);
    list.keys[i - begin] = Units(factors_[m] * combination_.Term(lists.score(i))) - list.floor;
  }
}

std::vector<double> EnsemblePool::Score(std::span<const Growth> growths) const {
  std::vector<double> gaps(growths.size());
  const std::size_t bytes = std::max<std::size_t>(1, models_[0].size()) * kGapTop * sizeof(Key);
  const std::size_t at_once = std::max<std::size_t>(1, kKeyBytes / bytes);
  for (std::size_t begin = 0; begin < growths.size(); begin += at_once) {
    const std::size_t count = std::min(at_once, growths.size() - begin);
    ScoreSome(growths.subspan(begin, count), std::span(gaps).subspan(begin, count));
  }
  return gaps;
}

void EnsemblePool::ScoreSome(std::span<const Growth> growths, std::span<double> gaps) const {
  const std::size_t videos = models_[0].size();
  const std::size_t pieces = (videos + kVideosPerPiece - 1) / kVideosPerPiece;
  const std::vector<int> models = ModelsOf(growths);
  // [growths][pieces] the keys of a piece's videos
  std::vector<std::vector<std::vector<Key>>> keys(growths.size());
  for (auto& of_growth : keys) of_growth.resize(pieces);

  for_each_(pieces, [&](std::size_t piece) {
    std::vector<KeyList<Key>> lists(models_.size());
    TopScorer<Key> scorer(largest_label_, 2);
    const std::size_t end = std::min(videos, (piece + 1) * kVideosPerPiece);
    for (auto& of_growth : keys)
      of_growth[piece].reserve((end - piece * kVideosPerPiece) * kGapTop);
    for (std::size_t v = piece * kVideosPerPiece; v < end; ++v) {
      for (const int model : models) Decode(model, v, lists[static_cast<std::size_t>(model)]);
      scorer.BeginVideo(models_[0].LabelsOf(v));
      const ModelSet* set = nullptr;
      for (std::size_t g = 0; g < growths.size(); ++g) {
        if (growths[g].set != set) {
          set = growths[g].set;
          scorer.BeginSet();
          for (const int member : *set) scorer.AddToSet(lists[static_cast<std::size_t>(member)]);
          scorer.EndSet();
        }
        const auto top = scorer.TopWith(lists[static_cast<std::size_t>(growths[g].added)]);
        keys[g][piece].insert(keys[g][piece].end(), top.begin(), top.end());
      }
    }
  });
  for_each_(growths.size(), [&](std::size_t g) {
    std::vector<Key> pool;
    pool.reserve(videos * kGapTop);
    for (std::vector<Key>& part : keys[g]) {
      pool.insert(pool.end(), part.begin(), part.end());
      part = {};
    }
    gaps[g] = PackedGap(tag_bits_, positives_)(pool);
  });
}

std::vector<double> EnsemblePool::ScoreExtensions(const ModelSet& set,
                                                  const std::vector<int>& candidates) const {
  std::vector<Growth> growths;
  for (const int candidate : candidates) growths.push_back({&set, candidate});
  return Score(growths);
}

}  // namespace beamgrid
