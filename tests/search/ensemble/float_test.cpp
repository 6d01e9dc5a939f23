// What the beam's floating finds beyond the beam.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "search/ensemble/search.h"
#include "tests/search/ensemble/ensemble_support.h"
#include "tests/support/shared_data.h"

namespace beamgrid {
namespace float_test {

using testing::ElementsAre;

/// Searched is a pool with a problem over it.
struct Searched {
  std::vector<AlignedModel> aligned;
  EnsemblePool pool;
  SearchProblem problem;

  Searched(const std::vector<EnsembleModel>& models, std::int64_t size_limit, std::int64_t members,
           ScoreDomain combine = ScoreDomain::kLogits)
      : Searched(AlignModels(models), size_limit, members, combine) {}
  Searched(std::vector<AlignedModel> models, std::int64_t size_limit, std::int64_t members,
           ScoreDomain combine)
      : aligned(std::move(models)),
        pool(aligned, std::vector<double>(aligned.size(), 1.0), Combination(combine),
             Missing::kZero, members) {
    problem = {.pool = &pool, .size_limit = size_limit, .members = members, .beam_width = 4};
    for (const AlignedModel& model : aligned) {
      if (model.model->size_bytes <= size_limit) {
        problem.candidates.push_back(static_cast<int>(problem.sizes.size()));
      }
      problem.sizes.push_back(model.model->size_bytes);
      problem.single_gaps.push_back(SingleGap(model));
    }
  }
};

/// The beam without floating.
ScoredSet PlainBeam(const SearchProblem& problem) {
  const auto size_of = [&](int model) { return problem.sizes[static_cast<std::size_t>(model)]; };
  const auto keep = [&](std::vector<ScoredSet>& beam) {
    std::ranges::sort(beam, Better);
    const auto width = static_cast<std::size_t>(problem.beam_width);
    if (beam.size() > width) beam.resize(width);
  };
  std::vector<ScoredSet> beam;
  for (const int model : problem.candidates) {
    beam.push_back({{model}, size_of(model), problem.single_gaps[static_cast<std::size_t>(model)]});
  }
  keep(beam);
  ScoredSet best = beam[0];
  for (std::int64_t members = 2; members <= problem.members && !beam.empty(); ++members) {
    std::set<ModelSet> seen;
    std::vector<ScoredSet> next;
    for (const ScoredSet& state : beam) {
      for (const int model : problem.candidates) {
        ModelSet grown = state.models;
        if (std::ranges::find(grown, model) != grown.end()) continue;
        grown.push_back(model);
        std::ranges::sort(grown);
        const std::int64_t size = state.size_bytes + size_of(model);
        if (size > problem.size_limit || !seen.insert(grown).second) continue;
        next.push_back({grown, size, problem.pool->ScoreExtensions(state.models, {model})[0]});
        if (Better(next.back(), best)) best = next.back();
      }
    }
    beam = std::move(next);
    keep(beam);
  }
  return best;
}

/// A model with two labels a video, of which 0 is true: the scores of both, video after video.
EnsembleModel TwoLabels(const std::string& name, const std::vector<std::pair<double, double>>& to) {
  EnsembleModel model{.name = name, .size_bytes = 1};
  for (std::size_t v = 0; v < to.size(); ++v) {
    std::vector<ScoredLabelDouble> top = {{0, to[v].first}, {1, to[v].second}};
    std::ranges::sort(top, RanksBefore<ScoredLabelDouble>);
    model.predictions.videos.push_back({"v" + std::to_string(v), top, {0}});
  }
  return model;
}

TEST(Floating, FindsThePairThatTheBestSingleHides) {
  // Each of b and c is right about one half of the videos and wrong about the other: together about
  // all. a alone is better than either, and worse beside one of them.
  std::vector<std::pair<double, double>> a(8, {0.6, 0.5});
  a[7] = {0.5, 0.6};
  std::vector<std::pair<double, double>> b(8, {0.9, 0.1}), c(8, {0.2, 0.8});
  for (std::size_t v = 4; v < 8; ++v) std::swap(b[v], c[v]);
  Searched searched({TwoLabels("a", a), TwoLabels("b", b), TwoLabels("c", c)}, 10, 2,
                    ScoreDomain::kProbabilities);
  searched.problem.beam_width = 1;
  EXPECT_THAT(PlainBeam(searched.problem).models, testing::Contains(0));
  const SearchResult found = SearchEnsembles(EnsembleSearch::kBeam, searched.problem);
  EXPECT_THAT(found.best.models, ElementsAre(1, 2));
  EXPECT_EQ(found.best.gap, 1);
}

TEST(Floating, IsNeverWorseThanTheBeamAloneAndBetterInSomePools) {
  int better = 0;
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    Searched searched(
        PlantPool({.models = 10, .videos = 20, .classes = 12, .list_length = 8}, seed), 500, 5);
    searched.problem.beam_width = 1 + seed % 3;
    const ScoredSet plain = PlainBeam(searched.problem);
    searched.pool.set_fewest_to_bracket(seed % 2 == 0 ? 1 : 1000);
    const SearchResult found = SearchEnsembles(EnsembleSearch::kBeam, searched.problem);
    EXPECT_FALSE(Better(plain, found.best)) << seed;
    if (found.best.gap > plain.gap) ++better;
    std::int64_t size = 0;
    for (const int model : found.best.models) {
      size += searched.problem.sizes[static_cast<std::size_t>(model)];
    }
    EXPECT_EQ(found.best.size_bytes, size);
    EXPECT_LE(size, 500);
    EXPECT_LE(std::ssize(found.best.models), 5);
  }
  EXPECT_GE(better, 3);
}

TEST(Floating, IsNeverWorseOnTheNineRealModels) {
  const auto shared = SharedData();
  if (!shared) GTEST_SKIP() << "no shared data";
  const auto folder = *shared / "data" / "predictions";
  EnsembleModels pool(ReadTruthCsv(folder / "truth.csv"), VideoSet::kCommon);
  std::int64_t size = 10;
  for (const char* name : {"framelevel_all", "framelevel_audio", "framelevel_mlp_all",
                           "framelevel_mlp_audio", "framelevel_mlp_rgb", "framelevel_rgb",
                           "logistic_video_audio", "logistic_video_both", "logistic_video_rgb"}) {
    pool.AddFile(name, size += 10, ReadPredictionsCsv(folder / (std::string(name) + ".csv")));
  }
  // A share of the videos: all of them would take long without optimisation.
  const auto models =
      Restrict(pool.Aligned(), [](const std::string& id) { return InHoldout(id, 0.2); });
  for (std::int64_t members = 1; members <= 9; ++members) {
    for (const std::int64_t size_limit : {100, 200, 600}) {
      Searched searched(models, size_limit, members, ScoreDomain::kProbabilities);
      const ScoredSet plain = PlainBeam(searched.problem);
      const ScoredSet found = SearchEnsembles(EnsembleSearch::kBeam, searched.problem).best;
      EXPECT_FALSE(Better(plain, found)) << members << " of " << size_limit;
    }
  }
}

/// Reference is the beam that floats, written plainly: each set is scored by itself when its turn
/// comes.
class Reference {
 public:
  explicit Reference(const SearchProblem& problem) : problem_(problem) {}

  ScoredSet Search() {
    std::vector<ScoredSet> beam;
    for (const int model : problem_.candidates) beam.push_back(Scored({model}));
    Keep(beam);
    for (std::int64_t members = 2; members <= problem_.members; ++members) {
      std::vector<ScoredSet> next;
      for (const ScoredSet& state : beam) Grow(state.models, next);
      beam = std::move(next);
      Keep(beam);
    }
    Float();
    return best_;
  }
  [[nodiscard]] std::int64_t evaluated() const { return evaluated_; }

 private:
  void Float() {
    const std::int64_t most = 2 * evaluated_;
    for (ScoredSet state; state.models != best_.models && evaluated_ < most;) {
      state = best_;
      ScoreNeighbours(state.models);
    }
    std::int64_t members = 2;
    while (best_of_.contains(members) && evaluated_ < most) {
      const ModelSet state = best_of_.at(members).models;
      const ModelSet smaller = best_of_.at(members - 1).models;
      ScoreNeighbours(state);
      if (members > 2 && best_of_.at(members - 1).models != smaller) {
        --members;
      } else if (best_of_.at(members).models == state) {
        ++members;
      }
    }
  }

  void ScoreNeighbours(const ModelSet& state) {
    std::vector<ScoredSet> scored;
    if (std::ssize(state) < problem_.members) Grow(state, scored);
    for (std::size_t i = 0; state.size() > 1 && i < state.size(); ++i) {
      ModelSet rest = state;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      Grow(rest, scored);
      if (rest.size() > 1 && seen_.insert(rest).second) Scored(rest);
    }
  }

  void Grow(const ModelSet& state, std::vector<ScoredSet>& scored) {
    for (const int model : problem_.candidates) {
      ModelSet grown = state;
      if (std::ranges::find(grown, model) != grown.end()) continue;
      grown.insert(std::ranges::upper_bound(grown, model), model);
      if (SizeOf(grown) > problem_.size_limit || !seen_.insert(grown).second) continue;
      scored.push_back(Scored(grown));
    }
  }

  [[nodiscard]] std::int64_t SizeOf(const ModelSet& set) const {
    std::int64_t size = 0;
    for (const int model : set) size += problem_.sizes[static_cast<std::size_t>(model)];
    return size;
  }

  ScoredSet Scored(const ModelSet& set) {
    ++evaluated_;
    ScoredSet scored{set, SizeOf(set)};
    const ModelSet rest(set.begin(), set.end() - 1);
    scored.gap = rest.empty() ? problem_.single_gaps[static_cast<std::size_t>(set[0])]
                              : problem_.pool->ScoreExtensions(rest, {set.back()})[0];
    if (best_.models.empty() || Better(scored, best_)) best_ = scored;
    const auto [best, first] = best_of_.try_emplace(std::ssize(set), scored);
    if (!first && Better(scored, best->second)) best->second = scored;
    return scored;
  }

  void Keep(std::vector<ScoredSet>& beam) const {
    std::ranges::sort(beam, Better);
    const auto width = static_cast<std::size_t>(problem_.beam_width);
    if (beam.size() > width) beam.resize(width);
  }

  const SearchProblem& problem_;
  ScoredSet best_;
  std::set<ModelSet> seen_;
  std::map<std::int64_t, ScoredSet> best_of_;
  std::int64_t evaluated_ = 0;
};

TEST(Floating, GoesTheWayOfThePlainSearchToTheLastBit) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    // Some with many equal scores, of few videos: there floating finds more.
    Searched searched(PlantPool({.models = 11,
                                 .videos = seed % 2 == 0 ? 12 : 40,
                                 .classes = 12,
                                 .list_length = 8,
                                 .step = seed % 3 == 0 ? 0.25 : 0},
                                seed),
                      300 + 100 * (seed % 5), 1 + seed % 6, ScoreDomain::kProbabilities);
    searched.problem.beam_width = 1 + seed % 4;
    Reference reference(searched.problem);
    const ScoredSet expected = reference.Search();
    for (const bool bracketed : {false, true}) {
      for (const bool frontier : {false, true}) {
        searched.pool.set_fewest_to_bracket(bracketed ? 0 : 1000);
        searched.problem.frontier = frontier;
        const SearchResult found = SearchEnsembles(EnsembleSearch::kBeam, searched.problem);
        EXPECT_EQ(found.best.models, expected.models) << seed;
        EXPECT_EQ(found.best.gap, expected.gap) << seed;
        EXPECT_EQ(found.best.size_bytes, expected.size_bytes) << seed;
        EXPECT_EQ(found.evaluated, reference.evaluated()) << seed;
      }
    }
  }
}

TEST(CountSets, CountsThoseThatFit) {
  Searched searched(PlantPool({.models = 6, .videos = 2}, 1), 1000, 3);
  SearchProblem& problem = searched.problem;
  problem.sizes = {1, 2, 3, 4, 5, 6};
  problem.size_limit = 6;
  // Six alone; 12, 13, 14, 15, 23, 24; 123.
  EXPECT_EQ(CountSets(problem), 6 + 6 + 1);
  problem.members = 2;
  EXPECT_EQ(CountSets(problem), 6 + 6);
  EXPECT_EQ(CountSets(problem, 10), 11) << "more than 10, whatever they are";
  EXPECT_EQ(CountSets(problem, 12), 12);
  problem.candidates = {1, 3, 5};
  EXPECT_EQ(CountSets(problem), 3 + 1);
  problem.size_limit = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(CountSets(problem), 3 + 3);
}

TEST(Frontier, IsTheBestScoredSetForEverySizeLimit) {
  Searched searched(PlantPool({.models = 7, .videos = 30, .classes = 20, .list_length = 12}, 4),
                    500, 4);
  searched.problem.frontier = true;
  searched.pool.set_fewest_to_bracket(1);  // which must not leave anything out
  const SearchResult all = SearchEnsembles(EnsembleSearch::kExhaustive, searched.problem);
  const std::vector<ScoredSet> frontier = all.frontier.sets();
  EXPECT_EQ(frontier.back().models, all.best.models);
  for (std::int64_t limit = 90; limit <= 500; limit += 7) {
    searched.problem.size_limit = limit;
    std::erase_if(searched.problem.candidates, [&](int model) {
      return searched.problem.sizes[static_cast<std::size_t>(model)] > limit;
    });
    const ScoredSet* expected = nullptr;
    for (const ScoredSet& set : frontier) {
      if (set.size_bytes <= limit) expected = &set;
    }
    if (searched.problem.candidates.empty()) {
      EXPECT_EQ(expected, nullptr);
    } else {
      ASSERT_NE(expected, nullptr);
      EXPECT_EQ(SearchEnsembles(EnsembleSearch::kExhaustive, searched.problem).best.models,
                expected->models)
          << limit;
    }
    searched.problem.candidates = {0, 1, 2, 3, 4, 5, 6};
  }
}

TEST(Frontier, KeepsNoSetThatASmallerOneEquals) {
  Frontier frontier;
  frontier.Add({{0, 1}, 20, 0.5});
  frontier.Add({{2}, 10, 0.5});
  frontier.Add({{3}, 10, 0.5});
  frontier.Add({{4}, 30, 0.6});
  frontier.Add({{5}, 25, 0.6});
  frontier.Add({{6}, 40, 0.4});
  const std::vector<ScoredSet> sets = frontier.sets();
  ASSERT_EQ(sets.size(), 2U);
  EXPECT_EQ(sets[0].models, ModelSet{2});
  EXPECT_EQ(sets[1].models, ModelSet{5});
}

}  // namespace float_test
}  // namespace beamgrid
