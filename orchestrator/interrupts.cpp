#include "orchestrator/interrupts.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace beamgrid {
namespace {

constexpr std::array<int, 3> kEndingSignals{SIGINT, SIGTERM, SIGHUP};

// A global, for a signal handler is handed nothing but the signal's number.
std::function<void()> the_handler;
std::array<struct sigaction, kEndingSignals.size()> former_actions;

void HandleSignal(int /*signal*/) {
  // The code that the signal interrupts may be about to look at its own.
  const int saved = errno;
  the_handler();
  errno = saved;
}

}  // namespace

InterruptSignals::InterruptSignals(std::function<void()> on_interrupt) {
  if (the_handler) throw std::logic_error("interrupt signals are handled already");
  // Before the handlers are in place: the first signal may come at once.
  the_handler = std::move(on_interrupt);
  struct sigaction action{};
  action.sa_handler = HandleSignal;
  // Else every read and write of every library would have to expect EINTR.
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
    ::sigaction(kEndingSignals[i], nullptr, &former_actions[i]);
    const bool nohup = kEndingSignals[i] == SIGHUP && former_actions[i].sa_handler == SIG_IGN;
    if (nohup) continue;
    ::sigaction(kEndingSignals[i], &action, nullptr);
  }
}

InterruptSignals::~InterruptSignals() {
  for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
    // Before the_handler goes: no signal may find it empty.
    ::sigaction(kEndingSignals[i], &former_actions[i], nullptr);
  }
  the_handler = nullptr;
}

void IgnoreBrokenPipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace beamgrid
