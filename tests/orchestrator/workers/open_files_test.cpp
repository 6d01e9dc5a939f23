#include "orchestrator/workers/process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace beamgrid {
namespace {

TEST(OpenFiles, AsManyAsTheSystemAllows) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 256) GTEST_SKIP() << "this system allows next to none";
  limit.rlim_cur = 128;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  AllowManyOpenFiles();
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace beamgrid
