#pragma once
// What the target of a request asks for ("/studies/demo?temporal=lstm&sort=-size"), and the target
// of a question. Pure, whatever bytes it is given.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace beamgrid {

/// The longest target that is read, in bytes.
inline constexpr std::size_t kTargetBytesMax = 2048;

/// ViewKind is which view of the record it is.
enum class ViewKind {
  kStudies,  ///< all studies
  kStudy,    ///< one of them, as it runs
  kTrial,    ///< one trial of it
  kReport    ///< what `beamgrid report` says of it
};

/// ViewForm is for whom it is.
enum class ViewForm { kPage, kJson };

/// TrialFilter says which trials a view speaks of.
struct TrialFilter {
  std::string name;  ///< a part of the model's name, in any case; or empty
  /// Of a criterion its component, of extras one of them, each with options or without: "moe",
  /// "moe experts=2".
  std::map<std::string, std::string> parts;

  [[nodiscard]] bool empty() const { return name.empty() && parts.empty(); }
};

/// PartOfFilter is a component with options that it is to have.
struct PartOfFilter {
  std::string component;
  std::map<std::string, std::string> options;  ///< as written: "2", "true", "image"
};
/// Reads a part of a filter: "moe", "moe experts=2"; nothing where it is none.
[[nodiscard]] std::optional<PartOfFilter> ParsePartOfFilter(std::string_view text);

/// Target is the question that a target stands for.
struct Target {
  ViewKind kind = ViewKind::kStudies;
  ViewForm form = ViewForm::kPage;
  std::string study;       ///< empty of kStudies
  std::int64_t trial = 0;  ///< of kTrial: its id
  std::string section;     ///< of the report; empty: all of it
  TrialFilter filter;
  std::string sort;         ///< a column of the leaderboard; empty: by the objective, best first
  bool descending = false;  ///< of `sort`
  std::int64_t page = 1;    ///< of the leaderboard

  /// Returns the target's text. Targets of one question have one text.
  [[nodiscard]] std::string Text() const;
};

/// The columns that a leaderboard is sorted by, as the target names them.
inline constexpr std::string_view kSortColumns[] = {"name", "objective", "seeds", "size",
                                                    "parameters"};

/// Refusal is why a request is not answered.
struct Refusal {
  int status = 400;  ///< of HTTP
  std::string why;   ///< a sentence for people
};

/// Returns for whom the answer is, of a target that is refused too.
[[nodiscard]] ViewForm FormOf(std::string_view text);

/// Reads a target. What nobody knows is refused, for a misspelt filter must not show everything.
[[nodiscard]] std::variant<Target, Refusal> ParseTarget(std::string_view text);

}  // namespace beamgrid
