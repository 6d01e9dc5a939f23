#include "orchestrator/commands/lists.h"

#include <cctype>
#include <filesystem>
#include <sstream>

#include "registry/util/error.h"
#include "registry/util/user_path.h"

namespace beamgrid {
namespace {

void AddItem(std::string_view item, std::vector<std::string>* items) {
  const std::size_t begin = item.find_first_not_of(' ');
  if (begin == std::string_view::npos) return;
  items->emplace_back(item.substr(begin, item.find_last_not_of(' ') + 1 - begin));
}

void Split(std::string_view text, std::vector<std::string>* items) {
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '[' || text[at] == '(') ++depth;
    if (text[at] == ']' || text[at] == ')') --depth;
    if (text[at] != ',' || depth > 0) continue;
    AddItem(text.substr(begin, at - begin), items);
    begin = at + 1;
  }
  AddItem(text.substr(begin), items);
}

std::string UserPathOrRefuse(const std::string& file) {
  try {
    return UserPath(file);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

std::vector<std::string> ListItems(const std::vector<std::string>& given) {
  std::vector<std::string> items;
  for (const std::string& text : given) Split(text, &items);
  return items;
}

std::vector<std::string> SizeItems(const std::vector<std::string>& given) {
  std::vector<std::string> sizes;
  for (const std::string& item : ListItems(given)) {
    std::istringstream words(item);
    for (std::string word; words >> word;) {
      const bool unit = std::isalpha(static_cast<unsigned char>(word.front())) != 0;
      const bool bare =
          !sizes.empty() && std::isdigit(static_cast<unsigned char>(sizes.back().back())) != 0;
      if (unit && bare) {
        sizes.back() += word;
      } else {
        sizes.push_back(word);
      }
    }
  }
  return sizes;
}

std::vector<std::string> ListedFiles(const std::vector<std::string>& given) {
  std::vector<std::string> files;
  for (const std::string& text : given) {
    std::error_code unknown;
    if (std::filesystem::exists(text, unknown)) {
      files.push_back(text);
    } else {
      Split(text, &files);
    }
  }
  // The first name of a list has been seen to, but `~` counts at the start of the others too.
  for (std::string& file : files) file = UserPathOrRefuse(file);
  return files;
}

}  // namespace beamgrid
