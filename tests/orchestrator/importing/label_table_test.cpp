#include "orchestrator/importing/label_table.h"

#include <gmock/gmock.h>

#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/error_text.h"

namespace beamgrid::importing_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LabelTableTest : public ArraysTest {
 protected:
  LabelTable Read(const std::string& text, LabelOptions options = {}) {
    options.path = Write("labels.csv", text);
    return ReadLabelTable(options);
  }
  std::string Refusal(const std::string& text, const LabelOptions& options = {}) {
    return ErrorText<InputError>([&] { (void)Read(text, options); });
  }
};

TEST_F(LabelTableTest, NamesAreNumberedInTheirOrder) {
  const LabelTable table = Read("id,labels\nb,dog; cat\na,male speech;cat\nc,\n");
  EXPECT_THAT(table.class_names, ElementsAre("cat", "dog", "male speech"));
  EXPECT_EQ(table.classes, 3);
  EXPECT_THAT(table.videos.at("b").labels, ElementsAre(0, 1));
  EXPECT_THAT(table.videos.at("a").labels, ElementsAre(0, 2));
  EXPECT_THAT(table.videos.at("c").labels, IsEmpty());
}

TEST_F(LabelTableTest, NumbersStayNumbers) {
  const LabelTable table = Read("VideoId,Labels\nb,7 2\na,0\n");
  EXPECT_THAT(table.class_names, IsEmpty());
  EXPECT_EQ(table.classes, 8);
  EXPECT_THAT(table.videos.at("b").labels, ElementsAre(2, 7));
  LabelOptions ten;
  ten.classes = "10";
  EXPECT_EQ(Read("id,labels\nb,7 2\n", ten).classes, 10);
  ten.classes = "7";
  EXPECT_THAT(Refusal("id,labels\na,1\nb,7 2\n", ten),
              HasSubstr("labels.csv:3: '7' is no class, must be 0..6"));
}

TEST_F(LabelTableTest, AnEmptyLineOfAListOfClassesIsNoClass) {
  LabelOptions named;
  named.classes = Write("classes.txt", "cat\n\ndog\n");
  EXPECT_THAT(Refusal("id,labels\na,cat\n", named),
              HasSubstr("classes.txt:2: an empty line before a name"));
}

TEST_F(LabelTableTest, NumbersAreNotNamedAnewForWhatIsNoNumber) {
  for (const char* odd : {"-1", "99999999999999999999", "1.5", "cat"}) {
    EXPECT_THAT(Refusal(std::string("id,labels\na,0\nb,1\nc,") + odd + "\n"),
                HasSubstr("has labels that are numbers, as '0', and '" + std::string(odd) +
                          "', which is none from 0"));
  }
  LabelOptions named;
  named.classes = Write("classes.txt", "7\ncat\n");
  EXPECT_THAT(Read("id,labels\na,7\nb,cat\n", named).videos.at("a").labels, ElementsAre(0));
}

TEST_F(LabelTableTest, NumbersThatAreNoClassAreNoNamesOfOne) {
  // In the order of names 10.0 would come before 2.0, and be another class than 10.
  for (const char* odd : {"2.0", "-1", "0.5", "1e3", "1."}) {
    EXPECT_THAT(Refusal(std::string("id,labels\na,") + odd + "\nb,\n"),
                HasSubstr("has the label '" + std::string(odd) + "', a number that is no class's"));
    EXPECT_THAT(Refusal(std::string("id,label\na,cat\nb,") + odd + "\n"), HasSubstr("no class's"));
  }
  LabelOptions named;
  named.classes = Write("classes.txt", "0.5\n2.0\n");
  EXPECT_THAT(Read("id,labels\na,2.0\nb,0.5\n", named).videos.at("a").labels, ElementsAre(1));
  EXPECT_THAT(Read("id,labels\na,nan\nb,inf\nc,1st\n").class_names,
              ElementsAre("1st", "inf", "nan"));
}

TEST_F(LabelTableTest, OneClassPerRow) {
  const LabelTable table = Read("id,label\na,bass guitar\nb,cat\na,cat\na,cat\n");
  EXPECT_THAT(table.class_names, ElementsAre("bass guitar", "cat"));
  EXPECT_THAT(table.videos.at("a").labels, ElementsAre(0, 1));
  LabelOptions named;
  named.label_column = "verb";
  EXPECT_THAT(Read("id,verb,labels\na,run;hide,x\n", named).class_names, ElementsAre("run;hide"));
}

TEST_F(LabelTableTest, WhatMayBeOneClassOrSeveralIsAsked) {
  EXPECT_THAT(Refusal("id,labels\na,cat\nb,bass guitar\n"),
              HasSubstr("labels.csv:3: 'bass guitar' may be one class or several"));
  LabelOptions options;
  options.separator = " ";
  EXPECT_EQ(Read("id,labels\na,cat\nb,bass guitar\n", options).classes, 3);
  options.separator = ";";
  EXPECT_EQ(Read("id,labels\na,cat\nb,bass guitar\n", options).classes, 2);
}

TEST_F(LabelTableTest, ListsByOtherLettersAreAskedUnlessTheyAreNumbers) {
  for (const std::string letter : {"|", ","}) {
    const std::string cell = "\"cat" + letter + "dog\"";
    EXPECT_THAT(Refusal("id,labels\na,cat\nb," + cell + "\n"),
                HasSubstr("labels.csv:3: 'cat" + letter +
                          "dog' may be one class or several; say which with --separator ';' (one) "
                          "or --separator '" +
                          letter + "' (several)"));
    LabelOptions options;
    options.separator = letter;
    EXPECT_THAT(Read("id,labels\na,cat\nb," + cell + "\n", options).class_names,
                ElementsAre("cat", "dog"));
    options.separator = ";";
    EXPECT_THAT(Read("id,labels\na,cat\nb," + cell + "\n", options).class_names,
                ElementsAre("cat", "cat" + letter + "dog"));
    EXPECT_THAT(Read("id,labels\na,\"7" + letter + "2\"\n").videos.at("a").labels,
                ElementsAre(2, 7));
    LabelOptions named;
    named.classes = Write("classes.csv", "Name\n" + cell + "\nbird\n");
    EXPECT_THAT(Read("id,labels\na," + cell + "\nb,bird\n", named).videos.at("a").labels,
                ElementsAre(0))
        << "a file names it";
  }
  EXPECT_THAT(Read("id,labels\na,\"male speech, man;dog\"\n").class_names,
              ElementsAre("dog", "male speech, man"))
      << "lists are parted already";
}

TEST_F(LabelTableTest, ACommaThatMayPartThousandsIsAsked) {
  EXPECT_THAT(Refusal("id,labels\na,7\nb,\"1,024\"\n"),
              HasSubstr("labels.csv:3: '1,024' may be one class or several"));
  LabelOptions lists;
  lists.separator = ",";
  EXPECT_THAT(Read("id,labels\na,7\nb,\"1,124\"\n", lists).videos.at("b").labels,
              ElementsAre(1, 124));
  EXPECT_THAT(Read("id,labels\na,\"7,12\"\nb,\"1,124\"\n").videos.at("b").labels,
              ElementsAre(1, 124))
      << "7,12 is no number";
}

TEST_F(LabelTableTest, ListsInAColumnThatIsCalledLikeASingleClassAreAsked) {
  EXPECT_THAT(Refusal("id,class\na,cat\nb,cat|dog\n"),
              HasSubstr("labels.csv:3: 'cat|dog' may be one class or several; say which with "
                        "--label-column class (one) or --labels-column class --separator '|' "
                        "(several)"));
  EXPECT_THAT(Refusal("id,label\na,cat;dog\n"), HasSubstr("--labels-column label"));
  LabelOptions options;
  options.label_column = "class";
  EXPECT_THAT(Read("id,class\nb,cat|dog\n", options).class_names, ElementsAre("cat|dog"));
  const LabelTable table = Read("id,class\nb,cat\n");
  EXPECT_EQ(table.column, "class");
  EXPECT_FALSE(table.lists);
}

TEST_F(LabelTableTest, ListsThatPythonPrintedAreRefused) {
  for (const char* list : {"[1]", "\"[1, 2]\"", "['cat']", "{1}", "[]"}) {
    for (const char* column : {"label", "labels"}) {
      EXPECT_THAT(Refusal("id," + std::string(column) + "\na,3\nb," + list + "\n"),
                  AllOf(HasSubstr("labels.csv:3: "), HasSubstr("is a list as Python prints it")));
    }
  }
  LabelOptions options;
  options.classes = Write("classes.txt", "dog\n[cat]\n");
  EXPECT_THAT(Read("id,label\na,[cat]\nb,dog\n", options).videos.at("a").labels, ElementsAre(1));
}

TEST_F(LabelTableTest, AVideoHasOneWeight) {
  LabelOptions options;
  options.video_weight_column = "trust";
  const LabelTable table = Read("id,label,trust\na,x,0.25\na,y,0.25\nb,x,1e6\n", options);
  EXPECT_EQ(table.videos.at("a").video_weight, 0.25F);
  EXPECT_EQ(table.videos.at("b").video_weight, 1e6F);
  EXPECT_FALSE(Read("id,label,trust\na,x,0.25\n").videos.at("a").video_weight);
  EXPECT_THAT(Refusal("id,label,trust\na,x,1\na,y,0.5\n", options),
              HasSubstr("labels.csv:3: the video 'a' is of another weight than in line 2"));
  for (const char* wrong : {"", "-1", "nan", "inf", "1e7", "much"}) {
    EXPECT_THAT(Refusal(std::string("id,label,trust\na,x,") + wrong + "\n", options),
                HasSubstr("labels.csv:2: column 'trust': '" + std::string(wrong) +
                          "' must be a number, 0..1000000"));
  }
}

TEST_F(LabelTableTest, WeightsStandBesideTheirLabels) {
  LabelOptions options;
  options.weight_column = "w";
  const LabelTable lists = Read("id,labels,w\na,5;2,0.5;1\n", options);
  EXPECT_THAT(lists.videos.at("a").labels, ElementsAre(2, 5));
  EXPECT_THAT(lists.videos.at("a").weights, ElementsAre(1.0F, 0.5F));
  options.min_weight = 0.6;
  const LabelTable heavy = Read("id,label,w\na,5,0.5\na,2,1\nb,5,0.1\n", options);
  EXPECT_THAT(heavy.videos.at("a").labels, ElementsAre(2));
  EXPECT_THAT(heavy.videos.at("b").labels, IsEmpty());
  EXPECT_EQ(heavy.light_labels, 2U);
  EXPECT_THAT(Refusal("id,labels,w\na,5;2,0.5\n", options), HasSubstr("2 labels and 1 weight"));
  // An empty place among weights is none that the next may move up to.
  EXPECT_THAT(Refusal("id,labels,w\na,5;2,0.5;;1\n", options), HasSubstr("2 labels and 3 weights"));
  EXPECT_THAT(Refusal("id,labels,w\na,5;;2,0.5;1;1\n", options),
              HasSubstr("class '' has no letter"));
  EXPECT_THAT(Refusal("id,labels,w\na,5;3;2,0.5;;1\n", options),
              HasSubstr("the weight '' must be a number"));
  EXPECT_THAT(Read("id,labels,w\na,5;;2;,1;;0.75;\n", options).videos.at("a").weights,
              ElementsAre(0.75F, 1.0F));
  EXPECT_THAT(Read("id,labels,w\na,5  2,1 0.75\n", options).videos.at("a").weights,
              ElementsAre(0.75F, 1.0F));
  EXPECT_THAT(Refusal("id,labels,w\na,5,much\n", options), HasSubstr("'much' must be a number"));
  EXPECT_THAT(Refusal("id,labels,w\na,5,nan\n", options), HasSubstr("'nan' must be a number"));
  EXPECT_THAT(Refusal("id,label,w\na,5,1\na,5,2\n", options), HasSubstr("the class 5 twice"));
  options.weight_column = "";
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Read("id,labels\na,5\n", options); }),
              HasSubstr("--min-weight needs --weight-column"));
}

TEST_F(LabelTableTest, ClassesMayBeGiven) {
  LabelOptions options;
  options.classes =
      Write("classes.csv", "Index,TrainVideoCount,Name\n1,7,dog\n0,9,\"cat, wild\"\n");
  const LabelTable table = Read("id,labels\na,dog\nb,0\n", options);
  EXPECT_THAT(table.class_names, ElementsAre("cat, wild", "dog"));
  EXPECT_THAT(table.videos.at("a").labels, ElementsAre(1));
  EXPECT_THAT(table.videos.at("b").labels, ElementsAre(0));
  EXPECT_THAT(Refusal("id,labels\na,dig\n", options),
              HasSubstr("labels.csv:2: 'dig' is no class, must be one of those of " +
                        options.classes + ", or 0..1; did you mean 'dog'?"));
  options.classes = Write("classes.txt", "cat\ndog\n");
  EXPECT_THAT(Read("id,labels\na,dog\n", options).videos.at("a").labels, ElementsAre(1));
  const auto refused = [&](const std::string& text) {
    options.classes = Write("classes.csv", text);
    return Refusal("id,labels\na,dog\n", options);
  };
  EXPECT_THAT(refused("Index,Name\n0,cat\n2,dog\n"), HasSubstr("no class has Index 1"));
  EXPECT_THAT(refused("Index,Name\n0,cat\n0,dog\n"), HasSubstr("Index 0 is there twice"));
  EXPECT_THAT(refused("Index,Name\n0,dog\n1,dog\n2,\n"),
              HasSubstr("are called 'dog'; give the class's number"));
  EXPECT_THAT(Read("id,labels\na,2\n", options).videos.at("a").labels, ElementsAre(2))
      << "a class without a name, as YouTube-8M's vocabulary has them";
  EXPECT_THAT(refused("Index,Name\nx,cat\n"), HasSubstr("Index 'x', must be 0.."));
  EXPECT_THAT(refused("Index,Word\n0,cat\n"), HasSubstr("needs a column Name"));
  options.classes = "0";
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Read("id,labels\na,0\n", options); }),
              HasSubstr("--classes = 0, must be 1.."));
}

TEST_F(LabelTableTest, GroupsAndSplits) {
  LabelOptions options;
  options.group_column = "subject";
  EXPECT_EQ(Read("id,labels,subject\na,0,s1\n", options).videos.at("a").group, "s1");
  EXPECT_THAT(Refusal("id,labels,subject\na,0,\n", options), HasSubstr("'subject' is empty"));
  EXPECT_THAT(Refusal("id,label,subject\na,0,s1\na,1,s2\n", options),
              HasSubstr("labels.csv:3: the video 'a' is of another group than in line 2"));
  EXPECT_EQ(Read("id,labels,subject\na,0,s1\n", options).videos.at("a").held_out_by, "s1");
  options.holdout_column = "day";
  const LabelTable both = Read("id,labels,subject,day\na,0,s1,Monday\n", options);
  EXPECT_EQ(both.videos.at("a").group, "s1");
  EXPECT_EQ(both.videos.at("a").held_out_by, "Monday");
  EXPECT_THAT(Refusal("id,labels,subject,day\na,0,s1,\n", options), HasSubstr("'day' is empty"));
  options.group_column = "";
  EXPECT_EQ(Read("id,labels,day\na,0,Monday\n", options).videos.at("a").group, "Monday");
  options.holdout_column = "";
  options.split_column = "part";
  const LabelTable table = Read("id,labels,part\na,0,train\nb,0,val\nc,0,test\n", options);
  EXPECT_EQ(table.videos.at("a").split, Split::kTrain);
  EXPECT_EQ(table.videos.at("b").split, Split::kValidate);
  EXPECT_EQ(table.videos.at("c").split, Split::kTest);
  EXPECT_THAT(Refusal("id,labels,part\na,0,trian\n", options),
              HasSubstr("'trian' must be one of train, training, validate"));
}

TEST_F(LabelTableTest, RefusesWithTheLine) {
  EXPECT_THAT(Refusal("id,labels\na,1\na,2\n"), HasSubstr("labels.csv:3: the video 'a' is there "
                                                          "twice, first in line 2"));
  EXPECT_THAT(Refusal("id,labels\n,1\n"), HasSubstr("labels.csv:2: the id '' is empty"));
  EXPECT_THAT(Refusal("id,labels\n\"a,b\",1\n"), HasSubstr("has a ','"));
  EXPECT_THAT(Refusal("id,labels\na\x1b,1\n"),
              HasSubstr("the id 'a\\x1b' has a control character"));
  EXPECT_THAT(Refusal("id,labels\na\xff,1\n"), HasSubstr("is no UTF-8 text"));
  EXPECT_THAT(Refusal("id,labels\na,ca\x01t\n"), HasSubstr("has a control character"));
  EXPECT_THAT(Refusal("id,labels\na,ca\xfft\n"), HasSubstr("is no UTF-8 text"));
  EXPECT_THAT(Refusal("id,labels\n"), HasSubstr("has no row"));
  EXPECT_THAT(Refusal("id,tags\na,1\n"), HasSubstr("no column is called labels"));
  EXPECT_THAT(Refusal("id,labels\na,99999999\n"), HasSubstr("must be 0..1048575"));
}

TEST_F(LabelTableTest, TheVocabularyCanBeGivenAgain) {
  LabelOptions options;
  const std::vector<std::string> names = {"a \"b\"", "c, d", "e"};
  options.classes = Write("vocabulary.csv", VocabularyText(names, {3, 2, 1}));
  EXPECT_EQ(Read("id,labels\na,e\n", options).class_names, names);
}

TEST(VideoId, IsWhatListsOfPredictionsCanHold) {
  for (const char* good : {"a", "-x_9.b", "group/clip", "é", "a b", "a:5"}) {
    EXPECT_EQ(ProblemOfId(good), "") << good;
  }
  for (const char* bad : {"", " a", "a ", "a,b", "a\"b", "a\tb", "a\x7f", "\xff", "\xc0\xaf"}) {
    EXPECT_NE(ProblemOfId(bad), "") << bad;
  }
  EXPECT_NE(ProblemOfId(std::string(1001, 'a')), "");
}

}  // namespace
}  // namespace beamgrid::importing_test
