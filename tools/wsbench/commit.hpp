#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace cli {

namespace detail {

/// The first line of a file; empty where it cannot be read.
inline std::string first_line_of(const std::filesystem::path& name) {
  std::ifstream file(name);
  std::string line;
  std::getline(file, line);
  return line;
}

/// What follows a word at the beginning of a line; empty where it begins otherwise.
inline std::string after(std::string_view word, const std::string& line) {
  return line.starts_with(word) ? line.substr(word.size()) : std::string();
}

inline bool is_commit(std::string_view text) {
  return text.size() >= 40 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// What a branch is at in a git folder: a file of its own, or a line among those that were packed (gitrepository-layout(5)).
inline std::string branch_commit(const std::filesystem::path& folder, const std::string& branch) {
  if (std::string own = first_line_of(folder / branch); is_commit(own)) return own;
  std::ifstream packed(folder / "packed-refs");
  for (std::string line; std::getline(packed, line);) {
    const std::size_t space = line.find(' ');
    if (space != line.npos && line.substr(space + 1) == branch && is_commit(line.substr(0, space))) return line.substr(0, space);
  }
  return {};
}

/// What HEAD is at in a git folder.
inline std::string head_commit(const std::filesystem::path& folder) {
  const std::string head = first_line_of(folder / "HEAD");
  const std::string branch = after("ref: ", head);
  if (branch.empty()) return is_commit(head) ? head : std::string();
  if (std::string commit = branch_commit(folder, branch); !commit.empty()) return commit;
  // A linked worktree has a HEAD of its own, and its branches where the repository is.
  const std::string common = first_line_of(folder / "commondir");
  return common.empty() ? std::string() : branch_commit(folder / common, branch);
}

/// HEAD of the repository that a folder is in; empty where it is in none.
inline std::string repository_commit(std::filesystem::path folder) {
  for (;; folder = folder.parent_path()) {
    const std::filesystem::path git = folder / ".git";
    std::error_code unreadable;
    if (std::filesystem::is_directory(git, unreadable)) return head_commit(git);
    // Of a linked worktree or a submodule it is a file that says where.
    if (const std::string elsewhere = after("gitdir: ", first_line_of(git)); !elsewhere.empty()) return head_commit(folder / elsewhere);
    if (folder == folder.parent_path()) return {};
  }
}

}  // namespace detail

/// The commit that is tested as far as the surroundings tell: what GitHub or GitLab say they build, else git's HEAD of the current folder;
/// empty: not known.
inline std::string current_commit() {
  for (const char* const name : {"GITHUB_SHA", "CI_COMMIT_SHA"}) {
    if (const char* const commit = std::getenv(name); commit != nullptr && *commit != '\0') return commit;
  }
  std::error_code gone;
  return detail::repository_commit(std::filesystem::current_path(gone));
}

}  // namespace cli
