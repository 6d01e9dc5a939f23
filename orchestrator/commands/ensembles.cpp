// `beamgrid ensembles`: the ensembles that are recorded, which keep their members from `prune`.

#include "orchestrator/audit/kept_ensembles.h"

#include <optional>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Score is an ensemble's GAP and the videos that it is of.
struct Score {
  std::optional<double> gap;
  const char* part = "";
};

Score ScoreOf(const boost::json::object& answer) {
  for (const char* part : {"holdout", "selection"}) {
    const boost::json::value* measured = answer.if_contains(part);
    if (measured == nullptr || !measured->is_object()) continue;
    const boost::json::value* gap = measured->get_object().if_contains("gap");
    if (gap != nullptr && gap->is_number()) return {gap->to_number<double>(), part};
  }
  return {};
}

std::optional<std::int64_t> SizeOf(const boost::json::object& answer) {
  const boost::json::value* size = answer.if_contains("size_bytes");
  if (size == nullptr || !size->is_int64()) return std::nullopt;
  return size->get_int64();
}

template <typename Number>
boost::json::value OrNull(const std::optional<Number>& number) {
  if (!number) return nullptr;
  return *number;
}

std::string CountsText(const KeptEnsemble& ensemble) {
  constexpr std::size_t kShown = 2;
  if (ensemble.counts()) return "yes";
  return "no: " + JoinFirst(ensemble.not_counted, kShown) +
         (ensemble.not_counted.size() == 1 ? " is no trial" : " are no trials") +
         " that the study counts now";
}

boost::json::object ToJson(const std::string& study, const KeptEnsemble& ensemble, bool latest) {
  const Score score = ScoreOf(ensemble.answer);
  return {{"id", ensemble.id},
          {"study", study},
          {"created_at", ensemble.created_at},
          {"latest", latest},
          {"counts", ensemble.counts()},
          {"not_counted", JsonList(ensemble.not_counted)},
          {"gap", OrNull(score.gap)},
          {"gap_of", score.part},
          {"size_bytes", OrNull(SizeOf(ensemble.answer))},
          {"members", ensemble.members()}};
}

class Ensembles : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Only those of this study");
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.footer(
        "The members of a recorded ensemble keep their files when `prune` deletes others'; "
        "`beamgrid rm\n"
        "--ensemble ID` removes an ensemble that nobody needs. counts: whether its members are the "
        "trials\n"
        "that the study counts now; `*` is the latest of those, the study's answer.");
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    std::vector<StudyRecord> studies = store->Studies();
    if (!study_.empty()) studies = {FindStudy(*store, database_, study_)};
    TextTable table({">id", "", "study", "made", ">members", ">GAP", "on", ">size", "counts"});
    table.LeaveOutFirst({"made", "on", "members", "size"});
    table.BreakLines({"counts"});
    boost::json::array list;
    for (const StudyRecord& study : studies) {
      const std::vector<KeptEnsemble> ensembles = KeptEnsembles(*store, study);
      const KeptEnsemble* latest = LatestThatCounts(ensembles);
      for (const KeptEnsemble& ensemble : ensembles) {
        const bool is_latest = &ensemble == latest;
        list.push_back(ToJson(study.name, ensemble, is_latest));
        const Score score = ScoreOf(ensemble.answer);
        const std::optional<std::int64_t> size = SizeOf(ensemble.answer);
        table.Add({std::to_string(ensemble.id), is_latest ? "*" : "", study.name,
                   ensemble.created_at, std::to_string(ensemble.members().size()),
                   score.gap ? FixedText(*score.gap, 5) : "", score.part,
                   size ? SizeText(*size) : "", CountsText(ensemble)});
      }
    }
    if (json_) {
      PrintJson(context.out, list);
    } else if (list.empty()) {
      context.Remark("no ensemble is recorded; `beamgrid ensemble STUDY` makes one");
    } else {
      table.Print(context.out);
    }
    return kExitDone;
  }

 private:
  std::string study_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("ensembles", kResults, "The ensembles that are recorded", Ensembles);

}  // namespace
}  // namespace beamgrid
