#pragma once
// JSON that keeps numbers exactly, and readers that name what is wrong. Boost.JSON 1.81's own
// parser is off by one unit in the last place for about one double in ten, which would change
// fingerprints and results when they are read back; everything of ours parses with ParseJson.

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace beamgrid {

/// Throws std::invalid_argument with the reason and the offset.
[[nodiscard]] boost::json::value ParseJson(std::string_view text);

/// Deterministic compact JSON: object keys sorted, doubles in shortest round-trip form (1 prints as
/// 1.0, -0 as 0.0). Throws std::invalid_argument for a number that is not finite.
[[nodiscard]] std::string CanonicalJson(const boost::json::value& value);

/// NumberOrNull is null for a number that is not finite: not measured.
[[nodiscard]] boost::json::value NumberOrNull(double number);

/// JsonList is the JSON array of what `to_json` makes of each item.
template <typename Items, typename ToJson = std::identity>
[[nodiscard]] boost::json::array JsonList(const Items& items, const ToJson& to_json = {}) {
  boost::json::array list;
  for (const auto& item : items) list.emplace_back(std::invoke(to_json, item));
  return list;
}

/// Reads the members of one object; each reader throws std::invalid_argument that names the key
/// ("data.classes: must be an integer, is \"many\""). Holds references to what it was given.
class JsonReader {
 public:
  /// `where` names the object in messages ("data"); empty for the root.
  JsonReader(const boost::json::value& value, std::string where);
  JsonReader(const boost::json::object& object, std::string where);
  JsonReader(boost::json::value&&, std::string) = delete;  ///< would not outlive the call
  JsonReader(boost::json::object&&, std::string) = delete;

  [[nodiscard]] bool Has(std::string_view key) const;
  [[nodiscard]] const boost::json::value& At(std::string_view key) const;
  [[nodiscard]] std::string Text(std::string_view key) const;
  [[nodiscard]] std::int64_t Integer(std::string_view key) const;
  [[nodiscard]] double Number(std::string_view key) const;  ///< an integer is a number too
  [[nodiscard]] bool Boolean(std::string_view key) const;
  [[nodiscard]] const boost::json::array& List(std::string_view key) const;
  [[nodiscard]] JsonReader Object(std::string_view key) const;

  [[nodiscard]] const boost::json::object& object() const { return *object_; }
  /// "data.classes"
  [[nodiscard]] std::string PathOf(std::string_view key) const;

 private:
  [[noreturn]] void Refuse(std::string_view key, std::string_view expected) const;

  const boost::json::object* object_;
  std::string where_;
};

}  // namespace beamgrid
