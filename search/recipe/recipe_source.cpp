#include "search/recipe_source.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>
#include <variant>

#include "registry/util/text.h"
#include "search/recipe/section.h"
#include "search/recipe/toml_text.h"

namespace beamgrid {
namespace {

/// A step into a recipe: a key of a table, or the number of a list's element.
using Step = std::variant<std::string, std::size_t>;
using Steps = std::vector<Step>;

bool IsBareCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string QuotedText(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text)
    quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "\"";
}

std::string KeyText(const std::string& key) {
  const bool bare = !key.empty() && std::ranges::all_of(key, IsBareCharacter);
  return bare ? key : QuotedText(key);
}

/// Returns "grid.temporal[0].clusters".
std::string TextOf(const Steps& steps) {
  std::string text;
  for (const Step& step : steps) {
    if (const auto* index = std::get_if<std::size_t>(&step)) {
      text += "[" + std::to_string(*index) + "]";
    } else {
      text += (text.empty() ? "" : ".") + KeyText(std::get<std::string>(step));
    }
  }
  return text;
}

/// SetOption is one KEY=VALUE, read.
class SetOption {
 public:
  explicit SetOption(const std::string& text) : text_(text) {
    ReadKey();
    ReadValue();
  }

  [[nodiscard]] const Steps& steps() const { return steps_; }
  /// Returns the value as TOML, on one line.
  [[nodiscard]] const std::string& value() const { return value_; }

  [[noreturn]] void Refuse(const std::string& message) const { Tell(TextOf(steps_), message); }

 private:
  void ReadKey() {
    do {
      steps_.emplace_back(ReadName());
      while (at_ < text_.size() && text_[at_] == '[') steps_.emplace_back(ReadIndex());
    } while (at_ < text_.size() && text_[at_] == '.' && ++at_ > 0);
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size() || text_[at_] != '=') RefuseForm();
    ++at_;
  }

  std::string ReadName() {
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const std::size_t end = text_.find(text_[at_], at_ + 1);
      if (end == std::string::npos) RefuseForm();
      const std::size_t begin = at_ + 1;
      at_ = end + 1;
      return text_.substr(begin, end - begin);
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && IsBareCharacter(text_[at_])) ++at_;
    if (at_ == begin) RefuseForm();
    return text_.substr(begin, at_ - begin);
  }

  std::size_t ReadIndex() {
    const std::size_t end = std::min(text_.find(']', at_), text_.size());
    const auto index = ParseNumber<std::size_t>(text_.substr(at_ + 1, end - at_ - 1));
    if (!index || end == text_.size()) RefuseForm();
    at_ = end + 1;
    return *index;
  }

  [[noreturn]] void Tell(std::string key, std::string message) const {
    std::vector<Diagnostic> mistakes(1);
    mistakes[0].place.file = "--set " + text_;
    mistakes[0].key = std::move(key);
    mistakes[0].message = std::move(message);
    throw RecipeError(std::move(mistakes));
  }

  [[noreturn]] void RefuseForm() const {
    Tell("",
         "must be KEY=VALUE, as in train.epochs=5, study.seeds=[1,2] or "
         "grid.temporal[0].clusters=64");
  }

  void ReadValue() {
    value_ = text_.substr(at_);
    value_.erase(0, value_.find_first_not_of(' '));
    value_.erase(value_.find_last_not_of(' ') + 1);
    if (value_.empty()) Refuse("has no value; an empty text is written " + text_ + "'\"\"'");
    // On one line, so that it fits wherever a value stands.
    if (std::ranges::any_of(value_, [](char c) { return c >= 0 && c < ' '; })) {
      Refuse("the value must be on one line, without control characters");
    }
    if (IsToml(value_)) return;
    if (std::string("\"'[{").find(value_[0]) != std::string::npos) {
      Refuse("the value " + value_ + " is not valid TOML");
    }
    value_ = QuotedText(value_);
    if (!IsToml(value_)) Refuse("the value is not valid UTF-8");
  }

  /// As the only element of a list, so that nothing can follow it: no comment, no second key.
  static bool IsToml(const std::string& value) {
    try {
      const toml::table table = toml::parse("value = [" + value + "]");
      const toml::array* list = table["value"].as_array();
      return table.size() == 1 && list != nullptr && list->size() == 1;
    } catch (const toml::parse_error&) {
      return false;
    }
  }

  const std::string& text_;
  std::size_t at_ = 0;
  Steps steps_;
  std::string value_;
};

/// Returns the node that `step` leads to, or null.
const toml::node* Follow(const toml::node& node, const Step& step) {
  if (const auto* index = std::get_if<std::size_t>(&step)) {
    const toml::array* array = node.as_array();
    return array == nullptr ? nullptr : array->get(*index);
  }
  const toml::table* table = node.as_table();
  return table == nullptr ? nullptr : table->get(std::get<std::string>(step));
}

/// Edit is what is put into a text.
struct Edit {
  std::size_t begin = 0, bytes = 0;
  std::string text;
};

/// Placer finds where in a recipe's text a setting goes.
class Placer {
 public:
  Placer(const std::string& text, const toml::table& root, const SetOption& setting)
      : text_(text), root_(root), setting_(setting), node_(&root) {
    for (const Step& step : setting.steps()) {
      const toml::node* next = Follow(*node_, step);
      if (next == nullptr) break;
      node_ = next;
      ++found_;
    }
  }

  Edit Find() {
    if (found_ == setting_.steps().size()) return ReplaceValue();
    if (std::holds_alternative<std::size_t>(setting_.steps()[found_])) RefuseIndex();
    const toml::table* table = node_->as_table();
    if (table == nullptr) RefuseInside();
    for (const Step& step : Rest()) {
      if (std::holds_alternative<std::size_t>(step)) RefuseMissingList();
    }
    return table->is_inline() ? IntoInline(*table) : IntoSection();
  }

 private:
  [[nodiscard]] Steps Known() const {
    return {setting_.steps().begin(),
            setting_.steps().begin() + static_cast<std::ptrdiff_t>(found_)};
  }
  [[nodiscard]] Steps Rest() const {
    return {setting_.steps().begin() + static_cast<std::ptrdiff_t>(found_), setting_.steps().end()};
  }
  [[nodiscard]] std::size_t Begin(const toml::node& node) const {
    return ByteAt(text_, node.source().begin.line, node.source().begin.column);
  }
  [[nodiscard]] std::size_t End(const toml::node& node) const {
    return ByteAt(text_, node.source().end.line, node.source().end.column);
  }

  static bool IsListOfSections(const toml::node& node) {
    const toml::array* array = node.as_array();
    return array != nullptr && array->is_array_of_tables() &&
           !array->get(0)->as_table()->is_inline();
  }

  [[noreturn]] void RefuseIndex() const {
    const toml::array* array = node_->as_array();
    const std::string name = TextOf(Known());
    setting_.Refuse(array == nullptr ? name + " is " + KindOf(*node_) + ", not a list"
                                     : name + " has " + CountText(array->size(), "element") +
                                           "; the first one is " + name + "[0]");
  }

  [[noreturn]] void RefuseInside() const {
    const std::string name = TextOf(Known());
    if (!IsListOfSections(*node_))
      setting_.Refuse(name + " is " + KindOf(*node_) + ", not a table");
    const std::size_t count = node_->as_array()->size();
    Steps rest = Rest();
    // "g.t.1.b" means g.t[1].b.
    std::size_t place = 0;
    const std::string* key = std::get_if<std::string>(&rest.front());
    const auto number = key == nullptr ? std::nullopt : ParseNumber<std::size_t>(*key);
    if (number && rest.size() > 1) {
      place = *number;
      rest.erase(rest.begin());
    }
    setting_.Refuse(
        "there " +
        (count == 1 ? std::string("is 1 section") : "are " + std::to_string(count) + " sections") +
        " [[" + name + "]]; say which one, from 0: " + name + "[" + std::to_string(place) + "]." +
        TextOf(rest));
  }

  [[noreturn]] void RefuseMissingList() const {
    Steps missing = Known();
    for (const Step& step : Rest()) {
      if (std::holds_alternative<std::size_t>(step)) break;
      missing.push_back(step);
    }
    setting_.Refuse("the recipe has no " + TextOf(missing) + "; write its first section there");
  }

  [[nodiscard]] Edit ReplaceValue() const {
    const std::string name = TextOf(setting_.steps());
    if (IsListOfSections(*node_)) {
      setting_.Refuse("is a list of sections; set their keys one by one, as in " + name +
                      "[0].KEY=VALUE");
    }
    const toml::table* table = node_->as_table();
    if (table != nullptr && !table->is_inline()) {
      setting_.Refuse("is a section; set its keys one by one, as in " + name + ".KEY=VALUE");
    }
    return {Begin(*node_), End(*node_) - Begin(*node_), setting_.value()};
  }

  /// Before the brace that closes it.
  [[nodiscard]] Edit IntoInline(const toml::table& table) const {
    std::size_t at = End(table) - 1;
    while (text_[at - 1] == ' ') --at;
    return {at, 0, (table.empty() ? " " : ", ") + TextOf(Rest()) + " = " + setting_.value()};
  }

  [[nodiscard]] Edit IntoSection() const {
    const std::string line = TextOf(Rest()) + " = " + setting_.value() + "\n";
    if (found_ > 0 && HasHeader(*node_, Known())) return AfterLine(*node_, line);
    const std::size_t begin = Begin(*node_);
    const bool by_dotted_key = found_ > 0 && text_[begin] != '[';
    if (by_dotted_key) return BesideDottedKey();
    if (found_ == 0 && Rest().size() == 1) return {StartOfText(), 0, line};
    // A section that has no header yet, or is not there at all.
    Steps section = setting_.steps();
    const Step key = section.back();
    section.pop_back();
    return {text_.size(), 0,
            std::string(text_.empty() || text_.ends_with('\n') ? "" : "\n") + "[" +
                TextOf(section) + "]\n" + TextOf({key}) + " = " + setting_.value() + "\n"};
  }

  /// Returns whether the node's place is a header of its own: [grid.train] is one of grid.train,
  /// and the place of grid, which has none.
  [[nodiscard]] bool HasHeader(const toml::node& node, const Steps& steps) const {
    const std::size_t begin = Begin(node);
    if (text_[begin] != '[') return false;
    toml::table parsed;
    try {
      parsed = toml::parse(text_.substr(begin, End(node) - begin));
    } catch (const toml::parse_error&) {
      return false;
    }
    const toml::node* inner = &parsed;
    for (const Step& step : steps) {
      // [a.b] below [[a]] names the last a by its key alone.
      const bool is_index = std::holds_alternative<std::size_t>(step);
      if (is_index && !inner->is_array()) continue;
      inner = Follow(*inner, is_index ? Step(std::size_t{0}) : step);
      if (inner == nullptr) return false;
    }
    return inner->is_table() && inner->as_table()->empty();
  }

  /// In the line after the header of `section`.
  [[nodiscard]] Edit AfterLine(const toml::node& section, const std::string& line) const {
    const std::size_t end = text_.find('\n', Begin(section));
    if (end == std::string::npos) return {text_.size(), 0, "\n" + line};
    return {end + 1, 0, line};
  }

  /// After the header of the section in which the table is made by keys like `a.b = 1`.
  [[nodiscard]] Edit BesideDottedKey() const {
    const toml::node* section = &root_;
    std::size_t depth = 0;
    const toml::node* node = &root_;
    for (std::size_t i = 0; i < found_; ++i) {
      node = Follow(*node, setting_.steps()[i]);
      const Steps steps(setting_.steps().begin(),
                        setting_.steps().begin() + static_cast<std::ptrdiff_t>(i + 1));
      if (!node->is_table() || !HasHeader(*node, steps)) continue;
      section = node;
      depth = i + 1;
    }
    const Steps rest(setting_.steps().begin() + static_cast<std::ptrdiff_t>(depth),
                     setting_.steps().end());
    const std::string line = TextOf(rest) + " = " + setting_.value() + "\n";
    return depth == 0 ? Edit{StartOfText(), 0, line} : AfterLine(*section, line);
  }

  [[nodiscard]] std::size_t StartOfText() const {
    return text_.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // behind the mark of UTF-8
  }

  const std::string& text_;
  const toml::table& root_;
  const SetOption& setting_;
  const toml::node* node_;
  std::size_t found_ = 0;  ///< how many steps lead to something that is there
};

/// Returns the node that all steps lead to, or null.
const toml::node* Find(const toml::table& root, const Steps& steps) {
  const toml::node* node = &root;
  for (const Step& step : steps) {
    node = Follow(*node, step);
    if (node == nullptr) return nullptr;
  }
  return node;
}

/// Returns the value as text, so that two that are not a number are equal.
std::string Written(const toml::node& node) {
  toml::table table;
  table.insert("value", node);
  std::ostringstream text;
  text << table;
  return text.str();
}

}  // namespace

RecipeSource::RecipeSource(std::string text, std::string path,
                           const std::vector<std::string>& settings)
    : text_(std::move(text)),
      path_(std::move(path)),
      original_(text_),
      settings_(settings),
      pieces_({{.bytes = text_.size()}}) {
  for (std::size_t i = 0; i < settings_.size(); ++i) Put(settings_[i], static_cast<int>(i));
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    const std::string begin = text_.empty() || text_.ends_with('\n') ? "# --set " : "\n# --set ";
    Replace(text_.size(), 0, begin + settings_[i] + "\n", static_cast<int>(i));
  }
}

void RecipeSource::Put(const std::string& text, int number) {
  const SetOption setting(text);
  const toml::table before = ParseToml(*this);
  const Edit edit = Placer(text_, before, setting).Find();
  Replace(edit.begin, edit.bytes, edit.text, number);
  // Whatever form the recipe has: what was asked for is what stands there now.
  try {
    const toml::table after = toml::parse(text_);
    const toml::table asked = toml::parse("value = " + setting.value());
    const toml::node* now = Find(after, setting.steps());
    if (now != nullptr && Written(*now) == Written(*asked.get("value"))) return;
  } catch (const toml::parse_error&) {
    // Falls through to the refusal.
  }
  setting.Refuse("cannot be put into this recipe from here; write it in the file");
}

void RecipeSource::Replace(std::size_t begin, std::size_t bytes, const std::string& text,
                           int number) {
  text_.replace(begin, bytes, text);
  std::vector<Piece> pieces;
  std::size_t at = 0;
  bool put = false;
  const auto add = [&](Piece piece) {
    if (piece.bytes > 0) pieces.push_back(piece);
  };
  for (const Piece& piece : pieces_) {
    const std::size_t end = at + piece.bytes;
    const std::size_t kept = std::clamp(begin, at, end) - at;
    const std::size_t left = std::clamp(begin + bytes, at, end) - at;
    add({kept, piece.original, piece.setting});
    if (!put && begin <= end) {
      add({text.size(), 0, number});
      put = true;
    }
    add({piece.bytes - left, piece.original + left, piece.setting});
    at = end;
  }
  if (!put) add({text.size(), 0, number});
  pieces_ = std::move(pieces);
}

Place RecipeSource::PlaceOf(int line, int column) const {
  if (settings_.empty()) return {path_, line, column};
  std::size_t byte =
      ByteAt(text_, static_cast<std::size_t>(line), static_cast<std::size_t>(column));
  for (const Piece& piece : pieces_) {
    if (byte < piece.bytes && piece.setting >= 0) {
      return {"--set " + settings_[static_cast<std::size_t>(piece.setting)]};
    }
    if (byte < piece.bytes) return PlaceAt(original_, piece.original + byte, path_);
    byte -= piece.bytes;
  }
  return PlaceAt(original_, original_.size(), path_);
}

}  // namespace beamgrid
