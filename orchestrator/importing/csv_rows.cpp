#include "orchestrator/importing/csv_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "orchestrator/inputs/csv_table.h"
#include "registry/util/input_error.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr double kLargestFloat = std::numeric_limits<float>::max();

}  // namespace

CsvRows::CsvRows(const std::string& path, const std::string& id_column) : file_(path) {
  CsvTable table(path);
  id_column_ = table.RequireId(id_column);
  columns_ = table.columns();
  separator_ = table.separator();
  const std::uint64_t width = columns_.size() - 1;
  const ArrayForm form = FormOfShape(path, Element::kFloat32, &width, 1);
  std::vector<std::pair<SourceArray, Row>> found;
  while (table.Next()) {
    found.push_back(
        {{.id = std::string(table.Cell(id_column_)), .form = form, .stamp = table.file().Stamp()},
         {.offset = table.offset(), .bytes = table.bytes(), .line = table.line()}});
  }
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
  if (InputFile(file_.path()).Stamp() != arrays_[index].stamp) {
    RefuseChangedFile(file_.path().string());
  }
  const std::string text = file_.Read(row.offset, row.bytes);
  CsvRow cells;
  cells.Split(PlaceOf(index), text, separator_);
  if (cells.cells().size() != columns_.size()) RefuseChangedFile(file_.path().string());
  std::string values;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    if (column == id_column_) continue;
    std::string_view cell = Trimmed(cells.cells()[column]);
    const std::string_view shown = cell.substr(0, 40);
    if (cell.starts_with('+')) cell.remove_prefix(1);
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
