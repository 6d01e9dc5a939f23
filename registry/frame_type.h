#pragma once
// What the numbers of a frame are in the records, and how a feature is normalised: words of a
// recipe's [data].

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

}  // namespace beamgrid
