#pragma once
// What `beamgrid-trainer` does, one function per subcommand; each returns the exit code.

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "trainer/protocol/protocol.h"

namespace beamgrid::trainer {

/// Prints the component catalogue as JSON, and beside it under "loaded" the files and folders that
/// the answers of this process depend on beside its own file: libraries, and where the dynamic
/// linker looks for them.
int DescribeCommand(std::ostream& out);

/// Answers each line {"id", "model": ModelSpec, "data": DataSpec} with a line that holds the same
/// id (null where the line has none) and either {"parameters", "size_bytes"} or {"error", "kind"},
/// the kind of failure that it would be of an attempt. No weights are written and their memory is
/// never touched: a model takes milliseconds.
int CountCommand(std::istream& in, std::ostream& out);

/// Prints what this machine offers to a trial, as JSON, and what is wrong with it ("warnings").
int DoctorCommand(std::ostream& out);

/// ContractArguments says which component is to be checked, and on which data.
struct ContractArguments {
  std::string component;              ///< "peak", or "temporal.peak"
  std::string file;                   ///< for a component that needs one
  std::vector<std::string> features;  ///< "rgb=1024"; empty: small ones
  std::int64_t classes = 4;
};

/// Checks a component against the contract (trainer/contract) and prints a line {"component",
/// "check", "problems"} for each check. Throws UsageError where there is no such component, or
/// where it needs a file and none is given or the other way round.
int ContractCommand(const ContractArguments& arguments, std::ostream& out);

/// Predicts with a finished model. `in` holds one line, a PredictRequest (trainer/protocol); `out`
/// gets a stream of predictions (registry/scoring/prediction_stream.h). Throws as an attempt does,
/// and Error where the weights are not those of the model or nobody reads `out` any more.
int PredictCommand(std::istream& in, std::ostream& out);

/// Exports what the folder's export.json asks for (trainer/protocol/export.h) into that folder and
/// prints the answer. Throws SpecError where a model cannot be exported, Error where weights cannot
/// be read or the disk refuses; what was written until then is left.
int ExportCommand(const std::filesystem::path& folder, std::ostream& out);

/// TrainArguments says which attempt to carry out, and what to do otherwise than its trial.json
/// says.
struct TrainArguments {
  std::filesystem::path directory;      ///< holds trial.json
  std::optional<std::string> device;    ///< instead of trial.json's
  std::optional<std::int64_t> threads;  ///< instead of trial.json's
};

/// Carries out the attempt of a directory. Messages go to stdout, which carries nothing else; the
/// log goes to stderr. SIGTERM and SIGINT, and a reader of stdout that went away, stop it at the
/// next batch, behind a checkpoint.
int TrainCommand(const TrainArguments& arguments);

/// TrialProcess says where ServeCommand carries out an attempt.
enum class TrialProcess {
  kShared,  ///< in this process; with a user's code in it, in a copy where no attempt was here yet
  kItsOwn   ///< each in a copy of this process, which computes nothing itself
};
/// Carries out the attempts whose directories come on stdin, one a line, each as TrainCommand would
/// (bit for bit), its log in its own worker.log, and says Ready when it takes another. Ends when
/// stdin does; after any failure, with its code or by its signal; and, of those in this process,
/// without a Ready after 300 attempts, after one with a user's code in it, and where the memory
/// that stays in use has doubled since the first.
int ServeCommand(TrialProcess process);

/// Ending says why an attempt ended and with which code.
struct Ending {
  TrainerExit exit = TrainerExit::kBroken;
  FailureKind failure = FailureKind::kCrashed;
  std::string message;  ///< one line
  std::string detail;   ///< for the log: backtraces
};
/// The ending that the exception in flight means. To be called in a catch block.
[[nodiscard]] Ending EndingOfCurrentException();

}  // namespace beamgrid::trainer
