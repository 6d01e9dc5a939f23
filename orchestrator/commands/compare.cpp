// `beamgrid compare`: two studies side by side.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/table_resampling.h"
#include "orchestrator/commands/text_table.h"
#include "registry/scoring/metrics.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"
#include "reports/comparison.h"

namespace beamgrid {
namespace {

constexpr int kMetricDigits = 5;
constexpr std::size_t kComparedNames = 4;

std::string SideText(const ComparedSide& side) {
  if (!side.mean) return "";
  return FixedText(*side.mean, kMetricDigits) +
         (side.std ? " ± " + FixedText(*side.std, kMetricDigits) : "") + " (" +
         std::to_string(side.seeds.size()) + ")";
}

std::string DifferenceText(const ComparedModel& model) {
  if (!model.difference) return "";
  return SignedText(*model.difference, kMetricDigits);
}

std::string PText(const std::optional<double>& p) {
  if (!p) return "";
  return *p < 0.001 ? "<0.001" : FixedText(*p, 3);
}

void Print(std::ostream& out, const Comparison& comparison) {
  TextTable table({">" + comparison.first + " (seeds)", ">" + comparison.second + " (seeds)",
                   ">difference", ">p", "name"});
  for (const ComparedModel& model : comparison.models) {
    table.Add({SideText(model.first), SideText(model.second), DifferenceText(model),
               PText(model.p_value), model.name});
  }
  out << comparison.metric << " of the models that both studies have\n";
  table.Print(out);
  for (const ComparedModel& model : comparison.models) {
    if (model.differs.empty()) continue;
    out << "differs: " << model.name << ": " << JoinFirst(model.differs, kComparedNames) << "\n";
  }
  const auto only = [&out](const std::string& study, const std::vector<std::string>& names) {
    if (!names.empty())
      out << "only in " << study << ": " << JoinFirst(names, kComparedNames) << "\n";
  };
  only(comparison.first, comparison.only_first);
  only(comparison.second, comparison.only_second);
  for (const std::string& note : comparison.notes) out << "note: " << note << "\n";
}

class Compare : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", studies_, "The two studies; differences are to the first")
        ->required()
        ->expected(2);
    app.add_option("--metric", metric_, "The metric; none: the first study's objective")
        ->check(OneOf(MetricNames()));
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const StudyRecord first = FindStudy(*store, database_, studies_.at(0));
    const StudyRecord second = FindStudy(*store, database_, studies_.at(1));
    const TableResampling resampling = ResamplingOf(*store, {first, second});
    const Comparison comparison = CompareStudies(
        *store, first, second, metric_.empty() ? first.objective : metric_, &resampling);
    if (json_) {
      PrintJson(context.out, ToJson(comparison));
    } else {
      Print(context.out, comparison);
    }
    return kExitDone;
  }

 private:
  std::vector<std::string> studies_;
  std::string metric_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("compare", kResults, "Two studies side by side", Compare);

}  // namespace
}  // namespace beamgrid
