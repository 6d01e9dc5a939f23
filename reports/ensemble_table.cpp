#include "reports/ensemble_table.h"

#include <algorithm>
#include <map>
#include <ranges>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/size_column.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"
#include "reports/sheet.h"
#include "reports/table_cells.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

constexpr int kWeightDecimals = 4, kGapDecimals = 4;

/// Returns the paper's row of each member; null where there is none. What asks for more comes
/// first: a model with a gate is no model without.
std::vector<const PaperRow*> PaperRowsOf(const EnsembleTable& table) {
  std::vector<const PaperRow*> rows;
  for (const PaperRow& row : table.paper.rows) rows.push_back(&row);
  std::ranges::stable_sort(rows, std::ranges::greater(),
                           [](const PaperRow* row) { return ParseConditions(row->spec).size(); });
  std::vector<const PaperRow*> of_members(table.members.size());
  for (const PaperRow* row : rows) {
    for (std::size_t i = 0; i < of_members.size(); ++i) {
      const EnsembleTableMember& member = table.members[i];
      if (of_members[i] != nullptr || !member.model || !IsAbout(*row, *member.model, "")) continue;
      of_members[i] = row;
      break;
    }
  }
  return of_members;
}

SheetCell NumberCell(const std::string& digits) {
  return {.text = digits, .latex = digits.empty() ? "" : LatexNumber(digits)};
}

SizeColumn SizesOfMembers(const EnsembleTable& table) {
  std::int64_t smallest = table.size_bytes;
  for (const EnsembleTableMember& member : table.members) {
    if (member.size_bytes > 0) smallest = std::min(smallest, member.size_bytes);
  }
  return SizeColumn(smallest);
}

std::string GapCell(const std::optional<double>& gap) {
  return gap ? VisibleText(*gap, kGapDecimals) : "";
}

std::vector<std::string> NotesOfEnsemble(const EnsembleTable& table,
                                         const std::vector<const PaperRow*>& papers) {
  std::vector<std::string> notes = {
      "GAP of the members and of the ensemble: on the same " +
      CountText(static_cast<std::size_t>(table.videos), table.unit) +
      (table.grouped_by.empty()
           ? ""
           : " (" + CountText(static_cast<std::size_t>(table.groups), "group") + " by " +
                 table.grouped_by + ")") +
      " of the " +
      (table.gap_of == "holdout" ? "holdout, which did not choose it"
                                 : "selection, which chose it: too high for a test score")};
  if (!table.no_member_gaps.empty()) {
    notes.push_back("no GAP of the members on these videos: " + table.no_member_gaps);
  }
  if (!table.seen_groups.empty()) notes.push_back(table.seen_groups);
  notes.push_back("weights: " + table.weights + ", of the members' " + table.combine);
  std::vector<std::string> missing;
  for (const PaperRow& row : table.paper.rows) {
    const bool is_there =
        std::ranges::any_of(papers, [&](const PaperRow* found) { return found == &row; });
    if (!is_there) missing.push_back(row.row);
  }
  if (!missing.empty()) {
    notes.push_back("of " + table.reference + " none of the members is " + Join(missing));
  }
  if (!table.paper.source.empty()) {
    notes.push_back("columns " + table.reference + ": " + table.paper.source + " (" +
                    table.paper.data + ", " + GroupedDigits(table.paper.classes) + " classes)");
  }
  return notes;
}

}  // namespace

Sheet SheetOf(const EnsembleTable& table) {
  const SizeColumn sizes = SizesOfMembers(table);
  const std::vector<const PaperRow*> papers = PaperRowsOf(table);
  const bool has_paper = !table.reference.empty();
  Sheet sheet{.title = table.title,
              .headings = {"model", sizes.heading(), "weight", table.gap_of + " GAP"},
              .rows = {}};
  for (const std::string& note : NotesOfEnsemble(table, papers)) {
    // What the numbers are comes first.
    if (sheet.caption.empty()) {
      sheet.caption = AsSentence(note);
    } else {
      sheet.notes.push_back(AsSentence(note));
    }
  }
  if (has_paper) {
    sheet.headings.push_back(table.reference + ": size");
    sheet.headings.push_back(table.reference + ": weight");
  }
  double weights = 0;
  for (std::size_t i = 0; i < table.members.size(); ++i) {
    const EnsembleTableMember& member = table.members[i];
    weights += member.weight;
    std::vector<SheetCell>& cells = sheet.rows.emplace_back();
    cells = {{member.name},
             NumberCell(sizes.Cell(member.size_bytes)),
             NumberCell(VisibleText(member.weight, kWeightDecimals)),
             NumberCell(GapCell(member.gap))};
    if (has_paper) {
      const bool has_size = papers[i] != nullptr && papers[i]->cells.size() > 1;
      cells.push_back({has_size ? papers[i]->cells[1] : ""});
      cells.push_back({papers[i] == nullptr ? "" : papers[i]->text});
    }
    sheet.comments.push_back(member.fingerprint.empty() ? "" : "trials " + member.fingerprint);
  }
  sheet.rows.push_back({{"ensemble"},
                        {sizes.Cell(table.size_bytes) + " of " + SizeText(table.size_limit)},
                        NumberCell(VisibleText(weights, kWeightDecimals)),
                        NumberCell(GapCell(table.gap))});
  sheet.rows.back().resize(sheet.headings.size());
  sheet.comments.emplace_back();
  return sheet;
}

namespace {

std::string NumberText(const std::optional<double>& number) {
  return number ? CanonicalJson(*number) : "";
}

std::string EnsembleCsv(const EnsembleTable& table) {
  const std::vector<const PaperRow*> papers = PaperRowsOf(table);
  Sheet sheet{.title = "",
              .headings = {"model", "size_bytes", "weight", "gap", "size_limit", "reference_size",
                           "reference_weight"},
              .rows = {}};
  for (std::size_t i = 0; i < table.members.size(); ++i) {
    const EnsembleTableMember& member = table.members[i];
    const bool has_size = papers[i] != nullptr && papers[i]->cells.size() > 1;
    sheet.rows.push_back({{member.name},
                          {std::to_string(member.size_bytes)},
                          {CanonicalJson(member.weight)},
                          {NumberText(member.gap)},
                          {},
                          {has_size ? papers[i]->cells[1] : ""},
                          {papers[i] == nullptr ? "" : NumberText(papers[i]->value)}});
  }
  sheet.rows.push_back({{"ensemble"},
                        {std::to_string(table.size_bytes)},
                        {},
                        {NumberText(table.gap)},
                        {std::to_string(table.size_limit)},
                        {},
                        {}});
  return CsvOf(sheet);
}

template <typename Value>
boost::json::value OrNullOf(const std::optional<Value>& value) {
  return value ? boost::json::value(*value) : boost::json::value();
}

std::string EnsembleJson(const EnsembleTable& table) {
  const std::vector<const PaperRow*> papers = PaperRowsOf(table);
  boost::json::array members;
  for (std::size_t i = 0; i < table.members.size(); ++i) {
    const EnsembleTableMember& member = table.members[i];
    boost::json::object json = {{"name", member.name},
                                {"size_bytes", member.size_bytes},
                                {"weight", member.weight},
                                {"gap", OrNullOf(member.gap)},
                                {"fingerprint", member.fingerprint}};
    if (!table.reference.empty()) {
      json["reference"] = nullptr;
      if (papers[i] != nullptr) {
        json["reference"] =
            boost::json::object{{"row", papers[i]->row}, {"weight", OrNullOf(papers[i]->value)}};
      }
    }
    members.push_back(std::move(json));
  }
  const std::vector<std::string> notes = NotesOfEnsemble(table, papers);
  return CanonicalJson(
             boost::json::object{{"title", table.title},
                                 {"members", std::move(members)},
                                 {"size_bytes", table.size_bytes},
                                 {"size_limit", table.size_limit},
                                 {"gap", OrNullOf(table.gap)},
                                 {"gap_of", table.gap_of},
                                 {"videos", table.videos},
                                 {"combine", table.combine},
                                 {"weights", table.weights},
                                 {"notes", boost::json::array(notes.begin(), notes.end())}}) +
         "\n";
}

}  // namespace

std::string Render(const EnsembleTable& table, const std::string& format) {
  using RenderFormat = std::string (*)(const EnsembleTable&);
  static const std::map<std::string, RenderFormat> formats = {
      {"csv", EnsembleCsv},
      {"html", [](const EnsembleTable& t) { return HtmlOf(SheetOf(t)); }},
      {"json", EnsembleJson},
      {"latex", [](const EnsembleTable& t) { return LatexOf(SheetOf(t)); }},
      {"md", [](const EnsembleTable& t) { return MarkdownOf(SheetOf(t)); }}};
  const auto found = formats.find(format);
  if (found == formats.end()) {
    throw UsageError("format '" + format + "' is not one of an ensemble's table; they are " +
                     Join(std::views::keys(formats)));
  }
  return found->second(table);
}

}  // namespace beamgrid
