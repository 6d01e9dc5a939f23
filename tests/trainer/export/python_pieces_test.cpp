// How Python files are cut into pieces, and what conditions leave of them.

#include "trainer/export/python_pieces.h"

#include <gtest/gtest.h>

#include "tests/support/error_text.h"

namespace beamgrid::trainer {
namespace {

using Names = std::set<std::string>;

std::string ValueOfTest(const std::string& name) {
  static const std::map<std::string, std::string> values = {
      {"yes", "true"}, {"no", "false"}, {"zero", "0"}, {"pool", "mean"}};
  const auto found = values.find(name);
  return found == values.end() ? "" : found->second;
}

std::string Left(const std::string& text) { return Chosen(text, ValueOfTest); }

TEST(PythonPieces, BeginAtTheLeftAndTakeTheirCommentAlong) {
  const auto pieces = PiecesOf(
      "# of the file\n\nA = 1\n\n\n# of f\ndef f(x):\n    return x\n\n    # inside\n    pass\n\n\n"
      "class C(B):\n    pass\n");
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].text, "A = 1\n");
  EXPECT_EQ(pieces[1].text, "# of f\ndef f(x):\n    return x\n\n    # inside\n    pass\n");
  EXPECT_EQ(pieces[2].name, "C");
  EXPECT_TRUE(pieces[2].is_class);
}

TEST(PythonPieces, ALineThatBeginsNoneIsRefused) {
  EXPECT_EQ(ErrorText<std::invalid_argument>([] { static_cast<void>(PiecesOf("import math\n")); }),
            "'import math' begins no class, no function and no constant");
  EXPECT_EQ(ErrorText<std::invalid_argument>([] { static_cast<void>(PiecesOf("  x = 1\n")); }),
            "the first line with code is indented");
}

TEST(PythonPieces, NamesAreThoseOfCode) {
  EXPECT_EQ(NamesIn("a.b + c # d\n\"\"\"e\n'f\"\"\" + 'g\\'h' + i2"), (Names{"a", "c", "i2"}));
}

TEST(PythonPieces, RenamedLeavesAttributesAndTexts) {
  EXPECT_EQ(Renamed("Cell(x.Cell, 'Cell')  # Cell", {"Cell"}, "2"),
            "Cell2(x.Cell, 'Cell')  # Cell");
}

TEST(PythonPieces, ConditionsChooseLines) {
  EXPECT_EQ(Left("#if yes\na\n#else\nb\n#endif\n"), "a\n");
  EXPECT_EQ(Left("#if no\na\n#elif zero\nb\n#elif yes\nc\n#elif yes\nd\n#else\ne\n#endif\n"),
            "c\n");
  EXPECT_EQ(Left("x\n    #if pool == mean\n    a\n    #endif\ny\n"), "x\n    a\ny\n");
  EXPECT_EQ(Left("#if pool != mean or no and yes\na\n#endif\n"), "");
  EXPECT_EQ(Left("#if unknown\na\n#if yes\nb\n#else\nc\n#endif\n#else\nd\n#endif\n"), "d\n");
}

TEST(PythonPieces, ConditionsAreClosed) {
  EXPECT_EQ(ErrorText<std::invalid_argument>([] { static_cast<void>(Left("#if yes\n")); }),
            "an #if without its #endif");
  EXPECT_EQ(ErrorText<std::invalid_argument>([] { static_cast<void>(Left("#endif\n")); }),
            "'#endif' without #if");
}

TEST(PythonPieces, AConditionMayNameSeveralWords) {
  const std::string text = "#if pool in max mean\na = 1\n#elif pool in last\na = 2\n#endif\n";
  EXPECT_EQ(Left(text), "a = 1\n");
  EXPECT_EQ(Left("#if pool in max last or no\na = 1\n#endif\nb = 1\n"), "b = 1\n");
  EXPECT_EQ(Left("#if pool in meaning me\na = 1\n#else\na = 2\n#endif\n"), "a = 2\n");
}

TEST(PythonPieces, ASelectionHoldsWhatIsNeededBeforeItIsUsed) {
  std::map<std::string, PythonPiece> all;
  for (PythonPiece& piece : PiecesOf("def a():\n    return b()\n\n\ndef b():\n    return 1\n\n\n"
                                     "def unused():\n    pass\n")) {
    all.emplace(piece.name, piece);
  }
  PieceSelection selection(all);
  selection.Add("a");
  EXPECT_EQ(selection.Text(), "\n\ndef b():\n    return 1\n\n\ndef a():\n    return b()\n");
}

}  // namespace
}  // namespace beamgrid::trainer
