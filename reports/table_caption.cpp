// What a table says of its numbers in one paragraph: what they are of, how they were compared, the
// paper, what they cost.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "registry/util/text.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

/// Returns the name in "cuda:0 NVIDIA H200" or "cpu Xeon, OpenBLAS SkylakeX".
std::string DeviceName(const std::string& device) {
  const std::size_t name = device.find(' ');
  if (name == std::string::npos) return device;
  return device.substr(name + 1, device.find(',') - name - 1);
}

/// Returns ", on 300 validation videos"; of studies that have other ones ", on 300 validation
/// videos (a), 200 (b)"; empty where it is not known.
std::string VideosText(const AblationTable& table) {
  const auto digits = [](std::size_t videos) {
    return GroupedDigits(static_cast<std::int64_t>(videos));
  };
  std::vector<std::pair<std::size_t, std::string>> of_contests;
  std::set<std::size_t> contests, counts;
  for (const TableRow& row : table.rows) {
    if (row.videos == 0) continue;
    counts.insert(row.videos);
    if (!contests.insert(row.contest).second) continue;
    of_contests.emplace_back(row.videos, row.cross ? row.cross->column : "");
  }
  if (counts.empty() && table.videos > 0) counts.insert(table.videos);
  if (counts.empty()) return "";
  if (counts.size() == 1) return ", on " + digits(*counts.begin()) + " validation videos";
  std::string text;
  for (const auto& [videos, study] : of_contests) {
    text += (text.empty() ? ", on " : ", ") + digits(videos) +
            (text.empty() ? " validation videos (" : " (") + study + ")";
  }
  return text;
}

/// Returns "GAP: mean ± standard deviation of 3 seeds, on 300 validation videos".
std::string MeasureText(const AblationTable& table) {
  std::size_t least = SIZE_MAX, most = 0;
  for (const TableRow& row : table.rows) {
    if (row.seeds.empty()) continue;
    least = std::min(least, row.seeds.size());
    most = std::max(most, row.seeds.size());
  }
  const Metric* metric = FindMetric(table.metric);
  if (most == 0 || metric == nullptr || !Has(table, TableColumn::kMetric)) return "";
  const std::string seeds =
      (least == most ? "" : std::to_string(least) + " to ") + CountText(most, "seed");
  std::string text = metric->heading + std::string(" of one seed");
  if (most > 1) text = metric->heading + (": mean \xC2\xB1 standard deviation of " + seeds);
  if (most > 1 && table.combinations > 1) {
    text = metric->heading + (": mean \xC2\xB1 standard deviation of the means of " + seeds);
  }
  return text + VideosText(table);
}

/// Returns "8 trials, 3m05s of training on NVIDIA H200" of all rows; empty where nothing is
/// complete. A trial that several rows have, as those of several studies may, was trained once.
std::string ComputeText(const AblationTable& table) {
  double seconds = 0;
  std::size_t trials = 0;
  std::set<std::string> known, devices;
  for (const TableRow& row : table.rows) {
    for (std::size_t i = 0; i < row.trial_seconds.size(); ++i) {
      const std::string& fingerprint = row.fingerprints[i];
      if (!fingerprint.empty() && !known.insert(fingerprint).second) continue;
      ++trials;
      seconds += row.trial_seconds[i];
      const std::string device =
          i < row.trial_devices.size() ? DeviceName(row.trial_devices[i]) : "";
      if (!device.empty()) devices.insert(device);
    }
  }
  if (trials == 0) return "";
  constexpr std::size_t kNamed = 3;
  return CountText(trials, "trial") + ", " +
         DurationText(std::chrono::seconds(std::llround(seconds))) + " of training" +
         (devices.empty() ? "" : " on " + JoinFirst(devices, kNamed));
}

}  // namespace

std::string AsSentence(const std::string& text) {
  if (text.empty()) return "";
  std::string sentence = text;
  if (sentence[0] >= 'a' && sentence[0] <= 'z') sentence[0] += 'A' - 'a';
  const bool ends = std::string("?!").find(sentence.back()) != std::string::npos;
  return sentence.back() == '.' || ends ? sentence : sentence + ".";
}

std::string CaptionOf(const AblationTable& table) {
  std::vector<std::string> sentences = {MeasureText(table)};
  sentences.insert(sentences.end(), table.caption.begin(), table.caption.end());
  if (table.tells_compute) sentences.push_back(ComputeText(table));
  std::erase(sentences, "");
  return Join(sentences, " ", AsSentence);
}

std::vector<std::string> NotesOf(const AblationTable& table) {
  std::vector<std::string> notes;
  for (const std::string& note : table.notes) notes.push_back(AsSentence(note));
  return notes;
}

}  // namespace beamgrid
