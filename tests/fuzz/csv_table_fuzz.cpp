// A table: its rows, the labels in it, and its rows read again from where they stand.
#include <string>
#include <vector>

#include "orchestrator/importing/label_table.h"
#include "orchestrator/inputs/csv_table.h"
#include "registry/util/input_error.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const std::string path = file.Holding(fuzz::TextOf(data, size));
  fuzz::Accepts<InputError>([&] {
    CsvTable table(path);
    std::uint64_t line = 0;
    while (table.Next()) {
      fuzz::Require(table.line() > line, "lines go on");
      line = table.line();
      fuzz::Require(table.offset() + table.bytes() <= size, "the row lies in the file");
      const std::string text = table.file().Read(table.offset(), table.bytes());
      CsvRow row;
      row.Split("a", text, table.separator());
      fuzz::Require(row.cells().size() == table.columns().size(), "as many cells as columns");
      for (std::size_t i = 0; i < row.cells().size(); ++i) {
        fuzz::Require(Trimmed(row.cells()[i]) == table.Cell(i), "a row is the same wherever it is");
      }
    }
  });
  fuzz::Accepts<InputError>([&] {
    LabelOptions options;
    options.path = path;
    const LabelTable table = ReadLabelTable(options);
    for (const auto& [id, video] : table.videos) {
      fuzz::Require(ProblemOfId(id).empty(), "ids are sound");
      for (const std::int64_t label : video.labels) {
        fuzz::Require(label >= 0 && label < table.classes, "labels are classes");
      }
    }
  });
  return 0;
}
