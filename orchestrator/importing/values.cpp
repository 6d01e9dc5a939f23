#include "orchestrator/importing/values.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <utility>

#include "registry/util/half.h"
#include "registry/util/input_error.h"
#include "trainer/data/example.h"
#include "trainer/data/quantise.h"

namespace beamgrid {
namespace {

template <typename Number>
Number LoadValue(const char* bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

/// Each type of value reads as its Number.
struct HalfValues {
  static double Load(const char* bytes) { return FloatOfHalf(LoadValue<std::uint16_t>(bytes)); }
  static constexpr std::size_t kBytes = 2;
};
struct FloatValues {
  static double Load(const char* bytes) { return LoadValue<float>(bytes); }
  static constexpr std::size_t kBytes = 4;
};
struct DoubleValues {
  static double Load(const char* bytes) { return LoadValue<double>(bytes); }
  static constexpr std::size_t kBytes = 8;
};

/// Each form of record takes a finite number that it can hold.
struct ToByte {
  static constexpr double kLargest = std::numeric_limits<double>::max();
  static constexpr std::size_t kBytes = 1;
  static void Store(double value, char* to) { *to = static_cast<char>(Quantise(value)); }
  static bool IsZero(const char* stored) { return static_cast<std::uint8_t>(*stored) == kZeroCode; }

 private:
  static const std::uint8_t kZeroCode;
};
const std::uint8_t ToByte::kZeroCode = Quantise(0);

/// Returns one of the two floats around the number, that with an odd last bit, unless it is a float
/// itself: rounded to fewer digits, it then goes where the number would go.
float ToOddFloat(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || (std::bit_cast<std::uint32_t>(nearest) & 1U) != 0) {
    return nearest;
  }
  const float beyond = std::numeric_limits<float>::infinity();
  return std::nextafter(nearest, value > static_cast<double>(nearest) ? beyond : -beyond);
}
struct ToHalf {
  static constexpr double kLargest = 65519.996;  // the greatest float below 65520
  static constexpr std::size_t kBytes = 2;
  static void Store(double value, char* to) {
    const std::uint16_t half = HalfOfFloat(ToOddFloat(value));
    std::memcpy(to, &half, sizeof half);
  }
  static bool IsZero(const char* stored) {
    return (LoadValue<std::uint16_t>(stored) & 0x7FFFU) == 0;
  }
};
static_assert(kTooLargeFloat == 1e16F);
struct ToFloat {
  static constexpr double kLargest = 9999999198822400;  // the greatest float below kTooLargeFloat
  static constexpr std::size_t kBytes = 4;
  static void Store(double value, char* to) {
    const auto number = static_cast<float>(value);
    std::memcpy(to, &number, sizeof number);
  }
  static bool IsZero(const char* stored) { return LoadValue<float>(stored) == 0; }
};

[[noreturn]] void RefuseValue(const std::string& place, const ArrayForm& form, std::uint64_t index,
                              double value, double largest) {
  std::string where = place;
  if (form.level == ArrayLevel::kFrame) where += ": frame " + std::to_string(index / form.width);
  where += (form.level == ArrayLevel::kFrame ? ", column " : ": column ") +
           std::to_string(index % form.width);
  if (std::isnan(value)) throw InputError(where + ": is no number (NaN)");
  if (std::isinf(value)) throw InputError(where + ": is infinite");
  std::ostringstream text;
  text << where << ": " << value << " is too large, must be at most " << largest
       << " in size; scale the features"
       << (largest < kTooLargeFloat / 2 ? ", or write them with --as float32" : "");
  throw InputError(text.str());
}

template <typename From, typename To>
CodedValues CodeAll(const std::string& place, const ArrayForm& form, const std::string& values) {
  CodedValues coded;
  const std::size_t count = values.size() / From::kBytes;
  coded.bytes.resize(count * To::kBytes);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = From::Load(values.data() + i * From::kBytes);
    // Not >: NaN is not at most anything.
    if (!(std::abs(value) <= To::kLargest)) RefuseValue(place, form, i, value, To::kLargest);
    if (To::kBytes == 1) coded.clipped += static_cast<std::uint64_t>(std::abs(value) > 2);
    char* const stored = coded.bytes.data() + i * To::kBytes;
    To::Store(value, stored);
    coded.vanished += static_cast<std::uint64_t>(value != 0 && To::IsZero(stored));
  }
  return coded;
}

/// Floats stay as they are.
CodedValues KeepFloats(const std::string& place, const ArrayForm& form, std::string values) {
  for (std::size_t i = 0; i < values.size() / FloatValues::kBytes; ++i) {
    const double value = FloatValues::Load(values.data() + i * FloatValues::kBytes);
    if (!(std::abs(value) <= ToFloat::kLargest)) {
      RefuseValue(place, form, i, value, ToFloat::kLargest);
    }
  }
  return {.bytes = std::move(values)};
}

template <typename From>
CodedValues CodeFrom(const std::string& place, const ArrayForm& form, const std::string& values,
                     Element to) {
  if (to == Element::kUint8) return CodeAll<From, ToByte>(place, form, values);
  if (to == Element::kFloat16) return CodeAll<From, ToHalf>(place, form, values);
  return CodeAll<From, ToFloat>(place, form, values);
}

}  // namespace

std::string ProblemOfCoding(Element from, Element to) {
  if (from != Element::kUint8 || to == Element::kUint8) return "";
  return "its values are bytes, which stay bytes: what numbers they stand for is not known here; "
         "leave --as out, or save the numbers as float32";
}

CodedValues Code(const std::string& place, const ArrayForm& form, std::string values, Element to) {
  switch (form.element) {
    case Element::kUint8:
      return {.bytes = std::move(values)};
    case Element::kFloat16:
      return CodeFrom<HalfValues>(place, form, values, to);
    case Element::kFloat32:
      if (to == Element::kFloat32) return KeepFloats(place, form, std::move(values));
      return CodeFrom<FloatValues>(place, form, values, to);
    case Element::kFloat64:
      return CodeFrom<DoubleValues>(place, form, values, to);
  }
  return {};
}

}  // namespace beamgrid
