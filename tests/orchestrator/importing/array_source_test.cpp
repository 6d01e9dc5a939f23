#include "orchestrator/importing/array_source.h"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "registry/util/system_error.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/error_text.h"

/// HDF5 1.10 loses a few hundred bytes where it refuses a damaged file.
extern "C" const char* __lsan_default_suppressions() { return "leak:H5FL_"; }

namespace beamgrid::importing_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ArraySourceTest : public ArraysTest {
 protected:
  std::unique_ptr<ArraySource> Open(const std::string& files, int threads = 1) const {
    return OpenArraySource(ParseFeatureInput("rgb=" + Path(files)), {}, threads);
  }
  std::string Refusal(const std::string& files) const {
    return ErrorText<InputError>([&] { (void)Open(files); });
  }
  /// Returns the refusal of reading the first array, whose header was sound.
  static std::string ReadingRefusal(const ArraySource& source) {
    return ErrorText<InputError>([&] { (void)source.Read(0); });
  }
  static std::vector<std::string> IdsOf(const ArraySource& source) {
    std::vector<std::string> ids;
    for (const SourceArray& array : source.arrays()) ids.push_back(array.id);
    return ids;
  }
  /// Checks that there is one array of these values.
  static void ExpectOne(const ArraySource& source, std::uint64_t frames, std::uint64_t width,
                        const std::string& values) {
    ASSERT_EQ(source.arrays().size(), 1U);
    EXPECT_EQ(source.arrays()[0].form.frames, frames);
    EXPECT_EQ(source.arrays()[0].form.width, width);
    EXPECT_EQ(source.Read(0), values);
  }
};

TEST_F(ArraySourceTest, InputsAreNames) {
  EXPECT_EQ(ParseFeatureInput("rgb=a/*.npy").pattern, "a/*.npy");
  EXPECT_EQ(ParseFeatureInput("rgb=a/*.npz:fc7").member, "fc7");
  EXPECT_EQ(ParseFeatureInput("rgb=a.h5:x/y").member, "x/y");
  EXPECT_EQ(ParseFeatureInput("rgb=a.h5:x/y").pattern, "a.h5");
  EXPECT_EQ(ParseFeatureInput("rgb=a:b/*.npy").pattern, "a:b/*.npy");
  for (const char* wrong : {"rgb", "=a", "rgb="}) {
    EXPECT_THAT(ErrorText<UsageError>([&] { (void)ParseFeatureInput(wrong); }),
                HasSubstr("must be NAME=FILES"));
  }
}

TEST_F(ArraySourceTest, NumPyFilesInAnyOrder) {
  Write("b.npy", NpyFrames(3, 2));
  Write("a.x.npy", Npy("<f4", "(2, 2)", BytesOf<float>({1, 3, 2, 4}), "True"));
  Write("c.npy", Npy(">f4", "(1, 2)", std::string("\x3F\x80\0\0\x40\0\0\0", 8)));
  for (const int threads : {1, 3}) {
    const auto source = Open("*.npy", threads);
    EXPECT_THAT(IdsOf(*source), ElementsAre("a.x", "b", "c"));
    EXPECT_EQ(source->Read(0), BytesOf<float>({1, 2, 3, 4}));
    EXPECT_EQ(source->Read(1), Floats(6));
    EXPECT_EQ(source->Read(2), BytesOf<float>({1, 2}));
    EXPECT_EQ(source->PlaceOf(1), Path("b.npy"));
  }
  EXPECT_THAT(IdsOf(*Open("")), ElementsAre("a.x", "b", "c")) << "a folder stands for its files";
}

TEST_F(ArraySourceTest, HeadersLongerThanUsualAreReadWhole) {
  for (const std::size_t blanks : {100, 180, 200, 5000, 9900}) {
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
    Write("a.npy", NpyOfHeader(header + std::string(blanks, ' '), Floats(6)));
    ExpectOne(*Open("a.npy"), 3, 2, Floats(6));
  }
}

TEST_F(ArraySourceTest, NumPyFilesThatAreCutOffOrTooLong) {
  const std::string whole = NpyFrames(3, 2);
  Write("a.npy", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(Refusal("a.npy"), AllOf(HasSubstr(Path("a.npy") + ": has "), HasSubstr("cut off")));
  Write("a.npy", whole + "x");
  EXPECT_THAT(Refusal("a.npy"), HasSubstr("something else follows its values"));
  Write("a.npy", Npy("<f4", "(100000000, 1)", "few"));
  EXPECT_THAT(Refusal("a.npy"), HasSubstr("its header announces 4000"));
  Write("a.npy", "");
  EXPECT_THAT(Refusal("a.npy"), HasSubstr("is no NumPy array file"));
}

TEST_F(ArraySourceTest, AFileThatIsWrittenToMeanwhileIsRefused) {
  Write("a.npy", NpyFrames(3, 2));
  const auto source = Open("a.npy");
  Write("a.npy", NpyFrames(4, 2));
  EXPECT_THAT(ReadingRefusal(*source), HasSubstr("was written to while it was imported"));
}

TEST_F(ArraySourceTest, ZipArchives) {
  WriteNpz(Path("a.npz"), {{"fc7", NpyFrames(3, 2)}});
  ExpectOne(*Open("a.npz"), 3, 2, Floats(6));
  WriteNpz(Path("a.npz"), {{"fc6", NpyFrames(1, 9)}, {"fc7", NpyFrames(3, 2, 1)}});
  ExpectOne(*Open("a.npz:fc7"), 3, 2, Floats(6, 1));
  EXPECT_THAT(Refusal("a.npz"), HasSubstr("holds 2 arrays (fc6, fc7); name one"));
  EXPECT_THAT(Refusal("a.npz:fc8"), HasSubstr("has no array 'fc8'; it has fc6, fc7"));
  WriteNpz(Path("a.npz"), {});
  EXPECT_THAT(Refusal("a.npz"), HasSubstr(Path("a.npz") + ": "));
  Write("a.npz", NpyFrames(3, 2));
  EXPECT_THAT(Refusal("a.npz"), HasSubstr("is no .npz file"));
  WriteNpz(Path("a.npz"), {{"x", Npy("|O", "(3, 2)", "\x80\x04")}});
  EXPECT_THAT(Refusal("a.npz"), HasSubstr(Path("a.npz:x") + ": an array of Python objects"));
  WriteNpz(Path("a.npz"), {{"x", Npy("<f4", "(100000000, 1)", "few")}});
  EXPECT_THAT(Refusal("a.npz"), HasSubstr("its header announces 4000"));
  WriteNpz(Path("a.npz"),
           {{"x", NpyFrames(1, 2)}, {"x", NpyFrames(1, 2, 1)}, {"y", NpyFrames(1, 2)}});
  EXPECT_THAT(Refusal("a.npz:x"), HasSubstr(Path("a.npz:x") + ": the archive has two arrays"));
  ExpectOne(*Open("a.npz:y"), 1, 2, Floats(2));
}

TEST_F(ArraySourceTest, ZipArchivesThatAreDamaged) {
  WriteNpz(Path("a.npz"), {{"x", NpyFrames(200, 8)}});
  const std::string whole = ReadFile(Path("a.npz"));
  Write("a.npz", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(Refusal("a.npz"), HasSubstr("is no .npz file"));
  // Some byte of the compressed values: either they cannot be unpacked or the checksum tells.
  std::size_t refused = 0, tried = 0;
  for (std::size_t at = 60; at < whole.size() - 120; at += 7, ++tried) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(~damaged[at]);
    Write("a.npz", damaged);
    try {
      (void)Open("a.npz")->Read(0);
    } catch (const InputError&) {
      ++refused;
    }
  }
  EXPECT_GT(tried, 3U);
  EXPECT_EQ(refused, tried);
}

TEST_F(ArraySourceTest, Hdf5DatasetsOfEachType) {
  {
    const Hdf5File file(Path("a.h5"));
    file.AddFloats("rgb/b", {3, 2}, Floats(6));
    file.AddFloats("rgb/deep/a", {2}, Floats(2, 1), H5T_IEEE_F64BE);
    const std::string codes = "abcdef";
    file.Add("audio/b", H5T_STD_U8LE, {3, 2}, H5T_NATIVE_UCHAR, codes.data());
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    const std::vector<std::uint16_t> halves = {0x3C00, 0xC000};
    file.Add("half/b", half, {1, 2}, half, halves.data());
    H5Tclose(half);
    H5Lcreate_soft("/rgb", file.id(), "/rgb/loop", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file.id(), "/rgb", file.id(), "/rgb/circle", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/x", file.id(), "/rgb/other", H5P_DEFAULT, H5P_DEFAULT);
  }
  const auto rgb = Open("a.h5:rgb");
  EXPECT_THAT(IdsOf(*rgb), ElementsAre("b", "deep/a"));
  EXPECT_EQ(rgb->arrays()[1].form.level, ArrayLevel::kVideo);
  EXPECT_EQ(rgb->Read(0), Floats(6));
  EXPECT_EQ(rgb->Read(1), BytesOf<double>({1, 1.25}));
  EXPECT_EQ(rgb->PlaceOf(1), Path("a.h5:rgb/deep/a"));
  ExpectOne(*Open("a.h5:audio/"), 3, 2, "abcdef");
  ExpectOne(*Open("a.h5:half"), 1, 2, BytesOf<std::uint16_t>({0x3C00, 0xC000}));
  EXPECT_EQ(Open("a.h5")->arrays().size(), 4U);
  EXPECT_THAT(Refusal("a.h5:none"), HasSubstr("has no group 'none'"));
}

TEST_F(ArraySourceTest, DeepGroupsAreRefusedBeforeTheyTakeLong) {
  const auto deep = [](int depth) {
    std::string path;
    for (int i = 0; i < depth; ++i) path += "g/";
    return path + "a";
  };
  {
    const Hdf5File file(Path("a.h5"));
    file.AddFloats(deep(31), {2}, Floats(2), H5T_IEEE_F32LE);
  }
  EXPECT_EQ(Open("a.h5")->arrays().size(), 1U);
  {
    const Hdf5File file(Path("a.h5"));
    file.AddFloats(deep(500), {2}, Floats(2), H5T_IEEE_F32LE);
  }
  EXPECT_THAT(Refusal("a.h5"),
              HasSubstr("a.h5: has groups in groups in groups, more than 32 deep"));
  EXPECT_EQ(Open("a.h5:" + deep(480).substr(0, 2 * 480 - 1))->arrays().size(), 1U);
}

TEST_F(ArraySourceTest, HugeChunksAreRefusedByName) {
  const auto write = [&](hsize_t rows) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {rows, 1024};
    H5Pset_chunk(creation, 2, chunk);
    H5Pset_deflate(creation, 5);
    const Hdf5File file(Path("a.h5"));
    const std::string values = Floats(2 * 1024);
    // A chunk may be larger than the array only where that can grow.
    const hsize_t sides[] = {2, 1024}, most[] = {H5S_UNLIMITED, 1024};
    const hid_t space = H5Screate_simple(2, sides, most);
    const hid_t dataset =
        H5Dcreate2(file.id(), "big", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(creation);
  };
  write(64);
  EXPECT_EQ(Open("a.h5")->arrays().size(), 1U);
  write(16'385);
  EXPECT_THAT(Refusal("a.h5"),
              HasSubstr(Path("a.h5:big") + ": is stored in chunks of more than 64"));
}

TEST_F(ArraySourceTest, Hdf5CompressedOrPartlyWritten) {
  const auto in_chunks = [](bool gzip) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {2, 2};
    H5Pset_chunk(creation, 2, chunk);
    if (gzip) H5Pset_deflate(creation, 5);
    return creation;
  };
  {
    const Hdf5File file(Path("a.h5"));
    const hid_t creation = in_chunks(true);
    const std::string values = Floats(6);
    file.Add("b", H5T_IEEE_F32LE, {3, 2}, H5T_NATIVE_FLOAT, values.data(), creation);
    H5Pclose(creation);
  }
  ExpectOne(*Open("a.h5"), 3, 2, Floats(6));
  {
    const Hdf5File file(Path("a.h5"));
    const hid_t creation = in_chunks(false);
    file.Add("b", H5T_IEEE_F32LE, {300'000'000, 2}, H5T_NATIVE_FLOAT, nullptr, creation);
    H5Pclose(creation);
  }
  EXPECT_THAT(Refusal("a.h5"), HasSubstr(Path("a.h5:b") + ": shape [300000000, 2] is more than"));
  {
    const Hdf5File file(Path("a.h5"));
    const hid_t creation = in_chunks(false);
    file.Add("b", H5T_IEEE_F32LE, {3, 2}, H5T_NATIVE_FLOAT, nullptr, creation);
    H5Pclose(creation);
  }
  EXPECT_THAT(Refusal("a.h5"), HasSubstr("not all of its values were ever written"));
  {
    const Hdf5File file(Path("a.h5"));
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/etc/passwd", 0, 24);
    file.Add("b", H5T_IEEE_F32LE, {3, 2}, H5T_NATIVE_FLOAT, nullptr, creation);
    H5Pclose(creation);
  }
  EXPECT_THAT(Refusal("a.h5"), HasSubstr("its values stand in other files"));
}

TEST_F(ArraySourceTest, Hdf5OfOtherThings) {
  {
    const Hdf5File file(Path("a.h5"));
    const std::vector<std::int64_t> numbers = {1, 2};
    file.Add("labels", H5T_STD_I64LE, {2}, H5T_NATIVE_INT64, numbers.data());
  }
  EXPECT_THAT(Refusal("a.h5"), AllOf(HasSubstr(Path("a.h5:labels") + ": must hold float16"),
                                     HasSubstr("name the group")));
  const std::string whole = ReadFile(Path("a.h5"));
  Write("a.h5", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(Refusal("a.h5"), HasSubstr("is no HDF5 file, is damaged"));
  Write("a.h5", "text");
  EXPECT_THAT(Refusal("a.h5"), HasSubstr("is no HDF5 file"));
  // No byte of a file may make it do worse than refuse.
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    Write("a.h5", damaged);
    try {
      (void)Open("a.h5")->Read(0);
    } catch (const InputError&) {
    }
  }
}

TEST_F(ArraySourceTest, Hdf5ValuesThatStandForOthersAreRefused) {
  for (const char* attribute : {"scale_factor", "add_offset", "fps"}) {
    const Hdf5File file(Path("a.h5"));
    file.AddFloats("v", {1, 2}, Floats(2));
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t dataset = H5Dopen2(file.id(), "v", H5P_DEFAULT);
    H5Aclose(H5Acreate2(dataset, attribute, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(dataset);
    H5Sclose(space);
    H5Fflush(file.id(), H5F_SCOPE_GLOBAL);
    if (attribute == std::string("fps")) {
      ExpectOne(*Open("a.h5"), 1, 2, Floats(2));
    } else {
      EXPECT_THAT(Refusal("a.h5"),
                  HasSubstr(Path("a.h5:v") + ": has the attribute " + attribute + ", by which"));
    }
  }
}

TEST_F(ArraySourceTest, TablesOfVectors) {
  Write("t.csv", "f0,id,f1\n0.5,b,-1e-60\n+2, a ,3e4\n");
  const auto source = Open("t.csv");
  EXPECT_THAT(IdsOf(*source), ElementsAre("a", "b"));
  EXPECT_EQ(source->Read(0), BytesOf<float>({2, 3e4F}));
  EXPECT_EQ(source->Read(1), BytesOf<float>({0.5F, -0.0F}));
  EXPECT_EQ(source->PlaceOf(0), Path("t.csv:3"));
  EXPECT_EQ(source->arrays()[0].form.level, ArrayLevel::kVideo);
  for (const char* wrong : {"x", "", "1.5.2", "0x10", "1e39", "+-5", "++5"}) {
    Write("t.csv", std::string("id,f0,f1\na,1,") + wrong + "\n");
    EXPECT_THAT(ReadingRefusal(*Open("t.csv")),
                HasSubstr(Path("t.csv:2") + ": column 'f1': '" + wrong + "', must be a number"));
  }
  Write("t.csv", "id\na\n");
  EXPECT_THAT(Refusal("t.csv"), HasSubstr("the width must be 1.."));
}

TEST_F(ArraySourceTest, ColumnsThatSayWhatAVideoIsAreNoFeatures) {
  const auto refusal = [&](const std::string& heading, const TableColumns& columns) {
    Write("t.csv", heading + "\n0,a,1\n");
    return ErrorText<InputError>(
        [&] { (void)OpenArraySource(ParseFeatureInput("x=" + Path("t.csv")), columns, 1); });
  };
  EXPECT_THAT(refusal("f0,id,Label", {}),
              HasSubstr(Path("t.csv") + ": column 3, 'Label', says what a video is"));
  EXPECT_THAT(refusal("fold,id,f0", {.id = "", .labels = {"id", "part", "fold"}}),
              HasSubstr("column 1, 'fold', says what a video is"));
  EXPECT_THAT(refusal(",id,f0", {}), HasSubstr("column 1 has no name"));
  EXPECT_THAT(refusal("Unnamed: 0,id,f0", {}), HasSubstr("column 1 has no name"));
  Write("t.csv", "f1,id,f0\n0,a,1\n");
  const auto source = OpenArraySource(ParseFeatureInput("x=" + Path("t.csv")),
                                      {.id = "", .labels = {"id", "label"}}, 1);
  EXPECT_EQ(source->arrays().front().form.width, 2U);
}

TEST_F(ArraySourceTest, WhatIsNotThere) {
  const auto usage = [&](const std::string& files) {
    return ErrorText<UsageError>([&] { (void)Open(files); });
  };
  EXPECT_THAT(usage("*.npy"), HasSubstr("--features rgb: no file matches " + Path("*.npy")));
  Write("a.npy", NpyFrames(1, 2));
  Write("a.txt", "x");
  Write("b.csv", "id,f\na,1\n");
  Write("c.csv", "id,f\na,1\n");
  EXPECT_THAT(usage("a.txt"), HasSubstr("is none of .npy, .npz"));
  EXPECT_THAT(usage("{a.npy,b.csv}"), HasSubstr("are of different kinds"));
  EXPECT_THAT(usage("*.csv"), HasSubstr("2 tables, must be one"));
}

TEST_F(ArraySourceTest, LoopsOfLinksPipesAndWhatMayNotBeRead) {
  std::filesystem::create_symlink(Path("l.npy"), Path("l.npy"));
  EXPECT_THAT(ErrorText<SystemError>([&] { (void)Open("l.npy"); }), HasSubstr("l.npy"));
  EXPECT_THAT(ErrorText<SystemError>([&] { (void)Open("*.npy"); }), HasSubstr("l.npy"));
  ASSERT_EQ(::mkfifo(Path("p.npz").c_str(), 0600), 0);
  EXPECT_THAT(Refusal("p.npz"), HasSubstr("is no regular file"));
  Write("s.npy", NpyFrames(1, 2));
  std::filesystem::permissions(Path("s.npy"), std::filesystem::perms::none);
  if (::geteuid() != 0) {
    EXPECT_THAT(ErrorText<SystemError>([&] { (void)Open("s.npy"); }), HasSubstr("cannot open"));
  }
}

}  // namespace
}  // namespace beamgrid::importing_test
