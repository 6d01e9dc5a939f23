// The three searches against an enumeration that shares nothing with them but Combine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "registry/util/error.h"
#include "registry/util/threads.h"
#include "search/ensemble/search.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

struct Best {
  double gap = -1;
  std::int64_t size_bytes = 0;
  std::vector<std::string> names;
  std::int64_t sets = 0;
};

/// All subsets by bit mask, uniform weights, ties as the header says.
Best BruteForce(const PoolQuestion& question) {
  const auto& models = question.models;  // in the order of their names
  Best best;
  for (std::uint32_t mask = 1; mask < 1U << models.size(); ++mask) {
    std::vector<const Predictions*> members;
    Best set;
    for (std::size_t m = 0; m < models.size(); ++m) {
      if ((mask >> m & 1) == 0) continue;
      members.push_back(&models[m].predictions);
      set.names.push_back(models[m].name);
      set.size_bytes += models[m].size_bytes;
    }
    if (set.size_bytes > question.size_limit || std::ssize(members) > question.members) continue;
    ++best.sets;
    const std::vector<double> weights(members.size(), 1.0);
    set.gap = ScoreOf(Combine(members, weights, question.combine, question.missing, kGapTop)).gap;
    const bool equal = std::abs(set.gap - best.gap) < 1e-13;
    const bool better =
        equal ? std::tie(set.size_bytes, set.names) < std::tie(best.size_bytes, best.names)
              : set.gap > best.gap;
    if (!better) continue;
    set.sets = best.sets;
    best = set;
  }
  return best;
}

PoolQuestion RandomQuestion(std::uint32_t seed) {
  std::mt19937 random(seed);
  PoolShape shape{.models = 2 + static_cast<int>(random() % 6), .videos = 25};
  shape.classes = 8 + static_cast<int>(random() % 30);
  shape.list_length = 3 + static_cast<int>(random() % 25);
  shape.step = random() % 2 == 0 ? 0 : 0.1;
  PoolQuestion question(PlantPool(shape, seed));
  question.missing = random() % 2 == 0 ? Missing::kZero : Missing::kLastOfList;
  question.combine = random() % 2 == 0 ? ScoreDomain::kLogits : ScoreDomain::kProbabilities;
  question.weights = Weighting::kUniform;
  question.size_limit = 199 + static_cast<std::int64_t>(random() % 700);
  question.members = 1 + static_cast<std::int64_t>(random() % 6);
  return question;
}

TEST(EnsembleSearch, ExhaustiveAndWideBeamFindWhatBruteForceFinds) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    PoolQuestion question = RandomQuestion(seed);
    const Best expected = BruteForce(question);
    for (const EnsembleSearch search : {EnsembleSearch::kExhaustive, EnsembleSearch::kBeam}) {
      question.search = search;
      question.beam_width = 1000;
      const EnsembleAnswer answer = FindEnsemble(question);
      EXPECT_EQ(NamesOf(answer), expected.names)
          << WordFor(kEnsembleSearches, search) << " " << seed;
      EXPECT_EQ(answer.size_bytes, expected.size_bytes);
      EXPECT_NEAR(answer.selection_gap, expected.gap, 1e-12);
      EXPECT_EQ(answer.evaluated, expected.sets)
          << WordFor(kEnsembleSearches, search) << ": each set once";
    }
  }
}

/// The search over a pool of which all growths are bracketed first, or none.
SearchResult SearchWith(const PoolQuestion& question, bool brackets, int threads) {
  const std::vector<AlignedModel> models = AlignModels(question.models);
  const std::vector<double> gaps = SingleGaps(models, Serially);
  EnsemblePool pool(
      models, question.weights == Weighting::kGap ? gaps : std::vector(gaps.size(), 1.0),
      Combination(question.combine), question.missing, MaxTerms(question.search, question.members),
      [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
        ForEachOnThreads(threads, count, body);
      });
  pool.set_fewest_to_bracket(brackets ? 0 : std::numeric_limits<std::size_t>::max());
  SearchProblem problem{.pool = &pool,
                        .single_gaps = gaps,
                        .size_limit = question.size_limit,
                        .members = question.members,
                        .beam_width = question.beam_width};
  for (const EnsembleModel& model : question.models) {
    problem.candidates.push_back(static_cast<int>(problem.sizes.size()));
    problem.sizes.push_back(model.size_bytes);
  }
  return SearchEnsembles(question.search, problem);
}

TEST(EnsembleSearch, BracketsAndThreadsNeverChangeTheWinner) {
  for (std::uint32_t seed = 200; seed < 224; ++seed) {
    PoolQuestion question = RandomQuestion(seed);
    question.beam_width = 1 + seed % 3;
    question.weights = seed % 4 == 0 ? Weighting::kGap : Weighting::kUniform;
    if (seed % 5 == 0) question.combine = ScoreDomain::kVotes;
    // Sizes that leave room, and two models alike: their sets are equal in GAP.
    question.size_limit = 2000;
    question.models.back().predictions = question.models.front().predictions;
    for (const EnsembleSearch search :
         {EnsembleSearch::kBeam, EnsembleSearch::kGreedy, EnsembleSearch::kExhaustive}) {
      question.search = search;
      const SearchResult expected = SearchWith(question, false, 1);
      for (const int threads : {1, 3}) {
        const SearchResult found = SearchWith(question, true, threads);
        EXPECT_EQ(found.best.models, expected.best.models) << seed;
        EXPECT_EQ(found.best.gap, expected.best.gap) << seed;
        EXPECT_EQ(found.best.size_bytes, expected.best.size_bytes) << seed;
        EXPECT_EQ(found.evaluated, expected.evaluated) << seed;
      }
    }
  }
}

TEST(EnsembleSearch, OfManyVideosIsTheSameForAnyNumberOfThreads) {
  // More videos than it takes to bracket.
  PoolQuestion question(
      PlantPool({.models = 5, .videos = 5000, .classes = 12, .list_length = 8}, 5));
  question.weights = Weighting::kUniform;
  question.members = 3;
  question.beam_width = 2;
  const std::string alone = boost::json::serialize(ToJson(FindEnsemble(question)));
  for (const int threads : {2, 3, 7}) {
    const EnsembleAnswer answer = FindEnsemble(
        question, [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
          ForEachOnThreads(threads, count, body);
        });
    EXPECT_EQ(boost::json::serialize(ToJson(answer)), alone) << threads;
  }
  EXPECT_EQ(SearchWith(question, false, 1).best.gap, SearchWith(question, true, 1).best.gap);
}

TEST(EnsembleSearch, NoAnswerExceedsTheLimits) {
  for (std::uint32_t seed = 100; seed < 160; ++seed) {
    PoolQuestion question = RandomQuestion(seed);
    question.beam_width = 1 + seed % 3;
    for (const EnsembleSearch search :
         {EnsembleSearch::kBeam, EnsembleSearch::kGreedy, EnsembleSearch::kExhaustive}) {
      question.search = search;
      const EnsembleAnswer answer = FindEnsemble(question);
      std::int64_t size = 0;
      double weights = 0;
      for (const auto& member : answer.members) {
        size += member.size_bytes;
        weights += member.weight;
      }
      EXPECT_EQ(answer.size_bytes, size);
      EXPECT_LE(size, question.size_limit);
      EXPECT_LE(std::ssize(answer.members), question.members);
      EXPECT_NEAR(weights, 1, 1e-12);
    }
  }
}

TEST(EnsembleSearch, AllSearchesAgreeOnOneMember) {
  PoolQuestion question(PlantPool({.models = 6, .videos = 50}, 8));
  question.members = 1;
  question.weights = Weighting::kUniform;
  std::vector<std::string> names;
  for (const EnsembleSearch search :
       {EnsembleSearch::kBeam, EnsembleSearch::kGreedy, EnsembleSearch::kExhaustive}) {
    question.search = search;
    const EnsembleAnswer answer = FindEnsemble(question);
    ASSERT_EQ(answer.members.size(), 1U);
    EXPECT_EQ(answer.members[0].name, answer.best_single);
    names.push_back(answer.members[0].name);
  }
  EXPECT_THAT(names, testing::Each(names[0]));
}

TEST(EnsembleSearch, ABeamOfOneIsNeverWorseThanGreedyWithoutReplacement) {
  PoolQuestion question(PlantPool({.models = 7, .videos = 60, .classes = 30}, 21));
  question.weights = Weighting::kUniform;
  question.members = 4;
  question.beam_width = 1;
  question.size_limit = 1000;
  // The greedy path by hand.
  std::vector<std::size_t> chosen;
  double best_gap = -1;
  for (int round = 0; round < 4; ++round) {
    double round_gap = -1;
    std::size_t round_model = 0;
    for (std::size_t m = 0; m < question.models.size(); ++m) {
      if (std::find(chosen.begin(), chosen.end(), m) != chosen.end()) continue;
      std::vector<const Predictions*> members = {&question.models[m].predictions};
      for (const std::size_t c : chosen) members.push_back(&question.models[c].predictions);
      const std::vector<double> weights(members.size(), 1.0);
      const double gap =
          ScoreOf(Combine(members, weights, ScoreDomain::kLogits, question.missing, kGapTop)).gap;
      if (gap > round_gap) {
        round_gap = gap;
        round_model = m;
      }
    }
    chosen.push_back(round_model);
    best_gap = std::max(best_gap, round_gap);
  }
  const EnsembleAnswer answer = FindEnsemble(question);
  EXPECT_GE(answer.selection_gap, best_gap);
  EXPECT_GE(answer.evaluated, 7 + 6 + 5 + 4);
  EXPECT_LE(answer.evaluated, 2 * (7 + 6 + 5 + 4) + 4 * 7) << "floating stops at twice the beam";
}

TEST(EnsembleSearch, AWiderBeamIsNeverWorse) {
  PoolQuestion question(PlantPool({.models = 9, .videos = 40, .classes = 30}, 31));
  question.weights = Weighting::kUniform;
  question.size_limit = 600;
  question.search = EnsembleSearch::kExhaustive;
  const EnsembleAnswer exhaustive = FindEnsemble(question);
  question.search = EnsembleSearch::kBeam;
  question.beam_width = 1;
  const EnsembleAnswer narrow = FindEnsemble(question);
  question.beam_width = 200;
  const EnsembleAnswer wide = FindEnsemble(question);
  EXPECT_LE(narrow.selection_gap, wide.selection_gap);
  EXPECT_EQ(wide.selection_gap, exhaustive.selection_gap);
}

TEST(EnsembleSearch, GreedyWithReplacementWeighsByHowOftenAModelWasTaken) {
  // Two models that complement each other, one of them needed more.
  PoolQuestion question(PlantPool({.models = 4, .videos = 80, .classes = 30}, 2));
  question.search = EnsembleSearch::kGreedy;
  question.weights = Weighting::kUniform;
  question.members = 3;
  const EnsembleAnswer answer = FindEnsemble(question);
  std::vector<const Predictions*> members;
  std::vector<double> weights;
  for (const auto& member : answer.members) {
    for (const auto& model : question.models) {
      if (model.name == member.name) members.push_back(&model.predictions);
    }
    weights.push_back(member.weight);
  }
  const double gap =
      ScoreOf(Combine(members, weights, ScoreDomain::kLogits, question.missing, kGapTop)).gap;
  EXPECT_NEAR(answer.selection_gap, gap, 1e-12);
  EXPECT_GE(answer.selection_gap, answer.best_single_gap);
}

TEST(EnsembleSearch, AModelThatGreedyTakesTwiceIsTheModel) {
  // Twice the same votes tie its labels, which is 0.81 in expectation; an ensemble of one predicts
  // its own scores, by which the miss stands first.
  EnsembleModel model{.name = "model", .size_bytes = 1};
  model.predictions.classes = 3;
  model.predictions.videos = {{"v", {{0, 0.9}, {1, 0.8}, {2, 0.7}}, {1, 2}}};
  PoolQuestion question({model});
  question.combine = ScoreDomain::kVotes;
  question.search = EnsembleSearch::kGreedy;
  question.members = 1;
  question.frontier = true;
  const EnsembleAnswer answer = FindEnsemble(question);
  const double by_scores = (1.0 / 2 + 2.0 / 3) / 2;
  EXPECT_DOUBLE_EQ(answer.selection_gap, by_scores);
  ASSERT_EQ(answer.frontier->points.size(), 1);
  EXPECT_DOUBLE_EQ(answer.frontier->points[0].selection_gap, by_scores);
}

TEST(EnsembleSearch, EqualModelsAreSettledBySizeThenName) {
  PoolQuestion question(PlantPool({.models = 3, .videos = 20}, 3));
  for (auto& model : question.models) model.predictions = question.models[0].predictions;
  question.models[0].size_bytes = 7;
  question.models[1].size_bytes = 5;
  question.models[2].size_bytes = 5;
  question.members = 1;
  const EnsembleAnswer answer = FindEnsemble(question);
  EXPECT_EQ(NamesOf(answer), std::vector<std::string>{"model1"});
}

TEST(EnsembleSearch, SearchesWithGapWeightsWhereTheyAreAsked) {
  PoolQuestion question(PlantPool({.models = 5, .videos = 60, .classes = 30}, 13));
  question.weights = Weighting::kGap;
  question.search = EnsembleSearch::kExhaustive;
  const EnsembleAnswer answer = FindEnsemble(question);
  // Brute force with alpha_i = GAP_i / sum GAP.
  std::vector<double> gaps;
  for (const auto& model : question.models) gaps.push_back(ScoreOf(model.predictions).gap);
  double best = -1;
  for (std::uint32_t mask = 1; mask < 32; ++mask) {
    std::vector<const Predictions*> members;
    std::vector<double> weights;
    for (std::size_t m = 0; m < 5; ++m) {
      if ((mask >> m & 1) == 0) continue;
      members.push_back(&question.models[m].predictions);
      weights.push_back(gaps[m]);
    }
    best = std::max(
        best,
        ScoreOf(Combine(members, weights, ScoreDomain::kLogits, question.missing, kGapTop)).gap);
  }
  EXPECT_NEAR(answer.selection_gap, best, 1e-12);
  double sum = 0;
  for (std::size_t m = 0; m < 5; ++m) {
    for (const auto& member : answer.members) {
      if (member.name == question.models[m].name) sum += gaps[m];
    }
  }
  for (const auto& member : answer.members) {
    const auto m = static_cast<std::size_t>(member.name.back() - '0');
    EXPECT_NEAR(member.weight, gaps[m] / sum, 1e-12);
  }
}

TEST(EnsembleSearch, ModelsOfOneGapKeepTheTiesOfTheirScores) {
  // Each has a GAP of 1/3. Together three labels have the score 0.5: two as a half of 1, both true,
  // and one, which is not, as twice a half of 0.5. A third of each, rounded by itself, parts them.
  const std::vector<std::int32_t> none;
  const std::vector<std::int32_t> both = {7, 11};
  const std::vector<std::int32_t> one = {11};
  const Predictions first{.classes = 20,
                          .top_k = 5,
                          .videos = {{"a", {}, none},
                                     {"b", {{11, 1}}, both},
                                     {"c", {}, one},
                                     {"d", {{3, .5}, {7, .5}, {17, .5}, {5, .25}, {11, .25}}, none},
                                     {"e", {}, none}}};
  const Predictions second{
      .classes = 20,
      .top_k = 5,
      .videos = {{"a", {{3, .75}, {5, .75}, {17, .75}, {7, .25}, {11, 0}}, none},
                 {"b", {}, both},
                 {"c", {{11, 1}, {7, .75}, {3, .5}, {5, 0}, {17, 0}}, one},
                 {"d", {{3, .5}, {7, .25}, {17, .25}, {5, 0}, {11, 0}}, none},
                 {"e", {{17, .75}, {3, .5}, {11, .5}, {5, .25}, {7, 0}}, none}}};
  PoolQuestion question({{"first", 5, first, std::nullopt}, {"second", 1, second, std::nullopt}});
  question.combine = ScoreDomain::kProbabilities;
  question.weights = Weighting::kGap;
  question.search = EnsembleSearch::kExhaustive;
  question.certify = true;
  const EnsembleAnswer answer = FindEnsemble(question);
  ASSERT_NEAR(answer.best_single_gap, 1.0 / 3, 1e-12);
  ASSERT_EQ(answer.members.size(), 2U);
  // Of three true labels: 2/3 (1 + (1 + 1/2) / 2 + (1 + 1) / 3) / 3.
  EXPECT_NEAR(answer.selection_gap, 29.0 / 54, 1e-12);
  EXPECT_NEAR(answer.certificate->optimum, answer.selection_gap, 1e-12);
}

TEST(EnsembleSearch, RefusesAnExhaustiveSearchOfTooManySets) {
  PoolQuestion question(PlantPool({.models = 40, .videos = 2}, 1));
  question.search = EnsembleSearch::kExhaustive;
  try {
    (void)FindEnsemble(question);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'exhaustive' over 40 models with up to 6 members is more "
                                        "than 1048576 sets that fit; use search = "
                                        "'beam'"));
  }
}

}  // namespace
}  // namespace beamgrid
