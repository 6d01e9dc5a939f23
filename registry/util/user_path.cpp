#include "registry/util/user_path.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

bool IsVariableStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsVariableCharacter(char c) { return IsVariableStart(c) || (c >= '0' && c <= '9'); }

class Expansion {
 public:
  Expansion(const std::string& name, const std::function<std::string(const std::string&)>& quote)
      : name_(name), quote_(quote) {}

  std::string Expand() {
    if (name_.starts_with('~')) ExpandHome();
    while (at_ < name_.size()) {
      if (name_[at_] == '$') {
        ExpandVariable();
      } else {
        result_ += name_[at_++];
      }
    }
    return std::move(result_);
  }

 private:
  void ExpandHome() {
    at_ = std::min(name_.find('/'), name_.size());
    const std::string user = name_.substr(1, at_ - 1);
    const char* home = user.empty() ? std::getenv("HOME") : nullptr;
    if (home != nullptr && *home != '\0') return Put(home);
    const passwd* entry = user.empty() ? getpwuid(getuid()) : getpwnam(user.c_str());
    if (entry == nullptr) {
      Refuse(user.empty() ? "HOME is not set" : "there is no user '" + user + "'");
    }
    Put(entry->pw_dir);
  }

  void ExpandVariable() {
    const std::string_view rest = std::string_view(name_).substr(at_ + 1);
    if (rest.starts_with('$')) {
      result_ += '$';
      at_ += 2;
    } else if (rest.starts_with('{')) {
      const std::size_t end = rest.find('}');
      if (end == std::string_view::npos) Refuse("'${' has no '}'");
      PutVariable(std::string(rest.substr(1, end - 1)));
      at_ += end + 2;
    } else if (!rest.empty() && IsVariableStart(rest.front())) {
      const auto end = std::ranges::find_if_not(rest, IsVariableCharacter);
      PutVariable(std::string(rest.begin(), end));
      at_ += 1 + static_cast<std::size_t>(end - rest.begin());
    } else {
      result_ += name_[at_++];
    }
  }

  void PutVariable(const std::string& variable) {
    const bool sound = !variable.empty() && IsVariableStart(variable.front()) &&
                       std::ranges::all_of(variable, IsVariableCharacter);
    if (!sound) Refuse("'${" + variable + "}' is no name of a variable; only ${NAME} is known");
    const char* value = std::getenv(variable.c_str());
    // An empty one would turn $DATA/x into /x.
    if (value == nullptr || *value == '\0') {
      Refuse("the environment variable " + variable +
             (value == nullptr ? " is not set" : " is empty") + " ($$ is a dollar sign)");
    }
    Put(value);
  }

  void Put(const std::string& value) { result_ += quote_ ? quote_(value) : value; }

  [[noreturn]] void Refuse(const std::string& why) const {
    throw Error("\"" + name_ + "\": " + why);
  }

  const std::string& name_;
  const std::function<std::string(const std::string&)>& quote_;
  std::size_t at_ = 0;
  std::string result_;
};

}  // namespace

std::string ExpandUserPath(const std::string& name,
                           const std::function<std::string(const std::string&)>& quote) {
  return Expansion(name, quote).Expand();
}

std::string UserPath(const std::string& name, const std::filesystem::path& folder) {
  if (name.find_first_of("~$") == std::string::npos) return name;
  std::error_code unknown;
  return std::filesystem::exists(folder / name, unknown) ? name : ExpandUserPath(name);
}

}  // namespace beamgrid
