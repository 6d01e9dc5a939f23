#include "orchestrator/commands/captured_output.h"

#include <optional>
#include <sstream>
#include <utility>

#include "orchestrator/commands/terminal.h"
#include "registry/util/printable.h"

namespace beamgrid {

struct CapturedOutput::Streams {
  std::ostringstream held;
  PrintableOutput printable{held};
  std::unique_ptr<TerminalOutput> folded;  // null: for no terminal
};

CapturedOutput::CapturedOutput(std::ostream& target)
    : target_(target), streams_(std::make_unique<Streams>()) {
  const std::optional<std::size_t> width = TerminalWidth(target);
  if (!width) return;
  streams_->folded = std::make_unique<TerminalOutput>(streams_->printable, *width, &streams_->held);
  if (MayColour(target)) AllowColours(*streams_->folded);
}

CapturedOutput::~CapturedOutput() = default;

std::ostream& CapturedOutput::stream() {
  if (streams_->folded) return *streams_->folded;
  return streams_->printable;
}

void CapturedOutput::PassOn() {
  stream().flush();
  streams_->printable.flush();
  const std::string piece = std::exchange(streams_->held, std::ostringstream()).str();
  Print(target_, piece);
  text_ += piece;
}

void CapturedOutput::Print(std::ostream& target, const std::string& text) {
  // It is folded and printable already, with colours where they may be.
  const Coloured as_it_is(target);
  target << text;
}

}  // namespace beamgrid
