// What a table says of its rows as a whole: what is held fixed, what is not in it and why.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>

#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

/// Says that rows are of less data than there are; empty where nothing was passed over.
std::string SkippedNote(const std::vector<Variation>& variants) {
  std::int64_t most = 0;
  for (const Variation& variant : variants) {
    for (const TrialRecord* trial : variant.trials) {
      if (trial->result) most = std::max(most, trial->result->skipped_records);
    }
  }
  if (most == 0) return "";
  return "up to " + CountText(static_cast<std::size_t>(most), "record") +
         (most == 1 ? " of the data was" : " of the data were") + " skipped as damaged";
}

/// Says that the search let go trials of rows before the end of their training; empty where none.
std::string LetGoNote(const std::vector<Variation>& variants) {
  const auto let_go = [](const TrialRecord* trial) { return trial->state == TrialState::kPruned; };
  const auto rows = std::ranges::count_if(variants, [&](const Variation& variant) {
    return std::ranges::any_of(variant.trials, let_go);
  });
  if (rows == 0) return "";
  return "the search let trials of " + std::to_string(rows) + " of " +
         CountText(variants.size(), "row") +
         " go before the end of their training; what they came to stands in no column";
}

/// Says that rows have differently many seeds; empty where they have not.
std::string RaceNote(const std::vector<TableRow>& rows, bool raced) {
  std::size_t least = SIZE_MAX, most = 0;
  for (const TableRow& row : rows) {
    if (row.missing_seeds > 0 || row.seeds.empty()) continue;
    least = std::min(least, row.seeds.size());
    most = std::max(most, row.seeds.size());
  }
  if (least >= most) return "";
  const bool compared =
      std::ranges::any_of(rows, [](const TableRow& row) { return row.delta.has_value(); });
  return "rows have " + std::to_string(least) + " to " + std::to_string(most) + " seeds" +
         (raced ? ", for further ones are raced for by those that may be the best" : "") +
         (compared ? ": a difference is between means of different seeds" : "");
}

}  // namespace

std::string HeldFixed(ModelSpec model, const Axes& axes, const Catalogue& catalogue) {
  std::set<std::string> varied;
  bool no_other_extras = false;
  for (const Varied& axis : axes) {
    // Of extras, settings and options that are varied by name the others are fixed.
    if (axis.names.empty()) {
      varied.insert(axis.criterion);
      continue;
    }
    model = axis.Without(std::move(model));
    no_other_extras = no_other_extras || (axis.criterion == "extras" && model.extras.empty());
  }
  if (no_other_extras) varied.insert("extras");
  return "held fixed: " + PartsText(model, varied, catalogue) +
         (no_other_extras ? "; no other extras" : "");
}

std::string BetterElsewhere(const ChosenRows& chosen, const AblationTable& table) {
  double best = -std::numeric_limits<double>::infinity();
  for (const TableRow& row : table.rows) best = std::max(best, row.mean.value_or(best));
  const Variation* better = nullptr;
  std::string why;
  const auto look_at = [&](const std::vector<Variation>& variants, const char* reason) {
    for (const Variation& variant : variants) {
      // An average is no model.
      if (variant.models > 1 || variant.values.empty()) continue;
      if (Mean(variant.values) <= best) continue;
      best = Mean(variant.values);
      better = &variant;
      why = reason;
    }
  };
  look_at(chosen.elsewhere, "is of another group and not in this table");
  look_at(chosen.unlisted, "is not in this table: it is none of the paper's rows alone");
  if (better == nullptr) return "";
  return "the study's best, " + better->trials.front()->name + " with " +
         FixedText(best, table.decimals) + ", " + why;
}

std::vector<std::string> TrialNotes(const std::vector<Variation>& variants,
                                    const AblationTable& table) {
  const std::vector<TableRow>& rows = table.rows;
  std::vector<std::string> notes = {SkippedNote(variants), LetGoNote(variants),
                                    RaceNote(rows, table.raced)};
  if (IsTested(rows) && table.raced) {
    notes.emplace_back(
        "read p with care: seeds were raced for, so how many a row has was not fixed "
        "beforehand");
  }
  const auto incomplete =
      std::ranges::count_if(rows, [](const TableRow& row) { return row.missing_seeds > 0; });
  if (incomplete > 0) {
    notes.push_back("incomplete rows: " + std::to_string(incomplete) + " of " +
                    std::to_string(rows.size()) + "; they are not compared");
  }
  std::erase(notes, "");
  return notes;
}

}  // namespace beamgrid
