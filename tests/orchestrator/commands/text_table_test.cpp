#include "orchestrator/commands/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "orchestrator/commands/marked.h"
#include "orchestrator/commands/terminal.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;

std::string Printed(const TextTable& table, std::size_t terminal, const std::string& indent = "") {
  std::ostringstream out;
  if (terminal > 0) SetTerminalWidth(out, terminal);
  table.Print(out, indent);
  return out.str();
}

TextTable Models() {
  TextTable table({">id", "name", ">size", "remark", ">gap"});
  table.LeaveOutFirst({"none such", "size"});
  table.Add({"1", "MC-NetVLAD-C64-a-very-long-name-of-a-model-MoE2", "12.0 MiB", "", "0.81"});
  table.Add({"2", "short", "1.0 MiB", "", "0.79"});
  return table;
}

TEST(TextTable, IsCompleteWhereThereIsNoTerminal) {
  EXPECT_EQ(Printed(Models(), 0),
            "id  name                                                 size  remark   gap\n"
            " 1  MC-NetVLAD-C64-a-very-long-name-of-a-model-MoE2  12.0 MiB          0.81\n"
            " 2  short                                             1.0 MiB          0.79\n");
  EXPECT_EQ(Printed(Models(), 80), Printed(Models(), 0)) << "it fits";
}

TEST(TextTable, OnATerminalEmptyColumnsGoFirstAndNamesLoseTheirMiddle) {
  EXPECT_EQ(Printed(Models(), 70),
            "id  name                                                 size   gap\n"
            " 1  MC-NetVLAD-C64-a-very-long-name-of-a-model-MoE2  12.0 MiB  0.81\n"
            " 2  short                                             1.0 MiB  0.79\n");
  EXPECT_EQ(Printed(Models(), 50),
            "id  name                                size   gap\n"
            " 1  MC-NetVLAD-C64-…f-a-model-MoE2  12.0 MiB  0.81\n"
            " 2  short                            1.0 MiB  0.79\n");
}

TEST(TextTable, ThenColumnsThatCanBeMissedAndThatIsSaid) {
  const std::string narrow = Printed(Models(), 40);
  EXPECT_EQ(narrow,
            "id  name                             gap\n"
            " 1  MC-NetVLAD-C64-…f-a-model-MoE2  0.81\n"
            " 2  short                           0.79\n"
            "(for want of width without size; --json,\n"
            "a pipe or a wider terminal shows all)\n");
}

TEST(TextTable, BreaksHeadingsBeforeAColumnGoes) {
  TextTable table({"classifier", ">netvlad clusters=8 frame_projection=32", ">mean"});
  table.BreakHeadings();
  table.Add({"moe", "0.8374 +- 0.0013", "0.6375"});
  EXPECT_EQ(Printed(table, 40),
            "classifier    netvlad clusters=8    mean\n"
            "             frame_projection=32\n"
            "moe             0.8374 +- 0.0013  0.6375\n");
  EXPECT_EQ(Printed(table, 0),
            "classifier  netvlad clusters=8 frame_projection=32    mean\n"
            "moe                               0.8374 +- 0.0013  0.6375\n");
}

TEST(TextTable, WhatIsToStayWholeTakesTwoThirdsOfALineAtMost) {
  TextTable table({"file", ">size", "features"});
  table.KeepWhole({"file"});
  table.BreakLines({"features"});
  table.Add({"a-folder/train0000.tfrecord", "12", "audio=128 rgb=1024"});
  EXPECT_EQ(Printed(table, 45),
            "file                         size  features\n"
            "a-folder/train0000.tfrecord    12  audio=128\n"
            "                                   rgb=1024\n");
  EXPECT_EQ(Printed(table, 30),
            "file                      size\n"
            "a-folder/tra\u202600.tfrecord    12\n"
            "(for want of width without\n"
            "features; --json, a pipe or a\n"
            "wider terminal shows all)\n");
}

TEST(TextTable, TextForReadingIsBrokenAndNotCut) {
  TextTable table({"option", "help"});
  table.BreakLines({"help"});
  table.Add({"clusters", "the number of clusters that frames are assigned to"});
  EXPECT_EQ(Printed(table, 30, "  "),
            "  option    help\n"
            "  clusters  the number of\n"
            "            clusters that\n"
            "            frames are\n"
            "            assigned to\n");
}

TEST(Shortened, CutsBetweenCharactersWithTheirMarks) {
  EXPECT_EQ(Shortened("abcdefg", 5), "ab\u2026fg");
  EXPECT_EQ(Shortened("abcde\u0301fg", 4), "ab\u2026g") << "no mark without its letter";
  EXPECT_EQ(Shortened("abcd\u0301\u0301fg", 5), "ab\u2026fg");
  EXPECT_EQ(Shortened("\u65e5\u672c\u8a9e", 5), "\u65e5\u2026\u8a9e");
}

TEST(BrokenText, KeepsEveryWordAndCountsColumns) {
  EXPECT_THAT(BrokenText("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(BrokenText("abcdefghij k", 4), ElementsAre("abcd", "efgh", "ij k"));
  EXPECT_THAT(BrokenText("\u65e5\u672c \u8a9e", 4), ElementsAre("\u65e5\u672c", "\u8a9e"));
  EXPECT_THAT(BrokenText("", 4), ElementsAre(""));
}

TEST(BrokenHelp, DescriptionsGoOnBelowThemselves) {
  EXPECT_EQ(BrokenHelp("  --set K     one two three\nplain\n", 14, 36),
            "  --set K     one two three\nplain\n");
  EXPECT_EQ(BrokenHelp("  --set K     one two three four five six\n", 14, 36),
            "  --set K     one two three four\n"
            "              five six\n");
  EXPECT_EQ(BrokenHelp("  --set K     one two three four\n", 14, 20),
            "  --set K     one\n"
            "    two three four\n");
}

TEST(Marked, PointsAtTheByteInItsLine) {
  EXPECT_EQ(Marked("gap > > 1", 6), "  gap > > 1\n        ^");
  EXPECT_EQ(Marked("a\nbc d", 5), "  bc d\n     ^");
  EXPECT_EQ(Marked("gap >  ", 100), "  gap >  \n       ^");
  EXPECT_EQ(Marked("", 3), "  \n  ^");
  EXPECT_EQ(Marked("\u00e9 = x", 5), "  \u00e9 = x\n      ^");
}

}  // namespace
}  // namespace beamgrid
