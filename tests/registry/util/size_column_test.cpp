#include "registry/util/size_column.h"

#include <gtest/gtest.h>

namespace beamgrid {

TEST(SizeColumn, IsInMebibytesWhereAllShowDigitsInThem) {
  const SizeColumn large(1 << 20);
  EXPECT_EQ(large.heading(), "size (MiB)");
  EXPECT_EQ(large.Cell(1 << 20), "1.00");
  EXPECT_EQ(large.Cell(1'353'336), "1.29");
  EXPECT_EQ(SizeColumn(104'858).Cell(104'858), "0.10");
}

TEST(SizeColumn, HasAUnitForEachWhereASmallOneWouldShowNone) {
  const SizeColumn small(104'857);
  EXPECT_EQ(small.heading(), "size");
  EXPECT_EQ(small.Cell(104'857), "102.4 KiB");
  EXPECT_EQ(small.Cell(3 << 20), "3.0 MiB");
  EXPECT_EQ(small.Cell(12), "12 B");
}

}  // namespace beamgrid
