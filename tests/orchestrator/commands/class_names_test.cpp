// What classes are called: files of names, and the vocabulary of an import.

#include "orchestrator/commands/class_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace class_names_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClassNamesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    WriteFileAtomically(folder_.path() / name, text);
    return (folder_.path() / name).string();
  }
  [[nodiscard]] std::string Refusal(const std::string& text) const {
    const std::string path = Write("names.csv", text);
    std::string told = ErrorText<InputError>([&] { static_cast<void>(ReadClassNames(path, 3)); });
    const std::size_t folder = told.find(folder_.path().string());
    return folder == std::string::npos ? told
                                       : told.erase(folder, folder_.path().string().size() + 1);
  }
  /// An import's folder with records of so many classes.
  [[nodiscard]] DataSpec Import(std::int64_t classes, const std::string& manifest) const {
    Write("vocabulary.csv", "Index,Name,TrainVideoCount\n0,cat,5\n1,dog,6\n");
    Write("manifest.json", manifest);
    DataSpec data;
    data.classes = classes;
    data.train = {(folder_.path() / "train-00000.tfrecord").string()};
    return data;
  }

  TemporaryFolder folder_;
};

TEST_F(ClassNamesTest, AreThoseOfAnImportOfYouTube8MOfAudioSetAndOfAList) {
  const auto read = [&](const std::string& text) {
    return ReadClassNames(Write("names.csv", text), 3);
  };
  EXPECT_THAT(read("Index,Name,TrainVideoCount\n0,cat,5\n1,\"a, b\",6\n2,c,7\n"),
              ElementsAre("cat", "a, b", "c"));
  EXPECT_THAT(read("Index,TrainVideoCount,KnowledgeGraphId,Name\n2,5,/m/1,Car\n0,4,/m/2,Game\n"),
              ElementsAre("Game", "", "Car"));
  EXPECT_THAT(read("index,mid,display_name\n1,/m/1,\"Speech\"\n"), ElementsAre("", "Speech", ""));
  EXPECT_THAT(read("cat\ndog\n"), ElementsAre("cat", "dog", ""));
}

TEST_F(ClassNamesTest, WhatIsWrongIsToldWithItsLine) {
  EXPECT_EQ(Refusal("Index,Name\n0,a\n3,b\n"),
            "names.csv:3: the class 3, must be 0..2: the data have 3 classes");
  EXPECT_EQ(Refusal("Index,Name\n0,a\n0,b\n"), "names.csv:3: the class 0 is there twice");
  EXPECT_EQ(Refusal("Index,Name\n-1,a\n"),
            "names.csv:2: Index is '-1', must be the number of a class, from 0");
  EXPECT_EQ(Refusal("Index,Name\n0,\xff\n"), "names.csv:2: the name is no UTF-8 text");
  EXPECT_THAT(Refusal("Index,Label\n0,a\n"), HasSubstr("needs a column Name"));
  EXPECT_THAT(Refusal("a\nb\nc\nd\n"), HasSubstr("names.csv:4: the class 3, must be 0..2"));
}

TEST_F(ClassNamesTest, AnEmptyLineOfAListIsNoClass) {
  EXPECT_THAT(Refusal("a\nb\n\nc\n"), HasSubstr("names.csv:3: an empty line before a name"));
  EXPECT_THAT(Refusal("\na\n"), HasSubstr("names.csv:1: an empty line before a name"));
  EXPECT_THAT(Refusal("Name,Mid\na,1\n \nb,2\n"), HasSubstr("names.csv:3: an empty line"));
  // Behind the last name, and where each says its number, it moves nothing.
  EXPECT_THAT(ReadClassNames(Write("names.csv", "a\nb\n\n\n"), 3), ElementsAre("a", "b", ""));
  EXPECT_THAT(ReadClassNames(Write("names.csv", "Index,Name\n0,a\n\n1,b\n"), 2),
              ElementsAre("a", "b"));
}

constexpr char kImport[] = R"({"beamgrid_import":1,"classes":2,"vocabulary":"vocabulary.csv"})";

TEST_F(ClassNamesTest, LieBesideTheRecordsThatAnImportWrote) {
  const KnownNames beside = NamesBeside(Import(2, kImport));
  EXPECT_THAT(beside.names, ElementsAre("cat", "dog"));
  EXPECT_THAT(beside.note, HasSubstr("vocabulary.csv now: when the study was run, none"));
}

TEST_F(ClassNamesTest, OfWhichNothingCanBeUsedAreToldWithTheReason) {
  EXPECT_THAT(NamesBeside(Import(3, kImport)).note,
              HasSubstr("vocabulary.csv has 2 classes, the data of this model 3"));
  DataSpec data = Import(2, kImport);
  Write("vocabulary.csv", "Index,Name\n0,cat\n5,dog\n");
  EXPECT_THAT(NamesBeside(data).names, IsEmpty());
  EXPECT_THAT(NamesBeside(data).note, HasSubstr("vocabulary.csv:3: the class 5, must be 0..1"));
  EXPECT_THAT(ClassNamesInFolder(folder_.path()), IsEmpty());
  EXPECT_THAT(ErrorText<UsageError>(
                  [&] { static_cast<void>(ClassNamesOf("auto", data, NamesBeside(data))); }),
              HasSubstr("--names: " + (folder_.path() / "vocabulary.csv:3").string()));
  for (const char* classes : {"0", "-1", "1000000000000"}) {
    data =
        Import(2, std::string(R"({"beamgrid_import":1,"vocabulary":"vocabulary.csv","classes":)") +
                      classes + "}");
    EXPECT_THAT(ClassNamesInFolder(folder_.path()), IsEmpty()) << classes;
    EXPECT_THAT(NamesBeside(data).names, IsEmpty()) << classes;
  }
}

TEST_F(ClassNamesTest, OfOtherDataThereAreNone) {
  for (const DataSpec& data :
       {Import(2, R"({"classes":2,"vocabulary":"vocabulary.csv"})"),
        Import(2, R"({"beamgrid_import":1,"classes":2})"), Import(2, "{"), DataSpec()}) {
    EXPECT_THAT(NamesBeside(data).names, IsEmpty());
    EXPECT_THAT(
        ErrorText<UsageError>(
            [&] { static_cast<void>(ClassNamesOf("auto", data, NamesBeside(data))); }),
        HasSubstr("no vocabulary that `beamgrid data import` wrote lies beside the records"));
  }
}

TEST_F(ClassNamesTest, AreThoseOfTheRecordWhateverLiesBesideTheRecordsNow) {
  DataSpec data = Import(2, kImport);
  data.digest = "0123";
  Store store(":memory:", OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy(ExampleStudy("a"));
  store.SetClassNames(study, "0123", {"cat", "dog"});
  EXPECT_THAT(NamesOf(store, study, data).names, ElementsAre("cat", "dog"));
  EXPECT_EQ(NamesOf(store, study, data).note, "");
  Write("vocabulary.csv", "Index,Name\n0,ant\n1,cat\n");
  EXPECT_THAT(NamesOf(store, study, data).names, ElementsAre("cat", "dog"));
  EXPECT_THAT(NamesOf(store, study, data).note,
              HasSubstr("class 0 is 'cat' in the record and 'ant' in "));
  Write("vocabulary.csv", "Index,Name\n7,ant\n");
  EXPECT_THAT(ClassNamesOf("auto", data, NamesOf(store, study, data)).names,
              ElementsAre("cat", "dog"));
  EXPECT_THAT(ClassNamesOf("", data, NamesOf(store, study, data)).names, IsEmpty());
  data.digest = "4567";
  EXPECT_THAT(NamesOf(store, study, data).names, IsEmpty()) << "other data";
}

}  // namespace class_names_test
}  // namespace beamgrid
