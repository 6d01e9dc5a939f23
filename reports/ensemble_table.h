#pragma once
// An ensemble as a table of a paper: its members with sizes and weights, the sum of the sizes
// beside the limit, and what it measured.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "reports/sheet.h"
#include "reports/table.h"

namespace beamgrid {

/// EnsembleTableMember is one of its models.
struct EnsembleTableMember {
  std::string name;
  std::int64_t size_bytes = 0;
  double weight = 0;
  std::optional<double> gap;       ///< alone, on the ensemble's own videos
  std::optional<ModelSpec> model;  ///< nothing: the record does not know the trial
  std::string fingerprint;
};

/// EnsembleTable is what is shown of one ensemble.
struct EnsembleTable {
  std::string title;
  std::vector<EnsembleTableMember> members;
  std::int64_t size_bytes = 0, size_limit = 0;
  std::optional<double> gap;  ///< on `videos` of the part `gap_of`
  std::string gap_of;         ///< "holdout", or "selection": those that it was chosen on
  std::int64_t videos = 0;
  std::string unit = "video";    ///< of what `videos` is the number: "segment" of segments
  std::string no_member_gaps;    ///< why members have no `gap`; empty: they have one
  std::string grouped_by;        ///< whole groups by this are in one part; empty: videos
  std::int64_t groups = 0;       ///< of these videos
  std::string seen_groups;       ///< Store::SeenGroupsOf
  std::string combine, weights;  ///< what of the scores is averaged, and how
  std::string reference;         ///< "kim18/ensemble"; empty: no columns of a paper's
  PaperTable paper;              ///< a row a member: its size in `cells`, its weight in `text`
};

/// Returns the table as people read it.
[[nodiscard]] Sheet SheetOf(const EnsembleTable& table);
/// Renders it as md | latex | csv | html | json; CSV and JSON have every number in full. A paper's
/// member stands beside the one of ours that meets its conditions, the one with the most conditions
/// first; one that none meets is named below. Throws UsageError for any other format.
[[nodiscard]] std::string Render(const EnsembleTable& table, const std::string& format);

}  // namespace beamgrid
