#include "orchestrator/inputs/named_predictions.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/inputs/csv_table.h"
#include "registry/scoring/metrics.h"
#include "registry/util/input_error.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/text_file.h"

namespace beamgrid {
namespace {

constexpr std::string_view kHeader = "VideoId,Label,Name,Confidence";

std::string QuotedCell(std::string_view cell) {
  return "'" + PrintableLine(std::string(cell.substr(0, 60))) + "'";
}

}  // namespace

bool IsNamedPredictions(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(kByteOrderMark.size() + kHeader.size() + 2, '\0');
  file.read(start.data(), std::ssize(start));
  start.resize(static_cast<std::size_t>(file.gcount()));
  std::string_view line = std::string_view(start).substr(0, start.find('\n'));
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line == kHeader;
}

NamedPredictions ReadNamedPredictions(const std::string& path) {
  CsvTable table(path);
  if (table.columns() != std::vector<std::string>{"VideoId", "Label", "Name", "Confidence"}) {
    throw InputError(path + ": the columns must be " + std::string(kHeader) +
                     ", parted by commas, in a file that is not called .tsv");
  }
  NamedPredictions read;
  read.classes.where = path;
  std::vector<std::string>& names = read.classes.names;
  std::map<std::string, std::vector<ScoredLabelDouble>> videos;
  while (table.Next()) {
    const auto label = ParseNumber<std::int32_t>(table.Cell(1));
    if (!label || *label < 0 || *label >= kMaxClasses) {
      throw InputError(table.Place() + ": label " + QuotedCell(table.Cell(1)) +
                       " is not an integer in 0.." + std::to_string(kMaxClasses - 1));
    }
    const auto confidence = ParseNumber<double>(table.Cell(3));
    if (!confidence || !std::isfinite(*confidence)) {
      throw InputError(table.Place() + ": confidence " + QuotedCell(table.Cell(3)) + " of label " +
                       std::to_string(*label) + " is not a finite number");
    }
    const auto at = static_cast<std::size_t>(*label);
    if (at >= names.size()) names.resize(at + 1);
    if (names[at].empty()) names[at] = table.Cell(2);
    if (names[at] != table.Cell(2)) {
      throw InputError(table.Place() + ": class " + std::to_string(*label) + " is " +
                       QuotedCell(table.Cell(2)) + ", and " + QuotedCell(names[at]) +
                       " in a line before");
    }
    std::vector<ScoredLabelDouble>& top = videos[std::string(table.Cell(0))];
    if (std::ranges::count(top, *label, &ScoredLabelDouble::label) > 0) {
      throw InputError(table.Place() + ": the video " + QuotedCell(table.Cell(0)) +
                       " has the label " + std::to_string(*label) + " twice");
    }
    top.push_back({*label, *confidence});
  }
  for (auto& [id, top] : videos) {
    std::ranges::sort(top, RanksBefore<ScoredLabelDouble>);
    read.predictions.top_k = std::max(read.predictions.top_k, static_cast<int>(top.size()));
    read.predictions.videos.push_back({id, std::move(top), {}});
  }
  return read;
}

}  // namespace beamgrid
