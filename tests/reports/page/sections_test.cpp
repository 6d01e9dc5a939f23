// What each section says of a study: the numbers of the commands.

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/effects_words.h"
#include "reports/table_cells.h"
#include "reports/table_command.h"
#include "tests/reports/page/page_support.h"

namespace beamgrid {
namespace sections_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PageSections : public ::testing::Test {
 protected:
  PageSections() {
    FillPageStudy(store_, "s", "what it is for");
    facts_ = FactsOf(store_, "s");
  }
  /// Adds an ensemble as `ensemble` records it, with this gain and interval on the holdout.
  void AddEnsemble(double gain, double low, double high) {
    facts_.ensemble = EnsembleFact{.id = 3, .created_at = "2026-01-01T00:00:00Z"};
    facts_.ensemble->answer =
        ParseJson(
            "{\"members\":[{\"name\":\"a/s1\",\"size_bytes\":1024,\"weight\":0.25},"
            "{\"name\":\"b/s1\",\"size_bytes\":2048,\"weight\":0.75}],\"size_bytes\":3072,"
            "\"size_limit\":4096,\"selection\":{\"gap\":0.71,\"videos\":100},"
            "\"best_single\":{\"name\":\"a/s1\",\"gap\":0.6},\"search\":\"beam\","
            "\"weights_used\":\"gap\",\"dropped\":[\"c/s1\"],\"notes\":[],"
            "\"holdout\":{\"gap\":0.7,\"gain\":" +
            std::to_string(gain) + ",\"videos\":90,\"interval\":[" + std::to_string(low) + "," +
            std::to_string(high) + "]}}")
            .as_object();
  }

  Store store_{":memory:", OpenMode::kReadWrite};
  StudyFacts facts_;
};

TEST_F(PageSections, AnswerInThreeSentences) {
  const std::string text = TextOfSection(AnswerSection(facts_));
  EXPECT_THAT(
      text, AllOf(HasSubstr("MC-NetVLAD-C128-MoE2 has the highest mean of 12 models, as high as "
                            "that of MC-NetVLAD-C64-MoE2, MC-NetVLAD-Dropout0.5-C128-MoE2, "
                            "MC-NetVLAD-Dropout0.5-C64-MoE2: GAP 0.6260 ± 0.0028 over 2 seeds; "),
                  HasSubstr("Of the study's parts temporal matters most, with "),
                  HasSubstr(" % of the variance; on average over the others the best is netvlad"),
                  HasSubstr("No ensemble is recorded; `beamgrid ensemble s` makes one."),
                  HasSubstr("24 trials: 23 complete, 1 failed."), HasSubstr("a selection score")));
}

TEST_F(PageSections, NoPartMattersMostWhereNoneIsSeenTo) {
  for (FactorEffects& factor : facts_.effects->effects.factors) factor.share = 0.004;
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)),
              AllOf(HasSubstr("None of the study's parts is seen to matter by itself."),
                    Not(HasSubstr("matters most"))));
}

TEST_F(PageSections, OfPartsThatAreTiedTogetherGiveNoneTheCredit) {
  std::vector<FactorEffects>& factors = facts_.effects->effects.factors;
  factors[0].confounded = factors[1].confounded = true;
  factors[0].tied_to = {1};
  factors[1].tied_to = {0};
  factors[1].told = false;
  factors[1].share = 1;
  for (LevelEffect& level : factors[1].levels) {
    level.effect.reset();
    level.may_be_best = false;
  }
  EXPECT_THAT(
      TextOfSection(AnswerSection(facts_)),
      HasSubstr(
          "Of the study's parts temporal with classifier (they cannot be told apart, for what "
          "is excluded ties them) matter most, with "));
  const PageSection section = EffectsSection(facts_);
  EXPECT_THAT(TextOfSection(section), HasSubstr("classifier: cannot be told apart from temporal"));
  const Figure figure = FigureOf(section);
  ASSERT_EQ(figure.data.rows.size(), 7U);
  EXPECT_EQ(figure.data.rows[3][2].text, "") << "no effect, and not for being excluded";
  EXPECT_EQ(figure.data.rows[3][5].text, "cannot be told apart from temporal");
  factors[0].told = false;
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)),
              HasSubstr("Which part matters most is not known: temporal cannot be told apart from "
                        "classifier, for what is excluded ties them."));
}

TEST_F(PageSections, TheAnswerSaysOfHowManyModelsItIs) {
  TrialRecord waiting = facts_.trials[0];
  waiting.name = "other";
  waiting.state = TrialState::kWaiting;
  facts_.trials.push_back(waiting);
  EXPECT_THAT(
      TextOfSection(AnswerSection(facts_)),
      HasSubstr(
          "has the highest mean of 12 models that are complete, of 13 asked for, as high as "));
  EXPECT_THAT(TextOfSection(PathSection(facts_)),
              HasSubstr("1 model is not complete, and not drawn"));
}

TEST_F(PageSections, AGainThatMayBeChanceIsNotCalledOne) {
  AddEnsemble(0.1, 0.05, 0.15);
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)),
              HasSubstr("The recorded ensemble, 2 models in 3.0 KiB of 4.0 KiB, scores GAP 0.70000 "
                        "on the 90 videos of the holdout: a gain over the best single model, a/s1, "
                        "of 0.10000, 95 % interval 0.05000 to 0.15000."));
  AddEnsemble(0.1, -0.05, 0.15);
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)),
              HasSubstr("a gain over the best single model, a/s1, is not shown: 0.10000, 95 % "
                        "interval -0.05000 to 0.15000 holds 0."));
  AddEnsemble(-0.1, -0.15, -0.05);
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)), HasSubstr("a loss against the best single"));
}

TEST_F(PageSections, TheEnsembleHasMembersWeightsAndWhatItScores) {
  AddEnsemble(0.1, 0.05, 0.15);
  facts_.ensemble->pairs = {{"a/s1", "b/s1", 0.9127, 0.25}};
  const std::string text = TextOfSection(EnsembleSection(facts_));
  EXPECT_THAT(text,
              AllOf(HasSubstr("Selection GAP 0.71000 on 100 videos"),
                    HasSubstr("holdout GAP 0.70000 on 90 others, 0.01000 lower, as is usual"),
                    HasSubstr("b/s1 weighs most, with 0.7500 of 1"), HasSubstr(">0.913<"),
                    HasSubstr(">25 %<"), HasSubstr("dropped c/s1: GAP is no lower without it")));
  facts_.ensemble->pairs.clear();
  facts_.ensemble->no_pairs = "a file is gone";
  EXPECT_THAT(TextOfSection(EnsembleSection(facts_)), HasSubstr("is not known: a file is gone"));
}

TEST_F(PageSections, AnEnsembleThatIsNoneIsRefusedWithTheWayOut) {
  facts_.ensemble = EnsembleFact{.id = 3, .answer = {{"members", 1}}};
  EXPECT_THAT([&] { (void)EnsembleSection(facts_); },
              ::testing::ThrowsMessage<Error>(HasSubstr("`beamgrid rm --ensemble 3`")));
}

TEST_F(PageSections, TheQuestionIsTheRecipes) {
  EXPECT_THAT(TextOfSection(AskedSection(facts_)),
              AllOf(HasSubstr("what it is for"), HasSubstr("<td>grid</td>"), HasSubstr("GAP@20"),
                    HasSubstr("models that it allows</th><td>12<"),
                    HasSubstr("frame, 3862 classes; rgb 1024, audio 128; 1 file to train on"),
                    HasSubstr("at most 1.0 MiB and 6 members"),
                    HasSubstr("netvlad clusters=64, netvlad clusters=128, blstm")));
}

TEST_F(PageSections, ARecipeThatCannotBeReadIsSaid) {
  StudyRecord other = ExampleStudy("other");
  store_.OpenStudy(other);
  const StudyFacts facts = FactsOf(store_, "other");
  EXPECT_FALSE(facts.recipe);
  EXPECT_THAT(TextOfSection(AskedSection(facts)), HasSubstr("cannot read the study's recipe"));
}

TEST_F(PageSections, ClassesAreNamedWhereTheirNamesAreKnown) {
  EXPECT_THAT(TextOfSection(AskedSection(facts_)), Not(HasSubstr("classes</th>")));
  facts_.class_names = {"<b>rain</b>", "", "dog"};
  EXPECT_THAT(TextOfSection(AskedSection(facts_)), HasSubstr("0 &lt;b&gt;rain&lt;/b&gt;, 2 dog"));
}

TEST_F(PageSections, TheLeaderboardHasAccuraciesOfVideosWithOneLabel) {
  EXPECT_THAT(TextOfSection(LeaderboardSection(facts_)), Not(HasSubstr("accuracy")));
  for (TrialRecord& trial : facts_.trials) {
    if (!trial.result) continue;
    trial.result->metrics.accuracy = 0.625;
    trial.result->metrics.top_5 = 0.875;
  }
  const std::string all = TextOfSection(LeaderboardSection(facts_));
  EXPECT_THAT(all, HasSubstr("accuracy"));
  EXPECT_THAT(all, HasSubstr("0.62500"));
  EXPECT_THAT(all, HasSubstr("0.87500"));
  // A model of which one seed was trained before top-5 was measured has none.
  for (TrialRecord& trial : facts_.trials) {
    if (trial.result && trial.id != facts_.trials[0].id) {
      trial.result->metrics.top_5 = std::numeric_limits<double>::quiet_NaN();
    }
  }
  EXPECT_THAT(TextOfSection(LeaderboardSection(facts_)), Not(HasSubstr("0.87500")));
}

TEST_F(PageSections, TheLeaderboardIsThatOfTheCommand) {
  const std::string text = TextOfSection(LeaderboardSection(facts_));
  EXPECT_THAT(
      text, AllOf(HasSubstr("<th scope=\"row\">MC-NetVLAD-C128-MoE2</th><td class=\"n\" "
                            "data-v=\"0.626\">0.6260 ± 0.0028</td><td>highest</td><td class=\"n\" "
                            "data-v=\"2\">2/2"),
                  HasSubstr(">1/2</td>")))
      << text;
}

/// Has a test say of every model but the best that it is not shown to be lower.
void LeaveAllOpen(StudyFacts& facts, std::size_t seeds) {
  facts.models->table.decimals = 3;
  for (TableRow& row : facts.models->table.rows) {
    row.compared_values = seeds;
    if (!row.best) row.p_best = 0.5;
    row.among_best = true;
  }
}

TEST_F(PageSections, TheLeaderboardSaysHowLittleFewSeedsTell) {
  LeaveAllOpen(facts_, 2);
  double lowest = 1;
  for (const TableRow& row : facts_.models->table.rows) lowest = std::min(lowest, *row.mean);
  const std::string far = FixedText(0.626 - lowest, 3);
  const std::string two = TextOfSection(LeaderboardSection(facts_));
  EXPECT_THAT(two, AllOf(HasSubstr("<td>open</td>"), Not(HasSubstr("may be best")),
                         HasSubstr("With 2 seeds a test shows little: not even the row that is " +
                                   far + " below the highest is shown to be lower")));
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)),
              HasSubstr("it is not shown to be better than 11 others (2 seeds show little)"));
  // Where it tells one row from the best, the word is another, and as little.
  facts_.models->table.rows.back().among_best = false;
  EXPECT_THAT(TextOfSection(LeaderboardSection(facts_)),
              AllOf(HasSubstr("<td>may be best</td>"), HasSubstr("With 2 seeds a test shows")));
  LeaveAllOpen(facts_, 6);
  EXPECT_THAT(TextOfSection(LeaderboardSection(facts_)),
              AllOf(HasSubstr("<td>may be best</td>"), Not(HasSubstr("a test shows little"))));
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)), Not(HasSubstr("show little")));
}

TEST_F(PageSections, TheAnswerNamesWhatIsAsHigh) {
  EXPECT_THAT(TextOfSection(SeedsSection(facts_)),
              HasSubstr("The best model's mean is that of the next one, too, and its own seeds"));
  facts_.leaderboard.standings[0].values = {0.7, 0.72};
  EXPECT_THAT(TextOfSection(AnswerSection(facts_)), Not(HasSubstr("as high as")));
  EXPECT_THAT(TextOfSection(SeedsSection(facts_)), HasSubstr("mean is 0.08400 above the next"));
}

TEST_F(PageSections, ATableOfRowsAndColumnsIsThatOfTheCommand) {
  const TableQuestion question{
      .study = "s", .title = "both", .vary = "temporal", .fix = {}, .by = "classifier"};
  facts_.tables = {{.table = MakeTable(facts_.trials, TestCatalogue(), question, {}),
                    .command = TableCommandText(question, true)}};
  EXPECT_EQ(facts_.tables[0].command,
            "beamgrid table s --vary temporal --by classifier --resamples 0 --title both");
  const Sheet sheet = SheetOf(facts_.tables[0].table);
  const std::string text = TextOfSection(TablesSection(facts_));
  EXPECT_THAT(text, AllOf(HasSubstr("<th scope=\"col\" class=\"n\">moe experts=2</th>"),
                          HasSubstr("Difference: from netvlad clusters=64 × logistic")));
  for (const std::vector<SheetCell>& row : sheet.rows) {
    for (const SheetCell& cell : row) EXPECT_THAT(text, HasSubstr(">" + cell.text + "<"));
  }
}

TEST_F(PageSections, TheCommandOfATableOfCriteriaHasNoColumns) {
  EXPECT_EQ(TableCommandText({.study = "s", .fix = {}, .rows = TableRows::kCriteria}, false),
            "beamgrid table s --criteria");
}

TEST_F(PageSections, TablesAreThoseOfTheCommand) {
  const std::string text = TextOfSection(TablesSection(facts_));
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("<caption>temporal</caption>"), HasSubstr("<caption>classifier</caption>"),
            HasSubstr("<caption>extras</caption>"), HasSubstr(">0.6260 ± 0.0028 (2 seeds)<"),
            HasSubstr("Held fixed: "), HasSubstr("difference [95 %, seeds]"),
            Not(HasSubstr("difference [95 %]")), Not(HasSubstr("<caption>multimodal</caption>"))));
  for (const TableFact& fact : facts_.tables) {
    const AblationTable& table = fact.table;
    for (const TableRow& row : table.rows) {
      const std::string cell = CellsOf(table, row, "±")[1];
      EXPECT_THAT(text,
                  HasSubstr(IsBold(table, row) ? "<b>" + cell + "</b>" : ">" + cell + "</td>"));
    }
  }
}

TEST_F(PageSections, AHighestCombinationThatWasNotTrainedIsSaidToBeExpected) {
  EXPECT_THAT(TextOfSection(EffectsSection(facts_)), HasSubstr("Highest, trained: MC-NetVLAD"));
  EXPECT_EQ(ToJson(*facts_.effects).at("best").at("trained"), true);
  // Without its two trials the best one is what a model expects.
  const StudyRecord study = *store_.FindStudy("s");
  const StudyFacts part = ReadStudyFacts(
      store_, TestCatalogue(), study, [](const std::string&) { return PaperTable(); },
      [best = facts_.effects->best](const TrialRecord& trial) { return trial.name != best; });
  ASSERT_TRUE(part.effects);
  const bool trained = std::ranges::any_of(
      part.trials, [&part](const TrialRecord& trial) { return trial.name == part.effects->best; });
  EXPECT_EQ(part.effects->best_is_trained, trained);
  StudyEffects made = *part.effects;
  made.best_is_trained = false;
  EXPECT_THAT(HighestText(made), testing::StartsWith("expected highest, not trained: MC-"));
  EXPECT_EQ(ToJson(made).at("best").at("trained"), false);
}

TEST_F(PageSections, TheAnswerSaysWhatIsShownOfItsLead) {
  const auto answer = [this](std::optional<double> p) {
    std::vector<TableRow>& rows = facts_.models->table.rows;
    const TableRow* first = RowOfModel(facts_, facts_.leaderboard.standings.front());
    for (TableRow& row : rows) {
      row.compared_values = 6;
      row.best = &row == first;
      row.p_best = row.best ? std::nullopt : p;
      row.among_best = row.best || (p && *p > 0.05);
    }
    return TextOfSection(AnswerSection(facts_)) + TextOfSection(LeaderboardSection(facts_));
  };
  EXPECT_THAT(answer(0.2),
              AllOf(HasSubstr("; it is not shown to be better than 11 others."),
                    HasSubstr("<td>may be best</td>"), Not(HasSubstr("<td>lower</td>"))));
  EXPECT_THAT(answer(0.01), AllOf(HasSubstr("; it is shown to be better than all 11 others."),
                                  HasSubstr("<td>lower</td>"), Not(HasSubstr(">may be best<"))));
  EXPECT_THAT(answer(std::nullopt),
              AllOf(HasSubstr("; whether it is better than the others is not tested."),
                    HasSubstr("<td>not tested</td>")));
}

TEST_F(PageSections, WhereEveryTrialFailedNothingIsPromised) {
  for (TrialRecord& trial : facts_.trials) trial.state = TrialState::kFailed;
  facts_.leaderboard.standings.clear();
  facts_.models.reset();
  facts_.effects.reset();
  facts_.no_effects = "nothing is complete";
  EXPECT_THAT(
      TextOfSection(AnswerSection(facts_)),
      AllOf(HasSubstr("every trial failed for good"), Not(HasSubstr("goes on")),
            HasSubstr("none can be made before a trial is complete"), Not(HasSubstr("makes one"))));
  EXPECT_THAT(TextOfSection(ReproduceSection(facts_)),
              AllOf(Not(HasSubstr("beamgrid effects")), Not(HasSubstr("beamgrid ensemble")),
                    Not(HasSubstr("beamgrid verify")), HasSubstr("beamgrid run recipe.toml")));
}

TEST_F(PageSections, EqualWeightsAreNotRankedAndAHigherHoldoutIsNoShrinkage) {
  AddEnsemble(0.1, 0.05, 0.15);
  for (auto& member : facts_.ensemble->answer.at("members").as_array()) {
    member.as_object()["weight"] = 0.5;
  }
  facts_.ensemble->answer.at("selection").as_object()["gap"] = 0.69;
  EXPECT_THAT(TextOfSection(EnsembleSection(facts_)),
              AllOf(HasSubstr("All members weigh the same, 0.5000 of 1."),
                    Not(HasSubstr("weighs most")), HasSubstr("on 90 others, 0.01000 higher: ")));
}

TEST_F(PageSections, ALeaderboardThatIsCutSaysWhatSortingIsOf) {
  const Standing last = facts_.leaderboard.standings.back();
  while (facts_.leaderboard.standings.size() < 301) facts_.leaderboard.standings.push_back(last);
  EXPECT_THAT(TextOfSection(LeaderboardSection(facts_)),
              AllOf(HasSubstr("the best 300 of 301 models"),
                    HasSubstr("1 more model: `beamgrid query leaderboard --study s`; sorting and "
                              "filtering here are of those that are shown.")));
}

TEST_F(PageSections, EffectsAreThoseOfTheCommand) {
  const PageSection section = EffectsSection(facts_);
  EXPECT_THAT(TextOfSection(section),
              AllOf(HasSubstr(" on average over 12 combinations, all measured"),
                    HasSubstr("temporal: "), HasSubstr("One at a time from ")));
  const Figure figure = FigureOf(section);
  ASSERT_EQ(figure.data.rows.size(), 7U);
  EXPECT_EQ(figure.data.rows[0][1].text, "netvlad clusters=64");
  EXPECT_EQ(figure.data.rows[2][5].text, "") << "blstm is shown to be worse";
}

TEST_F(PageSections, CurvesAreOfTheBestSeedOfEachOfTheBestModels) {
  const Figure figure = FigureOf(CurvesSection(facts_));
  ASSERT_EQ(figure.data.rows.size(), 3 * kModelsWithCurves);
  EXPECT_EQ(RowText(figure.data.rows[0]),
            "MC-NetVLAD-C128-MoE2 seed 2 | 1 | 0.62800 | 10.00000 | 11.00000");
}

TEST_F(PageSections, SizesNameTheModelsWithMoreThanEverySmallerOne) {
  const Figure figure = FigureOf(SizesSection(facts_));
  std::vector<std::string> rows;
  for (const auto& row : figure.data.rows) rows.push_back(RowText(row));
  EXPECT_EQ(rows.front(), "MC-NetVLAD-C64-Logistic | 3.9 KiB | 0.60600");
  EXPECT_EQ(rows.size(), 2U) << "all others are larger and no better";
  EXPECT_THAT(TextOfSection(SizesSection(facts_)),
              HasSubstr("may take 1.0 MiB together: 12 of 12 models fit by themselves"));
}

TEST_F(PageSections, SeedsShowTheirSpread) {
  const Figure figure = FigureOf(SeedsSection(facts_));
  ASSERT_EQ(figure.data.rows.size(), 11U) << "one model has one complete seed";
  EXPECT_EQ(RowText(figure.data.rows[0]),
            "MC-NetVLAD-C128-MoE2 | 2 | 0.62600 | 0.0028 | 0.62400 | 0.62800 | 0.00400");
  std::erase_if(facts_.leaderboard.standings,
                [](const Standing& standing) { return standing.values.size() > 1; });
  EXPECT_THAT(TextOfSection(SeedsSection(facts_)),
              HasSubstr("No model has more than one complete seed"));
}

TEST_F(PageSections, ThePathHasAStepForEachReason) {
  const PageSection section = PathSection(facts_);
  const std::string text = TextOfSection(section);
  EXPECT_THAT(text, AllOf(HasSubstr(">stage 0<"), HasSubstr(">stage 1<"), HasSubstr(">stage 2<"),
                          HasSubstr("Of 12 models the best was asked for as number ")));
  EXPECT_EQ(RowText(FigureOf(section).data.rows[0]), "MC-NetVLAD-C64-Logistic | 1 | 0.60600");
}

TEST_F(PageSections, CostCountsEveryAttempt) {
  facts_.attempts.resize(3);
  double now = 1000;
  for (std::size_t i = 0; i < 3; ++i) {
    facts_.attempts[i].begun_at = now;
    facts_.attempts[i].ended_at = now += 90;
    facts_.attempts[i].outcome = i == 1 ? "crashed" : "complete";
    facts_.attempts[i].trial = facts_.trials[i].id;
  }
  const Figure figure = FigureOf(CostSection(facts_));
  EXPECT_THAT(figure.finding, HasSubstr(" of 4m30s that all attempts, failed ones too, took"));
  ASSERT_FALSE(figure.data.rows.empty());
  EXPECT_EQ(figure.data.rows[0][1].text, "1m30s");
}

TEST_F(PageSections, TheTimelineCountsGapsRetriesAndEndsForWantOfMemory) {
  facts_.attempts.resize(4);
  const double begun[] = {0, 10, 100, 105};
  const double ended[] = {10, 20, 110, 115};
  const char* outcomes[] = {"complete", "out_of_memory", "interrupted", "complete"};
  for (std::size_t i = 0; i < 4; ++i) {
    facts_.attempts[i] = {.model = "m",
                          .seed = 1,
                          .number = i == 3 ? 2 : 1,
                          .outcome = outcomes[i],
                          .device = "cuda:0",
                          .begun_at = begun[i],
                          .ended_at = ended[i]};
  }
  const Figure figure = FigureOf(TimelineSection(facts_));
  ASSERT_EQ(figure.data.rows.size(), 1U);
  EXPECT_EQ(RowText(figure.data.rows[0]),
            "cuda:0 | 4 | 2 | 1 | 1 out_of_memory | 1 | 40.0s | 1m20s from 20.0s");
  EXPECT_THAT(figure.finding,
              HasSubstr("4 attempts on 1 device in 1m55s, of which 1 failed, 1 for"));
  EXPECT_THAT(figure.drawing.text(),
              AllOf(HasSubstr("run oom"), HasSubstr("run stopped"),
                    HasSubstr("out of memory (triangle)"), Not(HasSubstr("run failed"))));
}

TEST_F(PageSections, AnAttemptThatRunsEndsWhereTheRecordDoes) {
  facts_.attempts = {
      {.model = "m", .outcome = "running", .device = "cpu", .begun_at = 5},
      {.model = "n", .outcome = "complete", .device = "cpu", .begun_at = 5, .ended_at = 25}};
  EXPECT_THAT(TextOfSection(TimelineSection(facts_)),
              AllOf(HasSubstr("run running"), HasSubstr("from 0.0s for 20.0s")));
}

TEST_F(PageSections, FailuresHaveTheLastLinesOfTheirLogs) {
  const std::string text = TextOfSection(FailuresSection(facts_));
  EXPECT_THAT(text, AllOf(HasSubstr("2 attempts failed; 1 trial has failed for good"),
                          HasSubstr("attempt 1 on cuda:0: out_of_memory: no roomwhat it is for"),
                          HasSubstr("last &lt;line&gt;"), HasSubstr("killed by signal 9")));
  facts_.attempts.clear();
  EXPECT_THAT(TextOfSection(FailuresSection(facts_)), HasSubstr("No attempt failed."));
}

TEST_F(PageSections, ReproductionNamesVersionsCommandsAndTheRecipe) {
  EXPECT_THAT(
      TextOfSection(ReproduceSection(facts_)),
      AllOf(HasSubstr("beamgrid verify s --sample 3"),
            HasSubstr("beamgrid table s --vary temporal --columns size,parameters --resamples 0\n"),
            HasSubstr("<td>0.1.0</td><td>1.13.1</td><th scope=\"row\">cuda:0 NVIDIA H200"),
            HasSubstr("use = &quot;netvlad&quot;")));
}

}  // namespace sections_test
}  // namespace beamgrid
