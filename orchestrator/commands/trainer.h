#pragma once
// The trainer as commands use it.

#include <filesystem>

#include "orchestrator/commands/command.h"
#include "registry/catalogue.h"

namespace beamgrid {

struct Trainer {
  std::filesystem::path path;
  Catalogue catalogue;
};

/// Finds the trainer and its catalogue. Error where there is none.
[[nodiscard]] Trainer OpenTrainer(const CommandContext& context);

}  // namespace beamgrid
