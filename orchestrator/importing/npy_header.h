#pragma once
// The header of a NumPy array file (numpy/lib/format.py, "NPY format", versions 1 to 3): the bytes
// \x93NUMPY, two of the version, the length of a text (2 bytes, from version 2 on 4), and the text,
// a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (300, 1024), }.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "orchestrator/importing/array_form.h"

namespace beamgrid {

/// NpyHeader is what precedes the values.
struct NpyHeader {
  ArrayForm form;
  std::endian order = std::endian::little;  ///< of the bytes of a value
  bool fortran = false;                     ///< the values of a column stand together
  std::size_t bytes = 0;                    ///< of the header: the values begin behind it
};

/// The bytes of a file that are sure to hold a header that is taken: NumPy itself writes 128 and
/// reads no more than 10,000.
inline constexpr std::size_t kLongestNpyHeader = 12 + 10'000;

/// Returns how long the header is that begins with `bytes`, at least 12 of the file unless it has
/// fewer: at most kLongestNpyHeader. Throws InputError, which begins with `place`, where none does.
[[nodiscard]] std::size_t NpyHeaderBytes(const std::string& place, std::string_view bytes);

/// Reads the header at the beginning of `bytes`, the file or its first NpyHeaderBytes.
/// Throws InputError, which begins with `place`, for anything else and for arrays that cannot be
/// imported: objects (pickles, which are never opened), texts, whole numbers of more than a byte,
/// other shapes than [frames, width] and [width].
[[nodiscard]] NpyHeader ParseNpyHeader(const std::string& place, std::string_view bytes);

/// Puts values that stand as the header says into the order of frames and of this machine's bytes.
[[nodiscard]] std::string InOrder(const NpyHeader& header, std::string values);

}  // namespace beamgrid
