#include "orchestrator/live_block.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string_view>

namespace beamgrid {
namespace live_block_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A terminal that wraps, and rewraps when it gets another width, as tmux and most others do.
class Terminal {
 public:
  explicit Terminal(std::size_t columns) : columns_(columns) {}

  void Write(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(Obey(bytes));
  }
  void Resize(std::size_t columns) {
    // The cursor keeps its place in the text.
    std::vector<std::string> whole = {""};
    std::size_t cursor_line = 0, cursor_at = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i == row_) {
        cursor_line = whole.size() - 1;
        cursor_at = whole.back().size() + column_;
      }
      whole.back() += rows_[i].text;
      if (!rows_[i].wraps) whole.emplace_back();
    }
    whole.pop_back();
    columns_ = columns;
    rows_ = {{}};
    row_ = column_ = 0;
    std::size_t row = 0, column = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      if (i == cursor_line) {
        row = row_ + cursor_at / columns;
        column = cursor_at % columns;
      }
      Write(whole[i] + (i + 1 < whole.size() ? "\n" : ""));
    }
    row_ = row;
    column_ = column;
  }
  /// The rows without the empty ones below the text.
  [[nodiscard]] std::vector<std::string> Shown() const {
    std::vector<std::string> shown;
    for (const Row& row : rows_) shown.push_back(row.text);
    while (!shown.empty() && shown.back().empty()) shown.pop_back();
    return shown;
  }
  [[nodiscard]] bool cursor_shown() const { return cursor_shown_; }

 private:
  struct Row {
    std::string text;
    bool wraps = false;
  };

  void Down() {
    if (++row_ == rows_.size()) rows_.emplace_back();
    column_ = 0;
  }
  std::size_t Obey(std::string_view bytes) {
    if (bytes.starts_with("\033[")) return Code(bytes);
    if (bytes[0] == '\n') {
      Down();
    } else if (bytes[0] == '\r') {
      column_ = 0;
    } else {
      if (column_ == columns_) {
        rows_[row_].wraps = true;
        Down();
      }
      std::string& text = rows_[row_].text;
      text.resize(std::max(text.size(), column_ + 1), ' ');
      text[column_++] = bytes[0];
    }
    return 1;
  }
  std::size_t Code(std::string_view bytes) {
    const std::size_t end = bytes.find_first_not_of("?0123456789;", 2);
    const std::string_view number = bytes.substr(2, end - 2);
    if (bytes[end] == 'A') row_ -= std::min<std::size_t>(row_, std::stoul(std::string(number)));
    if (bytes[end] == 'K' || bytes[end] == 'J') {
      // In the last column behind a full line, too, as terminals do.
      Row& row = rows_[row_];
      row.text.resize(std::min(row.text.size(), std::min(column_, columns_ - 1)));
      row.wraps = false;
    }
    if (bytes[end] == 'J') rows_.resize(row_ + 1);
    if (number == "?25") cursor_shown_ = bytes[end] == 'h';
    return end + 1;
  }

  std::size_t columns_;
  std::vector<Row> rows_ = {{}};
  std::size_t row_ = 0, column_ = 0;
  bool cursor_shown_ = true;
};

TEST(LiveBlock, IsDrawnInPlaceBelowWhatScrollsBy) {
  Terminal terminal(20);
  LiveBlock block;
  terminal.Write("$ beamgrid run\n");
  terminal.Write(block.Frame("", {"trial 10%", "totals"}));
  EXPECT_THAT(terminal.Shown(), ElementsAre("$ beamgrid run", "trial 10%", "totals"));
  terminal.Write(block.Frame("one complete\n", {"trial 2", "x", "all"}));
  EXPECT_THAT(terminal.Shown(),
              ElementsAre("$ beamgrid run", "one complete", "trial 2", "x", "all"));
  terminal.Write(block.Frame("exactly twenty wide!\nand more\n", {"all"}));
  EXPECT_THAT(terminal.Shown(), ElementsAre("$ beamgrid run", "one complete",
                                            "exactly twenty wide!", "and more", "all"));
  EXPECT_TRUE(terminal.cursor_shown());
  terminal.Write(block.Erased());
  terminal.Write("$ ");
  EXPECT_EQ(terminal.Shown().back(), "$ ");
  EXPECT_EQ(terminal.Shown().size(), 5U);
}

TEST(LiveBlock, LeavesNothingBehindAfterAResize) {
  Terminal terminal(20);
  LiveBlock block;
  terminal.Write("what stands above it\n");
  terminal.Write(
      block.Frame("", {"\033[1mnineteen columns ..\033[0m", "second line of it", "short"}));
  for (const std::size_t columns : {8U, 30U, 5U, 20U}) {
    terminal.Resize(columns);
    const std::string now = std::to_string(columns);
    terminal.Write(block.Frame("", {"w" + now, "end"}));
    std::vector<std::string> shown = terminal.Shown();
    ASSERT_GE(shown.size(), 3U);
    EXPECT_EQ(shown.end()[-2], "w" + now);
    EXPECT_EQ(shown.end()[-1], "end");
    EXPECT_EQ(shown.size(), 2 + (20 + columns - 1) / columns) << "what stands above it stays";
  }
  EXPECT_EQ(terminal.Shown().front(), "what stands above it");
}

TEST(LiveBlock, CanBeLeftForGood) {
  Terminal terminal(20);
  LiveBlock block;
  terminal.Write(block.Frame("", {"trial 10%", "totals"}));
  terminal.Write(block.Left({"totals", "ended"}));
  terminal.Write(block.Erased() + "$ ");
  EXPECT_THAT(terminal.Shown(), ElementsAre("totals", "ended", "$ "));
}

TEST(LiveBlock, WithoutABlockNothingIsDone) {
  LiveBlock block;
  EXPECT_EQ(block.Erased(), "");
  EXPECT_EQ(block.Frame("a line\n", {}), "a line\n");
}

TEST(LiveBlock, AFrameNeverLeavesTheScreenOrErasesItAll) {
  LiveBlock block;
  const std::string first = block.Frame("", {"a"}), next = block.Frame("", {"b"});
  for (const std::string& frame : {first, next}) {
    EXPECT_THAT(frame, Not(HasSubstr("1049")));
    EXPECT_THAT(frame, Not(HasSubstr("\033[2J")));
  }
  EXPECT_LT(next.find("b\033[K"), next.find("\033[J")) << "overwritten first";
}

TEST(RoomForBlock, LeavesAColumnAndAThirdOfTheRows) {
  EXPECT_EQ(RoomForBlock({.columns = 80, .rows = 24}).columns, 79U);
  EXPECT_EQ(RoomForBlock({.columns = 80, .rows = 24}).rows, 16U);
  EXPECT_EQ(RoomForBlock({.columns = 1, .rows = 1}).columns, 1U);
  EXPECT_EQ(RoomForBlock({.columns = 1, .rows = 1}).rows, 2U);
}

}  // namespace live_block_test
}  // namespace beamgrid
