#include "reports/one_per_seed.h"

#include <gmock/gmock.h>

#include "registry/named_file.h"
#include "registry/util/error.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TrialRecord Trial(std::int64_t id, const std::string& name, const ModelSpec& model,
                  std::int64_t seed) {
  TrialRecord trial = SmallTrial(name, model, seed, 0.5);
  trial.id = TrialId{id};
  trial.fingerprint = "abcdefgh" + std::to_string(id);
  return trial;
}

TEST(OnePerSeed, SeedsAndModelsMayDiffer) {
  const ModelSpec mean = SmallModel(MeanPool(), Logistic()), blstm = SmallModel(Blstm(1), Moe(2));
  EXPECT_NO_THROW(RequireOneTrialPerSeed({}));
  EXPECT_NO_THROW(RequireOneTrialPerSeed(
      {Trial(1, "a", mean, 1), Trial(2, "a", mean, 2), Trial(3, "b", blstm, 1)}));
}

TEST(OnePerSeed, BothTrialsOfASeedAreNamed) {
  const ModelSpec mean = SmallModel(MeanPool(), Logistic()), blstm = SmallModel(Blstm(1), Moe(2));
  const auto refusal = [](const TrialRecord& first, const TrialRecord& second) {
    return ErrorText<Error>([&] { RequireOneTrialPerSeed({first, second}); });
  };
  EXPECT_THAT(refusal(Trial(7, "a", mean, 2), Trial(9, "a", blstm, 2)),
              AllOf(HasSubstr("trial 7 (a, fingerprint abcdefgh)"), HasSubstr("trial 9 (a,"),
                    HasSubstr("both of seed 2")));
  EXPECT_THAT(refusal(Trial(7, "a", mean, 2), Trial(9, "b", mean, 2)), HasSubstr("trial 9 (b,"));
}

TEST(OnePerSeed, AModelIsTheSameWhereverItsFilesLie) {
  ModelSpec here = SmallModel(MeanPool(), Logistic()), there = here;
  here.train["teacher"] = ToJson(NamedFile{.name = "t.csv", .path = "/here/t.csv", .hash = "1"});
  there.train["teacher"] = ToJson(NamedFile{.name = "t.csv", .path = "/there/t.csv", .hash = "1"});
  EXPECT_THAT(ErrorText<Error>([&] {
                RequireOneTrialPerSeed({Trial(7, "a", here, 2), Trial(9, "b", there, 2)});
              }),
              HasSubstr("trial 9 (b,"));
}

TEST(OnePerSeed, NoTableIsMadeOfASeedThatIsThereTwice) {
  const ModelSpec mean = SmallModel(MeanPool(), Logistic());
  EXPECT_THAT(ErrorText<Error>([&] {
                (void)MakeTable({Trial(1, "a", mean, 1), Trial(2, "a", mean, 1)}, SmallCatalogue(),
                                {.study = "s"}, {});
              }),
              HasSubstr("a seed counts once"));
}

}  // namespace
}  // namespace beamgrid
