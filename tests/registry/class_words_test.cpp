#include "registry/class_words.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

TEST(ClassWords, NumbersStandBesideNames) {
  EXPECT_EQ(NumberedClass(1, {"cat", "dog"}), "1 dog");
  EXPECT_EQ(NumberedClass(2, {"cat", "dog", ""}), "2") << "without a name";
  EXPECT_EQ(NumberedClass(7, {}), "7") << "nobody knows the names";
}

TEST(ClassWords, ManyAreCounted) {
  EXPECT_EQ(NumberedClasses({}), "");
  EXPECT_EQ(NumberedClasses({"cat", "", "dog"}), "0 cat, 2 dog");
  EXPECT_EQ(NumberedClasses({"a", "b", "c", "d"}, 2), "0 a, 1 b and 2 more");
}

}  // namespace
}  // namespace beamgrid
