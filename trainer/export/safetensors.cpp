#include "trainer/export/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <tuple>

#include "registry/util/json.h"
#include "registry/util/system_error.h"

namespace beamgrid::trainer {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

const char* TypeName(torch::ScalarType type) {
  switch (type) {
    case torch::kDouble:
      return "F64";
    case torch::kFloat:
      return "F32";
    case torch::kHalf:
      return "F16";
    case torch::kBFloat16:
      return "BF16";
    case torch::kLong:
      return "I64";
    case torch::kInt:
      return "I32";
    case torch::kShort:
      return "I16";
    case torch::kChar:
      return "I8";
    case torch::kByte:
      return "U8";
    case torch::kBool:
      return "BOOL";
    default:
      throw std::logic_error(std::string("safetensors has no type ") + c10::toString(type));
  }
}

std::string HeaderOf(const NamedTensors& tensors,
                     const std::map<std::string, std::string>& metadata) {
  boost::json::object header;
  if (!metadata.empty()) header["__metadata__"] = boost::json::value_from(metadata);
  std::int64_t begin = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::int64_t end = begin + static_cast<std::int64_t>(tensor.nbytes());
    const bool is_new =
        header
            .emplace(name,
                     boost::json::object{{"dtype", TypeName(tensor.scalar_type())},
                                         {"shape", boost::json::value_from(tensor.sizes().vec())},
                                         {"data_offsets", {begin, end}}})
            .second;
    if (!is_new) throw std::logic_error("safetensors: '" + name + "' is there twice");
    begin = end;
  }
  std::string text = CanonicalJson(header);
  constexpr std::size_t kAlignment = 8;
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return text;
}

}  // namespace

void WriteSafetensors(const std::filesystem::path& path, NamedTensors tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::ranges::sort(tensors, [](const auto& a, const auto& b) {
    return std::tuple(-a.second.element_size(), a.first) <
           std::tuple(-b.second.element_size(), b.first);
  });
  const std::string header = HeaderOf(tensors, metadata);
  const std::uint64_t header_bytes = header.size();
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor values = tensor.detach().cpu().contiguous();
    out.write(static_cast<const char*>(values.data_ptr()),
              static_cast<std::streamsize>(values.nbytes()));
  }
  out.close();
  if (!out) throw SystemError(path, "cannot write", errno);
}

}  // namespace beamgrid::trainer
