// The papers' numbers: recipes/paper_tables.toml.

#include <toml++/toml.h>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

toml::table Parse(const std::string& toml_text) {
  try {
    return toml::parse(toml_text, std::string_view("paper_tables.toml"));
  } catch (const toml::parse_error& error) {
    throw UsageError("paper_tables.toml:" + std::to_string(error.source().begin.line) + ": " +
                     std::string(error.description()));
  }
}

std::string Text(const toml::table& table, const char* key, const std::string& id) {
  const auto text = table[key].value<std::string>();
  if (!text) throw UsageError("paper_tables.toml: a row of table '" + id + "' has no " + key);
  return *text;
}

/// Returns a list of texts; none where it is absent.
std::vector<std::string> Texts(const toml::table& table, const char* key) {
  std::vector<std::string> texts;
  const toml::array* listed = table[key].as_array();
  if (listed == nullptr) return texts;
  for (const toml::node& text : *listed) texts.push_back(text.value_or(std::string()));
  return texts;
}

std::vector<PaperRow> RowsOf(const toml::table& table, const std::string& id) {
  std::vector<PaperRow> rows;
  const toml::array* listed = table["rows"].as_array();
  if (listed == nullptr) throw UsageError("paper_tables.toml: table '" + id + "' has no rows");
  for (const toml::node& node : *listed) {
    const toml::table* row = node.as_table();
    if (row == nullptr) throw UsageError("paper_tables.toml: a row of '" + id + "' is not a table");
    rows.push_back({.row = Text(*row, "row", id),
                    .spec = Text(*row, "spec", id),
                    .value = (*row)["value"].value<double>(),
                    .text = (*row)["text"].value_or(std::string()),
                    .note = (*row)["note"].value_or(std::string()),
                    .cells = Texts(*row, "cells")});
  }
  return rows;
}

/// A row has a cell for each column but the number's.
void CheckCells(const PaperRow& row, const std::vector<std::string>& columns,
                const std::string& id) {
  const std::size_t cells = row.cells.empty() ? 1 : row.cells.size();
  if (columns.empty() || cells + 1 == columns.size()) return;
  throw UsageError("paper_tables.toml: row '" + row.row + "' of table '" + id + "' has " +
                   CountText(cells, "cell") + " before the number, and the table " +
                   CountText(columns.size(), "column"));
}

}  // namespace

PaperTable ReadPaperTable(const std::string& toml_text, const std::string& reference) {
  if (reference.empty()) return {};
  const toml::table document = Parse(toml_text);
  std::string known;
  if (const toml::array* tables = document["table"].as_array()) {
    for (const toml::node& node : *tables) {
      const toml::table* table = node.as_table();
      if (table == nullptr) continue;
      const std::string id = (*table)["id"].value_or(std::string());
      if (id != reference) {
        known += (known.empty() ? "" : ", ") + id;
        continue;
      }
      PaperTable found{.rows = RowsOf(*table, id),
                       .columns = Texts(*table, "columns"),
                       .source = (*table)["source"].value_or(std::string()),
                       .data = (*table)["data"].value_or(std::string()),
                       .classes = (*table)["classes"].value_or(std::int64_t{0}),
                       .of_test_part = (*table)["split"].value_or(std::string()) == "kaggle"};
      for (const PaperRow& row : found.rows) CheckCells(row, found.columns, id);
      return found;
    }
  }
  throw UsageError("reference = '" + reference +
                   "' is not a table of paper_tables.toml; they are " +
                   (known.empty() ? "none" : known));
}

}  // namespace beamgrid
