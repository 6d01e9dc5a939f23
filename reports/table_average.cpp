// Rows that are averages over everything that a table does not vary: the same combinations and
// seeds in every row, so that a difference is of what is varied and of nothing else.

#include <algorithm>
#include <map>
#include <set>

#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

/// AverageRow is one variant: a model of each combination that it was tried in.
struct AverageRow {
  std::map<std::size_t, const Variation*> models;  ///< by the number of the combination
  std::string left_out;                            ///< why it is no row; empty: it is one

  [[nodiscard]] const Variation* In(std::size_t combination) const {
    const auto found = models.find(combination);
    return found == models.end() ? nullptr : found->second;
  }
};

/// Whether a model has all the seeds that its study asked for.
bool IsWholeModel(const Variation* model) {
  return model != nullptr && !model->values.empty() && model->values.size() == model->trials.size();
}

/// AverageGrid is the study's models as rows and combinations, in the order of the study.
struct AverageGrid {
  std::vector<AverageRow> rows;
  std::size_t combinations = 0;

  AverageGrid(const std::vector<Variation>& models, const Axes& axes) {
    std::map<std::string, std::size_t> row_of, combination_of;
    for (const Variation& model : models) {
      std::string key;
      for (const Varied& axis : axes) key += axis.KeyOf(model.model);
      const std::size_t row = row_of.try_emplace(key, rows.size()).first->second;
      if (row == rows.size()) rows.emplace_back();
      const auto combination =
          combination_of.try_emplace(RestText(model.model, axes), combinations).first->second;
      combinations = combination_of.size();
      rows[row].models.emplace(combination, &model);
    }
  }

  [[nodiscard]] std::size_t WholeOf(const AverageRow& row) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        row.models, [](const auto& model) { return IsWholeModel(model.second); }));
  }
  [[nodiscard]] std::size_t CountRows() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(rows, [](const AverageRow& row) { return row.left_out.empty(); }));
  }
  /// Returns the combinations that all rows have that are not left out.
  [[nodiscard]] std::vector<std::size_t> Common() const {
    std::vector<std::size_t> common;
    for (std::size_t c = 0; c < combinations; ++c) {
      const bool in_all = std::ranges::all_of(rows, [c](const AverageRow& row) {
        return !row.left_out.empty() || IsWholeModel(row.In(c));
      });
      if (in_all) common.push_back(c);
    }
    return common;
  }
  /// Keeps the rows of the combination that most rows have, of equal ones of that whose rows have
  /// the most in common, of these the first; leaves the others out.
  void LeaveOut() {
    std::map<std::vector<bool>, std::size_t> counts;  // of combinations, by the rows that have them
    for (std::size_t c = 0; c < combinations; ++c) ++counts[RowsOf(c)];
    std::vector<bool> kept;
    std::pair<std::int64_t, std::size_t> most;
    for (std::size_t c = 0; c < combinations; ++c) {
      const std::vector<bool> having = RowsOf(c);
      const std::pair size(std::ranges::count(having, true), counts.at(having));
      if (size <= most) continue;
      most = size;
      kept = having;
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (WholeOf(rows[r]) == 0) {
        rows[r].left_out = "no model with it has all its seeds";
      } else if (!kept[r]) {
        rows[r].left_out = "shares no combination of all else with all the other rows";
      }
    }
  }

 private:
  [[nodiscard]] std::vector<bool> RowsOf(std::size_t combination) const {
    std::vector<bool> having;
    for (const AverageRow& row : rows) having.push_back(IsWholeModel(row.In(combination)));
    return having;
  }
};

/// Returns the seeds that all rows have in all combinations.
std::vector<std::int64_t> CommonSeedsOf(const AverageGrid& grid,
                                        const std::vector<std::size_t>& common) {
  std::map<std::int64_t, std::size_t> counts;
  std::size_t models = 0;
  for (const AverageRow& row : grid.rows) {
    if (!row.left_out.empty()) continue;
    for (const std::size_t c : common) {
      ++models;
      for (const std::int64_t seed : row.In(c)->seeds) ++counts[seed];
    }
  }
  std::vector<std::int64_t> seeds;
  for (const auto& [seed, count] : counts) {
    if (count == models) seeds.push_back(seed);
  }
  return seeds;
}

Variation AverageOf(const AverageRow& row, const std::vector<std::size_t>& common,
                    const std::vector<std::int64_t>& seeds) {
  Variation average{.model = row.models.begin()->second->model};
  average.why_none = row.left_out;
  if (!row.left_out.empty()) return average;
  average.models = common.size();
  for (const std::size_t c : common) {
    const Variation& model = *row.In(c);
    for (std::size_t i = 0; i < model.values.size(); ++i) {
      if (std::ranges::find(seeds, model.seeds[i]) == seeds.end()) continue;
      average.trials.push_back(model.measured[i]);
      average.measured.push_back(model.measured[i]);
      average.values.push_back(model.values[i]);
      average.seeds.push_back(model.seeds[i]);
    }
  }
  return average;
}

/// Returns the criteria, beside the varied ones, that differ among the models.
std::vector<std::string> AveragedCriteria(const std::vector<const Variation*>& models,
                                          const Axes& axes) {
  std::vector<std::string> criteria;
  for (const std::string& criterion : CriteriaOfTables()) {
    const Varied whole{.criterion = criterion, .extra = {}, .names = {}};
    std::set<std::string> texts;
    for (const Variation* model : models) {
      ModelSpec rest = model->model;
      for (const Varied& axis : axes) rest = axis.Without(std::move(rest));
      texts.insert(whole.KeyOf(rest));
    }
    if (texts.size() > 1) criteria.push_back(criterion);
  }
  return criteria;
}

/// Says what became of the models that lack seeds: "1 failed, 2 unfinished"; empty where none does.
std::string UnwholeText(const AverageRow& row) {
  std::map<std::string, std::size_t> counts;
  for (const auto& [combination, model] : row.models) {
    if (IsWholeModel(model)) continue;
    const auto is = [&model](TrialState state) {
      return std::ranges::any_of(
          model->trials, [state](const TrialRecord* trial) { return trial->state == state; });
    };
    ++counts[is(TrialState::kFailed)   ? "failed"
             : is(TrialState::kPruned) ? "pruned"
                                       : "unfinished"];
  }
  return Join(counts, ", ",
              [](const auto& count) { return std::to_string(count.second) + " " + count.first; });
}

/// Says which combinations do not count, and how many each row lacks.
std::string LeftOutNote(const AverageGrid& grid, const std::vector<std::size_t>& common,
                        const std::vector<std::string>& labels) {
  if (common.size() == grid.combinations) return "";
  std::vector<std::string> lacking;
  for (std::size_t i = 0; i < grid.rows.size(); ++i) {
    const AverageRow& row = grid.rows[i];
    const std::size_t whole = grid.WholeOf(row);
    if (!row.left_out.empty() || whole == grid.combinations) continue;
    const std::string became = UnwholeText(row);
    lacking.push_back(labels[i] + " lacks " + std::to_string(grid.combinations - whole) +
                      (became.empty() ? "" : " (" + became + ")"));
  }
  return "left out: " + CountText(grid.combinations - common.size(), "combination") +
         " that not all rows have with all their seeds: " + JoinFirst(lacking, 6);
}

/// Says that rows have further seeds that do not count; empty where they have none.
std::string LeftOutSeedsNote(const AverageGrid& grid, const std::vector<std::size_t>& common,
                             const std::vector<std::int64_t>& seeds) {
  std::set<std::int64_t> others;
  for (const AverageRow& row : grid.rows) {
    if (!row.left_out.empty()) continue;
    for (const std::size_t c : common) {
      for (const std::int64_t seed : row.In(c)->seeds) {
        if (std::ranges::find(seeds, seed) == seeds.end()) others.insert(seed);
      }
    }
  }
  if (others.empty()) return "";
  const auto text = [](std::int64_t seed) { return std::to_string(seed); };
  return "of the seeds " + Join(seeds, ", ", text) +
         (seeds.size() == 1 ? " counts; " : " count; ") + Join(others, ", ", text) +
         (others.size() == 1 ? " is" : " are") + " not there for every row and combination";
}

}  // namespace

ChosenRows ChooseAverages(const std::vector<Variation>& models, const Axes& axes,
                          const Catalogue& catalogue) {
  AverageGrid grid(models, axes);
  grid.LeaveOut();
  const std::vector<std::size_t> common = grid.Common();
  if (grid.CountRows() < 2) {
    throw UsageError("no average: no combination of all else has two rows with all their seeds");
  }
  const std::vector<std::int64_t> seeds = CommonSeedsOf(grid, common);
  if (seeds.empty()) {
    throw UsageError("no average: no seed is there for every row and each of the " +
                     CountText(common.size(), "combination") + " that all rows have");
  }
  ChosenRows chosen{.variants = {}, .labels = {}, .combinations = common.size()};
  std::vector<const Variation*> averaged;
  for (const AverageRow& row : grid.rows) {
    chosen.variants.push_back(AverageOf(row, common, seeds));
    if (!row.left_out.empty()) continue;
    for (const std::size_t c : common) averaged.push_back(row.In(c));
  }
  LabelRows(chosen, axes, catalogue);
  const std::vector<std::string> over = AveragedCriteria(averaged, axes);
  chosen.caption.push_back(
      "each row is the mean over the same " + CountText(common.size(), "combination") +
      (over.empty() ? "" : " of " + Join(over)) + " and " + CountText(seeds.size(), "seed"));
  Axes fixed = axes;
  for (const std::string& criterion : over) {
    fixed.push_back({.criterion = criterion, .extra = {}, .names = {}});
  }
  chosen.notes.push_back(HeldFixed(averaged[0]->model, fixed, catalogue));
  chosen.notes.push_back(LeftOutNote(grid, common, chosen.labels));
  chosen.notes.push_back(LeftOutSeedsNote(grid, common, seeds));
  std::erase(chosen.notes, "");
  return chosen;
}

}  // namespace beamgrid
