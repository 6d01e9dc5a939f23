#include "search/recipe/toml_text.h"

#include <algorithm>

namespace beamgrid {
namespace {

[[noreturn]] void RefuseSyntax(const toml::parse_error& error, const RecipeSource& source) {
  const auto& place = error.source().begin;
  throw RecipeError({{source.PlaceOf(static_cast<int>(place.line), static_cast<int>(place.column)),
                      "", "not valid TOML: " + std::string(error.description())}});
}

/// Returns the bytes of the string or comment that `rest` begins with; 0: it begins with none.
std::size_t TextBytes(std::string_view rest) {
  if (rest[0] == '#') return std::min(rest.find('\n'), rest.size());
  if (rest[0] != '"' && rest[0] != '\'') return 0;
  const bool lines = rest.substr(0, 3) == std::string(3, rest[0]);
  const std::string_view quotes = rest.substr(0, lines ? 3 : 1);
  for (std::size_t at = quotes.size(); at < rest.size(); ++at) {
    if (rest[at] == '\n' && !lines) return at;
    if (rest.substr(at).starts_with(quotes)) return at + quotes.size();
    if (rest[at] == '\\' && rest[0] == '"') ++at;
  }
  return rest.size();
}

/// Refuses keys of more than 16 parts. One of a hundred thousand ("a.a.a...") makes as many tables
/// of toml++ inside each other, whose destructors run out of stack. No recipe needs more than four:
/// search.baseline.temporal.clusters.
void RefuseLongKeys(const RecipeSource& source) {
  constexpr int kMostParts = 16;
  const std::string_view text = source.text();
  int parts = 1;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const std::size_t bytes = TextBytes(text.substr(at)); bytes > 0) {
      at += bytes - 1;
      continue;
    }
    if (std::string_view("=,[]{}\n").find(text[at]) != std::string_view::npos) parts = 1;
    if (text[at] != '.' || ++parts <= kMostParts) continue;
    const Place place = PlaceAt(text, at, "");
    throw RecipeError(
        {{source.PlaceOf(place.line, place.column), "",
          "not a recipe: a key of more than " + std::to_string(kMostParts) + " parts"}});
  }
}

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

}  // namespace

toml::table ParseToml(const RecipeSource& source) {
  RefuseLongKeys(source);
  try {
    return toml::parse(source.text(), source.path());
  } catch (const toml::parse_error& error) {
    RefuseSyntax(error, source);
  }
}

std::size_t ByteAt(std::string_view text, std::size_t line, std::size_t column) {
  std::size_t at = 0;
  for (; line > 1 && at < text.size(); --line) {
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  for (; column > 1 && at < text.size() && text[at] != '\n'; --column) {
    do ++at;
    while (at < text.size() && !BeginsCharacter(text[at]));
  }
  return at;
}

Place PlaceAt(std::string_view text, std::size_t byte, const std::string& file) {
  const std::string_view before = text.substr(0, byte);
  const std::string_view line = before.substr(before.rfind('\n') + 1);
  return {file, static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(std::ranges::count_if(line, BeginsCharacter)) + 1};
}

}  // namespace beamgrid
