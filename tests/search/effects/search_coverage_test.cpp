// How often the intervals of effects hold where a search has chosen what is measured: it looks for
// high scores, and those it finds are the lucky ones too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>

#include "search/effects/effects.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "search/strategy.h"
#include "tests/search/effects/planted.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace search_coverage_test {

constexpr char kGrid[] =
    "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
    "[[grid.temporal]]\nuse = \"mean\"\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4, 8, 16]\n"
    "[grid.train]\nlearning_rate = [0.001, 0.002, 0.004]\n";
const std::vector<std::int32_t> kLevels = {3, 4, 3};
constexpr std::int64_t kEpochs = 8;
constexpr double kSeedNoise = 0.02, kEpochNoise = 0.005;

/// The first two parts interact; the third stands alone.
double Truth(const GridPoint& point) {
  return 0.7 + 0.02 * point[0] + 0.01 * (point[1] == 1) + 0.03 * (point[0] == 2 && point[1] == 2) -
         0.015 * point[2];
}

/// Trainings is trials of the planted grid: how lucky a seed is stays to its end.
class Trainings {
 public:
  explicit Trainings(std::uint64_t repetition) : random_(repetition) {}

  /// Returns the best score of the epochs up to `until`.
  double ScoreOf(const GridPoint& point, std::size_t seed, std::int64_t until) {
    std::vector<double>& curve = curves_[{point, seed}];
    if (curve.empty()) {
      const double end = Truth(point) + kSeedNoise * random_();
      const double speed = 0.3 + 0.4 * random_.Uniform();
      for (std::int64_t epoch = 1; epoch <= kEpochs; ++epoch) {
        const double missing = 0.1 * std::exp(-speed * static_cast<double>(epoch));
        curve.push_back(end - missing + kEpochNoise * random_());
      }
    }
    return *std::max_element(curve.begin(), curve.begin() + until);
  }

 private:
  Normals random_;
  std::map<std::pair<GridPoint, std::size_t>, std::vector<double>> curves_;
};

/// Carries a search out, the trials in the order in which they were asked for. Returns what was
/// trained to the end.
std::vector<MeasuredCombination> Search(const std::string& search, const std::string& seeds,
                                        std::int64_t repetition) {
  const Catalogue catalogue = TestCatalogue();
  std::string head = RecipeHead();
  const std::string study = "name = \"test\"\n";
  head.insert(head.find(study) + study.size(), "seeds = " + seeds + "\n");
  const std::string text = head + "[train]\nepochs = " + std::to_string(kEpochs) + "\n" + kGrid +
                           "[search]\n" + search + "seed = " + std::to_string(repetition) + "\n";
  const Recipe recipe = ParseRecipe(text, "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  const std::unique_ptr<Strategy> strategy = MakeStrategyFor(space, recipe);
  Trainings trainings(static_cast<std::uint64_t>(repetition));
  std::map<GridPoint, std::vector<double>> ends;
  std::deque<Candidate> open;
  while (true) {
    while (std::optional<Candidate> candidate = strategy->Ask()) open.push_back(*candidate);
    if (open.empty()) break;
    Candidate asked = std::move(open.front());
    open.pop_front();
    GridPoint point;
    const std::vector<std::int64_t> digits = *space.DigitsOf(asked.model);
    for (std::size_t axis = 0; axis < digits.size(); ++axis) {
      if (space.axes()[axis].size > 1) point.push_back(static_cast<std::int32_t>(digits[axis]));
    }
    Finding finding{.name = asked.name, .model = asked.model, .objective = 0, .size_bytes = 1};
    if (asked.seeds.empty()) {
      for (std::size_t seed = 0; seed < recipe.least_seeds; ++seed) asked.seeds.push_back(seed);
    }
    for (const std::size_t seed : asked.seeds) {
      const double score = trainings.ScoreOf(point, seed, asked.epochs.value_or(kEpochs));
      finding.scores.push_back(score);
      *finding.objective += score / static_cast<double>(asked.seeds.size());
      if (!asked.epochs) ends[point].push_back(score);
    }
    strategy->Tell(finding);
  }
  std::vector<MeasuredCombination> measured;
  for (auto& [point, scores] : ends) measured.push_back({point, std::move(scores)});
  return measured;
}

/// Levels that have a measurement; the command leaves out the others.
std::vector<std::vector<std::int32_t>> LevelsOf(const std::vector<MeasuredCombination>& measured) {
  std::vector<std::vector<std::int32_t>> kept(kLevels.size());
  for (std::size_t f = 0; f < kLevels.size(); ++f) {
    for (std::int32_t level = 0; level < kLevels[f]; ++level) {
      const auto has = [&](const MeasuredCombination& one) { return one.point[f] == level; };
      if (std::ranges::any_of(measured, has)) kept[f].push_back(level);
    }
  }
  return kept;
}

/// Returns the share of the intervals of main effects that hold, over searches with other seeds.
double CoverageOf(const std::string& search, const std::string& seeds) {
  constexpr int kRepetitions = 100;
  double hold = 0, intervals = 0;
  for (int repetition = 1; repetition <= kRepetitions; ++repetition) {
    EffectsQuestion question{.observations = Search(search, seeds, repetition), .proposals = 0};
    const auto kept = LevelsOf(question.observations);
    for (const auto& levels : kept) {
      question.levels.push_back(static_cast<std::int32_t>(levels.size()));
    }
    for (MeasuredCombination& one : question.observations) {
      for (std::size_t f = 0; f < kept.size(); ++f) {
        const auto level = std::ranges::find(kept[f], one.point[f]);
        one.point[f] = static_cast<std::int32_t>(level - kept[f].begin());
      }
    }
    const auto truth = [&](GridPoint point) {
      for (std::size_t f = 0; f < kept.size(); ++f) {
        point[f] = kept[f][static_cast<std::size_t>(point[f])];
      }
      return Truth(point);
    };
    const std::vector<GridPoint> points = AllPoints(question.levels);
    const Effects effects = FindEffects(question);
    for (std::size_t f = 0; f < kept.size(); ++f) {
      for (std::int32_t level = 0; kept[f].size() > 1 && level < question.levels[f]; ++level) {
        const double planted =
            PlainEffect(points, truth, [&](const GridPoint& point) { return point[f] == level; });
        const ConfidenceInterval& interval =
            *effects.factors[f].levels[static_cast<std::size_t>(level)].effect->interval;
        hold += interval.low <= planted && planted <= interval.high ? 1 : 0;
        ++intervals;
      }
    }
  }
  EXPECT_GT(intervals, 900);
  testing::Test::RecordProperty(search + seeds, std::to_string(hold / intervals));
  return hold / intervals;
}

/// Over 600 repetitions: 0.920 with one seed, 0.975 with two; of points drawn at random 0.901 and
/// 0.969.
TEST(SearchCoverage, OfModelIsNearNominal) {
  const std::string search = "strategy = \"model\"\nparallel = 4\n";
  EXPECT_GE(CoverageOf(search + "budget = 18\n", "[1]"), 0.88);
  EXPECT_GE(CoverageOf(search + "budget = 36\n", "[1, 2]"), 0.93);
}

/// Over 600 repetitions: 0.946 with two seeds; with one, 0.848, for the luck by which a model is
/// kept stays with it.
TEST(SearchCoverage, OfHalvingWithTwoSeedsIsNearNominal) {
  const std::string search = "strategy = \"halving\"\nmin_epochs = 4\ncandidates = 36\n";
  EXPECT_GE(CoverageOf(search, "[1, 2]"), 0.90);
}

}  // namespace search_coverage_test
}  // namespace beamgrid
