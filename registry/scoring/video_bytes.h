#pragma once
// One video's predictions as bytes, as a predictions file and a stream of them hold it, all numbers
// little-endian: u32 bytes of id, u32 scores, u32 labels, id, {i32 label, f32 score}..., i32
// label...

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "registry/scoring/predictions.h"

namespace beamgrid {

static_assert(std::endian::native == std::endian::little, "numbers are written in memory order");

template <typename Number>
void Put(std::string& bytes, Number number) {
  static_assert(std::is_arithmetic_v<Number>);
  char raw[sizeof(Number)];
  std::memcpy(raw, &number, sizeof(Number));
  bytes.append(raw, sizeof(Number));
}

/// ByteReader takes numbers and texts from the front; not ok once something did not fit.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    Number number{};
    const std::string_view raw = TakeBytes(sizeof(Number));
    if (ok_) std::memcpy(&number, raw.data(), sizeof(Number));
    return number;
  }
  std::string_view TakeBytes(std::size_t count) {
    ok_ = ok_ && count <= bytes_.size();
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  /// True if `count` things of `size` bytes may still follow: checked before memory is taken.
  bool Holds(std::uint64_t count, std::size_t size) {
    ok_ = ok_ && count <= bytes_.size() / size;
    return ok_;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

inline constexpr std::size_t kVideoHeader = 3 * sizeof(std::uint32_t);
inline constexpr std::size_t kScoreBytes = sizeof(std::int32_t) + sizeof(float);

/// Appends a video. Its scores become floats, best first, those that only float makes equal
/// included; its labels ascend.
void PutVideo(std::string& bytes, const VideoPrediction& video);
/// Takes the next video; what did not fit is missing in it, and the reader is not ok.
[[nodiscard]] VideoPrediction TakeVideo(ByteReader& reader);

}  // namespace beamgrid
