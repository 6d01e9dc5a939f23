#include "orchestrator/commands/marked.h"

#include <algorithm>

#include "registry/util/printable.h"

namespace beamgrid {

std::string Marked(const std::string& text, std::size_t at) {
  // What is missing at the end is missed behind the last word, not below it.
  std::size_t end = text.find_last_not_of(" \t\r\n");
  end = end == std::string::npos ? 0 : end + 1;
  at = std::min(at, end);
  const std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  // As it is shown, a control character takes several columns.
  const std::string shown =
      PrintableLine(text.substr(begin, std::min(text.find('\n', at), text.size()) - begin));
  const std::size_t column = ColumnsOf(PrintableLine(text.substr(begin, at - begin)));
  return "  " + shown + "\n  " + std::string(column, ' ') + "^";
}

}  // namespace beamgrid
