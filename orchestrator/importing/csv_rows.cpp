#include "orchestrator/importing/csv_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "orchestrator/inputs/csv_table.h"
#include "registry/util/input_error.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr double kLargestFloat = std::numeric_limits<float>::max();

/// What a column of labels is called where nobody names it.
constexpr std::string_view kLabelColumns[] = {"label", "labels", "class", "classes"};

}  // namespace

void CsvRows::RequireNumbers(const TableColumns& columns) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string& name = columns_[i];
    if (i == id_column_) continue;
    const std::string place = file_.path().string() + ": column " + std::to_string(i + 1);
    if (name.empty() || name.starts_with("Unnamed: ")) {
      throw InputError(place +
                       " has no name: are these numbers of rows, as pandas writes them? All "
                       "columns but the id are numbers of the vectors; write it with index=False");
    }
    const auto is_name = [&name](std::string_view other) {
      return std::ranges::equal(name, other, {}, [](char c) {
        return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
    };
    if (std::ranges::count(columns.labels, name) == 0 &&
        std::ranges::none_of(kLabelColumns, is_name)) {
      continue;
    }
    throw InputError(place + ", '" + PrintableLine(name) +
                     "', says what a video is, as a table of labels does, and all columns but the "
                     "id are numbers of the vectors: models would be shown the answer; take it out "
                     "of this file, or rename it");
  }
}

CsvRows::CsvRows(const std::string& path, const TableColumns& columns) : file_(path) {
  CsvTable table(path);
  id_column_ = table.RequireId(columns.id);
  columns_ = table.columns();
  RequireNumbers(columns);
  separator_ = table.separator();
  const std::uint64_t width = columns_.size() - 1;
  const ArrayForm form = FormOfShape(path, Element::kFloat32, &width, 1);
  std::vector<std::pair<SourceArray, Row>> found;
  while (table.Next()) {
    found.push_back(
        {{.id = std::string(table.Cell(id_column_)), .form = form, .stamp = table.file().Stamp()},
         {.offset = table.offset(), .bytes = table.bytes(), .line = table.line()}});
  }
  if (table.file().Stamp() != file_.Stamp()) RefuseChangedFile(path);
  std::ranges::stable_sort(found, {}, [](const auto& one) { return one.first.id; });
  for (auto& [array, row] : found) {
    arrays_.push_back(std::move(array));
    rows_.push_back(row);
  }
}

std::string CsvRows::PlaceOf(std::size_t index) const {
  return file_.path().string() + ":" + std::to_string(rows_[index].line);
}

std::string CsvRows::Read(std::size_t index) const {
  const Row& row = rows_[index];
  const std::string text = file_.Read(row.offset, row.bytes);
  file_.RequireUnchanged();
  CsvRow cells;
  cells.Split(PlaceOf(index), text, separator_);
  if (cells.cells().size() != columns_.size()) RefuseChangedFile(file_.path().string());
  std::string values;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    if (column == id_column_) continue;
    std::string_view cell = Trimmed(cells.cells()[column]);
    const std::string_view shown = cell.substr(0, 40);
    if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
    // By way of double, as NumPy goes: what is too small for a float is 0 and not refused.
    const auto number = ParseNumber<double>(cell);
    if (!number || (std::isfinite(*number) && std::abs(*number) > kLargestFloat)) {
      throw InputError(PlaceOf(index) + ": column '" + columns_[column] + "': '" +
                       PrintableLine(shown) + "', must be a number of float32");
    }
    const auto value = static_cast<float>(*number);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof bytes);
    values.append(bytes, sizeof bytes);
  }
  return values;
}

}  // namespace beamgrid
