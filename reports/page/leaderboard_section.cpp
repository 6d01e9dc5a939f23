// The models by the mean of the objective.

#include <algorithm>
#include <cmath>

#include "registry/util/text.h"
#include "reports/page/section.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

constexpr std::size_t kRanked = 300;

/// Returns what is shown beside the objective: accuracy and top-5, where the videos have one label.
std::vector<Metric> FurtherMetrics(const StudyFacts& facts) {
  std::vector<Metric> further;
  for (const Metric& metric : kMetrics) {
    const bool measured = std::ranges::any_of(facts.trials, [&metric](const TrialRecord& trial) {
      return trial.result && std::isfinite(trial.result->metrics.*metric.value);
    });
    if (metric.needs == Metric::Needs::kOneLabel && measured &&
        metric.value != facts.objective->value) {
      further.push_back(metric);
    }
  }
  return further;
}

/// The mean over the complete seeds; an empty cell where one of them has not measured it.
PageCell MeanCell(const StudyFacts& facts, const Standing& standing, const Metric& metric) {
  double sum = 0;
  std::size_t count = 0;
  for (const std::size_t place : standing.places) {
    const TrialRecord& trial = facts.trials[place];
    if (trial.state != TrialState::kComplete || !trial.result) continue;
    sum += trial.result->metrics.*metric.value;
    ++count;
  }
  return FixedCell(sum / static_cast<double>(count), kMetricDigits);
}

/// Returns the mean with its standard deviation, digits by the rule of tables.
PageCell ObjectiveCell(const StudyFacts& facts, const Standing& standing) {
  const TableRow* row = RowOfModel(facts, standing);
  const int decimals = facts.models ? facts.models->table.decimals : kMetricDigits;
  PageCell cell = FixedCell(standing.mean(), decimals);
  if (row != nullptr && row->std) cell.text += " ± " + FixedText(*row->std, decimals);
  return cell;
}

/// What is shown of a model that is not shown to be lower than the best; where few seeds show that
/// of none, it is no praise.
constexpr char kMayBeBest[] = "may be best", kOpen[] = "open";

/// Returns what is shown of a model beside the best: "highest", "open", "may be best", "lower",
/// "not tested".
std::string JudgedText(const StudyFacts& facts, const Standing& standing) {
  const TableRow* row = RowOfModel(facts, standing);
  if (row == nullptr || (!row->best && !row->p_best)) return "not tested";
  if (row->best) return "highest";
  if (!row->among_best) return "lower";
  return TellsNothing(facts.models->table) ? kOpen : kMayBeBest;
}

PageTable RankedModels(const StudyFacts& facts) {
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  const std::size_t shown = std::min(kRanked, standings.size());
  PageTable table{.caption = "Leaderboard",
                  .columns = {">rank", "model", std::string(">") + facts.objective->heading,
                              "judged", ">seeds", ">size", ">parameters"},
                  .row_names = 1};
  const std::vector<Metric> further = FurtherMetrics(facts);
  for (std::size_t i = 0; i < further.size(); ++i) {
    table.columns.insert(table.columns.begin() + 4 + static_cast<std::ptrdiff_t>(i),
                         std::string(">") + further[i].heading);
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const Standing& standing = standings[i];
    std::vector<PageCell>& cells = table.rows.emplace_back();
    cells = {CountCell(static_cast<std::int64_t>(i + 1)),
             TrialCell(facts, facts.trials[standing.places.front()].id, standing.name),
             ObjectiveCell(facts, standing),
             {JudgedText(facts, standing)}};
    for (const Metric& metric : further) cells.push_back(MeanCell(facts, standing, metric));
    cells.insert(cells.end(),
                 {{std::to_string(standing.values.size()) + "/" + std::to_string(standing.trials),
                   static_cast<double>(standing.values.size())},
                  SizeCell(standing.size_bytes),
                  CountCell(standing.parameters)});
  }
  if (shown < standings.size()) {
    table.caption += ": the best " + std::to_string(shown) + " of " +
                     std::to_string(standings.size()) + " models";
    table.more = CountText(standings.size() - shown, "more model") +
                 ": `beamgrid query leaderboard --study " + facts.study.name +
                 "`; sorting and filtering here are of those that are shown.";
  }
  return table;
}

/// Says how little so few seeds show, by the lowest row that is not shown to be lower; empty where
/// there are more seeds, or no such row.
std::string FewSeedsNote(const AblationTable& table) {
  const std::string seeds = FewSeedsText(table);
  double best = 0, farthest = 0;
  for (const TableRow& row : table.rows) {
    if (row.best) best = *row.mean;
  }
  for (const TableRow& row : table.rows) {
    if (row.p_best && row.among_best) farthest = std::max(farthest, best - *row.mean);
  }
  const std::string distance = FixedText(farthest, table.decimals);
  if (seeds.empty() || distance == FixedText(0, table.decimals)) return "";
  return "With " + seeds + " a test shows little: not even the row that is " + distance +
         " below the highest is shown to be lower, so these words say that seeds are too few, and "
         "not that the models are alike. ";
}

/// Says what the judgement is made of; empty where nothing could be tested.
std::string JudgedNote(const StudyFacts& facts) {
  if (!facts.models && facts.leaderboard.standings.size() <= kMostJudgedModels) return "";
  if (!facts.models) {
    return "not tested: the study has " + CountText(facts.leaderboard.standings.size(), "model") +
           ", and a page tests up to " + std::to_string(kMostJudgedModels) + " of them.";
  }
  const AblationTable& table = facts.models->table;
  const auto tested =
      std::ranges::count_if(table.rows, [](const TableRow& row) { return row.p_best.has_value(); });
  if (tested == 0) return "not tested: a test needs two seeds, or the predictions of both models.";
  const std::string comparisons =
      tested == 1 ? "5 %" : "5 % for all " + std::to_string(tested) + " comparisons together";
  return "judged: against the highest mean, with all its seeds; \"" +
         std::string(TellsNothing(table) ? kOpen : kMayBeBest) + "\" is not shown to be lower (" +
         comparisons + "). " + FewSeedsNote(table) + "± is the standard deviation of the seeds. " +
         (facts.models->seeds_alone.empty() ? "The same as `" + facts.models->command + "` has it."
                                            : SeedsAloneText(facts.models->seeds_alone));
}

}  // namespace

const TableRow* RowOfModel(const StudyFacts& facts, const Standing& standing) {
  const auto found = facts.model_rows.find(facts.trials[standing.places.front()].fingerprint);
  return found == facts.model_rows.end() ? nullptr : &facts.models->table.rows[found->second];
}

PageSection LeaderboardSection(const StudyFacts& facts) {
  PageSection section{"leaderboard", "Leaderboard", {}};
  if (facts.leaderboard.standings.empty()) {
    section.Say("No trial is complete.");
    return section;
  }
  section.Add(TableMarkup(RankedModels(facts)));
  const std::string judged = JudgedNote(facts);
  if (!judged.empty()) section.Note(judged);
  const std::string seeds = SeedsNote(facts.leaderboard);
  section.Note(seeds.empty() ? "seeds: complete of those begun." : seeds + ".");
  return section;
}

}  // namespace beamgrid
