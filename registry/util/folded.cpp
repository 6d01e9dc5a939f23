#include "registry/util/folded.h"

#include <algorithm>

#include "registry/util/printable.h"

namespace beamgrid {
namespace {

constexpr auto kNone = std::string_view::npos;

/// Returns where a line is broken so that what is before takes at most `room` columns, or its first
/// word alone; nothing (npos) where there is no space to break it at.
std::size_t BreakOf(std::string_view line, std::size_t room) {
  const std::size_t fits = FirstColumns(line, room).size();
  const std::size_t begin = line.find_first_not_of(' ');
  const std::size_t space = line.rfind(' ', fits);
  if (space != kNone && space > begin) return space;
  return line.find(' ', std::max(fits, begin));
}

}  // namespace

std::string Folded(std::string_view line, std::size_t width) {
  if (ColumnsOf(line) <= width) return std::string(line);
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  // Where that leaves no room for words, all of it is for them.
  const std::string indent(begin + 2 <= width / 2 ? begin + 2 : 0, ' ');
  std::string text;
  std::size_t room = width;
  while (ColumnsOf(line) > room) {
    const std::size_t at = BreakOf(line, room);
    const std::size_t next = at == kNone ? kNone : line.find_first_not_of(' ', at);
    if (next == kNone) break;
    const std::string_view head = line.substr(0, at);
    text.append(head.substr(0, head.find_last_not_of(' ') + 1)).append("\n").append(indent);
    line.remove_prefix(next);
    room = width - indent.size();
  }
  return text.append(line);
}

std::string FoldedLines(std::string_view text, std::size_t width) {
  const auto first_line = [](std::string_view of) { return of.substr(0, of.find('\n')); };
  const auto is_mark = [](std::string_view line) {
    return line.find_first_not_of(' ') != kNone && line[line.find_first_not_of(' ')] == '^';
  };
  std::string folded;
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    text.remove_prefix(line.size());
    const bool ends = text.starts_with('\n');
    text.remove_prefix(ends ? 1 : 0);
    const bool points = is_mark(line) || is_mark(first_line(text));
    folded += points ? std::string(line) : Folded(line, width);
    if (ends) folded += '\n';
  }
  return folded;
}

}  // namespace beamgrid
