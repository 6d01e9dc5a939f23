// Where things that can be made again are kept, and the hashes of files among them.

#include "registry/util/cache_folder.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/hash_cache.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::Optional;

/// Sets variables of the environment and puts them back.
class CacheFolderTest : public testing::Test {
 protected:
  static constexpr const char* kNames[] = {"BEAMGRID_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
  void SetUp() override {
    for (const char* name : kNames) {
      const char* value = ::getenv(name);
      before_.emplace_back(value == nullptr ? std::nullopt : std::optional<std::string>(value));
      ::unsetenv(name);
    }
  }
  void TearDown() override {
    for (std::size_t i = 0; i < before_.size(); ++i) {
      ::unsetenv(kNames[i]);
      if (before_[i]) ::setenv(kNames[i], before_[i]->c_str(), 1);
    }
  }
  std::vector<std::optional<std::string>> before_;
};

TEST_F(CacheFolderTest, ComesFromTheFirstVariableThatNamesOne) {
  EXPECT_EQ(CacheFolder(), std::nullopt);
  ::setenv("HOME", "/home/somebody", 1);
  EXPECT_THAT(CacheFolder(), Optional(fs::path("/home/somebody/.cache/beamgrid")));
  ::setenv("XDG_CACHE_HOME", "not/absolute", 1);
  EXPECT_THAT(CacheFolder(), Optional(fs::path("/home/somebody/.cache/beamgrid")));
  ::setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_THAT(CacheFolder(), Optional(fs::path("/cache/beamgrid")));
  ::setenv("BEAMGRID_CACHE_DIR", "/own", 1);
  EXPECT_THAT(CacheFolder(), Optional(fs::path("/own")));
  ::setenv("BEAMGRID_CACHE_DIR", "", 1);
  EXPECT_EQ(CacheFolder(), std::nullopt) << "set and empty: nothing is kept";
}

TEST(Cached, ComesBackWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const fs::path path = folder / "new/x";
  EXPECT_EQ(ReadCached(path), std::nullopt);
  const std::string content("a\0b\n", 4);
  WriteCached(path, content);
  EXPECT_THAT(ReadCached(path), Optional(content));
  WriteCached(path, "");
  EXPECT_THAT(ReadCached(path), Optional(std::string()));
  WriteCached(path, content);
  fs::resize_file(path, fs::file_size(path) - 1);
  EXPECT_EQ(ReadCached(path), std::nullopt);
  EXPECT_EQ(ReadCached(folder.path()), std::nullopt) << "a folder";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "new"), fs::directory_iterator()), 1);
}

TEST(Cached, WhatCannotBeWrittenIsPassedOver) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "file", "");
  WriteCached(folder / "file/x", "content");
  EXPECT_EQ(ReadCached(folder / "file/x"), std::nullopt);
}

class HashCacheTest : public testing::Test {
 protected:
  static FileStamp Stamp(std::uint64_t inode) {
    return {.device = 1, .inode = inode, .size = 5, .modified_ns = 7, .changed_ns = 9};
  }
  static constexpr std::chrono::system_clock::time_point kNow{std::chrono::hours(1)};
  const std::string a_ = std::string(32, 'a'), b_ = std::string(32, 'b');
  const TemporaryFolder folder_;
};

TEST_F(HashCacheTest, KnowsWhatAnotherWroteOfAFileWithTheSameStamp) {
  HashCache writer(folder_ / "cache");
  writer.Add(Stamp(1), a_, kNow);
  EXPECT_THAT(writer.Find(Stamp(1)), Optional(a_));
  EXPECT_EQ(HashCache(folder_ / "cache").Find(Stamp(1)), std::nullopt) << "before it is saved";
  writer.Save();
  HashCache reader(folder_ / "cache");
  EXPECT_THAT(reader.Find(Stamp(1)), Optional(a_));
  for (FileStamp other : {FileStamp{.device = 2},
                          {.inode = 2},
                          {.size = 6},
                          {.modified_ns = 8},
                          {.changed_ns = 10}}) {
    if (other.device == 0) other.device = 1;
    if (other.inode == 0) other.inode = 1;
    if (other.size == 0) other.size = 5;
    if (other.modified_ns == 0) other.modified_ns = 7;
    if (other.changed_ns == 0) other.changed_ns = 9;
    EXPECT_EQ(reader.Find(other), std::nullopt);
  }
}

TEST_F(HashCacheTest, WritersAddToEachOther) {
  HashCache one(folder_.path()), other(folder_.path());
  one.Add(Stamp(1), a_, kNow);
  one.Add(Stamp(2), a_, kNow);
  other.Add(Stamp(2), b_, kNow);
  other.Add(Stamp(3), b_, kNow);
  one.Save();
  other.Save();
  HashCache reader(folder_.path());
  EXPECT_THAT(reader.Find(Stamp(1)), Optional(a_));
  EXPECT_THAT(reader.Find(Stamp(2)), Optional(b_)) << "the last one counts";
  EXPECT_THAT(reader.Find(Stamp(3)), Optional(b_));
}

TEST_F(HashCacheTest, TakesInWhatOthersHaveAddedSince) {
  HashCache reader(folder_.path()), writer(folder_.path());
  for (const std::uint64_t file : {1U, 2U}) {
    writer.Add(Stamp(file), a_, kNow);
    writer.Save();
    EXPECT_EQ(reader.Find(Stamp(file)), std::nullopt);
    reader.Refresh();
    EXPECT_THAT(reader.Find(Stamp(file)), Optional(a_));
  }
  reader.Add(Stamp(3), b_, kNow);
  reader.Refresh();
  EXPECT_THAT(reader.Find(Stamp(3)), Optional(b_)) << "what nobody has written stays";
}

TEST_F(HashCacheTest, ALineThatIsNotWholeIsPassedOver) {
  {
    HashCache writer(folder_.path());
    writer.Add(Stamp(1), a_, kNow);
    writer.Add(Stamp(2), b_, kNow);
    writer.Save();
  }
  const fs::path file = fs::directory_iterator(folder_.path())->path();
  fs::resize_file(file, fs::file_size(file) - 3);
  EXPECT_THAT(HashCache(folder_.path()).Find(Stamp(1)), Optional(a_));
  EXPECT_EQ(HashCache(folder_.path()).Find(Stamp(2)), std::nullopt);
  // What comes behind half of a line is whole.
  HashCache writer(folder_.path());
  writer.Add(Stamp(3), b_, kNow);
  writer.Save();
  EXPECT_THAT(HashCache(folder_.path()).Find(Stamp(3)), Optional(b_));
  std::string bytes = ReadFile(file);
  bytes[bytes.find("aaaa")] = 'c';
  WriteFileAtomically(file, bytes);
  EXPECT_EQ(HashCache(folder_.path()).Find(Stamp(1)), std::nullopt);
}

TEST_F(HashCacheTest, WhatIsNoFileIsPassedOver) {
  const fs::path file = folder_ / "hashes-1";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  HashCache writer(folder_.path());
  writer.Add(Stamp(1), a_, kNow);
  writer.Save();  // does not wait for a reader
  EXPECT_TRUE(fs::is_fifo(file));
  EXPECT_EQ(HashCache(folder_.path()).Find(Stamp(1)), std::nullopt);
}

TEST_F(HashCacheTest, AFileTouchedWithinTwoSecondsIsNotKept) {
  HashCache cache(folder_.path());
  const auto at = [](std::int64_t nanoseconds) {
    return std::chrono::system_clock::time_point(std::chrono::nanoseconds(nanoseconds));
  };
  constexpr std::int64_t kTwoSeconds = 2'000'000'000;
  cache.Add(Stamp(1), a_, at(kTwoSeconds + 8));
  EXPECT_EQ(cache.Find(Stamp(1)), std::nullopt) << "changed at 9";
  cache.Add(Stamp(1), a_, at(kTwoSeconds + 9));
  EXPECT_THAT(cache.Find(Stamp(1)), Optional(a_));
  cache.Add(Stamp(2), a_, at(0));
  EXPECT_EQ(cache.Find(Stamp(2)), std::nullopt) << "touched in the future";
}

TEST_F(HashCacheTest, AFolderThatCannotBeUsedIsDoneWithout) {
  WriteFileAtomically(folder_ / "file", "");
  for (const auto& folder : {std::optional<fs::path>(), std::optional(folder_ / "file/x")}) {
    HashCache cache(folder);
    cache.Add(Stamp(1), a_, kNow);
    cache.Save();
    EXPECT_THAT(cache.Find(Stamp(1)), Optional(a_)) << "this object remembers it";
  }
}

TEST_F(HashCacheTest, AFileThatGrewLargeIsBegunAnewWithWhatIsUsed) {
  {
    HashCache writer(folder_.path());
    writer.Add(Stamp(1), a_, kNow);
    writer.Add(Stamp(2), a_, kNow);
    writer.Save();
  }
  const fs::path file = fs::directory_iterator(folder_.path())->path();
  fs::resize_file(file, 5 << 20);
  HashCache writer(folder_.path());
  EXPECT_THAT(writer.Find(Stamp(1)), Optional(a_));
  writer.Add(Stamp(3), b_, kNow);
  writer.Save();
  EXPECT_LT(fs::file_size(file), 300U);
  HashCache reader(folder_.path());
  EXPECT_THAT(reader.Find(Stamp(1)), Optional(a_));
  EXPECT_EQ(reader.Find(Stamp(2)), std::nullopt) << "nobody asked for it";
  EXPECT_THAT(reader.Find(Stamp(3)), Optional(b_));
  fs::resize_file(file, 65 << 20);
  EXPECT_EQ(HashCache(folder_.path()).Find(Stamp(1)), std::nullopt) << "nothing of ours";
}

TEST_F(HashCacheTest, GivesTheHashOfAFile) {
  WriteFileAtomically(folder_ / "data", "content");
  HashCache cache(std::nullopt);
  EXPECT_EQ(CachedHash(folder_ / "data", cache), HashBytes("content"));
  cache.Add(StampOf(folder_ / "data"), a_,
            std::chrono::system_clock::now() + std::chrono::hours(1));
  EXPECT_EQ(CachedHash(folder_ / "data", cache), a_);
  EXPECT_THROW((void)CachedHash(folder_ / "none", cache), Error);
}

}  // namespace
}  // namespace beamgrid
