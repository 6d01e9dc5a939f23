#include "trainer/export/python_pieces.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace beamgrid::trainer {
namespace {

bool IsNameCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// The position behind a text that begins at `begin` with a quote, or with three.
std::size_t EndOfText(std::string_view code, std::size_t begin) {
  const std::string_view one = code.substr(begin, 1);
  const std::string three(3, one[0]);
  const bool is_long = code.substr(begin).starts_with(three);
  const std::string_view quote = is_long ? std::string_view(three) : one;
  for (std::size_t at = begin + quote.size(); at < code.size(); ++at) {
    if (code[at] == '\\') {
      ++at;
    } else if (code.substr(at).starts_with(quote)) {
      return at + quote.size();
    }
  }
  return code.size();
}

std::string_view FirstName(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && IsNameCharacter(text[end])) ++end;
  return text.substr(0, end);
}

/// Calls `with` with each name in the code that is not after a dot, in a text or in a comment.
template <typename With>
void ForEachName(std::string_view code, const With& with) {
  for (std::size_t at = 0; at < code.size();) {
    const char c = code[at];
    if (c == '#') {
      at = std::min(code.find('\n', at), code.size());
    } else if (c == '"' || c == '\'') {
      at = EndOfText(code, at);
    } else if (IsNameCharacter(c)) {
      const std::string_view name = FirstName(code.substr(at));
      if (at == 0 || code[at - 1] != '.') with(name);
      at += name.size();
    } else {
      ++at;
    }
  }
}

using ValueOf = std::function<std::string(const std::string&)>;

/// The parts of a text between a separator.
std::vector<std::string> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + separator.size());
  }
}

bool OneHolds(const std::string& condition, const ValueOf& value) {
  const std::vector<std::string> within = Split(condition, " in ");
  if (within.size() == 2) {
    const std::vector<std::string> words = Split(within[1], " ");
    return std::ranges::find(words, value(within[0])) != words.end();
  }
  for (const char* comparison : {" == ", " != "}) {
    const std::vector<std::string> sides = Split(condition, comparison);
    if (sides.size() == 2) return (value(sides[0]) == sides[1]) == (comparison[1] == '=');
  }
  const std::string text = value(condition);
  return !text.empty() && text != "false" && text != "0" && text != "0.0" && text != "null";
}

bool Holds(std::string_view condition, const ValueOf& value) {
  return std::ranges::any_of(Split(condition, " or "), [&](const std::string& all) {
    return std::ranges::all_of(Split(all, " and "),
                               [&](const std::string& one) { return OneHolds(one, value); });
  });
}

/// A branch of an #if: whether it is the one that holds, and whether one before it was.
struct Branch {
  bool holds = false;
  bool is_over = false;
};

PythonPiece PieceOf(std::string_view line) {
  for (const std::string_view keyword : {"class ", "def "}) {
    if (!line.starts_with(keyword)) continue;
    return {.name = std::string(FirstName(line.substr(keyword.size()))),
            .is_class = keyword == "class "};
  }
  const std::string_view name = FirstName(line);
  if (line.substr(name.size()).starts_with(" = ")) return {.name = std::string(name)};
  throw std::invalid_argument("'" + std::string(line.substr(0, line.find('\n'))) +
                              "' begins no class, no function and no constant");
}

}  // namespace

std::set<std::string> NamesIn(std::string_view code) {
  std::set<std::string> names;
  ForEachName(code, [&](std::string_view name) { names.emplace(name); });
  return names;
}

std::string Renamed(std::string_view code, const std::set<std::string>& names,
                    const std::string& suffix) {
  std::string renamed;
  const char* copied = code.data();
  ForEachName(code, [&](std::string_view name) {
    if (!names.contains(std::string(name))) return;
    const char* end = name.data() + name.size();
    renamed.append(copied, end);
    renamed += suffix;
    copied = end;
  });
  return renamed.append(copied, code.data() + code.size());
}

std::string Chosen(std::string_view text, const ValueOf& value) {
  std::string chosen;
  std::vector<Branch> branches;
  for (const std::string& line : Split(text, "\n")) {
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    const std::string_view code = std::string_view(line).substr(begin);
    const bool outside = std::ranges::all_of(
        branches.begin(), branches.empty() ? branches.end() : branches.end() - 1, &Branch::holds);
    if (code.starts_with("#if ")) {
      // Of a branch that is left out nothing is asked: what it names may not be known.
      const bool within = std::ranges::all_of(branches, &Branch::holds);
      branches.push_back({.holds = within && Holds(code.substr(4), value), .is_over = !within});
    } else if (code.starts_with("#elif ") || code == "#else" || code == "#endif") {
      if (branches.empty()) throw std::invalid_argument("'" + std::string(code) + "' without #if");
      Branch& branch = branches.back();
      branch.is_over |= branch.holds;
      branch.holds =
          outside && !branch.is_over &&
          (code == "#else" || (code.starts_with("#elif ") && Holds(code.substr(6), value)));
      if (code == "#endif") branches.pop_back();
    } else if (std::ranges::all_of(branches, &Branch::holds)) {
      chosen += line + "\n";
    }
  }
  if (!branches.empty()) throw std::invalid_argument("an #if without its #endif");
  chosen.pop_back();  // the text ends with a newline, behind which there is no line
  return chosen;
}

std::vector<PythonPiece> PiecesOf(std::string_view text) {
  std::vector<PythonPiece> pieces;
  std::string comment, blank;  // lines before the next one
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line = std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line == "\n") {
      comment.clear();  // it was the file's, and not of what comes next
      blank += line;
    } else if (line[0] == '#') {
      comment += line;
    } else if (IsNameCharacter(line[0])) {
      pieces.push_back(PieceOf(line));
      pieces.back().text = std::exchange(comment, "") + line;
      blank.clear();
    } else if (pieces.empty()) {
      throw std::invalid_argument("the first line with code is indented");
    } else {
      pieces.back().text += std::exchange(blank, "") + line;
    }
  }
  for (PythonPiece& piece : pieces) piece.words = NamesIn(piece.text);
  return pieces;
}

void PieceSelection::Add(const std::string& name) {
  const auto piece = all_.find(name);
  if (piece == all_.end() || !known_.insert(name).second) return;
  for (const std::string& word : piece->second.words) Add(word);
  words_.insert(piece->second.words.begin(), piece->second.words.end());
  texts_.push_back(piece->second.text);
}

void PieceSelection::AddText(const std::string& text) {
  const std::set<std::string> words = NamesIn(text);
  for (const std::string& word : words) Add(word);
  words_.insert(words.begin(), words.end());
  texts_.push_back(text);
}

std::string PieceSelection::Text() const {
  std::string text;
  for (const std::string& piece : texts_) text += "\n\n" + piece;
  return text;
}

}  // namespace beamgrid::trainer
