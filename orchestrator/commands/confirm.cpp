#include "orchestrator/commands/confirm.h"

#include <iostream>

#include "registry/util/error.h"

namespace beamgrid {

void AddYesFlag(CLI::App& app, bool* yes) {
  app.add_flag("-y,--yes", *yes, "Do it without asking");
}

bool AskYesNo(std::istream& in, std::ostream& out, const std::string& question) {
  out << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(in, answer);
  for (const char* yes : {"y", "Y", "yes", "Yes", "YES"}) {
    if (answer == yes) return true;
  }
  return false;
}

bool Confirmed(const CommandContext& context, const std::string& question, bool yes) {
  if (yes) return true;
  if (!context.may_ask) {
    throw UsageError(question +
                     " There is no terminal to ask on: nothing was changed; --yes does it");
  }
  const bool confirmed = AskYesNo(std::cin, context.err, question);
  if (!confirmed) context.err << "nothing was changed\n";
  return confirmed;
}

}  // namespace beamgrid
