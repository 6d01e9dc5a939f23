#include "tests/orchestrator/commands/command_test_support.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "orchestrator/commands/command_line.h"
#include "orchestrator/commands/terminal.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/specs.h"

namespace beamgrid {

boost::json::value Called::Json() const {
  try {
    return ParseJson(out);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what() << " in: " << out << err;
    return {};
  }
}

CommandTest::CommandTest() { setenv("BEAMGRID_CACHE_DIR", Path("cache").c_str(), 1); }
CommandTest::~CommandTest() { unsetenv("BEAMGRID_TRAINER"); }

Called CommandTest::Call(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  const int exit_code = RunCommandLine(arguments, out, err);
  return {exit_code, out.str(), err.str()};
}

Called CommandTest::CallAtTerminal(std::size_t columns, const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  SetTerminalWidth(out, columns);
  SetTerminalWidth(err, columns);
  const int exit_code = RunCommandLine(arguments, out, err);
  return {exit_code, out.str(), err.str()};
}

std::size_t WidestLine(const std::string& text) {
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, ColumnsOf(line));
  return widest;
}

std::string CommandTest::Write(const std::string& name, const std::string& text) const {
  const std::string path = Path(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

void CommandTest::UseFakeTrainer() const {
  const std::string catalogue = Write("catalogue.json", CanonicalJson(ToJson(TestCatalogue())));
  const std::string trainer =
      Write("trainer", "#!/bin/sh\necho \"$1\" >> '" + Path("trainer-calls") +
                           "'\n"
                           "case \"$1\" in\n"
                           "describe) cat '" +
                           catalogue +
                           "' ;;\n"
                           "doctor) echo '{\"libtorch\":\"none, a script\"}' ;;\n"
                           "count) while read -r line; do\n"
                           "  id=${line#*'\"id\":'}; a='{\"id\":'${id%%,*}','\n"
                           "  case \"$line\" in\n"
                           "  *'\"use\":\"attention\"'*) echo \"$a\"'\"kind\":\"bad_spec\",'"
                           "'\"error\":\"attention needs two features\"}' ;;\n"
                           "  *) echo \"$a\"'\"parameters\":1000,\"size_bytes\":4000}' ;;\n"
                           "  esac\n"
                           "done ;;\n"
                           "esac\n");
  std::filesystem::permissions(trainer, std::filesystem::perms::owner_all);
  setenv("BEAMGRID_TRAINER", trainer.c_str(), 1);
}

std::vector<std::string> KeysOf(const boost::json::value& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.as_object()) keys.emplace_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

namespace {

NewTrial Trial(const std::string& name, std::int64_t hidden, std::int64_t seed) {
  const TrialSpec spec = ExampleTrial(hidden, seed);
  return {.name = name,
          .fingerprint = Fingerprint(spec),
          .spec = spec,
          .parameters = 1000,
          .size_bytes = 4000};
}

TrialResult Result() {
  return {
      .metrics = {.gap = 0.8125, .hit_at_1 = 0.875, .perr = 0.75, .map = 0.5, .videos = 8},
      .validate_loss = 1.5,
      .best_epoch = 2,
      .epochs = {{.epoch = 1, .train_loss = 3}, {.epoch = 2, .train_loss = 2}},
      .parameters = 1000,
      .size_bytes = 4000,
      .examples = 200,
      .examples_per_second = 100,
      .wall_seconds = 2.5,
      .device = "cpu",
      .artifacts = {{.name = "predictions", .path = "predictions.bin", .bytes = 7, .hash = "00"}}};
}

AttemptOutcome Failure() {
  return {AttemptFailure{.kind = FailureKind::kDiverged,
                         .message = "the loss is not finite at example 640",
                         .log_tail = "loss inf"},
          4};
}

}  // namespace

void FillStore(const std::string& path) {
  Store store(path, OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy({.name = "small",
                                         .description = "three trials",
                                         .objective = "gap",
                                         .recipe_text = "beamgrid = 1\n",
                                         .recipe_digest = "d1"});
  const NewTrial first = Trial("MC-BLSTM-MoE2", 512, 1);
  const std::vector<TrialId> ids = store.AddTrials(
      study, {first, Trial("MC-BLSTM-MoE2", 512, 2), Trial("MC-BLSTM-h256-MoE2", 256, 1)});
  store.FinishAttempt(ids[0], store.BeginAttempt(ids[0], "a", "cpu", 1), {Result()},
                      TrialState::kComplete);
  store.FinishAttempt(ids[1], store.BeginAttempt(ids[1], "b", "cpu", 1), Failure(),
                      TrialState::kWaiting);
  store.FinishAttempt(ids[1], store.BeginAttempt(ids[1], "c", "cpu", 1), Failure(),
                      TrialState::kFailed);
  store.AddNote(study, "MC-BLSTM-MoE2", 2, "retried after attempt 1: diverged");
  const StudyId other =
      store.OpenStudy({.name = "other", .objective = "gap", .recipe_digest = "d2"});
  store.AddTrials(other, {first});
}

}  // namespace beamgrid
