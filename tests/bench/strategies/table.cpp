#include "tests/bench/strategies/table.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

std::string Inflated(const std::string& packed, const std::string& path) {
  const auto state = std::make_unique<inflate_state>();
  isal_inflate_init(state.get());
  state->crc_flag = ISAL_GZIP;
  std::string copy = packed;
  state->next_in = reinterpret_cast<std::uint8_t*>(copy.data());
  state->avail_in = static_cast<std::uint32_t>(copy.size());
  std::string text;
  std::string part(1 << 20, '\0');
  while (state->block_state != ISAL_BLOCK_FINISH) {
    state->next_out = reinterpret_cast<std::uint8_t*>(part.data());
    state->avail_out = static_cast<std::uint32_t>(part.size());
    const std::uint32_t before = state->avail_in;
    const int rc = isal_inflate(state.get());
    const std::size_t made = part.size() - state->avail_out;
    if (rc != ISAL_DECOMP_OK || (made == 0 && state->avail_in == before)) {
      throw UsageError(path + ": is no whole gzip file");
    }
    text.append(part, 0, made);
  }
  return text;
}

std::vector<std::string> Cells(std::string line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

std::optional<double> Number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::optional<std::int64_t> WholeNumber(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<double> ScoreOf(const std::string& column, const std::string& cell) {
  const std::optional<double> value = Number(cell);
  if (!value || column.starts_with("val_acc")) return value;
  if (*value <= 0) return std::nullopt;
  return -std::log10(*value);
}

bool IsScore(const std::string& column) {
  return column.starts_with("val_acc_seed") || column.starts_with("val_loss_seed");
}

bool IsBesideFactors(const std::string& column) {
  return column == "model_size" || column == "parameters" || column == "train_seconds" ||
         IsScore(column);
}

ModelTable::Factor FactorOf(const std::string& name, const std::set<std::string>& words) {
  ModelTable::Factor factor{name, {words.begin(), words.end()}, true};
  for (const std::string& word : words) factor.is_number &= WholeNumber(word).has_value();
  if (!factor.is_number) return factor;
  std::ranges::sort(factor.levels, {}, [](const std::string& word) { return *WholeNumber(word); });
  return factor;
}

double MeanOf(const std::vector<double>& scores) {
  return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

}  // namespace

double ModelTable::Mean(const std::vector<std::size_t>& levels) const {
  return MeanOf(scores.at(levels));
}

double ModelTable::best() const {
  double best = MeanOf(scores.begin()->second);
  for (const auto& [levels, seeds] : scores) best = std::max(best, MeanOf(seeds));
  return best;
}

double ModelTable::worst() const {
  double worst = MeanOf(scores.begin()->second);
  for (const auto& [levels, seeds] : scores) worst = std::min(worst, MeanOf(seeds));
  return worst;
}

std::string ReadPlainOrGzip(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": cannot be read");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.starts_with("\x1f\x8b") ? Inflated(text, path) : text;
}

ModelTable ReadModelTable(const std::string& path) {
  return ParseModelTable(ReadPlainOrGzip(path), path);
}

ModelTable ParseModelTable(const std::string& text, const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    rows.push_back(Cells(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (rows.empty()) throw UsageError(path + ": is empty");
  const std::vector<std::string> columns = rows.front();
  const auto count =
      static_cast<std::size_t>(std::ranges::find_if(columns, IsBesideFactors) - columns.begin());
  if (count == 0 || std::ranges::none_of(columns, IsScore)) {
    throw UsageError(path + ":1: has no factors, or no val_acc_seed* or val_loss_seed*");
  }
  ModelTable table;
  table.name = std::filesystem::path(path).filename().string();
  table.name.resize(std::min(table.name.find('.'), table.name.size()));
  std::vector<std::set<std::string>> words(count);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].size() != columns.size()) {
      throw UsageError(path + ":" + std::to_string(i + 1) + ": has " +
                       std::to_string(rows[i].size()) + " values for " +
                       std::to_string(columns.size()) + " columns");
    }
    for (std::size_t f = 0; f < count; ++f) words[f].insert(rows[i][f]);
  }
  std::vector<std::map<std::string, std::size_t>> places(count);
  for (std::size_t f = 0; f < count; ++f) {
    table.factors.push_back(FactorOf(columns[f], words[f]));
    const std::vector<std::string>& levels = table.factors.back().levels;
    for (std::size_t level = 0; level < levels.size(); ++level) places[f][levels[level]] = level;
  }
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::vector<std::size_t> levels;
    for (std::size_t f = 0; f < count; ++f) levels.push_back(places[f].at(rows[i][f]));
    std::vector<double> seeds;
    for (std::size_t c = count; c < columns.size(); ++c) {
      if (!IsScore(columns[c])) continue;
      if (const auto score = ScoreOf(columns[c], rows[i][c])) seeds.push_back(*score);
    }
    if (seeds.empty()) continue;
    std::vector<double>& all = table.scores[levels];
    all.insert(all.end(), seeds.begin(), seeds.end());
  }
  if (table.scores.empty()) throw UsageError(path + ": no row has a score");
  return table;
}

}  // namespace beamgrid
