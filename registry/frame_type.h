#pragma once
// What the numbers of a frame are in the records, and how a feature is normalised: words of a
// recipe's [data].

#include <cstddef>

#include "registry/util/words.h"

namespace beamgrid {

/// FrameType says how a record holds one frame of a feature of some width W.
enum class FrameType {
  kUint8,    ///< a string of W bytes, the 8-bit code of YouTube-8M (quantise.h)
  kFloat32,  ///< a list of W floats
  kFloat16,  ///< a string of 2 W bytes: little-endian IEEE 754 halves
};
inline constexpr Word<FrameType> kFrameTypes[] = {{FrameType::kUint8, "uint8"},
                                                  {FrameType::kFloat32, "float32"},
                                                  {FrameType::kFloat16, "float16"}};

/// Normalisation says what is done to each frame's part of a feature before the model sees it.
enum class Normalisation {
  kNone,         ///< nothing
  kL2,           ///< divided by its Euclidean length
  kStandardise,  ///< each number minus its mean, by its standard deviation over the training frames
};
inline constexpr Word<Normalisation> kNormalisations[] = {
    {Normalisation::kNone, "none"},
    {Normalisation::kL2, "l2"},
    {Normalisation::kStandardise, "standardise"}};

/// FrameAlignment says what the frames of a video are where its features differ in their number.
enum class FrameAlignment {
  kCut,      ///< those that all features have, from the first on: frame t of each is of one moment
  kNearest,  ///< as many as the longest feature has; all last equally long: NearestFrame
};
inline constexpr Word<FrameAlignment> kFrameAlignments[] = {{FrameAlignment::kCut, "cut"},
                                                            {FrameAlignment::kNearest, "nearest"}};

/// Returns which of `have` frames lies nearest to the middle of frame `t` of `all` frames that last
/// equally long: floor((t + 1/2) have / all). Expects 0 <= t < all and have <= all.
[[nodiscard]] constexpr std::size_t NearestFrame(std::size_t t, std::size_t have, std::size_t all) {
  return (2 * t + 1) * have / (2 * all);
}

}  // namespace beamgrid
