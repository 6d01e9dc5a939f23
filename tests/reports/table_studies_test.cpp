// Several studies side by side.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "registry/named_file.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "reports/statistics.h"
#include "reports/table.h"
#include "reports/table_cells.h"
#include "tests/reports/planted_tables.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace table_studies_test {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// A study of two or three ways to pool; the fingerprints of its trials begin with its name.
StudyTrials Study(const std::string& name, const std::vector<double>& gaps,
                  const std::string& data = "data") {
  StudyTrials study{.name = name, .objective = "gap", .trials = {}, .data = data};
  const std::vector<Variant> pools = {MeanPool(), Blstm(1), Blstm(2)};
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const std::string model = "m" + std::to_string(i / 2);
    const std::int64_t seed = static_cast<std::int64_t>(i % 2) + 1;
    study.trials.push_back(
        SmallTrial(model, SmallModel(pools.at(i / 2), Logistic()), seed, gaps[i]));
    study.trials.back().fingerprint = name + model + std::to_string(seed);
  }
  return study;
}

AblationTable SideBySide(const std::vector<StudyTrials>& studies,
                         const TableResampling* resampling = nullptr) {
  return MakeTable(studies, SmallCatalogue(),
                   {.study = "", .vary = "temporal", .test = TableTest::kT}, resampling);
}

TEST(SideBySide, HasAColumnEachWithTheSameRows) {
  const AblationTable table = SideBySide(
      {Study("one", {0.50, 0.52, 0.60, 0.62}), Study("two", {0.53, 0.56, 0.6, 0.61, 0.7, 0.71})});
  EXPECT_EQ(table.title, "one, two: temporal");
  ASSERT_EQ(table.rows.size(), 6U);
  const TableRow& cell = table.rows[1];
  EXPECT_EQ(cell.cross->row, "mean");
  EXPECT_EQ(cell.cross->column, "two");
  EXPECT_NEAR(*cell.delta, 0.035, 1e-12) << "from the same row of the first study";
  EXPECT_NEAR(*cell.p_value, PairedTTest({0.53, 0.56}, {0.50, 0.52}), 1e-15);
  EXPECT_FALSE(table.rows[0].delta);
  EXPECT_EQ(table.rows[4].missing, "not in the study");
  EXPECT_FALSE(table.rows[5].delta) << "there is nothing to compare it with";
  // The best of each study.
  EXPECT_TRUE(table.rows[2].best);
  EXPECT_TRUE(table.rows[5].best);
  EXPECT_FALSE(table.rows[3].best);
  const std::string text = Render(table, "md");
  EXPECT_THAT(text, HasSubstr("| temporal (GAP, 2 seeds) | one | two | two: difference [95 %] |"));
  EXPECT_THAT(text, HasSubstr("| blstm layers=2 | - (not in the study) |"));
  EXPECT_THAT(table.caption,
              Contains("difference: from the same row of one, 95 % interval of other "
                       "seeds on these videos (t)"));
  EXPECT_THAT(table.caption, Contains(HasSubstr("; each within its study")));
  EXPECT_THAT(table.notes, Contains(HasSubstr("held fixed: multimodal concat; classifier")));
  EXPECT_THAT(Render(table, "latex"), HasSubstr("two: difference [95 \\%]"));
}

TEST(SideBySide, OfOtherVideosIsNotCompared) {
  const std::vector<StudyTrials> studies = {Study("one", {0.50, 0.52}),
                                            Study("two", {0.53, 0.56}, "others")};
  std::map<std::string, Predictions> predictions;
  const Predictions videos = planted::Tables({.rows = 1, .seeds = 1}).Draw(0)[0][0];
  const TableResampling resampling{.resamples = 0, .read = [&](const TrialRecord& trial) {
                                     const auto found = predictions.find(trial.fingerprint);
                                     if (found == predictions.end()) throw Error("gone");
                                     return found->second;
                                   }};
  AblationTable table = SideBySide(studies, &resampling);
  EXPECT_FALSE(table.rows[1].delta);
  EXPECT_FALSE(table.rows[1].p_value);
  EXPECT_THAT(
      table.notes,
      Contains("study two is not to be compared with one: their data differ, and whether they "
               "were validated on the same videos is not known: gone"));
  for (const StudyTrials& study : studies) {
    for (const TrialRecord& trial : study.trials) predictions[trial.fingerprint] = videos;
  }
  table = SideBySide(studies, &resampling);
  EXPECT_TRUE(table.rows[1].delta);
  EXPECT_THAT(table.notes,
              Contains("study two was trained on other data than one, and validated on the "
                       "same videos"));
  for (const TrialRecord& trial : studies[1].trials)
    predictions[trial.fingerprint].videos[0].id += "x";
  table = SideBySide(studies, &resampling);
  EXPECT_FALSE(table.rows[1].delta);
  EXPECT_THAT(table.notes,
              Contains("study two is not to be compared with one: they were validated on "
                       "other videos or true labels"));
  EXPECT_THAT(Render(table, "md"), Not(HasSubstr("difference")));
}

// A study without a teacher has the weight of none, 0.5, which is no student's.
TEST(SideBySide, WhatHasNoTeacherIsNoRowOfATeachersWeight) {
  std::vector<StudyTrials> studies = {Study("one", {0.5, 0.52}), Study("two", {0.6, 0.62})};
  for (StudyTrials& study : studies) {
    for (TrialRecord& trial : study.trials) {
      ModelSpec model = SmallModel(MeanPool(), Logistic());
      model.train["teacher"] = study.name == "one" ? "" : "t.csv";
      model.train["teacher_weight"] = 0.5;
      trial.model_json = CanonicalJson(ToJson(model));
    }
  }
  const TableQuestion question{.study = "", .vary = "train.teacher_weight"};
  const AblationTable table = MakeTable(studies, SmallCatalogue(), question, nullptr);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_FALSE(table.rows[0].mean);
  EXPECT_NEAR(*table.rows[1].mean, 0.61, 1e-12);
  EXPECT_FALSE(table.rows[1].delta);
  EXPECT_THAT(table.notes, Contains(HasSubstr("no column of one: vary = 'train.teacher_weight': "
                                              "none of the models has it")));
}

/// A study whose trials learn from a file that lies in another folder for each of them.
StudyTrials FromFolders(const std::string& name, const std::string& content = "1") {
  StudyTrials study = Study(name, {0.50, 0.52, 0.60, 0.62});
  for (TrialRecord& trial : study.trials) {
    ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
    const std::string folder = "/" + trial.fingerprint;
    model.train["teacher"] =
        ToJson(NamedFile{.name = "t.csv", .path = folder + "/t.csv", .hash = content});
    trial.model_json = CanonicalJson(ToJson(model));
  }
  return study;
}

TEST(SideBySide, WhereAFileLiesIsNoPartOfAModel) {
  const std::vector<TrialRecord> trials = FromFolders("one").trials;
  const AblationTable models = MakeTable(trials, SmallCatalogue(), {.study = "one"}, {});
  ASSERT_EQ(models.rows.size(), 2U);
  EXPECT_NEAR(*models.rows[0].mean, 0.61, 1e-12);
  EXPECT_EQ(models.rows[0].seeds.size(), 2U);
  const AblationTable pools =
      MakeTable(trials, SmallCatalogue(), {.study = "one", .vary = "temporal"}, {});
  ASSERT_EQ(pools.rows.size(), 2U);
  EXPECT_NEAR(*pools.rows[1].delta, 0.1, 1e-12);
  // And what it holds is, whatever its name.
  const TableQuestion question{.study = "", .vary = "train.teacher"};
  const auto delta = [&](const StudyTrials& other) {
    return MakeTable({FromFolders("one"), other}, SmallCatalogue(), question, nullptr)
        .rows[1]
        .delta.has_value();
  };
  EXPECT_TRUE(delta(FromFolders("two")));
  EXPECT_FALSE(delta(FromFolders("two", "2")));
}

TEST(SideBySide, TheSameTrialIsOneMeasurement) {
  std::vector<StudyTrials> studies = {Study("one", {0.50, 0.52}), Study("two", {0.50, 0.52})};
  studies[1].trials[0].fingerprint = studies[0].trials[0].fingerprint;
  const AblationTable table = SideBySide(studies);
  EXPECT_FALSE(table.rows[1].delta);
  EXPECT_THAT(table.notes, Contains("no difference for 1 cell: one has the same trials, which is "
                                    "one measurement and not two"));
}

TEST(SideBySide, SaysWhatEachHoldsFixedAndWhyOneHasNoColumn) {
  std::vector<StudyTrials> studies = {Study("one", {0.5, 0.5}), Study("two", {0.6, 0.6})};
  for (TrialRecord& trial : studies[1].trials) {
    trial.model_json = CanonicalJson(ToJson(SmallModel(MeanPool(), Moe(2))));
  }
  const AblationTable table = SideBySide(studies);
  EXPECT_THAT(table.notes, Contains(HasSubstr("one: held fixed: multimodal concat; classifier "
                                              "logistic")));
  EXPECT_THAT(table.notes, Contains(HasSubstr("two: held fixed: multimodal concat; classifier moe "
                                              "experts=2")));
  const TableQuestion fixed{.study = "", .vary = "temporal", .fix = {{"classifier", "moe"}}};
  const AblationTable half = MakeTable(studies, SmallCatalogue(), fixed);
  EXPECT_THAT(half.notes, Contains("no column of one: study 'one': none of its 1 models has "
                                   "classifier=moe"));
  EXPECT_EQ(half.rows[0].missing, "no column: see below");
  EXPECT_EQ(half.rows[1].mean, 0.6);
}

TEST(SideBySide, RefusesWhatIsOfOneStudy) {
  const auto refusal = [](const TableQuestion& question) {
    return ErrorText<UsageError>([&] {
      static_cast<void>(
          MakeTable({Study("a", {0.5, 0.5}), Study("b", {0.5, 0.5})}, SmallCatalogue(), question));
    });
  };
  const std::string start = "several studies side by side: ";
  EXPECT_EQ(refusal({.study = "", .vary = "temporal", .by = "classifier"}),
            start + "--by has no place, for the columns are the studies");
  EXPECT_EQ(refusal({.study = "", .vary = "temporal", .rows = TableRows::kAverage}),
            start + "average is of one study");
  EXPECT_EQ(refusal({.study = "", .vary = "temporal", .reference = "kim18/1"}),
            start + "a paper's numbers and effects stand beside the rows of one study");
  EXPECT_EQ(
      refusal({.study = "", .vary = "temporal", .baseline = "mean"}),
      start + "differences are from the same row of the first study, and not from a baseline");
}

// Two studies may call different models the same: a name does not say how long was trained.
TEST(SideBySide, ModelsOfOneNameThatDifferAreTwoRows) {
  std::vector<StudyTrials> studies = {Study("one", {0.50, 0.52, 0.60, 0.62}),
                                      Study("two", {0.53, 0.55, 0.60, 0.62})};
  for (std::size_t i = 0; i < 2; ++i) {
    ModelSpec longer = SmallModel(MeanPool(), Logistic());
    longer.train["epochs"] = 150;
    studies[1].trials[i].model_json = CanonicalJson(ToJson(longer));
  }
  const TableQuestion question{.study = "", .vary = ""};
  const AblationTable table = MakeTable(studies, SmallCatalogue(), question);
  const std::string text = Render(table, "md");
  EXPECT_THAT(text, HasSubstr("| m0 (epochs=5) | 0.510 ± 0.014 | - (not in the study) |"));
  EXPECT_THAT(text, HasSubstr("| m0 (epochs=150) | - (not in the study) | 0.540 ± 0.014 |"));
  EXPECT_THAT(text, HasSubstr("| m1 | **0.610 ± 0.014** | **0.610 ± 0.014** |"));
  EXPECT_THAT(Render(table, "csv"), HasSubstr("m0 (epochs=150) (two),"));
}

TEST(SideBySide, FilesOfOneNameThatDifferAreTwoRows) {
  std::vector<StudyTrials> studies = {Study("one", {0.50, 0.52}), Study("two", {0.53, 0.55})};
  const std::vector<std::string> contents = {"aaaaaaaa11", "bbbbbbbb22"};
  for (std::size_t s = 0; s < studies.size(); ++s) {
    ModelSpec model = SmallModel(MeanPool(), Logistic());
    model.train["teacher"] =
        ToJson(NamedFile{.name = "t.csv", .path = "/t.csv", .hash = contents[s]});
    for (TrialRecord& trial : studies[s].trials) trial.model_json = CanonicalJson(ToJson(model));
  }
  for (const char* vary : {"", "train", "train.teacher"}) {
    const AblationTable table = MakeTable(studies, SmallCatalogue(), {.study = "", .vary = vary});
    ASSERT_EQ(table.rows.size(), 4U) << vary;
    EXPECT_THAT(table.rows[0].cross->row, HasSubstr("(teacher.content=aaaaaaaa)")) << vary;
    EXPECT_THAT(table.rows[3].cross->row, HasSubstr("(teacher.content=bbbbbbbb)")) << vary;
  }
}

TEST(SideBySide, ATrialOfTwoStudiesWasTrainedOnce) {
  std::vector<StudyTrials> studies = {Study("one", {0.50, 0.52}), Study("two", {0.50, 0.60})};
  studies[1].trials[0].fingerprint = studies[0].trials[0].fingerprint;
  studies[0].trials[0].result->wall_seconds = studies[1].trials[0].result->wall_seconds = 100;
  studies[0].trials[1].result->wall_seconds = 20;
  studies[1].trials[1].result->wall_seconds = 3;
  EXPECT_THAT(Render(SideBySide(studies), "latex"), HasSubstr(" 3 trials, 2m03s of training."));
}

/// PlantedStudies is studies of three pools with two seeds each, with predictions.
class PlantedStudies {
 public:
  void Add(const std::string& name, const std::string& data, int videos) {
    const auto rows = planted::Tables({.rows = 3, .seeds = 2, .videos = videos}).Draw(videos);
    std::vector<double> gaps;
    for (const std::vector<Predictions>& row : rows) {
      for (const Predictions& trial : row) {
        gaps.push_back(ResampleVideos(trial, *FindMetric("gap"), 0).value);
      }
    }
    studies.push_back(Study(name, gaps, data));
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      predictions_[studies.back().trials[i].fingerprint] = rows[i / 2][i % 2];
    }
  }
  [[nodiscard]] AblationTable Table() const {
    const TableResampling resampling{.resamples = 100, .read = [this](const TrialRecord& trial) {
                                       return predictions_.at(trial.fingerprint);
                                     }};
    return SideBySide(studies, &resampling);
  }

  std::vector<StudyTrials> studies;

 private:
  std::map<std::string, Predictions> predictions_;
};

TEST(SideBySide, SaysOfHowManyVideosEachStudyIs) {
  PlantedStudies planted;
  planted.Add("one", "data", 60);
  planted.Add("same", "data", 60);
  EXPECT_THAT(CaptionOf(planted.Table()), HasSubstr(" of 2 seeds, on 60 validation videos. "));
  planted.Add("other", "others", 40);
  const AblationTable table = planted.Table();
  EXPECT_THAT(CaptionOf(table),
              HasSubstr(", on 60 validation videos (one), 60 (same), 40 (other). "));
  EXPECT_THAT(table.caption, Contains(HasSubstr("95 % interval by 100 resamples of the 60 videos")))
      << "those of the studies that are compared";
  EXPECT_EQ(table.videos, 60U);
}

/// Adds trials of one pool, a seed for each value.
void AddPool(StudyTrials& study, const Variant& pool, const std::vector<double>& gaps) {
  const std::string model = "m" + std::to_string(study.trials.size());
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    study.trials.push_back(
        SmallTrial(model, SmallModel(pool, Logistic()), static_cast<std::int64_t>(i) + 1, gaps[i]));
    study.trials.back().fingerprint = study.name + model + std::to_string(i);
  }
}

// Two seeds of the first study tell nothing, six of the second tell all.
TEST(SideBySide, WhatIsBoldOfAStudyFollowsFromItsSeeds) {
  std::vector<StudyTrials> studies = {
      {.name = "few", .objective = "gap", .trials = {}, .data = "data"},
      {.name = "many", .objective = "gap", .trials = {}, .data = "data"}};
  AddPool(studies[0], MeanPool(), {0.50, 0.60});
  AddPool(studies[0], Blstm(1), {0.40, 0.48});
  AddPool(studies[1], MeanPool(), {0.50, 0.51, 0.50, 0.51, 0.50, 0.51});
  AddPool(studies[1], Blstm(1), {0.60, 0.61, 0.61, 0.60, 0.60, 0.61});
  const AblationTable table = SideBySide(studies);
  EXPECT_TRUE(table.rows[2].among_best) << "it is not shown to be lower";
  EXPECT_TRUE(IsBold(table, table.rows[0]));
  EXPECT_FALSE(IsBold(table, table.rows[2]));
  EXPECT_FALSE(IsBold(table, table.rows[1]));
  EXPECT_TRUE(IsBold(table, table.rows[3]));
  EXPECT_THAT(table.caption,
              Contains("bold: the best; all others are worse (5 % for all comparisons together); "
                       "the highest mean alone where the test tells no other row from it, with 2 "
                       "seeds (few); each within its study"));
}

TEST(SideBySide, SaysWhatElseTheStudiesDifferIn) {
  std::vector<StudyTrials> studies = {Study("one", {0.5, 0.52, 0.6, 0.62}),
                                      Study("two", {0.53, 0.56, 0.61, 0.62})};
  const auto notes = [&] { return SideBySide(studies).notes; };
  EXPECT_THAT(notes(), Not(Contains(HasSubstr("differ in what is held fixed"))));
  for (TrialRecord& trial : studies[1].trials) {
    ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
    model.parts.at("classifier") = Moe(2);
    model.train["epochs"] = 77;
    trial.model_json = CanonicalJson(ToJson(model));
  }
  EXPECT_THAT(notes(),
              Contains("the rows of two and of one differ in what is held fixed, too, and a "
                       "difference is of all of it together: classifier, train.epochs"));
}

}  // namespace table_studies_test
}  // namespace beamgrid
