#pragma once
// Small arrays in the formats that imports read, for tests.

#include <gtest/gtest.h>
#include <hdf5.h>
#include <minizip/zip.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace beamgrid::importing_test {

template <typename Number>
std::string BytesOf(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// Returns first, first + 0.25, ... as bytes of float32.
inline std::string Floats(std::size_t count, float first = 0) {
  std::vector<float> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    numbers.push_back(first + 0.25F * static_cast<float>(i % 8));
  }
  return BytesOf(numbers);
}

/// Returns the bytes of an .npy file with that dictionary as its header.
inline std::string NpyOfHeader(std::string header, std::string_view values, char version = 1) {
  header += '\n';
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  return (bytes += header).append(values);
}

/// Returns the bytes of an .npy file: Npy("<f4", "(3, 2)", ...).
inline std::string Npy(const std::string& descr, const std::string& shape, std::string_view values,
                       const std::string& fortran = "False") {
  return NpyOfHeader(
      "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }",
      values);
}

/// Returns the bytes of an .npy file of float32 [frames, width].
inline std::string NpyFrames(std::size_t frames, std::size_t width, float first = 0) {
  return Npy("<f4", "(" + std::to_string(frames) + ", " + std::to_string(width) + ")",
             Floats(frames * width, first));
}

/// Writes an .npz file of named .npy files, compressed.
inline void WriteNpz(const std::filesystem::path& path,
                     const std::vector<std::pair<std::string, std::string>>& members) {
  zipFile zip = zipOpen64(path.c_str(), APPEND_STATUS_CREATE);
  for (const auto& [name, bytes] : members) {
    const zip_fileinfo info{};
    EXPECT_EQ(zipOpenNewFileInZip64(zip, (name + ".npy").c_str(), &info, nullptr, 0, nullptr, 0,
                                    nullptr, Z_DEFLATED, 6, 1),
              ZIP_OK);
    EXPECT_EQ(zipWriteInFileInZip(zip, bytes.data(), static_cast<unsigned>(bytes.size())), ZIP_OK);
    EXPECT_EQ(zipCloseFileInZip(zip), ZIP_OK);
  }
  EXPECT_EQ(zipClose(zip, nullptr), ZIP_OK);
}

/// Hdf5File writes datasets; groups that a path names are made.
class Hdf5File {
 public:
  explicit Hdf5File(const std::filesystem::path& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~Hdf5File() { H5Fclose(file_); }
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;
  [[nodiscard]] hid_t id() const { return file_; }

  /// `in_memory`: the type of the values; null: none are written.
  void Add(const std::string& path, hid_t type, const std::vector<hsize_t>& shape, hid_t in_memory,
           const void* values, hid_t creation = H5P_DEFAULT) const {
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset =
        H5Dcreate2(file_, path.c_str(), type, space, links, creation, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    if (values != nullptr) {
      EXPECT_GE(H5Dwrite(dataset, in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(links);
  }
  void AddFloats(const std::string& path, const std::vector<hsize_t>& shape,
                 const std::string& floats, hid_t type = H5T_IEEE_F32LE) const {
    Add(path, type, shape, H5T_NATIVE_FLOAT, floats.data());
  }

 private:
  hid_t file_;
};

/// ArraysTest has a folder in which it writes files.
class ArraysTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }
  std::string Write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace beamgrid::importing_test
