#pragma once
// Ablation tables from the record: rows of one varied criterion, seeds as mean and standard
// deviation.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/store.h"

namespace beamgrid {

/// The paper's rows of one table, from recipes/paper_tables.toml.
struct PaperRow {
  std::string row;   ///< as printed
  std::string spec;  ///< our canonical components ("classifier=moe(experts=2)")
  std::optional<double> value;
  std::string text;  ///< as printed, trailing zeros and all
};

struct TableQuestion {
  std::string study;
  std::string title;
  std::string vary;  ///< criterion; empty: rows are whole models
  std::vector<std::pair<std::string, std::string>> fix;  ///< --fix temporal=blstm
  std::string reference;                                 ///< "kim18/2"
  std::string metric = "gap";
};

struct TableRow {
  std::string label;
  std::optional<double> mean, std;  ///< over complete seeds; std from 2 seeds on (sample)
  std::vector<double> seeds;        ///< value per complete seed, by seed
  std::int64_t missing_seeds = 0;   ///< trials of this row not complete
  std::int64_t size_bytes = 0, parameters = 0;
  std::optional<double> delta;  ///< to the first row's mean
  std::optional<double> p_value;
  std::optional<double> reference;  ///< the paper's number
  std::string reference_text;
};

struct AblationTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
};

[[nodiscard]] AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                                      const TableQuestion& question,
                                      const std::vector<PaperRow>& paper);
/// md | csv | json (latex and html are later formats). UsageError naming the known ones.
[[nodiscard]] std::string Render(const AblationTable& table, const std::string& format);
/// Rows of "kim18/2" from the text of paper_tables.toml. UsageError naming the tables there are.
[[nodiscard]] std::vector<PaperRow> PaperTable(const std::string& toml_text,
                                               const std::string& reference);

}  // namespace beamgrid
