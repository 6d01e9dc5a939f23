// A table as CSV and JSON: every number in full precision.

#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/sheet.h"
#include "reports/table_cells.h"

namespace beamgrid {
namespace {

constexpr Word<Levels> kLevelNames[] = {{Levels::kSeedsAndVideos, "seeds and videos"},
                                        {Levels::kVideos, "videos"},
                                        {Levels::kSeeds, "seeds"}};

template <typename Value>
boost::json::value Optional(const std::optional<Value>& value) {
  return value ? boost::json::value(*value) : boost::json::value();
}

std::string CsvNumber(const std::optional<double>& value) {
  return value ? CanonicalJson(*value) : "";
}

using CsvColumns = std::vector<std::pair<std::string, std::string>>;  ///< name, cell

/// Returns the row's cells with their names. A p of seeds that were raced for says so in a column,
/// for there are no notes.
CsvColumns CsvRow(const AblationTable& table, const TableRow& row) {
  const std::optional<RowDifference>& difference = row.difference;
  const auto of_difference = [&](auto value) {
    return difference ? CanonicalJson(value(*difference)) : "";
  };
  CsvColumns columns = {
      {"label", CsvText(row.label)},
      {table.metric + "_mean", CsvNumber(row.mean)},
      {table.metric + "_std", CsvNumber(row.std)},
      {"seeds", std::to_string(row.seeds.size())},
      {"missing_seeds", std::to_string(row.missing_seeds)},
      {"missing", CsvText(row.missing)},
      {"size_bytes", HasTrials(row) ? std::to_string(row.size_bytes) : ""},
      {"parameters", HasTrials(row) ? std::to_string(row.parameters) : ""},
      {"examples_per_second", CsvNumber(row.examples_per_second)},
      {"seconds", CsvNumber(row.seconds)},
      {"epochs", CsvNumber(row.epochs)},
      {"delta", CsvNumber(row.delta)},
      {"interval_low", of_difference([](const RowDifference& d) { return d.interval.low; })},
      {"interval_high", of_difference([](const RowDifference& d) { return d.interval.high; })},
      {"interval_of", difference ? WordFor(kLevelNames, difference->levels) : ""},
      {"probability_above", difference ? CsvNumber(difference->above) : ""},
      {"seeds_variance", of_difference([](const RowDifference& d) { return d.seeds_variance; })},
      {"videos_variance", of_difference([](const RowDifference& d) { return d.videos_variance; })},
      {"remainder_variance",
       of_difference([](const RowDifference& d) { return d.remainder_variance; })},
      {"interval_p", of_difference([](const RowDifference& d) { return d.p; })},
      {"p_value", CsvNumber(row.p_value)},
      {"p_corrected", CsvNumber(row.p_corrected)},
      {"best", row.best ? "true" : "false"},
      {"among_best", row.among_best ? "true" : "false"},
      {"p_best", CsvNumber(row.p_best)},
      {"reference", CsvNumber(row.reference)},
      {"reference_difference", CsvNumber(row.reference_difference)},
      // Lists, with spaces between: by seed, and of an average by combination and seed.
      {"seed_values", Join(row.seeds, " ", [](double value) { return CanonicalJson(value); })},
      {"seed_numbers",
       Join(row.seed_numbers, " ", [](std::int64_t seed) { return std::to_string(seed); })},
      {"fingerprints", Join(row.fingerprints, " ")}};
  for (std::size_t i = 0; i < row.stub.size(); ++i) {
    columns.emplace_back(CsvText(table.columns[i]), CsvText(row.stub[i]));
  }
  if (table.combinations > 0) {
    columns.emplace_back("combinations", std::to_string(table.combinations));
    columns.emplace_back("compared_values", std::to_string(row.compared_values));
  }
  if (Has(table, TableColumn::kEffect)) {
    const auto& interval = row.effect ? row.effect->interval : std::nullopt;
    columns.emplace_back("effect", row.effect ? CanonicalJson(row.effect->value) : "");
    columns.emplace_back("effect_low", interval ? CanonicalJson(interval->low) : "");
    columns.emplace_back("effect_high", interval ? CanonicalJson(interval->high) : "");
  }
  if (row.cross) {
    columns.emplace_back("row", CsvText(row.cross->row));
    columns.emplace_back("column", CsvText(row.cross->column));
  }
  if (!table.grouped_by.empty()) {
    columns.emplace_back("resampled_groups_of", CsvText(table.grouped_by));
  }
  if (table.raced && Has(table, TableColumn::kP)) columns.emplace_back("seeds_raced", "true");
  return columns;
}

boost::json::value EffectJson(const std::optional<Estimate>& effect) {
  if (!effect) return nullptr;
  const auto& interval = effect->interval;
  return {{"value", effect->value},
          {"low", interval ? boost::json::value(interval->low) : nullptr},
          {"high", interval ? boost::json::value(interval->high) : nullptr}};
}

boost::json::value DifferenceJson(const TableRow& row) {
  if (!row.difference) return nullptr;
  const RowDifference& difference = *row.difference;
  return {{"low", difference.interval.low},
          {"high", difference.interval.high},
          {"of", WordFor(kLevelNames, difference.levels)},
          {"probability_above", Optional(difference.above)},
          {"p", difference.p},
          {"variance",
           {{"seeds", difference.seeds_variance},
            {"videos", difference.videos_variance},
            {"remainder", difference.remainder_variance}}}};
}

boost::json::object RowJson(const AblationTable& table, const TableRow& row) {
  boost::json::object metric = {
      {"mean", Optional(row.mean)},
      {"std", Optional(row.std)},
      {"seeds", row.seeds.size()},
      {"missing_seeds", row.missing_seeds},
      {"values", boost::json::array(row.seeds.begin(), row.seeds.end())},
      {"seed_numbers", boost::json::array(row.seed_numbers.begin(), row.seed_numbers.end())}};
  boost::json::object json = {
      {"label", row.label},
      {table.metric, metric},
      {"missing", row.missing},
      {"size_bytes", HasTrials(row) ? boost::json::value(row.size_bytes) : nullptr},
      {"parameters", HasTrials(row) ? boost::json::value(row.parameters) : nullptr},
      {"examples_per_second", Optional(row.examples_per_second)},
      {"seconds", Optional(row.seconds)},
      {"epochs", Optional(row.epochs)},
      {"delta", Optional(row.delta)},
      {"interval", DifferenceJson(row)},
      {"no_interval", row.no_interval},
      {"p_value", Optional(row.p_value)},
      {"p_corrected", Optional(row.p_corrected)},
      {"best", row.best},
      {"among_best", row.among_best},
      {"p_best", Optional(row.p_best)},
      {"chosen_on_the_same_data", row.chosen},
      {"reference", Optional(row.reference)},
      {"reference_difference", Optional(row.reference_difference)},
      {"fingerprints", boost::json::array(row.fingerprints.begin(), row.fingerprints.end())}};
  if (!row.stub.empty()) json["cells"] = boost::json::array(row.stub.begin(), row.stub.end());
  if (row.against) json["against"] = table.rows[*row.against].label;
  if (table.combinations > 0) json["compared_values"] = row.compared_values;
  if (row.cross) {
    json["cross"] = boost::json::object{{"row", row.cross->row}, {"column", row.cross->column}};
  }
  if (Has(table, TableColumn::kEffect)) json["effect"] = EffectJson(row.effect);
  return json;
}

}  // namespace

std::string CsvTable(const AblationTable& table) {
  std::string text;
  for (const TableRow& row : table.rows) {
    const CsvColumns columns = CsvRow(table, row);
    const auto line = [&](auto part) { return Join(columns, ",", part) + "\n"; };
    if (text.empty()) text = line(&CsvColumns::value_type::first);
    text += line(&CsvColumns::value_type::second);
  }
  return text;
}

std::string JsonTable(const AblationTable& table) {
  const auto row_json = [&](const TableRow& row) { return RowJson(table, row); };
  std::vector<std::string> notes = NotesOf(table);
  for (const std::string& note : table.data_notes) notes.push_back(AsSentence(note));
  // Here sizes are in bytes.
  std::vector<std::string> headings = table.columns;
  for (std::size_t i = 0; i < headings.size(); ++i) {
    if (i < table.kinds.size() && table.kinds[i] == TableColumn::kSize) headings[i] = "size_bytes";
  }
  boost::json::object object = {
      {"title", table.title},
      {"caption", CaptionOf(table)},
      {"columns", boost::json::array(headings.begin(), headings.end())},
      {"rows", JsonList(table.rows, row_json)},
      {"compared",
       table.compared ? boost::json::value(table.rows[*table.compared].label) : nullptr},
      {"test", WordFor(kTableTests, table.test)},
      {"resamples", table.resamples},
      {"videos", table.videos},
      {"notes", boost::json::array(notes.begin(), notes.end())},
      {"remarks", boost::json::array(table.remarks.begin(), table.remarks.end())}};
  if (!table.grouped_by.empty()) {
    object["groups"] = {{"by", table.grouped_by}, {"number", table.video_groups}};
  }
  if (table.combinations > 0) object["combinations"] = table.combinations;
  return CanonicalJson(object) + "\n";
}

}  // namespace beamgrid
