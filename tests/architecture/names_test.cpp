// Two classes of one name in one namespace, in different files, are undefined behaviour that no
// compiler and no linker reports: a program may run the functions of one on objects of the other.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// The classes that the file defines, with their namespaces. Those of unnamed namespaces are its
/// own affair.
std::set<std::string> ClassesOf(const fs::path& path) {
  static const std::regex begins(R"(^namespace ?([\w:]*) ?\{)"), ends(R"(^\}  // namespace)"),
      defines(
          R"(^(?:template <.*> )?(?:struct|class|enum class) (\w+)(?: final)?(?: :[^;]*)?\s*\{)");
  std::set<std::string> classes;
  std::vector<std::string> namespaces;
  std::ifstream in(path);
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, match, begins)) {
      namespaces.push_back(match[1]);
    } else if (std::regex_search(line, ends) && !namespaces.empty()) {
      namespaces.pop_back();
    } else if (std::regex_search(line, match, defines)) {
      std::string name;
      bool of_the_file = false;
      for (const std::string& part : namespaces) {
        of_the_file = of_the_file || part.empty();
        name += part + "::";
      }
      if (!of_the_file) classes.insert(name + std::string(match[1]));
    }
  }
  return classes;
}

TEST(Names, AClassIsDefinedInOneFile) {
  std::map<std::string, std::string> first_file;
  const fs::path root(BEAMGRID_SOURCE_DIR);
  for (const char* top : {"registry", "search", "trainer", "reports", "orchestrator"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      const std::string file = fs::relative(entry.path(), root).string();
      for (const std::string& name : ClassesOf(entry.path())) {
        const auto [known, is_new] = first_file.emplace(name, file);
        EXPECT_TRUE(is_new) << name << " is defined in " << known->second << " and in " << file;
      }
    }
  }
  EXPECT_GT(first_file.size(), 200U) << "is the test looking at the right place?";
}

}  // namespace
