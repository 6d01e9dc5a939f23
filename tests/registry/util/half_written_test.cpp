#include "registry/util/half_written.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "registry/util/cache_folder.h"
#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

pid_t DeadProcess() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(HalfWritten, IsKnownByTheNameAndItsWriter) {
  const TemporaryFolder folder;
  const pid_t child = DeadProcess();
  const std::string dead = std::to_string(child);
  WriteFileAtomically(folder / ("a.db.part." + dead), "half");
  WriteFileAtomically(folder / ("a.db.part." + dead + "-journal"), "half");
  WriteFileAtomically(HalfWrittenName(folder / "b"), "half");
  for (const char* other : {"c", ".part.7", "d.part.007", "e.part.", "f.part.x", "g.part.-1"}) {
    WriteFileAtomically(folder / other, "whole");
  }
  const std::vector<HalfWritten> found = HalfWrittenIn(folder.path());
  ASSERT_EQ(found.size(), 3U);
  for (const std::size_t of_a : {0U, 1U}) {
    EXPECT_EQ(found[of_a].whole, folder / "a.db");
    EXPECT_EQ(found[of_a].writer, child);
    EXPECT_FALSE(found[of_a].writer_lives);
  }
  EXPECT_EQ(found[2].whole, folder / "b");
  EXPECT_EQ(found[2].writer, ::getpid());
  EXPECT_TRUE(found[2].writer_lives);
  EXPECT_TRUE(HalfWrittenIn(folder / "missing").empty());
}

TEST(HalfWritten, AProcessWhoseEndNobodyHeardOfIsDead) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  WriteFileAtomically(folder / ("a.db.part." + std::to_string(child)), "half");
  EXPECT_FALSE(HalfWrittenIn(folder.path()).at(0).writer_lives);
  ::waitpid(child, nullptr, 0);
}

TEST(HalfWritten, OfADeadWriterGoesWhenTheFileIsWrittenAgain) {
  const TemporaryFolder folder;
  const auto half = folder / ("out.csv.part." + std::to_string(DeadProcess()));
  const auto another = folder / ("other.csv.part." + half.extension().string().substr(1));
  const auto living = folder / "out.csv.part.1";
  for (const auto& path : {half, another, living}) {
    std::ofstream(path, std::ios::binary) << "half";
  }
  WriteFileAtomically(folder / "out.csv", "whole");
  EXPECT_FALSE(std::filesystem::exists(half));
  EXPECT_TRUE(std::filesystem::exists(another));
  EXPECT_TRUE(std::filesystem::exists(living));
  std::ofstream(half, std::ios::binary) << "half";
  WriteCached(folder / "out.csv", "whole");
  EXPECT_FALSE(std::filesystem::exists(half));
}

}  // namespace
}  // namespace beamgrid
