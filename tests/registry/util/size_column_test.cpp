#include "registry/util/size_column.h"

#include <gtest/gtest.h>

namespace beamgrid {

TEST(SizeColumn, IsInTheLargestUnitOfWhichTheSmallestIsAtLeastOne) {
  const SizeColumn large(1 << 20);
  EXPECT_EQ(large.heading(), "size (MiB)");
  EXPECT_EQ(large.Cell(1 << 20), "1.00");
  EXPECT_EQ(large.Cell(1'353'336), "1.29");
  EXPECT_EQ(SizeColumn(std::int64_t{1} << 30).heading(), "size (GiB)");
  EXPECT_EQ(SizeColumn(std::int64_t{1} << 45).heading(), "size (GiB)") << "the last one";
}

TEST(SizeColumn, HasOneUnitHoweverFarSizesAreApart) {
  const SizeColumn small((1 << 20) - 1);
  EXPECT_EQ(small.heading(), "size (KiB)");
  EXPECT_EQ(small.Cell(125'144), "122.21");
  EXPECT_EQ(small.Cell(131'264), "128.19") << "0.13 MiB, as the next";
  EXPECT_EQ(small.Cell(3 << 20), "3072.00");
  const SizeColumn bytes(1023);
  EXPECT_EQ(bytes.heading(), "size (bytes)");
  EXPECT_EQ(bytes.Cell(1023), "1023");
  EXPECT_EQ(SizeColumn(0).Cell(0), "0");
}

}  // namespace beamgrid
