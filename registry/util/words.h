#pragma once
// Words that stand for values. Each kind of them is one table: what is read, offered in help and
// messages, and printed comes from it.

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace beamgrid {

/// "must be one of logits, probabilities; did you mean 'logits'?"
[[nodiscard]] std::string RefusalOf(const std::string& word, const std::vector<std::string>& known);

/// Throws UsageError: "SETTING = 'WORD', must be one of ...".
[[noreturn]] void RefuseWord(const std::string& setting, const std::string& word,
                             const std::vector<std::string>& known);

/// One line of a table.
template <typename Value>
struct Word {
  Value value;
  const char* word;
};

/// The words of a table, in its order.
template <typename Value, std::size_t size>
[[nodiscard]] std::vector<std::string> WordsOf(const Word<Value> (&table)[size]) {
  std::vector<std::string> words;
  for (const Word<Value>& line : table) words.emplace_back(line.word);
  return words;
}

/// The word of a value. A value without one is a bug: std::logic_error.
template <typename Value, std::size_t size>
[[nodiscard]] const char* WordFor(const Word<Value> (&table)[size], Value value) {
  const auto* found = std::ranges::find(table, value, &Word<Value>::value);
  if (found == std::end(table)) throw std::logic_error("an enumerator without a name");
  return found->word;
}

/// The value of a word, or nothing.
template <typename Value, std::size_t size>
[[nodiscard]] std::optional<Value> FindValue(const Word<Value> (&table)[size],
                                             const std::string& word) {
  const auto* found = std::ranges::find(table, word, &Word<Value>::word);
  return found == std::end(table) ? std::nullopt : std::optional(found->value);
}

/// The value of a word; UsageError as from RefuseWord where the table has no such word.
template <typename Value, std::size_t size>
[[nodiscard]] Value ValueOf(const Word<Value> (&table)[size], const std::string& setting,
                            const std::string& word) {
  const std::optional<Value> value = FindValue(table, word);
  if (!value) RefuseWord(setting, word, WordsOf(table));
  return *value;
}

}  // namespace beamgrid
