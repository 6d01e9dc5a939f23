#pragma once
// What the header of an array says of it, whatever the file format.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace beamgrid {

/// Element is the type of an array's values.
enum class Element { kUint8, kFloat16, kFloat32, kFloat64 };

/// Returns the bytes of a value.
[[nodiscard]] std::size_t SizeOf(Element element);

/// ArrayLevel says whether an array is a video's frames or one vector of the video.
enum class ArrayLevel { kVideo, kFrame };

/// The most bytes that one video's array may have. A record is held whole in memory, and other
/// readers of records take no more than 2 GiB.
inline constexpr std::uint64_t kMaxArrayBytes = 512ULL << 20;
/// The widest frame: what data.features takes.
inline constexpr std::uint64_t kMaxWidth = 65'536;

/// ArrayForm is one video's array: [frames, width], or [width] of a whole video.
struct ArrayForm {
  Element element = Element::kFloat32;
  ArrayLevel level = ArrayLevel::kFrame;
  std::uint64_t frames = 1;  ///< 1 at video level
  std::uint64_t width = 0;

  [[nodiscard]] std::uint64_t Bytes() const { return frames * width * SizeOf(element); }
};

/// Returns the form of a shape of one or two dimensions, of which nothing was checked: Bytes() of
/// it is at most kMaxArrayBytes, and so no product of it overflows. Throws InputError, which begins
/// with `place`.
[[nodiscard]] ArrayForm FormOfShape(const std::string& place, Element element,
                                    const std::uint64_t* shape, std::size_t dimensions);

}  // namespace beamgrid
