#include "orchestrator/importing/npy_header.h"

#include <gmock/gmock.h>

#include "registry/util/input_error.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/error_text.h"

namespace beamgrid::importing_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

NpyHeader HeaderOf(const std::string& bytes) { return ParseNpyHeader("a.npy", bytes); }

std::string RefusalOf(const std::string& bytes) {
  const std::string text = ErrorText<InputError>([&] { (void)HeaderOf(bytes); });
  EXPECT_THAT(text, StartsWith("a.npy: "));
  return text;
}

TEST(NpyHeader, ReadsWhatNumPyWrites) {
  const NpyHeader header = HeaderOf(Npy("<f4", "(300, 1024)", ""));
  EXPECT_EQ(header.form.element, Element::kFloat32);
  EXPECT_EQ(header.form.level, ArrayLevel::kFrame);
  EXPECT_EQ(header.form.frames, 300U);
  EXPECT_EQ(header.form.width, 1024U);
  EXPECT_EQ(header.order, std::endian::little);
  EXPECT_FALSE(header.fortran);
  EXPECT_EQ(header.bytes, Npy("<f4", "(300, 1024)", "").size());

  EXPECT_EQ(HeaderOf(Npy("|u1", "(3, 2)", "")).form.element, Element::kUint8);
  EXPECT_EQ(HeaderOf(Npy("<f2", "(3, 2)", "")).form.element, Element::kFloat16);
  EXPECT_EQ(HeaderOf(Npy(">f8", "(3, 2)", "")).form.element, Element::kFloat64);
  EXPECT_EQ(HeaderOf(Npy(">f8", "(3, 2)", "")).order, std::endian::big);
  EXPECT_TRUE(HeaderOf(Npy("<f4", "(3, 2)", "", "True")).fortran);
}

TEST(NpyHeader, ReadsVectorsVersionsAndOtherSpellings) {
  const NpyHeader vector = HeaderOf(Npy("<f4", "(8,)", "", "True"));
  EXPECT_EQ(vector.form.level, ArrayLevel::kVideo);
  EXPECT_EQ(vector.form.frames, 1U);
  EXPECT_EQ(vector.form.width, 8U);
  EXPECT_FALSE(vector.fortran) << "one dimension has one order";
  for (const char version : {'\1', '\2', '\3'}) {
    const std::string bytes = NpyOfHeader(
        "{\"shape\": (5L, 4L), \"descr\": \"<f4\",\n \"fortran_order\": False}", "", version);
    EXPECT_EQ(HeaderOf(bytes).form.frames, 5U);
    EXPECT_EQ(HeaderOf(bytes).bytes, bytes.size());
  }
}

TEST(NpyHeader, NeverOpensPickles) {
  EXPECT_THAT(RefusalOf(Npy("|O", "(3, 2)", "")), HasSubstr("a pickle), which is never opened"));
  EXPECT_THAT(RefusalOf("\x80\x04\x95"), HasSubstr("a pickle, which is never opened"));
  EXPECT_THAT(RefusalOf(NpyOfHeader("{'descr': [('x', '<f4')], 'fortran_order': False, "
                                    "'shape': (3,), }",
                                    "")),
              HasSubstr("named fields"));
}

TEST(NpyHeader, RefusesOtherTypes) {
  for (const char* descr : {"<i8", "|S5", "<U3", "<c8", "|b1", "|i1", "<f16", "f", "", "<"}) {
    EXPECT_THAT(RefusalOf(Npy(descr, "(3, 2)", "")),
                HasSubstr("must be float16, float32, float64 or uint8"))
        << descr;
  }
}

TEST(NpyHeader, RefusesOtherShapesWithoutOverflow) {
  EXPECT_THAT(RefusalOf(Npy("<f4", "()", "")), HasSubstr("shape [], must be [frames, width]"));
  EXPECT_THAT(RefusalOf(Npy("<f4", "(2, 3, 4)", "")), HasSubstr("shape [2, 3, 4]"));
  EXPECT_THAT(RefusalOf(Npy("<f4", "(3, 0)", "")), HasSubstr("the width must be 1..65536"));
  EXPECT_THAT(RefusalOf(Npy("<f4", "(3, 70000)", "")), HasSubstr("the width must be 1..65536"));
  // The product of these sides is 0 with 64 bits.
  EXPECT_THAT(RefusalOf(Npy("<f4", "(4611686018427387904, 4)", "")),
              HasSubstr("more than 512.0 MiB"));
  EXPECT_THAT(RefusalOf(Npy("<f4", "(18446744073709551615, 2)", "")),
              HasSubstr("more than 512.0 MiB"));
  EXPECT_THAT(RefusalOf(Npy("<f4", "(18446744073709551616, 2)", "")), HasSubstr("its header"));
  EXPECT_THAT(RefusalOf(Npy("<f4", "(-1, 2)", "")), HasSubstr("its header"));
  EXPECT_EQ(HeaderOf(Npy("<f4", "(134217728, 1)", "")).form.Bytes(), kMaxArrayBytes);
  EXPECT_THAT(RefusalOf(Npy("<f4", "(134217729, 1)", "")), HasSubstr("more than"));
}

TEST(NpyHeader, RefusesHeadersThatAreCutOffOrTooLong) {
  const std::string whole = Npy("<f4", "(3, 2)", "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(RefusalOf(whole.substr(0, length)), "") << length;
  }
  std::string longer = whole;
  longer[9] = 0x7F;
  EXPECT_THAT(RefusalOf(longer), HasSubstr("which no array of numbers has"));
  longer[9] = 1;
  EXPECT_THAT(RefusalOf(longer), HasSubstr("cut off"));
  std::string version = whole;
  version[6] = 9;
  EXPECT_THAT(RefusalOf(version), HasSubstr("version 9"));
}

TEST(NpyHeader, RefusesAnythingElseInTheDictionary) {
  for (const char* header :
       {"{}", "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4'",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3, 2)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)",
        "{'descr': '<f4 'fortran_order': False, 'shape': (3 2)}",
        "__import__('os').system('id')"}) {
    EXPECT_THAT(RefusalOf(NpyOfHeader(header, "")), HasSubstr("its header is none")) << header;
  }
}

TEST(NpyHeader, PutsValuesInOrder) {
  NpyHeader header = HeaderOf(Npy("|u1", "(2, 3)", "", "True"));
  EXPECT_EQ(InOrder(header, "adbecf"), "abcdef");
  header = HeaderOf(Npy(">f2", "(1, 2)", ""));
  EXPECT_EQ(InOrder(header, "abcd"), "badc");
  header = HeaderOf(Npy(">f2", "(2, 2)", "", "True"));
  EXPECT_EQ(InOrder(header, "abcdefgh"), "bafedchg");
}

}  // namespace
}  // namespace beamgrid::importing_test
