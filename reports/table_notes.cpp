// What a table says of its comparisons below its rows.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/table_cells.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

/// Returns what is drawn again for an interval beside the videos, or tested: "6 seeds", "6 to 10
/// seeds", "12 pairs of combination and seed".
std::string ValuesText(const AblationTable& table, const std::vector<const TableRow*>& rows) {
  std::size_t least = SIZE_MAX, most = 0;
  for (const TableRow* row : rows) {
    least = std::min(least, row->compared_values);
    most = std::max(most, row->compared_values);
  }
  if (table.combinations > 1) return CountText(most, "pair") + " of combination and seed";
  return (least == most ? "" : std::to_string(least) + " to ") + CountText(most, "seed");
}

/// Returns what beside the videos makes chance: "the seeds", of an average "the combinations and
/// seeds".
std::string SeedsWord(const AblationTable& table) {
  return table.combinations > 1 ? "the combinations and seeds" : "the seeds";
}

/// Returns what is resampled beside the seeds.
std::string DrawnWord(const AblationTable& table) {
  return table.grouped_by.empty() ? "videos" : "groups";
}

std::string SeedsText(const AblationTable& table, std::size_t values) {
  return CountText(values, table.combinations > 1 ? "pair" : "seed");
}

std::string DifferenceNote(const AblationTable& table) {
  if (table.compared_with.empty()) return "difference: none, for no row has all its seeds";
  std::string note = "difference: from " + table.compared_with;
  std::set<Levels> levels;
  for (const TableRow& row : table.rows) {
    if (row.difference) levels.insert(row.difference->levels);
  }
  if (levels.empty()) return note;
  note += ", 95 % interval ";
  if (levels.contains(Levels::kSeeds)) {
    return note + "of other seeds " + (table.combinations > 1 ? "of the same combinations, " : "") +
           "on these videos (t)";
  }
  note += "by " + std::to_string(table.resamples) + " resamples of the ";
  if (!table.grouped_by.empty()) {
    note += CountText(table.video_groups, "group") + " (" + table.grouped_by + ") of the ";
  }
  note += CountText(table.videos, "video");
  if (!levels.contains(Levels::kSeedsAndVideos)) {
    return note + " alone: a single seed says nothing of others";
  }
  note += " and of the seeds";
  if (table.combinations > 1) note += " of the same combinations";
  if (levels.contains(Levels::kVideos)) {
    note += " (of the " + DrawnWord(table) + " alone where a row has one seed)";
  }
  return note;
}

/// Returns the shares in percent that seeds, videos and both together have of a row's variance;
/// whole numbers whose sum is 100.
std::array<int, 3> SharesOf(const RowDifference& difference) {
  const double all =
      difference.seeds_variance + difference.videos_variance + difference.remainder_variance;
  const auto seeds = static_cast<int>(std::lround(100 * difference.seeds_variance / all));
  const auto videos = static_cast<int>(std::lround(100 * difference.videos_variance / all));
  // Halves may both have been rounded up.
  return {seeds, std::min(videos, 100 - seeds), std::max(0, 100 - seeds - videos)};
}

/// Says what makes the variance of the differences; of several rows the range of each share.
std::string SharesNote(const AblationTable& table) {
  std::array<int, 3> least{100, 100, 100}, most{};
  bool any = false;
  for (const TableRow& row : table.rows) {
    if (!row.difference || row.difference->levels != Levels::kSeedsAndVideos) continue;
    const RowDifference& of_row = *row.difference;
    if (of_row.seeds_variance + of_row.videos_variance + of_row.remainder_variance <= 0) continue;
    any = true;
    const std::array<int, 3> shares = SharesOf(of_row);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      least[i] = std::min(least[i], shares[i]);
      most[i] = std::max(most[i], shares[i]);
    }
  }
  if (!any) return "";
  const auto text = [&](std::size_t i) {
    return (least[i] == most[i] ? "" : std::to_string(least[i]) + " to ") +
           std::to_string(most[i]) + " %";
  };
  return "of a difference's variance " + text(0) + " is " + SeedsWord(table) + "', " + text(1) +
         " the " + DrawnWord(table) + "' and " + text(2) + " that of both together";
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
    return "exact sign-flip test of " + ValuesText(table, rows) + " on these videos";
  }
  if (table.test == TableTest::kTwoLevel) {
    return "two-sided test of " + SeedsWord(table).substr(4) + " and " + DrawnWord(table);
  }
  const auto paired = std::ranges::count_if(rows, &TableRow::paired);
  if (paired == 0) return "two-sided Welch's t-test on these videos";
  const std::string by = table.combinations > 1 ? "combination and seed" : "seed";
  return paired == std::ssize(rows)
             ? "two-sided t-test paired by " + by + ", on these videos"
             : "two-sided t-test paired by seed, Welch's where seeds differ, on these videos";
}

/// Returns why a row that is compared has no p, in words that follow "no p"; empty where it has one
/// or that is said elsewhere. `most_of_few`: values of the rows that have too few of them.
std::string WhyNoP(const AblationTable& table, const TableRow& row, std::size_t most_of_few) {
  if (!row.delta || row.p_value) return "";
  if (table.test == TableTest::kTwoLevel && row.difference) {
    return row.difference->levels == Levels::kSeeds
               ? ": the two-level test is of seeds and videos, and the videos were not resampled"
               : ": the two-level test is of seeds and videos, and a row has a single seed";
  }
  if (table.test == TableTest::kT) return ": a t-test needs 2 seeds of each row";
  if (table.test != TableTest::kSignFlip) return "";
  const std::string word = table.combinations > 1 ? "pairs" : "seeds";
  if (row.compared_values < kLeastSignFlips) {
    if (most_of_few < 2) return "";
    return ": no exact test of " + SeedsText(table, most_of_few) + " can be below " +
           FixedText(LeastSignFlipP(most_of_few), most_of_few < 4 ? 2 : 3) + "; " +
           std::to_string(kLeastSignFlips) + " " + word + " can be below 0.05";
  }
  if (!row.paired) return ": the rows have other seeds than " + table.compared_with;
  return ": the exact sign-flip test takes " + std::to_string(kMostSignFlips) + " " + word +
         " at most, and there are " + std::to_string(row.compared_values);
}

/// Returns a note for each reason why rows that are compared have no p.
std::vector<std::string> NoPNotes(const AblationTable& table) {
  std::size_t compared = 0, most_of_few = 0;
  for (const TableRow& row : table.rows) {
    if (row.delta) ++compared;
    if (!row.delta || row.compared_values >= kLeastSignFlips) continue;
    most_of_few = std::max(most_of_few, row.compared_values);
  }
  std::vector<std::pair<std::string, std::size_t>> reasons;
  for (const TableRow& row : table.rows) {
    const std::string why = WhyNoP(table, row, most_of_few);
    if (why.empty()) continue;
    const auto known =
        std::ranges::find(reasons, why, [](const auto& reason) { return reason.first; });
    if (known == reasons.end()) {
      reasons.emplace_back(why, 1);
    } else {
      ++known->second;
    }
  }
  std::vector<std::string> notes;
  for (const auto& [why, rows] : reasons) {
    notes.push_back("no p" + (rows == compared ? "" : " for " + CountText(rows, "row")) + why);
  }
  return notes;
}

/// Says what p is of; empty where there is none.
std::string TestText(const AblationTable& table) {
  std::vector<const TableRow*> tested;
  for (const TableRow& row : table.rows) {
    if (row.p_value) tested.push_back(&row);
  }
  if (tested.empty()) return "";
  return "test behind p: " + TestName(table, tested) + ", against " + table.compared_with +
         (tested.size() < 2 ? ""
                            : ", after Holm for " + std::to_string(tested.size()) + " comparisons");
}

/// Says how small p can be, or why there is none.
std::vector<std::string> TestNotes(const AblationTable& table) {
  std::vector<const TableRow*> tested;
  std::size_t most_seeds = 0;
  for (const TableRow& row : table.rows) {
    if (!row.p_value) continue;
    tested.push_back(&row);
    most_seeds = std::max(most_seeds, row.compared_values);
  }
  if (tested.empty()) return NoPNotes(table);
  std::vector<std::string> notes;
  const double least = LeastSignFlipP(most_seeds) * static_cast<double>(tested.size());
  if (table.test == TableTest::kSignFlip && least > 0.05) {
    notes.push_back("no p of " + std::to_string(tested.size()) + " comparisons of " +
                    SeedsText(table, most_seeds) + " can be below " + FixedText(least, 3) +
                    " after Holm");
  }
  for (std::string& note : NoPNotes(table)) notes.push_back(std::move(note));
  return notes;
}

/// Contest is what bold is of: the rows of a table, or where it has several studies those of one.
struct Contest {
  std::string study;
  std::ptrdiff_t bold = 0, best = 0, tested = 0, untested = 0;  ///< rows
  std::ptrdiff_t lacking = 0;                                   ///< rows that lack seeds
  bool nothing = false;                                         ///< TellsNothing
  std::string few_seeds;                                        ///< FewSeedsText

  void Add(const Contest& other) {
    bold += other.bold;
    best += other.best;
    tested += other.tested;
    untested += other.untested;
    lacking += other.lacking;
  }
};

std::vector<Contest> ContestsOf(const AblationTable& table) {
  std::map<std::size_t, Contest> contests;
  for (const TableRow& row : table.rows) {
    Contest& contest = contests[row.contest];
    if (row.cross) contest.study = row.cross->column;
    if (row.among_best) ++contest.bold;
    if (row.best) ++contest.best;
    if (row.p_best) ++contest.tested;
    if (IsWhole(row) && !row.best && !row.p_best) ++contest.untested;
    if (!IsWhole(row) && HasTrials(row)) ++contest.lacking;
  }
  std::vector<Contest> made;
  for (auto& [number, contest] : contests) {
    contest.nothing = TellsNothing(table, number);
    contest.few_seeds = FewSeedsText(table, number);
    made.push_back(std::move(contest));
  }
  return made;
}

/// Whether the best row and another are bold between which a difference is shown whose interval
/// leaves out 0: that one is of two rows alone.
bool LeavesOutZero(const AblationTable& table) {
  return std::ranges::any_of(table.rows, [&](const TableRow& row) {
    if (!row.against || !row.difference || !row.difference->interval.excludes_zero()) return false;
    const TableRow& other = table.rows[*row.against];
    return row.contest == other.contest && row.best != other.best && IsBold(table, row) &&
           IsBold(table, other);
  });
}

/// Returns "3 seeds", of several studies "3 seeds (a, b), 2 seeds (c)".
std::string SeedsOf(const std::vector<Contest>& contests, bool named) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_seeds;
  for (const Contest& contest : contests) {
    const auto same = [&](const auto& entry) { return entry.first == contest.few_seeds; };
    auto known = std::ranges::find_if(by_seeds, same);
    if (known == by_seeds.end()) known = by_seeds.insert(known, {contest.few_seeds, {}});
    known->second.push_back(contest.study);
  }
  return Join(by_seeds, ", ", [named](const auto& entry) {
    return entry.first + (named ? " (" + Join(entry.second) + ")" : "");
  });
}

}  // namespace

std::string BoldNote(const AblationTable& table) {
  const std::vector<Contest> contests = ContestsOf(table);
  const auto is_tested = [](const Contest& contest) { return contest.tested > 0; };
  // Such a row may have the highest mean of all.
  const bool some_lack = std::ranges::any_of(
      table.rows, [](const TableRow& row) { return row.mean && !IsWhole(row); });
  const std::string lacking = some_lack ? "; rows that lack seeds take no part" : "";
  if (std::ranges::none_of(contests, is_tested)) {
    return std::ranges::any_of(table.rows, &TableRow::best) ? "bold: the best" + lacking : "";
  }
  Contest told;  // of those in which the test told rows from the best, or might have
  std::vector<Contest> open, few;
  for (const Contest& contest : contests) {
    if (contest.nothing) {
      if (is_tested(contest)) open.push_back(contest);
      continue;
    }
    told.Add(contest);
    if (contest.bold > contest.best && !contest.few_seeds.empty()) few.push_back(contest);
  }
  if (!is_tested(told)) {
    return "bold: the highest mean alone; with " + SeedsOf(open, /*named=*/false) +
           " the test tells no other row from it" + lacking;
  }
  std::string note = "bold: the best, and what is not shown to be worse";
  if (told.bold == told.best) {
    note = told.untested + told.lacking == 0
               ? "bold: the best; all others are worse"
               : "bold: the best; all others that could be tested are worse";
  }
  const bool videos_only = std::ranges::any_of(table.rows, [](const TableRow& row) {
    return row.difference && row.difference->levels == Levels::kVideos;
  });
  if (videos_only) note += ", of these trained models";
  note += std::string(" (5 % for all comparisons together") +
          (LeavesOutZero(table) ? ": a row may be bold whose own interval leaves out 0)" : ")");
  const bool named = contests.size() > 1;
  if (!few.empty()) {
    note += "; " + SeedsOf(few, named) +
            " show little, so that bold is no ranking: rows that are plainly lower may be bold";
  }
  if (!open.empty()) {
    note += "; the highest mean alone where the test tells no other row from it, with " +
            SeedsOf(open, named);
  }
  return note + lacking;
}

std::string ChosenNote(const AblationTable& table) {
  if (!table.compared || !table.rows[*table.compared].chosen || table.rows.size() < 2) return "";
  return "marked \xE2\x80\xA0: " + table.compared_with +
         ", the best of the same data that it is compared on, so that its lead is likely too large";
}

std::vector<std::string> ComparisonTexts(const AblationTable& table) {
  if (table.rows.size() < 2) return {};
  std::vector<std::string> texts = {DifferenceNote(table), TestText(table)};
  if (Has(table, TableColumn::kProbability)) {
    texts.emplace_back(
        "P(better): the share of resamples in which the row is above the one that it is compared "
        "with");
  }
  std::erase(texts, "");
  return texts;
}

std::vector<std::string> DifferenceNotes(const AblationTable& table) {
  if (table.rows.size() < 2) return {};
  std::vector<std::string> notes = {SharesNote(table), NoIntervalNote(table)};
  for (std::string& note : TestNotes(table)) notes.push_back(std::move(note));
  std::erase(notes, "");
  return notes;
}

}  // namespace beamgrid
