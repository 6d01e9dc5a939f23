// The scheduler alone under faults, with the simulated pool and clock of the tests.
//
//   simulation_bench [--trials N] [--devices D] [--slots S] [--window W]
//
// Prints events, attempts, time an event and peak memory of one study of N trials.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "tests/support/scheduler_simulation.h"

int main(int argc, char** argv) {
  beamgrid::SimulationSettings settings{.trials = 100'000,
                                        .devices = 8,
                                        .slots_per_device = 4,
                                        .memory_bytes = 1500,
                                        .window = 100'000,
                                        .fault_rate = 0.05,
                                        .refusal_rate = 0.02,
                                        .withdrawn_rate = 0.001,
                                        .death_rate = 1e-4,
                                        .interrupt_rate = 1e-4};
  CLI::App app{"The scheduler alone, simulated"};
  app.add_option("--trials", settings.trials)->capture_default_str();
  app.add_option("--devices", settings.devices)->capture_default_str();
  app.add_option("--slots", settings.slots_per_device)->capture_default_str();
  app.add_option("--window", settings.window, "trials that wait at once")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto begin = std::chrono::steady_clock::now();
  const beamgrid::SimulationResult result = beamgrid::SchedulerSimulation(settings).Run(
      beamgrid::SchedulerSimulation::OwnRules::kNotChecked);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::cout << settings.trials << " trials: " << result.events << " events, " << result.attempts
            << " attempts, " << result.complete << " complete, " << result.failed << " failed, "
            << result.elsewhere << " elsewhere; " << result.deaths << " deaths, "
            << result.interrupts << " interrupts, " << result.refusals << " refusals, "
            << result.out_of_memory << " out of memory\n"
            << took.count() << " s, " << took.count() / static_cast<double>(result.events) * 1e6
            << " us an event, " << usage.ru_maxrss / 1024 << " MB peak\n";
}
