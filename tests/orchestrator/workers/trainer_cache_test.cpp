// What a trainer has told is asked for once, and again as soon as anything has changed that it
// depends on. A shell script plays beamgrid-trainer and notes each time that it is started.

#include "orchestrator/workers/trainer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "orchestrator/workers/trainer_client.h"
#include "registry/util/files.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/specs.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::Optional;
using testing::VariantWith;

class TrainerCacheTest : public testing::Test {
 protected:
  TrainerCacheTest() {
    ::setenv("BEAMGRID_CACHE_DIR", (folder_ / "cache").c_str(), 1);
    // Files that nobody has touched lately stand for libraries; a link is what a linker goes by.
    LibraryIs("/bin/sh");
    Describe({(folder_ / "library").string(), (folder_ / "preload").string()});
    Write("");
  }
  ~TrainerCacheTest() override {
    ::unsetenv("BEAMGRID_CACHE_DIR");
    ::unsetenv("LD_BEAMGRID_TEST");
  }

  void LibraryIs(const fs::path& file) const {
    fs::remove(folder_ / "library");
    fs::create_symlink(file, folder_ / "library");
  }
  /// The trainer's catalogue names these files as loaded.
  void Describe(const std::vector<std::string>& loaded) const {
    boost::json::object answer = ToJson(TestCatalogue());
    answer["loaded"] = JsonList(loaded);
    WriteFileAtomically(folder_ / "catalogue.json", CanonicalJson(answer));
  }
  /// Makes the trainer; `before_answer` is what it does before it answers a count. A model of 7
  /// cells is refused, one of 8 finds no memory, one of 9 kills it, and each other answer is one
  /// parameter larger than the one before.
  void Write(const std::string& before_answer) const {
    WriteFileAtomically(
        trainer_,
        "#!/bin/sh\ndir=" + folder_.path().string() +
            "\necho $1 >> $dir/asked\ncase $1 in describe) cat $dir/catalogue.json;; count)\n"
            "while read -r line; do echo >> $dir/counted; n=$(wc -l < $dir/counted)\n"
            "  id=${line#*'\"id\":'}; a='{\"id\": '${id%%,*}','\n" +
            before_answer +
            "\n  case $line in\n"
            "  *'\"hidden\":7,'*) echo \"$a\"'\"error\": \"small\", \"kind\": \"bad_spec\"}';;\n"
            "  *'\"hidden\":8,'*) echo \"$a\"'\"error\": \"no room\", \"kind\": "
            "\"out_of_memory\"}';;\n"
            "  *'\"hidden\":9,'*) kill -KILL $$;;\n"
            "  *) echo \"$a\\\"parameters\\\": $n, \\\"size_bytes\\\": $((4*n))}\";;\n"
            "  esac\ndone;; esac\n");
    fs::permissions(trainer_, fs::perms::owner_all);
  }
  /// Asks as a command does: for the catalogue, then for the sizes.
  [[nodiscard]] std::vector<CountAnswer> Count(const std::vector<ModelSpec>& models) const {
    (void)LoadCatalogue(trainer_);
    TrainerCounter counter(trainer_);
    std::vector<CountAnswer> answers;
    for (const ModelSpec& model : models) {
      answers.push_back(counter.Count(model, ExampleTrial().data));
    }
    return answers;
  }
  [[nodiscard]] std::int64_t SizeNow(const ModelSpec& model = ExampleModel()) const {
    return std::get<ModelSize>(Count({model}).front()).parameters;
  }
  [[nodiscard]] std::string Asked() const { return ReadFile(folder_ / "asked"); }

  const TemporaryFolder folder_;
  const fs::path trainer_ = folder_ / "beamgrid-trainer";
};

TEST_F(TrainerCacheTest, CatalogueAndSizesAreAskedForOnce) {
  const auto is_size = [](std::int64_t n) {
    return VariantWith<ModelSize>(testing::AllOf(testing::Field(&ModelSize::parameters, n),
                                                 testing::Field(&ModelSize::size_bytes, 4 * n)));
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Count({ExampleModel(1), ExampleModel(7), ExampleModel(3)}),
                testing::ElementsAre(is_size(1), VariantWith<std::string>("small"), is_size(3)));
    EXPECT_EQ(Asked(), "describe\ncount\n");
  }
  // One that is not known starts it, for this one alone.
  EXPECT_THAT(Count({ExampleModel(1), ExampleModel(4)}),
              testing::ElementsAre(is_size(1), is_size(4)));
  EXPECT_EQ(Asked(), "describe\ncount\ncount\n");
}

TEST_F(TrainerCacheTest, ASizeIsOfItsModelAndOfItsData) {
  (void)LoadCatalogue(trainer_);
  const auto count = [this](const DataSpec& data) {
    return std::get<ModelSize>(TrainerCounter(trainer_).Count(ExampleModel(), data)).parameters;
  };
  DataSpec data = ExampleTrial().data;
  EXPECT_EQ(count(data), 1);
  data.train = {"/elsewhere"};
  data.digest = "other";
  EXPECT_EQ(count(data), 1) << "the trainer does not hear of the files";
  data.classes = 5;
  EXPECT_EQ(count(data), 2);
  data.max_frames = 7;
  EXPECT_EQ(count(data), 3);
  EXPECT_EQ(SizeNow(ExampleModel(1000)), 4);
}

TEST_F(TrainerCacheTest, WhatIsNoAnswerForEverIsNotKept) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Count({ExampleModel(1), ExampleModel(8)}).back(),
                VariantWith<std::string>("no room"));
  }
  EXPECT_EQ(Asked(), "describe\ncount\ncount\n");
  EXPECT_THAT(Count({ExampleModel(2), ExampleModel(9)}).back(),
              VariantWith<std::string>(testing::HasSubstr("twice")));
  EXPECT_THAT(Count({ExampleModel(3), ExampleModel(9)}).back(),
              VariantWith<std::string>(testing::HasSubstr("twice")));
  EXPECT_EQ(Asked(), "describe\ncount\ncount\ncount\ncount\ncount\ncount\n");
}

TEST_F(TrainerCacheTest, AModelOfAPluginOrAFileIsAlwaysCounted) {
  ModelSpec plugin = ExampleModel(), script = ExampleModel();
  plugin.plugins = {{"a.so", "/p/a.so", "1"}};
  script.parts["temporal"].options["file"] = ToJson(NamedFile{"pool.pt", "/p/pool.pt", "1"});
  for (const ModelSpec& model : {plugin, script}) {
    const std::int64_t first = SizeNow(model);
    EXPECT_EQ(SizeNow(model), first + 1);
  }
}

TEST_F(TrainerCacheTest, AnotherTrainerIsAskedAnew) {
  EXPECT_EQ(SizeNow(), 1);
  Write("# of another build");
  EXPECT_EQ(SizeNow(), 2);
  EXPECT_EQ(SizeNow(), 2);
  EXPECT_EQ(Asked(), "describe\ncount\ndescribe\ncount\n");
}

TEST_F(TrainerCacheTest, AnotherLibraryIsNoticed) {
  EXPECT_EQ(SizeNow(), 1);
  LibraryIs("/bin/cat");
  EXPECT_EQ(SizeNow(), 2);
  EXPECT_EQ(SizeNow(), 2);
  fs::remove(folder_ / "library");
  EXPECT_EQ(SizeNow(), 3) << "is gone";
  fs::create_symlink("/bin/sh", folder_ / "preload");
  EXPECT_EQ(SizeNow(), 4) << "is there now";
  EXPECT_EQ(Asked(), "describe\ncount\ndescribe\ncount\ndescribe\ncount\ndescribe\ncount\n");
}

TEST_F(TrainerCacheTest, WhatTheLinkerGoesByIsNoticed) {
  EXPECT_EQ(SizeNow(), 1);
  ::setenv("LD_BEAMGRID_TEST", "/somewhere", 1);
  EXPECT_EQ(SizeNow(), 2);
  ::unsetenv("LD_BEAMGRID_TEST");
  EXPECT_EQ(SizeNow(), 1) << "what was kept is of this place again";
}

TEST_F(TrainerCacheTest, WhatAnotherTrainerAnswersMeanwhileIsNotKept) {
  EXPECT_EQ(SizeNow(ExampleModel(1)), 1);
  // Its library is another one by the time of its answer, and the first one again later.
  Write("ln -sfn /bin/cat $dir/library");
  EXPECT_EQ(SizeNow(ExampleModel(2)), 2);
  LibraryIs("/bin/sh");
  EXPECT_EQ(SizeNow(ExampleModel(2)), 3);
}

TEST_F(TrainerCacheTest, SizesWithoutACatalogueAreNotKept) {
  for (std::int64_t n = 1; n <= 2; ++n) {
    const CountAnswer answer = TrainerCounter(trainer_).Count(ExampleModel(), ExampleTrial().data);
    EXPECT_EQ(std::get<ModelSize>(answer).parameters, n);
  }
}

TEST_F(TrainerCacheTest, ALibraryTouchedWithinTwoSecondsIsWaitedFor) {
  const fs::path library = folder_ / "made";
  WriteFileAtomically(library, "");
  Describe({library.string()});
  const auto touched =
      std::chrono::system_clock::time_point(std::chrono::nanoseconds(StampOf(library).changed_ns));
  const DescribedTrainer described(trainer_, {});
  const std::string answer = ReadFile(folder_ / "catalogue.json");
  described.Keep(answer, touched + std::chrono::milliseconds(1999));
  EXPECT_FALSE(described.Find());
  described.Keep(answer, touched + std::chrono::seconds(3));
  EXPECT_TRUE(described.Find());
}

TEST_F(TrainerCacheTest, AnAnswerOfATrainerThatWasReplacedMeanwhileIsNotKept) {
  const DescribedTrainer described(trainer_, {});
  Write("# another one");
  described.Keep(ReadFile(folder_ / "catalogue.json"));
  EXPECT_FALSE(DescribedTrainer(trainer_, {}).Find());
}

TEST_F(TrainerCacheTest, DamageIsNoAnswer) {
  EXPECT_EQ(SizeNow(), 1);
  for (const auto& file : fs::directory_iterator(folder_ / "cache")) {
    std::string bytes = ReadFile(file.path());
    bytes[bytes.find("parameters") + 1] = 'A';
    WriteFileAtomically(file.path(), bytes);
  }
  EXPECT_EQ(SizeNow(), 2);
}

TEST_F(TrainerCacheTest, AFileThatGrewLargeIsBegunAnewWithWhatIsUsed) {
  EXPECT_EQ(SizeNow(ExampleModel(1)), 1);
  EXPECT_EQ(SizeNow(ExampleModel(2)), 2);
  const fs::path file = folder_ / "cache/counts-1";
  fs::resize_file(file, 5 << 20);
  EXPECT_EQ(SizeNow(ExampleModel(1)), 1);
  EXPECT_LT(fs::file_size(file), 300U);
  EXPECT_EQ(SizeNow(ExampleModel(1)), 1);
  EXPECT_EQ(SizeNow(ExampleModel(2)), 3) << "nobody asked for it";
}

TEST_F(TrainerCacheTest, WithoutACacheAllIsAsked) {
  ::setenv("BEAMGRID_CACHE_DIR", "", 1);
  EXPECT_EQ(SizeNow(), 1);
  EXPECT_EQ(SizeNow(), 2);
}

}  // namespace
}  // namespace beamgrid
