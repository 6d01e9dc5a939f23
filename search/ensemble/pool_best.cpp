// What a search asks of a pool: the best of many growths.

#include <algorithm>
#include <list>
#include <numeric>

#include "search/ensemble/contest.h"
#include "search/ensemble/pool.h"

namespace beamgrid {
namespace {

/// A quarter of a megabyte of counts each. As many as the beam has at once: eight sets and 200
/// models.
constexpr std::size_t kMostBracketed = 2048;

/// Contenders is the growths of some groups, and those of their rivals, that are not given up.
class Contenders {
 public:
  explicit Contenders(std::span<const EnsemblePool::BestOf> groups) : groups_(groups) {
    for (const EnsemblePool::BestOf& group : groups) {
      growths_.insert(growths_.end(), group.growths.begin(), group.growths.end());
      screens_ |= group.screen;
    }
    wanted_ = growths_.size();
    for (const EnsemblePool::BestOf& group : groups) {
      rivals_.push_back(growths_.size());
      if (!group.screen || group.rival == nullptr || group.rival->size() < 2) continue;
      const ModelSet& rest =
          parts_.emplace_back(group.rival->begin(), std::prev(group.rival->end()));
      growths_.push_back({&rest, group.rival->back()});
    }
    rivals_.push_back(growths_.size());
    left_.resize(growths_.size());
    std::iota(left_.begin(), left_.end(), 0U);
  }

  [[nodiscard]] const std::vector<Growth>& growths() const { return growths_; }
  /// The first so many are the groups' own.
  [[nodiscard]] std::size_t wanted() const { return wanted_; }
  [[nodiscard]] bool screens() const { return screens_; }
  /// Those that are left, by index, ascending.
  [[nodiscard]] const std::vector<std::size_t>& left() const { return left_; }

  /// Gives up what a sample of a `share` of the videos shows to be worse. `sampled`: [growths] of
  /// those that are left.
  void GiveUp(const std::vector<Sampled>& sampled, double share) {
    std::vector<std::size_t> left;
    auto next = left_.begin();
    std::size_t end = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      end += groups_[g].growths.size();
      std::vector<std::size_t> of_group;
      for (; next != left_.end() && *next < end; ++next) of_group.push_back(*next);
      Keep(g, of_group, sampled, share, left);
    }
    left.insert(left.end(), next, left_.end());  // the rivals
    left_ = std::move(left);
  }

 private:
  void Keep(std::size_t group, const std::vector<std::size_t>& of_group,
            const std::vector<Sampled>& sampled, double share, std::vector<std::size_t>& left) {
    if (!groups_[group].screen) {
      left.insert(left.end(), of_group.begin(), of_group.end());
      return;
    }
    std::vector<Sampled> in_order;
    for (const std::size_t growth : of_group) in_order.push_back(sampled[growth]);
    const std::size_t rival = rivals_[group];
    const bool has_rival = rivals_[group + 1] > rival;
    for (const std::size_t i : MayBeAmong(in_order, groups_[group].keep, share)) {
      if (has_rival && SurelyWorse(in_order[i], sampled[rival], share)) continue;
      left.push_back(of_group[i]);
    }
  }

  std::span<const EnsemblePool::BestOf> groups_;
  bool screens_ = false;
  std::vector<Growth> growths_;
  std::size_t wanted_ = 0;
  std::list<ModelSet> parts_;        ///< rivals without their last models
  std::vector<std::size_t> rivals_;  ///< [groups + 1] the first growth that is not before the rival
  std::vector<std::size_t> left_;
};

std::vector<std::vector<std::size_t>> OneStageOf(std::size_t pieces) {
  std::vector<std::size_t> all(pieces);
  std::iota(all.begin(), all.end(), 0U);
  return {all};
}

/// Returns at most eight of so many growths, from all over them.
std::vector<std::size_t> SomeOf(std::size_t growths) {
  const std::size_t step = (growths + 7) / 8;
  std::vector<std::size_t> some;
  for (std::size_t g = 0; g < growths; g += step) some.push_back(g);
  return some;
}

}  // namespace

std::vector<GapBounds> EnsemblePool::Bracket(std::span<const Growth> growths) const {
  return Bracket({{BestOf{.growths = growths}}});
}

std::vector<GapBounds> EnsemblePool::Bracket(std::span<const BestOf> groups) const {
  std::vector<GapBounds> bounds;
  std::vector<BestOf> together;
  std::size_t room = kMostBracketed;
  const auto bracket = [&] {
    const std::vector<GapBounds> more = BracketTogether(together);
    bounds.insert(bounds.end(), more.begin(), more.end());
    together.clear();
    room = kMostBracketed;
  };
  for (const BestOf& group : groups) {
    for (std::size_t begin = 0; begin < group.growths.size();) {
      BestOf part = group;
      // One of the room is the rival's.
      part.growths =
          group.growths.subspan(begin).first(std::min(room - 1, group.growths.size() - begin));
      begin += part.growths.size();
      room -= part.growths.size() + 1;
      together.push_back(part);
      if (room < 2) bracket();
    }
  }
  if (!together.empty()) bracket();
  return bounds;
}

Levels EnsemblePool::SampleLevels(const std::vector<Growth>& growths, const CoarseScale& scale,
                                  std::span<const std::size_t> pieces) const {
  const std::vector<std::size_t> places = SomeOf(growths.size());
  std::vector<Growth> some;
  for (const std::size_t g : places) some.push_back(growths[g]);
  std::vector<std::size_t> slots(some.size());
  std::iota(slots.begin(), slots.end(), 0U);
  std::vector<std::int64_t> unsure(some.size());
  CountTops(GrowthPlan(some), scale, pieces, {slots, unsure});
  const std::span<BinCounts> counted = std::span(counts_).first(some.size());
  Levels levels = LevelsOf(counted);
  for (BinCounts& counts : counted) counts.assign(2 * kBins, 0);
  return levels;
}

std::vector<GapBounds> EnsemblePool::BracketTogether(std::span<const BestOf> groups) const {
  Contenders contenders(groups);
  const std::vector<Growth>& growths = contenders.growths();
  std::vector<GapBounds> bounds(contenders.wanted());
  const CoarseScale scale = ScaleOf(growths);
  if (positives_ == 0 || !UsesCoarse(scale)) return bounds;
  counts_.resize(std::max(counts_.size(), growths.size()));
  std::vector<std::int64_t> unsure(growths.size());
  if (CountOnDevice(GrowthPlan(growths))) {
    for_each_(bounds.size(), [&](std::size_t g) {
      bounds[g] = BoundsOf(counts_[g], positives_, unsure[g], harmonic_);
    });
    return bounds;
  }

  for_each_(growths.size(), [&](std::size_t g) { counts_[g].assign(2 * kBins, 0); });
  Stages stages = StagesOf(pieces());
  if (!contenders.screens()) stages.pieces = OneStageOf(pieces());
  const bool screens = stages.pieces.size() > 1;
  Screen screen(screens ? growths.size() : 0,
                screens ? SampleLevels(growths, scale, stages.pieces[0]) : Levels());
  std::size_t sampled_pieces = 0;
  for (const std::vector<std::size_t>& stage : stages.pieces) {
    std::vector<Growth> left;
    for (const std::size_t growth : contenders.left()) left.push_back(growths[growth]);
    const bool last = &stage == &stages.pieces.back();
    CountTops(GrowthPlan(left), scale, stage,
              {contenders.left(), unsure, stages.strands, last ? nullptr : &screen});
    sampled_pieces += stage.size();
    if (last || screen.positives() == 0) continue;
    std::vector<Sampled> sampled(growths.size());
    for_each_(left.size(), [&](std::size_t i) {
      const std::size_t g = contenders.left()[i];
      sampled[g] = {BoundsOf(counts_[g], screen.positives(), unsure[g], harmonic_),
                    screen.InfluencesOf(g)};
    });
    contenders.GiveUp(sampled, static_cast<double>(sampled_pieces) / static_cast<double>(pieces()));
  }
  bounds.assign(bounds.size(), kGivenUp);
  for_each_(contenders.left().size(), [&](std::size_t i) {
    const std::size_t g = contenders.left()[i];
    if (g >= bounds.size()) return;  // a rival's
    bounds[g] = BoundsOf(counts_[g], positives_, unsure[g], harmonic_);
  });
  return bounds;
}

std::vector<std::vector<std::optional<double>>> EnsemblePool::ScoreBest(
    std::span<const BestOf> groups) const {
  std::vector<GapBounds> bounds;
  if (models_[0].size() >= fewest_to_bracket_) {
    bounds = Bracket(groups);
  } else {
    for (const BestOf& group : groups) bounds.resize(bounds.size() + group.growths.size());
  }

  std::vector<Contest> contests;
  std::vector<std::vector<std::optional<double>>> gaps;
  std::size_t first = 0;
  for (const BestOf& group : groups) {
    const std::size_t count = group.growths.size();
    contests.emplace_back(std::span(bounds).subspan(first, count), group.keep, group.at_least);
    gaps.emplace_back(count);
    first += count;
  }
  // Growths of all groups in one pass, those of one set one after the other.
  struct Asked {
    std::size_t group, growth;
  };
  for (;;) {
    std::vector<Asked> asked;
    std::vector<Growth> to_score;
    for (std::size_t group = 0; group < groups.size(); ++group) {
      for (const std::size_t growth : contests[group].Next()) {
        asked.push_back({group, growth});
        to_score.push_back(groups[group].growths[growth]);
      }
    }
    if (asked.empty()) return gaps;
    const std::vector<double> exact = Score(to_score);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      gaps[asked[i].group][asked[i].growth] = exact[i];
      contests[asked[i].group].Tell(asked[i].growth, exact[i]);
    }
  }
}

std::vector<std::optional<double>> EnsemblePool::ScoreBest(std::span<const Growth> growths,
                                                           std::size_t keep,
                                                           double at_least) const {
  return ScoreBest({{BestOf{growths, keep, at_least}}}).front();
}

}  // namespace beamgrid
