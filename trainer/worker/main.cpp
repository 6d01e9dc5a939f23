// beamgrid-trainer: the worker, the only program with LibTorch.

#include <torch/version.h>
#include <unistd.h>
#include <ext/stdio_filebuf.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <iostream>

#include "registry/util/printable.h"
#include "registry/util/process_start.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"
#include "trainer/component.h"
#include "trainer/plugin.h"
#include "trainer/worker/commands.h"

namespace {

using beamgrid::TrainerExit;
namespace trainer = beamgrid::trainer;

/// Stream is a stream on a descriptor of its own.
class Stream : public std::iostream {
 public:
  Stream(beamgrid::UniqueFd descriptor, std::ios_base::openmode mode)
      : std::iostream(nullptr), buffer_(descriptor.Release(), mode) {
    rdbuf(&buffer_);
  }

 private:
  __gnu_cxx::stdio_filebuf<char> buffer_;  ///< closes the descriptor
};

/// Runs a command that answers on standard output, with its plugins loaded. Nothing but the command
/// reaches what standard input and output were: what a plugin or a script prints goes to standard
/// error, what it reads is at its end. Returns the exit code; what is thrown becomes one line on
/// stderr and the code of its kind.
template <typename Command>
int Answer(const std::vector<std::string>& plugins, const Command& command) {
  try {
    Stream in(beamgrid::TakeStandardInput(), std::ios_base::in);
    Stream out(beamgrid::TakeStandard(STDOUT_FILENO, STDERR_FILENO), std::ios_base::out);
    for (const std::string& plugin : plugins) trainer::LoadPlugin(plugin);
    return command(in, out);
  } catch (const std::exception&) {
    const trainer::Ending ending = trainer::EndingOfCurrentException();
    // A question has no batch that could be smaller.
    const std::string words =
        ending.exit == TrainerExit::kOutOfMemory
            ? "out of memory: " + ending.detail + "; " + beamgrid::FixForSystemError(ENOMEM)
            : ending.message;
    std::cerr << "beamgrid-trainer: " << beamgrid::Printable(words) << "\n";
    return static_cast<int>(ending.exit);
  }
}

int Run(int argc, char** argv) {
  beamgrid::PrepareStart();
  std::ios::sync_with_stdio(false);
  // Registrations run before main, where nothing may throw: this is the first place that can
  // refuse.
  const std::vector<std::string> errors = trainer::RegistrationErrors();
  for (const std::string& error : errors) std::cerr << "beamgrid-trainer: " << error << "\n";
  if (!errors.empty()) return static_cast<int>(TrainerExit::kBroken);

  CLI::App app{"Trains, evaluates and counts models for beamgrid", "beamgrid-trainer"};
  app.set_version_flag("--version",
                       "beamgrid-trainer " BEAMGRID_VERSION " (LibTorch " TORCH_VERSION ")");
  app.require_subcommand(1);
  int exit = 0;

  std::vector<std::string> plugins;
  // allow_extra_args(false): one value for each --plugin. CLI11 would otherwise give it all words
  // that follow, the component's name included.
  auto* describe = app.add_subcommand("describe", "print the component catalogue as JSON");
  describe->add_option("--plugin", plugins, "a shared library with more components")
      ->allow_extra_args(false);
  describe->callback([&] {
    exit = Answer(plugins, [](auto&, auto& out) { return trainer::DescribeCommand(out); });
  });
  app.add_subcommand("count", "parameters and bytes of the models on stdin, one JSON line each")
      ->callback([&] { exit = Answer({}, trainer::CountCommand); });
  app.add_subcommand("predict", "the predictions that the JSON line on stdin asks for, as bytes")
      ->callback([&] { exit = Answer({}, trainer::PredictCommand); });
  app.add_subcommand("doctor", "print what this machine offers to a trial as JSON")->callback([&] {
    exit = Answer({}, [](auto&, auto& out) { return trainer::DoctorCommand(out); });
  });

  trainer::ContractArguments question;
  auto* contract = app.add_subcommand("contract", "check a component against the contract");
  contract->add_option("component", question.component, "peak or temporal.peak")->required();
  contract->add_option("--plugin", plugins, "a shared library with more components")
      ->allow_extra_args(false);
  contract->add_option("--file", question.file, "for a component that needs one");
  contract->add_option("--feature", question.features, "NAME=WIDTH; small ones by default")
      ->allow_extra_args(false);
  contract->add_option("--classes", question.classes)->check(CLI::PositiveNumber);
  contract->callback([&] {
    exit =
        Answer(plugins, [&](auto&, auto& out) { return trainer::ContractCommand(question, out); });
  });

  std::string folder;
  auto* exporting = app.add_subcommand("export", "write what the export.json of a folder asks for");
  exporting->add_option("folder", folder, "the folder that holds export.json")->required();
  exporting->callback([&] {
    exit = Answer({}, [&](auto&, auto& out) { return trainer::ExportCommand(folder, out); });
  });

  trainer::TrainArguments arguments;
  auto* train = app.add_subcommand("train", "carry out the attempt of a directory");
  train->add_option("directory", arguments.directory, "the folder that holds trial.json")
      ->required();
  train->add_option("--device", arguments.device, "cpu or cuda:N, instead of trial.json's");
  train->add_option("--threads", arguments.threads, "instead of trial.json's");
  train->callback([&] { exit = trainer::TrainCommand(arguments); });

  auto process = trainer::TrialProcess::kShared;
  auto* serve =
      app.add_subcommand("serve", "carry out the attempts of the directories on stdin, one a line");
  serve->add_flag_callback(
      "--fork", [&] { process = trainer::TrialProcess::kItsOwn; },
      "each in a process of its own, a copy of this one");
  serve->callback([&] { exit = trainer::ServeCommand(process); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 has codes of its own; 0 stands for --help and --version.
    return app.exit(error) == 0 ? 0 : static_cast<int>(TrainerExit::kBadSpec);
  }
  return exit;
}

}  // namespace

int main(int argc, char** argv) {
  const int exit = Run(argc, argv);
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
#ifndef __SANITIZE_ADDRESS__  // which looks for leaks at the end
  // Not exit(): libraries wait there for their threads, and OpenBLAS's try for ever to get their
  // memory where a limit leaves none.
  ::_exit(exit);
#endif
  return exit;
}
