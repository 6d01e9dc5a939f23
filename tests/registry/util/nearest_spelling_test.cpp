#include "registry/util/nearest_spelling.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

struct Spelling {
  const char* word;
  const char* nearest;
};

class NearestSpellingTest : public testing::TestWithParam<Spelling> {};

TEST_P(NearestSpellingTest, FindsWhatWasMeant) {
  const std::vector<std::string> names = {
      "netvlad", "mean", "lstm", "blstm", "gru", "conditional_inference", "k"};
  EXPECT_EQ(NearestSpelling(GetParam().word, names), GetParam().nearest);
}

INSTANTIATE_TEST_SUITE_P(Words, NearestSpellingTest,
                         testing::Values(Spelling{"netvald", "netvlad"},  // swapped neighbours
                                         Spelling{"NetVLAD", "netvlad"},
                                         Spelling{"net-vlad", "netvlad"}, Spelling{"lstn", "lstm"},
                                         Spelling{"bilstm", "blstm"},
                                         Spelling{"conditional-inferense", "conditional_inference"},
                                         Spelling{"gur", "gru"}, Spelling{"transformer", ""},
                                         Spelling{"x", ""}, Spelling{"", ""}));

TEST(NearestSpelling, HasNothingToSayWithoutCandidates) {
  EXPECT_EQ(NearestSpelling("mean", {}), "");
}

/// 64-bit cells for each pair of letters would be 80 GB.
TEST(NearestSpelling, DoesNotCompareWhatIsNoName) {
  const std::string book(100'000, 'a');
  EXPECT_EQ(NearestSpelling(book, {book + "b", "mean"}), "");
  EXPECT_EQ(NearestSpelling("maen", {book, "mean"}), "mean");
}

}  // namespace
}  // namespace beamgrid
