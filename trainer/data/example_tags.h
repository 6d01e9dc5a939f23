#pragma once
// Field numbers of tf.Example and tf.SequenceExample that reader and writer share.

#include <protozero/types.hpp>

namespace beamgrid {

inline constexpr protozero::pbf_tag_type kContext = 1, kFeatureLists = 2;
inline constexpr protozero::pbf_tag_type kEntry = 1, kKey = 1, kValue = 2;  ///< of a map
inline constexpr protozero::pbf_tag_type kListValue = 1;

}  // namespace beamgrid
