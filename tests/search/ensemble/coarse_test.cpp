#include "search/ensemble/coarse.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace beamgrid {
namespace {

TEST(CoarseTerms, AreAsCloseToTheTrueOnesAsPromised) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> logit(-20, 20), uniform(0, 1);
  std::vector<ScoredLabelDouble> list;
  for (const double score : {0.0, 1.0, 0.5, 1e-6, 1e-7, 1e-30, 1 - 1e-6, 1 - 1e-7, 1e-6 + 1e-13}) {
    list.push_back({1, score});
  }
  for (int i = 0; i < 20000; ++i) {
    list.push_back({1, i % 2 == 0 ? uniform(random) : 1 / (1 + std::exp(-logit(random)))});
  }
  ModelLists doubles, floats;
  doubles.Add(list);
  for (ScoredLabelDouble& entry : list) entry.score = static_cast<float>(entry.score);
  floats.Add(list);
  ASSERT_TRUE(doubles.needs_doubles());
  ASSERT_FALSE(floats.needs_doubles());
  for (const ScoreDomain domain : {ScoreDomain::kLogits, ScoreDomain::kProbabilities}) {
    const Combination combination(domain);
    for (const ModelLists* lists : {&doubles, &floats}) {
      std::vector<float> terms;
      CoarseTerms(*lists, lists->Of(0), combination, terms);
      ASSERT_EQ(terms.size(), list.size());
      for (std::size_t i = 0; i < terms.size(); ++i) {
        ASSERT_NEAR(terms[i], combination.Term(lists->score(i)), CoarseError(combination))
            << WordFor(kScoreDomains, domain) << " " << lists->score(i);
        ASSERT_GE(terms[i], 0);
      }
    }
  }
}

TEST(CoarseTerms, DoNotDependOnTheLengthOfTheListOrThePlaceInIt) {
  // Lists end within a vector's width, and vectors that overlap compute some scores twice.
  std::vector<ScoredLabelDouble> all;
  for (int i = 0; i < 70; ++i) all.push_back({i, static_cast<float>(0.9 / (1 + i))});
  const Combination combination(ScoreDomain::kLogits);
  std::vector<float> expected;
  for (const ScoredLabelDouble& entry : all) {
    ModelLists one;
    one.Add({{entry}});
    std::vector<float> term;
    CoarseTerms(one, one.Of(0), combination, term);
    expected.push_back(term.at(0));
  }
  for (std::size_t length = 0; length <= all.size(); ++length) {
    ModelLists lists;
    lists.Add(std::span(all).first(length));
    std::vector<float> terms;
    CoarseTerms(lists, lists.Of(0), combination, terms);
    EXPECT_EQ(terms, std::vector<float>(expected.begin(),
                                        expected.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

}  // namespace
}  // namespace beamgrid
