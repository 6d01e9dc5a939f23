#include "orchestrator/interrupts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <stdexcept>

namespace beamgrid {
namespace {

TEST(InterruptSignals, CallWhileTheyLiveAndGiveTheHandlersBack) {
  static std::atomic<int> before{0};
  const auto former = std::signal(SIGTERM, [](int) { ++before; });
  std::atomic<int> calls{0};
  {
    const InterruptSignals signals([&calls] { ++calls; });
    std::raise(SIGINT);
    std::raise(SIGTERM);
    std::raise(SIGTERM);
    EXPECT_EQ(calls, 3);
    EXPECT_THROW(InterruptSignals([] {}), std::logic_error);
    std::raise(SIGINT);
    EXPECT_EQ(calls, 4);
  }
  std::raise(SIGTERM);
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(before, 1);
  std::signal(SIGTERM, former);
}

TEST(InterruptSignals, LeaveAnIgnoredHangupIgnored) {
  const auto former = std::signal(SIGHUP, SIG_IGN);
  std::atomic<int> calls{0};
  {
    const InterruptSignals signals([&calls] { ++calls; });
    std::raise(SIGHUP);
  }
  EXPECT_EQ(calls, 0);
  std::signal(SIGHUP, former);
}

}  // namespace
}  // namespace beamgrid
