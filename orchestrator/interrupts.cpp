#include "orchestrator/interrupts.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace beamgrid {
namespace {

constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};

std::function<void()> the_handler;
std::array<struct sigaction, kSignals.size()> former_actions;

void HandleSignal(int /*signal*/) {
  const int saved = errno;
  the_handler();
  errno = saved;
}

}  // namespace

InterruptSignals::InterruptSignals(std::function<void()> on_interrupt) {
  if (the_handler) throw std::logic_error("interrupt signals are handled already");
  the_handler = std::move(on_interrupt);
  struct sigaction action{};
  action.sa_handler = HandleSignal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &former_actions[i]);
    const bool nohup = kSignals[i] == SIGHUP && former_actions[i].sa_handler == SIG_IGN;
    if (nohup) continue;
    ::sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptSignals::~InterruptSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &former_actions[i], nullptr);
  }
  the_handler = nullptr;
}

void IgnoreBrokenPipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace beamgrid
