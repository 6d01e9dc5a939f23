// The papers' numbers: recipes/paper_tables.toml.

#include <toml++/toml.h>

#include "registry/util/error.h"
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
                    .note = (*row)["note"].value_or(std::string())});
  }
  return rows;
}

}  // namespace

std::vector<PaperRow> PaperTable(const std::string& toml_text, const std::string& reference) {
  if (reference.empty()) return {};
  const toml::table document = Parse(toml_text);
  std::string known;
  if (const toml::array* tables = document["table"].as_array()) {
    for (const toml::node& node : *tables) {
      const toml::table* table = node.as_table();
      if (table == nullptr) continue;
      const std::string id = (*table)["id"].value_or(std::string());
      if (id == reference) return RowsOf(*table, id);
      known += (known.empty() ? "" : ", ") + id;
    }
  }
  throw UsageError("reference = '" + reference +
                   "' is not a table of paper_tables.toml; they are " +
                   (known.empty() ? "none" : known));
}

}  // namespace beamgrid
