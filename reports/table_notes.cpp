// What a table says of its comparisons below its rows.

#include <algorithm>
#include <cmath>
#include <set>

#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

std::string ComparedLabel(const AblationTable& table) { return table.rows[*table.compared].label; }

/// Returns the seeds of the rows with a p, as "6 seeds" or "6 to 10 seeds".
std::string SeedsText(const std::vector<const TableRow*>& rows) {
  std::size_t least = SIZE_MAX, most = 0;
  for (const TableRow* row : rows) {
    least = std::min(least, row->seeds.size());
    most = std::max(most, row->seeds.size());
  }
  return (least == most ? "" : std::to_string(least) + " to ") + CountText(most, "seed");
}

std::string DifferenceNote(const AblationTable& table) {
  if (!table.compared) return "difference: none, for no row has all its seeds";
  std::string note = "difference: from " + ComparedLabel(table);
  std::set<Levels> levels;
  for (const TableRow& row : table.rows) {
    if (row.difference) levels.insert(row.difference->levels);
  }
  if (levels.empty()) return note;
  note += ", 95 % interval ";
  if (levels.contains(Levels::kSeeds)) return note + "of other seeds on these videos (t)";
  note += "by " + std::to_string(table.resamples) + " resamples of the " +
          CountText(table.videos, "video");
  if (!levels.contains(Levels::kSeedsAndVideos)) {
    return note + " alone: a single seed says nothing of others";
  }
  note += " and of the seeds";
  if (levels.contains(Levels::kVideos)) note += " (of the videos alone where a row has one seed)";
  return note;
}

/// Returns "12 %" or "12 to 40 %" of the shares that a part has of the rows' variance.
std::string ShareText(const AblationTable& table, double RowDifference::* part) {
  std::vector<double> shares;
  for (const TableRow& row : table.rows) {
    if (!row.difference || row.difference->levels != Levels::kSeedsAndVideos) continue;
    const RowDifference& of_row = *row.difference;
    const double all = of_row.seeds_variance + of_row.videos_variance + of_row.remainder_variance;
    if (all > 0) shares.push_back(100 * of_row.*part / all);
  }
  if (shares.empty()) return "";
  const auto [least, most] = std::ranges::minmax(shares);
  const std::string low = FixedText(least, 0), high = FixedText(most, 0);
  return (low == high ? "" : low + " to ") + high + " %";
}

std::string SharesNote(const AblationTable& table) {
  const std::string seeds = ShareText(table, &RowDifference::seeds_variance);
  if (seeds.empty()) return "";
  return "of a difference's variance " + seeds + " is the seeds', " +
         ShareText(table, &RowDifference::videos_variance) + " the videos'";
}

std::string NoIntervalNote(const AblationTable& table) {
  std::size_t rows = 0;
  std::string why;
  for (const TableRow& row : table.rows) {
    if (row.no_interval.empty()) continue;
    ++rows;
    if (why.empty()) why = row.no_interval;
  }
  return rows == 0 ? "" : "no interval for " + CountText(rows, "row") + ": " + why;
}

std::string TestName(const AblationTable& table, const std::vector<const TableRow*>& rows) {
  if (table.test == TableTest::kSignFlip) {
    return "exact sign-flip test of " + SeedsText(rows) + " on these videos";
  }
  if (table.test == TableTest::kTwoLevel) return "two-sided test of seeds and videos";
  const TableRow& compared = table.rows[*table.compared];
  const auto paired = std::ranges::count_if(
      rows, [&](const TableRow* row) { return row->seed_numbers == compared.seed_numbers; });
  if (paired == 0) return "two-sided Welch's t-test on these videos";
  return paired == std::ssize(rows)
             ? "two-sided t-test paired by seed, on these videos"
             : "two-sided t-test paired by seed, Welch's where seeds differ, on these videos";
}

/// Says what p is and how small it can be, or why there is none.
std::vector<std::string> TestNotes(const AblationTable& table) {
  std::vector<const TableRow*> tested;
  std::size_t compared = 0, most_seeds = 0;
  for (const TableRow& row : table.rows) {
    if (row.p_value) tested.push_back(&row);
    if (!row.delta) continue;
    ++compared;
    most_seeds = std::max(most_seeds, row.seeds.size());
  }
  if (compared == 0) return {};
  if (tested.empty()) {
    if (table.test != TableTest::kSignFlip || most_seeds < 2) return {};
    if (most_seeds >= kLeastSignFlips) {
      return {"no p: the rows have other seeds than " + ComparedLabel(table)};
    }
    return {"no p: no exact test of " + CountText(most_seeds, "seed") + " can be below " +
            FixedText(LeastSignFlipP(most_seeds), most_seeds < 4 ? 2 : 3) + "; " +
            std::to_string(kLeastSignFlips) + " seeds can be below 0.05"};
  }
  std::vector<std::string> notes = {"p: " + TestName(table, tested) + ", against " +
                                    ComparedLabel(table)};
  if (tested.size() > 1) {
    notes[0] += ", after Holm for " + std::to_string(tested.size()) + " comparisons";
  }
  const double least = LeastSignFlipP(most_seeds) * static_cast<double>(tested.size());
  if (table.test == TableTest::kSignFlip && least > 0.05) {
    notes.push_back("no p of " + std::to_string(tested.size()) + " comparisons of " +
                    CountText(most_seeds, "seed") + " can be below " + FixedText(least, 3) +
                    " after Holm");
  }
  return notes;
}

std::string BoldNote(const AblationTable& table) {
  const auto bold = std::ranges::count_if(table.rows, &TableRow::among_best);
  const auto judged =
      std::ranges::count_if(table.rows, [](const TableRow& row) { return row.best || row.p_best; });
  const auto best = std::ranges::count_if(table.rows, &TableRow::best);
  if (judged < 2) return bold == 0 || table.rows.size() < 2 ? "" : "bold: the best";
  std::string note = bold == best ? "bold: the best; all others are worse"
                                  : "bold: the best, and what is not shown to be worse";
  const bool videos_only = std::ranges::any_of(table.rows, [](const TableRow& row) {
    return row.difference && row.difference->levels == Levels::kVideos;
  });
  if (videos_only) note += ", of these trained models";
  constexpr std::size_t kFewSeeds = 3;
  std::size_t seeds = 0;
  for (const TableRow& row : table.rows) seeds = std::max(seeds, row.seeds.size());
  if (bold > best && seeds > 1 && seeds <= kFewSeeds) {
    note += ", for " + CountText(seeds, "seed") + " show little";
  }
  return note + " (5 % for all comparisons together)";
}

}  // namespace

std::vector<std::string> ComparisonNotes(const AblationTable& table) {
  if (table.rows.size() < 2) return {};
  std::vector<std::string> notes = {DifferenceNote(table), SharesNote(table),
                                    NoIntervalNote(table)};
  for (std::string& note : TestNotes(table)) notes.push_back(std::move(note));
  notes.push_back(BoldNote(table));
  if (table.compared && table.rows[*table.compared].chosen) {
    notes.push_back(ComparedLabel(table) +
                    ", marked \xE2\x80\xA0, is the best of the same data that it is compared on: "
                    "its lead is likely too large");
  }
  std::erase(notes, "");
  return notes;
}

}  // namespace beamgrid
