#include "orchestrator/importing/npy_header.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "registry/util/input_error.h"
#include "registry/util/printable.h"

namespace beamgrid {
namespace {

static_assert(std::endian::native == std::endian::little, "values are taken as they stand");

constexpr std::string_view kMagic = "\x93NUMPY";

/// HeaderText reads the dictionary of the header, which is all of Python that is understood.
class HeaderText {
 public:
  HeaderText(const std::string& place, std::string_view text) : place_(place), rest_(text) {}

  /// Reads all three entries, in any order, each once.
  void Read() {
    Expect('{');
    while (!Take('}')) {
      const std::string key = String();
      Expect(':');
      if (key == "descr" && !descr_) {
        descr_ = Type();
      } else if (key == "fortran_order" && !fortran_) {
        fortran_ = Boolean();
      } else if (key == "shape" && !shape_) {
        shape_ = Shape();
      } else {
        Refuse();
      }
      if (Take('}')) break;
      Expect(',');
    }
    SkipSpace();
    if (!rest_.empty() || !descr_ || !fortran_ || !shape_) Refuse();
  }

  [[nodiscard]] const std::string& descr() const { return *descr_; }
  [[nodiscard]] bool fortran() const { return *fortran_; }
  [[nodiscard]] const std::vector<std::uint64_t>& shape() const { return *shape_; }

 private:
  [[noreturn]] void Refuse() const {
    throw InputError(place_ +
                     ": its header is none of a NumPy array; write the file with numpy.save again");
  }
  void SkipSpace() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n\t"), rest_.size()));
  }
  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) {
    if (!Take(c)) Refuse();
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string String() {
    const char quote = Take('\'') ? '\'' : '"';
    if (quote == '"') Expect('"');
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) Refuse();
    const std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string Type() {
    SkipSpace();
    if (rest_.starts_with('[')) {
      throw InputError(place_ +
                       ": an array of records with named fields; save one plain array of numbers");
    }
    return String();
  }
  bool Boolean() {
    if (TakeWord("True")) return true;
    if (!TakeWord("False")) Refuse();
    return false;
  }
  std::vector<std::uint64_t> Shape() {
    std::vector<std::uint64_t> shape;
    Expect('(');
    while (!Take(')')) {
      SkipSpace();
      std::uint64_t side = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), side);
      if (error != std::errc()) Refuse();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      TakeWord("L");  // as Python 2 wrote long numbers
      shape.push_back(side);
      if (Take(')')) break;
      Expect(',');
    }
    return shape;
  }

  const std::string& place_;
  std::string_view rest_;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_;
  std::optional<std::vector<std::uint64_t>> shape_;
};

struct NamedElement {
  std::string_view name;
  Element element;
};
constexpr NamedElement kElements[] = {{"u1", Element::kUint8},
                                      {"f2", Element::kFloat16},
                                      {"f4", Element::kFloat32},
                                      {"f8", Element::kFloat64}};

/// Reads a type such as "<f4": order of bytes, kind and size.
void ReadType(const std::string& place, const std::string& descr, NpyHeader* header) {
  const bool ordered =
      !descr.empty() && std::string_view("<>|=").find(descr.front()) != std::string_view::npos;
  const std::string_view name = std::string_view(descr).substr(ordered ? 1 : 0);
  const auto* found = std::ranges::find(kElements, name, &NamedElement::name);
  if (name.starts_with('O')) {
    throw InputError(place +
                     ": an array of Python objects (a pickle), which is never opened, because that "
                     "may run any program; save numbers: numpy.save(file, a.astype('float32'))");
  }
  if (found == std::end(kElements)) {
    throw InputError(place + ": values of type '" + PrintableLine(descr).substr(0, 40) +
                     "', must be float16, float32, float64 or uint8: a.astype('float32')");
  }
  header->form.element = found->element;
  header->order = descr.front() == '>' ? std::endian::big : std::endian::little;
}

[[noreturn]] void RefuseCutOff(const std::string& place) {
  throw InputError(place + ": the file ends inside its header: it is cut off, copy it again");
}

}  // namespace

std::size_t NpyHeaderBytes(const std::string& place, std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    const bool pickle = bytes.starts_with('\x80');
    throw InputError(place + (pickle
                                  ? ": a pickle, which is never opened, because that may run any "
                                    "program; write it with numpy.save"
                                  : ": is no NumPy array file (numpy.save writes them)"));
  }
  if (bytes.size() < 12) RefuseCutOff(place);
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const unsigned version = byte(6);
  if (version < 1 || version > 3) {
    throw InputError(place + ": version " + std::to_string(version) +
                     " of NumPy's format, known are 1 to 3");
  }
  std::size_t length = byte(8) + (std::size_t{byte(9)} << 8);
  if (version > 1) length += (std::size_t{byte(10)} << 16) + (std::size_t{byte(11)} << 24);
  if (length > kLongestNpyHeader - 12) {
    throw InputError(place + ": a header of " + std::to_string(length) +
                     " bytes, which no array of numbers has: damaged, or no NumPy array file");
  }
  return (version == 1 ? 10 : 12) + length;
}

NpyHeader ParseNpyHeader(const std::string& place, std::string_view bytes) {
  const std::size_t length = NpyHeaderBytes(place, bytes);
  if (length > bytes.size()) RefuseCutOff(place);
  const std::size_t begin = bytes[6] == 1 ? 10 : 12;
  HeaderText text(place, bytes.substr(begin, length - begin));
  text.Read();
  NpyHeader header;
  ReadType(place, text.descr(), &header);
  header.form = FormOfShape(place, header.form.element, text.shape().data(), text.shape().size());
  header.fortran = text.fortran() && header.form.level == ArrayLevel::kFrame;
  header.bytes = length;
  return header;
}

std::string InOrder(const NpyHeader& header, std::string values) {
  const ArrayForm& form = header.form;
  const std::size_t size = SizeOf(form.element);
  if (header.order == std::endian::big && size > 1) {
    for (std::size_t at = 0; at < values.size(); at += size) {
      std::reverse(values.begin() + static_cast<std::ptrdiff_t>(at),
                   values.begin() + static_cast<std::ptrdiff_t>(at + size));
    }
  }
  if (!header.fortran) return values;
  std::string rows(values.size(), '\0');
  for (std::size_t column = 0; column < form.width; ++column) {
    for (std::size_t frame = 0; frame < form.frames; ++frame) {
      std::copy_n(values.data() + (column * form.frames + frame) * size, size,
                  rows.data() + (frame * form.width + column) * size);
    }
  }
  return rows;
}

}  // namespace beamgrid
