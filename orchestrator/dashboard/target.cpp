#include "orchestrator/dashboard/target.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <vector>

#include "registry/criteria.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::size_t kWordBytesMax = 200;

std::optional<unsigned> HexDigit(char c) {
  const auto at = kHexDigits.find(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

enum class Plus { kIsItself, kIsASpace };

/// Returns the text that `%41` and the like stand for; nothing where it is none, or none that a
/// name may be.
std::optional<std::string> Decoded(std::string_view text, Plus plus) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+' && plus == Plus::kIsASpace) {
      decoded += ' ';
    } else if (text[at] == '%') {
      if (text.size() - at < 3) return std::nullopt;
      const auto high = HexDigit(text[at + 1]), low = HexDigit(text[at + 2]);
      if (!high || !low) return std::nullopt;
      decoded += static_cast<char>(*high * 16 + *low);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  const bool is_shown = PrintableLine(decoded) == decoded;  // no controls, and UTF-8
  if (!is_shown || decoded.size() > kWordBytesMax) return std::nullopt;
  return decoded;
}

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain && byte < 128) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHexDigits[byte >> 4];
      encoded += kHexDigits[byte & 15];
    }
  }
  return encoded;
}

std::vector<std::string_view> SplitAt(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    const std::size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

/// Returns the criteria that trials are chosen by: those that name a component.
std::vector<std::string> FilterCriteria() {
  std::vector<std::string> names;
  for (const Criterion& criterion : kCriteria) {
    if (criterion.role != CriterionRole::kSettings) names.emplace_back(criterion.name);
  }
  return names;
}

std::vector<std::string> KeysFor(const Target& target) {
  if (target.kind == ViewKind::kStudies || target.kind == ViewKind::kTrial) return {};
  std::vector<std::string> keys = FilterCriteria();
  keys.emplace_back("name");
  if (target.kind == ViewKind::kStudy) keys.insert(keys.end(), {"sort", "page"});
  return keys;
}

bool IsComponentName(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
}

std::string TextOfPart(const PartOfFilter& part) {
  std::string text = part.component;
  for (const auto& [option, value] : part.options) text += " " + option + "=" + value;
  return text;
}

std::optional<Refusal> TakeSort(std::string_view value, Target& target) {
  target.descending = value.starts_with('-');
  if (target.descending) value.remove_prefix(1);
  target.sort = value;
  if (std::ranges::find(kSortColumns, value) != std::end(kSortColumns)) return std::nullopt;
  return Refusal{400, "sort=" + target.sort + ": no such column; they are " + Join(kSortColumns) +
                          ", each with a - before it for the largest first"};
}

std::optional<Refusal> Take(const std::string& key, const std::string& value, Target& target) {
  if (key == "sort") return TakeSort(value, target);
  if (key == "name") {
    target.filter.name = value;
  } else if (key == "page") {
    constexpr std::int64_t kPagesMax = 1'000'000'000;
    const auto page = ParseNumber<std::int64_t>(value);
    if (!page || *page < 1 || *page > kPagesMax) {
      return Refusal{400, "page=" + value + ": must be a whole number from 1"};
    }
    target.page = *page;
  } else if (const auto part = ParsePartOfFilter(value)) {
    target.filter.parts[key] = TextOfPart(*part);
  } else {
    return Refusal{400, key + " = '" + value +
                            "' is no component, with options or without, as in 'moe' or 'moe "
                            "experts=2'"};
  }
  return std::nullopt;
}

std::optional<Refusal> TakeQuery(std::string_view query, Target& target) {
  const std::vector<std::string> known = KeysFor(target);
  std::vector<std::string> seen;
  for (const std::string_view piece : SplitAt(query, '&')) {
    if (piece.empty()) continue;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    const auto key = Decoded(piece.substr(0, equals), Plus::kIsASpace);
    const auto value = Decoded(piece.substr(std::min(equals + 1, piece.size())), Plus::kIsASpace);
    if (!key || !value) return Refusal{400, "the address holds what is no text"};
    if (std::ranges::count(known, *key) == 0) {
      return Refusal{400, "'" + *key + "' is nothing that this page can be asked for; " +
                              (known.empty() ? "it takes nothing" : "it takes " + Join(known)) +
                              Suggestion(*key, known, "")};
    }
    if (std::ranges::count(seen, *key) > 0) return Refusal{400, *key + ": is there twice"};
    seen.push_back(*key);
    // A form sends its empty fields too: they mean nothing.
    if (value->empty()) continue;
    if (auto refusal = Take(*key, *value, target)) return refusal;
  }
  return std::nullopt;
}

/// Reads "studies/NAME/report/SECTION" and the like; false where there is no such place.
bool TakePath(std::vector<std::string> places, Target& target) {
  if (!places.empty() && places.front() == "api") {
    target.form = ViewForm::kJson;
    places.erase(places.begin());
    if (places.empty()) return false;
  }
  if (places.empty()) return true;
  if (places[0] != "studies") return false;
  if (places.size() == 1) return true;
  target.kind = ViewKind::kStudy;
  target.study = places[1];
  if (target.study.empty()) return false;
  if (places.size() == 2) return true;
  if (places[2] == "trials") {
    const auto trial = ParseNumber<std::int64_t>(places.size() == 4 ? places[3] : "");
    target.kind = ViewKind::kTrial;
    target.trial = trial.value_or(0);
    return trial && *trial > 0 && std::to_string(*trial) == places[3];
  }
  if (places[2] != "report" || places.size() > 4 || target.form == ViewForm::kJson) return false;
  target.kind = ViewKind::kReport;
  if (places.size() == 4) target.section = places[3];
  return places.size() == 3 || !target.section.empty();
}

}  // namespace

std::optional<PartOfFilter> ParsePartOfFilter(std::string_view text) {
  PartOfFilter part;
  for (const std::string_view word : SplitAt(text, ' ')) {
    if (word.empty()) continue;
    const std::size_t equals = word.find('=');
    const std::string name(word.substr(0, equals));
    if (!IsComponentName(name) || name.empty()) return std::nullopt;
    const bool is_option = equals != std::string_view::npos;
    if (is_option == part.component.empty()) return std::nullopt;  // one component, then options
    if (!is_option) {
      part.component = name;
      continue;
    }
    const std::string value(word.substr(equals + 1));
    if (value.empty() || value.find('"') != std::string::npos) return std::nullopt;
    if (!part.options.emplace(name, value).second) return std::nullopt;
  }
  if (part.component.empty()) return std::nullopt;
  return part;
}

std::string Target::Text() const {
  std::string text = form == ViewForm::kJson ? "/api/studies" : "/";
  if (kind != ViewKind::kStudies) {
    if (form == ViewForm::kPage) text += "studies";
    text += "/" + Encoded(study);
  }
  if (kind == ViewKind::kTrial) text += "/trials/" + std::to_string(trial);
  if (kind == ViewKind::kReport)
    text += section.empty() ? "/report" : "/report/" + Encoded(section);
  std::string query;
  const auto add = [&query](std::string_view key, const std::string& value) {
    query += (query.empty() ? "?" : "&") + std::string(key) + "=" + value;
  };
  if (!filter.name.empty()) add("name", Encoded(filter.name));
  for (const auto& [criterion, component] : filter.parts) add(criterion, Encoded(component));
  if (!sort.empty()) add("sort", (descending ? "-" : "") + sort);
  if (page != 1) add("page", std::to_string(page));
  return text + query;
}

ViewForm FormOf(std::string_view text) {
  constexpr std::string_view kApi = "/api";
  const bool is_api =
      text.starts_with(kApi) &&
      (text.size() == kApi.size() || text[kApi.size()] == '/' || text[kApi.size()] == '?');
  return is_api ? ViewForm::kJson : ViewForm::kPage;
}

std::variant<Target, Refusal> ParseTarget(std::string_view text) {
  if (text.size() > kTargetBytesMax) {
    return Refusal{414, "the address is longer than " + std::to_string(kTargetBytesMax) + " bytes"};
  }
  if (!text.starts_with('/') || text.find('#') != std::string_view::npos) {
    return Refusal{400, "the request does not name a place of this server"};
  }
  const std::size_t question = std::min(text.find('?'), text.size());
  std::string_view path = text.substr(1, question - 1);
  if (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> places;
  for (const std::string_view piece : SplitAt(path, '/')) {
    if (path.empty()) break;
    auto place = Decoded(piece, Plus::kIsItself);
    if (!place) return Refusal{400, "the address holds what is no text"};
    places.push_back(*std::move(place));
  }
  Target target;
  if (!TakePath(std::move(places), target)) {
    return Refusal{404, "there is no such page; / lists the studies"};
  }
  const std::string_view query = text.substr(std::min(question + 1, text.size()));
  if (auto refusal = TakeQuery(query, target)) return *std::move(refusal);
  return target;
}

}  // namespace beamgrid
