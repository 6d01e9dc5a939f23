// The score of a predictions file beside its truth, both CSV: each list is scored as it is read.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "registry/scoring/csv_rows.h"
#include "registry/scoring/predictions.h"
#include "registry/util/input_error.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// TruthTable finds the labels of a video by its id, in fewer looks at memory than a map needs.
class TruthTable {
 public:
  /// Throws InputError also for a repeated video, without its line.
  explicit TruthTable(const fs::path& path) {
    CsvRowReader rows(path, kTruthCsvHeader);
    std::string_view id, list;
    while (rows.Next(id, list)) {
      ids_ += id;
      AppendLabels(rows, list, labels_);
      ends_.push_back({ids_.size(), labels_.size()});
    }
    taken_ = std::vector<std::atomic<bool>>(size());
    slots_.resize(std::bit_ceil(2 * ends_.size()));
    for (std::size_t row = 0; row < size(); ++row) {
      const std::size_t hash = std::hash<std::string_view>()(Id(row));
      Slot& slot = slots_[SlotOf(hash, Id(row))];
      if (slot.row_after != 0) throw InputError("a video is repeated");
      slot = {.hash = hash, .row_after = row + 1};
    }
  }

  [[nodiscard]] std::size_t size() const { return ends_.size() - 1; }

  /// Returns the row of a video, counted from 0; nothing where there is none.
  [[nodiscard]] std::optional<std::size_t> Find(std::string_view id) const {
    const Slot& slot = slots_[SlotOf(std::hash<std::string_view>()(id), id)];
    return slot.row_after == 0 ? std::nullopt : std::optional(slot.row_after - 1);
  }
  [[nodiscard]] std::span<const std::int32_t> Labels(std::size_t row) const {
    return {labels_.data() + ends_[row].labels, labels_.data() + ends_[row + 1].labels};
  }
  /// False where the row was taken before, by whichever thread.
  [[nodiscard]] bool Take(std::size_t row) { return !taken_[row].exchange(true); }

 private:
  struct Ends {
    std::size_t ids, labels;
  };
  struct Slot {
    std::size_t hash = 0, row_after = 0;  ///< 0: free
  };

  [[nodiscard]] std::string_view Id(std::size_t row) const {
    return std::string_view(ids_).substr(ends_[row].ids, ends_[row + 1].ids - ends_[row].ids);
  }
  /// Returns where the id is, or would be.
  [[nodiscard]] std::size_t SlotOf(std::size_t hash, std::string_view id) const {
    const std::size_t last = slots_.size() - 1;
    std::size_t place = hash & last;
    while (slots_[place].row_after != 0 &&
           (slots_[place].hash != hash || Id(slots_[place].row_after - 1) != id)) {
      place = (place + 1) & last;
    }
    return place;
  }

  std::string ids_;                    // of all rows
  std::vector<std::int32_t> labels_;   // of all rows
  std::vector<Ends> ends_ = {{0, 0}};  // in these, of what is before each row, and of the last
  std::vector<Slot> slots_;            // their number is a power of two, at least half are free
  std::vector<std::atomic<bool>> taken_;
};

/// PartOfFile is what the rows of a part of the predictions say.
struct PartOfFile {
  MetricsAccumulator metrics;
  std::size_t videos = 0;              ///< of the truth
  std::vector<std::string> strangers;  ///< ids that the truth has not
};

void ScoreRows(CsvRowReader& rows, TruthTable& truth, PartOfFile& part) {
  PairsParser parser;
  std::string_view id, list;
  while (rows.Next(id, list)) {
    const std::vector<ScoredLabelDouble>& pairs = parser.Parse(rows, list);
    if (const auto row = truth.Find(id)) {
      if (!truth.Take(*row)) rows.Refuse("the video is repeated");
      part.metrics.AddSparse(pairs, truth.Labels(*row));
      ++part.videos;
    } else {
      part.strangers.emplace_back(id);
    }
  }
}

}  // namespace

std::optional<Metrics> ScoreCsv(const fs::path& predictions, const fs::path& truth_file,
                                int threads) try {
  constexpr std::uintmax_t kWorthAThread = 1 << 19;
  const std::uintmax_t bytes = fs::file_size(predictions);
  TruthTable truth(truth_file);
  std::vector<PartOfFile> parts(
      std::clamp<std::uintmax_t>(bytes / kWorthAThread, 1, static_cast<std::uintmax_t>(threads)));
  ForEachOnThreads(threads, parts.size(), [&](std::size_t i) {
    const auto first = static_cast<std::int64_t>(bytes * i / parts.size());
    const auto end = static_cast<std::int64_t>(bytes * (i + 1) / parts.size());
    CsvRowReader rows = i == 0 ? CsvRowReader(predictions, kPredictionsCsvHeader)
                               : CsvRowReader(predictions, first, end);
    if (i + 1 < parts.size()) rows.ReadUntil(end);
    parts[i].metrics.Reserve(static_cast<std::int64_t>(truth.size() / parts.size()));
    ScoreRows(rows, truth, parts[i]);
  });
  PartOfFile& whole = parts.front();
  for (auto part = parts.begin() + 1; part != parts.end(); ++part) {
    whole.metrics.Add(std::move(part->metrics));
    whole.videos += part->videos;
    std::ranges::move(part->strangers, std::back_inserter(whole.strangers));
  }
  std::ranges::sort(whole.strangers);
  const bool is_repeated = std::ranges::adjacent_find(whole.strangers) != whole.strangers.end();
  if (truth.size() == 0 || whole.videos < truth.size() || is_repeated) return std::nullopt;
  return whole.metrics.Compute(threads);
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace beamgrid
