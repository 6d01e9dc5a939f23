#include "orchestrator/commands/sheet_text.h"

#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"

namespace beamgrid {

void PrintSheet(std::ostream& out, const Sheet& sheet) {
  std::vector<std::string> headings;
  for (std::size_t i = 0; i < sheet.headings.size(); ++i) {
    headings.push_back((i < sheet.text_columns ? "" : ">") + sheet.headings[i]);
  }
  TextTable table(headings);
  std::vector<std::string> least = {"epochs", "time (s)", "examples/s", "parameters"};
  for (const std::string& heading : sheet.headings) {
    if (heading.starts_with("size (")) least.push_back(heading);
  }
  // Of crossed cells rather all values than some with their differences.
  for (auto heading = sheet.headings.rbegin(); heading != sheet.headings.rend(); ++heading) {
    if (heading->find(": difference") != std::string::npos) least.push_back(*heading);
  }
  table.LeaveOutFirst(std::move(least));
  table.BreakLines({sheet.headings.begin(),
                    sheet.headings.begin() + static_cast<std::ptrdiff_t>(sheet.text_columns)});
  table.BreakHeadings();
  for (const std::vector<SheetCell>& row : sheet.rows) {
    std::vector<std::string> cells;
    for (const SheetCell& cell : row) cells.push_back(cell.text);
    table.Add(std::move(cells));
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i].bold) table.MarkLast(i);
    }
  }
  PrintHeading(out, sheet.title);
  if (!sheet.caption.empty()) PrintProse(out, "", sheet.caption, 0);
  out << "\n";
  table.Print(out);
  if (!sheet.notes.empty()) out << "\n";
  for (const std::string& note : sheet.notes) PrintProse(out, "", note, 2);
}

}  // namespace beamgrid
