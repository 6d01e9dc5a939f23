// The study's ensemble: its members, what they weigh, and how alike they are.

#include <algorithm>

#include "registry/util/text.h"
#include "reports/page/ensemble_words.h"
#include "reports/page/row_chart.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

constexpr int kWeightDigits = 4;
constexpr int kGapDigits = 5;

PageTable MembersTable(const EnsembleNumbers& ensemble) {
  PageTable table{.caption = "Members", .columns = {"member", ">size", ">weight"}};
  for (const EnsembleNumbers::Member& member : ensemble.members) {
    table.rows.push_back(
        {{member.name}, SizeCell(member.size_bytes), FixedCell(member.weight, kWeightDigits)});
  }
  return table;
}

Figure WeightsFigure(const EnsembleNumbers& ensemble) {
  const auto heaviest =
      std::ranges::max_element(ensemble.members, {}, &EnsembleNumbers::Member::weight);
  Figure figure{
      .name = "weights",
      .title = "Weights of the members",
      .finding = heaviest->name + " weighs most, with " +
                 FixedText(heaviest->weight, kWeightDigits) + " of 1; equal ones would be " +
                 FixedText(1.0 / static_cast<double>(ensemble.members.size()), kWeightDigits) +
                 "."};
  std::vector<ChartRow> rows;
  for (const EnsembleNumbers::Member& member : ensemble.members) {
    const std::string weight = FixedText(member.weight, kWeightDigits);
    rows.push_back({.label = member.name + ", " + weight + ", " + SizeText(member.size_bytes),
                    .value = member.weight,
                    .title = member.name + ": " + weight});
  }
  DrawRows(rows, LinearAxis("weight; all together 1", 0, heaviest->weight), BarsFrom::kZero,
           figure);
  figure.data = MembersTable(ensemble);
  return figure;
}

PageTable PairsTable(const std::vector<MemberPair>& pairs) {
  constexpr std::size_t kShownPairs = 15;  // of six members all
  PageTable table{.caption = "How alike the members are, the most alike first",
                  .columns = {"member", "beside", ">correlation", ">disagree"}};
  for (std::size_t i = 0; i < std::min(kShownPairs, pairs.size()); ++i) {
    table.rows.push_back(
        {{pairs[i].first},
         {pairs[i].second},
         FixedCell(pairs[i].correlation, 3),
         {FixedText(100 * pairs[i].disagreement, 0) + " %", pairs[i].disagreement}});
  }
  if (pairs.size() > kShownPairs) {
    table.more = CountText(pairs.size() - kShownPairs, "more pair") + " less alike.";
  }
  return table;
}

void AddScores(PageSection& section, const EnsembleNumbers& ensemble) {
  std::string selection = "Selection GAP " + FixedText(ensemble.selection_gap, kGapDigits) +
                          " on " + std::to_string(ensemble.selection_videos) +
                          " videos, those that it was chosen on";
  if (!ensemble.holdout) {
    section.Say(selection + ": too high for a test score.");
    return;
  }
  const EnsembleNumbers::Holdout& holdout = *ensemble.holdout;
  section.Say(selection + "; holdout GAP " + FixedText(holdout.gap, kGapDigits) + " on " +
              std::to_string(holdout.videos) + " others: shrinkage " +
              FixedText(ensemble.selection_gap - holdout.gap, kGapDigits) + ". On the holdout " +
              GainSentence(ensemble) + "; alone it has " +
              FixedText(ensemble.best_single_gap, kGapDigits) + " there.");
}

void AddDiversity(PageSection& section, const EnsembleFact& fact) {
  if (!fact.pairs.empty()) {
    section.Add(TableMarkup(PairsTable(fact.pairs)));
    section.Note(
        "correlation: of the scores that are averaged, over the labels that a member lists; "
        "disagree: in how many of the videos that chose the ensemble their best labels differ.");
  } else if (!fact.no_pairs.empty()) {
    section.Note("How alike its members are is not known: " + fact.no_pairs);
  }
}

}  // namespace

PageSection EnsembleSection(const StudyFacts& facts) {
  PageSection section{"ensemble", "Ensemble", {}};
  if (!facts.ensemble) {
    section.Say(EnsembleSentence(facts));
    return section;
  }
  const EnsembleNumbers ensemble = NumbersOf(*facts.ensemble);
  section.Say("Ensemble " + std::to_string(facts.ensemble->id) + ", recorded at " +
              facts.ensemble->created_at + ": " + SizeText(ensemble.size_bytes) + " of " +
              SizeText(ensemble.size_limit) + ", weights " + ensemble.weights_used + ".");
  AddScores(section, ensemble);
  section.Add(TableMarkup(MembersTable(ensemble)));
  if (ensemble.members.size() > 1) section.Add(WeightsFigure(ensemble));
  AddDiversity(section, *facts.ensemble);
  std::vector<std::string> notes = ensemble.notes;
  for (const std::string& name : ensemble.dropped) {
    notes.push_back("dropped " + name + ": GAP is no lower without it");
  }
  section.Add(BulletList(notes, "note"));
  section.Note("`beamgrid ensemble " + facts.study.name +
               " --why --frontier --certify` says why these, what other limits would give, and how "
               "far the best set may be.");
  return section;
}

}  // namespace beamgrid
