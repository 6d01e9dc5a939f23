// The search by a Gaussian process on planted objectives: what it asks for, in which order, and why
// it stops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kModelGrid =
    "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3, 4]\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5]\n"
    "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n"
    "[grid.train]\nbatch = [1, 2, 3]\n";

std::string RecipeOf(const std::string& grid, const std::string& search) {
  return RecipeHead() + grid + "[search]\nstrategy = \"model\"\n" + search;
}

/// An answer to a question: its scores, none where it failed.
using Answer = std::function<std::optional<double>(const ModelSpec&)>;

double OptionOf(const ModelSpec& model, const std::string& criterion, const std::string& name) {
  return model.parts.at(criterion).options.at(name).to_number<double>();
}

/// Best: gru with 3, moe with 4, sum, batch 2.
std::optional<double> Peak(const ModelSpec& model) {
  const double hidden = OptionOf(model, "temporal", "hidden");
  const double experts = OptionOf(model, "classifier", "experts");
  const double batch = model.train.at("batch").to_number<double>();
  return 10 - std::abs(hidden - 3) - std::abs(experts - 4) - std::abs(batch - 2) +
         (model.parts.at("multimodal").component == "sum" ? 0.5 : 0);
}

class ModelSearch {
 public:
  explicit ModelSearch(const std::string& text)
      : catalogue_(TestCatalogue()),
        recipe_(ParseRecipe(text, "r.toml", catalogue_)),
        space_(recipe_, catalogue_),
        strategy_(MakeStrategyFor(space_, recipe_)) {}

  Strategy* operator->() { return strategy_.get(); }
  const SearchSpace& space() const { return space_; }

  void Tell(const Candidate& candidate, const std::vector<double>& scores, double seconds = 1) {
    Finding finding{.name = candidate.name, .model = candidate.model};
    finding.scores = scores;
    finding.seconds = seconds;
    finding.is_refused = seconds == 0;
    if (!scores.empty()) {
      double sum = 0;
      for (const double score : scores) sum += score;
      finding.objective = sum / static_cast<double>(scores.size());
    }
    strategy_->Tell(finding);
  }

  void Tell(const Candidate& candidate, const Answer& answer) {
    const std::optional<double> score = answer(candidate.model);
    Tell(candidate, score ? std::vector{*score} : std::vector<double>{});
  }

  /// Names in the order of the questions. Answers come as `random` will have it, one after the
  /// other.
  std::vector<std::string> Run(const Answer& answer, unsigned order = 0, std::size_t most = 1000) {
    std::mt19937 random(order);
    std::vector<std::string> names;
    std::vector<Candidate> open;
    while (names.size() < most) {
      while (auto candidate = strategy_->Ask()) {
        EXPECT_FALSE(space_.Excluded(candidate->model)) << candidate->name;
        EXPECT_THAT(candidate->why, Not(IsEmpty()));
        names.push_back(candidate->name);
        models_.push_back(candidate->model);
        open.push_back(std::move(*candidate));
      }
      largest_open_ = std::max(largest_open_, open.size());
      if (open.empty()) break;
      const std::size_t next = order == 0 ? 0 : random() % open.size();
      const Candidate candidate = open[next];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(next));
      Tell(candidate, answer);
    }
    if (names.size() < most) {
      EXPECT_TRUE(strategy_->finished());
    }
    return names;
  }

  [[nodiscard]] const std::vector<ModelSpec>& models() const { return models_; }
  [[nodiscard]] std::size_t largest_open() const { return largest_open_; }

 private:
  Catalogue catalogue_;
  Recipe recipe_;
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<ModelSpec> models_;
  std::size_t largest_open_ = 0;
};

TEST(ModelStrategy, FirstDesignCoversEveryCandidate) {
  ModelSearch search(RecipeOf(kModelGrid, "budget = 5\nparallel = 1\n"));
  EXPECT_EQ(search.Run(Peak).size(), 5);
  std::set<double> hidden;
  std::set<double> experts;
  std::set<double> batch;
  std::set<std::string> multimodal;
  for (const ModelSpec& model : search.models()) {
    hidden.insert(OptionOf(model, "temporal", "hidden"));
    experts.insert(OptionOf(model, "classifier", "experts"));
    batch.insert(model.train.at("batch").to_number<double>());
    multimodal.insert(model.parts.at("multimodal").component);
  }
  EXPECT_EQ(hidden.size(), 4);
  EXPECT_EQ(experts.size(), 5);
  EXPECT_EQ(batch.size(), 3);
  EXPECT_EQ(multimodal.size(), 2);
}

TEST(ModelStrategy, FindsThePeakInAFifthOfTheGrid) {
  for (const int parallel : {1, 8}) {
    int found = 0;
    for (int seed = 1; seed <= 10; ++seed) {
      ModelSearch search(
          RecipeOf(kModelGrid, "budget = 24\nparallel = " + std::to_string(parallel) +
                                   "\nseed = " + std::to_string(seed) + "\n"));
      const auto names = search.Run(Peak);
      EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
      EXPECT_LE(names.size(), 24);
      found += search->Choice() == "MS-GRU-h3-MoE4-B2" ? 1 : 0;
    }
    // By chance: 24 of 120 models, 2 of 10 searches.
    EXPECT_GE(found, 8) << "parallel = " << parallel;
  }
}

TEST(ModelStrategy, AsksTheSameWhateverTheOrderOfTheAnswers) {
  std::mt19937 noise(1);
  std::map<std::string, double> scores;
  const auto answer = [&](const ModelSpec& model) -> std::optional<double> {
    const std::string key = CanonicalJson(ToJson(model));
    if (!scores.contains(key)) {
      scores[key] = *Peak(model) + 0.1 * static_cast<double>(noise() % 100) / 100;
    }
    if (OptionOf(model, "temporal", "hidden") == 1) return std::nullopt;
    return scores[key];
  };
  const std::string text = RecipeOf(kModelGrid, "budget = 40\nparallel = 5\n");
  ModelSearch first(text);
  const auto names = first.Run(answer);
  EXPECT_EQ(first.largest_open(), 5);
  for (unsigned order = 1; order <= 20; ++order) {
    ModelSearch again(text);
    EXPECT_EQ(again.Run(answer, order), names) << order;
    EXPECT_EQ(again->Choice(), first->Choice());
    EXPECT_EQ(again->Decisions(), first->Decisions());
  }
}

TEST(ModelStrategy, AQuestionWaitsOnlyForTheAnswersItHasToKnow) {
  ModelSearch search(RecipeOf(kModelGrid, "budget = 40\nparallel = 3\n"));
  std::vector<Candidate> open;
  while (auto candidate = search->Ask()) open.push_back(*candidate);
  ASSERT_EQ(open.size(), 3);
  search.Tell(open[2], Peak);
  search.Tell(open[1], Peak);
  EXPECT_FALSE(search->Ask());
  search.Tell(open[0], Peak);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(search->Ask());
  EXPECT_FALSE(search->Ask());
}

TEST(ModelStrategy, StopsWhereLittleIsExpectedAndSaysSo) {
  ModelSearch search(RecipeOf(kModelGrid, "parallel = 1\n"));
  std::mt19937 noise(1);
  const auto flat = [&](const ModelSpec& model) -> std::optional<double> {
    return *Peak(model) + static_cast<double>(noise() % 1000) / 1000;
  };
  const auto names = search.Run(flat);
  EXPECT_LT(names.size(), 110);
  EXPECT_GT(names.size(), 8);
  EXPECT_THAT(search->Decisions(), Contains(AllOf(HasSubstr("of the seed noise of "),
                                                  HasSubstr(", by what was known then"))));
}

TEST(ModelStrategy, TriesEveryModelOnceWhereTheBudgetHasRoom) {
  ModelSearch search(
      RecipeOf("[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3]\n"
               "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2]\n",
               "budget = 100\n"));
  const auto names = search.Run([](const ModelSpec& model) -> std::optional<double> {
    return OptionOf(model, "temporal", "hidden") * OptionOf(model, "classifier", "experts");
  });
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  EXPECT_LE(names.size(), 6);
  EXPECT_EQ(search->Choice(), "MC-GRU-h3-MoE2");
}

TEST(ModelStrategy, HoldsWithOneModel) {
  ModelSearch one(RecipeOf("", ""));
  EXPECT_EQ(one.Run([](const ModelSpec&) { return std::optional(0.5); }).size(), 1);
  EXPECT_TRUE(one->Choice());
}

TEST(ModelStrategy, HoldsWithEqualScoresAndWithoutAny) {
  for (const bool fails : {false, true}) {
    ModelSearch search(RecipeOf(kModelGrid, "budget = 30\n"));
    const auto names =
        search.Run([&](const ModelSpec&) { return fails ? std::nullopt : std::optional(0.25); });
    EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
    EXPECT_LE(names.size(), 30);
    EXPECT_EQ(search->Choice().has_value(), !fails);
    for (const std::string& decision : search->Decisions()) {
      EXPECT_THAT(decision, Not(HasSubstr("nan")));
    }
  }
}

TEST(ModelStrategy, AvoidsWhatFails) {
  ModelSearch search(RecipeOf(kModelGrid, "budget = 40\nparallel = 1\n"));
  search.Run([](const ModelSpec& model) -> std::optional<double> {
    if (model.parts.at("multimodal").component == "sum") return std::nullopt;
    return Peak(model);
  });
  int failed = 0;
  for (std::size_t i = 8; i < search.models().size(); ++i) {
    failed += search.models()[i].parts.at("multimodal").component == "sum" ? 1 : 0;
  }
  EXPECT_LT(failed, static_cast<int>(search.models().size() - 8) / 4);
}

TEST(ModelStrategy, CountsEachSeedAndNothingForWhatWasRefused) {
  std::string text = RecipeOf(kModelGrid, "budget = 30\nparallel = 4\n");
  text.insert(text.find("[data]"), "seeds = [1, 2, 3]\n");
  ModelSearch search(text);
  int trained = 0;
  int refused = 0;
  std::vector<Candidate> open;
  while (true) {
    while (auto candidate = search->Ask()) open.push_back(*candidate);
    if (open.empty()) break;
    const Candidate candidate = open.front();
    open.erase(open.begin());
    if (candidate.model.parts.at("multimodal").component == "sum") {
      ++refused;
      search.Tell(candidate, {}, 0);
    } else {
      ++trained;
      // Without noise there is always something to gain.
      const double score = *Peak(candidate.model);
      search.Tell(candidate, {score, score, score});
    }
  }
  EXPECT_TRUE(search->finished());
  EXPECT_EQ(trained, 10);
  EXPECT_GT(refused, 0);
}

TEST(ModelStrategy, CountsEachSeedOfWhatFailedInOne) {
  std::string text = RecipeOf(kModelGrid, "budget = 30\nparallel = 4\n");
  text.insert(text.find("[data]"), "seeds = [1, 2, 3]\n");
  ModelSearch search(text);
  int trained = 0;
  std::vector<Candidate> open;
  while (true) {
    while (auto candidate = search->Ask()) open.push_back(*candidate);
    if (open.empty()) break;
    const Candidate candidate = open.front();
    open.erase(open.begin());
    ++trained;
    const double score = *Peak(candidate.model);
    Finding finding{.name = candidate.name, .model = candidate.model, .seconds = 1};
    finding.scores = {score};
    if (trained % 2 == 0) {
      finding.scores = {score, score, score};
      finding.objective = score;
    }
    search->Tell(finding);
  }
  EXPECT_TRUE(search->finished());
  EXPECT_EQ(trained, 10);
}

TEST(ModelStrategy, KeepsToTheHours) {
  ModelSearch search(RecipeOf(kModelGrid, "gpu_hours = 2\nparallel = 4\n"));
  int asked = 0;
  std::vector<Candidate> open;
  while (!search->finished()) {
    while (auto candidate = search->Ask()) open.push_back(*candidate);
    if (open.empty()) break;
    search.Tell(open.front(), {*Peak(open.front().model)}, 600);
    open.erase(open.begin());
    ++asked;
  }
  EXPECT_TRUE(search->finished());
  EXPECT_EQ(asked, 12);
  EXPECT_THAT(search->Decisions(), Contains(HasSubstr("the budget of 2.00 GPU-hours")));
}

TEST(ModelStrategy, SaysFewHoursAsTheyAre) {
  ModelSearch search(RecipeOf(kModelGrid, "gpu_hours = 0.0004\nparallel = 1\n"));
  while (auto candidate = search->Ask()) search.Tell(*candidate, {*Peak(candidate->model)}, 1);
  EXPECT_THAT(search->Decisions().front(), HasSubstr("the budget of 0.0004 GPU-hours"));
}

/// A study that goes on is answered at once, whatever the record holds: it ends where it ended.
TEST(ModelStrategy, WithHoursAsksTheSameWhenAllIsKnown) {
  std::map<std::string, double> took;
  for (int seed = 1; seed <= 30; ++seed) {
    const std::string text =
        RecipeOf(kModelGrid, "gpu_hours = 2\nparallel = 4\nseed = " + std::to_string(seed) + "\n");
    std::mt19937 random(static_cast<unsigned>(seed));
    std::vector<std::string> asked, again;
    ModelSearch search(text);
    std::vector<Candidate> open;
    while (true) {
      while (auto candidate = search->Ask()) {
        asked.push_back(candidate->name);
        open.push_back(std::move(*candidate));
      }
      if (open.empty()) break;
      const double seconds = static_cast<double>(100 + random() % 1000);
      took[open.front().name] = seconds;
      search.Tell(open.front(), {*Peak(open.front().model)}, seconds);
      open.erase(open.begin());
    }
    EXPECT_TRUE(search->finished());
    ModelSearch known(text);
    while (auto candidate = known->Ask()) {
      again.push_back(candidate->name);
      const auto seconds = took.find(candidate->name);
      ASSERT_NE(seconds, took.end()) << candidate->name << " was not asked for before";
      known.Tell(*candidate, {*Peak(candidate->model)}, seconds->second);
    }
    EXPECT_EQ(again, asked) << "seed " << seed;
    EXPECT_EQ(known->Decisions(), search->Decisions()) << "seed " << seed;
  }
}

TEST(ModelStrategy, LaterSeedsOfAModelChangeTheChoiceAndNotTheQuestions) {
  const std::string text = RecipeOf(kModelGrid, "budget = 24\nparallel = 1\n");
  ModelSearch plain(text);
  const auto names = plain.Run(Peak);
  ModelSearch raced(text);
  std::vector<std::string> asked;
  std::optional<Candidate> first;
  while (auto candidate = raced->Ask()) {
    asked.push_back(candidate->name);
    raced.Tell(*candidate, Peak);
    if (!first) first = candidate;
    // The same answer again, with more seeds.
    if (asked.size() == 10) raced.Tell(*first, {100, 100, 100, 100});
  }
  EXPECT_EQ(asked, names);
  EXPECT_EQ(raced->Choice(), first->name);
}

TEST(ModelStrategy, RefusesABudgetThatCannotTryEachCandidate) {
  const auto mistake = [](const std::string& text) -> std::string {
    try {
      (void)ParseRecipe(text, "r.toml", TestCatalogue());
    } catch (const RecipeError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(mistake(RecipeOf(kModelGrid, "budget = 4\n")),
              testing::AllOf(HasSubstr("r.toml:"), HasSubstr("search.budget"),
                             HasSubstr("classifier has 5 candidates"), HasSubstr("budget = 5")));
  EXPECT_EQ(mistake(RecipeOf(kModelGrid, "budget = 5\n")), "");
  EXPECT_EQ(mistake(RecipeOf(kModelGrid, "")), "");
  EXPECT_THAT(mistake(RecipeOf(kModelGrid, "parallel = 0\n")), HasSubstr("search.parallel"));
}

TEST(ModelStrategy, SearchesSpacesThatCannotBeListed) {
  std::string list;
  for (int i = 1; i <= 60; ++i) list += std::to_string(i) + ",";
  const std::string grid = "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [" + list +
                           "]\nhidden = [" + list + "]\nframe_projection = [" + list +
                           "]\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [" + list +
                           "]\n[grid.train]\nbatch = [" + list + "]\nepochs = [" + list +
                           "]\n[[exclude]]\ntrain.batch = 30\n";
  ModelSearch search(RecipeOf(grid, "parallel = 2\n"));
  EXPECT_GT(search.space().size(), 10'000'000'000);
  double best = -1e9;
  const auto names = search.Run(
      [&](const ModelSpec& model) -> std::optional<double> {
        const double score = -std::abs(OptionOf(model, "classifier", "experts") - 20) -
                             std::abs(model.train.at("batch").to_number<double>() - 40);
        best = std::max(best, score);
        return score;
      },
      0, 80);
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  // Eighty draws come within 2 of the peak once in four times.
  EXPECT_GE(best, -2);
}

}  // namespace
}  // namespace beamgrid
