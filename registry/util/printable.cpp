#include "registry/util/printable.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <streambuf>

#include "registry/util/character_columns.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

struct Range {
  char32_t first, last;
};

/// Characters that a terminal obeys or that nobody sees. The joiners U+200C and U+200D are not
/// among them: whole scripts are written with them.
constexpr Range kUnseen[] = {{0x7F, 0x9F},     {0x61C, 0x61C},   {0x200B, 0x200B},
                             {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                             {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};

bool IsUnseen(char32_t character) {
  return std::ranges::any_of(kUnseen, [character](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

bool IsPlain(char byte) { return (byte >= ' ' && byte <= '~') || byte == '\n' || byte == '\t'; }

/// The character that a well-formed sequence of 1 to 4 bytes stands for.
char32_t Decoded(std::string_view bytes) {
  constexpr unsigned char kMasks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t character = static_cast<unsigned char>(bytes[0]) & kMasks[bytes.size()];
  for (const char byte : bytes.substr(1)) {
    character = character << 6 | (static_cast<unsigned char>(byte) & 0x3F);
  }
  return character;
}

std::string Escaped(const char* format, unsigned number) {
  char text[16];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

/// Appends what is shown for the character, or the broken byte, that `text` begins with, and
/// returns how many bytes of it are done with.
std::size_t AppendShown(std::string_view text, std::string& shown) {
  const std::size_t bytes = CharacterBytes(text);
  const auto first = static_cast<unsigned char>(text.front());
  if (bytes == 0 || first < ' ') {
    shown += Escaped("\\x%02x", first);
    return 1;
  }
  const char32_t character = Decoded(text.substr(0, bytes));
  if (!IsUnseen(character)) {
    shown += text.substr(0, bytes);
  } else if (character <= 0x7F) {
    shown += Escaped("\\x%02x", character);
  } else {
    shown += Escaped(character <= 0xFFFF ? "\\u%04x" : "\\U%08x", character);
  }
  return bytes;
}

/// Appends the plain bytes that `text` begins with; returns their number.
std::size_t AppendPlain(std::string_view text, std::string& shown) {
  const auto end = std::ranges::find_if_not(text, IsPlain);
  shown.append(text.begin(), end);
  return static_cast<std::size_t>(std::distance(text.begin(), end));
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    text.remove_prefix(AppendPlain(text, shown));
    if (!text.empty()) text.remove_prefix(AppendShown(text, shown));
  }
  return shown;
}

std::string PrintableLine(std::string_view text) {
  std::string line;
  for (const char byte : Printable(text)) {
    if (byte == '\n') {
      line += "\\n";
    } else if (byte == '\t') {
      line += "\\t";
    } else {
      line += byte;
    }
  }
  return line;
}

std::string PrintableJson(std::string_view json) {
  std::string shown;
  shown.reserve(json.size());
  while (!json.empty()) {
    json.remove_prefix(AppendPlain(json, shown));
    if (json.empty()) break;
    const std::size_t bytes = CharacterBytes(json);
    const char32_t character = bytes == 0 ? U'\uFFFD' : Decoded(json.substr(0, bytes));
    if (bytes != 0 && !IsUnseen(character)) {
      shown += json.substr(0, bytes);
    } else if (character <= 0xFFFF) {
      shown += Escaped("\\u%04x", character);
    } else {
      // UTF-16, as JSON has it: ten bits in each half of the pair.
      shown += Escaped("\\u%04x", 0xD800 + ((character - 0x10000) >> 10));
      shown += Escaped("\\u%04x", 0xDC00 + (character & 0x3FF));
    }
    json.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return shown;
}

namespace {

/// The columns and the bytes of the character that a text begins with.
struct Extent {
  std::size_t columns, bytes;
};

Extent FirstExtent(std::string_view text) {
  const std::size_t bytes = std::max<std::size_t>(CharacterBytes(text), 1);
  if (bytes == 1) return {1, 1};
  return {CharacterColumns(Decoded(text.substr(0, bytes))), bytes};
}

}  // namespace

std::size_t ColumnsOf(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Extent first = FirstExtent(text);
    columns += first.columns;
    text.remove_prefix(first.bytes);
  }
  return columns;
}

std::string_view FirstColumns(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  while (end < text.size()) {
    const Extent next = FirstExtent(text.substr(end));
    if (next.columns > columns) break;
    columns -= next.columns;
    end += next.bytes;
  }
  return text.substr(0, end);
}

/// Buffer holds back the beginning of a character whose rest is still to come.
class PrintableOutput::Buffer : public std::streambuf {
 public:
  explicit Buffer(std::ostream& target) : target_(target) {}

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    held_.append(bytes, static_cast<std::size_t>(size));
    return Pass(held_.size() - CutOffBytes(held_)) ? size : 0;
  }
  int_type overflow(int_type byte) override {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char one = traits_type::to_char_type(byte);
    return xsputn(&one, 1) == 1 ? byte : traits_type::eof();
  }
  int sync() override { return Pass(held_.size()) && target_.flush() ? 0 : -1; }

 private:
  /// Passes on the first `bytes` of what is held.
  bool Pass(std::size_t bytes) {
    const std::string shown = Printable(std::string_view(held_).substr(0, bytes));
    held_.erase(0, bytes);
    return static_cast<bool>(
        target_.write(shown.data(), static_cast<std::streamsize>(shown.size())));
  }

  std::ostream& target_;
  std::string held_;
};

PrintableOutput::PrintableOutput(std::ostream& target)
    : std::ostream(nullptr), buffer_(std::make_unique<Buffer>(target)) {
  rdbuf(buffer_.get());
  // As std::cerr: whoever reads along sees each line at once.
  if ((target.flags() & std::ios_base::unitbuf) != 0) setf(std::ios_base::unitbuf);
}

PrintableOutput::~PrintableOutput() { flush(); }

}  // namespace beamgrid
