#include "registry/named_classes.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace named_classes_test {

std::string Between(const std::vector<std::string>& one, const std::vector<std::string>& other) {
  return Contradiction({"A", one}, {"B", other});
}

TEST(NamedClasses, ContradictEachOtherWhereANumberMeansTwoClasses) {
  EXPECT_EQ(Between({"cat", "dog", "emu"}, {"ant", "cat", "dog"}),
            "class 0 is 'cat' in A and 'ant' in B, and 2 more classes differ");
  EXPECT_EQ(Between({"cat", "dog", "emu"}, {"cat", "emu", "dog"}),
            "class 1 is 'dog' in A and 'emu' in B, and 1 more class differs");
  EXPECT_EQ(Between({"cat", "dog"}, {"cat", "Dog", "emu"}), "class 1 is 'dog' in A and 'Dog' in B");
}

TEST(NamedClasses, MayKnowDifferentMany) {
  EXPECT_EQ(Between({"cat", "dog"}, {"cat", "dog", "emu"}), "");
  EXPECT_EQ(Between({"cat", "", "emu"}, {"cat", "dog"}), "");
  EXPECT_EQ(Between({}, {"cat", "dog"}), "");
}

}  // namespace named_classes_test
}  // namespace beamgrid
