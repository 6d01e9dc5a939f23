// beamgrid-trainer: the worker, the only program with LibTorch.

#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "trainer/commands.h"
#include "trainer/component.h"

namespace {

using beamgrid::TrainerExit;
namespace trainer = beamgrid::trainer;

int Refuse(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) std::cerr << "beamgrid-trainer: " << error << "\n";
  return static_cast<int>(TrainerExit::kBroken);
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  if (!trainer::RegistrationErrors().empty()) return Refuse(trainer::RegistrationErrors());

  CLI::App app{"Trains, evaluates and counts models for beamgrid", "beamgrid-trainer"};
  app.set_version_flag("--version",
                       "beamgrid-trainer " BEAMGRID_VERSION " (LibTorch " TORCH_VERSION ")");
  app.require_subcommand(1);
  int exit = 0;

  app.add_subcommand("describe", "print the component catalogue as JSON")->callback([&] {
    exit = trainer::DescribeCommand(std::cout);
  });
  app.add_subcommand("count", "parameters and bytes of the models on stdin, one JSON line each")
      ->callback([&] { exit = trainer::CountCommand(std::cin, std::cout); });
  app.add_subcommand("doctor", "print what this machine offers to a trial as JSON")->callback([&] {
    exit = trainer::DoctorCommand(std::cout);
  });

  trainer::TrainArguments arguments;
  auto* train = app.add_subcommand("train", "carry out the attempt of a directory");
  train->add_option("directory", arguments.directory, "the folder that holds trial.json")
      ->required();
  train->add_option("--device", arguments.device, "cpu or cuda:N, instead of trial.json's");
  train->add_option("--threads", arguments.threads, "instead of trial.json's");
  train->callback([&] { exit = trainer::TrainCommand(arguments); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 has codes of its own; 0 stands for --help and --version.
    return app.exit(error) == 0 ? 0 : static_cast<int>(TrainerExit::kBadSpec);
  }
  return exit;
}
