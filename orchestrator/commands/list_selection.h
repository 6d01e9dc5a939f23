#pragma once
// Which rows a list shows, in which order, and what of them: SQL over what the list is made of, so
// that all lists are asked in one way, and whatever can be asked of a column can be asked here.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// ListSource is what a list is made of, where that is in the record.
struct ListSource {
  std::string relation;                           ///< SQL: a SELECT in parentheses
  std::map<std::string, std::string> parameters;  ///< of the relation
  std::string condition = "1";                    ///< SQL, which every row of the list satisfies
  std::string order;                              ///< SQL: the list's own order
  std::string text_column = "name";  ///< a column of texts, for the example of a condition
};

/// ListRows is what a list is made of, where that is in memory: each row an object of the columns'
/// numbers, texts, truths and nulls. A truth is 1 or 0 in a condition.
struct ListRows {
  std::vector<std::string> columns;
  boost::json::array rows;
};

/// ListSelection is `--where`, `--sort`, `--columns` and `--limit`.
///
/// A list with a column `model` has the options of its models' parts as columns too, named as
/// recipes name them: temporal.clusters, temporal.netvlad.clusters, extras.dropout (1 or 0),
/// extras.dropout.rate, train.batch. `size` means size_bytes.
///
/// All members that choose throw UsageError: for a column that is not there, with the nearest
/// spelling and all that are; for a condition that is none, with the place where it fails.
class ListSelection {
 public:
  /// Adds the options. `where` and `columns` are examples for the help: "gap > 0.8", "name,gap".
  /// `what` says what is chosen among where a command prints more than one list: "of its epochs".
  void AddTo(CLI::App& app, const std::string& where, const std::string& columns,
             const std::string& what = "");

  /// True if anything of it was asked for.
  [[nodiscard]] bool asked() const { return chooses() || has_columns(); }
  /// True if columns were asked for; the listing then is Columns instead of the usual one.
  [[nodiscard]] bool has_columns() const { return !columns_.empty(); }

  /// Returns these columns of the rows that were asked for, in the order that was asked for.
  [[nodiscard]] Store::Table Choose(const Store& store, const ListSource& source,
                                    const std::vector<std::string>& columns) const;
  /// Returns the columns that were asked for, of the same rows.
  [[nodiscard]] Store::Table Columns(const Store& store, const ListSource& source) const;
  /// Returns which rows of a list were asked for, by their places in it.
  [[nodiscard]] std::vector<std::size_t> Places(const ListRows& list) const;
  /// Returns the columns that were asked for, of the same rows.
  [[nodiscard]] Store::Table Columns(const ListRows& list) const;

 private:
  /// Returns the source with the options of parts that are named as columns of it.
  [[nodiscard]] ListSource Source(const Store& store, const ListSource& source) const;
  [[nodiscard]] bool chooses() const { return !sort_.empty() || !where_.empty() || limit_; }

  std::vector<std::string> sort_, columns_;
  std::string where_;
  std::optional<std::int64_t> limit_;
};

/// Returns the items of a list at these places.
template <typename Item>
[[nodiscard]] std::vector<Item> At(const std::vector<Item>& list,
                                   const std::vector<std::size_t>& places) {
  std::vector<Item> chosen;
  for (const std::size_t place : places) chosen.push_back(list[place]);
  return chosen;
}

}  // namespace beamgrid
