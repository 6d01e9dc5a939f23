#include "orchestrator/commands/search_watch.h"

#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

namespace beamgrid {
namespace {

TEST(SearchText, SaysWhatIsDoneOfHowMuch) {
  const std::chrono::milliseconds elapsed(75'400);
  EXPECT_EQ(SearchText("sets scored", 4097, 31188, elapsed),
            "ensemble: sets scored: 4097 of 31188 (1m15s)");
  EXPECT_EQ(SearchText("sets scored", 7, 0, elapsed), "ensemble: sets scored: 7 (1m15s)");
}

class SearchWatchTest : public testing::Test {
 protected:
  std::ostringstream out_, err_;
  const CommandContext context_{.out = out_, .err = err_};
};

TEST_F(SearchWatchTest, CarriesAllPiecesOut) {
  SearchWatch watch(context_);
  std::atomic<int> sum = 0;
  watch.OnThreads(2)(100, [&](std::size_t i) { sum += static_cast<int>(i); });
  EXPECT_EQ(sum, 4950);
  watch.told()("sets scored", 1, 2);
}

TEST_F(SearchWatchTest, CtrlCEndsTheSearchAtItsNextPiece) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    SearchWatch watch(context_);
    const ForEach for_each = watch.OnThreads(2);
    std::atomic<int> begun = 0;
    EXPECT_THROW(for_each(100,
                          [&](std::size_t) {
                            if (++begun == 1) std::raise(signal);
                          }),
                 SearchWatch::SearchInterrupted);
    EXPECT_LT(begun, 100);
    EXPECT_THROW(watch.told()("sets scored", 1, 2), SearchWatch::SearchInterrupted);
  }
}

}  // namespace
}  // namespace beamgrid
