#include "reports/table_command.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Returns the word as a shell reads it.
std::string ShellWord(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("._-=,/+:").find(c) != std::string_view::npos;
  });
  if (plain && !text.empty()) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string TableCommandText(const TableQuestion& question, bool seeds_alone) {
  std::string text = "beamgrid table " + question.study;
  const auto add = [&text](const std::string& option, const std::string& value) {
    if (!value.empty()) text += " --" + option + " " + ShellWord(value);
  };
  add("vary", question.vary);
  add("by", question.by);
  for (const auto& [criterion, value] : question.fix) add("fix", criterion + "=" + value);
  if (question.rows != TableRows::kVariants) {
    text += " --" + std::string(WordFor(kTableRows, question.rows));
  }
  if (question.metric != kMetrics->name) add("metric", question.metric);
  if (question.effects) text += " --effects";
  add("baseline", question.baseline);
  if (question.test != TableTest::kSignFlip) add("test", WordFor(kTableTests, question.test));
  // Where cells or words are the columns, there is no place for further ones.
  if (question.by.empty() && question.rows != TableRows::kCriteria) {
    add("columns", Join(question.columns, ",",
                        [](TableColumn column) { return WordFor(kOptionalColumns, column); }));
  }
  if (seeds_alone) text += " --resamples 0";
  if (question.title != question.vary) add("title", question.title);
  add("reference", question.reference);
  if (question.layout != TableLayout::kOurs) {
    add("layout", WordFor(kTableLayouts, question.layout));
  }
  return text;
}

}  // namespace beamgrid
