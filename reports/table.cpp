#include "reports/table.h"

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/one_per_seed.h"
#include "reports/raced_seeds.h"
#include "reports/study_effects.h"
#include "reports/table_parts.h"

namespace beamgrid {
namespace {

/// Between the two parts of a cell's label.
constexpr char kCross[] = " \xC3\x97 ";

}  // namespace

AblationTable MakeTable(const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                        const TableQuestion& question, const std::vector<PaperRow>& paper,
                        const StudyEffects* effects, bool raced,
                        const TableResampling* resampling) {
  RequireOneTrialPerSeed(trials);
  const Axes axes = AxesOf(question);
  const Metric* metric = MetricNamed("metric", question.metric);
  std::vector<Variation> asked = WithFixes(ModelsOf(trials, catalogue, metric), question);
  RequireVaried(asked, axes, question);
  std::vector<Group> groups = GroupsOf(std::move(asked), axes);
  Group& group = Widest(groups);
  if (axes.empty()) SortByMean(group.variants);
  std::vector<std::vector<std::string>> labels;  // [axes][variants]
  for (const Varied& axis : axes) labels.push_back(LabelsOn(axis, group, catalogue));
  const std::string criterion = axes.empty() ? "" : axes[0].criterion;
  const StudyFactor* factor = effects == nullptr ? nullptr : &FactorOf(*effects, question);
  AblationTable table{.metric = question.metric, .raced = raced};
  for (std::size_t i = 0; i < group.variants.size(); ++i) {
    const Variation& variant = group.variants[i];
    TableRow row = RowOf(variant);
    row.label = axes.empty() ? variant.trials[0]->name : labels[0][i];
    if (axes.size() > 1) {
      row.cross = {labels[0][i], labels[1][i]};
      row.label += kCross + labels[1][i];
    }
    AddReference(row, variant.model, criterion, paper);
    if (factor != nullptr) AddEffect(row, variant.model, *effects, *factor);
    table.rows.push_back(std::move(row));
  }
  CompareRows(group.variants, question, *metric, resampling, table);
  table.title = question.title;
  if (table.title.empty()) {
    table.title = question.study + ": " + (axes.empty() ? "models" : question.vary);
    if (axes.size() > 1) table.title += " by " + question.by;
  }
  table.groups = groups.size();
  table.common_seeds = CommonSeeds(table.rows);
  table.kinds = KindsOf(table.rows, question);
  for (const TableColumn kind : table.kinds) {
    table.columns.push_back(HeadingOf(kind, table, question));
  }
  table.notes = NotesOf(groups, group, table, question, axes, catalogue, paper);
  if (factor != nullptr) {
    table.notes.push_back(
        "effect: difference from the mean over all " +
        std::to_string(effects->effects.grid_points) + " combinations of the study, of which " +
        std::to_string(effects->effects.measured) + " were measured, with its 95 % interval");
  }
  return table;
}

AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                        const TableQuestion& question, const std::vector<PaperRow>& paper,
                        const TableResampling* resampling) {
  const std::optional<StudyRecord> study = store.FindStudy(question.study);
  if (!study) {
    const std::string known = Join(store.Studies(), ", ", &StudyRecord::name);
    throw UsageError("there is no study '" + question.study + "'; the record has " +
                     (known.empty() ? "none" : known));
  }
  std::optional<StudyEffects> effects;
  if (question.effects) effects = MakeEffects(store, catalogue, *study);
  return MakeTable(store.Trials(study->id), catalogue, question, paper,
                   effects ? &*effects : nullptr, RacesForSeeds(store, *study), resampling);
}

}  // namespace beamgrid
