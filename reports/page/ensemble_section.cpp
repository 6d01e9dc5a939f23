// The study's ensemble: its members, what they weigh, and how alike they are.

#include <algorithm>
#include <cmath>

#include "registry/util/text.h"
#include "reports/page/ensemble_words.h"
#include "reports/page/plot.h"
#include "reports/page/row_chart.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

constexpr int kWeightDigits = 4;
constexpr int kGapDigits = 5;

/// Returns the cell of a member, which is a trial of the study or a form of one.
PageCell MemberCell(const StudyFacts& facts, const std::string& name) {
  for (const TrialRecord& trial : facts.trials) {
    if (name == trial.name + "/s" + std::to_string(trial.seed)) {
      return TrialCell(facts, trial.id, name);
    }
  }
  return {name};
}

PageTable MembersTable(const StudyFacts& facts, const EnsembleNumbers& ensemble) {
  PageTable table{.caption = "Members", .columns = {"member", ">size", ">weight"}};
  for (const EnsembleNumbers::Member& member : ensemble.members) {
    table.rows.push_back({MemberCell(facts, member.name), SizeCell(member.size_bytes),
                          FixedCell(member.weight, kWeightDigits)});
  }
  return table;
}

std::string WeightsFinding(const EnsembleNumbers::Member& lightest,
                           const EnsembleNumbers::Member& heaviest, std::size_t members) {
  const std::string most = FixedText(heaviest.weight, kWeightDigits);
  if (FixedText(lightest.weight, kWeightDigits) == most) {
    return "All members weigh the same, " + most + " of 1.";
  }
  return heaviest.name + " weighs most, with " + most + " of 1; equal weights would be " +
         FixedText(1.0 / static_cast<double>(members), kWeightDigits) + ".";
}

/// Returns how far the holdout's GAP is from that of the videos which chose the ensemble, in words.
std::string ShrinkageText(double selection_gap, double holdout_gap) {
  const double lost = selection_gap - holdout_gap;
  const std::string size = FixedText(std::abs(lost), kGapDigits);
  return lost > 0 ? size + " lower, as is usual on videos that did not choose it"
                  : size + " higher: these videos happen to be easier for it";
}

Figure WeightsFigure(const StudyFacts& facts, const EnsembleNumbers& ensemble) {
  const auto [lightest, heaviest] =
      std::ranges::minmax_element(ensemble.members, {}, &EnsembleNumbers::Member::weight);
  Figure figure{.name = "weights",
                .title = "Weights of the members",
                .finding = WeightsFinding(*lightest, *heaviest, ensemble.members.size())};
  std::vector<ChartRow> rows;
  for (const EnsembleNumbers::Member& member : ensemble.members) {
    const std::string weight = FixedText(member.weight, kWeightDigits);
    rows.push_back({.label = member.name + ", " + weight + ", " + SizeText(member.size_bytes),
                    .value = member.weight,
                    .title = member.name + ": " + weight});
  }
  DrawRows(rows, LinearAxis("weight; all together 1", 0, heaviest->weight), BarsFrom::kZero,
           figure);
  figure.data = MembersTable(facts, ensemble);
  return figure;
}

PageTable PairsTable(const StudyFacts& facts, const std::vector<MemberPair>& pairs) {
  constexpr std::size_t kShownPairs = 15;  // of six members all
  PageTable table{.caption = "How alike the members are, the most alike first",
                  .columns = {"member", "beside", ">correlation", ">disagree"}};
  for (std::size_t i = 0; i < std::min(kShownPairs, pairs.size()); ++i) {
    table.rows.push_back(
        {MemberCell(facts, pairs[i].first),
         MemberCell(facts, pairs[i].second),
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
                          " on " + std::to_string(ensemble.selection_videos) + " " + ensemble.unit +
                          "s, those that it was chosen on";
  if (!ensemble.holdout) {
    section.Say(selection + ": too high for a test score.");
    return;
  }
  const EnsembleNumbers::Holdout& holdout = *ensemble.holdout;
  section.Say(selection + "; holdout GAP " + FixedText(holdout.gap, kGapDigits) + " on " +
              std::to_string(holdout.videos) + " others, " +
              ShrinkageText(ensemble.selection_gap, holdout.gap) + ". On the holdout " +
              GainSentence(ensemble) + "; alone it has " +
              FixedText(ensemble.best_single_gap, kGapDigits) + " there.");
}

void AddDiversity(PageSection& section, const StudyFacts& facts) {
  const EnsembleFact& fact = *facts.ensemble;
  if (!fact.pairs.empty()) {
    section.Add(TableMarkup(PairsTable(facts, fact.pairs)));
    section.Note(
        "correlation: of the scores that are averaged, over the labels that a member lists; "
        "disagree: in how many of the videos that chose the ensemble their best labels differ.");
  } else if (!fact.no_pairs.empty()) {
    section.Note("How alike its members are is not known: " + fact.no_pairs);
  }
}

PageTable FrontierTable(const FrontierFacts& frontier) {
  PageTable table{
      .caption = "The best ensemble for each limit of size",
      .columns = {">from this size", ">members", ">selection GAP", ">holdout GAP", "models"},
      .row_names = 0};
  for (const FrontierFact& point : frontier.points) {
    table.rows.push_back(
        {SizeCell(point.size_bytes),
         CountCell(std::ssize(point.members)),
         FixedCell(point.selection_gap, kGapDigits),
         point.holdout_gap ? FixedCell(*point.holdout_gap, kGapDigits) : PageCell{""},
         {Join(point.members)}});
  }
  return table;
}

Figure FrontierFigure(const FrontierFacts& frontier) {
  // What was not chosen by it, where there is such.
  const bool held_out = frontier.points.front().holdout_gap.has_value();
  const auto gap = [held_out](const FrontierFact& point) {
    return held_out ? point.holdout_gap.value_or(0) : point.selection_gap;
  };
  const FrontierFact& last = frontier.points.back();
  Figure figure{.name = "frontier",
                .title = "GAP of the best ensemble for each limit of size",
                .finding = "From " + SizeText(frontier.points.front().size_bytes) + " with " +
                           FixedText(gap(frontier.points.front()), kGapDigits) + " to " +
                           SizeText(last.size_bytes) + " with " + FixedText(gap(last), kGapDigits) +
                           (held_out ? " on the holdout." : " on the videos that chose it.")};
  std::vector<PlotPoint> points;
  for (const FrontierFact& point : frontier.points) {
    points.push_back({static_cast<double>(point.size_bytes), gap(point)});
  }
  const auto [low, high] = std::ranges::minmax(points, {}, &PlotPoint::y);
  Plot plot(BytesAxis("size of all members", points.front().x, points.back().x),
            LinearAxis(held_out ? "holdout GAP" : "selection GAP", low.y, high.y));
  plot.Steps(points, points.back().x, 0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    plot.Mark(points[i], 0,
              SizeText(frontier.points[i].size_bytes) + ", " + FixedText(points[i].y, kGapDigits) +
                  ": " + Join(frontier.points[i].members));
  }
  plot.Legend(0, held_out ? "chosen by the selection GAP, so it may fall here"
                          : "on the videos that chose them: too high for a test score");
  plot.DrawInto(figure);
  figure.data = FrontierTable(frontier);
  return figure;
}

void AddFrontier(PageSection& section, const StudyFacts& facts) {
  if (!facts.frontier) return;
  const FrontierFacts& frontier = *facts.frontier;
  if (frontier.points.empty()) {
    section.Note("What other limits of size would give is not shown: " + frontier.missing);
    return;
  }
  section.Add(FrontierFigure(frontier));
  section.Note("Each is the best of " + std::to_string(frontier.sets) +
               " sets that were scored, with the recipe's settings, weights as the search has them "
               "and all seeds; `beamgrid ensemble " +
               facts.study.name + " --frontier` has the same.");
}

}  // namespace

PageSection EnsembleSection(const StudyFacts& facts) {
  PageSection section{"ensemble", "Ensemble", {}};
  if (!facts.ensemble) {
    section.Say(EnsembleSentence(facts));
    AddFrontier(section, facts);
    return section;
  }
  const EnsembleNumbers ensemble = NumbersOf(*facts.ensemble);
  section.Say("Ensemble " + std::to_string(facts.ensemble->id) + ", recorded at " +
              facts.ensemble->created_at + ": " + SizeText(ensemble.size_bytes) + " of " +
              SizeText(ensemble.size_limit) + ", weights " + ensemble.weights_used + ".");
  AddScores(section, ensemble);
  section.Add(TableMarkup(MembersTable(facts, ensemble)));
  if (ensemble.members.size() > 1) section.Add(WeightsFigure(facts, ensemble));
  AddDiversity(section, facts);
  std::vector<std::string> notes = ensemble.notes;
  for (const std::string& name : ensemble.dropped) {
    notes.push_back("dropped " + name + ": GAP is no lower without it");
  }
  section.Add(BulletList(notes, "note"));
  section.Note("`beamgrid ensemble " + facts.study.name +
               " --why --certify` says why these, and how far the best set may be.");
  AddFrontier(section, facts);
  return section;
}

}  // namespace beamgrid
